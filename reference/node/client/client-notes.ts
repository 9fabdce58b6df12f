import { TIMERS } from '../../core/index.ts';
import { type ChangeResult, type Cursors, type SessionStore, StoreError } from '../../store/index.ts';
import type { Environment } from '../environment.ts';
import type { Log } from '../log.ts';
import { wait } from '../wait.ts';
import { RETRY_MS } from '../session/session-journal.ts';

/** What the notes of a client's session need. */
export interface NotesContext {
  readonly id: string;
  /** Undefined where no store keeps the session: then there is nothing to note. */
  readonly store: SessionStore | undefined;
  /** The last attempt that the store knows of. */
  readonly attempt: number;
  /** The epoch under which the store knows this client. */
  readonly epoch: number;
  /** Ids of sessions whose end is not in the store yet. */
  readonly endings: Set<string>;
  readonly environment: Environment;
  readonly log: Log;
}

/**
 * What a client notes in its store about a session, beside its journal: attempts and epochs before they are used, the loss of
 * the connection, the end. One after another: each has to know the epoch that the one before has left.
 */
export class ClientNotes {
  readonly #context: NotesContext;
  #attempt: number;
  #epoch: number;
  /** The epoch whose note had no answer: the store may know it. */
  #unsureEpoch: number | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #end: { readonly cursors: Cursors; noted: boolean } | undefined;

  constructor(context: NotesContext) {
    this.#context = context;
    this.#attempt = context.attempt;
    this.#epoch = context.epoch;
  }

  /** The number of an attempt, which is noted before it is used; `fenced` where another program has the session. [CNT-018] */
  async nextAttempt(): Promise<number | 'fenced'> {
    this.#attempt += 1;
    const attempt = this.#attempt;
    const result = await this.#inTurn((store, id) => this.#noteAttempt(store, id, attempt));
    return result === 'fenced' ? 'fenced' : attempt;
  }

  /** Notes the epoch of a connection before anything of it is stored. [CNT-020] */
  epoch(epoch: number): Promise<unknown> {
    return this.#inTurn(async (store, id) => {
      if (epoch === this.#epoch) return undefined;
      const result = await this.#noteEpoch(store, id, epoch);
      if (result === 'committed') this.#epoch = epoch;
      return result;
    });
  }

  async #noteEpoch(store: SessionStore, id: string, epoch: number): Promise<ChangeResult> {
    const repeats = this.#unsureEpoch === epoch;
    this.#unsureEpoch = epoch;
    const result = await store.note(id, this.#epoch, { epoch });
    const isNoted = result === 'committed' || (repeats && (await this.#isAt(store, id, epoch)));
    // Not before the store has said which one it is: it may fail to once more.
    this.#unsureEpoch = undefined;
    return isNoted ? 'committed' : 'fenced';
  }

  /** To look at it takes it from nobody, as `load` would: whoever has it now fences the next batch. */
  async #isAt(store: SessionStore, id: string, epoch: number): Promise<boolean> {
    return (await store.list('client')).some((stored) => stored.id === id && stored.epoch === epoch);
  }

  /** An epoch whose note had no answer may be the one that the store knows. */
  async #noteAttempt(store: SessionStore, id: string, attempt: number): Promise<ChangeResult> {
    const result = await store.note(id, this.#epoch, { attempt });
    if (result === 'committed' || this.#unsureEpoch === undefined) return result;
    return store.note(id, this.#unsureEpoch, { attempt });
  }

  /** Notes that no connection carries the session. [CNT-013] */
  async detached(): Promise<void> {
    try {
      await this.#inTurn((store, id) => store.detached(id, this.#epoch));
    } catch (error) {
      const { id, log } = this.#context;
      log.warn({ session: id, err: error }, 'the store could not take note of the end of the connection');
    }
  }

  /** Notes the end of the session, and tries to for as long as the process lives: a session that has ended is not restored. */
  end(cursors: Cursors): void {
    const { store, id, endings } = this.#context;
    if (store === undefined || this.#end !== undefined) return;
    this.#end = { cursors, noted: false };
    endings.add(id);
    void this.#untilEnded();
  }

  /** Tries once more, now, to note the end, if that was not possible so far; a store that does not answer is not waited for. */
  async settled(): Promise<void> {
    if (this.#end === undefined || this.#end.noted) return;
    const answered = new AbortController();
    const { environment } = this.#context;
    const limit = wait(TIMERS.close_deadline_ms, environment, { signal: answered.signal, keepsAlive: true });
    await Promise.race([this.#tryEnd(), limit]);
    answered.abort();
  }

  async #untilEnded(): Promise<void> {
    while (!(await this.#tryEnd())) await wait(RETRY_MS, this.#context.environment);
  }

  /** @returns whether there is nothing left to try. */
  async #tryEnd(): Promise<boolean> {
    const { id, endings, log } = this.#context;
    try {
      await this.#inTurn((store) => this.#noteEnd(store));
      endings.delete(id);
      return true;
    } catch (error) {
      log.warn({ session: id, err: error }, 'the store could not take note of the end of the session');
      // Its owner will not have it used again.
      return error instanceof StoreError && error.code === 'HAWSER_ERR_STORE_CLOSED';
    }
  }

  async #noteEnd(store: SessionStore): Promise<void> {
    const end = this.#end;
    if (end === undefined || end.noted) return;
    const { id } = this.#context;
    const result = await store.end(id, this.#epoch, end.cursors);
    if (result === 'fenced' && this.#unsureEpoch !== undefined) await store.end(id, this.#unsureEpoch, end.cursors);
    end.noted = true;
  }

  /** Undefined where no store keeps the session. */
  async #inTurn<Result>(note: (store: SessionStore, id: string) => Promise<Result>): Promise<Result | undefined> {
    const { store, id } = this.#context;
    if (store === undefined) return undefined;
    const result = this.#last.then(() => note(store, id));
    this.#last = result.catch(() => undefined);
    return result;
  }
}
