/**
 * What establishment signs (section 4.2) and a proof (section 13.7), and how (sections 4.1 and 4.2), written down from the text with
 * Node's cryptography.
 */
import { constants, createHash, sign as nodeSign, verify as nodeVerify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { decodePayload } from './decode.ts';
import { decodeHeader } from './frame.ts';
import { concat, integer, readInteger } from './octets.ts';
import { frameNamed, frameOfType, parameterNamed, registry, schemeOfId } from './registry.ts';
import type { SchemeRow } from './registry.ts';

export type SignatureLabel = keyof typeof registry.protocol.signatureLabels;

/** What both transcripts begin with. */
export interface TranscriptInput {
  /** TLS exporter value of the connection, 32 octets. */
  readonly exporter: Uint8Array;
  /** SHA-256 of the client's leaf certificate in DER. */
  readonly clientLeaf: Uint8Array;
  /** SHA-256 of the server's leaf certificate in DER. */
  readonly serverLeaf: Uint8Array;
  /** Complete frames, exactly as sent or received. */
  readonly challenge: Uint8Array;
  readonly connect: Uint8Array;
}

export function sha256(octets: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(octets).digest());
}

/** The context of the TLS exporter: SHA-256 of the complete CHALLENGE frame. */
export function exporterContext(challenge: Uint8Array): Uint8Array {
  return sha256(challenge);
}

/** SHA-256 of a certificate in DER. */
export function leafHash(der: Uint8Array): Uint8Array {
  return sha256(der);
}

/**
 * A signed frame up to and including `scheme`; its header stays as it is on the wire.
 *
 * @throws TypeError for a frame that has no signature or does not reach it.
 */
export function withoutSignature(frame: Uint8Array): Uint8Array {
  const header = decodeHeader(frame);
  const row = header && frameOfType(header.type);
  if (row === undefined) throw new TypeError('not a frame');
  const { spans } = decodePayload(row, frame.subarray(registry.header.bytes));
  const scheme = spans.find(({ field }) => field === 'scheme');
  if (scheme === undefined) throw new TypeError(`${row.name} does not reach a signature`);
  return frame.slice(0, registry.header.bytes + scheme.offset + scheme.length);
}

/** A signed frame with other octets as its signature, of whatever length; header and length field follow. */
export function withSignature(frame: Uint8Array, signature: Uint8Array): Uint8Array {
  const signed = concat(withoutSignature(frame), integer(signature.length, 2), signature);
  signed.set(integer(signed.length - registry.header.bytes, 2), 2);
  return signed;
}

export function connectTranscript(input: TranscriptInput): Uint8Array {
  const { exporter, clientLeaf, serverLeaf, challenge, connect } = input;
  return concat(exporter, clientLeaf, serverLeaf, challenge, withoutSignature(connect));
}

export function acceptTranscript(input: TranscriptInput, accept: Uint8Array): Uint8Array {
  const { exporter, clientLeaf, serverLeaf, challenge, connect } = input;
  return concat(exporter, clientLeaf, serverLeaf, challenge, connect, withoutSignature(accept));
}

/** What both transcripts of a proof begin with: payloads, exactly as sent or received (section 13.7). */
export interface ProofInput {
  readonly open: Uint8Array;
  readonly prove: Uint8Array;
}

/** The payload of a PROOF up to and including `scheme`. Throws TypeError for one that does not reach it. */
export function proofWithoutSignature(proof: Uint8Array): Uint8Array {
  const scheme = decodePayload(frameNamed('PROOF'), proof).spans.find(({ field }) => field === 'scheme');
  if (scheme === undefined) throw new TypeError('PROOF does not reach its scheme');
  return proof.slice(0, scheme.offset + scheme.length);
}

/** The parameters in the payload of an OPENED but `open_signature`, without the length of the list. */
export function parametersWithoutSignature(opened: Uint8Array): Uint8Array {
  const { id } = parameterNamed('open_signature');
  const kept: Uint8Array[] = [];
  for (let at = 2; at + 4 <= opened.length;) {
    const end = at + 4 + Number(readInteger(opened.subarray(at + 2, at + 4)));
    if (Number(readInteger(opened.subarray(at, at + 2))) !== id) kept.push(opened.subarray(at, end));
    at = end;
  }
  return concat(...kept);
}

export function proofTranscript({ open, prove }: ProofInput, proof: Uint8Array): Uint8Array {
  return concat(open, prove, proofWithoutSignature(proof));
}

export function openingTranscript({ open, prove }: ProofInput, proof: Uint8Array, opened: Uint8Array): Uint8Array {
  return concat(open, prove, proof, parametersWithoutSignature(opened));
}

/** The octets that are signed for a transcript. */
export function signedContent(label: SignatureLabel, transcript: Uint8Array): Uint8Array {
  const { octet, count } = registry.protocol.signaturePad;
  return concat(
    new Uint8Array(count).fill(octet),
    new TextEncoder().encode(registry.protocol.signatureLabels[label]),
    Uint8Array.of(0),
    sha256(transcript),
  );
}

/** The one scheme that belongs to a key (EST-003); undefined for a key that Hawser does not admit. */
export function schemeOfKey(key: KeyObject): SchemeRow | undefined {
  // Asking a key for its details costs as much as a signature.
  if (!schemes.has(key)) schemes.set(key, findScheme(key));
  return schemes.get(key);
}

const schemes = new WeakMap<KeyObject, SchemeRow | undefined>();

function findScheme(key: KeyObject): SchemeRow | undefined {
  const curves: Readonly<Record<string, string>> = { prime256v1: 'ecdsa-p256', secp384r1: 'ecdsa-p384' };
  const type = key.asymmetricKeyType ?? '';
  const name = type === 'ec' ? curves[key.asymmetricKeyDetails?.namedCurve ?? ''] : type;
  return registry.signatureSchemes.find((row) => row.key === name);
}

interface Algorithm {
  readonly hash: string | null;
  readonly options: { readonly padding?: number; readonly saltLength?: number; readonly dsaEncoding?: 'ieee-p1363' };
}

function algorithmOf(scheme: SchemeRow): Algorithm {
  const hash = scheme.hash?.replace('-', '').toLowerCase() ?? null;
  if (scheme.key === 'rsa') return { hash, options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } };
  if (scheme.key.startsWith('ecdsa')) return { hash, options: { dsaEncoding: 'ieee-p1363' } };
  return { hash, options: {} };
}

/** Signs with the scheme of the private key. Throws TypeError for a key that Hawser does not admit. */
export function sign(key: KeyObject, content: Uint8Array): { readonly scheme: number; readonly signature: Uint8Array } {
  const scheme = schemeOfKey(key);
  if (scheme === undefined) throw new TypeError('no signature scheme belongs to this key');
  const { hash, options } = algorithmOf(scheme);
  return { scheme: scheme.id, signature: new Uint8Array(nodeSign(hash, content, { key, ...options })) };
}

/** Whether `signature` is one of `content` by the key, in the scheme that belongs to the key (EST-004, EST-005). */
export function verify(scheme: number, key: KeyObject, content: Uint8Array, signature: Uint8Array): boolean {
  const row = schemeOfId(scheme);
  if (row === undefined || row !== schemeOfKey(key)) return false;
  const bits = key.asymmetricKeyDetails?.modulusLength;
  const expected = row.signatureBytes ?? (bits === undefined ? undefined : Math.ceil(bits / 8));
  if (signature.length !== expected) return false;
  const { hash, options } = algorithmOf(row);
  return nodeVerify(hash, content, { key, ...options }, signature);
}
