import type { ChannelMachine } from './channel.ts';
import { Channels } from './channels.ts';
import { MisuseError, PeerViolationError } from './errors.ts';
import type { Event, MessageRange } from './events.ts';
import { FateLedger, joinRanges } from './fate-ledger.ts';
import { isSequenced, violation } from './frame-check.ts';
import { FrameSender } from './frame-sender.ts';
import { type Close, encodeClose } from './frames/close.ts';
import { decodePing, encodePing } from './frames/ping.ts';
import { decodePong, encodePong } from './frames/pong.ts';
import type { FrameDecoder } from './decoder.ts';
import { greaseFrame } from './grease.ts';
import { Liveness, type LivenessStep } from './liveness.ts';
import type { PeerParameters } from './options.ts';
import type { Output } from './output.ts';
import { type PingPurpose, PingQueue } from './ping-queue.ts';
import { RateBudget } from './rate-budget.ts';
import { ERROR_CODE, type ErrorName, FLAG, FRAME_TYPE, LIMITS, PARAMETER } from './registry.gen.ts';

/**
 * How many times its budget of control frames a peer gets: midway between once, where it has to be served, and the
 * tolerance, where it has to be stopped. [SES-009] [SES-010]
 */
const BUDGET_FACTOR: number = (1 + LIMITS.control_tolerance_factor) / 2;

/** Shortest time between two PINGs that ask which messages were received: a fraction of the budget. */
const BARRIER_INTERVAL_MS = 50;

/** What both sides have declared for one session. */
export interface SessionOptions {
  readonly machine: ChannelMachine;
  readonly output: Output;
  readonly emit: (event: Event) => void;
  readonly random: (count: number) => Uint8Array;
  readonly grease: boolean;
  /** This endpoint's own parameters; `maxChannels` is the server's grant. */
  readonly own: {
    readonly livenessIntervalMs: number;
    readonly maxMessageBytes: number;
    readonly initialMessageCredit: number;
    readonly initialByteCredit: number;
    readonly maxChannels: number;
  };
  readonly peer: PeerParameters;
  /** When the session was established. */
  readonly now: number;
}

/** What happened to the messages of a session that is over. */
export interface Fates {
  readonly unknownMessages: readonly MessageRange[];
  readonly undeliveredMessages: readonly MessageRange[];
}

/** One end of an established session (chapters 5 and 6). */
export class SessionEngine {
  readonly channels: Channels;
  readonly #emit: (event: Event) => void;
  readonly #random: (count: number) => Uint8Array;
  readonly #sender: FrameSender;
  readonly #liveness: Liveness;
  readonly #ledger = new FateLedger();
  readonly #pings = new PingQueue();
  readonly #received: RateBudget;
  readonly #sent: RateBudget;
  /** Sequence number of the last sequenced frame that was processed; 0 for none. */
  #cursor = 0;
  #barrierPending = false;
  #barrierAt = -Infinity;

  constructor(options: SessionOptions) {
    const { own, peer, now, random } = options;
    this.#emit = options.emit;
    this.#random = random;
    this.#liveness = new Liveness(own.livenessIntervalMs, peer.livenessIntervalMs, random, now);
    this.#sender = new FrameSender(options.output, this.#liveness, now);
    this.#received = new RateBudget(BUDGET_FACTOR, now);
    this.#sent = new RateBudget(1, now);
    const { initial_message_credit, initial_byte_credit } = PARAMETER;
    this.channels = new Channels({
      machine: options.machine,
      sender: this.#sender,
      ledger: this.#ledger,
      emit: options.emit,
      random,
      grease: options.grease,
      terms: {
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
      },
      peerMaxMessageBytes: peer.maxMessageBytes,
      maxChannels: own.maxChannels,
    });
    // Within the budget: it is the first frame of the session. [EXT-004]
    if (options.grease && this.#sent.take(now)) this.#greaseFrame();
  }

  /** The sequence number that the next sequenced frame of the peer has to have. [WIR-012] */
  get due(): number {
    return this.#cursor + 1;
  }

  /** Whether the peer is SUSPECT. [SES-020] */
  get suspect(): boolean {
    return this.#liveness.suspect;
  }

  /** Silence of the peer that ends the session, in milliseconds. */
  get downAfterMs(): number {
    return this.#liveness.downAfterMs;
  }

  /** The time of what happens next. */
  set now(now: number) {
    this.#sender.now = now;
  }

  /** A complete frame has come: the peer is live. */
  heard(): void {
    if (!this.#liveness.heard(this.#sender.now)) return;
    this.#emit({ type: 'peer-live' });
    this.channels.resume();
  }

  /** Processes a frame of the layer channel. It counts as processed only if that was no error. */
  channelFrame(frame: FrameDecoder): void {
    this.channels.receive(frame.type, frame.flags, frame.channel, frame.payload());
    if (isSequenced(frame.type)) this.#cursor += 1;
  }

  /** Answers PING at once, ahead of queued messages. [SES-004] [SES-005] [SES-006] */
  pingFrame(payload: Uint8Array): void {
    const { data } = decodePing(payload);
    this.#spend(FRAME_TYPE.PING);
    this.#sender.unsequenced(FRAME_TYPE.PONG, 0, 0, encodePong({ data }));
  }

  /** Matches PONG with the oldest PING. [SES-007] */
  pongFrame(payload: Uint8Array): void {
    const ping = this.#pings.answer(decodePong(payload).data);
    if (ping === undefined) {
      throw violation('FRAME_UNEXPECTED', 'SES-007', FRAME_TYPE.PONG, 'does not answer the oldest PING');
    }
    if (ping.purpose === 'barrier') this.#barrierPending = false;
    // A full ledger keeps messages back.
    const blocked = this.#ledger.full;
    this.#ledger.received(ping.sendCursor);
    if (blocked) this.channels.wake();
    if (ping.purpose === 'asked') this.#emit({ type: 'pong-received', rttMs: this.#sender.now - ping.sentAt });
  }

  /** An ignorable frame costs its share of the budget, and nothing else. [WIR-006] */
  ignorableFrame(type: number): void {
    this.#spend(type);
  }

  /** Checks the cursors of the peer's CLOSE; both, unless frames have been discarded. [SES-013] */
  checkClose({ receiveCursor, sendCursor }: Close, discarding: boolean): void {
    if (receiveCursor <= this.#sender.cursor && (discarding || sendCursor === this.#cursor)) return;
    throw violation('CURSOR_INVALID', 'SES-013', FRAME_TYPE.CLOSE, 'contradicts what was sent or received');
  }

  /** Writes CLOSE. [SES-003] [SES-017] */
  close(code: ErrorName): void {
    const close = { code: ERROR_CODE[code], receiveCursor: this.#cursor, sendCursor: this.#sender.cursor };
    this.#sender.unsequenced(FRAME_TYPE.CLOSE, FLAG.CLOSE.END_SESSION, 0, encodeClose(close));
  }

  /** Sends a PING that the owner asked for. */
  ping(): void {
    if (this.#pings.full || !this.#sent.take(this.#sender.now)) {
      throw new MisuseError('HAWSER_ERR_MISUSE_PING_LIMIT', 'Too many PINGs: wait for a PONG, or for the budget.');
    }
    this.#sendPing('asked');
  }

  /** Writes what may leave, until `limitBytes` wait for the transport. */
  flush(limitBytes: number): void {
    this.channels.flush(limitBytes);
    if (this.#sender.now >= this.#barrierDeadline() && this.#pingWithin('barrier')) {
      this.#barrierPending = true;
      this.#barrierAt = this.#sender.now;
    }
  }

  nextDeadline(): number {
    return Math.min(this.#liveness.nextDeadline(), this.#barrierDeadline());
  }

  /** Lets time pass: one step, and whether it was that the peer is DOWN. */
  tick(): LivenessStep | undefined {
    const step = this.#liveness.tick(this.#sender.now);
    if (step === 'suspect') {
      this.channels.suspend();
      this.#emit({ type: 'peer-suspect' });
    }
    // [SES-019] [SES-024]
    if ((step === 'suspect' || step === 'ping') && !this.#pingWithin('liveness')) this.#greaseFrame();
    return step;
  }

  /**
   * What happened to the messages of the session.
   *
   * @param peerReceiveCursor - from the peer's CLOSE: beyond it nothing was received, within it everything. Without
   *   one, what was sent completely is unknown. [SES-018]
   */
  fates(peerReceiveCursor: number | undefined): Fates {
    const unsent = this.channels.undelivered();
    if (peerReceiveCursor === undefined) {
      return { unknownMessages: this.#ledger.ranges(), undeliveredMessages: unsent };
    }
    this.#ledger.received(peerReceiveCursor);
    return { unknownMessages: [], undeliveredMessages: joinRanges([...this.#ledger.ranges(), ...unsent]) };
  }

  /** When the next barrier may be sent; never while none is wanted, or one is on its way. */
  #barrierDeadline(): number {
    return this.#ledger.wantsBarrier && !this.#barrierPending ? this.#barrierAt + BARRIER_INTERVAL_MS : Infinity;
  }

  /** Sends a PING of the engine's own if that stays within the bounds. */
  #pingWithin(purpose: PingPurpose): boolean {
    if (this.#pings.full || !this.#sent.take(this.#sender.now)) return false;
    this.#sendPing(purpose);
    return true;
  }

  #sendPing(purpose: PingPurpose): void {
    const data = this.#pings.add(this.#sender.now, this.#sender.cursor, purpose);
    this.#sender.unsequenced(FRAME_TYPE.PING, 0, 0, encodePing({ data }));
  }

  /** Sends a frame without meaning: to keep ignorable types usable, or as a sign of life when no PING may be sent. */
  #greaseFrame(): void {
    const { type, payload } = greaseFrame(this.#random);
    this.#sender.unsequenced(type, 0, 0, payload);
  }

  #spend(type: number): void {
    if (this.#received.take(this.#sender.now)) return;
    throw new PeerViolationError('RATE_EXCEEDED', 'SES-010', 'The peer sends too many control frames.', type);
  }
}
