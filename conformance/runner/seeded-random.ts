import { createHash } from 'node:crypto';

/** Deterministic octets from a seed: SHA-256 over seed and counter. Good for tests, not a secret. */
export class SeededRandom {
  readonly seed: number;
  #counter = 0;
  #pool: Uint8Array = new Uint8Array(0);

  /** @param seed - an unsigned 32-bit integer. */
  constructor(seed: number) {
    this.seed = seed >>> 0;
  }

  /** The next `length` octets. */
  bytes(length: number): Uint8Array {
    const result = new Uint8Array(length);
    for (let filled = 0; filled < length;) {
      if (this.#pool.length === 0) {
        this.#pool = createHash('sha256').update(`${this.seed}/${this.#counter++}`).digest();
      }
      const part = this.#pool.subarray(0, length - filled);
      result.set(part, filled);
      this.#pool = this.#pool.subarray(part.length);
      filled += part.length;
    }
    return result;
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
