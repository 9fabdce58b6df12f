import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { FRAME_TYPE, TIMERS } from '../../core/index.ts';
import type { Credential } from '../../pki/index.ts';
import { connectClient, startServer } from './support/endpoints.ts';
import { type Kit, SERVER_IDENTITY, createKit, issue } from './support/kit.ts';
import { TestClock, testEnvironment } from './support/test-clock.ts';

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

let kit: Kit;
let folder: string;
beforeAll(async () => {
  kit = await createKit();
  folder = mkdtempSync(join(tmpdir(), 'hawser-openssl-'));
  writeFileSync(join(folder, 'ca.pem'), kit.authority.certificatePem);
  write('client', kit.client);
  write('server', kit.server);
});
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, credential: Credential): void {
  writeFileSync(join(folder, `${name}.pem`), credential.chainPem);
  writeFileSync(join(folder, `${name}.key`), credential.keyPem, { mode: 0o600 });
}

/** Runs openssl until the test ends. */
function openssl(...args: readonly string[]): ChildProcess {
  const child = spawn('openssl', args, { cwd: folder, stdio: ['pipe', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

/** `s_client` with what a good client has, except for what is said; resolves when it ends or has read `enough` octets. */
async function client(port: number, options: readonly string[], enough = Infinity): Promise<Buffer> {
  const child = openssl('s_client', '-connect', `127.0.0.1:${port}`, '-CAfile', 'ca.pem', '-quiet', ...options);
  const chunks: Buffer[] = [];
  let size = 0;
  await new Promise<void>((resolve) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size >= enough) resolve();
    });
    child.once('close', () => resolve());
  });
  return Buffer.concat(chunks);
}

const IDENTITY = ['-cert', 'client.pem', '-key', 'client.key'];
const ALPN = ['-alpn', 'hawser/1'];

describe.skipIf(!hasOpenssl)('openssl s_client (skipped without openssl)', () => {
  it('with everything right sees CHALLENGE', async () => {
    const { port } = await startServer(kit);
    const octets = await client(port, [...IDENTITY, ...ALPN], 16);
    expect(octets[0]).toBe(FRAME_TYPE.CHALLENGE);
  });

  it('without ALPN sees nothing [TLS-003]', async () => {
    const { port } = await startServer(kit);
    expect(await client(port, IDENTITY)).toHaveLength(0);
  });

  it('with TLS 1.2 sees nothing [TLS-001]', async () => {
    const { port } = await startServer(kit);
    expect(await client(port, [...IDENTITY, ...ALPN, '-tls1_2'])).toHaveLength(0);
  });

  it.each([
    { name: 'without a certificate', options: [] },
    { name: 'with the certificate of a server', options: ['-cert', 'server.pem', '-key', 'server.key'] },
  ])('$name is told AUTHENTICATION_FAILED [TLS-010] [TLS-013]', async ({ options }) => {
    const { port } = await startServer(kit);
    const octets = await client(port, [...options, ...ALPN]);
    const reject = octets.subarray(-24);
    expect(reject[0]).toBe(FRAME_TYPE.REJECT);
    expect(reject.readUInt16BE(16)).toBe(0x0201);
  });
});

/** A port that nobody listens on just now. */
async function freePort(): Promise<number> {
  const server = createTcpServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Starts `s_server` and waits until it accepts. */
async function server(name: string, options: readonly string[]): Promise<number> {
  const port = await freePort();
  const files = ['-cert', `${name}.pem`, '-key', `${name}.key`, '-CAfile', 'ca.pem'];
  const child = openssl('s_server', '-accept', `127.0.0.1:${port}`, ...files, '-Verify', '2', ...options);
  await new Promise<void>((resolve, reject) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      if (chunk.toString('latin1').includes('ACCEPT')) resolve();
    });
    child.once('close', () => reject(new Error('s_server has ended')));
  });
  return port;
}

describe.skipIf(!hasOpenssl)('openssl s_server (skipped without openssl)', () => {
  it('with everything right is let in, and sends no CHALLENGE in time [EST-028]', async () => {
    const clock = new TestClock();
    const port = await server('server', ALPN);
    let tlsIsUp: () => void = () => undefined;
    const up = new Promise<void>((resolve) => (tlsIsUp = resolve));
    const keyLog = (line: Buffer): void => {
      // The last secret of the handshake.
      if (line.toString('latin1').startsWith('EXPORTER_SECRET')) setImmediate(tlsIsUp);
    };
    const session = connectClient(kit, port, { environment: testEnvironment(clock), keyLog });
    const outcome = expect(session).rejects.toMatchObject({ code: 'HAWSER_ERR_TIMEOUT_ESTABLISHMENT' });
    await up;
    clock.advance(TIMERS.establishment_deadline_ms);
    await outcome;
  });

  it('without ALPN is refused [TLS-004]', async () => {
    await expect(connectClient(kit, await server('server', []))).rejects.toMatchObject({
      code: 'HAWSER_ERR_TRANSPORT_TLS_REFUSED',
    });
  });

  it('with TLS 1.2 is refused [TLS-001]', async () => {
    await expect(connectClient(kit, await server('server', [...ALPN, '-tls1_2']))).rejects.toMatchObject({
      code: 'HAWSER_ERR_TRANSPORT_TLS',
    });
  });

  it('with the certificate of a client is refused [TLS-014]', async () => {
    write('wrong', await issue(kit.authority, { role: 'client', uris: [SERVER_IDENTITY] }));
    await expect(connectClient(kit, await server('wrong', ALPN))).rejects.toMatchObject({
      code: 'HAWSER_ERR_TRANSPORT_TLS',
    });
  });
});
