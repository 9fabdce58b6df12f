import { parse } from 'yaml';
import { matcher } from './pattern.ts';

/** One entry of a list of known failures. */
export interface KnownFailure {
  /** Glob over case ids. */
  readonly pattern: string;
  readonly reason: string;
  /** Last day on which the entry counts, `YYYY-MM-DD`. */
  readonly expires: string;
  readonly link?: string;
}

/** The list can not be used as it is. */
export class KnownFailingProblem extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'KnownFailingProblem';
  }
}

/**
 * Reads a YAML list of entries with `pattern`, `reason`, `expires` and perhaps `link`.
 *
 * @throws KnownFailingProblem for any other shape.
 */
export function parseKnownFailing(text: string): readonly KnownFailure[] {
  let value: unknown;
  try {
    // Dates stay text: the core schema has no timestamps.
    value = parse(text, { schema: 'core' });
  } catch (error) {
    throw new KnownFailingProblem(`not YAML: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : ''}`);
  }
  if (value === null || value === undefined) return [];
  if (!Array.isArray(value)) throw new KnownFailingProblem('expected a list of entries');
  return value.map((entry: unknown, index) => {
    const { pattern, reason, expires, link, ...rest } = (entry ?? {}) as Readonly<Record<string, unknown>>;
    const where = `entry ${index + 1}`;
    if (typeof pattern !== 'string' || pattern === '') throw new KnownFailingProblem(`${where} has no pattern`);
    if (typeof reason !== 'string' || reason.trim() === '') throw new KnownFailingProblem(`${where} has no reason`);
    if (typeof expires !== 'string' || !/^\d{4}-\d{2}-\d{2}$/.test(expires)) {
      throw new KnownFailingProblem(`${where} has no date of expiry (expires: YYYY-MM-DD)`);
    }
    const [unknown] = Object.keys(rest);
    if (unknown !== undefined) throw new KnownFailingProblem(`${where} has an unknown member ${unknown}`);
    return { pattern, reason, expires, ...(typeof link === 'string' ? { link } : {}) };
  });
}

/** The first entry that names none of these cases: it would excuse nothing. */
export function idleEntry(entries: readonly KnownFailure[], caseIds: readonly string[]): KnownFailure | undefined {
  return entries.find(({ pattern }) => !caseIds.some(matcher(pattern)));
}

/** The entry that excuses a case on that day; an expired one excuses nothing. */
export function knownFailureOf(
  entries: readonly KnownFailure[],
  caseId: string,
  today: Date,
): KnownFailure | undefined {
  const day = today.toISOString().slice(0, 10);
  return entries.find(({ pattern, expires }) => expires >= day && matcher(pattern)(caseId));
}

/** Entries whose day has passed. */
export function expiredEntries(entries: readonly KnownFailure[], today: Date): readonly KnownFailure[] {
  const day = today.toISOString().slice(0, 10);
  return entries.filter(({ expires }) => expires < day);
}
