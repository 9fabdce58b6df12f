import type { Cursors, SessionStore } from '../../store/index.ts';
import type { Log } from '../log.ts';
import type { LastWord } from '../session/session-journal.ts';

/** The end of a session at a server, as its store is to note it. */
export interface StoredEnd {
  readonly owner: string;
  /** Under which this process holds the session. */
  readonly epoch: number;
  /** The final ones. */
  readonly cursors: Cursors;
  /** An attempt that this process has asked the store to attach, and not heard of: it may have raised the epoch. */
  readonly asked: number | undefined;
  /** Told what the store says, or `elsewhere` where nobody knows. */
  readonly noted: (word: LastWord) => void;
}

/**
 * Ends a session in its store.
 *
 * @returns `ended`, or `elsewhere` where another holder has the session, or has had it and ended it.
 */
export async function endStored(store: SessionStore, id: string, end: StoredEnd): Promise<LastWord> {
  const word = await tryEnd(store, id, end);
  end.noted(word);
  return word;
}

async function tryEnd(store: SessionStore, id: string, { epoch, cursors, asked }: StoredEnd): Promise<LastWord> {
  if ((await store.end(id, epoch, cursors)) === 'committed') return 'ended';
  const header = (await store.load(id))?.header;
  if (header === undefined) return store.shared ? 'elsewhere' : 'ended';
  // No client uses the number of an attempt twice: whoever asked with it is the holder. [CNT-018] Where another one has had
  // the session in between, the last word is not for this one to say. [CNT-037]
  const isRaised = asked !== undefined && header.attempt === asked && header.epoch === epoch + 1;
  return isRaised && (await store.end(id, header.epoch, cursors)) === 'committed' ? 'ended' : 'elsewhere';
}

/**
 * Ends of sessions that their store has not confirmed. The messages of such a session have been told their outcomes, so it
 * must not be attached from the store again: they would get others. [CNT-036] [CNT-042]
 *
 * What is still pending when the process ends is lost with it. Then the store has the session as one that goes on, and a
 * client that has not heard of its end can attach it once more: a message that was reported *not delivered* may arrive, and
 * one that was reported *unknown* may be reported as something else.
 */
export class PendingEnds {
  readonly #store: SessionStore;
  readonly #log: Log;
  readonly #ends = new Map<string, StoredEnd>();
  /** Calls under way, one at a time for each session. */
  readonly #calls = new Map<string, Promise<boolean>>();

  constructor(store: SessionStore, log: Log) {
    this.#store = store;
    this.#log = log;
  }

  /** Sessions whose end is not confirmed. */
  get ids(): Iterable<string> {
    return this.#ends.keys();
  }

  /** Whose session it is that has a pending end; undefined where it has none. */
  ownerOf(id: string): string | undefined {
    return this.#ends.get(id)?.owner;
  }

  /**
   * A session has ended here.
   *
   * @returns whether the store has confirmed that; if not, it is asked again.
   */
  add(id: string, end: StoredEnd): Promise<boolean> {
    const former = this.#ends.get(id);
    // What was said last of a session does not change, but the epoch may have been raised since.
    this.#ends.set(id, former === undefined ? end : { ...end, cursors: former.cursors });
    return this.confirm(id);
  }

  /** Nothing is asked any more. */
  giveUp(): void {
    for (const { noted } of this.#ends.values()) noted('elsewhere');
  }

  /** Asks the store for the end of a session, if it is pending. Returns whether nothing is pending any more. */
  confirm(id: string): Promise<boolean> {
    const former = this.#calls.get(id) ?? Promise.resolve(true);
    const call = former.then(() => this.#try(id));
    this.#calls.set(id, call);
    void call.then(() => {
      if (this.#calls.get(id) === call) this.#calls.delete(id);
    });
    return call;
  }

  /** Asks for every end that nobody is asking for. */
  async confirmIdle(): Promise<void> {
    await Promise.all([...this.#ends.keys()].filter((id) => !this.#calls.has(id)).map((id) => this.confirm(id)));
  }

  /** Asks for every end, once more. */
  async confirmAll(): Promise<void> {
    await Promise.all([...this.#ends.keys()].map((id) => this.confirm(id)));
  }

  async #try(id: string): Promise<boolean> {
    const end = this.#ends.get(id);
    if (end === undefined) return true;
    try {
      const result = await endStored(this.#store, id, end);
      if (result === 'elsewhere') {
        this.#log.warn({ session: id }, 'a session that has ended here was attached elsewhere before that was noted');
      }
      if (this.#ends.get(id) === end) this.#ends.delete(id);
      return !this.#ends.has(id);
    } catch (error) {
      this.#log.warn(
        { session: id, err: error },
        'the store could not take note of the end of a session: it is asked again',
      );
      return false;
    }
  }
}
