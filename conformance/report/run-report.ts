import type { RoleUnderTest } from '../cases/case.ts';
import type { Requirement } from '../model/requirements.ts';
import type { CaseResult } from '../runner/verdict.ts';
import type { Verdict } from '../runner/verdict.ts';
import { isGreen } from '../runner/verdict.ts';
import type { ChapterSummary } from './chapters.ts';
import { countVerdicts, summarizeChapters } from './chapters.ts';

/** A requirement that nobody can judge from outside, and why. */
export interface UntestableRequirement {
  readonly requirement: string;
  readonly reason: string;
}

/** What a run was made with and against. */
export interface RunFacts {
  readonly suiteVersion: string;
  readonly specRevision: string;
  readonly role: RoleUnderTest;
  /** The implementation under test, as it or the command line names it. */
  readonly implementation: { readonly name: string; readonly version?: string; readonly language?: string };
  /** Features that it does not have. */
  readonly unsupported: readonly string[];
  readonly seed: number;
  readonly startedAt: string;
  readonly durationMs: number;
  /** The command line that repeats the run, without its selection of cases: `--replay` is appended to it. */
  readonly command: string;
  /** File of TLS secrets, where one was written. */
  readonly keyLog?: string;
}

/** A whole run, ready to be shown in any form. */
export interface RunReport extends RunFacts {
  readonly passed: boolean;
  readonly counts: Readonly<Partial<Record<Verdict, number>>>;
  readonly chapters: readonly ChapterSummary[];
  readonly results: readonly CaseResult[];
  readonly untestable: readonly UntestableRequirement[];
  readonly requirements: ReadonlyMap<string, Requirement>;
}

/** Puts a report together. */
export function makeReport(
  facts: RunFacts,
  results: readonly CaseResult[],
  untestable: readonly UntestableRequirement[],
  requirements: readonly Requirement[],
): RunReport {
  return {
    ...facts,
    passed: results.every(({ verdict }) => isGreen(verdict)),
    counts: countVerdicts(results),
    chapters: summarizeChapters(results, untestable),
    results,
    untestable,
    requirements: new Map(requirements.map((requirement) => [requirement.id, requirement])),
  };
}
