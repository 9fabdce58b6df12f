/** Writes frames field by field from the registry's tables, and wrong ones on request. */
import { integerBytes } from './frame.ts';
import { concat, integer } from './octets.ts';
import { frameNamed, frameOfType, parameterNamed, parameterOfId, registry } from './registry.ts';
import type { FieldRow } from './registry.ts';

/** A parameter to write: a number for an integer parameter, octets for any other or for a deliberately wrong length. */
export interface ParameterInput {
  /** Name of a defined parameter, or any number. */
  readonly id: number | string;
  readonly value: number | Uint8Array;
}

/** Octets that stand in place of a field, its length prefix included. */
export interface RawField {
  readonly octets: Uint8Array;
}

export type FieldInput =
  | number
  | bigint
  | string
  | Uint8Array
  | readonly ParameterInput[]
  | readonly string[]
  | readonly Uint8Array[]
  | RawField;

export interface FrameInput {
  /** Names of flags, or the whole octet. */
  readonly flags?: readonly string[] | number;
  readonly channel?: number;
  /** Any 64-bit value. */
  readonly seq?: number | bigint;
  /** Fields that are absent get the smallest valid value: zero, zeros, an empty list, a text or opaque of minimal length. */
  readonly fields?: Readonly<Record<string, FieldInput>>;
  /** Replaces the type octet. */
  readonly type?: number;
  /** Replaces `length` in the header; the payload stays as it is. */
  readonly lengthOverride?: number;
  /** Replaces the whole payload. */
  readonly rawPayload?: Uint8Array;
  /** Octets after the last field; they count in `length`. */
  readonly trailing?: Uint8Array;
}

const isRaw = (value: FieldInput): value is RawField => typeof value === 'object' && 'octets' in value;

/** Writes one parameter: id, length, value. Integers have the size of their type. */
export function buildParameter({ id, value }: ParameterInput): Uint8Array {
  const row = typeof id === 'string' ? parameterNamed(id) : parameterOfId(id);
  const number = typeof id === 'string' ? parameterNamed(id).id : id;
  let octets: Uint8Array;
  if (typeof value === 'number') {
    const size = row?.type === undefined ? undefined : integerBytes(row.type);
    if (size === undefined) throw new TypeError(`parameter ${String(id)} takes octets`);
    octets = integer(value, size);
  } else {
    octets = value;
  }
  return concat(integer(number, 2), integer(octets.length, 2), octets);
}

/** Writes a parameter list with its length, in the order given. */
export function buildParameters(parameters: readonly ParameterInput[]): Uint8Array {
  const list = concat(...parameters.map(buildParameter));
  return concat(integer(list.length, 2), list);
}

function smallest(row: FieldRow): FieldInput {
  if (row.type === 'bytes') return new Uint8Array(row.size ?? 0);
  if (row.type === 'opaque16') return new Uint8Array(row.min ?? 0);
  if (row.type === 'text16') return 'x'.repeat(row.min ?? 0);
  if (row.type === 'opaques16') return Array.from({ length: row.min ?? 0 }, () => Uint8Array.of(0));
  if (row.type === 'parameters' || row.type === 'texts16') return [];
  if (row.type === 'rest') return row.name === 'open' ? buildPayload('OPEN') : new Uint8Array(0);
  return row.min ?? 0;
}

function buildField(row: FieldRow, input: FieldInput): Uint8Array {
  if (isRaw(input)) return input.octets;
  const size = integerBytes(row.type);
  if (size !== undefined && (typeof input === 'number' || typeof input === 'bigint')) return integer(input, size);
  if (row.values !== undefined && typeof input === 'string') return integer(row.values[input] ?? -1, size ?? 1);
  if (row.type === 'parameters' && Array.isArray(input)) {
    return buildParameters(input as readonly ParameterInput[]);
  }
  if ((row.type === 'texts16' || row.type === 'opaques16') && Array.isArray(input)) {
    const values = (input as readonly (string | Uint8Array)[]).map((item) =>
      typeof item === 'string' ? new TextEncoder().encode(item) : item,
    );
    const list = concat(...values.map((item) => concat(integer(item.length, 2), item)));
    return concat(integer(list.length, 2), list);
  }
  const octets = typeof input === 'string' ? new TextEncoder().encode(input) : input;
  if (octets instanceof Uint8Array) {
    if (row.type === 'bytes' || row.type === 'rest') return octets;
    if (row.type === 'opaque16' || row.type === 'text16') return concat(integer(octets.length, 2), octets);
  }
  throw new TypeError(`${row.name} is ${row.type} and cannot hold ${typeof input}`);
}

/** Writes the payload of a frame; fields that are absent get the smallest valid value. */
export function buildPayload(name: string, fields: FrameInput['fields'] = {}): Uint8Array {
  const row = frameNamed(name);
  for (const field of Object.keys(fields)) {
    if (!row.fields.some((known) => known.name === field)) throw new TypeError(`${name} has no field ${field}`);
  }
  return concat(...row.fields.map((field) => buildField(field, fields[field.name] ?? smallest(field))));
}

/**
 * Writes a frame. Nothing is checked: every value that fits into its octets can be written, in or out of its bounds.
 *
 * @throws TypeError for a name that the registry does not define, RangeError for a number that does not fit.
 */
export function buildFrame(name: string, input: FrameInput = {}): Uint8Array {
  const row = frameNamed(name);
  const payload = input.rawPayload ?? buildPayload(name, input.fields);
  const whole = concat(payload, input.trailing ?? new Uint8Array(0));
  let flags = typeof input.flags === 'number' ? input.flags : 0;
  if (typeof input.flags === 'object') {
    for (const flag of input.flags) {
      const bit = row.flags.find((known) => known.name === flag)?.bit;
      if (bit === undefined) throw new TypeError(`${name} has no flag ${flag}`);
      flags |= bit;
    }
  }
  return buildRawFrame({
    type: input.type ?? row.type,
    flags,
    channel: input.channel ?? 0,
    seq: input.seq ?? 0,
    payload: whole,
    length: input.lengthOverride ?? whole.length,
  });
}

/** Writes a frame of any type, from its parts. */
export function buildRawFrame(parts: {
  readonly type: number;
  readonly flags?: number;
  readonly channel?: number;
  readonly seq?: number | bigint;
  readonly payload?: Uint8Array;
  /** Replaces the length of the payload in the header. */
  readonly length?: number;
}): Uint8Array {
  const payload = parts.payload ?? new Uint8Array(0);
  const values: Readonly<Record<string, number | bigint>> = {
    type: parts.type,
    flags: parts.flags ?? 0,
    length: parts.length ?? payload.length,
    channel: parts.channel ?? 0,
    seq: parts.seq ?? 0,
  };
  const header = registry.header.fields.map(({ name, type }) => integer(values[name] ?? 0, integerBytes(type) ?? 0));
  return concat(...header, payload);
}

/** The type of a frame that version 1 does not define: GREASE number `n` of the series, modulo its length. */
export function greaseType(n: number): number {
  const types = registry.extension.greaseFrameTypes.filter((type) => frameOfType(type) === undefined);
  return types[n % types.length] ?? registry.extension.frameIgnorableBit;
}
