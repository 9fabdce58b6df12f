import { FrameDecoder } from './decoder.ts';
import { isSequenced } from './frame-check.ts';
import { encodeHex, getU53, viewOf } from './octets.ts';
import {
  ERROR_NAME,
  FIELDS,
  FLAG,
  FRAME_NAME,
  type FrameName,
  HEADER_BYTES,
  HEADER_OFFSET,
  IGNORABLE_BIT,
  MAX_PAYLOAD_BYTES,
  PARAMETER,
  PARAMETER_NAME,
  SIGNATURE_SCHEME,
} from './registry.gen.ts';
import { decodeText } from './text.ts';

/** One field of a frame, as it stands in the octets. */
export interface AnnotatedField {
  /** Name in the registry; a parameter as `parameters.` and its name. */
  readonly name: string;
  /** Offset in all the octets given. */
  readonly offset: number;
  /** The octets of the field in hexadecimal. */
  readonly hex: string;
  /** The value, where it is a number or a text. */
  readonly value: number | string | undefined;
  /** What the value says: the name of a code, the flags that are set, the unit of a number. */
  readonly meaning: string | undefined;
}

/** One frame with all its fields. */
export interface AnnotatedFrame {
  /** Offset of the header in all the octets given. */
  readonly offset: number;
  /** Name of the frame; undefined for an unknown type. */
  readonly name: FrameName | undefined;
  readonly type: number;
  /** Header and payload. */
  readonly bytes: number;
  readonly fields: readonly AnnotatedField[];
  /** What is wrong with the form of the frame, in one sentence; undefined for a frame that can be read to its end. */
  readonly problem: string | undefined;
}

/** What {@link annotate} found. */
export interface Annotation {
  readonly frames: readonly AnnotatedFrame[];
  /** Octets at the end that are not a whole frame. */
  readonly rest: number;
}

interface Field {
  readonly type: string;
  readonly bytes?: number;
  readonly values?: Readonly<Record<string, number>>;
}

const INTEGER_BYTES: Readonly<Record<string, number>> = { u8: 1, u16: 2, u32: 4, u53: 8 };

/**
 * Explains a stream of octets of one direction frame by frame, for people: what each octet is, whether or not a peer
 * could accept it in any state.
 */
export function annotate(octets: Uint8Array): Annotation {
  const decoder = new FrameDecoder();
  decoder.push(octets);
  const frames: AnnotatedFrame[] = [];
  let end = 0;
  while (decoder.next() === 'frame') {
    const offset = decoder.start;
    end = offset + HEADER_BYTES + decoder.length;
    frames.push(annotateFrame(decoder.bytes, offset, end));
  }
  const rest = octets.length - end;
  if (rest >= HEADER_BYTES && viewOf(octets).getUint16(end + HEADER_OFFSET.length) > MAX_PAYLOAD_BYTES) {
    const fields = new FieldList(octets, end, octets.length);
    const type = annotateHeader(fields);
    const problem = `The header announces more than ${MAX_PAYLOAD_BYTES} octets of payload.`;
    frames.push({ offset: end, name: FRAME_NAME[type], type, bytes: HEADER_BYTES, fields: fields.list, problem });
  }
  return { frames, rest };
}

/** Walks over octets and notes what they are. */
class FieldList {
  readonly list: AnnotatedField[] = [];
  readonly octets: Uint8Array;
  readonly #view: DataView;
  readonly #end: number;
  #offset: number;

  constructor(octets: Uint8Array, start: number, end: number) {
    this.octets = octets;
    this.#view = viewOf(octets);
    this.#offset = start;
    this.#end = end;
  }

  get left(): number {
    return this.#end - this.#offset;
  }

  /** Notes an integer; undefined when it is not there as a whole. */
  integer(name: string, type: string, meaning?: (value: number) => string | undefined): number | undefined {
    const size = INTEGER_BYTES[type] ?? 0;
    if (this.left < size) return undefined;
    const value = this.#read(size);
    this.#note(name, size, value, meaning?.(value));
    return value;
  }

  /** Notes octets; false when they are not there as a whole. */
  octetString(name: string, size: number, describe?: (value: Uint8Array) => string | undefined): boolean {
    if (this.left < size) return false;
    const value = this.octets.subarray(this.#offset, this.#offset + size);
    this.#note(name, size, describe?.(value), undefined);
    return true;
  }

  #read(size: number): number {
    if (size === 8) return getU53(this.#view, this.#offset);
    if (size === 4) return this.#view.getUint32(this.#offset);
    return size === 2 ? this.#view.getUint16(this.#offset) : this.#view.getUint8(this.#offset);
  }

  #note(name: string, size: number, value: number | string | undefined, meaning: string | undefined): void {
    const offset = this.#offset;
    const hex = encodeHex(this.octets.subarray(offset, offset + size));
    this.list.push({ name, offset, hex, value, meaning });
    this.#offset = offset + size;
  }
}

function annotateFrame(octets: Uint8Array, offset: number, end: number): AnnotatedFrame {
  const fields = new FieldList(octets, offset, end);
  const type = annotateHeader(fields);
  const name = FRAME_NAME[type];
  const problem = annotatePayload(fields, name);
  return { offset, name, type, bytes: end - offset, fields: fields.list, problem };
}

function annotateHeader(fields: FieldList): number {
  const type = fields.integer('type', 'u8', (value) => FRAME_NAME[value] ?? unknownType(value)) ?? 0;
  const name = FRAME_NAME[type];
  fields.integer('flags', 'u8', (value) => flagsMeaning(name, value));
  fields.integer('length', 'u16', () => 'octets of payload');
  fields.integer('channel', 'u32', (value) => (value === 0 ? 'the connection' : undefined));
  fields.integer('seq', 'u53', () => (isSequenced(type) ? undefined : 'not sequenced'));
  return type;
}

function annotatePayload(fields: FieldList, name: FrameName | undefined): string | undefined {
  if (name === undefined) {
    fields.octetString('payload', fields.left);
    return undefined;
  }
  for (const [fieldName, field] of Object.entries(FIELDS[name]) as [string, Field][]) {
    if (!annotateField(fields, fieldName, field)) return `The payload ends inside of ${fieldName}.`;
  }
  if (fields.left === 0) return undefined;
  fields.octetString('(trailing octets)', fields.left);
  return 'The payload goes on after its last field.';
}

function annotateField(fields: FieldList, name: string, field: Field): boolean {
  switch (field.type) {
    case 'bytes':
      return fields.octetString(name, field.bytes ?? 0);
    case 'rest':
      return fields.octetString(name, fields.left);
    case 'text16':
    case 'opaque16': {
      const length = fields.integer(`${name} length`, 'u16');
      return length !== undefined && fields.octetString(name, length, field.type === 'text16' ? decodeText : undefined);
    }
    case 'texts16':
    case 'opaques16': {
      const length = fields.integer(`${name} length`, 'u16');
      if (length === undefined || length > fields.left) return false;
      return annotateValues(fields, name, field.type === 'texts16', fields.left - length);
    }
    case 'parameters': {
      const length = fields.integer(`${name} length`, 'u16');
      return length !== undefined && length <= fields.left && annotateParameters(fields, name, fields.left - length);
    }
    default:
      return fields.integer(name, field.type, (value) => integerMeaning(name, field, value)) !== undefined;
  }
}

/** @param after - octets of the payload that follow the list. */
function annotateValues(fields: FieldList, list: string, isText: boolean, after: number): boolean {
  for (let index = 0; fields.left > after; index += 1) {
    const name = `${list}[${index}]`;
    const length = fields.integer(`${name} length`, 'u16');
    if (length === undefined || fields.left - length < after) return false;
    fields.octetString(name, length, isText ? decodeText : undefined);
  }
  return true;
}

/** @param after - octets of the payload that follow the list. */
function annotateParameters(fields: FieldList, list: string, after: number): boolean {
  while (fields.left > after) {
    const id = fields.integer(`${list} id`, 'u16', (value) => PARAMETER_NAME[value] ?? unknownParameter(value));
    const length = fields.integer(`${list} value length`, 'u16');
    if (id === undefined || length === undefined || fields.left - length < after) return false;
    const known = PARAMETER_NAME[id];
    const name = `${list}.${known ?? `0x${id.toString(16).padStart(4, '0')}`}`;
    if (known !== undefined && PARAMETER[known].type === 'u32' && length === 4) {
      fields.integer(name, 'u32', () => PARAMETER[known].unit);
    } else fields.octetString(name, length);
  }
  return true;
}

function integerMeaning(name: string, field: Field, value: number): string | undefined {
  if (name === 'code') return ERROR_NAME[value] ?? 'unknown code';
  if (name === 'scheme') {
    return Object.entries(SIGNATURE_SCHEME).find(([, { id }]) => id === value)?.[0] ?? 'unknown scheme';
  }
  if (name === 'retry_after_ms') return 'ms';
  return Object.entries(field.values ?? {}).find(([, number]) => number === value)?.[0];
}

function flagsMeaning(name: FrameName | undefined, flags: number): string | undefined {
  if (flags === 0) return undefined;
  const bits: Readonly<Record<string, number>> = name === 'CLOSE' || name === 'MESSAGE' ? FLAG[name] : {};
  const known = Object.entries(bits).filter(([, bit]) => (flags & bit) !== 0);
  const rest = known.reduce((left, [, bit]) => left & ~bit, flags);
  return [...known.map(([flag]) => flag), ...(rest === 0 ? [] : [`undefined 0x${rest.toString(16)}`])].join(' ');
}

function unknownType(type: number): string {
  return (type & IGNORABLE_BIT.frameType) === 0 ? 'unknown frame' : 'unknown frame, ignorable';
}

function unknownParameter(id: number): string {
  return (id & IGNORABLE_BIT.parameter) === 0 ? 'unknown parameter' : 'unknown parameter, ignorable';
}
