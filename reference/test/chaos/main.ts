/**
 * What `npm run chaos` runs: sessions whose links are cut and whose processes are killed, at moments that a seed decides,
 * and a judge who asks the applications' own records what became of each message.
 */
import { randomInt } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runChain } from './chain.ts';
import { runDurable } from './durable.ts';
import { runFleet } from './fleet.ts';
import { judgementText } from './judgement-text.ts';
import type { Extent, Outcome } from './scenario.ts';

const USAGE = `npm run chaos -- [--seed N] [--scenario durable|fleet|chain] [--quick] [--keep]
--seed makes the decisions of an earlier run again, --quick is the short form, --keep leaves logs and stores.
`;

function usageError(text: string): never {
  process.stderr.write(`chaos: ${text}\n${USAGE}`);
  process.exit(2);
}

function parse() {
  try {
    return parseArgs({
      options: {
        seed: { type: 'string' },
        quick: { type: 'boolean', default: false },
        scenario: { type: 'string' },
        keep: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    return usageError((error as Error).message);
  }
}

const values = parse();
if (values.help) {
  process.stdout.write(USAGE);
  process.exit();
}
const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
if (!Number.isSafeInteger(seed)) usageError('--seed takes a whole number.');

interface Scenario {
  readonly run: (seed: number, extent: Extent, directory: string) => Promise<Outcome | undefined>;
  readonly full: Extent;
  readonly quick: Extent;
}

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  durable: {
    run: runDurable,
    full: {
      messages: 10_000,
      faults: { cuts: 220, clientKills: 22, serverKills: 22, pauses: 0 },
      totalMs: 240_000,
    },
    quick: { messages: 600, faults: { cuts: 16, clientKills: 3, serverKills: 3, pauses: 0 }, totalMs: 60_000 },
  },
  fleet: {
    run: runFleet,
    full: { messages: 4_000, faults: { cuts: 80, clientKills: 6, serverKills: 18, pauses: 4 }, totalMs: 240_000 },
    quick: { messages: 300, faults: { cuts: 8, clientKills: 1, serverKills: 2, pauses: 1 }, totalMs: 60_000 },
  },
  chain: {
    run: runChain,
    full: { messages: 10_000, faults: { cuts: 120, clientKills: 8, serverKills: 32, pauses: 0 }, totalMs: 300_000 },
    quick: { messages: 400, faults: { cuts: 10, clientKills: 1, serverKills: 4, pauses: 0 }, totalMs: 60_000 },
  },
};

const chosen = Object.entries(SCENARIOS).filter(([name]) => values.scenario === undefined || values.scenario === name);
if (chosen.length === 0) usageError(`--scenario takes ${Object.keys(SCENARIOS).join(', ')}.`);

process.stdout.write(`seed ${seed}\n`);
for (const [name, scenario] of chosen) {
  const directory = await mkdtemp(join(tmpdir(), `hawser-chaos-${name}-`));
  const begin = performance.now();
  let passed = false;
  try {
    const outcome = await scenario.run(seed, values.quick ? scenario.quick : scenario.full, directory);
    if (outcome === undefined) {
      process.stdout.write(`\n${name}\nSKIPPED there is no redis-server\n`);
      await rm(directory, { recursive: true });
      continue;
    }
    passed = outcome.judgement.violations.length === 0;
    process.stdout.write(`\n${name}\n${summary(outcome)}, ${((performance.now() - begin) / 1000).toFixed(1)} s\n`);
  } catch (error) {
    process.stdout.write(`\n${name}\nFAILED ${(error as Error).message}\n`);
  }
  if (!passed) {
    process.exitCode = 1;
    const quick = values.quick ? ' --quick' : '';
    process.stdout.write(
      `To run it again: npm run chaos -- --seed ${seed} --scenario ${name}${quick}\nLogs and stores: ${directory}\n`,
    );
  } else if (!values.keep) await rm(directory, { recursive: true });
}

function summary({ judgement, counts, done }: Outcome): string {
  const { findings, redelivered } = judgement;
  const messages = findings.reduce((sum, { stream }) => sum + stream.messages, 0);
  const octets = findings.reduce((sum, one) => sum + one.octets, 0);
  const doings = Object.entries(done).map(([name, count]) => `${count} ${name}`);
  return [
    judgementText(judgement),
    `${messages} messages, ${(octets / 2 ** 20).toFixed(0)} MiB; ${counts.cuts} cuts (${counts.earlyCuts} of them during establishment), ` +
      `${doings.join(', ')}; ${counts.restores} restores, ${counts.resumptions} resumptions, epoch ${counts.epoch}; ` +
      `${redelivered} messages redelivered`,
  ].join('\n');
}
