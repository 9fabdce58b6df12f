import { equals, setU53, viewOf } from './octets.ts';
import { FIELDS, LIMITS } from './registry.gen.ts';

/**
 * Why a PING was sent: the owner asked for it, silence called for it, or it is to tell which messages were received.
 */
export type PingPurpose = 'asked' | 'liveness' | 'barrier';

/** A PING that waits for its PONG. */
export interface OutstandingPing {
  readonly data: Uint8Array;
  readonly sentAt: number;
  /** Sequence number of the last sequenced frame before it: its PONG tells that this one was processed. */
  readonly sendCursor: number;
  readonly purpose: PingPurpose;
}

/** The PINGs that wait for their PONGs, which come in the same order. [SES-007] */
export class PingQueue {
  readonly #outstanding: OutstandingPing[] = [];
  #count = 0;

  /** Whether no further PING may be sent. [SES-008] */
  get full(): boolean {
    return this.#outstanding.length >= LIMITS.max_outstanding_pings;
  }

  /** Adds a PING and returns its data, which no other PING of the connection has. */
  add(sentAt: number, sendCursor: number, purpose: PingPurpose): Uint8Array {
    const data = new Uint8Array(FIELDS.PING.data.bytes);
    this.#count += 1;
    setU53(viewOf(data), 0, this.#count);
    this.#outstanding.push({ data, sentAt, sendCursor, purpose });
    return data;
  }

  /** The PING that a PONG answers; undefined when its data is not that of the oldest one. [SES-007] */
  answer(data: Uint8Array): OutstandingPing | undefined {
    const oldest = this.#outstanding[0];
    if (oldest === undefined || !equals(oldest.data, data)) return undefined;
    this.#outstanding.shift();
    return oldest;
  }
}
