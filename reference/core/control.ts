import { MisuseError, PeerViolationError } from './errors.ts';
import type { Event } from './events.ts';
import { violation } from './frame-check.ts';
import { decodePing, encodePing } from './frames/ping.ts';
import { decodePong, encodePong } from './frames/pong.ts';
import { greaseFrame } from './grease.ts';
import { Liveness, type LivenessStep } from './liveness.ts';
import type { Carrier } from './outbox.ts';
import type { Output } from './output.ts';
import { type OutstandingPing, type PingPurpose, PingQueue } from './ping-queue.ts';
import { RateBudget } from './rate-budget.ts';
import { FRAME_TYPE, LIMITS } from './registry.gen.ts';

/**
 * How many times its budget of control frames a peer gets: midway between once, where it has to be served, and the
 * tolerance, where it has to be stopped. [SES-009] [SES-010]
 */
const BUDGET_FACTOR: number = (1 + LIMITS.control_tolerance_factor) / 2;

/** How far a session has come on a connection. */
export interface Cursors {
  /** Number of the last sequenced frame that this endpoint holds at its custody. */
  readonly receiveCursor: number;
  /** Number of the last sequenced frame that this connection has carried, or that its peer stated when it began. */
  readonly sendCursor: number;
}

/** What one connection of a session is made with. */
export interface ControlOptions {
  readonly output: Output;
  readonly emit: (event: Event) => void;
  readonly random: (count: number) => Uint8Array;
  readonly grease: boolean;
  /** What this endpoint promised on this connection. */
  readonly livenessIntervalMs: number;
  /** What the peer promised on it. */
  readonly peerLivenessIntervalMs: number;
  readonly now: number;
}

/**
 * What belongs to one established connection and not to the session that it carries: liveness, PING and PONG, and the
 * budget of control frames (chapter 5).
 */
export class ConnectionControl implements Carrier {
  readonly output: Output;
  readonly liveness: Liveness;
  /** The cursors at which the session left this connection: what its CLOSE says from then on. [SES-013] */
  left: Cursors | undefined;
  readonly #emit: (event: Event) => void;
  readonly #random: (count: number) => Uint8Array;
  readonly #pings = new PingQueue();
  readonly #received: RateBudget;
  readonly #sent: RateBudget;
  #now: number;

  constructor(options: ControlOptions) {
    const { now, random } = options;
    this.output = options.output;
    this.liveness = new Liveness(options.livenessIntervalMs, options.peerLivenessIntervalMs, random, now);
    this.#emit = options.emit;
    this.#random = random;
    this.#received = new RateBudget(BUDGET_FACTOR, now);
    this.#sent = new RateBudget(1, now);
    this.#now = now;
    // Within the budget: it is the first frame on the connection. [EXT-004]
    if (options.grease && this.#sent.take(now)) this.#greaseFrame();
  }

  /** Whether the peer is SUSPECT. [SES-020] */
  get suspect(): boolean {
    return this.liveness.suspect;
  }

  /** Silence of the peer that ends the connection, in milliseconds. */
  get downAfterMs(): number {
    return this.liveness.downAfterMs;
  }

  /** The time of what happens next. */
  set now(now: number) {
    this.#now = now;
  }

  /** A complete frame has come; returns whether the peer was SUSPECT until now. */
  heard(): boolean {
    if (!this.liveness.heard(this.#now)) return false;
    this.#emit({ type: 'peer-live' });
    return true;
  }

  /** Answers PING at once, ahead of queued messages. [SES-004] [SES-005] [SES-006] */
  pingFrame(payload: Uint8Array): void {
    const { data } = decodePing(payload);
    this.spend(FRAME_TYPE.PING);
    this.#write(FRAME_TYPE.PONG, encodePong({ data }));
  }

  /** Matches PONG with the oldest PING, and returns that. [SES-007] */
  pongFrame(payload: Uint8Array): OutstandingPing {
    const ping = this.#pings.answer(decodePong(payload).data);
    if (ping === undefined) {
      throw violation('FRAME_UNEXPECTED', 'SES-007', FRAME_TYPE.PONG, 'does not answer the oldest PING');
    }
    if (ping.purpose === 'asked') this.#emit({ type: 'pong-received', rttMs: this.#now - ping.sentAt });
    return ping;
  }

  /** A frame that costs its share of the budget. */
  spend(type: number): void {
    if (this.#received.take(this.#now)) return;
    throw new PeerViolationError('RATE_EXCEEDED', 'SES-010', 'The peer sends too many control frames.', type);
  }

  /** Sends a PING that the owner asked for; `sendCursor` is the last sequenced frame before it. */
  ping(sendCursor: number): void {
    if (this.#pings.full || !this.#sent.take(this.#now)) {
      throw new MisuseError('HAWSER_ERR_MISUSE_PING_LIMIT', 'Too many PINGs: wait for a PONG, or for the budget.');
    }
    this.#sendPing('asked', sendCursor);
  }

  /** Sends a PING of the engine's own if that stays within the bounds. */
  pingWithin(purpose: PingPurpose, sendCursor: number): boolean {
    if (this.#pings.full || !this.#sent.take(this.#now)) return false;
    this.#sendPing(purpose, sendCursor);
    return true;
  }

  /** Lets time pass: one step of liveness, which is kept up where it is due. [SES-019] [SES-024] */
  tick(sendCursor: number): LivenessStep | undefined {
    const step = this.liveness.tick(this.#now);
    if (step === 'suspect') this.#emit({ type: 'peer-suspect' });
    if ((step === 'suspect' || step === 'ping') && !this.pingWithin('liveness', sendCursor)) this.#greaseFrame();
    return step;
  }

  #sendPing(purpose: PingPurpose, sendCursor: number): void {
    const data = this.#pings.add(this.#now, sendCursor, purpose);
    this.#write(FRAME_TYPE.PING, encodePing({ data }));
  }

  /** Sends a frame without meaning: to keep ignorable types usable, or as a sign of life when no PING may be sent. */
  #greaseFrame(): void {
    const { type, payload } = greaseFrame(this.#random);
    this.#write(type, payload);
  }

  #write(type: number, payload: Uint8Array): void {
    this.output.frame(type, 0, 0, 0, payload);
    this.liveness.sent(this.#now);
  }
}
