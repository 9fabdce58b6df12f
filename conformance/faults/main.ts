/**
 * What `npm run faults` runs: the suite against each faulty implementation, and the kill matrix. Exit status 0: each fault was
 * caught by a case that names the broken requirement; 1: one was not, or a case stumbled over one instead of judging it; 2: usage or
 * configuration.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Command, CommanderError } from 'commander';
import type { ConformanceCase } from '../cases/case.ts';
import { cases } from '../cases/index.ts';
import { UsageError } from '../cli/usage-error.ts';
import { packageRoot } from '../model/requirements.ts';
import { SetupFailure } from '../peer/failure.ts';
import { globMatcher } from '../runner/pattern.ts';
import { Kit } from '../testee/kit-files.ts';
import { issueKit } from '../testee/kit.ts';
import { referenceProgram } from '../testee/reference.ts';
import type { Fault } from './fault.ts';
import { faults } from './index.ts';
import { patchModule } from './patch.ts';
import { formatMatrix, matrixAsJson, silentCases } from './matrix.ts';
import type { Trial } from './trial.ts';
import { tryFault } from './trial.ts';

interface FaultFlags {
  readonly run: readonly string[];
  readonly quick?: boolean;
  readonly list?: boolean;
}

/** Faulty implementations at once: each is a process of its own beside this one. */
const TRIALS_AT_ONCE = 5;
const OPTIONS = { seed: 1, stepMs: 1500, jobs: 4 };

const program = new Command('faults')
  .description('run the suite against each seeded faulty implementation and print the kill matrix')
  .option('--run <glob>', 'only these faults; repeatable', (glob: string, all: readonly string[]) => [...all, glob], [])
  .option('--quick', 'only the cases of the requirement that a fault breaks')
  .option('--list', 'list the faults')
  .exitOverride()
  .configureOutput({ outputError: () => undefined });

try {
  program.parse();
  process.exitCode = await main(program.opts<FaultFlags>());
} catch (error) {
  const expected = [CommanderError, UsageError, SetupFailure];
  if (!(error instanceof Error) || !expected.some((kind) => error instanceof kind)) throw error;
  const help = error instanceof CommanderError && error.exitCode === 0;
  if (!help) process.stderr.write(`faults: ${error.message.replace(/^error: /, '')}\n`);
  process.exitCode = help ? 0 : 2;
}

async function main(flags: FaultFlags): Promise<number> {
  const selected = select(flags.run);
  if (flags.list === true) {
    for (const { id, requirement, title } of selected) process.stdout.write(`${id}\t${requirement}\t${title}\n`);
    return 0;
  }
  if (!existsSync(referenceProgram())) throw new UsageError('dist/ is missing; build first: npm run build');
  checkFit(selected);
  const directory = await mkdtemp(join(tmpdir(), 'hawser-faults-'));
  try {
    await issueKit({ directory: join(directory, 'kit') });
    const trials = await tryAll(selected, directory, flags.quick === true);
    return report(trials, flags);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function select(globs: readonly string[]): readonly Fault[] {
  for (const glob of globs) {
    if (!faults.some(({ id }) => globMatcher(glob)(id))) throw new UsageError(`--run: no fault matches ${glob}`);
  }
  return globs.length === 0 ? faults : faults.filter(({ id }) => globs.some((glob) => globMatcher(glob)(id)));
}

/** Finds every fault that no longer fits the reference before any of them is tried. */
function checkFit(selected: readonly Fault[]): void {
  const stale: string[] = [];
  for (const fault of selected) {
    for (const module of new Set(fault.edits.map((edit) => edit.module))) {
      try {
        patchModule(fault, module, readFileSync(join(packageRoot(), 'dist', 'reference', `${module}.js`), 'utf8'));
      } catch (error) {
        stale.push(error instanceof Error ? error.message : String(error));
      }
    }
  }
  if (stale.length === 0) return;
  throw new UsageError(
    `${stale.join('\n')}\nChange these faults to what the reference looks like now, and build again.`,
  );
}

/** Tries the faults, some at once: each of these has a copy of the kit to itself, because cases revoke certificates. */
async function tryAll(selected: readonly Fault[], directory: string, quick: boolean): Promise<readonly Trial[]> {
  const trials = new Map<Fault, Trial>();
  const queue = [...selected];
  const worker = async (_: unknown, number: number): Promise<void> => {
    const own = join(directory, `kit-${number}`);
    await cp(join(directory, 'kit'), own, { recursive: true });
    const kit = new Kit(own);
    for (let fault = queue.shift(); fault !== undefined; fault = queue.shift()) {
      trials.set(fault, await tryFault(fault, casesFor(fault, quick), { kit, ...OPTIONS }));
      if (process.stderr.isTTY) process.stderr.write(`\rfaults: ${trials.size} of ${selected.length}`);
    }
  };
  await Promise.all(Array.from({ length: Math.min(TRIALS_AT_ONCE, selected.length) }, worker));
  if (process.stderr.isTTY) process.stderr.write('\n');
  return selected.flatMap((fault) => trials.get(fault) ?? []);
}

/** Cases of the broken requirement, whatever their profile; in a full run all others of the role too. */
function casesFor(fault: Fault, quick: boolean): readonly ConformanceCase[] {
  return cases.filter(
    ({ role, requirements, deep, level }) =>
      role === fault.role &&
      (requirements.includes(fault.requirement) || (!quick && deep !== true && level !== 'SHOULD')),
  );
}

function report(trials: readonly Trial[], flags: FaultFlags): number {
  process.stdout.write(`${formatMatrix(trials)}\n\n`);
  if (flags.quick !== true) {
    const path = join(packageRoot(), 'reports', 'kill-matrix.json');
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, matrixAsJson(trials));
    const silent = silentCases(trials);
    process.stdout.write(`${silent.length} cases noticed none of these faults; they are listed in ${path}\n`);
  }
  const stumbled = trials.flatMap(({ fault, stumbled }) => stumbled.map((line) => `${fault.id}: ${line}`));
  for (const line of stumbled) process.stdout.write(`the suite stumbled: ${line}\n`);
  const missed = trials.filter(({ named }) => named.length === 0).length;
  process.stdout.write(
    `${trials.length - missed} of ${trials.length} faults caught by a case that names the requirement\n`,
  );
  return missed === 0 && stumbled.length === 0 ? 0 : 1;
}
