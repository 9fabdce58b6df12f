import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
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
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(temporary, content, { mode });
    // The mode of open is cut by the umask, and 0600 has to hold whatever that is.
    chmodSync(temporary, mode);
    renameSync(temporary, path);
  } catch (cause) {
    throw new UsageError(key, `${path} can not be written: ${fileProblem(cause)}. Choose another ${key}.`, cause);
  }
}
