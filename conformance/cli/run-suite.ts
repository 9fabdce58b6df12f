import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ConformanceCase, RoleUnderTest } from '../cases/case.ts';
import { cases as allCases } from '../cases/index.ts';
import { loadUntestable } from '../cases/untestable.ts';
import { registry } from '../model/registry.ts';
import { loadRequirements, packageRoot } from '../model/requirements.ts';
import { keyLogPath } from '../peer/key-log.ts';
import { formatJson } from '../report/json.ts';
import { formatJunit } from '../report/junit.ts';
import type { RunReport } from '../report/run-report.ts';
import { makeReport } from '../report/run-report.ts';
import type { Attachment } from '../runner/attachment.ts';
import { runCases } from '../runner/run.ts';
import { expiredEntries } from '../runner/known-failing.ts';
import { checkFeatures, estimateDeepMs, selectCases } from '../runner/selection.ts';
import type { Kit } from '../testee/kit-files.ts';
import { makeDirectory } from '../testee/make-directory.ts';
import type { RunFlags } from './run-flags.ts';
import { readKnownFailing, seedOf } from './run-flags.ts';
import { UsageError } from './usage-error.ts';

/** What is under test, in the words of the command line. */
export interface Subject {
  readonly name: string;
  /** The command line without its selection of cases. */
  readonly command: string;
}

const allIds = allCases.map(({ id }) => id);

/** The cases that the flags select for a role. */
export function selectedCases(role: RoleUnderTest, flags: RunFlags): readonly ConformanceCase[] {
  return selectCases(allCases, {
    role,
    run: flags.run,
    skip: flags.skip,
    strict: flags.strict === true,
    timing: flags.timing,
    deep: flags.deep === true,
    ...(flags.replay === undefined ? {} : { replay: flags.replay }),
  });
}

/**
 * What may be wrong with the flags of a run, judged before anything is started.
 *
 * @param roles - whose cases the run is about.
 * @throws SelectionProblem or UsageError
 */
export function checkRunFlags(roles: readonly RoleUnderTest[], flags: RunFlags): void {
  const whose = `${roles.join(' or ')} case`;
  checkFeatures(
    allCases.filter(({ role }) => roles.includes(role)),
    flags.unsupported,
    whose,
  );
  readKnownFailing(flags.knownFailing, allIds);
}

/** One line per case, for `--list`. */
export function listCases(cases: readonly ConformanceCase[]): string {
  return cases
    .map(({ id, role, level, timing, deep, title }) => {
      const labels = [
        role,
        level ?? 'MUST',
        ...(timing === true ? ['timing'] : []),
        ...(deep === true ? ['deep'] : []),
      ];
      return `${id}\t${labels.join(',')}\t${title}\n`;
    })
    .join('');
}

/** Runs the selected cases against one implementation, and puts the report together. Progress goes to a terminal only. */
export async function runSuite(
  attachment: Attachment,
  kit: Kit,
  subject: Subject,
  flags: RunFlags,
): Promise<RunReport> {
  const { role } = attachment;
  const cases = selectedCases(role, flags);
  const knownFailing = readKnownFailing(flags.knownFailing, allIds);
  for (const { pattern, expires } of expiredEntries(knownFailing, new Date())) {
    process.stderr.write(
      `hawser-conformance: ${flags.knownFailing ?? ''}: the entry ${pattern} expired on ${expires}\n`,
    );
  }
  const seed = seedOf(flags);
  if (flags.deep === true) {
    const seconds = Math.ceil(estimateDeepMs(cases, flags.jobs) / 1000);
    process.stderr.write(`hawser-conformance: the deep profile, ${cases.length} cases, takes about ${seconds} s\n`);
  }
  const startedAt = new Date();
  let done = 0;
  const results = await runCases({
    cases,
    attachment,
    kit,
    seed,
    stepMs: flags.stepMs,
    jobs: flags.jobs,
    repeat: flags.repeat,
    deep: flags.deep === true,
    knownFailing,
    ...(flags.replay === undefined ? {} : { replay: flags.replay }),
    onResult: () => {
      done += 1;
      if (process.stderr.isTTY)
        process.stderr.write(`\r${role}: ${done} of ${cases.length}${done === cases.length ? '\n' : ''}`);
    },
  });
  const described = attachment.role === 'client' ? await describeClient(attachment) : undefined;
  const requirements = loadRequirements();
  const keyLog = keyLogPath();
  return makeReport(
    {
      suiteVersion: suiteVersion(),
      specRevision: registry.protocol.specRevision,
      role,
      implementation: described === undefined ? { name: subject.name } : implementationOf(described),
      unsupported: unsupportedBy(attachment, described),
      seed,
      startedAt: startedAt.toISOString(),
      durationMs: Date.now() - startedAt.getTime(),
      command: subject.command,
      ...(keyLog === undefined ? {} : { keyLog }),
    },
    results,
    flags.replay === undefined && flags.run.length === 0 ? loadUntestable(role, requirements) : [],
    requirements,
  );
}

/**
 * Sees to it before the run that its reports can be written.
 *
 * @throws UsageError
 */
export function checkReports(files: { readonly json?: string; readonly junit?: string }): void {
  for (const path of [files.json, files.junit]) {
    if (path === undefined) continue;
    try {
      makeDirectory(dirname(path));
      closeSync(openSync(path, 'a'));
    } catch (error) {
      throw unwritable(path, error);
    }
  }
}

/** Writes a report to the files that were asked for, and makes their folders. */
export function writeReports(report: RunReport, files: { readonly json?: string; readonly junit?: string }): void {
  if (files.json !== undefined) write(files.json, formatJson(report));
  if (files.junit !== undefined) write(files.junit, formatJunit(report));
}

/** The version of this package. */
export function suiteVersion(): string {
  const text = readFileSync(join(packageRoot(), 'package.json'), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}

type Described = RunReport['implementation'] & { readonly unsupported: readonly string[] };

async function describeClient(attachment: Extract<Attachment, { role: 'client' }>): Promise<Described | undefined> {
  try {
    return (await attachment.driver.process()).description;
  } catch {
    // It does not start any more; the results say so.
    return undefined;
  }
}

function implementationOf({ name, version, language }: Described): RunReport['implementation'] {
  return { name, ...(version === undefined ? {} : { version }), ...(language === undefined ? {} : { language }) };
}

function unsupportedBy(attachment: Attachment, described: Described | undefined): readonly string[] {
  const reload = attachment.role !== 'client' && attachment.reload === undefined ? ['reload'] : [];
  return [...new Set([...attachment.unsupported, ...(described?.unsupported ?? []), ...reload])].sort();
}

function write(path: string, text: string): void {
  try {
    makeDirectory(dirname(path));
    writeFileSync(path, text);
  } catch (error) {
    throw unwritable(path, error);
  }
}

function unwritable(path: string, error: unknown): UsageError {
  const code = (error as NodeJS.ErrnoException).code ?? 'error';
  return new UsageError(`can not write ${path} (${code}): name a file in a folder that you may write to`);
}
