import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import type { KnownFailure } from '../runner/known-failing.ts';
import { idleEntry, KnownFailingProblem, parseKnownFailing } from '../runner/known-failing.ts';
import type { ReplayToken } from '../runner/replay-token.ts';
import { parseReplayToken } from '../runner/replay-token.ts';
import { UsageError } from './usage-error.ts';

/** What every command that runs cases understands. */
export interface RunFlags {
  readonly run: readonly string[];
  readonly skip: readonly string[];
  readonly list?: boolean;
  readonly strict?: boolean;
  readonly timing: boolean;
  readonly deep?: boolean;
  readonly seed?: number;
  readonly replay?: ReplayToken;
  readonly repeat: number;
  readonly jobs: number;
  readonly stepMs: number;
  readonly knownFailing?: string;
  readonly json?: string;
  readonly junit?: string;
  readonly unsupported: readonly string[];
}

/** Adds the options of {@link RunFlags} that choose and judge cases. */
export function addRunOptions(command: Command): Command {
  return command
    .addOption(repeatable('--run <glob>', 'cases to run: an id, a requirement or a glob; repeatable', 'all'))
    .addOption(repeatable('--skip <glob>', 'cases to leave out; repeatable', 'none'))
    .option('--list', 'list the cases that would run, and run none')
    .option('--strict', 'cases of SHOULD requirements too')
    .option('--no-timing', 'leave out cases that wait for time to pass')
    .option('--deep', 'cases of the deep profile too, and more runs of each property')
    .option('--seed <n>', 'seed of the run, to repeat it', wholeNumber(0, 0xffffffff))
    .option('--replay <token>', 'repeat one case with its seed, as a report names it', replayToken)
    .option('--repeat <n>', 'runs of each case; differing verdicts make it flaky', wholeNumber(1, 100_000), 1)
    .option('--jobs <n>', 'cases at once', wholeNumber(1, 64), 32)
    .option('--step-ms <ms>', 'how long one step may take', wholeNumber(50, 600_000), 2000)
    .option(
      '--known-failing <file>',
      'cases known to fail, which still run: a YAML list of pattern, reason and expires (YYYY-MM-DD)',
    )
    .addOption(
      repeatable('--unsupported <feature>', 'a feature that the implementation does not have; repeatable', 'none'),
    );
}

/** Adds the options that name files for reports. */
export function addReportOptions(command: Command): Command {
  return command
    .option('--json <file>', 'write the report as JSON')
    .option('--junit <file>', 'write the report as JUnit XML');
}

function repeatable(flags: string, text: string, without: string): Option {
  return new Option(flags, text).argParser(collect).default([], without);
}

/** The seed of the run: the one given, or a fresh one. */
export function seedOf(flags: RunFlags): number {
  return flags.seed ?? randomInt(0x100000000);
}

/**
 * Reads the list of known failures.
 *
 * @param caseIds - every case there is, of both roles: a client and a server may share one list.
 * @throws UsageError that names the file, and what in it can not be used.
 */
export function readKnownFailing(path: string | undefined, caseIds: readonly string[]): readonly KnownFailure[] {
  if (path === undefined) return [];
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`--known-failing: can not read ${path} (${(error as NodeJS.ErrnoException).code ?? 'error'})`);
  }
  try {
    const entries = parseKnownFailing(text);
    const idle = idleEntry(entries, caseIds);
    if (idle !== undefined) throw new KnownFailingProblem(`no case matches ${idle.pattern}`);
    return entries;
  } catch (error) {
    if (error instanceof KnownFailingProblem) throw new UsageError(`--known-failing: ${path}: ${error.message}`);
    throw error;
  }
}

/** Gathers a repeatable option. */
export function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`expected a whole number from ${min} to ${max}.`);
  };
}

function replayToken(text: string): ReplayToken {
  const token = parseReplayToken(text);
  if (token === undefined) throw new InvalidArgumentError('expected a token such as EST-016/other-audience@5eed0001.');
  return token;
}
