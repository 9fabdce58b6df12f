import type { Channel } from './channel.ts';
import type { FateLedger } from './fate-ledger.ts';
import type { FrameSender } from './frame-sender.ts';
import { FLAG, FRAME_TYPE, MAX_PAYLOAD_BYTES } from './registry.gen.ts';

const { FIRST, LAST } = FLAG.MESSAGE;

/** Written octets from which on further messages wait for the next flush: what the transport takes at a time. */
const EAGER_BYTES = 65_536;

/** Lets messages out as credit, liveness and the transport allow; channels take turns. Only messages wait. [CHN-023] */
export class MessageScheduler {
  readonly #sender: FrameSender;
  readonly #ledger: FateLedger;
  readonly #drained: (channel: Channel) => void;
  /** Channels with messages that may be sent, in the order of their turns. */
  readonly #ready: Channel[] = [];
  #suspended = false;

  /** @param drained - called when the last queued message of a channel has been written. */
  constructor(sender: FrameSender, ledger: FateLedger, drained: (channel: Channel) => void) {
    this.#sender = sender;
    this.#ledger = ledger;
    this.#drained = drained;
  }

  /** While it is set no message is begun; one that is goes on. [SES-021] */
  set suspended(suspended: boolean) {
    this.#suspended = suspended;
  }

  /** Writes a message at once if it is nobody's turn and it fits into one frame and the credit; else queues it. */
  send(channel: Channel, payload: Uint8Array): void {
    if (channel.queue.size === 0 && this.#mayPass(channel, payload.length)) {
      this.#write(channel, payload, true, true);
      return;
    }
    channel.queue.push(payload);
    channel.waiting = true;
    this.wake(channel);
  }

  /** Gives a channel a turn, if it has something that may be sent. */
  wake(channel: Channel): void {
    if (channel.ready || !this.#maySend(channel)) return;
    channel.ready = true;
    this.#ready.push(channel);
  }

  /** Writes queued messages until `limitBytes` wait for the transport. */
  flush(limitBytes: number): void {
    while (this.#sender.pendingBytes < limitBytes) {
      const channel = this.#ready.shift();
      if (channel === undefined) return;
      channel.ready = false;
      // A turn is one frame of the largest size, or as many small ones. [CHN-019]
      let turn = MAX_PAYLOAD_BYTES;
      while (turn > 0 && this.#maySend(channel)) turn -= this.#sendFragment(channel) + 1;
      this.wake(channel);
      if (channel.queue.size === 0) this.#drained(channel);
    }
  }

  #mayPass(channel: Channel, length: number): boolean {
    return (
      length <= MAX_PAYLOAD_BYTES &&
      length <= channel.send.bytes &&
      this.#mayBegin(channel) &&
      this.#ready.length === 0 &&
      this.#sender.pendingBytes < EAGER_BYTES
    );
  }

  /** [CHN-020] [SES-021] */
  #mayBegin(channel: Channel): boolean {
    return !this.#suspended && channel.send.mayBegin && !this.#ledger.full;
  }

  /** Whether a fragment of the first queued message may be sent: however small, or it might never arrive. */
  #maySend(channel: Channel): boolean {
    const { headBytes, begun } = channel.queue;
    if (headBytes === undefined) return false;
    return (begun || this.#mayBegin(channel)) && (headBytes === 0 || channel.send.bytes > 0);
  }

  /** Sends the next fragment of the first queued message and returns its length. [CHN-012] [CHN-019] */
  #sendFragment(channel: Channel): number {
    const first = !channel.queue.begun;
    const next = channel.queue.take(Math.min(MAX_PAYLOAD_BYTES, channel.send.bytes));
    if (next === undefined) return 0;
    this.#write(channel, next.fragment, first, next.last);
    return next.fragment.length;
  }

  #write(channel: Channel, fragment: Uint8Array, first: boolean, last: boolean): void {
    const flags = (first ? FIRST : 0) | (last ? LAST : 0);
    channel.send.use(first, fragment.length);
    const seq = this.#sender.sequenced(FRAME_TYPE.MESSAGE, flags, channel.number, fragment);
    if (last) this.#ledger.sent(channel, channel.send.messages, seq);
  }
}
