import type { Extension } from './registry-types.ts';

/** Numbers reserved for values without meaning: first + step * n for n from 0 to count - 1. */
export interface GreaseSeries {
  readonly first: number;
  readonly step: number;
  readonly count: number;
}

/** The GREASE frame types: ignorable bit + multiplier * n + offset. */
export function greaseFrameTypes({ frameIgnorableBit, grease, greaseFrameTypes }: Extension): GreaseSeries {
  return { first: frameIgnorableBit + grease.offset, step: grease.multiplier, count: greaseFrameTypes.count };
}

/** The GREASE parameter ids: ignorable bit + multiplier * n + offset. */
export function greaseParameters({ parameterIgnorableBit, grease, greaseParameters }: Extension): GreaseSeries {
  return { first: parameterIgnorableBit + grease.offset, step: grease.multiplier, count: greaseParameters.count };
}

/** Every number of a series. */
export function greaseNumbers({ first, step, count }: GreaseSeries): readonly number[] {
  return Array.from({ length: count }, (_, n) => first + step * n);
}
