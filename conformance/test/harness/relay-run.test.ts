import { afterEach, describe, expect, it } from 'vitest';
import type { ConformanceCase } from '../../cases/case.ts';
import { cases } from '../../cases/index.ts';
import { ApplicationEnds } from '../../peer/ends/application-ends.ts';
import { SetupFailure } from '../../peer/failure.ts';
import { ANY_PORT } from '../../peer/listen-on.ts';
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

function named(...ids: string[]): readonly ConformanceCase[] {
  return ids.map((id) => {
    const found = cases.find((entry) => entry.id === id);
    if (found === undefined) throw new Error(`no case ${id}`);
    return found;
  });
}

async function run(attachment: RelayAttachment, selected: readonly ConformanceCase[]): Promise<readonly CaseResult[]> {
  const rest = { seed: 1, stepMs: STEP_MS, jobs: 4, repeat: 1, deep: false, knownFailing: [] };
  return runCases({ attachment, cases: selected, kit: kit(), ...rest });
}

/** What the model relay does: everything but custody, and bounds on what it holds. */
const RIGHT = [
  'RLY-002/relay-one-answer',
  'RLY-003/relay-each-to-its-own',
  'RLY-004/relay-denied',
  'RLY-005/relay-trunk',
  'RLY-005/relay-tls',
  'RLY-006/relay-open-much-grease',
  'RLY-006/relay-forward-much-grease',
  'RLY-007/relay-clients-side-by-side',
  'RLY-008/relay-after-3',
  'RLY-009/relay-forward-1',
  'RLY-010/relay-trunk',
  'RLY-011/relay-middle',
  'RLY-012/relay-exactly',
  'RLY-012/relay-one-more',
  'RLY-016/relay-length16-65535-forth',
  'RLY-016/relay-line-every-octet',
  'RLY-017/relay-line-feed-inside',
  'RLY-018/relay-length16-half-message',
  'RLY-019/relay-stream',
  'RLY-020/relay-tls',
  'RLY-021/relay-length16',
  'RLY-022/relay-not-again',
  'RLY-023/relay-session-cut',
  'RLY-024/relay-before-tls',
  'RLY-024/relay-far-client',
  'RLY-025/relay-end-grants-one-message',
  'RLY-026/relay-unanswered',
  'RLY-028/relay-in-order',
  'RLY-032/relay-refused-channel-limit',
  'RLY-032/relay-reset-back-0x0999',
  'RLY-033/relay-tcp-refused',
  'RLY-034/relay-session-close',
  'RLY-054/relay-not-before',
];

describe('a right relay', () => {
  it('is accused of nothing', { timeout: 60_000 }, async () => {
    const results = await run(await attach(), named(...RIGHT));
    const accused = results.filter(({ verdict }) => verdict !== 'pass');
    expect(accused.map(({ id, verdict, finding, detail }) => ({ id, verdict, finding, detail }))).toEqual([]);
    expect(results).toHaveLength(RIGHT.length);
  });
});

/** Faults in single places, the case that has to catch each, and what it has to say. */
const FAULTS: readonly {
  readonly name: string;
  readonly habits: RelayHabits;
  readonly caseId: string;
  readonly requirement?: string;
  readonly actual: RegExp;
}[] = [
  {
    name: 'says another client',
    habits: { client: () => 'spiffe://hawser.test/somebody' },
    caseId: 'RLY-007/relay-client',
    actual: /somebody/,
  },
  {
    name: 'changes an octet of OPEN',
    habits: { open: (open) => open.map((octet, at) => (at === 4000 ? octet ^ 1 : octet)) },
    caseId: 'RLY-006/relay-open-data-largest',
    actual: /octets/,
  },
  {
    name: 'leads to another application end',
    habits: { application: (name) => (name === 'relay/stream' ? 'relay/line' : name) },
    caseId: 'RLY-016/relay-stream-255-back',
    requirement: 'RLY-016',
    actual: /nothing within/,
  },
  { name: 'opens early', habits: { opensEarly: true }, caseId: 'RLY-005/relay-trunk', actual: /OPENED/ },
  {
    name: 'passes codes that stay',
    habits: { passesEveryCode: true },
    caseId: 'RLY-032/relay-refused-channel-limit',
    actual: /CHANNEL_LIMIT/,
  },
  {
    name: 'grants without end',
    habits: { grantsFreely: true },
    caseId: 'RLY-025/relay-end-grants-nothing',
    actual: /^\d+$/,
  },
  { name: 'judges by itself', habits: { judges: true }, caseId: 'RLY-054/relay-not-before', actual: /OUTCOME/ },
  {
    name: 'sends messages twice',
    habits: { repeats: true },
    caseId: 'RLY-020/relay-trunk',
    requirement: 'RLY-019',
    actual: /octets/,
  },
  {
    name: 'has no policy',
    habits: { ignoresPolicy: true },
    caseId: 'RLY-002/relay-one-answer',
    actual: /OPENED/,
  },
  { name: 'contacts first', habits: { connectsFirst: true }, caseId: 'RLY-004/relay-denied', actual: /octets|end/ },
  { name: 'counts no hops', habits: { ignoresHops: true }, caseId: 'RLY-010/relay-trunk', actual: /nothing within/ },
  { name: 'sees no loop', habits: { ignoresLoops: true }, caseId: 'RLY-011/relay-alone', actual: /nothing within/ },
  { name: 'leaves the route out', habits: { leavesOutRoute: true }, caseId: 'RLY-008/relay-after-1', actual: /""/ },
  { name: 'cuts nothing', habits: { cutsNothing: true }, caseId: 'RLY-023/relay-session-cut', actual: /within/ },
  { name: 'sends no PROXY header', habits: { proxy: false }, caseId: 'RLY-024/relay-tcp-client', actual: /octets|end/ },
];

describe('a relay with a planted fault', () => {
  for (const { name, habits, caseId, requirement, actual } of FAULTS) {
    it(`that ${name} fails ${caseId}`, { timeout: 30_000 }, async () => {
      const [result] = await run(await attach(habits), named(caseId));
      expect(result?.verdict).toBe('fail');
      expect(result?.finding?.requirement ?? result?.requirements[0]).toBe(requirement ?? caseId.split('/')[0]);
      expect(result?.finding?.actual).toMatch(actual);
      expect(result?.wire.flatMap((log) => log.sequence()).length).toBeGreaterThan(2);
    });
  }
});

describe('application ends', () => {
  it('are five ports in a row, the last of which stays free', async () => {
    const ends = await ApplicationEnds.listen(kit(), ANY_PORT, STEP_MS);
    stopping.push(() => ends.close());
    const { port } = ends.place;
    expect([ends.trunk.port, ends.tcp.port, ends.tls.port]).toEqual([port, port + 1, port + 2]);
    await expect(ApplicationEnds.listen(kit(), { ...ends.place }, STEP_MS)).rejects.toThrow(SetupFailure);
  });
});
