/** proofs.json: transcripts and signatures of PROOF and OPENED (section 13.7). */
import { buildFrame, buildPayload, buildParameters, concat } from '../../conformance/model/codec.ts';
import {
  openingTranscript,
  parametersWithoutSignature,
  proofTranscript,
  proofWithoutSignature,
  sha256,
  signedContent,
} from '../../conformance/model/transcript.ts';
import { ed25519Key } from './keys.ts';
import { octetsFor } from './octet-source.ts';
import { KEY_NAMES } from './parties.ts';
import type { Parties } from './parties.ts';
import { bad, good, opening } from './proof-case.ts';
import type { Draft, Opening, OpeningOptions } from './proof-case.ts';
import { ecdsa, pkcs1, signerOf, toDer } from './signatures.ts';
import type { DraftFile } from './vector.ts';

const BOTH = ['proof', 'opened'] as const;
const IGNORABLE = { id: 0x8059, value: octetsFor('grease', 3) };
const DATA = { id: 'application_data', value: octetsFor('data', 12) };

const flip = (octets: Uint8Array, at: number): Uint8Array =>
  octets.map((octet, index) => (index === (at + octets.length) % octets.length ? octet ^ 1 : octet));

/** An opening in which there is something of everything. */
const FULL: OpeningOptions = {
  open: { parameters: [DATA, { id: 'priority', value: 0 }, IGNORABLE] },
  before: [{ id: 'application_data', value: octetsFor('answer', 9) }],
  behind: [IGNORABLE],
};

function valid({ client, server, root }: Parties): Draft[] {
  const byKey = KEY_NAMES.flatMap((name) => {
    const parts = opening(client[name], server[name], { label: name });
    return BOTH.map((signed) => good(`${name} signs`, signed, parts));
  });
  const others: readonly (readonly [string, OpeningOptions])[] = [
    ['with parameters, known and ignored', FULL],
    ['without a relay', { prove: { relay: '' } }],
    ['with a relay of 2,048 octets', { prove: { relay: 'r'.repeat(2048) } }],
    ['with nonces of zeros', { open: { nonce: new Uint8Array(32) }, prove: { nonce: new Uint8Array(32) } }],
    [
      'with the trust anchor in both chains',
      {
        prove: { chain: [...server.ed25519.chain, root.der] },
        proof: { chain: [...client.ed25519.chain, root.der] },
      },
    ],
    ['with empty application_data', { before: [{ id: 'application_data', value: new Uint8Array(0) }] }],
    [
      'with several ignored parameters',
      { behind: [{ id: 0x8001, value: new Uint8Array(0) }, IGNORABLE, { id: 0xffff, value: octetsFor('last', 40) }] },
    ],
  ];
  const mixed = opening(client.ed25519, server['ecdsa-p384'], { label: 'mixed' });
  return [
    ...byKey,
    ...others.flatMap(([comment, options]) =>
      BOTH.map((signed) => good(comment, signed, opening(client.ed25519, server.ed25519, options))),
    ),
    ...BOTH.map((signed) => good('keys of two types', signed, mixed)),
  ];
}

/** What was signed stays; one part of it is another where the signature is checked. */
function altered({ client, server }: Parties): Draft[] {
  const parts = opening(client.ed25519, server.ed25519, FULL);
  const other = opening(client.ed25519, server.ed25519, { ...FULL, label: 'other' });
  const again = (options: OpeningOptions): Opening => opening(client.ed25519, server.ed25519, { ...FULL, ...options });
  const inOpen = (fields: Readonly<Record<string, unknown>>): Uint8Array =>
    again({ open: { ...FULL.open, ...fields } as NonNullable<OpeningOptions['open']> }).open;
  const inProve = (fields: NonNullable<OpeningOptions['prove']>): Uint8Array => again({ prove: fields }).prove;
  const common: readonly (readonly [string, Partial<Opening>])[] = [
    ['first octet of the nonce of OPEN', { open: flip(parts.open, 0) }],
    ['last octet of the nonce of OPEN', { open: flip(parts.open, 31) }],
    ['a letter of the application', { open: flip(parts.open, 36) }],
    ['another application', { open: inOpen({ application: 'ledger/read' }) }],
    [
      'a value of application_data',
      {
        open: inOpen({
          parameters: [{ ...DATA, value: octetsFor('other', 12) }, { id: 'priority', value: 0 }, IGNORABLE],
        }),
      },
    ],
    ['the priority', { open: inOpen({ parameters: [DATA, { id: 'priority', value: 2 }, IGNORABLE] }) }],
    [
      'a default is written out',
      { open: inOpen({ parameters: [DATA, { id: 'priority', value: 0 }, { id: 'outcomes', value: 0 }, IGNORABLE] }) },
    ],
    ['an ignored parameter of OPEN', { open: flip(parts.open, -1) }],
    [
      'an ignored parameter of OPEN is left out',
      { open: inOpen({ parameters: [DATA, { id: 'priority', value: 0 }] }) },
    ],
    ['OPEN of another channel', { open: other.open }],
    ['first octet of the nonce of PROVE', { prove: flip(parts.prove, 0) }],
    ['last octet of the nonce of PROVE', { prove: flip(parts.prove, 31) }],
    ['a letter of the relay', { prove: flip(parts.prove, 40) }],
    ['the relay is left out', { prove: inProve({ relay: '' }) }],
    ['PROVE of another channel', { prove: other.prove }],
  ];
  const onProof: readonly (readonly [string, Partial<Opening>])[] = [
    ['the certificate in PROVE', { prove: inProve({ chain: server['ecdsa-p256'].chain }) }],
    [
      'a certificate behind that in PROVE',
      { prove: inProve({ chain: [...server.ed25519.chain, server['ecdsa-p256'].der] }) },
    ],
    [
      'a certificate behind that in PROOF',
      {
        proof: again({
          proof: { chain: [...client.ed25519.chain, client['ecdsa-p256'].der] },
          signProof: () => parts.proof.slice(-64),
        }).proof,
      },
    ],
    ['a bit of the signature', { proof: flip(parts.proof, -1) }],
    ['signature of another channel', { proof: concat(parts.proof.slice(0, -64), other.proof.slice(-64)) }],
  ];
  const withParameters = (...parameters: NonNullable<OpeningOptions['before']>): Partial<Opening> => ({
    opened: buildPayload('OPENED', { parameters }),
  });
  const signature = { id: 'open_signature', value: signatureIn(parts.opened) };
  const [answer] = FULL.before ?? [];
  if (answer === undefined) throw new TypeError('OPENED has data');
  const onOpened: readonly (readonly [string, Partial<Opening>])[] = [
    ['the chain in PROOF', { proof: flip(parts.proof, 20) }],
    ['a bit of the signature in PROOF', { proof: flip(parts.proof, -1) }],
    ['PROOF of another channel', { proof: other.proof }],
    [
      'another value of application_data',
      withParameters({ ...answer, value: octetsFor('other', 9) }, signature, IGNORABLE),
    ],
    ['application_data is left out', withParameters(signature, IGNORABLE)],
    ['an ignored parameter', { opened: flip(parts.opened, -1) }],
    ['an ignored parameter is left out', withParameters(answer, signature)],
    [
      'an ignored parameter is added',
      withParameters(answer, signature, IGNORABLE, { id: 0xffff, value: new Uint8Array(0) }),
    ],
    ['a bit of the signature', withParameters(answer, { ...signature, value: flip(signature.value, -1) }, IGNORABLE)],
    ['OPENED of another channel', { opened: other.opened }],
  ];
  return [
    ...BOTH.flatMap((signed) =>
      common.map(([comment, change]) => bad(`altered: ${comment}`, 'Binding', signed, { ...parts, ...change })),
    ),
    ...onProof.map(([comment, change]) => bad(`altered: ${comment}`, 'Binding', 'proof', { ...parts, ...change })),
    ...onOpened.map(([comment, change]) => bad(`altered: ${comment}`, 'Binding', 'opened', { ...parts, ...change })),
  ];
}

/** The value of open_signature in an OPENED of {@link FULL}. */
function signatureIn(opened: Uint8Array): Uint8Array {
  const behind = buildParameters(FULL.behind ?? []).length - 2;
  const size = 2 + 64;
  return opened.slice(opened.length - behind - size, opened.length - behind);
}

/** The transcript or the signed content was put together in another way. */
function wrongContent({ client, server }: Parties): Draft[] {
  type Content = (parts: Opening) => Uint8Array;
  const headed = (name: string, payload: Uint8Array): Uint8Array =>
    buildFrame(name, { channel: 1, seq: 1, rawPayload: payload });
  const both: readonly (readonly [string, string, (part: Opening, last: Uint8Array) => Uint8Array])[] = [
    ['without OPEN', 'Binding', ({ prove }, last) => concat(prove, last)],
    ['without PROVE', 'Binding', ({ open }, last) => concat(open, last)],
    ['with PROVE in front of OPEN', 'Binding', ({ open, prove }, last) => concat(prove, open, last)],
    [
      'with the headers of the frames',
      'Binding',
      ({ open, prove }, last) => concat(headed('OPEN', open), headed('PROVE', prove), last),
    ],
    [
      'with the hash of each payload',
      'Binding',
      ({ open, prove }, last) => concat(sha256(open), sha256(prove), sha256(last)),
    ],
    [
      'with the nonces alone',
      'Binding',
      ({ open, prove }, last) => concat(open.slice(0, 32), prove.slice(0, 32), last),
    ],
  ];
  const proofLast = ({ proof }: Pick<Opening, 'proof'>): Uint8Array => proofWithoutSignature(proof);
  const openedLast = ({ proof, opened }: Opening): Uint8Array => concat(proof, parametersWithoutSignature(opened));
  const sign = (signed: 'proof' | 'opened', transcript: Content): OpeningOptions =>
    signed === 'proof'
      ? {
          ...FULL,
          proofContent: (parts) => signedContent('proof', transcript({ ...parts, opened: new Uint8Array(2) })),
        }
      : { ...FULL, openedContent: (parts) => signedContent('opened', transcript(parts)) };
  const rows = BOTH.flatMap((signed) =>
    both.map(([comment, flag, transcript]) => {
      const last = signed === 'proof' ? proofLast : openedLast;
      const options = sign(signed, (parts) => transcript(parts, last(parts)));
      return bad(`transcript ${comment}`, flag, signed, opening(client.ed25519, server.ed25519, options));
    }),
  );
  const special: readonly (readonly [string, 'proof' | 'opened', Content])[] = [
    [
      'transcript of PROOF with the length of its signature',
      'proof',
      (parts) => concat(parts.open, parts.prove, proofLast(parts), Uint8Array.of(0, 64)),
    ],
    [
      'transcript of PROOF without its scheme',
      'proof',
      (parts) => concat(parts.open, parts.prove, proofLast(parts).slice(0, -2)),
    ],
    [
      'transcript of OPENED with PROOF up to its signature',
      'opened',
      (parts) => concat(parts.open, parts.prove, proofLast(parts), parametersWithoutSignature(parts.opened)),
    ],
    [
      'transcript of OPENED without PROOF',
      'opened',
      (parts) => concat(parts.open, parts.prove, parametersWithoutSignature(parts.opened)),
    ],
    ['transcript of OPENED without its parameters', 'opened', (parts) => concat(parts.open, parts.prove, parts.proof)],
    [
      'transcript of OPENED with the total length of its parameters',
      'opened',
      (parts) => concat(parts.open, parts.prove, parts.proof, parts.opened),
    ],
  ];
  const labels = (
    [
      ['proof', 'opened'],
      ['proof', 'connect'],
      ['opened', 'proof'],
      ['opened', 'accept'],
    ] as const
  ).map(([signed, label]) => {
    const options: OpeningOptions =
      signed === 'proof'
        ? { ...FULL, proofContent: (parts) => signedContent(label, proofTranscript(parts, parts.proof)) }
        : {
            ...FULL,
            openedContent: (parts) => signedContent(label, openingTranscript(parts, parts.proof, parts.opened)),
          };
    return bad(
      `signed under the label of ${label.toUpperCase()}`,
      'Label',
      signed,
      opening(client.ed25519, server.ed25519, options),
    );
  });
  return [
    ...rows,
    ...special.map(([comment, signed, transcript]) =>
      bad(comment, 'Binding', signed, opening(client.ed25519, server.ed25519, sign(signed, transcript))),
    ),
    ...labels,
  ];
}

/** Keys, schemes and encodings of signatures. */
function wrongSignatures({ client, server, root }: Parties): Draft[] {
  const row = (comment: string, flag: string, signed: 'proof' | 'opened', parts: Opening): Draft =>
    bad(comment, flag, signed, parts);
  const ends = { client: client.ed25519, server: server.ed25519 };
  const keys = (
    [
      ['key of a stranger', ed25519Key('stranger')],
      ['key of the issuer', root.key],
    ] as const
  ).flatMap(([comment, key]) => [
    row(comment, 'WrongKey', 'proof', opening(ends.client, ends.server, { signProof: signerOf(key) })),
    row(comment, 'WrongKey', 'opened', opening(ends.client, ends.server, { signOpened: signerOf(key) })),
  ]);
  const crossed = [
    row(
      'key of the application end',
      'WrongKey',
      'proof',
      opening(ends.client, ends.server, { signProof: signerOf(ends.server.key) }),
    ),
    row(
      'key of the client',
      'WrongKey',
      'opened',
      opening(ends.client, ends.server, { signOpened: signerOf(ends.client.key) }),
    ),
  ];
  const p256 = { client: client['ecdsa-p256'], server: server['ecdsa-p256'] };
  const rsa = { client: client['rsa-2048'], server: server['rsa-2048'] };
  const schemes = [
    row('scheme 0', 'Scheme', 'proof', opening(ends.client, ends.server, { proof: { scheme: 0 } })),
    row('scheme 0', 'Scheme', 'opened', opening(ends.client, ends.server, { openedScheme: 0 })),
    row(
      'ed25519: scheme ecdsa_secp256r1_sha256',
      'Scheme',
      'proof',
      opening(ends.client, ends.server, { proof: { scheme: 0x0403 } }),
    ),
    row(
      'ed25519: scheme ecdsa_secp256r1_sha256',
      'Scheme',
      'opened',
      opening(ends.client, ends.server, { openedScheme: 0x0403 }),
    ),
    row(
      'ecdsa-p256: scheme ecdsa_sha1, with SHA-1',
      'Scheme',
      'proof',
      opening(p256.client, p256.server, { proof: { scheme: 0x0203 }, signProof: ecdsa(p256.client.key, 'sha1') }),
    ),
    row(
      'rsa-2048: scheme rsa_pkcs1_sha256, with that padding',
      'Scheme',
      'opened',
      opening(rsa.client, rsa.server, { openedScheme: 0x0401, signOpened: pkcs1(rsa.server.key) }),
    ),
  ];
  const forms: readonly (readonly [string, (signature: Uint8Array) => Uint8Array])[] = [
    ['in DER', toDer],
    ['s before r', (signature) => concat(signature.subarray(32), signature.subarray(0, 32))],
    ['one octet less', (signature) => signature.subarray(0, -1)],
    ['one octet more', (signature) => concat(signature, Uint8Array.of(0))],
    ['of zeros', () => new Uint8Array(64)],
  ];
  const encodings = forms.flatMap(([comment, change]) => [
    row(
      `ecdsa-p256: ${comment}`,
      'SignatureEncoding',
      'proof',
      opening(p256.client, p256.server, { signProof: (content) => change(signerOf(p256.client.key)(content)) }),
    ),
    row(
      `ecdsa-p256: ${comment}`,
      'SignatureEncoding',
      'opened',
      opening(p256.client, p256.server, { signOpened: (content) => change(signerOf(p256.server.key)(content)) }),
    ),
  ]);
  return [...keys, ...crossed, ...schemes, ...encodings];
}

export function proofVectors(parties: Parties): DraftFile {
  return {
    name: 'proofs',
    prefix: 'proof',
    description:
      'Payloads of the frames with which a channel is opened and proved. Judged is the signature in PROOF, with the key of the leaf in its ' +
      'own chain, or that in OPENED, with the key of the leaf in PROVE; privateKey belongs to that leaf.',
    drafts: [...valid(parties), ...altered(parties), ...wrongContent(parties), ...wrongSignatures(parties)],
  };
}
