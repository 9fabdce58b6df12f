import { type Database, DurableFiles, storageError } from './durable-files.ts';
import {
  corruptError,
  decodeNumber,
  decodeSession,
  type DurableSession,
  encodeNumber,
  encodeSession,
  EntryChecksums,
  entryKey,
  entryRange,
  NUMBER_KEY,
  parseKey,
  seal,
  sessionKey,
  unseal,
} from './durable-records.ts';
import {
  type AttachResult,
  type Batch,
  type ChangeResult,
  checkBatch,
  checkHeader,
  type Cursors,
  type Entry,
  type SessionHeader,
  type SessionStore,
  type StoreClock,
  type StoredSession,
} from './session-store.ts';
import {
  endedRecord,
  heldRecord,
  judgeAttach,
  notedRecord,
  phaseOf,
  type SessionRecord,
  SessionTable,
} from './session-table.ts';
import { closedError, existsError } from './store-error.ts';

/** Options of {@link openDurableStore}. */
export interface DurableStoreOptions {
  /** Directory of the store, made if it is not there; of this store alone, and open in one process at a time. */
  readonly directory: string;
  /** Default: the process's wall clock. */
  readonly clock?: StoreClock;
}

/**
 * Opens a store in a directory of this machine: custody `stored`, on an embedded database. [12.2]
 *
 * A change is resolved when it is synced to the disk. All that arrives while a sync is under way goes out with the next
 * one, so many sessions share the price of each.
 *
 * @throws StoreError `HAWSER_ERR_STORE_LOCKED` when the directory is open elsewhere, `HAWSER_ERR_STORE_CORRUPT` when it
 *   is damaged or something acknowledged is missing, `HAWSER_ERR_STORE_FULL`, `HAWSER_ERR_STORE_FAILED`.
 */
export async function openDurableStore(options: DurableStoreOptions): Promise<SessionStore> {
  const files = new DurableFiles(options.directory);
  await files.lock();
  const store = new DurableStore(files, options.clock ?? Date.now);
  try {
    await store.open();
    return store;
  } catch (error) {
    await files.unlock();
    throw error;
  }
}

type Write =
  | { readonly type: 'put'; readonly key: string; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: string };

/** One call, while it waits for its group or for the write of that. */
interface Call {
  /** Judges the call by what is before it, changes the state in memory and says how the disk is to follow. */
  prepare(writes: Write[]): void;
  /** After the write: resolves. Runs before the next group is prepared, so what it reads is the state of its own. */
  succeed(): void;
  fail(error: unknown): void;
  /** Session that somebody would hold if the call succeeded. */
  readonly acquires: string | undefined;
}

class DurableStore implements SessionStore {
  readonly custody = 'stored';
  readonly shared = false;
  readonly #files: DurableFiles;
  readonly #clock: StoreClock;
  #database: Database | undefined;
  #table = new SessionTable();
  #checksums = new Map<string, EntryChecksums>();
  #number = 0;
  #waiting: Call[] = [];
  #running: Promise<void> | undefined;
  readonly #reads = new Set<Promise<unknown>>();
  /** A write that was rejected and may be on the disk nevertheless, and the sessions that nobody holds if it is. */
  #unsettled: { readonly number: number; readonly acquired: ReadonlySet<string> } | undefined;
  #closed = false;

  constructor(files: DurableFiles, clock: StoreClock) {
    this.#files = files;
    this.#clock = clock;
  }

  /** Opens the database; who was attached has lost its connection with the process that held it. */
  async open(): Promise<void> {
    await this.#openDatabase(() => true);
  }

  async create(header: SessionHeader, batch: Batch): Promise<void> {
    checkHeader(header);
    checkBatch(batch);
    const { id } = header;
    await this.#call(
      (now, writes) => {
        if (phaseOf(this.#table.get(id), now) !== 'gone') throw existsError(id);
        this.#dropEntries(id, writes);
        this.#apply({ header: { ...header }, cursors: batch.cursors, endsAt: undefined, over: false }, batch, writes);
      },
      undefined,
      id,
    );
  }

  async attach(id: string, owner: string, attempt: number, statedEpoch: number): Promise<AttachResult> {
    return this.#call(
      (now, writes) => {
        const judgement = judgeAttach(this.#table.get(id), owner, attempt, statedEpoch, now);
        if (judgement.type === 'attached') this.#put(judgement.record, writes);
        return judgement;
      },
      async (judgement) =>
        judgement.type === 'attached'
          ? { type: 'attached', session: await this.#read(judgement.record.header) }
          : judgement,
      id,
    );
  }

  async commit(id: string, epoch: number, batch: Batch): Promise<ChangeResult> {
    checkBatch(batch);
    return this.#change((now, writes) => {
      const record = heldRecord(this.#table.get(id), epoch, now);
      if (record === undefined) return undefined;
      const cursors = batch.cursors ?? record.cursors;
      const empty = batch.put.length === 0 && batch.delete.length === 0 && batch.cursors === undefined;
      if (!empty) this.#apply({ ...record, cursors }, batch, writes);
      return record;
    });
  }

  async note(
    id: string,
    epoch: number,
    change: { readonly epoch?: number; readonly attempt?: number },
  ): Promise<ChangeResult> {
    return this.#change((now, writes) => {
      const record = notedRecord(this.#table.get(id), epoch, change, now);
      if (record !== undefined) this.#put(record, writes);
      return record;
    });
  }

  async end(id: string, epoch: number, cursors: Cursors): Promise<ChangeResult> {
    return this.#change((now, writes) => {
      const record = endedRecord(this.#table.get(id), epoch, cursors, now);
      if (record === undefined || record === this.#table.get(id)) return record;
      this.#dropEntries(id, writes);
      this.#put(record, writes);
      return record;
    });
  }

  async detached(id: string, epoch: number, cursors?: Cursors): Promise<ChangeResult> {
    return this.#change((now, writes) => {
      const record = heldRecord(this.#table.get(id), epoch, now);
      if (record === undefined) return undefined;
      const endsAt = record.endsAt ?? now + record.header.retentionMs;
      this.#put({ ...record, cursors: cursors ?? record.cursors, endsAt }, writes);
      return record;
    });
  }

  async load(id: string): Promise<StoredSession | undefined> {
    return this.#call(
      (now) => {
        const record = this.#table.get(id);
        return phaseOf(record, now) === 'live' ? record : undefined;
      },
      async (record) => (record === undefined ? undefined : this.#read(record.header)),
    );
  }

  async list(role: 'client' | 'server'): Promise<readonly SessionHeader[]> {
    return this.#call((now) => this.#table.list(role, now));
  }

  async count(owner: string): Promise<number> {
    return this.#call((now) => this.#table.count(owner, now));
  }

  async sweep(): Promise<readonly string[]> {
    return this.#call((now, writes) => {
      const { expired, gone } = this.#table.due(now);
      for (const record of expired) {
        this.#dropEntries(record.header.id, writes);
        this.#put({ ...record, over: true }, writes);
      }
      for (const { header } of gone) {
        this.#table.set(header.id, undefined);
        this.#checksums.delete(header.id);
        writes.push({ type: 'del', key: sessionKey(header.id) });
      }
      return expired.map(({ header }) => header.id);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
    await Promise.allSettled(this.#reads);
    const database = this.#database;
    this.#database = undefined;
    await database?.close();
    await this.#files.unlock();
  }

  #change(prepare: (now: number, writes: Write[]) => SessionRecord | undefined): Promise<ChangeResult> {
    return this.#call((now, writes) => (prepare(now, writes) === undefined ? 'fenced' : 'committed'));
  }

  /**
   * Queues a call.
   *
   * @param prepare see {@link Call.prepare}; throws only before it has changed anything.
   * @param finish turns what was prepared into the result, after the write.
   */
  #call<T>(prepare: (now: number, writes: Write[]) => T): Promise<T>;
  #call<T, R>(
    prepare: (now: number, writes: Write[]) => T,
    finish: ((prepared: T) => R | Promise<R>) | undefined,
    acquires?: string,
  ): Promise<R>;
  #call<T>(
    prepare: (now: number, writes: Write[]) => T,
    finish: (prepared: T) => unknown = (prepared) => prepared,
    acquires?: string,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(closedError());
        return;
      }
      let result: { readonly prepared: T } | { readonly error: Error };
      this.#waiting.push({
        acquires,
        prepare: (writes) => {
          try {
            result = { prepared: prepare(this.#clock(), writes) };
          } catch (error) {
            result = { error: error as Error };
          }
        },
        succeed: () => {
          if ('error' in result) reject(result.error);
          else resolve(this.#track(finish(result.prepared)));
        },
        fail: reject,
      });
      this.#running ??= this.#run();
    });
  }

  async #run(): Promise<void> {
    // Calls of the same turn share a group.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      try {
        await this.#write(group);
        for (const call of group) call.succeed();
      } catch (error) {
        // What waits was asked for on the assumption that this would succeed.
        const failed = [...group, ...this.#waiting];
        this.#waiting = [];
        for (const call of failed) call.fail(error);
      }
    }
    this.#running = undefined;
  }

  async #write(group: readonly Call[]): Promise<void> {
    const database = this.#database ?? (await this.#reopen());
    const writes: Write[] = [];
    for (const call of group) call.prepare(writes);
    if (writes.length === 0) return;
    const number = this.#number + 1;
    try {
      await this.#batch(database, writes, number);
    } catch (error) {
      if (await this.#hasLanded(group, number)) return;
      throw storageError(error);
    }
  }

  async #batch(database: Database, writes: readonly Write[], number: number): Promise<void> {
    await database.batch([...writes, { type: 'put', key: NUMBER_KEY, value: encodeNumber(number) }], { sync: true });
    this.#number = number;
    this.#files.noteProgress(number);
  }

  /**
   * After a failed write the database takes no other until it is opened again; what is in memory is ahead of it. Opened
   * again, it says itself whether the write is there.
   */
  async #hasLanded(group: readonly Call[], number: number): Promise<boolean> {
    const failed = this.#database;
    this.#database = undefined;
    try {
      await failed?.close();
      await this.#openDatabase(() => false);
      return this.#number === number;
    } catch {
      const acquired = new Set(group.flatMap(({ acquires }) => acquires ?? []));
      this.#unsettled = { number, acquired };
      return false;
    }
  }

  async #reopen(): Promise<Database> {
    const unsettled = this.#unsettled;
    return this.#openDatabase((id) => unsettled?.number === this.#number && unsettled.acquired.has(id));
  }

  /** @param isLost whether the holder of this attached session is no more. */
  async #openDatabase(isLost: (id: string) => boolean): Promise<Database> {
    const progress = await this.#files.readProgress();
    const { database, content } = await this.#files.openVerified(async (opened) => {
      const read = await readAll(opened);
      if (read.number < (progress ?? 0)) {
        throw corruptError(`${(progress ?? 0) - read.number} acknowledged writes are missing`);
      }
      if (progress === undefined && read.number > 0) throw corruptError("the file 'progress' is missing");
      return read;
    });
    try {
      this.#number = content.number;
      this.#table = new SessionTable();
      this.#checksums = new Map();
      this.#files.openProgress(content.number);
      const writes: Write[] = [];
      const now = this.#clock();
      for (const { record, checksums } of content.sessions.values()) {
        this.#table.set(record.header.id, record);
        this.#checksums.set(record.header.id, checksums);
        if (record.endsAt !== undefined || !isLost(record.header.id)) continue;
        this.#put({ ...record, endsAt: now + record.header.retentionMs }, writes);
      }
      if (writes.length > 0) await this.#batch(database, writes, this.#number + 1);
    } catch (error) {
      await database.close();
      throw storageError(error);
    }
    this.#unsettled = undefined;
    this.#database = database;
    return database;
  }

  #track<T>(result: T): T {
    if (result instanceof Promise) {
      this.#reads.add(result);
      const done = (): void => void this.#reads.delete(result);
      result.then(done, done);
    }
    return result;
  }

  #put(record: SessionRecord, writes: Write[]): void {
    const { id } = record.header;
    const checksums = this.#checksums.get(id) ?? new EntryChecksums();
    this.#table.set(id, record);
    this.#checksums.set(id, checksums);
    writes.push({ type: 'put', key: sessionKey(id), value: encodeSession({ record, checksums }) });
  }

  #apply(record: SessionRecord, batch: Batch, writes: Write[]): void {
    const { id } = record.header;
    const checksums = this.#checksums.get(id) ?? new EntryChecksums();
    this.#checksums.set(id, checksums);
    for (const key of batch.delete) {
      if (checksums.delete(key)) writes.push({ type: 'del', key: entryKey(id, key) });
    }
    for (const { key, value } of batch.put) {
      const sealed = seal(entryKey(id, key), value);
      checksums.set(key, new DataView(sealed.buffer).getUint32(0));
      writes.push({ type: 'put', key: entryKey(id, key), value: sealed });
    }
    this.#put(record, writes);
  }

  #dropEntries(id: string, writes: Write[]): void {
    for (const key of this.#checksums.get(id)?.keys() ?? []) writes.push({ type: 'del', key: entryKey(id, key) });
    this.#checksums.delete(id);
  }

  /** The iterator sees the state in which it was made, whatever is written while it runs. */
  async #read(header: SessionHeader): Promise<StoredSession> {
    const entries: Entry[] = [];
    const prefix = entryKey(header.id, '').length;
    try {
      if (this.#database === undefined) throw closedError();
      for await (const [key, sealed] of this.#database.iterator(entryRange(header.id))) {
        entries.push({ key: key.slice(prefix), value: new Uint8Array(unseal(key, sealed).value) });
      }
    } catch (error) {
      throw storageError(error);
    }
    return { header, entries };
  }
}

/** Reads and verifies everything. */
async function readAll(
  database: Database,
): Promise<{ readonly number: number; readonly sessions: ReadonlyMap<string, DurableSession> }> {
  let number = 0;
  const sessions = new Map<string, DurableSession>();
  const digests = new Map<string, { readonly count: number; readonly sum: number }>();
  const found = new Map<string, EntryChecksums>();
  for await (const [key, sealed] of database.iterator()) {
    const parsed = parseKey(key);
    if (parsed === undefined) throw corruptError(`there is a record '${key}' that no store has written`);
    if (parsed.type === 'number') {
      number = decodeNumber(sealed);
    } else if (parsed.type === 'session') {
      const { record, count, sum } = decodeSession(key, sealed);
      digests.set(parsed.id, { count, sum });
      sessions.set(parsed.id, { record, checksums: new EntryChecksums() });
    } else {
      const checksums = found.get(parsed.id) ?? new EntryChecksums();
      checksums.set(parsed.key, unseal(key, sealed).checksum);
      found.set(parsed.id, checksums);
    }
  }
  for (const [id, checksums] of found) {
    const session = sessions.get(id);
    if (session === undefined) throw corruptError(`session ${id} has entries but no record`);
    sessions.set(id, { ...session, checksums });
  }
  for (const [id, { checksums }] of sessions) {
    const { count, sum } = checksums;
    const expected = digests.get(id);
    if (expected?.count !== count || expected.sum !== sum) {
      throw corruptError(`session ${id} has ${count} entries instead of the ${expected?.count ?? 0} that were stored`);
    }
  }
  return { number, sessions };
}
