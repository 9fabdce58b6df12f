import { chmodSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CLIENT_IDENTITY, expectOk, issueArguments, run, temporaryFolder } from './support/cli.ts';

describe('hawser pki', () => {
  it('makes an authority, issues, shows and revokes', async () => {
    const folder = temporaryFolder();
    const ca = join(folder, 'ca');
    await expectOk(['pki', 'init', '--out', ca, '--name', 'Test authority']);
    expect(statSync(join(ca, 'ca.key')).mode & 0o777).toBe(0o600);
    const client = join(folder, 'client');
    const issued = JSON.parse((await expectOk(issueArguments(ca, 'client', CLIENT_IDENTITY, client))).stdout) as {
      serial: string;
    };
    expect(statSync(`${client}.key`).mode & 0o777).toBe(0o600);
    const shown = JSON.parse((await expectOk(['pki', 'show', `${client}.pem`])).stdout) as object;
    expect(shown).toMatchObject({
      identity: { kind: 'uri', value: CLIENT_IDENTITY },
      serial: issued.serial,
      extendedKeyUsages: ['clientAuth'],
      issuer: 'CN=Test authority',
    });
    const before = readFileSync(join(ca, 'crl.pem'), 'utf8');
    const revoked = await expectOk(['pki', 'revoke', '--ca', ca, '--cert', `${client}.pem`]);
    expect(JSON.parse(revoked.stdout)).toEqual({ revoked: issued.serial });
    expect(readFileSync(join(ca, 'crl.pem'), 'utf8')).not.toBe(before);
    const crl = await expectOk(['pki', 'crl', '--ca', ca, '--days', '3']);
    expect(JSON.parse(crl.stdout)).toMatchObject({ revoked: 1 });
  });

  it.each(['ecdsa-p256', 'ecdsa-p384', 'ed25519', 'rsa-2048'])('issues %s keys, also for a DNS name', async (type) => {
    const folder = temporaryFolder();
    await expectOk(['pki', 'init', '--out', folder]);
    const out = join(folder, 'leaf');
    await expectOk([...issueArguments(folder, 'server', 'server.hawser.test', out), '--key-type', type]);
    const shown = JSON.parse((await expectOk(['pki', 'show', `${out}.pem`])).stdout) as { keyAlgorithm: string };
    expect(type.startsWith(shown.keyAlgorithm)).toBe(true);
    expect(shown).toMatchObject({ identity: { kind: 'dns', value: 'server.hawser.test' } });
  });

  it('replaces no key, no certificate and no authority unless told to', async () => {
    const folder = temporaryFolder();
    await expectOk(['pki', 'init', '--out', folder]);
    const out = join(folder, 'client');
    const issue = issueArguments(folder, 'client', CLIENT_IDENTITY, out);
    await expectOk(issue);
    const read = (): string[] => ['.key', '.pem'].map((end) => readFileSync(out + end, 'utf8'));
    const before = read();
    const refused = await run(issue);
    expect(refused.stderr).toContain(`${out}.key exists already. Choose another --out, or replace it with --force.`);
    expect([refused.status, read()]).toEqual([2, before]);
    chmodSync(`${out}.key`, 0o644);
    await expectOk([...issue, '--force']);
    expect(read()).not.toEqual(before);
    expect(statSync(`${out}.key`).mode & 0o777).toBe(0o600);
    rmSync(join(folder, 'ca.key'));
    const init = await run(['pki', 'init', '--out', folder]);
    expect([init.status, init.stderr]).toEqual([2, expect.stringContaining('already holds an authority (ca.pem)')]);
  });

  it('refuses what makes no sense, in one line', async () => {
    const folder = temporaryFolder();
    await expectOk(['pki', 'init', '--out', folder]);
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [['pki', 'init', '--out', folder], /already holds an authority/],
      [issueArguments(join(folder, 'none'), 'client', CLIENT_IDENTITY, join(folder, 'x')), /hawser pki init/],
      [issueArguments(folder, 'client', 'not an identity', join(folder, 'x')), /has to be a URI/],
      [['pki', 'revoke', '--ca', folder], /either --cert FILE or --serial HEX/],
      [['pki', 'revoke', '--ca', folder, '--serial', 'abcd'], /has not issued serial number abcd/],
      [['pki', 'show', join(folder, 'none.pem')], /no such file/],
    ];
    for (const [args, message] of cases) {
      const { status, stderr, stdout } = await run(args);
      expect(stderr).toMatch(message);
      expect([status, stdout, stderr.trimEnd().split('\n').length]).toEqual([2, '', 1]);
    }
  });
});
