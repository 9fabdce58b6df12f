import { viewOf } from './octets.ts';
import { TIMERS } from './registry.gen.ts';

/** What silence calls for: a PING of our own, or a judgement of the peer. */
export type LivenessStep = 'ping' | 'suspect' | 'down';

/**
 * Smallest part of `ping_jitter_percent` that is taken off the own interval: a timer that fires late must not break the
 * promise. [SES-019]
 */
const MIN_JITTER_PART = 0.2;

/** Keeps the own promise of never being silent, and judges the peer by its promise (chapter 5.4). */
export class Liveness {
  readonly #intervalMs: number;
  readonly #suspectAfterMs: number;
  readonly #downAfterMs: number;
  readonly #random: (count: number) => Uint8Array;
  #pingAfterMs: number;
  #sentAt: number;
  #heardAt: number;
  #suspect = false;

  /**
   * @param intervalMs - what this endpoint promised.
   * @param peerIntervalMs - what the peer promised.
   * @param now - when the session was established.
   */
  constructor(intervalMs: number, peerIntervalMs: number, random: (count: number) => Uint8Array, now: number) {
    this.#intervalMs = intervalMs;
    this.#suspectAfterMs = TIMERS.liveness_suspect_intervals * peerIntervalMs;
    this.#downAfterMs = TIMERS.liveness_down_intervals * peerIntervalMs;
    this.#random = random;
    this.#sentAt = now;
    this.#heardAt = now;
    this.#pingAfterMs = this.#drawPingDelay();
  }

  /** Whether the peer is SUSPECT. [SES-020] */
  get suspect(): boolean {
    return this.#suspect;
  }

  /** Silence of the peer that ends the session, in milliseconds. [SES-022] */
  get downAfterMs(): number {
    return this.#downAfterMs;
  }

  /** A frame was sent. */
  sent(now: number): void {
    this.#sentAt = now;
  }

  /** A complete frame has come; returns whether the peer was SUSPECT until now. */
  heard(now: number): boolean {
    const wasSuspect = this.#suspect;
    this.#heardAt = now;
    this.#suspect = false;
    return wasSuspect;
  }

  /** When `tick` has something to say. */
  nextDeadline(): number {
    return Math.min(
      this.#sentAt + this.#pingAfterMs,
      this.#heardAt + (this.#suspect ? this.#downAfterMs : this.#suspectAfterMs),
    );
  }

  /**
   * What is due; undefined when nothing is. SUSPECT comes before DOWN even when both are overdue: a process that was
   * stopped gets to read what has arrived in the meantime before it judges its peer.
   */
  tick(now: number): LivenessStep | undefined {
    const silence = now - this.#heardAt;
    if (this.#suspect && silence >= this.#downAfterMs) return 'down';
    if (!this.#suspect && silence >= this.#suspectAfterMs) {
      this.#suspect = true;
      return 'suspect';
    }
    if (now - this.#sentAt < this.#pingAfterMs) return undefined;
    this.#pingAfterMs = this.#drawPingDelay();
    // Counts from here even if no PING can go out, so that the deadline moves on.
    this.#sentAt = now;
    return 'ping';
  }

  #drawPingDelay(): number {
    const share = viewOf(this.#random(2)).getUint16(0) / 0xffff;
    const jitter = (TIMERS.ping_jitter_percent / 100) * (MIN_JITTER_PART + (1 - MIN_JITTER_PART) * share);
    return this.#intervalMs * (1 - jitter);
  }
}
