/** Numbers that follow from a seed: the same seed makes the same decisions. */
export class Random {
  #state: number;

  /** @param label - what the numbers are for: each purpose has a sequence of its own. */
  constructor(seed: number, label = '') {
    this.#state = seed >>> 0;
    for (let index = 0; index < label.length; index += 1) {
      this.#state = (Math.imul(this.#state ^ label.charCodeAt(index), 0x0100_0193) + 0x9e37_79b9) >>> 0;
    }
  }

  /** From 0 to below 1. */
  share(): number {
    this.#state = (this.#state + 0x6d2b_79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from 0 to below `bound`. */
  below(bound: number): number {
    return Math.floor(this.share() * bound);
  }

  /** One of a list. */
  pick<Value>(values: readonly Value[]): Value {
    const value = values[this.below(values.length)];
    if (value === undefined) throw new RangeError('There is nothing to pick from.');
    return value;
  }

  /** A whole number between two bounds, both included, whose logarithm is evenly spread. */
  scale(least: number, most: number): number {
    return Math.min(most, Math.floor(least * Math.exp(this.share() * Math.log((most + 1) / least))));
  }
}
