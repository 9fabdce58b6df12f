import type { Cipher } from 'node:crypto';
import { createCipheriv, createHash } from 'node:crypto';

/** Deterministic octets from a seed: the key stream of AES-256 in counter mode. Good for tests, not a secret. */
export class SeededRandom {
  readonly seed: number;
  #stream: Cipher | undefined;

  /** @param seed - an unsigned 32-bit integer. */
  constructor(seed: number) {
    this.seed = seed >>> 0;
  }

  /** The next `length` octets. */
  bytes(length: number): Uint8Array {
    // The key is made with the first octet: most cases draw none.
    const key = (): Uint8Array => createHash('sha256').update(String(this.seed)).digest();
    this.#stream ??= createCipheriv('aes-256-ctr', key(), new Uint8Array(16));
    return new Uint8Array(this.#stream.update(new Uint8Array(length)));
  }

  /** An integer from 0 to `bound` - 1. */
  integer(bound: number): number {
    return new DataView(this.bytes(4).buffer).getUint32(0) % bound;
  }

  /** One element of a list that is not empty. */
  pick<T>(list: readonly [T, ...T[]] | readonly T[]): T {
    const element = list[this.integer(list.length)];
    if (element === undefined) throw new RangeError('nothing to pick from');
    return element;
  }
}

/** The seed of one case, from the seed of the run and the id of the case. */
export function caseSeed(runSeed: number, caseId: string): number {
  return createHash('sha256').update(`${runSeed}/${caseId}`).digest().readUInt32BE(0);
}
