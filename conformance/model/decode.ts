/**
 * Reads frames by the registry's tables. Every check stands alone, so that the state machine can put its own between them in
 * the order of WIR-027.
 */
import { decodeHeader, integerBytes, isIgnorable, MAX_U53 } from './frame.ts';
import type { Header, ModelFields, ModelFrame, ModelParameter, ModelValue, Violation } from './frame.ts';
import { concat, readInteger } from './octets.ts';
import { frameNamed, frameOfType, parameterOfId, registry } from './registry.ts';
import type { FieldRow, FrameRow } from './registry.ts';

/** Where a piece of a payload stands: offset from the start of the payload, octets, and what it is. */
export interface Span {
  readonly offset: number;
  readonly length: number;
  readonly field: string;
  readonly text: string;
}

/** A payload that decodes, or the first thing wrong with it; `spans` go as far as it was read. */
export type PayloadResult = { readonly spans: readonly Span[] } & ({ readonly fields: ModelFields } | Violation);

/** A whole frame, or how many octets have to be there before more can be said, or what is wrong. */
export type FrameResult =
  | { readonly frame: ModelFrame; readonly fields: ModelFields; readonly consumed: number }
  | { readonly need: number }
  | Violation;

const violation = (error: string, requirement: string): Violation => ({ error, requirement });

export function checkLength(header: Header): Violation | undefined {
  return header.length > registry.header.maxPayloadBytes ? violation('FRAME_TOO_LARGE', 'WIR-001') : undefined;
}

export function checkType(header: Header): Violation | undefined {
  const known = frameOfType(header.type) !== undefined || isIgnorable(header.type);
  return known ? undefined : violation('FRAME_UNKNOWN', 'WIR-005');
}

export function checkFlags(row: FrameRow, header: Header): Violation | undefined {
  const defined = row.flags.reduce((bits, { bit }) => bits | bit, 0);
  return (header.flags & ~defined) === 0 ? undefined : violation('FLAGS_INVALID', 'WIR-007');
}

export function checkChannel(row: FrameRow, header: Header): Violation | undefined {
  return (row.layer === 'channel') === (header.channel !== 0) ? undefined : violation('CHANNEL_INVALID', 'WIR-009');
}

/** `row` is undefined for an ignorable frame. `due` is the number of the next sequenced frame, where it is known. */
export function checkSequence(row: FrameRow | undefined, header: Header, due?: bigint): Violation | undefined {
  if (row?.sequenced !== true) return header.seq === 0n ? undefined : violation('SEQUENCE_INVALID', 'WIR-013');
  const possible = header.seq > 0n && header.seq <= MAX_U53;
  const right = possible && (due === undefined || header.seq === due);
  return right ? undefined : violation('SEQUENCE_INVALID', 'WIR-012');
}

/** Reads a text; undefined when it is not well-formed UTF-8 or has control characters (WIR-018). */
function readText(octets: Uint8Array): string | undefined {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(octets);
  } catch {
    return undefined;
  }
  const codePoints = Array.from(text, (character) => character.codePointAt(0) ?? 0);
  return codePoints.some((point) => point < 0x20 || point === 0x7f) ? undefined : text;
}

/** The list without its length; `frameName` decides which parameters may stand in it. */
export function decodeParameters(
  list: Uint8Array,
  frameName: string,
): { readonly parameters: readonly ModelParameter[] } | Violation {
  const raw: { id: number; value: Uint8Array }[] = [];
  for (let at = 0; at < list.length;) {
    if (list.length - at < 4) return violation('PARAMETER_MALFORMED', 'WIR-021');
    const id = Number(readInteger(list.subarray(at, at + 2)));
    const length = Number(readInteger(list.subarray(at + 2, at + 4)));
    if (list.length - at - 4 < length) return violation('PARAMETER_MALFORMED', 'WIR-021');
    const last = raw.at(-1);
    if (last !== undefined && id <= last.id) return violation('PARAMETER_MALFORMED', 'WIR-020');
    raw.push({ id, value: list.subarray(at + 4, at + 4 + length) });
    at += 4 + length;
  }
  const parameters: ModelParameter[] = [];
  for (const { id, value } of raw) {
    const row = parameterOfId(id);
    if (row?.type === undefined) {
      if ((id & registry.extension.parameterIgnorableBit) === 0) return violation('PARAMETER_UNKNOWN', 'WIR-022');
      parameters.push({ id, value });
      continue;
    }
    if (!row.in.includes(frameName)) return violation('PARAMETER_INVALID', 'WIR-024');
    const size = integerBytes(row.type);
    if (size !== undefined && value.length !== size) return violation('PARAMETER_INVALID', 'WIR-025');
    const measure = size === undefined ? value.length : Number(readInteger(value));
    if (measure < (row.min ?? 0) || measure > (row.max ?? Infinity)) return violation('PARAMETER_INVALID', 'WIR-026');
    parameters.push({ id, name: row.name, value: size === undefined ? value : measure });
  }
  return { parameters };
}

const isZero = (value: ModelValue): boolean =>
  value instanceof Uint8Array ? value.every((octet) => octet === 0) : value === 0 || value === 0n;

function show(row: FieldRow, value: ModelValue): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (value instanceof Uint8Array) return `${value.length} octets`;
  if (Array.isArray(value)) return `${value.length} values`;
  if (typeof value === 'object') return '';
  const name = Object.entries(row.values ?? {}).find(([, number]) => number === value)?.[0];
  return name === undefined ? String(value) : `${String(value)} (${name})`;
}

/** The largest value of a `texts16` in octets (section 3.1). */
const MAX_LISTED_TEXT = 2048;

/** The values of a `texts16` or `opaques16`; undefined when one goes beyond the list. */
function decodeList(octets: Uint8Array): readonly Uint8Array[] | undefined {
  const values: Uint8Array[] = [];
  let at = 0;
  while (at < octets.length) {
    if (octets.length - at < 2) return undefined;
    const end = at + 2 + Number(readInteger(octets.subarray(at, at + 2)));
    if (end > octets.length) return undefined;
    values.push(octets.subarray(at + 2, end));
    at = end;
  }
  return values;
}

/** Reads the payload of a frame, field by field, up to the first thing that is wrong. */
export function decodePayload(row: FrameRow, payload: Uint8Array): PayloadResult {
  const spans: Span[] = [];
  const fields: Record<string, ModelValue> = {};
  let at = 0;
  const fail = (error: string, requirement: string): PayloadResult => ({ spans, error, requirement });

  for (const field of row.fields) {
    const start = at;
    const left = payload.length - at;
    const lengthBytes = ['opaque16', 'text16', 'texts16', 'opaques16', 'parameters'].includes(field.type) ? 2 : 0;
    if (left < lengthBytes) return fail('FRAME_MALFORMED', 'WIR-014');
    const announced = Number(readInteger(payload.subarray(at, at + lengthBytes)));
    const fixed = field.size ?? integerBytes(field.type);
    const length = lengthBytes > 0 ? announced : (fixed ?? left);
    if (left < lengthBytes + length) return fail('FRAME_MALFORMED', 'WIR-014');
    const octets = payload.subarray(at + lengthBytes, at + lengthBytes + length);
    at += lengthBytes + length;

    let value: ModelValue = octets;
    let measure: bigint | undefined;
    let values: readonly Uint8Array[] = [];
    if (field.type === 'texts16' || field.type === 'opaques16') {
      const list = decodeList(octets);
      if (list === undefined) return fail('FRAME_MALFORMED', 'WIR-014');
      if (list.some((item) => item.length < 1 || (field.type === 'texts16' && item.length > MAX_LISTED_TEXT))) {
        return fail('FRAME_MALFORMED', 'WIR-017');
      }
      measure = BigInt(list.length);
      values = list;
      value = list;
    }
    if (integerBytes(field.type) !== undefined) {
      measure = readInteger(octets);
      value = field.type === 'u53' ? measure : Number(measure);
      if (field.type === 'u53' && measure > MAX_U53) return fail('FRAME_MALFORMED', 'WIR-016');
    } else if (field.type === 'opaque16' || field.type === 'text16') {
      measure = BigInt(length);
    }
    if (measure !== undefined && field.min !== undefined && measure < field.min)
      return fail('FRAME_MALFORMED', 'WIR-017');
    if (measure !== undefined && field.max !== undefined && measure > field.max)
      return fail('FRAME_MALFORMED', 'WIR-017');
    if (field.values !== undefined && !Object.values(field.values).some((allowed) => BigInt(allowed) === measure)) {
      return fail('FRAME_MALFORMED', 'WIR-017');
    }
    for (const [other, name] of Object.entries(field.zeroWhen ?? {})) {
      const selector = row.fields.find((candidate) => candidate.name === other);
      if (fields[other] === selector?.values?.[name] && !isZero(value)) return fail('FRAME_MALFORMED', 'WIR-017');
    }
    if (field.type === 'text16') {
      const text = readText(octets);
      if (text === undefined) return fail('FRAME_MALFORMED', 'WIR-018');
      value = text;
    }
    if (field.type === 'texts16') {
      const texts = values.map(readText);
      if (texts.some((text) => text === undefined)) return fail('FRAME_MALFORMED', 'WIR-018');
      value = texts as readonly string[];
    }
    if (field.type === 'parameters') {
      const result = decodeParameters(octets, row.name);
      if ('error' in result) return fail(result.error, result.requirement);
      value = result.parameters;
      spans.push({ offset: start, length: 2, field: field.name, text: `length of ${field.name} = ${length}` });
      let offset = start + 2;
      for (const parameter of result.parameters) {
        const size = 4 + Number(readInteger(payload.subarray(offset + 2, offset + 4)));
        const shown = typeof parameter.value === 'number' ? String(parameter.value) : `${size - 4} octets`;
        const text = `${parameter.name ?? `parameter 0x${parameter.id.toString(16).padStart(4, '0')} (ignored)`} = ${shown}`;
        spans.push({ offset, length: size, field: field.name, text });
        offset += size;
      }
    } else {
      spans.push({
        offset: start,
        length: at - start,
        field: field.name,
        text: `${field.name} = ${show(field, value)}`,
      });
    }
    // A FORWARD holds the payload of an OPEN, and is wrong in the same way.
    if (field.type === 'rest' && field.name === 'open') {
      const open = decodePayload(frameNamed('OPEN'), octets);
      if ('error' in open) return fail(open.error, 'RLY-015');
    }
    fields[field.name] = value;
  }
  return at < payload.length ? fail('FRAME_MALFORMED', 'WIR-015') : { spans, fields };
}

/** The frame that `header` and `payload` make. */
export function frameOf(header: Header, payload: Uint8Array): ModelFrame {
  const { type, flags, channel, seq } = header;
  const name = frameOfType(type)?.name;
  return { type, flags, channel, seq, payload, ...(name === undefined ? {} : { name }) };
}

/** How many octets the first frame has, or how many have to be there to tell. */
export function measureFrame(bytes: Uint8Array): { readonly total: number } | { readonly need: number } | Violation {
  const header = decodeHeader(bytes);
  if (header === undefined) return { need: registry.header.bytes };
  return checkLength(header) ?? { total: registry.header.bytes + header.length };
}

/**
 * Reads the frame at the start of `bytes` with every check that needs no state, in the order of WIR-027: what a receiver would
 * find in a state that expects this frame. An ignorable frame of an unknown type comes back without a name and without fields.
 */
export function decodeFrame(bytes: Uint8Array): FrameResult {
  const measured = measureFrame(bytes);
  if (!('total' in measured)) return measured;
  const { total } = measured;
  if (bytes.length < total) return { need: total };
  const header = decodeHeader(bytes);
  if (header === undefined) return { need: registry.header.bytes };
  const row = frameOfType(header.type);
  const payload = bytes.slice(registry.header.bytes, total);
  const wrong =
    checkType(header) ?? (row && (checkFlags(row, header) ?? checkChannel(row, header))) ?? checkSequence(row, header);
  if (wrong !== undefined) return wrong;
  const frame = frameOf(header, payload);
  if (row === undefined) return { frame, fields: {}, consumed: total };
  const result = decodePayload(row, payload);
  if ('error' in result) return { error: result.error, requirement: result.requirement };
  return { frame, fields: result.fields, consumed: total };
}

/** One thing that a {@link FrameReader} found. */
export type ReadFrame = { readonly frame: ModelFrame; readonly fields: ModelFields; readonly octets: Uint8Array };

/** Cuts a stream into frames, however it is divided. After an error nothing more is read (WIR-028). */
export class FrameReader {
  #held: Uint8Array = new Uint8Array(0);
  #error: Violation | undefined;

  /** The error that ended the stream, if any. */
  get error(): Violation | undefined {
    return this.#error;
  }

  /** Octets of the incomplete frame at the end. */
  get pending(): Uint8Array {
    return this.#held;
  }

  /** Takes the next octets and gives every frame that they complete; look at {@link error} afterwards. */
  push(chunk: Uint8Array): readonly ReadFrame[] {
    const frames: ReadFrame[] = [];
    this.#held = concat(this.#held, chunk);
    while (this.#error === undefined) {
      const result = decodeFrame(this.#held);
      if ('need' in result) break;
      if ('error' in result) {
        this.#error = result;
        break;
      }
      const octets = this.#held.slice(0, result.consumed);
      frames.push({ frame: result.frame, fields: result.fields, octets });
      this.#held = this.#held.slice(result.consumed);
    }
    return frames;
  }
}
