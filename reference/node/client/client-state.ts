import { type Closed, type ErrorName, ERRORS, type HawserError, RemoteError, TIMERS } from '../../core/index.ts';
import { StoreError } from '../../store/index.ts';
import type { Failure } from './retry.ts';
import type { Link } from '../session/session.ts';

/** A connection that carries the session, and what speaks for and against leaving it. */
export interface Carrier {
  readonly link: Link;
  /** When the session is to leave it; Infinity where nothing asks for that. */
  readonly leaveAt: number;
  /** Attempts that have failed since then. */
  readonly failures: number;
  /** The refusal after which nothing is attempted without a person's doing. [ERR-006] */
  readonly hopeless: RemoteError | undefined;
  /** The client has another certificate or trust since the connection began. */
  readonly reloaded: boolean;
}

/** No connection carries the session. */
export interface Detached {
  /** Since when: its retention counts from there. [CNT-013] */
  readonly since: number;
  /** Attempts that have failed since then. */
  readonly failures: number;
}

/**
 * What the owner wants of the attempt under way: `attach` the session, come what may; only `try` to, for it was left without
 * a connection; or `park` it, for that was asked in the meantime.
 */
export type Wish = 'attach' | 'try' | 'park';

/** Where the session of a client is; `at` is when time itself is the next input. */
export type State =
  /** A connection carries it. */
  | { readonly name: 'attached'; readonly carrier: Carrier; readonly at: number }
  /** Its connection ends in order, as the owner wants it. */
  | { readonly name: 'parking'; readonly carrier: Carrier }
  /** An attempt is under way, which has neither a connection nor an error yet. */
  | {
      readonly name: 'moving';
      readonly from: Carrier | Detached;
      readonly wish: Wish;
      /** The client has another certificate or trust since the attempt began. */
      readonly reloaded: boolean;
      /** Infinity where a connection carries the session; else the end of its retention. */
      readonly at: number;
    }
  /** It is attached again as soon as that may be tried: after a while, or after a reload. Its retention may end before. */
  | { readonly name: 'lost'; readonly detached: Detached; readonly failure: Failure; readonly at: number }
  /** Its owner wants it without a connection, until told otherwise. */
  | { readonly name: 'parked'; readonly detached: Detached; readonly at: number }
  | { readonly name: 'over' };

/** What can happen to the session of a client. */
export type Input =
  /** A connection carries it: a fresh one, or the former one again. */
  | { readonly type: 'attached'; readonly link: Link; readonly leaveAt: number }
  /** The connection that carried it has ended, and perhaps the session with it. */
  | { readonly type: 'ended'; readonly end: Closed }
  /** The connection should be left: the server says so, or it may not carry much more. [CNT-047] [CNT-056] */
  | { readonly type: 'leave'; readonly code: ErrorName }
  /** The time of the state has come. */
  | { readonly type: 'due' }
  | { readonly type: 'rotate' }
  | { readonly type: 'detach' }
  /** The client has another certificate or trust. */
  | { readonly type: 'reloaded' }
  /** The owner wants its end, and no connection is there to say so. */
  | { readonly type: 'close' }
  /** The attempt has failed. */
  | {
      readonly type: 'failed';
      readonly error: HawserError;
      /** What that says about the next one. */
      readonly failure: Failure;
      /** Whether the former connection carries the session. */
      readonly carried: boolean;
    }
  /** The attempt was answered with the end of the session. */
  | { readonly type: 'refused'; readonly end: Closed; readonly error: HawserError }
  /** Another program has the session. */
  | { readonly type: 'fenced' };

/** What follows from an input, in its order. */
export type Action =
  /** Begins an attempt. */
  | { readonly type: 'attempt' }
  /** The next attempt goes to the next server. */
  | { readonly type: 'next-server' }
  /** The store takes note that no connection carries the session. */
  | { readonly type: 'note-detached' }
  /** Ends the connection in order, and keeps the session. */
  | { readonly type: 'detach'; readonly link: Link }
  /** Ends a connection that has no part in the session any more. */
  | { readonly type: 'supersede'; readonly link: Link }
  /** Ends the session, which has no connection that could say so. */
  | {
      readonly type: 'give-up';
      readonly code: ErrorName | undefined;
      readonly error: HawserError | undefined;
      /** Whether what was begun is unknown, whatever else is known. [CNT-043] */
      readonly doubt: boolean;
    }
  /** The session has ended. */
  | { readonly type: 'finish'; readonly end: Closed };

/** A state, and what is to be done on the way into it. */
export interface Step {
  readonly state: State;
  readonly actions: readonly Action[];
}

/** What the machine has to know of the world when something happens. */
export interface Facts {
  readonly now: number;
  readonly retentionMs: number;
  /** Whether the owner has asked for the end of the session: for that it needs a connection. */
  readonly closing: boolean;
  /** When the server that is tried next may be asked again. [EST-024] */
  readonly earliest: number;
  /** How long to wait after a failure; undefined when only a person can help. */
  delayMs(failure: Failure, failures: number): number | undefined;
  /** Whether a person may help by a reload, for which the session is to wait. */
  awaitsReload(failure: Failure): boolean;
}

const OVER: State = { name: 'over' };
const ATTEMPT: Action = { type: 'attempt' };
const NEXT_SERVER: Action = { type: 'next-server' };
const NOTE_DETACHED: Action = { type: 'note-detached' };
const NO_FAILURE: Failure = { error: undefined, code: undefined };

/** A session that no connection has carried yet. */
export function unattached(facts: Facts): State {
  return parked({ since: facts.now, failures: 0 }, facts);
}

/** A session from before a restart is to be given a connection. */
export function restored(facts: Facts): Step {
  return lose({ since: facts.now, failures: 0 }, NO_FAILURE, facts);
}

/** The state after an input, whatever the state before: the only place that decides what happens. */
export function react(state: State, input: Input, facts: Facts): Step {
  switch (state.name) {
    case 'attached':
      return whileAttached(state, input, facts);
    case 'parking':
      return whileParking(state, input, facts);
    case 'moving':
      return whileMoving(state, input, facts);
    case 'lost':
      return whileLost(state, input, facts);
    case 'parked':
      return whileParked(state, input, facts);
    case 'over':
      return stay(state);
  }
}

function whileAttached(state: State & { name: 'attached' }, input: Input, facts: Facts): Step {
  const { carrier } = state;
  switch (input.type) {
    case 'leave':
      return leave(state, input.code, facts);
    case 'due':
    case 'rotate':
      return move(carrier, 'attach', facts);
    case 'detach':
      return facts.closing ? stay(state) : { state: { name: 'parking', carrier }, actions: [] };
    case 'ended': {
      const { hopeless, reloaded } = carrier;
      const over = overWith(input.end);
      if (over !== undefined) return over;
      if (hopeless !== undefined) return giveUp(hopeless.wireName, hopeless, true);
      const detached = { since: facts.now, failures: 0 };
      // What may help has come already. [CNT-065]
      if (reloaded && facts.awaitsReload(input.end)) return move(detached, 'attach', facts, [NOTE_DETACHED]);
      return lose(detached, input.end, facts, [NOTE_DETACHED]);
    }
    case 'reloaded':
      return stay({ ...state, carrier: { ...carrier, reloaded: true } });
    case 'fenced':
      return giveUp('SUPERSEDED', undefined, true, carrier);
    // Its end is about to be told; then it is lost, or over.
    case 'close':
    case 'attached':
    case 'failed':
    case 'refused':
      return stay(state);
  }
}

function whileParking(state: State & { name: 'parking' }, input: Input, facts: Facts): Step {
  const { carrier } = state;
  switch (input.type) {
    case 'ended': {
      const over = overWith(input.end);
      if (over !== undefined) return over;
      const detached = { since: facts.now, failures: 0 };
      if (facts.closing) return lose(detached, input.end, facts, [NOTE_DETACHED]);
      return { state: parked(detached, facts), actions: [NOTE_DETACHED] };
    }
    case 'rotate':
      return move(carrier, 'try', facts);
    case 'fenced':
      return giveUp('SUPERSEDED', undefined, true, carrier);
    // It is being left already.
    case 'leave':
    case 'reloaded':
    case 'detach':
    case 'due':
    case 'close':
    case 'attached':
    case 'failed':
    case 'refused':
      return stay(state);
  }
}

function whileMoving(state: State & { name: 'moving' }, input: Input, facts: Facts): Step {
  const { from, wish } = state;
  const former = 'link' in from ? from : undefined;
  switch (input.type) {
    case 'attached': {
      // It was taken up again: what became of the attempt is about to be told.
      if (input.link === former?.link) return stay(state);
      const actions: Action[] = former === undefined ? [] : [{ type: 'supersede', link: former.link }];
      const carrier = {
        link: input.link,
        leaveAt: input.leaveAt,
        failures: 0,
        hopeless: undefined,
        reloaded: state.reloaded,
      };
      if (wish !== 'park' || facts.closing) return { state: attached(carrier, carrier.leaveAt), actions };
      return { state: { name: 'parking', carrier }, actions: [...actions, { type: 'detach', link: input.link }] };
    }
    case 'failed':
      return attemptFailed(state, input, facts);
    case 'refused':
      return finished(input.end, former);
    case 'ended': {
      if (input.end.session === 'ended') return finished(input.end);
      // The attempt decides, also where the connection was taken by it.
      const detached = { since: facts.now, failures: 0 };
      return { state: { ...state, from: detached, at: movingUntil(detached, facts) }, actions: [NOTE_DETACHED] };
    }
    case 'leave':
      if (former === undefined || former.leaveAt <= facts.now) return stay(state);
      return { state: { ...state, from: { ...former, leaveAt: facts.now } }, actions: elsewhere(input.code) };
    case 'rotate':
      return stay(wish === 'park' ? { ...state, wish: 'try' } : state);
    case 'detach':
      return stay(facts.closing ? state : { ...state, wish: 'park' });
    case 'reloaded':
      return stay({ ...state, from: former === undefined ? from : { ...former, reloaded: true }, reloaded: true });
    case 'fenced':
      return giveUp('SUPERSEDED', undefined, true, former);
    case 'due':
      // Whatever the attempt waits for, a store perhaps that does not answer. [CNT-017]
      return former === undefined ? giveUp(undefined, undefined, false) : stay(state);
    // Whatever connection comes is closed.
    case 'close':
      return stay(state);
  }
}

function whileLost(state: State & { name: 'lost' }, input: Input, facts: Facts): Step {
  const { detached, failure } = state;
  switch (input.type) {
    case 'due':
      // Nobody can help any more. [CNT-017]
      if (facts.now >= retentionEnd(detached, facts)) return giveUp(failure.code, failure.error, false);
      return move(detached, 'attach', facts);
    case 'rotate':
      return move(detached, 'attach', facts);
    case 'close':
      return close(detached, failure, facts);
    case 'reloaded':
      return facts.awaitsReload(failure) ? move(detached, 'attach', facts) : stay(state); // [CNT-065]
    case 'detach':
      return stay(facts.closing ? state : parked(detached, facts));
    case 'fenced':
      return giveUp('SUPERSEDED', undefined, true);
    case 'attached':
    case 'ended':
    case 'leave':
    case 'failed':
    case 'refused':
      return stay(state);
  }
}

function whileParked(state: State & { name: 'parked' }, input: Input, facts: Facts): Step {
  const { detached } = state;
  switch (input.type) {
    // The first connection of a new session.
    case 'attached': {
      const { link, leaveAt } = input;
      return stay(attached({ link, leaveAt, failures: 0, hopeless: undefined, reloaded: false }, leaveAt));
    }
    case 'due':
      return giveUp(undefined, undefined, false); // [CNT-017]
    case 'rotate':
      return move(detached, 'try', facts);
    case 'close':
      return close(detached, NO_FAILURE, facts);
    case 'fenced':
      return giveUp('SUPERSEDED', undefined, true);
    case 'detach':
    case 'reloaded':
    case 'ended':
    case 'leave':
    case 'failed':
    case 'refused':
      return stay(state);
  }
}

/** Its owner wants its end, and waits no longer than a server has asked for: what has failed before is another matter. [EST-024] */
function close({ since }: Detached, failure: Failure, facts: Facts): Step {
  const detached = { since, failures: 0 };
  if (facts.earliest <= facts.now) return move(detached, 'attach', facts);
  return stay({ name: 'lost', detached, failure, at: Math.min(facts.earliest, retentionEnd(detached, facts)) });
}

/** The connection should be left; one attempt follows another until it is. [CNT-047] [CNT-050] */
function leave(state: State & { name: 'attached' }, code: ErrorName, facts: Facts): Step {
  const { carrier } = state;
  // However often the server says so.
  if (carrier.leaveAt <= facts.now) return stay(state);
  const left = { ...carrier, leaveAt: facts.now };
  if (left.hopeless !== undefined) return { state: attached(left, Infinity), actions: elsewhere(code) };
  return move(left, 'attach', facts, elsewhere(code));
}

function attemptFailed(
  { from, wish, reloaded }: State & { name: 'moving' },
  input: Input & { type: 'failed' },
  facts: Facts,
): Step {
  const { error, failure, carried } = input;
  // Another server has the same store.
  const actions = error instanceof StoreError ? [] : [NEXT_SERVER];
  const parks = wish !== 'attach' && !facts.closing;
  if ('link' in from && carried) {
    // Its owner may have left it when it was between two connections: then nobody has ended this one yet.
    if (parks) {
      return { state: { name: 'parking', carrier: from }, actions: [...actions, { type: 'detach', link: from.link }] };
    }
    return { state: goOn(from, error, failure, facts), actions };
  }
  const detached = 'link' in from ? { since: facts.now, failures: 0 } : from;
  const all = 'link' in from ? [...actions, NOTE_DETACHED] : actions;
  if (parks) return { state: parked(detached, facts), actions: all };
  // What may help has come already. [CNT-065]
  if (reloaded && facts.awaitsReload(failure)) return move(detached, 'attach', facts, all);
  return lose(detached, failure, facts, all);
}

/** An attempt has failed, and the former connection carries the session: the next one follows if it has to be left. */
function goOn(former: Carrier, error: HawserError, failure: Failure, facts: Facts): State {
  const refused = error instanceof RemoteError && ERRORS[error.wireName].retry === 'never';
  const hopeless = refused ? error : former.hopeless;
  const isLeft = former.leaveAt <= facts.now;
  const carrier = { ...former, hopeless, failures: isLeft ? former.failures + 1 : 0 };
  if (hopeless !== undefined) return attached(carrier, Infinity);
  if (!isLeft) return attached(carrier, former.leaveAt);
  const delayMs = facts.delayMs(failure, carrier.failures) ?? TIMERS.reconnect_first_bound_ms;
  return attached(carrier, facts.now + delayMs);
}

/** Without a connection: the next attempt follows, as often as it takes, until the retention is over. [CNT-057] */
function lose(before: Detached, { error, code }: Failure, facts: Facts, actions: readonly Action[] = []): Step {
  // That the own store fails says nothing against the server, which was not asked.
  const failures = error instanceof StoreError ? Math.max(1, before.failures) : before.failures + 1;
  const detached = { ...before, failures };
  const delayMs = facts.delayMs({ error, code }, detached.failures);
  const end = retentionEnd(detached, facts);
  // Who has asked for the end does not wait for a person too.
  const awaitsReload = delayMs === undefined && !facts.closing && facts.awaitsReload({ error, code });
  // Only a person can help, or nobody any more. [ERR-006] [CNT-017]
  if ((delayMs === undefined && !awaitsReload) || end <= facts.now) {
    const { state, actions: more } = giveUp(code, error, false);
    return { state, actions: [...actions, ...more] };
  }
  const at = delayMs === undefined ? end : Math.min(Math.max(facts.now + delayMs, facts.earliest), end);
  return { state: { name: 'lost', detached, failure: { error, code }, at }, actions };
}

function giveUp(code: ErrorName | undefined, error: HawserError | undefined, doubt: boolean, carrier?: Carrier): Step {
  return { state: OVER, actions: [...cut(carrier), { type: 'give-up', code, error, doubt }] };
}

/** What follows from the end of a connection that ends the session too; undefined where that goes on. */
function overWith(end: Closed): Step | undefined {
  if (end.session === 'ended') return finished(end);
  // Somebody else has taken it, by right of its identity: two must not take it from each other. [CNT-058]
  if (end.code === 'SUPERSEDED' && end.remote) return giveUp('SUPERSEDED', end.error, true);
  return undefined;
}

function finished(end: Closed, carrier?: Carrier): Step {
  return { state: OVER, actions: [...cut(carrier), { type: 'finish', end }] };
}

function cut(carrier: Carrier | undefined): readonly Action[] {
  return carrier === undefined ? [] : [{ type: 'supersede', link: carrier.link }];
}

function move(from: Carrier | Detached, wish: Wish, facts: Facts, actions: readonly Action[] = []): Step {
  const state: State = { name: 'moving', from, wish, reloaded: false, at: movingUntil(from, facts) };
  return { state, actions: [...actions, ATTEMPT] };
}

/** Without a connection an attempt lasts no longer than the retention. [CNT-017] */
function movingUntil(from: Carrier | Detached, facts: Facts): number {
  return 'link' in from ? Infinity : retentionEnd(from, facts);
}

function stay(state: State): Step {
  return { state, actions: [] };
}

function attached(carrier: Carrier, at: number): State {
  return { name: 'attached', carrier, at };
}

/** A session that its owner has left without a connection ends with its retention. [CNT-017] */
function parked({ since }: Detached, facts: Facts): State {
  const detached = { since, failures: 0 };
  return { name: 'parked', detached, at: retentionEnd(detached, facts) };
}

function retentionEnd({ since }: Detached, { retentionMs }: Facts): number {
  return since + retentionMs;
}

/** A server that goes away will not take the session again. */
function elsewhere(code: ErrorName): readonly Action[] {
  return code === 'SHUTTING_DOWN' ? [NEXT_SERVER] : [];
}
