import { readInteger } from './octets.ts';
import { registry } from './registry.ts';

/** A decoded header. */
export interface Header {
  readonly type: number;
  readonly flags: number;
  /** Octets of payload that the header announces. */
  readonly length: number;
  readonly channel: number;
  /** All 64 bits of the field. */
  readonly seq: bigint;
}

/** A frame as it stands on the wire; `name` is absent for a type that version 1 does not define. */
export interface ModelFrame {
  readonly type: number;
  readonly name?: string;
  readonly flags: number;
  readonly channel: number;
  readonly seq: bigint;
  readonly payload: Uint8Array;
}

/** A parameter as received; `name` is absent for an unknown one, whose value stays octets. */
export interface ModelParameter {
  readonly id: number;
  readonly name?: string;
  readonly value: number | Uint8Array;
}

/** u8, u16 and u32 are numbers, u53 is a bigint, text16 a string, a list of any kind an array; the rest are octets. */
export type ModelValue =
  number | bigint | string | Uint8Array | readonly ModelParameter[] | readonly string[] | readonly Uint8Array[];

export type ModelFields = Readonly<Record<string, ModelValue>>;

/** The name of an error in the registry and the requirement that is broken. */
export interface Violation {
  readonly error: string;
  readonly requirement: string;
}

/** The largest value of `u53` (section 3.1). */
export const MAX_U53: bigint = 2n ** 53n - 1n;

/** Octets of an integer type. */
export function integerBytes(type: string): number | undefined {
  return registry.types.find((row) => row.name === type)?.bytes;
}

/** Reads the header at the start of `bytes`, whatever its values; undefined when it is not complete. */
export function decodeHeader(bytes: Uint8Array): Header | undefined {
  if (bytes.length < registry.header.bytes) return undefined;
  const value = (name: string): bigint => {
    const field = registry.header.fields.find((row) => row.name === name);
    if (field === undefined) throw new TypeError(`the header has no field ${name}`);
    return readInteger(bytes.subarray(field.offset, field.offset + (integerBytes(field.type) ?? 0)));
  };
  return {
    type: Number(value('type')),
    flags: Number(value('flags')),
    length: Number(value('length')),
    channel: Number(value('channel')),
    seq: value('seq'),
  };
}

/** Whether an unknown frame type may be ignored. */
export function isIgnorable(type: number): boolean {
  return (type & registry.extension.frameIgnorableBit) !== 0;
}
