import type { KeyObject } from 'node:crypto';
import { createHash, createPrivateKey, generateKeyPairSync, sign as nodeSign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { concat, equal, integer } from '../../model/codec.ts';
import { decodePayload } from '../../model/decode.ts';
import { frameNamed, registry } from '../../model/registry.ts';
import { exporterContext, sign, signedContent, withoutSignature, withSignature } from '../../model/transcript.ts';
import type { ClientPeer, ConnectOptions } from '../../peer/client-peer.ts';
import { exporterValue } from '../../peer/establishment.ts';
import { fail } from '../../peer/failure.ts';
import type { ServerCase } from '../case.ts';
import { serverCases } from '../case.ts';
import type { ServerContext } from '../server-context.ts';
import { contentOf, OTHER_KEY_FORMS, P256_FORMS, pss, UNKNOWN_SCHEMES } from '../signature-forms.ts';
import { expectExactly, hex } from './client-frames.ts';

type NewCase = Omit<ServerCase, 'role'>;

/** A case in which a CONNECT that is wrong in one way has to be refused for its signature. */
interface WrongSignature {
  readonly id: string;
  /** Further requirements, beside that of the id. */
  readonly also?: readonly string[];
  /** Completes "A CONNECT is sent ...". */
  readonly what: string;
  /** File of the kit that the client presents, and the feature that it needs. */
  readonly as?: string;
  readonly feature?: string;
  readonly options: (peer: ClientPeer, context: ServerContext) => ConnectOptions | Promise<ConnectOptions>;
}

const requirementOf = (id: string): string => id.slice(0, id.indexOf('/'));

function wrongSignatureCase({ id, also = [], what, as = 'client', feature, options }: WrongSignature): NewCase {
  return {
    id,
    requirements: [requirementOf(id), ...also],
    title: `refused: a CONNECT ${what}`,
    stimulus: `A CONNECT is sent ${what}. Everything else about it is right.`,
    expectation: 'The server answers with REJECT(SIGNATURE_INVALID).',
    ...(feature === undefined ? {} : { features: [feature] }),
    run: async (context) => {
      const peer = await context.challenged({ as });
      peer.sendConnect(await options(peer, context));
      await expectExactly(peer, 'SIGNATURE_INVALID', requirementOf(id));
    },
  };
}

const { exporterBytes, exporterLabel } = registry.protocol;
const ZEROS = new Uint8Array(32);

const challengeOf = (peer: ClientPeer): Uint8Array => peer.challenge?.octets ?? new Uint8Array(0);

/** The right content of the signature: what stands before the hash of the transcript, changed or not, and the hash. */
function resigned(
  context: ServerContext,
  peer: ClientPeer,
  content: (transcript: Uint8Array, connect: Uint8Array) => Uint8Array,
): ConnectOptions {
  const { key, leafHash } = context.kit.credential('client');
  return {
    afterSigning: (connect) => {
      const before = [
        exporterValue(peer.socket, challengeOf(peer)),
        leafHash,
        context.kit.credential('server').leafHash,
      ];
      const transcript = concat(...before, challengeOf(peer), withoutSignature(connect));
      return withSignature(connect, sign(key, content(transcript, connect)).signature);
    },
  };
}

/** Elements of the transcript and of the signed content that are not those of this connection. */
const TRANSCRIPT: readonly WrongSignature[] = [
  {
    id: 'EST-005/exporter-of-parallel-connection',
    what: 'that is signed over the exporter value of another open connection to the same server',
    options: async (peer, context) => {
      const other = await context.challenged();
      return { transcript: { exporter: exporterValue(other.socket, challengeOf(peer)) } };
    },
  },
  {
    id: 'EST-005/exporter-without-context',
    what: 'that is signed over the exporter value without a context',
    options: (peer) => ({
      transcript: { exporter: peer.socket.exportKeyingMaterial(exporterBytes, exporterLabel, Buffer.alloc(0)) },
    }),
  },
  {
    id: 'EST-005/exporter-of-payload',
    what: 'that is signed over an exporter value whose context is the hash of the payload of CHALLENGE, without its header',
    options: (peer) => {
      const context = exporterContext(challengeOf(peer).subarray(registry.header.bytes));
      return {
        transcript: { exporter: peer.socket.exportKeyingMaterial(exporterBytes, exporterLabel, Buffer.from(context)) },
      };
    },
  },
  {
    id: 'EST-005/exporter-of-challenge-unhashed',
    what: 'that is signed over an exporter value whose context is CHALLENGE itself and not its hash',
    options: (peer) => ({
      transcript: {
        exporter: peer.socket.exportKeyingMaterial(exporterBytes, exporterLabel, Buffer.from(challengeOf(peer))),
      },
    }),
  },
  {
    id: 'EST-005/exporter-other-label',
    what: 'that is signed over the exporter value of another label',
    options: (peer) => {
      const context = Buffer.from(exporterContext(challengeOf(peer)));
      return {
        transcript: { exporter: peer.socket.exportKeyingMaterial(exporterBytes, 'EXPORTER-Hawser-2', context) },
      };
    },
  },
  {
    id: 'EST-005/exporter-zero',
    what: 'that is signed over an exporter value of zeros',
    options: () => ({ transcript: { exporter: ZEROS } }),
  },
  {
    id: 'EST-005/exporter-absent',
    what: 'that is signed over a transcript without exporter value',
    options: () => ({ transcript: { exporter: new Uint8Array(0) } }),
  },
  {
    id: 'EST-005/leaves-swapped',
    what: 'that is signed over the two leaf hashes in the wrong order',
    options: (_, { kit }) => ({
      transcript: { clientLeaf: kit.credential('server').leafHash, serverLeaf: kit.credential('client').leafHash },
    }),
  },
  {
    id: 'EST-005/client-leaf-of-another',
    what: "that is signed over the hash of another client's certificate",
    options: (_, { kit }) => ({ transcript: { clientLeaf: kit.credential('client-2').leafHash } }),
  },
  {
    id: 'EST-005/client-leaf-zero',
    what: 'that is signed over zeros in place of the hash of its own certificate',
    options: () => ({ transcript: { clientLeaf: ZEROS } }),
  },
  {
    id: 'EST-005/server-leaf-of-another',
    what: "that is signed over the hash of another server's certificate",
    options: (_, { kit }) => ({ transcript: { serverLeaf: kit.credential('servers/other-identity').leafHash } }),
  },
  {
    id: 'EST-005/server-leaf-zero',
    what: "that is signed over zeros in place of the hash of the server's certificate",
    options: () => ({ transcript: { serverLeaf: ZEROS } }),
  },
  {
    id: 'EST-005/leaves-absent',
    what: 'that is signed over a transcript without leaf hashes',
    options: () => ({ transcript: { clientLeaf: new Uint8Array(0), serverLeaf: new Uint8Array(0) } }),
  },
  {
    id: 'EST-005/challenge-of-parallel-connection',
    what: 'that is signed over the CHALLENGE of another open connection',
    options: async (_, context) => {
      const other = await context.challenged();
      return { transcript: { challenge: challengeOf(other) } };
    },
  },
  {
    id: 'EST-005/challenge-one-bit',
    what: 'that is signed over a CHALLENGE with one bit of the nonce inverted',
    options: (peer) => ({
      transcript: {
        challenge: challengeOf(peer).map((octet, at) => (at === registry.header.bytes ? octet ^ 1 : octet)),
      },
    }),
  },
  {
    id: 'EST-005/challenge-without-header',
    what: 'that is signed over the payload of CHALLENGE without its header',
    options: (peer) => ({ transcript: { challenge: challengeOf(peer).subarray(registry.header.bytes) } }),
  },
  {
    id: 'EST-005/challenge-without-parameters',
    what: 'that is signed over a CHALLENGE without the parameters that stood in it',
    options: (peer) => {
      const nonceEnd = registry.header.bytes + (frameNamed('CHALLENGE').fields[0]?.size ?? 0);
      return { transcript: { challenge: concat(challengeOf(peer).subarray(0, nonceEnd), integer(0, 2)) } };
    },
  },
  {
    id: 'EST-005/challenge-absent',
    what: 'that is signed over a transcript without CHALLENGE',
    options: () => ({ transcript: { challenge: new Uint8Array(0) } }),
  },
  {
    id: 'EST-005/connect-absent',
    what: 'whose signature does not cover CONNECT itself',
    options: (peer, context) =>
      resigned(context, peer, (transcript, connect) =>
        signedContent('connect', transcript.subarray(0, transcript.length - withoutSignature(connect).length)),
      ),
  },
  {
    id: 'EST-005/connect-without-header',
    what: 'whose signature does not cover the header of CONNECT',
    options: (peer, context) =>
      resigned(context, peer, (transcript, connect) => {
        const start = transcript.length - withoutSignature(connect).length;
        const payload = transcript.subarray(start + registry.header.bytes);
        return signedContent('connect', concat(transcript.subarray(0, start), payload));
      }),
  },
  {
    id: 'EST-005/header-without-signature-length',
    what: 'that is signed with a header whose length does not count the signature',
    options: (peer, context) =>
      resigned(context, peer, (transcript, connect) => {
        const unsigned = withoutSignature(connect);
        unsigned.set(integer(unsigned.length - registry.header.bytes, 2), 2);
        return signedContent('connect', concat(transcript.subarray(0, transcript.length - unsigned.length), unsigned));
      }),
  },
  {
    id: 'EST-005/signature-length-covered',
    what: 'whose signature covers its own length octets too',
    options: (peer, context) =>
      resigned(context, peer, (transcript, connect) => {
        const length = connect.length - withoutSignature(connect).length - 2;
        return signedContent('connect', concat(transcript, integer(length, 2)));
      }),
  },
  { id: 'EST-005/accept-label', what: "that is signed with the server's label", options: () => ({ label: 'accept' }) },
  {
    id: 'EST-005/other-label',
    what: 'that is signed with the label of a version 2',
    options: (peer, context) =>
      resigned(context, peer, (transcript) => contentOf('connect', transcript, { label: 'Hawser/2 client CONNECT' })),
  },
  {
    id: 'EST-005/no-label',
    what: 'that is signed without a label',
    options: (peer, context) =>
      resigned(context, peer, (transcript) => contentOf('connect', transcript, { label: '' })),
  },
  {
    id: 'EST-005/tls-label',
    what: 'that is signed with the label of a TLS 1.3 CertificateVerify',
    options: (peer, context) =>
      resigned(context, peer, (transcript) =>
        contentOf('connect', transcript, { label: 'TLS 1.3, client CertificateVerify' }),
      ),
  },
  {
    id: 'EST-005/no-padding',
    what: 'that is signed without the 64 octets of padding',
    options: (peer, context) =>
      resigned(context, peer, (transcript) => contentOf('connect', transcript, { pad: new Uint8Array(0) })),
  },
  {
    id: 'EST-005/padding-of-zeros',
    what: 'that is signed with 64 zeros as padding',
    options: (peer, context) =>
      resigned(context, peer, (transcript) => contentOf('connect', transcript, { pad: new Uint8Array(64) })),
  },
  {
    id: 'EST-005/no-separator',
    what: 'that is signed without the zero octet between label and hash',
    options: (peer, context) =>
      resigned(context, peer, (transcript) => contentOf('connect', transcript, { separator: new Uint8Array(0) })),
  },
  {
    id: 'EST-005/transcript-unhashed',
    what: 'that is signed over the transcript itself and not its hash',
    options: (peer, context) =>
      resigned(context, peer, (transcript) => contentOf('connect', transcript, { digest: transcript })),
  },
  {
    id: 'EST-005/transcript-sha-384',
    what: 'that is signed over the SHA-384 hash of the transcript',
    options: (peer, context) =>
      resigned(context, peer, (transcript) =>
        contentOf('connect', transcript, { digest: new Uint8Array(createHash('sha384').update(transcript).digest()) }),
      ),
  },
];

/** Inverts one bit of a field of CONNECT. */
function flip(connect: Uint8Array, field: string, fromEnd: boolean): Uint8Array {
  const { spans } = decodePayload(frameNamed('CONNECT'), connect.subarray(registry.header.bytes));
  const span = spans.filter((candidate) => candidate.field === field).at(-1);
  if (span === undefined) throw new TypeError(`CONNECT has no ${field}`);
  const at = registry.header.bytes + span.offset + (fromEnd ? span.length - 1 : 0);
  return connect.map((octet, index) => (index === at ? octet ^ 1 : octet));
}

const RESUME = { mode: 'resume', session_id: new Uint8Array(16).fill(5), epoch: 2, attempt: 2, receive_cursor: 2 };
const PARAMETERS = [
  { id: 'liveness_interval_ms', value: 20_000 },
  { id: 0x801b, value: new Uint8Array(4) },
] as const;

/** Elements of CONNECT that are changed once it has been signed; what comes out is well-formed. */
const CHANGED: readonly WrongSignature[] = [
  ...['session_id', 'epoch', 'attempt', 'receive_cursor'].map((field) => ({
    id: `EST-005/changed-${field.replaceAll('_', '-')}`,
    also: ['EST-015'],
    what: `in mode resume whose ${field.replaceAll('_', ' ')} was changed after signing`,
    options: () => ({ fields: RESUME, afterSigning: (connect: Uint8Array) => flip(connect, field, true) }),
  })),
  {
    id: 'EST-005/changed-mode',
    also: ['EST-015'],
    what: 'whose mode was changed from new to resume after signing',
    options: () => ({ afterSigning: (connect) => flip(connect, 'mode', false) }),
  },
  {
    id: 'EST-005/changed-client-nonce',
    what: 'whose nonce was changed after signing',
    options: () => ({ afterSigning: (connect) => flip(connect, 'client_nonce', false) }),
  },
  {
    id: 'EST-005/changed-audience',
    what: 'that was signed for another audience, and names the right one',
    options: (_, { target }) => ({
      audience: `${target.identity.slice(0, -1)}${String.fromCharCode(target.identity.charCodeAt(target.identity.length - 1) ^ 1)}`,
      afterSigning: (connect) => flip(connect, 'audience', true),
    }),
  },
  {
    id: 'EST-005/changed-parameter-value',
    what: 'in which the value of a parameter was changed after signing',
    options: () => ({
      parameters: [PARAMETERS[0]],
      afterSigning: (connect) => flip(connect, 'parameters', true),
    }),
  },
  {
    id: 'EST-005/changed-ignored-parameter',
    also: ['WIR-023'],
    what: 'in which the value of a parameter that is ignored was changed after signing',
    options: () => ({ parameters: PARAMETERS, afterSigning: (connect) => flip(connect, 'parameters', true) }),
  },
  {
    id: 'EST-005/removed-parameters',
    what: 'from which the parameters were taken out after signing',
    options: () => ({ parameters: PARAMETERS, afterSigning: (connect) => withParameters(connect, new Uint8Array(0)) }),
  },
  {
    id: 'EST-005/added-parameter',
    what: 'into which a parameter that is ignored was put after signing',
    options: () => ({ afterSigning: (connect) => withParameters(connect, Uint8Array.of(0x80, 0x1b, 0, 0)) }),
  },
];

/** CONNECT with another parameter list in place of its own; the signature stays. */
function withParameters(connect: Uint8Array, list: Uint8Array): Uint8Array {
  const { spans } = decodePayload(frameNamed('CONNECT'), connect.subarray(registry.header.bytes));
  const start = spans.find(({ field }) => field === 'parameters')?.offset ?? 0;
  const end = spans.find(({ field }) => field === 'scheme')?.offset ?? 0;
  const changed = concat(
    connect.subarray(0, registry.header.bytes + start),
    integer(list.length, 2),
    list,
    connect.subarray(registry.header.bytes + end),
  );
  changed.set(integer(changed.length - registry.header.bytes, 2), 2);
  return changed;
}

/**
 * Replaces the signature of CONNECT by another one, made over the header that is sent with it: whoever took its form or length
 * for right would find that it verifies.
 */
function signedOtherwise(
  context: ServerContext,
  peer: ClientPeer,
  as: string,
  make: (content: Uint8Array, key: KeyObject) => Uint8Array,
): ConnectOptions {
  const { key, leafHash } = context.kit.credential(as);
  const before = [exporterValue(peer.socket, challengeOf(peer)), leafHash, context.kit.credential('server').leafHash];
  return {
    afterSigning: (connect) => {
      let length = connect.length - withoutSignature(connect).length - 2;
      for (;;) {
        const sized = withSignature(connect, new Uint8Array(length));
        const transcript = concat(...before, challengeOf(peer), withoutSignature(sized));
        const signature = Uint8Array.from(make(signedContent('connect', transcript), key));
        if (signature.length === length) return withSignature(sized, signature);
        // The header counts the signature, whose length is known only now. In DER it changes from one signature to the next.
        length = signature.length;
      }
    },
  };
}

const formCases: readonly WrongSignature[] = P256_FORMS.map(({ slug, what, signature }) => ({
  id: `EST-005/p256-${slug}`,
  what: `with a signature ${what}`,
  options: (peer, context) =>
    signedOtherwise(context, peer, 'client', (content, key) => signature(sign(key, content).signature)),
}));

const otherKeyCases: readonly WrongSignature[] = OTHER_KEY_FORMS.map(({ slug, subject, feature, what, make }) => ({
  id: `EST-005/${slug}`,
  what: `with a signature of a client with a ${slug.slice(0, slug.indexOf('-'))} key ${what}`,
  as: `clients/${subject}`,
  feature,
  options: (peer, context) => signedOtherwise(context, peer, `clients/${subject}`, make),
}));

/** Keys that are not that of the certificate presented. */
const OTHER_KEYS: readonly WrongSignature[] = [
  {
    id: 'EST-002/key-of-another-client',
    what: "that is signed with the key of another client's certificate",
    options: (_, { kit }) => ({ key: kit.credential('client-2').key }),
  },
  {
    id: 'EST-002/key-of-nobody',
    what: 'that is signed with a fresh key of the same type',
    options: () => ({ key: generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey }),
  },
  {
    id: 'EST-002/key-of-the-authority',
    what: 'that is signed with the key of the authority that issued the certificate',
    options: (_, { kit }) => ({ key: createPrivateKey(readFileSync(kit.path('ca.key'))) }),
  },
  {
    id: 'EST-002/key-of-the-server',
    what: "that is signed with the server's own key",
    options: (_, { kit }) => ({ key: kit.credential('server').key }),
  },
];

interface KeyOfKit {
  readonly name: string;
  readonly as: string;
  readonly feature?: string;
}

const KEYS: readonly KeyOfKit[] = [
  { name: 'p256', as: 'client' },
  { name: 'p384', as: 'clients/p384', feature: 'p384' },
  { name: 'ed25519', as: 'clients/ed25519', feature: 'ed25519' },
  { name: 'rsa', as: 'clients/rsa-2048', feature: 'rsa' },
];
const KEY_NAMES: Readonly<Record<string, string>> = { 'ecdsa-p256': 'p256', 'ecdsa-p384': 'p384' };

/** Each scheme of the registry with each key that it does not belong to; the other key's own signature stands behind it. */
const schemeCases = KEYS.flatMap(({ name, as, feature }) =>
  registry.signatureSchemes
    .filter(({ key }) => (KEY_NAMES[key] ?? key) !== name)
    // A P-256 key with the scheme of P-384 is a case of its own already.
    .filter((scheme) => !(name === 'p256' && scheme.key === 'ecdsa-p384'))
    .map((scheme): WrongSignature => ({
      id: `EST-004/${name}-as-${scheme.name.replaceAll('_', '-')}`,
      what: `by a client with a ${name} key that names the scheme ${scheme.name}`,
      as,
      ...(feature === undefined ? {} : { feature }),
      options: () => ({ scheme: scheme.id }),
    })),
);

const unknownSchemeCases = UNKNOWN_SCHEMES.map(({ id, what }): WrongSignature => ({
  id: `EST-004/unknown-${hex(id, 4).slice(2)}`,
  what: `that names the signature scheme ${hex(id, 4)} (${what}), which Hawser does not define`,
  options: () => ({ scheme: id }),
}));

/** Section 4.2, for a server: what is signed, and how. */
export const connectSignature: readonly ServerCase[] = serverCases([
  ...[
    ...TRANSCRIPT,
    ...CHANGED,
    ...formCases,
    ...otherKeyCases,
    ...OTHER_KEYS,
    ...schemeCases,
    ...unknownSchemeCases,
  ].map(wrongSignatureCase),
  wrongSignatureCase({
    id: 'EST-004/other-key-and-its-scheme',
    also: ['EST-002', 'EST-003'],
    what: 'that is rightly signed by a P-384 key which is not that of the certificate, with the scheme of that key',
    options: (_, { kit }) => ({ key: kit.credential('clients/p384').key }),
  }),
  wrongSignatureCase({
    id: 'EST-004/rsa-with-true-pkcs1-scheme',
    what: 'by a client with an RSA key that names rsa_pkcs1_sha256 (0x0401) and is signed so',
    as: 'clients/rsa-2048',
    feature: 'rsa',
    options: (peer, context) => ({
      ...signedOtherwise(context, peer, 'clients/rsa-2048', (content, key) => nodeSign('sha256', content, key)),
      scheme: 0x0401,
    }),
  }),
  wrongSignatureCase({
    id: 'EST-004/rsa-with-true-sha-384-scheme',
    what: 'by a client with an RSA key that names rsa_pss_rsae_sha384 (0x0805) and is signed so',
    as: 'clients/rsa-2048',
    feature: 'rsa',
    options: (peer, context) => ({
      ...signedOtherwise(context, peer, 'clients/rsa-2048', pss('sha384', 48)),
      scheme: 0x0805,
    }),
  }),
  wrongSignatureCase({
    id: 'EST-004/p256-with-true-sha-384-scheme',
    what: 'that names ecdsa_secp384r1_sha384, and is signed with SHA-384 by its P-256 key',
    options: (peer, context) => ({
      ...signedOtherwise(context, peer, 'client', (content, key) =>
        nodeSign('sha384', content, { key, dsaEncoding: 'ieee-p1363' }),
      ),
      scheme: 0x0503,
    }),
  }),
  {
    id: 'EST-005/replayed-from-ended-session',
    requirements: ['EST-005', 'EST-007'],
    title: 'the CONNECT of an earlier session is refused',
    stimulus:
      'A client closes its session, connects again and sends the CONNECT of the first connection once more, octet for octet.',
    expectation: 'The server answers with REJECT(SIGNATURE_INVALID).',
    run: async (context) => {
      const first = await context.established();
      const connect = first.connectFrame ?? new Uint8Array(0);
      await context.dependency('closing the session', () => first.close());
      const peer = await context.challenged();
      peer.sendFrame(connect);
      await expectExactly(peer, 'SIGNATURE_INVALID', 'EST-005');
    },
  },
  {
    id: 'EST-005/replayed-from-live-session',
    requirements: ['EST-005', 'EST-007'],
    title: 'the CONNECT of a session that is in use is refused on another connection',
    stimulus: 'While a session is established, its client connects again and sends the same CONNECT once more.',
    expectation: 'The server answers with REJECT(SIGNATURE_INVALID), and the first session goes on.',
    run: async (context) => {
      const first = await context.established();
      const peer = await context.challenged();
      peer.sendFrame(first.connectFrame ?? new Uint8Array(0));
      await expectExactly(peer, 'SIGNATURE_INVALID', 'EST-005');
      await first.barrier('EST-005');
    },
  },
  {
    id: 'EST-005/meant-for-parallel-connection',
    requirements: ['EST-005', 'EST-007'],
    title: 'a CONNECT that was never sent on its own connection is refused on another',
    stimulus: 'A client opens two connections and sends on each the CONNECT that is right on the other.',
    expectation: 'The server answers on both with REJECT(SIGNATURE_INVALID).',
    run: async (context) => {
      const peers = [await context.challenged(), await context.challenged()] as const;
      const connects = peers.map((peer) => peer.buildConnect());
      for (const [at, peer] of peers.entries()) peer.sendFrame(connects[1 - at] ?? new Uint8Array(0));
      for (const peer of peers) await expectExactly(peer, 'SIGNATURE_INVALID', 'EST-005');
    },
  },
  {
    id: 'EST-002/connect-of-another-client',
    requirements: ['EST-002', 'EST-005'],
    title: "another client's CONNECT is refused",
    stimulus:
      'A client sends a CONNECT that the second client of the kit has signed for this connection, with its own leaf hash.',
    expectation: 'The server answers with REJECT(SIGNATURE_INVALID).',
    run: async (context) => {
      const peer = await context.challenged();
      const { key, leafHash } = context.kit.credential('client-2');
      peer.sendConnect({ key, transcript: { clientLeaf: leafHash } });
      await expectExactly(peer, 'SIGNATURE_INVALID', 'EST-002');
    },
  },
  {
    id: 'EST-005/after-a-refused-attempt',
    requirements: ['EST-005', 'EST-026'],
    title: 'a refused signature leaves nothing behind',
    stimulus: 'A client is refused for a wrong signature, and then connects with a right one.',
    expectation: 'The second connection is accepted, with another nonce in its CHALLENGE.',
    run: async (context) => {
      const first = await context.challenged();
      first.sendConnect({ label: 'accept' });
      await expectExactly(first, 'SIGNATURE_INVALID', 'EST-005');
      const second = await context.connect();
      await second.establish();
      const nonces = [first, second].map((peer) => peer.challenge?.bytes('server_nonce') ?? ZEROS);
      if (equal(nonces[0] ?? ZEROS, nonces[1] ?? ZEROS)) fail('two different nonces', 'the same one twice', 'EST-007');
      await second.close();
    },
  },
  {
    id: 'EST-005/ecdsa-with-leading-zeros',
    requirements: ['EST-005', 'EST-003'],
    title: 'an ECDSA signature with small integers is accepted',
    stimulus: 'A client signs CONNECT again and again, until r begins with a zero octet, and sends that.',
    expectation: 'The session is established: both integers are padded to 32 octets.',
    run: async (context) => {
      const peer = await context.challenged();
      const small = (content: Uint8Array, key: KeyObject): Uint8Array => {
        // About one signature in 256 is of this kind.
        for (;;) {
          const { signature } = sign(key, content);
          if (signature[0] === 0) return signature;
        }
      };
      peer.sendConnect(signedOtherwise(context, peer, 'client', small));
      await peer.expectAccept();
    },
  },
]);
