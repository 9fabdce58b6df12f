/** Just enough DER to sign a certificate or revocation list anew, and to change octets in it. */
import { concat, fromHex, toHex } from '../../conformance/model/codec.ts';
import type { Signer } from './signatures.ts';

interface Element {
  /** Tag, length and value. */
  readonly whole: Uint8Array;
  readonly value: Uint8Array;
}

function elementAt(der: Uint8Array, at: number): Element {
  const first = der[at + 1] ?? 0;
  const lengthOctets = first < 0x80 ? 0 : first & 0x7f;
  const length = lengthOctets === 0 ? first : Number.parseInt(toHex(der.subarray(at + 2, at + 2 + lengthOctets)), 16);
  const start = at + 2 + lengthOctets;
  return { whole: der.subarray(at, start + length), value: der.subarray(start, start + length) };
}

function element(tag: number, value: Uint8Array): Uint8Array {
  if (value.length < 0x80) return concat(Uint8Array.of(tag, value.length), value);
  const digits = value.length.toString(16);
  const length = fromHex(digits.padStart(digits.length + (digits.length % 2), '0'));
  return concat(Uint8Array.of(tag, 0x80 + length.length), length, value);
}

/** The three parts of a signed object: what is signed, the algorithm, the signature. */
function partsOf(der: Uint8Array): {
  readonly content: Uint8Array;
  readonly algorithm: Uint8Array;
  readonly signature: Uint8Array;
} {
  const { value } = elementAt(der, 0);
  const content = elementAt(value, 0).whole;
  const algorithm = elementAt(value, content.length).whole;
  const signature = elementAt(value, content.length + algorithm.length).value.subarray(1);
  return { content, algorithm, signature };
}

function assemble(content: Uint8Array, algorithm: Uint8Array, signature: Uint8Array): Uint8Array {
  return element(0x30, concat(content, algorithm, element(0x03, concat(Uint8Array.of(0), signature))));
}

/** A certificate or list with a signature of its content by another signer. */
export function signAnew(der: Uint8Array, signer: Signer): Uint8Array {
  const { content, algorithm } = partsOf(der);
  return assemble(content, algorithm, signer(content));
}

/** A certificate or list with one bit of its signature changed. */
export function withBrokenSignature(der: Uint8Array): Uint8Array {
  const { content, algorithm, signature } = partsOf(der);
  const broken = signature.slice();
  broken[broken.length - 1] = (broken.at(-1) ?? 0) ^ 1;
  return assemble(content, algorithm, broken);
}

/** Replaces every occurrence of some octets by others of the same length. */
export function replaceOctets(der: Uint8Array, from: Uint8Array, to: Uint8Array): Uint8Array {
  if (from.length !== to.length) throw new RangeError('lengths inside of DER would no longer fit');
  const text = toHex(der);
  const changed = text.replaceAll(toHex(from), toHex(to));
  if (changed === text) throw new RangeError('the octets do not occur');
  return fromHex(changed);
}
