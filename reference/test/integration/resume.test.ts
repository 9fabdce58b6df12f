import { once } from 'node:events';
import { beforeAll, describe, expect, it } from 'vitest';
import type { OutcomeRange, Session } from '../../node/index.ts';
import { connectClient, expectEcho, startServer } from './support/endpoints.ts';
import { CutProxy } from './support/cut-proxy.ts';
import { type Kit, createKit } from './support/kit.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

const continuity = { retentionMs: 60_000, reconnectBoundMs: 20 };

/** Resolves when the session has a connection again. */
function attached(session: Session): Promise<unknown> {
  return once(session as unknown as NodeJS.EventEmitter, 'attached');
}

describe('a resumable session', () => {
  it('goes on where it was when the link is cut again and again [CNT-013] [CNT-030]', async () => {
    const { port, server } = await startServer(kit);
    const proxy = await CutProxy.start(port);
    const session = await connectClient(kit, proxy.port, { continuity });
    expect(session.resumable).toBe(true);
    const channel = await session.open('test/echo', { outcomes: true });
    const received: number[] = [];
    channel.onMessage = (message) => void received.push(new DataView(message.buffer, message.byteOffset).getUint32(0));
    const outcomes: OutcomeRange[] = [];
    channel.onOutcome = (range) => void outcomes.push(range);
    const count = 2000;
    const results: Promise<unknown>[] = [];
    for (let n = 0; n < count; n += 1) {
      const message = Buffer.alloc(4 + (n % 50) * 100);
      message.writeUInt32BE(n);
      results.push(channel.deliver(message));
      if (n % 100 === 50) {
        const again = attached(session);
        proxy.cut();
        await again;
      }
    }
    await Promise.all(results);
    channel.end();
    await channel.closed;
    expect(received).toEqual(Array.from({ length: count }, (_, n) => n));
    expect(outcomes.reduce((sum, { first, last }) => sum + last - first + 1, 0)).toBe(count);
    expect(session.epoch).toBe(21);
    expect(server.sessions).toHaveLength(1);
  });

  it('moves to a fresh connection while messages are in flight [CNT-050] [CNT-052]', async () => {
    const { port } = await startServer(kit);
    const session = await connectClient(kit, port, { continuity });
    const channel = await session.open('test/echo');
    const received: number[] = [];
    let sent = 0;
    const send = (): void => {
      const message = Buffer.alloc(4);
      message.writeUInt32BE(sent);
      sent += 1;
      void channel.send(message);
    };
    let going = true;
    channel.onMessage = (message) => {
      received.push(new DataView(message.buffer, message.byteOffset).getUint32(0));
      if (going) send();
    };
    for (let n = 0; n < 64; n += 1) send();
    for (let n = 0; n < 20; n += 1) await session.rotate();
    going = false;
    channel.end();
    await channel.closed;
    expect(received).toEqual(Array.from({ length: sent }, (_, n) => n));
    expect(session.epoch).toBe(21);
  });

  it('is told to leave, and leaves [CNT-047]', async () => {
    const { port, server } = await startServer(kit);
    const session = await connectClient(kit, port, { continuity });
    const again = attached(session);
    server.rotate(10_000);
    await again;
    expect(session.epoch).toBe(2);
    await expectEcho(session);
  });

  it('ends when its owner closes it while it has no connection', async () => {
    const { port } = await startServer(kit);
    const proxy = await CutProxy.start(port);
    const session = await connectClient(kit, proxy.port, { continuity });
    const lost = once(session as unknown as NodeJS.EventEmitter, 'detached');
    proxy.cut();
    await lost;
    expect(await session.close()).toMatchObject({ session: 'ended', outcome: 'orderly' });
  });

  it('is given up when the server has forgotten it [CNT-043]', async () => {
    const first = await startServer(kit);
    const proxy = await CutProxy.start(first.port);
    const session = await connectClient(kit, proxy.port, { continuity });
    const channel = await session.open('test/hold');
    const fate = channel.deliver(Buffer.from('what becomes of me?'));
    const second = await startServer(kit);
    proxy.target = second.port;
    proxy.cut();
    expect(await session.closed).toMatchObject({ code: 'RESUME_REFUSED', session: 'ended' });
    expect((await fate).type).toMatch(/unknown|accepted/);
  });

  it('is not granted to a client that does not ask for one [CNT-001]', async () => {
    const { port } = await startServer(kit);
    const session = await connectClient(kit, port);
    expect(session.resumable).toBe(false);
    await expect(session.rotate()).rejects.toMatchObject({ code: 'HAWSER_ERR_TRANSPORT_NOT_RESUMABLE' });
  });
});
