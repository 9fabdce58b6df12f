import { integer } from '../../../model/codec.ts';
import { errorNamed } from '../../../model/registry.ts';
import type { ClientPeer } from '../../../peer/client-peer.ts';
import { assertEqual, assertThat, fail } from '../../../peer/failure.ts';
import type { ReceivedFrame } from '../../../peer/received-frame.ts';
import type { ServerCase } from '../../case.ts';
import { serverCases } from '../../case.ts';
import type { ServerContext } from '../../server-context.ts';
import { expectExactly } from '../client-frames.ts';
import { receiveMessage, sourceMessage, sourceRequest } from '../message-flow.ts';
import { again, keptOpen, requireEcho, requireStated, refused } from './sessions.ts';

type NewCase = Omit<ServerCase, 'role'>;

/** Longer than any case. */
const FAR_MS = 60_000;
/** A deadline that a case waits for. */
const NEAR_MS = 500;
/** How late the end may be, with room for a busy machine. */
const LATE_MS = 1500;
/** Clocks of two processes and the grain of timers. */
const EARLY_MS = 15;

const ESTIMATE_MS = NEAR_MS + 100;

/** Asks test/drain for a deadline. */
function ask(peer: ClientPeer, channel: number, deadlineMs: number): void {
  peer.sendMessage(channel, integer(deadlineMs, 4));
}

/** Demands DRAIN(NO_ERROR) with exactly this deadline. */
async function requireDrain(peer: ClientPeer, deadlineMs: number): Promise<ReceivedFrame> {
  const drain = await peer.expect('DRAIN', { requirement: 'APP-001' });
  drain.requireCode('NO_ERROR', 'APP-001');
  assertEqual('deadline', drain.integer('deadline_ms'), BigInt(deadlineMs), 'APP-001');
  return drain;
}

interface Drained {
  readonly peer: ClientPeer;
  readonly channel: number;
  /** Channels that were opened before DRAIN: none may be opened behind it. */
  readonly echo: number;
  readonly second: number;
  readonly askedAt: number;
}

/** A channel of test/drain, one of test/echo, a second one of test/drain; and DRAIN with the deadline that was asked for. */
async function drained(context: ServerContext, deadlineMs: number, resumable = true): Promise<Drained> {
  const { peer, channel } = resumable ? await keptOpen(context, 'test/drain') : await context.opened('test/drain');
  const [echo, second] = await context.dependency(
    'opening channels',
    async () => [await peer.open('test/echo'), await peer.open('test/drain')] as const,
  );
  const askedAt = performance.now();
  ask(peer, channel, deadlineMs);
  await context.dependency('DRAIN', () => requireDrain(peer, deadlineMs));
  return { peer, channel, echo, second, askedAt };
}

/** Fails unless the end came at its time. */
function requireTime(askedAt: number, deadlineMs: number, requirement: string): void {
  const tookMs = Math.round(performance.now() - askedAt);
  assertThat(tookMs >= deadlineMs - EARLY_MS, `the end after ${deadlineMs} ms`, `after ${tookMs} ms`, 'CNT-045');
  assertThat(tookMs <= deadlineMs + LATE_MS, `the end after ${deadlineMs} ms`, `after ${tookMs} ms`, requirement);
}

/** Demands the end of a connection at the deadline of its DRAIN. */
async function requireEnd(peer: ClientPeer, askedAt: number, deadlineMs: number, resumable: boolean): Promise<void> {
  const what = `CLOSE(NO_ERROR) ${resumable ? 'without' : 'with'} END_SESSION`;
  const close = await peer.expectWhere(what, ({ name }) => name === 'CLOSE', {
    requirement: 'CNT-048',
    withinMs: deadlineMs + LATE_MS,
  });
  requireTime(askedAt, deadlineMs, 'CNT-048');
  close.requireCode('NO_ERROR', 'CNT-048');
  if (close.has('END_SESSION') === resumable) fail(what, close.text, 'CNT-048');
  peer.sendClose('NO_ERROR', resumable ? { flags: [] } : {});
  await peer.expectEnd('SES-014');
}

const SESSIONS = [
  { slug: 'resumable', words: 'a resumable session', resumable: true, end: 'without' },
  { slug: 'plain', words: 'a session that is not resumable', resumable: false, end: 'with' },
] as const;

const sessionCases = SESSIONS.flatMap(({ slug, words, resumable, end }): readonly NewCase[] => [
  {
    id: `APP-001/drain-${slug}`,
    requirements: ['APP-001'],
    title: `test/drain answers the first message with DRAIN (${slug} session)`,
    stimulus: `In ${words} the client sends to test/drain a message with 60,000 milliseconds.`,
    expectation: 'Nothing before the message; then DRAIN(NO_ERROR) with this deadline, and the connection goes on.',
    run: async (context) => {
      const { peer, channel } = resumable ? await keptOpen(context, 'test/drain') : await context.opened('test/drain');
      const early = (await peer.barrier('APP-001')).find(({ name }) => name === 'DRAIN');
      if (early !== undefined) fail('nothing before the message', early.text, 'APP-001');
      ask(peer, channel, FAR_MS);
      await requireDrain(peer, FAR_MS);
      await peer.barrier('CNT-045');
    },
  },
  {
    id: `CNT-045/everything-goes-on-${slug}`,
    requirements: ['CNT-045'],
    title: `a connection works as before after DRAIN (${slug} session)`,
    stimulus: `In ${words} three channels are open when DRAIN comes; the client goes on with messages, END and RESET on them.`,
    expectation: 'Everything is answered as ever: the echo, the count, the RESET, and PING.',
    run: async (context) => {
      const { peer, channel: echo } = resumable
        ? await keptOpen(context, 'test/echo')
        : await context.opened('test/echo');
      const [sink, hold, drain] = await context.dependency(
        'opening channels',
        async () =>
          [await peer.open('test/sink'), await peer.open('test/hold'), await peer.open('test/drain')] as const,
      );
      ask(peer, drain, FAR_MS);
      await context.dependency('DRAIN', () => requireDrain(peer, FAR_MS));
      await requireEcho(peer, echo, context.bytes(40), 'CNT-045');
      peer.sendMessage(sink, context.bytes(7));
      peer.send('END', { channel: sink });
      const count = Buffer.from(await receiveMessage(peer, sink, 'CNT-045')).toString();
      assertEqual('count', count, '1 7', 'CNT-045');
      await peer.expect('END', { channel: sink, requirement: 'CNT-045' });
      peer.send('RESET', { channel: hold, fields: { code: errorNamed('CANCELLED').code } });
      await peer.expect('RESET', { channel: hold, requirement: 'CNT-045' });
      peer.send('END', { channel: drain });
      await peer.expect('END', { channel: drain, requirement: 'APP-006' });
      await requireEcho(peer, echo, context.bytes(3), 'CNT-045');
      await peer.barrier('CNT-045');
    },
  },
  {
    id: `CNT-045/open-crosses-drain-${slug}`,
    requirements: ['CNT-045'],
    title: `an OPEN that crosses DRAIN is served (${slug} session)`,
    stimulus: `In ${words} the client sends a message to test/drain and right behind it, in the same write, OPEN of test/echo and of test/source.`,
    expectation: 'DRAIN arrives, and both channels are opened and do their work.',
    run: async (context) => {
      const { peer, channel } = resumable ? await keptOpen(context, 'test/drain') : await context.opened('test/drain');
      const fragment = integer(FAR_MS, 4);
      const message = peer.build('MESSAGE', { channel, flags: ['FIRST', 'LAST'], fields: { fragment } });
      const open = (application: string, parameters: readonly { id: string; value: Uint8Array }[]): Uint8Array => {
        const fields = { nonce: context.bytes(32), application, parameters };
        peer.nextChannel += 1;
        return peer.build('OPEN', { channel: peer.nextChannel - 1, fields });
      };
      peer.sendTogether([
        message,
        open('test/echo', []),
        open('test/source', [{ id: 'application_data', value: sourceRequest(1, 9) }]),
      ]);
      const [echo, source] = [channel + 1, channel + 2];
      const seen: string[] = [];
      while (!seen.includes('DRAIN') || !seen.includes(`OPENED ${echo}`) || !seen.includes(`END ${source}`)) {
        const frame = await peer.expectWhere('DRAIN, OPENED, MESSAGE or END', ({ name }) => name !== 'CREDIT', {
          requirement: 'CNT-045',
        });
        if (frame.name === 'MESSAGE') {
          const right = Buffer.compare(frame.bytes('fragment'), sourceMessage(0, 9)) === 0;
          assertThat(right, 'the message of test/source', frame.text, 'CNT-045');
        }
        seen.push(frame.name === 'DRAIN' ? 'DRAIN' : `${frame.name} ${frame.channel}`);
      }
      await requireEcho(peer, echo, context.bytes(12), 'CNT-045');
    },
  },
  {
    id: `CNT-045/open-behind-drain-${slug}`,
    requirements: ['CNT-045'],
    title: `an OPEN that was under way when DRAIN was sent is served (${slug} session)`,
    stimulus: `In ${words} OPEN of test/echo and of test/refuse reach the server after it has sent DRAIN, as they do when they cross it.`,
    expectation: 'OPENED and REFUSED arrive as ever, and the channel does its work.',
    run: async (context) => {
      const { peer } = await drained(context, FAR_MS, resumable);
      // Whether the client had read DRAIN the server can not tell.
      const echo = peer.sendOpen('test/echo');
      const refusing = peer.sendOpen('test/refuse');
      await peer.expect('OPENED', { channel: echo, requirement: 'CNT-045' });
      const refusal = await peer.expect('REFUSED', { channel: refusing, requirement: 'CNT-045' });
      refusal.requireCode('APPLICATION_ERROR', 'CNT-045');
      await requireEcho(peer, echo, context.bytes(12), 'CNT-045');
    },
  },
  {
    id: `CNT-048/at-the-deadline-${slug}`,
    requirements: ['CNT-048', 'CNT-045'],
    title: `a connection ends at the deadline of its DRAIN (${slug} session)`,
    stimulus: `In ${words} the client asks test/drain for ${NEAR_MS} milliseconds and stays; it exchanges messages until the end.`,
    expectation: `All are answered; after ${NEAR_MS} milliseconds, and not before, CLOSE(NO_ERROR) ${end} END_SESSION arrives.`,
    timing: true,
    estimateMs: ESTIMATE_MS,
    run: async (context) => {
      const { peer, echo, askedAt } = await drained(context, NEAR_MS, resumable);
      while (performance.now() - askedAt < NEAR_MS - 200) {
        await requireEcho(peer, echo, context.bytes(5), 'CNT-045');
        await peer.arrival(40);
      }
      await requireEnd(peer, askedAt, NEAR_MS, resumable);
    },
  },
  {
    id: `CNT-048/at-once-${slug}`,
    requirements: ['CNT-048', 'APP-001'],
    title: `a deadline of no time is over at once (${slug} session)`,
    stimulus: `In ${words} the client asks test/drain for 0 milliseconds.`,
    expectation: `DRAIN(NO_ERROR) with deadline 0 arrives, and CLOSE(NO_ERROR) ${end} END_SESSION.`,
    run: async (context) => {
      const { peer, channel } = resumable ? await keptOpen(context, 'test/drain') : await context.opened('test/drain');
      const askedAt = performance.now();
      ask(peer, channel, 0);
      await requireDrain(peer, 0);
      await requireEnd(peer, askedAt, 0, resumable);
    },
  },
  {
    id: `CNT-045/very-late-deadline-${slug}`,
    requirements: ['CNT-045', 'APP-001'],
    title: `the longest deadline does not end the connection (${slug} session)`,
    stimulus: `In ${words} the client asks test/drain for 4,294,967,295 milliseconds, seven weeks.`,
    expectation: 'DRAIN(NO_ERROR) with this deadline arrives, and the connection goes on.',
    run: async (context) => {
      const { peer, echo } = await drained(context, 0xffff_ffff, resumable);
      for (let round = 0; round < 3; round += 1) await requireEcho(peer, echo, context.bytes(5), 'CNT-045');
      await peer.barrier('CNT-045');
    },
  },
]);

/** Times that a second channel of test/drain is asked for after the first one, in order. */
const LATER: readonly { readonly slug: string; readonly words: string; readonly deadlineMs: number }[] = [
  { slug: 'later', words: 'a later deadline', deadlineMs: 2 * FAR_MS },
  { slug: 'latest', words: 'the latest deadline there is', deadlineMs: 0xffff_ffff },
];

const laterCases = LATER.map(({ slug, words, deadlineMs }): NewCase => ({
  id: `CNT-049/${slug}`,
  requirements: ['CNT-049'],
  title: `no DRAIN gives ${words}`,
  stimulus: `The client asks test/drain for 60,000 milliseconds, and on another channel of it for ${words}.`,
  expectation: 'No second DRAIN with more time arrives, and the connection goes on.',
  run: async (context) => {
    const { peer, second } = await drained(context, FAR_MS);
    ask(peer, second, deadlineMs);
    const drain = (await peer.barrier('CNT-049')).find(({ name }) => name === 'DRAIN');
    if (drain !== undefined && drain.integer('deadline_ms') > BigInt(FAR_MS)) {
      fail(`a deadline within ${FAR_MS} ms`, drain.text, 'CNT-049');
    }
  },
}));

/** Section 12.7, for a server. */
export const drain: readonly ServerCase[] = serverCases([
  ...sessionCases,
  ...laterCases,
  {
    id: 'APP-001/drain-once',
    requirements: ['APP-001', 'CNT-049'],
    title: 'test/drain answers only the first message',
    stimulus: 'The client sends three messages to test/drain, the later two with other times, and END.',
    expectation: 'One DRAIN arrives, with the first time, and END; no other DRAIN.',
    run: async (context) => {
      const { peer, channel } = await drained(context, FAR_MS);
      ask(peer, channel, 2 * FAR_MS);
      ask(peer, channel, FAR_MS / 2);
      peer.send('END', { channel });
      await peer.expect('END', { channel, requirement: 'APP-006' });
      const drain = (await peer.barrier('APP-001')).find(({ name }) => name === 'DRAIN');
      if (drain !== undefined) fail('one DRAIN', drain.text, 'APP-001');
    },
  },
  {
    id: 'APP-006/drain-consumes',
    requirements: ['APP-006', 'CHN-034'],
    title: 'test/drain consumes messages',
    stimulus: 'The client sends as many messages to test/drain as it was granted, and waits.',
    expectation: 'DRAIN arrives, and a CREDIT that allows more.',
    run: async (context) => {
      const { peer, channel } = await keptOpen(context, 'test/drain');
      for (let n = peer.serverParameter('initial_message_credit'); n > 0; n -= 1) ask(peer, channel, FAR_MS);
      for (const seen = new Set<string>(); !seen.has('DRAIN') || !seen.has('CREDIT');) {
        const frame = await peer.next('DRAIN and CREDIT', 'CREDIT', { requirement: 'APP-006' });
        if (frame.name !== 'DRAIN' && frame.name !== 'CREDIT') fail('DRAIN and CREDIT', frame.text, 'APP-006');
        seen.add(frame.name);
      }
    },
  },
  {
    id: 'CNT-049/the-earlier-stands',
    requirements: ['CNT-049', 'CNT-048'],
    title: 'a later wish moves the deadline of DRAIN no further',
    stimulus: `The client asks test/drain for ${NEAR_MS} milliseconds, and on another channel for a minute.`,
    expectation: `CLOSE(NO_ERROR) without END_SESSION arrives after ${NEAR_MS} milliseconds.`,
    timing: true,
    estimateMs: ESTIMATE_MS,
    run: async (context) => {
      const { peer, second, askedAt } = await drained(context, NEAR_MS);
      ask(peer, second, FAR_MS);
      await requireEnd(peer, askedAt, NEAR_MS, true);
    },
  },
  {
    id: 'CNT-048/resumed-afterwards',
    requirements: ['CNT-048', 'CNT-013'],
    title: 'a session that was drained to the end can be attached again',
    stimulus:
      'The client asks test/drain for no time, has its connection closed, and attaches the session again; a message of test/echo was lost with the connection.',
    expectation: 'The session goes on where it was, without a deadline: the lost message comes back.',
    run: async (context) => {
      const { peer: former, channel: echo } = await keptOpen(context, 'test/echo');
      const channel = await context.dependency('opening test/drain', () => former.open('test/drain'));
      ask(former, channel, 0);
      await requireDrain(former, 0);
      const close = await former.expectWhere('CLOSE', ({ name }) => name === 'CLOSE', { requirement: 'CNT-048' });
      close.requireCode('NO_ERROR', 'CNT-048');
      const message = context.bytes(21);
      former.lose(former.build('MESSAGE', { channel: echo, flags: ['FIRST', 'LAST'], fields: { fragment: message } }));
      former.destroy();
      const peer = await again(context, former);
      const returned = await receiveMessage(peer, echo, 'CNT-013');
      assertThat(Buffer.compare(returned, message) === 0, 'the message that was lost', 'another one', 'CNT-013');
      await peer.barrier('CNT-048');
    },
  },
  {
    id: 'CNT-045/a-new-connection-has-no-drain',
    requirements: ['CNT-045', 'CNT-048'],
    title: 'the deadline of DRAIN is one of the connection, not of the session',
    stimulus: `The client asks test/drain for ${NEAR_MS} milliseconds, attaches the session to another connection at once, and stays there for longer.`,
    expectation: 'The new connection goes on, and a channel can be opened on it.',
    timing: true,
    estimateMs: NEAR_MS + 300,
    run: async (context) => {
      const { peer: former } = await drained(context, NEAR_MS);
      const peer = await again(context, former);
      const end = performance.now() + NEAR_MS + 150;
      while (performance.now() < end) await peer.arrival(end - performance.now());
      const echo = await peer.open('test/echo');
      await requireEcho(peer, echo, context.bytes(5), 'CNT-045');
    },
  },
  {
    id: 'CNT-045/close-before-the-deadline',
    requirements: ['CNT-045', 'SES-012'],
    title: 'a client that closes after DRAIN is answered in kind',
    stimulus: 'After DRAIN the client ends the session with CLOSE and END_SESSION.',
    expectation: 'CLOSE(NO_ERROR) with END_SESSION comes back at once, and the end of the stream.',
    run: async (context) => {
      const { peer } = await drained(context, FAR_MS);
      await peer.close();
    },
  },
  {
    id: 'CNT-045/detach-before-the-deadline',
    requirements: ['CNT-045', 'CNT-015'],
    title: 'a client that leaves after DRAIN keeps its session',
    stimulus: 'After DRAIN the client ends the connection without END_SESSION and attaches the session to another one.',
    expectation: 'CLOSE(NO_ERROR) without END_SESSION comes back at once, and the session goes on.',
    run: async (context) => {
      const { peer: former } = await drained(context, FAR_MS);
      await former.detach();
      const peer = await again(context, former);
      await peer.barrier('CNT-013');
    },
  },
  {
    id: 'SES-001/drain-from-a-client',
    requirements: ['SES-001'],
    title: 'a client must not send DRAIN',
    stimulus: 'The client sends a DRAIN that is right in every respect but its sender.',
    expectation: 'The server answers with CLOSE(FRAME_UNEXPECTED).',
    run: async (context) => {
      const peer = await context.established();
      peer.send('DRAIN', { fields: { code: 0, deadline_ms: FAR_MS } });
      await expectExactly(peer, 'FRAME_UNEXPECTED', 'SES-001');
    },
  },
  {
    id: 'SES-001/drain-for-a-drain',
    requirements: ['SES-001'],
    title: 'a client must not answer DRAIN with DRAIN',
    stimulus: 'In a resumable session the client sends DRAIN back.',
    expectation: 'The server answers with CLOSE(FRAME_UNEXPECTED).',
    run: async (context) => {
      const { peer } = await drained(context, FAR_MS);
      peer.send('DRAIN', { fields: { code: 0, deadline_ms: FAR_MS } });
      await expectExactly(peer, 'FRAME_UNEXPECTED', 'SES-001');
    },
  },
  {
    id: 'APP-001/detach-resumable',
    requirements: ['APP-001', 'CNT-013'],
    title: 'test/detach ends only the connection of a resumable session',
    stimulus: 'The client sends a message to test/detach, is left, and attaches the session to another connection.',
    expectation: 'CLOSE(NO_ERROR) without END_SESSION arrives; the session goes on, test/echo in it too.',
    run: async (context) => {
      const { peer: former, channel: echo } = await keptOpen(context, 'test/echo');
      const channel = await context.dependency('opening test/detach', () => former.open('test/detach'));
      await former.barrier('APP-001');
      former.sendMessage(channel, context.bytes(1));
      await former.expectDetached('NO_ERROR', 'APP-001');
      const peer = await again(context, former);
      await requireEcho(peer, echo, context.bytes(30), 'CNT-013');
    },
  },
  {
    id: 'APP-001/detach-plain',
    requirements: ['APP-001', 'SES-017'],
    title: 'test/detach ends a session that is not resumable',
    stimulus: 'In a session without retention the client sends a message to test/detach.',
    expectation: 'CLOSE(NO_ERROR) with END_SESSION arrives, and the end of the stream.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/detach');
      await peer.barrier('APP-001');
      peer.sendMessage(channel, new Uint8Array(0));
      const close = await peer.expect('CLOSE', { requirement: 'APP-001' });
      close.requireCode('NO_ERROR', 'APP-001');
      assertThat(close.has('END_SESSION'), 'END_SESSION', close.text, 'SES-017');
      peer.sendClose();
      await peer.expectEnd('SES-014');
    },
  },
  ...['test/outcome', 'test/drain', 'test/detach'].map((name): NewCase => ({
    id: `APP-006/end-of-${name.slice('test/'.length)}`,
    requirements: ['APP-006', 'APP-001'],
    title: `${name} answers END with END`,
    stimulus: `The client opens ${name} and sends END without a message.`,
    expectation: 'END arrives, and nothing else.',
    run: async (context) => {
      const { peer, channel } = await context.opened(name);
      peer.send('END', { channel });
      await peer.expect('END', { channel, requirement: 'APP-006' });
      const more = (await peer.barrier('APP-006')).find((passed) => passed.channel === channel);
      if (more !== undefined && more.name !== 'CREDIT') fail('nothing on the channel', more.text, 'APP-006');
    },
  })),
  {
    id: 'CNT-035/test-close',
    requirements: ['CNT-035', 'CNT-036', 'APP-001'],
    title: 'test/close ends a resumable session, and its final cursors are kept',
    stimulus:
      'The client sends five messages to test/sink and one to test/close, reads CLOSE, and asks to attach the session again.',
    expectation:
      'CLOSE(NO_ERROR) with END_SESSION; then REJECT(SESSION_ENDED) with the final cursors that CLOSE has stated.',
    run: async (context) => {
      const { peer: former, channel: sink } = await keptOpen(context, 'test/sink');
      const close = await context.dependency('opening test/close', () => former.open('test/close'));
      for (let n = 0; n < 5; n += 1) former.sendMessage(sink, context.bytes(10));
      former.sendMessage(close, context.bytes(1));
      const said = await former.expectWhere('CLOSE', ({ name }) => name === 'CLOSE', { requirement: 'APP-001' });
      assertThat(said.has('END_SESSION'), 'END_SESSION', said.text, 'APP-001');
      assertEqual('receive cursor', said.integer('receive_cursor'), former.nextSeq - 1n, 'SES-012');
      former.sendClose();
      await former.expectEnd('SES-014');
      const reject = await refused(context, former, 'SESSION_ENDED', 'CNT-036');
      requireStated(reject, {
        final_receive_cursor: said.integer('receive_cursor'),
        final_send_cursor: said.integer('send_cursor'),
      });
    },
  },
  {
    id: 'CNT-035/test-close-unread',
    requirements: ['CNT-035', 'CNT-036', 'APP-001'],
    title: 'a client that has not read the CLOSE of test/close learns the final cursors all the same',
    stimulus:
      'The client sends three messages to test/sink and one to test/close; the connection is cut before it reads anything of the answer. It asks to attach the session again.',
    expectation: 'REJECT(SESSION_ENDED) arrives, with a receive cursor that holds everything that was sent.',
    run: async (context) => {
      const { peer: former, channel: sink } = await keptOpen(context, 'test/sink');
      const close = await context.dependency('opening test/close', () => former.open('test/close'));
      await former.barrier();
      former.cutAfter({ octets: 1 });
      // In one record, or the cut could overtake one of them.
      const whole = (channel: number): Uint8Array =>
        former.build('MESSAGE', { channel, flags: ['FIRST', 'LAST'], fields: { fragment: context.bytes(10) } });
      former.sendTogether([sink, sink, sink, close].map(whole));
      await former.expectNoFrame('APP-001');
      const reject = await refused(context, former, 'SESSION_ENDED', 'CNT-036');
      requireStated(reject, { final_receive_cursor: former.nextSeq - 1n });
    },
  },
]);
