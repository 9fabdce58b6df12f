import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, type Socket, connect as connectTcp, createServer } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { CLIENT_IDENTITY, type PkiFiles, run, temporaryFolder } from './support/cli.ts';
import { freePort, isInstalled, listeningAt, output, saying, startProgram } from './support/program.ts';
import { allow, makeRelayPki, newRelayFile, startLocalPort, startRelay, toRelay } from './support/relay.ts';

const APPLICATION = 'peer';

let pki: PkiFiles;
beforeAll(async () => {
  pki = await makeRelayPki();
});
afterAll(() => rmSync(pki.folder, { recursive: true }));

/** Starts a relay before a TCP peer; the arguments of `connect` to it. */
async function relayBefore(port: number, route: object): Promise<{ connect: string[]; port: number }> {
  const routes = [{ application: APPLICATION, to: `tcp://127.0.0.1:${port}`, ...route }];
  const relay = await startRelay(['--config', newRelayFile(pki, { routes, policy: allow(APPLICATION) })]);
  return { connect: toRelay(pki, relay.address, APPLICATION), port: relay.port };
}

describe.skipIf(!isInstalled('socat', '-V'))('socat (skipped without socat)', () => {
  it('returns a stream through the relay, to the end of each direction', async () => {
    // The time is what it waits at most for the other direction when one has ended.
    const socat = startProgram('socat', [
      '-d',
      '-d',
      '-t',
      '60',
      'TCP-LISTEN:0,bind=127.0.0.1,fork,reuseaddr',
      'EXEC:cat',
    ]);
    const port = Number(await saying(socat, /listening on AF=2 127\.0\.0\.1:(\d+)/));
    const { connect } = await relayBefore(port, { framing: 'stream' });
    expect(await run(connect, { input: 'hello' })).toEqual({ status: 0, stdout: 'hello\n', stderr: '' });
    const local = await startLocalPort(connect);
    const content = Buffer.alloc(3_000_000).map((_, index) => index % 251);
    const sockets: Socket[] = [1, 2].map(() =>
      connectTcp({ host: '127.0.0.1', port: local.port, allowHalfOpen: true }),
    );
    for (const socket of sockets) socket.end(content);
    const answers = await Promise.all(sockets.map((socket) => buffer(socket)));
    expect(answers.map((answer) => answer.equals(content))).toEqual([true, true]);
  });
});

const hasRedis = isInstalled('redis-server', '--version') && isInstalled('redis-cli', '--version');

describe.skipIf(!hasRedis)('redis-server and redis-cli (skipped without redis-server, redis-cli)', () => {
  it('speak with each other as if the relay were not there', async () => {
    const port = await freePort();
    const settings = ['--bind', '127.0.0.1', '--dir', temporaryFolder(), '--save', ''];
    await listeningAt(port, startProgram('redis-server', ['--port', String(port), ...settings]));
    const { connect } = await relayBefore(port, { framing: 'stream' });
    const local = await startLocalPort(connect);
    const cli = (args: readonly string[], input?: string): Promise<string> =>
      output('redis-cli', ['-h', '127.0.0.1', '-p', String(local.port), ...args], input);
    expect(await cli(['SET', 'greeting', 'hello'])).toBe('OK\n');
    expect(await cli(['GET', 'greeting'])).toBe('hello\n');
    const value = 'one MiB of text '.repeat(65_536);
    expect(await cli(['-x', 'SET', 'large'], value)).toBe('OK\n');
    expect(await cli(['GET', 'large'])).toBe(`${value}\n`);
    expect(await cli(['--pipe'], 'PING\r\n'.repeat(10_000))).toContain('errors: 0, replies: 10000');
  });
});

/** Processing code, amount and trace number: fields 3, 4 and 11. */
const purchase = (trace: number): string => `02003020000000000000000000000000001250${String(trace).padStart(6, '0')}`;
/** The same with the response code, field 39. */
const approved = (trace: number): string => `02103020000002000000000000000000001250${String(trace).padStart(6, '0')}00`;

/** The largest message that the length can say. */
const LARGEST = `0800${'x'.repeat(0xffff - 4)}`;

/** A payment host that answers as `payment-host.py` does, several messages in one write. */
async function startHost(): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let read = Buffer.alloc(0);
    socket.on('error', () => undefined).on('end', () => socket.end());
    socket.on('data', (octets: Buffer) => {
      read = Buffer.concat([read, octets]);
      const answers: Buffer[] = [];
      for (
        ;
        read.length >= 2 && read.length >= 2 + read.readUInt16BE();
        read = read.subarray(2 + read.readUInt16BE())
      ) {
        const answer = Buffer.from(answerOf(read.toString('latin1', 2, 2 + read.readUInt16BE())), 'latin1');
        answers.push(Buffer.of(answer.length >> 8, answer.length & 0xff), answer);
      }
      socket.write(Buffer.concat(answers));
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

function answerOf(message: string): string {
  return message.startsWith('0800') ? `0810${message.slice(4)}` : approved(Number(message.slice(-6)));
}

/** Lets branches pay through a relay before a host that answers as `payment-host.py` does. */
async function expectPayments(port: number): Promise<void> {
  const { connect } = await relayBefore(port, { framing: 'length16' });
  const traces = Array.from({ length: 200 }, (_, index) => index + 1);
  const lines = (messages: readonly string[]): string => `${messages.join('\n')}\n`;
  const input = lines([...traces.map(purchase), LARGEST]);
  const stdout = lines([...traces.map(approved), `0810${LARGEST.slice(4)}`]);
  expect(await run(connect, { input })).toEqual({ status: 0, stdout, stderr: '' });
  // One octet more, and nothing of it reaches the host.
  expect(await run(connect, { input: `${LARGEST}x\n` })).toMatchObject({
    status: 1,
    stdout: '',
    stderr: expect.stringContaining('HAWSER_ERR_REMOTE_FRAMING_INVALID') as string,
  });
}

describe('a payment host', () => {
  it('takes and answers ISO 8583 messages behind lengths of two octets', async () => {
    await expectPayments(await startHost());
  });
});

describe.skipIf(!isInstalled('python3', '--version'))('a payment host in Python (skipped without python3)', () => {
  it('takes and answers ISO 8583 messages behind lengths of two octets', async () => {
    const host = startProgram('python3', [fileURLToPath(new URL('peers/payment-host.py', import.meta.url))]);
    await expectPayments(Number(await saying(host, /port (\d+)/)));
    expect(await saying(host, /(messages 201)\n/)).toBe('messages 201');
    expect(await saying(host, /messages 201\n(.*)\n/)).toBe('cut behind 0 messages');
  });
});

describe.skipIf(!isInstalled('haproxy', '-v'))('HAProxy (skipped without haproxy)', () => {
  it('learns from the PROXY header who the client is', async () => {
    const port = await freePort();
    const file = join(temporaryFolder(), 'haproxy.cfg');
    writeFileSync(
      file,
      [
        'defaults',
        '  mode http',
        '  timeout connect 60s',
        '  timeout client 60s',
        '  timeout server 60s',
        'frontend application_end',
        `  bind 127.0.0.1:${port} accept-proxy`,
        '  http-request return status 200 content-type text/plain lf-string "%[src] %[dst_port] %[fc_pp_authority]"',
        '',
      ].join('\n'),
    );
    await listeningAt(port, startProgram('haproxy', ['-db', '-f', file]));
    const relay = await relayBefore(port, { framing: 'stream', proxy: 'identity' });
    const local = await startLocalPort(relay.connect);
    const answer = await fetch(`http://127.0.0.1:${local.port}/`, { headers: { connection: 'close' } });
    expect(await answer.text()).toBe(`127.0.0.1 ${relay.port} ${CLIENT_IDENTITY}`);
  });
});
