import {
  type AttachResult,
  type Batch,
  type ChangeResult,
  checkBatch,
  checkHeader,
  compareKeys,
  type Cursors,
  type SessionHeader,
  type SessionStore,
  type StoreClock,
  type StoredSession,
} from './session-store.ts';
import { endedRecord, heldRecord, judgeAttach, notedRecord, phaseOf, SessionTable } from './session-table.ts';
import { closedError, existsError } from './store-error.ts';

/** Options of {@link MemoryStore}. */
export interface MemoryStoreOptions {
  /** Default: the process's wall clock. */
  readonly clock?: StoreClock;
}

/** Sessions in the memory of the process: custody `received`. They survive the loss of a connection, nothing else. */
export class MemoryStore implements SessionStore {
  readonly custody = 'received';
  readonly shared = false;
  readonly #clock: StoreClock;
  readonly #table = new SessionTable();
  readonly #entries = new Map<string, Map<string, Uint8Array>>();
  #closed = false;

  constructor(options: MemoryStoreOptions = {}) {
    this.#clock = options.clock ?? Date.now;
  }

  async create(header: SessionHeader, batch: Batch): Promise<void> {
    const now = await this.#enter();
    checkHeader(header);
    checkBatch(batch);
    const { id } = header;
    if (phaseOf(this.#table.get(id), now) !== 'gone') throw existsError(id);
    this.#table.set(id, { header: { ...header }, cursors: batch.cursors, endsAt: undefined, over: false });
    this.#entries.set(id, new Map());
    this.#apply(id, batch);
  }

  async attach(id: string, owner: string, attempt: number, statedEpoch: number): Promise<AttachResult> {
    const now = await this.#enter();
    const judgement = judgeAttach(this.#table.get(id), owner, attempt, statedEpoch, now);
    if (judgement.type !== 'attached') return judgement;
    this.#table.set(id, judgement.record);
    return { type: 'attached', session: this.#read(judgement.record.header) };
  }

  async commit(id: string, epoch: number, batch: Batch): Promise<ChangeResult> {
    const now = await this.#enter();
    checkBatch(batch);
    const record = heldRecord(this.#table.get(id), epoch, now);
    if (record === undefined) return 'fenced';
    this.#apply(id, batch);
    if (batch.cursors !== undefined) this.#table.set(id, { ...record, cursors: batch.cursors });
    return 'committed';
  }

  async note(
    id: string,
    epoch: number,
    change: { readonly epoch?: number; readonly attempt?: number },
  ): Promise<ChangeResult> {
    const now = await this.#enter();
    const record = notedRecord(this.#table.get(id), epoch, change, now);
    if (record === undefined) return 'fenced';
    this.#table.set(id, record);
    return 'committed';
  }

  async end(id: string, epoch: number, cursors: Cursors): Promise<ChangeResult> {
    const now = await this.#enter();
    const record = endedRecord(this.#table.get(id), epoch, cursors, now);
    if (record === undefined) return 'fenced';
    this.#table.set(id, record);
    this.#entries.delete(id);
    return 'committed';
  }

  async detached(id: string, epoch: number, cursors?: Cursors): Promise<ChangeResult> {
    const now = await this.#enter();
    const record = heldRecord(this.#table.get(id), epoch, now);
    if (record === undefined) return 'fenced';
    const endsAt = record.endsAt ?? now + record.header.retentionMs;
    this.#table.set(id, { ...record, cursors: cursors ?? record.cursors, endsAt });
    return 'committed';
  }

  async load(id: string): Promise<StoredSession | undefined> {
    const now = await this.#enter();
    const record = this.#table.get(id);
    return record !== undefined && phaseOf(record, now) === 'live' ? this.#read(record.header) : undefined;
  }

  async list(role: 'client' | 'server'): Promise<readonly SessionHeader[]> {
    return this.#table.list(role, await this.#enter());
  }

  async count(owner: string): Promise<number> {
    return this.#table.count(owner, await this.#enter());
  }

  async sweep(): Promise<readonly string[]> {
    const { expired, gone } = this.#table.due(await this.#enter());
    for (const record of expired) {
      this.#table.set(record.header.id, { ...record, over: true });
      this.#entries.delete(record.header.id);
    }
    for (const { header } of gone) this.#table.set(header.id, undefined);
    return expired.map(({ header }) => header.id);
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }

  /** The time at which a call happens; everything after it is one step, because nothing else is awaited. */
  #enter(): Promise<number> {
    return this.#closed ? Promise.reject(closedError()) : Promise.resolve(this.#clock());
  }

  #apply(id: string, batch: Batch): void {
    const entries = this.#entries.get(id);
    for (const key of batch.delete) entries?.delete(key);
    for (const { key, value } of batch.put) entries?.set(key, new Uint8Array(value));
  }

  #read(header: SessionHeader): StoredSession {
    const entries = [...(this.#entries.get(header.id) ?? [])].sort(([a], [b]) => compareKeys(a, b));
    return { header, entries: entries.map(([key, value]) => ({ key, value: new Uint8Array(value) })) };
  }
}
