import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { buildFrame } from '../../model/codec.ts';
import { loadRequirements } from '../../model/requirements.ts';
import { WireLog } from '../../peer/wire-log.ts';
import { formatJson } from '../../report/json.ts';
import { formatJunit } from '../../report/junit.ts';
import type { RunReport } from '../../report/run-report.ts';
import { makeReport } from '../../report/run-report.ts';
import { formatTerminal, replayCommand } from '../../report/terminal.ts';
import type { CaseResult, Verdict } from '../../runner/verdict.ts';
import { isGreen, VERDICTS } from '../../runner/verdict.ts';

function result(verdict: Verdict, more: Partial<CaseResult> = {}): CaseResult {
  const log = new WireLog('connection 1 to the server');
  log.add('note', 'TLS');
  log.add('sent', 'PING data=00', buildFrame('PING'));
  return {
    id: `WIR-007/${verdict}`,
    role: 'server',
    title: 'a title with <angle> & "quotes"',
    requirements: ['WIR-007'],
    level: 'MUST',
    stimulus: 'Something is done.',
    expectation: 'Something happens.',
    timing: false,
    verdict,
    durationMs: 12.5,
    seed: 5,
    replay: `WIR-007/${verdict}@00000005`,
    finding: { requirement: 'WIR-007', expected: 'CLOSE(FLAGS_INVALID)', actual: 'PONG' },
    detail: 'first line\nsecond line',
    wire: [log],
    testeeLog: ['the last words'],
    ...more,
  };
}

function report(results: readonly CaseResult[]): RunReport {
  const facts = {
    suiteVersion: '0.1.0',
    specRevision: '1.0-draft.1',
    role: 'server',
    implementation: { name: 'example', version: '2' },
    unsupported: ['reload'],
    seed: 77,
    startedAt: '2026-11-23T10:00:00.000Z',
    durationMs: 1234,
    command: 'hawser-conformance server --connect 127.0.0.1:7443 --pki kit',
    keyLog: '/tmp/keys',
  } as const;
  return makeReport(facts, results, [{ requirement: 'EST-025', reason: 'inside' }], loadRequirements());
}

const ALL = report(VERDICTS.map((verdict) => result(verdict)));

describe('the terminal report', () => {
  const text = formatTerminal(ALL);

  it('shows for a failing case everything that is needed to see it again', () => {
    for (const part of [
      'FAIL  WIR-007/fail',
      'requirement  WIR-007 An endpoint MUST treat a frame with a flag',
      '(03-wire-format.md, section 3.4 Flags)',
      'stimulus     Something is done.',
      'expected     CLOSE(FLAGS_INVALID)',
      'actual       PONG',
      '-> PING data=00',
      'type = PING (0x10)',
      'the last words',
      'seed         5',
      'keylog       /tmp/keys',
      'replay       hawser-conformance server --connect 127.0.0.1:7443 --pki kit --replay WIR-007/fail@00000005',
    ]) {
      expect(text).toContain(part);
    }
  });

  it('details what is not green, and nothing else', () => {
    for (const verdict of VERDICTS) {
      expect(text.includes(`${verdict.toUpperCase()}  WIR-007/${verdict}`)).toBe(!isGreen(verdict));
    }
    expect(text).toContain('lenient WIR-007/pass-lenient');
  });

  it('gives each chapter a verdict, untestable requirements included', () => {
    expect(text).toMatch(/^FAIL {2}Wire format +1 pass, 1 pass-lenient, 1 fail/m);
    expect(text).toMatch(/^pass {2}Establishment +1 untestable$/m);
    expect(formatTerminal(report([result('pass')]))).toMatch(/^pass {2}1 cases in 1\.2 s: 1 pass$/m);
  });

  it('puts a replay before the command of a driver', () => {
    expect(replayCommand('x client --pki k -- drv -- y', 'T')).toBe('x client --pki k --replay T -- drv -- y');
  });
});

describe('the JSON report', () => {
  const schema = JSON.parse(
    readFileSync(new URL('../../report/schema/report.schema.json', import.meta.url), 'utf8'),
  ) as object;
  const validate = new Ajv2020({ strict: true }).compile(schema);

  it('fits its schema, with every verdict', () => {
    const value = JSON.parse(formatJson(ALL)) as unknown;
    expect(validate(value), JSON.stringify(validate.errors)).toBe(true);
  });

  it('does not fit it with a verdict that does not exist', () => {
    const value = JSON.parse(formatJson(ALL).replace('"verdict": "pass"', '"verdict": "perhaps"')) as unknown;
    expect(validate(value)).toBe(false);
  });

  it('holds the text of each requirement and the octets', () => {
    const text = formatJson(report([result('fail')]));
    expect(text).toContain('"WIR-007": "An endpoint MUST treat');
    expect(text).toContain('"octets": "100000080000');
  });
});

describe('the JUnit report', () => {
  const xml = formatJunit(ALL);

  it('counts failures, errors and skipped cases', () => {
    expect(xml).toMatch(/<testsuites tests="12" failures="5" errors="2" skipped="3"/);
    expect(xml).toContain('a title with &lt;angle>');
  });
});
