/** frames.json: single frames, judged by the checks of WIR-027 from the length to the last field of the payload. */
import { buildFrame, buildRawFrame, concat, integer, toHex } from '../../conformance/model/codec.ts';
import type { FieldInput, FrameInput } from '../../conformance/model/codec.ts';
import { frameNamed, frameRows, machineOf, registry } from '../../conformance/model/registry.ts';
import type { FrameRow, Role } from '../../conformance/model/registry.ts';
import { octetsFor } from './octet-source.ts';
import { decodingFails, VALID } from './vector.ts';
import type { DraftFile, Outcome } from './vector.ts';

/** Who reads the frame and where it stands: `due` is the sequence number that the receiver expects next. */
interface Context {
  readonly role: Role;
  readonly state: string;
  readonly due: number;
}

type Draft = DraftFile['drafts'][number];
type Fields = Readonly<Record<string, FieldInput>>;

const MAX_U53 = 2n ** 53n - 1n;
const DUE = 7;

/** A fitting payload for each frame; what is left out takes the builder's smallest value. */
const FIELDS: Readonly<Record<string, Fields>> = {
  CHALLENGE: { server_nonce: octetsFor('server nonce', 32) },
  CONNECT: {
    client_nonce: octetsFor('client nonce', 32),
    audience: 'spiffe://example.test/server',
    scheme: 0x0807,
    signature: octetsFor('signature', 64),
  },
  ACCEPT: { session_id: octetsFor('session', 16), scheme: 0x0807, signature: octetsFor('signature', 64) },
  REJECT: { code: 0x0205, retry_after_ms: 1000 },
  PING: { data: octetsFor('ping', 8) },
  PONG: { data: octetsFor('ping', 8) },
  CLOSE: { receive_cursor: 3, send_cursor: 6 },
  OPEN: { nonce: octetsFor('open', 32), application: 'test/echo' },
  OPENED: {},
  REFUSED: { code: 0x0401 },
  MESSAGE: { fragment: octetsFor('message', 24) },
  CREDIT: { message_limit: 128, byte_limit: 2_097_152 },
  END: {},
  RESET: { code: 0x0403 },
};

/** The receiver that a frame is fit for. */
function contextOf(row: FrameRow): Context {
  const role: Role = row.sender === 'client' ? 'server' : 'client';
  const states: Readonly<Record<string, string>> = {
    CHALLENGE: 'awaiting-challenge',
    ACCEPT: 'awaiting-accept',
    REJECT: 'awaiting-accept',
    CONNECT: 'awaiting-connect',
  };
  return { role, state: states[row.name] ?? 'established', due: DUE };
}

/** A fitting frame with changes. */
function frame(name: string, input: FrameInput = {}): Uint8Array {
  const row = frameNamed(name);
  return buildFrame(name, {
    flags: name === 'MESSAGE' ? ['FIRST', 'LAST'] : [],
    channel: row.layer === 'channel' ? 1 : 0,
    seq: row.sequenced ? DUE : 0,
    ...input,
    fields: { ...FIELDS[name], ...input.fields },
  });
}

function draft(
  comment: string,
  requirements: readonly string[],
  flags: readonly string[],
  context: Context,
  octets: Uint8Array,
  outcome: Outcome,
): Draft {
  return { comment, requirements, flags, ...context, frame: toHex(octets), ...outcome };
}

/** A known frame that has to be accepted. */
function good(
  comment: string,
  name: string,
  input: FrameInput,
  flags: readonly string[] = ['Ordinary'],
  context?: Context,
): Draft {
  const octets = frame(name, input);
  const expected = { name };
  const base = draft(`${name}: ${comment}`, ['WIR-027'], flags, context ?? contextOf(frameNamed(name)), octets, VALID);
  return { ...base, expected };
}

/** A known frame with one defect. */
function bad(
  comment: string,
  requirement: string,
  error: string,
  name: string,
  input: FrameInput,
  flag: string,
): Draft {
  return draft(
    `${name}: ${comment}`,
    [requirement],
    [flag],
    contextOf(frameNamed(name)),
    frame(name, input),
    decodingFails(error),
  );
}

function validFrames(): Draft[] {
  const grease = { id: 0x801b, value: octetsFor('grease', 5) };
  const connect = { role: 'server', state: 'established', due: DUE } as const;
  const minimal = frameRows.map(({ name }) => good('ordinary', name, {}, ['Ordinary']));
  const flagged = [
    good('END_SESSION set', 'CLOSE', { flags: ['END_SESSION'] }, ['Ordinary']),
    good('neither first nor last fragment', 'MESSAGE', { flags: [] }, ['Ordinary']),
    good('first fragment', 'MESSAGE', { flags: ['FIRST'] }, ['Ordinary']),
    good('last fragment', 'MESSAGE', { flags: ['LAST'] }, ['Ordinary']),
  ];
  const boundaries = [
    good('empty message', 'MESSAGE', { fields: { fragment: new Uint8Array(0) } }, ['Boundary']),
    good(
      'fragment of the maximum payload',
      'MESSAGE',
      { fields: { fragment: octetsFor('large', registry.header.maxPayloadBytes) } },
      ['Boundary'],
    ),
    good('largest channel number', 'MESSAGE', { channel: 0xffff_ffff }, ['Boundary']),
    good('largest sequence number', 'END', { seq: MAX_U53 }, ['Boundary'], {
      role: 'client',
      state: 'established',
      due: Number(MAX_U53),
    }),
    good('first sequence number', 'END', { seq: 1 }, ['Boundary'], { role: 'client', state: 'established', due: 1 }),
    good('nonce of zeros', 'CHALLENGE', { fields: { server_nonce: new Uint8Array(32) } }, ['Boundary']),
    good('nonce of ones', 'CHALLENGE', { fields: { server_nonce: new Uint8Array(32).fill(255) } }, ['Boundary']),
    good('both declarations', 'CHALLENGE', {
      fields: {
        parameters: [
          { id: 'liveness_interval_ms', value: 15_000 },
          { id: 'max_message_bytes', value: 1_048_576 },
        ],
      },
    }),
    good('a GREASE parameter alone', 'CHALLENGE', { fields: { parameters: [grease] } }, ['Extension']),
    good(
      'a GREASE parameter behind known ones',
      'CONNECT',
      {
        fields: {
          parameters: [
            { id: 'initial_message_credit', value: 16 },
            { id: 'initial_byte_credit', value: 65_536 },
            grease,
          ],
        },
      },
      ['Extension'],
    ),
    good('audience of one octet', 'CONNECT', { fields: { audience: 's' } }, ['Boundary']),
    good('audience of 2,048 octets', 'CONNECT', { fields: { audience: 's'.repeat(2048) } }, ['Boundary']),
    good('signature of one octet, which decodes', 'CONNECT', { fields: { signature: Uint8Array.of(1) } }, ['Boundary']),
    good('signature of 1,024 octets, which decodes', 'CONNECT', { fields: { signature: octetsFor('long', 1024) } }, [
      'Boundary',
    ]),
    good('unknown scheme, which decodes', 'CONNECT', { fields: { scheme: 0xffff } }, ['Boundary']),
    good(
      'mode resume with its fields, which decodes',
      'CONNECT',
      {
        fields: { mode: 'resume', session_id: octetsFor('session', 16), epoch: 1, attempt: 2, receive_cursor: 3 },
      },
      ['Ordinary'],
    ),
    good(
      'mode resume with the largest numbers, which decodes',
      'CONNECT',
      {
        fields: { mode: 'resume', epoch: MAX_U53, attempt: MAX_U53, receive_cursor: MAX_U53 },
      },
      ['Boundary'],
    ),
    good('mode resume with zeros, which decodes', 'CONNECT', { fields: { mode: 'resume' } }, ['Boundary']),
    good('session id of zeros', 'ACCEPT', { fields: { session_id: new Uint8Array(16) } }, ['Boundary']),
    good(
      'grants',
      'ACCEPT',
      {
        fields: {
          parameters: [
            { id: 'max_channels', value: 1 },
            { id: 'initial_message_credit', value: 0 },
            { id: 'initial_byte_credit', value: 0 },
          ],
        },
      },
      ['Boundary'],
    ),
    good('as the first frame', 'REJECT', {}, ['Ordinary'], { role: 'client', state: 'awaiting-challenge', due: 1 }),
    good('unknown code', 'REJECT', { fields: { code: 0xffff } }, ['UnknownCode']),
    good('longest time', 'REJECT', { fields: { retry_after_ms: 0xffff_ffff } }, ['Boundary']),
    good(
      'while the server waits for CONNECT',
      'CLOSE',
      { flags: ['END_SESSION'], fields: { code: 0x0201, receive_cursor: 0, send_cursor: 0 } },
      ['Ordinary'],
      {
        role: 'server',
        state: 'awaiting-connect',
        due: 1,
      },
    ),
    good(
      'while the server decides',
      'CLOSE',
      { flags: ['END_SESSION'], fields: { code: 0x0206, receive_cursor: 0, send_cursor: 0 } },
      ['Ordinary'],
      {
        role: 'server',
        state: 'deciding',
        due: 1,
      },
    ),
    good('unknown code', 'CLOSE', { fields: { code: 0x7777 } }, ['UnknownCode']),
    good('to a server', 'PING', {}, ['Ordinary'], connect),
    good('to a server', 'PONG', {}, ['Ordinary'], connect),
    good('to a server', 'CLOSE', {}, ['Ordinary'], connect),
    good('to a server', 'MESSAGE', {}, ['Ordinary'], connect),
    good('to a server', 'CREDIT', {}, ['Ordinary'], connect),
    good('to a server', 'END', {}, ['Ordinary'], connect),
    good('to a server', 'RESET', {}, ['Ordinary'], connect),
    good('application name of one octet', 'OPEN', { fields: { application: 'a' } }, ['Boundary']),
    good('application name of 255 octets', 'OPEN', { fields: { application: 'a'.repeat(255) } }, ['Boundary']),
    good(
      'empty application data',
      'OPEN',
      { fields: { parameters: [{ id: 'application_data', value: new Uint8Array(0) }] } },
      ['Boundary'],
    ),
    good(
      '4,096 octets of application data',
      'OPENED',
      {
        fields: { parameters: [{ id: 'application_data', value: octetsFor('data', 4096) }] },
      },
      ['Boundary'],
    ),
    good('unknown code', 'REFUSED', { fields: { code: 0x0001 } }, ['UnknownCode']),
    good('code that is not for this frame', 'REFUSED', { fields: { code: 0x0403 } }, ['UnknownCode']),
    good('unknown code', 'RESET', { fields: { code: 0xfffe } }, ['UnknownCode']),
    good('limits of zero, which decode', 'CREDIT', { fields: { message_limit: 0, byte_limit: 0 } }, ['Boundary']),
    good('largest limits', 'CREDIT', { fields: { message_limit: MAX_U53, byte_limit: MAX_U53 } }, ['Boundary']),
    good('largest cursors, which decode', 'CLOSE', { fields: { receive_cursor: MAX_U53, send_cursor: MAX_U53 } }, [
      'Boundary',
    ]),
  ];
  const texts = (
    [
      ['in two-octet characters', '\u00e9\u00df'],
      ['in four-octet characters', '\u{1f517}'],
      ['with the last code point', '\u{10ffff}'],
      ['with the code point before the surrogates', '\ud7ff'],
      ['with a byte order mark, which belongs to it', '\ufeffa'],
      ['with a space, the first permitted code point', ' '],
      ['with U+0080, which is not excluded', '\u0080'],
      ['with a tilde, the code point before the excluded U+007F', '~'],
    ] as const
  ).map(([comment, application]) => good(`application name ${comment}`, 'OPEN', { fields: { application } }, ['Text']));
  const ignorable = [
    ...registry.extension.greaseFrameTypes.map((type) => ({ comment: 'GREASE', input: { type } })),
    { comment: 'first ignorable type', input: { type: 0x80 } },
    { comment: 'last ignorable type', input: { type: 0xff } },
    { comment: 'all flags set', input: { type: 0x9b, flags: 0xff } },
    { comment: 'a channel that does not exist', input: { type: 0x9b, channel: 0xffff_ffff } },
    { comment: 'maximum payload', input: { type: 0x9b, payload: octetsFor('ignored', 16_368) } },
  ].map(({ comment, input }): Draft => {
    const type = `0x${input.type.toString(16)}`;
    const octets = buildRawFrame({ payload: octetsFor('ignored', 3), ...input });
    const context: Context = { role: 'client', state: 'established', due: DUE };
    return {
      ...draft(`ignorable type ${type}: ${comment}`, ['WIR-006'], ['Extension'], context, octets, VALID),
      expected: { ignored: true },
    };
  });
  return [...minimal, ...flagged, ...boundaries, ...texts, ...ignorable];
}

function headerDefects(): Draft[] {
  const established = (role: Role): Context => ({ role, state: 'established', due: DUE });
  const tooLong = [16_369, 0x4000, 0xffff].flatMap((length) => [
    draft(
      `MESSAGE: length ${length}, header alone`,
      ['WIR-001'],
      ['Length'],
      established('server'),
      buildRawFrame({ type: 0x28, flags: 3, channel: 1, seq: DUE, length }),
      decodingFails('FRAME_TOO_LARGE'),
    ),
    draft(
      `ignorable type: length ${length}, header alone`,
      ['WIR-001'],
      ['Length'],
      established('client'),
      buildRawFrame({ type: 0x9b, length }),
      decodingFails('FRAME_TOO_LARGE'),
    ),
  ]);
  const first = draft(
    'CHALLENGE: length 16369, header alone',
    ['WIR-001'],
    ['Length'],
    { role: 'client', state: 'awaiting-challenge', due: 1 },
    buildRawFrame({ type: 0x01, length: 16_369 }),
    decodingFails('FRAME_TOO_LARGE'),
  );
  const planned = registry.frames.filter(({ status }) => status === 'planned').map(({ type }) => type);
  const unknown = [0x00, 0x05, 0x0f, 0x15, 0x1b, 0x25, 0x2d, 0x7f, ...planned].map((type) =>
    draft(
      `type 0x${type.toString(16).padStart(2, '0')}${planned.includes(type) ? ', planned' : ''}`,
      ['WIR-005'],
      ['UnknownType'],
      established('client'),
      buildRawFrame({ type }),
      decodingFails('FRAME_UNKNOWN'),
    ),
  );
  const flags = frameRows.flatMap(({ name, flags: defined }) =>
    [0x80, 1 << defined.length].map((bit) =>
      bad(
        `undefined flag 0x${bit.toString(16).padStart(2, '0')}`,
        'WIR-007',
        'FLAGS_INVALID',
        name,
        { flags: bit },
        'UndefinedFlag',
      ),
    ),
  );
  const channels = frameRows.flatMap(({ name, layer }) =>
    (layer === 'channel' ? [0] : [1, 0x8000_0000]).map((channel) =>
      bad(`channel ${channel}`, 'WIR-009', 'CHANNEL_INVALID', name, { channel }, 'Channel'),
    ),
  );
  const sequenced = frameRows
    .filter((row) => row.sequenced)
    .flatMap(({ name }) =>
      [
        ['zero', 0n],
        ['repeated', BigInt(DUE - 1)],
        ['with a gap', BigInt(DUE + 1)],
      ].map(([comment, seq]) =>
        bad(
          `sequence number ${String(comment)}`,
          'WIR-012',
          'SEQUENCE_INVALID',
          name,
          { seq: BigInt(seq ?? 0) },
          'Sequence',
        ),
      ),
    );
  const outside = [2n ** 53n, 2n ** 53n + BigInt(DUE), 2n ** 63n + BigInt(DUE), 2n ** 64n - 1n].map((seq) =>
    bad(`sequence number ${String(seq)}`, 'WIR-012', 'SEQUENCE_INVALID', 'END', { seq }, 'Precision'),
  );
  const beyondLast = draft(
    'END: sequence number 2^53, which a double cannot tell from 2^53 + 1, behind 2^53 - 1',
    ['WIR-012'],
    ['Precision'],
    { role: 'client', state: 'established', due: Number(MAX_U53) },
    frame('END', { seq: MAX_U53 + 1n }),
    decodingFails('SEQUENCE_INVALID'),
  );
  const unsequenced = frameRows
    .filter((row) => !row.sequenced)
    .map(({ name }) => bad('sequence number 1', 'WIR-013', 'SEQUENCE_INVALID', name, { seq: 1 }, 'Sequence'));
  const due = bad(
    'sequence number that is due for a sequenced frame',
    'WIR-013',
    'SEQUENCE_INVALID',
    'CREDIT',
    { seq: DUE },
    'Sequence',
  );
  const ignorable = [1n, 2n ** 64n - 1n].map((seq) =>
    draft(
      `ignorable type: sequence number ${String(seq)}`,
      ['WIR-013', 'WIR-006'],
      ['Sequence', 'Extension'],
      established('server'),
      buildRawFrame({ type: 0x9b, seq }),
      decodingFails('SEQUENCE_INVALID'),
    ),
  );
  return [
    ...tooLong,
    first,
    ...unknown,
    ...flags,
    ...channels,
    ...sequenced,
    ...outside,
    beyondLast,
    ...unsequenced,
    due,
    ...ignorable,
  ];
}

/** Every cell of the connection tables that names an error. */
function stateDefects(): Draft[] {
  return (['client', 'server'] as const).flatMap((role) =>
    machineOf(role, 'connection')
      .rows.filter(({ error }) => error !== undefined)
      .map(({ state, frame: name, error }) => {
        const early = state !== 'established';
        const seq = early ? 1 : DUE;
        const octets =
          name === 'IGNORABLE' ? buildRawFrame({ type: 0x9b }) : frame(name, frameNamed(name).sequenced ? { seq } : {});
        return draft(
          `${name} to a ${role} in state ${state}`,
          [state === 'deciding' ? 'EST-014' : 'SES-001', ...(name === 'IGNORABLE' ? ['WIR-006'] : [])],
          ['UnexpectedFrame'],
          { role, state, due: seq },
          octets,
          decodingFails(error ?? ''),
        );
      }),
  );
}

function payloadDefects(): Draft[] {
  const cut = frameRows
    .filter(({ fields }) => fields.length > 0 && fields[0]?.type !== 'rest')
    .flatMap(({ name }) => {
      const payload = frame(name).subarray(registry.header.bytes);
      return [
        { comment: 'empty payload', octets: new Uint8Array(0) },
        { comment: 'last octet of the payload missing', octets: payload.subarray(0, -1) },
      ].map(({ comment, octets }) =>
        bad(comment, 'WIR-014', 'FRAME_MALFORMED', name, { rawPayload: octets }, 'Truncated'),
      );
    });
  const connect = frame('CONNECT').subarray(registry.header.bytes);
  const boundaries = [1, 16, 17, 41, 72, 73, 74, 75, 102, 103, 105, 107, 108].map((length) =>
    bad(
      `payload ends after ${length} octets`,
      'WIR-014',
      'FRAME_MALFORMED',
      'CONNECT',
      { rawPayload: connect.subarray(0, length) },
      'Truncated',
    ),
  );
  const trailing = frameRows
    .filter(({ fields }) => fields.at(-1)?.type !== 'rest')
    .map(({ name }) =>
      bad(
        'one octet behind the last field',
        'WIR-015',
        'FRAME_MALFORMED',
        name,
        { trailing: Uint8Array.of(0) },
        'Trailing',
      ),
    );
  const prefixes = (
    [
      ['audience', 'CONNECT', concat(integer(0xffff, 2), Uint8Array.of(0x73))],
      ['signature', 'CONNECT', concat(integer(65, 2), octetsFor('signature', 64))],
      ['signature', 'ACCEPT', concat(integer(0xffff, 2), octetsFor('signature', 64))],
      ['application', 'OPEN', concat(integer(255, 2), Uint8Array.of(0x61))],
      ['parameters', 'OPEN', integer(1, 2)],
      ['parameters', 'OPENED', integer(0xffff, 2)],
      ['parameters', 'CHALLENGE', concat(integer(5, 2), Uint8Array.of(0x80, 0x1b, 0, 0))],
    ] as const
  ).map(([field, name, octets]) =>
    bad(
      `${field} announces more octets than the payload has`,
      'WIR-014',
      'FRAME_MALFORMED',
      name,
      { fields: { [field]: { octets } } },
      'Truncated',
    ),
  );
  const u53 = frameRows.flatMap(({ name, fields }) =>
    fields
      .filter(({ type }) => type === 'u53')
      .flatMap(({ name: field }) =>
        [MAX_U53 + 1n, 2n ** 64n - 1n].map((value) => {
          const others: Fields = name === 'CONNECT' ? { mode: 'resume' } : {};
          const input = { fields: { ...others, [field]: value } };
          return bad(`${field} is ${String(value)}`, 'WIR-016', 'FRAME_MALFORMED', name, input, 'Precision');
        }),
      ),
  );
  const bounds = (
    [
      ['mode 2', 'CONNECT', { mode: 2 }],
      ['mode 255', 'CONNECT', { mode: 255 }],
      [
        'mode new with the first octet of session_id set',
        'CONNECT',
        { session_id: Uint8Array.of(1, ...new Uint8Array(15)) },
      ],
      [
        'mode new with the last octet of session_id set',
        'CONNECT',
        { session_id: Uint8Array.of(...new Uint8Array(15), 1) },
      ],
      ['mode new with epoch 1', 'CONNECT', { epoch: 1 }],
      ['mode new with attempt 1', 'CONNECT', { attempt: 1 }],
      ['mode new with receive_cursor 1', 'CONNECT', { receive_cursor: 1 }],
      ['empty audience', 'CONNECT', { audience: '' }],
      ['audience of 2,049 octets', 'CONNECT', { audience: 's'.repeat(2049) }],
      ['audience of 1,025 characters in 2,050 octets', 'CONNECT', { audience: '\u00e9'.repeat(1025) }],
      ['empty signature', 'CONNECT', { signature: new Uint8Array(0) }],
      ['signature of 1,025 octets', 'CONNECT', { signature: octetsFor('long', 1025) }],
      ['epoch 0', 'ACCEPT', { epoch: 0 }],
      ['empty signature', 'ACCEPT', { signature: new Uint8Array(0) }],
      ['signature of 1,025 octets', 'ACCEPT', { signature: octetsFor('long', 1025) }],
      ['empty application name', 'OPEN', { application: '' }],
      ['application name of 256 octets', 'OPEN', { application: 'a'.repeat(256) }],
      ['application name of 128 characters in 256 octets', 'OPEN', { application: '\u00e9'.repeat(128) }],
    ] as const
  ).map(([comment, name, fields]) => bad(comment, 'WIR-017', 'FRAME_MALFORMED', name, { fields }, 'Boundary'));
  const texts = (
    [
      ['with a lone continuation octet', [0x61, 0x80]],
      ['with a character that ends too early', [0x61, 0xc3]],
      ['with a slash in two octets', [0x74, 0xc0, 0xaf, 0x65]],
      ['with a slash in three octets', [0xe0, 0x80, 0xaf]],
      ['with NUL in two octets', [0x61, 0xc0, 0x80]],
      ['with a surrogate', [0xed, 0xa0, 0x80]],
      ['with a pair of surrogates', [0xed, 0xa0, 0xbd, 0xed, 0xb4, 0x97]],
      ['with a code point above U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
      ['with the octet 0xff', [0x61, 0xff]],
      ['in UTF-16', [0x00, 0x61]],
      ['with NUL at its end', [0x61, 0x00]],
      ['with a line feed', [0x61, 0x0a, 0x62]],
      ['with U+001F', [0x1f]],
      ['with U+007F', [0x61, 0x7f]],
    ] as const
  ).flatMap(([comment, octets]) => [
    bad(
      `application name ${comment}`,
      'WIR-018',
      'FRAME_MALFORMED',
      'OPEN',
      { fields: { application: Uint8Array.from(octets) } },
      'Text',
    ),
    bad(
      `audience ${comment}`,
      'WIR-018',
      'FRAME_MALFORMED',
      'CONNECT',
      { fields: { audience: Uint8Array.from(octets) } },
      'Text',
    ),
  ]);
  const swapped = bad(
    'length in little-endian order, payload as announced',
    'WIR-015',
    'FRAME_MALFORMED',
    'PING',
    { rawPayload: octetsFor('swapped', 0x0800) },
    'ByteOrder',
  );
  return [...cut, ...boundaries, ...trailing, ...prefixes, ...u53, ...bounds, ...texts, swapped];
}

/** Two defects each: the earlier check of WIR-027 names the error. */
function orderDefects(): Draft[] {
  const server: Context = { role: 'server', state: 'established', due: DUE };
  const client: Context = { role: 'client', state: 'established', due: DUE };
  const unknown = (parts: Parameters<typeof buildRawFrame>[0]): Uint8Array => buildRawFrame(parts);
  const rows: readonly (readonly [string, string, string, Context, Uint8Array])[] = [
    ['length before type', 'WIR-001', 'FRAME_TOO_LARGE', server, unknown({ type: 0x7f, length: 16_369 })],
    ['length before state', 'WIR-001', 'FRAME_TOO_LARGE', server, unknown({ type: 0x01, length: 16_369 })],
    [
      'length before flags',
      'WIR-001',
      'FRAME_TOO_LARGE',
      server,
      unknown({ type: 0x28, flags: 0x80, channel: 1, seq: DUE, length: 0xffff }),
    ],
    [
      'type before flags, channel and sequence number',
      'WIR-005',
      'FRAME_UNKNOWN',
      server,
      unknown({ type: 0x12, flags: 0xff, channel: 9, seq: 9 }),
    ],
    [
      'type before state',
      'WIR-005',
      'FRAME_UNKNOWN',
      { role: 'server', state: 'awaiting-connect', due: 1 },
      unknown({ type: 0x13 }),
    ],
    ['flags before state', 'WIR-007', 'FLAGS_INVALID', server, frame('CHALLENGE', { flags: 1 })],
    ['flags before channel', 'WIR-007', 'FLAGS_INVALID', server, frame('PING', { flags: 1, channel: 1 })],
    ['flags before sequence number', 'WIR-007', 'FLAGS_INVALID', client, frame('END', { flags: 1, seq: 0 })],
    [
      'flags before payload',
      'WIR-007',
      'FLAGS_INVALID',
      client,
      frame('PONG', { flags: 2, trailing: Uint8Array.of(0) }),
    ],
    ['state before channel', 'SES-001', 'FRAME_UNEXPECTED', server, frame('ACCEPT', { channel: 1 })],
    ['state before sequence number', 'SES-001', 'FRAME_UNEXPECTED', server, frame('OPENED', { seq: 0 })],
    [
      'state before payload',
      'SES-001',
      'FRAME_UNEXPECTED',
      client,
      frame('CONNECT', { rawPayload: new Uint8Array(0) }),
    ],
    [
      'state before channel while deciding',
      'EST-014',
      'FRAME_UNEXPECTED',
      { role: 'server', state: 'deciding', due: 1 },
      frame('OPEN', { channel: 0, seq: 1 }),
    ],
    ['sender before channel', 'SES-001', 'FRAME_UNEXPECTED', client, frame('OPEN', { channel: 0 })],
    ['channel before sequence number', 'WIR-009', 'CHANNEL_INVALID', client, frame('MESSAGE', { channel: 0, seq: 0 })],
    [
      'channel before payload',
      'WIR-009',
      'CHANNEL_INVALID',
      server,
      frame('PING', { channel: 2, rawPayload: new Uint8Array(7) }),
    ],
    [
      'sequence number before payload',
      'WIR-012',
      'SEQUENCE_INVALID',
      server,
      frame('OPEN', { seq: DUE + 1, rawPayload: new Uint8Array(3) }),
    ],
    [
      'sequence number before parameters',
      'WIR-012',
      'SEQUENCE_INVALID',
      client,
      frame('OPENED', { seq: 1, fields: { parameters: [{ id: 0x30, value: new Uint8Array(0) }] } }),
    ],
    [
      'unsequenced number before payload',
      'WIR-013',
      'SEQUENCE_INVALID',
      client,
      frame('CREDIT', { seq: DUE, trailing: Uint8Array.of(1) }),
    ],
    [
      'ignorable: state before sequence number',
      'SES-001',
      'FRAME_UNEXPECTED',
      { role: 'client', state: 'awaiting-accept', due: 1 },
      unknown({ type: 0x9b, seq: 1 }),
    ],
    [
      'earlier field before later field',
      'WIR-018',
      'FRAME_MALFORMED',
      server,
      frame('OPEN', {
        fields: { application: Uint8Array.of(0xff), parameters: [{ id: 0x30, value: new Uint8Array(0) }] },
      }),
    ],
    [
      'parameters before what is behind them',
      'WIR-022',
      'PARAMETER_UNKNOWN',
      server,
      frame('OPEN', { fields: { parameters: [{ id: 0x30, value: new Uint8Array(0) }] }, trailing: Uint8Array.of(1) }),
    ],
    [
      'parameters before an empty signature',
      'WIR-024',
      'PARAMETER_INVALID',
      { role: 'client', state: 'awaiting-accept', due: 1 },
      frame('ACCEPT', {
        fields: { parameters: [{ id: 'liveness_interval_ms', value: 1000 }], signature: new Uint8Array(0) },
      }),
    ],
    [
      'epoch before parameters',
      'WIR-017',
      'FRAME_MALFORMED',
      { role: 'client', state: 'awaiting-accept', due: 1 },
      frame('ACCEPT', { fields: { epoch: 0, parameters: [{ id: 'liveness_interval_ms', value: 1000 }] } }),
    ],
  ];
  return rows.map(([comment, requirement, error, context, octets]) =>
    draft(`two defects: ${comment}`, [requirement, 'WIR-027'], ['CheckOrder'], context, octets, decodingFails(error)),
  );
}

export function frameVectors(): DraftFile {
  return {
    name: 'frames',
    prefix: 'frame',
    description:
      'One frame each, judged from the length to the last field of its payload (WIR-027) by a receiver in the given role and state; ' +
      'channel state and meaning are not judged.',
    drafts: [...validFrames(), ...headerDefects(), ...stateDefects(), ...payloadDefects(), ...orderDefects()],
  };
}
