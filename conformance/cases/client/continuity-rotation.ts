import { setTimeout as elapse } from 'node:timers/promises';
import { timer } from '../../model/registry.ts';
import type { ServerPeer } from '../../peer/server-peer.ts';
import { assertEqual, assertThat, fail } from '../../peer/failure.ts';
import type { ClientCase } from '../case.ts';
import { clientCases } from '../case.ts';
import type { ClientContext } from '../client-context.ts';
import type { Coming, Kept } from './continuity-sessions.ts';
import {
  again,
  attach,
  comes,
  cutAndAgain,
  expectDelivered,
  expectGivenUp,
  expectNotTaken,
  expectSame,
  grants,
  kept,
  keptOpen,
  sendAndTake,
  small,
  taken,
} from './continuity-sessions.ts';

type Case = Omit<ClientCase, 'role'>;

const FEATURES = ['resumption'];
const ROTATION = [...FEATURES, 'rotation'];

const EARLIEST = timer('rotation_earliest_percent');
const LATEST = timer('rotation_latest_percent');

/** The client is asked to move, and its CONNECT is read. */
async function moves<Way extends Kept>(context: ClientContext, met: Way): Promise<Way & Coming> {
  await met.client.rotate();
  return { ...met, ...(await comes(context, met)) };
}

/** Ends the former connection as a server does, and demands the client's side of it. */
async function expectFormerEnds(former: ServerPeer, requirement: string): Promise<void> {
  former.sendClose('SUPERSEDED', { flags: [] });
  for (;;) {
    const frame = await former.nextOrEnd('CLOSE without END_SESSION, or the end of the connection');
    if (typeof frame === 'string') return;
    if (frame.name === 'CLOSE' && frame.has('END_SESSION')) fail('CLOSE without END_SESSION', frame.text, 'CNT-015');
    if (frame.seq > 0n) fail('nothing of the session on the former connection', frame.text, requirement);
  }
}

/** Certificates of a server that the client does not accept, when it comes again. */
const WRONG_SERVERS: readonly { readonly slug: string; readonly requirement: string; readonly words: string }[] = [
  { slug: 'other-identity', requirement: 'EST-010', words: 'another identity of the same authority' },
  { slug: 'revoked', requirement: 'TLS-024', words: 'a certificate that was revoked' },
  { slug: 'expired', requirement: 'TLS-012', words: 'a certificate that has expired' },
  { slug: 'other-ca', requirement: 'TLS-011', words: 'a certificate of another authority' },
];

const wrongServerCases = WRONG_SERVERS.map(({ slug, requirement, words }): Case => ({
  id: `${requirement}/client-resume-${slug}`,
  requirements: [requirement],
  title: `a session is not attached to a server with ${words}`,
  stimulus: `The connection is lost. On the next one the server presents ${words}, and sends CHALLENGE.`,
  expectation: 'The client sends no CONNECT: it ends the handshake, or sends CLOSE(AUTHENTICATION_FAILED).',
  features: FEATURES,
  run: async (context) => {
    const met = await kept(context);
    met.listener.change({ credential: context.kit.credential(`servers/${slug}`) });
    met.peer.destroy();
    await expectNotTaken(met, requirement);
  },
}));

/** Section 12.8, and what a client does with two connections. */
export const continuityRotation: readonly ClientCase[] = clientCases([
  {
    id: 'CNT-050/client-in-time',
    requirements: ['CNT-050'],
    title: 'a session is moved before the deadline of its connection',
    stimulus: 'The server grants a deadline of 3,000 ms.',
    expectation:
      'The client begins to attach the session to another connection before the deadline, and goes on there.',
    features: FEATURES,
    timing: true,
    estimateMs: 2600,
    run: async (context) => {
      const met = await keptOpen(context, 'test/sink', { deadlineMs: 3000 });
      const before = performance.now();
      const coming = await comes(context, met, 'CNT-050', 5000);
      const passedMs = Math.round(performance.now() - before);
      assertThat(passedMs < 3000, 'an attempt within 3,000 ms', `one after ${passedMs} ms`, 'CNT-050');
      await sendAndTake({ ...met, ...(await attach(coming)) }, small(1));
    },
  },
  {
    id: 'CNT-050/client-unasked-deadline',
    requirements: ['CNT-050', 'CNT-001'],
    title: 'a deadline counts that only the server has set',
    stimulus: 'The client asks for no deadline, and the server grants one of 3,000 ms.',
    expectation: 'The client begins to attach the session to another connection before it.',
    features: FEATURES,
    timing: true,
    estimateMs: 2600,
    run: async (context) => {
      const met = await kept(context, { granted: { retentionMs: 5000, deadlineMs: 3000 } });
      const before = performance.now();
      const coming = await comes(context, met, 'CNT-050', 5000);
      const passedMs = Math.round(performance.now() - before);
      assertThat(passedMs < 3000, 'an attempt within 3,000 ms', `one after ${passedMs} ms`, 'CNT-050');
      await attach(coming);
    },
  },
  {
    id: 'CNT-050/client-after-a-failed-move',
    requirements: ['CNT-050'],
    title: 'an attempt that fails does not put the deadline off',
    stimulus:
      'The server grants a deadline of 3,000 ms. After 1,000 ms the client is asked to move, and the attempt is answered with REJECT(BUSY).',
    expectation: 'The client makes another attempt before the deadline.',
    features: ROTATION,
    timing: true,
    estimateMs: 2600,
    run: async (context) => {
      const met = await kept(context, { deadlineMs: 3000 });
      const before = performance.now();
      await elapse(1000);
      const { peer } = await moves(context, met);
      peer.sendReject('BUSY');
      const coming = await comes(context, met, 'CNT-050', 5000);
      const passedMs = Math.round(performance.now() - before);
      assertThat(passedMs < 3000, 'an attempt within 3000 ms', `one after ${passedMs} ms`, 'CNT-050');
      await attach(coming);
    },
  },
  {
    id: 'CNT-051/client-share-of-the-deadline',
    requirements: ['CNT-051'],
    level: 'SHOULD',
    title: 'a session is moved neither at once nor at the last moment',
    stimulus: 'The server grants a deadline of 2,000 ms.',
    expectation: `The client begins to attach the session after ${EARLIEST} to ${LATEST} per cent of it.`,
    features: FEATURES,
    timing: true,
    estimateMs: 1700,
    run: async (context) => {
      const met = await kept(context, { deadlineMs: 2000 });
      const before = performance.now();
      await context.next(met.listener, 3000);
      const passedMs = Math.round(performance.now() - before);
      // The clock of the harness begins a little later, and it learns of TCP and TLS a little late.
      const right = passedMs >= EARLIEST * 20 - 50 && passedMs <= LATEST * 20 + 300;
      assertThat(
        right,
        `an attempt after ${EARLIEST * 20} to ${LATEST * 20} ms`,
        `one after ${passedMs} ms`,
        'CNT-051',
      );
    },
  },
  {
    id: 'CNT-003/client-deadline-of-a-resumption',
    requirements: ['CNT-003', 'CNT-050'],
    title: 'the deadline in the ACCEPT of a resumption takes effect',
    stimulus:
      'The session began without a deadline. The connection is lost, and the ACCEPT of the next one grants 3,000 ms.',
    expectation: 'The client begins to attach the session to a third connection within 3,000 ms.',
    features: FEATURES,
    timing: true,
    estimateMs: 2600,
    run: async (context) => {
      const met = await kept(context);
      met.peer.destroy();
      const second = await again(context, met, { parameters: grants({ deadlineMs: 3000 }) });
      const before = performance.now();
      const third = await comes(context, second, 'CNT-003', 5000);
      const passedMs = Math.round(performance.now() - before);
      assertThat(passedMs < 3000, 'an attempt within 3,000 ms', `one after ${passedMs} ms`, 'CNT-050');
      await attach(third);
    },
  },
  {
    id: 'CNT-003/client-deadline-of-the-former-connection',
    requirements: ['CNT-003'],
    title: 'the deadline of a former connection has no effect',
    stimulus:
      'The session began with a deadline of 500 ms. The connection is lost at once, and the ACCEPT of the next one grants no deadline.',
    expectation: 'The client is still on that connection when 700 ms have passed.',
    features: FEATURES,
    timing: true,
    estimateMs: 800,
    run: async (context) => {
      const granted = { retentionMs: 5000, deadlineMs: 500 };
      const second = await cutAndAgain(context, await kept(context, { granted }));
      await elapse(700);
      await second.peer.barrier('CNT-003');
      assertEqual('connections of the client', second.listener.connections, 2, 'CNT-003');
    },
  },
  {
    id: 'CNT-052/client-before-connect',
    requirements: ['CNT-052'],
    level: 'SHOULD',
    title: 'the former connection is used until CONNECT is sent',
    stimulus:
      'The client is asked to move. The server does not send CHALLENGE on the new connection yet; the client is asked to send a message, and the server sends one.',
    expectation: 'Both arrive on the former connection.',
    features: ROTATION,
    run: async (context) => {
      const met = await keptOpen(context);
      await met.client.rotate();
      const peer = await context.next(met.listener);
      met.client.send(met.channel, Uint8Array.of(1));
      await met.peer.expect('MESSAGE', { channel: met.channel, requirement: 'CNT-052' });
      met.peer.sendMessage(met.channel, Uint8Array.of(2));
      await expectDelivered(met.client, Uint8Array.of(2), 'CNT-052');
      peer.sendChallenge();
      const connect = await peer.expectConnect();
      await attach({ ...met, peer, connect, former: met.peer });
    },
  },
  {
    id: 'CNT-019/client-reads-nothing-more',
    requirements: ['CNT-019', 'CNT-030'],
    title: 'what comes on the former connection after CONNECT is not processed',
    stimulus:
      'The client is asked to move. After its CONNECT the server still sends a message and a PING on the former connection, and then accepts on the new one, where it sends the message again and another one.',
    expectation: 'The client delivers each message once, in order, and does not answer the PING.',
    features: ROTATION,
    run: async (context) => {
      const met = await keptOpen(context);
      const coming = await moves(context, met);
      met.peer.sendMessage(met.channel, Uint8Array.of(1));
      met.peer.send('PING', { fields: { data: context.bytes(8) } });
      const { peer } = await attach(coming);
      peer.sendMessage(met.channel, Uint8Array.of(2));
      await expectDelivered(met.client, Uint8Array.of(1), 'CNT-019');
      await expectDelivered(met.client, Uint8Array.of(2), 'CNT-019');
      await peer.barrier('CNT-019');
      const pongs = met.peer.log.entries.filter(
        ({ direction, text }) => direction === 'received' && text.startsWith('PONG'),
      );
      assertEqual('answers to the PING', pongs.length, 0, 'CNT-019');
    },
  },
  {
    id: 'CNT-019/client-ack-on-the-former-connection',
    requirements: ['CNT-019', 'CNT-030', 'CNT-032'],
    title: 'an acknowledgement on the former connection after CONNECT has no effect',
    stimulus:
      'The client has sent two messages and is asked to move. After its CONNECT the server acknowledges both on the former connection; in ACCEPT it says that it holds none.',
    expectation: 'The client takes ACCEPT, and sends both again.',
    features: ROTATION,
    run: async (context) => {
      const met = await keptOpen(context, 'test/sink');
      await met.peer.barrier();
      met.peer.answerAcks = false;
      const frames = await sendAndTake(met, small(2));
      const coming = await moves(context, met);
      met.peer.sendAck();
      // Sent on another connection: this only makes it likely that a client that reads on has read it.
      await taken(met.client);
      met.peer.receivedSeq -= 2n;
      const { peer } = await attach(coming);
      await expectSame(peer, frames, 'CNT-019');
    },
  },
  {
    id: 'CNT-050/client-moves-on-request',
    requirements: ['CNT-050', 'CNT-018', 'CNT-020', 'CNT-015'],
    title: 'a session moves to a fresh connection',
    stimulus:
      'The client is asked to move its session. The server accepts, and ends the former connection with CLOSE(SUPERSEDED).',
    expectation:
      'CONNECT states attempt 1 and epoch 1, the session goes on, and the former connection ends without END_SESSION.',
    features: ROTATION,
    run: async (context) => {
      const met = await keptOpen(context);
      const coming = await moves(context, met);
      assertEqual('attempt', coming.connect.integer('attempt'), 1n, 'CNT-018');
      assertEqual('epoch', coming.connect.integer('epoch'), 1n, 'CNT-020');
      const next = await attach(coming);
      await expectFormerEnds(met.peer, 'CNT-019');
      await sendAndTake(next, small(1));
      next.peer.sendMessage(met.channel, Uint8Array.of(2));
      await expectDelivered(met.client, Uint8Array.of(2), 'CNT-030');
    },
  },
  {
    id: 'CNT-058/client-superseded-by-its-own-attempt',
    requirements: ['CNT-058', 'CNT-050'],
    title: 'SUPERSEDED by an own attempt does not end the session',
    stimulus:
      'The client is asked to move its session. The server ends the former connection with CLOSE(SUPERSEDED) before it sends ACCEPT on the new one.',
    expectation: 'The session goes on, on the new connection.',
    features: ROTATION,
    run: async (context) => {
      const met = await keptOpen(context, 'test/sink');
      const coming = await moves(context, met);
      met.peer.sendClose('SUPERSEDED', { flags: [] });
      const next = await attach(coming);
      await sendAndTake(next, small(1));
    },
  },
  {
    id: 'CNT-058/client-stale-while-moving',
    requirements: ['CNT-058', 'ERR-006'],
    title: 'ATTEMPT_STALE forbids every further attempt',
    stimulus:
      'The client is asked to move its session, and the attempt is answered with REJECT(ATTEMPT_STALE). Then the former connection is lost.',
    expectation: 'The client gives the session up, and does not connect again.',
    features: ROTATION,
    run: async (context) => {
      const met = await keptOpen(context, 'test/sink');
      const { peer } = await moves(context, met);
      peer.sendReject('ATTEMPT_STALE');
      await peer.expectEnd('EST-032');
      met.peer.destroy();
      await expectGivenUp(met, 2, 'CNT-058');
    },
  },
  {
    id: 'CNT-057/client-lost-accept-of-a-move',
    requirements: ['CNT-057', 'CNT-058'],
    level: 'SHOULD',
    title: 'SUPERSEDED by an own attempt whose ACCEPT was lost is followed by another attempt',
    stimulus:
      'The client is asked to move its session. The server takes the attempt, and ends the former connection with CLOSE(SUPERSEDED); its ACCEPT is lost with the new connection.',
    expectation: 'The client asks for its session once more, and goes on with it.',
    features: ROTATION,
    run: async (context) => {
      const met = await keptOpen(context, 'test/sink');
      const coming = await moves(context, met);
      met.peer.sendClose('SUPERSEDED', { flags: [] });
      coming.peer.destroy();
      const next = await attach(await comes(context, met), { fields: { epoch: 3 } });
      await sendAndTake({ ...met, ...next }, small(1));
    },
  },
  {
    id: 'CNT-019/client-takes-up-the-former-connection',
    requirements: ['CNT-019', 'CNT-013'],
    title: 'a session goes on when an attempt to move it fails',
    stimulus:
      'The client is asked to move its session, and the attempt is answered with REJECT(BUSY). A message of the server waits on the former connection. The client is asked to send one as well.',
    expectation:
      'Both messages arrive: on the former connection, or on another one to which the client has moved in the meantime.',
    features: ROTATION,
    run: async (context) => {
      const met = await keptOpen(context);
      const coming = await moves(context, met);
      met.peer.sendMessage(met.channel, Uint8Array.of(1));
      coming.peer.sendReject('BUSY');
      met.client.send(met.channel, Uint8Array.of(2));
      const carried = met.peer
        .expectWhere('MESSAGE', ({ name }) => name === 'MESSAGE', { requirement: 'CNT-013' })
        .then(() => undefined);
      const moved = context.next(met.listener);
      for (const way of [carried, moved]) way.catch(() => undefined);
      const peer = await Promise.race([carried, moved]);
      if (peer !== undefined) {
        peer.sendChallenge();
        const connect = await peer.expectConnect();
        await attach({ ...met, peer, connect, former: met.peer });
        await peer.expect('MESSAGE', { channel: met.channel, requirement: 'CNT-013' });
      }
      await expectDelivered(met.client, Uint8Array.of(1), 'CNT-013');
    },
  },
  {
    id: 'CNT-030/client-moves-five-times',
    requirements: ['CNT-030', 'CNT-019', 'CNT-018'],
    title: 'nothing is lost and nothing comes twice when a session moves',
    stimulus: 'Five times a message goes each way, and the client is asked to move before either is acknowledged.',
    expectation: 'Each message arrives once, in order, and the attempts have the numbers 1 to 5.',
    features: ROTATION,
    estimateMs: 200,
    run: async (context) => {
      let met = await keptOpen(context);
      await met.peer.barrier();
      met.peer.answerAcks = false;
      for (const number of [1, 2, 3, 4, 5]) {
        const message = Uint8Array.of(number);
        met.client.send(met.channel, message);
        const frame = await met.peer.expect('MESSAGE', { channel: met.channel, requirement: 'CNT-030' });
        assertEqual('message', frame.bytes('fragment')[0], number, 'CNT-030');
        met.peer.sendMessage(met.channel, message);
        const coming = await moves(context, met);
        assertEqual('attempt', coming.connect.integer('attempt'), BigInt(number), 'CNT-018');
        const former = met.peer;
        coming.peer.sendAcceptResume(former);
        await expectDelivered(met.client, message, 'CNT-030');
        await met.client.expectEvent('attached', 'CNT-019');
        await expectFormerEnds(former, 'CNT-019');
        met = coming;
      }
    },
  },
  {
    id: 'EST-009/client-resume-other-certificate',
    requirements: ['EST-009', 'CNT-013'],
    title: 'another certificate with the same identity is taken',
    stimulus:
      'The connection is lost. On the next one the server presents a new certificate with another key and the same identity.',
    expectation: 'The client attaches its session.',
    features: FEATURES,
    run: async (context) => {
      const met = await keptOpen(context, 'test/sink');
      const { serverIdentity } = context.kit.index;
      met.listener.change({ credential: await context.issuance.credential('server', serverIdentity, 3_600_000) });
      met.peer.destroy();
      await sendAndTake(await again(context, met), small(1));
    },
  },
  ...wrongServerCases,
]);
