import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fchmodSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { makeDirectory } from '../store/make-directory.ts';
import { UsageError, fileProblem } from './failure.ts';

/**
 * Reads a file that an option or argument names.
 *
 * @throws UsageError that names the option, the file and the problem.
 */
export function readBytes(path: string, key: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new UsageError(key, `${key} ${path} can not be read: ${fileProblem(cause)}. Name a readable file.`, cause);
  }
}

/** {@link readBytes} as UTF-8 text. */
export function readText(path: string, key: string): string {
  return readBytes(path, key).toString('utf8');
}

/**
 * Writes a file whole or not at all, and makes its folder where it is missing.
 *
 * @param mode - permissions; 0o600 for what is secret.
 * @throws UsageError that names the option, the file and the problem.
 */
export function writeFile(path: string, content: string | Uint8Array, key: string, mode = 0o644): void {
  // Nobody else knows the name, so that an open of it never finds a file, or a link, of another's making.
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    makeDirectory(dirname(path));
    try {
      writeDurably(temporary, content, mode);
      renameSync(temporary, path);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
  } catch (cause) {
    throw new UsageError(key, `${path} can not be written: ${fileProblem(cause)}. Choose another ${key}.`, cause);
  }
}

/** Without the sync, a loss of power could leave the name with a file that is empty. */
function writeDurably(path: string, content: string | Uint8Array, mode: number): void {
  const file = openSync(path, 'wx', mode);
  try {
    // The mode of open is cut by the umask, and 0600 has to hold whatever that is.
    fchmodSync(file, mode);
    writeFileSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/**
 * Sees to it that nothing is overwritten that was not meant to be.
 *
 * @throws UsageError that names the first of the files that is there.
 */
export function refuseExisting(paths: readonly string[], key: string): void {
  const existing = paths.find((path) => existsSync(path));
  if (existing === undefined) return;
  throw new UsageError(key, `${existing} exists already. Choose another ${key}, or replace it with --force.`);
}
