import { cpus } from 'node:os';
import type { Measure } from './measures.ts';
import { pinned } from './process-pair.ts';
import { type Summary, pairedRatios, summarize } from './statistics.ts';
import type { VariantName } from './variants.ts';

/** The values of one variant in one measure, one per repetition. */
export interface Cell extends Summary {
  readonly variant: VariantName;
  readonly values: readonly number[];
}

/** A variant divided by another, repetition by repetition. */
export interface Ratio extends Summary {
  readonly of: VariantName;
  readonly to: VariantName;
  readonly values: readonly number[];
}

/** One measure, with everything seen. */
export interface MeasureResult {
  readonly measure: Measure;
  readonly cells: readonly Cell[];
  readonly ratios: readonly Ratio[];
}

/** The bases to which the subject is compared. */
const BASES = ['ws', 'raw'] as const satisfies readonly VariantName[];

/** Sums up one measure; a ratio needs both of its variants. */
export function resultOf(measure: Measure, values: ReadonlyMap<VariantName, readonly number[]>): MeasureResult {
  const cells = [...values].map(([variant, list]) => ({ variant, values: list, ...summarize(list) }));
  const subject = values.get('hawser');
  const ratios = BASES.flatMap((to): Ratio[] => {
    const base = values.get(to);
    if (subject === undefined || base === undefined) return [];
    const list = pairedRatios(subject, base);
    return [{ of: 'hawser', to, values: list, ...summarize(list) }];
  });
  return { measure, cells, ratios };
}

/** What has to be known of the machine to read the figures. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly node: string;
  readonly openssl: string;
  readonly pinned: boolean;
}

export function describeMachine(): Machine {
  const all = cpus();
  return {
    cpu: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
    node: process.versions.node,
    openssl: process.versions.openssl,
    pinned,
  };
}
