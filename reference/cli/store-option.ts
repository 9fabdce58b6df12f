import type { SessionStore } from '../store/index.ts';
import { UsageError } from './failure.ts';

/** What `--store` says: `memory`, a Redis address, or a folder. */
export async function openStore(where: string): Promise<SessionStore> {
  const { MemoryStore, openDurableStore, openRedisStore } = await import('../store/index.ts');
  if (where === 'memory') return new MemoryStore();
  const address = /^rediss?:/.test(where);
  if (!address && /^[a-z]+:\/\//.test(where)) {
    throw new UsageError('--store', `--store takes memory, a folder or redis://HOST:PORT, not ${where}.`);
  }
  try {
    return address ? await openRedisStore({ url: where }) : await openDurableStore({ directory: where });
  } catch (error) {
    throw new UsageError('--store', `The store ${where} can not be opened: ${(error as Error).message}`, error);
  }
}
