import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { type Socket, connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import {
  CLIENT_IDENTITY,
  type PkiFiles,
  expectOk,
  issueArguments,
  makePki,
  run,
  startServe,
  temporaryFolder,
} from './support/cli.ts';
import { type ListeningCommand, startLocalPort } from './support/relay.ts';

let pki: PkiFiles;
beforeAll(async () => {
  pki = await makePki(mkdtempSync(join(tmpdir(), 'hawser-e2e-')));
});
afterAll(() => rmSync(pki.folder, { recursive: true }));

/** Starts `hawser connect --listen` toward an application end of a server. */
function startConnect(address: string, application: string): Promise<ListeningCommand> {
  return startLocalPort(['connect', address, ...pki.client, '--application', application]);
}

function open(port: number): Socket {
  const socket = connectTcp({ host: '127.0.0.1', port, allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  return socket;
}

describe('hawser connect --listen', () => {
  it('leads each local connection to the application end, to the end of each direction', async () => {
    const { address } = await startServe([...pki.server, '--test-mode']);
    const { port, child, ended } = await startConnect(address, 'test/echo');
    const content = Buffer.alloc(3_000_000).map((_, index) => index % 251);
    const sockets = [open(port), open(port)];
    for (const socket of sockets) socket.end(content);
    const answers = await Promise.all(sockets.map((socket) => buffer(socket)));
    expect(answers.map((answer) => answer.equals(content))).toEqual([true, true]);
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ status: 0, stderr: '' });
  });

  it('resets a connection whose channel is refused or reset, and goes on', async () => {
    const { address } = await startServe([...pki.server, '--test-mode']);
    for (const [application, code] of [
      ['none', 'HAWSER_ERR_REMOTE_APPLICATION_REFUSED'],
      ['test/reset', 'HAWSER_ERR_REMOTE_APPLICATION_ERROR'],
    ] as const) {
      const { port, line } = await startConnect(address, application);
      for (const socket of [open(port), open(port)]) {
        socket.on('error', () => undefined).write('x');
        const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
        expect(error.code).toBe('ECONNRESET');
      }
      expect(await line('stderr', /channel of a local connection/)).toContain(code);
    }
  });

  it('ends with the session', async () => {
    const serve = await startServe([...pki.server, '--test-mode']);
    const { ended } = await startConnect(serve.address, 'test/echo');
    serve.child.kill('SIGKILL');
    expect(await ended).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('(HAWSER_ERR_') as string,
    });
  });

  it('shows a renewed certificate at SIGHUP, in the session that it has', async () => {
    const own = await makePki(temporaryFolder());
    const serve = await startServe([...own.server, '--test-mode']);
    const options = ['--application', 'test/echo', '--retention', '60000'];
    const { port, child, line } = await startLocalPort(['connect', serve.address, ...own.client, ...options], 'info');
    const expectEcho = async (): Promise<void> => {
      const socket = open(port);
      socket.end('there?');
      expect((await buffer(socket)).toString()).toBe('there?');
    };
    await expectEcho();
    const client = issueArguments(own.folder, 'client', CLIENT_IDENTITY, own.file('client'));
    const former = own.file('former.pem');
    copyFileSync(own.file('client.pem'), former);
    await expectOk([...client, '--force']);
    child.kill('SIGHUP');
    await line('stderr', /certificate and trust reloaded/);
    await expectOk(['pki', 'revoke', '--ca', own.folder, '--cert', former]);
    serve.child.kill('SIGHUP');
    await line('stderr', /session resumed/);
    await expectEcho();
  });

  it('says what is wrong with its options', async () => {
    const { address, port } = await startServe([...pki.server, '--test-mode']);
    const connect = ['connect', address, ...pki.client, '--application', 'test/echo'];
    for (const [args, message] of [
      [['--listen', 'x'], '--listen has to be HOST:PORT'],
      [['--listen', String(port)], '--listen'],
      [['--listen', '0', '--whole'], "'--whole'"],
      [['--tunnel', 'nowhere'], '--tunnel-audience'],
      [['--tunnel', 'nowhere', '--tunnel-audience', 'x'], '--tunnel has to be HOST:PORT/APPLICATION'],
    ] as const) {
      expect(await run([...connect, ...args])).toMatchObject({
        status: 2,
        stdout: '',
        stderr: expect.stringContaining(message) as string,
      });
    }
  });
});
