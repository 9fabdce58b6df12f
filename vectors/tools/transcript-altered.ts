/** What was signed stays; one part of it is another where the signature is checked. */
import { buildRawFrame, concat, fromHex } from '../../conformance/model/codec.ts';
import { registry } from '../../conformance/model/registry.ts';
import { withoutSignature, withSignature } from '../../conformance/model/transcript.ts';
import { octetsFor } from './octet-source.ts';
import { establish } from './parties.ts';
import type { Establishment, Parties } from './parties.ts';
import { bad, flip, signatureOf } from './transcript-case.ts';
import type { Draft } from './transcript-case.ts';

/** What was signed stays; one part of it is another where the signature is checked. */
export function alteredParts({ client, server }: Parties): Draft[] {
  const parts = establish(client.ed25519, server.ed25519);
  const other = establish(client.ed25519, server.ed25519, { label: 'other' });
  const header = registry.header.bytes;
  const longer = buildRawFrame({
    type: 0x01,
    payload: concat(parts.challenge.slice(header, header + 32), fromHex('0004 801b 0000')),
  });
  const common: readonly (readonly [string, Partial<Establishment>, string?])[] = [
    ['first bit of the exporter value', { exporter: flip(parts.exporter, 0) }],
    ['last bit of the exporter value', { exporter: flip(parts.exporter, -1) }],
    ['exporter value of another connection', { exporter: other.exporter }],
    ['exporter value of zeros', { exporter: new Uint8Array(32) }],
    ['first octet of server_nonce', { challenge: flip(parts.challenge, header) }],
    ['last octet of server_nonce', { challenge: flip(parts.challenge, header + 31) }],
    ['CHALLENGE of another connection', { challenge: other.challenge }],
    ['an ignored parameter was added to CHALLENGE', { challenge: longer }],
  ];
  const bothFrames = (['connect', 'accept'] as const).flatMap((signed) =>
    common.map(([comment, change]) =>
      bad(`altered: ${comment}`, 'EST-005', 'Binding', signed, { ...parts, ...change }),
    ),
  );
  const serverCertificate = bad('altered: certificate of the server', 'EST-005', 'LeafHash', 'connect', {
    ...parts,
    server: server['ecdsa-p256'],
  });
  const clientCertificate = bad('altered: certificate of the client', 'EST-005', 'LeafHash', 'accept', {
    ...parts,
    client: client['ecdsa-p256'],
  });
  const swapped = bad('altered: the certificates of both are exchanged', 'EST-005', 'LeafHash', 'connect', {
    ...parts,
    client: parts.server,
    server: parts.client,
  });
  const connectFields: readonly (readonly [string, number])[] = [
    ['first octet of client_nonce', header + 41],
    ['last octet of client_nonce', header + 72],
    ['a letter of audience', header + 80],
    ['last letter of audience', header + 102],
  ];
  const connectChanges = connectFields.map(([comment, at]) =>
    bad(`altered: ${comment}`, 'EST-005', 'Binding', 'connect', { ...parts, connect: flip(parts.connect, at) }),
  );
  const withParameter = establish(client.ed25519, server.ed25519, {
    connect: {
      parameters: [
        { id: 'initial_message_credit', value: 16 },
        { id: 0x801b, value: Uint8Array.of(7) },
      ],
    },
    accept: {
      parameters: [
        { id: 'max_channels', value: 4 },
        { id: 0x801b, value: Uint8Array.of(7) },
      ],
    },
  });
  const end = withoutSignature(withParameter.connect).length;
  const acceptEnd = withoutSignature(withParameter.accept).length;
  const resumed = establish(client.ed25519, server.ed25519, {
    connect: { mode: 'resume', session_id: octetsFor('session', 16), epoch: 3, attempt: 4, receive_cursor: 5 },
  });
  const resumption = (
    [
      ['session_id', header + 1],
      ['epoch', header + 24],
      ['attempt', header + 32],
      ['receive_cursor', header + 40],
    ] as const
  ).map(([comment, at]) =>
    bad(`altered: ${comment}`, 'EST-005', 'Binding', 'connect', { ...resumed, connect: flip(resumed.connect, at) }),
  );
  const acceptChanges = (
    [
      ['first octet of session_id', parts, header],
      ['last octet of session_id', parts, header + 15],
      ['epoch', parts, header + 22],
      ['receive_cursor', parts, header + 31],
      ['value of a known parameter', withParameter, acceptEnd - 8],
      ['value of an ignored parameter', withParameter, acceptEnd - 3],
    ] as const
  ).map(([comment, source, at]) =>
    bad(`altered: ${comment}`, 'EST-005', 'Binding', 'accept', { ...source, accept: flip(source.accept, at) }),
  );
  return [
    ...resumptions({ client, server }),
    ...bothFrames,
    serverCertificate,
    clientCertificate,
    swapped,
    ...connectChanges,
    bad('altered: value of a known parameter', 'EST-005', 'Binding', 'connect', {
      ...withParameter,
      connect: flip(withParameter.connect, end - 8),
    }),
    bad('altered: value of an ignored parameter', 'EST-005', 'Binding', 'connect', {
      ...withParameter,
      connect: flip(withParameter.connect, end - 3),
    }),
    ...resumption,
    ...acceptChanges,
    bad('altered: a bit of the signature', 'EST-005', 'Binding', 'connect', {
      ...parts,
      connect: flip(parts.connect, -1),
    }),
    bad('altered: a bit of the signature', 'EST-005', 'Binding', 'accept', {
      ...parts,
      accept: flip(parts.accept, -1),
    }),
    bad('altered: client_nonce in CONNECT', 'EST-005', 'Binding', 'accept', {
      ...parts,
      connect: flip(parts.connect, header + 41),
    }),
    bad('altered: a bit of the signature in CONNECT', 'EST-005', 'Binding', 'accept', {
      ...parts,
      connect: flip(parts.connect, -1),
    }),
    bad('CONNECT of another connection', 'EST-005', 'Binding', 'accept', { ...parts, connect: other.connect }),
    bad('signature of another connection', 'EST-005', 'Binding', 'connect', {
      ...parts,
      connect: withSignature(parts.connect, signatureOf(other.connect)),
    }),
    bad('signature of another connection', 'EST-005', 'Binding', 'accept', {
      ...parts,
      accept: withSignature(parts.accept, signatureOf(other.accept)),
    }),
  ];
}

/** A resumption whose numbers, or whose earlier frames, are others where the signature is checked. */
function resumptions({ client, server }: Pick<Parties, 'client' | 'server'>): Draft[] {
  const header = registry.header.bytes;
  const state = { mode: 'resume', session_id: octetsFor('session', 16), epoch: 3, attempt: 4, receive_cursor: 5 };
  const answer = { session_id: state.session_id, epoch: 4, receive_cursor: 9 };
  const parameters = [
    { id: 'custody', value: 1 },
    { id: 'session_retention_ms', value: 60_000 },
    { id: 'connection_deadline_ms', value: 5000 },
  ];
  const resumed = establish(client.ed25519, server['ecdsa-p256'], {
    label: 'resumed',
    connect: { ...state, parameters },
    accept: { ...answer, parameters },
  });
  const again = (changes: object): Establishment =>
    establish(client.ed25519, server['ecdsa-p256'], {
      label: 'resumed',
      connect: { ...state, parameters, ...changes },
      accept: { ...answer, parameters },
    });
  const connectEnd = withoutSignature(resumed.connect).length;
  const acceptEnd = withoutSignature(resumed.accept).length;
  const later = again({ attempt: 5 });
  const former = establish(client.ed25519, server['ecdsa-p256'], { label: 'former' });
  /** Of each field its first octet that may be another, and its last. */
  const connectFields = [
    ['first octet of session_id', 1],
    ['last octet of session_id', 16],
    ['an octet in the middle of epoch', 20],
    ['last octet of epoch', 24],
    ['an octet in the middle of attempt', 28],
    ['last octet of attempt', 32],
    ['an octet in the middle of receive_cursor', 36],
    ['last octet of receive_cursor', 40],
  ] as const;
  const acceptFields = [
    ['first octet of session_id', 0],
    ['last octet of session_id', 15],
    ['an octet in the middle of epoch', 19],
    ['last octet of epoch', 23],
    ['an octet in the middle of receive_cursor', 27],
    ['last octet of receive_cursor', 31],
  ] as const;
  // From the end of the list, which is followed by scheme.
  const values = [
    ['connection_deadline_ms', 3],
    ['session_retention_ms', 11],
    ['custody', 19],
  ] as const;
  const row = (comment: string, signed: 'connect' | 'accept', change: Partial<Establishment>): Draft =>
    bad(`altered in a resumption: ${comment}`, 'EST-005', 'Binding', signed, { ...resumed, ...change });
  const zeros = establish(client.ed25519, server.ed25519, { label: 'resumed zeros', connect: { mode: 'resume' } });
  return [
    ...connectFields.map(([comment, at]) => row(comment, 'connect', { connect: flip(resumed.connect, header + at) })),
    ...acceptFields.map(([comment, at]) => row(comment, 'accept', { accept: flip(resumed.accept, header + at) })),
    ...connectFields.map(([comment, at]) =>
      row(`${comment} of CONNECT`, 'accept', { connect: flip(resumed.connect, header + at) }),
    ),
    ...values.map(([name, back]) => row(name, 'connect', { connect: flip(resumed.connect, connectEnd - back) })),
    ...values.map(([name, back]) => row(name, 'accept', { accept: flip(resumed.accept, acceptEnd - back) })),
    bad('altered in a resumption: mode, where all numbers are zero', 'EST-005', 'Binding', 'connect', {
      ...zeros,
      connect: flip(zeros.connect, header),
    }),
    row('signature of a later attempt', 'connect', {
      connect: withSignature(resumed.connect, signatureOf(later.connect)),
    }),
    row('CONNECT of a later attempt', 'accept', { connect: later.connect }),
    row('signature of the ACCEPT to a later attempt', 'accept', {
      accept: withSignature(resumed.accept, signatureOf(later.accept)),
    }),
    row('CHALLENGE of the former connection', 'connect', { challenge: former.challenge }),
    row('CHALLENGE of the former connection', 'accept', { challenge: former.challenge }),
    row('exporter value of the former connection', 'connect', { exporter: former.exporter }),
    row('exporter value of the former connection', 'accept', { exporter: former.exporter }),
    row('CONNECT of the former connection', 'accept', { connect: former.connect }),
    row('signature of the former connection', 'connect', {
      connect: withSignature(resumed.connect, signatureOf(former.connect)),
    }),
    row('signature of the former connection', 'accept', {
      accept: withSignature(resumed.accept, signatureOf(former.accept)),
    }),
  ];
}
