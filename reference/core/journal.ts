/** One entry that a store keeps for a session: opaque octets under a key. */
export interface JournalEntry {
  readonly key: string;
  readonly value: Uint8Array;
}

/** What has changed in a session since the batch before, to be stored in one step. */
export interface JournalBatch {
  /** Counts the batches of a session in this process, from 1: for {@link Session.stored}. */
  readonly number: number;
  readonly put: readonly JournalEntry[];
  readonly delete: readonly string[];
}

/** Key of the entry with everything but frames and messages. */
export const STATE_KEY = 'state';

const SEQ_DIGITS = 16;

/** Key of a frame that was received and is not settled; keys sort like their numbers. */
export function receivedKey(seq: number): string {
  return `in/${String(seq).padStart(SEQ_DIGITS, '0')}`;
}

/** Key of a frame that was sent and is not acknowledged. */
export function sentKey(seq: number): string {
  return `out/${String(seq).padStart(SEQ_DIGITS, '0')}`;
}

/** Key of a message that is longer than a frame, until its last fragment is acknowledged. */
export function messageKey(channel: number, message: number): string {
  return `message/${channel}/${message}`;
}

/** Whether a key is that of a message of a channel. */
export function isMessageOf(channel: number, key: string): boolean {
  return key.startsWith(`message/${channel}/`);
}

/**
 * Collects what a session with custody `stored` has to write, and tells what is written. Everything that happens between
 * two batches belongs to one of them; what follows from it (frames, events, acknowledgements) waits for that batch.
 * [CNT-011] [CNT-012]
 */
export class Journal {
  readonly #put = new Map<string, Uint8Array>();
  readonly #delete = new Set<string>();
  #dirty = false;
  #current = 1;
  #stored = 0;

  /** Number of the batch that what happens now belongs to. */
  get current(): number {
    return this.#current;
  }

  /** Number of the batch that holds everything that has happened so far. */
  get position(): number {
    return this.#dirty ? this.#current : this.#current - 1;
  }

  /** Number of the last batch that is on stable storage. */
  get stored(): number {
    return this.#stored;
  }

  /** Something of the state has changed that no entry of its own holds. */
  touch(): void {
    this.#dirty = true;
  }

  put(key: string, value: Uint8Array): void {
    this.#dirty = true;
    this.#delete.delete(key);
    this.#put.set(key, value);
  }

  delete(key: string): void {
    this.#dirty = true;
    // What was never stored need not be deleted, but an earlier batch may hold the key: deleting is harmless.
    this.#put.delete(key);
    this.#delete.add(key);
  }

  /** Ends the batch and gives it out; undefined when nothing has changed. */
  take(state: () => Uint8Array): JournalBatch | undefined {
    if (!this.#dirty) return undefined;
    const put = [...this.#put].map(([key, value]) => ({ key, value }));
    const batch: JournalBatch = {
      number: this.#current,
      put: [...put, { key: STATE_KEY, value: state() }],
      delete: [...this.#delete],
    };
    this.#put.clear();
    this.#delete.clear();
    this.#dirty = false;
    this.#current += 1;
    return batch;
  }

  /** A batch, and with it every one before, is on stable storage. */
  confirm(number: number): void {
    this.#stored = Math.max(this.#stored, number);
  }
}
