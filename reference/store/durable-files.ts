import type { ClassicLevel } from 'classic-level';
import { closeSync, constants, fsyncSync, openSync, writeSync } from 'node:fs';
import { copyFile, link, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { corruptError, decodeNumber, encodeNumber } from './durable-records.ts';
import { makeDirectory } from './make-directory.ts';
import { StoreError } from './store-error.ts';
import { isWholeTable } from './table-check.ts';

const TABLE = /\.(ldb|sst)$/;

/** The database of the durable store: keys as text, values as octets. */
export type Database = ClassicLevel<string, Uint8Array>;

/**
 * The directory of a durable store.
 *
 * | Name | Is |
 * |---|---|
 * | `data/` | the database |
 * | `lock/` | a second, empty database; its lock is held as long as the store is open |
 * | `progress` | number of the last group that was acknowledged, or of an earlier one |
 * | `opening/` | the database as it was found, while it is being opened |
 * | `opening.part/` | the same, while that is being made or removed |
 *
 * The database repairs itself as it opens, and drops what it can not read. So it is opened only while a copy is there,
 * and `progress` tells whether something acknowledged is missing: a log that was cut off has no wrong checksum.
 */
export class DurableFiles {
  readonly #directory: string;
  readonly #data: string;
  readonly #copy: string;
  readonly #part: string;
  #lock: Database | undefined;
  #progress: number | undefined;

  constructor(directory: string) {
    this.#directory = directory;
    this.#data = join(directory, 'data');
    this.#copy = join(directory, 'opening');
    this.#part = join(directory, 'opening.part');
  }

  /** Makes the directory, and takes the lock. */
  async lock(): Promise<void> {
    try {
      makeDirectory(this.#directory, 0o700);
      this.#lock = await openDatabase(join(this.#directory, 'lock'));
    } catch (error) {
      throw storageError(error);
    }
  }

  async unlock(): Promise<void> {
    this.closeProgress();
    await this.#lock?.close();
    this.#lock = undefined;
  }

  /** Group number through which everything was acknowledged; undefined in a directory that is new. */
  async readProgress(): Promise<number | undefined> {
    const octets = await readFile(join(this.#directory, 'progress')).catch((error: unknown) => {
      if (codesOf(error).includes('ENOENT')) return undefined;
      throw storageError(error);
    });
    return octets === undefined ? undefined : decodeNumber(octets);
  }

  /** Creates `progress`, in a new directory, and opens it for {@link noteProgress}. */
  openProgress(number: number): void {
    this.closeProgress();
    this.#progress = openSync(join(this.#directory, 'progress'), constants.O_RDWR | constants.O_CREAT, 0o600);
    this.noteProgress(number);
    fsyncSync(this.#progress);
    syncDirectory(this.#directory);
  }

  /** Not synced: after a loss of power it may be behind the database, never before it. */
  noteProgress(number: number): void {
    if (this.#progress !== undefined) writeSync(this.#progress, encodeNumber(number), 0, undefined, 0);
  }

  closeProgress(): void {
    if (this.#progress !== undefined) closeSync(this.#progress);
    this.#progress = undefined;
  }

  /**
   * Opens the database, and lets it be verified before the copy of what was found goes.
   *
   * @param verify reads everything; what it throws leaves the directory as it was found.
   */
  async openVerified<T>(verify: (database: Database) => Promise<T>): Promise<{ database: Database; content: T }> {
    await this.#takeCopy();
    await this.#dropDamagedTables();
    let database: Database | undefined;
    try {
      database = await openDatabase(this.#data);
      const content = await verify(database);
      await this.#dropCopy();
      return { database, content };
    } catch (error) {
      await database?.close();
      const failure = storageError(error, true);
      if (failure.code === 'HAWSER_ERR_STORE_CORRUPT') await this.#restoreCopy();
      throw failure;
    }
  }

  /** A copy that is there already is from an opening that did not come to its end, and so the truer one. */
  async #takeCopy(): Promise<void> {
    try {
      const [names, copies] = await Promise.all([namesIn(this.#data), namesIn(this.#copy)]);
      if (names === undefined || copies !== undefined) return;
      await rm(this.#part, { recursive: true, force: true });
      await mkdir(this.#part);
      for (const name of names) await copyDatabaseFile(this.#data, this.#part, name);
      syncDirectory(this.#part);
      await rename(this.#part, this.#copy);
    } catch (error) {
      throw storageError(error);
    }
  }

  /** Under its name the copy is whole, and as old as the opening: gone before anything is acknowledged. */
  async #dropCopy(): Promise<void> {
    if ((await namesIn(this.#copy)) === undefined) return;
    await rm(this.#part, { recursive: true, force: true });
    await rename(this.#copy, this.#part);
    syncDirectory(this.#directory);
    await rm(this.#part, { recursive: true });
  }

  /**
   * What a table that is not whole held is missing then, and the database says so. Of one that it has no use for any
   * more, or was about to write when its process ended, nothing is missing.
   */
  async #dropDamagedTables(): Promise<void> {
    try {
      for (const name of (await namesIn(this.#data)) ?? []) {
        const path = join(this.#data, name);
        if (TABLE.test(name) && !isWholeTable(await readFile(path))) await rm(path);
      }
    } catch (error) {
      throw storageError(error);
    }
  }

  async #restoreCopy(): Promise<void> {
    if ((await namesIn(this.#copy)) === undefined) return;
    await rm(this.#data, { recursive: true, force: true });
    await rename(this.#copy, this.#data);
  }
}

/** Who keeps sessions in memory or in Redis never loads the database. */
async function openDatabase(directory: string): Promise<Database> {
  const { ClassicLevel } = await import('classic-level');
  const database: Database = new ClassicLevel(directory, {
    keyEncoding: 'utf8',
    valueEncoding: 'view',
    // So that tables can be checked.
    compression: false,
  });
  await database.open();
  return database;
}

async function namesIn(directory: string): Promise<string[] | undefined> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (codesOf(error).includes('ENOENT')) return undefined;
    throw error;
  }
}

/** Tables never change once they are written: a second name is as good as a copy. */
async function copyDatabaseFile(from: string, to: string, name: string): Promise<void> {
  if (name === 'LOCK' || name.startsWith('LOG')) return;
  const source = join(from, name);
  const target = join(to, name);
  if (TABLE.test(name)) {
    try {
      await link(source, target);
      return;
    } catch (error) {
      if (!codesOf(error).some((code) => ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK'].includes(code))) throw error;
    }
  }
  await copyFile(source, target);
  const file = await open(target, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

function syncDirectory(directory: string): void {
  const descriptor = openSync(directory, constants.O_RDONLY);
  try {
    fsyncSync(descriptor);
  } catch (error) {
    // Not every platform syncs directories; where it does not, there is nothing to wait for.
    if (!codesOf(error).some((code) => ['EPERM', 'EINVAL', 'EISDIR'].includes(code))) throw error;
  } finally {
    closeSync(descriptor);
  }
}

/** The chain of an error and its causes. */
function* chainOf(error: unknown): Generator<Error> {
  for (let link = error; link instanceof Error; link = link.cause) yield link;
}

function codesOf(error: unknown): string[] {
  return [...chainOf(error)].flatMap((link) => ('code' in link && typeof link.code === 'string' ? [link.code] : []));
}

/**
 * Names what the database or the file system reported.
 *
 * @param opening whether a database is being opened: then a file that is not there is damage.
 */
export function storageError(error: unknown, opening = false): StoreError {
  if (error instanceof StoreError) return error;
  const codes = codesOf(error);
  const text = [...chainOf(error)].map(({ message }) => message).join(': ');
  if (codes.includes('LEVEL_LOCKED')) {
    return new StoreError(
      'HAWSER_ERR_STORE_LOCKED',
      'The directory of the session store is open elsewhere; end that process, or give this one a directory of its own.',
      { cause: error },
    );
  }
  // The database reports what the system said only as text.
  if (codes.some((code) => FULL_CODES.includes(code)) || /No space left|quota exceeded|File too large/i.test(text)) {
    return new StoreError(
      'HAWSER_ERR_STORE_FULL',
      'There is no room for the session store on its disk; make room and repeat the call.',
      { cause: error },
    );
  }
  if (codes.includes('LEVEL_CORRUPTION')) return corruptError('the database does not read it', error);
  if (opening && /No such file/.test(text)) return corruptError('a file is missing', error);
  return new StoreError(
    'HAWSER_ERR_STORE_FAILED',
    `The session store failed; remove the cause and repeat the call: ${text}.`,
    { cause: error },
  );
}

const FULL_CODES = ['ENOSPC', 'EDQUOT', 'EFBIG'];
