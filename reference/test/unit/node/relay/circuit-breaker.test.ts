import { describe, expect, it } from 'vitest';
import { DeadlineQueue } from '../../../../node/index.ts';
import { CircuitBreaker } from '../../../../node/relay/circuit-breaker.ts';

const ADMITTED = { ok: true };

/** A breaker that opens after three failures for a second, and its clock. */
function createBreaker(failures = 3): { readonly breaker: CircuitBreaker; readonly advance: (ms: number) => void } {
  let now = 500.25;
  const deadlines = new DeadlineQueue({
    now: () => now,
    set: () => {
      throw new Error('A breaker has no timer.');
    },
    clear: () => undefined,
  });
  const breaker = new CircuitBreaker({ failures, openMs: 1000 }, { deadlines });
  return { breaker, advance: (ms) => void (now += ms) };
}

/** Fails until the breaker is open. */
function open(breaker: CircuitBreaker): void {
  for (let failure = 0; failure < 3; failure += 1) {
    expect(breaker.admit()).toEqual(ADMITTED);
    breaker.failed();
  }
}

describe('CircuitBreaker', () => {
  it('admits every attempt until as many in a row have failed', () => {
    const { breaker, advance } = createBreaker();
    open(breaker);
    expect(breaker.admit()).toEqual({ ok: false, retryAfterMs: 1000 });
    advance(400.5);
    expect(breaker.admit()).toEqual({ ok: false, retryAfterMs: 600 });
  });

  it('counts failures in a row: a success between them begins anew', () => {
    const { breaker } = createBreaker();
    breaker.failed();
    breaker.failed();
    breaker.succeeded();
    open(breaker);
    expect(breaker.admit().ok).toBe(false);
  });

  it('admits one trial when its time is over, and closes with its success', () => {
    const { breaker, advance } = createBreaker();
    open(breaker);
    advance(1000);
    expect(breaker.admit()).toEqual(ADMITTED);
    expect(breaker.admit()).toEqual({ ok: false, retryAfterMs: 1000 });
    breaker.succeeded();
    open(breaker);
  });

  it('stays open for the whole time after a trial that failed', () => {
    const { breaker, advance } = createBreaker();
    open(breaker);
    advance(1000);
    expect(breaker.admit()).toEqual(ADMITTED);
    advance(300);
    breaker.failed();
    expect(breaker.admit()).toEqual({ ok: false, retryAfterMs: 1000 });
    advance(1000);
    expect(breaker.admit()).toEqual(ADMITTED);
  });

  it('admits another trial when the first one was given up without a result', () => {
    const { breaker, advance } = createBreaker();
    open(breaker);
    advance(1000);
    expect(breaker.admit()).toEqual(ADMITTED);
    advance(1000);
    expect(breaker.admit()).toEqual(ADMITTED);
  });

  it('never opens where no number of failures does', () => {
    const { breaker } = createBreaker(Infinity);
    for (let failure = 0; failure < 100; failure += 1) breaker.failed();
    expect(breaker.admit()).toEqual(ADMITTED);
  });
});
