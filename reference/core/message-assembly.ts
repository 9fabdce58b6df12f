import { NO_OCTETS } from './octets.ts';
import { MAX_PAYLOAD_BYTES } from './registry.gen.ts';

/** Capacity to begin with, in octets: a message of 64 KiB fits without growing. */
const FIRST_CAPACITY = 5 * MAX_PAYLOAD_BYTES;

/**
 * Gathers the fragments of one message in one buffer, which grows by doubling: however small the fragments are, it is
 * less than twice as large as what has come.
 */
export class MessageAssembly {
  readonly #maxBytes: number;
  #buffer: Uint8Array = NO_OCTETS;
  #length = 0;
  #incomplete = false;

  /** @param maxBytes - the largest message. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Whether a message has begun and its last fragment has not come. */
  get incomplete(): boolean {
    return this.#incomplete;
  }

  /** Octets of the incomplete message so far. */
  get length(): number {
    return this.#length;
  }

  /** Adds a fragment, which has to fit. */
  append(fragment: Uint8Array): void {
    const length = this.#length + fragment.length;
    if (length > this.#buffer.length) {
      // Full fragments promise more of them, small ones do not.
      const first = fragment.length === MAX_PAYLOAD_BYTES ? FIRST_CAPACITY : fragment.length;
      const capacity = Math.min(this.#maxBytes, Math.max(length, 2 * this.#buffer.length, first));
      const grown = new Uint8Array(capacity);
      grown.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = grown;
    }
    this.#buffer.set(fragment, this.#length);
    this.#length = length;
    this.#incomplete = true;
  }

  /** Takes the whole message and begins anew. */
  take(): Uint8Array {
    const message = this.#buffer.subarray(0, this.#length);
    this.clear();
    return message;
  }

  /** Discards what has come. */
  clear(): void {
    this.#buffer = NO_OCTETS;
    this.#length = 0;
    this.#incomplete = false;
  }
}
