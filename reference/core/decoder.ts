import { getU53, NO_OCTETS, viewOf } from './octets.ts';
import { HEADER_BYTES, HEADER_OFFSET, MAX_PAYLOAD_BYTES } from './registry.gen.ts';

/**
 * What {@link FrameDecoder.next} found: a whole frame, a header whose payload is not complete yet (or is longer than
 * any may be), or nothing that could be looked at.
 */
export type DecodeStep = 'frame' | 'header' | 'none';

/**
 * Divides a stream of octets, in any chunks, into frames. [WIR-002]
 *
 * A frame that lies in one chunk is a view into it; one that crosses chunks is gathered in a buffer of its size, and
 * there is never more than one of these. [WIR-029] The fields of the latest header, and of the latest frame, are the
 * decoder's own properties, so that a frame costs no object.
 */
export class FrameDecoder {
  type = 0;
  flags = 0;
  /** Octets of the payload. */
  length = 0;
  channel = 0;
  /** As {@link getU53} gives it. */
  seq = 0;
  /** The octets that hold the latest frame. */
  bytes: Uint8Array = NO_OCTETS;
  /** Offset of the latest frame's header in `bytes`. */
  start = 0;

  #chunk: Uint8Array = NO_OCTETS;
  #view: DataView = viewOf(NO_OCTETS);
  #offset = 0;
  #partial: Uint8Array | undefined;
  #filled = 0;
  #stopped = false;

  /** Gives the next chunk; every frame of the one before has to have been taken. */
  push(chunk: Uint8Array): void {
    if (this.#stopped) return;
    // A plain array, whatever subclass the platform hands in: views of it behave the same everywhere.
    this.#chunk = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    this.#view = viewOf(chunk);
    this.#offset = 0;
  }

  /** Drops everything and takes nothing more. */
  stop(): void {
    this.#stopped = true;
    this.#release();
    this.#partial = undefined;
  }

  /** Goes on to the next frame, if there is one. */
  next(): DecodeStep {
    if (this.#partial !== undefined) return this.#nextPartial(this.#partial);
    const start = this.#offset;
    const available = this.#chunk.length - start;
    if (available < HEADER_BYTES) return this.#keep(available, HEADER_BYTES);
    this.#readHeader(this.#view, start);
    if (this.length > MAX_PAYLOAD_BYTES) return 'header';
    const size = HEADER_BYTES + this.length;
    if (available < size) {
      this.#keep(available, size);
      return 'header';
    }
    this.#offset = start + size;
    this.bytes = this.#chunk;
    this.start = start;
    return 'frame';
  }

  /** The payload of the latest frame, as a view. */
  payload(): Uint8Array {
    const start = this.start + HEADER_BYTES;
    return this.bytes.subarray(start, start + this.length);
  }

  /** The latest frame with its header, as a view. */
  frame(): Uint8Array {
    return this.bytes.subarray(this.start, this.start + HEADER_BYTES + this.length);
  }

  /** The latest frame with its header, in an array of its own. */
  copyFrame(): Uint8Array {
    return this.bytes.slice(this.start, this.start + HEADER_BYTES + this.length);
  }

  #nextPartial(partial: Uint8Array): DecodeStep {
    if (this.#filled < HEADER_BYTES) {
      this.#fill(partial, HEADER_BYTES);
      if (this.#filled < HEADER_BYTES) return 'none';
    } else if (partial.length > HEADER_BYTES) {
      return this.#complete(partial);
    }
    this.#readHeader(viewOf(partial), 0);
    if (this.length > MAX_PAYLOAD_BYTES) return 'header';
    const whole = new Uint8Array(HEADER_BYTES + this.length);
    whole.set(partial);
    this.#partial = whole;
    return this.#complete(whole);
  }

  #complete(partial: Uint8Array): DecodeStep {
    this.#fill(partial, partial.length);
    if (this.#filled < partial.length) return 'header';
    this.#partial = undefined;
    this.bytes = partial;
    this.start = 0;
    return 'frame';
  }

  /** Begins to gather a frame, of which at least the header is awaited. */
  #keep(available: number, size: number): DecodeStep {
    if (available > 0) {
      this.#partial = new Uint8Array(size);
      this.#filled = 0;
      this.#fill(this.#partial, size);
    }
    this.#release();
    return 'none';
  }

  #fill(partial: Uint8Array, size: number): void {
    const end = Math.min(this.#chunk.length, this.#offset + size - this.#filled);
    partial.set(this.#chunk.subarray(this.#offset, end), this.#filled);
    this.#filled += end - this.#offset;
    this.#offset = end;
    if (end === this.#chunk.length) this.#release();
  }

  /** Lets go of the chunk, which an idle connection must not keep alive. */
  #release(): void {
    this.#chunk = NO_OCTETS;
    this.#view = viewOf(NO_OCTETS);
    this.#offset = 0;
  }

  #readHeader(view: DataView, start: number): void {
    const word = view.getUint32(start);
    this.type = word >>> 24;
    this.flags = (word >>> 16) & 0xff;
    this.length = word & 0xffff;
    this.channel = view.getUint32(start + HEADER_OFFSET.channel);
    this.seq = getU53(view, start + HEADER_OFFSET.seq);
  }
}
