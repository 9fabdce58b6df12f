import {
  type ErrorName,
  type Gap,
  type ParameterSet,
  type ResumeRequest,
  Session as CoreSession,
} from '../../core/index.ts';
import {
  type AttachResult,
  type Cursors,
  MemoryStore,
  type SessionHeader,
  type SessionStore,
  type StoredSession,
} from '../../store/index.ts';
import { AttachedSessions } from './attached-sessions.ts';
import type { ChannelEndpoint } from '../session/channel.ts';
import type { ScheduledTask } from '../deadline-queue.ts';
import type { Environment } from '../environment.ts';
import type { Log } from '../log.ts';
import { endStored, PendingEnds, type StoredEnd } from './pending-ends.ts';
import { type SessionEnd, SessionEndpoint } from '../session/session.ts';
import { leafVerifier } from '../connection/signatures.ts';
import { storeFailure } from '../session/store-failure.ts';

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
  /**
   * Detached sessions that one client may have. Each resumable session may become one, so that those with a connection to
   * this server count too; beyond the bound a session is granted no retention. Default 256. [CNT-016]
   */
  readonly maxDetachedPerClient?: number;
}

/** The connection on which a client wants to resume. */
export interface ResumingConnection {
  /** Whether it can be given the session: it still waits for the answer, and nothing else speaks against it. */
  readonly ready: boolean;
  /** Gives it the session. */
  give(session: SessionEndpoint, epoch: number): void;
}

/** What a client that wants to resume gets. */
export type Resumption =
  /** Its connection was given the session, and has answered. */
  | { readonly type: 'given' }
  /** Its connection was not ready: the session stays where it was. */
  | { readonly type: 'kept' }
  /** The store may have given it to this process, or not: any answer could be wrong. */
  | { readonly type: 'unsure' }
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

/** How a session is left that was about to be attached. */
const DETACHED: SessionEnd = { ...ENDED, remote: true, session: 'detached' };

/** How far a session came of which nothing is known. */
const NOTHING: Cursors = { receiveCursor: 0, sendCursor: 0 };

const NO_GAP: Gap = { first: 0, last: 0 };

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
  /** Number of an attempt that the store was asked to attach, and has not answered: it may have raised the epoch. */
  readonly #asked = new Map<string, number>();
  /** Sessions that are over here, and of which the store has not said so. */
  readonly #pendingEnds: PendingEnds;
  /** Those that the store has as attached to this process. [CNT-016] */
  readonly #attached = new AttachedSessions();
  /** When each detached one is given up, come what may. */
  readonly #detachedUntil = new Map<string, number>();
  /** Resumptions and expiries under way, one at a time for each session. */
  readonly #queues = new Map<string, Promise<unknown>>();
  readonly #sweep: ScheduledTask;
  #stopped = false;

  constructor(host: ServerSessionsHost, options: ServerContinuity) {
    this.#host = host;
    this.#options = options;
    this.store = options.store ?? new MemoryStore();
    this.#pendingEnds = new PendingEnds(this.store, host.log);
    const { deadlines } = host.environment;
    this.#sweep = deadlines.add((now) => {
      void this.#runSweep();
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
   * The retention that a client is granted for a new session, in milliseconds. [CNT-016] A session of which the store can not
   * take custody is not granted any.
   */
  async retentionFor(id: string, owner: string, askedMs: number): Promise<number> {
    const { maxRetentionMs = DEFAULT_MAX_RETENTION_MS, maxDetachedPerClient = DEFAULT_MAX_DETACHED } = this.#options;
    const retentionMs = Math.min(askedMs, maxRetentionMs);
    if (retentionMs === 0) return 0;
    // Before anything is waited for: of several that are asked for at once each counts those before it.
    const attached = this.#attached.count(owner);
    this.#attached.add(id, owner);
    try {
      const granted = attached + (await this.store.count(owner)) < maxDetachedPerClient ? retentionMs : 0;
      if (granted === 0) this.#attached.delete(id);
      return granted;
    } catch (error) {
      this.#attached.delete(id);
      this.#host.log.error({ err: error }, 'the store fails: a session is granted no retention');
      return 0;
    }
  }

  /** Notes a session before ACCEPT tells of it. Returns whether that was possible. */
  async create(id: string, owner: string, retentionMs: number): Promise<boolean> {
    try {
      const header = { id, role: 'server', owner, epoch: 1, attempt: 0, retentionMs } as const;
      await this.store.create(header, { put: [], delete: [] });
    } catch (error) {
      this.#host.log.error({ session: id, err: error }, 'the store fails: the session is not resumable');
      // It may be there all the same.
      void this.discard(id, owner);
      return false;
    }
    // Also where no session is ever detached the store has to let go of those that have ended. [CNT-035]
    this.#sweep.by(this.#host.environment.deadlines.now() + SWEEP_MS);
    return true;
  }

  /** A session exists. */
  hold(session: SessionEndpoint): void {
    this.#held.set(session.id, session);
  }

  /** No ACCEPT has told of a session, or will. */
  async discard(id: string, owner: string): Promise<void> {
    this.#attached.delete(id);
    const noted = (): void => undefined;
    await this.#pendingEnds.add(id, { owner, epoch: 1, cursors: NOTHING, asked: undefined, noted });
  }

  /** A session has lost its connection, or is over. */
  linkEnded(session: SessionEndpoint, end: SessionEnd): void {
    const { core, id } = session;
    if (!core.resumable) return;
    if (end.session === 'ended') {
      const stored = this.#endOf(session);
      this.#forget(id);
      void this.#pendingEnds.add(id, stored);
      return;
    }
    const { deadlines } = this.#host.environment;
    // One that was not attached after all is kept no longer than from when it was detached.
    // One that its owner has ended waits for nobody: its end is told to the store, which says whether it is still here.
    const keptMs = session.closing === undefined ? core.terms.retentionMs + GRACE_MS : 0;
    const until = this.#detachedUntil.get(id) ?? deadlines.now() + keptMs;
    this.#detachedUntil.set(id, until);
    // The store is told once it has said under which epoch it has the session.
    if (!this.#asked.has(id)) void this.#noteDetached(session);
    this.#sweep.by(deadlines.now() + SWEEP_MS);
  }

  /**
   * Finds the session that a client wants to resume, raises its epoch, and moves it. [CNT-021] to [CNT-029]
   *
   * @param owner - the verified identity of the client.
   */
  resume(owner: string, request: ResumeRequest, connection: ResumingConnection): Promise<Resumption> {
    const id = Buffer.from(request.sessionId).toString('hex');
    return this.#inTurn(id, () => this.#resume(id, owner, request, connection));
  }

  /** Ends a session that no connection carries. */
  endDetached(session: SessionEndpoint, code: ErrorName): void {
    const end = this.#endOf(session);
    this.#finish(session, code, false);
    void this.#pendingEnds.add(session.id, end);
  }

  /** Another server has the session, or a later attempt: nothing that is still done here has any effect. [CNT-038] */
  fenced(session: SessionEndpoint): void {
    this.#host.log.warn({ session: session.id }, 'the session is attached elsewhere: this server lets go of it');
    this.#supersede(session);
    this.#letGo(session);
  }

  /** Asks the store once more for the ends that it has not confirmed. */
  confirmEnds(): Promise<void> {
    return this.#pendingEnds.confirmAll();
  }

  stop(): void {
    this.#stopped = true;
    this.#sweep.cancel();
    for (const { journal } of this.#held.values()) {
      journal?.stop();
      // Whoever opens the store next goes on with it.
      journal?.settle('elsewhere');
    }
    this.#pendingEnds.giveUp();
    for (const id of this.#pendingEnds.ids) {
      const message =
        'the store has not noted the end of a session, whose messages may get other outcomes if it is resumed: end it by hand';
      this.#host.log.error({ session: id }, message);
    }
  }

  #inTurn<Result>(id: string, task: () => Promise<Result>): Promise<Result> {
    const before = this.#queues.get(id) ?? Promise.resolve();
    const result = before.then(task);
    const settled = result
      .catch(() => undefined)
      .then(() => {
        if (this.#queues.get(id) === settled) this.#queues.delete(id);
      });
    this.#queues.set(id, settled);
    return result;
  }

  async #resume(
    id: string,
    owner: string,
    request: ResumeRequest,
    connection: ResumingConnection,
  ): Promise<Resumption> {
    const { attempt } = request;
    const held = this.#held.get(id);
    // Somebody else's attempt disturbs nothing.
    if (held !== undefined && held.peerIdentity !== owner) return REFUSED; // [CNT-021]
    let late = false;
    let isAsking = false;
    try {
      if (held !== undefined) await this.#settle(held);
      // Neither does one that was delayed on its way: the store says what it is, and the connection stays. [CNT-023]
      late = attempt <= (this.#attempts.get(id) ?? 0);
      if (held !== undefined && !late && !(await this.#pause(held))) return busy();
      // What has ended here must not rise again, and is nobody else's business. [CNT-021] [CNT-036]
      const endedOwner = this.#pendingEnds.ownerOf(id);
      if (endedOwner !== undefined && endedOwner !== owner) return REFUSED;
      if (!(await this.#pendingEnds.confirm(id))) return busy();
      const epoch = held && this.#epochOf(held);
      if (held !== undefined && held === this.#held.get(id) && !late) this.#asked.set(id, attempt);
      isAsking = true;
      const result = await this.store.attach(id, owner, attempt, request.epoch);
      isAsking = false;
      this.#asked.delete(id);
      if (result.type === 'attached') return await this.#take(result.session, held, epoch, request, connection);
      return await this.#refuse(result, request, held);
    } catch (error) {
      this.#host.log.error({ session: id, err: error }, 'the store fails: a client that wants to resume has to wait');
      await this.#settleOrDetach(held, error);
      // A client that is refused may go on with a connection to another server, which has lost the session then. [CNT-052]
      return isAsking && held === undefined ? { type: 'unsure' } : busy();
    } finally {
      // Whoever holds it now, as it was or anew.
      const session = this.#held.get(id);
      if (session !== undefined && !late) this.#goOn(session);
    }
  }

  /**
   * Stops the session where it is: of what its connection brings nothing more is processed, so that the cursor stands, and
   * everything is stored. Its connection stays: the attempt may fail. [CNT-028] [CNT-052]
   *
   * @returns false where the store fails.
   */
  async #pause(held: SessionEndpoint): Promise<boolean> {
    held.link?.pump.pauseReading();
    return held.journal === undefined || (await held.journal.hold());
  }

  /** The attempt is over: the session goes on, with whatever connection it has. */
  #goOn(session: SessionEndpoint): void {
    session.link?.pump.resumeReading();
    // As long as nobody knows the epoch, nothing is written.
    if (!this.#asked.has(session.id)) session.journal?.release(this.#epochOf(session));
    // The store has it as attached, or the client does not come back. [CNT-013] [CNT-017]
    if (session.link === undefined && session.state !== 'ended') this.linkEnded(session, DETACHED);
  }

  /** A call whose answer was lost may have raised the epoch all the same: then it is this process that holds it under that. */
  async #settle(held: SessionEndpoint): Promise<void> {
    const { id } = held;
    const attempt = this.#asked.get(id);
    if (attempt === undefined) return;
    const header = (await this.store.load(id))?.header;
    // The end of a session that is over asks for itself.
    if (this.#held.get(id) !== held) return;
    this.#asked.delete(id);
    // Where another one has had it in between, what is held here is out of date, and stays under the epoch that it had. [CNT-037]
    if (header?.attempt === attempt && header.epoch === this.#epochOf(held) + 1) {
      this.#epochs.set(id, header.epoch);
      this.#attempts.set(id, attempt);
    }
    held.journal?.release(this.#epochOf(held));
  }

  /** Where nobody can tell the epoch now, the session loses its connection: the client attaches it once the store works. */
  async #settleOrDetach(held: SessionEndpoint | undefined, cause: unknown): Promise<void> {
    if (held === undefined) return;
    try {
      await this.#settle(held);
    } catch {
      // That the store fails is known, and why.
      held.fail('INTERNAL_ERROR', storeFailure(cause));
    }
  }

  /** The former connection has no part in the session any more. */
  #supersede(session: SessionEndpoint): void {
    const { link } = session;
    if (link === undefined) return;
    link.pump.handle(link.connection.supersede(link.pump.now())); // [CNT-028] [CNT-029]
    session.unlink();
    // What it still brings is not processed, but its end is looked for.
    link.pump.resumeReading();
  }

  /** The store has not attached the session. */
  async #refuse(
    result: Exclude<AttachResult, { readonly type: 'attached' }>,
    request: ResumeRequest,
    held: SessionEndpoint | undefined,
  ): Promise<Resumption> {
    switch (result.type) {
      case 'unknown':
        if (held !== undefined) {
          this.#finish(held, 'RESUME_REFUSED', true);
          held.journal?.settle('elsewhere');
        }
        return REFUSED;
      case 'ended':
        if (held !== undefined) await this.#expire(held);
        return endedAnswer(result.epoch, result.cursors, request);
      case 'stale':
        return rejection('ATTEMPT_STALE', {}); // [CNT-023]
      case 'ahead':
        return this.#endWithGap(result.header, result.cursors ?? NOTHING, request.receiveCursor, held);
    }
  }

  /**
   * The store has attached the session to this process.
   *
   * @param before - the epoch under which it was held.
   */
  async #take(
    stored: StoredSession,
    held: SessionEndpoint | undefined,
    before: number | undefined,
    request: ResumeRequest,
    connection: ResumingConnection,
  ): Promise<Resumption> {
    const { id, epoch } = stored.header;
    const isCurrent = before !== undefined && before + 1 === epoch;
    if (held?.state === 'ended' && isCurrent) {
      // It has ended in the meantime, and its messages have their outcomes. [CNT-036] [CNT-042]
      const end = { ...this.#endOf(held), epoch };
      return (await this.#pendingEnds.add(id, end)) ? endedAnswer(epoch, end.cursors, request) : busy();
    }
    const session = isCurrent ? held : this.#restore(stored, held);
    if (session === undefined) return REFUSED;
    this.#note(stored);
    const cursors = cursorsOf(session.core);
    // Its end is on its way to the client, whose answer the former connection may bring.
    if (!session.core.attachable) return endedAnswer(epoch, cursors, request);
    // The gap is found whether there is room for the connection or not.
    if (session.core.gapAt(request.receiveCursor) !== undefined) {
      return this.#endWithGap(stored.header, cursors, request.receiveCursor, session);
    }
    if (!connection.ready) return { type: 'kept' };
    // In one turn: nothing may come in between that moves the cursor. [CNT-028]
    this.#supersede(session);
    connection.give(session, epoch);
    return { type: 'given' };
  }

  /** Another server has had the session in between, or this one never: what it still holds is out of date. */
  #restore({ header, entries }: StoredSession, held: SessionEndpoint | undefined): SessionEndpoint | undefined {
    if (held !== undefined) {
      this.#supersede(held);
      this.#letGo(held);
    }
    if (entries.length === 0) return undefined;
    const { epoch, owner } = header;
    const { environment, grease } = this.#host;
    const { random, deadlines } = environment;
    const now = deadlines.now();
    const core = CoreSession.restore(entries, { random, grease, leafVerifier, now, epoch: epoch - 1 });
    const session = this.createEndpoint(core, owner);
    this.#epochs.set(session.id, epoch);
    session.journal?.release(epoch);
    session.flushed();
    return session;
  }

  /** The store has it as attached to this process, under a new epoch. */
  #note({ header: { id, epoch, attempt, owner } }: StoredSession): void {
    this.#epochs.set(id, epoch);
    this.#attempts.set(id, attempt);
    this.#attached.add(id, owner);
    this.#detachedUntil.delete(id);
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

  /** The store has to confirm the end before anybody is told of it: until then the client finds the same again. */
  async #endWithGap(
    { id, epoch }: Pick<SessionHeader, 'id' | 'epoch'>,
    stored: Cursors,
    peerCursor: number,
    held: SessionEndpoint | undefined,
  ): Promise<Resumption> {
    const core = held?.core ?? (await this.#read(id));
    const cursors = core === undefined ? stored : cursorsOf(core);
    // Only where nothing but the epoch is wrong there is no gap. [CNT-026]
    const { first, last } = core === undefined ? gapBehind(cursors, peerCursor) : (core.gapAt(peerCursor) ?? NO_GAP);
    if ((await this.store.end(id, epoch, cursors)) === 'fenced') return busy();
    if (held !== undefined) {
      this.#finish(held, 'RESUME_GAP', true);
      held.journal?.settle('ended');
    }
    return gapAnswer(cursors, { first, last });
  }

  /** A session that this process does not hold, to be looked at; undefined where the store has no more than its header. */
  async #read(id: string): Promise<CoreSession | undefined> {
    const entries = (await this.store.load(id))?.entries ?? [];
    const { random, deadlines } = this.#host.environment;
    return entries.length === 0
      ? undefined
      : CoreSession.restore(entries, { random, grease: this.#host.grease, now: deadlines.now() });
  }

  async #noteDetached(session: SessionEndpoint): Promise<void> {
    const { id } = session;
    const epoch = this.#epochOf(session);
    try {
      const result = await this.store.detached(id, epoch, cursorsOf(session.core));
      const isHeld = this.#held.get(id) === session && this.#epochOf(session) === epoch;
      if (!isHeld) return;
      if (result === 'committed') this.#attached.delete(id);
      // While a client resumes it here, the epoch may have been raised for this process.
      else if (!this.#queues.has(id)) this.fenced(session);
    } catch (error) {
      // Then it ends here when its time is over, and there with it.
      this.#host.log.warn({ session: id, err: error }, 'the store could not take note of the end of a connection');
    }
  }

  /** Another holder has the session: what becomes of its messages is for that one to report. [CNT-042] */
  #letGo(session: SessionEndpoint): void {
    this.#forget(session.id);
    session.core.end();
    session.finish({ ...ENDED, code: 'SUPERSEDED' }, 'elsewhere');
  }

  /** @param doubt - what was sent may or may not have arrived: nobody can tell any more. [CNT-043] */
  #finish(session: SessionEndpoint, code: ErrorName | undefined, doubt: boolean): void {
    this.#supersede(session);
    this.#forget(session.id);
    const fates = session.core.fates(undefined, doubt);
    session.core.end();
    session.finish({ ...ENDED, code, ...fates });
  }

  /** What the store is to note of a session that is over. */
  #endOf(session: SessionEndpoint): StoredEnd {
    const { id, peerIdentity, core, journal } = session;
    return {
      owner: peerIdentity,
      epoch: this.#epochOf(session),
      cursors: cursorsOf(core),
      asked: this.#asked.get(id),
      noted: (word) => journal?.settle(word),
    };
  }

  #epochOf({ id, core }: SessionEndpoint): number {
    return this.#epochs.get(id) ?? core.epoch;
  }

  #forget(id: string): void {
    this.#held.delete(id);
    this.#epochs.delete(id);
    this.#attempts.delete(id);
    this.#asked.delete(id);
    this.#attached.delete(id);
    this.#detachedUntil.delete(id);
  }

  async #runSweep(): Promise<void> {
    await Promise.all([this.#pendingEnds.confirmIdle(), this.#removeExpired()]);
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
      if (session !== undefined && session.link === undefined) {
        this.#finish(session, undefined, false);
        // It may be another server that it was detached from last.
        session.journal?.settle('elsewhere');
      }
      this.#host.log.warn({ session: id }, 'the retention of a detached session is over');
    }
    for (const [id, until] of [...this.#detachedUntil]) {
      // What is resumed decides by itself.
      if (now >= until && !this.#queues.has(id)) void this.#inTurn(id, () => this.#expireOverdue(id));
    }
  }

  /** The store has not reported it: its answer was lost, it has never heard of the detachment, or another server has it. */
  async #expireOverdue(id: string): Promise<void> {
    const session = this.#held.get(id);
    if (session === undefined || session.link !== undefined) return;
    try {
      await this.#expire(session);
    } catch (error) {
      this.#host.log.warn({ session: id, err: error }, 'the store fails: a session whose retention is over is kept');
    }
  }

  /** A session is over by its retention, where nobody else has it. */
  async #expire(session: SessionEndpoint): Promise<void> {
    const result = await endStored(this.store, session.id, this.#endOf(session));
    if (session.state === 'ended') return;
    if (result === 'ended') this.#finish(session, undefined, false);
    else this.#letGo(session);
  }
}

/** How far a session came here. */
function cursorsOf({ receiveCursor, sendCursor }: CoreSession): Cursors {
  return { receiveCursor, sendCursor };
}

/** The gap as far as cursors tell: what the client has acknowledged is not among them. [CNT-026] */
function gapBehind({ sendCursor }: Cursors, peerCursor: number): Gap {
  return peerCursor > sendCursor ? { first: sendCursor + 1, last: peerCursor } : NO_GAP;
}

/** What REJECT tells of a session that is over. [CNT-026] [CNT-036] */
function finalCursors({ receiveCursor, sendCursor }: Cursors): ParameterSet {
  return { final_receive_cursor: receiveCursor, final_send_cursor: sendCursor };
}

/** The answer of a session that has ended; unless it had lost a part of its memory. [CNT-036] [CNT-063] */
function endedAnswer(epoch: number, cursors: Cursors, request: ResumeRequest): Resumption {
  const { receiveCursor } = request;
  if (request.epoch > epoch || receiveCursor > cursors.sendCursor) {
    return gapAnswer(cursors, gapBehind(cursors, receiveCursor));
  }
  return rejection('SESSION_ENDED', finalCursors(cursors));
}

function gapAnswer(cursors: Cursors, { first, last }: Gap): Resumption {
  return rejection('RESUME_GAP', { ...finalCursors(cursors), gap_first: first, gap_last: last });
}

function rejection(code: ErrorName, parameters: ParameterSet): Resumption {
  return { type: 'reject', code, retryAfterMs: 0, parameters };
}

function busy(): Resumption {
  return { type: 'reject', code: 'BUSY', retryAfterMs: STORE_RETRY_MS, parameters: {} };
}
