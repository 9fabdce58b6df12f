import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { runCli } from '../../cli/program.ts';
import { ModelServer } from './model-server.ts';
import { useKit } from './shared-kit.ts';

const kit = useKit();
const folder = mkdtempSync(join(tmpdir(), 'hawser-cli-'));
const driver = fileURLToPath(new URL('model-driver.ts', import.meta.url));

const idle = join(folder, 'idle.yaml');
writeFileSync(
  idle,
  '- pattern: EST-001\n  reason: r\n  expires: 2999-01-01\n- pattern: XYZ-001\n  reason: r\n  expires: 2999-01-01\n',
);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function cli(...args: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  const output = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((stream) =>
    vi.spyOn(process[stream], 'write').mockImplementation((chunk) => {
      output[stream] += String(chunk);
      return true;
    }),
  );
  try {
    return { status: await runCli(args), ...output };
  } finally {
    for (const spy of spies) spy.mockRestore();
    process.exitCode = 0;
  }
}

describe('bad usage', () => {
  it.each([
    [['server', '--nonsense'], /unknown option '--nonsense'/],
    [['fly'], /unknown command 'fly'/],
    [['server', '--pki', 'x'], /--connect HOST:PORT is missing/],
    [['server', '--connect', 'nowhere', '--pki', 'KIT'], /expected HOST:PORT/],
    [['server', '--connect', '127.0.0.1:1', '--pki', '/no/such/kit'], /not a certificate kit/],
    [['server', '--connect', '127.0.0.1:1', '--pki', 'KIT'], /nothing listens at 127\.0\.0\.1:1/],
    [['server', '--list', '--run', 'XYZ-*'], /no server case matches XYZ/],
    [['server', '--seed', '-1'], /expected a whole number/],
    [['server', '--replay', 'x'], /expected a token such as/],
    [['relay', '--pki', 'KIT'], /--connect HOST:PORT is missing/],
    [['relay', '--connect', '127.0.0.1:1', '--pki', 'KIT'], /--application-listen PORT is missing/],
    [
      ['relay', '--connect', '127.0.0.1:1', '--application-listen', 'here', '--pki', 'KIT'],
      /--application-listen: expected HOST:PORT/,
    ],
    [['relay', '--list', '--run', 'EST-*'], /no relay case matches EST/],
    [['client', '--pki', 'KIT'], /the driver is missing/],
    [['client', '--pki', 'KIT', '--', '/no/such/driver'], /does not start/],
    [['server', '--connect', '127.0.0.1:1', '--pki', 'KIT', '--known-failing', '/no/file'], /can not read \/no\/file/],
    [
      ['server', '--list', '--unsupported', 'prioritty'],
      /--unsupported: no server case needs prioritty; the features are /,
    ],
    [['client', '--list', '--unsupported', 'forward'], /--unsupported: no client case needs forward/],
    [['server', '--list', '--known-failing', idle], /idle\.yaml: no case matches XYZ-001$/m],
    [['pki'], /required option '--out <dir>'/],
    [['pki', '--out', 'KIT'], /kit\.json exists already; choose another --out, or replace it with --force/],
    [['pki', '--out', join(folder, 'kit'), '--server-identity', 'not a uri'], /is not a URI/],
  ])('%j is one line and exit status 2', { timeout: 30_000 }, async (args, message) => {
    const { status, stdout, stderr } = await cli(...args.map((word) => (word === 'KIT' ? kit().directory : word)));
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(stdout).toBe('');
    expect(status).toBe(2);
  });
});

describe('the commands', () => {
  it('issue a kit anew only when told to, its keys for their owner alone', { timeout: 60_000 }, async () => {
    const out = join(folder, 'forced');
    expect((await cli('pki', '--out', out)).status).toBe(0);
    const key = join(out, 'ca.key');
    const before = readFileSync(key, 'utf8');
    chmodSync(key, 0o644);
    expect((await cli('pki', '--out', out)).status).toBe(2);
    expect(readFileSync(key, 'utf8')).toBe(before);
    expect((await cli('pki', '--out', out, '--force')).status).toBe(0);
    expect(readFileSync(key, 'utf8')).not.toBe(before);
    expect(statSync(key).mode & 0o777).toBe(0o600);
  });

  it.runIf(existsSync('/proc/self'))('fail at once where no folder can be made', async () => {
    const { status, stderr } = await cli('pki', '--out', '/proc/hawser/kit');
    expect(stderr).toMatch(/pki: can not write \/proc\/hawser \(ENOENT\)/);
    expect(status).toBe(2);
  });

  it('list the cases, and explain themselves', { timeout: 30_000 }, async () => {
    const listed = await cli('list', '--role', 'client');
    expect(listed.status).toBe(0);
    expect(listed.stdout).toMatch(/^EST-009\/server-other-identity\tclient,MUST\t/m);
    expect(listed.stdout).not.toMatch(/\tserver,/);
    const help = await cli('server', '--help');
    expect(help.status).toBe(0);
    expect(help.stdout).toContain('Examples:');
  });

  it(
    'judge a server: results on stdout, reports in files, exit status by the verdicts',
    { timeout: 60_000 },
    async () => {
      const server = new ModelServer(kit());
      const address = `127.0.0.1:${await server.listen()}`;
      const json = join(folder, 'reports/server.json');
      const junit = join(folder, 'reports/server.xml');
      const common = ['server', '--connect', address, '--pki', kit().directory];
      const good = await cli(
        ...common,
        '--run',
        'SES-004',
        '--run',
        'WIR-015',
        '--json',
        json,
        '--junit',
        junit,
        '--seed',
        '3',
      );
      expect(good.stderr).toBe('');
      expect(good.stdout).toMatch(/^pass {2}\d+ cases in/m);
      expect(good.status).toBe(0);
      expect((JSON.parse(readFileSync(json, 'utf8')) as { seed: number }).seed).toBe(3);
      expect(readFileSync(junit, 'utf8')).toContain('<testsuite name="server: Session"');

      // The model server does not look at key usage.
      const bad = await cli(...common, '--run', 'TLS-015/client-no-digital-signature');
      expect(bad.stdout).toContain('FAIL  TLS-015/client-no-digital-signature');
      expect(bad.status).toBe(1);

      const list = join(folder, 'known.yaml');
      writeFileSync(list, '- pattern: TLS-015\n  reason: not built\n  expires: 2999-01-01\n');
      const known = await cli(...common, '--run', 'TLS-015/client-no-digital-signature', '--known-failing', list);
      expect(known.stdout).toContain('1 known-failing');
      expect(known.status).toBe(0);

      const smoke = await cli(...common, '--smoke');
      expect(smoke.stdout).toContain('pass  a planted failure is reported');
      expect(smoke.status).toBe(0);
      await server.stop();
    },
  );

  it('judge a client, and its driver', { timeout: 60_000 }, async () => {
    const behind = ['--', process.execPath, '--import', 'tsx', driver];
    const good = await cli('client', '--pki', kit().directory, '--smoke', ...behind);
    expect(good.stdout).toContain('pass  a nonsense verb is answered with unsupported');
    expect(good.status).toBe(0);
    const bad = await cli('client', '--pki', kit().directory, '--smoke', ...behind, 'answers-nonsense');
    expect(bad.stdout).toContain('FAIL  a nonsense verb is answered with unsupported');
    expect(bad.status).toBe(1);
  });
});
