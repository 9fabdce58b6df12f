import { beforeAll, describe, expect, it } from 'vitest';
import { encodeFrame } from '../../core/frames/header.ts';
import type { Application, Channel, Session } from '../../node/index.ts';
import { MemoryStore } from '../../store/index.ts';
import { CutProxy } from './support/cut-proxy.ts';
import { connectClient, expectEcho, startServer } from './support/endpoints.ts';
import { type Kit, createKit } from './support/kit.ts';
import { attemptRaw } from './support/raw-peer.ts';
import { TestClock, testEnvironment } from './support/test-clock.ts';
import { happens, until } from './support/waiting.ts';
import { Gate } from './support/gate.ts';
import { StoredMemory, attachUnanswered, storeError, withMethods } from './support/stores.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

const OWNER = 'spiffe://hawser.test/client';
const continuity = { retentionMs: 60_000, reconnectBoundMs: 1 };

describe('an attempt that fails for a moment', () => {
  it('leaves the session where it is when the store fails [CNT-019] [CNT-052]', async () => {
    let failures = 1;
    const inner = new MemoryStore();
    const store = withMethods(inner, {
      attach: (...call) => (failures-- > 0 ? Promise.reject(storeError()) : inner.attach(...call)),
    });
    const { port } = await startServer(kit, { continuity: { store } });
    const session = await connectClient(kit, port, { continuity });
    await expect(session.rotate()).rejects.toThrow('REJECT(BUSY)');
    await expectEcho(session);
    expect(session.epoch).toBe(1);
    await session.rotate();
    await expectEcho(session);
    expect(session.epoch).toBe(2);
  });

  it('leaves a stored session where it is, also when the epoch was raised and nobody was told [CNT-027] [CNT-037]', async () => {
    const inner = new StoredMemory();
    const store = withMethods(inner, { attach: attachUnanswered(inner) });
    const { port, server } = await startServer(kit, { continuity: { store } });
    const session = await connectClient(kit, port, { continuity });
    const [held] = server.sessions;
    await expect(session.rotate()).rejects.toThrow('REJECT(BUSY)');
    await expectEcho(session);
    expect(session.epoch).toBe(1);
    await session.rotate();
    await expectEcho(session);
    expect(session.epoch).toBe(3);
    expect(server.sessions).toEqual([held]);
  });

  it('detaches the session where nobody can tell what the store has done [CNT-013] [CNT-057]', async () => {
    let failures = 1;
    const inner = new StoredMemory();
    const store = withMethods(inner, {
      attach: attachUnanswered(inner),
      load: (...call) => (failures-- > 0 ? Promise.reject(storeError()) : inner.load(...call)),
    });
    const { port } = await startServer(kit, { continuity: { store } });
    const session = await connectClient(kit, port, { continuity });
    const again = happens(session, 'attached');
    await expect(session.rotate()).rejects.toThrow('REJECT(BUSY)');
    await again;
    await expectEcho(session);
  });

  it('leaves the session where it is when the server begins to drain meanwhile [CNT-046] [CNT-052]', async () => {
    const gate = new Gate();
    const inner = new StoredMemory();
    const store = withMethods(inner, {
      attach: async (...call) => {
        const result = await inner.attach(...call);
        await gate.pass();
        return result;
      },
    });
    const first = await startServer(kit, { continuity: { store } });
    const second = await startServer(kit, { continuity: { store: inner } });
    const session = await connectClient(kit, first.port, {
      continuity: { ...continuity, targets: [{ host: '127.0.0.1', port: second.port }] },
    });
    const moved = happens(session, 'attached');
    const rotated = session.rotate();
    await gate.reached;
    const drained = first.server.drain(10_000);
    gate.open();
    await expect(rotated).rejects.toThrow('REJECT(SHUTTING_DOWN)');
    await moved;
    await expectEcho(session);
    expect(second.server.sessions.map(({ id }) => id)).toEqual([session.id]);
    await drained;
  });
});

describe('a session that nobody attaches', () => {
  it('expires although a frame followed CONNECT [CNT-013] [CNT-016] [CNT-017]', async () => {
    const clock = new TestClock();
    const store = new MemoryStore({ clock: clock.now });
    const { port, server } = await startServer(kit, { environment: testEnvironment(clock), continuity: { store } });
    const { engine, socket } = await attemptRaw(kit, port);
    socket.destroy();
    await until(async () => (await store.count(OWNER)) === 1);
    // It is an error, and REJECT leaves while the resumption is judged.
    const behind = encodeFrame('PING', new Uint8Array(8));
    const again = await attemptRaw(kit, port, { engine, attempt: 1, behind });
    expect(await again.reader.code('REJECT')).toBe('FRAME_UNEXPECTED');
    await until(async () => (await store.count(OWNER)) === 1);
    expect(server.sessions).toMatchObject([{ state: 'detached' }]);
    await until(() => {
      clock.advance(1000);
      return server.sessions.length === 0;
    });
  });

  it('expires although the store has failed [CNT-017]', async () => {
    const clock = new TestClock();
    const store = withMethods(new MemoryStore({ clock: clock.now }), {
      attach: () => Promise.reject(storeError()),
    });
    const { port, server } = await startServer(kit, { environment: testEnvironment(clock), continuity: { store } });
    const { engine, socket } = await attemptRaw(kit, port);
    const again = await attemptRaw(kit, port, { engine, attempt: 1 });
    expect(await again.reader.code('REJECT')).toBe('BUSY');
    socket.destroy();
    again.socket.destroy();
    await until(() => {
      clock.advance(1000);
      return server.sessions.length === 0;
    });
  });
});

describe('a session that its server closes while a client attaches it', () => {
  it('stays closed, and what was not delivered is not delivered [CNT-036] [CNT-042]', async () => {
    const commit = new Gate();
    const attach = new Gate();
    let slow = false;
    const inner = new StoredMemory();
    const store = withMethods(inner, {
      attach: async (...call) => {
        const result = await inner.attach(...call);
        await attach.pass();
        return result;
      },
      commit: async (...call) => {
        if (slow) await commit.pass();
        return inner.commit(...call);
      },
    });
    const channels: Channel[] = [];
    const applications = new Map<string, Application>([['push', (channel) => void channels.push(channel)]]);
    const { port, server } = await startServer(kit, { applications, continuity: { store } });
    const proxy = await CutProxy.start(port);
    const session = await connectClient(kit, proxy.port, { continuity });
    const channel = await session.open('push');
    const received: string[] = [];
    channel.onMessage = (message) => void received.push(Buffer.from(message).toString());
    const [held] = server.sessions;
    // It has its number, and its connection is lost before it is stored and may leave.
    slow = true;
    const outcome = channels[0]?.deliver(Buffer.from('pay 100'));
    await commit.reached;
    proxy.cut();
    await until(() => held?.state === 'detached');
    commit.open();
    await attach.reached;
    void held?.close();
    expect(await outcome).toEqual({ type: 'not-delivered' });
    attach.open();
    expect(await session.closed).toMatchObject({ code: 'SESSION_ENDED', session: 'ended' });
    expect(received).toEqual([]);
    expect(server.sessions).toEqual([]);
  });
});

describe('the sessions that a server keeps', () => {
  it('are bounded for one client, with those that may be lost at any time [CNT-016]', async () => {
    const { port } = await startServer(kit, { continuity: { maxDetachedPerClient: 2 } });
    const connect = (): Promise<Session> => connectClient(kit, port, { continuity });
    const sessions = await Promise.all([connect(), connect(), connect(), connect()]);
    const [one, two, ...more] = sessions.filter(({ resumable }) => resumable);
    expect(more).toEqual([]);
    const lost = happens(one!, 'detached');
    one?.detach();
    await lost;
    expect((await connect()).resumable).toBe(false);
    await two?.close();
    expect((await connect()).resumable).toBe(true);
  });

  it('are looked through although none was ever detached [CNT-035]', async () => {
    const clock = new TestClock();
    let sweeps = 0;
    const inner = new MemoryStore();
    const store = withMethods(inner, {
      sweep: () => {
        sweeps += 1;
        return inner.sweep();
      },
    });
    const { port } = await startServer(kit, { environment: testEnvironment(clock), continuity: { store } });
    const session = await connectClient(kit, port, { continuity });
    await session.close();
    clock.advance(1000);
    clock.advance(1000);
    expect(sweeps).toBe(2);
  });
});
