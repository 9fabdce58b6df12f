import { once } from 'node:events';
import { type AddressInfo, connect as connectTcp, createServer as createTcpServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { TIMERS } from '../../core/index.ts';
import { encodeFrame } from '../../core/frames/header.ts';
import { connectClient, expectEcho, startServer } from './support/endpoints.ts';
import { type Kit, createKit } from './support/kit.ts';
import { connectRaw, createEngine, establishRaw, rawTlsOptions } from './support/raw-peer.ts';
import { TestClock, testEnvironment } from './support/test-clock.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

const DEADLINE_MS = TIMERS.establishment_deadline_ms;

describe('a server, at the establishment deadline [EST-028],', () => {
  it('silently cuts a connection that never begins TLS', async () => {
    const clock = new TestClock();
    const { port, log } = await startServer(kit, { environment: testEnvironment(clock) });
    const socket = connectTcp(port, '127.0.0.1');
    await once(socket, 'connect');
    // A session on another connection: the server has accepted the silent one too.
    await expectEcho(await connectClient(kit, port));
    let octets = 0;
    socket.on('data', (chunk: Buffer) => (octets += chunk.length));
    clock.advance(DEADLINE_MS);
    await once(socket, 'close');
    expect(octets).toBe(0);
    await log.line('TLS handshake not complete');
  });

  it('rejects a client that stalls after any octet of CONNECT, however it divides them', async () => {
    const clock = new TestClock();
    const { port, server } = await startServer(kit, {
      environment: testEnvironment(clock),
      limits: { maxHalfOpen: 1000, maxHalfOpenPerAddress: 1000, maxAcceptsPerSecond: 10_000 },
    });
    const first = await connectRaw(rawTlsOptions(kit, port));
    const length = await connectLength(first);
    const clients = [];
    for (let octets = 0; octets < length; octets++) {
      const client = await connectRaw(rawTlsOptions(kit, port));
      const { reader, socket } = client;
      const engine = createEngine(kit, socket);
      await reader.frame('CHALLENGE');
      engine.receive(encodeFrame('CHALLENGE', reader.frames[0]!.payload), performance.now());
      const connect = Buffer.concat(engine.takeOutput());
      expect(connect).toHaveLength(length);
      socket.write(connect.subarray(0, octets));
      clients.push(client);
    }
    clock.advance(DEADLINE_MS);
    const codes = await Promise.all(clients.map(({ reader }) => reader.code('REJECT')));
    expect(new Set(codes)).toEqual(new Set(['ESTABLISHMENT_TIMEOUT']));
    expect(codes).toHaveLength(length);
    expect(server.sessions).toEqual([]);
    await expectEcho(await connectClient(kit, port));
  });
});

/** Octets of the CONNECT that the raw client of this kit sends. */
async function connectLength({ reader, socket }: Awaited<ReturnType<typeof connectRaw>>): Promise<number> {
  const engine = createEngine(kit, socket);
  await reader.frame('CHALLENGE');
  engine.receive(encodeFrame('CHALLENGE', reader.frames[0]!.payload), performance.now());
  return Buffer.concat(engine.takeOutput()).length;
}

describe('a client, at the establishment deadline [EST-028],', () => {
  it('gives up on a server that never answers TLS', async () => {
    const silent = createTcpServer((socket) => onTestFinished(() => void socket.destroy()));
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    onTestFinished(() => void silent.close());
    const clock = new TestClock();
    const accepted = once(silent, 'connection');
    const session = connectClient(kit, (silent.address() as AddressInfo).port, {
      environment: testEnvironment(clock),
    });
    await accepted;
    clock.advance(DEADLINE_MS);
    await expect(session).rejects.toMatchObject({ code: 'HAWSER_ERR_TIMEOUT_ESTABLISHMENT' });
  });

  it('gives up on a server that never sends CHALLENGE', async () => {
    const silent = createTlsServer({
      cert: kit.server.chainPem,
      key: kit.server.keyPem,
      ALPNProtocols: ['hawser/1'],
    });
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    onTestFinished(() => void silent.close());
    const clock = new TestClock();
    const environment = testEnvironment(clock);
    const session = connectClient(kit, (silent.address() as AddressInfo).port, { environment });
    const outcome = expect(session).rejects.toMatchObject({ code: 'HAWSER_ERR_TIMEOUT_ESTABLISHMENT' });
    await once(silent, 'secureConnection');
    clock.advance(DEADLINE_MS);
    // The server closes nothing: the close deadline ends it.
    clock.advance(TIMERS.close_deadline_ms);
    await outcome;
  });
});

describe('an established session', () => {
  it('with half a frame and then silence ends with LIVENESS_TIMEOUT, its octets being no sign of life [SES-022]', async () => {
    const clock = new TestClock();
    const { port, server } = await startServer(kit, { environment: testEnvironment(clock) });
    const { socket, reader } = await establishRaw(kit, port);
    const [session] = server.sessions;
    const suspect = new Promise<void>((resolve) => void session?.once('suspect', resolve));
    const ping = encodeFrame('PING', new Uint8Array(8));
    socket.write(ping);
    await reader.frame('PONG');
    socket.write(ping.subarray(0, 20));
    const interval = session?.peerParameters.livenessIntervalMs ?? 0;
    clock.advance(2 * interval);
    await suspect;
    socket.write(ping.subarray(20, 21));
    clock.advance(interval);
    expect(await reader.code('CLOSE')).toBe('LIVENESS_TIMEOUT');
    expect(await session?.closed).toMatchObject({ outcome: 'error', code: 'LIVENESS_TIMEOUT' });
  });
});
