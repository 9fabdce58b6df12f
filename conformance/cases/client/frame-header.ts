import { buildFrame, buildRawFrame, concat, equal, greaseType } from '../../model/codec.ts';
import type { FrameInput } from '../../model/codec.ts';
import { errorNamed, frameNamed, frameOfType, registry } from '../../model/registry.ts';
import type { FrameRow } from '../../model/registry.ts';
import { assertEqual, fail } from '../../peer/failure.ts';
import type { ClientCase } from '../case.ts';
import { clientCases } from '../case.ts';
import { a, flagBits, hex, MAX_PAYLOAD, parameterList } from '../server/client-frames.ts';
import {
  EARLY_FRAMES,
  expectClose,
  inState,
  receivedSince,
  sendChanged,
  SESSION_FRAMES,
  signedAccept,
  STATE_WORDS,
  STATES,
} from './server-frames.ts';

type Case = Omit<ClientCase, 'role'>;

/** Frames that end the connection even when right, or are wrong without the fault: only the code tells whether it was found. */
const exactFor = (name: string): { readonly exact?: true } => (['CLOSE', 'PONG'].includes(name) ? { exact: true } : {});

/** How a stimulus with a frame begins, in the state that it belongs into. */
function arrival(row: FrameRow): string {
  if (row.name === 'CHALLENGE') return 'CHALLENGE, otherwise right, arrives';
  if (row.name === 'ACCEPT') return 'ACCEPT, otherwise right and signed as it is, arrives';
  if (row.name === 'REJECT') return 'Instead of ACCEPT a REJECT arrives that is right but for one thing: it comes';
  return `In an established session ${a(row.name)} arrives that is right but for one thing: it comes`;
}

/** One case for a frame with a header that is wrong in one place, in the state that the frame belongs into. */
function headerCase(
  row: FrameRow,
  fault: {
    readonly requirement: string;
    readonly slug: string;
    readonly title: string;
    readonly words: string;
    readonly code: string;
    /** Only in the deep profile. */
    readonly deep?: boolean;
    readonly change: (input: FrameInput, due: bigint) => FrameInput;
  },
): Case {
  const { requirement, slug, title, words, code, change, deep = false } = fault;
  const early = row.layer === 'establishment';
  return {
    id: `${requirement}/client-${slug}`,
    requirements: early ? [requirement, 'EST-027'] : [requirement],
    title,
    stimulus: `${arrival(row)} ${words}.`,
    expectation: `The client sends CLOSE(${code})${row.name === 'CHALLENGE' ? ' and no CONNECT' : ''}.`,
    ...(deep ? { deep } : {}),
    run: async (context) => {
      const { peer } = await sendChanged(context, row, (input, ready) => change(input, ready.peer.nextSeq));
      await expectClose(context, peer, code, requirement, exactFor(row.name));
    },
  };
}

const sendable: readonly FrameRow[] = [...EARLY_FRAMES, ...SESSION_FRAMES];

/** The highest flag that each frame does not define; in the deep profile the lowest too. */
const flagCases = sendable.flatMap((row) => {
  const defined = row.flags.reduce((bits, { bit }) => bits | bit, 0);
  const undefinedBits = [1, 2, 4, 8, 16, 32, 64, 128].filter((bit) => (defined & bit) === 0);
  return [...new Set([undefinedBits[0] ?? 128, undefinedBits.at(-1) ?? 128])].map((bit) =>
    headerCase(row, {
      requirement: 'WIR-007',
      slug: `${row.name.toLowerCase()}-flag-${hex(bit)}`,
      title: `${row.name} with the undefined flag ${hex(bit)} is refused`,
      words: `with the flag ${hex(bit)}, which ${row.name} does not define`,
      code: 'FLAGS_INVALID',
      deep: bit !== undefinedBits.at(-1),
      change: (input) => ({ flags: flagBits(row, input.flags) | bit }),
    }),
  );
});

const channelCases = sendable.flatMap((row) =>
  (row.layer === 'channel' ? [0] : [1, 0x8000_0000]).map((channel) =>
    headerCase(row, {
      requirement: 'WIR-009',
      slug: `${row.name.toLowerCase()}-on-channel-${channel}`,
      title: `${row.name} on channel ${channel} is refused`,
      words: `with channel ${channel}`,
      code: 'CHANNEL_INVALID',
      change: () => ({ channel }),
    }),
  ),
);

/** Wrong numbers by their distance from the one that is due. */
const SEQUENCE_FAULTS: readonly {
  readonly slug: string;
  readonly words: string;
  readonly number: (due: bigint) => bigint;
}[] = [
  { slug: 'zero', words: 'with the sequence number 0', number: () => 0n },
  { slug: 'one-too-far', words: 'with a sequence number that leaves one out', number: (due) => due + 1n },
  { slug: 'one-back', words: 'with the sequence number before the one that is due', number: (due) => due - 1n },
  { slug: 'high-half', words: 'with 2^32 added to the sequence number that is due', number: (due) => due + 2n ** 32n },
  {
    slug: 'above-53-bits',
    words: 'with 2^53 added to the sequence number that is due',
    number: (due) => due + 2n ** 53n,
  },
  {
    slug: 'top-bit',
    words: 'with the top bit set in the sequence number that is due',
    number: (due) => due + 2n ** 63n,
  },
  { slug: 'all-ones', words: 'with the sequence number 2^64 - 1', number: () => 2n ** 64n - 1n },
];

const sequencedCases = SESSION_FRAMES.filter(({ sequenced }) => sequenced).flatMap((row) =>
  SEQUENCE_FAULTS.filter(({ slug }) => row.name === 'MESSAGE' || slug === 'zero' || slug === 'one-too-far').map(
    ({ slug, words, number }) =>
      headerCase(row, {
        requirement: 'WIR-012',
        slug: `${row.name.toLowerCase()}-${slug}`,
        title: `${row.name} ${words} is refused`,
        words,
        code: 'SEQUENCE_INVALID',
        change: (_input, due) => ({ seq: number(due) }),
      }),
  ),
);

const unsequencedCases = sendable
  .filter(({ sequenced }) => !sequenced)
  .flatMap((row) =>
    [
      { slug: 'one', words: 'with the sequence number 1', seq: 1n },
      { slug: 'top-bit', words: 'with the sequence number 2^63', seq: 2n ** 63n },
    ].map(({ slug, words, seq }) =>
      headerCase(row, {
        requirement: 'WIR-013',
        slug: `${row.name.toLowerCase()}-${slug}`,
        title: `${row.name} ${words} is refused`,
        words: `${words}, although it is not sequenced`,
        code: 'SEQUENCE_INVALID',
        change: () => ({ seq }),
      }),
    ),
  );

const unknownTypes = [
  ...[0x00, 0x05, 0x7f].map((type) => ({ type, slug: hex(type), words: `of type ${hex(type)}, which is not defined` })),
  ...registry.frames
    .filter(({ status }) => status === 'planned')
    .map(({ type, name }) => ({
      type,
      slug: `planned-${name.toLowerCase()}`,
      words: `of type ${hex(type)}, which is planned and not yet defined`,
    })),
];

const unknownTypeCases: readonly Case[] = [
  ...unknownTypes.map(({ type, slug, words }): Case => ({
    id: `WIR-005/client-${slug}`,
    requirements: ['WIR-005'],
    title: `frame type ${hex(type)} is refused`,
    stimulus: `In an established session a frame ${words}, arrives without payload.`,
    expectation: 'The client sends CLOSE(FRAME_UNKNOWN).',
    run: async (context) => {
      const { peer } = await context.established();
      peer.sendRaw({ type });
      await expectClose(context, peer, 'FRAME_UNKNOWN', 'WIR-005');
    },
  })),
  ...(['awaiting-challenge', 'awaiting-accept'] as const).map((state): Case => ({
    id: `WIR-005/client-${state}`,
    requirements: ['WIR-005', 'EST-027'],
    title: `an unknown critical frame is refused in ${state}`,
    stimulus: `${STATE_WORDS[state]} a frame of type 0x3f arrives, which is not defined and may not be ignored.`,
    expectation: 'The client sends CLOSE(FRAME_UNKNOWN), and no other frame.',
    run: async (context) => {
      const { peer } = await inState(context, state);
      peer.sendRaw({ type: 0x3f });
      await expectClose(context, peer, 'FRAME_UNKNOWN', 'WIR-005', { exact: true });
    },
  })),
];

/** Headers that announce too much, in each state and of several types. */
const tooLargeCases: readonly Case[] = [
  { state: 'awaiting-challenge', name: 'CHALLENGE', length: MAX_PAYLOAD + 1 },
  { state: 'awaiting-challenge', name: 'REJECT', length: 0xffff },
  { state: 'awaiting-accept', name: 'ACCEPT', length: MAX_PAYLOAD + 1 },
  { state: 'awaiting-accept', name: 'REJECT', length: MAX_PAYLOAD + 1 },
  { state: 'established', name: 'PING', length: 0xffff },
  { state: 'established', name: 'CLOSE', length: 0xffff },
  { state: 'established', name: 'MESSAGE', length: MAX_PAYLOAD + 1 },
].map(({ state, name, length }): Case => ({
  id: `WIR-001/client-${state}-${name.toLowerCase()}-${length}`,
  requirements: ['WIR-001'],
  title: `${name} that announces ${length} octets is refused at its header`,
  stimulus: `${STATE_WORDS[state as keyof typeof STATE_WORDS]} the header of ${a(name)} arrives that announces ${length} octets, and nothing behind it.`,
  expectation: 'The client sends CLOSE(FRAME_TOO_LARGE) without waiting for the payload.',
  run: async (context) => {
    const row = frameNamed(name);
    const { peer } = await inState(context, state as keyof typeof STATE_WORDS);
    const seq = row.sequenced ? peer.nextSeq : 0n;
    peer.sendOctets(buildRawFrame({ type: row.type, channel: row.layer === 'channel' ? 1 : 0, seq, length }));
    await expectClose(context, peer, 'FRAME_TOO_LARGE', 'WIR-001', { exact: true, probe: false });
  },
}));

const ignorableCases: readonly Case[] = [
  ...(['awaiting-challenge', 'awaiting-accept'] as const).map((state): Case => ({
    id: `WIR-006/client-${state}`,
    requirements: ['WIR-006', 'SES-001', 'EST-027'],
    title: `an ignorable frame is refused in ${state}`,
    stimulus: `${STATE_WORDS[state]} a frame of an ignorable unknown type arrives.`,
    expectation: 'The client sends CLOSE(FRAME_UNEXPECTED), and no other frame.',
    run: async (context) => {
      const { peer } = await inState(context, state);
      peer.sendRaw({ type: greaseType(3) });
      await expectClose(context, peer, 'FRAME_UNEXPECTED', 'WIR-006', { exact: true });
    },
  })),
  ...STATES.map((state): Case => ({
    id: `WIR-001/client-${state}-ignorable`,
    requirements: ['WIR-001', 'WIR-006'],
    title: `an ignorable frame is not longer than others in ${state}`,
    stimulus: `${STATE_WORDS[state]} the header of an ignorable unknown frame arrives that announces 16,369 octets.`,
    expectation: 'The client sends CLOSE(FRAME_TOO_LARGE).',
    run: async (context) => {
      const { peer } = await inState(context, state);
      peer.sendOctets(buildRawFrame({ type: greaseType(1), length: MAX_PAYLOAD + 1 }));
      await expectClose(context, peer, 'FRAME_TOO_LARGE', 'WIR-001', { exact: true, probe: false });
    },
  })),
];

/** Sections 3.2 to 3.5, for a client: the header of a frame. */
export const frameHeader: readonly ClientCase[] = clientCases([
  ...tooLargeCases,
  ...ignorableCases,
  {
    id: 'WIR-001/client-largest-ignorable',
    requirements: ['WIR-001', 'WIR-006'],
    title: 'an ignorable frame of the largest size is ignored',
    stimulus: 'In an established session an ignorable unknown frame of 16,368 octets of payload arrives, then a PING.',
    expectation: 'PONG arrives.',
    run: async (context) => {
      const { peer } = await context.established();
      peer.sendRaw({ type: greaseType(2), payload: context.bytes(MAX_PAYLOAD) });
      await peer.barrier('WIR-006');
    },
  },
  {
    id: 'WIR-001/client-largest-message',
    requirements: ['WIR-001'],
    title: 'a message of the largest frame is delivered',
    stimulus: 'On an open channel a message of 16,368 octets arrives in one frame.',
    expectation: 'The client delivers it.',
    run: async (context) => {
      const { peer, client, channel } = await context.opened();
      const fragment = context.bytes(MAX_PAYLOAD);
      peer.sendMessage(channel, fragment);
      const event = await client.expectEvent('message', 'WIR-001');
      assertEqual('message', event.message, Buffer.from(fragment).toString('base64'), 'WIR-001');
    },
  },
  {
    id: 'WIR-001/client-largest-challenge',
    requirements: ['WIR-001', 'WIR-023', 'EST-001'],
    title: 'a CHALLENGE of the largest size is answered',
    stimulus:
      'CHALLENGE carries one ignorable unknown parameter of such a length that its payload has exactly 16,368 octets.',
    expectation: 'CONNECT arrives, and its signature covers the whole CHALLENGE.',
    run: async (context) => {
      const { peer } = await context.connected();
      peer.sendChallenge([{ id: 0x801b, value: context.bytes(MAX_PAYLOAD - 32 - 2 - 4) }]);
      await peer.expectConnect();
    },
  },
  {
    id: 'WIR-001/client-largest-accept',
    requirements: ['WIR-001', 'WIR-023'],
    title: 'an ACCEPT of the largest size is taken',
    stimulus:
      'ACCEPT carries one ignorable unknown parameter of such a length that its payload has exactly 16,368 octets.',
    expectation: 'The client reports the session.',
    run: async (context) => {
      const { peer, client } = await context.connecting();
      const sized = (size: number): Uint8Array =>
        signedAccept(context, peer, {
          fields: { parameters: parameterList({ id: 0x801b, value: context.bytes(size) }) },
        });
      peer.sendFrame(sized(registry.header.bytes + MAX_PAYLOAD - sized(0).length));
      await client.expectEvent('established', 'WIR-001');
    },
  },
  {
    id: 'WIR-002/client-every-cut-of-a-header',
    requirements: ['WIR-002'],
    title: 'a header may be cut anywhere',
    stimulus: 'Sixteen PINGs arrive one after the other, the header of each cut into two TLS records at another octet.',
    expectation: 'Each gets its PONG.',
    run: async (context) => {
      const { peer } = await context.established();
      for (let cut = 1; cut <= registry.header.bytes; cut += 1) {
        const data = context.bytes(8);
        await peer.sendChunks(peer.build('PING', { fields: { data } }), [cut]);
        const pong = await peer.expect('PONG', { requirement: 'WIR-002' });
        if (!equal(pong.bytes('data'), data)) fail('PONG with the data of the PING', pong.text, 'SES-004');
      }
    },
  },
  {
    id: 'WIR-002/client-across-frames',
    requirements: ['WIR-002'],
    title: 'a record may hold the end of one frame and the beginning of the next',
    stimulus: 'Twelve PINGs arrive as one stream that is cut every seven octets into TLS records.',
    expectation: 'Twelve PONGs arrive with the data of the PINGs, in order.',
    run: async (context) => {
      const { peer } = await context.established();
      const data = Array.from({ length: 12 }, () => context.bytes(8));
      const stream = concat(...data.map((octets) => peer.build('PING', { fields: { data: octets } })));
      await peer.sendChunks(stream, new Array<number>(Math.floor(stream.length / 7)).fill(7));
      for (const octets of data) {
        const pong = await peer.expect('PONG', { requirement: 'WIR-002' });
        if (!equal(pong.bytes('data'), octets)) fail('PONGs in the order of the PINGs', pong.text, 'WIR-002');
      }
    },
  },
  {
    id: 'WIR-002/client-accept-and-more-in-one-record',
    requirements: ['WIR-002', 'SES-004'],
    title: 'what stands behind ACCEPT in the same record belongs to the session',
    stimulus: 'ACCEPT, a PING and an ignorable unknown frame arrive in one TLS record.',
    expectation: 'The session is established, and the PONG arrives.',
    run: async (context) => {
      const { peer, client } = await context.connecting();
      const data = context.bytes(8);
      const accept = peer.buildAccept();
      const ping = peer.build('PING', { fields: { data } });
      peer.sendTogether([accept, buildRawFrame({ type: greaseType(0), payload: context.bytes(3) }), ping]);
      const pong = await peer.expect('PONG', { requirement: 'WIR-002' });
      if (!equal(pong.bytes('data'), data)) fail('PONG with the data of the PING', pong.text, 'SES-004');
      await client.expectEvent('established', 'WIR-002');
    },
  },
  {
    id: 'WIR-002/client-close-in-the-same-record',
    requirements: ['WIR-002', 'SES-004'],
    title: 'what stands before CLOSE in the same record counts',
    stimulus: 'A message on an open channel and CLOSE(NO_ERROR) arrive in one TLS record.',
    expectation: 'The message is delivered, and CLOSE(NO_ERROR) arrives.',
    run: async (context) => {
      const { peer, client, channel } = await context.opened();
      const fragment = context.bytes(8);
      const message = peer.build('MESSAGE', { channel, flags: ['FIRST', 'LAST'], fields: { fragment } });
      const fields = { code: 0, receive_cursor: peer.receivedSeq, send_cursor: peer.nextSeq - 1n };
      peer.sendTogether([message, peer.build('CLOSE', { flags: ['END_SESSION'], fields })]);
      await client.expectEvent('message', 'WIR-002');
      const close = await peer.expect('CLOSE', { requirement: 'SES-012' });
      close.requireCode('NO_ERROR', 'SES-012');
    },
  },
  {
    id: 'WIR-003/client-accept-withheld',
    requirements: ['WIR-003', 'EST-022'],
    title: 'ACCEPT counts for nothing before it is complete',
    stimulus:
      'ACCEPT is sent but for its last octet; the client is asked for a session with another server; then the last octet follows.',
    expectation: 'The session is reported only after the last octet, and nothing is sent before.',
    features: ['concurrent'],
    run: async (context) => {
      const { peer, client } = await context.connecting();
      const from = peer.log.entries.length;
      const accept = peer.buildAccept();
      peer.sendOctets(accept.subarray(0, -1), 'ACCEPT without its last octet');
      await context.established();
      const early = client.pendingEvents[0]?.event ?? receivedSince(peer, from);
      if (early !== undefined) fail('nothing before ACCEPT is complete', early, 'WIR-003');
      peer.sendOctets(accept.subarray(-1), 'the last octet of ACCEPT');
      await client.expectEvent('established', 'WIR-003');
    },
  },
  {
    id: 'WIR-003/client-message-withheld',
    requirements: ['WIR-003', 'CHN-016'],
    title: 'a message is not delivered before its frame is complete',
    stimulus:
      'A message is sent but for its last octet; the client is asked for a session with another server; then the last octet follows.',
    expectation: 'The message is delivered after the last octet, whole, and not before.',
    features: ['concurrent'],
    run: async (context) => {
      const { peer, client, channel } = await context.opened();
      const fragment = context.bytes(300);
      const message = peer.build('MESSAGE', { channel, flags: ['FIRST', 'LAST'], fields: { fragment } });
      peer.sendOctets(message.subarray(0, -1), 'MESSAGE without its last octet');
      await context.established();
      const [early] = client.pendingEvents;
      if (early !== undefined) fail('no event before the frame is complete', early.event, 'WIR-003');
      peer.sendOctets(message.subarray(-1), 'the last octet of MESSAGE');
      const event = await client.expectEvent('message', 'WIR-003');
      assertEqual('message', event.message, Buffer.from(fragment).toString('base64'), 'WIR-003');
    },
  },
  ...unknownTypeCases,
  {
    id: 'WIR-005/client-all-types',
    requirements: ['WIR-005'],
    title: 'every undefined critical frame type is refused',
    stimulus: 'Each type below 0x80 that is not defined arrives in an established session of its own.',
    expectation: 'The client answers each with CLOSE(FRAME_UNKNOWN).',
    deep: true,
    estimateMs: 3000,
    run: async (context) => {
      for (let type = 0; type < 0x80; type += 1) {
        if (frameOfType(type) !== undefined) continue;
        const { peer } = await context.established();
        peer.sendRaw({ type });
        await expectClose(context, peer, 'FRAME_UNKNOWN', 'WIR-005');
      }
    },
  },
  {
    id: 'WIR-006/client-all-types',
    requirements: ['WIR-006', 'SES-009'],
    title: 'every ignorable frame type is ignored',
    stimulus:
      'In an established session one frame of each type from 0x80 to 0xff arrives, with random flags, channel and payload.',
    expectation: 'The session goes on.',
    run: async (context) => {
      const { peer } = await context.established();
      for (let type = 0x80; type <= 0xff; type += 1) {
        const [flags = 0, size = 0, ...number] = context.bytes(6);
        const channel = Buffer.from(number).readUInt32BE();
        peer.sendRaw({ type, flags, channel, payload: context.bytes(size % 64) });
      }
      await peer.barrier('WIR-006');
    },
  },
  {
    id: 'WIR-006/client-inside-a-message',
    requirements: ['WIR-006'],
    title: 'an ignored frame disturbs no message',
    stimulus: 'Between the two fragments of a message an ignorable unknown frame arrives on the same channel.',
    expectation: 'The message is delivered whole.',
    run: async (context) => {
      const { peer, client, channel } = await context.opened();
      const parts = [context.bytes(40), context.bytes(50)] as const;
      peer.send('MESSAGE', { channel, flags: ['FIRST'], fields: { fragment: parts[0] } });
      peer.sendRaw({ type: 0x80 | frameNamed('MESSAGE').type, flags: 0x03, channel, payload: context.bytes(20) });
      peer.send('MESSAGE', { channel, flags: ['LAST'], fields: { fragment: parts[1] } });
      const event = await client.expectEvent('message', 'WIR-006');
      assertEqual('message', event.message, Buffer.from(concat(...parts)).toString('base64'), 'WIR-006');
    },
  },
  {
    id: 'WIR-006/client-like-critical-ones',
    requirements: ['WIR-006'],
    title: 'an ignorable type is not the defined one without its bit',
    stimulus:
      'In an established session frames arrive whose types are those of CLOSE, REJECT and PING with the ignorable bit set, with right payloads.',
    expectation: 'The session goes on, and no frame answers.',
    run: async (context) => {
      const { peer } = await context.established();
      const frames = ['CLOSE', 'REJECT', 'PING'].map((name) =>
        buildFrame(name, { type: 0x80 | frameNamed(name).type, fields: {} }),
      );
      for (const frame of frames) peer.sendFrame(frame);
      const [unasked] = (await peer.barrier('WIR-006')).filter(({ name }) => name !== 'CREDIT');
      if (unasked !== undefined) fail('nothing', unasked.text, 'WIR-006');
    },
  },
  ...flagCases,
  ...channelCases,
  ...sequencedCases,
  {
    id: 'WIR-012/client-counted-per-channel',
    requirements: ['WIR-012'],
    title: 'channels share one sequence',
    stimulus:
      'Two channels are opened; then a message on the second one carries the number 2, as if each channel counted alone.',
    expectation: 'The client sends CLOSE(SEQUENCE_INVALID).',
    run: async (context) => {
      const { peer, client } = await context.opened();
      const channel = await context.dependency('opening a second channel', async () => {
        const second = await client.open('test/echo');
        await peer.expect('OPEN', { channel: second });
        peer.sendOpened(second);
        await client.expectEvent('opened');
        return second;
      });
      peer.send('MESSAGE', { channel, flags: ['FIRST', 'LAST'], seq: 2, fields: { fragment: context.bytes(4) } });
      await expectClose(context, peer, 'SEQUENCE_INVALID', 'WIR-012');
    },
  },
  {
    id: 'WIR-012/client-only-sequenced-frames-count',
    requirements: ['WIR-012'],
    title: 'PING, CREDIT and ignorable frames take no number',
    stimulus:
      'OPENED has the number 1; PING, CREDIT and an ignorable unknown frame follow; then a message with the number 2.',
    expectation: 'The message is delivered.',
    run: async (context) => {
      const { peer, client, channel } = await context.opened();
      peer.send('PING', { fields: { data: context.bytes(8) } });
      peer.send('CREDIT', { channel, fields: { message_limit: 1_000_000, byte_limit: 10_000_000 } });
      peer.sendRaw({ type: greaseType(0) });
      peer.send('MESSAGE', { channel, flags: ['FIRST', 'LAST'], seq: 2, fields: { fragment: context.bytes(4) } });
      await client.expectEvent('message', 'WIR-012');
    },
  },
  {
    id: 'WIR-012/client-repeated-frame',
    requirements: ['WIR-012'],
    title: 'a frame that arrives twice is refused',
    stimulus: 'A message arrives twice, octet for octet.',
    expectation: 'The client delivers it once and sends CLOSE(SEQUENCE_INVALID).',
    run: async (context) => {
      const { peer, client, channel } = await context.opened();
      const fragment = context.bytes(4);
      const message = peer.build('MESSAGE', { channel, flags: ['FIRST', 'LAST'], fields: { fragment } });
      peer.sendTogether([message, message]);
      await expectClose(context, peer, 'SEQUENCE_INVALID', 'WIR-012');
      await client.expectEvent('message', 'WIR-012');
      await client.expectEvent('failed', 'WIR-012');
    },
  },
  {
    id: 'WIR-012/client-refused-counts',
    requirements: ['WIR-012', 'WIR-010'],
    title: 'REFUSED has used its number',
    stimulus: 'A first OPEN is answered with REFUSED, number 1, a second one with OPENED, number 2.',
    expectation: 'The client reports both; its OPENs carry the numbers 1 and 2.',
    run: async (context) => {
      const { peer, client } = await context.established();
      for (const name of ['REFUSED', 'OPENED']) {
        const channel = await client.open('test/echo');
        const open = await peer.expect('OPEN', { channel });
        assertEqual('sequence number', open.seq, BigInt(channel), 'WIR-010');
        if (name === 'OPENED') peer.sendOpened(channel);
        else peer.send(name, { channel, fields: { code: errorNamed('APPLICATION_REFUSED').code } });
        await client.expectEvent(name === 'OPENED' ? 'opened' : 'refused', 'WIR-012');
      }
    },
  },
  ...unsequencedCases,
  {
    id: 'WIR-013/client-ignorable',
    requirements: ['WIR-013', 'WIR-006'],
    title: 'an ignorable frame with a sequence number is refused',
    stimulus: 'In an established session a frame of an ignorable unknown type arrives with the sequence number 1.',
    expectation: 'The client sends CLOSE(SEQUENCE_INVALID).',
    run: async (context) => {
      const { peer } = await context.established();
      peer.sendRaw({ type: greaseType(0), seq: 1 });
      await expectClose(context, peer, 'SEQUENCE_INVALID', 'WIR-013');
    },
  },
]);
