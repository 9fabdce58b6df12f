import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ConformanceCase } from '../../cases/case.ts';
import { cases } from '../../cases/index.ts';
import { runCases } from '../../runner/run.ts';
import type { CaseResult } from '../../runner/verdict.ts';
import { ClientDriver } from '../../testee/driver.ts';
import { useKit } from './shared-kit.ts';

const kit = useKit();
const drivers: ClientDriver[] = [];
const program = fileURLToPath(new URL('model-driver.ts', import.meta.url));

afterEach(async () => {
  await Promise.all(drivers.splice(0).map((driver) => driver.stop()));
});

function start(fault?: string): ClientDriver {
  const words = ['--import', 'tsx', program, ...(fault === undefined ? [] : [fault])];
  const driver = new ClientDriver([process.execPath, ...words], 4000);
  drivers.push(driver);
  return driver;
}

function named(...ids: string[]): readonly ConformanceCase[] {
  return ids.map((id) => {
    const found = cases.find((entry) => entry.id === id);
    if (found === undefined) throw new Error(`no case ${id}`);
    return found;
  });
}

async function run(driver: ClientDriver, ...ids: string[]): Promise<readonly CaseResult[]> {
  const attachment = { role: 'client', driver, unsupported: [] } as const;
  const rest = { seed: 2, stepMs: 4000, jobs: 2, repeat: 1, deep: false, knownFailing: [] };
  return runCases({ attachment, cases: named(...ids), kit: kit(), ...rest });
}

/** What the model client does: everything but credit, and the judgement of certificates beyond node:tls. */
const RIGHT = [
  'TLS-001/client-version-1-2',
  'TLS-002/alpn-offer',
  'TLS-004/not-selected',
  'TLS-012/server-expired',
  'TLS-014/server-crossed-role',
  'EST-009/server-other-identity',
  'WIR-001/client-header-alone',
  'WIR-002/client-single-octets',
  'WIR-006/client-ignorable',
  'WIR-022/challenge-critical',
  'EST-001/client-plain',
  'EST-011/fresh-nonce',
  'EST-012/waits-for-challenge',
  'EST-021/epoch-two',
  'EST-022/accept-one-bit',
  'SES-004/client-order',
  'SES-012/client-answers',
  'SES-016/no-close',
  'SES-022/silent-server',
  'CHN-001/numbers',
  'CHN-015/client-delivers',
  'CHN-029/client-answers',
  'ERR-002/client-reject',
  'CHN-003/client-message-proving',
  'CHN-003/client-prove-proved',
  'RLY-038/client-another-application',
  'RLY-039/client-no-relay',
  'RLY-040/client-expired',
  'RLY-042/client-p256',
  'RLY-042/client-application-behind-the-audience',
  'RLY-042/client-side-by-side',
  'RLY-046/client-absent',
  'RLY-046/client-ignorable-added',
  'RLY-046/client-takes-unknown-parameters',
  'RLY-046/client-replayed-with-its-prove',
  'RLY-046/client-message-behind-it',
  'RLY-047/client-demanded',
  'RLY-048/client-alone',
  'WIR-002/client-any-chunking',
  'WIR-003/client-strict-prefixes',
  'WIR-027/client-mutated-frame',
  'WIR-027/client-stray-octets',
  'CHN-015/client-command-sequences',
];

describe('a right client', () => {
  it('is accused of nothing', { timeout: 90_000 }, async () => {
    const results = await run(start(), ...RIGHT);
    const accused = results.filter(({ verdict }) => verdict !== 'pass');
    expect(accused.map(({ id, verdict, finding, detail }) => ({ id, verdict, finding, detail }))).toEqual([]);
    expect(results).toHaveLength(RIGHT.length);
  });
});

describe('a client with a planted fault', () => {
  it('that reaches any server fails EST-009', { timeout: 30_000 }, async () => {
    const [result] = await run(start('any-identity'), 'EST-009/server-other-identity');
    expect(result?.verdict).toBe('fail');
    expect(result?.finding?.requirement).toBe('EST-009');
    expect(result?.finding?.actual).toMatch(/^CONNECT /);
  });

  it('that accepts any signature fails EST-022', { timeout: 30_000 }, async () => {
    const [result] = await run(start('any-signature'), 'EST-022/accept-one-bit');
    expect(result?.verdict).toBe('fail');
    expect(result?.finding?.requirement).toBe('EST-022');
  });

  it('that takes any OPENED for signed fails RLY-046', { timeout: 30_000 }, async () => {
    const [result] = await run(start('any-open-signature'), 'RLY-046/client-one-bit');
    expect(result?.verdict).toBe('fail');
    expect(result?.finding?.requirement).toBe('RLY-046');
  });

  it('that proves to anybody fails RLY-039', { timeout: 30_000 }, async () => {
    const [result] = await run(start('proves-to-anybody'), 'RLY-039/client-server-names-another-relay');
    expect(result?.verdict).toBe('fail');
    expect(result?.finding?.requirement).toBe('RLY-039');
    expect(result?.finding?.actual).toMatch(/^PROOF /);
  });

  it('that sends before OPENED fails CHN-010', { timeout: 30_000 }, async () => {
    const [result] = await run(start('sends-early'), 'CHN-010/before-opened');
    expect(result?.verdict).toBe('fail');
    expect(result?.finding?.requirement).toBe('CHN-010');
  });
});

describe('a driver', () => {
  it('that breaks its protocol is an error of the harness side, and is quoted', { timeout: 30_000 }, async () => {
    const [result] = await run(start('not-json'), 'CHN-015/client-delivers');
    expect(result?.verdict).toBe('harness-error');
    expect(result?.detail).toContain('not JSON: hello');
  });

  it('that dies is started again, and the death is laid at the right case', { timeout: 60_000 }, async () => {
    const results = await run(
      start('dies'),
      'CHN-015/client-delivers',
      'SES-004/client-order',
      'SES-012/client-answers',
    );
    expect(results.map(({ verdict }) => verdict)).toEqual(['died', 'pass', 'pass']);
  });

  it('is let go of when a wrapper leaves a process behind that holds its pipes', { timeout: 60_000 }, async () => {
    const pipes = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'PipeWrap').length;
    const before = pipes();
    const words = [process.execPath, '--import', 'tsx', program].map((word) => `'${word}'`).join(' ');
    const wrapped = new ClientDriver(['sh', '-c', `sleep 20 & exec ${words}`], 4000);
    await wrapped.process();
    expect(pipes()).toBeGreaterThan(before);
    await wrapped.stop();
    await vi.waitFor(() => expect(pipes()).toBe(before));
  });

  it('that can not be started is a matter of setup', async () => {
    const driver = new ClientDriver(['/no/such/driver'], 1000);
    await expect(driver.process()).rejects.toThrow(/the driver \/no\/such\/driver does not start/);
  });
});
