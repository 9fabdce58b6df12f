import { setTimeout as elapse } from 'node:timers/promises';
import { buildRawFrame, concat, greaseType } from '../../model/codec.ts';
import { limit, registry, timer } from '../../model/registry.ts';
import { assertThat, fail } from '../../peer/failure.ts';
import type { ClientPeer } from '../../peer/client-peer.ts';
import type { ServerCase } from '../case.ts';
import { serverCases } from '../case.ts';
import type { ServerContext } from '../server-context.ts';
import { expectExactly } from './client-frames.ts';
import { sourceRequest } from './message-flow.ts';

type NewCase = Omit<ServerCase, 'role'>;

const DOWN = timer('liveness_down_intervals');
const SUSPECT = timer('liveness_suspect_intervals');
const INTERVAL_ROW = registry.parameters.find(({ name }) => name === 'liveness_interval_ms');
const SHORTEST_MS = INTERVAL_ROW?.min ?? 200;
/** Room for the scheduling of both ends, while many cases wait at once. */
const LATE_MS = 1500;
/** An interval that a harness under load can keep. */
const INTERVAL_MS = 500;
const BEAT_MS = 400;

/** A session whose client has fallen silent, and between which moments it last said something. */
interface Silent {
  readonly peer: ClientPeer;
  readonly intervalMs: number;
  /** Just before the client's last frame was sent, and when it must have arrived. */
  readonly from: number;
  readonly to: number;
}

/** A session whose client promises an interval and answers no PING by itself; other parameters come behind. */
async function promising(
  context: ServerContext,
  intervalMs: number,
  more: readonly { readonly id: string; readonly value: number }[] = [],
): Promise<Silent> {
  const peer = await context.challenged();
  const connect = peer.buildConnect({ parameters: [{ id: 'liveness_interval_ms', value: intervalMs }, ...more] });
  const from = performance.now();
  peer.connectFrame = connect;
  peer.sendFrame(connect);
  await context.dependency('establishing a session', () => peer.expectAccept());
  peer.answerPings = false;
  return { peer, intervalMs, from, to: performance.now() };
}

/** Demands CLOSE(LIVENESS_TIMEOUT) when three intervals of silence have passed, and not before. */
async function expectDown({ peer, intervalMs, from, to }: Silent, lateMs: number = LATE_MS): Promise<void> {
  const dueMs = DOWN * intervalMs;
  const withinMs = dueMs + lateMs - (performance.now() - to);
  const close = await peer.expectWhere('CLOSE(LIVENESS_TIMEOUT)', ({ name }) => name === 'CLOSE', {
    requirement: 'SES-022',
    withinMs,
  });
  const waitedMs = Math.round(performance.now() - from);
  close.requireCode('LIVENESS_TIMEOUT', 'SES-022');
  assertThat(waitedMs >= dueMs, `CLOSE after about ${dueMs} ms of silence`, `after ${waitedMs} ms`, 'SES-022');
  await peer.expectEnd('SES-014');
}

interface SignOfLife {
  readonly slug: string;
  readonly what: string;
  readonly send: (peer: ClientPeer, channel: number) => void;
}

const SIGNS: readonly SignOfLife[] = [
  {
    slug: 'ignorable',
    what: 'an ignorable frame of an unknown type',
    send: (peer) => peer.sendRaw({ type: greaseType(2) }),
  },
  { slug: 'ping', what: 'a PING', send: (peer) => peer.send('PING', { fields: { data: peer.random(8) } }) },
  {
    slug: 'message',
    what: 'a message to test/sink',
    send: (peer, channel) => peer.sendMessage(channel, peer.random(3)),
  },
  {
    slug: 'discarded-credit',
    what: 'a CREDIT on a channel that is closed, which has no effect',
    send: (peer) => peer.send('CREDIT', { channel: 2, fields: { message_limit: 1, byte_limit: 1 } }),
  },
];

/** Each complete frame counts, whatever it is. */
const signCases = SIGNS.map(({ slug, what, send }): NewCase => ({
  id: `SES-022/alive-by-${slug}`,
  requirements: ['SES-022', 'SES-020'],
  title: `${what} is a sign of life`,
  stimulus: `The client promises an interval of ${INTERVAL_MS} ms and sends nothing but ${what} every ${BEAT_MS} ms, for more than two seconds.`,
  expectation: 'The session goes on.',
  timing: true,
  estimateMs: 2500,
  run: async (context) => {
    const parameters = [{ id: 'liveness_interval_ms', value: INTERVAL_MS }];
    const { peer, channel } = await context.opened('test/sink', { connect: { parameters } });
    await context.dependency('opening and closing a channel', async () => {
      await peer.open('test/echo');
      peer.send('END', { channel: 2 });
      await peer.expect('END', { channel: 2 });
    });
    peer.answerPings = false;
    for (let beat = 0; beat < 6; beat += 1) {
      await elapse(BEAT_MS);
      send(peer, channel);
    }
    await peer.barrier('SES-022');
  },
}));

interface NoSignOfLife {
  readonly slug: string;
  readonly what: string;
  readonly octets: () => Uint8Array;
}

const NO_SIGNS: readonly NoSignOfLife[] = [
  {
    slug: 'octets-of-a-message',
    what: 'the octets of one long ignorable frame, one at a time',
    octets: () => buildRawFrame({ type: greaseType(0), payload: new Uint8Array(1000) }),
  },
  {
    slug: 'octets-of-a-header',
    what: 'the octets of a header and of a PING that is never complete, four at a time',
    octets: () => concat(buildRawFrame({ type: 0x10, length: 8 }), new Uint8Array(7)),
  },
];

/** Octets that complete no frame do not count. */
const noSignCases = NO_SIGNS.map(({ slug, what, octets }): NewCase => ({
  id: `SES-022/not-alive-by-${slug}`,
  requirements: ['SES-022', 'WIR-003'],
  title: `single octets are no sign of life: ${slug.replaceAll('-', ' ')}`,
  stimulus: `The client promises an interval of ${SHORTEST_MS} ms; after ACCEPT it sends ${what}, every 50 ms.`,
  expectation: `About ${DOWN * SHORTEST_MS} ms after CONNECT the server sends CLOSE(LIVENESS_TIMEOUT).`,
  timing: true,
  estimateMs: DOWN * SHORTEST_MS + 100,
  run: async (context) => {
    const silent = await promising(context, SHORTEST_MS);
    const { peer } = silent;
    const all = octets();
    const size = all.length > 100 ? 1 : 4;
    let sent = 0;
    const drip = setInterval(() => {
      if (peer.socket.writable && sent < all.length) peer.sendOctets(all.subarray(sent, sent + size));
      sent += size;
    }, 50);
    try {
      await expectDown(silent);
    } finally {
      clearInterval(drip);
    }
  },
}));

/** Fails unless in each of `count` intervals of the server a frame arrives. */
async function requirePromise(peer: ClientPeer, count: number): Promise<void> {
  const intervalMs = peer.serverParameter('liveness_interval_ms');
  const received = (): number => peer.log.entries.filter(({ direction }) => direction === 'received').length;
  const until = performance.now() + count * intervalMs;
  while (performance.now() < until) {
    const before = received();
    // Somewhat more than promised: loopback and scheduling on both sides.
    await peer.arrival(1.3 * intervalMs);
    if (received() === before) fail(`a frame within ${intervalMs} ms`, 'silence', 'SES-019');
    const closed = peer.log.entries.find(({ direction, text }) => direction === 'received' && text.startsWith('CLOSE'));
    if (closed !== undefined) fail('a session that goes on', closed.text, 'SES-019');
  }
}

const SIP_BYTES = 65_536;
const SIP_MS = 20;

/** Reads a little at a time, so that the other end can go on writing but never has written everything; returns its end. */
function readSlowly({ socket }: ClientPeer): () => void {
  let left = 0;
  const count = (chunk: Buffer): void => {
    left -= chunk.length;
    if (left <= 0) socket.pause();
  };
  socket.on('data', count);
  const sip = setInterval(() => {
    left = SIP_BYTES;
    socket.resume();
  }, SIP_MS);
  return () => {
    clearInterval(sip);
    socket.off('data', count);
    socket.resume();
  };
}

/**
 * Demands that the server has sent something that begins no message between the last message that it began and its CLOSE: what
 * it owes in each of its intervals, of which one lies in the time in which it begins none. How much it had written before, and
 * when that is read, does not matter: the order of the frames tells.
 */
async function expectPauseBeforeClose(peer: ClientPeer): Promise<void> {
  peer.keepIgnorable = true;
  let paused = false;
  for (;;) {
    const frame = await peer.next('CLOSE(LIVENESS_TIMEOUT)', '*', { requirement: 'SES-022', withinMs: 10_000 });
    if (frame.name === 'CLOSE') {
      frame.requireCode('LIVENESS_TIMEOUT', 'SES-022');
      assertThat(paused, 'no message begun while the client is SUSPECT', 'messages until CLOSE', 'SES-021');
      return;
    }
    paused = frame.name !== 'MESSAGE' || !frame.has('FIRST');
  }
}

/** Section 5.4, for a server. */
export const liveness: readonly ServerCase[] = serverCases([
  ...signCases,
  ...noSignCases,
  {
    id: 'SES-022/three-intervals',
    requirements: ['SES-022', 'SES-003'],
    title: 'DOWN comes after three intervals, not before',
    stimulus: 'The client promises an interval of 1,000 ms, and is silent after ACCEPT.',
    expectation: 'When three seconds have passed, and before four have, the server sends CLOSE(LIVENESS_TIMEOUT).',
    timing: true,
    estimateMs: 3200,
    run: async (context) => expectDown(await promising(context, 1000), 950),
  },
  {
    id: 'SES-022/counted-from-last-frame',
    requirements: ['SES-022', 'SES-020'],
    title: 'silence is counted from the last frame',
    stimulus:
      'The client promises an interval of 1,500 ms. It sends a PING when it has been silent for 2.2 intervals, and then nothing more.',
    expectation: 'The PING is answered; three intervals after it the server sends CLOSE(LIVENESS_TIMEOUT).',
    timing: true,
    estimateMs: 8100,
    run: async (context) => {
      const { peer, intervalMs } = await promising(context, 1500);
      await elapse(2.2 * intervalMs);
      const from = performance.now();
      await peer.barrier('SES-022');
      await expectDown({ peer, intervalMs, from, to: performance.now() });
    },
  },
  {
    id: 'SES-020/back-from-suspect',
    requirements: ['SES-020', 'SES-022'],
    title: 'a peer that was SUSPECT is trusted again with its next frame',
    stimulus:
      'The client promises an interval of 1,500 ms. Twice it is silent for 2.2 intervals, and then exchanges a message with test/echo.',
    expectation: 'The message comes back each time.',
    timing: true,
    estimateMs: 6900,
    run: async (context) => {
      const { peer, intervalMs } = await promising(context, 1500);
      const channel = await context.dependency('opening test/echo', () => peer.open('test/echo'));
      for (let round = 0; round < 2; round += 1) {
        await elapse(2.2 * intervalMs);
        peer.sendMessage(channel, context.bytes(5));
        await peer.expectWhere('the message that was sent', ({ name }) => name === 'MESSAGE', {
          requirement: 'SES-020',
        });
      }
    },
  },
  {
    id: 'SES-022/not-by-own-interval',
    requirements: ['SES-022'],
    title: 'the client is judged by the interval that it promised',
    stimulus:
      "The client promises an interval of 60 seconds, and is silent for more than three of the server's intervals.",
    expectation: 'The session goes on: a PING is answered.',
    timing: true,
    estimateMs: 7500,
    run: async (context) => {
      const { peer } = await promising(context, 60_000);
      await elapse(
        (DOWN + 0.6) * Math.min(peer.serverParameter('liveness_interval_ms'), limit('test_max_liveness_interval_ms')),
      );
      await peer.barrier('SES-022');
    },
  },
  {
    id: 'SES-022/default-interval',
    requirements: ['SES-022'],
    title: 'a client that promises nothing has the default interval',
    stimulus: 'The client sends no liveness_interval_ms, and is silent after ACCEPT.',
    expectation: 'About 45 seconds later the server sends CLOSE(LIVENESS_TIMEOUT).',
    timing: true,
    deep: true,
    estimateMs: 45_500,
    run: async (context) => {
      const from = performance.now();
      const peer = await context.established();
      peer.answerPings = false;
      const intervalMs = INTERVAL_ROW?.default ?? 15_000;
      await expectDown({ peer, intervalMs, from, to: performance.now() });
    },
  },
  {
    id: 'SES-022/several-sessions',
    requirements: ['SES-022', 'CHN-032'],
    title: 'each session is judged by itself',
    stimulus: `A client has two sessions that promise ${INTERVAL_MS} ms. One falls silent, the other sends a PING every ${BEAT_MS} ms.`,
    expectation: 'The silent one is ended with CLOSE(LIVENESS_TIMEOUT), the other goes on.',
    timing: true,
    estimateMs: 2500,
    run: async (context) => {
      const { peer: alive } = await promising(context, INTERVAL_MS);
      const beat = setInterval(() => {
        alive.send('PING', { fields: { data: alive.random(8) } });
      }, BEAT_MS);
      try {
        await expectDown(await promising(context, INTERVAL_MS));
        await elapse(2 * INTERVAL_MS);
        await alive.barrier('SES-022');
      } finally {
        clearInterval(beat);
      }
    },
  },
  {
    id: 'SES-021/server-waits-for-a-suspect-client',
    requirements: ['SES-021', 'SES-019'],
    title: 'the server begins no message while the client is SUSPECT',
    stimulus:
      'The client promises twice the interval of the server, opens test/source with more messages than either end can hold, and is silent from then on. It begins to read, slowly, when the server has to regard it as SUSPECT.',
    expectation:
      'Between the last message that the server begins and its CLOSE(LIVENESS_TIMEOUT) lies at least one other frame: in an interval without messages it has to send one.',
    timing: true,
    deep: true,
    estimateMs: 12_500,
    run: async (context) => {
      const peer = await context.challenged();
      const intervalMs = 2 * peer.serverParameter('liveness_interval_ms');
      const [count, size] = [4000, 16_000];
      const parameters = [
        { id: 'liveness_interval_ms', value: intervalMs },
        { id: 'initial_message_credit', value: count },
        { id: 'initial_byte_credit', value: count * size },
      ];
      await context.dependency('establishing a session', () => {
        peer.sendConnect({ parameters });
        return peer.expectAccept();
      });
      peer.answerPings = false;
      await context.dependency('opening test/source', () => peer.open('test/source', sourceRequest(count, size)));
      peer.socket.pause();
      await elapse((SUSPECT + 0.1) * intervalMs);
      const readAll = readSlowly(peer);
      await elapse((DOWN - SUSPECT) * intervalMs);
      readAll();
      await expectPauseBeforeClose(peer);
    },
  },
  {
    id: 'SES-024/ping-when-suspect',
    requirements: ['SES-024'],
    level: 'SHOULD',
    title: 'the server asks a peer that has become SUSPECT',
    stimulus: `The client promises an interval of ${INTERVAL_MS} ms, and is silent after ACCEPT.`,
    expectation: `A PING arrives when about ${SUSPECT * INTERVAL_MS} ms have passed, before the session is ended.`,
    timing: true,
    estimateMs: DOWN * INTERVAL_MS + 100,
    run: async (context) => {
      const { peer } = await promising(context, INTERVAL_MS);
      await peer.expectWhere('a PING before CLOSE', ({ name }) => name === 'PING', { requirement: 'SES-024' });
    },
  },
  {
    id: 'SES-022/alive-by-pong',
    requirements: ['SES-022', 'SES-020'],
    title: 'a client that only answers PINGs in time stays alive',
    stimulus:
      "The client promises an interval of 1,000 ms and sends nothing by itself; it answers the server's PINGs at once.",
    expectation:
      'If the server asks at least every second interval, the session is still there after 4.5 seconds; if not, it is ended with CLOSE(LIVENESS_TIMEOUT).',
    timing: true,
    estimateMs: 4600,
    run: async (context) => {
      const { peer } = await promising(context, 1000);
      peer.answerPings = true;
      await elapse(4500);
      const asked = peer.log.entries.some(({ direction, text }) => direction === 'received' && text.startsWith('PING'));
      if (asked) await peer.barrier('SES-022');
      else await expectExactly(peer, 'LIVENESS_TIMEOUT', 'SES-022', { probe: false });
    },
  },
  {
    id: 'SES-019/unanswered',
    requirements: ['SES-019'],
    title: 'the server keeps its promise to a client that answers nothing',
    stimulus:
      "The client promises a long interval, and for three of the server's intervals it sends nothing at all, not even PONG.",
    expectation: 'In each interval at least one frame arrives.',
    timing: true,
    estimateMs: 6500,
    run: async (context) => {
      const { peer } = await promising(context, 120_000);
      await requirePromise(peer, 3);
    },
  },
  {
    id: 'SES-019/messages-waiting',
    requirements: ['SES-019', 'CHN-023'],
    title: 'the server keeps its promise while all its messages wait for credit',
    stimulus:
      'Two channels of test/source have messages to send and no credit; the client is silent for two intervals of the server.',
    expectation: 'In each interval at least one frame arrives, and no message.',
    timing: true,
    estimateMs: 4500,
    run: async (context) => {
      const { peer } = await promising(context, 120_000, [{ id: 'initial_message_credit', value: 0 }]);
      for (let count = 0; count < 2; count += 1) await peer.open('test/source', sourceRequest(10, 10));
      await requirePromise(peer, 2);
    },
  },
  {
    id: 'SES-019/incomplete-frame-of-client',
    requirements: ['SES-019'],
    title: 'the server keeps its promise while a frame of the client is incomplete',
    stimulus: 'The client sends half of a message frame and then nothing for two intervals of the server.',
    expectation: 'In each interval at least one frame arrives.',
    timing: true,
    estimateMs: 4500,
    run: async (context) => {
      const parameters = [{ id: 'liveness_interval_ms', value: 120_000 }];
      const { peer, channel } = await context.opened('test/echo', { connect: { parameters } });
      peer.answerPings = false;
      const fields = { fragment: context.bytes(1000) };
      const message = peer.build('MESSAGE', { channel, flags: ['FIRST', 'LAST'], fields });
      peer.sendOctets(message.subarray(0, 500), 'the first 500 octets of a MESSAGE');
      await requirePromise(peer, 2);
    },
  },
]);
