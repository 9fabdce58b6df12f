import {
  ERROR_NAME,
  FIELDS,
  FLAG,
  FRAME_NAME,
  type FrameName,
  HEADER_BYTES,
  IGNORABLE_BIT,
  MAX_PAYLOAD_BYTES,
  PARAMETER,
  PARAMETER_NAME,
} from '../../core/index.ts';
import { decodeHeader } from '../../core/frames/header.ts';

/** One field of a frame, in its place. */
export interface Annotation {
  /** Of the first octet, in the whole input. */
  readonly offset: number;
  readonly octets: Uint8Array;
  readonly name: string;
  /** What the octets say. */
  readonly value: string;
}

/** A frame in its fields. */
export interface AnnotatedFrame {
  readonly title: string;
  readonly fields: readonly Annotation[];
  /** What is wrong with the octets by themselves; the state of a connection is not known here. */
  readonly problem: string | undefined;
}

/** The shape of every entry of the registry's field tables. */
interface Field {
  readonly type: 'u8' | 'u16' | 'u32' | 'u53' | 'bytes' | 'opaque16' | 'text16' | 'parameters' | 'rest';
  readonly bytes?: number;
  readonly values?: Readonly<Record<string, number>>;
}

const INTEGERS = { u8: 1, u16: 2, u32: 4, u53: 8 } as const;

/** Divides octets into frames and frames into fields; goes on after a frame that is wrong in its payload only. */
export function annotate(input: Uint8Array): AnnotatedFrame[] {
  const frames: AnnotatedFrame[] = [];
  let offset = 0;
  while (offset < input.length) {
    const frame = input.subarray(offset, offset + HEADER_BYTES + MAX_PAYLOAD_BYTES);
    if (frame.length < HEADER_BYTES) {
      const fields = [{ offset, octets: frame, name: 'header', value: 'incomplete' }];
      frames.push({ title: 'incomplete header', fields, problem: `${frame.length} of ${HEADER_BYTES} octets` });
      break;
    }
    const { length } = decodeHeader(frame);
    frames.push(annotateFrame(frame.subarray(0, HEADER_BYTES + length), offset));
    if (length > MAX_PAYLOAD_BYTES) break;
    offset += HEADER_BYTES + length;
  }
  return frames;
}

function annotateFrame(frame: Uint8Array, offset: number): AnnotatedFrame {
  const { type, flags, length, channel, seq } = decodeHeader(frame);
  const name = FRAME_NAME[type];
  const title = name ?? ((type & IGNORABLE_BIT.frameType) === 0 ? 'unknown frame' : 'ignorable frame');
  const header = (start: number, size: number, field: string, value: string): Annotation => ({
    offset: offset + start,
    octets: frame.subarray(start, start + size),
    name: field,
    value,
  });
  const fields = [
    header(0, 1, 'type', `${hexNumber(type, 2)} ${title}`),
    header(1, 1, 'flags', flagNames(name, flags)),
    header(2, 2, 'length', String(length)),
    header(4, 4, 'channel', String(channel)),
    header(8, 8, 'seq', String(seq)),
  ];
  if (length > MAX_PAYLOAD_BYTES) return { title, fields, problem: 'FRAME_TOO_LARGE [WIR-001]' };
  const payload = frame.subarray(HEADER_BYTES);
  if (payload.length < length) {
    fields.push(header(HEADER_BYTES, payload.length, 'payload', 'incomplete'));
    return { title, fields, problem: `the payload has ${payload.length} of ${length} octets` };
  }
  if (name === undefined) {
    if (payload.length > 0) fields.push(header(HEADER_BYTES, length, 'payload', ''));
    const ignorable = (type & IGNORABLE_BIT.frameType) !== 0;
    return { title, fields, problem: ignorable ? undefined : 'FRAME_UNKNOWN [WIR-005]' };
  }
  const reader = new FieldReader(payload, offset + HEADER_BYTES);
  const problem = readFields(name, reader);
  return { title, fields: [...fields, ...reader.fields], problem };
}

/** Walks over a payload and keeps what it has passed. */
class FieldReader {
  readonly fields: Annotation[] = [];
  readonly #payload: Uint8Array;
  readonly #base: number;
  #offset = 0;

  constructor(payload: Uint8Array, base: number) {
    this.#payload = payload;
    this.#base = base;
  }

  get left(): number {
    return this.#payload.length - this.#offset;
  }

  /** Passes over octets; undefined where there are not so many. */
  take(size: number, name: string, toValue: (octets: Uint8Array) => string): Uint8Array | undefined {
    if (size > this.left) return undefined;
    const octets = this.#payload.subarray(this.#offset, this.#offset + size);
    this.fields.push({ offset: this.#base + this.#offset, octets, name, value: toValue(octets) });
    this.#offset += size;
    return octets;
  }
}

function readFields(frame: FrameName, reader: FieldReader): string | undefined {
  for (const [name, field] of Object.entries<Field>(FIELDS[frame])) {
    if (!readField(name, field, reader)) return `FRAME_MALFORMED: the payload ends within ${name} [WIR-014]`;
  }
  if (reader.left === 0) return undefined;
  reader.take(reader.left, 'octets after the last field', () => '');
  return 'FRAME_MALFORMED: octets after the last field [WIR-015]';
}

function readField(name: string, field: Field, reader: FieldReader): boolean {
  switch (field.type) {
    case 'u8':
    case 'u16':
    case 'u32':
    case 'u53':
      return reader.take(INTEGERS[field.type], name, (octets) => integerText(name, field, octets)) !== undefined;
    case 'bytes':
      return reader.take(field.bytes ?? 0, name, () => '') !== undefined;
    case 'rest':
      return reader.take(reader.left, name, (octets) => `${octets.length} octets${quoted(octets)}`) !== undefined;
    case 'opaque16':
      return takeCounted(reader, name, () => '');
    case 'text16':
      return takeCounted(reader, name, (octets) => JSON.stringify(Buffer.from(octets).toString('utf8')));
    case 'parameters':
      return readParameters(name, reader);
  }
}

function takeCounted(reader: FieldReader, name: string, toValue: (octets: Uint8Array) => string): boolean {
  const length = reader.take(2, `${name}.length`, (octets) => String(integer(octets)));
  return length !== undefined && reader.take(integer(length), name, toValue) !== undefined;
}

function readParameters(name: string, reader: FieldReader): boolean {
  const length = reader.take(2, `${name}.length`, (octets) => String(integer(octets)));
  if (length === undefined || integer(length) > reader.left) return false;
  const end = reader.left - integer(length);
  while (reader.left > end) {
    const id = reader.left - end < 4 ? undefined : reader.take(2, 'parameter', parameterText);
    const size = id === undefined ? undefined : reader.take(2, 'parameter.length', (octets) => String(integer(octets)));
    if (id === undefined || size === undefined || integer(size) > reader.left - end) return false;
    const known = PARAMETER_NAME[integer(id)];
    const isNumber = known !== undefined && PARAMETER[known].type !== 'opaque';
    reader.take(integer(size), known ?? 'value', (octets) => (isNumber ? String(integer(octets)) : quoted(octets)));
  }
  return true;
}

function parameterText(octets: Uint8Array): string {
  const id = integer(octets);
  const unknown = (id & IGNORABLE_BIT.parameter) === 0 ? 'unknown' : 'ignorable';
  return `${hexNumber(id, 4)} ${PARAMETER_NAME[id] ?? unknown}`;
}

function integerText(name: string, field: Field, octets: Uint8Array): string {
  const value = integer(octets);
  const named = Object.entries(field.values ?? {}).find(([, number]) => number === value)?.[0];
  if (named !== undefined) return `${value} ${named}`;
  if (name === 'code') return `${hexNumber(value, 4)} ${ERROR_NAME[value] ?? 'unknown'}`;
  return name === 'scheme' ? hexNumber(value, 4) : String(value);
}

function flagNames(frame: FrameName | undefined, flags: number): string {
  const defined: Readonly<Record<string, number>> =
    frame === 'CLOSE' || frame === 'MESSAGE' ? FLAG[frame] : {};
  const names = Object.entries(defined).flatMap(([name, bit]) => ((flags & bit) === 0 ? [] : [name]));
  return flags === 0 ? 'none' : `${hexNumber(flags, 2)} ${names.join(' ')}`.trim();
}

function integer(octets: Uint8Array): number {
  return octets.reduce((value, octet) => value * 256 + octet, 0);
}

function hexNumber(value: number, digits: number): string {
  return `0x${value.toString(16).padStart(digits, '0')}`;
}

/** Short printable octets as text. */
function quoted(octets: Uint8Array): string {
  const text = Buffer.from(octets).toString('latin1');
  return /^[\x20-\x7e]{1,64}$/.test(text) ? ` ${JSON.stringify(text)}` : '';
}
