/** A client and a server for each type of key, and the establishment of a session between two of them. */
import type { KeyObject } from 'node:crypto';
import { buildFrame } from '../../conformance/model/codec.ts';
import type { FieldInput } from '../../conformance/model/codec.ts';
import {
  acceptTranscript,
  connectTranscript,
  leafHash,
  schemeOfKey,
  signedContent,
  withSignature,
} from '../../conformance/model/transcript.ts';
import type { TranscriptInput } from '../../conformance/model/transcript.ts';
import { Authority } from './authority.ts';
import type { Leaf } from './authority.ts';
import { ecKey, ed25519Key, rsaKey } from './keys.ts';
import { octetsFor } from './octet-source.ts';
import { signerOf } from './signatures.ts';
import type { Signer } from './signatures.ts';

export const CLIENT_IDENTITY = 'spiffe://example.test/client';
export const SERVER_IDENTITY = 'spiffe://example.test/server';

export const KEY_NAMES = ['ecdsa-p256', 'ecdsa-p384', 'ed25519', 'rsa-2048', 'rsa-3072'] as const;
export type KeyName = (typeof KEY_NAMES)[number];

export function keyNamed(name: KeyName, owner: 'client' | 'server'): KeyObject {
  switch (name) {
    case 'ecdsa-p256':
      return ecKey('P-256', owner);
    case 'ecdsa-p384':
      return ecKey('P-384', owner);
    case 'ed25519':
      return ed25519Key(owner);
    case 'rsa-2048':
      return rsaKey(`rsa-2048-${owner}`);
    case 'rsa-3072':
      return rsaKey('rsa-3072');
  }
}

/** The authority of both parties and their certificates, by type of key. */
export interface Parties {
  readonly root: Authority;
  readonly client: Readonly<Record<KeyName, Leaf>>;
  readonly server: Readonly<Record<KeyName, Leaf>>;
}

export async function issueParties(): Promise<Parties> {
  const root = await Authority.root('Hawser test root', ed25519Key('root'));
  const issue = async (owner: 'client' | 'server'): Promise<Readonly<Record<KeyName, Leaf>>> => {
    const uris = [owner === 'client' ? CLIENT_IDENTITY : SERVER_IDENTITY];
    const leaves = KEY_NAMES.map(
      async (name) =>
        [name, await root.issue(`${owner} ${name}`, keyNamed(name, owner), { role: owner, uris })] as const,
    );
    return Object.fromEntries(await Promise.all(leaves)) as Record<KeyName, Leaf>;
  };
  return { root, client: await issue('client'), server: await issue('server') };
}

/** Everything that the transcripts are made of, and both signed frames. */
export interface Establishment {
  readonly exporter: Uint8Array;
  readonly client: Leaf;
  readonly server: Leaf;
  readonly challenge: Uint8Array;
  readonly connect: Uint8Array;
  readonly accept: Uint8Array;
}

/** Changes to an ordinary establishment, before it is signed. */
export interface EstablishmentOptions {
  readonly challenge?: Readonly<Record<string, FieldInput>>;
  readonly connect?: Readonly<Record<string, FieldInput>>;
  readonly accept?: Readonly<Record<string, FieldInput>>;
  readonly signConnect?: Signer;
  readonly signAccept?: Signer;
  /** What is signed instead of the signed content of section 4.2. */
  readonly connectContent?: (input: TranscriptInput) => Uint8Array;
  readonly acceptContent?: (input: TranscriptInput, accept: Uint8Array) => Uint8Array;
  readonly label?: string;
}

/**
 * Signs a frame whose header counts the octets of its own signature. Undefined where no length fits itself, which happens with
 * DER, whose length depends on the values.
 */
function signFrame(
  frame: Uint8Array,
  content: (frame: Uint8Array) => Uint8Array,
  signer: Signer,
): Uint8Array | undefined {
  const { length } = signer(content(frame));
  for (const guess of [length, length + 1, length - 1, length + 2, length - 2]) {
    const signature = signer(content(withSignature(frame, new Uint8Array(guess))));
    if (signature.length === guess) return withSignature(frame, signature);
  }
  return undefined;
}

export function transcriptInput(establishment: Omit<Establishment, 'accept'>): TranscriptInput {
  const { exporter, client, server, challenge, connect } = establishment;
  return { exporter, clientLeaf: leafHash(client.der), serverLeaf: leafHash(server.der), challenge, connect };
}

/** Establishes a session on paper. */
export function establish(client: Leaf, server: Leaf, options: EstablishmentOptions = {}): Establishment {
  const { label = 'session' } = options;
  for (let attempt = 0; attempt < 64; attempt += 1) {
    const settled = tryEstablish(client, server, attempt === 0 ? label : `${label} ${attempt}`, options);
    if (settled !== undefined) return settled;
  }
  throw new RangeError('no signature settles on a length');
}

function tryEstablish(
  client: Leaf,
  server: Leaf,
  label: string,
  options: EstablishmentOptions,
): Establishment | undefined {
  const exporter = octetsFor(`${label} exporter`, 32);
  const challenge = buildFrame('CHALLENGE', {
    fields: { server_nonce: octetsFor(`${label} server nonce`, 32), ...options.challenge },
  });
  const unsignedConnect = buildFrame('CONNECT', {
    fields: {
      client_nonce: octetsFor(`${label} client nonce`, 32),
      audience: SERVER_IDENTITY,
      scheme: schemeOfKey(client.key)?.id ?? 0,
      ...options.connect,
    },
  });
  const before = { exporter, client, server, challenge };
  const connectContent = options.connectContent ?? ((input) => signedContent('connect', connectTranscript(input)));
  const connect = signFrame(
    unsignedConnect,
    (frame) => connectContent(transcriptInput({ ...before, connect: frame })),
    options.signConnect ?? signerOf(client.key),
  );
  if (connect === undefined) return undefined;
  const unsignedAccept = buildFrame('ACCEPT', {
    fields: {
      session_id: octetsFor(`${label} session id`, 16),
      scheme: schemeOfKey(server.key)?.id ?? 0,
      ...options.accept,
    },
  });
  const input = transcriptInput({ ...before, connect });
  const acceptContent =
    options.acceptContent ?? ((parts, frame) => signedContent('accept', acceptTranscript(parts, frame)));
  const accept = signFrame(
    unsignedAccept,
    (frame) => acceptContent(input, frame),
    options.signAccept ?? signerOf(server.key),
  );
  return accept && { ...before, connect, accept };
}
