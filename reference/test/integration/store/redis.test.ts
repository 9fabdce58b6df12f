import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openRedisStore, type SessionStore } from '../../../store/index.ts';
import { header, NOTHING, OWNER, put, RETENTION_MS, storeCompliance, texts } from './compliance.ts';
import { HAS_REDIS, RedisServer, SYNCED } from './redis-server.ts';

let lastPrefix = 0;

function newPrefix(): string {
  lastPrefix += 1;
  return `test-${lastPrefix}`;
}

let shared: RedisServer;
beforeAll(async () => {
  if (HAS_REDIS) shared = await RedisServer.start();
});
afterAll(async () => {
  if (HAS_REDIS) await shared.dispose();
});

storeCompliance('redis', {
  custody: 'stored',
  skip: !HAS_REDIS,
  open: async () => {
    const prefix = newPrefix();
    const stores: SessionStore[] = [];
    const open = async (): Promise<SessionStore> => {
      const store = await openRedisStore({ url: shared.url, prefix });
      stores.push(store);
      return store;
    };
    return {
      store: await open(),
      advance: (ms) => shared.advance(prefix, ms),
      other: open,
      dispose: async () => {
        for (const store of stores) await store.close();
      },
    };
  },
});

describe.skipIf(!HAS_REDIS)('redis: a fleet', () => {
  let prefix: string;
  let one: SessionStore;
  let two: SessionStore;
  beforeEach(async () => {
    prefix = newPrefix();
    one = await openRedisStore({ url: shared.url, prefix });
    two = await openRedisStore({ url: shared.url, prefix });
  });
  afterEach(async () => {
    await one.close();
    await two.close();
  });

  it('takes a session from a server that still holds it', async () => {
    const made = header();
    await one.create(made, put(['a', '1']));
    const results = await Promise.all([
      one.commit(made.id, 1, put(['a', '2'])),
      two.attach(made.id, OWNER, 1, 1),
      one.commit(made.id, 1, put(['a', '3'])),
    ]);
    expect(results[1]).toMatchObject({ type: 'attached', session: { header: { epoch: 2 } } });
    expect(await one.commit(made.id, 1, NOTHING)).toBe('fenced');
    expect(await one.sweep()).toEqual([]);
    expect(await two.commit(made.id, 2, NOTHING)).toBe('committed');
  });

  it('fences the former process of a client, once another has loaded its session', async () => {
    const made = header({ role: 'client' });
    await one.create(made, put(['a', '1']));
    expect(texts((await two.load(made.id))?.entries)).toEqual([['a', '1']]);
    expect(await one.commit(made.id, 1, put(['a', '2']))).toBe('fenced');
    expect(await one.note(made.id, 1, { attempt: 1 })).toBe('fenced');
    expect(await two.note(made.id, 1, { attempt: 1 })).toBe('committed');
  });

  it('keeps a session of a killed server for its lease and its retention, and counts it [CNT-013] [CNT-016]', async () => {
    const made = header();
    await one.create(made, { ...put(['a', '1']), cursors: { receiveCursor: 3, sendCursor: 4 } });
    await shared.advance(prefix, 60_001);
    expect(await two.count(OWNER)).toBe(1);
    await shared.advance(prefix, RETENTION_MS - 10_000);
    expect(await two.list('server')).toEqual([made]);
    await shared.advance(prefix, 10_001);
    expect(await two.count(OWNER)).toBe(0);
    expect(await two.list('server')).toEqual([]);
    expect(await two.attach(made.id, OWNER, 1, 1)).toEqual({
      type: 'ended',
      epoch: 1,
      cursors: { receiveCursor: 3, sendCursor: 4 },
    });
  });

  it('leaves no key behind', async () => {
    const made = [header(), header(), header()];
    for (const each of made) await one.create(each, put(['a', '1']));
    await one.detached(made[0]!.id, 1);
    await one.end(made[1]!.id, 1, { receiveCursor: 0, sendCursor: 0 });
    await shared.advance(prefix, 60_000 + 2 * RETENTION_MS + 1_000);
    expect([...(await one.sweep())].sort()).toEqual([made[0]!.id, made[2]!.id]);
    expect(await shared.admin((client) => client.keys(`{${prefix}}:*`))).toEqual([]);
  });

  it('lets Redis itself expire a session', async () => {
    const made = header({ retentionMs: 30 });
    await one.create(made, NOTHING);
    await one.detached(made.id, 1);
    // The clock is that of another process, and nothing tells when it is there.
    await expect.poll(() => two.load(made.id), { timeout: 10_000, interval: 10 }).toBeUndefined();
  });

  it('keeps epochs, attempts and cursors exact up to the last safe integer', async () => {
    const most = Number.MAX_SAFE_INTEGER;
    const made = header({ epoch: most - 2, attempt: most - 2 });
    await one.create(made, NOTHING);
    expect(await one.attach(made.id, OWNER, most - 1, most - 2)).toMatchObject({
      type: 'attached',
      session: { header: { epoch: most - 1, attempt: most - 1 } },
    });
    expect(await one.commit(made.id, most - 1, NOTHING)).toBe('committed');
    const cursors = { receiveCursor: most, sendCursor: most - 1 };
    expect(await one.end(made.id, most - 1, cursors)).toBe('committed');
    expect(await one.attach(made.id, OWNER, most, 1)).toEqual({ type: 'ended', epoch: most - 1, cursors });
  });

  it('goes on when Redis has forgotten the scripts', async () => {
    const made = header();
    await one.create(made, NOTHING);
    await shared.admin((client) => client.scriptFlush());
    expect(await one.commit(made.id, 1, put(['a', '1']))).toBe('committed');
  });
});

describe.skipIf(!HAS_REDIS)('redis: custody', () => {
  interface Case {
    readonly name: string;
    readonly settings: readonly string[];
    readonly custody: 'received' | 'stored';
    readonly trustStorage?: boolean;
  }
  const bounded = [...SYNCED, '--maxmemory', '100mb', '--maxmemory-policy'];
  const hidden = ['--rename-command', 'CONFIG', ''];
  it.each<Case>([
    { name: 'each change synced', settings: SYNCED, custody: 'stored' },
    {
      name: 'synced now and then',
      settings: ['--appendonly', 'yes', '--appendfsync', 'everysec'],
      custody: 'received',
    },
    { name: 'nothing kept', settings: [], custody: 'received' },
    { name: 'synced, but evicted', settings: [...bounded, 'volatile-ttl'], custody: 'received' },
    { name: 'synced, and bounded', settings: [...bounded, 'noeviction'], custody: 'stored' },
    { name: 'CONFIG not permitted', settings: [...SYNCED, ...hidden], custody: 'received' },
    { name: 'vouched for', settings: hidden, custody: 'stored', trustStorage: true },
  ])('$name: $custody', async ({ settings, custody, trustStorage = false }) => {
    const server = await RedisServer.start(settings);
    try {
      const store = await openRedisStore({ url: server.url, trustStorage });
      expect(store.custody).toBe(custody);
      await store.close();
    } finally {
      await server.dispose();
    }
  });
});

describe.skipIf(!HAS_REDIS)('redis: trouble', () => {
  let server: RedisServer;
  let store: SessionStore;
  beforeEach(async () => {
    server = await RedisServer.start();
    store = await openRedisStore({ url: server.url, callTimeoutMs: 500 });
  });
  afterEach(async () => {
    await store.close();
    await server.dispose();
  });

  const unavailable = { code: 'HAWSER_ERR_STORE_UNAVAILABLE' };

  /** The store connects by itself; only asking tells when it has. */
  async function isBack(): Promise<void> {
    await expect.poll(() => store.count(OWNER).catch(() => -1), { timeout: 20_000, interval: 20 }).toBe(0);
  }

  it('has a name for a server that is not there', async () => {
    await server.kill();
    await expect(openRedisStore({ url: server.url })).rejects.toMatchObject(unavailable);
  });

  it('rejects at once while there is no connection, and works again when there is', async () => {
    const made = header();
    await store.create(made, put(['a', '1']));
    await server.kill();
    await expect(store.commit(made.id, 1, put(['a', '2']))).rejects.toMatchObject(unavailable);
    await expect(store.load(made.id)).rejects.toMatchObject(unavailable);
    await server.restart();
    await isBack();
    expect(texts((await store.load(made.id))?.entries)).toEqual([['a', '1']]);
    expect(await store.commit(made.id, 1, put(['a', '2']))).toBe('committed');
    expect(await store.attach(made.id, OWNER, 1, 1)).toMatchObject({ type: 'attached' });
  });

  it('keeps all that was committed when Redis is killed under load, each batch in one piece', async () => {
    const made = header();
    await store.create(made, NOTHING);
    let committed = -1;
    const writing = (async () => {
      for (let number = 0; ; number += 1) {
        await store.commit(made.id, 1, put(['a', String(number)], ['b', String(number)]));
        committed = number;
      }
    })();
    await expect.poll(() => committed, { timeout: 20_000, interval: 5 }).toBeGreaterThan(50);
    const stopped = expect(writing).rejects.toMatchObject(unavailable);
    await server.kill();
    await stopped;
    await server.restart();
    await isBack();
    const [a, b] = texts((await store.load(made.id))?.entries).map(([, value]) => Number(value));
    expect(a).toBe(b);
    // The one that was under way may be there or not.
    expect([committed, committed + 1]).toContain(a);
  });

  it('rejects in bounded time what a stopped Redis does not answer; a late change has no effect then', async () => {
    const made = header();
    await store.create(made, put(['a', '1']));
    server.signal('SIGSTOP');
    const late = [store.commit(made.id, 1, put(['a', '2'], ['late', ''])), store.commit(made.id, 1, put(['b', '2']))];
    const results = await Promise.allSettled(late);
    expect(results).toMatchObject([
      { status: 'rejected', reason: unavailable },
      { status: 'rejected', reason: unavailable },
    ]);
    server.signal('SIGCONT');
    await isBack();
    // Whatever became of the first: repeated, it is there, and what comes after it stays.
    expect(await store.commit(made.id, 1, put(['a', '2'], ['late', '']))).toBe('committed');
    expect(await store.commit(made.id, 1, { ...put(['a', '3']), delete: ['late'] })).toBe('committed');
    expect(texts((await store.load(made.id))?.entries)).toEqual([['a', '3']]);
  });

  it('does not apply a change again that arrives twice', async () => {
    const made = header();
    await store.create(made, NOTHING);
    await store.commit(made.id, 1, put(['a', '1']));
    // As a connection would deliver it that was stuck: the same writer, an earlier number.
    const { COMMIT } = await import('../../../store/redis-scripts.ts');
    const late = (writer: string, seq: string): Promise<string[]> =>
      server.admin((client) =>
        client.eval(COMMIT.text, {
          keys: [],
          arguments: ['{hawser}', writer, seq, '60000', made.id, '1', '', '', '0', 'a', 'late'],
        }),
      ) as Promise<string[]>;
    const [writer = '', seq = ''] = await server.admin(async (client) => {
      const fields = await client.hmGet(`{hawser}:head:${made.id}`, ['writer', 'seq']);
      return fields.map(String);
    });
    await late(writer, seq);
    await late(writer, '1');
    expect(await late('somebody', '99')).toEqual(['fenced']);
    expect(texts((await store.load(made.id))?.entries)).toEqual([['a', '1']]);
  });

  it('names a Redis without room, and works again when there is some', async () => {
    const made = header();
    await store.create(made, put(['a', '1']));
    await server.admin((client) => client.configSet({ maxmemory: '1', 'maxmemory-policy': 'noeviction' }));
    await expect(store.commit(made.id, 1, put(['a', '2']))).rejects.toMatchObject({ code: 'HAWSER_ERR_STORE_FULL' });
    await server.admin((client) => client.configSet('maxmemory', '0'));
    expect(texts((await store.load(made.id))?.entries)).toEqual([['a', '1']]);
    expect(await store.commit(made.id, 1, put(['a', '2']))).toBe('committed');
  });

  it('does not go on with a custody that Redis no longer keeps', async () => {
    const made = header();
    await store.create(made, NOTHING);
    await server.admin(async (client) => {
      await client.configSet('appendfsync', 'no');
      // The setting is looked at with each new connection.
      await client.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes']);
    });
    const failure = { code: 'HAWSER_ERR_STORE_FAILED' };
    await expect
      .poll(() => store.commit(made.id, 1, NOTHING).catch((error: unknown) => error), { timeout: 20_000, interval: 20 })
      .toMatchObject(failure);
  });
});
