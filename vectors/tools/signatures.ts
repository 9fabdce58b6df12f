/** Signatures that come out the same in every run, in the right form and in wrong ones. */
import { constants, createHash, privateEncrypt, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { p256, p384 } from '@noble/curves/nist.js';
import { concat, integer, readInteger } from '../../conformance/model/codec.ts';
import { octetsFor } from './octet-source.ts';

export type Signer = (content: Uint8Array) => Uint8Array;

const digest = (hash: string, octets: Uint8Array): Uint8Array =>
  new Uint8Array(createHash(hash).update(octets).digest());

const scalarOf = (key: KeyObject): Uint8Array =>
  new Uint8Array(Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url'));

/** ECDSA with the nonce of RFC 6979; r and s, each of the size of the curve. */
export function ecdsa(key: KeyObject, hash?: 'sha1' | 'sha256' | 'sha384'): Signer {
  const small = key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
  const curve = small ? p256 : p384;
  const algorithm = hash ?? (small ? 'sha256' : 'sha384');
  return (content) => curve.sign(digest(algorithm, content), scalarOf(key), { prehash: false, lowS: false });
}

/** The order of an ECDSA key's curve. */
export function orderOf(key: KeyObject): bigint {
  const small = key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
  return (small ? p256 : p384).Point.CURVE().n;
}

export interface PssParameters {
  readonly hash?: string;
  readonly maskHash?: string;
  readonly saltBytes?: number;
  /** Last octet of the encoded message; 0xbc in RFC 8017. */
  readonly trailer?: number;
}

function mask(hash: string, seed: Uint8Array, size: number): Uint8Array {
  const blocks: Uint8Array[] = [];
  for (let counter = 0; blocks.length * digest(hash, seed).length < size; counter += 1) {
    blocks.push(digest(hash, concat(seed, integer(counter, 4))));
  }
  return concat(...blocks).subarray(0, size);
}

/** RSASSA-PSS (RFC 8017, section 8.1.1) with a salt that follows from the content. */
export function pss(key: KeyObject, parameters: PssParameters = {}): Signer {
  const { hash = 'sha256', maskHash = 'sha256', saltBytes = 32, trailer = 0xbc } = parameters;
  return (content) => {
    const bits = (key.asymmetricKeyDetails?.modulusLength ?? 0) - 1;
    const size = Math.ceil(bits / 8);
    const salt = octetsFor(`salt ${Buffer.from(content).toString('hex')}`, saltBytes);
    const inner = digest(hash, concat(new Uint8Array(8), digest(hash, content), salt));
    const block = concat(new Uint8Array(size - saltBytes - inner.length - 2), Uint8Array.of(1), salt);
    const stream = mask(maskHash, inner, block.length);
    const masked = block.map((octet, index) => octet ^ (stream[index] ?? 0));
    masked[0] = (masked[0] ?? 0) & (0xff >> (8 * size - bits));
    const encoded = concat(masked, inner, Uint8Array.of(trailer));
    return new Uint8Array(privateEncrypt({ key, padding: constants.RSA_NO_PADDING }, encoded));
  };
}

/** RSASSA-PKCS1-v1_5 with SHA-256 or another hash, which is deterministic by itself. */
export function pkcs1(key: KeyObject, hash = 'sha256'): Signer {
  return (content) => new Uint8Array(sign(hash, content, { key, padding: constants.RSA_PKCS1_PADDING }));
}

/** The signer of the scheme that belongs to a key. */
export function signerOf(key: KeyObject): Signer {
  if (key.asymmetricKeyType === 'ec') return ecdsa(key);
  if (key.asymmetricKeyType === 'rsa') return pss(key);
  return (content) => new Uint8Array(sign(null, content, key));
}

function derInteger(octets: Uint8Array): Uint8Array {
  const start = octets.findIndex((octet) => octet !== 0);
  const body = start < 0 ? Uint8Array.of(0) : octets.subarray(start);
  const padded = (body[0] ?? 0) > 0x7f ? concat(Uint8Array.of(0), body) : body;
  return concat(Uint8Array.of(2, padded.length), padded);
}

/** An ECDSA signature in DER, as X.509 and most libraries write it. */
export function toDer(signature: Uint8Array): Uint8Array {
  const half = signature.length / 2;
  const body = concat(derInteger(signature.subarray(0, half)), derInteger(signature.subarray(half)));
  return concat(Uint8Array.of(0x30, body.length), body);
}

/** The same signature with the other of the two possible values of s. */
export function withOtherS(key: KeyObject, signature: Uint8Array): Uint8Array {
  const half = signature.length / 2;
  const s = orderOf(key) - readInteger(signature.subarray(half));
  return concat(signature.subarray(0, half), integer(s, half));
}

/** Whether s lies in the upper half of its range. */
export function hasHighS(key: KeyObject, signature: Uint8Array): boolean {
  return 2n * readInteger(signature.subarray(signature.length / 2)) > orderOf(key);
}
