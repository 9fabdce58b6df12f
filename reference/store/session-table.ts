import { compareKeys, type Cursors, type SessionHeader } from './session-store.ts';

/** What a store of one process knows of a session besides its entries. Never changed, only replaced. */
export interface SessionRecord {
  readonly header: SessionHeader;
  /** Last ones stated; undefined while none were. */
  readonly cursors: Cursors | undefined;
  /** When the session ends, or has ended; undefined while it is attached. */
  readonly endsAt: number | undefined;
  /** Whether its entries are gone. */
  readonly over: boolean;
}

/** `live`; `ended`, with cursors to answer with; or `gone`, as if it had never been. [CNT-036] */
export function phaseOf(record: SessionRecord | undefined, now: number): 'live' | 'ended' | 'gone' {
  if (record === undefined) return 'gone';
  const { endsAt } = record;
  if (endsAt === undefined || now < endsAt) return 'live';
  return record.cursors !== undefined && now < endsAt + record.header.retentionMs ? 'ended' : 'gone';
}

/** The record of a session whose holder may change it; undefined means `fenced`. [CNT-037] */
export function heldRecord(record: SessionRecord | undefined, epoch: number, now: number): SessionRecord | undefined {
  return record?.header.epoch === epoch && phaseOf(record, now) === 'live' ? record : undefined;
}

/** How {@link judgeAttach} decides. */
export type AttachJudgement =
  | { readonly type: 'attached'; readonly record: SessionRecord }
  | { readonly type: 'unknown' }
  | { readonly type: 'ended'; readonly epoch: number; readonly cursors: Cursors }
  | { readonly type: 'stale' }
  | { readonly type: 'ahead'; readonly header: SessionHeader; readonly cursors: Cursors | undefined };

/** Compares in the order of section 12.4, and says what the record becomes. */
export function judgeAttach(
  record: SessionRecord | undefined,
  owner: string,
  attempt: number,
  statedEpoch: number,
  now: number,
): AttachJudgement {
  const phase = phaseOf(record, now);
  // [CNT-021] Who does not own it learns nothing, not even that it has ended.
  if (record === undefined || phase === 'gone' || record.header.owner !== owner) return { type: 'unknown' };
  const { header, cursors } = record;
  // [CNT-036]
  if (phase === 'ended' && cursors !== undefined) return { type: 'ended', epoch: header.epoch, cursors };
  // [CNT-023]
  if (attempt <= header.attempt) return { type: 'stale' };
  // [CNT-025]
  if (statedEpoch > header.epoch) return { type: 'ahead', header, cursors };
  // [CNT-024] [CNT-027]
  return {
    type: 'attached',
    record: { ...record, header: { ...header, epoch: header.epoch + 1, attempt }, endsAt: undefined },
  };
}

/** What {@link SessionStore.note} makes of a record; undefined means `fenced`. */
export function notedRecord(
  record: SessionRecord | undefined,
  epoch: number,
  change: { readonly epoch?: number; readonly attempt?: number },
  now: number,
): SessionRecord | undefined {
  const held = heldRecord(record, epoch, now);
  if (held === undefined) return undefined;
  const { header } = held;
  if (change.epoch !== undefined && change.epoch <= header.epoch) return undefined;
  if (change.attempt !== undefined && change.attempt <= header.attempt) return undefined;
  return {
    ...held,
    header: { ...header, epoch: change.epoch ?? header.epoch, attempt: change.attempt ?? header.attempt },
    endsAt: change.epoch === undefined ? held.endsAt : undefined,
  };
}

/** What {@link SessionStore.end} makes of a record; the record itself when that has been done, undefined for `fenced`. */
export function endedRecord(
  record: SessionRecord | undefined,
  epoch: number,
  cursors: Cursors,
  now: number,
): SessionRecord | undefined {
  if (record?.header.epoch !== epoch) return undefined;
  const phase = phaseOf(record, now);
  if (phase === 'live') return { ...record, cursors, endsAt: now, over: true };
  const same =
    record.cursors?.receiveCursor === cursors.receiveCursor && record.cursors.sendCursor === cursors.sendCursor;
  return phase === 'ended' && same ? record : undefined;
}

/** The records of a store of one process, by id and, where they are detached, by owner. */
export class SessionTable {
  readonly #records = new Map<string, SessionRecord>();
  readonly #detached = new Map<string, Set<string>>();

  get(id: string): SessionRecord | undefined {
    return this.#records.get(id);
  }

  /** Puts a record in place of the former one; undefined removes it. */
  set(id: string, record: SessionRecord | undefined): void {
    const former = this.#records.get(id);
    if (former !== undefined) this.#forget(former);
    if (record === undefined) {
      this.#records.delete(id);
      return;
    }
    this.#records.set(id, record);
    if (record.endsAt === undefined || record.over || record.header.role !== 'server') return;
    const ids = this.#detached.get(record.header.owner);
    if (ids === undefined) this.#detached.set(record.header.owner, new Set([id]));
    else ids.add(id);
  }

  /** All records, the oldest first. */
  records(): Iterable<SessionRecord> {
    return this.#records.values();
  }

  list(role: 'client' | 'server', now: number): SessionHeader[] {
    return [...this.#records.values()]
      .filter((record) => record.header.role === role && phaseOf(record, now) === 'live')
      .map(({ header }) => header)
      .sort((a, b) => compareKeys(a.id, b.id));
  }

  count(owner: string, now: number): number {
    let count = 0;
    for (const id of this.#detached.get(owner) ?? []) {
      if (phaseOf(this.#records.get(id), now) === 'live') count += 1;
    }
    return count;
  }

  /** What a sweep has to do: sessions that have expired since the last one, and records that nothing is asked of. */
  due(now: number): { readonly expired: readonly SessionRecord[]; readonly gone: readonly SessionRecord[] } {
    const expired: SessionRecord[] = [];
    const gone: SessionRecord[] = [];
    for (const record of this.#records.values()) {
      const phase = phaseOf(record, now);
      if (phase === 'live') continue;
      if (!record.over) expired.push(record);
      if (phase === 'gone') gone.push(record);
    }
    return { expired, gone };
  }

  #forget({ header }: SessionRecord): void {
    const ids = this.#detached.get(header.owner);
    if (ids?.delete(header.id) === true && ids.size === 0) this.#detached.delete(header.owner);
  }
}
