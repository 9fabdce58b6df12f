import {
  type Closed,
  ERRORS,
  type ErrorName,
  type HawserError,
  RemoteError,
  TIMERS,
  TransportError,
} from '../core/index.ts';
import type { SessionStore } from '../store/index.ts';
import { Attempt, AttemptFailure, type Own } from './attempt.ts';
import type { ClientOptions, Target } from './connect.ts';
import type { ScheduledTask } from './deadline-queue.ts';
import { type Environment, systemEnvironment } from './environment.ts';
import { type Log, silentLog } from './log.ts';
import { randomShare, retryDelayMs, wait } from './retry.ts';
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
  /** What is noted in the store, one after another: each has to know the epoch that the one before has left. */
  #noted: Promise<unknown> = Promise.resolve();
  /** Which of the servers is tried next. */
  #server = 0;
  #moving: Promise<void> | undefined;
  #reconnecting = false;
  #detachedAt = 0;
  /** The owner wants it without a connection until told otherwise. */
  #parked = false;
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
  }

  /** Gives a session from before a restart a connection. */
  resumeStored(): void {
    void this.#reconnect(undefined, undefined);
  }

  /** Notes the epoch of a connection before anything of it is stored. [CNT-020] */
  noteEpoch(epoch: number): Promise<unknown> {
    return this.#inTurn(async (store, id) => {
      if (epoch === this.#storedEpoch) return undefined;
      const result = await store.note(id, this.#storedEpoch, { epoch });
      if (result === 'committed') this.#storedEpoch = epoch;
      return result;
    });
  }

  /** A connection carries the session: it is left in time. [CNT-050] [CNT-051] */
  attached(): void {
    this.#parked = false;
    const link = this.#session?.link;
    // Of one that is taken up again the time has gone on.
    if (link === this.#timed) return;
    this.#timed = link;
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
    // A server that goes away will not take the session again.
    if (code === 'SHUTTING_DOWN') this.#server += 1;
    void this.#leave();
  }

  /** Moves the session to a fresh connection, or gives it one. */
  rotate(): Promise<void> {
    this.#parked = false;
    this.#moving ??= this.#move().finally(() => (this.#moving = undefined));
    return this.#moving;
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
    this.#detachedAt = this.#now();
    void this.#noteDetached();
    // An attempt that is under way decides.
    if (this.#moving !== undefined) return;
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
    this.#parked = !end.remote && end.code === 'NO_ERROR' && session.closing === undefined;
    if (this.#parked) void this.#expire(this.#detachedAt);
    else void this.#reconnect(end.error, end.code);
  }

  /** A session that its owner has left without a connection ends with its retention. [CNT-017] */
  async #expire(detachedAt: number): Promise<void> {
    await wait(this.#session?.core.terms.retentionMs ?? 0, this.#environment);
    if (this.#parked && this.#detachedAt === detachedAt) this.#giveUp(undefined, undefined, false);
  }

  /** Connects again as often as it takes, until the retention is over. [CNT-057] */
  async #reconnect(error: HawserError | undefined, code: ErrorName | undefined): Promise<void> {
    const session = this.#session;
    if (session === undefined || this.#reconnecting) return;
    this.#reconnecting = true;
    let failure = { error, code };
    for (let failures = 1; session.state !== 'ended' && session.link === undefined && !this.#parked; failures += 1) {
      const delayMs = this.#delayMs(failure, failures);
      const leftMs = this.#detachedAt + session.core.terms.retentionMs - this.#now();
      if (delayMs === undefined || leftMs <= 0) {
        // Only a person can help, or nobody any more. [ERR-006] [CNT-017]
        this.#giveUp(failure.code, failure.error, false);
        break;
      }
      await wait(Math.min(delayMs, leftMs), this.#environment);
      if (delayMs > leftMs) continue;
      try {
        await this.rotate();
      } catch (cause) {
        failure = { error: (cause as AttemptFailure).error, code: undefined };
        this.#log.info({ session: session.id, err: failure.error }, 'the session could not be attached');
      }
    }
    this.#reconnecting = false;
  }

  #delayMs(
    failure: { readonly error: HawserError | undefined; readonly code: ErrorName | undefined },
    failures: number,
  ): number | undefined {
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
    const link = session?.link;
    if (session === undefined || link === undefined || !session.resumable) return;
    for (let failures = 1; session.link === link && this.#hopeless === undefined; failures += 1) {
      try {
        await this.rotate();
        return;
      } catch (cause) {
        const { error } = cause as AttemptFailure;
        this.#log.info({ session: session.id, err: error }, 'the session could not be moved yet');
        await wait(
          this.#delayMs({ error, code: undefined }, failures) ?? TIMERS.reconnect_first_bound_ms,
          this.#environment,
        );
      }
    }
  }

  /** The life of a connection that the owner wants. */
  get #deadline(): { readonly deadlineMs?: number } {
    const { deadlineMs } = this.#continuity;
    return deadlineMs === undefined ? {} : { deadlineMs };
  }

  /** One attempt. Rejects with an {@link AttemptFailure}. */
  async #move(): Promise<void> {
    const session = this.#session;
    if (session === undefined || session.state === 'ended') throw new AttemptFailure(overError());
    const former = session.link;
    const attempt = await this.#nextAttempt();
    const servers = [this.#target, ...(this.#continuity.targets ?? [])];
    const { host, port } = servers[this.#server % servers.length] ?? this.#target;
    try {
      await new Attempt(this.#options, this.#own, {
        target: { ...this.#target, host, port },
        // The deadline is asked for anew. [CNT-002]
        continuity: {
          retentionMs: session.core.terms.retentionMs,
          ...this.#deadline,
          custody: session.core.terms.custody,
        },
        resume: { session, attempt, release: () => this.#release(session) },
        create: () => session,
      }).session;
      this.#doubtful = false;
      this.#hopeless = undefined;
      // Nothing of it has any effect on the session any more.
      former?.pump.handle(former.connection.supersede(former.pump.now()));
      former?.pump.resumeReading();
    } catch (cause) {
      this.#server += 1;
      this.#failed(session, cause as AttemptFailure, former);
      throw cause;
    }
  }

  #failed(session: SessionEndpoint, { end, error }: AttemptFailure, former: Link | undefined): void {
    const refused = error instanceof RemoteError;
    if (refused && ERRORS[error.wireName].retry === 'never') this.#hopeless = error;
    if (!refused && end?.session === 'detached') this.#doubtful = true;
    if (end?.session === 'ended') {
      this.#endStored();
      session.finish(end);
      return;
    }
    session.journal?.release();
    if (former === undefined || session.link === former) return;
    const { connection, pump } = former;
    // Only a refusal tells that the server has not moved the session: else the former connection is of no use. [CNT-019]
    const goesBack = refused && error.scope === 'connection' && error.wireName !== 'ATTEMPT_STALE';
    if (goesBack && connection.state === 'established' && session.state !== 'attached') {
      pump.handle(connection.takeUp(pump.now()));
      session.attach(former);
    } else pump.handle(connection.supersede(pump.now()));
    pump.resumeReading();
    // It has ended in the meantime, or ends now.
    if (session.link === undefined && !this.#reconnecting) void this.#reconnect(error, undefined);
  }

  /** Stops the former connection and brings everything into custody. [CNT-006] [CNT-019] */
  async #release(session: SessionEndpoint): Promise<void> {
    session.link?.pump.pauseReading();
    await session.journal?.hold();
    session.unlink();
  }

  /** The number is noted before it is used. [CNT-018] */
  async #nextAttempt(): Promise<number> {
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

function overError(): TransportError {
  return new TransportError('HAWSER_ERR_TRANSPORT_SESSION_ENDED', 'established', 'The session is over.');
}
