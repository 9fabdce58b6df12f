import { describe, expect, it } from 'vitest';
import { checkEnvironment } from '../../../cli/environment.ts';
import { nearest } from '../../../cli/near-match.ts';
import { createProgram } from '../../../cli/program.ts';

const check = (...names: string[]): void =>
  checkEnvironment(createProgram(), Object.fromEntries(names.map((name) => [name, 'x'])));

describe('variables of the environment', () => {
  it('may be settings, those of tests, and whatever is not HAWSER_', () => {
    check('HAWSER_LISTEN', 'HAWSER_TEST_MODE', 'HAWSER_PROPERTY_RUNS', 'HAWSER_PROPERTY_SEED', 'HAWSERX', 'PATH');
  });

  it.each([
    ['HAWSER_LISTN', /HAWSER_LISTN is no setting\. Did you mean HAWSER_LISTEN\?/],
    ['HAWSER_CERTIFICATE', /Did you mean HAWSER_CERT\?/],
    ['HAWSER_TESTMODE', /Did you mean HAWSER_TEST_MODE\?/],
    ['HAWSER_COLOUR_OF_LOGS', /The variables that are read: HAWSER_ALLOW, .*, HAWSER_TEST_MODE\./],
  ])('are refused where nothing reads them: %s', (name, message) => {
    expect(() => check(name)).toThrow(message);
  });
});

describe('nearest', () => {
  it.each([
    ['retnetion', 'retention'],
    ['retention-ms', 'retention'],
    ['ret', 'retention'],
    ['store', undefined],
  ])('%s is %s', (word, meant) => {
    expect(nearest(word, ['listen', 'retention'])).toBe(meant);
  });
});
