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
