import { PeerViolationError } from './errors.ts';
import { getU53, viewOf } from './octets.ts';
import { type DecodedParameters, decodeParameters } from './parameters.ts';
import { FRAME_TYPE, type FrameName } from './registry.gen.ts';
import { decodeText } from './text.ts';

/** Inclusive bounds of an integer, or of a length in octets. */
export interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

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
    const text = decodeText(this.opaque16(bounds));
    if (text === undefined) throw this.malformed('WIR-018', 'holds a text that is not plain UTF-8');
    return text;
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

  #take(size: number): number {
    const start = this.#offset;
    if (this.#payload.length - start < size) throw this.malformed('WIR-014', 'ends before its last field');
    this.#offset = start + size;
    return start;
  }
}
