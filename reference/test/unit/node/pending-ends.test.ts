import { describe, expect, it } from 'vitest';
import { PendingEnds, type StoredEnd } from '../../../node/server/pending-ends.ts';
import { MemoryStore, type SessionStore } from '../../../store/index.ts';
import { storeError, withMethods } from '../../integration/support/stores.ts';
import { RecordingLog } from '../../integration/support/endpoints.ts';

const ID = 'cd'.repeat(16);
const OWNER = 'spiffe://hawser.test/client';
const EMPTY = { put: [], delete: [] };
const END: StoredEnd = {
  owner: OWNER,
  epoch: 1,
  cursors: { receiveCursor: 3, sendCursor: 5 },
  asked: undefined,
  noted: () => undefined,
};

/** A store with one session, which rejects `end` as often as it is told, after or before its effect. */
async function rejecting(times: number, landed = false): Promise<SessionStore> {
  const inner = new MemoryStore();
  await inner.create({ id: ID, role: 'server', owner: OWNER, epoch: 1, attempt: 0, retentionMs: 60_000 }, EMPTY);
  let failures = times;
  return withMethods(inner, {
    end: async (...call) => {
      if (failures-- <= 0) return inner.end(...call);
      if (landed) await inner.end(...call);
      throw storeError();
    },
  });
}

describe('an end that the store has not confirmed', () => {
  it.each([{ landed: false }, { landed: true }])('is asked for until it has (landed: $landed)', async ({ landed }) => {
    const store = await rejecting(2, landed);
    const ends = new PendingEnds(store, new RecordingLog());
    expect(await ends.add(ID, END)).toBe(false);
    expect([...ends.ids]).toEqual([ID]);
    expect(ends.ownerOf(ID)).toBe(OWNER);
    expect(await ends.confirm(ID)).toBe(false);
    expect(await ends.confirm(ID)).toBe(true);
    expect([...ends.ids]).toEqual([]);
    expect(await store.attach(ID, OWNER, 1, 1)).toMatchObject({ type: 'ended', cursors: END.cursors });
  });

  it('is asked for by one call at a time', async () => {
    let calls = 0;
    const inner = await rejecting(0);
    const store = withMethods(inner, {
      end: (...call) => {
        calls += 1;
        return inner.end(...call);
      },
    });
    const ends = new PendingEnds(store, new RecordingLog());
    const results = await Promise.all([ends.add(ID, END), ends.confirmIdle(), ends.confirm(ID)]);
    expect(results).toEqual([true, undefined, true]);
    expect(calls).toBe(1);
  });

  it('ends the session also where an attach that was not answered has raised the epoch [CNT-027]', async () => {
    const store = await rejecting(1);
    await store.attach(ID, OWNER, 7, 1);
    const ends = new PendingEnds(store, new RecordingLog());
    await ends.add(ID, { ...END, asked: 7 });
    expect(await ends.confirm(ID)).toBe(true);
    expect(await store.attach(ID, OWNER, 8, 2)).toMatchObject({ type: 'ended', cursors: END.cursors });
  });

  it('ends nothing that another one has attached, and says so [CNT-037]', async () => {
    const store = await rejecting(0);
    await store.attach(ID, OWNER, 7, 1);
    const log = new RecordingLog();
    const ends = new PendingEnds(store, log);
    expect(await ends.add(ID, { ...END, asked: 6 })).toBe(true);
    expect(await store.load(ID)).toMatchObject({ header: { epoch: 2 } });
    expect(log.lines).toMatchObject([{ level: 'warn', fields: { session: ID } }]);
  });

  it('keeps the cursors that were said first', async () => {
    const store = await rejecting(1);
    const ends = new PendingEnds(store, new RecordingLog());
    await ends.add(ID, END);
    await ends.add(ID, { ...END, cursors: { receiveCursor: 9, sendCursor: 9 } });
    expect(await store.attach(ID, OWNER, 1, 1)).toMatchObject({ type: 'ended', cursors: END.cursors });
  });
});
