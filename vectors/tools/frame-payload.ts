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
