import type { CaseResult } from '../runner/verdict.ts';
import { isGreen } from '../runner/verdict.ts';
import { describeCounts } from './chapters.ts';
import type { RunReport } from './run-report.ts';

const LABEL_WIDTH = 13;

/** So many cases are told in full: where more fail, one reason is behind most of them. */
const TOLD_IN_FULL = 25;

const HINT = {
  server:
    'Most cases could not even begin. Does the server listen there, with the certificates, ca.pem and crl.pem of this kit, and in test mode?',
  client: 'Most cases could not even begin. Does the driver connect, with the certificates of the request?',
  relay:
    'Most cases could not even begin. Does the relay listen there, with relay.pem, ca.pem and crl.pem of this kit, in test mode, and does it lead its routes to the port of --application-listen?',
} as const;

/** Whether it failed before it came to what it is about. */
function isConsequence({ verdict }: CaseResult): boolean {
  return verdict === 'setup-failed' || verdict === 'dependency-failed';
}

/** The whole report as text: failing cases in full, or the first of them, then a line per chapter, then the sum. */
export function formatTerminal(report: RunReport): string {
  const { implementation, role, specRevision, suiteVersion, results, seed } = report;
  const name =
    implementation.version === undefined ? implementation.name : `${implementation.name} ${implementation.version}`;
  const lines = [
    `Hawser conformance ${suiteVersion} (specification ${specRevision}): ${role} ${name}, ${results.length} cases, seed ${seed}`,
    '',
  ];
  const failures = results.filter(({ verdict }) => !isGreen(verdict));
  // What failed by itself says more than what could not be tried.
  const told = failures.toSorted((a, b) => Number(isConsequence(a)) - Number(isConsequence(b))).slice(0, TOLD_IN_FULL);
  for (const result of failures) if (told.includes(result)) lines.push(...formatFailure(result, report), '');
  for (const { verdict, id, title } of failures.filter((result) => !told.includes(result))) {
    lines.push(`${verdict.toUpperCase()}  ${id}  ${title}`);
  }
  if (failures.length > told.length) {
    lines.push(
      '',
      `${told.length} of ${failures.length} cases that did not pass are told in full; --json has all.`,
      '',
    );
  }
  if (failures.filter(isConsequence).length > results.length / 2) lines.push(HINT[role], '');
  for (const result of results.filter(({ verdict }) => verdict === 'pass-lenient')) {
    const { expected = '', actual = '' } = result.finding ?? {};
    lines.push(`lenient ${result.id}: right action, wrong code: expected ${expected}, got ${actual}`);
  }
  if (lines.at(-1) !== '') lines.push('');
  const width = Math.max(...report.chapters.map(({ title }) => title.length));
  for (const { title, passed, counts } of report.chapters) {
    lines.push(`${passed ? 'pass' : 'FAIL'}  ${title.padEnd(width)}  ${describeCounts(counts)}`);
  }
  const seconds = (report.durationMs / 1000).toFixed(1);
  const sum = `${results.length} cases in ${seconds} s: ${describeCounts(report.counts)}`;
  lines.push(`${report.passed ? 'pass' : 'FAIL'}  ${sum}`);
  if (report.unsupported.length > 0) lines.push(`declared as unsupported: ${report.unsupported.join(', ')}`);
  return `${lines.join('\n')}\n`;
}

/** One failing case: what was demanded, what happened, on which octets, and how to see it again. */
export function formatFailure(result: CaseResult, report: RunReport): readonly string[] {
  const { finding } = result;
  const lines = [`${result.verdict.toUpperCase()}  ${result.id}  ${result.title}`];
  const add = (label: string, text: string): number => lines.push(`  ${label.padEnd(LABEL_WIDTH)}${text}`);
  const broken = finding?.requirement ?? result.requirements[0] ?? '';
  for (const id of new Set([broken, ...result.requirements])) {
    const requirement = report.requirements.get(id);
    if (requirement !== undefined) {
      add(id === broken ? 'requirement' : 'also about', `${id} ${requirement.text}`);
      if (id === broken) add('', `(${requirement.chapter}, section ${requirement.section})`);
    }
  }
  add('stimulus', result.stimulus);
  add('expectation', result.expectation);
  if (finding !== undefined) {
    add('expected', finding.expected);
    add('actual', finding.actual);
  }
  if (result.detail !== undefined) {
    const [first = '', ...more] = result.detail.split('\n');
    add('detail', first);
    for (const line of more) add('', line);
  }
  for (const log of result.wire.filter(({ entries }) => entries.length > 0)) {
    lines.push(`  frames, ${log.title} (-> sent by the harness, <- received)`);
    lines.push(...shortened(log.sequence(), 60).map((line) => `    ${line}`));
  }
  for (const log of result.wire.filter(({ entries }) => entries.some(({ octets }) => octets !== undefined))) {
    lines.push(`  octets, ${log.title}`);
    lines.push(...shortened(log.annotated(), 160).map((line) => `    ${line}`));
  }
  if (result.testeeLog.length > 0) {
    lines.push('  log of the implementation', ...result.testeeLog.map((line) => `    ${line}`));
  }
  add('seed', String(result.seed));
  add('keylog', report.keyLog ?? 'none (set SSLKEYLOGFILE to record one)');
  add('replay', replayCommand(report.command, result.replay));
  return lines;
}

/** The command line of a run with `--replay`: before the driver's own command, where there is one. */
export function replayCommand(command: string, token: string): string {
  const at = command.indexOf(' -- ');
  const option = ` --replay ${token}`;
  return at === -1 ? command + option : command.slice(0, at) + option + command.slice(at);
}

/** The end of a failing exchange says more than its middle. */
function shortened(lines: readonly string[], most: number): readonly string[] {
  if (lines.length <= most) return lines;
  const head = Math.floor(most / 3);
  const tail = most - head;
  return [...lines.slice(0, head), `... ${lines.length - most} lines left out ...`, ...lines.slice(-tail)];
}
