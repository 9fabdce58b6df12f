import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { TEST_MODE_PARAMETERS, checkTestModeParameters, isTestRelay, testApplications } from '../../../node/index.ts';

describe('test mode', () => {
  it('offers exactly the applications of the registry [APP-001]', () => {
    const registry = parse(readFileSync(new URL('../../../../spec/registry.yaml', import.meta.url), 'utf8')) as {
      testApplications: { name: string }[];
    };
    expect([...testApplications.keys()].sort()).toEqual(registry.testApplications.map(({ name }) => name).sort());
  });

  it.each([
    ['spiffe://hawser.test/relay', true],
    ['spiffe://hawser.test/a/relay-2', true],
    ['relay.hawser.test', true],
    ['relay2', true],
    ['spiffe://hawser.test/relay/a', false],
    ['spiffe://relay.test', false],
    ['spiffe://hawser.test/client', false],
    ['client.relay.test', false],
  ])('takes %s for a relay: %s [APP-011]', (identity, is) => {
    expect(isTestRelay(identity)).toBe(is);
  });

  it('declares values within the bounds of annex A [APP-005]', () => {
    expect(() => checkTestModeParameters(TEST_MODE_PARAMETERS, {})).not.toThrow();
    const outside = [
      { parameters: { livenessIntervalMs: 2_001 }, grant: {} },
      { parameters: { maxMessageBytes: 262_143 }, grant: {} },
      { parameters: { initialMessageCredit: 15 }, grant: {} },
      { parameters: {}, grant: { initialByteCredit: 65_535 } },
      { parameters: {}, grant: { maxChannels: 7 } },
    ];
    for (const { parameters, grant } of outside) {
      expect(() => checkTestModeParameters(parameters, grant)).toThrow(
        expect.objectContaining({ code: 'HAWSER_ERR_CONFIG_TEST_MODE' }) as Error,
      );
    }
  });
});
