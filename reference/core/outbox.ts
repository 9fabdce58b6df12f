import { InternalError } from './errors.ts';
import { encodeHeader } from './frames/header.ts';
import { type Journal, messageKey, sentKey } from './journal.ts';
import type { Liveness } from './liveness.ts';
import { NO_OCTETS, viewOf } from './octets.ts';
import type { Output } from './output.ts';
import { FRAME_TYPE, HEADER_BYTES } from './registry.gen.ts';

/** The message that a frame is a fragment of. */
export interface FragmentOf {
  /** Number of the message on its channel. */
  readonly message: number;
  /** Where the fragment begins in it. */
  readonly offset: number;
  readonly last: boolean;
  /** Whether a verdict tells its outcome, and no acknowledgement does. */
  readonly judged: boolean;
}

/** A frame that was given to the outbox. */
interface Entry {
  readonly type: number;
  readonly flags: number;
  readonly channel: number;
  /** 0 for a CREDIT, which keeps its place behind sequenced frames but is not sent again. */
  readonly seq: number;
  readonly payload: Uint8Array;
  /** The batch of the journal that has to be stored before the frame leaves. */
  readonly batch: number;
  readonly fragmentOf: FragmentOf | undefined;
  /** Entries of the store that nothing needs any more once the frame is acknowledged. */
  readonly frees: readonly string[];
}

const NOTHING: readonly string[] = Object.freeze([]);

/** Stands where a frame was that is acknowledged: its payload must not be kept alive. */
const RELEASED: Entry = {
  type: 0,
  flags: 0,
  channel: 0,
  seq: 0,
  payload: NO_OCTETS,
  batch: 0,
  fragmentOf: undefined,
  frees: NOTHING,
};

/** A frame as it is stored, to be sent again after a crash. */
export interface RestoredFrame {
  readonly type: number;
  readonly flags: number;
  readonly channel: number;
  readonly seq: number;
  readonly payload: Uint8Array;
  readonly fragmentOf: FragmentOf | undefined;
  readonly frees: readonly string[];
}

/** The connection that frames leave by. */
export interface Carrier {
  readonly output: Output;
  readonly liveness: Liveness;
}

/** Octets that an endpoint keeps for its peer, beyond which no message is begun or continued. [CNT-010] */
const MAX_KEPT_BYTES = 8 * 1024 * 1024;

/** Frames likewise. */
const MAX_KEPT_FRAMES = 65_536;
/** What answers OPEN and RESET. [CNT-061] */
const ANSWERS: ReadonlySet<number> = new Set([FRAME_TYPE.OPENED, FRAME_TYPE.REFUSED, FRAME_TYPE.RESET]);

/** Entries that are let go of before the rest is moved. */
const COMPACT_AT = 1024;

/**
 * Numbers and writes the frames of a session; their flags are those of the registry. [WIR-008]
 *
 * In a resumable session every sequenced frame is kept until the peer acknowledges it, and what the peer does not hold is
 * sent again on the next connection. [CNT-010] [CNT-030] With a journal nothing sequenced leaves before it is stored.
 * [CNT-011]
 */
export class Outbox {
  readonly #keeps: boolean;
  readonly #journal: Journal | undefined;
  #carrier: Carrier | undefined;
  #entries: Entry[] = [];
  /** Index of the first entry that is not acknowledged. */
  #first = 0;
  /** Index of the first entry that was not written to the connection. */
  #next = 0;
  #keptBytes = 0;
  #waitingBytes = 0;
  #keptAnswers = 0;
  /** Keys of messages that are stored by themselves and not sent completely, by channel. */
  readonly #unfinished = new Map<number, string>();
  #seq = 0;
  #sent = 0;
  #position = 0;
  #acknowledged = 0;
  #now: number;

  /**
   * @param keeps - whether the session is resumable.
   * @param journal - where custody is `stored`.
   */
  constructor(keeps: boolean, journal: Journal | undefined, now: number) {
    this.#keeps = keeps;
    this.#journal = journal;
    this.#now = now;
  }

  /** Number of the last sequenced frame that was given to the outbox; 0 for none. */
  get numbered(): number {
    return this.#seq;
  }

  /** Number of the last sequenced frame that was ever written to a connection. */
  get sent(): number {
    return this.#sent;
  }

  /**
   * Number of the last sequenced frame that this connection has carried, or that the peer stated when it began: what the
   * peer has received when it has read everything. Below `sent` while frames are sent again. [SES-013]
   */
  get position(): number {
    return this.#position;
  }

  /** Number of the last sequenced frame that the peer has acknowledged. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Whether no further fragment may be numbered until the peer acknowledges. */
  get full(): boolean {
    return this.#keptBytes > MAX_KEPT_BYTES || this.#entries.length - this.#first > MAX_KEPT_FRAMES;
  }

  /** How many answers to OPEN and RESET the peer has not acknowledged. [CNT-061] */
  get keptAnswers(): number {
    return this.#keptAnswers;
  }

  /** Octets that the transport has not taken, and those that have not been written yet. */
  get pendingBytes(): number {
    return (this.#carrier?.output.pendingBytes ?? 0) + this.#waitingBytes;
  }

  get attached(): boolean {
    return this.#carrier !== undefined;
  }

  /** The time of what is written next. */
  set now(now: number) {
    this.#now = now;
  }

  get now(): number {
    return this.#now;
  }

  /** Frames go to this connection from now on, from where the last one stopped. */
  attach(carrier: Carrier): void {
    this.#carrier = carrier;
  }

  /** Frames wait from now on. */
  detach(): void {
    this.#carrier = undefined;
  }

  /** Every frame that is kept has to be written again: the peer holds nothing beyond what it has acknowledged. [CNT-030] */
  rewind(): void {
    this.#entries = this.#entries.slice(this.#first).filter(({ seq }) => seq > 0);
    this.#first = 0;
    this.#next = 0;
    this.#position = this.#acknowledged;
    this.#waitingBytes = this.#keptBytes;
  }

  /** Writes a frame that is not sequenced and depends on nothing: at once, or never. [WIR-011] */
  unsequenced(type: number, flags: number, channel: number, payload: Uint8Array): void {
    if (this.#carrier !== undefined) this.#write(this.#carrier, type, flags, channel, 0, payload);
  }

  /** Writes a frame that is not sequenced but must not overtake the sequenced ones before it. */
  ordered(type: number, flags: number, channel: number, payload: Uint8Array): void {
    if (this.#journal === undefined && this.#next === this.#entries.length) {
      this.unsequenced(type, flags, channel, payload);
      return;
    }
    const batch = this.#journal?.current ?? 0;
    this.#keep({ type, flags, channel, seq: 0, payload, batch, fragmentOf: undefined, frees: NOTHING });
    this.#journal?.touch();
  }

  /** Numbers a sequenced frame and returns its number. It leaves as soon as it may. [WIR-010] */
  sequenced(type: number, flags: number, channel: number, payload: Uint8Array, fragmentOf?: FragmentOf): number {
    this.#seq += 1;
    const seq = this.#seq;
    const carrier = this.#carrier;
    if (!this.#keeps) {
      if (carrier === undefined) throw new InternalError('A session that is not resumable has no connection.');
      this.#sent = seq;
      this.#position = seq;
      this.#write(carrier, type, flags, channel, seq, payload);
      return seq;
    }
    this.#keptBytes += payload.length;
    if (ANSWERS.has(type)) this.#keptAnswers += 1;
    const journal = this.#journal;
    if (journal !== undefined) {
      const frees = this.#freedBy(type, channel, fragmentOf);
      this.#keep({ type, flags, channel, seq, payload, batch: journal.current, fragmentOf, frees });
      journal.put(sentKey(seq), encodeKept(type, flags, channel, seq, payload, fragmentOf));
      return seq;
    }
    this.#keep({ type, flags, channel, seq, payload, batch: 0, fragmentOf, frees: NOTHING });
    if (carrier !== undefined && this.#next === this.#entries.length - 1) this.#writeNext(carrier);
    return seq;
  }

  /** Writes what waits and may leave, until `limitBytes` wait for the transport. */
  flush(limitBytes: number): void {
    const carrier = this.#carrier;
    if (carrier === undefined) return;
    const stored = this.#journal?.stored ?? Infinity;
    while (carrier.output.pendingBytes < limitBytes) {
      const entry = this.#entries[this.#next];
      if (entry === undefined || (this.#journal !== undefined && entry.batch > stored)) return;
      this.#writeNext(carrier);
    }
  }

  /** The peer holds everything through a number: let go of it. */
  acknowledge(cursor: number): void {
    this.#acknowledged = cursor;
    for (let entry = this.#entries[this.#first]; entry !== undefined; entry = this.#entries[this.#first]) {
      if (entry.seq > cursor || (entry.seq === 0 && this.#first >= this.#next)) break;
      if (entry.seq > 0) {
        this.#keptBytes -= entry.payload.length;
        if (ANSWERS.has(entry.type)) this.#keptAnswers -= 1;
        this.#journal?.delete(sentKey(entry.seq));
        for (const key of entry.frees) this.#journal?.delete(key);
        if (this.#first >= this.#next) this.#waitingBytes -= entry.payload.length;
      }
      this.#entries[this.#first] = RELEASED;
      this.#first += 1;
      this.#next = Math.max(this.#next, this.#first);
    }
    if (this.#first >= COMPACT_AT && this.#first * 2 >= this.#entries.length) {
      this.#entries = this.#entries.slice(this.#first);
      this.#next -= this.#first;
      this.#first = 0;
    }
  }

  /**
   * Messages with fragments that were never written to a connection, and whether others of the same message were, by channel
   * and number.
   */
  unsent(): ReadonlyMap<string, { readonly channel: number; readonly message: number; readonly begun: boolean }> {
    const messages = new Map<string, { readonly channel: number; readonly message: number; readonly begun: boolean }>();
    for (const { seq, channel, fragmentOf } of this.#entries) {
      if (seq <= this.#sent || fragmentOf === undefined) continue;
      const { message, offset } = fragmentOf;
      const key = `${channel}/${message}`;
      if (!messages.has(key)) messages.set(key, { channel, message, begun: offset > 0 });
    }
    return messages;
  }

  /** A message goes on whose first fragments were sent before a crash, and are acknowledged perhaps. */
  resume(channel: number, message: number): void {
    this.#unfinished.set(channel, messageKey(channel, message));
  }

  /**
   * Takes over what was stored before a crash.
   *
   * @param numbered - number of the last frame.
   * @param frames - those that are not acknowledged, in order.
   */
  restore(numbered: number, acknowledged: number, frames: readonly RestoredFrame[]): void {
    this.#seq = numbered;
    this.#acknowledged = acknowledged;
    // Whatever was stored may have left before the crash.
    this.#sent = numbered;
    this.#entries = frames.map((frame) => ({ ...frame, batch: 0 }));
    this.#keptBytes = frames.reduce((sum, { payload }) => sum + payload.length, 0);
    this.#waitingBytes = this.#keptBytes;
    this.#keptAnswers = frames.filter(({ type }) => ANSWERS.has(type)).length;
  }

  /** What the store need not hold any more when a frame is acknowledged, beside the frame. */
  #freedBy(type: number, channel: number, fragmentOf: FragmentOf | undefined): readonly string[] {
    if (fragmentOf !== undefined) {
      const key = messageKey(channel, fragmentOf.message);
      if (!fragmentOf.last) this.#unfinished.set(channel, key);
      else if (this.#unfinished.delete(channel)) return [key];
      return NOTHING;
    }
    // A channel that is abandoned never completes its message; earlier fragments need it until they are acknowledged.
    const key = type === FRAME_TYPE.RESET ? this.#unfinished.get(channel) : undefined;
    if (key === undefined) return NOTHING;
    this.#unfinished.delete(channel);
    return [key];
  }

  #keep(entry: Entry): void {
    this.#entries.push(entry);
    this.#waitingBytes += entry.payload.length;
  }

  #writeNext(carrier: Carrier): void {
    const entry = this.#entries[this.#next];
    if (entry === undefined) return;
    this.#next += 1;
    this.#waitingBytes -= entry.payload.length;
    if (entry.seq > 0) {
      this.#sent = Math.max(this.#sent, entry.seq);
      this.#position = entry.seq;
    }
    this.#write(carrier, entry.type, entry.flags, entry.channel, entry.seq, entry.payload);
  }

  #write(carrier: Carrier, type: number, flags: number, channel: number, seq: number, payload: Uint8Array): void {
    carrier.output.frame(type, flags, channel, seq, payload);
    carrier.liveness.sent(this.#now);
  }
}

/** Says that a stored fragment is a part of a message that is stored by itself. */
const PART = 1;

/** Says that a verdict tells the outcome of the message. */
const JUDGED = 2;

/** Octets before the header: the kind, and for a part the number of the message and the place in it. */
const PREFIX_BYTES = 17;

function encodeKept(
  type: number,
  flags: number,
  channel: number,
  seq: number,
  payload: Uint8Array,
  fragmentOf: FragmentOf | undefined,
): Uint8Array {
  const part = fragmentOf !== undefined && !(fragmentOf.last && fragmentOf.offset === 0);
  const octets = new Uint8Array(PREFIX_BYTES + HEADER_BYTES + (part ? 0 : payload.length));
  const view = viewOf(octets);
  view.setUint8(0, (part ? PART : 0) | (fragmentOf?.judged === true ? JUDGED : 0));
  view.setFloat64(1, fragmentOf?.message ?? 0);
  view.setFloat64(9, fragmentOf?.offset ?? 0);
  encodeHeader(view, PREFIX_BYTES, type, flags, payload.length, channel, seq);
  if (!part) octets.set(payload, PREFIX_BYTES + HEADER_BYTES);
  return octets;
}

/** What {@link encodeKept} wrote: where the header begins, and for a fragment its message. */
export interface KeptFrame {
  readonly header: Uint8Array;
  readonly payload: Uint8Array;
  /** Number of the message; 0 for a frame that is none. */
  readonly message: number;
  readonly offset: number;
  /** Whether the payload has to be taken from the message, which is stored by itself. */
  readonly part: boolean;
  readonly judged: boolean;
}

/** Reads a stored frame; undefined when it is none. */
export function decodeKept(octets: Uint8Array): KeptFrame | undefined {
  const start = PREFIX_BYTES + HEADER_BYTES;
  if (octets.length < start) return undefined;
  const view = viewOf(octets);
  return {
    part: (view.getUint8(0) & PART) !== 0,
    judged: (view.getUint8(0) & JUDGED) !== 0,
    message: view.getFloat64(1),
    offset: view.getFloat64(9),
    header: octets.subarray(PREFIX_BYTES, start),
    payload: octets.subarray(start),
  };
}
