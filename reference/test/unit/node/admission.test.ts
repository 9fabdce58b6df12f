import { describe, expect, it } from 'vitest';
import { Admission, type Admitted } from '../../../node/server/admission.ts';

const LIMITS = { maxConnections: 4, maxHalfOpen: 3, maxHalfOpenPerAddress: 2, maxAcceptsPerSecond: 100 };

function admitted(result: Admitted | string): Admitted {
  if (typeof result === 'string') throw new Error(result);
  return result;
}

describe('Admission', () => {
  it('bounds what is half-open, per address and together', () => {
    const admission = new Admission(LIMITS);
    const first = admitted(admission.admit('a', 0));
    admitted(admission.admit('a', 0));
    expect(admission.admit('a', 0)).toBe('too-many-half-open-from-address');
    admitted(admission.admit('b', 0));
    expect(admission.admit('c', 0)).toBe('too-many-half-open');
    first.established();
    admitted(admission.admit('a', 0));
    expect([admission.connections, admission.halfOpen]).toEqual([4, 3]);
    expect(admission.admit('d', 0)).toBe('too-many-connections');
  });

  it('counts each connection out exactly once', () => {
    const admission = new Admission(LIMITS);
    const first = admitted(admission.admit('a', 0));
    const second = admitted(admission.admit('a', 0));
    first.established();
    first.established();
    first.release();
    first.release();
    second.release();
    second.established();
    expect([admission.connections, admission.halfOpen]).toEqual([0, 0]);
    admitted(admission.admit('a', 0));
    admitted(admission.admit('a', 0));
  });

  it('bounds the rate, not the total', () => {
    const admission = new Admission({ ...LIMITS, maxAcceptsPerSecond: 2 });
    for (let count = 0; count < 2; count++) admitted(admission.admit('a', 0)).release();
    expect(admission.admit('a', 0)).toBe('too-fast');
    expect(admission.admit('a', 499)).toBe('too-fast');
    admitted(admission.admit('a', 500)).release();
    expect(admission.admit('a', 501)).toBe('too-fast');
    for (let count = 0; count < 2; count++) admitted(admission.admit('a', 1_000_000)).release();
    expect(admission.admit('a', 1_000_000)).toBe('too-fast');
  });
});
