import { type Mock, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Event } from '../../core/index.ts';
import { type Application, type Channel } from '../../node/index.ts';
import { MemoryStore, type SessionStore } from '../../store/index.ts';
import { CutProxy } from './support/cut-proxy.ts';
import { RecordingLog, connectClient, expectEcho, startServer } from './support/endpoints.ts';
import { type Kit, createKit } from './support/kit.ts';
import { TestClock, testEnvironment } from './support/test-clock.ts';
import { happens, until } from './support/waiting.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

const continuity = { retentionMs: 60_000, reconnectBoundMs: 1 };

/** Runs what is to happen when a client hears this event for the nth time. */
function atEvent(type: Event['type'], count: number, what: () => void): Mock<(event: Event) => void> {
  let seen = 0;
  return vi.fn((event: Event) => {
    if (event.type !== type) return;
    seen += 1;
    // After the event has been handled.
    if (seen === count) setImmediate(what);
  });
}

/** A memory that calls itself stable storage, and writes nothing while it is shut. */
class ShutStore extends MemoryStore {
  override readonly custody = 'stored' as never;
  #open: Promise<void> = Promise.resolve();
  #unlock: () => void = () => undefined;
  /** Batches that wait. */
  waiting = 0;

  shut(): void {
    this.#open = new Promise((resolve) => (this.#unlock = resolve));
  }

  open(): void {
    this.#unlock();
  }

  override async commit(...args: Parameters<SessionStore['commit']>): ReturnType<SessionStore['commit']> {
    this.waiting += 1;
    await this.#open;
    this.waiting -= 1;
    return super.commit(...args);
  }
}

/** A server that sends when the test says so, and a client whose store can be shut. */
async function startTicking(): Promise<{
  readonly store: ShutStore;
  readonly proxy: CutProxy;
  readonly tick: (n: number) => void;
  readonly applications: ReadonlyMap<string, Application>;
}> {
  let ticks: Channel | undefined;
  const applications = new Map<string, Application>([
    [
      'ticks',
      (channel) => {
        ticks = channel;
      },
    ],
  ]);
  const { port } = await startServer(kit, { applications });
  const store = new ShutStore();
  onTestFinished(() => store.open());
  const tick = (n: number): void => void ticks?.send(Uint8Array.of(n));
  return { store, proxy: await CutProxy.start(port), tick, applications };
}

describe('a rotation whose attempt', () => {
  it('ends without an answer leaves the session its whole retention [CNT-013] [CNT-057]', async () => {
    const store = new MemoryStore();
    const attach = store.attach.bind(store);
    // The fresh connection is lost once the server has judged CONNECT, and before ACCEPT.
    const losing = vi.spyOn(store, 'attach').mockImplementationOnce(async (...call) => {
      const result = await attach(...call);
      const ended = log.lines.length;
      proxy.cutNewest();
      await until(() => log.lines.length > ended);
      return result;
    });
    const { port, log } = await startServer(kit, { continuity: { store } });
    const proxy = await CutProxy.start(port);
    const clock = new TestClock();
    const session = await connectClient(kit, proxy.port, {
      environment: testEnvironment(clock),
      continuity: { retentionMs: 5000, reconnectBoundMs: 1 },
    });
    for (let second = 0; second < 8; second += 1) {
      clock.advance(1000);
      await expectEcho(session);
    }
    const again = happens(session, 'attached');
    await expect(session.rotate()).rejects.toThrow();
    expect(session.state).toBe('detached');
    await again;
    expect(losing).toHaveBeenCalledTimes(2);
    await expectEcho(session);
  });

  it('fails while custody is waited for leaves the session where it is [CNT-052] [CNT-057]', async () => {
    const { store, proxy, tick } = await startTicking();
    const observe = atEvent('challenge-received', 1, () => proxy.cutNewest());
    const session = await connectClient(kit, proxy.port, { continuity, store, observe });
    const channel = await session.open('ticks');
    const received: (number | undefined)[] = [];
    channel.onMessage = ([n]) => void received.push(n);
    await until(() => store.waiting === 0);
    store.shut();
    tick(1);
    await until(() => store.waiting > 0);
    await expect(session.rotate()).rejects.toThrow();
    store.open();
    tick(2);
    await until(() => received.length === 2);
    expect([received, session.state, session.epoch]).toEqual([[1, 2], 'attached', 1]);
    const again = happens(session, 'attached');
    proxy.cut();
    await again;
    tick(3);
    await until(() => received.length === 3);
  });

  it('fails while custody is waited for and the session is being closed lets it end [CNT-017] [CNT-057]', async () => {
    const { store, proxy, tick } = await startTicking();
    let closed: Promise<unknown> | undefined;
    const observe = atEvent('challenge-received', 1, () => {
      closed = session.close();
      setImmediate(() => proxy.cut());
    });
    const session = await connectClient(kit, proxy.port, { continuity, store, observe });
    const channel = await session.open('ticks');
    channel.onMessage = () => undefined;
    await until(() => store.waiting === 0);
    store.shut();
    tick(1);
    await until(() => store.waiting > 0);
    const outcome = channel.deliver(Uint8Array.of(0));
    await expect(session.rotate()).rejects.toThrow();
    store.open();
    expect(await closed).toMatchObject({ session: 'ended' });
    expect((await outcome).type).toMatch(/accepted|not-delivered/);
  });

  it('succeeds with a connection that ends at once is followed by another [CNT-057]', async () => {
    let ends = 1;
    const { port } = await startServer(kit, {
      onSession: (held, resumed) => {
        if (resumed && ends-- > 0) held.detach();
      },
    });
    const session = await connectClient(kit, port, { continuity });
    await session.rotate();
    await until(() => session.epoch === 3);
    await expectEcho(session);
  });
});

describe('a session that its owner has left without a connection', () => {
  it('ends with its retention when no server is there to close it with [CNT-017]', async () => {
    const { port, server } = await startServer(kit);
    const session = await connectClient(kit, port, { continuity: { retentionMs: 200, reconnectBoundMs: 1 } });
    const lost = happens(session, 'detached');
    session.detach();
    await lost;
    await server.close();
    expect(await session.close()).toMatchObject({ session: 'ended', outcome: 'aborted' });
  });

  it('stays so when it could not be given one, until its retention is over [CNT-017]', async () => {
    const { port, server } = await startServer(kit);
    const log = new RecordingLog();
    const clock = new TestClock();
    const environment = testEnvironment(clock);
    const session = await connectClient(kit, port, { continuity, log, environment });
    const lost = happens(session, 'detached');
    session.detach();
    await lost;
    await server.close();
    clock.advance(40_000);
    await expect(session.rotate()).rejects.toMatchObject({ code: 'HAWSER_ERR_TRANSPORT_UNREACHABLE' });
    expect(session.state).toBe('detached');
    clock.advance(30_000);
    expect(await session.closed).toMatchObject({ session: 'ended', outcome: 'aborted', error: undefined });
    expect(log.lines.filter(({ message }) => message.includes('could not be attached'))).toEqual([]);
  });
});

describe('a server that repeats DRAIN', () => {
  it('makes a client leave once, not as often as it says so [CNT-047] [ERR-007]', async () => {
    const { port, server } = await startServer(kit);
    const proxy = await CutProxy.start(port);
    const log = new RecordingLog();
    const count = 40;
    let drained: () => void = () => undefined;
    const heard = new Promise<void>((resolve) => (drained = resolve));
    const session = await connectClient(kit, proxy.port, {
      // The longest wait of all between two attempts.
      environment: {
        ...testEnvironment(new TestClock()),
        random: (octets: number) => new Uint8Array(octets).fill(0xff),
      },
      continuity: { retentionMs: 60_000, reconnectBoundMs: 60_000 },
      log,
      observe: atEvent('draining', count, () => drained()),
    });
    const gone = await startServer(kit);
    await gone.server.close();
    proxy.target = gone.port;
    const [held] = server.sessions;
    for (let n = 0; n < count; n += 1) held?.drain(1_000_000 - n);
    await heard;
    await log.line('could not be moved yet');
    await session.ping();
    expect(log.lines.filter(({ message }) => message.includes('could not be moved yet'))).toHaveLength(1);
  });
});
