import type { Channel, PriorityClass } from './channel.ts';
import type { FateLedger } from './fate-ledger.ts';
import { type Journal, messageKey } from './journal.ts';
import type { Outbox } from './outbox.ts';
import { FLAG, FRAME_TYPE, LIMITS, MAX_PAYLOAD_BYTES } from './registry.gen.ts';

const { FIRST, LAST } = FLAG.MESSAGE;

/** Written octets from which on further messages wait for the next flush: what the transport takes at a time. */
const EAGER_BYTES = 65_536;

/** Classes from the most to the least urgent. */
const CLASSES = [0, 1, 2] as const;

/** What messages are sent with. */
export interface SchedulerOptions {
  readonly outbox: Outbox;
  /** Messages that are accepted when they are acknowledged, or received. */
  readonly ledger: FateLedger;
  /** Messages that wait for a verdict. */
  readonly verdicts: FateLedger;
  readonly journal: Journal | undefined;
  /** Whether frames are kept until they are acknowledged. */
  readonly keeps: boolean;
  /** Called when the last queued message of a channel has been written. */
  readonly drained: (channel: Channel) => void;
}

/**
 * Lets messages out as credit, liveness, priority and the transport allow; channels of a class take turns. Only messages
 * wait. [CHN-023]
 */
export class MessageScheduler {
  readonly #options: SchedulerOptions;
  readonly #outbox: Outbox;
  /** Channels with messages that may be sent, by class, in the order of their turns. */
  readonly #ready: readonly [Channel[], Channel[], Channel[]] = [[], [], []];
  /** Fragments of higher classes sent in a row while a channel of the class was ready. [CHN-036] */
  readonly #passedOver: [number, number, number] = [0, 0, 0];
  #suspended = false;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#outbox = options.outbox;
  }

  /** While it is set no message is begun; one that is goes on. [SES-021] */
  set suspended(suspended: boolean) {
    this.#suspended = suspended;
  }

  /**
   * Writes a message at once if it is nobody's turn and it fits into one frame and the credit; else queues it.
   *
   * @returns whether it was queued: `drained` follows.
   */
  send(channel: Channel, payload: Uint8Array): boolean {
    if (channel.queue.size === 0 && this.#mayPass(channel, payload.length)) {
      this.#write(channel, payload, payload, 0, true);
      return false;
    }
    channel.queue.push(payload);
    channel.waiting = true;
    this.wake(channel);
    return true;
  }

  /** Gives a channel a turn, if it has something that may be sent. */
  wake(channel: Channel): void {
    if (channel.ready || !this.#maySend(channel)) return;
    channel.ready = true;
    this.#ready[channel.kind.priority].push(channel);
  }

  /** Writes queued messages until `limitBytes` wait for the transport. */
  flush(limitBytes: number): void {
    while (this.#outbox.pendingBytes < limitBytes) {
      const turn = this.#nextClass();
      const channel = turn === undefined ? undefined : this.#ready[turn].shift();
      if (turn === undefined || channel === undefined) return;
      channel.ready = false;
      // A turn is one frame of the largest size, or as many small ones. [CHN-019]
      let octets = MAX_PAYLOAD_BYTES;
      while (octets > 0 && this.#maySend(channel)) {
        octets -= this.#sendFragment(channel) + 1;
        // However small its fragments are, a class does not keep others waiting beyond their bounds. [CHN-035] [CHN-036]
        if (this.#count(turn) || this.#outranked(turn)) break;
      }
      this.wake(channel);
      if (channel.queue.size === 0) this.#options.drained(channel);
    }
  }

  /** The class whose turn it is: the most urgent one, unless another has been passed over for long. [CHN-035] [CHN-036] */
  #nextClass(): PriorityClass | undefined {
    for (const lower of [2, 1] as const) {
      if (this.#ready[lower].length > 0 && this.#passedOver[lower] >= LIMITS.priority_share_frames) return lower;
    }
    return CLASSES.find((one) => this.#ready[one].length > 0);
  }

  /** Counts a fragment; returns whether a lower class has been passed over for long enough. */
  #count(sent: PriorityClass): boolean {
    let due = false;
    for (const one of CLASSES) {
      if (one === sent || this.#ready[one].length === 0) this.#passedOver[one] = 0;
      else if (one > sent) {
        this.#passedOver[one] += 1;
        due ||= this.#passedOver[one] >= LIMITS.priority_share_frames;
      }
    }
    return due;
  }

  /** Whether a more urgent class has something to send. */
  #outranked(turn: PriorityClass): boolean {
    return CLASSES.some((one) => one < turn && this.#ready[one].length > 0);
  }

  #mayPass(channel: Channel, length: number): boolean {
    return (
      length <= MAX_PAYLOAD_BYTES &&
      length <= channel.send.bytes &&
      !channel.paused &&
      this.#mayBegin(channel) &&
      this.#outbox.attached &&
      this.#ready.every((channels) => channels.length === 0) &&
      this.#outbox.pendingBytes < EAGER_BYTES
    );
  }

  /** [CHN-020] [SES-021] */
  #mayBegin(channel: Channel): boolean {
    return (
      !this.#suspended &&
      channel.send.mayBegin &&
      !this.#outbox.full &&
      !this.#options.ledger.full &&
      !this.#options.verdicts.full
    );
  }

  /** Whether a fragment of the first queued message may be sent: however small, or it might never arrive. */
  #maySend(channel: Channel): boolean {
    const { headBytes, begun } = channel.queue;
    if (headBytes === undefined || channel.paused) return false;
    const allowed = begun ? !this.#outbox.full : this.#mayBegin(channel);
    return allowed && (headBytes === 0 || channel.send.bytes > 0);
  }

  /** Sends the next fragment of the first queued message and returns its length. [CHN-012] [CHN-019] */
  #sendFragment(channel: Channel): number {
    const { head, offset } = channel.queue;
    const next = channel.queue.take(Math.min(MAX_PAYLOAD_BYTES, channel.send.bytes));
    if (next === undefined || head === undefined) return 0;
    this.#write(channel, head, next.fragment, offset, next.last);
    return next.fragment.length;
  }

  /** @param offset - where the fragment begins in the message. */
  #write(channel: Channel, message: Uint8Array, fragment: Uint8Array, offset: number, last: boolean): void {
    const { ledger, verdicts, journal } = this.#options;
    const { number } = channel;
    const first = offset === 0;
    channel.send.use(first, fragment.length);
    const count = channel.send.messages;
    // The rest of the message has to survive with its first fragment. [CNT-011]
    if (first && !last) journal?.put(messageKey(number, count), message);
    const flags = (first ? FIRST : 0) | (last ? LAST : 0);
    const judged = channel.kind.outcomes;
    const fragmentOf = this.#options.keeps ? { message: count, offset, last, judged } : undefined;
    const seq = this.#outbox.sequenced(FRAME_TYPE.MESSAGE, flags, number, fragment, fragmentOf);
    if (!last) return;
    channel.sentMessages = count;
    (judged ? verdicts : ledger).sent(channel, count, seq);
  }
}
