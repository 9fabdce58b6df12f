import { describe, expect, it } from 'vitest';
import { BoundedCache } from '../../../pki/bounded-cache.ts';

describe('BoundedCache', () => {
  it('makes a value once, and again after it was pushed out by newer ones', () => {
    const cache = new BoundedCache<string>(2);
    const made: string[] = [];
    const get = (key: string): string =>
      cache.get(key, () => {
        made.push(key);
        return key.toUpperCase();
      });
    expect([get('a'), get('a'), get('b'), get('c'), get('b'), get('a')]).toEqual(['A', 'A', 'B', 'C', 'B', 'A']);
    expect(made).toEqual(['a', 'b', 'c', 'a']);
  });

  it('keeps nothing when making the value fails', () => {
    const cache = new BoundedCache<number>(2);
    expect(() =>
      cache.get('a', () => {
        throw new Error('unreadable');
      }),
    ).toThrow('unreadable');
    expect(cache.get('a', () => 1)).toBe(1);
  });
});
