import fc from 'fast-check';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type AttachResult,
  type Cursors,
  MemoryStore,
  openDurableStore,
  openRedisStore,
  type SessionHeader,
  type SessionStore,
} from '../../../store/index.ts';
import { HAS_REDIS, RedisServer } from './redis-server.ts';

/** A step that all stores and the model take. Sessions, owners and keys come from small sets, so that they meet. */
type Step =
  | { readonly type: 'create'; readonly session: number; readonly owner: number; readonly role: 'client' | 'server' }
  | {
      readonly type: 'attach';
      readonly session: number;
      readonly owner: number;
      readonly attempt: number;
      readonly ahead: number;
    }
  | {
      readonly type: 'commit';
      readonly session: number;
      readonly ahead: number;
      readonly put: readonly (readonly [number, Uint8Array])[];
      readonly delete: readonly number[];
      readonly cursors: Cursors | undefined;
    }
  | {
      readonly type: 'note';
      readonly session: number;
      readonly ahead: number;
      readonly attempt: number | undefined;
      readonly epoch: number | undefined;
    }
  | { readonly type: 'end'; readonly session: number; readonly ahead: number; readonly cursors: Cursors }
  | {
      readonly type: 'detached';
      readonly session: number;
      readonly ahead: number;
      readonly cursors: Cursors | undefined;
    }
  | { readonly type: 'advance'; readonly ms: number }
  | { readonly type: 'sweep' | 'reopen' };

const RETENTION_MS = 100_000;
const session = fc.constantFrom(0, 0, 0, 1, 2);
const owner = fc.constantFrom(0, 0, 0, 0, 1);
/** Mostly the epoch that the session has. */
const ahead = fc.constantFrom(0, 0, 0, 0, -1, 1);
const cursors = fc.record({ receiveCursor: fc.nat({ max: 9 }), sendCursor: fc.nat({ max: 9 }) });
const maybeCursors = fc.option(cursors, { nil: undefined });
const value = fc.uint8Array({ maxLength: 40 });

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('create' as const),
      session,
      owner,
      role: fc.constantFrom('server' as const, 'server' as const, 'client' as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ type: fc.constant('attach' as const), session, owner, attempt: fc.nat({ max: 5 }), ahead }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('commit' as const),
      session,
      ahead,
      put: fc.array(fc.tuple(fc.nat({ max: 12 }), value), { maxLength: 4 }),
      delete: fc.array(fc.nat({ max: 12 }), { maxLength: 3 }),
      cursors: maybeCursors,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('note' as const),
      session,
      ahead,
      attempt: fc.option(fc.nat({ max: 5 }), { nil: undefined }),
      epoch: fc.option(fc.nat({ max: 6 }), { nil: undefined }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('end' as const), session, ahead, cursors }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('detached' as const), session, ahead, cursors: maybeCursors }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('advance' as const), ms: fc.constantFrom(20_000, 50_000, 90_000) }),
  },
  { weight: 1, arbitrary: fc.constantFrom({ type: 'sweep' as const }, { type: 'reopen' as const }) },
);

/** What the interface says, as plainly as it can be written down. */
class Model {
  readonly #sessions = new Map<
    string,
    {
      header: SessionHeader;
      entries: Map<string, Uint8Array>;
      cursors: Cursors | undefined;
      detachedAt: number | undefined;
      endedAt: number | undefined;
      reported: boolean;
    }
  >();
  #now = 0;

  run(step: Step): unknown {
    this.#expire();
    switch (step.type) {
      case 'advance':
        this.#now += step.ms;
        return undefined;
      case 'reopen':
        return undefined;
      case 'sweep': {
        const expired = [...this.#sessions.values()].filter(
          ({ endedAt, reported }) => endedAt !== undefined && !reported,
        );
        for (const each of expired) each.reported = true;
        return expired.map(({ header }) => header.id).sort();
      }
      case 'create': {
        const id = idOf(step.session);
        const former = this.#sessions.get(id);
        if (former !== undefined && (former.endedAt === undefined || this.#isKept(former)))
          return 'HAWSER_ERR_STORE_EXISTS';
        const header = headerOf(step);
        this.#sessions.set(id, {
          header,
          entries: new Map(),
          cursors: undefined,
          detachedAt: undefined,
          endedAt: undefined,
          reported: false,
        });
        return undefined;
      }
      case 'attach': {
        const held = this.#sessions.get(idOf(step.session));
        if (held === undefined || held.header.owner !== ownerOf(step.owner)) return { type: 'unknown' };
        if (held.endedAt !== undefined)
          return this.#isKept(held)
            ? { type: 'ended', epoch: held.header.epoch, cursors: held.cursors }
            : { type: 'unknown' };
        if (step.attempt <= held.header.attempt) return { type: 'stale' };
        if (step.ahead > 0) return { type: 'ahead', header: held.header, cursors: held.cursors };
        held.header = { ...held.header, epoch: held.header.epoch + 1, attempt: step.attempt };
        held.detachedAt = undefined;
        return { type: 'attached', session: { header: held.header, entries: entriesOf(held.entries) } };
      }
      default: {
        const held = this.#sessions.get(idOf(step.session));
        if (held === undefined || step.ahead !== 0) return 'fenced';
        if (held.endedAt !== undefined) {
          if (step.type !== 'end' || !this.#isKept(held)) return 'fenced';
          return JSON.stringify(held.cursors) === JSON.stringify(step.cursors) ? 'committed' : 'fenced';
        }
        if (step.type === 'commit') {
          for (const key of step.delete) held.entries.delete(keyOf(key));
          for (const [key, octets] of step.put) held.entries.set(keyOf(key), octets);
        } else if (step.type === 'note') {
          const { epoch, attempt } = held.header;
          if ((step.epoch ?? Infinity) <= epoch || (step.attempt ?? Infinity) <= attempt) return 'fenced';
          held.header = { ...held.header, epoch: step.epoch ?? epoch, attempt: step.attempt ?? attempt };
          if (step.epoch !== undefined) held.detachedAt = undefined;
          return 'committed';
        } else if (step.type === 'detached') {
          held.detachedAt ??= this.#now;
        } else {
          held.endedAt = this.#now;
          held.reported = true;
        }
        held.cursors = step.cursors ?? held.cursors;
        return 'committed';
      }
    }
  }

  /** What can be seen of the sessions without changing them. */
  state(): unknown {
    this.#expire();
    const live = [...this.#sessions.values()].filter(({ endedAt }) => endedAt === undefined);
    return {
      sessions: [0, 1, 2].map((number) => {
        const found = live.find(({ header }) => header.id === idOf(number));
        return found && { header: found.header, entries: entriesOf(found.entries) };
      }),
      counts: [0, 1].map(
        (number) =>
          live.filter(
            ({ header, detachedAt }) =>
              header.role === 'server' && header.owner === ownerOf(number) && detachedAt !== undefined,
          ).length,
      ),
      epochs: live.map(({ header }) => header.id + String(header.epoch)).sort(),
    };
  }

  epochOf(number: number): number {
    return this.#sessions.get(idOf(number))?.header.epoch ?? 1;
  }

  #expire(): void {
    for (const held of this.#sessions.values()) {
      if (held.endedAt !== undefined || held.detachedAt === undefined) continue;
      if (this.#now >= held.detachedAt + RETENTION_MS) held.endedAt = held.detachedAt + RETENTION_MS;
    }
  }

  #isKept({
    cursors,
    endedAt,
  }: {
    readonly cursors: Cursors | undefined;
    readonly endedAt: number | undefined;
  }): boolean {
    return cursors !== undefined && endedAt !== undefined && this.#now < endedAt + RETENTION_MS;
  }
}

function idOf(number: number): string {
  return `${number}`.padStart(32, 'a');
}

function ownerOf(number: number): string {
  return `spiffe://example.org/${number}`;
}

function keyOf(number: number): string {
  return `k/${number}`;
}

function headerOf(step: {
  readonly session: number;
  readonly owner: number;
  readonly role: 'client' | 'server';
}): SessionHeader {
  return {
    id: idOf(step.session),
    role: step.role,
    owner: ownerOf(step.owner),
    epoch: 1,
    attempt: 0,
    retentionMs: RETENTION_MS,
  };
}

function entriesOf(entries: ReadonlyMap<string, Uint8Array>): unknown {
  return [...entries].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, octets]) => ({ key, value: [...octets] }));
}

/** A store, and how time passes for it. */
interface Subject {
  store: SessionStore;
  advance(ms: number): Promise<void>;
  reopen(): Promise<void>;
  dispose(): Promise<void>;
}

function plain(result: AttachResult): unknown {
  if (result.type !== 'attached') return result;
  const { header, entries } = result.session;
  return {
    type: 'attached',
    session: { header, entries: entries.map(({ key, value }) => ({ key, value: [...value] })) },
  };
}

async function run(subject: Subject, step: Step, epochOf: (session: number) => number): Promise<unknown> {
  const { store } = subject;
  switch (step.type) {
    case 'advance':
      return subject.advance(step.ms);
    case 'reopen':
      return subject.reopen();
    case 'sweep':
      return [...(await store.sweep())].sort();
    case 'create':
      return store
        .create(headerOf(step), { put: [], delete: [] })
        .catch((error: unknown) => (error as { readonly code: string }).code);
    case 'attach':
      return plain(
        await store.attach(idOf(step.session), ownerOf(step.owner), step.attempt, epochOf(step.session) + step.ahead),
      );
    case 'commit':
      return store.commit(idOf(step.session), epochOf(step.session) + step.ahead, {
        put: step.put.map(([key, octets]) => ({ key: keyOf(key), value: octets })),
        delete: step.delete.map(keyOf),
        ...(step.cursors && { cursors: step.cursors }),
      });
    case 'note':
      return store.note(idOf(step.session), epochOf(step.session) + step.ahead, {
        ...(step.attempt !== undefined && { attempt: step.attempt }),
        ...(step.epoch !== undefined && { epoch: step.epoch }),
      });
    case 'end':
      return store.end(idOf(step.session), epochOf(step.session) + step.ahead, step.cursors);
    case 'detached':
      return store.detached(idOf(step.session), epochOf(step.session) + step.ahead, step.cursors);
  }
}

async function state({ store }: Subject): Promise<unknown> {
  const sessions = await Promise.all([0, 1, 2].map((number) => store.load(idOf(number))));
  const headers = [...(await store.list('client')), ...(await store.list('server'))];
  return {
    sessions: sessions.map(
      (found) =>
        found && { header: found.header, entries: found.entries.map(({ key, value }) => ({ key, value: [...value] })) },
    ),
    counts: await Promise.all([0, 1].map((number) => store.count(ownerOf(number)))),
    epochs: headers.map(({ id, epoch }) => id + String(epoch)).sort(),
  };
}

async function agree(steps: readonly Step[], subject: Subject): Promise<void> {
  const model = new Model();
  try {
    for (const each of steps) {
      const result = await run(subject, each, (number) => model.epochOf(number));
      expect(result).toEqual(model.run(each));
      expect(await state(subject)).toEqual(model.state());
    }
    // What is left can be opened.
    await subject.reopen();
  } finally {
    await subject.dispose();
  }
}

function memory(): Promise<Subject> {
  let now = 0;
  return Promise.resolve({
    store: new MemoryStore({ clock: () => now }),
    advance: (ms) => {
      now += ms;
      return Promise.resolve();
    },
    reopen: () => Promise.resolve(),
    dispose: () => Promise.resolve(),
  });
}

async function durable(): Promise<Subject> {
  const directory = await mkdtemp(join(tmpdir(), 'hawser-store-'));
  let now = 0;
  const open = (): Promise<SessionStore> => openDurableStore({ directory, clock: () => now });
  const subject: Subject = {
    store: await open(),
    advance: (ms) => {
      now += ms;
      return Promise.resolve();
    },
    reopen: async () => {
      await subject.store.close();
      subject.store = await open();
    },
    dispose: async () => {
      await subject.store.close();
      await rm(directory, { recursive: true });
    },
  };
  return subject;
}

function withoutCounts(value: unknown): unknown {
  return { ...(value as object), counts: undefined };
}

describe('session stores agree with a model', () => {
  let server: RedisServer;
  let lastPrefix = 0;
  beforeAll(async () => {
    if (HAS_REDIS) server = await RedisServer.start([]);
  });
  afterAll(async () => {
    if (HAS_REDIS) await server.dispose();
  });

  async function redis(): Promise<Subject> {
    lastPrefix += 1;
    const prefix = `agree-${lastPrefix}`;
    // A lease longer than all steps together: what happens when it runs out has a test of its own.
    const store = await openRedisStore({ url: server.url, prefix, leaseMs: 1e9 });
    return {
      store,
      advance: (ms) => server.advance(prefix, ms),
      reopen: () => Promise.resolve(),
      dispose: () => store.close(),
    };
  }

  // To open a durable store again detaches its sessions, which the model does not know of.
  const sequences = fc.array(
    step.filter(({ type }) => type !== 'reopen'),
    { maxLength: 40, size: 'max' },
  );

  it('memory', async () => {
    await fc.assert(
      fc.asyncProperty(sequences, async (steps) => agree(steps, await memory())),
      { numRuns: 500 },
    );
  });

  it('durable', async () => {
    await fc.assert(
      fc.asyncProperty(sequences, async (steps) => agree(steps, await durable())),
      { numRuns: 60 },
    );
  });

  it('durable, opened again in between', async () => {
    const timeless = fc.array(
      step.filter(({ type }) => type !== 'advance' && type !== 'sweep'),
      { maxLength: 40, size: 'max' },
    );
    await fc.assert(
      fc.asyncProperty(timeless, async (steps) => {
        const model = new Model();
        const subject = await durable();
        try {
          for (const each of steps) {
            expect(await run(subject, each, (number) => model.epochOf(number))).toEqual(model.run(each));
            expect(withoutCounts(await state(subject))).toEqual(withoutCounts(model.state()));
          }
        } finally {
          await subject.dispose();
        }
      }),
      { numRuns: 40 },
    );
  });

  it.skipIf(!HAS_REDIS)('redis', async () => {
    await fc.assert(
      fc.asyncProperty(sequences, async (steps) => agree(steps, await redis())),
      { numRuns: 15 },
    );
  });
});
