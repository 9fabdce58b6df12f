import { describe, expect, it } from 'vitest';
import { Liveness } from '../../../core/liveness.ts';

/** Randomness that is always the smallest, or always the largest, it can be. */
const smallest = (count: number): Uint8Array => new Uint8Array(count);
const largest = (count: number): Uint8Array => new Uint8Array(count).fill(0xff);

describe('Liveness', () => {
  it.each([
    ['smallest', smallest, 950],
    ['largest', largest, 750],
  ])('sends a PING before the interval is over, by the %s share [SES-019]', (_, random, after) => {
    const liveness = new Liveness(1000, 60_000, random, 0);
    expect(liveness.nextDeadline()).toBe(after);
    expect(liveness.tick(after - 1)).toBeUndefined();
    expect(liveness.tick(after)).toBe('ping');
    expect(liveness.nextDeadline()).toBe(2 * after);
    liveness.sent(after + 100);
    expect(liveness.tick(2 * after)).toBeUndefined();
  });

  it('judges the peer by the interval of the peer: SUSPECT after two, DOWN after three [SES-020] [SES-022]', () => {
    const liveness = new Liveness(60_000, 500, smallest, 100);
    expect(liveness.nextDeadline()).toBe(1100);
    expect(liveness.tick(1099)).toBeUndefined();
    expect(liveness.tick(1100)).toBe('suspect');
    expect(liveness.suspect).toBe(true);
    expect(liveness.nextDeadline()).toBe(1600);
    expect(liveness.tick(1599)).toBeUndefined();
    expect(liveness.tick(1600)).toBe('down');
    expect(liveness.downAfterMs).toBe(1500);
  });

  it('forgets the silence with the next frame', () => {
    const liveness = new Liveness(60_000, 500, smallest, 0);
    liveness.tick(1000);
    expect(liveness.heard(1499)).toBe(true);
    expect(liveness.heard(1500)).toBe(false);
    expect(liveness.suspect).toBe(false);
    expect(liveness.tick(2499)).toBeUndefined();
    expect(liveness.tick(2500)).toBe('suspect');
  });

  it('says one thing at a time, SUSPECT before DOWN', () => {
    const liveness = new Liveness(1000, 500, smallest, 0);
    expect([liveness.tick(99_999), liveness.tick(99_999)]).toEqual(['suspect', 'down']);
  });
});
