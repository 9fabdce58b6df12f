import { CommanderError } from 'commander';
import { ConfigError, HawserError } from '../core/index.ts';

/** Exit statuses of every command. */
export const EXIT = {
  ok: 0,
  /** What was asked for was tried and failed, by a named error. */
  failed: 1,
  /** Nothing was tried: usage or configuration. */
  usage: 2,
} as const;

/** A bad argument, option or file: one line that says what to do, exit status 2. */
export class UsageError extends ConfigError {
  constructor(key: string, message: string, cause?: unknown) {
    super('HAWSER_ERR_CONFIG_USAGE', key, message, { cause });
  }
}

/** Exit status for an error that ended a command. */
export function exitStatusOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  return error instanceof ConfigError ? EXIT.usage : EXIT.failed;
}

/** The one line on standard error for an error that ended a command; undefined where it was already told. */
export function failureLine(error: unknown): string | undefined {
  // Commander has written its own line.
  if (error instanceof CommanderError) return undefined;
  if (error instanceof UsageError) return `hawser: ${oneLine(error.message)}`;
  if (error instanceof HawserError) return `hawser: ${oneLine(error.message)} (${error.code})`;
  const text = error instanceof Error ? error.message : String(error);
  return `hawser: internal error, please report it: ${oneLine(text)}`;
}

/** Joins the lines of a text into one. */
export function oneLine(text: string): string {
  return text.trim().replaceAll(/\s*\n\s*/g, ' ');
}

/** What to say about a failed system call on a file. */
export function fileProblem(error: unknown): string {
  const { code, syscall } = (error ?? {}) as Partial<NodeJS.ErrnoException>;
  switch (code) {
    case 'ENOENT':
      // Of a directory whose parent is there: /proc and its like take none.
      if (syscall === 'mkdir') return 'no folder can be made there';
      return 'there is no such file';
    case 'EACCES':
    case 'EPERM':
      return 'permission is denied';
    case 'EISDIR':
      return 'it is a directory';
    case 'ENOTDIR':
      return 'a part of the path is not a directory';
    case 'EEXIST':
      if (syscall === 'mkdir') return 'a part of the path is not a directory';
      return 'it exists already';
    default:
      return code ?? 'it can not be used';
  }
}
