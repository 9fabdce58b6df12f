/** What the receiving application says of a message: 0 is accepted, any other number rejected. */
export type Verdict = number;

/** The application is done with a message: it gives a verdict, or nobody does. */
export type Decision = Verdict | undefined;

/** Verdict of an application that says nothing else. */
export const ACCEPTED: Verdict = 0;

/** A message that was handed to the application, which has not decided on it. */
interface Unsettled {
  readonly number: number;
  readonly bytes: number;
  /** Sequence numbers of its fragments, in a session that stores them. */
  readonly seqs: readonly number[];
}

/** Messages that the application has decided on: those after the ones before, through `last`. */
export interface Settled {
  readonly last: number;
  readonly verdict: Decision;
  readonly bytes: number;
  readonly seqs: readonly number[];
}

/**
 * The messages of one channel from their delivery until the application has decided on them. Decisions may come in any
 * order; they count in the order of the messages. [CNT-039] [CNT-040]
 */
export class Inbox {
  readonly #unsettled: Unsettled[] = [];
  readonly #decided = new Map<number, Decision>();
  /** Fragments of the message that is incomplete. */
  #incomplete: number[] = [];
  #settledMessages: number;
  #settledBytes: number;

  /** @param settled - what was settled before a crash. */
  constructor(settled: { readonly messages: number; readonly bytes: number } = { messages: 0, bytes: 0 }) {
    this.#settledMessages = settled.messages;
    this.#settledBytes = settled.bytes;
  }

  /** Messages on which the application has decided, and their octets. */
  get settled(): { readonly messages: number; readonly bytes: number } {
    return { messages: this.#settledMessages, bytes: this.#settledBytes };
  }

  /** Whether every message that was handed over is decided on. */
  get empty(): boolean {
    return this.#unsettled.length === 0;
  }

  /** A fragment was received that does not complete a message. */
  fragment(seq: number): void {
    this.#incomplete.push(seq);
  }

  /** A message is complete with this fragment and goes to the application. */
  deliver(number: number, bytes: number, seq: number): void {
    const seqs = this.#incomplete.length === 0 ? [seq] : [...this.#incomplete, seq];
    this.#incomplete = [];
    this.#unsettled.push({ number, bytes, seqs });
  }

  /**
   * The application has decided on a message.
   *
   * @returns the messages that are settled thereby, in their order; undefined when there is nothing to decide on.
   */
  decide(number: number, verdict: Decision): readonly Settled[] | undefined {
    const first = this.#unsettled[0];
    if (first === undefined || number < first.number || number >= first.number + this.#unsettled.length)
      return undefined;
    if (this.#decided.has(number)) return undefined;
    this.#decided.set(number, verdict);
    const settled: Settled[] = [];
    for (let head = this.#unsettled[0]; head !== undefined; head = this.#unsettled[0]) {
      if (!this.#decided.has(head.number)) break;
      const decision = this.#decided.get(head.number);
      this.#decided.delete(head.number);
      this.#unsettled.shift();
      this.#settledMessages = head.number;
      this.#settledBytes += head.bytes;
      settled.push({ last: head.number, verdict: decision, bytes: head.bytes, seqs: head.seqs });
    }
    return settled;
  }

  /** Everything that is not settled is abandoned; returns the sequence numbers of its fragments. */
  abandon(): readonly number[] {
    const seqs = [...this.#unsettled.flatMap((message) => message.seqs), ...this.#incomplete];
    this.#unsettled.length = 0;
    this.#incomplete = [];
    this.#decided.clear();
    return seqs;
  }
}
