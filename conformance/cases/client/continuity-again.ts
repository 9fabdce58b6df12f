import { assertEqual, assertThat, fail } from '../../peer/failure.ts';
import type { ReceivedFrame } from '../../peer/received-frame.ts';
import type { ServerPeer } from '../../peer/server-peer.ts';
import type { ClientCase } from '../case.ts';
import { clientCases } from '../case.ts';
import type { ClientContext } from '../client-context.ts';
import type { Coming, Kept } from './continuity-sessions.ts';
import {
  again,
  attach,
  comes,
  cutAndAgain,
  deliver,
  expectDelivered,
  expectSame,
  keptOpen,
  sendAndTake,
  small,
  taken,
} from './continuity-sessions.ts';

type Case = Omit<ClientCase, 'role'>;
type Open = Kept & { readonly channel: number };

const FEATURES = ['resumption'];

/** Has the session attached by a server that holds frames of the client only through a number, whatever was read before. */
async function attachFrom<Way extends Coming>(coming: Way, cursor: bigint): Promise<Way> {
  coming.former.receivedSeq = cursor;
  return attach(coming);
}

/** Cuts the connection; the server then holds nothing beyond `cursor`. */
async function cutAndAttachFrom(context: ClientContext, met: Open, cursor: bigint): Promise<Open & Coming> {
  met.peer.destroy();
  return { ...met, ...(await attachFrom(await comes(context, met), cursor)) };
}

/** Demands that nothing sequenced comes: everything before a PING is there when its PONG is. */
async function expectNothingSequenced(peer: ServerPeer, requirement: string): Promise<void> {
  const frames = await peer.barrier(requirement);
  const wrong = frames.find(({ seq }) => seq > 0n);
  if (wrong !== undefined) fail('nothing that the server holds', wrong.text, requirement);
}

/** How many of five messages the server holds. */
const partCases = [0, 1, 3, 4, 5].map((held): Case => ({
  id: `CNT-030/client-server-holds-${held}`,
  requirements: ['CNT-030', 'CNT-010', 'WIR-010'],
  title: `what the server does not hold is sent again, and nothing else (${held} of 5)`,
  stimulus: `The client has sent five messages, none acknowledged. The connection is cut, and ACCEPT says that the server holds ${held} of them. Then the client is asked to send one more.`,
  expectation: `${5 - held} come again with the numbers and octets that they had, in order, and then the new one.`,
  features: FEATURES,
  run: async (context) => {
    const met = await keptOpen(context, 'test/sink');
    met.peer.answerAcks = false;
    const frames = await sendAndTake(met, small(5));
    const next = await cutAndAttachFrom(context, met, met.peer.receivedSeq - 5n + BigInt(held));
    await expectSame(next.peer, frames.slice(held));
    next.client.send(met.channel, Uint8Array.of(6));
    const frame = await next.peer.expect('MESSAGE', { channel: met.channel, requirement: 'CNT-030' });
    assertEqual('sequence number', frame.seq, (frames[4]?.seq ?? 0n) + 1n, 'WIR-010');
  },
}));

/** Frames of each kind that a client sends again. */
const KINDS: readonly {
  readonly name: string;
  readonly words: string;
  readonly outcomes?: true;
  readonly cause: (met: Open) => Promise<void>;
}[] = [
  {
    name: 'OPEN',
    words: 'is asked to open another channel',
    cause: async ({ client }) => {
      await client.open('test/sink');
    },
  },
  { name: 'END', words: 'is asked to end its channel', cause: ({ client, channel }) => client.end(channel) },
  { name: 'RESET', words: 'is asked to abandon its channel', cause: ({ client, channel }) => client.reset(channel) },
  {
    name: 'MESSAGE',
    words: 'is asked to send an empty message',
    cause: ({ client, channel }) => {
      client.send(channel, new Uint8Array(0));
      return Promise.resolve();
    },
  },
  {
    name: 'OUTCOME',
    words: 'gets a message on which its application decides',
    outcomes: true,
    cause: async ({ peer, client, channel }) => {
      peer.sendMessage(channel, Uint8Array.of(0, 7, 1));
      await client.expectEvent('message');
    },
  },
];

const kindCases = KINDS.flatMap(({ name, words, outcomes, cause }): Case[] => [
  {
    id: `CNT-030/client-${name.toLowerCase()}-again`,
    requirements: ['CNT-030', 'CNT-010'],
    title: `an ${name} that the server does not hold is sent again`,
    stimulus: `The client ${words}. The connection is cut when the server has read ${name}, and ACCEPT says that it was lost.`,
    expectation: `The same ${name} comes again, with the number and the octets that it had.`,
    features: outcomes === true ? [...FEATURES, 'outcomes'] : FEATURES,
    run: async (context) => {
      const met = await keptOpen(context, 'test/sink', outcomes === true ? { outcomes, judge: true } : {});
      met.peer.answerAcks = false;
      await cause(met);
      const frame = await met.peer.expect(name);
      const next = await cutAndAttachFrom(context, met, frame.seq - 1n);
      await expectSame(next.peer, [frame]);
      await expectNothingSequenced(next.peer, 'CNT-030');
    },
  },
]);

/** What a client is asked for while it has no connection. */
const WAITING: readonly {
  readonly name: string;
  readonly words: string;
  readonly ask: (met: Open) => Promise<void>;
}[] = [
  {
    name: 'OPEN',
    words: 'to open a channel',
    ask: async ({ client }) => {
      await client.open('test/sink');
    },
  },
  {
    name: 'MESSAGE',
    words: 'to send a message',
    ask: ({ client, channel }) => {
      client.send(channel, Uint8Array.of(6));
      return Promise.resolve();
    },
  },
  { name: 'END', words: 'to end its channel', ask: ({ client, channel }) => client.end(channel) },
  { name: 'RESET', words: 'to abandon its channel', ask: ({ client, channel }) => client.reset(channel) },
];

const waitingCases = WAITING.map(({ name, words, ask }): Case => ({
  id: `CNT-030/client-${name.toLowerCase()}-waits-its-turn`,
  requirements: ['CNT-030', 'CNT-013'],
  title: `${name} that was asked for without a connection follows what is sent again`,
  stimulus: `The client has sent three messages that the server does not hold. Without a connection it is asked ${words}; then the session is attached.`,
  expectation: `First the three messages come as they were, then ${name}, with the next number.`,
  features: FEATURES,
  run: async (context) => {
    const met = await keptOpen(context, 'test/sink');
    met.peer.answerAcks = false;
    const frames = await sendAndTake(met, small(3));
    met.peer.destroy();
    const coming = await comes(context, met);
    await ask(met);
    await taken(met.client);
    const { peer } = await attachFrom(coming, met.peer.receivedSeq - 3n);
    await expectSame(peer, frames);
    const frame = await peer.expect(name, { requirement: 'CNT-013' });
    assertEqual('sequence number', frame.seq, (frames[2]?.seq ?? 0n) + 1n, 'WIR-010');
  },
}));

/** CREDIT frames of a channel. */
const credits = (frames: readonly ReceivedFrame[], channel: number): readonly ReceivedFrame[] =>
  frames.filter((frame) => frame.name === 'CREDIT' && frame.channel === channel);

/** A small window, so that a client soon has to grant more than a channel starts with. */
const WINDOW = { initial_message_credit: 4, initial_byte_credit: 65_536 };

/** Sends messages until the client has granted more than the channel started with; the answer is what it granted. */
async function exhaust({
  peer,
  client,
  channel,
}: Open): Promise<{ readonly messages: bigint; readonly bytes: bigint }> {
  deliver(peer, channel, small(4));
  for (const message of small(4)) await expectDelivered(client, message, 'CHN-015');
  let granted = { messages: BigInt(WINDOW.initial_message_credit), bytes: BigInt(WINDOW.initial_byte_credit) };
  // It has consumed everything: what it still grants is on its way before the answer to a PING, or is the last CREDIT.
  for (const frame of credits(await peer.barrier(), channel)) {
    granted = { messages: frame.integer('message_limit'), bytes: frame.integer('byte_limit') };
  }
  if (granted.messages > 4n) return granted;
  const frame = await peer.expect('CREDIT', { channel, requirement: 'CHN-034' });
  return { messages: frame.integer('message_limit'), bytes: frame.integer('byte_limit') };
}

const RESTATED: readonly {
  readonly slug: string;
  readonly words: string;
  readonly before: (met: Open) => Promise<void>;
}[] = [
  { slug: 'open', words: 'an open channel', before: () => Promise.resolve() },
  {
    slug: 'half-closed',
    words: 'a channel that the client has ended',
    before: async ({ peer, client, channel }) => {
      await client.end(channel);
      await peer.expect('END', { channel });
    },
  },
];

const restatedCases = RESTATED.map(({ slug, words, before }): Case => ({
  id: `CNT-033/client-${slug}`,
  requirements: ['CNT-033'],
  title: `credit is stated again on ${words}`,
  stimulus: `On ${words} the client has granted more credit than the channel started with. The connection is cut, and the session attached.`,
  expectation: 'The client sends CREDIT on the channel at once, with limits not below those that it has granted.',
  features: [...FEATURES, 'parameters'],
  run: async (context) => {
    const met = await keptOpen(context, 'test/echo', keepingParameters());
    await before(met);
    const granted = await exhaust(met);
    const { peer } = await cutAndAgain(context, met);
    const [first] = credits(await peer.barrier('CNT-033'), met.channel);
    if (first === undefined) fail('CREDIT before the answer to a PING', 'none', 'CNT-033');
    const [messages, bytes] = [first.integer('message_limit'), first.integer('byte_limit')];
    const right = messages >= granted.messages && bytes >= granted.bytes;
    assertThat(right, `at least ${granted.messages} messages and ${granted.bytes} octets`, first.text, 'CNT-033');
    // And it is good for another message.
    deliver(peer, met.channel, [Uint8Array.of(5)]);
    await expectDelivered(met.client, Uint8Array.of(5), 'CNT-033');
  },
}));

function keepingParameters() {
  return { request: { parameters: WINDOW, continuity: { retentionMs: 10_000, reconnectBoundMs: 5 } } };
}

/** The limits that a channel of the harness starts with, which nobody has declared otherwise. */
const START = { message_limit: 2, byte_limit: 100 };
const STARTING = {
  accept: {
    parameters: [
      { id: 'initial_message_credit', value: START.message_limit },
      { id: 'initial_byte_credit', value: START.byte_limit },
    ],
  },
};

/** What is sent again after a resumption, and what is stated again. */
export const continuityAgain: readonly ClientCase[] = clientCases([
  ...partCases,
  ...kindCases,
  ...waitingCases,
  {
    id: 'CNT-030/client-twice',
    requirements: ['CNT-030', 'CNT-010'],
    title: 'what was sent again and lost once more is sent a third time',
    stimulus: 'Three messages of the client are lost with the connection, and lost again with the next one.',
    expectation: 'They come on the third connection as they were on the first.',
    features: FEATURES,
    run: async (context) => {
      const met = await keptOpen(context, 'test/sink');
      met.peer.answerAcks = false;
      const frames = await sendAndTake(met, small(3));
      const cursor = met.peer.receivedSeq - 3n;
      const second = await cutAndAttachFrom(context, met, cursor);
      await expectSame(second.peer, frames);
      const third = await cutAndAttachFrom(context, second, cursor);
      await expectSame(third.peer, frames);
      await expectNothingSequenced(third.peer, 'CNT-030');
    },
  },
  {
    id: 'CNT-030/client-acknowledged-on-the-way',
    requirements: ['CNT-030', 'CNT-010'],
    title: 'what was acknowledged in the meantime is let go of',
    stimulus:
      'Five messages are lost with the connection. On the next one they come again, and the server acknowledges two before it cuts that one too.',
    expectation: 'On the third connection the last three come, and not the first two.',
    features: FEATURES,
    run: async (context) => {
      const met = await keptOpen(context, 'test/sink');
      met.peer.answerAcks = false;
      const frames = await sendAndTake(met, small(5));
      const cursor = met.peer.receivedSeq - 5n;
      const second = await cutAndAttachFrom(context, met, cursor);
      await expectSame(second.peer, frames);
      second.peer.sendAck(cursor + 2n);
      await second.peer.barrier('CNT-007');
      const third = await cutAndAttachFrom(context, second, cursor + 2n);
      await expectSame(third.peer, frames.slice(2));
      await expectNothingSequenced(third.peer, 'CNT-030');
    },
  },
  {
    id: 'CNT-030/client-large-message',
    requirements: ['CNT-030', 'CHN-012'],
    title: 'the fragments of a message are sent again as they were cut',
    stimulus:
      'The client sends a message of 60,000 octets. The server holds its first fragment when the connection is cut.',
    expectation: 'The other fragments come again with the octets and numbers that they had.',
    features: FEATURES,
    run: async (context) => {
      const met = await keptOpen(context, 'test/sink');
      met.peer.answerAcks = false;
      const frames = await sendAndTake(met, [context.bytes(60_000)]);
      const next = await cutAndAttachFrom(context, met, frames[0]?.seq ?? 0n);
      await expectSame(next.peer, frames.slice(1));
      await expectNothingSequenced(next.peer, 'CNT-030');
    },
  },
  {
    id: 'CNT-030/client-message-goes-on',
    requirements: ['CNT-030', 'CHN-012', 'CHN-015'],
    title: 'a message that waits for credit goes on where it was',
    stimulus:
      'The client is asked to send 30,000 octets and has credit for 10,000. The connection is cut; on the next one the server grants the rest.',
    expectation: 'The octets that are missing come, without FIRST, and make up the message.',
    features: FEATURES,
    run: async (context) => {
      const met = await keptOpen(context, 'test/sink', {
        accept: { parameters: [{ id: 'initial_byte_credit', value: 10_000 }] },
      });
      const message = context.bytes(30_000);
      met.client.send(met.channel, message);
      const parts = [await met.peer.expect('MESSAGE', { channel: met.channel })];
      const { peer } = await cutAndAgain(context, met);
      peer.send('CREDIT', { channel: met.channel, fields: { message_limit: 100, byte_limit: 1_000_000 } });
      while (parts.at(-1)?.has('LAST') === false) {
        parts.push(await peer.expect('MESSAGE', { channel: met.channel, requirement: 'CNT-030' }));
      }
      const whole = Buffer.concat(parts.map((frame) => frame.bytes('fragment')));
      if (!whole.equals(message)) fail('the octets of the message', `${whole.length} others`, 'CHN-015');
      assertEqual('frames with FIRST', parts.filter((frame) => frame.has('FIRST')).length, 1, 'CHN-012');
    },
  },
  {
    id: 'CNT-030/client-two-hundred',
    requirements: ['CNT-030', 'CNT-010'],
    title: 'two hundred frames are kept and sent again',
    stimulus: 'The client sends two hundred messages, of which none is acknowledged, and the connection is cut.',
    expectation: 'All come again, as they were.',
    features: FEATURES,
    run: async (context) => {
      const met = await keptOpen(context, 'test/sink', {
        accept: { parameters: [{ id: 'initial_message_credit', value: 1000 }] },
      });
      met.peer.answerAcks = false;
      const frames = await sendAndTake(met, small(200));
      const next = await cutAndAttachFrom(context, met, met.peer.receivedSeq - 200n);
      await expectSame(next.peer, frames);
    },
  },
  {
    id: 'CNT-030/client-reset-is-answered-once',
    requirements: ['CNT-030', 'CHN-029'],
    title: 'the answer to a RESET that was lost comes again',
    stimulus: 'The server abandons the channel; the answer of the client is lost with the connection.',
    expectation: 'The same RESET(CHANNEL_CLOSED) comes again, once.',
    features: FEATURES,
    run: async (context) => {
      const met = await keptOpen(context, 'test/sink');
      met.peer.answerAcks = false;
      met.peer.send('RESET', { channel: met.channel, fields: { code: 0x0404 } });
      const frame = await met.peer.expect('RESET', { channel: met.channel });
      await met.client.expectEvent('reset');
      const next = await cutAndAttachFrom(context, met, frame.seq - 1n);
      await expectSame(next.peer, [frame]);
      await expectNothingSequenced(next.peer, 'CHN-029');
    },
  },
  {
    id: 'WIR-012/client-again-what-it-holds',
    requirements: ['WIR-012', 'CNT-030'],
    title: 'a frame that the client holds is an error, also after a resumption',
    stimulus: 'The client has stated that it holds a message; after ACCEPT the server sends it again.',
    expectation: 'The client answers with CLOSE(SEQUENCE_INVALID) with END_SESSION.',
    features: FEATURES,
    run: async (context) => {
      const met = await keptOpen(context);
      met.peer.sendMessage(met.channel, Uint8Array.of(1));
      await met.peer.expectAck();
      await expectDelivered(met.client, Uint8Array.of(1), 'CHN-015');
      const { peer } = await cutAndAgain(context, met);
      const input = { channel: met.channel, flags: ['FIRST', 'LAST'], fields: { fragment: Uint8Array.of(1) } };
      peer.send('MESSAGE', { ...input, seq: peer.nextSeq - 1n });
      const close = await peer.expectViolation('SEQUENCE_INVALID', { requirement: 'WIR-012' });
      if (!close.has('END_SESSION')) fail('CLOSE with END_SESSION', close.text, 'CNT-014');
    },
  },
  {
    id: 'WIR-012/client-left-out',
    requirements: ['WIR-012', 'CNT-030'],
    title: 'a frame that is left out after a resumption is an error',
    stimulus:
      'A message of the server is lost with the connection; after ACCEPT the server sends the next one instead.',
    expectation: 'The client answers with CLOSE(SEQUENCE_INVALID).',
    features: FEATURES,
    run: async (context) => {
      const { peer, channel } = await cutAndAgain(context, await keptOpen(context));
      const input = { channel, flags: ['FIRST', 'LAST'], fields: { fragment: Uint8Array.of(2) } };
      peer.send('MESSAGE', { ...input, seq: peer.nextSeq + 1n });
      await peer.expectViolation('SEQUENCE_INVALID', { requirement: 'WIR-012' });
    },
  },
  {
    id: 'CNT-030/client-delivers-once',
    requirements: ['CNT-030', 'CHN-015', 'CNT-013'],
    title: 'what was delivered is not delivered again',
    stimulus:
      'The server sends three messages and then the beginning of a fourth; the connection is cut. After the resumption it sends the fourth again, and a fifth.',
    expectation: 'The application of the client gets the five messages once each, in order.',
    features: FEATURES,
    run: async (context) => {
      const met = await keptOpen(context);
      const [one, two, three, four, five] = small(5) as readonly [
        Uint8Array,
        Uint8Array,
        Uint8Array,
        Uint8Array,
        Uint8Array,
      ];
      deliver(met.peer, met.channel, [one, two, three]);
      for (const message of [one, two, three]) await expectDelivered(met.client, message, 'CHN-015');
      const fourth = { channel: met.channel, flags: ['FIRST', 'LAST'], fields: { fragment: four } };
      met.peer.sendPartAndCut(met.peer.build('MESSAGE', fourth), 5);
      const { peer } = await again(context, met);
      deliver(peer, met.channel, [five]);
      for (const message of [four, five]) await expectDelivered(met.client, message, 'CNT-030');
    },
  },
  {
    id: 'CNT-030/client-completes-a-message',
    requirements: ['CNT-030', 'CHN-016', 'CNT-013'],
    title: 'a message that came in part is completed on another connection',
    stimulus: 'The first two fragments of a message arrive, and the last one only on the next connection.',
    expectation: 'The application of the client gets one message with the octets of all three.',
    features: FEATURES,
    run: async (context) => {
      const met = await keptOpen(context);
      const message = context.bytes(30);
      const send = (peer: ServerPeer, from: number, ...flags: string[]): void => {
        peer.send('MESSAGE', { channel: met.channel, flags, fields: { fragment: message.subarray(from, from + 10) } });
      };
      send(met.peer, 0, 'FIRST');
      send(met.peer, 10);
      await met.peer.expectAck();
      const { peer } = await cutAndAgain(context, met);
      send(peer, 20, 'LAST');
      await expectDelivered(met.client, message, 'CHN-016');
    },
  },
  ...restatedCases,
  {
    id: 'CNT-034/client-first-credit',
    requirements: ['CNT-034', 'CHN-022'],
    title: 'the first CREDIT after a resumption may raise nothing',
    stimulus: 'After a resumption the server sends CREDIT on two channels with the limits that hold already.',
    expectation: 'The client takes both.',
    features: FEATURES,
    run: async (context) => {
      const met = await keptOpen(context, 'test/sink', STARTING);
      const second = await met.client.open('test/sink');
      await met.peer.expect('OPEN', { channel: second });
      met.peer.sendOpened(second);
      await met.client.expectEvent('opened');
      const { peer } = await cutAndAgain(context, met);
      for (const channel of [met.channel, second]) peer.send('CREDIT', { channel, fields: START });
      await peer.barrier('CNT-034');
    },
  },
  {
    id: 'CNT-034/client-second-credit',
    requirements: ['CNT-034', 'CHN-022'],
    title: 'the second CREDIT after a resumption has to raise something',
    stimulus: 'After a resumption the server sends CREDIT with the limits that hold already, twice.',
    expectation: 'The client answers the second one with CLOSE(CREDIT_INVALID).',
    features: FEATURES,
    run: async (context) => {
      const { peer, channel } = await cutAndAgain(context, await keptOpen(context, 'test/sink', STARTING));
      peer.send('CREDIT', { channel, fields: START });
      await peer.barrier('CNT-034');
      peer.send('CREDIT', { channel, fields: START });
      await peer.expectViolation('CREDIT_INVALID', { requirement: 'CHN-022' });
    },
  },
  {
    id: 'CNT-034/client-lower-credit',
    requirements: ['CNT-034', 'CHN-022'],
    title: 'no CREDIT after a resumption may lower anything',
    stimulus: 'After a resumption the server sends CREDIT with one octet less than holds already.',
    expectation: 'The client answers with CLOSE(CREDIT_INVALID).',
    features: FEATURES,
    run: async (context) => {
      const { peer, channel } = await cutAndAgain(context, await keptOpen(context, 'test/sink', STARTING));
      peer.send('CREDIT', { channel, fields: { ...START, byte_limit: START.byte_limit - 1 } });
      await peer.expectViolation('CREDIT_INVALID', { requirement: 'CHN-022' });
    },
  },
  {
    id: 'CHN-020/client-credit-stays-used',
    requirements: ['CHN-020', 'CNT-013'],
    title: 'a resumption gives no credit',
    stimulus:
      'A channel starts with credit for two messages, which the client has sent. It is asked to send a third; the connection is cut and the session attached, and then the server grants one message more.',
    expectation: 'The third message comes after the credit and not before.',
    features: FEATURES,
    run: async (context) => {
      const met = await keptOpen(context, 'test/sink', STARTING);
      await sendAndTake(met, small(2));
      met.client.send(met.channel, Uint8Array.of(3));
      await taken(met.client);
      const { peer } = await cutAndAgain(context, met);
      await expectNothingSequenced(peer, 'CHN-020');
      peer.send('CREDIT', { channel: met.channel, fields: { message_limit: 3, byte_limit: 100 } });
      const frame = await peer.expect('MESSAGE', { channel: met.channel, requirement: 'CHN-020' });
      assertEqual('message', frame.bytes('fragment')[0], 3, 'CHN-015');
    },
  },
  {
    id: 'CNT-034/client-lost-credit',
    requirements: ['CNT-034', 'CHN-020'],
    title: 'a CREDIT that was lost is made up for',
    stimulus:
      'The client waits for credit. The CREDIT of the server is lost with the connection, and the server states its limits again after the resumption.',
    expectation: 'The message that waited comes.',
    features: FEATURES,
    run: async (context) => {
      const met = await keptOpen(context, 'test/sink', STARTING);
      await sendAndTake(met, small(2));
      met.client.send(met.channel, Uint8Array.of(3));
      await taken(met.client);
      const credit = { channel: met.channel, fields: { message_limit: 3, byte_limit: 100 } };
      met.peer.sendPartAndCut(met.peer.build('CREDIT', credit), 20);
      const { peer } = await again(context, met);
      peer.send('CREDIT', credit);
      await peer.expect('MESSAGE', { channel: met.channel, requirement: 'CNT-034' });
    },
  },
]);
