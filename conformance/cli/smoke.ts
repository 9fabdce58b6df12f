import type { ClientCase, ConformanceCase, ServerCase } from '../cases/case.ts';
import { fail } from '../peer/failure.ts';
import type { Attachment } from '../runner/attachment.ts';
import { judge } from '../runner/case-run.ts';
import { runCases } from '../runner/run.ts';
import { knownGoodExchange } from '../runner/sanity.ts';
import { SeededRandom } from '../runner/seeded-random.ts';
import type { Kit } from '../testee/kit-files.ts';
import { KitIssuance } from '../testee/kit.ts';
import type { RunFlags } from './run-flags.ts';
import { seedOf } from './run-flags.ts';

const PLANTED = {
  id: 'SES-004/planted-failure',
  requirements: ['SES-004'],
  title: 'a demand that no implementation meets',
  stimulus: 'A PING is sent.',
  expectation: 'A PONG with other data than the PING had: deliberately wrong.',
} as const;

const plantedServerCase: ServerCase = {
  ...PLANTED,
  role: 'server',
  run: async (context) => {
    const peer = await context.established();
    await peer.barrier();
    fail('PONG with other data', 'PONG with the same data', 'SES-004');
  },
};

const plantedClientCase: ClientCase = {
  ...PLANTED,
  role: 'client',
  run: async (context) => {
    const { peer } = await context.established();
    await peer.barrier();
    fail('PONG with other data', 'PONG with the same data', 'SES-004');
  },
};

/**
 * Checks the attachment itself: a nonsense verb is answered with `unsupported`, a known-good exchange passes, and a planted
 * failure is reported as one. Writes a line for each on standard output.
 *
 * @returns the exit status.
 */
export async function runSmoke(attachment: Attachment, kit: Kit, flags: RunFlags): Promise<number> {
  const steps: (readonly [string, string | undefined])[] = [];
  const seed = seedOf(flags);
  const { stepMs } = flags;
  if (attachment.role === 'client') {
    const driver = await attachment.driver.process();
    const { name, version, unsupported } = driver.description;
    const missing = unsupported.length === 0 ? '' : `, without ${unsupported.join(', ')}`;
    steps.push([`describe: ${name} ${version}${missing}`, undefined]);
    const answer = await driver.request({ do: 'conformance-nonsense' });
    const right = !answer.ok && answer.error === 'unsupported';
    steps.push(['a nonsense verb is answered with unsupported', right ? undefined : JSON.stringify(answer)]);
  }
  const issuance = new KitIssuance(kit.directory);
  const options = { kit, issuance, random: new SeededRandom(seed), stepMs, deep: false, baseBroken: false };
  const good = await judge(attachment, options, knownGoodExchange);
  const why = good.detail ?? `expected ${good.finding?.expected ?? '?'}; got ${good.finding?.actual ?? '?'}`;
  steps.push(['a known-good exchange passes', good.verdict === 'pass' ? undefined : why]);
  if (good.verdict === 'pass') {
    const planted: ConformanceCase = attachment.role === 'client' ? plantedClientCase : plantedServerCase;
    const run = { attachment, kit, seed, stepMs, jobs: 1, repeat: 1, deep: false, knownFailing: [] };
    const [result] = await runCases({ ...run, cases: [planted] });
    const reported = result?.verdict === 'fail' && result.finding?.requirement === 'SES-004';
    steps.push([
      'a planted failure is reported',
      reported ? undefined : `the verdict was ${result?.verdict ?? 'none'}`,
    ]);
  }
  for (const [what, problem] of steps) {
    process.stdout.write(problem === undefined ? `pass  ${what}\n` : `FAIL  ${what}: ${problem}\n`);
  }
  return steps.every(([, problem]) => problem === undefined) ? 0 : 1;
}
