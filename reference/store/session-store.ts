import { MisuseError } from '../core/errors.ts';

/** What a session is looked up and compared by. [12.4] */
export interface SessionHeader {
  /** Session id: 32 lower-case hexadecimal digits. */
  readonly id: string;
  /** Which end of the session the store belongs to. */
  readonly role: 'client' | 'server';
  /** Identity of the peer that the session belongs to: the client's at a server, the server's at a client. [CNT-021] */
  readonly owner: string;
  /** Number of the attachment: 1 after `create`, one more with each `attach`. [CNT-027] */
  readonly epoch: number;
  /** Server: the greatest attempt seen. Client: the last attempt used. [CNT-018] [CNT-023] */
  readonly attempt: number;
  /** The retention granted, in milliseconds; at least 1. [CNT-013] */
  readonly retentionMs: number;
}

/** One entry of a session: octets that mean something only to the caller, under a key. */
export interface Entry {
  /** 1 to 255 printable ASCII characters, such as `out/00000000000012`; their order is the order of the entries. */
  readonly key: string;
  /** Content; not to be changed before the call that it was given to has settled. */
  readonly value: Uint8Array;
}

/** How far a session came: what REJECT(SESSION_ENDED) says about one that has ended. [CNT-035] */
export interface Cursors {
  /** Last sequence number received. */
  readonly receiveCursor: number;
  /** Last sequence number sent. */
  readonly sendCursor: number;
}

/** Changes of a session that are stored together or not at all. Deletions come first, then what is put. */
export interface Batch {
  readonly put: readonly Entry[];
  /** Keys; those without an entry are no error. */
  readonly delete: readonly string[];
  /** How far the session is with this batch; absent: as far as before. They are the final ones if it expires. [CNT-035] */
  readonly cursors?: Cursors;
}

/** A session as it is stored. */
export interface StoredSession {
  readonly header: SessionHeader;
  /** All entries, in ascending order of their keys. */
  readonly entries: readonly Entry[];
}

/** What became of {@link SessionStore.attach}. */
export type AttachResult =
  /** The session, its header with the raised epoch and the attempt noted. */
  | { readonly type: 'attached'; readonly session: StoredSession }
  /** Not there, or another owner's: the answer is RESUME_REFUSED. [CNT-021] */
  | { readonly type: 'unknown' }
  /** The session has ended: the answer is SESSION_ENDED, or RESUME_GAP. `epoch` is its last one. [CNT-036] [CNT-063] */
  | { readonly type: 'ended'; readonly epoch: number; readonly cursors: Cursors }
  /** The attempt is not greater than the greatest seen: the answer is ATTEMPT_STALE. [CNT-023] */
  | { readonly type: 'stale' }
  /**
   * The epoch stated is higher than that of the session: the answer is RESUME_GAP, after `end`, with the final cursors where
   * the store was told of any. [CNT-025] [CNT-026]
   */
  | { readonly type: 'ahead'; readonly header: SessionHeader; readonly cursors: Cursors | undefined };

/**
 * What became of a change: `committed`, or `fenced` when the session is no longer the caller's (another epoch, ended,
 * expired, unknown). `fenced` changed nothing, and the caller stops acting for the session. [CNT-037]
 */
export type ChangeResult = 'committed' | 'fenced';

/**
 * Where resumable sessions are kept. [12.2] [12.4] [12.5]
 *
 * Every call that changes something is one step, and is resolved only when its effect has the {@link custody} of the
 * store. Changes of one session take effect in the order of the calls, also when the caller does not wait in between.
 *
 * A call that is rejected (always with a {@link StoreError} or, for an argument, a {@link MisuseError}) leaves its
 * effect open where the storage failed: all of it or nothing. With a call, those that were waiting behind it for the
 * same session are rejected too. Batches say what is to be, not what is to change, so a caller that wants to go on
 * repeats all rejected ones in their order; one that does not calls `attach` or `load`, which settles the matter: a
 * change from before can then no longer arrive late.
 *
 * Times are those of the clock that the store was given, or of its server. A session is attached from `create`,
 * `attach` and a `note` of an epoch until `detached`; in a store that survives its process, one that was attached when
 * the process died counts as detached from when that is found out.
 */
export interface SessionStore {
  /** What a resolved call guarantees: `received` is memory, `stored` stable storage. [12.2] */
  readonly custody: 'received' | 'stored';
  /** Whether other processes can attach the sessions of this store; then only a commit confirms the epoch. [CNT-038] */
  readonly shared: boolean;

  /**
   * Stores a new session, attached.
   *
   * @throws StoreError `HAWSER_ERR_STORE_EXISTS` when the id is taken.
   */
  create(header: SessionHeader, batch: Batch): Promise<void>;

  /**
   * Attaches a session at a server: compares owner, attempt and epoch, raises the epoch by one and notes the attempt,
   * in one step. [CNT-021..027]
   *
   * @param id of the session, from CONNECT.
   * @param owner identity of the client that asks.
   * @param attempt its number, from CONNECT.
   * @param statedEpoch the epoch that CONNECT states.
   */
  attach(id: string, owner: string, attempt: number, statedEpoch: number): Promise<AttachResult>;

  /**
   * Applies a batch if the session still has this epoch.
   *
   * An empty batch confirms the epoch, and nothing else.
   */
  commit(id: string, epoch: number, batch: Batch): Promise<ChangeResult>;

  /**
   * Notes what a client must never forget, before it is used. [CNT-018] [CNT-020]
   *
   * @param epoch the epoch that the caller holds.
   * @param change a new attempt, a new epoch (the session is attached then), or both; each greater than before, or the
   *   result is `fenced`: another program has used the number.
   */
  note(
    id: string,
    epoch: number,
    change: { readonly epoch?: number; readonly attempt?: number },
  ): Promise<ChangeResult>;

  /**
   * Ends a session: its entries go, its cursors stay for the retention. [CNT-035]
   *
   * Anyone who knows the epoch may do that, also while it is attached elsewhere [CNT-025]; to repeat it is `committed`.
   */
  end(id: string, epoch: number, cursors: Cursors): Promise<ChangeResult>;

  /**
   * Notes that the session has lost its connection: it expires after its retention. [CNT-013] [CNT-017]
   *
   * @param cursors as in {@link Batch.cursors}; for a caller that keeps no journal.
   */
  detached(id: string, epoch: number, cursors?: Cursors): Promise<ChangeResult>;

  /**
   * Reads a live session; undefined when there is none.
   *
   * A client's session is taken over by that, for a client that goes on after a restart: where a store is shared,
   * another process that held it is fenced from here on. A server's session is taken over by `attach` only.
   */
  load(id: string): Promise<StoredSession | undefined>;

  /** The live sessions of a role, in ascending order of their ids. */
  list(role: 'client' | 'server'): Promise<readonly SessionHeader[]>;

  /** How many live detached sessions a client has at a server. [CNT-016] */
  count(owner: string): Promise<number>;

  /**
   * Removes what is over its time. To be called every few seconds.
   *
   * @returns the ids of sessions that expired: each once, and in a shared store at the process that held them last.
   */
  sweep(): Promise<readonly string[]>;

  /** Waits for the calls under way, then lets go of the storage. Every later call is rejected; a second close is none. */
  close(): Promise<void>;
}

/** Wall-clock time in milliseconds since 1970; it goes on while no process runs. */
export type StoreClock = () => number;

const ID = /^[0-9a-f]{32}$/;
const KEY = /^[\x20-\x7e]{1,255}$/;

/** @throws MisuseError `HAWSER_ERR_MISUSE_STORE_HEADER` when a header breaks its own description. */
export function checkHeader(header: SessionHeader): void {
  const { id, epoch, attempt, retentionMs } = header;
  const ok =
    ID.test(id) &&
    Number.isSafeInteger(epoch) &&
    epoch >= 1 &&
    Number.isSafeInteger(attempt) &&
    attempt >= 0 &&
    Number.isSafeInteger(retentionMs) &&
    retentionMs >= 1;
  if (ok) return;
  throw new MisuseError(
    'HAWSER_ERR_MISUSE_STORE_HEADER',
    'A session header needs an id of 32 hexadecimal digits, an epoch and a retention from 1 and an attempt from 0.',
  );
}

/** @throws MisuseError `HAWSER_ERR_MISUSE_STORE_KEY` when a key is not 1 to 255 printable ASCII characters. */
export function checkBatch(batch: Batch): void {
  const bad = batch.put.find(({ key }) => !KEY.test(key))?.key ?? batch.delete.find((key) => !KEY.test(key));
  if (bad === undefined) return;
  throw new MisuseError(
    'HAWSER_ERR_MISUSE_STORE_KEY',
    `The key of an entry is 1 to 255 printable ASCII characters, not ${JSON.stringify(bad.slice(0, 64))}.`,
  );
}

/** Orders keys, which are ASCII, as every store does. */
export function compareKeys(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
