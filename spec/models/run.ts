import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { failOn, runTool } from '../tools/problems.ts';
import { guards, models, type Guard } from './checks.ts';
import { findCompiler, spinVersion, verify } from './spin.ts';

// npm run models [-- --quick | --write]
const folder = fileURLToPath(new URL('.', import.meta.url));
const quick = process.argv.includes('--quick');
const write = process.argv.includes('--write');

await runTool(() => {
  const version = spinVersion();
  const compiler = findCompiler();
  if (version === undefined || compiler === undefined) {
    const missing = version === undefined ? 'spin (Debian package `spin`)' : 'a C compiler';
    if (process.env['CI'] === 'true') failOn([`models: ${missing} is missing`]);
    console.log(`models: skipped, ${missing} is missing`);
    return Promise.resolve();
  }
  failOn([...checkModels(compiler), ...checkGuards(compiler, version)]);
  return Promise.resolve();
});

function checkModels(compiler: string): readonly string[] {
  const problems: string[] = [];
  row('Model', 'States', 'Depth', 'Seconds', 'Result');
  for (const { name, file, defines, cycles, long } of models) {
    if (quick && long === true) {
      row(name, '', '', '', 'left out (--quick)');
      continue;
    }
    const result = verify(folder, compiler, { file, defines, search: cycles === true ? 'cycles' : 'all' });
    row(name, result.states, result.depth, result.seconds.toFixed(1), result.errors === 0 ? 'holds' : 'FAILS');
    if (result.errors > 0) problems.push(`model "${name}" (${file} ${defines}) fails:`, ...result.trail);
  }
  return problems;
}

function checkGuards(compiler: string, version: string): readonly string[] {
  const problems: string[] = [];
  console.log();
  row('Without a guard, or with another reading', 'States', 'Steps', 'Seconds', 'Result');
  for (const guard of guards) {
    const defines = `-D${guard.name.toUpperCase()} ${guard.defines}`;
    const result = verify(folder, compiler, { file: guard.file, defines, search: 'shortest' });
    row(
      guard.name,
      result.states,
      result.errors > 0 ? result.trail.length - 1 : '',
      result.seconds.toFixed(1),
      result.errors > 0 ? 'counterexample' : 'HOLDS',
    );
    if (result.errors === 0) problems.push(`${guard.name}: no counterexample, so nothing shows what it is for`);
    else problems.push(...compare(guard, describe(guard, version, result.trail), version));
  }
  return problems;
}

/** Writes a counterexample, or compares it with the one that is kept; another version of Spin may find another one. */
function compare({ name }: Guard, text: string, version: string): readonly string[] {
  const path = `${folder}counterexamples/${name}.txt`;
  const kept = existsSync(path) ? readFileSync(path, 'utf8') : '';
  if (kept === text) return [];
  if (write) {
    writeFileSync(path, text);
    return [];
  }
  return kept === '' || kept.includes(`${version}\n`)
    ? [`counterexamples/${name}.txt is out of date: npm run models -- --write`]
    : [];
}

function describe(guard: Guard, version: string, trail: readonly string[]): string {
  const title = guard.kind === 'guard' ? 'Without' : 'A reading of';
  return [
    `${title} ${guard.requirements.join(', ')}: ${guard.what}.`,
    `Then ${guard.shows}.`,
    '',
    `${guard.file} -D${guard.name.toUpperCase()} ${guard.defines}`,
    `The shortest run that Spin finds, Spin ${version}`,
    '',
    ...trail,
    '',
  ].join('\n');
}

function row(first: string, ...rest: readonly (string | number)[]): void {
  console.log(
    first.padEnd(42) + rest.map((cell, index) => (index < 3 ? String(cell).padStart(10) : `  ${cell}`)).join(''),
  );
}
