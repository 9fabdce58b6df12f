import type { Environment } from '../environment.ts';

/** When a {@link CircuitBreaker} opens, and for how long. */
export interface BreakerLimits {
  /** Failures in a row that open it; Infinity never does. */
  readonly failures: number;
  /** How long it stays open after the last failure, in milliseconds. */
  readonly openMs: number;
}

/** Whether an application end is attempted now, or when an attempt is welcome. */
export type Admission = { readonly ok: true } | { readonly ok: false; readonly retryAfterMs: number };

const ADMITTED: Admission = { ok: true };

/**
 * Keeps a relay from attempting an application end that has just failed several times. When it has been open for its time, one
 * attempt is admitted: its success closes the breaker. Until then, or until that time is over once more, no other is.
 */
export class CircuitBreaker {
  readonly #limits: BreakerLimits;
  readonly #deadlines: Environment['deadlines'];
  /** Failures since the last success. */
  #failures = 0;
  /** When the next attempt is admitted, on the monotonic clock. */
  #openUntil = 0;

  constructor(limits: BreakerLimits, { deadlines }: Pick<Environment, 'deadlines'>) {
    this.#limits = limits;
    this.#deadlines = deadlines;
  }

  /** Asks for an attempt. */
  admit(): Admission {
    const { failures, openMs } = this.#limits;
    if (this.#failures < failures) return ADMITTED;
    const now = this.#deadlines.now();
    if (now < this.#openUntil) return { ok: false, retryAfterMs: Math.ceil(this.#openUntil - now) };
    // An attempt that is given up tells nothing: after the same time again the next one is the trial.
    this.#openUntil = now + openMs;
    return ADMITTED;
  }

  /** The application end was reached. */
  succeeded(): void {
    this.#failures = 0;
  }

  /** It was not. */
  failed(): void {
    this.#failures += 1;
    this.#openUntil = this.#deadlines.now() + this.#limits.openMs;
  }
}
