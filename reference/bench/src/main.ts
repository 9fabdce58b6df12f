import { mkdir, writeFile } from 'node:fs/promises';
import { type Settings, USAGE, UsageError, parseCommandLine } from './command-line.ts';
import { issueKeyFiles } from './key-files.ts';
import type { Measure } from './measures.ts';
import { runPair } from './process-pair.ts';
import { type MeasureResult, describeMachine, resultOf } from './results.ts';
import type { Reading } from './stopwatch.ts';
import { formatGoal, formatMachine, formatMeasure } from './table.ts';
import type { VariantName } from './variants.ts';

async function main(): Promise<void> {
  const settings = parseCommandLine(process.argv.slice(2));
  if (settings === undefined) {
    process.stdout.write(USAGE);
    return;
  }
  if (settings.profiles !== undefined) await mkdir(settings.profiles, { recursive: true });
  const machine = describeMachine();
  process.stdout.write(
    `${formatMachine(machine)}${settings.repetitions} repetitions: median, min .. max; cpu: both processes, for each message or connection\n\n`,
  );
  const keys = await issueKeyFiles();
  const results: MeasureResult[] = [];
  try {
    for (const measure of settings.measures) {
      const result = resultOf(measure, await repeat(measure, settings, keys.folder));
      results.push(result);
      process.stdout.write(`${formatMeasure(result)}\n`);
    }
  } finally {
    await keys.remove();
  }
  process.stdout.write(formatGoal(results) ?? '');
  if (settings.json !== undefined) await writeFile(settings.json, `${JSON.stringify({ machine, results }, null, 2)}\n`);
}

/** Runs every variant once per repetition; each repetition begins with another one, so that none always comes first. */
async function repeat(
  measure: Measure,
  { variants, repetitions, profiles }: Settings,
  keys: string,
): Promise<ReadonlyMap<VariantName, readonly Reading[]>> {
  const readings = new Map<VariantName, Reading[]>(variants.map((variant) => [variant, []]));
  for (let repetition = 0; repetition < repetitions; repetition += 1) {
    for (let turn = 0; turn < variants.length; turn += 1) {
      const variant = variants[(repetition + turn) % variants.length] as VariantName;
      try {
        readings.get(variant)?.push(await runPair({ variant, measure, keys }, profiles));
      } catch (cause) {
        throw new Error(`${measure.id} of ${variant} failed: ${(cause as Error).message}`, { cause });
      }
    }
  }
  return readings;
}

try {
  await main();
} catch (error) {
  process.stderr.write(`bench: ${(error as Error).message}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
