import { type Mock, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  type Application,
  type Client,
  type ClientOptions,
  type OutcomeRange,
  createClient,
} from '../../node/index.ts';
import { type SessionStore, StoreError } from '../../store/index.ts';
import { CutProxy } from './support/cut-proxy.ts';
import { connectClient, expectEcho, startServer } from './support/endpoints.ts';
import { Gate } from './support/gate.ts';
import { type Kit, SERVER_IDENTITY, createKit } from './support/kit.ts';
import { StoredMemory, storeError } from './support/stores.ts';
import { TestClock, testEnvironment } from './support/test-clock.ts';
import { happens, until } from './support/waiting.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

const continuity = { retentionMs: 60_000, reconnectBoundMs: 1 };

/** What the runtime throws, and no store of this package. */
function foreignError(): Error {
  return Object.assign(new Error('EIO: i/o error, write'), { code: 'EIO' });
}

describe('a client whose store rejects with an error of its own kind', () => {
  it('keeps its session, and makes another attempt [CNT-018] [CNT-057]', async () => {
    const { port } = await startServer(kit);
    const proxy = await CutProxy.start(port);
    const store = new StoredMemory();
    const session = await connectClient(kit, proxy.port, { continuity, store });
    vi.spyOn(store, 'note').mockRejectedValueOnce(foreignError());
    const again = happens(session, 'attached');
    proxy.cut();
    await again;
    await expectEcho(session);
  });

  it('says so by a named error, and blames no server for it [CNT-018]', async () => {
    const { port } = await startServer(kit);
    const gone = await startServer(kit);
    await gone.server.close();
    const store = new StoredMemory();
    const targets = [{ host: '127.0.0.1', port: gone.port }];
    const session = await connectClient(kit, port, { continuity: { ...continuity, targets }, store });
    vi.spyOn(store, 'note').mockImplementationOnce(() => {
      throw foreignError();
    });
    const failure: unknown = await session.rotate().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(StoreError);
    expect(failure).toMatchObject({ code: 'HAWSER_ERR_STORE_FAILED', cause: { code: 'EIO' } });
    await session.rotate();
    expect(session.epoch).toBe(2);
  });

  it('keeps its session when a batch can not be written [CNT-013]', async () => {
    const { port } = await startServer(kit);
    const store = new StoredMemory();
    const session = await connectClient(kit, port, { continuity, store });
    await expectEcho(session);
    const commit = vi.spyOn(store, 'commit').mockRejectedValue(foreignError());
    const lost = happens(session, 'detached');
    const channel = session.open('test/echo');
    await lost;
    commit.mockRestore();
    expect((await (await channel).deliver(Buffer.from('one'))).type).toBe('accepted');
  });
});

/** A client with a store of which `end` is the test's. */
async function withEnd(end: SessionStore['end'] | 'fails' | 'fails once'): Promise<{
  readonly client: Client;
  readonly store: StoredMemory;
  readonly end: Mock<SessionStore['end']>;
  readonly clock: TestClock;
  readonly target: Parameters<Client['connect']>[0];
}> {
  const { port } = await startServer(kit);
  const store = new StoredMemory();
  const spy = vi.spyOn(store, 'end');
  if (end === 'fails') spy.mockRejectedValue(storeError());
  else if (end === 'fails once') spy.mockRejectedValueOnce(storeError());
  else spy.mockImplementation(end);
  const clock = new TestClock();
  const client = createClient({ credential: kit.client, ...kit.trust, store, environment: testEnvironment(clock) });
  return { client, store, end: spy, clock, target: { host: '127.0.0.1', port, audience: SERVER_IDENTITY, continuity } };
}

describe('the end of a session that the client’s store does not take', () => {
  it('is told to it once more before close resolves', async () => {
    const { client, store, end, target } = await withEnd('fails once');
    const session = await client.connect(target);
    await expectEcho(session);
    await session.close();
    expect(end).toHaveBeenCalledTimes(2);
    expect(await store.list('client')).toEqual([]);
  });

  it('is told to it until it takes it, and the session is not gone on with meanwhile', async () => {
    const { client, store, end, clock, target } = await withEnd('fails');
    const session = await client.connect(target);
    await expectEcho(session);
    await session.close();
    expect((await store.list('client')).map(({ id }) => id)).toEqual([session.id]);
    expect(await client.stored()).toEqual([]);
    await expect(client.restore(session.id, target)).rejects.toMatchObject({
      code: 'HAWSER_ERR_CONFIG_SESSION_UNKNOWN',
    });
    end.mockRestore();
    await until(async () => {
      clock.advance(500);
      return (await store.list('client')).length === 0;
    });
  });

  it('is told to it at once when close is called again', async () => {
    const { client, store, end, target } = await withEnd('fails');
    const session = await client.connect(target);
    await expectEcho(session);
    await session.close();
    end.mockRestore();
    await session.close();
    expect(await store.list('client')).toEqual([]);
  });

  it('is not waited for when the store never answers', async () => {
    const { client, clock, target } = await withEnd(() => new Promise(() => undefined));
    const session = await client.connect(target);
    await expectEcho(session);
    let closed = false;
    void session.close().finally(() => (closed = true));
    await session.closed;
    await until(() => {
      clock.advance(1000);
      return closed;
    });
  });

  it('is noted under the epoch that the store may have taken [CNT-020]', async () => {
    const { port } = await startServer(kit);
    const proxy = await CutProxy.start(port);
    const store = new StoredMemory();
    const session = await connectClient(kit, proxy.port, { continuity, store });
    await expectEcho(session);
    const note = store.note.bind(store);
    // It has its effect, and there is no answer.
    const unanswered = vi.spyOn(store, 'note').mockImplementation(async (...call) => {
      const result = await note(...call);
      if ('epoch' in call[2]) throw storeError();
      return result;
    });
    const again = happens(session, 'attached');
    proxy.cut();
    await again;
    await until(() => unanswered.mock.calls.some(([, , change]) => 'epoch' in change));
    await session.close();
    expect(await store.list('client')).toEqual([]);
  });
});

describe('a client that starts again with a session whose end its store did not take', () => {
  it('reports no other outcome than before, where both know the server’s last word [CNT-036] [CNT-042]', async () => {
    const application: Application = (channel) => {
      channel.onMessage = () => undefined;
    };
    const { port, server } = await startServer(kit, { applications: new Map([['it', application]]) });
    const proxy = await CutProxy.start(port);
    const store = new StoredMemory();
    const end = vi.spyOn(store, 'end').mockRejectedValue(storeError());
    const options: ClientOptions = { credential: kit.client, ...kit.trust, store };
    const target = { host: '127.0.0.1', port: proxy.port, audience: SERVER_IDENTITY, continuity };
    const session = await createClient(options).connect(target);
    const channel = await session.open('it');
    const before: OutcomeRange[] = [];
    channel.onOutcome = (range) => void before.push(range);
    expect((await channel.deliver(Buffer.from('one'))).type).toBe('accepted');
    const [held] = server.sessions;
    // The second message is stored, and has no way to leave.
    const gone = await startServer(kit);
    await gone.server.close();
    proxy.target = gone.port;
    const gate = new Gate();
    const commit = store.commit.bind(store);
    const stored = vi.spyOn(store, 'commit').mockImplementationOnce(async (...call) => {
      await gate.pass();
      return commit(...call);
    });
    const second = channel.deliver(Buffer.from('two'));
    await gate.reached;
    const lost = happens(session, 'detached');
    proxy.cut();
    await lost;
    gate.open();
    await until(() => stored.mock.settledResults.some(({ type }) => type === 'fulfilled'));
    await until(() => held?.state === 'detached');
    await held?.close();
    proxy.target = port;
    expect(await session.closed).toMatchObject({ code: 'SESSION_ENDED', session: 'ended' });
    expect((await second).type).toBe('not-delivered');

    const restarted = createClient(options);
    const again = await restarted.restore(session.id, target);
    const after: OutcomeRange[] = [];
    for (const restored of again.channels) restored.onOutcome = (range) => void after.push(range);
    expect(await again.closed).toMatchObject({ code: 'SESSION_ENDED', session: 'ended' });
    const types = (ranges: readonly OutcomeRange[]): unknown[] =>
      ranges.map(({ first, last, outcome }) => [first, last, outcome.type]);
    expect(types(before)).toEqual([
      [1, 1, 'accepted'],
      [2, 2, 'not-delivered'],
    ]);
    for (const told of types(after)) expect(types(before)).toContainEqual(told);
    expect(types(after)).toContainEqual([2, 2, 'not-delivered']);
    end.mockRestore();
    await again.close();
    expect(await store.list('client')).toEqual([]);
  });
});
