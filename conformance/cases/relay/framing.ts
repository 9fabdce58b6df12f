/** Section 13.3: messages of the channel and octets of a TCP or TLS peer. */
import { concat, integer } from '../../model/codec.ts';
import { registry } from '../../model/registry.ts';
import { fail } from '../../peer/failure.ts';
import type { RelayCase } from '../case.ts';
import { relayCases } from '../case.ts';
import type { Dialled, RelayContext } from '../relay-context.ts';
import { MessageSender, receiveMessage } from '../server/message-flow.ts';
import type { Case } from './passing.ts';
import { divided, everyOctet, joined, requireMessage, requireReset, requireSame } from './passing.ts';

const MAX_PAYLOAD = registry.header.maxPayloadBytes;
const LARGEST_LENGTH16 = 0xffff;
/** What a relay in test mode takes at least, and what a client of the harness takes by default. */
const LARGE = 262_144;
const LINE_FEED = 0x0a;

/** How messages are written at the application end. */
interface Framing {
  readonly name: 'stream' | 'length16' | 'length32' | 'line' | 'tls';
  readonly application: string;
  readonly words: string;
  /** Octets that a message can not hold are replaced. */
  readonly fit: (message: Uint8Array) => Uint8Array;
  readonly write: (message: Uint8Array) => Uint8Array;
  readonly sizes: readonly number[];
  /** Whether where one message ends and the next begins is told. */
  readonly keepsBounds: boolean;
}

const SIZES: readonly number[] = [0, 1, 2, 255, 256, MAX_PAYLOAD, MAX_PAYLOAD + 1, LARGEST_LENGTH16];
const same = (message: Uint8Array): Uint8Array => message;

const FRAMINGS: readonly Framing[] = [
  {
    name: 'stream',
    application: 'relay/stream',
    words: 'octets',
    fit: same,
    write: same,
    sizes: [...SIZES.slice(1), LARGE],
    keepsBounds: false,
  },
  {
    name: 'length16',
    application: 'relay/length16',
    words: 'messages with a length of two octets',
    fit: same,
    write: (message) => concat(integer(message.length, 2), message),
    sizes: SIZES,
    keepsBounds: true,
  },
  {
    name: 'length32',
    application: 'relay/length32',
    words: 'messages with a length of four octets',
    fit: same,
    write: (message) => concat(integer(message.length, 4), message),
    sizes: [...SIZES, LARGEST_LENGTH16 + 1, LARGE],
    keepsBounds: true,
  },
  {
    name: 'line',
    application: 'relay/line',
    words: 'lines',
    fit: (message) => message.map((octet) => (octet === LINE_FEED ? 0x0d : octet)),
    write: (message) => concat(message, Uint8Array.of(LINE_FEED)),
    sizes: [...SIZES, LARGE],
    keepsBounds: true,
  },
  {
    name: 'tls',
    application: 'relay/tls',
    words: 'messages with a length of two octets, in TLS',
    fit: same,
    write: (message) => concat(integer(message.length, 2), message),
    sizes: [0, 1, MAX_PAYLOAD + 1, LARGEST_LENGTH16],
    keepsBounds: true,
  },
];

const framingNamed = (name: Framing['name']): Framing => {
  const found = FRAMINGS.find((framing) => framing.name === name);
  if (found === undefined) throw new TypeError(`no framing ${name}`);
  return found;
};

/** Demands these octets from the application end on, in however many messages, where the framing does not tell. */
async function requireOctets({ peer, channel }: Dialled, octets: Uint8Array, requirement: string): Promise<void> {
  const came: Uint8Array[] = [];
  let count = 0;
  while (count < octets.length) {
    const message = await receiveMessage(peer, channel, requirement);
    came.push(message);
    count += message.length;
  }
  requireSame('octets', joined(came), octets, requirement);
}

/** Demands a message that the application end has written. */
function requireWritten(dialled: Dialled, framing: Framing, message: Uint8Array, requirement: string): Promise<void> {
  return framing.keepsBounds
    ? requireMessage(dialled.peer, dialled.channel, message, requirement)
    : requireOctets(dialled, message, requirement);
}

/** Each framing, each size, each direction. */
const sizeCases = FRAMINGS.flatMap((framing): readonly Case[] =>
  framing.sizes.flatMap((size): readonly Case[] => [
    {
      id: `RLY-016/relay-${framing.name}-${size}-forth`,
      requirements: ['RLY-016', 'CHN-015'],
      title: `a message of ${size} octets is written by the framing (${framing.name})`,
      stimulus: `A client sends a message of ${size} random octets, and one of three octets, to an application end that takes ${framing.words}.`,
      expectation: 'The application end gets exactly the octets that the framing demands, of both, in order.',
      ...(size >= LARGE ? { estimateMs: 200 } : {}),
      run: async (context) => {
        const { peer, channel, end } = await context.dialled(framing.application);
        const message = framing.fit(context.bytes(size));
        const last = framing.fit(context.bytes(3));
        const sender = new MessageSender(peer, channel);
        await sender.send(message);
        await sender.send(last);
        await end.expectOctets(framing.write(message));
        await end.expectOctets(framing.write(last));
      },
    },
    {
      id: `RLY-016/relay-${framing.name}-${size}-back`,
      requirements: ['RLY-016', 'CHN-015'],
      title: `a message of ${size} octets is read by the framing (${framing.name})`,
      stimulus: `An application end that sends ${framing.words} sends one of ${size} random octets, and one of three octets.`,
      expectation: 'The client gets both, octet for octet, in order.',
      ...(size >= LARGE ? { estimateMs: 200 } : {}),
      run: async (context) => {
        const dialled = await context.dialled(framing.application);
        const message = framing.fit(context.bytes(size));
        const last = framing.fit(context.bytes(3));
        dialled.end.write(joined([framing.write(message), framing.write(last)]));
        if (framing.keepsBounds) {
          await requireMessage(dialled.peer, dialled.channel, message, 'RLY-016');
          await requireMessage(dialled.peer, dialled.channel, last, 'RLY-016');
        } else {
          await requireOctets(dialled, joined([message, last]), 'RLY-016');
        }
      },
    },
  ]),
);

/** Each framing, in any division of what carries it. */
const divisionCases = FRAMINGS.flatMap((framing): readonly Case[] => [
  {
    id: `RLY-016/relay-${framing.name}-fragments`,
    requirements: ['RLY-016', 'CHN-016'],
    title: `fragments of the client do not show at the application end (${framing.name})`,
    stimulus: 'A client sends three messages, each in several fragments of other sizes, the smallest of one octet.',
    expectation: 'The application end gets the three messages by its framing, as if each had come in one piece.',
    run: async (context) => {
      const { peer, channel, end } = await context.dialled(framing.application);
      for (const sizes of [[1, 1, 1], [7, 100, 3], [299]]) {
        const message = framing.fit(context.bytes(300));
        const pieces = divided(message, sizes);
        for (const [at, fragment] of pieces.entries()) {
          const flags = [...(at === 0 ? ['FIRST'] : []), ...(at === pieces.length - 1 ? ['LAST'] : [])];
          peer.send('MESSAGE', { channel, flags, fields: { fragment } });
        }
        await end.expectOctets(framing.write(message));
      }
    },
  },
  {
    id: `RLY-016/relay-${framing.name}-single-octets`,
    requirements: ['RLY-016'],
    title: `octets of the application end may come one by one (${framing.name})`,
    stimulus: 'The application end writes three messages of 40 octets octet by octet.',
    expectation: 'The client gets the three messages.',
    run: async (context) => {
      const dialled = await context.dialled(framing.application);
      const messages = [1, 2, 3].map(() => framing.fit(context.bytes(40)));
      await dialled.end.writeInPieces(joined(messages.map((message) => framing.write(message))));
      if (framing.keepsBounds) {
        for (const message of messages) await requireMessage(dialled.peer, dialled.channel, message, 'RLY-016');
      } else {
        await requireOctets(dialled, joined(messages), 'RLY-016');
      }
    },
  },
  {
    id: `RLY-016/relay-${framing.name}-every-octet`,
    requirements: ['RLY-016'],
    title: `every octet passes, in both directions (${framing.name})`,
    stimulus:
      'A message with every octet that the framing can carry goes to the application end, and another one comes back.',
    expectation: 'Both arrive as they were sent.',
    run: async (context) => {
      const dialled = await context.dialled(framing.application);
      const message = framing.fit(everyOctet());
      dialled.peer.sendMessage(dialled.channel, message);
      await dialled.end.expectOctets(framing.write(message));
      const back = message.toReversed();
      dialled.end.write(framing.write(back));
      await requireWritten(dialled, framing, back, 'RLY-016');
    },
  },
  {
    id: `RLY-016/relay-${framing.name}-many`,
    requirements: ['RLY-016', 'CHN-015', 'RLY-025'],
    title: `two hundred messages each way pass in order (${framing.name})`,
    stimulus: 'The client and the application end send two hundred messages of different sizes each, at the same time.',
    expectation: 'Each end gets those of the other, complete, in order and once.',
    estimateMs: 400,
    run: async (context) => {
      const dialled = await context.dialled(framing.application);
      const { peer, channel, end } = dialled;
      const messages = Array.from({ length: 200 }, (_, n) => framing.fit(context.bytes(1 + ((n * 37) % 211))));
      end.write(joined(messages.map((message) => framing.write(message))));
      const granted = peer.granted;
      if (granted === undefined) fail('a session', 'none');
      grantEnough(dialled);
      const sender = new MessageSender(peer, channel);
      for (const message of messages) await sender.send(message);
      for (const message of messages) await end.expectOctets(framing.write(message));
      const early = sender.received.map((frame) => frame.bytes('fragment'));
      const expected = joined(messages);
      const came: Uint8Array[] = [...early];
      while (joined(came).length < expected.length) came.push(await receiveMessage(peer, channel, 'RLY-016'));
      requireSame('octets', joined(came), expected, 'RLY-016');
      if (framing.keepsBounds && came.length !== messages.length) {
        fail(`${messages.length} messages`, String(came.length), 'RLY-016');
      }
    },
  },
]);

/** The client takes whatever comes. */
function grantEnough({ peer, channel }: Dialled): void {
  peer.send('CREDIT', { channel, fields: { message_limit: 100_000, byte_limit: 100_000_000 } });
}

/** Messages that the framing can not carry. */
const UNFIT: readonly {
  readonly slug: string;
  readonly application: string;
  readonly words: string;
  readonly message: (context: RelayContext) => Uint8Array;
}[] = [
  {
    slug: 'length16-one-more',
    application: 'relay/length16',
    words: 'a message of 65,536 octets, for which two octets of length are not enough',
    message: (context) => context.bytes(LARGEST_LENGTH16 + 1),
  },
  {
    slug: 'tls-one-more',
    application: 'relay/tls',
    words: 'a message of 65,536 octets, for which two octets of length are not enough',
    message: (context) => context.bytes(LARGEST_LENGTH16 + 1),
  },
  {
    slug: 'line-feed-alone',
    application: 'relay/line',
    words: 'a message that is a line feed',
    message: () => Uint8Array.of(LINE_FEED),
  },
  {
    slug: 'line-feed-first',
    application: 'relay/line',
    words: 'a message that begins with a line feed',
    message: () => Buffer.from('\nline'),
  },
  {
    slug: 'line-feed-inside',
    application: 'relay/line',
    words: 'a message with a line feed in the middle',
    message: () => Buffer.from('two\nlines'),
  },
  {
    slug: 'line-feed-last',
    application: 'relay/line',
    words: 'a message that ends with a line feed',
    message: () => Buffer.from('line\n'),
  },
];

const unfitCases = UNFIT.map(({ slug, application, words, message }): Case => ({
  id: `RLY-017/relay-${slug}`,
  requirements: ['RLY-017', 'RLY-023', 'RLY-036'],
  title: `${words} resets the channel`,
  stimulus: `A client sends ${words}, to ${application}; it has another channel to the same application.`,
  expectation:
    'RESET(FRAMING_INVALID) arrives, nothing of the message is written, the connection is cut, and the other channel goes on.',
  run: async (context) => {
    const dialled = await context.dialled(application);
    const other = await context.dialled(application, { on: dialled.peer });
    await new MessageSender(dialled.peer, dialled.channel).send(message(context));
    await requireReset(dialled, 'FRAMING_INVALID', 'RLY-017');
    await dialled.end.expectCut('RLY-023');
    if (dialled.end.received > 0) fail('no octets at the application end', `${dialled.end.received}`, 'RLY-017');
    const { write } = framingNamed(application === 'relay/line' ? 'line' : 'length16');
    other.peer.sendMessage(other.channel, Buffer.from('still there'));
    await other.end.expectOctets(write(Buffer.from('still there')), 'RLY-036');
  },
}));

/** A client that takes little. */
const SMALL = 1024;
const TAKES_LITTLE = { connect: { parameters: [{ id: 'max_message_bytes', value: SMALL }] } } as const;

/** What an application end sends that the client can not take, or that is not complete. */
const INVALID: readonly {
  readonly slug: string;
  readonly application: string;
  readonly words: string;
  readonly octets: (context: RelayContext) => Uint8Array;
  /** Whether the application end ends its direction behind it. */
  readonly ends?: true;
}[] = [
  {
    slug: 'length16-announces',
    application: 'relay/length16',
    words: 'announces a message of one octet more than the client takes',
    octets: () => integer(SMALL + 1, 2),
  },
  {
    slug: 'length32-announces',
    application: 'relay/length32',
    words: 'announces a message of one octet more than the client takes',
    octets: () => integer(SMALL + 1, 4),
  },
  {
    slug: 'length32-announces-most',
    application: 'relay/length32',
    words: 'announces a message of four gigabytes',
    octets: () => integer(0xffffffff, 4),
  },
  {
    slug: 'length32-announces-sign',
    application: 'relay/length32',
    words: 'announces a message of two gigabytes',
    octets: () => integer(0x80000000, 4),
  },
  {
    slug: 'line-too-long',
    application: 'relay/line',
    words: 'sends a line of one octet more than the client takes',
    octets: () => Buffer.from(`${'x'.repeat(SMALL + 1)}\n`),
  },
  {
    slug: 'line-too-long-without-end',
    application: 'relay/line',
    words: 'sends more octets without a line feed than the client takes',
    octets: () => Buffer.from('x'.repeat(SMALL + 1)),
  },
  {
    slug: 'length16-half-length',
    application: 'relay/length16',
    words: 'sends one octet of a length and ends its direction',
    octets: () => Uint8Array.of(0),
    ends: true,
  },
  {
    slug: 'length16-half-message',
    application: 'relay/length16',
    words: 'sends half of a message and ends its direction',
    octets: () => Uint8Array.of(0, 4, 1, 2),
    ends: true,
  },
  {
    slug: 'length16-no-message',
    application: 'relay/length16',
    words: 'sends a length without any octet of the message and ends its direction',
    octets: () => Uint8Array.of(0, 4),
    ends: true,
  },
  {
    slug: 'length32-half-length',
    application: 'relay/length32',
    words: 'sends three octets of a length and ends its direction',
    octets: () => Uint8Array.of(0, 0, 0),
    ends: true,
  },
  {
    slug: 'line-without-end',
    application: 'relay/line',
    words: 'sends octets without a line feed and ends its direction',
    octets: () => Buffer.from('no end'),
    ends: true,
  },
  {
    slug: 'tls-half-message',
    application: 'relay/tls',
    words: 'sends, in TLS, half of a message and ends its direction',
    octets: () => Uint8Array.of(0, 4, 1, 2),
    ends: true,
  },
];

const invalidCases = INVALID.map(({ slug, application, words, octets, ends }): Case => ({
  id: `RLY-018/relay-${slug}`,
  requirements: ['RLY-018', 'RLY-023', 'RLY-036'],
  title: `an application end that ${words} has its channel reset`,
  stimulus: `A client that takes messages of ${SMALL} octets has a channel to ${application}. The application end ${words}.`,
  expectation: 'RESET(FRAMING_INVALID) arrives, no incomplete message does, and the connection is cut.',
  run: async (context) => {
    const dialled = await context.dialled(application, TAKES_LITTLE);
    if (ends === true) dialled.end.end(octets(context));
    else dialled.end.write(octets(context));
    const reset = await dialled.peer.expect('RESET', { channel: dialled.channel, requirement: 'RLY-018' });
    reset.requireCode('FRAMING_INVALID', 'RLY-018');
    await dialled.end.expectCut('RLY-023');
    await dialled.peer.barrier('RLY-036');
  },
}));

/** Section 13.3, the framings. */
export const framing: readonly RelayCase[] = relayCases([
  ...sizeCases,
  ...divisionCases,
  ...unfitCases,
  ...invalidCases,
  {
    id: 'RLY-016/relay-stream-empty',
    requirements: ['RLY-016'],
    title: 'an empty message is nothing to a peer of octets',
    stimulus: 'A client sends an empty message, two octets, and an empty message again, to relay/stream.',
    expectation: 'Two octets arrive, and the connection goes on.',
    run: async (context) => {
      const { peer, channel, end } = await context.dialled('relay/stream');
      peer.sendMessage(channel, new Uint8Array(0));
      peer.sendMessage(channel, Uint8Array.of(1, 2));
      peer.sendMessage(channel, new Uint8Array(0));
      await end.expectOctets(Uint8Array.of(1, 2));
      await peer.barrier();
      end.expectNothing('RLY-016');
    },
  },
  {
    id: 'RLY-016/relay-line-empty',
    requirements: ['RLY-016'],
    title: 'empty lines and carriage returns are messages like others',
    stimulus:
      'An application end of lines sends an empty line, a line of one carriage return, and one with a carriage return behind its text.',
    expectation: 'The client gets an empty message, a carriage return, and the text with its carriage return.',
    run: async (context) => {
      const { peer, channel, end } = await context.dialled('relay/line');
      end.write(Buffer.from('\n\r\ntext\r\n'));
      for (const line of ['', '\r', 'text\r']) await requireMessage(peer, channel, Buffer.from(line), 'RLY-016');
    },
  },
  {
    id: 'RLY-018/relay-exactly-what-is-taken',
    requirements: ['RLY-018', 'RLY-016'],
    title: 'what the client just takes passes, by every framing',
    stimulus: `Application ends of lengths and of lines send a message of exactly the ${SMALL} octets that the client takes.`,
    expectation: 'The client gets it.',
    run: async (context) => {
      for (const name of ['length16', 'length32', 'line'] as const) {
        const { application, fit, write } = framingNamed(name);
        const { peer, channel, end } = await context.dialled(application, TAKES_LITTLE);
        const message = fit(context.bytes(SMALL));
        end.write(write(message));
        await requireMessage(peer, channel, message, 'RLY-018');
      }
    },
  },
  {
    id: 'RLY-018/relay-stream-divided',
    requirements: ['RLY-018', 'CHN-017', 'RLY-016'],
    title: 'octets are divided into messages that the client takes',
    stimulus: `An application end of octets sends 20,000 at once; the client takes messages of ${SMALL} octets.`,
    expectation: 'All octets arrive, in messages of no more than that.',
    run: async (context) => {
      const dialled = await context.dialled('relay/stream', TAKES_LITTLE);
      grantEnough(dialled);
      const octets = context.bytes(20_000);
      dialled.end.write(octets);
      await requireOctets(dialled, octets, 'RLY-018');
    },
  },
  {
    id: 'RLY-018/relay-good-messages-before',
    requirements: ['RLY-018', 'RLY-016'],
    title: 'what was complete before an invalid message is delivered',
    stimulus: 'An application end sends two messages and then a length that the client does not take.',
    expectation: 'The client gets the two messages, then RESET(FRAMING_INVALID).',
    run: async (context) => {
      const dialled = await context.dialled('relay/length16', TAKES_LITTLE);
      dialled.end.write(Uint8Array.of(0, 1, 1));
      dialled.end.write(Uint8Array.of(0, 1, 2));
      await requireMessage(dialled.peer, dialled.channel, Uint8Array.of(1), 'RLY-016');
      await requireMessage(dialled.peer, dialled.channel, Uint8Array.of(2), 'RLY-016');
      dialled.end.write(Uint8Array.of(0xff, 0xff));
      await requireReset(dialled, 'FRAMING_INVALID', 'RLY-018');
    },
  },
]);
