import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Batch, Entry, SessionHeader, SessionStore } from '../../../store/index.ts';

/** A store under test, and what surrounds it. */
export interface StoreHarness {
  readonly store: SessionStore;
  /** Lets time pass for the store, without waiting. */
  advance(ms: number): Promise<void>;
  /** Closes the store and opens it again, on what it left; absent where nothing is left. */
  reopen?(): Promise<SessionStore>;
  /** Another process's store on the same storage; absent where there is none. */
  other?(): Promise<SessionStore>;
  dispose(): Promise<void>;
}

/** What a store is expected to do as soon as it can be opened. */
export interface ComplianceOptions {
  open(): Promise<StoreHarness>;
  readonly custody: 'received' | 'stored';
  /** Whether it is to be skipped, because what it needs is not there. */
  readonly skip?: boolean;
}

export const OWNER = 'spiffe://example.org/client';
export const RETENTION_MS = 60_000;

let lastId = 0;

/** A session header with an id of its own. */
export function header(change: Partial<SessionHeader> = {}): SessionHeader {
  lastId += 1;
  const id = lastId.toString(16).padStart(32, '0');
  return { id, role: 'server', owner: OWNER, epoch: 1, attempt: 0, retentionMs: RETENTION_MS, ...change };
}

/** Entries with text for values. */
export function put(...entries: readonly (readonly [key: string, text: string])[]): Batch {
  return { put: entries.map(([key, text]) => ({ key, value: new TextEncoder().encode(text) })), delete: [] };
}

export const NOTHING: Batch = { put: [], delete: [] };

/** Entries as text, for comparison. */
export function texts(entries: readonly Entry[] | undefined): [string, string][] {
  return (entries ?? []).map(({ key, value }) => [key, new TextDecoder().decode(value)]);
}

/** The tests that every session store passes. */
export function storeCompliance(name: string, options: ComplianceOptions): void {
  describe.skipIf(options.skip === true)(`${name}: session store`, () => {
    let harness: StoreHarness;
    let store: SessionStore;

    beforeEach(async () => {
      harness = await options.open();
      store = harness.store;
    });
    afterEach(() => harness.dispose());

    /** A session that is there, attached. */
    async function created(batch = NOTHING, change: Partial<SessionHeader> = {}): Promise<SessionHeader> {
      const made = header(change);
      await store.create(made, batch);
      return made;
    }

    it('says what a resolved call guarantees', () => {
      expect(store.custody).toBe(options.custody);
      expect(store.shared).toBe(harness.other !== undefined);
    });

    describe('create, load, commit', () => {
      it('gives back what was created', async () => {
        const made = await created(put(['state', 'a'], ['out/2', 'c'], ['out/1', 'b']));
        const session = await store.load(made.id);
        expect(session?.header).toEqual(made);
        expect(texts(session?.entries)).toEqual([
          ['out/1', 'b'],
          ['out/2', 'c'],
          ['state', 'a'],
        ]);
      });

      it('knows nothing of other ids', async () => {
        expect(await store.load('0'.repeat(32))).toBeUndefined();
        expect(await store.commit('0'.repeat(32), 1, NOTHING)).toBe('fenced');
      });

      it('refuses an id that is taken, by a live session or one that has ended', async () => {
        const made = await created(put(['state', 'a']));
        await expect(store.create(made, NOTHING)).rejects.toMatchObject({ code: 'HAWSER_ERR_STORE_EXISTS' });
        await store.end(made.id, 1, { receiveCursor: 1, sendCursor: 2 });
        await expect(store.create(made, NOTHING)).rejects.toMatchObject({ code: 'HAWSER_ERR_STORE_EXISTS' });
      });

      it('refuses bad headers and keys', async () => {
        const misuse = { code: 'HAWSER_ERR_MISUSE_STORE_HEADER' };
        await expect(store.create(header({ id: 'A'.repeat(32) }), NOTHING)).rejects.toMatchObject(misuse);
        await expect(store.create(header({ epoch: 0 }), NOTHING)).rejects.toMatchObject(misuse);
        await expect(store.create(header({ attempt: 1.5 }), NOTHING)).rejects.toMatchObject(misuse);
        await expect(store.create(header({ retentionMs: 0 }), NOTHING)).rejects.toMatchObject(misuse);
        const made = await created();
        for (const key of ['', 'ä', 'a\n', 'x'.repeat(256)]) {
          const code = 'HAWSER_ERR_MISUSE_STORE_KEY';
          await expect(store.commit(made.id, 1, put([key, '']))).rejects.toMatchObject({ code });
          await expect(store.commit(made.id, 1, { put: [], delete: [key] })).rejects.toMatchObject({ code });
        }
      });

      it('puts, replaces and deletes in one batch, deletions first', async () => {
        const made = await created(put(['a', '1'], ['b', '1'], ['c', '1']));
        const batch = { ...put(['a', '2'], ['b', '2'], ['d', '2']), delete: ['b', 'c', 'never'] };
        expect(await store.commit(made.id, 1, batch)).toBe('committed');
        expect(texts((await store.load(made.id))?.entries)).toEqual([
          ['a', '2'],
          ['b', '2'],
          ['d', '2'],
        ]);
      });

      it('orders entries by their keys, octet for octet', async () => {
        const keys = ['out/9', 'out/10', 'Out', 'out', '~', ' ', 'out/', 'msg', 'out/1', '0', 'x'.repeat(255)];
        const made = await created(put(...keys.map((key) => [key, key] as const)));
        const session = await store.load(made.id);
        expect(session?.entries.map(({ key }) => key)).toEqual([...keys].sort());
      });

      it('keeps any octets, and none', async () => {
        const all = Uint8Array.from({ length: 512 }, (_, index) => index & 0xff);
        const entries = [
          { key: 'all', value: all },
          { key: 'none', value: new Uint8Array() },
          { key: 'part', value: all.subarray(10, 20) },
        ];
        const made = await created({ put: entries, delete: [] });
        const session = await store.load(made.id);
        expect(session?.entries.map(({ value }) => [...value])).toEqual(entries.map(({ value }) => [...value]));
      });

      it('keeps values of 16 MiB', async () => {
        const value = new Uint8Array(16 << 20).map((_, index) => (index * 31) >> 3);
        const made = await created();
        expect(await store.commit(made.id, 1, { put: [{ key: 'big', value }], delete: [] })).toBe('committed');
        const session = await store.load(made.id);
        expect(Buffer.compare(session?.entries[0]?.value ?? new Uint8Array(), value)).toBe(0);
      }, 60_000);

      it('shares no memory with its caller', async () => {
        const value = Uint8Array.of(1, 2, 3);
        const made = await created({ put: [{ key: 'a', value }], delete: [] });
        value[0] = 9;
        const first = await store.load(made.id);
        first!.entries[0]!.value[1] = 9;
        expect((await store.load(made.id))?.entries[0]?.value).toEqual(Uint8Array.of(1, 2, 3));
      });

      it('applies changes in the order of the calls without waiting', async () => {
        const made = await created();
        const results = await Promise.all(
          Array.from({ length: 100 }, (_, index) =>
            store.commit(made.id, 1, {
              ...put(['last', String(index)], [`n/${index}`, '']),
              delete: index === 0 ? [] : [`n/${index - 1}`],
            }),
          ),
        );
        expect(new Set(results)).toEqual(new Set(['committed']));
        expect(texts((await store.load(made.id))?.entries)).toEqual([
          ['last', '99'],
          ['n/99', ''],
        ]);
      });

      it('keeps sessions apart, and their order within many at once', async () => {
        const made = await Promise.all(Array.from({ length: 20 }, () => created()));
        await Promise.all(
          Array.from({ length: 10 }, (_, round) =>
            made.map(({ id }, index) => store.commit(id, 1, put(['x', `${index}/${round}`]))),
          ).flat(),
        );
        const read = await Promise.all(made.map(({ id }) => store.load(id)));
        expect(read.map((session) => texts(session?.entries)[0]?.[1])).toEqual(made.map((_, index) => `${index}/9`));
      });
    });

    describe('attach', () => {
      it('raises the epoch, notes the attempt and gives everything', async () => {
        const made = await created(put(['b', '2'], ['a', '1']));
        const result = await store.attach(made.id, OWNER, 1, 1);
        expect(result).toMatchObject({ type: 'attached', session: { header: { ...made, epoch: 2, attempt: 1 } } });
        expect(result.type === 'attached' && texts(result.session.entries)).toEqual([
          ['a', '1'],
          ['b', '2'],
        ]);
        expect((await store.load(made.id))?.header).toEqual({ ...made, epoch: 2, attempt: 1 });
      });

      it('takes a lower epoch [CNT-024] and attempts with gaps', async () => {
        const made = await created();
        await store.attach(made.id, OWNER, 5, 1);
        expect(await store.attach(made.id, OWNER, 9, 1)).toMatchObject({
          type: 'attached',
          session: { header: { epoch: 3, attempt: 9 } },
        });
      });

      it('finds an attempt stale that is not greater [CNT-023]', async () => {
        const made = await created();
        await store.attach(made.id, OWNER, 3, 1);
        expect(await store.attach(made.id, OWNER, 3, 2)).toEqual({ type: 'stale' });
        expect(await store.attach(made.id, OWNER, 2, 9)).toEqual({ type: 'stale' });
        expect((await store.load(made.id))?.header).toMatchObject({ epoch: 2, attempt: 3 });
      });

      it('reports an epoch from the future, and changes nothing [CNT-025]', async () => {
        const made = await created();
        const ahead = { type: 'ahead', header: made };
        expect(await store.attach(made.id, OWNER, 1, 2)).toEqual({ ...ahead, cursors: undefined });
        const cursors = { receiveCursor: 7, sendCursor: 2 ** 53 - 1 };
        await store.commit(made.id, 1, { ...NOTHING, cursors });
        expect(await store.attach(made.id, OWNER, 1, 2)).toEqual({ ...ahead, cursors });
        expect((await store.load(made.id))?.header).toEqual(made);
      });

      it('tells another owner nothing, live or ended [CNT-021]', async () => {
        const made = await created();
        expect(await store.attach(made.id, `${OWNER}/`, 1, 1)).toEqual({ type: 'unknown' });
        await store.end(made.id, 1, { receiveCursor: 1, sendCursor: 1 });
        expect(await store.attach(made.id, OWNER.toUpperCase(), 1, 1)).toEqual({ type: 'unknown' });
        expect(await store.attach('f'.repeat(32), OWNER, 1, 1)).toEqual({ type: 'unknown' });
        expect(await store.attach('not an id', OWNER, 1, 1)).toEqual({ type: 'unknown' });
      });

      it('lets exactly one of two attempts with one number win [CNT-027]', async () => {
        const made = await created();
        const rival = (await harness.other?.()) ?? store;
        for (let attempt = 1; attempt <= 20; attempt += 1) {
          const results = await Promise.all([
            store.attach(made.id, OWNER, attempt, 1),
            rival.attach(made.id, OWNER, attempt, 1),
          ]);
          expect(results.map(({ type }) => type).sort()).toEqual(['attached', 'stale']);
        }
        expect((await store.load(made.id))?.header).toMatchObject({ epoch: 21, attempt: 20 });
      });

      it('gives each of many attempts an epoch of its own', async () => {
        const made = await created();
        const results = await Promise.all(
          Array.from({ length: 10 }, (_, index) => store.attach(made.id, OWNER, index + 1, 1)),
        );
        const epochs = results.flatMap((result) => (result.type === 'attached' ? [result.session.header.epoch] : []));
        expect(new Set(epochs).size).toBe(epochs.length);
        expect((await store.load(made.id))?.header.epoch).toBe(1 + epochs.length);
      });
    });

    describe('fencing [CNT-037]', () => {
      it('changes nothing for who holds an epoch of the past or of the future', async () => {
        const made = await created(put(['a', '1']));
        await store.attach(made.id, OWNER, 1, 1);
        for (const epoch of [1, 3]) {
          expect(await store.commit(made.id, epoch, put(['a', '2']))).toBe('fenced');
          expect(await store.commit(made.id, epoch, NOTHING)).toBe('fenced');
          expect(await store.note(made.id, epoch, { attempt: 7 })).toBe('fenced');
          expect(await store.detached(made.id, epoch)).toBe('fenced');
          expect(await store.end(made.id, epoch, { receiveCursor: 0, sendCursor: 0 })).toBe('fenced');
        }
        expect(await store.count(OWNER)).toBe(0);
        const session = await store.load(made.id);
        expect(session?.header).toEqual({ ...made, epoch: 2, attempt: 1 });
        expect(texts(session?.entries)).toEqual([['a', '1']]);
        expect(await store.commit(made.id, 2, put(['a', '3']))).toBe('committed');
      });

      it('fences every call once the session has ended', async () => {
        const made = await created();
        await store.end(made.id, 1, { receiveCursor: 0, sendCursor: 0 });
        expect(await store.commit(made.id, 1, NOTHING)).toBe('fenced');
        expect(await store.note(made.id, 1, { attempt: 1 })).toBe('fenced');
        expect(await store.detached(made.id, 1)).toBe('fenced');
      });

      it('lets no commit through that was called after the attach of another', async () => {
        const made = await created();
        const other = (await harness.other?.()) ?? store;
        expect(await store.commit(made.id, 1, put(['a', '1']))).toBe('committed');
        expect(await other.attach(made.id, OWNER, 1, 1)).toMatchObject({ type: 'attached' });
        expect(await store.commit(made.id, 1, put(['a', '2']))).toBe('fenced');
        expect(await other.commit(made.id, 2, put(['b', '2']))).toBe('committed');
        expect(texts((await other.load(made.id))?.entries)).toEqual([
          ['a', '1'],
          ['b', '2'],
        ]);
      });
    });

    describe('note', () => {
      it('never takes a number twice [CNT-018]', async () => {
        const made = await created(NOTHING, { role: 'client' });
        expect(await store.note(made.id, 1, { attempt: 1 })).toBe('committed');
        expect(await store.note(made.id, 1, { attempt: 1 })).toBe('fenced');
        expect(await store.note(made.id, 1, { attempt: 3 })).toBe('committed');
        expect(await store.note(made.id, 1, { attempt: 2, epoch: 2 })).toBe('fenced');
        expect((await store.load(made.id))?.header).toEqual({ ...made, attempt: 3 });
      });

      it('notes the epoch of ACCEPT, under which the session goes on', async () => {
        const made = await created(NOTHING, { role: 'client' });
        await store.detached(made.id, 1);
        expect(await store.note(made.id, 1, { attempt: 1 })).toBe('committed');
        expect(await store.note(made.id, 1, { epoch: 4 })).toBe('committed');
        expect(await store.note(made.id, 4, { epoch: 4 })).toBe('fenced');
        expect(await store.commit(made.id, 1, NOTHING)).toBe('fenced');
        expect(await store.commit(made.id, 4, NOTHING)).toBe('committed');
        expect((await store.load(made.id))?.header).toEqual({ ...made, epoch: 4, attempt: 1 });
      });
    });

    describe('end', () => {
      it('keeps the cursors for the retention, and nothing else [CNT-035] [CNT-036]', async () => {
        const made = await created(put(['a', '1']));
        expect(await store.end(made.id, 1, { receiveCursor: 7, sendCursor: 9 })).toBe('committed');
        expect(await store.load(made.id)).toBeUndefined();
        expect(await store.list('server')).toEqual([]);
        const ended = { type: 'ended', epoch: 1, cursors: { receiveCursor: 7, sendCursor: 9 } };
        expect(await store.attach(made.id, OWNER, 1, 1)).toEqual(ended);
        await harness.advance(RETENTION_MS - 5_000);
        expect(await store.attach(made.id, OWNER, 1, 99)).toEqual(ended);
        await harness.advance(5_001);
        expect(await store.attach(made.id, OWNER, 1, 1)).toEqual({ type: 'unknown' });
        expect(await store.sweep()).toEqual([]);
        await store.create(made, NOTHING);
        expect((await store.load(made.id))?.entries).toEqual([]);
      });

      it('can be repeated, with the same cursors', async () => {
        const made = await created();
        const cursors = { receiveCursor: 2 ** 53 - 1, sendCursor: 0 };
        expect(await store.end(made.id, 1, cursors)).toBe('committed');
        expect(await store.end(made.id, 1, cursors)).toBe('committed');
        expect(await store.end(made.id, 1, { ...cursors, sendCursor: 1 })).toBe('fenced');
        expect(await store.attach(made.id, OWNER, 1, 1)).toEqual({ type: 'ended', epoch: 1, cursors });
      });

      it('ends a session that is attached elsewhere [CNT-025]', async () => {
        const made = await created(put(['a', '1']));
        const other = (await harness.other?.()) ?? store;
        expect(await other.end(made.id, 1, { receiveCursor: 1, sendCursor: 1 })).toBe('committed');
        expect(await store.commit(made.id, 1, NOTHING)).toBe('fenced');
      });
    });

    describe('retention', () => {
      it('keeps an attached session for as long as it lives', async () => {
        const made = await created(put(['a', '1']));
        for (let times = 0; times < 20; times += 1) {
          await harness.advance(20_000);
          expect(await store.sweep()).toEqual([]);
        }
        expect(await store.commit(made.id, 1, NOTHING)).toBe('committed');
      });

      it('expires a detached session after its retention, once [CNT-013] [CNT-017]', async () => {
        const made = await created(put(['a', '1']));
        expect(await store.detached(made.id, 1)).toBe('committed');
        await harness.advance(RETENTION_MS - 5_000);
        expect(await store.sweep()).toEqual([]);
        // What the application goes on to produce does not prolong it.
        expect(await store.commit(made.id, 1, put(['b', '2']))).toBe('committed');
        expect(await store.detached(made.id, 1)).toBe('committed');
        expect(texts((await store.load(made.id))?.entries)).toHaveLength(2);
        await harness.advance(5_001);
        expect(await store.load(made.id)).toBeUndefined();
        expect(await store.attach(made.id, OWNER, 1, 1)).toEqual({ type: 'unknown' });
        expect(await store.commit(made.id, 1, put(['c', '3']))).toBe('fenced');
        expect(await store.list('server')).toEqual([]);
        expect(await store.sweep()).toEqual([made.id]);
        expect(await store.sweep()).toEqual([]);
      });

      it('answers with the last cursors for another retention, where they are known [CNT-035]', async () => {
        const made = await created({ ...put(['a', '1']), cursors: { receiveCursor: 1, sendCursor: 1 } });
        const told = await created();
        await store.commit(made.id, 1, { ...NOTHING, cursors: { receiveCursor: 5, sendCursor: 6 } });
        await store.commit(made.id, 1, put(['b', '2']));
        await store.detached(made.id, 1);
        await store.detached(told.id, 1, { receiveCursor: 8, sendCursor: 9 });
        await harness.advance(RETENTION_MS + 1);
        expect(await store.attach(made.id, OWNER, 1, 1)).toEqual({
          type: 'ended',
          epoch: 1,
          cursors: { receiveCursor: 5, sendCursor: 6 },
        });
        expect([...(await store.sweep())].sort()).toEqual([made.id, told.id]);
        expect(await store.attach(told.id, OWNER, 1, 1)).toEqual({
          type: 'ended',
          epoch: 1,
          cursors: { receiveCursor: 8, sendCursor: 9 },
        });
        expect(await store.commit(made.id, 1, NOTHING)).toBe('fenced');
        await harness.advance(RETENTION_MS);
        expect(await store.attach(made.id, OWNER, 1, 1)).toEqual({ type: 'unknown' });
        expect(await store.sweep()).toEqual([]);
      });

      it('keeps a session that was attached again', async () => {
        const made = await created();
        await store.detached(made.id, 1);
        await store.attach(made.id, OWNER, 1, 1);
        for (let times = 0; times < 5; times += 1) {
          await harness.advance(20_000);
          expect(await store.sweep()).toEqual([]);
        }
        expect(await store.commit(made.id, 2, NOTHING)).toBe('committed');
        await store.detached(made.id, 2);
        await harness.advance(RETENTION_MS + 1);
        expect(await store.sweep()).toEqual([made.id]);
      });
    });

    describe('count and list', () => {
      it('counts the live detached sessions of one client [CNT-016]', async () => {
        const made = await Promise.all([created(), created(), created(), created({ ...NOTHING }, { owner: 'other' })]);
        const client = await created(NOTHING, { role: 'client' });
        expect(await store.count(OWNER)).toBe(0);
        for (const { id } of [...made, client]) await store.detached(id, 1);
        expect(await store.count(OWNER)).toBe(3);
        expect(await store.count('other')).toBe(1);
        expect(await store.count('nobody')).toBe(0);
        await store.attach(made[0].id, OWNER, 1, 1);
        await store.end(made[1].id, 1, { receiveCursor: 0, sendCursor: 0 });
        expect(await store.count(OWNER)).toBe(1);
        await harness.advance(RETENTION_MS / 2);
        await store.sweep();
        await harness.advance(RETENTION_MS / 2 + 1);
        expect(await store.count(OWNER)).toBe(0);
      });

      it('lists the live sessions of a role by id', async () => {
        const made = [await created(), await created(), await created()];
        const client = await created(NOTHING, { role: 'client' });
        await store.detached(made[1]!.id, 1);
        await store.end(made[2]!.id, 1, { receiveCursor: 0, sendCursor: 0 });
        expect(await store.list('server')).toEqual([made[0], made[1]]);
        expect(await store.list('client')).toEqual([client]);
      });
    });

    it('rejects calls after close, and closes once', async () => {
      const made = await created();
      const pending = store.commit(made.id, 1, put(['a', '1']));
      await store.close();
      await store.close();
      expect(await pending).toBe('committed');
      const closed = { code: 'HAWSER_ERR_STORE_CLOSED' };
      await expect(store.create(header(), NOTHING)).rejects.toMatchObject(closed);
      await expect(store.attach(made.id, OWNER, 1, 1)).rejects.toMatchObject(closed);
      await expect(store.commit(made.id, 1, NOTHING)).rejects.toMatchObject(closed);
      await expect(store.note(made.id, 1, {})).rejects.toMatchObject(closed);
      await expect(store.end(made.id, 1, { receiveCursor: 0, sendCursor: 0 })).rejects.toMatchObject(closed);
      await expect(store.detached(made.id, 1)).rejects.toMatchObject(closed);
      await expect(store.load(made.id)).rejects.toMatchObject(closed);
      await expect(store.list('server')).rejects.toMatchObject(closed);
      await expect(store.count(OWNER)).rejects.toMatchObject(closed);
      await expect(store.sweep()).rejects.toMatchObject(closed);
    });

    it('finds everything again after it was opened again', async (context) => {
      if (harness.reopen === undefined) return context.skip();
      const attached = await created({ ...put(['a', '1']), cursors: { receiveCursor: 3, sendCursor: 4 } });
      const detached = await created(put(['b', '2']));
      const ended = await created(put(['c', '3']));
      await store.attach(attached.id, OWNER, 4, 1);
      await store.detached(detached.id, 1);
      await store.end(ended.id, 1, { receiveCursor: 5, sendCursor: 6 });
      await harness.advance(10_000);
      store = await harness.reopen();
      expect(await store.list('server')).toEqual([{ ...attached, epoch: 2, attempt: 4 }, detached]);
      expect(await store.attach(ended.id, OWNER, 1, 1)).toEqual({
        type: 'ended',
        epoch: 1,
        cursors: { receiveCursor: 5, sendCursor: 6 },
      });
      expect(await store.attach(attached.id, OWNER, 4, 2)).toEqual({ type: 'stale' });
      const again = await store.attach(attached.id, OWNER, 5, 2);
      expect(again).toMatchObject({ type: 'attached', session: { header: { epoch: 3, attempt: 5 } } });
      expect(again.type === 'attached' && texts(again.session.entries)).toEqual([['a', '1']]);
      await harness.advance(RETENTION_MS - 10_000);
      expect(await store.attach(detached.id, OWNER, 1, 1)).toEqual({ type: 'unknown' });
    });
  });
}
