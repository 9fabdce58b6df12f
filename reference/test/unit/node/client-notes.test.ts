import { describe, expect, it } from 'vitest';
import { ClientNotes } from '../../../node/client/client-notes.ts';
import { systemEnvironment } from '../../../node/environment.ts';
import { MemoryStore, type SessionStore } from '../../../store/index.ts';
import { RecordingLog } from '../../integration/support/endpoints.ts';
import { storeError, withMethods } from '../../integration/support/stores.ts';

const ID = 'ab'.repeat(16);

/** Notes of a session in a store whose first `note` of an epoch takes effect while its answer is lost. */
async function unanswered(methods: (inner: MemoryStore) => Partial<SessionStore> = () => ({})): Promise<{
  readonly notes: ClientNotes;
  readonly inner: MemoryStore;
}> {
  const inner = new MemoryStore();
  const header = { id: ID, role: 'client', owner: 'spiffe://s', epoch: 1, attempt: 0, retentionMs: 60_000 } as const;
  await inner.create(header, { put: [], delete: [] });
  let failures = 1;
  const store = withMethods(inner, {
    note: async (...call) => {
      const result = await inner.note(...call);
      if (call[2].epoch !== undefined && failures-- > 0) throw storeError();
      return result;
    },
    ...methods(inner),
  });
  const notes = new ClientNotes({
    id: ID,
    store,
    attempt: 0,
    epoch: 1,
    endings: new Set(),
    environment: systemEnvironment,
    log: new RecordingLog(),
  });
  return { notes, inner };
}

describe('a client whose note of an epoch had no answer', () => {
  it('is not fenced by itself where the store fails once more when it is asked [CNT-013] [CNT-020]', async () => {
    let failures = 1;
    const { notes } = await unanswered((inner) => ({
      list: (role) => (failures-- > 0 ? Promise.reject(storeError()) : inner.list(role)),
    }));
    await expect(notes.epoch(2)).rejects.toThrow();
    await expect(notes.epoch(2)).rejects.toThrow();
    expect(await notes.epoch(2)).toBe('committed');
  });

  it('is not fenced by itself when it notes an attempt before the epoch again [CNT-013] [CNT-018]', async () => {
    const { notes, inner } = await unanswered();
    const epoch = notes.epoch(2);
    const attempt = notes.nextAttempt();
    await expect(epoch).rejects.toThrow();
    expect(await attempt).toBe(1);
    expect(await notes.epoch(2)).toBe('committed');
    expect(await inner.list('client')).toMatchObject([{ epoch: 2, attempt: 1 }]);
  });

  it('is fenced where another program has the session [CNT-058]', async () => {
    const { notes, inner } = await unanswered();
    await expect(notes.epoch(2)).rejects.toThrow();
    await inner.note(ID, 2, { epoch: 3 });
    expect(await notes.nextAttempt()).toBe('fenced');
    expect(await notes.epoch(2)).toBe('fenced');
  });
});
