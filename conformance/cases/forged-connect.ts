import type { KeyObject } from 'node:crypto';
import { createPublicKey } from 'node:crypto';
import type { FieldInput } from '../model/codec.ts';
import { buildFrame, concat, integer } from '../model/codec.ts';
import { registry } from '../model/registry.ts';
import { schemeOfKey, sign, signedContent } from '../model/transcript.ts';
import type { ClientPeer } from '../peer/client-peer.ts';
import { exporterValue } from '../peer/establishment.ts';
import type { ServerContext } from './server-context.ts';

/** The parts of the connect transcript before CONNECT itself, as they are right for a connection. */
export interface TranscriptParts {
  readonly exporter: Uint8Array;
  readonly clientLeaf: Uint8Array;
  readonly serverLeaf: Uint8Array;
  readonly challenge: Uint8Array;
}

/** What is right for a connection whose CHALLENGE has been received; `as` is what the client presents. */
export function transcriptParts(context: ServerContext, peer: ClientPeer, as = 'client'): TranscriptParts {
  const challenge = peer.challenge?.octets;
  if (challenge === undefined) throw new TypeError('CHALLENGE was not received');
  return {
    exporter: exporterValue(peer.socket, challenge),
    clientLeaf: context.kit.credential(as).leafHash,
    serverLeaf: context.kit.credential('server').leafHash,
    challenge,
  };
}

/** Octets of a signature in the scheme of a key. */
export function signatureLength(key: KeyObject): number {
  const fixed = schemeOfKey(key)?.signatureBytes;
  if (fixed !== undefined) return fixed;
  const bits = createPublicKey(key).asymmetricKeyDetails?.modulusLength;
  if (bits === undefined) throw new TypeError('no signature scheme belongs to this key');
  return Math.ceil(bits / 8);
}

/**
 * A CONNECT of which any field may be wrong, and which is nevertheless signed rightly over the octets that are sent: a receiver
 * that judged the signature before the payload would find nothing to object to.
 *
 * @param fields - fields in place of the right ones; `{ octets }` for a field that is not even well-formed.
 */
export function forgeConnect(
  context: ServerContext,
  peer: ClientPeer,
  fields: Readonly<Record<string, FieldInput>>,
): Uint8Array {
  const { key } = context.kit.credential('client');
  const length = signatureLength(key);
  const complete = {
    client_nonce: context.bytes(32),
    audience: context.target.identity,
    scheme: schemeOfKey(key)?.id ?? 0,
    ...fields,
    signature: { octets: new Uint8Array(0) },
  };
  const bare = buildFrame('CONNECT', { fields: complete });
  const unsigned = concat(bare);
  unsigned.set(integer(bare.length - registry.header.bytes + 2 + length, 2), 2);
  const { exporter, clientLeaf, serverLeaf, challenge } = transcriptParts(context, peer);
  const content = signedContent('connect', concat(exporter, clientLeaf, serverLeaf, challenge, unsigned));
  return concat(unsigned, integer(length, 2), sign(key, content).signature);
}

/** Sends octets as the CONNECT of a connection. */
export function sendForged(peer: ClientPeer, connect: Uint8Array): void {
  peer.connectFrame = connect;
  peer.sendFrame(connect);
}
