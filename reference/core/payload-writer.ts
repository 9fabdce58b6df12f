import { MisuseError } from './errors.ts';
import { setU53, viewOf } from './octets.ts';

/** Octets of a length. */
const LENGTH_BYTES = 2;

/** Octets that a list of values takes, its total length included. */
export function encodedListBytes(values: readonly Uint8Array[]): number {
  return values.reduce((sum, value) => sum + LENGTH_BYTES + value.length, LENGTH_BYTES);
}

/** Writes the fields of one payload in their order into a buffer of the size that the caller has added up. */
export class PayloadWriter {
  readonly #payload: Uint8Array;
  readonly #view: DataView;
  #offset = 0;

  /** @param size - octets of the whole payload. */
  constructor(size: number) {
    this.#payload = new Uint8Array(size);
    this.#view = viewOf(this.#payload);
  }

  u8(value: number): this {
    this.#view.setUint8(this.#advance(1), value);
    return this;
  }

  u16(value: number): this {
    this.#view.setUint16(this.#advance(2), value);
    return this;
  }

  u32(value: number): this {
    this.#view.setUint32(this.#advance(4), value);
    return this;
  }

  u53(value: number): this {
    setU53(this.#view, this.#advance(8), value);
    return this;
  }

  /** Exactly `size` octets. */
  bytes(value: Uint8Array, size: number): this {
    if (value.length !== size) {
      throw new MisuseError('HAWSER_ERR_MISUSE_FIELD', `${value.length} octets were given for a field of ${size}.`);
    }
    this.#payload.set(value, this.#advance(size));
    return this;
  }

  /** A `u16` length and the octets. */
  opaque16(value: Uint8Array): this {
    return this.u16(value.length).bytes(value, value.length);
  }

  /**
   * A `u16` total length and values of type opaque16.
   *
   * @param count - how many there may be.
   * @throws MisuseError `HAWSER_ERR_MISUSE_FIELD` for any other number of values.
   */
  opaques16(values: readonly Uint8Array[], count: { readonly min: number; readonly max: number }): this {
    if (values.length < count.min || values.length > count.max) {
      const message = `${values.length} values were given for a list of ${count.min} to ${count.max}.`;
      throw new MisuseError('HAWSER_ERR_MISUSE_FIELD', message);
    }
    this.u16(encodedListBytes(values) - LENGTH_BYTES);
    for (const value of values) this.opaque16(value);
    return this;
  }

  /** The payload, all of which has been written. */
  end(): Uint8Array {
    if (this.#offset !== this.#payload.length) {
      throw new MisuseError('HAWSER_ERR_MISUSE_FIELD', 'A payload was sized for more than its fields.');
    }
    return this.#payload;
  }

  #advance(size: number): number {
    const start = this.#offset;
    this.#offset = start + size;
    return start;
  }
}
