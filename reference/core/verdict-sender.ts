import type { Channel, VerdictRun } from './channel.ts';
import { encodeOutcome } from './frames/outcome.ts';
import type { Verdict } from './inbox.ts';
import type { Outbox } from './outbox.ts';
import { FRAME_TYPE } from './registry.gen.ts';

/** Adds a verdict to those before it: messages in a row that have the same one are a run. */
export function addVerdict(runs: VerdictRun[], run: VerdictRun): void {
  if (runs.at(-1)?.verdict === run.verdict) runs.pop();
  runs.push(run);
}

/** Sends OUTCOME, one for all messages in a row that have the same verdict since the last flush. [CNT-039] */
export class VerdictSender {
  readonly #outbox: Outbox;
  readonly #sent: (channel: Channel) => void;
  #due: Channel[] = [];

  /** @param sent - called when the verdicts of a channel have been sent. */
  constructor(outbox: Outbox, sent: (channel: Channel) => void) {
    this.#outbox = outbox;
    this.#sent = sent;
  }

  /** Notes a verdict on the messages after those of the one before. */
  schedule(channel: Channel, last: number, verdict: Verdict): void {
    addVerdict(channel.verdictsDue, { last, verdict });
    if (channel.verdictDue) return;
    channel.verdictDue = true;
    this.#due.push(channel);
  }

  /** Sends what is due, unless the channel is over. */
  flush(): void {
    if (this.#due.length === 0) return;
    const due = this.#due;
    this.#due = [];
    for (const channel of due) {
      channel.verdictDue = false;
      if (!channel.state.local.has('send OUTCOME')) continue;
      const verdicts = channel.verdictsDue;
      channel.verdictsDue = [];
      for (const { last, verdict } of verdicts) {
        const payload = encodeOutcome({ lastMessage: last, verdict });
        this.#outbox.sequenced(FRAME_TYPE.OUTCOME, 0, channel.number, payload);
        channel.verdictsSent = last;
      }
      this.#sent(channel);
    }
  }
}
