import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  CLIENT_IDENTITY,
  type PkiFiles,
  SERVER_IDENTITY,
  expectOk,
  issueArguments,
  makePki,
  run,
  start,
  startServe,
  temporaryFolder,
} from './support/cli.ts';

let pki: PkiFiles;
beforeAll(async () => {
  pki = await makePki(mkdtempSync(join(tmpdir(), 'hawser-e2e-')));
});
afterAll(() => rmSync(pki.folder, { recursive: true }));

describe('hawser connect', () => {
  it('sends lines, prints the answers and exits with 0', async () => {
    const { address } = await startServe([...pki.server, '--test-mode']);
    const echo = await run(['connect', address, ...pki.client, '--application', 'test/echo'], {
      input: 'hello\nworld\n',
    });
    expect(echo).toEqual({ status: 0, stdout: 'hello\nworld\n', stderr: '' });
    const identity = await run(['connect', address, ...pki.client, '--application', 'test/identity']);
    expect(identity).toMatchObject({ status: 0, stdout: `${CLIENT_IDENTITY}\n` });
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'a'), 'one\ntwo\n');
    writeFileSync(join(folder, 'b'), 'three');
    const files = [join(folder, 'a'), join(folder, 'b')];
    const sink = ['connect', address, ...files, ...pki.client, '--application', 'test/sink'];
    expect(await run(sink)).toMatchObject({ status: 0, stdout: '3 11\n' });
    expect(await run([...sink, '--whole', '--format', 'hex'])).toMatchObject({
      status: 0,
      stdout: `${Buffer.from('2 13').toString('hex')}\n`,
    });
  });

  it('exits with 1 and the name of the error when something fails', async () => {
    const { address } = await startServe([...pki.server, '--test-mode']);
    const connect = ['connect', address, ...pki.client];
    expect(await run([...connect, '--application', 'none'])).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^hawser: .*\(HAWSER_ERR_REMOTE_APPLICATION_REFUSED\)\n$/) as string,
    });
    expect(await run([...connect, '--application', 'test/reset'], { input: 'x\n' })).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('HAWSER_ERR_REMOTE_APPLICATION_ERROR') as string,
    });
    const other = [
      'connect',
      address,
      ...pki.client.map((value) => (value === SERVER_IDENTITY ? 'spiffe://x' : value)),
    ];
    expect(await run([...other, '--application', 'test/echo'])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('HAWSER_ERR_INCOMPATIBLE_SERVER_IDENTITY') as string,
    });
    expect(await run([...connect, '--application', 'test/hold', '--timeout', '1'])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('raise --timeout') as string,
    });
  });

  it('warns in one line when the server grants no retention, and only then', async () => {
    const connect = async (retention: string): Promise<unknown> => {
      const { address } = await startServe([...pki.server, '--test-mode', '--retention', retention]);
      const flags = [...pki.client, '--application', 'test/echo', '--retention', '60000'];
      return run(['connect', address, ...flags], { input: 'hello\n' });
    };
    expect(await connect('60000')).toEqual({ status: 0, stdout: 'hello\n', stderr: '' });
    expect(await connect('0')).toEqual({
      status: 0,
      stdout: 'hello\n',
      stderr: expect.stringMatching(/^hawser: warning: The server grants no retention, [^\n]*\n$/) as string,
    });
  });

  it('exits with 0 when the server ends the session in order', async () => {
    const { address } = await startServe([...pki.server, '--test-mode']);
    const command = start(['connect', address, ...pki.client, '--application', 'test/close']);
    command.child.stdin?.write('x\n');
    expect(await command.ended).toMatchObject({ status: 0, stdout: '', stderr: '' });
  });
});

describe('hawser serve', () => {
  it('gives a client only what --allow says', async () => {
    const { address, line } = await startServe([
      ...pki.server,
      '--application',
      'payments=print',
      '--application',
      'other=echo',
      '--allow',
      `${CLIENT_IDENTITY}=payments`,
    ]);
    const connect = ['connect', address, ...pki.client, '--application'];
    expect(await run([...connect, 'payments'], { input: 'pay\n' })).toMatchObject({ status: 0 });
    expect(JSON.parse(await line('stdout', /"message"/))).toEqual({
      message: {
        identity: CLIENT_IDENTITY,
        application: 'payments',
        channel: 1,
        number: 1,
        data: Buffer.from('pay').toString('base64'),
      },
    });
    for (const application of ['other', 'test/echo']) {
      expect((await run([...connect, application])).stderr).toContain('APPLICATION_REFUSED');
    }
  });

  it('has clients prove themselves to its applications with --demand-proof', async () => {
    const { address } = await startServe([
      ...pki.server,
      ...['--application', 'payments=echo', '--allow', `${CLIENT_IDENTITY}=payments`, '--demand-proof'],
    ]);
    const connect = ['connect', address, ...pki.client, '--application', 'payments', '--demand-proof'];
    expect(await run(connect, { input: 'pay\n' })).toMatchObject({ status: 0, stdout: 'pay\n' });
    expect(await run([...connect, '--application-identity', 'spiffe://hawser.test/other'])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('HAWSER_ERR_PROOF_APPLICATION') as string,
    });
    const { address: unasking } = await startServe([...pki.server, '--test-mode']);
    const echo = ['connect', unasking, ...pki.client, '--application', 'test/echo', '--demand-proof'];
    expect((await run(echo)).stderr).toContain('HAWSER_ERR_PROOF_MISSING');
  });

  it('refuses every client without --allow', async () => {
    const { address } = await startServe(pki.server);
    const result = await run(['connect', address, ...pki.client, '--application', 'test/echo']);
    expect(result.status).toBe(1);
    expect(result.stderr).toContain('HAWSER_ERR_REMOTE_AUTHENTICATION_FAILED');
  });

  it('drains at SIGTERM: sessions end with SHUTTING_DOWN, exit status 0', async () => {
    const serve = await startServe([...pki.server, '--test-mode']);
    const client = start(['connect', serve.address, ...pki.client, '--application', 'test/echo']);
    client.child.stdin?.write('before\n');
    await client.line('stdout', /before/);
    serve.child.kill('SIGTERM');
    expect((await serve.ended).status).toBe(0);
    expect((await client.ended).status).toBe(0);
    const lines = (await serve.ended).stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { msg: string; code?: string; cut?: number });
    expect(lines.find(({ msg }) => msg === 'connection closed')).toMatchObject({ code: 'SHUTTING_DOWN' });
    expect(lines.at(-1)).toMatchObject({ msg: 'drained', cut: 0 });
  });

  it('loads a new revocation list at SIGHUP and cuts the revoked client', async () => {
    const own = await makePki(temporaryFolder());
    const serve = await startServe([...own.server, '--test-mode']);
    const client = start(['connect', serve.address, ...own.client, '--application', 'test/echo']);
    client.child.stdin?.write('before\n');
    await client.line('stdout', /before/);
    await expectOk(['pki', 'revoke', '--ca', own.folder, '--cert', own.file('client.pem')]);
    serve.child.kill('SIGHUP');
    expect(await client.ended).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('HAWSER_ERR_REMOTE_AUTHORITY_REVOKED') as string,
    });
    const again = await run(['connect', serve.address, ...own.client, '--application', 'test/echo']);
    expect(again.stderr).toContain('AUTHENTICATION_FAILED');
  });

  it('keeps the old certificate, key and list when the new ones are bad', async () => {
    const own = await makePki(temporaryFolder());
    const serve = await startServe([...own.server, '--test-mode']);
    const key = readFileSync(own.file('server.key'));
    writeFileSync(own.file('server.key'), 'nonsense');
    serve.child.kill('SIGHUP');
    expect(await serve.line('stderr', /reload failed/)).toContain('HAWSER_ERR_CONFIG_KEY_NOT_PEM');
    const echo = ['connect', serve.address, ...own.client, '--application', 'test/echo'];
    expect(await run(echo, { input: 'x\n' })).toMatchObject({ status: 0, stdout: 'x\n' });
    writeFileSync(own.file('server.key'), key);
    serve.child.kill('SIGHUP');
    await serve.line('stderr', /certificate and trust reloaded/);
    expect(await run(echo, { input: 'x\n' })).toMatchObject({ status: 0, stdout: 'x\n' });
  });

  it('puts a renewed certificate in force at SIGHUP', async () => {
    const own = await makePki(temporaryFolder());
    const serve = await startServe([...own.server, '--test-mode']);
    const issue = issueArguments(own.folder, 'server', SERVER_IDENTITY, own.file('server'));
    const renewed = await expectOk([...issue, '--force']);
    const { serial } = JSON.parse(renewed.stdout) as { serial: string };
    serve.child.kill('SIGHUP');
    await serve.line('stderr', /certificate and trust reloaded/);
    const evidence = own.file('evidence.json');
    await expectOk(['connect', serve.address, ...own.client, '--application', 'test/echo', '--evidence', evidence]);
    const record = JSON.parse(readFileSync(evidence, 'utf8')) as { serverChain: string[] };
    expect(record.serverChain[0]).toContain(serial);
  });

  it('takes the configuration file below the environment below the flags', async () => {
    const config = pki.file('layers.yaml');
    writeFileSync(
      config,
      ['listen: 127.0.0.1:1', 'drainDeadline: 1', 'maxConnections: 1', `allow: ["${CLIENT_IDENTITY}=a", "b=c"]`].join(
        '\n',
      ),
    );
    const { stdout, status } = await run(['serve', '--config', config, '--listen', '127.0.0.1:3', '--print-config'], {
      env: { HAWSER_LISTEN: '127.0.0.1:2', HAWSER_DRAIN_DEADLINE: '2', HAWSER_TEST_MODE: 'true' },
    });
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      listen: '127.0.0.1:3',
      drainDeadline: 2,
      maxConnections: 1,
      logLevel: 'info',
      allow: [`${CLIENT_IDENTITY}=a`, 'b=c'],
      testMode: true,
      store: 'memory',
      retention: 300_000,
      connectionDeadline: 0,
    });
  });

  it('writes an evidence record of each session, and a key log when asked to', async () => {
    const folder = temporaryFolder();
    const records = join(folder, 'evidence');
    const keyLog = join(folder, 'keys.log');
    const serve = await startServe([...pki.server, '--test-mode', '--evidence-dir', records], {
      env: { SSLKEYLOGFILE: keyLog },
    });
    const clientKeyLog = join(folder, 'client.log');
    await expectOk(['connect', serve.address, ...pki.client, '--application', 'test/echo'], {
      env: { SSLKEYLOGFILE: clientKeyLog },
    });
    const [name] = readdirSync(records);
    expect(name).toMatch(/^[0-9a-f]{32}\.json$/);
    const verified = await expectOk(['evidence', 'verify', join(records, name ?? ''), '--ca', pki.file('ca.pem')]);
    expect(JSON.parse(verified.stdout)).toMatchObject({
      valid: true,
      client: CLIENT_IDENTITY,
      server: SERVER_IDENTITY,
      recordedBy: 'server',
    });
    expect(statSync(keyLog).mode & 0o777).toBe(0o600);
    expect(readFileSync(keyLog, 'utf8')).toMatch(/^CLIENT_TRAFFIC_SECRET_0 /m);
    expect(readFileSync(clientKeyLog, 'utf8')).toMatch(/^CLIENT_TRAFFIC_SECRET_0 /m);
  });
});
