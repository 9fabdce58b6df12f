/** Defects of the payload. */
import { concat, integer } from '../../conformance/model/codec.ts';
import { frameRows, registry } from '../../conformance/model/registry.ts';
import { bad, frame, MAX_U53 } from './frame-case.ts';
import type { Draft, Fields } from './frame-case.ts';
import { octetsFor } from './octet-source.ts';

export function payloadDefects(): Draft[] {
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
      ['parameters', 'REJECT', integer(1, 2)],
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
      ['last_message 0', 'OUTCOME', { last_message: 0 }],
      ['last_message 0 with a verdict', 'OUTCOME', { last_message: 0, verdict: 0xffff }],
      ['mode 2 with the fields of resumption', 'CONNECT', { mode: 2, epoch: 1, attempt: 1, receive_cursor: 1 }],
      ['mode new with all fields of resumption', 'CONNECT', { epoch: 1, attempt: 1, receive_cursor: 1 }],
      ['mode new with the largest attempt', 'CONNECT', { attempt: MAX_U53 }],
      ['mode new with the largest receive_cursor', 'CONNECT', { receive_cursor: MAX_U53 }],
      ['epoch 0 with a receive cursor', 'ACCEPT', { epoch: 0, receive_cursor: 7 }],
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
  const continuity = (
    [
      ['ACK', [1, 7]],
      ['DRAIN', [1, 2, 3]],
      ['OUTCOME', [7, 8]],
      ['REJECT', [2, 5, 6, 7]],
      ['ACCEPT', [16, 23, 31, 33]],
    ] as const
  ).flatMap(([name, lengths]) =>
    lengths.map((length) =>
      bad(
        name === 'REJECT' && length === 6
          ? 'payload ends before its parameters, as in draft 1'
          : `payload ends after ${length} octets`,
        'WIR-014',
        'FRAME_MALFORMED',
        name,
        { rawPayload: frame(name).subarray(registry.header.bytes, registry.header.bytes + length) },
        'Truncated',
      ),
    ),
  );
  const resume: Fields = { mode: 'resume', session_id: octetsFor('session', 16), epoch: 1, attempt: 2 };
  const resumed = [
    bad(
      'mode resume, one octet behind the last field',
      'WIR-015',
      'FRAME_MALFORMED',
      'CONNECT',
      { fields: resume, trailing: Uint8Array.of(0) },
      'Trailing',
    ),
    bad(
      'mode resume with an empty audience',
      'WIR-017',
      'FRAME_MALFORMED',
      'CONNECT',
      { fields: { ...resume, audience: '' } },
      'Boundary',
    ),
    ...[17, 25, 33, 41].map((length) =>
      bad(
        `mode resume, payload ends after ${length} octets`,
        'WIR-014',
        'FRAME_MALFORMED',
        'CONNECT',
        {
          rawPayload: frame('CONNECT', { fields: resume }).subarray(
            registry.header.bytes,
            registry.header.bytes + length,
          ),
        },
        'Truncated',
      ),
    ),
    ...['epoch', 'attempt', 'receive_cursor'].map((field) =>
      bad(
        `mode resume, ${field} with its last octet first`,
        'WIR-016',
        'FRAME_MALFORMED',
        'CONNECT',
        { fields: { ...resume, [field]: 2n ** 56n } },
        'ByteOrder',
      ),
    ),
    ...(
      [
        ['ACK', 'receive_cursor'],
        ['OUTCOME', 'last_message'],
        ['ACCEPT', 'epoch'],
      ] as const
    ).map(([name, field]) =>
      bad(
        `${field} with its last octet first`,
        'WIR-016',
        'FRAME_MALFORMED',
        name,
        { fields: { [field]: 2n ** 56n } },
        'ByteOrder',
      ),
    ),
  ];
  const lists = (
    [
      ['REJECT', 'an unknown critical parameter', 'WIR-022', 'PARAMETER_UNKNOWN', { id: 0x29, value: 8 }],
      ['REJECT', 'the unknown parameter 0x30', 'WIR-022', 'PARAMETER_UNKNOWN', { id: 0x30, value: 1 }],
      ['REJECT', 'a parameter of CONNECT', 'WIR-024', 'PARAMETER_INVALID', { id: 0x21, value: 4 }],
      ['REJECT', 'gap_first of four octets', 'WIR-025', 'PARAMETER_INVALID', { id: 0x27, value: 4 }],
      ['REJECT', 'final_send_cursor of no octets', 'WIR-025', 'PARAMETER_INVALID', { id: 0x26, value: 0 }],
      ['CONNECT', 'custody of four octets', 'WIR-025', 'PARAMETER_INVALID', { id: 0x20, value: 4 }],
      ['CONNECT', 'priority, which belongs into OPEN', 'WIR-024', 'PARAMETER_INVALID', { id: 0x23, value: 1 }],
      ['ACCEPT', 'gap_last, which belongs into REJECT', 'WIR-024', 'PARAMETER_INVALID', { id: 0x28, value: 8 }],
      ['OPEN', 'outcomes of two octets', 'WIR-025', 'PARAMETER_INVALID', { id: 0x24, value: 2 }],
      ['OPENED', 'outcomes, which belongs into OPEN', 'WIR-024', 'PARAMETER_INVALID', { id: 0x24, value: 1 }],
    ] as const
  ).map(([name, comment, requirement, error, { id, value }]) =>
    bad(
      comment,
      requirement,
      error,
      name,
      { fields: { parameters: [{ id, value: new Uint8Array(value) }] } },
      requirement === 'WIR-022' ? 'UnknownCritical' : requirement === 'WIR-024' ? 'Placement' : 'Size',
    ),
  );
  const swapped = bad(
    'length in little-endian order, payload as announced',
    'WIR-015',
    'FRAME_MALFORMED',
    'PING',
    { rawPayload: octetsFor('swapped', 0x0800) },
    'ByteOrder',
  );
  return [
    ...cut,
    ...boundaries,
    ...trailing,
    ...prefixes,
    ...u53,
    ...bounds,
    ...texts,
    ...continuity,
    ...resumed,
    ...lists,
    swapped,
  ];
}
