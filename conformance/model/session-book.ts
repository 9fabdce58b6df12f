/** Sequence numbers and acknowledgements of one session at one end (sections 3.5, 12.2 and 12.4). */
import type { ChannelBook } from './channel-book.ts';
import type { Violation } from './frame.ts';
import { equal } from './octets.ts';
import type { SessionState } from './session-state.ts';

const NO_FRAMES: ReadonlyMap<bigint, Uint8Array> = new Map();

/** What is left of a book when its session is established on a connection. */
function beyond(frames: ReadonlyMap<bigint, Uint8Array>, cursor: bigint): Map<bigint, Uint8Array> {
  return new Map([...frames].filter(([seq]) => seq > cursor));
}

/** The numbers of a session, on one connection. */
export class SessionBook {
  id: Uint8Array = new Uint8Array(16);
  epoch = 1n;
  attempt = 0n;
  /** Whether the session outlives its connection. */
  resumable = false;
  /** Last sequenced frame received and sent in the session. */
  received = 0n;
  sent = 0n;
  /** What the peer has acknowledged, and what it was told to be held here. */
  acknowledged = 0n;
  told = 0n;
  // On this connection, which begins where the other end said that it is.
  #receivedHere = 0n;
  #sentHere = 0n;
  #kept = new Map<bigint, Uint8Array>();
  #seen = new Map<bigint, Uint8Array>();

  /** Number of the sequenced frame that has to come next on this connection. */
  get dueIn(): bigint {
    return this.#receivedHere + 1n;
  }

  /** Number that the next sequenced frame to send has to have. */
  get dueOut(): bigint {
    return this.#sentHere + 1n;
  }

  /** The last sequenced frames on this connection, for CLOSE. */
  get cursors(): { readonly receive: bigint; readonly send: bigint } {
    return { receive: this.#receivedHere, send: this.sent };
  }

  /** Goes on with a session of an earlier connection, from the cursors that the two ends have stated. */
  continue(state: SessionState, stated: { readonly own: bigint; readonly peer: bigint }): void {
    this.resumable = true;
    this.id = state.id;
    this.received = state.received;
    this.sent = state.sent;
    this.acknowledged = stated.peer;
    this.told = stated.own;
    this.#receivedHere = stated.own;
    this.#sentHere = stated.peer;
    this.#kept = beyond(state.kept, stated.peer);
    this.#seen = beyond(state.seen, stated.own);
  }

  /** What is kept when the connection is gone. */
  state(channels: ChannelBook): SessionState {
    const { id, epoch, attempt, received, sent, acknowledged } = this;
    const kept = this.resumable ? new Map(this.#kept) : NO_FRAMES;
    const seen = this.resumable ? new Map(this.#seen) : NO_FRAMES;
    return { id, epoch, attempt, received, sent, acknowledged, kept, seen, channels: channels.carriedOver() };
  }

  /** Whether the frame that is due was received before, and what is wrong when it is not the same. */
  receivedBefore(seq: bigint, frame: Uint8Array): boolean | Violation {
    return before(this.#seen, this.received, seq, frame);
  }

  /** The same for a frame that is to be sent. */
  sentBefore(seq: bigint, frame: Uint8Array): boolean | Violation {
    return before(this.#kept, this.sent, seq, frame);
  }

  /** Counts a frame received. */
  take(seq: bigint, frame: Uint8Array): void {
    this.#receivedHere = seq;
    if (seq <= this.received) return;
    this.received = seq;
    if (this.resumable) this.#seen.set(seq, frame);
  }

  /** Counts a frame sent. */
  give(seq: bigint, frame: Uint8Array): void {
    this.#sentHere = seq;
    if (seq <= this.sent) return;
    this.sent = seq;
    if (this.resumable) this.#kept.set(seq, frame);
  }

  /** The peer holds everything through `cursor`. */
  acknowledge(cursor: bigint): Violation | undefined {
    if (cursor > this.sent || cursor <= this.acknowledged) return { error: 'CURSOR_INVALID', requirement: 'CNT-007' };
    this.acknowledged = cursor;
    this.#kept = beyond(this.#kept, cursor);
    return undefined;
  }

  /** The peer is told that everything through `cursor` is held here. */
  tell(cursor: bigint): Violation | undefined {
    if (cursor > this.#receivedHere) return { error: 'CURSOR_INVALID', requirement: 'CNT-006' };
    if (cursor <= this.told) return { error: 'CURSOR_INVALID', requirement: 'CNT-007' };
    this.told = cursor;
    this.#seen = beyond(this.#seen, cursor);
    return undefined;
  }
}

function before(
  frames: ReadonlyMap<bigint, Uint8Array>,
  last: bigint,
  seq: bigint,
  frame: Uint8Array,
): boolean | Violation {
  if (seq > last) return false;
  const same = frames.get(seq);
  if (same === undefined || equal(same, frame)) return true;
  return { error: 'SEQUENCE_INVALID', requirement: 'CNT-030' };
}
