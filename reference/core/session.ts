import type { ChannelKind, ChannelMachine, ChannelTerms } from './channel.ts';
import { Channels, type OpenedOptions, type OpenOptions, type ProofOptions, type ProveOptions } from './channels.ts';
import type { ConnectionControl, Cursors } from './control.ts';
import type { FrameDecoder } from './decoder.ts';
import { meaningOf } from './error-codes.ts';
import { HawserError, InternalError } from './errors.ts';
import type { Event, MessageRange } from './events.ts';
import { FateLedger, joinRanges, type RunHolder, withoutMessages } from './fate-ledger.ts';
import { isSequenced, violation } from './frame-check.ts';
import { decodeAck, encodeAck } from './frames/ack.ts';
import { type Close, encodeClose } from './frames/close.ts';
import type { Forward } from './frames/forward.ts';
import { decodeHeader } from './frames/header.ts';
import type { Decision, Verdict } from './inbox.ts';
import { isMessageOf, Journal, type JournalBatch, type JournalEntry, messageKey, STATE_KEY } from './journal.ts';
import type { LeafVerifier } from './opening.ts';
import { decodeKept, Outbox, type RestoredFrame } from './outbox.ts';
import type { OutstandingPing } from './ping-queue.ts';
import {
  ERROR_CODE,
  type ErrorName,
  FLAG,
  FRAME_TYPE,
  HEADER_BYTES,
  type MachineEvent,
  type MachineState,
  PARAMETER,
} from './registry.gen.ts';
import { corrupt, decodeState, encodeState, type SessionTerms, type StoredChannel } from './session-state.ts';
import { after, type State, stateOf } from './transitions.ts';

type Machine = 'client-session' | 'server-session';

/** State of a session, in the registry's words. */
export type SessionState = MachineState<'client-session' | 'server-session'>;

/** Shortest time between two PINGs that ask which messages were received: a fraction of the budget. */
const BARRIER_INTERVAL_MS = 50;

/** What a session is made of. */
export interface SessionOptions {
  readonly role: 'client' | 'server';
  /** The session id, 16 octets. */
  readonly id: Uint8Array;
  readonly epoch: number;
  readonly terms: SessionTerms;
  readonly random: (count: number) => Uint8Array;
  readonly grease: boolean;
  /** See {@link ConnectionOptions.leafVerifier}. */
  readonly leafVerifier?: LeafVerifier | undefined;
  readonly now: number;
}

/** What a session takes over that goes on after a crash. */
export type RestoreOptions = Pick<SessionOptions, 'random' | 'grease' | 'leafVerifier' | 'now'> & {
  readonly epoch?: number;
};

/** Of an endpoint that was given none: no signature of an application end holds. */
const verifiesNothing: LeafVerifier = () => ({ verify: () => false });

/** What happened to the messages of a session that is over, as far as it was not reported before (section 12.6). */
export interface Fates {
  readonly acceptedMessages: readonly MessageRange[];
  readonly unknownMessages: readonly MessageRange[];
  readonly undeliveredMessages: readonly MessageRange[];
}

/** An event that waits until the batch that it follows from is stored. [CNT-012] */
interface Held {
  readonly batch: number;
  readonly event: Event;
  /** It tells what an acknowledgement has told: that holds even if it is never stored. */
  readonly acknowledged: boolean;
}

/** What CONNECT in mode `resume` states, but for the number of the attempt. */
export interface ResumePoint {
  readonly sessionId: Uint8Array;
  readonly epoch: number;
  readonly receiveCursor: number;
}

/** What a server can not give a client that resumes: sequence numbers of its own. [CNT-025] */
export interface Gap {
  readonly first: number;
  readonly last: number;
}

/**
 * One end of a session: its channels, its place in the sequence of either direction, and what is kept for the peer
 * (chapters 6 and 12). It outlives its connection where it is resumable.
 *
 * The owner of a session with custody `stored` writes each batch that `takeJournal` gives and then calls `stored`; until
 * then nothing that follows from it leaves the session.
 */
export class Session {
  readonly id: Uint8Array;
  readonly role: 'client' | 'server';
  readonly terms: SessionTerms;
  /** @internal */
  readonly channels: Channels;
  readonly #outbox: Outbox;
  readonly #journal: Journal | undefined;
  readonly #ledger = new FateLedger();
  readonly #verdicts = new FateLedger();
  #state: State<Machine>;
  #epoch: number;
  /** The connection; undefined while the session is detached. */
  #control: ConnectionControl | undefined;
  /** The connection that carries the session, or carried it last: no other one has a say in its fate. [CNT-037] */
  #latest: ConnectionControl | undefined;
  /** What CLOSE with END_SESSION has stated: nothing follows it, unless the peer has not heard of it. [SES-011] */
  #finalCursor: number | undefined;
  /** The end of the session waits for what is not stored yet. */
  #winding = false;
  /** The last attempt was answered with REJECT. */
  #rejected = false;
  #sink: ((event: Event) => void) | undefined;
  /** Events that nobody has taken yet because there is no connection. */
  #waiting: Event[] = [];
  /** Events that wait until the batch that they follow from is stored. [CNT-012] */
  #held: Held[] = [];
  /** Sequence number of the last sequenced frame that was processed; 0 for none. */
  #cursor = 0;
  /** The same as far as this endpoint has custody. [CNT-006] */
  #custodyCursor = 0;
  /** What the peer has been told. */
  #statedCursor = 0;
  readonly #batches: { readonly number: number; readonly cursor: number }[] = [];
  #barrierPending = false;
  #barrierAt = -Infinity;

  constructor(options: SessionOptions) {
    const { role, id, epoch, terms, random, grease, leafVerifier = verifiesNothing, now } = options;
    const { own, peer } = terms;
    const resumable = terms.retentionMs > 0;
    this.role = role;
    this.id = id;
    this.terms = terms;
    this.#epoch = epoch;
    this.#state = role === 'client' ? clientState('attached') : serverState('attached');
    this.#journal = resumable && terms.custody === 'stored' ? new Journal() : undefined;
    this.#outbox = new Outbox(resumable, this.#journal, now);
    const { initial_message_credit, initial_byte_credit } = PARAMETER;
    const machine: ChannelMachine = role === 'client' ? 'client-channel' : 'server-channel';
    const channelTerms: ChannelTerms = {
      sendCredit: {
        messageLimit: peer.initialMessageCredit ?? initial_message_credit.default,
        byteLimit: peer.initialByteCredit ?? initial_byte_credit.default,
      },
      receiveCredit: { messageLimit: own.initialMessageCredit, byteLimit: own.initialByteCredit },
      // Who starts a channel with nothing grants the default once it is open.
      window: {
        messages: own.initialMessageCredit || initial_message_credit.default,
        bytes: own.initialByteCredit || initial_byte_credit.default,
      },
      maxMessageBytes: own.maxMessageBytes,
    };
    this.channels = new Channels({
      machine,
      outbox: this.#outbox,
      ledger: this.#ledger,
      verdicts: this.#verdicts,
      journal: this.#journal,
      resumable,
      emit: this.#emit,
      random,
      grease,
      leafVerifier,
      terms: channelTerms,
      peerMaxMessageBytes: peer.maxMessageBytes,
      maxChannels: own.maxChannels,
    });
    this.#journal?.touch();
  }

  /** Whether it is kept when its connection ends. */
  get resumable(): boolean {
    return this.terms.retentionMs > 0;
  }

  get state(): SessionState {
    return this.#state.name;
  }

  get epoch(): number {
    return this.#epoch;
  }

  /**
   * Number of the last sequenced frame that this endpoint holds at its custody; once it has said that the session ends, the
   * one that it has said: its last word does not change.
   */
  get receiveCursor(): number {
    return this.#finalCursor ?? this.#custodyCursor;
  }

  /** Number of the last sequenced frame that was written to a connection. */
  get sendCursor(): number {
    return this.#outbox.sent;
  }

  /** Whether anything waits for `stored`. */
  get journalPending(): boolean {
    return this.#batches.length > 0;
  }

  // Commands: see Connection, which has the same.

  openChannel(application: string, options: OpenOptions, now: number): number {
    this.#advance(now);
    return this.#mute ? 0 : this.channels.open(application, options);
  }

  forward(forward: Forward, now: number): number {
    this.#advance(now);
    return this.#mute ? 0 : this.channels.forward(forward);
  }

  prove(channel: number, options: ProveOptions, now: number): void {
    this.#advance(now);
    if (!this.#mute) this.channels.prove(channel, options);
  }

  proof(channel: number, options: ProofOptions, now: number): void {
    this.#advance(now);
    if (!this.#mute) this.channels.proof(channel, options);
  }

  kindOf(channel: number): ChannelKind | undefined {
    return this.channels.set.get(channel)?.kind;
  }

  isProofSigned(channel: number): boolean {
    return this.channels.isProofSigned(channel);
  }

  provedLeaf(channel: number): Uint8Array | undefined {
    return this.channels.provedLeaf(channel);
  }

  opened(channel: number, options: OpenedOptions, now: number): void {
    this.#advance(now);
    if (!this.#mute) this.channels.opened(channel, options);
  }

  refuse(channel: number, code: ErrorName, retryAfterMs: number, now: number): void {
    this.#advance(now);
    if (!this.#mute) this.channels.refuse(channel, code, retryAfterMs);
  }

  sendMessage(channel: number, payload: Uint8Array, now: number): boolean {
    this.#advance(now);
    return this.#mute ? false : this.channels.send(channel, payload);
  }

  endChannel(channel: number, now: number): void {
    this.#advance(now);
    if (!this.#mute) this.channels.end(channel);
  }

  resetChannel(channel: number, code: ErrorName, now: number): void {
    this.#advance(now);
    if (!this.#mute) this.channels.reset(channel, code);
  }

  consume(channel: number, messages: number, bytes: number, now: number): void {
    this.#advance(now);
    if (!this.#mute) this.channels.consume(channel, messages, bytes);
  }

  settle(channel: number, message: number, decision: Decision, now: number): void {
    this.#advance(now);
    if (!this.#mute) this.channels.settle(channel, message, decision);
  }

  settledMessages(channel: number): number {
    return this.channels.settledMessages(channel);
  }

  /** The owner has taken note of the outcomes of its messages on a channel, through a number. [CNT-042] */
  reported(channel: number, last: number, now: number): void {
    this.#advance(now);
    if (!this.#over) this.channels.reported(channel, last);
  }

  /**
   * Messages of a channel that is over have been reported as *unknown*, in a session that is not resumable (section 5.3): its
   * end tells nothing else of them.
   */
  forgetFates(ranges: readonly MessageRange[]): void {
    for (const range of joinRanges(ranges)) this.#ledger.forget(range);
  }

  /** Whether the end of a channel is to be told again after a crash, also where nothing else is left of it. */
  keepEnd(channel: number, now: number): boolean {
    this.#advance(now);
    return !this.#over && this.channels.keepEnd(channel);
  }

  leaveEnd(channel: number, now: number): void {
    this.#advance(now);
    if (!this.#over) this.channels.leaveEnd(channel);
  }

  release(channel: number, now: number): void {
    this.#advance(now);
    if (!this.#mute) this.channels.release(channel);
  }

  /** Keeps the messages of a channel back until `resumeChannel`: whoever gave them must not be heard for now. [RLY-035] */
  pauseChannel(channel: number): void {
    this.channels.pause(channel);
  }

  resumeChannel(channel: number): void {
    this.channels.resume(channel);
  }

  queuedBytes(channel: number): number {
    return this.channels.queuedBytes(channel);
  }

  /** Events that came up while there was no connection. */
  takeEvents(): readonly Event[] {
    return this.#waiting.splice(0);
  }

  // The journal of a session with custody `stored`.

  /** What has to be written in one step; undefined when nothing has changed. */
  takeJournal(): JournalBatch | undefined {
    if (this.#journal === undefined || this.#over) return undefined;
    // A decision and its verdict are stored together: after a crash nobody would ask for it again. [CNT-039]
    this.channels.flushVerdicts();
    const batch = this.#journal.take(() => encodeState(this.#snapshot()));
    if (batch !== undefined) this.#batches.push({ number: batch.number, cursor: this.#cursor });
    return batch;
  }

  /** Number of the last batch that is stored. */
  get journalStored(): number {
    return this.#journal?.stored ?? 0;
  }

  /** Number of the batch with which everything that has happened so far is stored. */
  get journalPosition(): number {
    return this.#journal?.position ?? 0;
  }

  /** A batch, and with it every one before, is on stable storage: what waited for it may leave. [CNT-011] [CNT-012] */
  stored(number: number, now: number): void {
    this.#advance(now);
    // What is over stays as it was told.
    if (this.#over) return;
    this.#journal?.confirm(number);
    for (let batch = this.#batches[0]; batch !== undefined && batch.number <= number; batch = this.#batches[0]) {
      this.#custodyCursor = batch.cursor;
      this.#batches.shift();
    }
    this.#releaseHeld();
  }

  // What connections do with a session.

  /**
   * The sequence number that the next sequenced frame of the peer has to have. [WIR-012]
   *
   * @internal
   */
  get due(): number {
    return this.#cursor + 1;
  }

  /**
   * What a client states when it resumes. [CNT-020]
   *
   * @internal
   */
  get resumePoint(): ResumePoint {
    return { sessionId: this.id, epoch: this.#epoch, receiveCursor: this.#custodyCursor };
  }

  /**
   * Whether everything that was processed is in custody: only then may a cursor be stated. [CNT-006]
   *
   * @internal
   */
  get settledCustody(): boolean {
    return this.#custodyCursor === this.#cursor;
  }

  /**
   * The first connection of the session.
   *
   * @internal
   */
  begin(control: ConnectionControl, sink: (event: Event) => void): void {
    this.#connect(control, sink);
  }

  /**
   * Whether another connection may be asked to carry the session, or may carry it: not once it ends.
   *
   * @internal
   */
  get attachable(): boolean {
    if ((this.#winding || this.#finalCursor !== undefined) && this.#control !== undefined) return false;
    return this.role === 'server' ? !this.#over : this.#state.local.has('CONNECT sent');
  }

  /**
   * CONNECT in mode `resume` was sent: the former connection has no part in the session any more. [CNT-019]
   *
   * @internal
   */
  attaching(): void {
    this.#step('CONNECT sent');
    this.#rejected = false;
    this.#disconnect();
  }

  /**
   * Last sequence number that the peer has acknowledged.
   *
   * @internal
   */
  get acknowledgedCursor(): number {
    return this.#outbox.acknowledged;
  }

  /**
   * What the peer's cursor makes impossible: it exceeds what was sent, or is below what was acknowledged. [CNT-025] [CNT-032]
   *
   * @returns the sequence numbers that are missing; undefined when there is no gap.
   * @internal
   */
  gapAt(peerCursor: number): Gap | undefined {
    const { sent, acknowledged } = this.#outbox;
    if (peerCursor > sent) return { first: sent + 1, last: peerCursor };
    return peerCursor < acknowledged ? { first: peerCursor + 1, last: acknowledged } : undefined;
  }

  /**
   * Another connection carries the session from now on. [CNT-030] [CNT-033]
   *
   * @internal
   */
  attach(
    epoch: number,
    peerCursor: number,
    control: ConnectionControl,
    sink: (event: Event) => void,
    now: number,
  ): void {
    const cell = this.#state.cells[this.role === 'client' ? FRAME_TYPE.ACCEPT : FRAME_TYPE.CONNECT];
    if (cell === undefined || cell.error !== undefined) {
      throw new InternalError(`A session in state ${this.#state.name} can not be attached.`);
    }
    this.#disconnect();
    this.#state = cell.next;
    this.#epoch = epoch;
    // An end that the peer has not heard of did not happen.
    this.#finalCursor = undefined;
    this.#winding = false;
    this.#journal?.touch();
    this.#advance(now);
    this.#acknowledged(peerCursor);
    this.#outbox.rewind();
    this.#statedCursor = this.#custodyCursor;
    this.channels.acknowledged(this.#statedCursor);
    this.#connect(control, sink);
    this.#releaseHeld();
    this.channels.reattached();
    this.channels.clear('draining');
    this.channels.clear('detached');
  }

  /**
   * Whether a connection may carry the session again, now or once the attempt to move it has failed.
   *
   * @internal
   */
  awaits(control: ConnectionControl): boolean {
    if (this.#latest !== control) return false;
    return this.#state.name === 'attaching' || (this.#state.name === 'detached' && this.#rejected);
  }

  /**
   * The attempt has ended without ACCEPT.
   *
   * @param rejected - whether the server has said so. An attempt without an answer may still succeed, with a cursor that has
   *   to be the last one stated: the former connection can not be taken up any more. [CNT-025]
   * @internal
   */
  attemptFailed(rejected: boolean): void {
    this.detach('connection lost');
    this.#rejected = rejected;
  }

  /**
   * The attempt to move has failed, and the former connection is still there. [CNT-019]
   *
   * @internal
   */
  takeUp(control: ConnectionControl, sink: (event: Event) => void): void {
    this.#step('attempt failed, the former connection is there');
    control.left = undefined;
    this.#connect(control, sink);
    if (control.suspect) this.channels.obstruct('suspect'); // [SES-021]
    this.channels.clear('detached');
  }

  /**
   * The connection has ended, or is given up; the session goes on without one. [CNT-013]
   *
   * @internal
   */
  detach(event: 'connection lost' | 'connection ended'): void {
    if (this.#over || this.#state.name === 'detached') return;
    this.#step(event);
    this.#disconnect();
  }

  /**
   * The session is about to end: what has been processed is stored, and nothing else is begun. Its last word can be said when
   * `settledCustody` is true: what is stored after it would come back with a crash, though the peer was told that it is lost.
   * [CNT-012]
   *
   * @internal
   */
  windUp(): void {
    this.#winding = true;
  }

  /**
   * CLOSE with END_SESSION was sent: nothing more is sent, or handed to the application. [SES-011]
   *
   * @internal
   */
  closing(): void {
    this.#finalCursor = this.#custodyCursor;
  }

  /**
   * The session is over.
   *
   * @internal
   */
  end(): void {
    this.#state = this.role === 'client' ? clientState('ended') : serverState('ended');
    this.#disconnect();
    this.#held = [];
  }

  /**
   * DRAIN: nothing new is opened on this connection. [CNT-046]
   *
   * @internal
   */
  draining(): void {
    const next = this.#state.cells[FRAME_TYPE.DRAIN]?.next;
    if (next !== undefined) this.#state = next;
    this.channels.obstruct('draining');
  }

  /**
   * The peer is SUSPECT: nothing new is begun. [SES-021]
   *
   * @internal
   */
  suspect(): void {
    this.channels.obstruct('suspect');
  }

  /**
   * The peer is live again.
   *
   * @internal
   */
  live(): void {
    this.channels.clear('suspect');
  }

  /**
   * The time of what happens next.
   *
   * @internal
   */
  set now(now: number) {
    this.#outbox.now = now;
  }

  /**
   * Processes a frame of the layer channel. It counts as processed only if that was no error.
   *
   * @internal
   */
  channelFrame(frame: FrameDecoder): void {
    this.channels.receive(frame);
    if (!isSequenced(frame.type)) return;
    this.#cursor += 1;
    if (this.#journal === undefined) this.#custodyCursor = this.#cursor;
    else this.#journal.touch();
  }

  /**
   * The peer holds what it says: let go of it. [CNT-004] [CNT-007]
   *
   * @internal
   */
  ackFrame(payload: Uint8Array): void {
    const { receiveCursor } = decodeAck(payload);
    if (!this.resumable) {
      throw violation('FRAME_UNEXPECTED', 'CNT-004', FRAME_TYPE.ACK, 'came in a session that is not resumable');
    }
    if (receiveCursor > this.#outbox.sent || receiveCursor <= this.#outbox.acknowledged) {
      throw violation('CURSOR_INVALID', 'CNT-007', FRAME_TYPE.ACK, 'acknowledges what was not sent, or nothing new');
    }
    // What is full keeps messages back.
    const blocked = this.#outbox.full || this.#ledger.full;
    this.#acknowledged(receiveCursor);
    if (blocked) this.channels.wake();
  }

  /**
   * A PONG has come: everything before its PING was processed.
   *
   * @internal
   */
  pongFrame({ purpose, sendCursor }: OutstandingPing): void {
    if (purpose === 'barrier') this.#barrierPending = false;
    if (this.resumable) return;
    // A full ledger keeps messages back.
    const blocked = this.#ledger.full;
    this.#ledger.received(sendCursor);
    if (blocked) this.channels.wake();
  }

  /**
   * Checks the cursors of the peer's CLOSE; both, unless frames have been discarded. [SES-013]
   *
   * @internal
   */
  checkClose({ receiveCursor, sendCursor }: Close, discarding: boolean): void {
    if (receiveCursor <= this.#outbox.sent && (discarding || sendCursor === this.#cursor)) return;
    throw violation('CURSOR_INVALID', 'SES-013', FRAME_TYPE.CLOSE, 'contradicts what was sent or received');
  }

  /**
   * The peer's CLOSE says what it holds; where the session goes on, that is let go of (section 12.2).
   *
   * @internal
   */
  acknowledgedByClose(receiveCursor: number): void {
    if (this.resumable) this.#acknowledged(receiveCursor);
  }

  /**
   * Writes CLOSE to a connection, which need not carry the session any more. [SES-003] [SES-017] [CNT-014]
   *
   * @internal
   */
  writeClose({ output, left }: ConnectionControl, code: ErrorName, endSession: boolean): void {
    const close = { code: ERROR_CODE[code], ...(left ?? this.#cursors) };
    output.frame(FRAME_TYPE.CLOSE, endSession ? FLAG.CLOSE.END_SESSION : 0, 0, 0, encodeClose(close));
  }

  /**
   * Whether a connection carries the session.
   *
   * @internal
   */
  isCarriedBy(control: ConnectionControl | undefined): boolean {
    return control !== undefined && this.#control === control;
  }

  /**
   * Whether the end of a connection means anything to the session: no other one has taken it. [CNT-019] [CNT-037]
   *
   * @internal
   */
  endsWith(control: ConnectionControl | undefined): boolean {
    if (control === undefined || this.#latest !== control) return false;
    return this.#control === control || this.#state.name === 'detached';
  }

  /**
   * Sends a PING that the owner asked for.
   *
   * @internal
   */
  ping(): void {
    this.#control?.ping(this.#outbox.sent);
  }

  /**
   * Writes what may leave, until `limitBytes` wait for the transport.
   *
   * @internal
   */
  flush(limitBytes: number): void {
    this.#acknowledge();
    this.#outbox.flush(limitBytes);
    if (!this.#winding) this.channels.flush(limitBytes);
    const control = this.#control;
    if (control === undefined || this.#outbox.now < this.barrierDeadline) return;
    if (control.pingWithin('barrier', this.#outbox.sent)) {
      this.#barrierPending = true;
      this.#barrierAt = this.#outbox.now;
    }
  }

  /**
   * When the next barrier may be sent; never while none is wanted, or one is on its way.
   *
   * @internal
   */
  get barrierDeadline(): number {
    if (this.resumable || !this.#ledger.wantsBarrier || this.#barrierPending) return Infinity;
    return this.#barrierAt + BARRIER_INTERVAL_MS;
  }

  /**
   * What happened to the messages of the session (section 12.6; section 5.3 where it is not resumable). [SES-018] [CNT-042]
   *
   * @param peerReceiveCursor - the final one of the peer, where it is known: beyond it nothing was taken, within it everything.
   * @param doubt - one end has lost its memory: what was begun is unknown, whatever else is known. [CNT-043]
   * @internal
   */
  fates(peerReceiveCursor: number | undefined, doubt = false): Fates {
    const { sent } = this.#outbox;
    const cursor = doubt ? undefined : peerReceiveCursor;
    // Beyond this nothing was taken, or nothing was sent at all.
    const reach = cursor ?? sent;
    const taken: MessageRange[] = [];
    const judged: MessageRange[] = [];
    this.#ledger.received(reach, taken);
    this.#verdicts.received(reach, judged);
    // A verdict that is not in custody has not arrived: its sender sees so by the final cursor.
    const outcomes = this.#held.flatMap(({ event, acknowledged }) =>
      event.type === 'messages-settled' ? [{ ...toRange(event), acknowledged }] : [],
    );
    const acknowledged = outcomes.filter((outcome) => outcome.acknowledged).map(toRange);
    const lost = outcomes.filter((outcome) => !outcome.acknowledged).map(toRange);
    const accepted = [...acknowledged, ...(cursor === undefined ? [] : taken)];
    const unknown = [...judged, ...lost, ...this.channels.abandoned(), ...(cursor === undefined ? taken : [])];
    const queued = this.channels.undelivered();
    const untaken = joinRanges([...this.#ledger.ranges(), ...this.#verdicts.ranges(), ...queued.map(toRange)]);
    const begun = doubt ? this.#begun(queued) : [];
    return {
      acceptedMessages: joinRanges(accepted),
      unknownMessages: joinRanges([
        ...unknown,
        ...begun.map(({ channel, message }) => ({ channel, first: message, last: message })),
      ]),
      undeliveredMessages: withoutMessages(untaken, begun),
    };
  }

  /** Messages of which a fragment was written to a connection, and the last one was not. [CNT-043] */
  #begun(
    queued: readonly (MessageRange & { readonly begun: boolean })[],
  ): readonly { readonly channel: number; readonly message: number }[] {
    const unsent = this.#outbox.unsent();
    const inQueues = queued
      .filter(({ channel, first, begun }) => begun && !unsent.has(`${channel}/${first}`))
      .map(({ channel, first }) => ({ channel, message: first }));
    return [...inQueues, ...[...unsent.values()].filter(({ begun }) => begun)];
  }

  get #over(): boolean {
    return this.#state.name === 'ended';
  }

  /** Whether commands have no effect. */
  get #mute(): boolean {
    return this.#winding || this.#finalCursor !== undefined || this.#over;
  }

  #advance(now: number): void {
    this.#outbox.now = now;
  }

  #step(event: MachineEvent<Machine>): void {
    this.#state = after(this.#state, event);
  }

  get #cursors(): Cursors {
    return { receiveCursor: this.#custodyCursor, sendCursor: this.#outbox.position };
  }

  #connect(control: ConnectionControl, sink: (event: Event) => void): void {
    this.#control = control;
    this.#latest = control;
    this.#sink = sink;
    this.#outbox.attach(control);
    for (const event of this.#waiting.splice(0)) sink(event);
  }

  #disconnect(): void {
    if (this.#control !== undefined) this.#control.left = this.#cursors;
    this.#outbox.detach();
    this.#control = undefined;
    this.#sink = undefined;
    this.channels.clear('suspect');
    this.channels.obstruct('detached');
  }

  readonly #emit = (event: Event): void => this.#hold(event, false);

  #hold(event: Event, acknowledged: boolean): void {
    if (this.#journal === undefined) this.#give(event);
    else {
      this.#held.push({ batch: this.#journal.current, event, acknowledged });
      this.#journal.touch();
    }
  }

  /** Gives out the events whose batches are stored; not what lies beyond the cursor of the own last CLOSE. [CNT-012] */
  #releaseHeld(): void {
    const stored = this.#journal?.stored ?? 0;
    let released = 0;
    for (const { batch, event } of this.#held) {
      if (batch > stored || this.#finalCursor !== undefined) break;
      released += 1;
      this.#give(event);
      if (event.type === 'channel-reset' || event.type === 'channel-closed') this.channels.told(event.channel);
    }
    this.#held = this.#held.slice(released);
  }

  #give(event: Event): void {
    if (this.#sink === undefined) this.#waiting.push(event);
    else this.#sink(event);
  }

  /** Tells the peer what it need not keep. [CNT-005] [CNT-008] [CNT-009] */
  #acknowledge(): void {
    if (!this.resumable || this.#custodyCursor === this.#statedCursor || this.#control === undefined) return;
    this.#statedCursor = this.#custodyCursor;
    this.channels.acknowledged(this.#statedCursor);
    this.#outbox.unsequenced(FRAME_TYPE.ACK, 0, 0, encodeAck({ receiveCursor: this.#custodyCursor }));
  }

  /** The peer holds everything through a number. */
  #acknowledged(cursor: number): void {
    if (cursor <= this.#outbox.acknowledged) return;
    this.#outbox.acknowledge(cursor);
    const accepted: MessageRange[] = [];
    this.#ledger.received(cursor, accepted);
    for (const { channel, first, last } of joinRanges(accepted)) {
      this.#hold({ type: 'messages-settled', channel, first, last, outcome: 'accepted', verdict: 0 }, true);
    }
    this.#journal?.touch();
  }

  #snapshot(): Parameters<typeof encodeState>[0] {
    const { set } = this.channels;
    return {
      role: this.role,
      id: this.id,
      epoch: this.#epoch,
      terms: this.terms,
      receiveCursor: this.#cursor,
      sendCursor: this.#outbox.numbered,
      acknowledged: this.#outbox.acknowledged,
      opened: set.lastOpened,
      channels: [...set.values(), ...set.lingering()].flatMap((channel): StoredChannel[] => {
        // A channel whose OPEN has not been numbered is lost with the process.
        if (channel.heldOpen !== undefined) return [];
        const { queue, kind } = channel;
        return [
          {
            number: channel.number,
            state: channel.state.name,
            ...kind,
            send: channel.send.snapshot,
            receive: channel.receive.snapshot,
            settled: channel.inbox.settled,
            verdictsSent: channel.verdictsSent,
            verdictsReceived: channel.verdictsReceived,
            verdictsUnreported: channel.verdictsUnreported,
            reported: channel.reported,
            sentMessages: channel.sentMessages,
            begun: queue.begun ? { message: channel.send.messages, offset: queue.offset } : undefined,
            opening: channel.opening,
            openedPayload: channel.openedPayload,
            abandonment: channel.abandonment,
            ...(channel.endKept ? { endKept: true } : {}),
          },
        ];
      }),
    };
  }

  /**
   * Makes a session anew from what was stored before a crash, detached. Its events tell of the channels and hand over every
   * message on which no decision was stored, marked as redelivered. [CNT-044]
   *
   * @throws HawserError `HAWSER_ERR_STORE_CORRUPT`.
   */
  static restore(entries: readonly JournalEntry[], options: RestoreOptions): Session {
    try {
      return Session.#restored(entries, options);
    } catch (error) {
      throw error instanceof HawserError && !(error instanceof InternalError)
        ? error
        : corrupt('its parts do not fit', error);
    }
  }

  static #restored(entries: readonly JournalEntry[], { epoch, ...options }: RestoreOptions): Session {
    // Keys sort like sequence numbers.
    const sorted = [...entries].sort((a, b) => (a.key < b.key ? -1 : 1));
    const byKey = new Map(sorted.map(({ key, value }) => [key, value]));
    const octets = byKey.get(STATE_KEY);
    if (octets === undefined) throw corrupt('its state is missing');
    const state = decodeState(octets);
    const session = new Session({ ...state, epoch: epoch ?? state.epoch, ...options });
    session.#state = session.role === 'client' ? clientState('detached') : serverState('detached');
    session.channels.obstruct('detached');
    session.#cursor = state.receiveCursor;
    session.#custodyCursor = state.receiveCursor;
    session.#statedCursor = state.receiveCursor;
    const frames = sorted.filter(({ key }) => key.startsWith('out/')).map(({ value }) => restoreFrame(value, byKey));
    session.#outbox.restore(state.sendCursor, state.acknowledged, frames);
    session.channels.set.restoreNumbers(state.opened);
    for (const channel of state.channels) session.#restoreChannel(channel, byKey);
    session.#restoreLedgers(state.channels, frames);
    session.#reportAgain(state.channels, frames);
    session.#redeliver(state.channels, sorted);
    return session;
  }

  #restoreChannel(stored: StoredChannel, byKey: ReadonlyMap<string, Uint8Array>): void {
    const { number, state, application, nonce, applicationData, priority, outcomes, forwarded, begun, opening } =
      stored;
    const kind: ChannelKind = { application, nonce, applicationData, priority, outcomes, forwarded };
    const channel = this.channels.set.restore(number, state, kind, stored);
    if (opening !== undefined || state === 'reset-sent') this.channels.restoreAsked(number);
    if (begun !== undefined) {
      const message = byKey.get(messageKey(number, begun.message));
      if (message === undefined) throw corrupt(`message ${begun.message} of channel ${number} is missing`);
      channel.queue.resume(message, begun.offset);
      this.#outbox.resume(number, begun.message);
      channel.waiting = true;
    }
    if (this.role === 'server' && opening !== undefined) {
      this.#give({ type: 'channel-requested', channel: number, ...kind, openPayload: opening.open, again: true });
      this.channels.receiver.tellProof(channel);
    } else {
      // A message that was begun was stored as a whole, and goes on by itself. [CNT-011]
      const numbers = { sentMessages: channel.lastMessage, reportedMessages: stored.reported };
      const { openedPayload, abandonment } = stored;
      const reset = abandonment && { code: meaningOf('RESET', abandonment.wireCode), remote: abandonment.remote };
      this.#give({ type: 'channel-restored', channel: number, state, ...numbers, ...kind, openedPayload, reset });
      if (state === 'proving') this.channels.receiver.tellProve(channel);
    }
  }

  /** Which own messages have no outcome: those that are kept, and on channels with outcomes those without a verdict. */
  #restoreLedgers(channels: readonly StoredChannel[], frames: readonly RestoredFrame[]): void {
    // A channel that is closed may still have messages that are not acknowledged.
    const holders = new Map<number, RunHolder>();
    const holderOf = (number: number): RunHolder => {
      const holder = holders.get(number) ?? this.channels.set.deciding(number) ?? { number, run: undefined };
      holders.set(number, holder);
      return holder;
    };
    // With outcomes it has none for which anything is awaited.
    const waiting = channels.filter(({ outcomes, state }) => outcomes && state !== 'closed');
    const judged = new Map(waiting.map((channel) => [channel.number, channel]));
    const lastFragments = new Map<string, number>();
    for (const { channel, fragmentOf, seq } of frames) {
      if (fragmentOf?.last !== true) continue;
      if (!fragmentOf.judged) this.#ledger.sent(holderOf(channel), fragmentOf.message, seq);
      else if (judged.has(channel)) lastFragments.set(`${channel}/${fragmentOf.message}`, seq);
    }
    const unjudged = [...judged.values()].flatMap(({ number, verdictsReceived, sentMessages }) =>
      Array.from({ length: sentMessages - verdictsReceived }, (_, index) => {
        const message = verdictsReceived + 1 + index;
        return { number, message, seq: lastFragments.get(`${number}/${message}`) ?? 0 };
      }),
    );
    for (const { number, message, seq } of unjudged.sort((a, b) => a.seq - b.seq)) {
      this.#verdicts.sent(holderOf(number), message, seq);
    }
    for (const { number, state } of judged.values()) if (state === 'reset-sent') this.channels.abandon(number);
  }

  /** Outcomes that the owner has not taken note of; whether it was told of them nobody knows. [CNT-042] */
  #reportAgain(channels: readonly StoredChannel[], frames: readonly RestoredFrame[]): void {
    const report = (channel: number, first: number, last: number, verdict: Verdict): void => {
      const outcome = verdict === 0 ? 'accepted' : 'rejected';
      if (first <= last) this.#give({ type: 'messages-settled', channel, first, last, outcome, verdict, again: true });
    };
    for (const { number, outcomes, sentMessages, reported, verdictsUnreported } of channels) {
      if (outcomes) {
        let first = reported + 1;
        for (const { last, verdict } of verdictsUnreported) {
          report(number, first, last, verdict);
          first = last + 1;
        }
        continue;
      }
      // Of messages without verdict the peer has acknowledged those of which nothing is kept.
      const kept = frames.find(({ channel, fragmentOf }) => channel === number && fragmentOf?.last === true);
      report(number, reported + 1, (kept?.fragmentOf?.message ?? sentMessages + 1) - 1, 0);
    }
  }

  #redeliver(channels: readonly StoredChannel[], entries: readonly JournalEntry[]): void {
    const received = new Map(channels.map(({ number, settled }) => [number, { ...settled, begunAt: 0 }]));
    for (const { key, value } of entries) {
      if (!key.startsWith('in/')) continue;
      const { flags, channel: number, seq } = decodeHeader(value);
      const channel = this.channels.set.deciding(number);
      const so = received.get(number);
      if (channel === undefined || so === undefined) throw corrupt(`channel ${number} is missing`);
      const first = (flags & FLAG.MESSAGE.FIRST) !== 0;
      const last = (flags & FLAG.MESSAGE.LAST) !== 0;
      if (first) {
        so.messages += 1;
        so.begunAt = so.bytes;
      }
      const fragment = value.subarray(HEADER_BYTES);
      so.bytes += fragment.length;
      this.channels.receiver.accept(channel, fragment, first, last, seq, so.messages, true);
      if (!last) channel.receive.resume(so.begunAt);
    }
    // What redelivery emits follows from what is stored already.
    for (const { event } of this.#held.splice(0)) this.#give(event);
    for (const channel of channels) this.#endAgain(channel);
  }

  /** What has ended a channel, or its messages, before the crash. */
  #endAgain({ number: channel, state, sentMessages, abandonment }: StoredChannel): void {
    const again = true;
    if (abandonment === undefined) {
      if (['half-closed-remote', 'settling', 'closed'].includes(state)) this.#give({ type: 'channel-ended', channel });
      if (state === 'closed') this.#give({ type: 'channel-closed', channel, sentMessages, again });
      return;
    }
    if (state !== 'closed') return;
    const { wireCode, remote } = abandonment;
    if (!remote) this.#give({ type: 'channel-closed', channel, sentMessages, again });
    else {
      const code = meaningOf('RESET', wireCode);
      this.#give({ type: 'channel-reset', channel, sentMessages, code, wireCode, again });
    }
  }
}

function restoreFrame(octets: Uint8Array, byKey: ReadonlyMap<string, Uint8Array>): RestoredFrame {
  const kept = decodeKept(octets);
  if (kept === undefined) throw corrupt('a frame is incomplete');
  const { type, flags, channel, seq, length } = decodeHeader(kept.header);
  const { message, offset, part, judged } = kept;
  const last = (flags & FLAG.MESSAGE.LAST) !== 0;
  const fragmentOf = type === FRAME_TYPE.MESSAGE ? { message, offset, last, judged } : undefined;
  const frees = type === FRAME_TYPE.RESET ? [...byKey.keys()].filter((key) => isMessageOf(channel, key)) : [];
  if (last && offset > 0) frees.push(messageKey(channel, message));
  if (!part) return { type, flags, channel, seq, payload: kept.payload, fragmentOf, frees };
  const whole = byKey.get(messageKey(channel, message));
  if (whole === undefined || whole.length < offset + length) {
    throw corrupt(`message ${message} of channel ${channel} is missing`);
  }
  return { type, flags, channel, seq, payload: whole.subarray(offset, offset + length), fragmentOf, frees };
}

function toRange({ channel, first, last }: MessageRange): MessageRange {
  return { channel, first, last };
}

function clientState(name: MachineState<'client-session'>): State<Machine> {
  const state: unknown = stateOf('client-session', name);
  return state as State<Machine>;
}

function serverState(name: MachineState<'server-session'>): State<Machine> {
  const state: unknown = stateOf('server-session', name);
  return state as State<Machine>;
}
