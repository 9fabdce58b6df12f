import { setTimeout as elapse } from 'node:timers/promises';
import { buildRawFrame, equal, greaseType } from '../../model/codec.ts';
import { limit } from '../../model/registry.ts';
import { assertEqual, fail } from '../../peer/failure.ts';
import type { ClientPeer } from '../../peer/client-peer.ts';
import type { ReceivedFrame } from '../../peer/received-frame.ts';
import type { ServerCase } from '../case.ts';
import { serverCases } from '../case.ts';
import type { ServerContext } from '../server-context.ts';
import { expectExactly } from './client-frames.ts';
import { sourceRequest } from './message-flow.ts';

type NewCase = Omit<ServerCase, 'role'>;

const BURST = limit('control_burst_frames');
const REFILL = limit('control_refill_per_second');
const FACTOR = limit('control_tolerance_factor');
const OUTSTANDING = limit('max_outstanding_pings');

/** Enough to be beyond the tolerance even if they took the server two seconds to read. */
const FLOOD = FACTOR * (BURST + 2 * REFILL) + 1;

const ignorable = (n: number): Uint8Array => buildRawFrame({ type: greaseType(n), payload: Uint8Array.of(n & 0xff) });

/** PINGs, each of which is answered; never more unanswered than a sender may have. */
async function pingAndPong(peer: ClientPeer, count: number, requirement: string): Promise<void> {
  for (let sent = 0; sent < count;) {
    const batch = Math.min(OUTSTANDING, count - sent);
    const data = Array.from({ length: batch }, () => peer.random(8));
    peer.sendTogether(data.map((octets) => peer.build('PING', { fields: { data: octets } })));
    for (const octets of data) {
      const pong = await peer.expect('PONG', { requirement });
      if (!equal(pong.bytes('data'), octets)) fail('PONGs in the order of the PINGs', pong.text, requirement);
    }
    sent += batch;
  }
}

const DATA: readonly { readonly slug: string; readonly what: string; readonly data: Uint8Array }[] = [
  { slug: 'zeros', what: 'eight zeros', data: new Uint8Array(8) },
  { slug: 'ones', what: 'eight octets 0xff', data: new Uint8Array(8).fill(0xff) },
  {
    slug: 'beyond-53-bits',
    what: 'the number 2^53 + 1, which not every language holds',
    data: Uint8Array.of(0, 32, 0, 0, 0, 0, 0, 1),
  },
];

const dataCases = DATA.map(({ slug, what, data }): NewCase => ({
  id: `SES-004/${slug}`,
  requirements: ['SES-004'],
  title: `a PING with ${what} is answered with the same`,
  stimulus: `A PING is sent whose data is ${what}.`,
  expectation: 'A PONG arrives with the same data.',
  run: async (context) => {
    const peer = await context.established();
    peer.send('PING', { fields: { data } });
    const pong = await peer.expect('PONG', { requirement: 'SES-004' });
    if (!equal(pong.bytes('data'), data)) fail('PONG with the same data', pong.text, 'SES-004');
  },
}));

/** A session in which the server sends a PING sooner or later, and the PING; undefined where it keeps its promise otherwise. */
async function pinged(
  context: ServerContext,
): Promise<{ readonly peer: ClientPeer; readonly ping: ReceivedFrame | undefined }> {
  const peer = await context.established({ connect: { parameters: [{ id: 'liveness_interval_ms', value: 60_000 }] } });
  peer.answerPings = false;
  return { peer, ping: await nextPing(peer) };
}

/** The server's next PING within two of its intervals. */
async function nextPing(peer: ClientPeer): Promise<ReceivedFrame | undefined> {
  const deadline = performance.now() + 2 * peer.serverParameter('liveness_interval_ms');
  while (performance.now() < deadline) {
    const known = peer.log.entries.length;
    await peer.arrival(deadline - performance.now());
    const pings = peer.log.entries
      .slice(known)
      .filter(({ direction, text }) => direction === 'received' && text.startsWith('PING'));
    if (pings.length > 0) return peer.expect('PING', { requirement: 'SES-019' });
  }
  return undefined;
}

const NO_PING = 'the server keeps its interval without PINGs: there is none to answer';

/** Section 5.2, for a server. */
export const ping: readonly ServerCase[] = serverCases([
  ...dataCases,
  {
    id: 'SES-004/same-data-twice',
    requirements: ['SES-004'],
    title: 'equal PINGs get a PONG each',
    stimulus: 'Sixteen PINGs with the same data are sent at once.',
    expectation: 'Sixteen PONGs with that data arrive.',
    run: async (context) => {
      const peer = await context.established();
      const data = context.bytes(8);
      peer.sendTogether(Array.from({ length: OUTSTANDING }, () => peer.build('PING', { fields: { data } })));
      for (let count = 0; count < OUTSTANDING; count += 1) {
        const pong = await peer.expect('PONG', { requirement: 'SES-004' });
        if (!equal(pong.bytes('data'), data)) fail('PONG with the same data', pong.text, 'SES-004');
      }
      for (const frame of await peer.barrier('SES-004')) {
        if (frame.name === 'PONG') fail('as many PONGs as PINGs', 'one more', 'SES-004');
      }
    },
  },
  {
    id: 'SES-005/error-before-ping',
    requirements: ['SES-005', 'CHN-003'],
    title: 'PONG means that what stood before was read and was no error',
    stimulus:
      'Three right messages to test/sink, one on a channel that was never opened and a PING are sent in one TLS record.',
    expectation: 'The server answers with CLOSE(CHANNEL_INVALID), and with no PONG.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/sink');
      const message = (on: number): Uint8Array =>
        peer.build('MESSAGE', { channel: on, flags: ['FIRST', 'LAST'], fields: { fragment: context.bytes(100) } });
      const frames = [channel, channel, channel, channel + 1].map(message);
      peer.sendTogether([...frames, peer.build('PING', { fields: { data: context.bytes(8) } })]);
      const answer = await peer.expectWhere(
        'CLOSE, and no PONG before',
        (frame) => frame.name === 'CLOSE' || frame.name === 'PONG',
        { requirement: 'SES-005' },
      );
      if (answer.name !== 'CLOSE') fail('CLOSE, and no PONG before', answer.text, 'SES-005');
      answer.requireCode('CHANNEL_INVALID', 'CHN-003');
      await peer.expectEnd('SES-014');
    },
  },
  {
    id: 'SES-005/cursor-at-pong',
    requirements: ['SES-005', 'SES-012'],
    title: 'what stood before a PING is counted when its PONG comes',
    stimulus: 'Twenty messages to test/sink and a PING are sent in one TLS record; when PONG has come, CLOSE.',
    expectation: 'The receive cursor in the answering CLOSE is that of the last message.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/sink');
      const input = { channel, flags: ['FIRST', 'LAST'], fields: { fragment: context.bytes(10) } };
      const messages = Array.from({ length: 15 }, () => peer.build('MESSAGE', input));
      peer.sendTogether([...messages, peer.build('PING', { fields: { data: context.bytes(8) } })]);
      await peer.expect('PONG', { requirement: 'SES-005' });
      const close = await peer.close();
      assertEqual('receive cursor', close.integer('receive_cursor'), peer.nextSeq - 1n, 'SES-005');
    },
  },
  {
    id: 'SES-006/no-credit',
    requirements: ['SES-006', 'CHN-023'],
    title: 'PONG waits for no credit',
    stimulus: 'The client grants no credit at all, opens test/source for a hundred messages, and sends a PING.',
    expectation: 'PONG arrives while every message waits.',
    run: async (context) => {
      const { peer } = await blockedSource(context, 0);
      const passed = await peer.barrier('SES-006');
      const message = passed.find(({ name }) => name === 'MESSAGE');
      if (message !== undefined) fail('no message without credit', message.text, 'CHN-020');
    },
  },
  {
    id: 'SES-006/queued-messages',
    requirements: ['SES-006'],
    title: 'PONG does not wait behind messages that wait for credit',
    stimulus:
      'The client grants three messages, opens test/source for a hundred, reads the three, and sends sixteen PINGs.',
    expectation: 'Sixteen PONGs arrive, and no further message.',
    run: async (context) => {
      const { peer, channel } = await blockedSource(context, 3);
      for (let count = 0; count < 3; count += 1) await peer.expect('MESSAGE', { channel, requirement: 'APP-001' });
      await pingAndPong(peer, OUTSTANDING, 'SES-006');
    },
  },
  {
    id: 'SES-007/wrong-data',
    requirements: ['SES-007'],
    title: 'a PONG with other data than the PING is refused',
    stimulus: "The server's PING is answered with its data, one bit inverted.",
    expectation: 'The server answers with CLOSE(FRAME_UNEXPECTED).',
    timing: true,
    estimateMs: 2200,
    run: async (context) => {
      const { peer, ping: asked } = await pinged(context);
      if (asked === undefined) {
        context.detail = NO_PING;
        return;
      }
      const data = asked.bytes('data').map((octet, at) => (at === 7 ? octet ^ 1 : octet));
      peer.send('PONG', { fields: { data } });
      await expectExactly(peer, 'FRAME_UNEXPECTED', 'SES-007');
    },
  },
  {
    id: 'SES-007/answered-twice',
    requirements: ['SES-007'],
    title: 'a second PONG to the same PING is refused',
    stimulus: "The server's PING is answered twice.",
    expectation: 'The server answers with CLOSE(FRAME_UNEXPECTED).',
    timing: true,
    estimateMs: 2200,
    run: async (context) => {
      const { peer, ping: asked } = await pinged(context);
      if (asked === undefined) {
        context.detail = NO_PING;
        return;
      }
      const pong = peer.build('PONG', { fields: { data: asked.bytes('data') } });
      peer.sendTogether([pong, pong]);
      await expectExactly(peer, 'FRAME_UNEXPECTED', 'SES-007');
    },
  },
  {
    id: 'SES-007/younger-first',
    requirements: ['SES-007'],
    title: 'PONGs in the wrong order are refused',
    stimulus: 'Two PINGs of the server are left unanswered; then the second one is answered first.',
    expectation: 'The server answers with CLOSE(FRAME_UNEXPECTED).',
    timing: true,
    estimateMs: 4200,
    run: async (context) => {
      const { peer, ping: first } = await pinged(context);
      const second = first === undefined ? undefined : await nextPing(peer);
      if (first === undefined || second === undefined) {
        context.detail = NO_PING;
        return;
      }
      // Nothing tells the two apart where a server sends the same data each time.
      if (equal(first.bytes('data'), second.bytes('data'))) return;
      peer.send('PONG', { fields: { data: second.bytes('data') } });
      await expectExactly(peer, 'FRAME_UNEXPECTED', 'SES-007');
    },
  },
  {
    id: 'SES-007/late-answers',
    requirements: ['SES-007', 'SES-019'],
    title: 'PONGs may come late, in order',
    stimulus: 'Two PINGs of the server are left unanswered for a while; then both are answered, the older first.',
    expectation: 'The session goes on.',
    timing: true,
    estimateMs: 4200,
    run: async (context) => {
      const { peer, ping: first } = await pinged(context);
      const second = first === undefined ? undefined : await nextPing(peer);
      for (const asked of [first, second]) {
        if (asked !== undefined) peer.send('PONG', { fields: { data: asked.bytes('data') } });
      }
      await peer.barrier('SES-007');
    },
  },
  {
    id: 'SES-008/never-answered',
    requirements: ['SES-008', 'SES-019'],
    title: 'the server stops sending PINGs that nobody answers, and keeps its promise otherwise',
    stimulus: "The client promises a long interval, stays silent and answers none of the server's PINGs.",
    expectation: `In the time of ${OUTSTANDING + 3} of the server's intervals no more than ${OUTSTANDING} PINGs arrive, and in each interval at least one frame.`,
    timing: true,
    deep: true,
    estimateMs: 39_000,
    run: async (context) => {
      const parameters = [{ id: 'liveness_interval_ms', value: 300_000 }];
      const peer = await context.established({ connect: { parameters } });
      peer.answerPings = false;
      const intervalMs = peer.serverParameter('liveness_interval_ms');
      await elapse((OUTSTANDING + 3) * intervalMs);
      const received = peer.log.entries.filter(({ direction }) => direction === 'received');
      const pings = received.filter(({ text }) => text.startsWith('PING')).length;
      if (pings > OUTSTANDING) fail(`at most ${OUTSTANDING} PINGs without an answer`, String(pings), 'SES-008');
      for (const [at, { atMs }] of received.entries()) {
        const gapMs = atMs - (received[at - 1]?.atMs ?? atMs);
        if (gapMs > 1.3 * intervalMs) fail(`a frame within ${intervalMs} ms`, `none for ${gapMs} ms`, 'SES-019');
      }
    },
  },
  {
    id: 'SES-009/ignorable-burst',
    requirements: ['SES-009', 'WIR-006'],
    title: 'as many control frames as the budget has are accepted at once',
    stimulus: `In a fresh session ${BURST - 1} ignorable frames of all GREASE types are sent at once, and then a PING.`,
    expectation: 'PONG arrives.',
    run: async (context) => {
      const peer = await context.established();
      peer.sendTogether(Array.from({ length: BURST - 1 }, (_, n) => ignorable(n)));
      await peer.barrier('SES-009');
    },
  },
  {
    id: 'SES-009/ping-burst',
    requirements: ['SES-009', 'SES-004'],
    title: 'as many PINGs as the budget has are answered',
    stimulus: `In a fresh session ${BURST} PINGs are sent, never more than ${OUTSTANDING} of them unanswered.`,
    expectation: `${BURST} PONGs arrive in order.`,
    run: async (context) => {
      const peer = await context.established();
      await pingAndPong(peer, BURST, 'SES-009');
    },
  },
  {
    id: 'SES-009/messages-are-not-counted',
    requirements: ['SES-009'],
    title: 'other frames are not counted against the budget',
    stimulus: `${BURST - 2} ignorable frames are sent, and between them ${BURST} OPENs that are refused; then a PING.`,
    expectation: 'PONG arrives: only PINGs and ignorable frames cost budget.',
    run: async (context) => {
      const peer = await context.established();
      const open = (): Uint8Array => {
        const fields = { nonce: context.bytes(32), application: 'no/such/application', parameters: [] };
        return peer.build('OPEN', { channel: peer.nextChannel++, fields });
      };
      const frames = Array.from({ length: BURST - 2 }, (_, n) => [ignorable(n), open()]).flat();
      peer.sendTogether([...frames, open(), open()]);
      await peer.barrier('SES-009');
    },
  },
  {
    id: 'SES-009/refilled',
    requirements: ['SES-009'],
    title: 'the budget is refilled',
    stimulus: `${BURST} ignorable frames are sent at once, and ${REFILL} more and a PING after a little more than a second each, three times.`,
    expectation: 'PONG arrives each time.',
    timing: true,
    estimateMs: 4000,
    run: async (context) => {
      const peer = await context.established();
      peer.sendTogether(Array.from({ length: BURST }, (_, n) => ignorable(n)));
      for (let round = 0; round < 3; round += 1) {
        // A little more than the refill of a second: the PING costs budget too.
        await elapse(1250);
        peer.sendTogether(Array.from({ length: REFILL }, (_, n) => ignorable(n)));
        await peer.barrier('SES-009');
      }
    },
  },
  {
    id: 'SES-009/sustained',
    requirements: ['SES-009'],
    title: 'a sender that keeps to the budget may go on for long',
    stimulus: `${BURST} ignorable frames are sent at once, and ${REFILL} more and a PING after a little more than a second each, until more than ${FACTOR} times the budget have come.`,
    expectation: 'PONG arrives each time.',
    timing: true,
    deep: true,
    estimateMs: 17_000,
    run: async (context) => {
      const peer = await context.established();
      peer.sendTogether(Array.from({ length: BURST }, (_, n) => ignorable(n)));
      for (let sent = BURST; sent <= FACTOR * BURST + REFILL; sent += REFILL + 1) {
        await elapse(1250);
        peer.sendTogether(Array.from({ length: REFILL }, (_, n) => ignorable(n)));
        await peer.barrier('SES-009');
      }
    },
  },
  {
    id: 'SES-009/not-saved-up',
    requirements: ['SES-009', 'SES-010'],
    title: 'each session has a budget of its own',
    stimulus: `Two sessions of the same client each send ${BURST - 1} ignorable frames at once, and then a PING.`,
    expectation: 'PONG arrives in both.',
    run: async (context) => {
      const peers = [await context.established(), await context.established()];
      for (const peer of peers) peer.sendTogether(Array.from({ length: BURST - 1 }, (_, n) => ignorable(n)));
      for (const peer of peers) await peer.barrier('SES-009');
    },
  },
  {
    id: 'SES-010/ignorable-flood',
    requirements: ['SES-010', 'SES-003'],
    title: 'a flood of ignorable frames is refused',
    stimulus: `${FLOOD} ignorable frames are sent at once.`,
    expectation: 'The server answers with CLOSE(RATE_EXCEEDED).',
    estimateMs: 400,
    run: async (context) => {
      const peer = await context.established();
      peer.sendTogether(Array.from({ length: FLOOD }, (_, n) => ignorable(n)));
      await expectExactly(peer, 'RATE_EXCEEDED', 'SES-010', { probe: false });
    },
  },
  {
    id: 'SES-010/ping-flood',
    requirements: ['SES-010', 'SES-003'],
    title: 'a flood of PINGs is refused',
    stimulus: `${FLOOD} PINGs are sent at once.`,
    expectation: 'The server answers with CLOSE(RATE_EXCEEDED), after some PONGs.',
    estimateMs: 400,
    run: async (context) => {
      const peer = await context.established();
      const frame = peer.build('PING', { fields: { data: context.bytes(8) } });
      peer.sendTogether(Array.from({ length: FLOOD }, () => frame));
      const close = await peer.expectWhere('CLOSE(RATE_EXCEEDED)', ({ name }) => name === 'CLOSE', {
        requirement: 'SES-010',
      });
      close.requireCode('RATE_EXCEEDED', 'SES-010');
      await peer.expectEnd('SES-014');
    },
  },
  {
    id: 'SES-010/mixed-flood',
    requirements: ['SES-010', 'SES-003'],
    title: 'PINGs and ignorable frames share one budget',
    stimulus: `${FLOOD} frames are sent at once, PING and ignorable in turn; either kind alone would be within four times the budget.`,
    expectation: 'The server answers with CLOSE(RATE_EXCEEDED).',
    estimateMs: 400,
    run: async (context) => {
      const peer = await context.established();
      const frame = peer.build('PING', { fields: { data: context.bytes(8) } });
      peer.sendTogether(Array.from({ length: FLOOD }, (_, n) => (n % 2 === 0 ? frame : ignorable(n))));
      const close = await peer.expectWhere('CLOSE(RATE_EXCEEDED)', ({ name }) => name === 'CLOSE', {
        requirement: 'SES-010',
      });
      close.requireCode('RATE_EXCEEDED', 'SES-010');
      await peer.expectEnd('SES-014');
    },
  },
  {
    id: 'SES-010/steady',
    requirements: ['SES-010'],
    title: 'a steady excess is refused, not only a burst',
    stimulus: `After a burst of ${BURST}, ignorable frames are sent at twenty times the rate of the refill, every tenth of a second.`,
    expectation: 'Within a few seconds the server answers with CLOSE(RATE_EXCEEDED).',
    timing: true,
    estimateMs: 1200,
    run: async (context) => {
      const peer = await context.established();
      peer.sendTogether(Array.from({ length: BURST }, (_, n) => ignorable(n)));
      // 1,280 a second against a tolerance of 256 a second and 1,024 in all: exhausted within a second.
      const flow = setInterval(() => {
        if (peer.socket.writable) peer.sendTogether(Array.from({ length: 2 * REFILL }, (_, n) => ignorable(n)));
      }, 100);
      try {
        await expectExactly(peer, 'RATE_EXCEEDED', 'SES-010', { probe: false, withinMs: 5000 });
      } finally {
        clearInterval(flow);
      }
    },
  },
]);

/** A session whose client has granted so many messages, with test/source open for a hundred. */
async function blockedSource(
  context: ServerContext,
  messages: number,
): Promise<{ readonly peer: ClientPeer; readonly channel: number }> {
  const parameters = [{ id: 'initial_message_credit', value: messages }];
  return context.opened('test/source', { connect: { parameters }, data: sourceRequest(100, 10) });
}
