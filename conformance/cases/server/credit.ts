import type { FrameInput } from '../../model/codec.ts';
import { equal } from '../../model/codec.ts';
import { registry } from '../../model/registry.ts';
import { assertEqual, assertThat, fail } from '../../peer/failure.ts';
import type { ClientPeer } from '../../peer/client-peer.ts';
import type { ServerCase } from '../case.ts';
import { serverCases } from '../case.ts';
import type { ServerContext } from '../server-context.ts';
import { expectExactly } from './client-frames.ts';
import {
  flagsAt,
  fragmentFrame,
  fragmentsOf,
  MessageSender,
  receiveMessage,
  sourceMessage,
  sourceRequest,
  yieldToOthers,
} from './message-flow.ts';

type NewCase = Omit<ServerCase, 'role'>;

const MAX = registry.header.maxPayloadBytes;

interface Grant {
  readonly messages: number;
  readonly bytes: number;
}

/** What the client of a case grants at first, as parameters of CONNECT. */
function granting({ messages, bytes }: Grant): {
  readonly connect: { readonly parameters: readonly { readonly id: string; readonly value: number }[] };
} {
  return {
    connect: {
      parameters: [
        { id: 'initial_message_credit', value: messages },
        { id: 'initial_byte_credit', value: bytes },
      ],
    },
  };
}

function grant(peer: ClientPeer, channel: number, { messages, bytes }: Grant): void {
  peer.send('CREDIT', { channel, fields: { message_limit: messages, byte_limit: bytes } });
}

/** Sizes of the fragments that have come on a channel by the time a PING is answered. */
async function fragmentsNow(peer: ClientPeer, channel: number): Promise<readonly number[]> {
  const frames = await peer.barrier('CHN-020');
  return frames
    .filter((frame) => frame.name === 'MESSAGE' && frame.channel === channel)
    .map(({ payload }) => payload.length);
}

/** Waits until `octets` of fragments have come on a channel, and fails if more have by the time a PING is answered. */
async function requireOctets(peer: ClientPeer, channel: number, octets: number): Promise<void> {
  let arrived = 0;
  while (arrived < octets) {
    const frame = await peer.expect('MESSAGE', { channel, requirement: 'CHN-033' });
    arrived += frame.payload.length;
  }
  const more = (await fragmentsNow(peer, channel)).reduce((sum, size) => sum + size, 0);
  if (arrived + more !== octets) fail(`${octets} octets`, `${arrived + more}`, 'CHN-020');
}

interface WrongCredit {
  readonly slug: string;
  readonly what: string;
  readonly grants: readonly Grant[];
}

const START: Grant = { messages: 10, bytes: 1000 };

/** Grants of which the last one is wrong; the channel starts with ten messages and 1,000 octets. */
const WRONG_CREDITS: readonly WrongCredit[] = [
  { slug: 'what-it-started-with', what: 'the limits that the channel started with', grants: [START] },
  {
    slug: 'the-same-again',
    what: 'the same limits as the CREDIT before',
    grants: [
      { messages: 20, bytes: 2000 },
      { messages: 20, bytes: 2000 },
    ],
  },
  { slug: 'fewer-messages', what: 'one message less and more octets', grants: [{ messages: 9, bytes: 5000 }] },
  { slug: 'fewer-octets', what: 'one octet less and more messages', grants: [{ messages: 50, bytes: 999 }] },
  { slug: 'only-fewer-messages', what: 'one message less and the same octets', grants: [{ messages: 9, bytes: 1000 }] },
  { slug: 'nothing-any-more', what: 'zero messages and zero octets', grants: [{ messages: 0, bytes: 0 }] },
  {
    slug: 'back-to-the-start',
    what: 'more, and then what the channel started with',
    grants: [{ messages: 11, bytes: 1001 }, START],
  },
];

const wrongCreditCases = WRONG_CREDITS.map(({ slug, what, grants }): NewCase => ({
  id: `CHN-022/${slug}`,
  requirements: ['CHN-022'],
  title: `refused: a CREDIT that grants ${what}`,
  stimulus: `On a channel to test/echo that started with ten messages and 1,000 octets, the client grants ${what}.`,
  expectation: 'The server answers with CLOSE(CREDIT_INVALID).',
  run: async (context) => {
    const { peer, channel } = await context.opened('test/echo', granting(START));
    for (const [at, one] of grants.entries()) {
      if (at > 0) await context.dependency('a right CREDIT', () => peer.barrier());
      grant(peer, channel, one);
    }
    await expectExactly(peer, 'CREDIT_INVALID', 'CHN-022');
  },
}));

const RIGHT_CREDITS: readonly { readonly slug: string; readonly what: string; readonly grant: Grant }[] = [
  { slug: 'only-messages', what: 'one message more and the same octets', grant: { messages: 11, bytes: 1000 } },
  { slug: 'only-octets', what: 'one octet more and the same messages', grant: { messages: 10, bytes: 1001 } },
];

const rightCreditCases = RIGHT_CREDITS.map(({ slug, what, grant: one }): NewCase => ({
  id: `CHN-022/${slug}`,
  requirements: ['CHN-022'],
  title: `a CREDIT may grant ${what}`,
  stimulus: `On a channel to test/echo that started with ten messages and 1,000 octets, the client grants ${what}.`,
  expectation: 'The session goes on.',
  run: async (context) => {
    const { peer, channel } = await context.opened('test/echo', granting(START));
    grant(peer, channel, one);
    await peer.barrier('CHN-022');
  },
}));

/** One message frame, not yet sent. */
function whole(
  peer: ClientPeer,
  channel: number,
  fragment: Uint8Array,
  flags: FrameInput['flags'] = ['FIRST', 'LAST'],
): Uint8Array {
  return peer.build('MESSAGE', { channel, flags, fields: { fragment } });
}

/**
 * Uses up all octets that a channel of test/hold started with, but for `left`; false where the server's values do not allow it
 * without a CREDIT of its own.
 */
async function useOctets(context: ServerContext, peer: ClientPeer, channel: number, left: number): Promise<boolean> {
  const octets = peer.serverParameter('initial_byte_credit') - left;
  const messages = peer.serverParameter('initial_message_credit');
  const largest = peer.serverParameter('max_message_bytes');
  // In messages as large as may be: a message in progress needs no further grant where all of it is within the first one.
  const size = Math.min(largest, octets);
  if (octets > 4_194_304 || Math.ceil(octets / size) > messages - 1) {
    context.detail = 'the initial credit of the server is too large, or too oddly divided, to be used up';
    return false;
  }
  for (let used = 0; used < octets;) {
    const message = new Uint8Array(Math.min(size, octets - used));
    const fragments = fragmentsOf(message);
    for (const [at, fragment] of fragments.entries()) {
      peer.sendFrame(fragmentFrame(peer, channel, flagsAt(at, fragments.length), fragment));
      await yieldToOthers();
    }
    used += message.length;
  }
  await context.dependency('using up the credit', () => peer.barrier());
  return true;
}

/** Section 6.4, for a server. */
export const credit: readonly ServerCase[] = serverCases([
  ...wrongCreditCases,
  ...rightCreditCases,
  {
    id: 'CHN-021/octets',
    requirements: ['CHN-021'],
    title: 'an octet beyond the credit is refused',
    stimulus:
      'The client uses up all octets of a channel to test/hold, which grants no more, and sends a message of one octet.',
    expectation: 'The server answers with CLOSE(CREDIT_EXCEEDED).',
    estimateMs: 600,
    run: async (context) => {
      const { peer, channel } = await context.opened('test/hold');
      if (!(await useOctets(context, peer, channel, 0))) return;
      peer.sendMessage(channel, context.bytes(1));
      await expectExactly(peer, 'CREDIT_EXCEEDED', 'CHN-021');
    },
  },
  {
    id: 'CHN-021/half-within',
    requirements: ['CHN-021'],
    title: 'a fragment that begins within the credit and ends beyond it is refused',
    stimulus: 'The client uses up all octets of a channel to test/hold but ten, and sends a message of eleven.',
    expectation: 'The server answers with CLOSE(CREDIT_EXCEEDED).',
    estimateMs: 600,
    run: async (context) => {
      const { peer, channel } = await context.opened('test/hold');
      if (!(await useOctets(context, peer, channel, 10))) return;
      peer.sendMessage(channel, context.bytes(11));
      await expectExactly(peer, 'CREDIT_EXCEEDED', 'CHN-021');
    },
  },
  {
    id: 'CHN-021/to-the-last-octet',
    requirements: ['CHN-021', 'CHN-020'],
    title: 'the credit may be used to the last octet, and empty messages after it',
    stimulus:
      'The client uses up all octets of a channel to test/hold but ten, sends a message of ten, and then an empty one.',
    expectation: 'The session goes on.',
    estimateMs: 600,
    run: async (context) => {
      const { peer, channel } = await context.opened('test/hold');
      if (!(await useOctets(context, peer, channel, 10))) return;
      peer.sendMessage(channel, context.bytes(10));
      if (peer.serverParameter('initial_message_credit') > 5) peer.sendMessage(channel, new Uint8Array(0));
      await peer.barrier('CHN-021');
    },
  },
  {
    id: 'CHN-021/begun-is-enough',
    requirements: ['CHN-021'],
    title: 'a message counts when it is begun',
    stimulus: 'The client uses up all messages of a channel to test/hold, and sends the first fragment of one more.',
    expectation: 'The server answers with CLOSE(CREDIT_EXCEEDED).',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/hold');
      const count = peer.serverParameter('initial_message_credit');
      peer.sendTogether(Array.from({ length: count }, () => whole(peer, channel, new Uint8Array(0))));
      await context.dependency('using up the credit', () => peer.barrier());
      peer.send('MESSAGE', { channel, flags: ['FIRST'], fields: { fragment: context.bytes(1) } });
      await expectExactly(peer, 'CREDIT_EXCEEDED', 'CHN-021');
    },
  },
  {
    id: 'CHN-021/last-message-may-go-on',
    requirements: ['CHN-021', 'CHN-020'],
    title: 'the last message granted may have more fragments',
    stimulus: 'The client uses up all messages of a channel to test/hold; the last one comes in four fragments.',
    expectation: 'The session goes on: only the beginning of a message costs message credit.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/hold');
      const count = peer.serverParameter('initial_message_credit') - 1;
      peer.sendTogether(Array.from({ length: count }, () => whole(peer, channel, new Uint8Array(0))));
      for (const flags of [['FIRST'], [], [], ['LAST']]) peer.sendFrame(whole(peer, channel, context.bytes(2), flags));
      await peer.barrier('CHN-021');
    },
  },
  {
    id: 'CHN-021/channels-count-for-themselves',
    requirements: ['CHN-021'],
    title: 'each channel has credit of its own',
    stimulus: 'The client uses up all messages of two channels to test/hold, and then one more on the first.',
    expectation: 'Only the one too many is answered, with CLOSE(CREDIT_EXCEEDED).',
    run: async (context) => {
      const peer = await context.established();
      const count = peer.serverParameter('initial_message_credit');
      for (let channel = 1; channel <= 2; channel += 1) {
        await context.dependency('opening test/hold', () => peer.open('test/hold'));
        peer.sendTogether(Array.from({ length: count }, () => whole(peer, channel, new Uint8Array(0))));
        await peer.barrier('CHN-021');
      }
      peer.sendMessage(1, new Uint8Array(0));
      await expectExactly(peer, 'CREDIT_EXCEEDED', 'CHN-021');
    },
  },
  {
    id: 'CHN-020/one-by-one',
    requirements: ['CHN-020', 'CHN-033'],
    title: 'each message waits for its credit',
    stimulus:
      'The client grants no message at first, opens test/source for eight, and grants one more at a time, five times.',
    expectation: 'Each time exactly one message arrives.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/source', {
        ...granting({ messages: 0, bytes: 1000 }),
        data: sourceRequest(8, 10),
      });
      assertEqual('messages without credit', (await fragmentsNow(peer, channel)).length, 0, 'CHN-020');
      for (let n = 0; n < 5; n += 1) {
        grant(peer, channel, { messages: n + 1, bytes: 1000 });
        const message = await receiveMessage(peer, channel, 'CHN-020');
        assertThat(equal(message, sourceMessage(n, 10)), `message ${n}`, 'another one', 'APP-001');
        assertEqual('messages beyond', (await fragmentsNow(peer, channel)).length, 0, 'CHN-020');
      }
    },
  },
  {
    id: 'CHN-020/limits-are-absolute',
    requirements: ['CHN-020'],
    title: 'credit is counted from the opening of the channel',
    stimulus:
      'The client grants three messages at first, opens test/source for twenty, reads the three, and raises the limit to five.',
    expectation: 'Exactly two more messages arrive, not five.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/source', {
        ...granting({ messages: 3, bytes: 1000 }),
        data: sourceRequest(20, 10),
      });
      for (let n = 0; n < 3; n += 1) await receiveMessage(peer, channel, 'CHN-020');
      grant(peer, channel, { messages: 5, bytes: 1000 });
      for (let n = 0; n < 2; n += 1) await receiveMessage(peer, channel, 'CHN-020');
      assertEqual('messages beyond', (await fragmentsNow(peer, channel)).length, 0, 'CHN-020');
    },
  },
  {
    id: 'CHN-020/octets-are-absolute',
    requirements: ['CHN-020', 'CHN-033'],
    title: 'octets are counted from the opening of the channel, too',
    stimulus:
      'The client grants 25 octets at first, opens test/source for messages of ten, and raises the limit to 28.',
    expectation: 'Exactly 25 octets arrive, and then exactly three more.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/source', {
        ...granting({ messages: 100, bytes: 25 }),
        data: sourceRequest(20, 10),
      });
      await requireOctets(peer, channel, 25);
      grant(peer, channel, { messages: 100, bytes: 28 });
      await requireOctets(peer, channel, 3);
    },
  },
  {
    id: 'CHN-033/octet-by-octet',
    requirements: ['CHN-033', 'CHN-020'],
    title: 'one octet of credit is enough for a fragment',
    stimulus:
      'The client grants no octet at first, opens test/source for one message of eight octets, and grants one octet at a time.',
    expectation: 'Each time exactly one octet arrives, in a fragment of its own; together they are the message.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/source', {
        ...granting({ messages: 1, bytes: 0 }),
        data: sourceRequest(1, 8),
      });
      assertEqual('fragments without credit', (await fragmentsNow(peer, channel)).length, 0, 'CHN-020');
      const octets: number[] = [];
      for (let limit = 1; limit <= 8; limit += 1) {
        grant(peer, channel, { messages: 1, bytes: limit });
        const frame = await peer.expect('MESSAGE', { channel, requirement: 'CHN-033' });
        octets.push(...frame.payload);
        assertEqual('octets in the fragment', frame.payload.length, 1, 'CHN-020');
      }
      assertThat(equal(Uint8Array.from(octets), sourceMessage(0, 8)), 'message 0', 'another one', 'CHN-015');
      await peer.expect('END', { channel, requirement: 'APP-001' });
    },
  },
  {
    id: 'CHN-033/less-than-a-frame',
    requirements: ['CHN-033', 'CHN-020'],
    title: 'a sender does not wait for a whole frame of credit',
    stimulus:
      'The client grants 1,000 octets at first, opens test/source for one message of 40,000, and then grants them in odd steps.',
    expectation: 'Each time exactly what was granted arrives, and at last the message is complete.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/source', {
        ...granting({ messages: 1, bytes: 1000 }),
        data: sourceRequest(1, 40_000),
      });
      let limit = 1000;
      await requireOctets(peer, channel, limit);
      for (const step of [1, MAX - 1, MAX]) {
        limit += step;
        grant(peer, channel, { messages: 1, bytes: limit });
        await requireOctets(peer, channel, step);
      }
      grant(peer, channel, { messages: 1, bytes: 40_000 });
      assertEqual('octets of the rest', (await receiveMessage(peer, channel)).length, 40_000 - limit, 'CHN-020');
      await peer.expect('END', { channel, requirement: 'APP-001' });
    },
  },
  {
    id: 'CHN-020/empty-messages',
    requirements: ['CHN-020', 'CHN-033'],
    title: 'an empty message needs no octet of credit',
    stimulus: 'The client grants three messages and no octet, and opens test/source for five empty messages.',
    expectation: 'Exactly three empty messages arrive.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/source', {
        ...granting({ messages: 3, bytes: 0 }),
        data: sourceRequest(5, 0),
      });
      for (let n = 0; n < 3; n += 1) await receiveMessage(peer, channel, 'CHN-020');
      assertEqual('messages beyond', (await fragmentsNow(peer, channel)).length, 0, 'CHN-020');
    },
  },
  {
    id: 'CHN-020/channels-count-for-themselves',
    requirements: ['CHN-020', 'CHN-032'],
    title: 'credit for one channel lets nothing out on another',
    stimulus: 'Two channels of test/source wait for credit; the client grants two messages on the second.',
    expectation: 'Exactly two messages arrive, both on the second.',
    run: async (context) => {
      const peer = await context.established(granting({ messages: 0, bytes: 1000 }));
      for (let count = 0; count < 2; count += 1) {
        await context.dependency('opening test/source', () => peer.open('test/source', sourceRequest(10, 10)));
      }
      grant(peer, 2, { messages: 2, bytes: 1000 });
      for (let n = 0; n < 2; n += 1) await receiveMessage(peer, 2, 'CHN-032');
      const passed = await peer.barrier('CHN-020');
      const more = passed.find(({ name }) => name === 'MESSAGE');
      if (more !== undefined) fail('two messages on channel 2', more.text, 'CHN-020');
    },
  },
  {
    id: 'CHN-023/end',
    requirements: ['CHN-023'],
    title: 'END waits for no credit',
    stimulus: 'The client grants no credit at all and opens test/source for no message.',
    expectation: 'OPENED and END arrive.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/source', {
        ...granting({ messages: 0, bytes: 0 }),
        data: sourceRequest(0, 0),
      });
      await peer.expect('END', { channel, requirement: 'CHN-023' });
    },
  },
  {
    id: 'CHN-023/reset',
    requirements: ['CHN-023'],
    title: 'RESET waits for no credit',
    stimulus: 'The client grants no credit at all and sends a message to test/reset.',
    expectation: 'RESET(APPLICATION_ERROR) arrives.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/reset', granting({ messages: 0, bytes: 0 }));
      peer.sendMessage(channel, context.bytes(1));
      await peer.expect('RESET', { channel, requirement: 'CHN-023' });
    },
  },
  {
    id: 'CHN-023/channels-beside',
    requirements: ['CHN-023', 'CHN-032'],
    title: 'a channel without credit holds up no other',
    stimulus:
      'A hundred messages of test/source wait for credit on one channel; the client opens, uses and ends others.',
    expectation: 'OPENED, REFUSED and END of the others arrive.',
    run: async (context) => {
      const { peer } = await context.opened('test/source', {
        ...granting({ messages: 0, bytes: 0 }),
        data: sourceRequest(100, 100),
      });
      const refused = peer.sendOpen('test/refuse');
      await peer.expect('REFUSED', { channel: refused, requirement: 'CHN-023' });
      const opened = peer.sendOpen('test/echo');
      await peer.expect('OPENED', { channel: opened, requirement: 'CHN-023' });
      peer.send('END', { channel: opened });
      await peer.expect('END', { channel: opened, requirement: 'CHN-023' });
    },
  },
  {
    id: 'CHN-023/end-behind-message',
    requirements: ['CHN-023', 'CHN-028', 'CHN-015'],
    title: 'END does not overtake a message that waits for credit',
    stimulus:
      'The client grants no message at first, sends END to test/sink, and grants one message after a PING was answered.',
    expectation: 'Nothing arrives on the channel before the CREDIT; then the count of test/sink, and then END.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/sink', granting({ messages: 0, bytes: 100 }));
      peer.send('END', { channel });
      const early = (await peer.barrier('CHN-023')).find(
        (frame) => frame.channel === channel && frame.name !== 'CREDIT',
      );
      if (early !== undefined) fail('nothing before the credit', early.text, 'CHN-020');
      grant(peer, channel, { messages: 1, bytes: 100 });
      const count = await receiveMessage(peer, channel, 'CHN-015');
      assertEqual('count', Buffer.from(count).toString(), '0 0', 'APP-001');
      await peer.expect('END', { channel, requirement: 'CHN-028' });
    },
  },
  {
    id: 'CHN-034/messages-used-up',
    requirements: ['CHN-034', 'CHN-025'],
    title: 'message credit that was used up is granted anew',
    stimulus: 'The client sends as many empty messages to test/sink as it was granted, all at once, and waits.',
    expectation: 'A CREDIT arrives that allows at least one message more.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/sink');
      const count = peer.serverParameter('initial_message_credit');
      peer.sendTogether(Array.from({ length: count }, () => whole(peer, channel, new Uint8Array(0))));
      for (let limit = 0n; limit <= BigInt(count);) {
        const more = await peer.next('CREDIT', 'CREDIT', { channel, requirement: 'CHN-034' });
        if (more.name !== 'CREDIT') fail('CREDIT', more.text, 'CHN-034');
        limit = more.integer('message_limit');
      }
      peer.sendMessage(channel, context.bytes(1));
      await peer.barrier('CHN-034');
    },
  },
  {
    id: 'CHN-034/octets-used-up',
    requirements: ['CHN-034', 'CHN-025'],
    title: 'octets that were used up are granted anew',
    stimulus: 'The client sends as many octets to test/sink as it was granted, and waits.',
    expectation: 'A CREDIT arrives that allows at least one octet more.',
    estimateMs: 600,
    run: async (context) => {
      const { peer, channel } = await context.opened('test/sink');
      const sender = new MessageSender(peer, channel);
      const octets = peer.serverParameter('initial_byte_credit');
      if (octets > 4_194_304) {
        context.detail = 'the initial credit of the server is too large to be used up';
        return;
      }
      const size = Math.min(octets, peer.serverParameter('max_message_bytes'));
      for (let used = 0; used < octets; used += size) await sender.send(new Uint8Array(Math.min(size, octets - used)));
      await sender.send(context.bytes(1));
      await peer.barrier('CHN-034');
    },
  },
  {
    id: 'CHN-025/half-of-the-messages',
    requirements: ['CHN-025'],
    level: 'SHOULD',
    title: 'credit is granted when half of the messages are consumed',
    stimulus: 'The client sends half as many empty messages to test/sink as it was granted, and waits.',
    expectation: 'A CREDIT arrives that allows more messages than before.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/sink');
      const count = peer.serverParameter('initial_message_credit');
      peer.sendTogether(Array.from({ length: Math.ceil(count / 2) }, () => whole(peer, channel, new Uint8Array(0))));
      const more = await peer.next('CREDIT', 'CREDIT', { channel, requirement: 'CHN-025' });
      assertEqual('frame', more.name, 'CREDIT', 'CHN-025');
      assertThat(
        more.integer('message_limit') > BigInt(count),
        `a limit above ${count} messages`,
        more.text,
        'CHN-025',
      );
    },
  },
  {
    id: 'CHN-025/half-of-the-octets',
    requirements: ['CHN-025'],
    level: 'SHOULD',
    title: 'credit is granted when half of the octets are consumed',
    stimulus: 'The client sends messages to test/sink with half as many octets as it was granted, and waits.',
    expectation: 'A CREDIT arrives that allows more octets than before.',
    estimateMs: 400,
    run: async (context) => {
      const { peer, channel } = await context.opened('test/sink');
      const granted = peer.serverParameter('initial_byte_credit');
      const half = Math.ceil(granted / 2);
      const size = Math.min(half, peer.serverParameter('max_message_bytes'));
      const sender = new MessageSender(peer, channel);
      for (let used = 0; used < half; used += size) await sender.send(new Uint8Array(Math.min(size, half - used)));
      for (let limit = 0n; limit <= BigInt(granted);) {
        const more = await peer.next('CREDIT', 'CREDIT', { channel, requirement: 'CHN-025' });
        assertEqual('frame', more.name, 'CREDIT', 'CHN-025');
        limit = more.integer('byte_limit');
      }
    },
  },
]);
