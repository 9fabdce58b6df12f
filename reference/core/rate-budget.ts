import { LIMITS } from './registry.gen.ts';

/** A budget of control frames that refills with time (chapter 5.2). */
export class RateBudget {
  readonly #capacity: number;
  readonly #perMs: number;
  #tokens: number;
  #refilledAt: number;

  /**
   * @param factor - how many times the budget of the registry.
   * @param now - when it is full.
   */
  constructor(factor: number, now: number) {
    this.#capacity = LIMITS.control_burst_frames * factor;
    this.#perMs = (LIMITS.control_refill_per_second * factor) / 1000;
    this.#tokens = this.#capacity;
    this.#refilledAt = now;
  }

  /** Takes one frame out of the budget; false, and nothing is taken, when it is used up. */
  take(now: number): boolean {
    if (now > this.#refilledAt) {
      this.#tokens = Math.min(this.#capacity, this.#tokens + (now - this.#refilledAt) * this.#perMs);
      this.#refilledAt = now;
    }
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
