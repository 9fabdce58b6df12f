/**
 * What `npm run chaos` runs: sessions whose links are cut and whose processes are killed, at moments that a seed decides,
 * and a judge who asks the applications' own records what became of each message.
 */
import { randomInt } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Extent, type Outcome, runDurable } from './durable.ts';
import { judgementText } from './judgement-text.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    quick: { type: 'boolean', default: false },
    scenario: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
});

const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
if (!Number.isSafeInteger(seed)) throw new RangeError('--seed takes a whole number.');

const FULL: Extent = {
  messages: 10_000,
  faults: { cuts: 220, clientKills: 22, serverKills: 22 },
  totalMs: 300_000,
};
const QUICK: Extent = {
  messages: 600,
  faults: { cuts: 16, clientKills: 3, serverKills: 3 },
  totalMs: 60_000,
};

const SCENARIOS = { durable: runDurable };

const names = Object.keys(SCENARIOS).filter((name) => values.scenario === undefined || values.scenario === name);
if (names.length === 0) throw new RangeError(`--scenario takes ${Object.keys(SCENARIOS).join(' or ')}.`);

process.stdout.write(`seed ${seed}\n`);
for (const name of names) {
  const directory = await mkdtemp(join(tmpdir(), `hawser-chaos-${name}-`));
  const begin = performance.now();
  let passed = false;
  try {
    const outcome = await SCENARIOS[name as keyof typeof SCENARIOS](seed, values.quick ? QUICK : FULL, directory);
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

function summary({ judgement, counts, kills }: Outcome): string {
  const { findings, redelivered } = judgement;
  const messages = findings.reduce((sum, { stream }) => sum + stream.messages, 0);
  const octets = findings.reduce((sum, one) => sum + one.octets, 0);
  const killed = Object.entries(kills).map(([name, count]) => `${name} ${count}`);
  return [
    judgementText(judgement),
    `${messages} messages, ${(octets / 2 ** 20).toFixed(0)} MiB; ${counts.cuts} cuts (${counts.earlyCuts} of them during establishment), ` +
      `kills: ${killed.join(', ')}; ${counts.restores} restores, ${counts.resumptions} resumptions, epoch ${counts.epoch}; ` +
      `${redelivered} messages redelivered`,
  ].join('\n');
}
