import { LIMITS } from './registry.gen.ts';

/** The channels that a client has asked something about, until it has acknowledged the answers: they bound its OPENs. [CNT-060] */
export class OpenWindow {
  /** By channel, the sequence number of the answer; undefined while there is none. */
  readonly #pending = new Map<number, number | undefined>();

  /** Whether no further OPEN may be sent. */
  get full(): boolean {
    return this.#pending.size >= LIMITS.max_pending_opens;
  }

  /** OPEN or RESET is sent. */
  asked(channel: number): void {
    this.#pending.set(channel, undefined);
  }

  /** The answer has come, with this sequence number. */
  answered(channel: number, seq: number): void {
    if (this.#pending.has(channel)) this.#pending.set(channel, seq);
  }

  /** The server has been told that everything through a sequence number has come. */
  acknowledged(cursor: number): void {
    for (const [channel, seq] of this.#pending) {
      if (seq !== undefined && seq <= cursor) this.#pending.delete(channel);
    }
  }
}
