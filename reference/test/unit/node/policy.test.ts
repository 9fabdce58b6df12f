import { describe, expect, it } from 'vitest';
import { createAllowList } from '../../../node/index.ts';

describe('createAllowList', () => {
  const policy = createAllowList([
    { identity: 'spiffe://a', application: 'x' },
    { identity: 'spiffe://a', application: 'y' },
    { identity: 'spiffe://b', application: 'y' },
  ]);

  it('allows what is listed and nothing else [CHN-008]', () => {
    expect(policy.allowsApplication('spiffe://a', 'x')).toBe(true);
    expect(policy.allowsApplication('spiffe://b', 'x')).toBe(false);
    expect(policy.allowsApplication('spiffe://c', 'y')).toBe(false);
    expect([policy.acceptsClient('spiffe://a'), policy.acceptsClient('spiffe://c')]).toEqual([true, false]);
  });

  it('knows as relays those that are named, and lets them have sessions [RLY-013]', () => {
    const withRelay = createAllowList([{ identity: 'spiffe://a', application: 'x' }], ['spiffe://r']);
    const relays = ['spiffe://r', 'spiffe://a', 'spiffe://R'].map((identity) => withRelay.acceptsRelay?.(identity));
    expect(relays).toEqual([true, false, false]);
    expect(withRelay.acceptsClient('spiffe://r')).toBe(true);
    expect(withRelay.allowsApplication('spiffe://r', 'x')).toBe(false);
    expect(policy.acceptsRelay?.('spiffe://a')).toBe(false);
  });

  it('compares octet for octet', () => {
    expect(policy.acceptsClient('spiffe://A')).toBe(false);
    expect(policy.allowsApplication('spiffe://a', 'x ')).toBe(false);
    expect(policy.acceptsClient('constructor')).toBe(false);
  });
});
