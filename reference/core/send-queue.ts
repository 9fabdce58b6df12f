import { NO_OCTETS } from './octets.ts';

/** The messages of one channel that wait to be sent, the first of them perhaps in part. */
export class SendQueue {
  #messages: Uint8Array[] = [];
  /** Index of the first message that is not sent completely. */
  #head = 0;
  /** Octets of that message that are sent. */
  #offset = 0;
  #bytes = 0;

  /** Octets that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Messages that wait, the one begun included. */
  get size(): number {
    return this.#messages.length - this.#head;
  }

  /** Whether a fragment of the first message is sent and its last one is not. */
  get begun(): boolean {
    return this.#offset > 0;
  }

  /** The first message, the octets that are sent included. */
  get head(): Uint8Array | undefined {
    return this.#messages[this.#head];
  }

  /** Octets of the first message that are sent. */
  get offset(): number {
    return this.#offset;
  }

  /** Octets of the first message that wait; undefined when there is none. */
  get headBytes(): number | undefined {
    const head = this.#messages[this.#head];
    return head && head.length - this.#offset;
  }

  push(message: Uint8Array): void {
    this.#messages.push(message);
    this.#bytes += message.length;
  }

  /** Puts a message in front of which some octets were sent before a crash. */
  resume(message: Uint8Array, offset: number): void {
    this.#messages = [message];
    this.#head = 0;
    this.#offset = offset;
    this.#bytes = message.length - offset;
  }

  /** Takes up to `size` octets of the first message, as a view; undefined when there is no message. */
  take(size: number): { readonly fragment: Uint8Array; readonly last: boolean } | undefined {
    const head = this.#messages[this.#head];
    if (head === undefined) return undefined;
    const start = this.#offset;
    const end = Math.min(head.length, start + size);
    const last = end === head.length;
    this.#bytes -= end - start;
    this.#offset = last ? 0 : end;
    if (last) this.#dropHead();
    return { fragment: last && start === 0 ? head : head.subarray(start, end), last };
  }

  /** Drops every message. */
  clear(): void {
    this.#messages = [];
    this.#head = 0;
    this.#offset = 0;
    this.#bytes = 0;
  }

  #dropHead(): void {
    // The octets are let go of at once, the places in batches: moving the rest for each message would cost more.
    this.#messages[this.#head] = NO_OCTETS;
    this.#head += 1;
    if (this.#head * 2 >= this.#messages.length) {
      this.#messages = this.#messages.slice(this.#head);
      this.#head = 0;
    }
  }
}
