import { viewOf } from './octets.ts';
import type { RawParameter } from './parameters.ts';
import { GREASE, LIMITS } from './registry.gen.ts';

/** A parameter without meaning: a random id of the formula and a random value. [EXT-003] [EXT-005] */
export function greaseParameter(random: (count: number) => Uint8Array): RawParameter {
  const { number, value } = draw(random, GREASE.parameter);
  return { id: number, value };
}

/** A frame without meaning: a random type of the formula and a random payload. [EXT-001] [EXT-004] [EXT-005] */
export function greaseFrame(random: (count: number) => Uint8Array): {
  readonly type: number;
  readonly payload: Uint8Array;
} {
  const { number, value } = draw(random, GREASE.frameType);
  return { type: number, payload: value };
}

function draw(
  random: (count: number) => Uint8Array,
  { first, step, count }: { readonly first: number; readonly step: number; readonly count: number },
): { readonly number: number; readonly value: Uint8Array } {
  const choice = viewOf(random(3));
  return {
    number: first + step * (choice.getUint16(0) % count),
    value: random(choice.getUint8(2) % (LIMITS.grease_max_bytes + 1)),
  };
}
