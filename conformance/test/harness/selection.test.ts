import { describe, expect, it } from 'vitest';
import type { ConformanceCase } from '../../cases/case.ts';
import { expiredEntries, knownFailureOf, KnownFailingProblem, parseKnownFailing } from '../../runner/known-failing.ts';
import { matcher } from '../../runner/pattern.ts';
import { formatReplayToken, parseReplayToken } from '../../runner/replay-token.ts';
import { SeededRandom, caseSeed } from '../../runner/seeded-random.ts';
import type { Selection } from '../../runner/selection.ts';
import { estimateDeepMs, selectCases, SelectionProblem } from '../../runner/selection.ts';

function make(id: string, more: Partial<ConformanceCase> = {}): ConformanceCase {
  const text = { requirements: ['EST-001'] as const, title: 't', stimulus: 's', expectation: 'e' };
  return { id, role: 'server', ...text, run: () => Promise.resolve(), ...more } as ConformanceCase;
}

const ALL = [
  make('EST-001/plain'),
  make('EST-001/slow', { timing: true, estimateMs: 9000 }),
  make('EST-002/wish', { level: 'SHOULD' }),
  make('WIR-001/night', { deep: true, deepEstimateMs: 20_000 }),
  make('WIR-001/client', { role: 'client' }),
];
const PLAIN: Selection = { role: 'server', run: [], skip: [], strict: false, timing: true, deep: false };

function ids(selection: Partial<Selection>): readonly string[] {
  return selectCases(ALL, { ...PLAIN, ...selection }).map(({ id }) => id);
}

describe('matcher', () => {
  it.each([
    ['EST-001', 'EST-001/plain', true],
    ['EST-001', 'EST-0010/plain', false],
    ['EST-*', 'EST-001/plain', true],
    ['*/plain', 'EST-001/plain', true],
    ['EST-00?/plain', 'EST-001/plain', true],
    ['EST-001/pla', 'EST-001/plain', false],
    ['EST.001/plain', 'EST-001/plain', false],
  ])('%s on %s is %s', (glob, id, result) => {
    expect(matcher(glob)(id)).toBe(result);
  });
});

describe('selectCases', () => {
  it('leaves out SHOULD, deep and the other role', () => {
    expect(ids({})).toEqual(['EST-001/plain', 'EST-001/slow']);
  });

  it('adds what is asked for', () => {
    expect(ids({ strict: true, deep: true, timing: false })).toEqual([
      'EST-001/plain',
      'EST-002/wish',
      'WIR-001/night',
    ]);
  });

  it('runs a case that is named in full, whatever its level', () => {
    expect(ids({ run: ['EST-002/wish'] })).toEqual(['EST-002/wish']);
  });

  it('takes away what is skipped', () => {
    expect(ids({ run: ['EST-*'], skip: ['EST-001/slow'] })).toEqual(['EST-001/plain']);
  });

  it('takes the case of a replay token alone', () => {
    expect(ids({ replay: { caseId: 'WIR-001/night', seed: 1 } })).toEqual(['WIR-001/night']);
  });

  it.each([
    [{ run: ['XYZ-*'] }, /--run: no server case matches XYZ/],
    [{ skip: ['WIR-001/client'] }, /--skip: no server case matches/],
    [{ replay: { caseId: 'EST-009/none', seed: 1 } }, /--replay: there is no server case/],
    [{ run: ['EST-002'] }, /no case is left/],
  ])('refuses %o', (selection, message) => {
    expect(() => ids(selection)).toThrow(SelectionProblem);
    expect(() => ids(selection)).toThrow(message);
  });

  it('estimates: the working side by side with the longest waiting', () => {
    expect(estimateDeepMs(ALL, 4)).toBe((40 + 40 + 20_000 + 40) / 2);
    expect(estimateDeepMs(ALL.slice(0, 2), 4)).toBe(9000);
  });
});

describe('replay tokens', () => {
  it.each([
    { caseId: 'EST-001/plain', seed: 0 },
    { caseId: 'WIR-027/mutated-frame', seed: 0xffffffff, path: '12:0:3:1' },
  ])('survive writing and reading: %o', (token) => {
    expect(parseReplayToken(formatReplayToken(token))).toEqual(token);
  });

  it.each([
    '',
    'EST-001/plain',
    'EST-001/plain@12',
    'EST-001@00000001',
    'EST-001/plain@0000000g',
    'EST-001/plain@00000001:x',
  ])('are not %s', (text) => {
    expect(parseReplayToken(text)).toBeUndefined();
  });
});

describe('SeededRandom', () => {
  it('gives the same octets for the same seed, however they are drawn', () => {
    const whole = new SeededRandom(7).bytes(100);
    const random = new SeededRandom(7);
    const parts = [random.bytes(1), random.bytes(40), random.bytes(59)];
    expect(Buffer.concat(parts).equals(Buffer.from(whole))).toBe(true);
    expect(new SeededRandom(8).bytes(100)).not.toEqual(whole);
  });

  it('picks within the bounds', () => {
    const random = new SeededRandom(1);
    const seen = new Set(Array.from({ length: 200 }, () => random.integer(5)));
    expect([...seen].sort()).toEqual([0, 1, 2, 3, 4]);
    expect(() => random.pick([])).toThrow(RangeError);
  });

  it('gives each case a seed of its own', () => {
    expect(caseSeed(1, 'a')).toBe(caseSeed(1, 'a'));
    expect(caseSeed(1, 'a')).not.toBe(caseSeed(1, 'b'));
    expect(caseSeed(2, 'a')).not.toBe(caseSeed(1, 'a'));
  });
});

describe('known failures', () => {
  const text = '- pattern: EST-*\n  reason: later\n  expires: 2026-12-31\n  link: https://example.org/1\n';
  const [entry] = parseKnownFailing(text);

  it('count until their day, that day included', () => {
    expect(knownFailureOf([entry!], 'EST-001/plain', new Date('2026-12-31T23:00:00Z'))).toBe(entry);
    expect(knownFailureOf([entry!], 'EST-001/plain', new Date('2027-01-01T00:00:00Z'))).toBeUndefined();
    expect(knownFailureOf([entry!], 'WIR-001/plain', new Date('2026-01-01T00:00:00Z'))).toBeUndefined();
    expect(expiredEntries([entry!], new Date('2027-01-01T00:00:00Z'))).toEqual([entry]);
  });

  it('may be none', () => {
    expect(parseKnownFailing('')).toEqual([]);
  });

  it.each([
    ['a: 1', /expected a list/],
    ['- reason: x\n  expires: 2026-01-01', /entry 1 has no pattern/],
    ['- pattern: x\n  expires: 2026-01-01', /entry 1 has no reason/],
    ['- pattern: x\n  reason: y', /entry 1 has no date of expiry/],
    ['- pattern: x\n  reason: y\n  expires: soon', /entry 1 has no date of expiry/],
    ['- pattern: x\n  reason: y\n  expires: 2026-01-01\n  until: z', /unknown member until/],
    ['- [', /not YAML/],
  ])('refuse %j', (wrong, message) => {
    expect(() => parseKnownFailing(wrong)).toThrow(KnownFailingProblem);
    expect(() => parseKnownFailing(wrong)).toThrow(message);
  });
});
