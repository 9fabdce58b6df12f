import {
  type Closed,
  type Connection,
  type ErrorName,
  type HawserError,
  RemoteError,
  TIMERS,
} from '../../core/index.ts';
import { Attempt, AttemptFailure, type AttemptOptions } from './attempt.ts';
import { ClientNotes } from './client-notes.ts';
import {
  type Action,
  type Facts,
  type Input,
  type State,
  type Step,
  react,
  restored,
  unattached,
} from './client-state.ts';
import type { Target } from './connect.ts';
import type { Own } from './own.ts';
import type { ScheduledTask } from '../deadline-queue.ts';
import { type Environment, systemEnvironment, randomShare } from '../environment.ts';
import { type Log, silentLog } from '../log.ts';
import { reconnectDelayMs } from './reconnect-delay.ts';
import { reloadMayHelp } from './retry.ts';
import { type Link, type SessionEndpoint, detachedError, endingError } from '../session/session.ts';

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
  /**
   * Whether the session waits, as long as it is kept, for a reload of the client where only another certificate, trust anchor
   * or list can help; else it ends then. True unless said otherwise. [CNT-065]
   */
  readonly awaitReload?: boolean;
}

/** What a {@link ClientSessionKeeper} works with. */
export interface KeeperParts {
  readonly session: SessionEndpoint;
  readonly options: AttemptOptions;
  /** What is in force. */
  readonly own: () => Own;
  readonly target: Target;
  readonly continuity: ClientContinuity;
  /** The last attempt that an earlier process has used. */
  readonly attempt: number;
  /** Ids of sessions whose end is not in the store yet. */
  readonly endings: Set<string>;
}

/** Somebody who waits for the attempt under way. */
interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: HawserError) => void;
}

/**
 * Keeps one session of a client attached: reconnects, moves it before deadlines, gives it up when nothing else is left. What
 * is to happen `react` decides; here it is done.
 */
export class ClientSessionKeeper {
  readonly #parts: KeeperParts;
  readonly #session: SessionEndpoint;
  readonly #environment: Environment;
  readonly #log: Log;
  readonly #notes: ClientNotes;
  #state: State;
  /** Tells the state of its time. */
  #timer: ScheduledTask | undefined;
  /** Counts the servers that are tried, one after another. */
  #server = 0;
  /** The one that the attempt under way asks. */
  #asked = 0;
  /** When each of the servers may be asked again. [EST-024] */
  readonly #notBefore: number[] = [];
  /** Those who wait for the attempt under way. */
  #waiting: Waiter[] = [];

  constructor(parts: KeeperParts) {
    const { session, options, attempt, endings } = parts;
    this.#parts = parts;
    this.#session = session;
    this.#environment = options.environment ?? systemEnvironment;
    this.#log = options.log ?? silentLog;
    const { id, epoch, journal } = session;
    this.#notes = new ClientNotes({
      id,
      store: journal === undefined ? undefined : options.store,
      attempt,
      epoch,
      endings,
      environment: this.#environment,
      log: this.#log,
    });
    this.#state = unattached(this.#facts());
  }

  /** Gives a session from before a restart a connection. */
  resumeStored(): void {
    this.#enter(restored(this.#facts()));
  }

  /** Notes the epoch of a connection before anything of it is stored. [CNT-020] */
  noteEpoch(epoch: number): Promise<unknown> {
    return this.#notes.epoch(epoch);
  }

  /** A connection carries the session: it is left in time. [CNT-050] [CNT-051] */
  attached(link: Link): void {
    const deadlineMs = link.connection.peer?.deadlineMs ?? 0;
    const { rotation_earliest_percent: earliest, rotation_latest_percent: latest } = TIMERS;
    const percent = earliest + (latest - earliest) * randomShare(this.#environment);
    const leaveAt = deadlineMs === 0 ? Infinity : this.#now() + (deadlineMs * percent) / 100;
    this.#take({ type: 'attached', link, leaveAt });
  }

  /** The connection that carried the session has ended. */
  linkEnded(end: Closed): void {
    this.#take({ type: 'ended', end });
  }

  /** The server wants the connection to be left. [CNT-047] */
  draining(code: ErrorName): void {
    this.#take({ type: 'leave', code });
  }

  /** A connection may not carry much more. [CNT-056] */
  nearlySpent(connection: Connection): void {
    const state = this.#state;
    const carrier = state.name === 'attached' ? state.carrier : state.name === 'moving' ? state.from : undefined;
    if (carrier === undefined || !('link' in carrier) || carrier.link.connection !== connection) return;
    this.#take({ type: 'leave', code: 'CONNECTION_EXPIRED' });
  }

  /** Moves the session to a fresh connection, or gives it one. Rejects with the error that the attempt has met. */
  rotate(): Promise<void> {
    this.#take({ type: 'rotate' });
    if (this.#state.name !== 'moving') return Promise.reject(endingError());
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** The owner wants the session without a connection. */
  detach(): void {
    this.#take({ type: 'detach' });
  }

  /** The owner wants the session closed: for that it needs a connection, at once or as soon as there is one. */
  closeDetached(): void {
    this.#take({ type: 'close' });
  }

  /** The client has another certificate or trust. */
  reloaded(): void {
    this.#take({ type: 'reloaded' });
  }

  /** Another program has the session. */
  fenced(): void {
    this.#take({ type: 'fenced' });
  }

  /** The session is over: its store has been asked once more to note that, if it has not yet. */
  endNoted(): Promise<void> {
    return this.#notes.settled();
  }

  #take(input: Input): void {
    const before = this.#state;
    const step = react(before, input, this.#facts());
    if (before.name === 'moving' && step.state.name !== 'moving') this.#settle(input);
    this.#enter(step);
  }

  #enter({ state, actions }: Step): void {
    if (state !== this.#state) {
      this.#state = state;
      this.#arm(state);
    }
    for (const action of actions) this.#do(action);
  }

  #arm(state: State): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (!('at' in state) || state.at === Infinity) return;
    // A connection would keep the process alive, and so does the way to the next one: the session is still its owner's.
    const keepsAlive = state.name === 'lost';
    this.#timer = this.#environment.deadlines.add(
      () => {
        this.#take({ type: 'due' });
        return undefined;
      },
      { keepsAlive },
    );
    this.#timer.by(state.at);
  }

  #do(action: Action): void {
    switch (action.type) {
      case 'attempt':
        void this.#attempt();
        return;
      case 'next-server':
        this.#server += 1;
        return;
      case 'note-detached':
        void this.#notes.detached();
        return;
      case 'detach':
        action.link.pump.handle(action.link.connection.detach('NO_ERROR', action.link.pump.now()));
        return;
      case 'supersede':
        this.#supersede(action.link);
        return;
      case 'give-up':
        this.#giveUp(action.code, action.error, action.doubt);
        return;
      case 'finish':
        this.#noteEnd();
        this.#session.finish(action.end);
        return;
    }
  }

  /** Tells whoever waits for the attempt what became of it. */
  #settle(input: Input): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { resolve, reject } of waiting) {
      if (input.type === 'attached') resolve();
      else reject(input.type === 'failed' || input.type === 'refused' ? input.error : endingError());
    }
  }

  /** One attempt; its connection comes through `attached`. */
  async #attempt(): Promise<void> {
    const { options, own, target, continuity } = this.#parts;
    const session = this.#session;
    try {
      const attempt = await this.#nextAttempt();
      this.#asked = this.#next;
      const { host, port } = [target, ...(continuity.targets ?? [])][this.#asked] ?? target;
      const { retentionMs, custody } = session.core.terms;
      const { deadlineMs } = continuity;
      await new Attempt(options, own, {
        target: { ...target, host, port },
        // The deadline is asked for anew. [CNT-002]
        continuity: { retentionMs, custody, ...(deadlineMs === undefined ? {} : { deadlineMs }) },
        resume: { session, attempt, release: (isAlive) => this.#release(isAlive) },
        create: () => session,
      }).session;
    } catch (cause) {
      this.#attemptFailed(AttemptFailure.of(cause));
    }
  }

  /** Which of the servers is tried next. */
  get #next(): number {
    return this.#server % (1 + (this.#parts.continuity.targets?.length ?? 0));
  }

  /** The number is noted before it is used. [CNT-018] */
  async #nextAttempt(): Promise<number> {
    // What the store does not take can not be stated: it is no use to ask a server.
    const failure = this.#session.journal?.failure;
    if (failure !== undefined) throw failure;
    const attempt = await this.#notes.nextAttempt();
    if (attempt === 'fenced') this.fenced();
    if (attempt === 'fenced' || this.#session.state === 'ended') throw endingError();
    return attempt;
  }

  /**
   * Stops the former connection and brings everything into custody. [CNT-006] [CNT-019]
   *
   * @returns whether the attempt is still wanted.
   */
  async #release(isAlive: () => boolean): Promise<boolean> {
    const session = this.#session;
    session.link?.pump.pauseReading();
    const held = (await session.journal?.hold()) ?? true;
    if (!isAlive() || this.#parks) return false;
    // A connection that is needed until its end, or after a failure, stays the session's: its end has to reach it. [CNT-057]
    if (held && session.core.attachable) session.unlink();
    return true;
  }

  /** Whether the owner wants the session without a connection by now. */
  get #parks(): boolean {
    return this.#state.name === 'moving' && this.#state.wish === 'park' && this.#session.closing === undefined;
  }

  #attemptFailed({ error, end, failure }: AttemptFailure): void {
    const state = this.#state;
    if (error instanceof RemoteError) this.#notBefore[this.#asked] = this.#now() + (error.retryAfterMs ?? 0);
    if (state.name !== 'moving') return;
    if (end?.session === 'ended') this.#take({ type: 'refused', end, error });
    else {
      const session = this.#session;
      const told = this.#parks ? detachedError() : error;
      session.journal?.release();
      if ('link' in state.from) this.#goBack(state.from.link, error);
      this.#take({ type: 'failed', error: told, failure, carried: session.link !== undefined });
    }
    this.#logFailure(error);
  }

  /** What the next attempt follows from; where none does, the one who has asked for this one is told. */
  #logFailure(error: HawserError): void {
    const { name } = this.#state;
    const fields = { session: this.#session.id, err: error };
    if (name === 'lost' && this.#facts().awaitsReload(this.#state.failure)) {
      this.#log.warn(fields, 'the session waits for another certificate, trust anchor or revocation list');
    } else if (name === 'lost' || name === 'over') this.#log.info(fields, 'the session could not be attached');
    else if (name === 'attached' && this.#state.carrier.failures > 0) {
      this.#log.info(fields, 'the session could not be moved yet');
    }
  }

  /** Takes up the former connection again where that is allowed, and else ends it. [CNT-019] [CNT-052] */
  #goBack(former: Link, error: HawserError): void {
    const session = this.#session;
    const { connection, pump } = former;
    // The attempt has failed before it has left the former connection.
    if (session.link === former) {
      pump.resumeReading();
      return;
    }
    // Only a refusal tells that the server has not moved the session: else the former connection is of no use.
    const goesBack = error instanceof RemoteError && error.scope === 'connection' && error.wireName !== 'ATTEMPT_STALE';
    const isThere = (): boolean => connection.state === 'established';
    const isAttached = (): boolean => session.state === 'attached';
    const takesUp = goesBack && isThere() && !isAttached() && !this.#parks;
    const events = takesUp ? connection.takeUp(pump.now()) : [];
    // What came in meanwhile may be its end: the session has to hear of that too.
    if (takesUp && (isAttached() || !isThere())) session.attach(former);
    else pump.handle(connection.supersede(pump.now()));
    pump.handle(events);
    pump.resumeReading();
  }

  /** Nothing of it has any effect on the session any more. */
  #supersede({ connection, pump }: Link): void {
    if (this.#session.link?.connection === connection) this.#session.unlink();
    pump.handle(connection.supersede(pump.now()));
    pump.resumeReading();
  }

  #giveUp(code: ErrorName | undefined, error: HawserError | undefined, doubt: boolean): void {
    const session = this.#session;
    const fates = session.core.fates(undefined, doubt);
    session.core.end();
    this.#noteEnd();
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

  #noteEnd(): void {
    const { receiveCursor, sendCursor } = this.#session.core;
    this.#session.journal?.stop();
    this.#notes.end({ receiveCursor, sendCursor });
  }

  #facts(): Facts {
    const { retentionMs } = this.#session.core.terms;
    const { awaitReload = true, reconnectBoundMs } = this.#parts.continuity;
    return {
      now: this.#now(),
      retentionMs,
      closing: this.#session.closing !== undefined,
      earliest: this.#notBefore[this.#next] ?? 0,
      delayMs: (failure, failures) =>
        reconnectDelayMs(failure, failures, randomShare(this.#environment), reconnectBoundMs),
      awaitsReload: (failure) => awaitReload && reloadMayHelp(failure),
    };
  }

  #now(): number {
    return this.#environment.deadlines.now();
  }
}
