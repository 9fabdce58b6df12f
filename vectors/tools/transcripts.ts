/** transcripts.json: exporter context, leaf hashes, transcripts and signatures of CONNECT and ACCEPT (sections 4.1 and 4.2). */
import { createHash, createPublicKey, X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { buildRawFrame, concat, fromHex, integer, readInteger, toHex } from '../../conformance/model/codec.ts';
import { registry } from '../../conformance/model/registry.ts';
import {
  acceptTranscript,
  connectTranscript,
  exporterContext,
  leafHash,
  sha256,
  signedContent,
  withoutSignature,
  withSignature,
} from '../../conformance/model/transcript.ts';
import type { TranscriptInput } from '../../conformance/model/transcript.ts';
import { ed25519Key } from './keys.ts';
import { octetsFor } from './octet-source.ts';
import { establish, KEY_NAMES, transcriptInput } from './parties.ts';
import type { Establishment, EstablishmentOptions, KeyName, Parties } from './parties.ts';
import { ecdsa, hasHighS, orderOf, pkcs1, pss, signerOf, toDer, withOtherS } from './signatures.ts';
import type { Signer } from './signatures.ts';
import { fails, VALID } from './vector.ts';
import type { DraftFile } from './vector.ts';

type Draft = DraftFile['drafts'][number];
type Signed = 'connect' | 'accept';

const base64 = (octets: Uint8Array): string => Buffer.from(octets).toString('base64');
const flip = (octets: Uint8Array, at: number): Uint8Array =>
  octets.map((octet, index) => (index === (at + octets.length) % octets.length ? octet ^ 1 : octet));

function base(
  comment: string,
  requirements: readonly string[],
  flag: string,
  signed: Signed,
  parts: Establishment,
): Omit<Draft, 'result' | 'layer' | 'error' | 'reason'> & {
  comment: string;
  requirements: readonly string[];
  flags: readonly string[];
} {
  const signer = signed === 'connect' ? parts.client : parts.server;
  return {
    comment: `${signed.toUpperCase()}: ${comment}`,
    requirements,
    flags: [flag],
    signed,
    exporter: toHex(parts.exporter),
    clientCertificate: base64(parts.client.der),
    serverCertificate: base64(parts.server.der),
    challenge: toHex(parts.challenge),
    connect: toHex(parts.connect),
    ...(signed === 'accept' ? { accept: toHex(parts.accept) } : {}),
    privateKey: signer.key.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

function good(comment: string, flag: string, signed: Signed, parts: Establishment): Draft {
  const input = transcriptInput(parts);
  const transcript = signed === 'connect' ? connectTranscript(input) : acceptTranscript(input, parts.accept);
  const expected = {
    exporterContext: toHex(exporterContext(parts.challenge)),
    clientLeaf: toHex(input.clientLeaf),
    serverLeaf: toHex(input.serverLeaf),
    transcriptHash: toHex(sha256(transcript)),
    signedContent: toHex(signedContent(signed, transcript)),
  };
  return { ...base(comment, ['EST-001', 'EST-003'], flag, signed, parts), ...VALID, expected };
}

function bad(comment: string, requirement: string, flag: string, signed: Signed, parts: Establishment): Draft {
  return { ...base(comment, [requirement], flag, signed, parts), ...fails('signature', 'SIGNATURE_INVALID') };
}

function validSignatures({ client, server }: Parties): Draft[] {
  const ordinary = KEY_NAMES.flatMap((name) => {
    const parts = establish(client[name], server[name], { label: name });
    return (['connect', 'accept'] as const).map((signed) => good(`${name} signs`, 'ValidSignature', signed, parts));
  });
  const mixed = establish(client.ed25519, server['ecdsa-p384'], {
    label: 'mixed',
    challenge: {
      parameters: [
        { id: 'liveness_interval_ms', value: 2000 },
        { id: 0x801b, value: octetsFor('grease', 9) },
      ],
    },
    connect: {
      parameters: [
        { id: 'initial_message_credit', value: 16 },
        { id: 0x803a, value: octetsFor('grease', 3) },
      ],
    },
    accept: {
      parameters: [
        { id: 'max_channels', value: 4 },
        { id: 0x8059, value: octetsFor('grease', 1) },
      ],
    },
  });
  const resume = establish(client['ecdsa-p256'], server.ed25519, {
    label: 'resume',
    connect: { mode: 'resume', session_id: octetsFor('session', 16), epoch: 3, attempt: 4, receive_cursor: 5 },
    accept: { epoch: 4, receive_cursor: 9 },
  });
  // Of both values of s that belong to a signature, neither is excluded.
  const halves = (['ecdsa-p256', 'ecdsa-p384'] as const).flatMap((name) => {
    const parts = establish(client[name], server[name], { label: `half ${name}` });
    return [parts.connect, withSignature(parts.connect, withOtherS(client[name].key, signatureOf(parts.connect)))].map(
      (connect) => {
        const half = hasHighS(client[name].key, signatureOf(connect)) ? 'upper' : 'lower';
        return good(`${name}, s in the ${half} half`, 'SignatureEncoding', 'connect', { ...parts, connect });
      },
    );
  });
  return [
    ...ordinary,
    ...(['connect', 'accept'] as const).flatMap((signed) => [
      good('with parameters, known and ignored, and keys of two types', 'ValidSignature', signed, mixed),
      good('of a resumption', 'ValidSignature', signed, resume),
    ]),
    ...halves,
  ];
}

function signatureOf(frame: Uint8Array): Uint8Array {
  return frame.slice(withoutSignature(frame).length + 2);
}

/** What was signed stays; one part of it is another where the signature is checked. */
function alteredParts({ client, server }: Parties): Draft[] {
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

/** The signed content was put together in another way. */
function wrongContent({ client, server }: Parties): Draft[] {
  const label = (text: string): Uint8Array => new TextEncoder().encode(text);
  const labels = registry.protocol.signatureLabels;
  const content = (
    name: string,
    digest: Uint8Array,
    pad = 64,
    octet = 0x20,
    end: Uint8Array = Uint8Array.of(0),
  ): Uint8Array => concat(new Uint8Array(pad).fill(octet), label(name), end, digest);
  type Content = (transcript: Uint8Array, right: string) => Uint8Array;
  const contents: readonly (readonly [string, string, Content])[] = [
    ['no label', 'Label', (transcript) => content('', sha256(transcript))],
    ['label in lower case', 'Label', (transcript, right) => content(right.toLowerCase(), sha256(transcript))],
    [
      'label of another version',
      'Label',
      (transcript, right) => content(right.replace('/1', '/2'), sha256(transcript)),
    ],
    ['label of TLS 1.3', 'Label', (transcript) => content('TLS 1.3, client CertificateVerify', sha256(transcript))],
    ['63 octets of padding', 'Label', (transcript, right) => content(right, sha256(transcript), 63)],
    ['65 octets of padding', 'Label', (transcript, right) => content(right, sha256(transcript), 65)],
    ['padding of zeros', 'Label', (transcript, right) => content(right, sha256(transcript), 64, 0)],
    [
      'no zero octet behind the label',
      'Label',
      (transcript, right) => content(right, sha256(transcript), 64, 0x20, new Uint8Array(0)),
    ],
    [
      'SHA-384 of the transcript',
      'Label',
      (transcript, right) => content(right, new Uint8Array(createHash('sha384').update(transcript).digest())),
    ],
    ['the transcript instead of its hash', 'Label', (transcript, right) => content(right, transcript)],
    ['the hash of the transcript alone', 'Label', (transcript) => sha256(transcript)],
    ['hash in hexadecimal', 'Label', (transcript, right) => content(right, label(toHex(sha256(transcript))))],
  ];
  const byContent = (['connect', 'accept'] as const).flatMap((signed) =>
    contents.map(([comment, flag, make]) => {
      const mine: EstablishmentOptions =
        signed === 'connect'
          ? { connectContent: (input) => make(connectTranscript(input), labels.connect) }
          : { acceptContent: (input, accept) => make(acceptTranscript(input, accept), labels.accept) };
      return bad(
        `signed content with ${comment}`,
        'EST-005',
        flag,
        signed,
        establish(client.ed25519, server.ed25519, mine),
      );
    }),
  );
  const crossed = [
    bad(
      'signed under the label of ACCEPT',
      'EST-005',
      'Label',
      'connect',
      establish(client.ed25519, server.ed25519, {
        connectContent: (input) => signedContent('accept', connectTranscript(input)),
      }),
    ),
    bad(
      'signed under the label of CONNECT',
      'EST-005',
      'Label',
      'accept',
      establish(client.ed25519, server.ed25519, {
        acceptContent: (input, accept) => signedContent('connect', acceptTranscript(input, accept)),
      }),
    ),
  ];
  type Transcript = (input: TranscriptInput) => Uint8Array;
  const shortHeader = (frame: Uint8Array): Uint8Array => {
    const body = withoutSignature(frame);
    body.set(integer(body.length - registry.header.bytes, 2), 2);
    return body;
  };
  const heads: readonly (readonly [string, Transcript])[] = [
    ['without the exporter value', (input) => connectTranscript({ ...input, exporter: new Uint8Array(0) })],
    [
      'without the leaf hashes',
      (input) => connectTranscript({ ...input, clientLeaf: new Uint8Array(0), serverLeaf: new Uint8Array(0) }),
    ],
    [
      'with the leaf hashes in the other order',
      (input) => connectTranscript({ ...input, clientLeaf: input.serverLeaf, serverLeaf: input.clientLeaf }),
    ],
    [
      'with the exporter value behind the leaf hashes',
      (input) =>
        connectTranscript({
          ...input,
          exporter: input.clientLeaf,
          clientLeaf: input.serverLeaf,
          serverLeaf: input.exporter,
        }),
    ],
    [
      'with certificates instead of their hashes',
      (input) => connectTranscript({ ...input, clientLeaf: client.ed25519.der, serverLeaf: server.ed25519.der }),
    ],
    [
      'with hashes of the keys instead of the certificates',
      (input) =>
        connectTranscript({
          ...input,
          clientLeaf: leafHash(spki(client.ed25519.der)),
          serverLeaf: leafHash(spki(server.ed25519.der)),
        }),
    ],
    ['without CHALLENGE', (input) => connectTranscript({ ...input, challenge: new Uint8Array(0) })],
    [
      'without the header of CHALLENGE',
      (input) => connectTranscript({ ...input, challenge: input.challenge.slice(registry.header.bytes) }),
    ],
    [
      'with a length in the header that leaves the signature out',
      (input) =>
        concat(input.exporter, input.clientLeaf, input.serverLeaf, input.challenge, shortHeader(input.connect)),
    ],
    ['with the length of the signature behind scheme', (input) => concat(connectTranscript(input), integer(64, 2))],
    [
      'with zeros in place of the signature',
      (input) => concat(connectTranscript(input), integer(64, 2), new Uint8Array(64)),
    ],
    ['without scheme', (input) => connectTranscript(input).slice(0, -2)],
  ];
  const byTranscript = heads.map(([comment, make]) =>
    bad(
      `transcript ${comment}`,
      'EST-005',
      'Binding',
      'connect',
      establish(client.ed25519, server.ed25519, { connectContent: (input) => signedContent('connect', make(input)) }),
    ),
  );
  const acceptTranscripts = (
    [
      [
        'with CONNECT without its signature',
        (input: TranscriptInput): TranscriptInput => ({ ...input, connect: withoutSignature(input.connect) }),
      ],
      ['without CONNECT', (input: TranscriptInput): TranscriptInput => ({ ...input, connect: new Uint8Array(0) })],
      ['without CHALLENGE', (input: TranscriptInput): TranscriptInput => ({ ...input, challenge: new Uint8Array(0) })],
    ] as const
  ).map(([comment, change]) =>
    bad(
      `transcript ${comment}`,
      'EST-005',
      'Binding',
      'accept',
      establish(client.ed25519, server.ed25519, {
        acceptContent: (input, accept) => signedContent('accept', acceptTranscript(change(input), accept)),
      }),
    ),
  );
  return [...byContent, ...crossed, ...byTranscript, ...acceptTranscripts];
}

function spki(certificate: Uint8Array): Uint8Array {
  const { publicKey } = new X509Certificate(certificate);
  return new Uint8Array(
    createPublicKey(publicKey.export({ type: 'spki', format: 'pem' })).export({ type: 'spki', format: 'der' }),
  );
}

function wrongKeys({ client, server, root }: Parties): Draft[] {
  const signed = (key: KeyObject): EstablishmentOptions => ({ signConnect: signerOf(key) });
  const another: Readonly<Partial<Record<KeyName, KeyObject>>> = {
    'ecdsa-p256': server['ecdsa-p256'].key,
    'ecdsa-p384': server['ecdsa-p384'].key,
    ed25519: ed25519Key('stranger'),
    'rsa-2048': server['rsa-2048'].key,
  };
  const byType = Object.entries(another).map(([name, key]) =>
    bad(
      `${name}: another key of the same type`,
      'EST-005',
      'WrongKey',
      'connect',
      establish(client[name as KeyName], server.ed25519, signed(key)),
    ),
  );
  return [
    ...byType,
    bad(
      'key of the server',
      'EST-005',
      'WrongKey',
      'connect',
      establish(client.ed25519, server.ed25519, signed(server.ed25519.key)),
    ),
    bad(
      'key of the issuer',
      'EST-005',
      'WrongKey',
      'connect',
      establish(client.ed25519, server.ed25519, signed(root.key)),
    ),
    bad(
      'key of the client',
      'EST-005',
      'WrongKey',
      'accept',
      establish(client.ed25519, server.ed25519, { signAccept: signerOf(client.ed25519.key) }),
    ),
    bad(
      'key of the issuer',
      'EST-005',
      'WrongKey',
      'accept',
      establish(client.ed25519, server.ed25519, { signAccept: signerOf(root.key) }),
    ),
  ];
}

function wrongSchemes({ client, server }: Parties): Draft[] {
  const row = (comment: string, name: KeyName, scheme: number, signer?: Signer): Draft =>
    bad(
      `${name}: ${comment}`,
      'EST-004',
      'Scheme',
      'connect',
      establish(client[name], server.ed25519, {
        connect: { scheme },
        ...(signer === undefined ? {} : { signConnect: signer }),
      }),
    );
  const rsa = client['rsa-2048'].key;
  const p256 = client['ecdsa-p256'].key;
  return [
    row('scheme 0', 'ed25519', 0),
    row('scheme 0xffff', 'ed25519', 0xffff),
    row('scheme ed448', 'ed25519', 0x0808),
    row('scheme ecdsa_secp256r1_sha256', 'ed25519', 0x0403),
    row('scheme ed25519', 'ecdsa-p256', 0x0807),
    row('scheme ecdsa_secp384r1_sha384, with SHA-384', 'ecdsa-p256', 0x0503, ecdsa(p256, 'sha384')),
    row('scheme ecdsa_secp256r1_sha256, with SHA-256', 'ecdsa-p384', 0x0403, ecdsa(client['ecdsa-p384'].key, 'sha256')),
    row('scheme ecdsa_sha1, with SHA-1', 'ecdsa-p256', 0x0203, ecdsa(p256, 'sha1')),
    row('scheme ecdsa_brainpoolP256r1tls13_sha256', 'ecdsa-p256', 0x081a),
    row('scheme rsa_pkcs1_sha256, with that padding', 'rsa-2048', 0x0401, pkcs1(rsa)),
    row('scheme rsa_pss_pss_sha256', 'rsa-2048', 0x0809),
    row(
      'scheme rsa_pss_rsae_sha384, with SHA-384',
      'rsa-2048',
      0x0805,
      pss(rsa, { hash: 'sha384', maskHash: 'sha384', saltBytes: 48 }),
    ),
    row(
      'scheme rsa_pss_rsae_sha512, with SHA-512',
      'rsa-2048',
      0x0806,
      pss(rsa, { hash: 'sha512', maskHash: 'sha512', saltBytes: 64 }),
    ),
    row('scheme ed25519', 'rsa-2048', 0x0807),
    bad(
      'ed25519: scheme ecdsa_secp256r1_sha256',
      'EST-004',
      'Scheme',
      'accept',
      establish(client.ed25519, server.ed25519, { accept: { scheme: 0x0403 } }),
    ),
    bad(
      'rsa-2048: scheme rsa_pkcs1_sha256, with that padding',
      'EST-004',
      'Scheme',
      'accept',
      establish(client.ed25519, server['rsa-2048'], {
        accept: { scheme: 0x0401 },
        signAccept: pkcs1(server['rsa-2048'].key),
      }),
    ),
  ];
}

function wrongEncodings({ client, server }: Parties): Draft[] {
  const row = (
    comment: string,
    flag: string,
    name: KeyName,
    change: (signature: Uint8Array, key: KeyObject) => Uint8Array,
  ): Draft => {
    const { key } = client[name];
    const right = signerOf(key);
    return bad(
      `${name}: ${comment}`,
      'EST-005',
      flag,
      'connect',
      establish(client[name], server.ed25519, { signConnect: (content) => change(right(content), key) }),
    );
  };
  const ecdsaRows = (['ecdsa-p256', 'ecdsa-p384'] as const).flatMap((name) => {
    const half = name === 'ecdsa-p256' ? 32 : 48;
    const parts = (signature: Uint8Array): readonly [Uint8Array, Uint8Array] => [
      signature.subarray(0, half),
      signature.subarray(half),
    ];
    const order = (key: KeyObject): Uint8Array => integer(orderOf(key), half);
    const zero = new Uint8Array(half);
    return [
      row('in DER', 'SignatureEncoding', name, toDer),
      row('s before r', 'SignatureEncoding', name, (signature) => concat(...[...parts(signature)].reverse())),
      row('integers with their last octet first', 'SignatureEncoding', name, (signature) =>
        concat(...parts(signature).map((part) => part.slice().reverse())),
      ),
      row('integers with one more zero in front', 'SignatureEncoding', name, (signature) =>
        concat(...parts(signature).flatMap((part) => [Uint8Array.of(0), part])),
      ),
      row('one octet more', 'SignatureEncoding', name, (signature) => concat(signature, Uint8Array.of(0))),
      row('one octet less', 'SignatureEncoding', name, (signature) => signature.subarray(0, -1)),
      row('r alone', 'SignatureEncoding', name, (signature) => signature.subarray(0, half)),
      row('r and s are zero', 'SignatureRange', name, () => concat(zero, zero)),
      row('r is zero', 'SignatureRange', name, (signature) => concat(zero, parts(signature)[1])),
      row('s is zero', 'SignatureRange', name, (signature) => concat(parts(signature)[0], zero)),
      row('r is the order', 'SignatureRange', name, (signature, key) => concat(order(key), parts(signature)[1])),
      row('s is the order', 'SignatureRange', name, (signature, key) => concat(parts(signature)[0], order(key))),
      row('r and s are one', 'SignatureRange', name, () => concat(integer(1, half), integer(1, half))),
    ];
  });
  const L = 2n ** 252n + 27742317777372353535851937790883648493n;
  const littleEndian = (octets: Uint8Array): Uint8Array => octets.slice().reverse();
  const ed25519Rows = [
    row('one octet more', 'SignatureEncoding', 'ed25519', (signature) => concat(signature, Uint8Array.of(0))),
    row('one octet less', 'SignatureEncoding', 'ed25519', (signature) => signature.subarray(0, -1)),
    row('S before R', 'SignatureEncoding', 'ed25519', (signature) =>
      concat(signature.subarray(32), signature.subarray(0, 32)),
    ),
    row('all zeros', 'SignatureRange', 'ed25519', () => new Uint8Array(64)),
    row('S is larger by the order', 'SignatureRange', 'ed25519', (signature) => {
      const s = readInteger(littleEndian(signature.subarray(32)));
      return concat(signature.subarray(0, 32), littleEndian(integer(s + L, 32)));
    }),
  ];
  const rsa = (comment: string, signer: (key: KeyObject) => Signer, flag = 'PssParameters'): Draft =>
    bad(
      `rsa-2048: ${comment}`,
      'EST-005',
      flag,
      'connect',
      establish(client['rsa-2048'], server.ed25519, { signConnect: signer(client['rsa-2048'].key) }),
    );
  const rsaRows = [
    ...[0, 20, 31, 33, 64, 222].map((saltBytes) =>
      rsa(`salt of ${saltBytes} octets`, (key) => pss(key, { saltBytes })),
    ),
    rsa('mask with SHA-1', (key) => pss(key, { maskHash: 'sha1' })),
    rsa('mask with SHA-384', (key) => pss(key, { maskHash: 'sha384' })),
    rsa('SHA-384', (key) => pss(key, { hash: 'sha384', maskHash: 'sha384' })),
    rsa('SHA-1', (key) => pss(key, { hash: 'sha1', maskHash: 'sha1' })),
    rsa('wrong last octet of the encoded message', (key) => pss(key, { trailer: 0xcc })),
    rsa('padding of PKCS #1 version 1.5', (key) => pkcs1(key)),
    row('one octet more in front', 'SignatureEncoding', 'rsa-2048', (signature) => concat(Uint8Array.of(0), signature)),
    row('last octet left out', 'SignatureEncoding', 'rsa-2048', (signature) => signature.subarray(0, -1)),
    row('zeros', 'SignatureRange', 'rsa-2048', (signature) => new Uint8Array(signature.length)),
    row('ones, which is more than the modulus', 'SignatureRange', 'rsa-2048', (signature) =>
      new Uint8Array(signature.length).fill(255),
    ),
  ];
  return [...ecdsaRows, ...ed25519Rows, ...rsaRows];
}

export function transcriptVectors(parties: Parties): DraftFile {
  return {
    name: 'transcripts',
    prefix: 'transcript',
    description:
      'One signed frame each with everything that its transcript is made of. The key of the verifier is that in the certificate of the ' +
      'client for CONNECT and of the server for ACCEPT; privateKey belongs to that certificate.',
    drafts: [
      ...validSignatures(parties),
      ...alteredParts(parties),
      ...wrongContent(parties),
      ...wrongKeys(parties),
      ...wrongSchemes(parties),
      ...wrongEncodings(parties),
    ],
  };
}
