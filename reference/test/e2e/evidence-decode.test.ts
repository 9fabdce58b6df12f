import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PkiFiles, expectOk, makePki, run, startServe, temporaryFolder } from './support/cli.ts';

let pki: PkiFiles;
beforeAll(async () => {
  pki = await makePki(mkdtempSync(join(tmpdir(), 'hawser-e2e-')));
});
afterAll(() => rmSync(pki.folder, { recursive: true }));

describe('an evidence record', () => {
  it('is verified, decoded, and found out when it was changed', async () => {
    const { address } = await startServe([...pki.server, '--test-mode']);
    const file = pki.file('evidence.json');
    await expectOk(['connect', address, ...pki.client, '--application', 'test/echo', '--evidence', file]);
    const verify = ['evidence', 'verify', file, '--ca', pki.file('ca.pem'), '--crl', pki.file('crl.pem')];
    expect(JSON.parse((await expectOk(verify)).stdout)).toMatchObject({ valid: true, recordedBy: 'client' });

    const { stdout } = await expectOk(['decode', file]);
    expect(stdout).toMatch(/^# challenge\nCHALLENGE, /);
    expect(stdout).toContain('audience "spiffe://hawser.test/server"');
    const frames = (await expectOk(['decode', '--json', file])).stdout.trimEnd().split('\n');
    expect(frames.map((line) => (JSON.parse(line) as { name: string }).name)).toEqual([
      'CHALLENGE',
      'CONNECT',
      'ACCEPT',
    ]);

    const record = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
    const exporter = (record['exporter'] ?? '').replace(/^../, (octet) => (octet === '00' ? '01' : '00'));
    writeFileSync(file, JSON.stringify({ ...record, exporter }));
    const changed = await run(verify);
    expect(changed.status).toBe(1);
    expect(JSON.parse(changed.stdout)).toMatchObject({ valid: false, requirement: 'EST-029' });
    writeFileSync(file, JSON.stringify({ ...record, note: 'x' }));
    expect(JSON.parse((await run(verify)).stdout)).toMatchObject({ valid: false, requirement: 'EST-031' });
  });
});

describe('hawser decode', () => {
  const PING = '10000008000000000000000000000000 0102030405060708';

  it('takes hex as an argument, from a file with comments and from standard input, and octets', async () => {
    const file = join(temporaryFolder(), 'frames');
    writeFileSync(file, `# a PING\n${PING} # with data\n`);
    const expected = (await expectOk(['decode', PING])).stdout;
    expect(expected).toMatch(/^PING, 24 octets at 0\n/);
    expect((await expectOk(['decode', file])).stdout).toBe(expected);
    expect((await expectOk(['decode'], { input: PING })).stdout).toBe(expected);
    expect((await expectOk(['decode', '-'], { input: Buffer.from(PING.replace(' ', ''), 'hex') })).stdout).toBe(
      expected,
    );
  });

  it('exits with 1 for frames that are malformed or cut off', async () => {
    const malformed = await run(['decode', '10000001000000000000000000000000aa']);
    expect(malformed.status).toBe(1);
    expect(malformed.stdout).toContain('! The payload ends inside of data.');
    const cut = await run(['decode', '100000']);
    expect([cut.status, cut.stderr.trimEnd().split('\n').length]).toEqual([1, 1]);
  });
});
