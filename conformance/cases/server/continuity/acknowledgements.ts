import { MAX_U53 } from '../../../model/codec.ts';
import type { ClientPeer } from '../../../peer/client-peer.ts';
import { assertThat, fail } from '../../../peer/failure.ts';
import type { ServerCase } from '../../case.ts';
import { serverCases } from '../../case.ts';
import { expectExactly } from '../client-frames.ts';
import { receiveMessage } from '../message-flow.ts';
import { ACK_MS, again, asking, kept, keptOpen, requireEcho } from './sessions.ts';

type NewCase = Omit<ServerCase, 'role'>;

const OUTCOMES = [{ id: 'outcomes', value: 1 }];

interface Sequenced {
  readonly slug: string;
  /** Completes "The client ...". */
  readonly what: string;
  readonly application: string;
  readonly outcomes?: true;
  readonly send: (peer: ClientPeer, channel: number) => void | Promise<void>;
}

const SEQUENCED: readonly Sequenced[] = [
  {
    slug: 'open',
    what: 'opens another channel',
    application: 'test/sink',
    send: (peer) => void peer.sendOpen('test/sink'),
  },
  {
    slug: 'refused-open',
    what: 'opens a channel that is refused',
    application: 'test/sink',
    send: (peer) => void peer.sendOpen('test/refuse'),
  },
  {
    slug: 'message',
    what: 'sends a message that is consumed',
    application: 'test/sink',
    send: (peer, channel) => peer.sendMessage(channel, peer.random(9)),
  },
  {
    slug: 'empty-message',
    what: 'sends an empty message',
    application: 'test/sink',
    send: (peer, channel) => peer.sendMessage(channel, new Uint8Array(0)),
  },
  {
    slug: 'held-message',
    what: 'sends a message that no application consumes',
    application: 'test/hold',
    send: (peer, channel) => peer.sendMessage(channel, peer.random(9)),
  },
  {
    slug: 'first-fragment',
    what: 'sends the first fragment of a message and no other',
    application: 'test/echo',
    send: (peer, channel) =>
      void peer.send('MESSAGE', { channel, flags: ['FIRST'], fields: { fragment: peer.random(9) } }),
  },
  {
    slug: 'end',
    what: 'ends its channel',
    application: 'test/sink',
    send: (peer, channel) => void peer.send('END', { channel }),
  },
  {
    slug: 'reset',
    what: 'resets its channel',
    application: 'test/sink',
    send: (peer, channel) => void peer.send('RESET', { channel, fields: { code: 0x0403 } }),
  },
  {
    slug: 'discarded-message',
    what: 'sends messages on a channel that the server has reset',
    application: 'test/reset',
    send: async (peer, channel) => {
      peer.sendMessage(channel, peer.random(3));
      await peer.expect('RESET', { channel });
      peer.sendMessage(channel, peer.random(3));
    },
  },
  {
    slug: 'outcome',
    what: 'gives its verdict on a message',
    application: 'test/echo',
    outcomes: true,
    send: async (peer, channel) => {
      peer.sendMessage(channel, peer.random(3));
      await peer.expectWhere('MESSAGE', ({ name }) => name === 'MESSAGE', { channel });
      peer.send('OUTCOME', { channel, fields: { last_message: 1, verdict: 0 } });
    },
  },
];

const inTimeCases = SEQUENCED.map(({ slug, what, application, outcomes, send }): NewCase => ({
  id: `CNT-005/${slug}`,
  requirements: ['CNT-005'],
  title: `a client that ${what} gets an acknowledgement in time`,
  stimulus: `In a session that is kept, the client ${what}.`,
  expectation: 'An ACK that covers the frame comes within ack_deadline_ms.',
  ...(outcomes === true ? { features: ['outcomes'] } : {}),
  run: async (context) => {
    const { peer, channel } = await keptOpen(context, application, outcomes === true ? { more: OUTCOMES } : {});
    await send(peer, channel);
    await peer.expectAck(peer.nextSeq - 1n, { withinMs: ACK_MS });
  },
}));

const acks: readonly NewCase[] = [
  ...inTimeCases,
  {
    id: 'CNT-005/after-resumption',
    requirements: ['CNT-005'],
    title: 'what is received after a resumption is acknowledged',
    stimulus: 'A session is resumed, and the client sends a message.',
    expectation: 'An ACK that covers it comes within ack_deadline_ms.',
    run: async (context) => {
      const { peer: first, channel } = await keptOpen(context, 'test/sink');
      first.destroy();
      const peer = await again(context, first);
      peer.sendMessage(channel, context.bytes(5));
      await peer.expectAck(peer.nextSeq - 1n, { withinMs: ACK_MS });
    },
  },
  {
    id: 'CNT-005/what-is-sent-again',
    requirements: ['CNT-005', 'CNT-030'],
    title: 'what is sent again is acknowledged',
    stimulus: 'Three messages of a client are lost with its connection and sent again on the next one.',
    expectation: 'An ACK that covers them comes within ack_deadline_ms.',
    run: async (context) => {
      const { peer: first, channel } = await keptOpen(context, 'test/sink');
      for (let n = 0; n < 3; n += 1) first.lose(loseable(first, channel, context.bytes(4)));
      first.destroy();
      const peer = await again(context, first);
      await peer.expectAck(peer.nextSeq - 1n, { withinMs: ACK_MS });
    },
  },
  {
    id: 'CNT-005/many-in-fragments',
    requirements: ['CNT-005', 'CNT-007'],
    title: 'acknowledgements rise to the last frame',
    stimulus: 'A client sends twelve messages, one after the other, each as soon as the one before has come back.',
    expectation: 'Each ACK exceeds the one before and none exceeds what was sent; the last frame is covered in time.',
    run: async (context) => {
      const { peer, channel } = await keptOpen(context, 'test/echo');
      for (let n = 0; n < 12; n += 1) await requireEcho(peer, channel, context.bytes(7), 'CNT-005');
      await peer.expectAck(peer.nextSeq - 1n, { withinMs: ACK_MS });
    },
  },
  {
    id: 'CNT-008/no-credit',
    requirements: ['CNT-008', 'CNT-005'],
    title: 'ACK does not wait for credit',
    stimulus: 'A client that grants no credit at all sends five messages to test/echo, which can not return any.',
    expectation: 'An ACK that covers them comes within ack_deadline_ms.',
    run: async (context) => {
      const parameters = [
        { id: 'initial_message_credit', value: 0 },
        { id: 'initial_byte_credit', value: 0 },
      ];
      const { peer, channel } = await keptOpen(context, 'test/echo', { parameters });
      for (let n = 0; n < 5; n += 1) peer.sendMessage(channel, context.bytes(5));
      await peer.expectAck(peer.nextSeq - 1n, { withinMs: ACK_MS, requirement: 'CNT-008' });
    },
  },
  {
    id: 'CNT-009/one-for-many',
    requirements: ['CNT-009'],
    level: 'SHOULD',
    title: 'frames that arrive together are acknowledged together',
    stimulus: 'A client sends twelve small messages to test/sink in one write.',
    expectation: 'Far fewer than twelve ACKs come.',
    run: async (context) => {
      const { peer, channel } = await keptOpen(context, 'test/sink');
      await peer.expectAck();
      await peer.barrier();
      const frames = Array.from({ length: 12 }, () => loseable(peer, channel, context.bytes(4)));
      peer.sendTogether(frames);
      await peer.expectAck();
      const count = (await peer.barrier()).filter(({ name }) => name === 'ACK').length;
      assertThat(count <= 3, 'one ACK, or a few', `${count} ACKs`, 'CNT-009');
    },
  },
];

/** A whole message as a frame that is not sent yet. */
function loseable(peer: ClientPeer, channel: number, fragment: Uint8Array): Uint8Array {
  return peer.build('MESSAGE', { channel, flags: ['FIRST', 'LAST'], fields: { fragment } });
}

const notKeptCases = [
  { slug: 'nothing-asked', what: 'without retention', parameters: [] },
  { slug: 'zero-asked', what: 'with a retention of 0', parameters: asking({ retentionMs: 0 }) },
].map(({ slug, what, parameters }): NewCase => ({
  id: `CNT-004/${slug}`,
  requirements: ['CNT-004'],
  title: `ACK is an error in a session ${what}`,
  stimulus: `In a session established ${what}, the client acknowledges OPENED.`,
  expectation: 'The server ends the session with CLOSE(FRAME_UNEXPECTED).',
  run: async (context) => {
    const { peer } = await context.opened('test/echo', { connect: { parameters } });
    peer.sendAck();
    await expectExactly(peer, 'FRAME_UNEXPECTED', 'CNT-004');
  },
}));

interface WrongAck {
  readonly slug: string;
  /** Completes "The client ...". */
  readonly what: string;
  /** The cursors of the ACKs that are right, and of the last one, which is not; the server has sent four frames. */
  readonly cursors: readonly bigint[];
}

const WRONG_ACKS: readonly WrongAck[] = [
  { slug: 'beyond', what: 'acknowledges one frame more than was sent', cursors: [5n] },
  { slug: 'largest', what: 'acknowledges the largest number', cursors: [MAX_U53] },
  { slug: 'zero', what: 'acknowledges nothing', cursors: [0n] },
  { slug: 'twice', what: 'acknowledges the same frames twice', cursors: [4n, 4n] },
  { slug: 'part-twice', what: 'acknowledges the same part of the frames twice', cursors: [2n, 2n] },
  { slug: 'lower', what: 'acknowledges three frames and then two', cursors: [3n, 2n] },
  { slug: 'zero-behind', what: 'acknowledges two frames and then nothing', cursors: [2n, 0n] },
  { slug: 'beyond-behind', what: 'acknowledges all frames and then one more', cursors: [4n, 5n] },
];

const wrongAckCases = WRONG_ACKS.flatMap(({ slug, what, cursors }): NewCase[] => [
  {
    id: `CNT-007/${slug}`,
    requirements: ['CNT-007'],
    title: `a client that ${what} is told so`,
    stimulus: `The server has sent four frames, and the client ${what}.`,
    expectation: 'The server ends the session with CLOSE(CURSOR_INVALID).',
    run: async (context) => {
      const { peer, channel } = await keptOpen(context, 'test/echo', { acknowledge: false });
      for (let n = 0; n < 3; n += 1) await requireEcho(peer, channel, context.bytes(4), 'CNT-007');
      for (const cursor of cursors) peer.sendAck(cursor);
      const close = await expectExactly(peer, 'CURSOR_INVALID', 'CNT-007');
      if (!close.has('END_SESSION')) fail('CLOSE with END_SESSION', close.text, 'CNT-014');
    },
  },
]);

const moreAckCases: readonly NewCase[] = [
  {
    id: 'CNT-007/one-by-one',
    requirements: ['CNT-007'],
    title: 'each ACK that acknowledges something is in order',
    stimulus: 'The server has sent six frames, and the client acknowledges them one by one.',
    expectation: 'The session goes on.',
    run: async (context) => {
      const { peer, channel } = await keptOpen(context, 'test/echo', { acknowledge: false });
      for (let n = 0; n < 5; n += 1) await requireEcho(peer, channel, context.bytes(4), 'CNT-007');
      for (let cursor = 1n; cursor <= 6n; cursor += 1n) peer.sendAck(cursor);
      await peer.barrier('CNT-007');
    },
  },
  ...[
    { slug: 'stated-in-connect', what: 'what CONNECT has stated', cursor: 4n },
    { slug: 'less-than-connect', what: 'less than CONNECT has stated', cursor: 3n },
    { slug: 'beyond-after-resumption', what: 'one frame more than was sent in the session', cursor: 5n },
  ].map(({ slug, what, cursor }): NewCase => ({
    id: `CNT-007/${slug}`,
    requirements: ['CNT-007'],
    title: `after a resumption, an ACK of ${what} is an error`,
    stimulus: `The server has sent four frames, and the client has stated in a resumption that it holds them. It then acknowledges ${what}.`,
    expectation: 'The server ends the session with CLOSE(CURSOR_INVALID).',
    run: async (context) => {
      const { peer: first, channel } = await keptOpen(context, 'test/echo', { acknowledge: false });
      for (let n = 0; n < 3; n += 1) await requireEcho(first, channel, context.bytes(4), 'CNT-007');
      first.destroy();
      const peer = await again(context, first);
      peer.sendAck(cursor);
      await expectExactly(peer, 'CURSOR_INVALID', 'CNT-007');
    },
  })),
  {
    id: 'CNT-007/sent-again',
    requirements: ['CNT-007', 'CNT-030'],
    title: 'what came again is acknowledged once it has come',
    stimulus:
      'The server has sent four frames, none acknowledged. The client resumes the session as if it held one, reads the others again and acknowledges all of them.',
    expectation: 'The session goes on.',
    run: async (context) => {
      const { peer: first, channel } = await keptOpen(context, 'test/echo', { acknowledge: false });
      for (let n = 0; n < 3; n += 1) await requireEcho(first, channel, context.bytes(4), 'CNT-007');
      first.destroy();
      const peer = await again(context, first, { receiveCursor: 1n });
      for (let n = 0; n < 3; n += 1) await receiveMessage(peer, channel, 'CNT-030');
      peer.sendAck(4n);
      await peer.barrier('CNT-007');
    },
  },
  {
    id: 'CNT-007/ack-in-an-idle-session',
    requirements: ['CNT-007'],
    title: 'where nothing was sent there is nothing to acknowledge',
    stimulus:
      'In a session that is kept, in which the server has sent no sequenced frame, the client acknowledges frame 0.',
    expectation: 'The server ends the session with CLOSE(CURSOR_INVALID).',
    run: async (context) => {
      const peer = await kept(context, { acknowledge: false });
      peer.sendAck(0n);
      await expectExactly(peer, 'CURSOR_INVALID', 'CNT-007');
    },
  },
];

/** Acknowledgements of a server, and those that it has to refuse. */
export const continuityAcknowledgements: readonly ServerCase[] = serverCases([
  ...acks,
  ...notKeptCases,
  ...wrongAckCases,
  ...moreAckCases,
]);
