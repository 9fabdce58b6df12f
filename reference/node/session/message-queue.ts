import type { HawserError } from '../../core/index.ts';

/** A message that waits for its reader. */
export interface QueuedMessage {
  readonly data: Uint8Array;
  /** Number of the message on its channel, from 1. */
  readonly number: number;
  /** It may have been handed over before a crash. */
  readonly redelivered: boolean;
}

interface Reader {
  readonly resolve: (message: QueuedMessage | undefined) => void;
  readonly reject: (error: HawserError) => void;
}

/** Messages that came before somebody took them; the credit granted bounds their number and size. */
export class MessageQueue {
  #messages: QueuedMessage[] = [];
  /** Index of the next message: taking one moves nothing. */
  #first = 0;
  readonly #readers: Reader[] = [];
  #ended = false;
  #error: HawserError | undefined;

  get empty(): boolean {
    return this.#first === this.#messages.length;
  }

  /** Whether no message follows those that wait. */
  get ended(): boolean {
    return this.#ended;
  }

  push(message: QueuedMessage): void {
    const reader = this.#readers.shift();
    if (reader === undefined) this.#messages.push(message);
    else reader.resolve(message);
  }

  /** No message follows. */
  end(): void {
    this.#ended = true;
    for (const reader of this.#readers.splice(0)) reader.resolve(undefined);
  }

  /** No message follows, and that is not how it should be. What waits is discarded, unless the end was in order. */
  fail(error: HawserError): void {
    if (this.#ended || this.#error !== undefined) return;
    this.#error = error;
    this.#messages = [];
    this.#first = 0;
    for (const reader of this.#readers.splice(0)) reader.reject(error);
  }

  take(): QueuedMessage | undefined {
    const message = this.#messages[this.#first];
    if (message === undefined) return undefined;
    this.#first += 1;
    if (this.#first === this.#messages.length) {
      this.#messages = [];
      this.#first = 0;
    }
    return message;
  }

  /** The next message; undefined after the last. Rejects after {@link fail}. */
  next(): Promise<QueuedMessage | undefined> {
    const message = this.take();
    if (message !== undefined) return Promise.resolve(message);
    if (this.#error !== undefined) return Promise.reject(this.#error);
    if (this.#ended) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }));
  }
}
