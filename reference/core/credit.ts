import type { Credit } from './frames/credit.ts';
import { LIMITS } from './registry.gen.ts';

/** Messages and octets since a channel was opened. */
export interface Usage {
  readonly messages: number;
  readonly bytes: number;
}

const NOTHING_USED: Usage = { messages: 0, bytes: 0 };

/** What this endpoint may still send on a channel. */
export class SendCredit {
  #messageLimit: number;
  #byteLimit: number;
  #messages = 0;
  #bytes = 0;

  /** @param used - what has been sent before a crash. */
  constructor(initial: Credit, used: Usage = NOTHING_USED) {
    this.#messageLimit = initial.messageLimit;
    this.#byteLimit = initial.byteLimit;
    this.#messages = used.messages;
    this.#bytes = used.bytes;
  }

  /** Limits and what is used of them, to be stored. */
  get snapshot(): Credit & Usage {
    return {
      messageLimit: this.#messageLimit,
      byteLimit: this.#byteLimit,
      messages: this.#messages,
      bytes: this.#bytes,
    };
  }

  /** Messages that have been begun. */
  get messages(): number {
    return this.#messages;
  }

  /** Whether another message may be begun. [CHN-020] */
  get mayBegin(): boolean {
    return this.#messages < this.#messageLimit;
  }

  /** Octets of fragments that may be sent. [CHN-020] */
  get bytes(): number {
    return this.#byteLimit - this.#bytes;
  }

  /** A fragment is sent. */
  use(first: boolean, length: number): void {
    if (first) this.#messages += 1;
    this.#bytes += length;
  }

  /**
   * Takes a CREDIT; false, and nothing changes, when it lowers a limit or raises neither. [CHN-022]
   *
   * @param restated - whether it may state the limits again. [CNT-034]
   */
  raise({ messageLimit, byteLimit }: Credit, restated = false): boolean {
    if (messageLimit < this.#messageLimit || byteLimit < this.#byteLimit) return false;
    if (!restated && messageLimit === this.#messageLimit && byteLimit === this.#byteLimit) return false;
    this.#messageLimit = messageLimit;
    this.#byteLimit = byteLimit;
    return true;
  }
}

/** How much a receiver lets come in before its application has consumed it. */
export interface Window {
  readonly messages: number;
  readonly bytes: number;
}

/** Of {@link ReceiveCredit}: what is stored. */
export interface ReceiveSnapshot extends Credit, Usage {
  readonly consumedMessages: number;
  readonly consumedBytes: number;
}

/** What the peer may still send on a channel, and when it is granted more. */
export class ReceiveCredit {
  readonly #initial: Credit;
  readonly #window: Window;
  readonly #maxMessageBytes: number;
  /** What has to be consumed before it is granted again. */
  readonly #refreshMessages: number;
  readonly #refreshBytes: number;
  #messageLimit: number;
  #byteLimit: number;
  #messages = 0;
  #bytes = 0;
  #consumedMessages = 0;
  #consumedBytes = 0;
  /** Octets that came before the incomplete message; undefined where there is none. */
  #begunBehind: number | undefined;
  /** Octets that an incomplete message needs at most, counted like the byte limit. */
  #neededBytes = 0;

  /**
   * @param initial - the limits that the channel starts with.
   * @param window - what is kept granted beyond what was consumed.
   * @param restored - what was stored before a crash: limits, what has come, and what of it is settled.
   */
  constructor(initial: Credit, window: Window, maxMessageBytes: number, restored?: ReceiveSnapshot) {
    this.#initial = initial;
    this.#messageLimit = restored?.messageLimit ?? initial.messageLimit;
    this.#byteLimit = restored?.byteLimit ?? initial.byteLimit;
    this.#messages = restored?.messages ?? 0;
    this.#bytes = restored?.bytes ?? 0;
    this.#consumedMessages = restored?.consumedMessages ?? 0;
    this.#consumedBytes = restored?.consumedBytes ?? 0;
    this.#window = window;
    this.#maxMessageBytes = maxMessageBytes;
    this.#refreshMessages = refreshShare(window.messages);
    this.#refreshBytes = refreshShare(window.bytes);
  }

  /** Messages that the peer has begun. */
  get messages(): number {
    return this.#messages;
  }

  /** Limits and what is used of them, to be stored. */
  get snapshot(): Credit & Usage {
    return {
      messageLimit: this.#messageLimit,
      byteLimit: this.#byteLimit,
      messages: this.#messages,
      bytes: this.#bytes,
    };
  }

  /** Whether more was granted than the channel started with: after a resumption that is said again. [CNT-033] */
  get raised(): boolean {
    return this.#messageLimit > this.#initial.messageLimit || this.#byteLimit > this.#initial.byteLimit;
  }

  /** Counts a fragment; false when it exceeds a limit. [CHN-021] */
  receive(first: boolean, last: boolean, length: number): boolean {
    const messages = first ? this.#messages + 1 : this.#messages;
    const bytes = this.#bytes + length;
    if (messages > this.#messageLimit || bytes > this.#byteLimit) return false;
    if (first) this.#begunBehind = this.#bytes;
    if (last) this.#begunBehind = undefined;
    this.#messages = messages;
    this.#bytes = bytes;
    this.#noteNeed();
    return true;
  }

  /** A message that was incomplete at a crash goes on: it began behind so many octets. [CHN-024] */
  resume(bytesBefore: number): void {
    this.#begunBehind = bytesBefore;
    this.#noteNeed();
  }

  /** Counts what the application has consumed; false, and nothing changes, when so much has not been received. */
  consume(messages: number, bytes: number): boolean {
    if (this.#consumedMessages + messages > this.#messages || this.#consumedBytes + bytes > this.#bytes) return false;
    this.#consumedMessages += messages;
    this.#consumedBytes += bytes;
    this.#noteNeed();
    return true;
  }

  /**
   * The incomplete message may grow to the largest one allowed, and has to be able to arrive [CHN-024]: but not while more than a
   * window before it is not consumed, or an application that consumes nothing would let one in after the other [CHN-026].
   */
  #noteNeed(): void {
    const behind = this.#begunBehind;
    if (behind === undefined || behind - this.#consumedBytes > this.#window.bytes) return;
    this.#neededBytes = behind + this.#maxMessageBytes;
  }

  /**
   * Whether more is to be granted: enough of a window is consumed and not granted again [CHN-025], or the incomplete
   * message needs it [CHN-024].
   */
  get due(): boolean {
    const { messages, bytes } = this.#window;
    return (
      this.#neededBytes > this.#byteLimit ||
      this.#consumedMessages + messages - this.#messageLimit >= this.#refreshMessages ||
      this.#consumedBytes + bytes - this.#byteLimit >= this.#refreshBytes
    );
  }

  /** Raises the limits to what is to be granted, and returns them. Never beyond the window and one message. [CHN-026] */
  grant(): Credit {
    this.#messageLimit = Math.max(this.#messageLimit, this.#consumedMessages + this.#window.messages);
    this.#byteLimit = Math.max(this.#byteLimit, this.#consumedBytes + this.#window.bytes, this.#neededBytes);
    return { messageLimit: this.#messageLimit, byteLimit: this.#byteLimit };
  }
}

/** The share of a window at which it is granted anew; never nothing, or an empty window would never be. [CHN-025] */
function refreshShare(window: number): number {
  return Math.max(1, Math.floor((window * LIMITS.credit_refresh_percent) / 100));
}
