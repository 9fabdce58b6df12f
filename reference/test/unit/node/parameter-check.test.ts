import { describe, expect, it } from 'vitest';
import { checkParameters } from '../../../node/connection/parameter-check.ts';

describe('checkParameters', () => {
  it('takes nothing, the defaults and the bounds', () => {
    checkParameters({});
    checkParameters({ livenessIntervalMs: 200, initialMessageCredit: 0 }, { maxChannels: 65_535 });
    checkParameters({ maxMessageBytes: 16_777_216 });
  });

  it.each([
    [{ livenessIntervalMs: 199 }, {}],
    [{ livenessIntervalMs: 1000.5 }, {}],
    [{ maxMessageBytes: 16_777_217 }, {}],
    [{}, { maxChannels: 0 }],
    [{}, { initialByteCredit: NaN }],
  ])('refuses %j %j', (parameters, grant) => {
    expect(() => checkParameters(parameters, grant)).toThrow(
      expect.objectContaining({ code: 'HAWSER_ERR_CONFIG_PARAMETER' }) as Error,
    );
  });
});
