import { setImmediate as turn } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { HEADER_BYTES } from '../../core/index.ts';
import { encodeCredit } from '../../core/frames/credit.ts';
import { encodeFrame } from '../../core/frames/header.ts';
import { encodeOpen } from '../../core/frames/open.ts';
import type { SessionEndpoint } from '../../node/session/session.ts';
import { type Application, testApplications } from '../../node/index.ts';
import { connectClient, expectEcho, startServer } from './support/endpoints.ts';
import { type Kit, createKit } from './support/kit.ts';
import { establishRaw } from './support/raw-peer.ts';
import { TestClock, testEnvironment } from './support/test-clock.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

const MESSAGE = new Uint8Array(16_000);
const REFUSED_BYTES = HEADER_BYTES + 6;
/** What kernel buffers of two sockets and the server's own cap can hold by far, and by far less than is offered. */
const MOST_OCTETS = 32 * 1024 * 1024;

describe('a peer that does not read', () => {
  it('is sent no more than the transport takes, whatever credit it grants, and ends as DOWN', async () => {
    let sent = 0;
    let failed: unknown;
    const endless: Application = async (channel, request) => {
      request.accept();
      try {
        while (sent < 100 * MOST_OCTETS) {
          await channel.send(MESSAGE);
          sent += MESSAGE.length;
        }
      } catch (error) {
        failed = error;
      }
    };
    const clock = new TestClock();
    const { port, server } = await startServer(kit, {
      environment: testEnvironment(clock),
      applications: new Map([...testApplications, ['endless', endless]]),
    });
    const client = await establishRaw(kit, port);
    const other = await connectClient(kit, port, { parameters: { livenessIntervalMs: 300_000 } });
    const victim = server.sessions.find(({ id }) => id !== other.id);
    await client.open('endless');
    client.write('CREDIT', encodeCredit({ messageLimit: 2 ** 40, byteLimit: 2 ** 50 }), 0, 1);
    client.socket.pause();
    // Until nothing moves any more: the kernel's buffers are full.
    for (let still = 0, before = -1; still < 200; still = sent === before ? still + 1 : 0) {
      before = sent;
      await turn();
    }
    expect(sent).toBeGreaterThan(MESSAGE.length);
    expect(sent).toBeLessThan(MOST_OCTETS);
    await expectEcho(other);
    const interval = victim?.peerParameters.livenessIntervalMs ?? 0;
    // SUSPECT, then DOWN.
    clock.advance(2 * interval);
    clock.advance(interval);
    // The CLOSE can not leave either: the close deadline cuts it.
    clock.advance(5_000);
    expect(await victim?.closed).toMatchObject({ code: 'LIVENESS_TIMEOUT' });
    while (failed === undefined) await turn();
    expect(failed).toMatchObject({ code: 'HAWSER_ERR_TIMEOUT_LIVENESS' });
  });
});

describe('a peer that asks much and does not read the answers', () => {
  it('is not read from either until it does', async () => {
    const { port, server } = await startServer(kit);
    const client = await establishRaw(kit, port);
    const { connection } = (server.sessions[0] as SessionEndpoint).link!;
    const OPENS = 300_000;
    client.socket.pause();
    const open = encodeOpen({ nonce: new Uint8Array(32), application: 'no/such', parameters: {} });
    const frames = Array.from({ length: OPENS }, (_, index) => encodeFrame('OPEN', open, 0, index + 1, index + 1));
    client.socket.write(Buffer.concat(frames));
    let most = 0;
    for (let still = 0, before = -1; still < 200; still = client.socket.bytesWritten === before ? still + 1 : 0) {
      before = client.socket.bytesWritten;
      most = Math.max(most, connection.pendingBytes);
      await turn();
    }
    expect(client.socket.writableLength).toBeGreaterThan(0);
    // A cap of 128 KiB, and the answers to one chunk that was read before it was noticed.
    expect(most).toBeLessThan(256 * 1024);
    const answered = new Promise<void>((resolve) => {
      let octets = client.reader.octets;
      const all = octets + OPENS * REFUSED_BYTES;
      client.socket.on('data', (chunk: Buffer) => {
        octets += chunk.length;
        if (octets >= all) resolve();
      });
    });
    client.socket.resume();
    await answered;
  });
});

describe('two ends that both send much', () => {
  it('do not wait for each other', async () => {
    const { port } = await startServer(kit, {
      parameters: { initialByteCredit: 64 * 1024 * 1024, initialMessageCredit: 100_000 },
    });
    const session = await connectClient(kit, port, {
      parameters: { initialByteCredit: 64 * 1024 * 1024, initialMessageCredit: 100_000 },
    });
    const channel = await session.open('test/echo');
    const count = 2_000;
    let received = 0;
    channel.onMessage = (message) => {
      received += message.length;
    };
    // Without waiting for room: everything is queued at once.
    for (let index = 0; index < count; index++) void channel.send(MESSAGE);
    channel.end();
    expect(await channel.closed).toEqual({ type: 'closed' });
    expect(received).toBe(count * MESSAGE.length);
    await expectEcho(session);
  });
});
