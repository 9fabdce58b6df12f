import { statSync } from 'node:fs';
import type { SessionStore } from '../store/index.ts';
import { UsageError, fileProblem } from './failure.ts';

/** What `--store` says: `memory`, a Redis address, or a folder. */
export async function openStore(where: string): Promise<SessionStore> {
  if (where === '') throw new UsageError('--store', '--store takes memory, a folder or redis://HOST:PORT.');
  const { MemoryStore, openDurableStore, openRedisStore } = await import('../store/index.ts');
  if (where === 'memory') return new MemoryStore();
  const address = /^rediss?:/.test(where);
  if (!address && /^[a-z]+:\/\//.test(where)) {
    throw new UsageError('--store', `--store takes memory, a folder or redis://HOST:PORT, not ${where}.`);
  }
  if (address && !URL.canParse(where)) {
    throw new UsageError('--store', `--store ${shownStore(where)} is no address: it takes redis://HOST:PORT.`);
  }
  if (!address && isFile(where)) {
    throw new UsageError('--store', `--store ${where} is a file: name a folder, which need not exist.`);
  }
  try {
    return address ? await openRedisStore({ url: where }) : await openDurableStore({ directory: where });
  } catch (error) {
    throw new UsageError(
      '--store',
      `The store ${shownStore(where)} can not be opened: ${(error as Error).message}`,
      error,
    );
  }
}

function isFile(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() === false;
  } catch (cause) {
    throw new UsageError('--store', `--store ${path} can not be used: ${fileProblem(cause)}. Name another.`, cause);
  }
}

/** Where a store is, as anybody may read it: without the password. */
export function shownStore(where: string): string {
  return where.replace(/^(rediss?:\/\/[^@/]*:)[^@]*@/, '$1***@');
}
