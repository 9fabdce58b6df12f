import { createRequire } from 'node:module';
import type { Builder } from 'junit-report-builder';
import type { RunReport } from './run-report.ts';
import { formatFailure } from './terminal.ts';

// The package exports its builder as the CommonJS module itself, which its types do not say.
const junit = createRequire(import.meta.url)('junit-report-builder') as Builder;

/** The report as JUnit XML: a suite per chapter, a test case per case. */
export function formatJunit(report: RunReport): string {
  const builder = junit.newBuilder();
  for (const { prefix, title } of report.chapters) {
    const suite = builder.testSuite().name(`${report.role}: ${title}`).timestamp(new Date(report.startedAt));
    for (const result of report.results.filter(({ id }) => id.startsWith(`${prefix}-`))) {
      const entry = suite
        .testCase()
        .className(`hawser.${report.role}.${prefix}`)
        .name(`${result.id} ${result.title}`)
        .time(result.durationMs / 1000);
      const text = (): string => formatFailure(result, report).join('\n');
      switch (result.verdict) {
        case 'pass':
          break;
        case 'pass-lenient':
          entry.standardOutput(`right action, wrong code: ${result.finding?.actual ?? ''}`);
          break;
        case 'unsupported':
        case 'untestable':
        case 'known-failing':
          entry.skipped();
          break;
        case 'setup-failed':
        case 'harness-error':
          entry.error(result.detail ?? result.verdict, result.verdict, text());
          break;
        case 'fail':
        case 'died':
        case 'flaky':
        case 'unexpected-pass':
        case 'dependency-failed':
          entry.failure(result.finding?.expected ?? result.verdict, result.verdict).stacktrace(text());
          break;
      }
    }
  }
  return builder.build();
}
