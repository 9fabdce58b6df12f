import type { ClientContext } from './client-context.ts';
import type { RelayContext } from './relay-context.ts';
import type { ServerContext } from './server-context.ts';

/** What every case says about itself. */
export interface CaseText {
  /** Requirement and slug: `EST-016/other-audience`. Permanent. */
  readonly id: string;
  /** The requirements that the case decides; the first is that of the id. */
  readonly requirements: readonly [string, ...string[]];
  /** Level of the first requirement; SHOULD cases run only with `--strict`. */
  readonly level?: 'SHOULD';
  /** A few words. */
  readonly title: string;
  /** What the harness does, in a sentence that a non-programmer can read. */
  readonly stimulus: string;
  /** What the implementation has to do, likewise. */
  readonly expectation: string;
  /** The case waits for real time to pass; it runs beside the others, and `--no-timing` leaves it out. */
  readonly timing?: true;
  /** Only in the deep profile. */
  readonly deep?: true;
  /** Features without which the case can not be asked (testee/README.md). */
  readonly features?: readonly string[];
  /** About how long it takes, where that is more than a few hundredths of a second. */
  readonly estimateMs?: number;
  /** The same in the deep profile. */
  readonly deepEstimateMs?: number;
}

/** A case for a server under test. */
export interface ServerCase extends CaseText {
  readonly role: 'server';
  /** Passes by returning. See README.md of this folder for what it may throw. */
  run(context: ServerContext): Promise<void>;
}

/** A case for a client under test. */
export interface ClientCase extends CaseText {
  readonly role: 'client';
  /** Passes by returning. See README.md of this folder for what it may throw. */
  run(context: ClientContext): Promise<void>;
}

/** A case for a relay under test. */
export interface RelayCase extends CaseText {
  readonly role: 'relay';
  /** Passes by returning. See README.md of this folder for what it may throw. */
  run(context: RelayContext): Promise<void>;
}

export type ConformanceCase = ServerCase | ClientCase | RelayCase;

/** What an implementation under test is. */
export type RoleUnderTest = ConformanceCase['role'];

/** Every role, in the order of the reports. */
export const ROLES: readonly RoleUnderTest[] = ['server', 'client', 'relay'];

/** Marks the cases of a file as cases for a server. */
export function serverCases(cases: readonly Omit<ServerCase, 'role'>[]): readonly ServerCase[] {
  return cases.map((entry) => ({ ...entry, role: 'server' }));
}

/** Marks the cases of a file as cases for a client. */
export function clientCases(cases: readonly Omit<ClientCase, 'role'>[]): readonly ClientCase[] {
  return cases.map((entry) => ({ ...entry, role: 'client' }));
}

/** Marks the cases of a file as cases for a relay. */
export function relayCases(cases: readonly Omit<RelayCase, 'role'>[]): readonly RelayCase[] {
  return cases.map((entry) => ({ ...entry, role: 'relay' }));
}
