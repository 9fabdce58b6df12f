/** Octet strings: hexadecimal text, concatenation and big-endian integers of any size. */

/** Integers of so many octets fit a number, which is several times as fast as text. */
const MAX_NUMBER_OCTETS = 6;

/** Lower-case hexadecimal text of `octets`. */
export function toHex(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString('hex');
}

/**
 * The octets that hexadecimal text names; white space between them is allowed, so that hand-written input can be grouped.
 *
 * @throws TypeError for anything else.
 */
export function fromHex(text: string): Uint8Array {
  const digits = text.replaceAll(/\s+/g, '');
  if (digits.length % 2 !== 0 || /[^0-9a-fA-F]/.test(digits)) throw new TypeError(`not hexadecimal: ${text}`);
  return new Uint8Array(Buffer.from(digits, 'hex'));
}

/** All parts, one after the other. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/**
 * `value` in `size` octets, big-endian.
 *
 * @throws RangeError when it does not fit.
 */
export function integer(value: number | bigint, size: number): Uint8Array {
  const fits = size > 0 && size <= MAX_NUMBER_OCTETS && value >= 0 && value < 256 ** size;
  if (fits && typeof value === 'number' && Number.isInteger(value)) {
    const octets = Buffer.alloc(size);
    octets.writeUIntBE(value, 0, size);
    return new Uint8Array(octets);
  }
  const digits = BigInt(value)
    .toString(16)
    .padStart(2 * size, '0');
  if (BigInt(value) < 0n || digits.length > 2 * size) {
    throw new RangeError(`${String(value)} does not fit into ${size} octets`);
  }
  return fromHex(digits);
}

/** The big-endian unsigned integer in `octets`; 0 for no octets. */
export function readInteger(octets: Uint8Array): bigint {
  if (octets.length > 0 && octets.length <= MAX_NUMBER_OCTETS) {
    return BigInt(Buffer.from(octets.buffer, octets.byteOffset, octets.length).readUIntBE(0, octets.length));
  }
  return BigInt(`0x0${toHex(octets)}`);
}

/** Whether two octet strings are the same. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
