import type { ConformanceCase } from '../cases/case.ts';
import type { Kit } from '../testee/kit-files.ts';
import type { Attachment } from './attachment.ts';
import type { KnownFailure } from './known-failing.ts';
import type { ReplayToken } from './replay-token.ts';
import type { CaseResult } from './verdict.ts';

/** One run of a list of cases against one implementation. */
export interface RunOptions {
  readonly cases: readonly ConformanceCase[];
  readonly attachment: Attachment;
  readonly kit: Kit;
  /** Seed of the run; every case derives its own. */
  readonly seed: number;
  /** How long one step may take. */
  readonly stepMs: number;
  /** Cases at once. */
  readonly jobs: number;
  /** Runs of each case; different verdicts make it flaky. */
  readonly repeat: number;
  readonly deep: boolean;
  readonly knownFailing: readonly KnownFailure[];
  /** Repeats this run of its case, with its seed. */
  readonly replay?: ReplayToken;
  /** Called as each verdict is known. */
  readonly onResult?: (result: CaseResult) => void;
}
