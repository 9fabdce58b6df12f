import { createHash } from 'node:crypto';

/** Octets that look random and are the same in every run: SHA-256 of a label and a counter. */
export function octetsFor(label: string, size: number): Uint8Array {
  const blocks = Array.from({ length: Math.ceil(size / 32) }, (_, counter) =>
    createHash('sha256').update(`hawser test vectors: ${label}: ${counter}`).digest(),
  );
  return new Uint8Array(Buffer.concat(blocks).subarray(0, size));
}
