import { type Channel, Rejection } from '../../node/session/channel.ts';
import { report } from './inside.ts';
import type { Ledger } from './ledger.ts';
import { type Direction, type Traffic, digestOf, verdictOf } from './traffic.ts';

/** One end of a channel: sends the messages of its direction, and records those of the other. */
export class Exchange {
  readonly channel: Channel;
  readonly #traffic: Traffic;
  readonly #direction: Direction;
  /** Resolves when everything was given to the channel, in this process or an earlier one, or the channel is over. */
  readonly sent: Promise<void>;

  /** @param direction - of the messages that this end sends. */
  constructor(channel: Channel, traffic: Traffic, direction: Direction, ledger: Ledger) {
    this.channel = channel;
    this.#traffic = traffic;
    this.#direction = direction;
    const { application } = channel;
    const { outcomes } = traffic.stream(application);
    let over = false;
    void channel.closed.then(() => (over = true));
    channel.onOutcome = ({ first, last, outcome }) =>
      ledger.outcome({ type: 'outcome', application, first, last, outcome });
    channel.onMessage = async (message, number, redelivered) => {
      const at = { time: Date.now(), process: process.pid };
      if (over)
        report({ type: 'violation', text: `${channel.keyOf(number)} was handed over after its channel was over` });
      const digest = digestOf(message);
      const verdict = outcomes ? verdictOf(digest) : 0;
      const key = channel.keyOf(number);
      const octets = message.length;
      await ledger.effect({ type: 'effect', key, application, number, octets, digest, verdict, redelivered, at });
      if (verdict > 0) throw new Rejection(verdict);
    };
    this.sent = this.#send();
  }

  async #send(): Promise<void> {
    const { channel } = this;
    const stream = this.#traffic.stream(channel.application);
    try {
      await channel.opened;
      for (let number = channel.sentMessages + 1; number <= stream.messages; number += 1) {
        await channel.send(this.#traffic.message(stream, this.#direction, number));
      }
    } catch {
      // The channel is over here; where the session goes on elsewhere, another end goes on with it.
    }
  }
}
