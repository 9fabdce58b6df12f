import { assertEqual, assertThat, fail } from '../../peer/failure.ts';
import type { ReceivedFrame } from '../../peer/received-frame.ts';
import type { ServerPeer } from '../../peer/server-peer.ts';
import type { ClientCase } from '../case.ts';
import { clientCases } from '../case.ts';
import {
  again,
  attach,
  codeOf,
  comes,
  expectDelivered,
  expectGivenUp,
  kept,
  keptOpen,
  sendAndTake,
  small,
  taken,
} from './continuity-sessions.ts';

type Case = Omit<ClientCase, 'role'>;

const FEATURES = ['resumption'];

/** Announces the end of a connection. */
function drain(peer: ServerPeer, deadlineMs: number, code: string | number = 'SHUTTING_DOWN'): void {
  const number = typeof code === 'number' ? code : codeOf(code);
  peer.send('DRAIN', { fields: { code: number, deadline_ms: deadlineMs } });
}

function expectNoOpen(frames: readonly ReceivedFrame[]): void {
  const open = frames.find(({ name }) => name === 'OPEN');
  if (open !== undefined) fail('no OPEN on a connection that is drained', open.text, 'CNT-046');
}

const CODES: readonly { readonly slug: string; readonly code: string | number; readonly words: string }[] = [
  { slug: 'no-error', code: 'NO_ERROR', words: 'NO_ERROR' },
  { slug: 'shutting-down', code: 'SHUTTING_DOWN', words: 'SHUTTING_DOWN' },
  { slug: 'connection-expired', code: 'CONNECTION_EXPIRED', words: 'CONNECTION_EXPIRED' },
  { slug: 'unknown-code', code: 0x7777, words: '0x7777, which nobody knows and which counts as SHUTTING_DOWN' },
];

const codeCases = CODES.map(({ slug, code, words }): Case => ({
  id: `CNT-047/client-${slug}`,
  requirements: code === 0x7777 ? ['CNT-047', 'ERR-002'] : ['CNT-047'],
  title: `the client leaves a connection that is drained (${slug})`,
  stimulus: `The server sends DRAIN with a deadline of two seconds and the code ${words}.`,
  expectation: 'Before the deadline the client asks for its session on another connection, and goes on there.',
  features: FEATURES,
  run: async (context) => {
    const met = await keptOpen(context, 'test/sink');
    const before = performance.now();
    drain(met.peer, 2000, code);
    const coming = await comes(context, met, 'CNT-047', 4000);
    const passedMs = Math.round(performance.now() - before);
    assertThat(passedMs < 2000, 'an attempt before the deadline', `one after ${passedMs} ms`, 'CNT-047');
    await sendAndTake({ ...met, ...(await attach(coming)) }, small(1));
  },
}));

/** Section 12.7, for a client. */
export const continuityDrain: readonly ClientCase[] = clientCases([
  ...codeCases,
  {
    id: 'CNT-046/client-open-waits',
    requirements: ['CNT-046'],
    title: 'OPEN waits for the next connection',
    stimulus: 'The server sends DRAIN, and then the client is asked to open a channel.',
    expectation: 'OPEN does not come on the connection that is drained, but on the next one.',
    features: FEATURES,
    run: async (context) => {
      const met = await kept(context);
      drain(met.peer, 2000);
      await met.peer.barrier('CNT-046');
      const channel = await met.client.open('test/sink');
      await taken(met.client);
      expectNoOpen(await met.peer.barrier('CNT-046'));
      const { peer } = await again(context, met);
      await peer.expect('OPEN', { channel, requirement: 'CNT-046' });
      const late = met.peer.log.entries.filter(
        ({ direction, text }) => direction === 'received' && text.startsWith('OPEN'),
      );
      assertEqual('OPEN on the connection that is drained', late.length, 0, 'CNT-046');
    },
  },
  {
    id: 'CNT-046/client-not-resumable',
    requirements: ['CNT-046'],
    title: 'a session that is not resumable opens nothing after DRAIN',
    stimulus:
      'In a session that is not resumable the server sends DRAIN, and then the client is asked to open a channel.',
    expectation: 'No OPEN comes.',
    run: async (context) => {
      const { peer, client } = await context.established();
      drain(peer, 5000);
      await peer.barrier('CNT-046');
      await client.ask({ do: 'open', connection: client.name, application: 'test/sink' });
      await taken(client);
      peer.send('PING', { fields: { data: context.bytes(8) } });
      // The client may close its session instead.
      for (;;) {
        const frame = await peer.next('PONG or CLOSE', '*', { requirement: 'CNT-046' });
        expectNoOpen([frame]);
        if (frame.name === 'PONG' || frame.name === 'CLOSE') break;
      }
    },
  },
  {
    id: 'CNT-047/client-earlier-deadline-stands',
    requirements: ['CNT-047', 'CNT-049'],
    title: 'a later DRAIN does not extend the deadline',
    stimulus:
      'The server sends DRAIN with a deadline of 2,000 ms, and at once another one with a deadline of one hour.',
    expectation: 'The client asks for its session on another connection within 2,000 ms.',
    features: FEATURES,
    run: async (context) => {
      const met = await kept(context);
      const before = performance.now();
      drain(met.peer, 2000);
      drain(met.peer, 3_600_000);
      const coming = await comes(context, met, 'CNT-047', 4000);
      const passedMs = Math.round(performance.now() - before);
      assertThat(passedMs < 2000, 'an attempt within 2,000 ms', `one after ${passedMs} ms`, 'CNT-047');
      await attach(coming);
    },
  },
  {
    id: 'CNT-047/client-sooner-deadline-counts',
    requirements: ['CNT-047'],
    title: 'a later DRAIN may bring the deadline forward',
    stimulus: 'The server sends DRAIN with a deadline of one hour, and then another one with a deadline of 2,000 ms.',
    expectation: 'The client asks for its session on another connection within 2,000 ms of the second one.',
    features: FEATURES,
    run: async (context) => {
      const met = await kept(context);
      drain(met.peer, 3_600_000);
      const before = performance.now();
      drain(met.peer, 2000);
      const coming = await comes(context, met, 'CNT-047', 4000);
      const passedMs = Math.round(performance.now() - before);
      assertThat(passedMs < 2000, 'an attempt within 2,000 ms', `one after ${passedMs} ms`, 'CNT-047');
      await attach(coming);
    },
  },
  {
    id: 'CNT-047/client-tries-again',
    requirements: ['CNT-047', 'CNT-018'],
    title: 'an attempt that fails before the deadline is followed by another one',
    stimulus:
      'The server sends DRAIN with a deadline of 3,000 ms. The first attempt is answered with REJECT(BUSY), the second is accepted.',
    expectation:
      'Both attempts come before the deadline, the second one with a greater number, and the session goes on.',
    features: FEATURES,
    run: async (context) => {
      const met = await keptOpen(context, 'test/sink');
      const before = performance.now();
      drain(met.peer, 3000);
      const first = await comes(context, met, 'CNT-047', 3000);
      first.peer.sendReject('BUSY');
      const second = await comes(context, met, 'CNT-047', 3000);
      const passedMs = Math.round(performance.now() - before);
      assertThat(passedMs < 3000, 'two attempts within 3,000 ms', `the second after ${passedMs} ms`, 'CNT-047');
      assertEqual('attempt', second.connect.integer('attempt'), 2n, 'CNT-018');
      await sendAndTake({ ...met, ...(await attach(second)) }, small(1));
    },
  },
  {
    id: 'CNT-047/client-after-the-deadline',
    requirements: ['CNT-047', 'CNT-015', 'CNT-013'],
    title: 'a session outlives a connection that was ended at its deadline',
    stimulus:
      'The server sends DRAIN, refuses the attempt that follows with REJECT(BUSY), and ends the connection with CLOSE(SHUTTING_DOWN) without END_SESSION. Then it accepts.',
    expectation: 'The client attaches the session with a later attempt.',
    features: FEATURES,
    run: async (context) => {
      const met = await keptOpen(context, 'test/sink');
      drain(met.peer, 200);
      const first = await comes(context, met);
      first.peer.sendReject('BUSY');
      await first.peer.expectEnd('EST-032');
      met.peer.sendClose('SHUTTING_DOWN', { flags: [] });
      await sendAndTake(await again(context, met), small(1));
    },
  },
  {
    id: 'CNT-058/client-stale-while-draining',
    requirements: ['CNT-058', 'ERR-006'],
    title: 'ATTEMPT_STALE forbids every further attempt, also where the connection is drained',
    stimulus:
      'The server sends DRAIN, and the attempt that follows is answered with REJECT(ATTEMPT_STALE). The server goes on with the connection and then ends it with CLOSE(SHUTTING_DOWN) without END_SESSION.',
    expectation: 'The client gives the session up, and does not connect again.',
    features: FEATURES,
    run: async (context) => {
      const met = await keptOpen(context, 'test/sink');
      drain(met.peer, 5000);
      const { peer } = await comes(context, met);
      peer.sendReject('ATTEMPT_STALE');
      await peer.expectEnd('EST-032');
      // A client may give the session up at once.
      met.peer.sendClose('SHUTTING_DOWN', { flags: [] });
      await expectGivenUp(met, 2, 'CNT-058');
    },
  },
  {
    id: 'CNT-052/client-works-until-it-moves',
    requirements: ['CNT-052', 'CNT-045'],
    level: 'SHOULD',
    title: 'a connection that is drained is used until CONNECT is sent on another one',
    stimulus:
      'The server sends DRAIN and does not answer on the next connection. The client is asked to send a message, and the server sends one.',
    expectation: 'Both arrive on the former connection.',
    features: FEATURES,
    run: async (context) => {
      const met = await keptOpen(context, 'test/echo');
      drain(met.peer, 5000);
      await met.peer.barrier('CNT-052');
      met.client.send(met.channel, Uint8Array.of(1));
      await met.peer.expect('MESSAGE', { channel: met.channel, requirement: 'CNT-052' });
      met.peer.sendMessage(met.channel, Uint8Array.of(2));
      await expectDelivered(met.client, Uint8Array.of(2), 'CNT-052');
      await again(context, met);
    },
  },
  {
    id: 'SES-009/client-drain',
    requirements: ['SES-009'],
    title: 'DRAIN counts against the budget, and within it it is taken',
    stimulus: 'In a session that is not resumable the server sends a hundred DRAINs and then a message.',
    expectation: 'The client delivers the message.',
    run: async (context) => {
      const { peer, client, channel } = await context.opened();
      for (let count = 0; count < 100; count += 1) drain(peer, 60_000 - count);
      peer.sendMessage(channel, Uint8Array.of(1));
      await expectDelivered(client, Uint8Array.of(1), 'SES-009');
    },
  },
  {
    id: 'SES-010/client-drain',
    requirements: ['SES-010'],
    title: 'a flood of DRAIN ends the session',
    stimulus: 'The server sends 5,000 DRAINs at once.',
    expectation: 'The client ends the session with CLOSE(RATE_EXCEEDED).',
    run: async (context) => {
      const { peer } = await context.established();
      const frame = peer.build('DRAIN', { fields: { code: codeOf('SHUTTING_DOWN'), deadline_ms: 60_000 } });
      peer.sendOctets(Buffer.concat(Array.from({ length: 5000 }, () => frame)), '5,000 DRAINs');
      const close = await peer.expectWhere('CLOSE', ({ name }) => name === 'CLOSE', { requirement: 'SES-010' });
      close.requireCode('RATE_EXCEEDED', 'SES-010');
    },
  },
]);
