import { ClassicLevel } from 'classic-level';
import type { Outcome } from '../../node/session/channel.ts';
import type { Setup } from './setup.ts';

/** When something was handed over, and to which process. */
export interface Moment {
  /** Wall-clock time in milliseconds: all processes of a run share one clock. */
  readonly time: number;
  readonly process: number;
}

/** What an application notes, in the order in which it happened. */
export type Entry =
  /** A message has had its effect. */
  | {
      readonly type: 'effect';
      /** Session, channel and number of the message. */
      readonly key: string;
      readonly application: string;
      readonly number: number;
      readonly octets: number;
      readonly digest: string;
      readonly verdict: number;
      readonly redelivered: boolean;
      readonly at: Moment;
    }
  /** A message has come that had its effect already: it has none again. */
  | { readonly type: 'repeat'; readonly key: string; readonly redelivered: boolean; readonly at: Moment }
  /** What became of own messages. */
  | {
      readonly type: 'outcome';
      readonly application: string;
      readonly first: number;
      readonly last: number;
      readonly outcome: Outcome;
    };

export type Effect = Extract<Entry, { readonly type: 'effect' }>;
export type OutcomeEntry = Extract<Entry, { readonly type: 'outcome' }>;

/** How far an application is. */
export interface LedgerCounts {
  readonly effects: number;
  /** Own messages that have an outcome. */
  readonly outcomes: number;
  readonly repeats: number;
}

/** Where an application keeps what it has done, apart from everything of the protocol. */
export interface Ledger {
  readonly counts: LedgerCounts;
  /** Notes key and effect of a message in one durable step, or that the key was there. */
  effect(effect: Effect): Promise<void>;
  outcome(outcome: OutcomeEntry): Promise<void>;
  /** Everything noted so far. */
  entries(): Promise<readonly Entry[]>;
  close(): Promise<void>;
}

const DIGITS = 12;

interface Waiting {
  readonly entry: Entry;
  readonly resolve: () => void;
}

/** A {@link Ledger} in a database of its own: what arrives while one step is synced goes into the next. */
export class LevelLedger implements Ledger {
  readonly #database: ClassicLevel<string, Entry>;
  readonly #changed: (counts: LedgerCounts) => void;
  readonly #known = new Set<string>();
  /** Application and number of each message with an outcome. */
  readonly #settled = new Set<string>();
  #repeats = 0;
  #position = 0;
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;

  private constructor(directory: string, changed: (counts: LedgerCounts) => void) {
    this.#database = new ClassicLevel(directory, { valueEncoding: 'json' });
    this.#changed = changed;
  }

  static async open(
    directory: string,
    changed: (counts: LedgerCounts) => void = () => undefined,
  ): Promise<LevelLedger> {
    const ledger = new LevelLedger(directory, changed);
    for (const entry of await ledger.entries()) ledger.#count(entry);
    return ledger;
  }

  get counts(): LedgerCounts {
    return { effects: this.#known.size, outcomes: this.#settled.size, repeats: this.#repeats };
  }

  effect(effect: Effect): Promise<void> {
    const { key, redelivered, at } = effect;
    return this.#append(this.#known.has(key) ? { type: 'repeat', key, redelivered, at } : effect);
  }

  outcome(outcome: OutcomeEntry): Promise<void> {
    return this.#append(outcome);
  }

  async entries(): Promise<readonly Entry[]> {
    await this.#running;
    return this.#database.values().all();
  }

  async close(): Promise<void> {
    await this.#running;
    await this.#database.close();
  }

  #append(entry: Entry): Promise<void> {
    // From now on the key counts as there: whoever comes next waits for a later step than this one.
    this.#count(entry);
    return new Promise((resolve) => {
      this.#waiting.push({ entry, resolve });
      this.#running ??= this.#run();
    });
  }

  #count(entry: Entry): void {
    this.#position += 1;
    if (entry.type === 'effect') this.#known.add(entry.key);
    else if (entry.type === 'repeat') this.#repeats += 1;
    else
      for (let number = entry.first; number <= entry.last; number += 1) {
        this.#settled.add(`${entry.application}/${number}`);
      }
  }

  async #run(): Promise<void> {
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const step = this.#waiting;
      this.#waiting = [];
      const first = this.#position - step.length;
      await this.#database.batch(
        step.map(({ entry }, index) => ({
          type: 'put',
          key: String(first + index).padStart(DIGITS, '0'),
          value: entry,
        })),
        { sync: true },
      );
      for (const { resolve } of step) resolve();
      this.#changed(this.counts);
    }
    this.#running = undefined;
  }
}

/** What the application of a side that keeps its ledger in a folder has noted. */
export async function readLedger({ ledger }: Setup): ReturnType<LevelLedger['entries']> {
  if (!('directory' in ledger)) throw new TypeError('The ledger is in no directory.');
  const opened = await LevelLedger.open(ledger.directory);
  const entries = await opened.entries();
  await opened.close();
  return entries;
}
