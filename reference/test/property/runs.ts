import type { Parameters } from 'fast-check';

/**
 * How often a property is tried: so many times, or `HAWSER_PROPERTY_RUNS` times as many. `HAWSER_PROPERTY_SEED` tries the
 * values of one seed again; a failure names its seed.
 */
export function runs<T>(quick: number): Parameters<T> {
  const { HAWSER_PROPERTY_RUNS: factor, HAWSER_PROPERTY_SEED: seed } = process.env;
  return {
    numRuns: Math.ceil(quick * Number(factor ?? 1)),
    ...(seed === undefined ? {} : { seed: Number(seed) }),
  };
}

/** Whether more is wanted than what a developer waits for. */
export const DEEP: boolean = process.env['HAWSER_PROPERTY_RUNS'] !== undefined;
