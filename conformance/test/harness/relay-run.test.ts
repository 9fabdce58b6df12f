import { afterEach, describe, expect, it } from 'vitest';
import { cases } from '../../cases/index.ts';
import type { ConformanceCase } from '../../cases/case.ts';
import { ANY_PORT } from '../../peer/listen-on.ts';
import { ApplicationEnds } from '../../peer/ends/application-ends.ts';
import type { RelayAttachment } from '../../runner/attachment.ts';
import { runCases } from '../../runner/run.ts';
import type { CaseResult } from '../../runner/verdict.ts';
import type { RelayHabits } from './model-relay.ts';
import { modelRelay } from './model-relay.ts';
import { ModelServer } from './model-server.ts';
import { useKit } from './shared-kit.ts';

const STEP_MS = 3000;
const kit = useKit();
const stopping: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const stop of stopping.splice(0).reverse()) await stop();
});

/** A model relay before application ends of the harness. */
async function attach(habits: RelayHabits = {}): Promise<RelayAttachment> {
  const ends = await ApplicationEnds.listen(kit(), ANY_PORT, STEP_MS);
  stopping.push(() => ends.close());
  const server = new ModelServer(kit(), modelRelay(kit(), ends.place.port, habits), 'relay');
  stopping.push(() => server.stop());
  const port = await server.listen();
  const target = { host: '127.0.0.1', port, identity: kit().index.relayIdentity };
  return { role: 'relay', target: () => target, ends, unsupported: [] };
}

async function run(attachment: RelayAttachment, selected: readonly ConformanceCase[]): Promise<readonly CaseResult[]> {
  const rest = { seed: 1, stepMs: STEP_MS, jobs: 4, repeat: 1, deep: false, knownFailing: [] };
  return runCases({ attachment, cases: selected, kit: kit(), ...rest });
}

describe('x', () => {
  it('all', { timeout: 120_000 }, async () => {
    const results = await run(
      await attach(),
      cases.filter(({ role, id }) => role === 'relay' && new RegExp(process.env['ONLY'] ?? '.').test(id)),
    );
    const accused = results.filter(({ verdict }) => verdict !== 'pass');
    for (const { id, verdict, finding, detail, wire } of accused) {
      console.log(id, verdict, finding, detail);
      if (process.env['WIRE']) for (const log of wire) console.log(log.title, log.sequence().join('\n'));
    }
    expect(accused.length).toBe(0);
    expect(results.length).toBeGreaterThan(3);
  });
});
