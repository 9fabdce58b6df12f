import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { CLIENT_IDENTITY, type PkiFiles, SERVER_IDENTITY, expectOk, run, start, startServe } from './support/cli.ts';
import {
  RELAY_IDENTITY,
  allow,
  makeRelayPki,
  newRelayFile,
  relayFiles,
  startRelay,
  toRelay,
  writeRelayFile,
} from './support/relay.ts';

let pki: PkiFiles;
beforeAll(async () => {
  pki = await makeRelayPki();
});
afterAll(() => rmSync(pki.folder, { recursive: true }));

/** A TCP peer that returns everything. */
async function startEcho(): Promise<string> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    // The relay cuts what its client leaves. [RLY-023]
    socket.on('error', () => undefined).pipe(socket);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  return `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('hawser relay', () => {
  it('leads to the application ends that the file names, those whom the policy allows', async () => {
    const echo = await startEcho();
    const serve = await startServe([...pki.server, '--test-mode']);
    const file = newRelayFile(pki, {
      routes: [
        { application: 'lines', to: echo, framing: 'line' },
        { application: 'closed', to: echo, framing: 'line' },
        { application: 'test/*', to: `hawser://${serve.address}`, audience: SERVER_IDENTITY },
      ],
      policy: allow('lines', 'test/identity'),
    });
    const { address } = await startRelay(['--config', file]);
    expect(await run(toRelay(pki, address, 'lines'), { input: 'one\ntwo\n' })).toEqual({
      status: 0,
      stdout: 'one\ntwo\n',
      stderr: '',
    });
    expect(await run(toRelay(pki, address, 'test/identity'))).toMatchObject({
      status: 0,
      stdout: `${CLIENT_IDENTITY}\n`,
    });
    for (const application of ['closed', 'test/echo', 'none']) {
      expect((await run(toRelay(pki, address, application))).stderr).toContain('HAWSER_ERR_REMOTE_APPLICATION_REFUSED');
    }
  });

  it('changes routes and policy at SIGHUP, as a whole or not at all, while channels go on', async () => {
    const echo = await startEcho();
    const routes = [{ application: 'lines', to: echo, framing: 'line' }];
    const file = newRelayFile(pki, { routes, policy: allow('lines') });
    const relay = await startRelay(['--config', file]);
    const client = start(toRelay(pki, relay.address, 'lines'));
    client.child.stdin?.write('before\n');
    await client.line('stdout', /before/);

    writeRelayFile(pki, file, { routes, policy: allow('other') });
    relay.child.kill('SIGHUP');
    const refusal = await relay.line('stderr', /reload failed/);
    expect(refusal).toContain('HAWSER_ERR_CONFIG_POLICY_WITHOUT_ROUTE');
    expect(await run(toRelay(pki, relay.address, 'lines'), { input: 'x\n' })).toMatchObject({
      status: 0,
      stdout: 'x\n',
    });

    const moved = [{ application: 'other', to: echo, framing: 'line' }];
    writeRelayFile(pki, file, { routes: moved, policy: allow('other') });
    relay.child.kill('SIGHUP');
    expect(JSON.parse(await relay.line('stderr', /routes and policy reloaded/))).toMatchObject({ routes: 1 });
    expect((await run(toRelay(pki, relay.address, 'lines'))).stderr).toContain('APPLICATION_REFUSED');
    expect(await run(toRelay(pki, relay.address, 'other'), { input: 'x\n' })).toMatchObject({
      status: 0,
      stdout: 'x\n',
    });

    client.child.stdin?.end('after\n');
    expect(await client.ended).toMatchObject({ status: 0, stdout: 'before\nafter\n' });
  });

  it('drains at SIGTERM and exits with 0', async () => {
    const routes = [{ application: 'lines', to: await startEcho(), framing: 'line' }];
    const relay = await startRelay(['--config', newRelayFile(pki, { routes, policy: allow('lines') })]);
    const client = start(toRelay(pki, relay.address, 'lines'));
    client.child.stdin?.write('before\n');
    await client.line('stdout', /before/);
    relay.child.kill('SIGTERM');
    expect((await relay.ended).status).toBe(0);
    expect((await client.ended).status).toBe(0);
    expect((await relay.ended).stderr).toContain('"msg":"drained"');
  });

  it('has the routes of annex A in test mode [APP-012]', async () => {
    const serve = await startServe([...pki.server, '--test-mode']);
    const files = Object.entries(relayFiles(pki)).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const { address } = await startRelay(['--test-mode', '--application-end', serve.address, ...files]);
    const echo = await run(toRelay(pki, address, 'test/echo'), { input: 'hello\n' });
    expect(echo).toEqual({ status: 0, stdout: 'hello\n', stderr: '' });
    expect((await run(toRelay(pki, address, 'relay/denied'))).stderr).toContain('APPLICATION_REFUSED');
    expect((await run(toRelay(pki, address, 'none'))).stderr).toContain('APPLICATION_REFUSED');
  });

  it('is what a session inside of a tunnel goes through [RLY-053]', async () => {
    const serve = await startServe([...pki.server, '--test-mode']);
    const routes = [{ application: 'tunnel', to: `tcp://${serve.address}`, framing: 'stream' }];
    const relay = await startRelay(['--config', newRelayFile(pki, { routes, policy: allow('tunnel') })]);
    const tunnel = ['--tunnel', `${relay.address}/tunnel`, '--tunnel-audience', RELAY_IDENTITY];
    const connect = ['connect', serve.address, ...pki.client, '--application', 'test/identity', ...tunnel];
    expect(await run(connect)).toEqual({ status: 0, stdout: `${CLIENT_IDENTITY}\n`, stderr: '' });
  });
});

describe('the configuration of hawser relay', () => {
  const ROUTES = [{ application: 'payments', to: 'tcp://127.0.0.1:1', framing: 'line' }];

  it('is checked with everything that it names by --check-config', async () => {
    const file = newRelayFile(pki, { routes: ROUTES, policy: allow('payments'), relays: ['spiffe://x'] });
    const check = await run(['relay', '--config', file, '--check-config']);
    expect(check).toMatchObject({ status: 0, stderr: '' });
    expect(JSON.parse(check.stdout)).toEqual({ valid: true, routes: 1, identities: 1, relays: 1 });
    const loop = { application: 'loop', to: 'hawser://127.0.0.1:1', audience: RELAY_IDENTITY };
    for (const [change, message] of [
      [{ routes: [...ROUTES, loop] }, 'HAWSER_ERR_CONFIG_ROUTE_LOOP'],
      [{ policy: allow('other') }, 'HAWSER_ERR_CONFIG_POLICY_WITHOUT_ROUTE'],
      [{ root: 1 }, 'HAWSER_ERR_CONFIG_UNKNOWN_KEY'],
      [{ key: 'none.key' }, 'none.key can not be read'],
      [{ cert: pki.file('server.pem'), key: pki.file('server.key') }, 'HAWSER_ERR_CONFIG_CERTIFICATE_PROFILE'],
    ] as const) {
      const bad = newRelayFile(pki, { routes: ROUTES, policy: allow('payments'), ...change });
      const result = await run(['relay', '--config', bad, '--check-config']);
      expect(result).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining(message) as string });
    }
  });

  it('stands below the environment, which stands below the flags', async () => {
    const file = newRelayFile(pki, {
      routes: ROUTES,
      policy: [],
      listen: '127.0.0.1:1',
      drain_deadline: 1,
      retention: 1,
    });
    const { stdout } = await expectOk(['relay', '--config', file, '--listen', '127.0.0.1:3', '--print-config'], {
      env: {
        HAWSER_LISTEN: '127.0.0.1:2',
        HAWSER_DRAIN_DEADLINE: '2',
        HAWSER_STORE: 'redis://user:secret@host:1',
      },
    });
    expect(JSON.parse(stdout)).toMatchObject({
      listen: '127.0.0.1:3',
      drain_deadline: 2,
      retention: 1,
      store: 'redis://user:***@host:1',
      limits: { connect_timeout: 5000 },
    });
  });

  it('has to be there, once', async () => {
    const file = newRelayFile(pki, { routes: ROUTES, policy: [] });
    for (const [args, message] of [
      [[], 'give it with --config FILE'],
      [['--config', file, '--test-mode'], 'leave out --config'],
      [['--config', file, '--application-end', 'x:1'], 'is for --test-mode'],
      [['--test-mode'], 'say with --application-end HOST:PORT'],
      [['--test-mode', '--application-end', 'x'], '--application-end has to be HOST:PORT'],
      [['--config', 'none.yaml'], 'none.yaml can not be read'],
    ] as const) {
      expect(await run(['relay', ...args])).toMatchObject({
        status: 2,
        stderr: expect.stringContaining(message) as string,
      });
    }
  });

  it('is described by a schema that is shipped', () => {
    const root = new URL('../../../', import.meta.url);
    const built = readFileSync(new URL('dist/reference/cli/relay/config.schema.json', root), 'utf8');
    const source = readFileSync(new URL('reference/cli/relay/config.schema.json', root), 'utf8');
    expect(JSON.parse(built)).toEqual(JSON.parse(source));
  });
});
