import { equal } from '../../model/codec.ts';
import { registry } from '../../model/registry.ts';
import { assertEqual, fail } from '../../peer/failure.ts';
import type { ClientPeer } from '../../peer/client-peer.ts';
import type { ServerCase } from '../case.ts';
import { serverCases } from '../case.ts';
import { expectExactly } from './client-frames.ts';
import {
  flagsAt,
  fragmentFrame,
  fragmentsOf,
  MessageSender,
  receiveMessage,
  sourceMessage,
  sourceRequest,
} from './message-flow.ts';

type NewCase = Omit<ServerCase, 'role'>;

const MAX = registry.header.maxPayloadBytes;
/** Credit of the client for everything that an echo may send back. */
const AMPLE = {
  connect: {
    parameters: [
      { id: 'max_message_bytes', value: 16_777_216 },
      { id: 'initial_message_credit', value: 1_048_576 },
      { id: 'initial_byte_credit', value: 268_435_456 },
    ],
  },
};

function send(peer: ClientPeer, channel: number, flags: readonly string[], fragment: Uint8Array): void {
  peer.sendFrame(fragmentFrame(peer, channel, flags, fragment));
}

/** Fails unless the next message of test/echo is this one. */
async function requireEcho(peer: ClientPeer, channel: number, message: Uint8Array, requirement: string): Promise<void> {
  const echo = await receiveMessage(peer, channel, requirement);
  if (echo.length !== message.length)
    fail(`a message of ${message.length} octets`, `one of ${echo.length}`, requirement);
  if (!equal(echo, message)) fail('the octets that were sent', 'others', requirement);
}

const SIZES: readonly number[] = [0, 1, 2, MAX - 1, MAX + 1, 2 * MAX, 2 * MAX + 1, 65_535, 65_536];

/** Message sizes at which something can break, divided as CHN-019 recommends. */
const sizeCases = SIZES.map((size): NewCase => ({
  id: `CHN-015/size-${size}`,
  requirements: ['CHN-015', 'APP-001'],
  title: `a message of ${size.toLocaleString('en')} octets comes back`,
  stimulus: `One message of ${size.toLocaleString('en')} octets is sent to test/echo, in fragments of the largest size.`,
  expectation: 'One message with the same octets comes back.',
  run: async (context) => {
    const { peer, channel } = await context.opened('test/echo', AMPLE);
    const message = context.bytes(size);
    const fragments = fragmentsOf(message);
    for (const [at, fragment] of fragments.entries()) send(peer, channel, flagsAt(at, fragments.length), fragment);
    await requireEcho(peer, channel, message, 'CHN-015');
    const more = (await peer.barrier('CHN-015')).find(({ name }) => name === 'MESSAGE');
    if (more !== undefined) fail('one message', more.text, 'CHN-015');
  },
}));

interface WrongFragment {
  readonly id: string;
  readonly what: string;
  /** Flags and size of each fragment; only the last one is wrong. */
  readonly fragments: readonly (readonly [flags: readonly string[], size: number])[];
}

const FIRST = ['FIRST'];
const LAST = ['LAST'];
const BOTH = ['FIRST', 'LAST'];

/** Fragments that have no place where they stand. */
const WRONG_FRAGMENTS: readonly WrongFragment[] = [
  { id: 'CHN-013/middle-first', what: 'a fragment with neither FIRST nor LAST begins a channel', fragments: [[[], 5]] },
  { id: 'CHN-013/last-first', what: 'a fragment with LAST alone begins a channel', fragments: [[LAST, 5]] },
  {
    id: 'CHN-013/middle-after-message',
    what: 'a fragment with neither FIRST nor LAST follows a complete message',
    fragments: [
      [BOTH, 5],
      [[], 5],
    ],
  },
  {
    id: 'CHN-013/last-twice',
    what: 'a message of two fragments is followed by another last fragment',
    fragments: [
      [FIRST, 5],
      [LAST, 5],
      [LAST, 5],
    ],
  },
  {
    id: 'CHN-013/whole-inside',
    what: 'a whole message stands between the fragments of another',
    fragments: [
      [FIRST, 5],
      [BOTH, 5],
    ],
  },
  {
    id: 'CHN-013/empty-whole-inside',
    what: 'an empty message stands between the fragments of another',
    fragments: [
      [FIRST, 5],
      [BOTH, 0],
    ],
  },
  {
    id: 'CHN-013/first-after-middle',
    what: 'a first fragment follows a middle one',
    fragments: [
      [FIRST, 5],
      [[], 5],
      [FIRST, 5],
    ],
  },
  { id: 'CHN-014/empty-first', what: 'a first fragment is empty', fragments: [[FIRST, 0]] },
  {
    id: 'CHN-014/empty-middle',
    what: 'a middle fragment is empty',
    fragments: [
      [FIRST, 5],
      [[], 0],
    ],
  },
  {
    id: 'CHN-014/empty-last',
    what: 'a last fragment is empty',
    fragments: [
      [FIRST, 5],
      [LAST, 0],
    ],
  },
];

const wrongFragmentCases = WRONG_FRAGMENTS.map(({ id, what, fragments }): NewCase => ({
  id,
  requirements: [id.slice(0, 7), 'CHN-012'],
  title: `refused: ${what}`,
  stimulus: `On a channel to test/sink ${what}.`,
  expectation: 'The server answers with CLOSE(FRAGMENT_INVALID).',
  run: async (context) => {
    const { peer, channel } = await context.opened('test/sink');
    for (const [at, [flags, size]] of fragments.entries()) {
      if (at === fragments.length - 1 && at > 0) await context.dependency('right fragments', () => peer.barrier());
      send(peer, channel, flags, context.bytes(size));
    }
    await expectExactly(peer, 'FRAGMENT_INVALID', id.slice(0, 7));
  },
}));

interface Unfinished {
  readonly slug: string;
  readonly fragments: readonly (readonly string[])[];
  readonly what: string;
}

const UNFINISHED: readonly Unfinished[] = [
  { slug: 'after-first', fragments: [FIRST], what: 'its first fragment' },
  { slug: 'after-middle', fragments: [FIRST, []], what: 'two fragments' },
  { slug: 'after-another-message', fragments: [BOTH, FIRST], what: 'its first fragment, behind a whole message' },
];

const unfinishedCases = UNFINISHED.map(({ slug, fragments, what }): NewCase => ({
  id: `CHN-027/${slug}`,
  requirements: ['CHN-027'],
  title: `an END inside a message is refused: ${slug.replaceAll('-', ' ')}`,
  stimulus: `The client sends ${what} of a message to test/sink, and then END.`,
  expectation: 'The server answers with CLOSE(FRAGMENT_INVALID).',
  run: async (context) => {
    const { peer, channel } = await context.opened('test/sink');
    for (const flags of fragments) send(peer, channel, flags, context.bytes(7));
    await context.dependency('right fragments', () => peer.barrier());
    peer.send('END', { channel });
    await expectExactly(peer, 'FRAGMENT_INVALID', 'CHN-027');
  },
}));

/** Section 6.3, for a server. */
export const messages: readonly ServerCase[] = serverCases([
  ...sizeCases,
  ...wrongFragmentCases,
  ...unfinishedCases,
  {
    id: 'CHN-024/largest-message',
    requirements: ['CHN-024', 'CHN-018', 'CHN-016'],
    title: 'a message of the largest size that the server takes arrives',
    stimulus:
      'A message of a hundred octets and one as large as max_message_bytes of the server are sent to test/sink, as credit allows, and END.',
    expectation:
      'test/sink has counted both: while the large one was under way, the server granted what it still needed.',
    estimateMs: 400,
    run: async (context) => {
      const { peer, channel } = await context.opened('test/sink');
      const largest = peer.serverParameter('max_message_bytes');
      const sender = new MessageSender(peer, channel);
      await sender.send(context.bytes(100));
      await sender.send(new Uint8Array(largest));
      peer.send('END', { channel });
      const count = await receiveMessage(peer, channel, 'CHN-024');
      assertEqual('count', Buffer.from(count).toString(), `2 ${largest + 100}`, 'CHN-024');
    },
  },
  {
    id: 'CHN-018/one-octet-more',
    requirements: ['CHN-018', 'CHN-021'],
    title: 'a message of one octet more than the server takes is refused',
    stimulus:
      'A message to test/sink is sent, as credit allows, until it is as large as max_message_bytes of the server; then one octet more.',
    expectation:
      'The server answers with CLOSE(MESSAGE_TOO_LARGE); where its credit is used up too, CLOSE(CREDIT_EXCEEDED) is as good.',
    estimateMs: 800,
    run: async (context) => {
      const { peer, channel } = await context.opened('test/sink');
      const largest = peer.serverParameter('max_message_bytes');
      const sender = new MessageSender(peer, channel);
      // A small message first, so that the server may have granted more than one message needs.
      await sender.send(context.bytes(100));
      const fragments = fragmentsOf(new Uint8Array(largest));
      for (const [at, fragment] of fragments.entries()) await sender.fragment(fragment, at === 0 ? FIRST : []);
      for (const frame of await context.dependency('the largest message', () => peer.barrier())) {
        if (frame.name === 'CREDIT' && frame.channel === channel) sender.take(frame);
      }
      const credit = sender.byteLimit > sender.bytes;
      send(peer, channel, LAST, Uint8Array.of(0));
      const close = await peer.expectViolation('MESSAGE_TOO_LARGE', { requirement: 'CHN-018' });
      if (!credit && close.code === 'CREDIT_EXCEEDED') context.lenient.length = 0;
      else close.requireCode('MESSAGE_TOO_LARGE', 'CHN-018');
    },
  },
  {
    id: 'CHN-015/every-octet',
    requirements: ['CHN-015'],
    title: 'a message may hold any octets',
    stimulus:
      'Messages to test/echo hold all 256 octets, UTF-8 that is not well-formed, zeros, and what looks like a frame.',
    expectation: 'Each comes back unchanged.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/echo');
      const all = [
        Uint8Array.from({ length: 256 }, (_, octet) => octet),
        Uint8Array.of(0xc0, 0x80, 0xed, 0xa0, 0x80, 0xff, 0xfe),
        new Uint8Array(1000),
        Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x0a, 0x00, 0x1a, 0x04),
        peer.build('END', { channel, seq: 99 }),
      ];
      for (const message of all) peer.sendMessage(channel, message);
      for (const message of all) await requireEcho(peer, channel, message, 'CHN-015');
    },
  },
  {
    id: 'CHN-015/many-in-order',
    requirements: ['CHN-015', 'CHN-020', 'CHN-025'],
    title: 'many messages come back in order',
    stimulus: 'Four hundred messages of 0 to 40 octets are sent to test/echo, as credit allows.',
    expectation: 'They come back in the same order, each with its own octets.',
    estimateMs: 500,
    run: async (context) => {
      const { peer, channel } = await context.opened('test/echo', AMPLE);
      const all = Array.from({ length: 400 }, (_, at) => context.bytes(at % 41));
      const sender = new MessageSender(peer, channel);
      for (const message of all) await sender.send(message);
      for (const [at, message] of all.entries()) {
        // Small messages come in one frame each, perhaps while credit was waited for; larger fragments are not needed.
        const early = sender.received[at];
        const echo = early === undefined ? await receiveMessage(peer, channel) : early.bytes('fragment');
        if (!equal(echo, message)) fail(`message ${at + 1} as it was sent`, 'another one', 'CHN-015');
      }
    },
  },
  {
    id: 'CHN-015/single-octet-fragments',
    requirements: ['CHN-015', 'CHN-016'],
    title: 'a message may come in fragments of one octet',
    stimulus: 'A message of three hundred octets is sent to test/echo in three hundred fragments, in one TLS record.',
    expectation: 'One message with the same octets comes back.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/echo');
      const message = context.bytes(300);
      const frames = Array.from(message, (octet, at) =>
        peer.build('MESSAGE', { channel, flags: flagsAt(at, 300), fields: { fragment: Uint8Array.of(octet) } }),
      );
      peer.sendTogether(frames);
      await requireEcho(peer, channel, message, 'CHN-015');
    },
  },
  {
    id: 'CHN-015/interleaved',
    requirements: ['CHN-015', 'CHN-012', 'CHN-032'],
    title: 'fragments of several channels may be interleaved',
    stimulus:
      'Four channels to test/echo each get a message of five fragments; the fragments are sent in turn, one of each channel.',
    expectation: 'On each channel its own message comes back.',
    run: async (context) => {
      const peer = await context.established();
      const channels: number[] = [];
      for (let count = 0; count < 4; count += 1) {
        channels.push(await context.dependency('opening test/echo', () => peer.open('test/echo')));
      }
      const parts = channels.map(() => Array.from({ length: 5 }, (_, at) => context.bytes(50 + at)));
      for (let at = 0; at < 5; at += 1) {
        for (const [index, channel] of channels.entries()) {
          send(peer, channel, flagsAt(at, 5), parts[index]?.[at] ?? new Uint8Array(0));
        }
      }
      for (const [index, channel] of channels.entries()) {
        await requireEcho(peer, channel, new Uint8Array(Buffer.concat(parts[index] ?? [])), 'CHN-015');
      }
    },
  },
  {
    id: 'CHN-015/control-frames-between',
    requirements: ['CHN-015', 'SES-004'],
    title: 'other frames may stand between the fragments of a message',
    stimulus:
      'Between the three fragments of a message to test/echo stand a PING, an ignorable frame, a CREDIT and an OPEN of another channel.',
    expectation: 'All of them have their effect, and the message comes back.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/echo');
      const message = context.bytes(90);
      send(peer, channel, FIRST, message.subarray(0, 30));
      await peer.barrier('SES-004');
      peer.sendRaw({ type: registry.extension.greaseFrameTypes[0] ?? 0x9b });
      send(peer, channel, [], message.subarray(30, 60));
      peer.send('CREDIT', { channel, fields: { message_limit: 2 ** 30, byte_limit: 2 ** 40 } });
      const other = peer.sendOpen('test/echo');
      await peer.expect('OPENED', { channel: other, requirement: 'CHN-005' });
      send(peer, channel, LAST, message.subarray(60));
      await requireEcho(peer, channel, message, 'CHN-015');
    },
  },
  {
    id: 'CHN-015/before-end',
    requirements: ['CHN-015', 'CHN-028', 'APP-001'],
    title: 'END does not overtake messages',
    stimulus: 'Ten messages to test/echo and END are sent in one TLS record.',
    expectation: 'The ten messages come back in order, and then END.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/echo');
      const all = Array.from({ length: 10 }, () => context.bytes(20));
      const frames = all.map((fragment) => peer.build('MESSAGE', { channel, flags: BOTH, fields: { fragment } }));
      peer.sendTogether([...frames, peer.build('END', { channel })]);
      for (const message of all) await requireEcho(peer, channel, message, 'CHN-015');
      await peer.expect('END', { channel, requirement: 'CHN-028' });
    },
  },
  {
    id: 'CHN-016/echo-waits',
    requirements: ['CHN-016', 'CHN-015'],
    title: 'nothing is delivered before its last fragment (test/echo)',
    stimulus:
      'The client sends all but the last fragment of a message to test/echo, exchanges PING and PONG twice, and sends the rest.',
    expectation: 'Nothing comes back before the last fragment; then the whole message.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/echo');
      const message = context.bytes(2 * MAX + 10);
      const fragments = fragmentsOf(message);
      for (const fragment of fragments.slice(0, -1)) {
        send(peer, channel, fragment === fragments[0] ? FIRST : [], fragment);
        const early = (await peer.barrier('CHN-016')).find(({ name }) => name === 'MESSAGE');
        if (early !== undefined) fail('nothing before the last fragment', early.text, 'CHN-016');
      }
      send(peer, channel, LAST, fragments.at(-1) ?? new Uint8Array(0));
      await requireEcho(peer, channel, message, 'CHN-016');
    },
  },
  ...(['test/reset', 'test/close'] as const).map((application): NewCase => ({
    id: `CHN-016/${application.replace('/', '-')}-waits`,
    requirements: ['CHN-016', 'APP-001'],
    title: `nothing is delivered before its last fragment (${application})`,
    stimulus: `The client sends a first and a middle fragment to ${application}, exchanges PING and PONG, and sends the last fragment.`,
    expectation: `Nothing happens before the last fragment; then ${application} answers the message.`,
    run: async (context) => {
      const { peer, channel } = await context.opened(application);
      send(peer, channel, FIRST, context.bytes(3));
      send(peer, channel, [], context.bytes(3));
      const early = (await peer.barrier('CHN-016')).find(({ name }) => name === 'RESET' || name === 'CLOSE');
      if (early !== undefined) fail('nothing before the last fragment', early.text, 'CHN-016');
      send(peer, channel, LAST, context.bytes(3));
      await peer.expect(application === 'test/reset' ? 'RESET' : 'CLOSE', { requirement: 'CHN-016' });
    },
  })),
  {
    id: 'CHN-016/discarded-by-reset',
    requirements: ['CHN-016', 'CHN-029'],
    title: 'an incomplete message is discarded with its channel',
    stimulus:
      'The client sends the first fragment of a message to test/echo and RESET; then it uses another channel of test/echo.',
    expectation:
      'RESET(CHANNEL_CLOSED) arrives, nothing of the message comes back, and the other channel has only its own message.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/echo');
      send(peer, channel, FIRST, context.bytes(10));
      peer.send('RESET', { channel, fields: { code: 0x0403 } });
      await peer.expect('RESET', { channel, requirement: 'CHN-029' });
      const other = await context.dependency('opening test/echo', () => peer.open('test/echo'));
      const message = context.bytes(20);
      peer.sendMessage(other, message);
      await requireEcho(peer, other, message, 'CHN-016');
      const late = (await peer.barrier('CHN-016')).find(({ name }) => name === 'MESSAGE');
      if (late !== undefined) fail('nothing of the incomplete message', late.text, 'CHN-016');
    },
  },
  {
    id: 'CHN-017/smallest-receiver',
    requirements: ['CHN-017', 'APP-001'],
    title: 'the server sends messages as large as the client takes',
    stimulus:
      'The client declares that it takes messages of 1,024 octets, and opens test/source for three of that size.',
    expectation: 'The three messages arrive.',
    run: async (context) => {
      const connect = { parameters: [{ id: 'max_message_bytes', value: 1024 }] };
      const { peer, channel } = await context.opened('test/source', { connect, data: sourceRequest(3, 1024) });
      for (let n = 0; n < 3; n += 1) await requireEcho(peer, channel, sourceMessage(n, 1024), 'CHN-017');
    },
  },
  {
    id: 'CHN-017/echo-too-large',
    requirements: ['CHN-017', 'APP-007', 'CHN-032'],
    title: 'the server sends no message that is larger than the client takes',
    stimulus: 'The client declares that it takes messages of 1,024 octets, and sends one of 1,025 to test/echo.',
    expectation: 'RESET(APPLICATION_ERROR) arrives, nothing of the message before it, and the session goes on.',
    run: async (context) => {
      const connect = { parameters: [{ id: 'max_message_bytes', value: 1024 }] };
      const { peer, channel } = await context.opened('test/echo', { connect });
      peer.sendMessage(channel, context.bytes(1025));
      const reset = await peer.expect('RESET', { channel, requirement: 'CHN-017' });
      reset.requireCode('APPLICATION_ERROR', 'APP-007');
      peer.send('RESET', { channel, fields: { code: 0x0405 } });
      const other = await context.dependency('opening test/echo', () => peer.open('test/echo'));
      const message = context.bytes(1024);
      peer.sendMessage(other, message);
      await requireEcho(peer, other, message, 'CHN-032');
    },
  },
  {
    id: 'CHN-019/full-fragments',
    requirements: ['CHN-019'],
    level: 'SHOULD',
    title: 'the server fills its frames',
    stimulus: 'The client grants ample credit and opens test/source for one message of 100,000 octets.',
    expectation: 'It comes in fragments of 16,368 octets and a last one with the rest.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/source', { ...AMPLE, data: sourceRequest(1, 100_000) });
      const sizes: number[] = [];
      for (let last = false; !last;) {
        const frame = await peer.expect('MESSAGE', { channel, requirement: 'CHN-019' });
        sizes.push(frame.payload.length);
        last = frame.has('LAST');
      }
      const due = fragmentsOf(new Uint8Array(100_000)).map(({ length }) => length);
      assertEqual('sizes of the fragments', sizes.join(' '), due.join(' '), 'CHN-019');
    },
  },
  {
    id: 'CHN-019/interleaves',
    requirements: ['CHN-019'],
    level: 'SHOULD',
    title: 'the server interleaves channels that have messages waiting',
    stimulus:
      'Two channels of test/source each have a message of 120,000 octets that waits for credit; the client grants credit for both in one TLS record.',
    expectation: 'Fragments of the second channel arrive before the message of the first one is complete.',
    run: async (context) => {
      const parameters = [{ id: 'initial_message_credit', value: 0 }];
      const peer = await context.established({ connect: { parameters } });
      const channels = [
        await context.dependency('opening test/source', () => peer.open('test/source', sourceRequest(1, 120_000))),
        await context.dependency('opening test/source', () => peer.open('test/source', sourceRequest(1, 120_000))),
      ];
      await context.dependency('a PING', () => peer.barrier());
      const grant = { message_limit: 1, byte_limit: 1_048_576 };
      peer.sendTogether(channels.map((channel) => peer.build('CREDIT', { channel, fields: grant })));
      const complete = new Set<number>();
      const begun = new Set<number>();
      while (complete.size === 0) {
        const frame = await peer.expect('MESSAGE', { requirement: 'CHN-019' });
        begun.add(frame.channel);
        if (frame.has('LAST')) complete.add(frame.channel);
      }
      if (begun.size < 2) fail('fragments of both channels', 'one whole message first', 'CHN-019');
    },
  },
]);
