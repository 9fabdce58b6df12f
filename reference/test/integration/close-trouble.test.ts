import { beforeAll, describe, expect, it } from 'vitest';
import { MemoryStore } from '../../store/index.ts';
import { CutProxy } from './support/cut-proxy.ts';
import { connectClient, expectEcho, startServer } from './support/endpoints.ts';
import { Gate } from './support/gate.ts';
import { type Kit, createKit } from './support/kit.ts';
import { StoredMemory, attachUnanswered, storeError, withMethods } from './support/stores.ts';
import { TestClock, testEnvironment } from './support/test-clock.ts';
import { happens, until } from './support/waiting.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

const RETENTION_MS = 60_000;
const continuity = { retentionMs: RETENTION_MS, reconnectBoundMs: 1 };

describe('a session whose owner detaches it during a rotation, and then wants it moved', () => {
  it('is left without a connection when the attempt is refused [CNT-047]', async () => {
    const clock = new TestClock();
    const gate = new Gate();
    const inner = new MemoryStore();
    let asked = 0;
    const store = withMethods(inner, {
      attach: async (...call) => {
        asked += 1;
        if (asked > 1) return inner.attach(...call);
        await gate.pass();
        throw storeError();
      },
    });
    const { server, port } = await startServer(kit, { continuity: { store } });
    const session = await connectClient(kit, port, { continuity, environment: testEnvironment(clock) });
    const rotated = session.rotate();
    await gate.reached;
    session.detach();
    const again = session.rotate();
    gate.open();
    await expect(rotated).rejects.toThrow();
    await expect(again).rejects.toThrow();
    await until(() => session.state === 'detached');
    await until(() => server.sessions.every(({ state }) => state === 'detached'));
    clock.advance(1000);
  });
});

describe('a detached session whose client’s store does not answer', () => {
  it('ends with its retention, also while it is being closed [CNT-017]', async () => {
    const clock = new TestClock();
    const { port } = await startServer(kit);
    const proxy = await CutProxy.start(port);
    const gate = new Gate();
    const inner = new StoredMemory();
    const store = withMethods(inner, {
      note: async (...call) => {
        await gate.pass();
        return inner.note(...call);
      },
    });
    const session = await connectClient(kit, proxy.port, { continuity, store, environment: testEnvironment(clock) });
    const lost = happens(session, 'detached');
    proxy.cut();
    await lost;
    void session.close();
    await gate.reached;
    clock.advance(RETENTION_MS);
    expect(await session.closed).toMatchObject({ session: 'ended' });
    gate.open();
  });
});

describe('a client that was told to wait', () => {
  it('does not come back to the same server before, also when its session is to be closed [EST-024]', async () => {
    const clock = new TestClock();
    const inner = new MemoryStore();
    let asked = 0;
    const store = withMethods(inner, {
      attach: (...call) => {
        asked += 1;
        return asked === 1 ? Promise.reject(storeError()) : inner.attach(...call);
      },
    });
    const { port, log } = await startServer(kit, { continuity: { store } });
    const proxy = await CutProxy.start(port);
    const session = await connectClient(kit, proxy.port, { continuity, environment: testEnvironment(clock) });
    const lost = happens(session, 'detached');
    proxy.cut();
    await lost;
    clock.advance(1);
    await log.line('a client that wants to resume has to wait');
    await until(() => session.state === 'detached');
    const closed = session.close();
    for (let turns = 0; turns < 300; turns += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(asked).toBe(1);
    clock.advance(1000);
    await closed;
  });
});

describe('a session that moves to another server, whose store gives no answer', () => {
  it('is not lost although it was attached there [CNT-013] [CNT-052] [CNT-058]', async () => {
    const inner = new StoredMemory();
    const first = await startServer(kit, { continuity: { store: inner } });
    const store = withMethods(inner, { attach: attachUnanswered(inner) });
    const second = await startServer(kit, { continuity: { store } });
    const targets = [{ host: '127.0.0.1', port: second.port }];
    const session = await connectClient(kit, first.port, { continuity: { ...continuity, targets } });
    const channel = await session.open('test/echo');
    void first.server.drain(60_000);
    await second.log.line('a client that wants to resume has to wait');
    // Where it was refused it has gone back, and the first server finds out with the next batch.
    await until(() => session.state !== 'attaching');
    void channel.send(Buffer.from('one'));
    await until(() => session.epoch > 1 || session.state === 'ended');
    expect(session.state).not.toBe('ended');
    await expectEcho(session);
  });
});
