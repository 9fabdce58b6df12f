import fc from 'fast-check';
import type { BaseContext } from '../cases/base-context.ts';
import { ConformanceFailure } from '../peer/failure.ts';

/** How often a property is tried; in the deep profile the second number. */
export interface Runs {
  readonly quick: number;
  readonly deep: number;
}

const DEFAULT_RUNS: Runs = { quick: 10, deep: 400 };
/** Shrinking an implementation that hangs takes a step's time for each attempt. */
const SHRINK_MS = 20_000;

/**
 * Tries a property on generated values, each on fresh connections. A counterexample is shrunk, run once more for its wire log,
 * and becomes the failure of the case; its path goes into the replay token.
 *
 * @param predicate - passes by returning; fails as any case does.
 * @param describe - a value as it stands in the report.
 */
export async function checkProperty<T>(
  context: BaseContext,
  arbitrary: fc.Arbitrary<T>,
  predicate: (value: T) => Promise<void>,
  describe: (value: T) => string = fc.stringify,
  runs: Runs = DEFAULT_RUNS,
): Promise<void> {
  const once = async (value: T): Promise<void> => {
    await context.restart();
    await predicate(value);
    const finding = context.leftover;
    if (finding !== undefined) throw new ConformanceFailure(finding);
  };
  const { replayPath } = context;
  const result = await fc.check(
    fc.asyncProperty(arbitrary, (value) => once(value)),
    {
      seed: context.random.seed | 0,
      numRuns: context.deep ? runs.deep : runs.quick,
      interruptAfterTimeLimit: SHRINK_MS * (context.deep ? 30 : 1),
      ...(replayPath === undefined ? {} : { path: replayPath, endOnFailure: true }),
    },
  );
  if (!result.failed || result.counterexample === null) return;
  const [value] = result.counterexample;
  context.foundPath = result.counterexamplePath;
  context.detail = `counterexample, shrunk ${result.numShrinks} times:\n${describe(value)}`;
  await once(value);
  // It passed this time: what was seen before still counts.
  throw toError(result.errorInstance);
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
