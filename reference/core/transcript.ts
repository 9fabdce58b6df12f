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

/** The payloads before OPENED that end-to-end proof is about, as they were sent and received (chapter 13.7). */
export interface ProofPayloads {
  readonly open: Uint8Array;
  readonly prove: Uint8Array;
  readonly proof: Uint8Array;
}

/**
 * What the client signs in PROOF (chapter 13.7); what its signature octets hold does not matter.
 *
 * @param signatureBytes - length of that signature.
 */
export function proofContent({ open, prove, proof }: ProofPayloads, signatureBytes: number): Uint8Array {
  return contentOf(PROTOCOL.signatureLabels.proof, open, prove, withoutSignature(proof, signatureBytes));
}

/**
 * What the application end signs in OPENED (chapter 13.7).
 *
 * @param parameters - those of OPENED without `open_signature`, and without their total length.
 */
export function openingContent({ open, prove, proof }: ProofPayloads, parameters: Uint8Array): Uint8Array {
  return contentOf(PROTOCOL.signatureLabels.opened, open, prove, proof, parameters);
}

/**
 * Signs a frame, or a payload, that was encoded with a signature of the right length in its place.
 *
 * @param content - what {@link connectContent}, {@link acceptContent} or {@link proofContent} gave for it.
 * @throws InternalError when the signer does not keep to the length that it stated.
 */
export function signFrame(frame: Uint8Array, content: Uint8Array, signer: Signer): void {
  const signature = signatureOf(content, signer);
  frame.set(signature, frame.length - signature.length);
}

/**
 * A signature of the length that its signer stated.
 *
 * @throws InternalError when the signer does not keep to it.
 */
export function signatureOf(content: Uint8Array, signer: Signer): Uint8Array {
  const signature = signer.sign(content);
  if (signature.length === signer.signatureBytes) return signature;
  throw new InternalError(`The signer gave ${signature.length} octets instead of ${signer.signatureBytes}.`);
}

function withoutSignature(frame: Uint8Array, signatureBytes: number): Uint8Array {
  return frame.subarray(0, frame.length - signatureBytes - SIGNATURE_LENGTH_BYTES);
}

function signedContent(label: string, bound: BoundValues, ...frames: readonly Uint8Array[]): Uint8Array {
  return contentOf(label, bound.exporter, bound.clientLeafHash, bound.serverLeafHash, ...frames);
}

/** What is signed of a transcript that consists of these parts (chapter 4.2). */
function contentOf(label: string, ...parts: readonly Uint8Array[]): Uint8Array {
  const transcript = sha256.create();
  for (const part of parts) transcript.update(part);
  const { octet, count } = PROTOCOL.signaturePad;
  const pad = new Uint8Array(count).fill(octet);
  return concat(pad, LABEL_ENCODER.encode(label), Uint8Array.of(0), transcript.digest());
}
