import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SpecificationError } from '../tools/problems.ts';

/** One verification by Spin. */
export interface Verification {
  readonly file: string;
  /** `-D` options of the model. */
  readonly defines: string;
  /** `all` visits every state, `cycles` also looks for runs without an end, `shortest` stops at the shortest error. */
  readonly search: 'all' | 'cycles' | 'shortest';
}

/** What came of it. */
export interface Result {
  readonly errors: number;
  readonly states: number;
  readonly depth: number;
  readonly seconds: number;
  /** What the model prints on the way to the error, a line per step, and what the error is; empty where there is none. */
  readonly trail: readonly string[];
}

const limits = { megabytes: 1900, seconds: 120 } as const;

const searches = {
  all: { define: '', compile: ['-DSAFETY', '-DCOLLAPSE'], run: [] },
  cycles: { define: '', compile: ['-DNP', '-DNOFAIR', '-DCOLLAPSE'], run: ['-l'] },
  shortest: { define: '-DSHORTEST', compile: ['-DSAFETY', '-DBFS'], run: [] },
} as const;

/** The version that Spin prints, or undefined where there is none. */
export function spinVersion(): string | undefined {
  const { status, stdout } = spawnSync('spin', ['-V'], { encoding: 'utf8' });
  return status === 0 ? /Version \S+/.exec(stdout)?.[0] : undefined;
}

/** The first C compiler that answers, or undefined. */
export function findCompiler(): string | undefined {
  return ['gcc', 'cc', 'clang'].find((name) => spawnSync(name, ['--version']).status === 0);
}

/**
 * Verifies a model in a directory of its own, which is removed again.
 *
 * @param models - the folder of the models
 * @param compiler - found by {@link findCompiler}
 * @throws SpecificationError where the model does not compile, or the search does not come to an end within its limits.
 */
export function verify(models: string, compiler: string, verification: Verification): Result {
  const { file, search } = verification;
  const { define, compile, run } = searches[search];
  const defines = `${verification.defines} ${define}`.trim().split(' ');
  const folder = mkdtempSync(join(tmpdir(), 'hawser-models-'));
  const command = (name: string, ...args: readonly string[]): string => {
    const { status, stdout, stderr, error } = spawnSync(name, args, {
      cwd: folder,
      encoding: 'utf8',
      timeout: limits.seconds * 1000,
      maxBuffer: 1 << 26,
    });
    if (error !== undefined || status !== 0) {
      const reason = error?.message ?? `status ${String(status)}`;
      throw new SpecificationError([`${file} ${verification.defines}: ${name}: ${reason}`, stdout, stderr]);
    }
    return stdout;
  };
  try {
    copyFileSync(join(models, file), join(folder, file));
    command('spin', '-a', ...defines, file);
    command(compiler, '-O2', '-w', `-DMEMLIM=${limits.megabytes}`, ...compile, '-o', 'pan', 'pan.c');
    const started = performance.now();
    const report = command(join(folder, 'pan'), '-m1000000', ...run);
    const seconds = (performance.now() - started) / 1000;
    const errors = readNumber(report, /errors: (\d+)/);
    if (errors === 0 && report.includes('Search not completed')) {
      throw new SpecificationError([`${file} ${verification.defines}: the search was not completed`, report]);
    }
    const found = readdirSync(folder).some((name) => name.endsWith('.trail'));
    return {
      errors,
      states: readNumber(report, /(\d+) states, stored/),
      depth: readNumber(report, /depth reached (\d+)/),
      seconds,
      trail:
        found && existsSync(join(folder, file)) ? readTrail(command('spin', '-t', '-T', ...defines, file), report) : [],
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The steps that a replayed trail prints, up to the error, and what pan calls the error. */
export function readTrail(replay: string, report: string): readonly string[] {
  const lines = replay.split('\n').map((line) => line.trim());
  const end = lines.findIndex((line) => line.startsWith('spin:'));
  const steps = (end === -1 ? lines : lines.slice(0, end)).filter((line) =>
    /^(client|server|server [AB]|endpoint|application|message \d+ of the \w+): /.test(line),
  );
  const error = /^pan:\d+: (.*) \(at depth \d+\)$/m.exec(report)?.[1] ?? 'error';
  return [
    ...steps,
    `=> ${error === 'invalid end state' ? 'nothing can happen any more, and not everything is done' : error}`,
  ];
}

function readNumber(text: string, pattern: RegExp): number {
  const value = pattern.exec(text)?.[1];
  if (value === undefined) throw new SpecificationError([`the report of pan lacks ${String(pattern)}`, text]);
  return Number(value);
}
