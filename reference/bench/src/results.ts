import { cpus, loadavg } from 'node:os';
import type { Measure } from './measures.ts';
import { pinned } from './process-pair.ts';
import { type Summary, pairedRatios, summarize } from './statistics.ts';
import type { Reading } from './stopwatch.ts';
import type { VariantName } from './variants.ts';

/** All repetitions of one variant in one measure. */
export interface Cell {
  readonly variant: VariantName;
  /** In the unit of the measure. */
  readonly value: Summary;
  /** Time on a core of both processes together, in nanoseconds for each message or connection. */
  readonly cpu: Summary;
}

/** A variant divided by another, repetition by repetition. */
export interface Ratio {
  readonly of: VariantName;
  readonly to: VariantName;
  readonly value: Summary;
  readonly cpu: Summary;
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
export function resultOf(measure: Measure, readings: ReadonlyMap<VariantName, readonly Reading[]>): MeasureResult {
  const cells = [...readings].map(([variant, list]): Cell => {
    const cpu = list.map(({ cpuMicros }) => (cpuMicros * 1000) / measure.count);
    return { variant, value: summarize(list.map(({ value }) => value)), cpu: summarize(cpu) };
  });
  const subject = cells.find(({ variant }) => variant === 'hawser');
  const ratios = BASES.flatMap((to): Ratio[] => {
    const base = cells.find(({ variant }) => variant === to);
    if (subject === undefined || base === undefined) return [];
    const value = summarize(pairedRatios(subject.value.values, base.value.values));
    return [{ of: 'hawser', to, value, cpu: summarize(pairedRatios(subject.cpu.values, base.cpu.values)) }];
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
  /** Load average of the last minute, before anything was measured: from 1 on, others use the cores too. */
  readonly load: number;
}

export function describeMachine(): Machine {
  const all = cpus();
  return {
    cpu: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
    node: process.versions.node,
    openssl: process.versions.openssl,
    pinned,
    load: loadavg()[0] ?? 0,
  };
}
