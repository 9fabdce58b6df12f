import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Application } from '../../node/index.ts';
import { type SessionStore, MemoryStore, StoreError, openRedisStore } from '../../store/index.ts';
import { CutProxy } from './support/cut-proxy.ts';
import { HAS_REDIS, RedisServer } from './store/redis-server.ts';
import { connectClient, expectEcho, startServer } from './support/endpoints.ts';
import { type Kit, createKit, toCredential } from './support/kit.ts';
import { storeError, withMethods } from './support/stores.ts';
import { happens } from './support/waiting.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

const continuity = { retentionMs: 60_000, reconnectBoundMs: 20 };

/** A memory that calls itself stable storage, and fails when it is told to. */
class FailingStore extends MemoryStore {
  override readonly custody = 'stored' as never;
  failing = false;
  /** Batches that were committed. */
  commits = 0;

  override commit(...args: Parameters<SessionStore['commit']>): ReturnType<SessionStore['commit']> {
    if (this.failing) return Promise.reject(new StoreError('HAWSER_ERR_STORE_FULL', 'No space is left: make room.'));
    this.commits += 1;
    return super.commit(...args);
  }
}

/** A {@link FailingStore} whose calls of one kind fail once: after or before they have had their effect. */
function failingOnce(name: 'create' | 'note', matches: (change: object) => boolean, landed: boolean): FailingStore {
  const store = new FailingStore();
  const call = store[name].bind(store) as (...args: unknown[]) => Promise<never>;
  let failures = 1;
  store[name] = async (...args: unknown[]) => {
    const fails = matches(args.at(-1) as object) && failures-- > 0;
    const result = fails && !landed ? undefined : await call(...args);
    if (fails) throw new StoreError('HAWSER_ERR_STORE_UNAVAILABLE', 'There is no answer.');
    return result as never;
  };
  return store;
}

/** Keeps what it was given, and accepts. */
function recording(): { readonly application: Application; readonly received: string[] } {
  const received: string[] = [];
  const application: Application = (channel) => {
    channel.onMessage = (message) => void received.push(Buffer.from(message).toString());
  };
  return { application, received };
}

describe('a session whose store fails', () => {
  it('is detached, acknowledges nothing that is not stored, and goes on when the store works again [CNT-006] [CNT-012]', async () => {
    const store = new FailingStore();
    const { application, received } = recording();
    const applications = new Map([['record', application]]);
    const { port, log } = await startServer(kit, { continuity: { store }, applications });
    const session = await connectClient(kit, port, { continuity });
    const channel = await session.open('record');
    expect((await channel.deliver(Buffer.from('one'))).type).toBe('accepted');
    store.failing = true;
    const lost = happens(session, 'detached');
    const outcome = channel.deliver(Buffer.from('two'));
    await lost;
    expect(received).toEqual(['one']);
    expect((await log.line('the store fails')).level).toBe('error');
    store.failing = false;
    expect((await outcome).type).toBe('accepted');
    expect(received).toEqual(['one', 'two']);
  });

  it.skipIf(!HAS_REDIS)('goes on when Redis was gone and has come back (skipped without redis-server)', async () => {
    const redis = await RedisServer.start();
    onTestFinished(() => redis.dispose());
    const store = await openRedisStore({ url: redis.url, callTimeoutMs: 1000 });
    onTestFinished(() => store.close());
    const { application, received } = recording();
    const applications = new Map([['record', application]]);
    const { port } = await startServer(kit, { continuity: { store }, applications });
    const session = await connectClient(kit, port, { continuity });
    const channel = await session.open('record');
    expect((await channel.deliver(Buffer.from('one'))).type).toBe('accepted');
    const lost = happens(session, 'detached');
    await redis.kill();
    const outcome = channel.deliver(Buffer.from('two'));
    await lost;
    expect(received).toEqual(['one']);
    await redis.restart();
    expect((await outcome).type).toBe('accepted');
    expect(received).toEqual(['one', 'two']);
  });
});

describe('a server whose store does not take note of an end', () => {
  it('asks for it once more when it is closed, and says which session it is [CNT-035] [CNT-042]', async () => {
    let asked = 0;
    const end = (): Promise<never> => {
      asked += 1;
      return Promise.reject(storeError());
    };
    const store = withMethods(new FailingStore(), { end });
    const { port, server, log } = await startServer(kit, { continuity: { store } });
    const session = await connectClient(kit, port, { continuity });
    await expectEcho(session);
    await session.close();
    await log.line('the store could not take note of the end of a session');
    const before = asked;
    await server.close();
    expect(asked).toBe(before + 1);
    const line = await log.line('the store has not noted the end of a session');
    expect(line).toMatchObject({ level: 'error', fields: { session: session.id } });
  });
});

describe('a client whose store fails', () => {
  it('is detached and goes on when it works again [CNT-013] [CNT-057]', async () => {
    const { port } = await startServer(kit);
    const store = new FailingStore();
    const session = await connectClient(kit, port, { continuity, store });
    await expectEcho(session);
    store.failing = true;
    const lost = happens(session, 'detached');
    const channel = session.open('test/echo');
    await lost;
    store.failing = false;
    expect((await (await channel).deliver(Buffer.from('one'))).type).toBe('accepted');
    expect(session.epoch).toBe(2);
  });

  it('makes another attempt when one can not be noted [CNT-018] [CNT-057]', async () => {
    const { port } = await startServer(kit);
    const proxy = await CutProxy.start(port);
    const store = failingOnce('note', (change) => 'attempt' in change, false);
    const session = await connectClient(kit, proxy.port, { continuity, store });
    const again = happens(session, 'attached');
    proxy.cut();
    await again;
    await expectEcho(session);
  });

  it('goes on when its session was created, but not so that it was told', async () => {
    const { port } = await startServer(kit);
    const store = failingOnce('create', () => true, true);
    const session = await connectClient(kit, port, { continuity, store });
    await expectEcho(session);
    expect((await store.list('client')).map(({ id }) => id)).toEqual([session.id]);
  });

  it('does not take its own epoch for that of somebody else [CNT-020]', async () => {
    const { port } = await startServer(kit);
    const proxy = await CutProxy.start(port);
    const store = failingOnce('note', (change) => 'epoch' in change, true);
    const session = await connectClient(kit, proxy.port, { continuity, store });
    const again = happens(session, 'attached');
    proxy.cut();
    await again;
    await expectEcho(session);
    expect((await store.list('client')).map(({ epoch }) => epoch)).toEqual([session.epoch]);
  });

  it('leaves its session to the one who has noted another epoch [CNT-038] [CNT-058]', async () => {
    const { port } = await startServer(kit);
    const proxy = await CutProxy.start(port);
    const store = failingOnce('note', (change) => 'epoch' in change, false);
    const session = await connectClient(kit, proxy.port, { continuity, store });
    const again = happens(session, 'attached');
    proxy.cut();
    await again;
    await store.note(session.id, 1, { epoch: 7 });
    expect(await session.closed).toMatchObject({ code: 'SUPERSEDED', session: 'ended' });
  });
});

describe('a resumable session whose peer is revoked', () => {
  it('loses its connection at once and can not be resumed with that certificate [SES-026] [CNT-014]', async () => {
    const { server, port } = await startServer(kit);
    const issued = await kit.authority.issue({ role: 'client', uris: ['spiffe://hawser.test/fired'] });
    const credential = await toCredential(issued);
    const fired = await connectClient(kit, port, { credential, continuity });
    const impatient = await connectClient(kit, port, { credential, continuity: { ...continuity, awaitReload: false } });
    const other = await connectClient(kit, port, { continuity });
    const lost = happens(fired, 'detached');
    const crls = [(await kit.authority.crl({ number: 2, revoked: [{ serial: issued.serial }] })).der];
    await server.reload({ crls });
    const [end] = (await lost) as [{ code: string }];
    expect(end.code).toBe('AUTHORITY_REVOKED');
    expect(await impatient.closed).toMatchObject({ session: 'ended', code: 'AUTHORITY_REVOKED' });
    await expect(fired.rotate()).rejects.toMatchObject({ wireName: 'AUTHENTICATION_FAILED' });
    expect(fired.state).toBe('detached');
    expect(await fired.close()).toMatchObject({ session: 'ended' });
    await expectEcho(other);
    expect(other.epoch).toBe(1);
  });
});

describe('an urgent message', () => {
  it('overtakes 16 MiB that were sent before it [CHN-035]', async () => {
    const order: string[] = [];
    const application: Application = (channel) => {
      channel.onMessage = (message) => void order.push(`${message.length}`);
    };
    const { port } = await startServer(kit, {
      applications: new Map([['any', application]]),
      parameters: { maxMessageBytes: 16_777_216, initialByteCredit: 33_554_432 },
    });
    const session = await connectClient(kit, port);
    const bulk = await session.open('any', { priority: 'bulk' });
    const urgent = await session.open('any', { priority: 'urgent' });
    const sent = bulk.send(Buffer.alloc(16_777_216));
    await urgent.send(Buffer.alloc(3));
    await sent;
    await session.ping();
    while (order.length < 2) await session.ping();
    expect(order).toEqual(['3', '16777216']);
  });
});
