import { describe, expect, it } from 'vitest';
import { RemoteError } from '../../../core/index.ts';
import { type Facts, type Input, type State, react, restored } from '../../../node/client/client-state.ts';
import { reconnectDelayMs } from '../../../node/client/reconnect-delay.ts';
import { storeError } from '../../integration/support/stores.ts';

const ALMOST = 1 - Number.EPSILON;

/** The longest wait that can come about. */
function facts(now: number, closing: boolean, earliest = 0): Facts {
  const delayMs: Facts['delayMs'] = (failure, failures) => reconnectDelayMs(failure, failures, ALMOST, undefined);
  return { now, retentionMs: 300_000, closing, earliest, delayMs, awaitsReload: () => false };
}

function failed(error: RemoteError | ReturnType<typeof storeError>): Input {
  return { type: 'failed', error, failure: { error, code: undefined }, carried: false };
}

function waitAfter(state: State, now: number): number {
  return state.name === 'lost' ? state.at - now : NaN;
}

describe('a session that is to be closed while no connection carries it', () => {
  it('is tried again soon although many attempts had failed before [ERR-007]', () => {
    const error = new RemoteError('BUSY', 0, 'busy', 0);
    let { state } = restored(facts(0, false));
    for (let attempts = 0; attempts < 6; attempts += 1) {
      ({ state } = react(state, { type: 'due' }, facts(0, false)));
      ({ state } = react(state, failed(error), facts(0, false)));
    }
    expect(waitAfter(state, 0)).toBeGreaterThan(50_000);
    ({ state } = react(state, { type: 'close' }, facts(0, true)));
    ({ state } = react(state, failed(error), facts(0, true)));
    expect(waitAfter(state, 0)).toBeLessThanOrEqual(1000);
  });

  it('does not wait longer each time for its own store [CNT-057]', () => {
    let { state } = restored(facts(0, true));
    for (let attempts = 0; attempts < 8; attempts += 1) {
      ({ state } = react(state, { type: 'due' }, facts(0, true)));
      ({ state } = react(state, failed(storeError()), facts(0, true)));
    }
    expect(waitAfter(state, 0)).toBeLessThanOrEqual(1000);
  });

  it('is not asked for at a server before that has said when [EST-024]', () => {
    const { state: lost } = restored(facts(0, false));
    const { state, actions } = react(lost, { type: 'close' }, facts(10, true, 1000));
    expect([state.name, actions]).toEqual(['lost', []]);
    expect(waitAfter(state, 10)).toBe(990);
  });
});
