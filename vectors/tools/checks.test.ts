import { describe, expect, it } from 'vitest';
import { checkDrafts, checkSchemas } from './checks.ts';
import { FLAGS } from './flags.ts';
import type { Vector } from './ids.ts';
import { vectorSchemas } from './schemas.ts';

const vector = (id: string, changes: Partial<Vector> = {}): Vector => ({
  id,
  comment: id,
  requirements: ['WIR-015'],
  flags: Object.keys(FLAGS),
  result: 'invalid',
  ...changes,
});

describe('checkDrafts', () => {
  const check = (...vectors: readonly Vector[]): void => checkDrafts([vectors], ['WIR-015']);

  it('takes what is in order', () => {
    expect(() => check(vector('a'), vector('b', { result: 'valid' }))).not.toThrow();
  });

  it.each<[string, RegExp, Partial<Vector>]>([
    ['comment of another vector', /not its own/, { comment: 'a' }],
    ['unknown requirement', /no requirement WIR-999/, { requirements: ['WIR-999'] }],
    ['unknown flag', /no flag Odd/, { flags: ['Odd'] }],
    ['unknown error', /no error ODD/, { error: 'ODD' }],
  ])('finds an %s', (_, message, changes) => {
    expect(() => check(vector('a'), vector('b', changes))).toThrow(message);
  });

  it('finds flags without a vector and too few negative vectors', () => {
    expect(() => check(vector('a', { flags: ['Ordinary'] }))).toThrow(/no vector has the flag Boundary/);
    expect(() => check(vector('a', { result: 'valid' }))).toThrow(/only 0 of 1/);
  });
});

describe('checkSchemas', () => {
  it('refuses a member that the schema does not name', () => {
    const schemas = [...vectorSchemas()].map(([name, schema]) => [`schema/${name}`, JSON.stringify(schema)] as const);
    const file = (more: object): string =>
      JSON.stringify({
        schema: 'schema/frames.schema.json',
        specRevision: '1',
        description: 'none',
        numberOfVectors: 0,
        vectors: [],
        ...more,
      });
    expect(() => checkSchemas(new Map([...schemas, ['frames.json', file({})]]))).not.toThrow();
    expect(() => checkSchemas(new Map([...schemas, ['frames.json', file({ more: 1 })]]))).toThrow(/additional/);
  });
});
