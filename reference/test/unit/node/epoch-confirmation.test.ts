import { describe, expect, it } from 'vitest';
import { TIMERS } from '../../../core/index.ts';
import { systemEnvironment } from '../../../node/environment.ts';
import { EpochConfirmation } from '../../../node/session/epoch-confirmation.ts';
import { DeadlineQueue } from '../../../node/index.ts';

/** Two clocks that the test moves. */
function twoClocks() {
  const clocks = { monotonicMs: 0, wallMs: 0 };
  const deadlines = new DeadlineQueue({ now: () => clocks.monotonicMs, set: () => undefined, clear: () => undefined });
  const environment = { ...systemEnvironment, deadlines, wallClock: () => new Date(clocks.wallMs) };
  return { clocks, confirmation: new EpochConfirmation(environment) };
}

const CONFIRMED = Promise.resolve(true);

describe('EpochConfirmation [CNT-062]', () => {
  it('is not fresh before anything was confirmed', async () => {
    const { confirmation } = twoClocks();
    expect(confirmation.fresh).toBe(false);
    await confirmation.ask(
      () => Promise.resolve(false),
      (answer) => answer,
    );
    expect(confirmation.fresh).toBe(false);
  });

  it.each(['monotonicMs', 'wallMs'] as const)('is fresh until the time is over by the clock of %s', async (clock) => {
    const { clocks, confirmation } = twoClocks();
    await confirmation.ask(
      () => CONFIRMED,
      (answer) => answer,
    );
    clocks[clock] += TIMERS.epoch_confirmation_ms;
    expect(confirmation.fresh).toBe(true);
    clocks[clock] += 1;
    expect(confirmation.fresh).toBe(false);
  });

  it('counts from when the store was asked', async () => {
    const { clocks, confirmation } = twoClocks();
    await confirmation.ask(
      () => {
        clocks.monotonicMs += TIMERS.epoch_confirmation_ms + 1;
        return CONFIRMED;
      },
      (answer) => answer,
    );
    expect(confirmation.fresh).toBe(false);
  });

  it('is made no older by a failure', async () => {
    const { confirmation } = twoClocks();
    await confirmation.ask(
      () => CONFIRMED,
      (answer) => answer,
    );
    const failure = new Error('A test.');
    await expect(
      confirmation.ask(
        () => Promise.reject(failure),
        () => true,
      ),
    ).rejects.toBe(failure);
    expect(confirmation.fresh).toBe(true);
  });
});
