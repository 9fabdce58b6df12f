import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { TIMERS } from '../../core/index.ts';
import { type Application, type Channel, type ClientOptions, createClient } from '../../node/index.ts';
import { MemoryStore, type SessionStore, openDurableStore } from '../../store/index.ts';
import { CutProxy } from './support/cut-proxy.ts';
import { type RunningServer, connectClient, expectEcho, startServer } from './support/endpoints.ts';
import { CLIENT_IDENTITY, type Kit, SERVER_IDENTITY, createKit } from './support/kit.ts';
import { StoredMemory, withMethods } from './support/stores.ts';
import { TestClock, testEnvironment } from './support/test-clock.ts';
import { happens, until } from './support/waiting.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

const continuity = { retentionMs: 60_000, reconnectBoundMs: 1 };

async function storeDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'hawser-sessions-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  return directory;
}

describe('a stored session', () => {
  it('goes on with another process of the client', async () => {
    const { port } = await startServer(kit);
    const directory = await storeDirectory();
    const options = (store: SessionStore): ClientOptions => ({ credential: kit.client, ...kit.trust, store });
    const target = { host: '127.0.0.1', port, audience: SERVER_IDENTITY, continuity };
    const first = await openDurableStore({ directory });
    const before = await createClient(options(first)).connect(target);
    await expectEcho(before);
    const lost = happens(before, 'detached');
    before.detach();
    await lost;
    await first.close();

    const second = await openDurableStore({ directory });
    const client = createClient(options(second));
    expect((await client.stored()).map(({ id }) => id)).toEqual([before.id]);
    const session = await client.restore(before.id, target);
    await happens(session, 'attached');
    expect(session.epoch).toBe(2);
    await expectEcho(session);
    await session.close();
    await second.close();
  });

  it('goes on with another process of the server [CNT-027]', async () => {
    const directory = await storeDirectory();
    const first = await openDurableStore({ directory });
    const before = await startServer(kit, { continuity: { store: first } });
    const proxy = await CutProxy.start(before.port);
    const session = await connectClient(kit, proxy.port, { continuity });
    await expectEcho(session);
    await before.server.close();
    await first.close();

    const second = await openDurableStore({ directory });
    onTestFinished(() => second.close());
    const after = await startServer(kit, { continuity: { store: second } });
    proxy.target = after.port;
    await expectEcho(session);
    expect(after.server.sessions.map(({ id }) => id)).toEqual([session.id]);
    await session.close();
    expect(after.log.lines.filter(({ message }) => message.includes('attached elsewhere'))).toEqual([]);
  });

  it('is closed in order although its last message is not stored when the client has said so [SES-012] [SES-016]', async () => {
    const inner = new StoredMemory();
    let isSlow = false;
    const store = withMethods(inner, {
      commit: async (...call) => {
        if (isSlow) await proxy.halfEnded;
        return inner.commit(...call);
      },
    });
    const { port, log } = await startServer(kit, { continuity: { store } });
    const proxy = await CutProxy.start(port);
    const session = await connectClient(kit, proxy.port, { continuity });
    const channel = await session.open('test/echo');
    isSlow = true;
    void channel.send(Buffer.from('last'));
    expect(await session.close()).toMatchObject({ outcome: 'orderly', session: 'ended' });
    expect(session.epoch).toBe(1);
    expect(log.lines.filter(({ level }) => level === 'warn')).toEqual([]);
  });

  it('stays where it is when the connection is lost between CONNECT and ACCEPT [CNT-024] [CNT-027]', async () => {
    const store = new MemoryStore();
    let losses = 0;
    const losing = withMethods(store, {
      attach: async (...call) => {
        const result = await store.attach(...call);
        if (losses === 2) return result;
        losses += 1;
        const ended = log.lines.length;
        proxy.cut();
        await until(() => log.lines.length > ended);
        return result;
      },
    });
    const { port, server, log } = await startServer(kit, { continuity: { store: losing } });
    const proxy = await CutProxy.start(port);
    const session = await connectClient(kit, proxy.port, { continuity });
    const [held] = server.sessions;
    const again = happens(session, 'attached');
    proxy.cut();
    await again;
    expect([losses, session.epoch]).toEqual([2, 4]);
    expect(server.sessions).toEqual([held]);
    await expectEcho(session);
  });

  it('is not taken for somebody else’s when its connection is lost while the epoch is noted [CNT-018] [CNT-020]', async () => {
    const { port } = await startServer(kit);
    const proxy = await CutProxy.start(port);
    const durable = await openDurableStore({ directory: await storeDirectory() });
    const store = withMethods(durable, {
      note: async (...call) => {
        const result = await durable.note(...call);
        if (call[2].epoch === 2) {
          const lost = happens(session, 'detached');
          proxy.cut();
          await lost;
          // The next attempt begins, and its number waits for this note.
          clock.advance(continuity.reconnectBoundMs);
        }
        return result;
      },
    });
    const clock = new TestClock();
    const environment = testEnvironment(clock);
    const session = await connectClient(kit, proxy.port, { continuity, store, environment });
    const again = happens(session, 'attached');
    proxy.cut();
    await again;
    await until(() => session.epoch === 3 || session.state === 'ended');
    expect(session.state).not.toBe('ended');
    await expectEcho(session);
    await session.close();
    await durable.close();
  });

  it('is left by a server that another one has taken it from, and reports its outcomes there [CNT-038] [CNT-042]', async () => {
    const store = await openDurableStore({ directory: await storeDirectory() });
    onTestFinished(() => store.close());
    const told: unknown[] = [];
    const channels: Channel[] = [];
    let asked: Promise<unknown> | undefined;
    const start = (name: string): Promise<RunningServer> => {
      const application: Application = (channel, request) => {
        request.accept();
        channels.push(channel);
        channel.onOutcome = ({ first, last, outcome }) => void told.push([name, first, last, outcome.type]);
        if (!request.restored) asked = channel.deliver(Buffer.from('what becomes of me?'));
      };
      return startServer(kit, { applications: new Map([['ask', application]]), continuity: { store } });
    };
    const first = await start('first');
    const second = await start('second');
    const proxy = await CutProxy.start(first.port);
    const session = await connectClient(kit, proxy.port, { continuity });
    const channel = await session.open('ask', { outcomes: true });
    let decide: () => void = () => undefined;
    const decided = new Promise<void>((resolve) => (decide = resolve));
    const received = new Promise<void>((resolve) => {
      channel.onMessage = () => {
        resolve();
        return decided;
      };
    });
    await received;
    const [held] = first.server.sessions;
    const again = happens(session, 'attached');
    proxy.target = second.port;
    proxy.cut();
    await again;
    // Whatever the first server still does for the session comes too late.
    channels[0]?.end();
    expect(await held?.closed).toMatchObject({ code: 'SUPERSEDED', unknownMessages: [] });
    expect(await asked).toEqual({ type: 'unknown' });
    decide();
    await until(() => told.length > 0);
    expect(told).toEqual([['second', 1, 1, 'accepted']]);
  });

  it.each([
    ['delivers nothing that another server has taken in the meantime', true],
    ['delivers what nobody has taken', false],
  ])('on a server that was suspended after the word of the store %s [CNT-062]', async (_what, taken) => {
    const durable = await openDurableStore({ directory: await storeDirectory() });
    onTestFinished(() => durable.close());
    const clock = new TestClock();
    const MESSAGE = Buffer.alloc(10_000, 'once');
    let suspended = false;
    const store = withMethods(durable, {
      shared: true,
      commit: async (...call) => {
        const result = await durable.commit(...call);
        const hasMessage = call[2].put.some(({ value }) => value.length >= MESSAGE.length);
        if (suspended || !hasMessage) return result;
        suspended = true;
        const [id, epoch] = call;
        if (taken) await durable.attach(id, CLIENT_IDENTITY, 1, epoch);
        clock.advance(TIMERS.epoch_confirmation_ms + 1);
        return result;
      },
    });
    const delivered: string[] = [];
    const application: Application = (channel, request) => {
      channel.onMessage = (message) => void delivered.push(Buffer.from(message).toString());
      request.accept();
    };
    const { port, server } = await startServer(kit, {
      applications: new Map([['take', application]]),
      continuity: { store },
      environment: testEnvironment(clock),
    });
    const session = await connectClient(kit, port, { continuity });
    const channel = await session.open('take', { outcomes: true });
    const [held] = server.sessions;
    const outcome = channel.deliver(MESSAGE);
    if (taken) expect(await held?.closed).toMatchObject({ code: 'SUPERSEDED' });
    else expect(await outcome).toEqual({ type: 'accepted' });
    expect(suspended).toBe(true);
    expect(delivered).toEqual(taken ? [] : [MESSAGE.toString()]);
    session.detach();
  });

  it.each(['as they are asked for', 'by a handler that comes late'])(
    'gives messages that have waited %s only on a new word of the store [CNT-062]',
    async (how) => {
      const durable = await openDurableStore({ directory: await storeDirectory() });
      onTestFinished(() => durable.close());
      const clock = new TestClock();
      const store = withMethods(durable, { shared: true });
      let received: Channel | undefined;
      const application: Application = (channel, request) => {
        received = channel;
        request.accept();
      };
      const { port, server } = await startServer(kit, {
        applications: new Map([['take', application]]),
        continuity: { store },
        environment: testEnvironment(clock),
      });
      const session = await connectClient(kit, port, { continuity });
      const channel = await session.open('take');
      // Acknowledged, and so stored.
      expect(await channel.deliver(Buffer.from('first'))).toEqual({ type: 'accepted' });
      const [held] = server.sessions;
      await durable.attach(session.id, CLIENT_IDENTITY, 1, 1);
      clock.advance(TIMERS.epoch_confirmation_ms + 1);
      const delivered: string[] = [];
      if (received === undefined) throw new Error('The channel was not opened.');
      if (how === 'as they are asked for') {
        await expect(received[Symbol.asyncIterator]().next()).rejects.toMatchObject({ name: 'TransportError' });
      } else received.onMessage = (message) => void delivered.push(Buffer.from(message).toString());
      expect(await held?.closed).toMatchObject({ code: 'SUPERSEDED' });
      expect(delivered).toEqual([]);
      session.detach();
    },
  );
});
