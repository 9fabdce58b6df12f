import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDurableStore } from '../../../store/index.ts';
import { storeCompliance } from './compliance.ts';

storeCompliance('durable', {
  custody: 'stored',
  open: async () => {
    const directory = await mkdtemp(join(tmpdir(), 'hawser-store-'));
    let now = 1_000_000;
    const clock = (): number => now;
    let store = await openDurableStore({ directory, clock });
    return {
      store,
      advance: (ms) => {
        now += ms;
        return Promise.resolve();
      },
      reopen: async () => {
        await store.close();
        store = await openDurableStore({ directory, clock });
        return store;
      },
      dispose: async () => {
        await store.close();
        await rm(directory, { recursive: true });
      },
    };
  },
});
