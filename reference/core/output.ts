import { encodeHeader } from './frames/header.ts';
import { NO_OCTETS, viewOf } from './octets.ts';
import { HEADER_BYTES } from './registry.gen.ts';

/** Size of a slab in octets: what the transport takes in one write with little overhead. */
const SLAB_BYTES = 65_536;

/** Payloads from this size on are handed out as they are, beside their header, instead of copied. */
const VIEW_BYTES = 4096;

interface Slab {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Octets that are taken. Nothing before it is ever written again. */
  used: number;
}

const NO_SLAB: Slab = { bytes: NO_OCTETS, view: viewOf(NO_OCTETS), used: 0 };
const NO_CHUNKS: readonly Uint8Array[] = Object.freeze([]);

/** The slab that all connections fill in turn: an idle connection holds no buffer. */
let current: Slab = NO_SLAB;

/** The frames of one connection that wait for the transport, each in one piece unless its payload is large. [WIR-004] */
export class Output {
  #chunks: Uint8Array[] = [];
  #chunkBytes = 0;
  /** The piece of a slab that is still growing. */
  #slab: Slab = NO_SLAB;
  #start = 0;
  #end = 0;

  /** Octets that `take` would give. */
  get pendingBytes(): number {
    return this.#chunkBytes + this.#end - this.#start;
  }

  /** Appends a frame. A payload of 4,096 octets or more is not copied, and must not be changed by anyone. */
  frame(type: number, flags: number, channel: number, seq: number, payload: Uint8Array): void {
    const length = payload.length;
    const copied = length < VIEW_BYTES;
    const at = this.#reserve(copied ? HEADER_BYTES + length : HEADER_BYTES);
    encodeHeader(this.#slab.view, at, type, flags, length, channel, seq);
    if (copied) {
      if (length > 0) this.#slab.bytes.set(payload, at + HEADER_BYTES);
    } else {
      this.#cut();
      this.#push(payload);
    }
  }

  /** Appends a complete frame, copying it. */
  raw(frame: Uint8Array): void {
    const at = this.#reserve(frame.length);
    this.#slab.bytes.set(frame, at);
  }

  /** Takes everything, in order. */
  take(): readonly Uint8Array[] {
    this.#cut();
    this.#slab = NO_SLAB;
    if (this.#chunks.length === 0) return NO_CHUNKS;
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#chunkBytes = 0;
    return chunks;
  }

  /** Drops everything: there is no transport any more. */
  clear(): void {
    this.take();
  }

  /** Takes the next octets of the slab; they continue the growing piece where no other connection came between. */
  #reserve(size: number): number {
    if (this.#slab !== current || this.#end !== current.used || current.used + size > current.bytes.length) {
      this.#cut();
      if (current.used + size > current.bytes.length) {
        const bytes = new Uint8Array(SLAB_BYTES);
        current = { bytes, view: viewOf(bytes), used: 0 };
      }
      this.#slab = current;
      this.#start = current.used;
    }
    const at = current.used;
    current.used = at + size;
    this.#end = current.used;
    return at;
  }

  /** Ends the growing piece. */
  #cut(): void {
    if (this.#end > this.#start) this.#push(this.#slab.bytes.subarray(this.#start, this.#end));
    this.#start = this.#end;
  }

  #push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#chunkBytes += chunk.length;
  }
}
