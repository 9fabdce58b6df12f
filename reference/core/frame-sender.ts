import type { Liveness } from './liveness.ts';
import type { Output } from './output.ts';

/** Numbers and writes the frames of an established session; their flags are those of the registry. [WIR-008] */
export class FrameSender {
  readonly #output: Output;
  readonly #liveness: Liveness;
  #seq = 0;
  #now: number;

  constructor(output: Output, liveness: Liveness, now: number) {
    this.#output = output;
    this.#liveness = liveness;
    this.#now = now;
  }

  /** Sequence number of the last sequenced frame sent; 0 for none. */
  get cursor(): number {
    return this.#seq;
  }

  /** Octets written that the transport has not taken. */
  get pendingBytes(): number {
    return this.#output.pendingBytes;
  }

  /** The time of what is written next. */
  set now(now: number) {
    this.#now = now;
  }

  get now(): number {
    return this.#now;
  }

  /** Writes a frame that is not sequenced. [WIR-011] */
  unsequenced(type: number, flags: number, channel: number, payload: Uint8Array): void {
    this.#output.frame(type, flags, channel, 0, payload);
    this.#liveness.sent(this.#now);
  }

  /** Writes a sequenced frame and returns its number. [WIR-010] */
  sequenced(type: number, flags: number, channel: number, payload: Uint8Array): number {
    this.#seq += 1;
    this.#output.frame(type, flags, channel, this.#seq, payload);
    this.#liveness.sent(this.#now);
    return this.#seq;
  }
}
