import type { Channel } from './channel.ts';
import { encodeCredit } from './frames/credit.ts';
import type { Outbox } from './outbox.ts';
import { FRAME_TYPE } from './registry.gen.ts';

/** Sends CREDIT, at most once for each channel between two flushes, however much was consumed. */
export class CreditGrants {
  readonly #outbox: Outbox;
  #due: Channel[] = [];

  constructor(outbox: Outbox) {
    this.#outbox = outbox;
  }

  /** Notes a channel whose peer is to be granted more, if that is so. [CHN-024] [CHN-025] */
  schedule(channel: Channel): void {
    if (channel.creditDue || !channel.receive.due) return;
    channel.creditDue = true;
    this.#due.push(channel);
  }

  /** Notes a channel whose limits the peer may not know: the last CREDIT may have been lost. [CNT-033] */
  restate(channel: Channel): void {
    if (channel.creditDue || !(channel.receive.raised || channel.receive.due)) return;
    channel.creditDue = true;
    this.#due.push(channel);
  }

  /** Sends what is due, but not on channels on which nothing more can come. */
  flush(): void {
    // A peer that lets us keep too much for it gets no further credit: what it sends may have to be answered. [CNT-010]
    if (this.#due.length === 0 || this.#outbox.full) return;
    const due = this.#due;
    this.#due = [];
    for (const channel of due) {
      channel.creditDue = false;
      if (!channel.state.local.has('send CREDIT')) continue;
      this.#outbox.ordered(FRAME_TYPE.CREDIT, 0, channel.number, encodeCredit(channel.receive.grant()));
    }
  }
}
