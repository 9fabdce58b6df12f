import {
  type Closed,
  ERRORS,
  type ErrorName,
  type HawserError,
  RemoteError,
  TIMERS,
  TransportError,
} from '../core/index.ts';
import { type ChangeResult, type SessionStore, StoreError } from '../store/index.ts';
import { Attempt, AttemptFailure, type Own } from './attempt.ts';
import type { ClientOptions, Target } from './connect.ts';
import type { ScheduledTask } from './deadline-queue.ts';
import { type Environment, systemEnvironment } from './environment.ts';
import { type Log, silentLog } from './log.ts';
import { type Failure, randomShare, retryDelayMs, wait } from './retry.ts';
import type { Link, SessionEndpoint } from './session.ts';

/** What a client wants of a session that outlives its connections (chapter 12). */
export interface ClientContinuity {
  /** How long the session is to be kept without a connection, in milliseconds: `session_retention_ms`. */
  readonly retentionMs: number;
  /** The longest life of a connection, in milliseconds; by default the server decides. */
  readonly deadlineMs?: number;
  /** Further servers that can resume the session, tried in turn after the first one. */
  readonly targets?: readonly { readonly host: string; readonly port: number }[];
  /** Bound of the random wait before the first attempt to reconnect; `reconnect_first_bound_ms` by default. [ERR-007] */
  readonly reconnectBoundMs?: number;
}

/** Keeps one session of a client attached: reconnects, moves it before deadlines, gives it up when nothing else is left. */
export class ClientSessionKeeper {
  readonly #options: ClientOptions;
  readonly #own: Own;
  readonly #target: Target;
  readonly #continuity: ClientContinuity;
  readonly #store: SessionStore | undefined;
  readonly #environment: Environment;
  readonly #log: Log;
  /** Leaves the connection before its deadline; each one has its own. */
  #rotation: ScheduledTask | undefined;
  /** The connection whose deadline that is. */
  #timed: Link | undefined;
  #session: SessionEndpoint | undefined;
  #attempt: number;
  /** Epoch under which the store knows this client. */
  #storedEpoch = 1;
  /** The epoch whose note had no answer: the store may know it. */
  #unsureEpoch: number | undefined;
  /** What is noted in the store, one after another: each has to know the epoch that the one before has left. */
  #noted: Promise<unknown> = Promise.resolve();
  /** Which of the servers is tried next. */
  #server = 0;
  #moving: Promise<void> | undefined;
  /** Whether the attempt under way has neither a connection nor an error yet. */
  #undecided = false;
  #reconnecting = false;
  /** Ends the wait before the next attempt to reconnect. */
  #backOff: AbortController | undefined;
  /** The connection that is being left. */
  #leaving: Link | undefined;
  /** When the session lost its connection; undefined while it has one. */
  #detachedAt: number | undefined;
  /** The owner wants it without a connection until told otherwise. */
  #parked = false;
  /** Ends a session that stays without one. */
  #expiry: ScheduledTask | undefined;
  /** An attempt ended after CONNECT without an answer: the server may have taken it. */
  #doubtful = false;
  /** The refusal after which nothing is attempted without a person's doing. [ERR-006] */
  #hopeless: RemoteError | undefined;

  constructor(options: ClientOptions, own: Own, target: Target, continuity: ClientContinuity, attempt = 0) {
    this.#options = options;
    this.#own = own;
    this.#target = target;
    this.#continuity = continuity;
    this.#store = options.store?.custody === 'stored' ? options.store : undefined;
    this.#environment = options.environment ?? systemEnvironment;
    this.#log = options.log ?? silentLog;
    this.#attempt = attempt;
  }

  /** The session, once it exists. */
  adopt(session: SessionEndpoint): void {
    this.#session = session;
    this.#storedEpoch = session.epoch;
    this.#detachedAt = this.#now();
    void session.closed.then(() => this.#stopWaiting());
  }

  /** Gives a session from before a restart a connection. */
  resumeStored(): void {
    void this.#reconnect(undefined, undefined);
  }

  /** Notes the epoch of a connection before anything of it is stored. [CNT-020] */
  noteEpoch(epoch: number): Promise<unknown> {
    return this.#inTurn(async (store, id) => {
      if (epoch === this.#storedEpoch) return undefined;
      const result = await this.#storeEpoch(store, id, epoch);
      if (result === 'committed') this.#storedEpoch = epoch;
      return result;
    });
  }

  async #storeEpoch(store: SessionStore, id: string, epoch: number): Promise<ChangeResult> {
    const repeats = this.#unsureEpoch === epoch;
    this.#unsureEpoch = epoch;
    const result = await store.note(id, this.#storedEpoch, { epoch });
    this.#unsureEpoch = undefined;
    if (result === 'committed' || !repeats) return result;
    // To look at it takes it from nobody, as `load` would: whoever has it now fences the next batch.
    const header = (await store.list('client')).find((stored) => stored.id === id);
    return header?.epoch === epoch ? 'committed' : 'fenced';
  }

  /** A connection carries the session: it is left in time. [CNT-050] [CNT-051] */
  attached(): void {
    this.#parked = false;
    this.#detachedAt = undefined;
    this.#stopWaiting();
    const link = this.#session?.link;
    // Of one that is taken up again the time has gone on.
    if (link === this.#timed) return;
    this.#timed = link;
    this.#undecided = false;
    this.#doubtful = false;
    this.#hopeless = undefined;
    this.#rotation?.cancel();
    const deadlineMs = link?.connection.peer?.deadlineMs ?? 0;
    if (deadlineMs === 0) return;
    const { rotation_earliest_percent: earliest, rotation_latest_percent: latest } = TIMERS;
    const percent = earliest + (latest - earliest) * randomShare(this.#environment);
    this.#rotation = this.#environment.deadlines.add(() => {
      void this.#leave();
      return undefined;
    });
    this.#rotation.by(this.#now() + (deadlineMs * percent) / 100);
  }

  /** The server wants the connection to be left. [CNT-047] */
  draining(code: ErrorName): void {
    // A server that goes away will not take the session again, however often it says so.
    if (code === 'SHUTTING_DOWN' && this.#leaving !== this.#session?.link) this.#server += 1;
    void this.#leave();
  }

  /** Moves the session to a fresh connection, or gives it one. */
  rotate(): Promise<void> {
    const parked = this.#parked;
    this.#parked = false;
    this.#moving ??= this.#move(parked).finally(() => (this.#moving = undefined));
    return this.#moving;
  }

  /** The owner wants the session closed: for that it needs a connection, at once or as soon as there is one. */
  closeDetached(): void {
    // A failure has set off what follows from it.
    this.rotate().catch((cause: unknown) => this.#logFailure(cause as AttemptFailure));
  }

  /** Another program has the session. */
  fenced(): void {
    const session = this.#session;
    const link = session?.link;
    if (session === undefined) return;
    if (link !== undefined) {
      session.unlink();
      link.pump.handle(link.connection.supersede(link.pump.now()));
    }
    this.#giveUp('SUPERSEDED', undefined, true);
  }

  /** The connection that carried the session has ended. */
  linkEnded(end: Closed): void {
    this.#rotation?.cancel();
    const session = this.#session;
    if (session === undefined || !session.resumable) return;
    if (end.session === 'ended') {
      this.#endStored();
      return;
    }
    this.#lost();
    // An attempt that is under way decides.
    if (this.#undecided) return;
    if (this.#hopeless !== undefined) {
      this.#giveUp(this.#hopeless.wireName, this.#hopeless, true);
      return;
    }
    if (end.code === 'SUPERSEDED' && end.remote) {
      // By the own attempt whose ACCEPT was lost, or else the next one is stale.
      if (this.#doubtful) {
        void this.#reconnect(undefined, undefined);
        return;
      }
      // Somebody else holds the session, by right of its identity: two must not take it from each other. [CNT-058]
      this.#giveUp('SUPERSEDED', end.error, true);
      return;
    }
    if (!end.remote && end.code === 'NO_ERROR' && session.closing === undefined) this.#park();
    else void this.#reconnect(end.error, end.code);
  }

  /** The retention counts from the first moment without a connection. [CNT-013] */
  #lost(): void {
    if (this.#detachedAt !== undefined) return;
    this.#detachedAt = this.#now();
    void this.#noteDetached();
  }

  /** A session that its owner has left without a connection ends with its retention. [CNT-017] */
  #park(): void {
    this.#parked = true;
    this.#expiry?.cancel();
    // Nobody waits for that: the process may end before.
    this.#expiry = this.#environment.deadlines.add(() => {
      if (this.#parked) this.#giveUp(undefined, undefined, false);
      return undefined;
    });
    this.#expiry.by(this.#now() + this.#leftMs());
  }

  /** What is left of the retention. */
  #leftMs(): number {
    const now = this.#now();
    return (this.#detachedAt ?? now) + (this.#session?.core.terms.retentionMs ?? 0) - now;
  }

  #stopWaiting(): void {
    this.#expiry?.cancel();
    this.#backOff?.abort();
  }

  /** Connects again as often as it takes, until the retention is over. [CNT-057] */
  async #reconnect(error: HawserError | undefined, code: ErrorName | undefined): Promise<void> {
    const session = this.#session;
    if (session === undefined || this.#reconnecting) return;
    this.#reconnecting = true;
    let failure: Failure = { error, code };
    for (let failures = 1; session.state !== 'ended' && session.link === undefined && !this.#parked; failures += 1) {
      const delayMs = this.#delayMs(failure, failures);
      const leftMs = this.#leftMs();
      if (delayMs === undefined || leftMs <= 0) {
        // Only a person can help, or nobody any more. [ERR-006] [CNT-017]
        this.#giveUp(failure.code, failure.error, false);
        break;
      }
      const backOff = new AbortController();
      this.#backOff = backOff;
      // A connection would keep the process alive, and so does the way to the next one: the session is still its owner's.
      await wait(Math.min(delayMs, leftMs), this.#environment, { signal: backOff.signal, keepsAlive: true });
      if (backOff.signal.aborted || delayMs > leftMs) continue;
      try {
        await this.rotate();
      } catch (cause) {
        failure = failureOf(cause as AttemptFailure);
        this.#logFailure(cause as AttemptFailure);
      }
    }
    this.#reconnecting = false;
  }

  #logFailure({ error }: AttemptFailure): void {
    this.#log.info({ session: this.#session?.id, err: error }, 'the session could not be attached');
  }

  #delayMs(failure: Failure, failures: number): number | undefined {
    const share = randomShare(this.#environment);
    const { reconnectBoundMs } = this.#continuity;
    // An end in order says nothing against the next connection, and a deadline asks for it.
    const harmless = failure.error === undefined || failure.code === 'CONNECTION_EXPIRED';
    const delayMs = harmless ? share * TIMERS.reconnect_first_bound_ms : retryDelayMs(failure, failures, share);
    if (delayMs === undefined || reconnectBoundMs === undefined) return delayMs;
    // What the server has asked for is no random wait. [EST-024]
    const askedMs = failure.error instanceof RemoteError ? (failure.error.retryAfterMs ?? 0) : 0;
    return Math.max(askedMs, Math.min(delayMs, share * reconnectBoundMs * 2 ** (failures - 1)));
  }

  /** Leaves a connection whose end is near: as long as it is there, one attempt after another, where the rules allow it. */
  async #leave(): Promise<void> {
    const session = this.#session;
    // An attempt that is under way may give the connection back.
    const link = session?.link ?? (this.#undecided ? this.#timed : undefined);
    if (session === undefined || link === undefined || !session.resumable || link === this.#leaving) return;
    this.#leaving = link;
    const isThere = (): boolean => session.link === link || this.#undecided;
    for (let failures = 1; isThere() && this.#hopeless === undefined; failures += 1) {
      try {
        await this.rotate();
        break;
      } catch (cause) {
        const { error } = cause as AttemptFailure;
        this.#log.info({ session: session.id, err: error }, 'the session could not be moved yet');
        const delayMs = this.#delayMs(failureOf(cause as AttemptFailure), failures);
        await wait(delayMs ?? TIMERS.reconnect_first_bound_ms, this.#environment);
      }
    }
    if (this.#leaving === link) this.#leaving = undefined;
  }

  /** The life of a connection that the owner wants. */
  get #deadline(): { readonly deadlineMs?: number } {
    const { deadlineMs } = this.#continuity;
    return deadlineMs === undefined ? {} : { deadlineMs };
  }

  /**
   * One attempt. Rejects with an {@link AttemptFailure}.
   *
   * @param parked - whether the owner has left the session without a connection so far.
   */
  async #move(parked: boolean): Promise<void> {
    const session = this.#session;
    if (session === undefined || session.state === 'ended') throw new AttemptFailure(overError());
    const former = session.link;
    this.#undecided = true;
    try {
      const attempt = await this.#nextAttempt(session);
      const servers = [this.#target, ...(this.#continuity.targets ?? [])];
      const { host, port } = servers[this.#server % servers.length] ?? this.#target;
      await new Attempt(this.#options, this.#own, {
        target: { ...this.#target, host, port },
        // The deadline is asked for anew. [CNT-002]
        continuity: {
          retentionMs: session.core.terms.retentionMs,
          ...this.#deadline,
          custody: session.core.terms.custody,
        },
        resume: { session, attempt, release: (isAlive) => this.#release(session, isAlive) },
        create: () => session,
      }).session;
    } catch (cause) {
      this.#failed(session, cause as AttemptFailure, former, parked);
      throw cause;
    }
    // Nothing of it has any effect on the session any more.
    former?.pump.handle(former.connection.supersede(former.pump.now()));
    former?.pump.resumeReading();
  }

  #failed(session: SessionEndpoint, failure: AttemptFailure, former: Link | undefined, parked: boolean): void {
    const { end, error } = failure;
    this.#undecided = false;
    // Another server has the same store.
    if (!(error instanceof StoreError)) this.#server += 1;
    const refused = error instanceof RemoteError;
    if (refused && ERRORS[error.wireName].retry === 'never') this.#hopeless = error;
    if (!refused && end?.session === 'detached') this.#doubtful = true;
    if (end?.session === 'ended') {
      this.#endStored();
      session.finish(end);
      return;
    }
    if (session.state === 'ended') return;
    session.journal?.release();
    if (session.link !== undefined) {
      // The attempt has failed before it has left the former connection. [CNT-052]
      session.link.pump.resumeReading();
      return;
    }
    if (former !== undefined && this.#goBack(session, error, former)) return;
    this.#lost();
    if (parked && session.closing === undefined) this.#park();
    else void this.#reconnect(failureOf(failure).error, undefined);
  }

  /**
   * Takes up the former connection again where that is allowed, and else ends it. [CNT-019] [CNT-052]
   *
   * @returns whether it carries the session.
   */
  #goBack(session: SessionEndpoint, error: HawserError, former: Link): boolean {
    const { connection, pump } = former;
    // Only a refusal tells that the server has not moved the session: else the former connection is of no use.
    const goesBack = error instanceof RemoteError && error.scope === 'connection' && error.wireName !== 'ATTEMPT_STALE';
    const isThere = (): boolean => connection.state === 'established';
    const isAttached = (): boolean => session.state === 'attached';
    const takesUp = goesBack && isThere() && !isAttached();
    const events = takesUp ? connection.takeUp(pump.now()) : [];
    // What came in meanwhile may be its end: the session has to hear of that too.
    if (takesUp && (isAttached() || !isThere())) session.attach(former);
    else pump.handle(connection.supersede(pump.now()));
    pump.handle(events);
    pump.resumeReading();
    return session.link !== undefined;
  }

  /** Stops the former connection and brings everything into custody. [CNT-006] [CNT-019] */
  async #release(session: SessionEndpoint, isAlive: () => boolean): Promise<void> {
    session.link?.pump.pauseReading();
    if ((await session.journal?.hold()) === false) return;
    // A connection that is needed until its end, or after a failure, stays the session's: its end has to reach it. [CNT-057]
    if (isAlive() && session.core.attachable) session.unlink();
  }

  /** The number is noted before it is used. [CNT-018] */
  async #nextAttempt(session: SessionEndpoint): Promise<number> {
    // What the store does not take can not be stated: it is no use to ask a server.
    if (session.journal?.failure !== undefined) throw new AttemptFailure(session.journal.failure);
    this.#attempt += 1;
    const attempt = this.#attempt;
    let result: unknown;
    try {
      result = await this.#inTurn((store, id) => store.note(id, this.#storedEpoch, { attempt }));
    } catch (error) {
      throw new AttemptFailure(error as HawserError);
    }
    if (result !== 'fenced') return attempt;
    this.fenced();
    throw new AttemptFailure(overError());
  }

  /** The session can not go on. */
  #giveUp(code: ErrorName | undefined, error: HawserError | undefined, doubt: boolean): void {
    const session = this.#session;
    if (session === undefined || session.state === 'ended') return;
    const fates = session.core.fates(undefined, doubt);
    session.core.end();
    this.#endStored();
    session.finish({
      type: 'closed',
      outcome: 'aborted',
      code,
      error,
      remote: false,
      peerReceiveCursor: undefined,
      session: 'ended',
      ...fates,
    });
  }

  #endStored(): void {
    const session = this.#session;
    if (session === undefined) return;
    const { receiveCursor, sendCursor } = session.core;
    session.journal?.stop();
    this.#inTurn((store, id) => store.end(id, this.#storedEpoch, { receiveCursor, sendCursor })).catch(
      (error: unknown) => {
        this.#log.warn({ session: session.id, err: error }, 'the store could not take note of the end of the session');
      },
    );
  }

  async #noteDetached(): Promise<void> {
    try {
      await this.#inTurn((store, id) => store.detached(id, this.#storedEpoch));
    } catch (error) {
      this.#log.warn({ err: error }, 'the store could not take note of the end of the connection');
    }
  }

  /** Undefined where no store keeps the session. */
  async #inTurn<Result>(note: (store: SessionStore, id: string) => Promise<Result>): Promise<Result | undefined> {
    const store = this.#store;
    const id = this.#session?.id;
    if (store === undefined || id === undefined) return undefined;
    const result = this.#noted.then(() => note(store, id));
    this.#noted = result.catch(() => undefined);
    return result;
  }

  #now(): number {
    return this.#environment.deadlines.now();
  }
}

/** What a failed attempt says about the next one: nothing where this end has given it up. */
function failureOf({ end, error }: AttemptFailure): Failure {
  const givenUp = end !== undefined && !end.remote && end.error === undefined;
  return { error: givenUp ? undefined : error, code: undefined };
}

function overError(): TransportError {
  return new TransportError('HAWSER_ERR_TRANSPORT_SESSION_ENDED', 'established', 'The session is over.');
}
