import { beforeAll, describe, expect, it } from 'vitest';
import { MemoryStore, type SessionStore } from '../../store/index.ts';
import { connectClient, startServer } from './support/endpoints.ts';
import { type Kit, createKit } from './support/kit.ts';
import { connectRaw, establishRaw, rawTlsOptions } from './support/raw-peer.ts';
import { TestClock, testEnvironment } from './support/test-clock.ts';
import { until } from './support/waiting.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

/** A memory that calls itself stable storage, and stops to answer when it is told to. */
class MuteStore extends MemoryStore {
  override readonly custody = 'stored' as never;
  mute = false;
  /** Resolves when something was asked that is never answered. */
  readonly asked: Promise<void>;
  #ask: () => void = () => undefined;

  constructor() {
    super();
    this.asked = new Promise((resolve) => (this.#ask = resolve));
  }

  override commit(...args: Parameters<SessionStore['commit']>): ReturnType<SessionStore['commit']> {
    if (!this.mute) return super.commit(...args);
    this.#ask();
    return new Promise(() => undefined);
  }
}

describe('draining', () => {
  it('ends every session with SHUTTING_DOWN and takes no new connection', async () => {
    const { server, port } = await startServer(kit);
    const sessions = await Promise.all([connectClient(kit, port), connectClient(kit, port)]);
    const channel = await sessions[0].open('test/hold');
    expect(await server.drain(60_000)).toBe(0);
    for (const session of sessions) {
      expect(await session.closed).toMatchObject({ outcome: 'orderly', code: 'SHUTTING_DOWN', remote: true });
    }
    expect(await channel.closed).toMatchObject({ type: 'session-ended' });
    await expect(connectClient(kit, port)).rejects.toMatchObject({ code: 'HAWSER_ERR_TRANSPORT_UNREACHABLE' });
    expect(server.sessions).toEqual([]);
  });

  it('rejects what is not established with SHUTTING_DOWN', async () => {
    const { server, port } = await startServer(kit);
    const { reader } = await connectRaw(rawTlsOptions(kit, port));
    await reader.frame('CHALLENGE');
    const drained = server.drain(60_000);
    expect(await reader.code('REJECT')).toBe('SHUTTING_DOWN');
    await drained;
  });

  it('cuts what has not closed at the deadline, and says how many', async () => {
    const clock = new TestClock();
    const { server, port } = await startServer(kit, { environment: testEnvironment(clock) });
    const { reader, socket } = await establishRaw(kit, port);
    // It reads, and neither answers nor closes.
    socket.allowHalfOpen = true;
    const drained = server.drain(1_000);
    expect(await reader.code('CLOSE')).toBe('SHUTTING_DOWN');
    clock.advance(1_000);
    expect(await drained).toBe(1);
  });

  it('ends when it is told twice', async () => {
    const { server, port } = await startServer(kit);
    const { reader, socket } = await establishRaw(kit, port);
    socket.allowHalfOpen = true;
    const drained = server.drain(60_000);
    expect(await reader.code('CLOSE')).toBe('SHUTTING_DOWN');
    await server.close();
    expect(await drained).toBe(0);
  });

  it('does not wait for a store that never answers', async () => {
    const clock = new TestClock();
    const store = new MuteStore();
    const { server, port, log } = await startServer(kit, {
      environment: testEnvironment(clock),
      continuity: { store },
    });
    const session = await connectClient(kit, port, { continuity: { retentionMs: 1000, reconnectBoundMs: 1 } });
    await session.open('test/echo');
    store.mute = true;
    session.request('test/echo').opened.catch(() => undefined);
    await store.asked;
    const drained = server.drain(1000);
    let over = false;
    void drained.finally(() => (over = true));
    await until(() => {
      clock.advance(1000);
      return over;
    });
    await log.line('the store does not answer');
    // Nor is it waited for once more.
    await server.close();
  });
});
