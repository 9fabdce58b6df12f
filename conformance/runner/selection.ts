import type { ConformanceCase, RoleUnderTest } from '../cases/case.ts';
import { matcher } from './pattern.ts';
import type { ReplayToken } from './replay-token.ts';

/** Which cases shall run. */
export interface Selection {
  readonly role: RoleUnderTest;
  /** Globs; without any, all cases. */
  readonly run: readonly string[];
  readonly skip: readonly string[];
  /** Cases of SHOULD requirements too. */
  readonly strict: boolean;
  readonly timing: boolean;
  readonly deep: boolean;
  readonly replay?: ReplayToken;
}

/** A pattern or token that names nothing. */
export class SelectionProblem extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SelectionProblem';
  }
}

/**
 * The cases of a role that the selection names. A case that is named in full by `--run` or `--replay` runs whatever its level.
 *
 * @throws SelectionProblem for a pattern that matches no case of the role, and for a selection without any case.
 */
export function selectCases(cases: readonly ConformanceCase[], selection: Selection): readonly ConformanceCase[] {
  const { role, run, skip, strict, timing, deep, replay } = selection;
  const ofRole = cases.filter((entry) => entry.role === role);
  if (replay !== undefined) {
    const named = ofRole.filter(({ id }) => id === replay.caseId);
    if (named.length === 0) throw new SelectionProblem(`--replay: there is no ${role} case ${replay.caseId}`);
    return named;
  }
  for (const [option, patterns] of [['--run', run] as const, ['--skip', skip] as const]) {
    for (const pattern of patterns) {
      if (!ofRole.some(({ id }) => matcher(pattern)(id))) {
        throw new SelectionProblem(`${option}: no ${role} case matches ${pattern}`);
      }
    }
  }
  const selected = ofRole.filter((entry) => {
    if (skip.some((pattern) => matcher(pattern)(entry.id))) return false;
    if (run.includes(entry.id)) return true;
    if (run.length > 0 && !run.some((pattern) => matcher(pattern)(entry.id))) return false;
    return (strict || entry.level !== 'SHOULD') && (timing || entry.timing !== true) && (deep || entry.deep !== true);
  });
  if (selected.length === 0) throw new SelectionProblem('no case is left to run');
  return selected;
}

/**
 * Checks the features that are declared as missing: a misspelt one would change nothing without a word.
 *
 * @param cases - those that may need them.
 * @param whose - whose cases they are, for the message.
 * @throws SelectionProblem for a feature that none of the cases needs.
 */
export function checkFeatures(cases: readonly ConformanceCase[], unsupported: readonly string[], whose: string): void {
  const known = [...new Set(cases.flatMap(({ features = [] }) => features))].sort();
  // The runner itself asks for it: without it, one case runs at a time.
  const idle = unsupported.find((feature) => feature !== 'concurrent' && !known.includes(feature));
  if (idle === undefined) return;
  throw new SelectionProblem(`--unsupported: no ${whose} needs ${idle}; the features are ${known.join(', ')}`);
}

/** About how long the selected cases take in the deep profile, in milliseconds. Timing cases wait side by side. */
export function estimateDeepMs(cases: readonly ConformanceCase[], jobs: number): number {
  const waiting = cases.filter(({ timing }) => timing === true).map((entry) => entry.estimateMs ?? 1000);
  const working = cases
    .filter(({ timing }) => timing !== true)
    .map((entry) => entry.deepEstimateMs ?? entry.estimateMs ?? 40);
  const sum = working.reduce((total, each) => total + each, 0);
  return Math.max(sum / Math.min(jobs, 2), ...waiting);
}
