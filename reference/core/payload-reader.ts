import { PeerViolationError } from './errors.ts';
import { getU53, viewOf } from './octets.ts';
import { type DecodedParameters, decodeParameters } from './parameters.ts';
import { FRAME_TYPE, type FrameName } from './registry.gen.ts';
import { decodeText } from './text.ts';

/** Inclusive bounds of an integer, of a length in octets, or of a number of values. */
export interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

/** Of a value in a list of type opaques16 or texts16 (chapter 3.1). */
const OPAQUE_VALUE: Bounds = { min: 1 };
const TEXT_VALUE: Bounds = { min: 1, max: 2048 };

/**
 * Reads the fields of one payload in their order. Each method throws {@link PeerViolationError} FRAME_MALFORMED, or
 * what `parameters` says, at the first octet that can not be right. [WIR-027]
 */
export class PayloadReader {
  readonly #frame: FrameName;
  readonly #payload: Uint8Array;
  readonly #view: DataView;
  #offset = 0;

  constructor(frame: FrameName, payload: Uint8Array) {
    this.#frame = frame;
    this.#payload = payload;
    this.#view = viewOf(payload);
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2));
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  u53(): number {
    const value = getU53(this.#view, this.#take(8));
    if (value > Number.MAX_SAFE_INTEGER) throw this.malformed('WIR-016', 'holds a u53 above 2^53 - 1');
    return value;
  }

  /** Exactly `size` octets, as a view. */
  bytes(size: number): Uint8Array {
    const start = this.#take(size);
    return this.#payload.subarray(start, start + size);
  }

  /** A `u16` length and that many octets, as a view. */
  opaque16(bounds: Bounds): Uint8Array {
    const length = this.u16();
    // The octets that are missing are missing before their value can be out of bounds.
    const value = this.bytes(length);
    this.check(length, bounds, 'length');
    return value;
  }

  text16(bounds: Bounds): string {
    return this.#text(this.opaque16(bounds));
  }

  /** Values of type opaque16, as views. */
  opaques16(count: Bounds): readonly Uint8Array[] {
    return this.#values(count, OPAQUE_VALUE);
  }

  /** Values of type text16. */
  texts16(count: Bounds): readonly string[] {
    return this.#values(count, TEXT_VALUE).map((value) => this.#text(value));
  }

  /** All octets that are left, as a view. */
  rest(): Uint8Array {
    return this.bytes(this.#payload.length - this.#offset);
  }

  parameters(): DecodedParameters {
    return decodeParameters(this.#frame, this.opaque16({}));
  }

  /** The payload has to be over. [WIR-015] */
  end(): void {
    if (this.#offset !== this.#payload.length) throw this.malformed('WIR-015', 'goes on after its last field');
  }

  /** A value, or a length, has to be within the bounds of the registry. [WIR-017] */
  check(value: number, { min = 0, max = Infinity }: Bounds, what: string): void {
    if (value < min || value > max) throw this.malformed('WIR-017', `holds a ${what} out of bounds`);
  }

  malformed(requirement: string, what: string): PeerViolationError {
    const message = `The payload of ${this.#frame} ${what}.`;
    return new PeerViolationError('FRAME_MALFORMED', requirement, message, FRAME_TYPE[this.#frame]);
  }

  /** A `u16` total length and values in it: one that goes beyond it ends the payload too early. [WIR-014] */
  #values(count: Bounds, each: Bounds): readonly Uint8Array[] {
    const list = new PayloadReader(this.#frame, this.opaque16({}));
    const values: Uint8Array[] = [];
    while (list.#offset < list.#payload.length) values.push(list.opaque16(each));
    this.check(values.length, count, 'number of values');
    return values;
  }

  #text(octets: Uint8Array): string {
    const text = decodeText(octets);
    if (text === undefined) throw this.malformed('WIR-018', 'holds a text that is not plain UTF-8');
    return text;
  }

  #take(size: number): number {
    const start = this.#offset;
    if (this.#payload.length - start < size) throw this.malformed('WIR-014', 'ends before its last field');
    this.#offset = start + size;
    return start;
  }
}
