import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Closed, ERROR_CODE, type ErrorName, RemoteError } from '../../../core/index.ts';
import {
  type Action,
  type Facts,
  type Input,
  type State,
  react,
  restored,
  unattached,
} from '../../../node/client/client-state.ts';
import { reloadMayHelp } from '../../../node/client/retry.ts';
import type { Link } from '../../../node/session/session.ts';
import { StoreError } from '../../../store/index.ts';

const RETENTION_MS = 1000;

function link(): Link {
  return {} as Link;
}

function facts(now: number, closing = false, delayMs: number | undefined = 10): Facts {
  return {
    now,
    retentionMs: RETENTION_MS,
    closing,
    earliest: 0,
    delayMs: () => delayMs,
    awaitsReload: reloadMayHelp,
  };
}

function end(session: 'detached' | 'ended', code: ErrorName | undefined, remote: boolean): Closed {
  const error = remote && code !== undefined ? remoteError(code) : undefined;
  const none = { acceptedMessages: [], unknownMessages: [], undeliveredMessages: [] };
  return { type: 'closed', outcome: 'aborted', code, error, remote, peerReceiveCursor: undefined, session, ...none };
}

function remoteError(code: ErrorName): RemoteError {
  return new RemoteError(code, ERROR_CODE[code], code, 0);
}

/** What may happen next, by number; only what can happen in the state. */
function inputFor(state: State, choice: number, now: number): Input {
  const error = [remoteError('BUSY'), remoteError('AUTHENTICATION_FAILED'), storeError()][choice % 3] ?? storeError();
  const code = (['SHUTTING_DOWN', 'SUPERSEDED', 'NO_ERROR'] as const)[choice % 3] ?? 'NO_ERROR';
  const common: Input[] = [
    { type: 'rotate' },
    { type: 'detach' },
    { type: 'close' },
    { type: 'reloaded' },
    { type: 'leave', code },
  ];
  const timed: Input[] = 'at' in state && state.at !== Infinity ? [{ type: 'due' }] : [];
  const ended: Input = { type: 'ended', end: end(choice % 7 === 0 ? 'ended' : 'detached', code, choice % 2 === 0) };
  const ofState: Record<State['name'], Input[]> = {
    attached: [ended],
    parking: [ended],
    moving: [
      ended,
      { type: 'attached', link: link(), leaveAt: now + choice },
      {
        type: 'failed',
        error,
        failure: { error, code: undefined },
        carried: state.name === 'moving' && 'link' in state.from,
      },
      { type: 'failed', error, failure: { error, code: undefined }, carried: false },
      { type: 'refused', error, end: end('ended', code, true) },
    ],
    lost: [],
    parked: [],
    over: [ended, { type: 'due' }, { type: 'failed', error, failure: { error, code: undefined }, carried: true }],
  };
  const all = [
    ...common,
    ...timed,
    ...ofState[state.name],
    ...(choice % 50 === 0 ? [{ type: 'fenced' as const }] : []),
  ];
  return all[choice % all.length] ?? { type: 'rotate' };
}

function storeError(): StoreError {
  return new StoreError('HAWSER_ERR_STORE_UNAVAILABLE', 'x');
}

/** The connection that a state holds. */
function heldBy(state: State): Link | undefined {
  if (state.name === 'attached' || state.name === 'parking') return state.carrier.link;
  return state.name === 'moving' && 'link' in state.from ? state.from.link : undefined;
}

function count(actions: readonly Action[], type: Action['type']): number {
  return actions.filter((action) => action.type === type).length;
}

describe('the state of a client’s session, whatever happens', () => {
  it('has one attempt under way at most, lets go of no connection unended, and ends once', () => {
    const happening = fc.record({
      choice: fc.nat(),
      elapsed: fc.nat(300),
      closing: fc.boolean(),
      hopeless: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 60 }), (happenings) => {
        let now = 0;
        let state = unattached(facts(now));
        let ends = 0;
        for (const { choice, elapsed, closing, hopeless } of happenings) {
          now += elapsed;
          const input = inputFor(state, choice, now);
          const before = state;
          const { actions, state: next } = react(before, input, facts(now, closing, hopeless ? undefined : 10));
          state = next;
          const begins = next.name === 'moving' && (before.name !== 'moving' || input.type === 'failed');
          expect(count(actions, 'attempt')).toBe(begins ? 1 : 0);
          ends += count(actions, 'give-up') + count(actions, 'finish');
          expect(ends).toBe(next.name === 'over' ? 1 : 0);
          const held = heldBy(before);
          const goes = held !== undefined && heldBy(next) !== held;
          const superseded = actions.some((action) => action.type === 'supersede' && action.link === held);
          // Its own end, or the shell that found it of no use after a failure, has let go of it.
          expect(superseded).toBe(goes && input.type !== 'ended' && input.type !== 'failed');
          if ('at' in next && next.name !== before.name && next.name === 'lost') {
            expect(next.at).toBeLessThanOrEqual(next.detached.since + RETENTION_MS);
          }
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('is over or attached again once nothing speaks against it, and its retention bounds that', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 30 }), fc.boolean(), (choices, works) => {
        let now = 0;
        let { state } = restored(facts(now));
        for (const choice of choices) ({ state } = react(state, inputFor(state, choice, now), facts(now)));
        for (let steps = 0; steps < 400 && state.name !== 'over'; steps += 1) {
          if (works && state.name === 'attached' && state.at === Infinity) return;
          now = 'at' in state && state.at !== Infinity ? Math.max(now, state.at) : now + 1;
          state = react(state, onward(state, works), facts(now)).state;
        }
        expect(state.name).toBe('over');
      }),
      { numRuns: 2000 },
    );
  });
});

describe('a session that a certificate has cost its connection (CNT-065)', () => {
  const revoked: Input = { type: 'ended', end: end('detached', 'AUTHORITY_REVOKED', true) };
  const error = remoteError('AUTHENTICATION_FAILED');
  const failed: Input = { type: 'failed', error, failure: { error, code: undefined }, carried: false };
  /** Only a person can help. */
  const world = (now: number, closing = false): Facts => ({ ...facts(now, closing), delayMs: () => undefined });

  function attachedNow(): State {
    return react(unattached(world(0)), { type: 'attached', link: link(), leaveAt: Infinity }, world(0)).state;
  }

  it('waits for a reload, and is tried at once then', () => {
    const lost = react(attachedNow(), revoked, world(5)).state;
    expect(lost).toMatchObject({ name: 'lost', at: 5 + RETENTION_MS });
    const moving = react(lost, { type: 'reloaded' }, world(6));
    expect(moving).toMatchObject({ state: { name: 'moving' }, actions: [{ type: 'attempt' }] });
    expect(react(moving.state, failed, world(7)).state).toMatchObject({ name: 'lost', at: 5 + RETENTION_MS });
  });

  it('is tried once more after a reload that has passed by an attempt', () => {
    const moving = react(react(attachedNow(), revoked, world(5)).state, { type: 'rotate' }, world(6)).state;
    const reloaded = react(moving, { type: 'reloaded' }, world(7)).state;
    const again = react(reloaded, failed, world(8));
    expect(again.actions).toContainEqual({ type: 'attempt' });
    expect(react(again.state, failed, world(9)).state.name).toBe('lost');
  });

  it('is tried at once where the reload came before its connection was lost', () => {
    const reloaded = react(attachedNow(), { type: 'reloaded' }, world(4)).state;
    expect(react(reloaded, revoked, world(5)).actions).toContainEqual({ type: 'attempt' });
    const moving = react(attachedNow(), { type: 'rotate' }, world(2)).state;
    const moved = react(
      react(moving, { type: 'reloaded' }, world(3)).state,
      { ...failed, carried: true },
      world(4),
    ).state;
    expect(moved.name).toBe('attached');
    expect(react(moved, revoked, world(5)).actions).toContainEqual({ type: 'attempt' });
  });

  it('ends with its retention, and at once where its owner has asked for its end or nothing can help', () => {
    const lost = react(attachedNow(), revoked, world(5)).state;
    const over = react(lost, { type: 'due' }, world(5 + RETENTION_MS));
    expect(over).toMatchObject({ state: { name: 'over' }, actions: [{ type: 'give-up', code: 'AUTHORITY_REVOKED' }] });
    expect(react(attachedNow(), revoked, world(5, true)).state.name).toBe('over');
    const never: Input = { type: 'ended', end: end('detached', 'SIGNATURE_INVALID', true) };
    expect(react(attachedNow(), never, world(5)).state.name).toBe('over');
    expect(react(attachedNow(), revoked, { ...world(5), awaitsReload: () => false }).state.name).toBe('over');
  });
});

/** What happens when nobody does anything: attempts succeed or fail, connections end that are left. */
function onward(state: State, works: boolean): Input {
  if (state.name === 'moving') {
    const error = remoteError('BUSY');
    if (works) return { type: 'attached', link: link(), leaveAt: Infinity };
    return { type: 'failed', error, failure: { error, code: undefined }, carried: false };
  }
  if (state.name === 'parking' || (state.name === 'attached' && state.at === Infinity)) {
    return { type: 'ended', end: end('detached', undefined, true) };
  }
  return { type: 'due' };
}
