import type { FieldInput, FrameInput } from '../../model/codec.ts';
import { buildFrame, concat, MAX_U53 } from '../../model/codec.ts';
import { decodePayload } from '../../model/decode.ts';
import type { FieldRow, FrameRow } from '../../model/registry.ts';
import { frameNamed, registry } from '../../model/registry.ts';
import type { ServerCase } from '../case.ts';
import { serverCases } from '../case.ts';
import type { ServerContext } from '../server-context.ts';
import { A, CLIENT_FRAMES, connectChanged, expectExactly, parameterList, sendChanged } from './client-frames.ts';

type Case = Omit<ServerCase, 'role'>;

const CONNECT = frameNamed('CONNECT');
const MALFORMED = 'FRAME_MALFORMED';

/** Sends a frame with a changed payload in the state that it belongs into and demands FRAME_MALFORMED. */
async function expectMalformed(
  context: ServerContext,
  row: FrameRow,
  requirement: string,
  change: (input: FrameInput) => FrameInput,
): Promise<void> {
  if (row.name === 'CONNECT') {
    await expectExactly(await connectChanged(context, change({})), MALFORMED, requirement);
    return;
  }
  const { peer } = await sendChanged(context, row, change);
  // CLOSE and PONG end the session either way here, and only the code tells why.
  if (row.name === 'CLOSE' || row.name === 'PONG') await expectExactly(peer, MALFORMED, requirement);
  else await peer.expectViolation(MALFORMED, { requirement });
}

const answer = (row: FrameRow): string =>
  `The server answers with ${row.name === 'CONNECT' ? 'REJECT' : 'CLOSE'}(${MALFORMED}).`;

/** Where a field of a payload begins, and how long it is. */
function extentOf(
  row: FrameRow,
  payload: Uint8Array,
  field: FieldRow,
): { readonly offset: number; readonly length: number } {
  const spans = decodePayload(row, payload).spans.filter((span) => span.field === field.name);
  const offset = spans[0]?.offset ?? payload.length;
  return { offset, length: spans.reduce((length, span) => length + span.length, 0) };
}

/**
 * One case for each end of a payload inside a field that can be cut, or before one that can not; in the deep profile also for
 * each end before any field.
 */
const truncatedCases = [CONNECT, ...CLIENT_FRAMES].flatMap((row) =>
  row.fields
    .filter(({ type }) => type !== 'rest')
    .flatMap((field) =>
      (['before', 'inside'] as const)
        .filter((where) => where === 'before' || field.type !== 'u8')
        .map((where): Case => ({
          id: `WIR-014/${row.name.toLowerCase()}-${where}-${field.name.replaceAll('_', '-')}`,
          requirements: ['WIR-014'],
          title: `${row.name} that ends ${where} ${field.name} is refused`,
          stimulus: `${A(row.name)} arrives whose payload, and the length in its header, end ${
            where === 'before'
              ? `before the field ${field.name}`
              : `one octet before the end of the field ${field.name}`
          }.`,
          expectation: answer(row),
          ...(where === 'before' && field.type !== 'u8' ? { deep: true } : {}),
          run: (context) =>
            expectMalformed(context, row, 'WIR-014', (input) => {
              const parameters = [{ id: 'application_data', value: context.bytes(6) }];
              const more: Record<string, FieldInput> = row.name === 'OPEN' ? { parameters } : {};
              const right = buildFrame(row.name, {
                ...input,
                fields: { ...wholeFields(context, row), ...input.fields, ...more },
              });
              const payload = right.subarray(registry.header.bytes);
              const { offset, length } = extentOf(row, payload, field);
              return { rawPayload: payload.slice(0, where === 'before' ? offset : offset + length - 1) };
            }),
        })),
    ),
);

/** Fields of CONNECT that are not the smallest possible, so that each can be cut inside. */
function wholeFields(context: ServerContext, row: FrameRow): Readonly<Record<string, FieldInput>> {
  if (row.name !== 'CONNECT') return {};
  return {
    client_nonce: context.bytes(32),
    audience: context.target.identity,
    parameters: [{ id: 'liveness_interval_ms', value: 15_000 }],
    scheme: 0x0403,
    signature: context.bytes(64),
  };
}

const trailingCases = [CONNECT, ...CLIENT_FRAMES]
  .filter((row) => row.fields.every(({ type }) => type !== 'rest') && row.name !== 'PING')
  .map((row): Case => ({
    id: `WIR-015/${row.name.toLowerCase()}`,
    requirements: ['WIR-015'],
    title: `${row.name} with one octet too many is refused`,
    stimulus: `${A(row.name)} arrives that is right but for one octet behind its last field.`,
    expectation: answer(row),
    run: (context) => expectMalformed(context, row, 'WIR-015', () => ({ trailing: Uint8Array.of(0) })),
  }));

interface FieldFault {
  readonly frame: string;
  readonly slug: string;
  /** Continues "CONNECT arrives with ...". */
  readonly words: string;
  readonly fields: (context: ServerContext) => Readonly<Record<string, FieldInput>>;
}

function fieldCases(requirement: string, faults: readonly FieldFault[]): readonly Case[] {
  return faults.map(({ frame, slug, words, fields }) => {
    const row = frameNamed(frame);
    return {
      id: `${requirement}/${frame.toLowerCase()}-${slug}`,
      requirements: [requirement],
      title: `${frame} with ${words} is refused`,
      stimulus: `${A(frame)} arrives that is right, and signed where it is signed, but for one thing: it has ${words}.`,
      expectation: answer(row),
      run: (context) =>
        expectMalformed(context, row, requirement, (input) => ({ fields: { ...input.fields, ...fields(context) } })),
    };
  });
}

const RESUME = (context: ServerContext): Record<string, FieldInput> => ({
  mode: 'resume',
  session_id: context.bytes(16),
  epoch: 1,
  attempt: 1,
});

const u53Cases = fieldCases('WIR-016', [
  ...['epoch', 'attempt', 'receive_cursor'].map((field) => ({
    frame: 'CONNECT',
    slug: field.replaceAll('_', '-'),
    words: `mode resume and 2^53 as its ${field}`,
    fields: (context: ServerContext) => ({ ...RESUME(context), [field]: MAX_U53 + 1n }),
  })),
  ...['receive_cursor', 'send_cursor'].map((field) => ({
    frame: 'CLOSE',
    slug: field.replaceAll('_', '-'),
    words: `2^53 as its ${field}`,
    fields: () => ({ [field]: MAX_U53 + 1n }),
  })),
  ...['message_limit', 'byte_limit'].flatMap((field) => [
    {
      frame: 'CREDIT',
      slug: field.replaceAll('_', '-'),
      words: `2^53 as its ${field}`,
      fields: () => ({ [field]: MAX_U53 + 1n }),
    },
    {
      frame: 'CREDIT',
      slug: `${field.replaceAll('_', '-')}-all-ones`,
      words: `2^64 - 1 as its ${field}`,
      fields: () => ({ [field]: 2n ** 64n - 1n }),
    },
  ]),
]);

const boundCases = fieldCases('WIR-017', [
  { frame: 'CONNECT', slug: 'mode-2', words: 'mode 2, which is not defined', fields: () => ({ mode: 2 }) },
  { frame: 'CONNECT', slug: 'mode-255', words: 'mode 255, which is not defined', fields: () => ({ mode: 255 }) },
  {
    frame: 'CONNECT',
    slug: 'new-with-session-id',
    words: 'mode new and a session_id that is not zero in its last octet',
    fields: () => ({ session_id: new Uint8Array(16).fill(1, 15) }),
  },
  ...['epoch', 'attempt', 'receive_cursor'].map((field) => ({
    frame: 'CONNECT',
    slug: `new-with-${field.replaceAll('_', '-')}`,
    words: `mode new and 1 as its ${field}`,
    fields: () => ({ [field]: 1 }),
  })),
  { frame: 'CONNECT', slug: 'audience-empty', words: 'an empty audience', fields: () => ({ audience: '' }) },
  {
    frame: 'CONNECT',
    slug: 'audience-2049',
    words: 'an audience of 2,049 octets',
    fields: () => ({ audience: 'a'.repeat(2049) }),
  },
  {
    frame: 'CONNECT',
    slug: 'signature-empty',
    words: 'an empty signature',
    fields: () => ({ signature: new Uint8Array(0) }),
  },
  {
    frame: 'CONNECT',
    slug: 'signature-1025',
    words: 'a signature of 1,025 octets',
    fields: (context) => ({ signature: context.bytes(1025) }),
  },
  { frame: 'OPEN', slug: 'application-empty', words: 'an empty application', fields: () => ({ application: '' }) },
  {
    frame: 'OPEN',
    slug: 'application-256',
    words: 'an application of 256 octets',
    fields: () => ({ application: 'a'.repeat(256) }),
  },
  {
    frame: 'OPEN',
    slug: 'application-counts-octets',
    words: 'an application of 86 characters that take 258 octets',
    fields: () => ({ application: '\u20ac'.repeat(86) }),
  },
]);

/** Octets that are no text16, and why. */
const BAD_TEXT: readonly { readonly slug: string; readonly words: string; readonly octets: readonly number[] }[] = [
  { slug: 'nul', words: 'U+0000', octets: [0x61, 0x00, 0x62] },
  { slug: 'line-feed', words: 'U+000A', octets: [0x61, 0x0a] },
  { slug: 'u001f', words: 'U+001F', octets: [0x1f] },
  { slug: 'delete', words: 'U+007F', octets: [0x61, 0x7f] },
  { slug: 'lone-continuation', words: 'a continuation octet that continues nothing', octets: [0x61, 0x80] },
  { slug: 'cut-off', words: 'a character of two octets cut off after the first', octets: [0x61, 0xc3] },
  { slug: 'overlong-slash', words: 'a slash in an overlong form of two octets', octets: [0xc0, 0xaf] },
  { slug: 'overlong-three', words: 'a character in an overlong form of three octets', octets: [0xe0, 0x80, 0xaf] },
  { slug: 'surrogate', words: 'a surrogate code point', octets: [0xed, 0xa0, 0x80] },
  { slug: 'above-10ffff', words: 'a code point above U+10FFFF', octets: [0xf4, 0x90, 0x80, 0x80] },
  { slug: 'octet-ff', words: 'the octet 0xff', octets: [0xff] },
];

const badTextCases = fieldCases('WIR-018', [
  ...BAD_TEXT.map(({ slug, words, octets }) => ({
    frame: 'OPEN',
    slug,
    words: `${words} in its application`,
    fields: () => ({ application: Uint8Array.from(octets) }),
  })),
  ...BAD_TEXT.filter(({ slug }) => ['nul', 'delete', 'overlong-slash', 'surrogate', 'cut-off'].includes(slug)).map(
    ({ slug, words, octets }) => ({
      frame: 'CONNECT',
      slug,
      words: `${words} behind the server's identity in its audience`,
      fields: (context: ServerContext) => ({
        audience: concat(new TextEncoder().encode(context.target.identity), Uint8Array.from(octets)),
      }),
    }),
  ),
]);

/** Names that are in order, of applications that do not exist. */
const GOOD_TEXT: readonly { readonly slug: string; readonly words: string; readonly text: string }[] = [
  { slug: 'space', words: 'a name of one space', text: ' ' },
  { slug: 'u0080', words: 'a name with U+0080, a control character beyond ASCII', text: 'a\u0080' },
  { slug: 'byte-order-mark', words: 'a name that begins with U+FEFF', text: '\ufefftest/echo' },
  { slug: 'noncharacter', words: 'a name with U+FFFF', text: 'a\uffff' },
  { slug: 'four-octets', words: 'a name with a character of four octets', text: 'a\u{1f980}' },
  { slug: '255-octets', words: 'a name of 255 octets', text: 'a'.repeat(255) },
  { slug: '85-characters-of-three', words: 'a name of 85 characters of three octets each', text: '\u20ac'.repeat(85) },
];

const goodTextCases = GOOD_TEXT.map(({ slug, words, text }): Case => ({
  id: `WIR-018/application-${slug}`,
  requirements: ['WIR-018', 'WIR-017', 'CHN-007'],
  title: `${words} is a text`,
  stimulus: `The client opens an application that does not exist: ${words}.`,
  expectation: 'REFUSED(APPLICATION_REFUSED) arrives, and the session goes on.',
  run: async (context) => {
    const peer = await context.established();
    const channel = peer.sendOpen(text);
    const refused = await peer.expect('REFUSED', { channel, requirement: 'WIR-018' });
    refused.requireCode('APPLICATION_REFUSED', 'CHN-007');
    await peer.barrier('WIR-018');
  },
}));

/** Section 3.6, for a server: payloads and their fields. */
export const payloads: readonly ServerCase[] = serverCases([
  ...truncatedCases,
  ...trailingCases,
  {
    id: 'WIR-014/length-of-signature',
    requirements: ['WIR-014'],
    title: 'a field that announces more than the payload has is refused',
    stimulus: 'CONNECT arrives whose signature announces 65,535 octets and has 64.',
    expectation: answer(CONNECT),
    run: (context) =>
      expectMalformed(context, CONNECT, 'WIR-014', () => ({
        fields: { signature: { octets: concat(Uint8Array.of(0xff, 0xff), context.bytes(64)) } },
      })),
  },
  {
    id: 'WIR-014/length-of-parameters',
    requirements: ['WIR-014'],
    title: 'a parameter list that announces more than the payload has is refused',
    stimulus: 'OPEN arrives whose parameter list announces one octet more than the payload has.',
    expectation: answer(frameNamed('OPEN')),
    run: (context) =>
      expectMalformed(context, frameNamed('OPEN'), 'WIR-014', (input) => {
        const { octets } = parameterList({ id: 'application_data', value: context.bytes(3) });
        octets[1] = (octets[1] ?? 0) + 1;
        return { fields: { ...input.fields, parameters: { octets } } };
      }),
  },
  {
    id: 'WIR-015/second-frame-inside',
    requirements: ['WIR-015'],
    title: 'a frame does not hold another one',
    stimulus: 'A PING arrives whose payload goes on with a whole second PING, counted in its length.',
    expectation: 'The server answers with CLOSE(FRAME_MALFORMED), and with no PONG.',
    run: async (context) => {
      const peer = await context.established();
      const data = context.bytes(8);
      peer.send('PING', { fields: { data }, trailing: buildFrame('PING', { fields: { data } }) });
      await peer.expectViolation(MALFORMED, { requirement: 'WIR-015' });
    },
  },
  ...u53Cases,
  {
    id: 'WIR-016/largest-credit',
    requirements: ['WIR-016'],
    title: 'the largest number is accepted',
    stimulus: 'The client grants 2^53 - 1 messages and octets on a channel to test/echo, and sends a message.',
    expectation: 'The message comes back.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/echo');
      peer.send('CREDIT', { channel, fields: { message_limit: MAX_U53, byte_limit: MAX_U53 } });
      peer.sendMessage(channel, context.bytes(12));
      await peer.expect('MESSAGE', { channel, requirement: 'WIR-016' });
    },
  },
  {
    id: 'WIR-016/largest-epoch',
    requirements: ['WIR-016', 'EST-018'],
    title: 'the largest number in CONNECT decodes',
    stimulus: 'A rightly signed CONNECT asks to resume an unknown session, with epoch, attempt and cursor of 2^53 - 1.',
    expectation: 'The server answers with REJECT(RESUME_REFUSED).',
    run: async (context) => {
      const fields = { ...RESUME(context), epoch: MAX_U53, attempt: MAX_U53, receive_cursor: MAX_U53 };
      await expectExactly(await connectChanged(context, { fields }), 'RESUME_REFUSED', 'WIR-016');
    },
  },
  ...boundCases,
  {
    id: 'WIR-017/connect-audience-2048',
    requirements: ['WIR-017', 'EST-016'],
    title: 'an audience of 2,048 octets is within its bounds',
    stimulus: 'A rightly signed CONNECT names an audience of 2,048 octets.',
    expectation: 'The server answers with REJECT(AUDIENCE_MISMATCH).',
    run: async (context) => {
      const peer = await connectChanged(context, { fields: { audience: 'a'.repeat(2048) } });
      await expectExactly(peer, 'AUDIENCE_MISMATCH', 'WIR-017');
    },
  },
  ...[1, 1024].map((size): Case => ({
    id: `WIR-017/connect-signature-${size}`,
    requirements: ['WIR-017', 'EST-005'],
    title: `a signature of ${size} octets is within its bounds`,
    stimulus: `CONNECT arrives with a signature of ${size} octets.`,
    expectation: 'The server answers with REJECT(SIGNATURE_INVALID).',
    run: async (context) => {
      const peer = await connectChanged(context, { fields: { signature: context.bytes(size) } });
      await expectExactly(peer, 'SIGNATURE_INVALID', 'WIR-017');
    },
  })),
  ...badTextCases,
  ...goodTextCases,
]);
