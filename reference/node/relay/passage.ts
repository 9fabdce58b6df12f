import type { ChannelEndpoint, OutcomeRange } from '../session/channel.ts';
import { Rejection } from '../session/channel.ts';

/** An outcome of which it is not known that the leg before has taken it. */
interface Untaken extends OutcomeRange {
  readonly taken: () => void;
}

/** What a passage needs of the two ends it joins. */
export interface PassageHost {
  /** A message goes on to the next leg. */
  passed(bytes: number): void;
  /** A message can not go on: the next leg does not take one like it. [RLY-017] */
  unfit(error: unknown): void;
  /** Resolves when what the next leg has said may be passed on. */
  heard(): Promise<void>;
}

/**
 * One direction of a channel that passes a relay: the messages of one leg go to the next, each once, and what becomes of
 * them there is decided here. Messages have the same numbers on both legs: so after a crash the number tells whether the
 * next leg has one already, and a decision is let go of there only once it is stored here. [RLY-027] to [RLY-029]
 */
export class Passage {
  readonly #to: ChannelEndpoint;
  readonly #host: PassageHost;
  #from: ChannelEndpoint | undefined;
  /** Who waits for the outcome of a message on the next leg, by its number. */
  readonly #waiting = new Map<number, () => void>();
  /** Outcomes that have come, in their order, until the leg before has stored what follows from them. */
  readonly #untaken: Untaken[] = [];
  /** Messages of the leg before that are decided on there. */
  #decided = 0;
  /** Whether outcomes are about to be let go of. */
  #takes = false;
  /** Nobody decides on anything any more. */
  #over = false;

  /** @param to - the next leg; told of outcomes from now on, also before the leg before is there. */
  constructor(to: ChannelEndpoint, host: PassageHost) {
    this.#to = to;
    this.#host = host;
    to.onOutcome = (range) => new Promise((resolve) => this.#receive({ ...range, taken: resolve }));
  }

  /** Begins to pass on what comes from a leg. */
  join(from: ChannelEndpoint): void {
    this.#from = from;
    this.#decided = from.decidedMessages;
    from.onMessage = (message, number) => this.#pass(message, number);
    from.onEnd = () => this.#to.end();
    this.#takeDecided();
  }

  /** The leg before is abandoned: nothing more is to be decided there. */
  release(): void {
    this.#over = true;
    for (const { taken } of this.#untaken.splice(0)) taken();
    for (const resolve of this.#waiting.values()) resolve();
    this.#waiting.clear();
  }

  #pass(message: Uint8Array, number: number): Promise<void> | void {
    const to = this.#to;
    // What the next leg has had before a crash comes again.
    try {
      if (number > to.sentMessages) {
        void to.send(message);
        this.#host.passed(message.length);
      }
    } catch (error) {
      this.#host.unfit(error);
      return this.#never();
    }
    if (to.tellsOutcomes) return this.#decision(number);
    // Without acknowledgements the next leg has it once it is written. [RLY-025]
    return to.written.catch(() => this.#never());
  }

  /** Settles when the message has its outcome on the next leg, as that says. [RLY-025] [RLY-028] */
  async #decision(number: number): Promise<void> {
    await new Promise<void>((resolve) => {
      if (this.#outcomeOf(number) === undefined) this.#waiting.set(number, resolve);
      else resolve();
    });
    const range = this.#outcomeOf(number);
    const type = range?.outcome.type ?? 'unknown';
    // One leg has ended, and with it the other: nothing is said of the message any more.
    if (type === 'not-delivered' || type === 'unknown') await this.#never();
    await this.#host.heard();
    this.#decide(number);
    if (range?.outcome.type === 'rejected') throw new Rejection(range.outcome.verdict);
  }

  /** The leg before is about to end: what is still asked about it settles with it. */
  async #never(): Promise<void> {
    await this.#from?.closed;
  }

  #outcomeOf(number: number): Untaken | undefined {
    return this.#untaken.find(({ first, last }) => first <= number && number <= last);
  }

  #receive(range: Untaken): void {
    if (this.#over) {
      range.taken();
      return;
    }
    this.#untaken.push(range);
    for (let number = range.first; number <= range.last && this.#waiting.size > 0; number += 1) {
      this.#waiting.get(number)?.();
      this.#waiting.delete(number);
    }
    this.#takeDecided();
  }

  #decide(number: number): void {
    this.#decided = Math.max(this.#decided, number);
    if (this.#takes) return;
    this.#takes = true;
    // Behind the decision itself, which the leg before hears of when the promise has settled.
    process.nextTick(() => {
      this.#takes = false;
      this.#takeDecided();
    });
  }

  /** Outcomes on which everything is decided here are let go of there, once that is stored. */
  #takeDecided(): void {
    const from = this.#from;
    while (from !== undefined && this.#untaken[0] !== undefined && this.#untaken[0].last <= this.#decided) {
      const { taken } = this.#untaken.shift() as Untaken;
      from.stored().then(taken, () => {
        // Another process goes on with the session, unless it is over.
        if (from.sessionEnding) taken();
      });
    }
  }
}
