import { TIMERS } from '../../core/index.ts';
import type { Environment } from '../environment.ts';

/** A moment, by both clocks: the monotonic one may stand still while the machine is suspended. */
interface Moment {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

/** How old the word of a common store is that a session is still held under its epoch. [CNT-062] */
export class EpochConfirmation {
  readonly #environment: Environment;
  /** When the store was asked for what it has confirmed last; undefined before that. */
  #asked: Moment | undefined;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  /** Whether messages may be delivered on the word of the store. */
  get fresh(): boolean {
    if (this.#asked === undefined) return false;
    const { monotonicMs, wallMs } = this.#now();
    const ageMs = Math.max(monotonicMs - this.#asked.monotonicMs, wallMs - this.#asked.wallMs);
    return ageMs <= TIMERS.epoch_confirmation_ms;
  }

  /**
   * Asks the store.
   *
   * @param confirms - whether an answer says that the epoch is still the one.
   */
  async ask<Answer>(call: () => Promise<Answer>, confirms: (answer: Answer) => boolean): Promise<Answer> {
    const asked = this.#now();
    const answer = await call();
    // Calls of a session are answered in their order: this is the youngest.
    if (confirms(answer)) this.#asked = asked;
    return answer;
  }

  #now(): Moment {
    const { deadlines, wallClock } = this.#environment;
    return { monotonicMs: deadlines.now(), wallMs: wallClock().getTime() };
  }
}
