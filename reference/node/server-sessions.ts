import { type ErrorName, type ParameterSet, type ResumeRequest, Session as CoreSession } from '../core/index.ts';
import { type Cursors, MemoryStore, type SessionStore, type StoredSession } from '../store/index.ts';
import type { ChannelEndpoint } from './channel.ts';
import type { ScheduledTask } from './deadline-queue.ts';
import type { Environment } from './environment.ts';
import type { Log } from './log.ts';
import { type SessionEnd, SessionEndpoint } from './session.ts';

/** How often a server looks for sessions whose retention is over. */
const SWEEP_MS = 1000;

/** How long after its retention a detached session is kept that the store has not reported: another server may have it. */
const GRACE_MS = 5000;

/** What a client is asked to wait for while the store can not be reached. */
const STORE_RETRY_MS = 1000;

/** Retention granted at most, unless told otherwise: five minutes. */
const DEFAULT_MAX_RETENTION_MS = 300_000;

/** Detached sessions of one client, unless told otherwise. */
const DEFAULT_MAX_DETACHED = 256;

/** How a server keeps sessions without a connection (chapter 12). */
export interface ServerContinuity {
  /** Where they are kept; in memory unless told otherwise. */
  readonly store?: SessionStore;
  /** The longest retention that is granted, in milliseconds; 0 grants none. Default 300,000. */
  readonly maxRetentionMs?: number;
  /** The longest life of a connection of such a session, in milliseconds; 0 for no bound. Default 0. */
  readonly connectionDeadlineMs?: number;
  /** Detached sessions that one client may have; beyond them it is granted none. Default 256. [CNT-016] */
  readonly maxDetachedPerClient?: number;
}

/** What a client that wants to resume gets. */
export type Resumption =
  | { readonly type: 'resume'; readonly session: SessionEndpoint; readonly epoch: number }
  | {
      readonly type: 'reject';
      readonly code: ErrorName;
      readonly retryAfterMs: number;
      readonly parameters: ParameterSet;
    };

/** What the sessions of a server need of it. */
export interface ServerSessionsHost {
  readonly environment: Environment;
  readonly log: Log;
  readonly grease: boolean;
  /** A client asks for a channel, or has one that was restored. */
  onChannelRequested(session: SessionEndpoint, channel: ChannelEndpoint, restored: boolean): void;
}

/** How a session ends here, when nothing else is known. */
const ENDED: SessionEnd = {
  type: 'closed',
  outcome: 'aborted',
  code: undefined,
  error: undefined,
  remote: false,
  peerReceiveCursor: undefined,
  session: 'ended',
  acceptedMessages: [],
  unknownMessages: [],
  undeliveredMessages: [],
};

const REFUSED: Resumption = { type: 'reject', code: 'RESUME_REFUSED', retryAfterMs: 0, parameters: {} };

/** The resumable sessions of a server, with or without a connection, and their store. */
export class ServerSessions {
  readonly store: SessionStore;
  readonly #host: ServerSessionsHost;
  readonly #options: ServerContinuity;
  /** Those that this process holds, by id. */
  readonly #held = new Map<string, SessionEndpoint>();
  /** Epoch under which the store knows this process as the holder: ahead of the session's while no ACCEPT told of it. */
  readonly #epochs = new Map<string, number>();
  /** Number of the last attempt that attached each of them here; absent while there was none. */
  readonly #attempts = new Map<string, number>();
  /** When each detached one is given up, come what may. */
  readonly #detachedUntil = new Map<string, number>();
  /** Resumptions under way, one at a time for each session. */
  readonly #queues = new Map<string, Promise<unknown>>();
  readonly #sweep: ScheduledTask;
  #stopped = false;

  constructor(host: ServerSessionsHost, options: ServerContinuity) {
    this.#host = host;
    this.#options = options;
    this.store = options.store ?? new MemoryStore();
    const { deadlines } = host.environment;
    this.#sweep = deadlines.add((now) => {
      void this.#removeExpired();
      return this.#stopped ? undefined : now + SWEEP_MS;
    });
    // A store that survives its process may hold sessions of an earlier one.
    if (this.store.custody === 'stored') this.#sweep.by(deadlines.now() + SWEEP_MS);
  }

  /** The sessions that this process holds. */
  get sessions(): Iterable<SessionEndpoint> {
    return this.#held.values();
  }

  /** The longest life of a connection; 0 for no bound. */
  get connectionDeadlineMs(): number {
    return this.#options.connectionDeadlineMs ?? 0;
  }

  /**
   * The retention that a client is granted, in milliseconds. [CNT-016] A session of which the store can not take custody is
   * not granted any.
   */
  async retentionFor(owner: string, askedMs: number): Promise<number> {
    const { maxRetentionMs = DEFAULT_MAX_RETENTION_MS, maxDetachedPerClient = DEFAULT_MAX_DETACHED } = this.#options;
    const retentionMs = Math.min(askedMs, maxRetentionMs);
    if (retentionMs === 0) return 0;
    try {
      return (await this.store.count(owner)) < maxDetachedPerClient ? retentionMs : 0;
    } catch (error) {
      this.#host.log.error({ err: error }, 'the store fails: a session is granted no retention');
      return 0;
    }
  }

  /** Notes a session before ACCEPT tells of it. Returns whether that was possible. */
  async create(id: string, owner: string, retentionMs: number): Promise<boolean> {
    try {
      const header = { id, role: 'server', owner, epoch: 1, attempt: 0, retentionMs } as const;
      await this.store.create(header, { put: [], delete: [] });
      return true;
    } catch (error) {
      this.#host.log.error({ session: id, err: error }, 'the store fails: the session is not resumable');
      return false;
    }
  }

  /** A session exists. */
  hold(session: SessionEndpoint): void {
    this.#held.set(session.id, session);
  }

  /** ACCEPT was not sent after all. */
  async discard(id: string): Promise<void> {
    await this.#quietly(this.store.end(id, 1, { receiveCursor: 0, sendCursor: 0 }));
  }

  /** A session has lost its connection, or is over. */
  linkEnded(session: SessionEndpoint, end: SessionEnd): void {
    const { core, id } = session;
    if (!core.resumable) return;
    const cursors: Cursors = { receiveCursor: core.receiveCursor, sendCursor: core.sendCursor };
    const epoch = this.#epochOf(session);
    if (end.session === 'ended') {
      this.#forget(id);
      void this.#quietly(this.store.end(id, epoch, cursors));
      return;
    }
    const { deadlines } = this.#host.environment;
    this.#detachedUntil.set(id, deadlines.now() + core.terms.retentionMs + GRACE_MS);
    void this.#quietly(this.#detached(session, epoch, cursors));
    this.#sweep.by(deadlines.now() + SWEEP_MS);
  }

  /**
   * Finds the session that a client wants to resume, and raises its epoch. [CNT-021] to [CNT-029]
   *
   * @param owner - the verified identity of the client.
   */
  resume(owner: string, request: ResumeRequest): Promise<Resumption> {
    const id = Buffer.from(request.sessionId).toString('hex');
    const before = this.#queues.get(id) ?? Promise.resolve();
    const result = before.then(() => this.#resume(id, owner, request));
    const settled = result
      .catch(() => undefined)
      .then(() => {
        if (this.#queues.get(id) === settled) this.#queues.delete(id);
      });
    this.#queues.set(id, settled);
    return result;
  }

  /** The epoch that a client states is higher than ours, or its cursor can not be served: the session ends. [CNT-025] */
  async endByGap(id: string, epoch: number, cursors: Cursors): Promise<void> {
    await this.#quietly(this.store.end(id, epoch, cursors));
  }

  /** Ends a session that no connection carries. */
  endDetached(session: SessionEndpoint, code: ErrorName): void {
    const { core, id } = session;
    const epoch = this.#epochOf(session);
    this.#finish(session, code, false);
    const cursors = { receiveCursor: core.receiveCursor, sendCursor: core.sendCursor };
    void this.#quietly(this.store.end(id, epoch, cursors));
  }

  /** Another server has the session, or a later attempt: nothing that is still done here has any effect. [CNT-038] */
  fenced(session: SessionEndpoint): void {
    const { link } = session;
    this.#host.log.warn({ session: session.id }, 'the session is attached elsewhere: this server lets go of it');
    if (link !== undefined) {
      session.unlink();
      link.pump.handle(link.connection.supersede(link.pump.now()));
    }
    this.#letGo(session);
  }

  stop(): void {
    this.#stopped = true;
    this.#sweep.cancel();
    for (const session of this.#held.values()) session.journal?.stop();
  }

  async #resume(id: string, owner: string, request: ResumeRequest): Promise<Resumption> {
    const { attempt, epoch } = request;
    const { log } = this.#host;
    try {
      const held = this.#held.get(id);
      // Somebody else's attempt disturbs nothing.
      if (held !== undefined && held.peerIdentity !== owner) return REFUSED; // [CNT-021]
      // Neither does one that was delayed on its way: the store says what it is, and the connection stays. [CNT-023]
      const late = attempt <= (this.#attempts.get(id) ?? 0);
      if (held !== undefined && !late && !(await this.#release(held))) return busy();
      const result = await this.store.attach(id, owner, attempt, epoch);
      // The session is where it was, but without a connection: the attempt was a mistaken one.
      if (result.type === 'stale' && !late) held?.journal?.release();
      switch (result.type) {
        case 'unknown':
          if (held?.link !== undefined) this.fenced(held);
          else if (held !== undefined) this.#finish(held, 'RESUME_REFUSED', true);
          return REFUSED;
        case 'ended':
          return rejection('SESSION_ENDED', finalCursors(result.cursors)); // [CNT-036]
        case 'stale':
          return rejection('ATTEMPT_STALE', {}); // [CNT-023]
        case 'ahead':
          return await this.#endAhead(id, result.header.epoch, request.receiveCursor, held);
        case 'attached':
          return this.#take(result.session, held);
      }
    } catch (error) {
      log.error({ session: id, err: error }, 'the store fails: a client that wants to resume has to wait');
      return busy();
    }
  }

  /** Takes the session from its former connection and waits until everything is stored; false where the store fails. */
  async #release(held: SessionEndpoint): Promise<boolean> {
    const { link } = held;
    if (link !== undefined) {
      link.pump.handle(link.connection.supersede(link.pump.now())); // [CNT-028] [CNT-029]
      held.unlink();
    }
    if (held.journal === undefined || (await held.journal.hold())) return true;
    held.journal.release();
    return false;
  }

  #take({ header, entries }: StoredSession, held: SessionEndpoint | undefined): Resumption {
    const { id, epoch, attempt, owner } = header;
    this.#detachedUntil.delete(id);
    if (held !== undefined && this.#epochOf(held) + 1 === epoch && held.state !== 'ended') {
      this.#epochs.set(id, epoch);
      this.#attempts.set(id, attempt);
      held.journal?.release(epoch);
      return { type: 'resume', session: held, epoch };
    }
    // Another server has had it in between: what this one still holds is out of date.
    if (held !== undefined) this.#letGo(held);
    if (entries.length === 0) return REFUSED;
    const { environment, grease } = this.#host;
    const { random, deadlines } = environment;
    const core = CoreSession.restore(entries, { random, grease, now: deadlines.now(), epoch: epoch - 1 });
    const session = this.createEndpoint(core, owner);
    this.#epochs.set(id, epoch);
    this.#attempts.set(id, attempt);
    session.journal?.release(epoch);
    session.flushed();
    return { type: 'resume', session, epoch };
  }

  /** The endpoint of a session that this process holds from now on. */
  createEndpoint(core: CoreSession, owner: string): SessionEndpoint {
    const { environment, log } = this.#host;
    const session: SessionEndpoint = new SessionEndpoint({
      core,
      environment,
      log,
      peerIdentity: owner,
      store: core.resumable ? this.store : undefined,
      onChannelRequested: (channel, restored) => this.#host.onChannelRequested(session, channel, restored),
      onLinkEnded: (end) => this.linkEnded(session, end),
      onFenced: () => this.fenced(session),
      onCloseDetached: (code) => this.endDetached(session, code),
    });
    if (core.resumable) this.hold(session);
    return session;
  }

  async #endAhead(
    id: string,
    epoch: number,
    peerCursor: number,
    held: SessionEndpoint | undefined,
  ): Promise<Resumption> {
    // Only where nothing but the epoch is wrong there is no gap. [CNT-026]
    const { first, last } = held?.core.gapAt(peerCursor) ?? { first: 0, last: 0 };
    const cursors =
      held === undefined
        ? { receiveCursor: 0, sendCursor: 0 }
        : { receiveCursor: held.core.receiveCursor, sendCursor: held.core.sendCursor };
    if (held !== undefined) this.#finish(held, 'RESUME_GAP', true);
    await this.store.end(id, epoch, cursors);
    return rejection('RESUME_GAP', { ...finalCursors(cursors), gap_first: first, gap_last: last });
  }

  async #detached(session: SessionEndpoint, epoch: number, cursors: Cursors): Promise<void> {
    const result = await this.store.detached(session.id, epoch, cursors);
    const isHeld = this.#held.get(session.id) === session && this.#epochOf(session) === epoch;
    if (result === 'fenced' && isHeld) this.fenced(session);
  }

  /** Another holder has the session: what becomes of its messages is for that one to report. [CNT-042] */
  #letGo(session: SessionEndpoint): void {
    this.#forget(session.id);
    session.core.end();
    session.finish({ ...ENDED, code: 'SUPERSEDED' }, 'elsewhere');
  }

  /** @param doubt - what was sent may or may not have arrived: nobody can tell any more. [CNT-043] */
  #finish(session: SessionEndpoint, code: ErrorName | undefined, doubt: boolean): void {
    this.#forget(session.id);
    const fates = session.core.fates(undefined, doubt);
    session.core.end();
    session.finish({ ...ENDED, code, ...fates });
  }

  #epochOf({ id, core }: SessionEndpoint): number {
    return this.#epochs.get(id) ?? core.epoch;
  }

  #forget(id: string): void {
    this.#held.delete(id);
    this.#epochs.delete(id);
    this.#attempts.delete(id);
    this.#detachedUntil.delete(id);
  }

  // [CNT-017]
  async #removeExpired(): Promise<void> {
    const now = this.#host.environment.deadlines.now();
    let expired: readonly string[] = [];
    try {
      expired = await this.store.sweep();
    } catch (error) {
      this.#host.log.debug({ err: error }, 'the store can not be swept now');
    }
    for (const id of expired) {
      const session = this.#held.get(id);
      if (session !== undefined && session.link === undefined) this.#finish(session, undefined, false);
      this.#host.log.warn({ session: id }, 'the retention of a detached session is over');
    }
    for (const [id, until] of [...this.#detachedUntil]) {
      const session = this.#held.get(id);
      if (now < until || session === undefined) continue;
      if (session.link === undefined) this.#letGo(session);
    }
  }

  async #quietly(change: Promise<unknown>): Promise<void> {
    try {
      await change;
    } catch (error) {
      this.#host.log.warn({ err: error }, 'the store could not take note of the end of a connection or session');
    }
  }
}

/** What REJECT tells of a session that is over. [CNT-026] [CNT-036] */
function finalCursors({ receiveCursor, sendCursor }: Cursors): ParameterSet {
  return { final_receive_cursor: receiveCursor, final_send_cursor: sendCursor };
}

function rejection(code: ErrorName, parameters: ParameterSet): Resumption {
  return { type: 'reject', code, retryAfterMs: 0, parameters };
}

function busy(): Resumption {
  return { type: 'reject', code: 'BUSY', retryAfterMs: STORE_RETRY_MS, parameters: {} };
}
