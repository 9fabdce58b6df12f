import { buildRawFrame, concat, equal, greaseType } from '../../model/codec.ts';
import type { FrameInput } from '../../model/codec.ts';
import { frameNamed, frameOfType, registry } from '../../model/registry.ts';
import type { FrameRow } from '../../model/registry.ts';
import { fail } from '../../peer/failure.ts';
import type { Peer } from '../../peer/peer.ts';
import type { ServerCase } from '../case.ts';
import { serverCases } from '../case.ts';
import {
  a,
  CLIENT_FRAMES,
  connectChanged,
  expectExactly,
  flagBits,
  hex,
  MAX_PAYLOAD,
  parameterList,
  sendChanged,
  signedConnect,
} from './client-frames.ts';

type Case = Omit<ServerCase, 'role'>;

const CONNECT = frameNamed('CONNECT');

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
    readonly change: (input: FrameInput) => FrameInput;
  },
): Case {
  const { requirement, slug, title, words, code, change, deep = false } = fault;
  const early = row.name === 'CONNECT';
  return {
    id: `${requirement}/${slug}`,
    requirements: [requirement],
    title,
    stimulus: early
      ? `CONNECT, otherwise right and signed as it is, arrives ${words}.`
      : `In an established session ${a(row.name)} arrives that is right but for one thing: it comes ${words}.`,
    expectation: `The server answers with ${early ? 'REJECT' : 'CLOSE'}(${code}).`,
    ...(deep ? { deep } : {}),
    run: async (context) => {
      if (early) {
        const peer = await connectChanged(context, change({}));
        await expectExactly(peer, code, requirement);
      } else {
        const { peer } = await sendChanged(context, row, change);
        await expectExactly(peer, code, requirement);
      }
    },
  };
}

const sendable: readonly FrameRow[] = [CONNECT, ...CLIENT_FRAMES];

/** The highest flag that each frame does not define; in the deep profile the lowest too. */
const flagCases = sendable.flatMap((row) => {
  const defined = row.flags.reduce((bits, { bit }) => bits | bit, 0);
  const undefinedBits = [1, 2, 4, 8, 16, 32, 64, 128].filter((bit) => (defined & bit) === 0);
  const tried = new Set([undefinedBits[0] ?? 128, undefinedBits.at(-1) ?? 128]);
  return [...tried]
    .filter((bit) => !(row.name === 'PING' && bit === 1))
    .map((bit) =>
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

const channelCases = sendable.flatMap((row) => {
  const wrong = row.layer === 'channel' ? [0] : [1, 0x8000_0000];
  return wrong.map((channel) =>
    headerCase(row, {
      requirement: 'WIR-009',
      slug: `${row.name.toLowerCase()}-on-channel-${channel}`,
      title: `${row.name} on channel ${channel} is refused`,
      words: `with channel ${channel}`,
      code: 'CHANNEL_INVALID',
      change: () => ({ channel }),
    }),
  );
});

/** Wrong numbers by their distance from the one that is due; `due` itself is 1 for OPEN and 2 behind it. */
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

const sequencedCases = CLIENT_FRAMES.filter(({ sequenced }) => sequenced).flatMap((row) =>
  SEQUENCE_FAULTS.filter(
    ({ slug }) =>
      (row.name === 'MESSAGE' || slug === 'zero' || slug === 'one-too-far') &&
      !(row.name === 'OPEN' && slug === 'one-too-far'),
  ).map(({ slug, words, number }): Case => {
    const title = `${row.name} ${words} is refused`;
    return {
      id: `WIR-012/${row.name.toLowerCase()}-${slug}`,
      requirements: ['WIR-012'],
      title,
      stimulus: `In an established session ${a(row.name)} arrives that is right but for one thing: it comes ${words}.`,
      expectation: 'The server answers with CLOSE(SEQUENCE_INVALID).',
      run: async (context) => {
        const { peer } = await sendChanged(context, row, (_input, ready) => ({ seq: number(ready.peer.nextSeq) }));
        await peer.expectViolation('SEQUENCE_INVALID', { requirement: 'WIR-012' });
      },
    };
  }),
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

const unknownTypeCases = unknownTypes.map(({ type, slug, words }): Case => ({
  id: `WIR-005/${slug}`,
  requirements: ['WIR-005'],
  title: `frame type ${hex(type)} is refused`,
  stimulus: `In an established session a frame ${words}, arrives without payload.`,
  expectation: 'The server answers with CLOSE(FRAME_UNKNOWN).',
  run: async (context) => {
    const peer = await context.established();
    peer.sendRaw({ type });
    await peer.expectViolation('FRAME_UNKNOWN', { requirement: 'WIR-005' });
  },
}));

const tooLarge = [
  { slug: 'message', name: 'MESSAGE', length: MAX_PAYLOAD + 1 },
  { slug: 'message-65535', name: 'MESSAGE', length: 0xffff },
  { slug: 'close-65535', name: 'CLOSE', length: 0xffff },
] as const;

const tooLargeCases = tooLarge.map(({ slug, name, length }): Case => {
  const row = frameNamed(name);
  return {
    id: `WIR-001/${slug}`,
    requirements: ['WIR-001', 'SES-003'],
    title: `${name} that announces ${length} octets is refused at its header`,
    stimulus: `In an established session the header of ${a(name)} arrives that announces ${length} octets, and nothing behind it.`,
    expectation: 'The server answers with CLOSE(FRAME_TOO_LARGE) without waiting for the payload.',
    run: async (context) => {
      const { peer } = await sendChanged(context, row, () => ({
        rawPayload: new Uint8Array(0),
        lengthOverride: length,
      }));
      await expectExactly(peer, 'FRAME_TOO_LARGE', 'WIR-001', { probe: false });
    },
  };
});

/** Whether anything but what keeps a session alive has come in since `from` entries of the log. */
function receivedSince(peer: Peer, from: number): string | undefined {
  return peer.log.entries
    .slice(from)
    .find(
      ({ direction, octets }) =>
        direction === 'received' && octets?.[0] !== frameNamed('PING').type && (octets?.[0] ?? 0) < 0x80,
    )?.text;
}

/** Sections 3.2 to 3.5, for a server: the header of a frame. */
export const frameHeader: readonly ServerCase[] = serverCases([
  ...tooLargeCases,
  {
    id: 'WIR-001/early',
    requirements: ['WIR-001', 'EST-026'],
    title: 'a CONNECT that announces too much is refused at its header',
    stimulus: 'Instead of CONNECT its header alone arrives, announcing 16,369 octets.',
    expectation: 'The server answers with REJECT(FRAME_TOO_LARGE) without waiting for the payload.',
    run: async (context) => {
      const peer = await context.challenged();
      peer.sendFrame(buildRawFrame({ type: CONNECT.type, length: MAX_PAYLOAD + 1 }));
      await expectExactly(peer, 'FRAME_TOO_LARGE', 'WIR-001');
    },
  },
  {
    id: 'WIR-001/ignorable',
    requirements: ['WIR-001', 'WIR-006'],
    title: 'an ignorable frame is not longer than others',
    stimulus:
      'In an established session the header of an ignorable unknown frame arrives that announces 16,369 octets.',
    expectation: 'The server answers with CLOSE(FRAME_TOO_LARGE).',
    run: async (context) => {
      const peer = await context.established();
      peer.sendFrame(buildRawFrame({ type: greaseType(1), length: MAX_PAYLOAD + 1 }));
      await peer.expectViolation('FRAME_TOO_LARGE', { requirement: 'WIR-001', probe: false });
    },
  },
  {
    id: 'WIR-001/largest-ignorable',
    requirements: ['WIR-001', 'WIR-006'],
    title: 'an ignorable frame of the largest size is ignored',
    stimulus: 'In an established session an ignorable unknown frame of 16,368 octets of payload arrives, then a PING.',
    expectation: 'PONG arrives.',
    run: async (context) => {
      const peer = await context.established();
      peer.sendRaw({ type: greaseType(2), payload: context.bytes(MAX_PAYLOAD) });
      await peer.barrier('WIR-006');
    },
  },
  {
    id: 'WIR-001/largest-connect',
    requirements: ['WIR-001', 'WIR-023'],
    title: 'a CONNECT of the largest size is accepted',
    stimulus:
      'CONNECT carries one ignorable unknown parameter of such a length that its payload has exactly 16,368 octets.',
    expectation: 'The session is established.',
    run: async (context) => {
      const peer = await context.challenged();
      const empty = signedConnect(context, peer, {
        fields: { parameters: parameterList({ id: 0x801b, value: new Uint8Array(0) }) },
      });
      const value = context.bytes(registry.header.bytes + MAX_PAYLOAD - empty.length);
      peer.connectFrame = signedConnect(context, peer, {
        fields: { parameters: parameterList({ id: 0x801b, value }) },
      });
      peer.sendFrame(peer.connectFrame);
      await peer.expectAccept();
      await peer.close();
    },
  },
  {
    id: 'WIR-002/every-cut-of-a-header',
    requirements: ['WIR-002'],
    title: 'a header may be cut anywhere',
    stimulus: 'Sixteen PINGs arrive one after the other, the header of each cut into two TLS records at another octet.',
    expectation: 'Each gets its PONG.',
    run: async (context) => {
      const peer = await context.established();
      for (let cut = 1; cut <= registry.header.bytes; cut += 1) {
        const data = context.bytes(8);
        await peer.sendChunks(peer.build('PING', { fields: { data } }), [cut]);
        const pong = await peer.expect('PONG', { requirement: 'WIR-002' });
        if (!equal(pong.bytes('data'), data)) fail('PONG with the data of the PING', pong.text, 'SES-004');
      }
    },
  },
  {
    id: 'WIR-002/across-frames',
    requirements: ['WIR-002', 'WIR-015'],
    title: 'a record may hold the end of one frame and the beginning of the next',
    stimulus: 'Twelve PINGs arrive as one stream that is cut every seven octets into TLS records.',
    expectation: 'Twelve PONGs arrive with the data of the PINGs, in order.',
    run: async (context) => {
      const peer = await context.established();
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
    id: 'WIR-002/random-cuts',
    requirements: ['WIR-002'],
    title: 'CONNECT, OPEN and a message survive random division',
    stimulus:
      'CONNECT, OPEN of test/echo and a message of 600 octets arrive in TLS records of random sizes from 1 to 40 octets.',
    expectation: 'ACCEPT, OPENED and the same message come back.',
    run: async (context) => {
      const sizes = Array.from(context.bytes(300), (octet) => 1 + (octet % 40));
      const peer = await context.challenged();
      peer.connectFrame = peer.buildConnect();
      await peer.sendChunks(peer.connectFrame, sizes.slice(0, 60));
      await peer.expectAccept();
      const fields = { nonce: context.bytes(32), application: 'test/echo', parameters: [] };
      await peer.sendChunks(peer.build('OPEN', { channel: 1, fields }), sizes.slice(60, 120));
      await peer.expect('OPENED', { channel: 1, requirement: 'WIR-002' });
      const fragment = context.bytes(600);
      const message = peer.build('MESSAGE', { channel: 1, flags: ['FIRST', 'LAST'], fields: { fragment } });
      await peer.sendChunks(message, sizes.slice(120));
      const echo = await peer.expect('MESSAGE', { channel: 1, requirement: 'WIR-002' });
      if (!equal(echo.bytes('fragment'), fragment)) fail('the message that was sent', 'another one', 'CHN-015');
    },
  },
  {
    id: 'WIR-002/close-in-the-same-record',
    requirements: ['WIR-002', 'SES-004'],
    title: 'what stands before CLOSE in the same record counts',
    stimulus: 'A PING and CLOSE(NO_ERROR) arrive in one TLS record.',
    expectation: 'PONG arrives, then CLOSE(NO_ERROR).',
    run: async (context) => {
      const peer = await context.established();
      const data = context.bytes(8);
      const ping = peer.build('PING', { fields: { data } });
      const fields = { code: 0, receive_cursor: peer.receivedSeq, send_cursor: 0 };
      peer.sendTogether([ping, peer.build('CLOSE', { flags: ['END_SESSION'], fields })]);
      const pong = await peer.expect('PONG', { requirement: 'SES-004' });
      if (!equal(pong.bytes('data'), data)) fail('PONG with the data of the PING', pong.text, 'SES-004');
      const close = await peer.expect('CLOSE', { requirement: 'SES-012' });
      close.requireCode('NO_ERROR', 'SES-012');
    },
  },
  {
    id: 'WIR-003/message-withheld',
    requirements: ['WIR-003', 'CHN-016'],
    title: 'a message is not delivered before its frame is complete',
    stimulus:
      'A message to test/echo is sent but for its last octet; a PING is answered on a second connection; then the last octet follows.',
    expectation: 'No echo arrives before the last octet was sent; then the whole message comes back.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/echo');
      const other = await context.established();
      const fragment = context.bytes(500);
      const message = peer.build('MESSAGE', { channel, flags: ['FIRST', 'LAST'], fields: { fragment } });
      const from = peer.log.entries.length;
      peer.sendOctets(message.subarray(0, -1), 'MESSAGE without its last octet');
      await context.dependency('a second connection', () => other.barrier());
      const early = receivedSince(peer, from);
      if (early !== undefined) fail('nothing before the frame is complete', early, 'WIR-003');
      peer.sendOctets(message.subarray(-1), 'the last octet of MESSAGE');
      const echo = await peer.expect('MESSAGE', { channel, requirement: 'WIR-003' });
      if (!equal(echo.bytes('fragment'), fragment)) fail('the message that was sent', 'another one', 'WIR-003');
    },
  },
  {
    id: 'WIR-003/connect-withheld',
    requirements: ['WIR-003', 'EST-008'],
    title: 'CONNECT is not answered before it is complete',
    stimulus:
      'CONNECT is sent but for its last octet; a PING is answered on a second connection; then the last octet follows.',
    expectation: 'Nothing arrives before the last octet was sent; then ACCEPT arrives.',
    run: async (context) => {
      const peer = await context.challenged();
      const other = await context.established();
      peer.connectFrame = peer.buildConnect();
      const from = peer.log.entries.length;
      peer.sendOctets(peer.connectFrame.subarray(0, -1), 'CONNECT without its last octet');
      await context.dependency('a second connection', () => other.barrier());
      const early = receivedSince(peer, from);
      if (early !== undefined) fail('nothing before the frame is complete', early, 'WIR-003');
      peer.sendOctets(peer.connectFrame.subarray(-1), 'the last octet of CONNECT');
      await peer.expectAccept();
    },
  },
  ...unknownTypeCases,
  {
    id: 'WIR-005/early',
    requirements: ['WIR-005', 'EST-026'],
    title: 'an unknown critical frame instead of CONNECT is refused',
    stimulus: 'Instead of CONNECT a frame of type 0x3f arrives, which is not defined and may not be ignored.',
    expectation: 'The server answers with REJECT(FRAME_UNKNOWN).',
    run: async (context) => {
      const peer = await context.challenged();
      peer.sendRaw({ type: 0x3f });
      await expectExactly(peer, 'FRAME_UNKNOWN', 'WIR-005');
    },
  },
  {
    id: 'WIR-005/all-types',
    requirements: ['WIR-005'],
    title: 'every undefined critical frame type is refused',
    stimulus: 'Each type below 0x80 that is not defined arrives in an established session of its own.',
    expectation: 'The server answers each with CLOSE(FRAME_UNKNOWN).',
    deep: true,
    estimateMs: 3000,
    run: async (context) => {
      for (let type = 0; type < 0x80; type += 1) {
        if (frameOfType(type) !== undefined) continue;
        const peer = await context.established();
        peer.sendRaw({ type });
        await peer.expectViolation('FRAME_UNKNOWN', { requirement: 'WIR-005' });
      }
    },
  },
  {
    id: 'WIR-006/all-types',
    requirements: ['WIR-006', 'SES-009'],
    title: 'every ignorable frame type is ignored',
    stimulus:
      'In an established session one frame of each type from 0x80 to 0xff arrives, with random flags, channel and payload.',
    expectation: 'The session goes on.',
    run: async (context) => {
      const peer = await context.established();
      for (let type = 0x80; type <= 0xff; type += 1) {
        const [flags = 0, size = 0] = context.bytes(2);
        const channel = Number(BigInt.asUintN(32, BigInt(`0x${Buffer.from(context.bytes(4)).toString('hex')}`)));
        peer.sendRaw({ type, flags, channel, payload: context.bytes(size % 64) });
      }
      await peer.barrier('WIR-006');
    },
  },
  {
    id: 'WIR-006/inside-a-message',
    requirements: ['WIR-006'],
    title: 'an ignored frame disturbs no message',
    stimulus:
      'Between the two fragments of a message to test/echo an ignorable unknown frame arrives on the same channel.',
    expectation: 'The message comes back whole.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/echo');
      const parts = [context.bytes(40), context.bytes(50)] as const;
      peer.send('MESSAGE', { channel, flags: ['FIRST'], fields: { fragment: parts[0] } });
      peer.sendRaw({ type: 0x80 | frameNamed('MESSAGE').type, flags: 0x03, channel, payload: context.bytes(20) });
      peer.send('MESSAGE', { channel, flags: ['LAST'], fields: { fragment: parts[1] } });
      const echo: Uint8Array[] = [];
      for (let last = false; !last;) {
        const frame = await peer.expect('MESSAGE', { channel, requirement: 'WIR-006' });
        echo.push(frame.bytes('fragment'));
        last = frame.has('LAST');
      }
      if (!equal(concat(...echo), concat(...parts))) fail('the message that was sent', 'another one', 'WIR-006');
    },
  },
  {
    id: 'WIR-006/early',
    requirements: ['WIR-006', 'SES-001'],
    title: 'an ignorable frame before CONNECT is refused',
    stimulus: 'Instead of CONNECT a frame of an ignorable unknown type arrives.',
    expectation: 'The server answers with REJECT(FRAME_UNEXPECTED).',
    run: async (context) => {
      const peer = await context.challenged();
      peer.sendRaw({ type: greaseType(3) });
      await expectExactly(peer, 'FRAME_UNEXPECTED', 'WIR-006');
    },
  },
  ...flagCases,
  ...channelCases,
  ...sequencedCases,
  {
    id: 'WIR-012/counted-per-channel',
    requirements: ['WIR-012'],
    title: 'channels share one sequence',
    stimulus:
      'Two channels are opened; then a message on the second one carries the number 2, as if each channel counted alone.',
    expectation: 'The server answers with CLOSE(SEQUENCE_INVALID).',
    run: async (context) => {
      const { peer } = await context.opened('test/echo');
      const channel = await context.dependency('opening a second channel', () => peer.open('test/echo'));
      peer.send('MESSAGE', { channel, flags: ['FIRST', 'LAST'], seq: 2, fields: { fragment: context.bytes(4) } });
      await peer.expectViolation('SEQUENCE_INVALID', { requirement: 'WIR-012' });
    },
  },
  {
    id: 'WIR-012/only-sequenced-frames-count',
    requirements: ['WIR-012', 'WIR-011'],
    title: 'PING, CREDIT and ignorable frames take no number',
    stimulus:
      'A channel is opened (number 1); PING, CREDIT and an ignorable unknown frame follow; then a message with the number 2.',
    expectation: 'The message comes back.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/echo');
      peer.send('PING', { fields: { data: context.bytes(8) } });
      peer.send('CREDIT', { channel, fields: { message_limit: 1_000_000, byte_limit: 10_000_000 } });
      peer.sendRaw({ type: greaseType(0) });
      const fragment = context.bytes(10);
      peer.send('MESSAGE', { channel, flags: ['FIRST', 'LAST'], seq: 2, fields: { fragment } });
      await peer.expectWhere(
        'the echo',
        (frame) => frame.name === 'MESSAGE' && equal(frame.bytes('fragment'), fragment),
        {
          requirement: 'WIR-012',
        },
      );
    },
  },
  {
    id: 'WIR-012/refused-open-counts',
    requirements: ['WIR-012', 'WIR-010'],
    title: 'an OPEN that was refused has used its number',
    stimulus: 'An OPEN that the server refuses carries the number 1, the next OPEN the number 2.',
    expectation: 'The second one is answered with OPENED.',
    run: async (context) => {
      const peer = await context.established();
      const refused = peer.sendOpen('test/refuse');
      await peer.expect('REFUSED', { channel: refused, requirement: 'WIR-012' });
      const channel = peer.sendOpen('test/echo');
      await peer.expect('OPENED', { channel, requirement: 'WIR-012' });
    },
  },
  ...unsequencedCases,
  {
    id: 'WIR-013/ignorable',
    requirements: ['WIR-013', 'WIR-006'],
    title: 'an ignorable frame with a sequence number is refused',
    stimulus: 'In an established session a frame of an ignorable unknown type arrives with the sequence number 1.',
    expectation: 'The server answers with CLOSE(SEQUENCE_INVALID).',
    run: async (context) => {
      const peer = await context.established();
      peer.sendRaw({ type: greaseType(0), seq: 1 });
      await peer.expectViolation('SEQUENCE_INVALID', { requirement: 'WIR-013' });
    },
  },
]);
