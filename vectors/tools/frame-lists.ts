/** Lists of values in PROVE, PROOF and FORWARD, and the OPEN inside of a FORWARD. */
import { buildParameters, buildPayload, concat, integer } from '../../conformance/model/codec.ts';
import type { FieldInput, ParameterInput } from '../../conformance/model/codec.ts';
import { bad, good } from './frame-case.ts';
import type { Draft } from './frame-case.ts';
import { octetsFor } from './octet-source.ts';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const item = (octets: Uint8Array, more = 0): Uint8Array => concat(integer(octets.length + more, 2), octets);
/** A list of these octets, whose total length announces `more` than it has. */
const raw = (octets: Uint8Array, more = 0): FieldInput => ({ octets: item(octets, more) });

const certificate = octetsFor('certificate', 40);

export function validLists(): Draft[] {
  const route = (count: number): readonly string[] => Array.from({ length: count }, (_, at) => `relay-${at}`);
  const open = (parameters: readonly ParameterInput[]): Uint8Array =>
    buildPayload('OPEN', { nonce: octetsFor('open', 32), application: 'test/echo', parameters });
  return [
    good('no relay', 'PROVE', { fields: { relay: '' } }, ['Boundary']),
    good('relay of 2,048 octets', 'PROVE', { fields: { relay: 'r'.repeat(2048) } }, ['Boundary']),
    good('eight certificates', 'PROVE', { fields: { chain: Array.from({ length: 8 }, () => certificate) } }, [
      'Boundary',
    ]),
    good('a certificate of one octet, which decodes', 'PROVE', { fields: { chain: [Uint8Array.of(0)] } }, ['Boundary']),
    good('eight certificates', 'PROOF', { fields: { chain: Array.from({ length: 8 }, () => certificate) } }, [
      'Boundary',
    ]),
    good('signature of one octet, which decodes', 'PROOF', { fields: { signature: Uint8Array.of(1) } }, ['Boundary']),
    good('signature of 1,024 octets, which decodes', 'PROOF', { fields: { signature: octetsFor('long', 1024) } }, [
      'Boundary',
    ]),
    good('hop limit 0', 'FORWARD', { fields: { hop_limit: 0 } }, ['Boundary']),
    good('hop limit 255', 'FORWARD', { fields: { hop_limit: 255 } }, ['Boundary']),
    good('client of one octet', 'FORWARD', { fields: { client: 'c' } }, ['Boundary']),
    good('client of 2,048 octets', 'FORWARD', { fields: { client: 'c'.repeat(2048) } }, ['Boundary']),
    good('one relay', 'FORWARD', { fields: { route: route(1) } }),
    good('four relays', 'FORWARD', { fields: { route: route(4) } }, ['Boundary']),
    good('four relays of 2,048 octets', 'FORWARD', { fields: { route: route(4).map(() => 'r'.repeat(2048)) } }, [
      'Boundary',
    ]),
    good('a relay twice, which decodes', 'FORWARD', { fields: { route: ['relay', 'relay'] } }),
    good('identities beyond ASCII', 'FORWARD', { fields: { client: 'k\u00fcche', route: ['\u{1f980}'] } }),
    good(
      'open with parameters, known and ignored',
      'FORWARD',
      {
        fields: {
          open: open([
            { id: 'application_data', value: octetsFor('data', 5) },
            { id: 'outcomes', value: 1 },
            { id: 0x8059, value: octetsFor('grease', 7) },
          ]),
        },
      },
      ['Extension'],
    ),
    good(
      'open_signature of three octets, which decodes',
      'OPENED',
      {
        fields: { parameters: [{ id: 'open_signature', value: Uint8Array.of(8, 7, 1) }] },
      },
      ['Boundary'],
    ),
    good(
      'open_signature of 1,026 octets, which decodes',
      'OPENED',
      {
        fields: { parameters: [{ id: 'open_signature', value: octetsFor('long', 1026) }] },
      },
      ['Boundary'],
    ),
  ];
}

type Row = readonly [comment: string, name: string, fields: Readonly<Record<string, FieldInput>>];

export function listDefects(): Draft[] {
  const beyond: readonly Row[] = [
    [
      'route announces more octets than the payload has',
      'FORWARD',
      { route: { octets: concat(Uint8Array.of(0xff, 0xff), item(text('relay'))) } },
    ],
    ['a value of route goes beyond the list, into open', 'FORWARD', { route: raw(item(text('relay'), 1)) }],
    [
      'the second value of route goes beyond the list',
      'FORWARD',
      { route: raw(concat(item(text('a')), item(text('b'), 1))) },
    ],
    ['route ends inside the length of a value', 'FORWARD', { route: raw(concat(item(text('a')), Uint8Array.of(0))) }],
    ['route is one octet', 'FORWARD', { route: raw(Uint8Array.of(0)) }],
    ['chain announces more octets than the payload has', 'PROVE', { chain: raw(item(certificate), 1) }],
    ['a certificate goes beyond the chain', 'PROVE', { chain: raw(item(certificate, 1)) }],
    [
      'chain ends inside the length of a certificate',
      'PROVE',
      { chain: raw(concat(item(certificate), Uint8Array.of(0))) },
    ],
    ['chain announces more octets than the payload has', 'PROOF', { chain: raw(item(certificate), 0x4000) }],
    ['a certificate goes beyond the chain, into scheme', 'PROOF', { chain: raw(item(certificate, 1)) }],
    [
      'chain ends inside the length of a certificate',
      'PROOF',
      { chain: raw(concat(item(certificate), Uint8Array.of(0))) },
    ],
    [
      'signature announces more octets than the payload has',
      'PROOF',
      { signature: { octets: concat(integer(65, 2), octetsFor('signature', 64)) } },
    ],
    [
      'client announces more octets than the payload has',
      'FORWARD',
      { client: { octets: concat(Uint8Array.of(0x7f, 0xff), text('c')) } },
    ],
  ];
  const bounds: readonly Row[] = [
    ['five relays', 'FORWARD', { route: ['a', 'b', 'c', 'd', 'e'] }],
    ['an empty value in route', 'FORWARD', { route: ['a', ''] }],
    ['an empty value alone in route', 'FORWARD', { route: [''] }],
    ['a relay of 2,049 octets in route', 'FORWARD', { route: ['r'.repeat(2049)] }],
    ['empty client', 'FORWARD', { client: '' }],
    ['client of 2,049 octets', 'FORWARD', { client: 'c'.repeat(2049) }],
    ['no certificate', 'PROVE', { chain: [] }],
    ['nine certificates', 'PROVE', { chain: Array.from({ length: 9 }, () => certificate) }],
    ['an empty certificate', 'PROVE', { chain: [certificate, new Uint8Array(0)] }],
    ['relay of 2,049 octets', 'PROVE', { relay: 'r'.repeat(2049) }],
    ['no certificate', 'PROOF', { chain: [] }],
    ['nine certificates', 'PROOF', { chain: Array.from({ length: 9 }, () => certificate) }],
    ['an empty certificate', 'PROOF', { chain: [new Uint8Array(0)] }],
    ['empty signature', 'PROOF', { signature: new Uint8Array(0) }],
    ['signature of 1,025 octets', 'PROOF', { signature: octetsFor('long', 1025) }],
  ];
  const texts: readonly Row[] = [
    ['a relay in route with a line feed', 'FORWARD', { route: ['a\nb'] }],
    ['a relay in route with U+007F', 'FORWARD', { route: ['a', 'b\u007f'] }],
    ['a relay in route that is no UTF-8', 'FORWARD', { route: [Uint8Array.of(0x61, 0xc3)] }],
    ['client with NUL', 'FORWARD', { client: 'c\u0000' }],
    ['client with a surrogate', 'FORWARD', { client: Uint8Array.of(0xed, 0xa0, 0x80) }],
    ['relay with U+001F', 'PROVE', { relay: '\u001f' }],
    ['relay that is no UTF-8', 'PROVE', { relay: Uint8Array.of(0xff) }],
  ];
  const rows = (requirement: string, flag: string, list: readonly Row[]): Draft[] =>
    list.map(([comment, name, fields]) => bad(comment, requirement, 'FRAME_MALFORMED', name, { fields }, flag));
  return [
    ...rows('WIR-014', 'Truncated', beyond),
    ...rows('WIR-017', 'Boundary', bounds),
    ...rows('WIR-018', 'Text', texts),
    ...openDefects(),
    bad(
      'open_signature of two octets',
      'WIR-026',
      'PARAMETER_INVALID',
      'OPENED',
      {
        fields: { parameters: [{ id: 'open_signature', value: Uint8Array.of(8, 7) }] },
      },
      'Range',
    ),
    bad(
      'open_signature of 1,027 octets',
      'WIR-026',
      'PARAMETER_INVALID',
      'OPENED',
      {
        fields: { parameters: [{ id: 'open_signature', value: octetsFor('long', 1027) }] },
      },
      'Range',
    ),
  ];
}

/** A FORWARD is wrong where the OPEN in it is. */
function openDefects(): Draft[] {
  const right = buildPayload('OPEN', { nonce: octetsFor('open', 32), application: 'test/echo' });
  const listed = (...parameters: readonly ParameterInput[]): Uint8Array =>
    concat(right.slice(0, -2), buildParameters(parameters));
  const rows: readonly (readonly [string, string, string, Uint8Array])[] = [
    ['is empty', 'FRAME_MALFORMED', 'Truncated', new Uint8Array(0)],
    ['ends inside its nonce', 'FRAME_MALFORMED', 'Truncated', right.slice(0, 31)],
    ['ends behind its nonce', 'FRAME_MALFORMED', 'Truncated', right.slice(0, 32)],
    ['has no parameter list', 'FRAME_MALFORMED', 'Truncated', right.slice(0, -2)],
    ['has one octet behind its last field', 'FRAME_MALFORMED', 'Trailing', concat(right, Uint8Array.of(0))],
    ['has an empty application', 'FRAME_MALFORMED', 'Boundary', buildPayload('OPEN', { application: '' })],
    [
      'has an application of 256 octets',
      'FRAME_MALFORMED',
      'Boundary',
      buildPayload('OPEN', { application: 'a'.repeat(256) }),
    ],
    ['has a line feed in its application', 'FRAME_MALFORMED', 'Text', buildPayload('OPEN', { application: 'a\n' })],
    [
      'has parameters in descending order',
      'PARAMETER_MALFORMED',
      'Order',
      listed({ id: 'outcomes', value: 1 }, { id: 'priority', value: 1 }),
    ],
    [
      'has a parameter that is cut',
      'PARAMETER_MALFORMED',
      'Truncated',
      concat(right.slice(0, -2), Uint8Array.of(0, 3, 0, 16, 0)),
    ],
    [
      'has an unknown critical parameter',
      'PARAMETER_UNKNOWN',
      'UnknownCritical',
      listed({ id: 0x7ffe, value: new Uint8Array(0) }),
    ],
    ['has a parameter of CONNECT', 'PARAMETER_INVALID', 'Placement', listed({ id: 'custody', value: 0 })],
    [
      'has open_signature',
      'PARAMETER_INVALID',
      'Placement',
      listed({ id: 'open_signature', value: new Uint8Array(66) }),
    ],
    ['has outcomes of two octets', 'PARAMETER_INVALID', 'Size', listed({ id: 'outcomes', value: Uint8Array.of(0, 1) })],
    ['has priority 3', 'PARAMETER_INVALID', 'Range', listed({ id: 'priority', value: 3 })],
  ];
  return rows.map(([comment, error, flag, open]) =>
    bad(`open ${comment}`, 'RLY-015', error, 'FORWARD', { fields: { open } }, flag),
  );
}
