import { MisuseError, PeerViolationError } from './errors.ts';
import { getU53, setU53, viewOf } from './octets.ts';
import {
  FRAME_TYPE,
  type FrameName,
  IGNORABLE_BIT,
  PARAMETER,
  PARAMETER_NAME,
  type ParameterName,
} from './registry.gen.ts';

/** Value of a parameter: a number, or octets for an opaque one. */
export type ParameterValue<Name extends ParameterName> = (typeof PARAMETER)[Name]['type'] extends 'opaque'
  ? Uint8Array
  : number;

/** The parameters of a list that this version defines; what is absent has its default. */
export type ParameterSet = { readonly [Name in ParameterName]?: ParameterValue<Name> | undefined };

/** Any parameter, as it stands in the list. */
export interface RawParameter {
  readonly id: number;
  readonly value: Uint8Array;
}

/** A list that was read: unknown ignorable parameters are left out. [WIR-023] */
export type DecodedParameters = ParameterSet;

/** Sizes of the integer types in octets. */
const INTEGER_BYTES = { u8: 1, u32: 4, u53: 8 } as const;

/** Octets of the id and the length before each value. */
const PARAMETER_HEADER_BYTES = 4;

/**
 * Writes a parameter list without its own length, in ascending order of ids. [WIR-019]
 *
 * @param set - parameters of this version, within their ranges.
 * @param ignorable - parameters without meaning; they need the ignorable bit and sort after the others. [EXT-002]
 * @throws MisuseError `HAWSER_ERR_MISUSE_PARAMETER` for a value out of its range.
 */
export function encodeParameters(set: ParameterSet, ignorable: readonly RawParameter[] = []): Uint8Array {
  const known = (Object.keys(PARAMETER) as ParameterName[]).flatMap((name) => {
    const value = set[name];
    return value === undefined ? [] : [{ id: PARAMETER[name].id, value: encodeValue(name, value) }];
  });
  return writeList([...known, ...ignorable].sort((a, b) => a.id - b.id));
}

/**
 * A list without one of its parameters; the octets of the others are as they were, in their order.
 *
 * @param list - without its own length; it has been read.
 */
export function withoutParameter(frame: FrameName, list: Uint8Array, name: ParameterName): Uint8Array {
  return writeList(walkParameters(frame, list).filter(({ id }) => id !== PARAMETER[name].id));
}

function writeList(list: readonly RawParameter[]): Uint8Array {
  const bytes = new Uint8Array(list.reduce((sum, { value }) => sum + PARAMETER_HEADER_BYTES + value.length, 0));
  const view = viewOf(bytes);
  let offset = 0;
  for (const { id, value } of list) {
    view.setUint16(offset, id);
    view.setUint16(offset + 2, value.length);
    bytes.set(value, offset + PARAMETER_HEADER_BYTES);
    offset += PARAMETER_HEADER_BYTES + value.length;
  }
  return bytes;
}

/**
 * Reads a parameter list without its own length: the list as a whole first, then each parameter in its order.
 *
 * @param frame - the frame that holds the list.
 * @throws PeerViolationError PARAMETER_MALFORMED, PARAMETER_UNKNOWN or PARAMETER_INVALID.
 */
export function decodeParameters(frame: FrameName, list: Uint8Array): DecodedParameters {
  const set: Partial<Record<ParameterName, number | Uint8Array>> = {};
  for (const { id, value } of walkParameters(frame, list)) {
    const name = PARAMETER_NAME[id];
    if (name !== undefined) set[name] = decodeValue(frame, name, value);
    else if ((id & IGNORABLE_BIT.parameter) === 0) {
      throw violation('PARAMETER_UNKNOWN', 'WIR-022', frame, `Parameter 0x${id.toString(16)} is unknown.`);
    }
  }
  return set as DecodedParameters;
}

/**
 * Divides a list into its parameters, known or not.
 *
 * @throws PeerViolationError PARAMETER_MALFORMED.
 */
export function walkParameters(frame: FrameName, list: Uint8Array): readonly RawParameter[] {
  const view = viewOf(list);
  const parameters: RawParameter[] = [];
  let previous = -1;
  let offset = 0;
  while (offset < list.length) {
    const start = offset + PARAMETER_HEADER_BYTES;
    const end = start > list.length ? Infinity : start + view.getUint16(offset + 2);
    if (end > list.length) {
      throw violation('PARAMETER_MALFORMED', 'WIR-021', frame, 'A parameter reaches past the end of its list.');
    }
    const id = view.getUint16(offset);
    if (id <= previous) {
      throw violation('PARAMETER_MALFORMED', 'WIR-020', frame, 'Parameters are not in strictly ascending order.');
    }
    parameters.push({ id, value: list.subarray(start, end) });
    previous = id;
    offset = end;
  }
  return parameters;
}

/** Whether a value is within the range of a parameter: a number, or the length of an opaque one. */
export function isInRange(name: ParameterName, value: number): boolean {
  const { min, max } = PARAMETER[name];
  return Number.isInteger(value) && value >= min && value <= max;
}

function encodeValue(name: ParameterName, value: number | Uint8Array): Uint8Array {
  const { type, min, max, unit } = PARAMETER[name];
  if (!isInRange(name, typeof value === 'number' ? value : value.length)) {
    throw new MisuseError('HAWSER_ERR_MISUSE_PARAMETER', `${name} has to be ${min} to ${max} ${unit}.`);
  }
  if (type === 'opaque') return value as Uint8Array;
  const bytes = new Uint8Array(INTEGER_BYTES[type]);
  const view = viewOf(bytes);
  if (type === 'u8') view.setUint8(0, value as number);
  else if (type === 'u32') view.setUint32(0, value as number);
  else setU53(view, 0, value as number);
  return bytes;
}

/** An integer of a type, whose octets have the right number. */
function readInteger(type: keyof typeof INTEGER_BYTES, octets: Uint8Array): number {
  const view = viewOf(octets);
  if (type === 'u8') return view.getUint8(0);
  return type === 'u32' ? view.getUint32(0) : getU53(view, 0);
}

function decodeValue(frame: FrameName, name: ParameterName, octets: Uint8Array): number | Uint8Array {
  const { type, min, max, frames } = PARAMETER[name];
  if (!(frames as readonly string[]).includes(frame)) {
    throw violation('PARAMETER_INVALID', 'WIR-024', frame, `Parameter ${name} does not belong into ${frame}.`);
  }
  if (type !== 'opaque' && octets.length !== INTEGER_BYTES[type]) {
    throw violation('PARAMETER_INVALID', 'WIR-025', frame, `Parameter ${name} has ${octets.length} octets.`);
  }
  const value = type === 'opaque' ? octets : readInteger(type, octets);
  if (!isInRange(name, typeof value === 'number' ? value : value.length)) {
    throw violation('PARAMETER_INVALID', 'WIR-026', frame, `Parameter ${name} is not within ${min} to ${max}.`);
  }
  return value;
}

function violation(
  wireName: 'PARAMETER_MALFORMED' | 'PARAMETER_UNKNOWN' | 'PARAMETER_INVALID',
  requirement: string,
  frame: FrameName,
  message: string,
): PeerViolationError {
  return new PeerViolationError(wireName, requirement, message, FRAME_TYPE[frame]);
}
