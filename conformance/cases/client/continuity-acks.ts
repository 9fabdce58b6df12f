import { timer } from '../../model/registry.ts';
import { assertThat, fail } from '../../peer/failure.ts';
import type { ClientCase } from '../case.ts';
import { clientCases } from '../case.ts';
import type { ClientContext } from '../client-context.ts';
import type { Kept } from './continuity-sessions.ts';
import { cutAndAgain, deliver, kept, keptOpen, sendAndTake, small } from './continuity-sessions.ts';

type Case = Omit<ClientCase, 'role'>;
type Open = Kept & { readonly channel: number };

const FEATURES = ['resumption'];

/** How long an acknowledgement may take, with room for the way. */
const ACK_MS = timer('ack_deadline_ms') + 500;

/** Each kind of sequenced frame that a server sends. */
const KINDS: readonly {
  readonly name: string;
  readonly features?: readonly string[];
  readonly words: string;
  readonly send: (context: ClientContext) => Promise<Kept>;
}[] = [
  {
    name: 'OPENED',
    words: 'takes a channel with OPENED',
    send: async (context) => {
      const met = await kept(context);
      const channel = await met.client.open('test/echo');
      await met.peer.expect('OPEN', { channel });
      met.peer.sendOpened(channel);
      return met;
    },
  },
  {
    name: 'REFUSED',
    words: 'refuses a channel with REFUSED',
    send: async (context) => {
      const met = await kept(context);
      const channel = await met.client.open('test/echo');
      await met.peer.expect('OPEN', { channel });
      met.peer.send('REFUSED', { channel, fields: { code: 0x0401 } });
      return met;
    },
  },
  { name: 'MESSAGE', words: 'sends a message', send: (context) => withFrame(context, sendOne) },
  {
    name: 'a fragment',
    words: 'sends the first fragment of a message and not the rest',
    send: (context) =>
      withFrame(context, ({ peer, channel }) => {
        peer.send('MESSAGE', { channel, flags: ['FIRST'], fields: { fragment: Uint8Array.of(1) } });
      }),
  },
  {
    name: 'what is held',
    words: 'sends a message that the application of the client does not consume',
    features: ['hold'],
    send: async (context) => {
      const met = await keptOpen(context, 'test/echo', { hold: true });
      sendOne(met);
      return met;
    },
  },
  {
    name: 'END',
    words: 'ends a channel',
    send: (context) => withFrame(context, ({ peer, channel }) => void peer.send('END', { channel })),
  },
  {
    name: 'RESET',
    words: 'abandons a channel',
    send: (context) =>
      withFrame(context, ({ peer, channel }) => void peer.send('RESET', { channel, fields: { code: 0x0404 } })),
  },
  {
    name: 'OUTCOME',
    words: 'sends a verdict',
    features: ['outcomes'],
    send: async (context) => {
      const met = await keptOpen(context, 'test/sink', { outcomes: true });
      await sendAndTake(met, small(1));
      met.peer.send('OUTCOME', { channel: met.channel, fields: { last_message: 1, verdict: 0 } });
      return met;
    },
  },
];

async function withFrame(context: ClientContext, send: (met: Open) => void): Promise<Kept> {
  const met = await keptOpen(context);
  send(met);
  return met;
}

function sendOne({ peer, channel }: Open): void {
  peer.sendMessage(channel, Uint8Array.of(1));
}

const kindCases = KINDS.map(({ name, features = [], words, send }): Case => ({
  id: `CNT-005/client-acknowledges-${name.toLowerCase().replaceAll(' ', '-')}`,
  requirements: ['CNT-005', 'CNT-006'],
  title: `${name} is acknowledged in time`,
  stimulus: `In a resumable session the server ${words}.`,
  expectation: `The client acknowledges it within ${timer('ack_deadline_ms')} ms.`,
  features: [...FEATURES, ...features],
  run: async (context) => {
    const { peer } = await send(context);
    await peer.expectAck(peer.nextSeq - 1n, { requirement: 'CNT-005', withinMs: ACK_MS });
  },
}));

/** Acknowledgements that contradict what was sent or acknowledged. */
const MISUSES: readonly {
  readonly slug: string;
  readonly words: string;
  readonly cursor: (peer: { readonly receivedSeq: bigint }) => bigint;
}[] = [
  { slug: 'beyond', words: 'one frame more than the client has sent', cursor: ({ receivedSeq }) => receivedSeq + 1n },
  { slug: 'far-beyond', words: 'as many frames as there can be', cursor: () => 2n ** 53n - 1n },
  {
    slug: 'nothing-new',
    words: 'nothing but what is acknowledged already',
    cursor: ({ receivedSeq }) => receivedSeq - 1n,
  },
  { slug: 'less', words: 'less than is acknowledged already', cursor: ({ receivedSeq }) => receivedSeq - 2n },
  { slug: 'zero', words: 'nothing at all', cursor: () => 0n },
];

const misuseCases = MISUSES.map(({ slug, words, cursor }): Case => ({
  id: `CNT-007/client-${slug}`,
  requirements: ['CNT-007'],
  title: `an ACK of ${words} is an error`,
  stimulus: `The client has opened a channel and sent three messages; the server has acknowledged all but the last one. Then it acknowledges ${words}.`,
  expectation: 'The client answers with CLOSE(CURSOR_INVALID) with END_SESSION.',
  features: FEATURES,
  run: async (context) => {
    const met = await keptOpen(context, 'test/sink');
    const { peer } = met;
    peer.answerAcks = false;
    await sendAndTake(met, small(3));
    peer.sendAck(peer.receivedSeq - 1n);
    await peer.barrier('CNT-007');
    peer.send('ACK', { fields: { receive_cursor: cursor(peer) } });
    const close = await peer.expectViolation('CURSOR_INVALID', { requirement: 'CNT-007' });
    if (!close.has('END_SESSION')) fail('CLOSE with END_SESSION', close.text, 'CNT-014');
  },
}));

/** Section 12.2, for a client. */
export const continuityAcks: readonly ClientCase[] = clientCases([
  ...kindCases,
  {
    id: 'CNT-005/client-after-a-resumption',
    requirements: ['CNT-005'],
    title: 'frames are acknowledged after a resumption too',
    stimulus: 'The connection is lost and the session attached again. The server sends three messages.',
    expectation: 'The client acknowledges all of them in time.',
    features: FEATURES,
    run: async (context) => {
      const { peer, channel } = await cutAndAgain(context, await keptOpen(context));
      deliver(peer, channel, small(3));
      await peer.expectAck(peer.nextSeq - 1n, { requirement: 'CNT-005', withinMs: ACK_MS });
    },
  },
  {
    id: 'CNT-006/client-half-a-frame',
    requirements: ['CNT-006'],
    title: 'a frame that has not arrived whole is not acknowledged',
    stimulus:
      'The server sends two messages and then, in a TLS record of its own, a third one without its last octet. Later it sends the octet.',
    expectation: 'The client acknowledges two messages, and the third one when it is complete.',
    features: FEATURES,
    run: async (context) => {
      const { peer, channel } = await keptOpen(context);
      deliver(peer, channel, small(2));
      const whole = peer.build('MESSAGE', {
        channel,
        flags: ['FIRST', 'LAST'],
        fields: { fragment: context.bytes(40) },
      });
      const before = peer.nextSeq - 2n;
      const sendRest = peer.sendBeginning(whole, whole.length - 1);
      await peer.expectAck(before, { requirement: 'CNT-005', withinMs: ACK_MS });
      const { acknowledged } = peer;
      assertThat(acknowledged === before, `acknowledged through ${before}`, `through ${acknowledged}`, 'CNT-006');
      sendRest();
      await peer.expectAck(before + 1n, { requirement: 'CNT-005', withinMs: ACK_MS });
    },
  },
  ...misuseCases,
  {
    id: 'CNT-007/client-cursor-of-accept',
    requirements: ['CNT-007'],
    title: 'what ACCEPT has acknowledged can not be acknowledged again',
    stimulus: 'After a resumption the server acknowledges the cursor that its ACCEPT has stated.',
    expectation: 'The client answers with CLOSE(CURSOR_INVALID).',
    features: FEATURES,
    run: async (context) => {
      const met = await keptOpen(context, 'test/sink');
      met.peer.answerAcks = false;
      await sendAndTake(met, small(3));
      const { peer } = await cutAndAgain(context, met);
      peer.send('ACK', { fields: { receive_cursor: peer.receivedSeq } });
      await peer.expectViolation('CURSOR_INVALID', { requirement: 'CNT-007' });
    },
  },
  {
    id: 'CNT-007/client-one-by-one',
    requirements: ['CNT-007'],
    title: 'each frame may be acknowledged by itself',
    stimulus: 'The client sends ten messages, and the server acknowledges them one after the other.',
    expectation: 'The client takes each acknowledgement.',
    features: FEATURES,
    run: async (context) => {
      const met = await keptOpen(context, 'test/sink');
      const { peer } = met;
      await peer.barrier();
      peer.answerAcks = false;
      await sendAndTake(met, small(10));
      for (let cursor = peer.told + 1n; cursor <= peer.receivedSeq; cursor += 1n) peer.sendAck(cursor);
      await peer.barrier('CNT-007');
    },
  },
  {
    id: 'CNT-004/client-not-asked-for',
    requirements: ['CNT-004'],
    title: 'an ACK in a session that is not resumable is an error',
    stimulus: 'The client has not asked for a resumable session. The server acknowledges its OPEN.',
    expectation: 'The client answers with CLOSE(FRAME_UNEXPECTED).',
    run: async (context) => {
      const { peer } = await context.opened();
      peer.send('ACK', { fields: { receive_cursor: 1 } });
      await peer.expectViolation('FRAME_UNEXPECTED', { requirement: 'CNT-004' });
    },
  },
  {
    id: 'CNT-008/client-without-credit',
    requirements: ['CNT-008', 'CHN-023'],
    title: 'acknowledgements do not wait behind messages that wait for credit',
    stimulus: 'The client is asked to send a megabyte and has no credit for it. The server sends three messages.',
    expectation: 'The client acknowledges them in time.',
    features: FEATURES,
    run: async (context) => {
      const { peer, client, channel } = await keptOpen(context, 'test/echo', {
        parameters: [{ id: 'max_message_bytes', value: 2_000_000 }],
        accept: { parameters: [{ id: 'initial_byte_credit', value: 0 }] },
      });
      client.send(channel, context.bytes(1_048_576));
      deliver(peer, channel, small(3));
      await peer.expectAck(peer.nextSeq - 1n, { requirement: 'CNT-008', withinMs: ACK_MS });
    },
  },
  {
    id: 'CNT-009/client-together',
    requirements: ['CNT-009'],
    level: 'SHOULD',
    title: 'frames that arrive together get one ACK',
    stimulus: 'The server sends forty messages in one TLS record.',
    expectation: 'The client acknowledges them with no more than four ACKs.',
    features: FEATURES,
    run: async (context) => {
      const { peer, channel } = await keptOpen(context);
      const acks = (): number =>
        peer.log.entries.filter(({ direction, text }) => direction === 'received' && text.startsWith('ACK')).length;
      await peer.expectAck();
      const before = acks();
      const frames = small(40).map((fragment) =>
        peer.build('MESSAGE', { channel, flags: ['FIRST', 'LAST'], fields: { fragment } }),
      );
      peer.sendTogether(frames);
      await peer.expectAck(peer.nextSeq - 1n, { requirement: 'CNT-005', withinMs: ACK_MS });
      const sent = acks() - before;
      if (sent > 4) fail('no more than four ACKs', `${sent}`, 'CNT-009');
    },
  },
]);
