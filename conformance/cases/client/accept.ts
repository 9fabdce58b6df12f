import type { KeyObject } from 'node:crypto';
import { createHash, createPrivateKey, generateKeyPairSync, sign as nodeSign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { concat, integer, MAX_U53 } from '../../model/codec.ts';
import { decodePayload } from '../../model/decode.ts';
import { frameNamed, registry } from '../../model/registry.ts';
import { exporterContext, sign, signedContent, withoutSignature, withSignature } from '../../model/transcript.ts';
import type { SigningOptions } from '../../peer/establishment.ts';
import { exporterValue } from '../../peer/establishment.ts';
import { assertEqual, fail } from '../../peer/failure.ts';
import type { ServerPeer } from '../../peer/server-peer.ts';
import type { ConnectionUnderTest } from '../../testee/connection-under-test.ts';
import { describeEvent } from '../../testee/connection-under-test.ts';
import type { ClientCase } from '../case.ts';
import { clientCases } from '../case.ts';
import type { ClientContext } from '../client-context.ts';
import { hex } from '../server/client-frames.ts';
import { contentOf, OTHER_KEY_FORMS, P256_FORMS, pss, UNKNOWN_SCHEMES } from '../signature-forms.ts';
import { expectClose } from './server-frames.ts';

type NewCase = Omit<ClientCase, 'role'>;

/** A case in which an ACCEPT that is wrong in one way has to be refused for its signature. */
interface WrongSignature {
  readonly id: string;
  /** Further requirements, beside that of the id and EST-022. */
  readonly also?: readonly string[];
  /** Completes "The server sends an ACCEPT ...". */
  readonly what: string;
  /** File of the kit that the server presents, and the feature that it needs. */
  readonly as?: string;
  readonly feature?: string;
  readonly options: (peer: ServerPeer, context: ClientContext) => SigningOptions | Promise<SigningOptions>;
}

const requirementOf = (id: string): string => id.slice(0, id.indexOf('/'));

/** Demands CLOSE with exactly this code, and that the client reports no session but a failure. */
async function expectRefused(
  context: ClientContext,
  { peer, client }: { readonly peer: ServerPeer; readonly client: ConnectionUnderTest },
  code: string,
  requirement: string,
): Promise<void> {
  await expectClose(context, peer, code, requirement, { exact: true });
  const event = await client.nextEvent('the event failed of the client', 'EST-022');
  if (event.event !== 'failed') fail('the event failed, and no session', describeEvent(event), 'EST-022');
}

function wrongSignatureCase({ id, also = [], what, as = 'server', feature, options }: WrongSignature): NewCase {
  return {
    id,
    requirements: [requirementOf(id), 'EST-022', ...also],
    title: `refused: an ACCEPT ${what}`,
    stimulus: `The server sends an ACCEPT ${what}. Everything else about it is right.`,
    expectation: 'The client sends CLOSE(SIGNATURE_INVALID) and reports a failure, never a session.',
    ...(feature === undefined ? {} : { features: [feature] }),
    run: async (context) => {
      const met = await context.connecting({ as });
      met.peer.sendAccept(await options(met.peer, context));
      await expectRefused(context, met, 'SIGNATURE_INVALID', requirementOf(id));
    },
  };
}

const { exporterBytes, exporterLabel } = registry.protocol;
const ZEROS = new Uint8Array(32);

const challengeOf = (peer: ServerPeer): Uint8Array => peer.challengeFrame ?? new Uint8Array(0);
const connectOf = (peer: ServerPeer): Uint8Array => peer.connect?.octets ?? new Uint8Array(0);

/** The exporter value of this connection with another context or label. */
const exported = (peer: ServerPeer, label: string, context: Uint8Array): Uint8Array =>
  peer.socket.exportKeyingMaterial(exporterBytes, label, Buffer.from(context));

/** What the transcript of ACCEPT holds before ACCEPT. */
function before(context: ClientContext, peer: ServerPeer, as = 'server'): Uint8Array {
  const { kit } = context;
  const leaves = [kit.credential('client').leafHash, kit.credential(as).leafHash];
  return concat(exporterValue(peer.socket, challengeOf(peer)), ...leaves, challengeOf(peer), connectOf(peer));
}

/** Signs other octets than the content that is due. */
function resigned(
  context: ClientContext,
  peer: ServerPeer,
  content: (transcript: Uint8Array, accept: Uint8Array) => Uint8Array,
): SigningOptions {
  const { key } = context.kit.credential('server');
  return {
    afterSigning: (accept) => {
      const transcript = concat(before(context, peer), withoutSignature(accept));
      return withSignature(accept, sign(key, content(transcript, accept)).signature);
    },
  };
}

/** Elements of the transcript and of the signed content that are not those of this connection. */
const TRANSCRIPT: readonly WrongSignature[] = [
  {
    id: 'EST-005/accept-exporter-of-parallel-connection',
    what: 'that is signed over the exporter value of another open connection of the client',
    options: async (peer, context) => {
      const other = await context.connected();
      return { transcript: { exporter: exporterValue(other.peer.socket, challengeOf(peer)) } };
    },
  },
  {
    id: 'EST-005/accept-exporter-without-context',
    what: 'that is signed over the exporter value without a context',
    options: (peer) => ({ transcript: { exporter: exported(peer, exporterLabel, new Uint8Array(0)) } }),
  },
  {
    id: 'EST-005/accept-exporter-of-challenge-unhashed',
    what: 'that is signed over an exporter value whose context is CHALLENGE itself and not its hash',
    options: (peer) => ({ transcript: { exporter: exported(peer, exporterLabel, challengeOf(peer)) } }),
  },
  {
    id: 'EST-005/accept-exporter-of-payload',
    what: 'that is signed over an exporter value whose context is the hash of the payload of CHALLENGE, without its header',
    options: (peer) => {
      const context = exporterContext(challengeOf(peer).subarray(registry.header.bytes));
      return { transcript: { exporter: exported(peer, exporterLabel, context) } };
    },
  },
  {
    id: 'EST-005/accept-exporter-of-connect',
    what: 'that is signed over an exporter value whose context is the hash of CONNECT',
    options: (peer) => ({
      transcript: { exporter: exported(peer, exporterLabel, exporterContext(connectOf(peer))) },
    }),
  },
  {
    id: 'EST-005/accept-exporter-other-label',
    what: 'that is signed over the exporter value of another label',
    options: (peer) => ({
      transcript: { exporter: exported(peer, 'EXPORTER-Hawser-2', exporterContext(challengeOf(peer))) },
    }),
  },
  {
    id: 'EST-005/accept-exporter-zero',
    what: 'that is signed over an exporter value of zeros',
    options: () => ({ transcript: { exporter: ZEROS } }),
  },
  {
    id: 'EST-005/accept-exporter-absent',
    what: 'that is signed over a transcript without exporter value',
    options: () => ({ transcript: { exporter: new Uint8Array(0) } }),
  },
  {
    id: 'EST-005/accept-leaves-swapped',
    what: 'that is signed over the two leaf hashes in the wrong order',
    options: (_, { kit }) => ({
      transcript: { clientLeaf: kit.credential('server').leafHash, serverLeaf: kit.credential('client').leafHash },
    }),
  },
  {
    id: 'EST-005/accept-client-leaf-of-another',
    what: "that is signed over the hash of another client's certificate",
    options: (_, { kit }) => ({ transcript: { clientLeaf: kit.credential('client-2').leafHash } }),
  },
  {
    id: 'EST-005/accept-client-leaf-zero',
    what: "that is signed over zeros in place of the hash of the client's certificate, as by a server that asked for none",
    also: ['TLS-009'],
    options: () => ({ transcript: { clientLeaf: ZEROS } }),
  },
  {
    id: 'EST-005/accept-server-leaf-of-another',
    what: "that is signed over the hash of another server's certificate",
    options: (_, { kit }) => ({ transcript: { serverLeaf: kit.credential('servers/other-identity').leafHash } }),
  },
  {
    id: 'EST-005/accept-leaves-absent',
    what: 'that is signed over a transcript without leaf hashes',
    options: () => ({ transcript: { clientLeaf: new Uint8Array(0), serverLeaf: new Uint8Array(0) } }),
  },
  {
    id: 'EST-005/accept-challenge-one-bit',
    what: 'that is signed over a CHALLENGE with one bit of the nonce inverted',
    options: (peer) => ({ transcript: { challenge: flipped(challengeOf(peer), registry.header.bytes) } }),
  },
  {
    id: 'EST-005/accept-challenge-without-header',
    what: 'that is signed over the payload of CHALLENGE without its header',
    options: (peer) => ({ transcript: { challenge: challengeOf(peer).subarray(registry.header.bytes) } }),
  },
  {
    id: 'EST-005/accept-challenge-absent',
    what: 'that is signed over a transcript without CHALLENGE',
    options: () => ({ transcript: { challenge: new Uint8Array(0) } }),
  },
  {
    id: 'EST-005/accept-connect-one-bit',
    what: "that is signed over a CONNECT with one bit of the client's nonce inverted",
    options: (peer) => ({ transcript: { connect: flipped(connectOf(peer), registry.header.bytes + 41) } }),
  },
  {
    id: 'EST-005/accept-connect-other-signature',
    what: 'that is signed over a CONNECT with another signature in it',
    options: (peer) => {
      const connect = connectOf(peer);
      return { transcript: { connect: flipped(connect, connect.length - 1) } };
    },
  },
  {
    id: 'EST-005/accept-connect-without-signature',
    what: 'that is signed over CONNECT without its signature',
    options: (peer) => ({ transcript: { connect: withoutSignature(connectOf(peer)) } }),
  },
  {
    id: 'EST-005/accept-connect-absent',
    what: 'that is signed over a transcript without CONNECT',
    options: () => ({ transcript: { connect: new Uint8Array(0) } }),
  },
  {
    id: 'EST-005/accept-itself-absent',
    what: 'whose signature does not cover ACCEPT itself',
    options: (peer, context) => resigned(context, peer, () => signedContent('accept', before(context, peer))),
  },
  {
    id: 'EST-005/accept-without-header',
    what: 'whose signature does not cover the header of ACCEPT',
    options: (peer, context) =>
      resigned(context, peer, (_, accept) => {
        const payload = withoutSignature(accept).subarray(registry.header.bytes);
        return signedContent('accept', concat(before(context, peer), payload));
      }),
  },
  {
    id: 'EST-005/accept-header-without-signature-length',
    what: 'that is signed with a header whose length does not count the signature',
    options: (peer, context) =>
      resigned(context, peer, (_, accept) => {
        const unsigned = withoutSignature(accept);
        unsigned.set(integer(unsigned.length - registry.header.bytes, 2), 2);
        return signedContent('accept', concat(before(context, peer), unsigned));
      }),
  },
  {
    id: 'EST-005/accept-signature-length-covered',
    what: 'whose signature covers its own length octets too',
    options: (peer, context) =>
      resigned(context, peer, (transcript) => signedContent('accept', concat(transcript, integer(64, 2)))),
  },
  {
    id: 'EST-005/accept-connect-label',
    what: "that is signed with the client's label",
    options: () => ({ label: 'connect' }),
  },
  {
    id: 'EST-005/accept-other-label',
    what: 'that is signed with the label of a version 2',
    options: (peer, context) =>
      resigned(context, peer, (transcript) => contentOf('accept', transcript, { label: 'Hawser/2 server ACCEPT' })),
  },
  {
    id: 'EST-005/accept-no-label',
    what: 'that is signed without a label',
    options: (peer, context) => resigned(context, peer, (transcript) => contentOf('accept', transcript, { label: '' })),
  },
  {
    id: 'EST-005/accept-no-padding',
    what: 'that is signed without the 64 octets of padding',
    options: (peer, context) =>
      resigned(context, peer, (transcript) => contentOf('accept', transcript, { pad: new Uint8Array(0) })),
  },
  {
    id: 'EST-005/accept-no-separator',
    what: 'that is signed without the zero octet between label and hash',
    options: (peer, context) =>
      resigned(context, peer, (transcript) => contentOf('accept', transcript, { separator: new Uint8Array(0) })),
  },
  {
    id: 'EST-005/accept-transcript-unhashed',
    what: 'that is signed over the transcript itself and not its hash',
    options: (peer, context) =>
      resigned(context, peer, (transcript) => contentOf('accept', transcript, { digest: transcript })),
  },
  {
    id: 'EST-005/accept-transcript-sha-384',
    what: 'that is signed over the SHA-384 hash of the transcript',
    options: (peer, context) =>
      resigned(context, peer, (transcript) =>
        contentOf('accept', transcript, {
          digest: new Uint8Array(createHash('sha384').update(transcript).digest()),
        }),
      ),
  },
];

/** Octets with the lowest bit of one of them inverted. */
function flipped(octets: Uint8Array, at: number): Uint8Array {
  return octets.map((octet, index) => (index === at ? octet ^ 1 : octet));
}

/** Inverts one bit in the last octet of a field of ACCEPT. */
function flip(accept: Uint8Array, field: string): Uint8Array {
  const { spans } = decodePayload(frameNamed('ACCEPT'), accept.subarray(registry.header.bytes));
  const span = spans.filter((candidate) => candidate.field === field).at(-1);
  if (span === undefined) throw new TypeError(`ACCEPT has no ${field}`);
  return flipped(accept, registry.header.bytes + span.offset + span.length - 1);
}

const PARAMETERS = [
  { id: 'max_channels', value: 16 },
  { id: 0x801b, value: new Uint8Array(4) },
] as const;

/** ACCEPT with another parameter list in place of its own; the signature stays. */
function withParameters(accept: Uint8Array, list: Uint8Array): Uint8Array {
  const { spans } = decodePayload(frameNamed('ACCEPT'), accept.subarray(registry.header.bytes));
  const start = spans.find(({ field }) => field === 'parameters')?.offset ?? 0;
  const end = spans.find(({ field }) => field === 'scheme')?.offset ?? 0;
  const changed = concat(
    accept.subarray(0, registry.header.bytes + start),
    integer(list.length, 2),
    list,
    accept.subarray(registry.header.bytes + end),
  );
  changed.set(integer(changed.length - registry.header.bytes, 2), 2);
  return changed;
}

/** Elements of ACCEPT that are changed once it has been signed; what comes out is well-formed. */
const CHANGED: readonly WrongSignature[] = [
  {
    id: 'EST-005/accept-changed-session-id',
    what: 'whose session id was changed after signing',
    options: () => ({ afterSigning: (accept) => flip(accept, 'session_id') }),
  },
  {
    id: 'EST-005/accept-changed-epoch',
    also: ['EST-021'],
    what: 'that was signed with epoch 3 and changed to 2 after signing: the signature is judged before the epoch',
    options: () => ({ fields: { epoch: 3 }, afterSigning: (accept) => flip(accept, 'epoch') }),
  },
  {
    id: 'EST-005/accept-changed-cursor',
    also: ['EST-021'],
    what: 'whose receive cursor was changed to 1 after signing: the signature is judged before the cursor',
    options: () => ({ afterSigning: (accept) => flip(accept, 'receive_cursor') }),
  },
  {
    id: 'EST-005/accept-changed-cursor-to-zero',
    what: 'that was signed with receive cursor 1 and changed to 0 after signing',
    options: () => ({ fields: { receive_cursor: 1 }, afterSigning: (accept) => flip(accept, 'receive_cursor') }),
  },
  {
    id: 'EST-005/accept-changed-parameter-value',
    what: 'in which the value of a parameter was changed after signing',
    options: () => ({ parameters: [PARAMETERS[0]], afterSigning: (accept) => flip(accept, 'parameters') }),
  },
  {
    id: 'EST-005/accept-changed-ignored-parameter',
    also: ['WIR-023'],
    what: 'in which the value of a parameter that is ignored was changed after signing',
    options: () => ({ parameters: PARAMETERS, afterSigning: (accept) => flip(accept, 'parameters') }),
  },
  {
    id: 'EST-005/accept-removed-parameters',
    what: 'from which the parameters were taken out after signing',
    options: () => ({ parameters: PARAMETERS, afterSigning: (accept) => withParameters(accept, new Uint8Array(0)) }),
  },
  {
    id: 'EST-005/accept-added-parameter',
    what: 'into which a parameter that is ignored was put after signing',
    options: () => ({ afterSigning: (accept) => withParameters(accept, Uint8Array.of(0x80, 0x1b, 0, 0)) }),
  },
  {
    id: 'EST-005/accept-last-bit-of-signature',
    what: 'in whose signature the last bit is inverted',
    options: () => ({ afterSigning: (accept) => flip(accept, 'signature') }),
  },
];

/**
 * Replaces the signature of ACCEPT by another one, made over the header that is sent with it: whoever took its form or length for
 * right would find that it verifies.
 */
function signedOtherwise(
  context: ClientContext,
  peer: ServerPeer,
  as: string,
  make: (content: Uint8Array, key: KeyObject) => Uint8Array,
): SigningOptions {
  const { key } = context.kit.credential(as);
  return {
    afterSigning: (accept) => {
      let length = accept.length - withoutSignature(accept).length - 2;
      for (;;) {
        const sized = withSignature(accept, new Uint8Array(length));
        const transcript = concat(before(context, peer, as), withoutSignature(sized));
        const signature = Uint8Array.from(make(signedContent('accept', transcript), key));
        if (signature.length === length) return withSignature(sized, signature);
        // The header counts the signature, whose length is known only now. In DER it changes from one signature to the next.
        length = signature.length;
      }
    },
  };
}

const formCases: readonly WrongSignature[] = [
  ...P256_FORMS.map(({ slug, what, signature }): WrongSignature => ({
    id: `EST-005/accept-p256-${slug}`,
    what: `with a signature ${what}`,
    options: (peer, context) =>
      signedOtherwise(context, peer, 'server', (content, key) => signature(sign(key, content).signature)),
  })),
  ...OTHER_KEY_FORMS.map(({ slug, subject, feature, what, make }): WrongSignature => ({
    id: `EST-005/accept-${slug}`,
    what: `with a signature of a server with a ${slug.slice(0, slug.indexOf('-'))} key ${what}`,
    as: `servers/${subject}`,
    feature,
    options: (peer, context) => signedOtherwise(context, peer, `servers/${subject}`, make),
  })),
];

/** Keys that are not that of the certificate presented. */
const OTHER_KEYS: readonly WrongSignature[] = [
  {
    id: 'EST-002/accept-key-of-another-server',
    what: "that is signed with the key of another server's certificate",
    options: (_, { kit }) => ({ key: kit.credential('servers/other-identity').key }),
  },
  {
    id: 'EST-002/accept-key-of-nobody',
    what: 'that is signed with a fresh key of the same type',
    options: () => ({ key: generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey }),
  },
  {
    id: 'EST-002/accept-key-of-the-authority',
    what: 'that is signed with the key of the authority that issued the certificate',
    options: (_, { kit }) => ({ key: createPrivateKey(readFileSync(kit.path('ca.key'))) }),
  },
  {
    id: 'EST-002/accept-key-of-the-client',
    what: "that is signed with the client's own key",
    options: (_, { kit }) => ({ key: kit.credential('client').key }),
  },
];

const KEYS: readonly { readonly name: string; readonly key: string; readonly as: string; readonly feature?: string }[] =
  [
    { name: 'p256', key: 'ecdsa-p256', as: 'server' },
    { name: 'p384', key: 'ecdsa-p384', as: 'servers/p384', feature: 'p384' },
    { name: 'ed25519', key: 'ed25519', as: 'servers/ed25519', feature: 'ed25519' },
    { name: 'rsa', key: 'rsa', as: 'servers/rsa-2048', feature: 'rsa' },
  ];

/** Each scheme of the registry with each key that it does not belong to; the other key's own signature stands behind it. */
const schemeCases = KEYS.flatMap(({ name, key, as, feature }) =>
  registry.signatureSchemes
    .filter((scheme) => scheme.key !== key)
    .map((scheme): WrongSignature => ({
      id: `EST-004/accept-${name}-as-${scheme.name.replaceAll('_', '-')}`,
      what: `by a server with a ${name} key that names the scheme ${scheme.name}`,
      as,
      ...(feature === undefined ? {} : { feature }),
      options: () => ({ scheme: scheme.id }),
    })),
);

const otherSchemeCases: readonly WrongSignature[] = [
  ...UNKNOWN_SCHEMES.map(({ id, what }): WrongSignature => ({
    id: `EST-004/accept-unknown-${hex(id, 4).slice(2)}`,
    what: `that names the signature scheme ${hex(id, 4)} (${what}), which Hawser does not define`,
    options: () => ({ scheme: id }),
  })),
  {
    id: 'EST-004/accept-other-key-and-its-scheme',
    also: ['EST-002', 'EST-003'],
    what: 'that is rightly signed by a P-384 key which is not that of the certificate, with the scheme of that key',
    options: (_, { kit }) => ({ key: kit.credential('servers/p384').key }),
  },
  {
    id: 'EST-004/accept-rsa-with-true-pkcs1-scheme',
    what: 'by a server with an RSA key that names rsa_pkcs1_sha256 (0x0401) and is signed so',
    as: 'servers/rsa-2048',
    feature: 'rsa',
    options: (peer, context) => ({
      ...signedOtherwise(context, peer, 'servers/rsa-2048', (content, key) => nodeSign('sha256', content, key)),
      scheme: 0x0401,
    }),
  },
  {
    id: 'EST-004/accept-rsa-with-true-sha-384-scheme',
    what: 'by a server with an RSA key that names rsa_pss_rsae_sha384 (0x0805) and is signed so',
    as: 'servers/rsa-2048',
    feature: 'rsa',
    options: (peer, context) => ({
      ...signedOtherwise(context, peer, 'servers/rsa-2048', pss('sha384', 48)),
      scheme: 0x0805,
    }),
  },
];

/** What a rightly signed ACCEPT of a new session may not state. */
const EPOCHS: readonly { readonly slug: string; readonly words: string; readonly fields: Record<string, bigint> }[] = [
  { slug: 'epoch-greatest', words: 'epoch 2^53 - 1', fields: { epoch: MAX_U53 } },
  { slug: 'cursor-one', words: 'receive cursor 1', fields: { receive_cursor: 1n } },
  { slug: 'cursor-greatest', words: 'receive cursor 2^53 - 1', fields: { receive_cursor: MAX_U53 } },
  { slug: 'epoch-and-cursor', words: 'epoch 2 and receive cursor 5', fields: { epoch: 2n, receive_cursor: 5n } },
];

const epochCases = EPOCHS.map(({ slug, words, fields }): NewCase => ({
  id: `EST-021/${slug}`,
  requirements: ['EST-021', 'EST-027'],
  title: `a new session with ${words} is refused`,
  stimulus: `A rightly signed ACCEPT for a new session states ${words}.`,
  expectation: 'The client sends CLOSE(FRAME_MALFORMED) and reports a failure, never a session.',
  run: async (context) => {
    const met = await context.connecting();
    met.peer.sendAccept({ fields });
    await expectRefused(context, met, 'FRAME_MALFORMED', 'EST-021');
  },
}));

/** Section 4.5, for a client: ACCEPT, what it has to be signed over, and by whom. */
export const accept: readonly ClientCase[] = clientCases([
  ...[...TRANSCRIPT, ...CHANGED, ...formCases, ...OTHER_KEYS, ...schemeCases, ...otherSchemeCases].map(
    wrongSignatureCase,
  ),
  ...epochCases,
  {
    id: 'EST-005/accept-of-ended-session',
    requirements: ['EST-005', 'EST-022'],
    title: 'the ACCEPT of an earlier session is refused',
    stimulus: 'A session is established and closed; on the next connection the server sends the same ACCEPT again.',
    expectation: 'The client sends CLOSE(SIGNATURE_INVALID) and reports a failure, never a session.',
    run: async (context) => {
      const first = await context.established();
      await context.dependency('closing the session', () => first.peer.close());
      const met = await context.connecting();
      met.peer.sendFrame(first.peer.acceptFrame ?? new Uint8Array(0));
      await expectRefused(context, met, 'SIGNATURE_INVALID', 'EST-005');
    },
  },
  {
    id: 'EST-005/accept-of-parallel-connection',
    requirements: ['EST-005', 'EST-022'],
    title: 'the ACCEPT of another connection is refused',
    stimulus: 'The client has two connections in establishment; each gets the ACCEPT that is right on the other.',
    expectation: 'The client sends CLOSE(SIGNATURE_INVALID) on both.',
    features: ['concurrent'],
    run: async (context) => {
      const both = [await context.connecting(), await context.connecting()] as const;
      const accepts = both.map(({ peer }) => peer.buildAccept());
      for (const [at, { peer }] of both.entries()) peer.sendFrame(accepts[1 - at] ?? new Uint8Array(0));
      for (const met of both) await expectRefused(context, met, 'SIGNATURE_INVALID', 'EST-005');
    },
  },
  {
    id: 'EST-005/accept-signature-of-connect',
    requirements: ['EST-005', 'EST-022'],
    title: "the client's own signature is no signature of the server",
    stimulus: 'ACCEPT carries the signature that the client has sent in CONNECT.',
    expectation: 'The client sends CLOSE(SIGNATURE_INVALID) and reports a failure, never a session.',
    run: async (context) => {
      const met = await context.connecting();
      const signature = met.connect.bytes('signature');
      met.peer.sendAccept({ signature: () => signature });
      await expectRefused(context, met, 'SIGNATURE_INVALID', 'EST-005');
    },
  },
  {
    id: 'EST-005/accept-with-leading-zeros',
    requirements: ['EST-005', 'EST-003'],
    title: 'an ECDSA signature with small integers is accepted',
    stimulus: 'The server signs ACCEPT again and again, until r begins with a zero octet, and sends that.',
    expectation: 'The client reports the session.',
    run: async (context) => {
      const { peer, client } = await context.connecting();
      const small = (content: Uint8Array, key: KeyObject): Uint8Array => {
        // About one signature in 256 is of this kind.
        for (;;) {
          const { signature } = sign(key, content);
          if (signature[0] === 0) return signature;
        }
      };
      peer.sendAccept(signedOtherwise(context, peer, 'server', small));
      await client.expectEvent('established', 'EST-005');
    },
  },
  {
    id: 'EST-022/after-a-refused-accept',
    requirements: ['EST-022', 'EST-011'],
    title: 'a refused ACCEPT leaves nothing behind',
    stimulus: 'A wrong ACCEPT is refused; then the client is asked to connect again, and gets a right one.',
    expectation: 'The second connection is established, with another nonce in its CONNECT.',
    run: async (context) => {
      const first = await context.connecting();
      first.peer.sendAccept({ label: 'connect' });
      await expectRefused(context, first, 'SIGNATURE_INVALID', 'EST-022');
      const { peer, client } = await context.connected();
      const connect = await peer.establish();
      await client.expectEvent('established', 'EST-022');
      const nonces = [first.connect, connect].map((frame) => Buffer.from(frame.bytes('client_nonce')).toString('hex'));
      if (nonces[0] === nonces[1]) fail('two different nonces', 'the same one twice', 'EST-011');
    },
  },
  {
    id: 'EST-022/second-accept',
    requirements: ['EST-022', 'SES-001'],
    title: 'a session is granted once',
    stimulus: 'Behind a right ACCEPT the same ACCEPT arrives again.',
    expectation: 'The client sends CLOSE(FRAME_UNEXPECTED).',
    run: async (context) => {
      const { peer } = await context.established();
      peer.sendFrame(peer.acceptFrame ?? new Uint8Array(0));
      await expectClose(context, peer, 'FRAME_UNEXPECTED', 'SES-001');
    },
  },
  {
    id: 'EST-022/wrong-then-right',
    requirements: ['EST-022', 'SES-028', 'WIR-028'],
    title: 'a right ACCEPT behind a wrong one comes too late',
    stimulus: 'An ACCEPT with a wrong signature and a right one arrive in one TLS record.',
    expectation: 'The client sends CLOSE(SIGNATURE_INVALID), nothing else, and reports a failure.',
    run: async (context) => {
      const met = await context.connecting();
      met.peer.sendTogether([met.peer.buildAccept({ label: 'connect' }), met.peer.buildAccept()]);
      await expectRefused(context, met, 'SIGNATURE_INVALID', 'EST-022');
    },
  },
  {
    id: 'EST-022/session-id-reported',
    requirements: ['EST-022'],
    title: 'the session has the id that the server gave it',
    stimulus: 'ACCEPT grants a session with a random id.',
    expectation: 'The client reports the session; where it reports an id, that one.',
    run: async (context) => {
      const { peer, client } = await context.connecting();
      const id = context.bytes(16);
      peer.sendAccept({ fields: { session_id: id } });
      const event = await client.expectEvent('established', 'EST-022');
      if (event.session !== undefined) assertEqual('session', event.session, Buffer.from(id).toString('hex'));
    },
  },
]);
