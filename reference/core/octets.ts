/** The empty string of octets. */
export const NO_OCTETS: Uint8Array = new Uint8Array(0);

/** Two to the power of 32: what the high half of a `u53` counts. */
export const HIGH_HALF = 0x1_0000_0000;

/** A view for reading and writing integers of the same octets. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Writes a `u53` as its two 32-bit halves; the value is exact up to 2^53 - 1. */
export function setU53(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, Math.floor(value / HIGH_HALF));
  view.setUint32(offset + 4, value >>> 0);
}

/** Reads eight octets as a number: exact up to 2^53 - 1, and above it never mistaken for a smaller one. */
export function getU53(view: DataView, offset: number): number {
  return view.getUint32(offset) * HIGH_HALF + view.getUint32(offset + 4);
}

/** Joins octets into a new array. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/** Whether two strings of octets are the same; not for secrets, the time depends on the octets. */
export function equals(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((octet, index) => octet === b[index]);
}

/** Octets as lower-case hexadecimal. */
export function encodeHex(bytes: Uint8Array): string {
  let text = '';
  for (const octet of bytes) text += octet.toString(16).padStart(2, '0');
  return text;
}

/** Lower-case hexadecimal as octets; undefined when it is anything else. */
export function parseHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/.test(text)) return undefined;
  return Uint8Array.from({ length: text.length / 2 }, (_, index) =>
    Number.parseInt(text.slice(2 * index, 2 * index + 2), 16),
  );
}
