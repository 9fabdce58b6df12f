import { sha256 } from '@noble/hashes/sha2.js';
import type { Signer } from './authentication.ts';
import { InternalError } from './errors.ts';
import { concat } from './octets.ts';
import { PROTOCOL } from './registry.gen.ts';

/** What stands before the frames in both transcripts (chapter 4.1). */
export interface BoundValues {
  readonly exporter: Uint8Array;
  /** SHA-256 of each leaf certificate in DER. */
  readonly clientLeafHash: Uint8Array;
  readonly serverLeafHash: Uint8Array;
}

const LABEL_ENCODER = new TextEncoder();

/** Octets of the length before a signature. */
const SIGNATURE_LENGTH_BYTES = 2;

/** The context value of the TLS exporter: SHA-256 of the complete CHALLENGE. */
export function exporterContext(challenge: Uint8Array): Uint8Array {
  return sha256(challenge);
}

/**
 * What the client signs (chapter 4.2).
 *
 * @param challenge - the complete frame as sent or received. [EST-001]
 * @param connect - likewise; what its signature octets hold does not matter.
 * @param signatureBytes - length of that signature.
 */
export function connectContent(
  bound: BoundValues,
  challenge: Uint8Array,
  connect: Uint8Array,
  signatureBytes: number,
): Uint8Array {
  return signedContent(PROTOCOL.signatureLabels.connect, bound, challenge, withoutSignature(connect, signatureBytes));
}

/**
 * What the server signs (chapter 4.2); the frames as for {@link connectContent}.
 */
export function acceptContent(
  bound: BoundValues,
  challenge: Uint8Array,
  connect: Uint8Array,
  accept: Uint8Array,
  signatureBytes: number,
): Uint8Array {
  const unsigned = withoutSignature(accept, signatureBytes);
  return signedContent(PROTOCOL.signatureLabels.accept, bound, challenge, connect, unsigned);
}

/**
 * Signs a frame that was encoded with a signature of the right length in its place.
 *
 * @param content - what {@link connectContent} or {@link acceptContent} gave for the frame.
 * @throws InternalError when the signer does not keep to the length that it stated.
 */
export function signFrame(frame: Uint8Array, content: Uint8Array, signer: Signer): void {
  const signature = signer.sign(content);
  if (signature.length !== signer.signatureBytes) {
    throw new InternalError(`The signer gave ${signature.length} octets instead of ${signer.signatureBytes}.`);
  }
  frame.set(signature, frame.length - signature.length);
}

function withoutSignature(frame: Uint8Array, signatureBytes: number): Uint8Array {
  return frame.subarray(0, frame.length - signatureBytes - SIGNATURE_LENGTH_BYTES);
}

function signedContent(label: string, bound: BoundValues, ...frames: readonly Uint8Array[]): Uint8Array {
  const transcript = sha256.create().update(bound.exporter).update(bound.clientLeafHash).update(bound.serverLeafHash);
  for (const frame of frames) transcript.update(frame);
  const { octet, count } = PROTOCOL.signaturePad;
  const pad = new Uint8Array(count).fill(octet);
  return concat(pad, LABEL_ENCODER.encode(label), Uint8Array.of(0), transcript.digest());
}
