import { decodeHeader } from '../model/codec.ts';
import { frameOfType } from '../model/registry.ts';

/** What the harness keeps of a resumable session: its name, and frames that the other end has not acknowledged. */
export class HeldSession {
  readonly id: Uint8Array;
  /** The epoch of the last ACCEPT that was read. */
  epoch: bigint;
  /** Number of the last attempt to attach it. */
  attempt = 0n;
  readonly #kept = new Map<bigint, Uint8Array>();

  constructor(id: Uint8Array, epoch: bigint) {
    this.id = id;
    this.epoch = epoch;
  }

  /** Keeps a frame that was sent, if it is a sequenced one that is not kept already. */
  keep(octets: Uint8Array): void {
    const header = decodeHeader(octets);
    if (header === undefined || frameOfType(header.type)?.sequenced !== true) return;
    if (!this.#kept.has(header.seq)) this.#kept.set(header.seq, octets);
  }

  /** Lets go of everything through `cursor`. */
  forget(cursor: bigint): void {
    for (const seq of this.#kept.keys()) if (seq <= cursor) this.#kept.delete(seq);
  }

  /** What is kept beyond `cursor`, in order. */
  beyond(cursor: bigint): readonly Uint8Array[] {
    return [...this.#kept].filter(([seq]) => seq > cursor).map(([, octets]) => octets);
  }
}
