/**
 * What `npm start` runs: a fresh certificate kit, the built reference server, client and relay as child processes, every case against
 * each over real TLS, a verdict per chapter, and reports.
 */
import { fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, Option } from 'commander';
import type { ConformanceCase, RoleUnderTest } from './cases/case.ts';
import { ROLES } from './cases/case.ts';
import { cases as allCases } from './cases/index.ts';
import { exitStatus } from './cli/program.ts';
import { addRunOptions, seedOf } from './cli/run-flags.ts';
import type { RunFlags } from './cli/run-flags.ts';
import { checkRunFlags, listCases, runSuite, selectedCases, writeReports } from './cli/run-suite.ts';
import { UsageError } from './cli/usage-error.ts';
import { packageRoot } from './model/requirements.ts';
import type { RunReport } from './report/run-report.ts';
import { formatTerminal } from './report/terminal.ts';
import { matcher } from './runner/pattern.ts';
import { SelectionProblem } from './runner/selection.ts';
import { Kit } from './testee/kit-files.ts';
import { issueKit } from './testee/kit.ts';
import {
  attachReferenceClient,
  attachReferenceRelay,
  attachReferenceServer,
  referenceProgram,
} from './testee/reference.ts';

interface StartFlags extends RunFlags {
  readonly reports: boolean;
  /** In the process that judges one role: which, and with which kit. */
  readonly role?: RoleUnderTest;
  readonly kit?: string;
}

/** What is left to be said of a role once its reports are written. */
interface Judgement {
  readonly passed: boolean;
  /** For a terminal. */
  readonly text: string;
}

/** `--replay` goes behind it. */
const REPRODUCE = 'node dist/conformance/start.js --no-reports';

const program = addRunOptions(
  new Command('start')
    .description('run the conformance suite against the built reference server, client and relay')
    .option('--no-reports', 'write no reports/')
    .addOption(new Option('--role <role>').hideHelp())
    .addOption(new Option('--kit <directory>').hideHelp()),
)
  .exitOverride()
  .configureOutput({ outputError: () => undefined });

try {
  program.parse();
  const flags = program.opts<StartFlags>();
  process.exitCode = flags.role === undefined ? await start(flags) : await judgeApart(flags.role, flags);
} catch (error) {
  process.exitCode = exitStatus(error, 'start');
}

async function start(flags: StartFlags): Promise<number> {
  if (!existsSync(referenceProgram())) throw new UsageError('dist/ is missing; build first: npm run build');
  const seeded = { ...flags, seed: seedOf(flags) };
  for (const option of ['run', 'skip'] as const) {
    const idle = flags[option].find((pattern) => !allCases.some(({ id }) => matcher(pattern)(id)));
    if (idle !== undefined) throw new SelectionProblem(`--${option}: no case matches ${idle}`);
  }
  checkRunFlags(ROLES, seeded);
  const runs = ROLES.flatMap((role) => {
    const own = ownPatterns(role, seeded);
    return (flags.run.length === 0 || own.run.length > 0) && hasCases(role, own) ? [{ role, flags: own }] : [];
  });
  if (runs.length === 0) throw new SelectionProblem('no case is left to run');
  if (flags.list === true) {
    for (const { role, flags: own } of runs) process.stdout.write(listCases(selectedCases(role, own)));
    return 0;
  }
  const directory = await mkdtemp(join(tmpdir(), 'hawser-conformance-'));
  try {
    // Each role has a copy of its own: cases revoke certificates.
    await issueKit({ directory: join(directory, 'server') });
    for (const role of ['client', 'relay']) {
      await cp(join(directory, 'server'), join(directory, role), { recursive: true });
    }
    // Server and client side by side, each judged by a process of its own: the harness itself is half of the work. The relay
    // comes behind them: a third pair of processes would keep them all from their deadlines.
    const reports: Judgement[] = [];
    for (const group of [runs.filter(({ role }) => role !== 'relay'), runs.filter(({ role }) => role === 'relay')]) {
      const [first, ...others] = group;
      if (first === undefined) continue;
      reports.push(
        ...(await Promise.all([
          judge(first.role, directory, first.flags),
          ...others.map(({ role, flags: own }) => askApart(role, directory, own)),
        ])),
      );
    }
    for (const { text } of reports) process.stdout.write(`${text}\n`);
    if (flags.reports) process.stderr.write('start: the reports are in reports/\n');
    return reports.every(({ passed }) => passed) ? 0 : 1;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Judges a role and writes the reports of it. */
async function judge(role: RoleUnderTest, directory: string, flags: StartFlags): Promise<Judgement> {
  const kit = new Kit(join(directory, role));
  const report = await judgeReference(role, kit, flags);
  if (flags.reports) {
    const path = join(packageRoot(), 'reports', `conformance-${role}`);
    writeReports(report, { json: `${path}.json`, junit: `${path}.xml` });
  }
  return { passed: report.passed, text: formatTerminal(report) };
}

/** Has a process of its own judge a role. */
async function askApart(role: RoleUnderTest, directory: string, flags: RunFlags): Promise<Judgement> {
  const seed = flags.seed === undefined ? [] : ['--seed', String(flags.seed)];
  const child = fork(fileURLToPath(import.meta.url), [
    ...process.argv.slice(2),
    ...seed,
    '--role',
    role,
    '--kit',
    directory,
  ]);
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(message as Judgement));
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the process that judges the ${role} ended (${code ?? 'killed'})`)));
  });
}

/** What such a process does: its judgement goes to the one that started it. */
async function judgeApart(role: RoleUnderTest, flags: StartFlags): Promise<number> {
  const judgement = await judge(role, flags.kit ?? '', ownPatterns(role, flags));
  await new Promise<void>((resolve) => process.send?.(judgement, undefined, undefined, () => resolve()));
  process.disconnect();
  return 0;
}

/** The patterns that name a case of this role; the others are for the other one. */
function ownPatterns(role: RoleUnderTest, flags: StartFlags): StartFlags {
  const own = (patterns: readonly string[]): string[] =>
    patterns.filter((pattern) => allCases.some(matches(role, pattern)));
  return { ...flags, run: own(flags.run), skip: own(flags.skip) };
}

function matches(role: RoleUnderTest, pattern: string): (entry: ConformanceCase) => boolean {
  const match = matcher(pattern);
  return (entry) => entry.role === role && match(entry.id);
}

/** A pattern that names cases of one role only leaves the other role out. */
function hasCases(role: RoleUnderTest, flags: RunFlags): boolean {
  try {
    return selectedCases(role, flags).length > 0;
  } catch (error) {
    if (error instanceof SelectionProblem && (flags.run.length > 0 || flags.replay !== undefined)) return false;
    throw error;
  }
}

function judgeReference(role: RoleUnderTest, kit: Kit, flags: RunFlags): Promise<RunReport> {
  switch (role) {
    case 'server':
      return judgeServer(kit, flags);
    case 'client':
      return judgeClient(kit, flags);
    case 'relay':
      return judgeRelay(kit, flags);
  }
}

async function judgeServer(kit: Kit, flags: RunFlags): Promise<RunReport> {
  const { attachment, stop } = await attachReferenceServer(kit, flags);
  try {
    return await runSuite(attachment, kit, { name: 'reference server', command: REPRODUCE }, flags);
  } finally {
    await stop();
  }
}

async function judgeClient(kit: Kit, flags: RunFlags): Promise<RunReport> {
  const { attachment, stop } = attachReferenceClient(flags.stepMs, flags);
  try {
    return await runSuite(attachment, kit, { name: 'reference client', command: REPRODUCE }, flags);
  } finally {
    await stop();
  }
}

async function judgeRelay(kit: Kit, flags: RunFlags): Promise<RunReport> {
  const { attachment, stop } = await attachReferenceRelay(kit, flags.stepMs, flags);
  try {
    return await runSuite(attachment, kit, { name: 'reference relay', command: REPRODUCE }, flags);
  } finally {
    await stop();
  }
}
