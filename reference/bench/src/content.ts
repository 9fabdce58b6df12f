/** Messages in one burst, and in flight in an echo. */
export const BURST = 64;

/** A burst of different payloads, the same in every process. `size` is a power of two. */
export function createPayloads(size: number): readonly Uint8Array[] {
  let state = 0x9e3779b9 ^ size;
  const octet = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state & 0xff;
  };
  return Array.from({ length: BURST }, () => Uint8Array.from({ length: size }, octet));
}

/**
 * Follows the messages of one direction: message n has to be payload n modulo 64. In a warm-up every octet is compared.
 * In a measurement, where that would weigh more than some variants themselves, each message adds its length and one word
 * to a checksum that depends on the order; the place of the word wanders, so that every place of every payload counts.
 */
export class ContentCheck {
  readonly #payloads: readonly Uint8Array[];
  readonly #size: number;
  #count = 0;
  #sum = 0;

  constructor(payloads: readonly Uint8Array[]) {
    this.#payloads = payloads;
    this.#size = payloads[0]?.length ?? 0;
  }

  get count(): number {
    return this.#count;
  }

  /** Takes the next message of a warm-up. */
  compare(data: Uint8Array): void {
    if (Buffer.compare(data, this.#payloads[this.#count % BURST] as Uint8Array) !== 0) {
      throw new Error(`message ${this.#count} of the warm-up differs from what was sent`);
    }
    this.#count += 1;
  }

  /** Takes the next message of a measurement. */
  add(data: Uint8Array): void {
    if (data.length !== this.#size) throw new Error(`message ${this.#count} has ${data.length} octets`);
    const at = ((this.#count + (this.#count >>> 6)) << 2) & (this.#size - 1);
    const word =
      ((data[at] as number) << 24) |
      ((data[at + 1] as number) << 16) |
      ((data[at + 2] as number) << 8) |
      (data[at + 3] as number);
    this.#sum = (Math.imul(this.#sum, 31) + word) | 0;
    this.#count += 1;
  }

  /** Ends a measurement; throws unless it had exactly the messages expected. */
  verify(count: number): void {
    const expected = new ContentCheck(this.#payloads);
    while (expected.#count < count) expected.add(this.#payloads[expected.#count % BURST] as Uint8Array);
    if (this.#count !== count) throw new Error(`${this.#count} messages of ${count} were received`);
    if (this.#sum !== expected.#sum) throw new Error(`the checksum over ${count} messages is wrong`);
  }

  restart(): void {
    this.#count = 0;
    this.#sum = 0;
  }
}
