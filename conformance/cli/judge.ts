import type { Command } from 'commander';
import { formatTerminal } from '../report/terminal.ts';
import type { Attachment } from '../runner/attachment.ts';
import type { Kit } from '../testee/kit-files.ts';
import type { RunFlags } from './run-flags.ts';
import { type Subject, checkReports, runSuite, writeReports } from './run-suite.ts';
import { runSmoke } from './smoke.ts';
import { UsageError } from './usage-error.ts';

/** Flags of a command that judges one implementation. */
export interface JudgeFlags extends RunFlags {
  readonly smoke?: boolean;
}

export function addSmokeOption(command: Command): Command {
  return command.option('--smoke', 'check only that the harness and the implementation understand each other');
}

/**
 * Runs what the flags ask for, and prints the result.
 *
 * @returns the exit status.
 * @throws UsageError where nothing answers.
 */
export async function judge(attachment: Attachment, kit: Kit, subject: Subject, flags: JudgeFlags): Promise<number> {
  if (flags.smoke === true) return runSmoke(attachment, kit, flags);
  checkReports(flags);
  const report = await runSuite(attachment, kit, subject, flags);
  const [first] = report.results;
  if (first !== undefined && report.results.every(({ verdict }) => verdict === 'setup-failed')) {
    throw new UsageError(first.detail ?? `${subject.name} does not answer`);
  }
  process.stdout.write(formatTerminal(report));
  writeReports(report, flags);
  return report.passed ? 0 : 1;
}
