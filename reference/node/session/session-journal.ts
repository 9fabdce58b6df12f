import { type HawserError, type Session as CoreSession, TIMERS, TransportError } from '../../core/index.ts';
import { type Batch, type ChangeResult, type SessionStore, StoreError } from '../../store/index.ts';
import type { Environment } from '../environment.ts';
import { EpochConfirmation } from './epoch-confirmation.ts';
import { wait } from '../wait.ts';
import { storeFailure } from './store-failure.ts';

/** How long to wait before a write that failed is tried again: the disk or the server may come back at any time. */
export const RETRY_MS = 500;

/** A batch that only confirms the epoch. */
const NOTHING: Batch = { put: [], delete: [] };

/** What the owner of a {@link SessionJournal} is told. */
export interface JournalOwner {
  /** Something was stored: frames and events that waited for it may go on. */
  stored(): void;
  /** Another holder has the session: nothing it still does here counts. [CNT-038] */
  fenced(): void;
  /** The store fails; it is tried again until it works or the session is over. Told once for each failure. */
  failed(error: HawserError): void;
}

/** Whether a session that is over has ended here, or may go on or have gone on with another holder. */
export type LastWord = 'ended' | 'elsewhere';

/**
 * Writes what a session with custody `stored` gives to its store, one batch after another: what comes up while one is
 * written goes into the next. Nothing is acknowledged, delivered or sent before its batch is stored. [CNT-011] [CNT-012]
 */
export class SessionJournal {
  readonly #core: CoreSession;
  readonly #id: string;
  readonly #store: SessionStore;
  readonly #environment: Environment;
  readonly #owner: JournalOwner;
  /** Only a store that others share has to be asked; undefined for another. */
  readonly #confirmation: EpochConfirmation | undefined;
  #epoch: number;
  #running = false;
  #failure: HawserError | undefined;
  #stopped = false;
  /** What the store says of the session after its end; undefined before that. */
  #lastWord: LastWord | undefined;
  /** Nothing is written once everything that was received is in custody: the epoch is about to change. */
  #held = false;
  /** What has to be done in the store before the next batch, one after another. */
  readonly #before: (() => Promise<unknown>)[] = [];
  readonly #idle: (() => void)[] = [];
  /** Who waits for a batch to be stored. */
  #waiting: {
    readonly batch: number;
    readonly resolve: () => void;
    readonly reject: (error: HawserError) => void;
  }[] = [];
  /** Answers in a row on which nothing may be delivered. */
  #lateAnswers = 0;
  /** Who waits for a fresh word of the store. */
  #confirming: { readonly resolve: () => void; readonly reject: (error: HawserError) => void }[] = [];

  constructor(core: CoreSession, id: string, store: SessionStore, environment: Environment, owner: JournalOwner) {
    this.#core = core;
    this.#id = id;
    this.#store = store;
    this.#environment = environment;
    this.#owner = owner;
    this.#epoch = core.epoch;
    if (store.shared) this.#confirmation = new EpochConfirmation(environment);
  }

  /** Whether the last write has failed. */
  get failing(): boolean {
    return this.#failure !== undefined;
  }

  /** Why the last write has failed. */
  get failure(): HawserError | undefined {
    return this.#failure;
  }

  /**
   * Goes on until everything that was received is in custody, and then writes nothing until `release`: a cursor can be stated,
   * and the epoch can change. [CNT-006] [CNT-027]
   *
   * @returns whether that came about; false while the store fails, or after `stop`.
   */
  async hold(): Promise<boolean> {
    this.#held = true;
    while (!this.#stopped && !this.failing && (this.#running || !this.#core.settledCustody)) {
      this.#start();
      await new Promise<void>((resolve) => this.#idle.push(resolve));
    }
    return !this.#stopped && !this.failing;
  }

  /**
   * Goes on writing.
   *
   * @param epoch - under which the store knows this holder.
   * @param before - what has to be done in the store before the next batch; tried until it works.
   */
  release(epoch: number = this.#epoch, before?: () => Promise<unknown>): void {
    this.#epoch = epoch;
    // What was to be done first is still to be done.
    if (before !== undefined) this.#before.push(before);
    this.#held = false;
    this.schedule();
  }

  /** Writes what has come up, if nothing is being written. */
  schedule(): void {
    if (!this.#held) this.#start();
  }

  #start(): void {
    if (this.#running || this.#stopped) return;
    this.#running = true;
    void this.#run();
  }

  /** Resolves when everything that has happened is stored, or the journal is stopped. */
  async flushed(): Promise<void> {
    this.schedule();
    while (this.#running && !this.failing) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Resolves when everything that has happened until now is stored, however long that takes; rejects after `stop`. */
  stored(): Promise<void> {
    const batch = this.#core.journalPosition;
    if (batch <= this.#core.journalStored) return Promise.resolve();
    if (this.#stopped) return Promise.reject(stoppedError());
    this.schedule();
    return new Promise((resolve, reject) => this.#waiting.push({ batch, resolve, reject }));
  }

  /**
   * Whether messages may be delivered on the last word of the store: undefined if so, else it resolves when they may; rejects
   * where somebody else may have the session. After the end of the session the word on that counts. [CNT-062]
   */
  confirmed(): Promise<void> | undefined {
    if (this.#confirmation === undefined || this.#lastWord === 'ended') return undefined;
    if (this.#lastWord === 'elsewhere') return Promise.reject(stoppedError());
    if (!this.#stopped && this.#confirmation.fresh) return undefined;
    const confirmed = new Promise<void>((resolve, reject) => this.#confirming.push({ resolve, reject }));
    this.schedule();
    return confirmed;
  }

  /** Nothing is written any more. */
  stop(): void {
    this.#stopped = true;
    this.#wakeIdle();
    for (const { reject } of this.#waiting.splice(0)) reject(stoppedError());
  }

  /** The session is over, and its holder knows whose it was: the first word stands. */
  settle(word: LastWord): void {
    this.#lastWord ??= word;
    for (const { resolve, reject } of this.#confirming.splice(0)) {
      if (this.#lastWord === 'ended') resolve();
      else reject(stoppedError());
    }
  }

  async #run(): Promise<void> {
    while (!this.#stopped && !(this.#held && this.#core.settledCustody)) {
      const before = this.#before.shift();
      if (before !== undefined) {
        await this.#untilDone(before);
        continue;
      }
      const batch = this.#core.takeJournal();
      if (batch === undefined && this.#confirming.length === 0) break;
      const { due, sendCursor } = this.#core;
      const cursors = { receiveCursor: due - 1, sendCursor };
      const changes = batch && { put: batch.put, delete: batch.delete, cursors };
      const result = await this.#untilDone(() => this.#commit(changes ?? NOTHING));
      if (batch !== undefined && result === 'committed') {
        this.#core.stored(batch.number, this.#environment.deadlines.now());
        this.#owner.stored();
        this.#tellStored(batch.number);
      }
      await this.#tellConfirmed();
    }
    this.#running = false;
    this.#wakeIdle();
  }

  #commit(changes: Batch): Promise<ChangeResult> {
    const call = (): Promise<ChangeResult> => this.#store.commit(this.#id, this.#epoch, changes);
    return this.#confirmation?.ask(call, (result) => result === 'committed') ?? call();
  }

  /** Where the answer of the store came late it is asked again, and after that taken for one that fails. [CNT-062] */
  async #tellConfirmed(): Promise<void> {
    if (this.#stopped || this.#confirming.length === 0) return;
    if (this.#confirmation?.fresh === true) {
      this.#lateAnswers = 0;
      for (const { resolve } of this.#confirming.splice(0)) resolve();
      return;
    }
    this.#lateAnswers += 1;
    // The first was late perhaps because this process was suspended.
    if (this.#lateAnswers === 1) return;
    this.#fail(lateError());
    await wait(RETRY_MS, this.#environment);
  }

  /**
   * Tries a step in the store until it works; undefined when the journal was stopped, when the session is somebody else's, or
   * when an earlier try turns out to have created it.
   */
  async #untilDone<Result>(step: () => Promise<Result>): Promise<Result | undefined> {
    // A try that failed has its effect all the same, or may have it.
    let repeats = false;
    while (!this.#stopped) {
      try {
        const result = await step();
        this.#failure = undefined;
        if (result !== 'fenced') return result;
        this.stop();
        this.settle('elsewhere');
        this.#owner.fenced();
      } catch (cause) {
        const exists = cause instanceof StoreError && cause.code === 'HAWSER_ERR_STORE_EXISTS';
        if (exists && repeats) {
          this.#failure = undefined;
          return undefined;
        }
        repeats ||= !exists;
        this.#fail(cause);
        await wait(RETRY_MS, this.#environment);
      }
    }
    return undefined;
  }

  #tellStored(number: number): void {
    const ready = this.#waiting.filter(({ batch }) => batch <= number);
    this.#waiting = this.#waiting.filter(({ batch }) => batch > number);
    for (const { resolve } of ready) resolve();
  }

  #fail(cause: unknown): void {
    if (this.failing || this.#stopped) return;
    this.#failure = storeFailure(cause);
    this.#wakeIdle();
    this.#owner.failed(this.#failure);
  }

  #wakeIdle(): void {
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}

function lateError(): StoreError {
  const message = `The store has taken more than ${TIMERS.epoch_confirmation_ms} ms for an answer: nothing may be delivered on it.`;
  return new StoreError('HAWSER_ERR_STORE_UNAVAILABLE', message);
}

function stoppedError(): TransportError {
  const message = 'The session ended here before everything was stored.';
  return new TransportError('HAWSER_ERR_TRANSPORT_SESSION_ENDED', 'established', message);
}
