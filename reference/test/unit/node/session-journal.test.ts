import { describe, expect, it } from 'vitest';
import { type Session as CoreSession, TIMERS } from '../../../core/index.ts';
import { systemEnvironment } from '../../../node/environment.ts';
import { DeadlineQueue, type Environment } from '../../../node/index.ts';
import { wait } from '../../../node/wait.ts';
import { SessionJournal } from '../../../node/session/session-journal.ts';
import { MemoryStore, type SessionHeader, type SessionStore, StoreError } from '../../../store/index.ts';
import { withMethods } from '../../integration/support/stores.ts';

const ID = 'ab'.repeat(16);
const HEADER: SessionHeader = { id: ID, role: 'client', owner: 'server', epoch: 1, attempt: 0, retentionMs: 60_000 };
const EMPTY = { put: [], delete: [] };

/** Time passes as soon as somebody waits for it. */
function hurriedEnvironment(): Environment {
  let time = 0;
  const deadlines = new DeadlineQueue({
    now: () => time,
    set: (callback, delayMs) =>
      setImmediate(() => {
        time += delayMs;
        callback();
      }),
    clear: (timer) => clearImmediate(timer as NodeJS.Immediate),
  });
  return { ...systemEnvironment, deadlines };
}

/** A journal with one batch to write, and what it tells its owner, in order. */
function journalOf(
  store: SessionStore,
  environment = hurriedEnvironment(),
): {
  readonly journal: SessionJournal;
  readonly told: () => Promise<string[]>;
  /** Those told until now. */
  readonly failures: () => string[];
} {
  const batches = [{ number: 1, ...EMPTY }];
  const told: string[] = [];
  let settle: () => void = () => undefined;
  const settled = new Promise<void>((resolve) => (settle = resolve));
  const core = {
    epoch: 1,
    settledCustody: true,
    due: 1,
    sendCursor: 0,
    takeJournal: () => batches.shift(),
    stored: () => undefined,
  } as unknown as CoreSession;
  const journal = new SessionJournal(core, ID, store, environment, {
    stored: () => {
      told.push('stored');
      settle();
    },
    fenced: () => {
      told.push('fenced');
      settle();
    },
    failed: ({ code }) => {
      told.push(code);
      if (code === 'HAWSER_ERR_STORE_EXISTS') settle();
    },
  });
  return {
    journal,
    told: () => settled.then(() => told),
    failures: () => told.filter((what) => what.startsWith('HAWSER_ERR')),
  };
}

function down(): StoreError {
  return new StoreError('HAWSER_ERR_STORE_UNAVAILABLE', 'There is no answer.');
}

describe('SessionJournal', () => {
  it('takes a session for created that an unanswered try has created [CNT-013]', async () => {
    const store = new MemoryStore();
    const { journal, told } = journalOf(store);
    let tries = 0;
    journal.release(1, async () => {
      await store.create(HEADER, EMPTY);
      tries += 1;
      throw down();
    });
    expect(await told()).toEqual(['HAWSER_ERR_STORE_UNAVAILABLE', 'stored']);
    expect([tries, journal.failing]).toEqual([1, false]);
  });

  it('does not take the session of somebody else for its own', async () => {
    const store = new MemoryStore();
    await store.create(HEADER, EMPTY);
    const { journal, told } = journalOf(store);
    let tries = 0;
    journal.release(1, () => {
      tries += 1;
      return store.create(HEADER, EMPTY);
    });
    expect(await told()).toEqual(['HAWSER_ERR_STORE_EXISTS']);
    while (tries < 3) await new Promise((resolve) => setImmediate(resolve));
    expect([await told(), journal.failing]).toEqual([['HAWSER_ERR_STORE_EXISTS'], true]);
    journal.stop();
  });

  it('repeats the step that failed, and none before it', async () => {
    const store = new MemoryStore();
    await store.create(HEADER, EMPTY);
    const { journal, told } = journalOf(store);
    const steps: string[] = [];
    let failures = 2;
    journal.release(1, () => {
      steps.push('first');
      return Promise.resolve();
    });
    journal.release(1, () => {
      steps.push('second');
      return failures-- > 0 ? Promise.reject(down()) : Promise.resolve();
    });
    expect(await told()).toEqual(['HAWSER_ERR_STORE_UNAVAILABLE', 'stored']);
    expect(steps).toEqual(['first', 'second', 'second', 'second']);
  });

  it('asks a common store again whose answer came late, and takes one that is late again for a failure [CNT-062]', async () => {
    const memory = new MemoryStore();
    await memory.create(HEADER, EMPTY);
    const environment = hurriedEnvironment();
    const pass = (ms: number): Promise<void> => wait(ms, environment);
    const delays = [TIMERS.epoch_confirmation_ms + 1, TIMERS.epoch_confirmation_ms + 1, 0];
    let asked = 0;
    const store = withMethods(memory, {
      shared: true,
      commit: async (...call) => {
        asked += 1;
        const result = await memory.commit(...call);
        await pass(delays.shift() ?? 0);
        return result;
      },
    });
    const { journal, failures } = journalOf(store, environment);
    journal.release(1);
    await journal.confirmed();
    expect([asked, failures()]).toEqual([3, ['HAWSER_ERR_STORE_UNAVAILABLE']]);
    expect(journal.confirmed()).toBeUndefined();
  });

  it('lets go of a session that a common store gives to somebody else when it is asked again [CNT-062]', async () => {
    const memory = new MemoryStore();
    await memory.create({ ...HEADER, epoch: 2 }, EMPTY);
    const { journal, told } = journalOf(withMethods(memory, { shared: true }));
    await expect(journal.confirmed()).rejects.toMatchObject({ code: 'HAWSER_ERR_TRANSPORT_SESSION_ENDED' });
    expect(await told()).toEqual(['fenced']);
    await expect(journal.confirmed()).rejects.toMatchObject({ code: 'HAWSER_ERR_TRANSPORT_SESSION_ENDED' });
  });

  it('has nothing to ask a store that nobody shares', () => {
    const { journal } = journalOf(new MemoryStore());
    expect(journal.confirmed()).toBeUndefined();
  });
});
