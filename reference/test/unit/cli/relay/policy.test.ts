import { describe, expect, it } from 'vitest';
import { policyOf } from '../../../../cli/relay/policy.ts';
import { testPolicy } from '../../../../cli/relay/test-mode.ts';

const BRANCH = 'spiffe://bank.example/branch-1';
const RELAY = 'spiffe://partner.example/relay';

const policy = policyOf({
  policy: [{ identity: BRANCH, applications: ['payments', 'reports/*'] }],
  relays: [RELAY],
});

describe('the policy of a configuration', () => {
  it.each([
    [BRANCH, 'payments', true],
    [BRANCH, 'reports/daily', true],
    [BRANCH, 'reports/', true],
    [BRANCH, 'reports', false],
    [BRANCH, 'payments/more', false],
    [BRANCH, 'Payments', false],
    [`${BRANCH}0`, 'payments', false],
    [BRANCH.toUpperCase(), 'payments', false],
    [BRANCH.slice(0, -1), 'payments', false],
    [RELAY, 'payments', false],
    ['__proto__', 'payments', false],
  ])('lets %s open %s: %s [RLY-002]', (identity, application, allowed) => {
    expect(policy.allowsApplication(identity, application)).toBe(allowed);
  });

  it('lets those in that may open something, or speak for others', () => {
    expect([BRANCH, RELAY, 'spiffe://x'].map((identity) => policy.acceptsClient(identity))).toEqual([
      true,
      true,
      false,
    ]);
  });

  it('lets only relays send FORWARD [RLY-013]', () => {
    expect([BRANCH, RELAY, `${RELAY}/`].map((identity) => policy.acceptsRelay(identity))).toEqual([false, true, false]);
  });

  it('lets everything in test mode be opened by everybody, but what is denied to all [APP-012]', () => {
    expect(testPolicy.acceptsClient('anybody')).toBe(true);
    const names = ['test/echo', 'solo/x', 'relay/stream', 'relay/denied'];
    expect(names.map((name) => testPolicy.allowsApplication('anybody', name))).toEqual([true, true, true, false]);
  });

  it.each([
    ['spiffe://hawser.test/relay', true],
    ['spiffe://hawser.test/edge/relay-2', true],
    ['relay.example.org', true],
    ['relay2', true],
    ['spiffe://hawser.test/relay/client', false],
    ['spiffe://relay.example', false],
    ['client.relay.example.org', false],
    ['spiffe://hawser.test/Relay', false],
  ])('knows in test mode whether %s is a relay: %s [APP-011]', (identity, isRelay) => {
    expect(testPolicy.acceptsRelay(identity)).toBe(isRelay);
  });
});
