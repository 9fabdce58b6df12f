import { describe, expect, it } from 'vitest';
import { RateBudget } from '../../../core/rate-budget.ts';

function takeAll(budget: RateBudget, now: number): number {
  let taken = 0;
  while (budget.take(now)) taken += 1;
  return taken;
}

describe('RateBudget', () => {
  it('holds the burst of the registry and refills at its rate, up to the burst [SES-009]', () => {
    const budget = new RateBudget(1, 1000);
    expect(takeAll(budget, 1000)).toBe(256);
    expect(takeAll(budget, 1015)).toBe(0);
    expect(takeAll(budget, 1016)).toBe(1);
    expect(takeAll(budget, 2016)).toBe(64);
    expect(takeAll(budget, 1_000_000)).toBe(256);
  });

  it('multiplies both by its factor', () => {
    const budget = new RateBudget(2.5, 0);
    expect(takeAll(budget, 0)).toBe(640);
    expect(takeAll(budget, 1000)).toBe(160);
  });

  it('gains nothing from a clock that stands still or goes back', () => {
    const budget = new RateBudget(1, 1000);
    takeAll(budget, 1000);
    expect(budget.take(0)).toBe(false);
    expect(budget.take(1000)).toBe(false);
  });
});
