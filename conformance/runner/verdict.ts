import type { RoleUnderTest } from '../cases/case.ts';
import type { Finding } from '../peer/failure.ts';
import type { WireLog } from '../peer/wire-log.ts';

/** What a case can end with. */
export type Verdict =
  /** What was demanded was done. */
  | 'pass'
  /** The right action with another error code than the one demanded. */
  | 'pass-lenient'
  /** What was demanded was not done. */
  | 'fail'
  /** Failed, as the list of known failures says. */
  | 'known-failing'
  /** Listed as a known failure, and passed. */
  | 'unexpected-pass'
  /** Needs a feature that was declared as missing. */
  | 'unsupported'
  /** Can not be judged from outside; the reason is given. */
  | 'untestable'
  /** The implementation under test could not be reached or started. */
  | 'setup-failed'
  /** A step that the case only builds on went wrong. */
  | 'dependency-failed'
  /** The harness itself, or the driver of the implementation, made a mistake. */
  | 'harness-error'
  /** The case may have passed, but after it the implementation no longer served a good peer. */
  | 'died'
  /** Different verdicts for the same case. */
  | 'flaky';

/** In the order of the reports. */
export const VERDICTS: readonly Verdict[] = [
  'pass',
  'pass-lenient',
  'fail',
  'died',
  'flaky',
  'unexpected-pass',
  'dependency-failed',
  'setup-failed',
  'harness-error',
  'known-failing',
  'unsupported',
  'untestable',
];

const GREEN: ReadonlySet<Verdict> = new Set(['pass', 'pass-lenient', 'known-failing', 'unsupported', 'untestable']);

/** Whether a run with this verdict in it is to end with exit status 0. */
export function isGreen(verdict: Verdict): boolean {
  return GREEN.has(verdict);
}

/** Everything that is known about one case after its run. */
export interface CaseResult {
  readonly id: string;
  readonly role: RoleUnderTest;
  readonly title: string;
  readonly requirements: readonly string[];
  readonly level: 'MUST' | 'SHOULD';
  readonly stimulus: string;
  readonly expectation: string;
  readonly timing: boolean;
  readonly verdict: Verdict;
  readonly durationMs: number;
  readonly seed: number;
  /** Argument for `--replay`. */
  readonly replay: string;
  /** Why the verdict is not `pass`. */
  readonly finding?: Finding;
  /** Further words: a feature name, a stack trace of the harness, a shrunk counterexample. */
  readonly detail?: string;
  /** What passed over the wire, one log per connection; kept unless the case passed. */
  readonly wire: readonly WireLog[];
  /** Last lines of the testee's standard error. */
  readonly testeeLog: readonly string[];
}
