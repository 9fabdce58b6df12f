import { expect } from 'vitest';
import { type Connection, type Event, FRAMES } from '../../core/index.ts';
import { createPair, type Pair } from '../unit/core/pair.ts';
import { framesIn } from '../unit/core/wire.ts';

/** The interval that both ends promise, in milliseconds. */
export const INTERVAL_MS = 1000;

/** What one end of a {@link Link} has seen, in order. */
export interface End {
  readonly connection: Connection;
  readonly events: Event[];
  /** Octets on their way to this end. */
  incoming: Uint8Array;
  /** Sequence number of the last sequenced frame that it sent. */
  sent: number;
}

/** Two connections joined by a transport that delivers when it is told to, in pieces of any size. */
export class Link {
  readonly client: End;
  readonly server: End;
  now = 0;
  /** When everything had been delivered, last. */
  #settledAt = 0;

  /** @param credit - small values make messages wait. */
  constructor(options: { readonly grease: boolean; readonly messages: number; readonly bytes: number }) {
    const { grease, messages, bytes } = options;
    const parameters = {
      livenessIntervalMs: INTERVAL_MS,
      maxMessageBytes: 65_536,
      initialMessageCredit: messages,
      initialByteCredit: bytes,
    };
    const pair: Pair = createPair({ grease, parameters }, { grease, parameters });
    this.client = { connection: pair.client, events: [], incoming: new Uint8Array(0), sent: 0 };
    this.server = { connection: pair.server, events: [], incoming: new Uint8Array(0), sent: 0 };
  }

  other(end: End): End {
    return end === this.client ? this.server : this.client;
  }

  /** Gives up to `count` octets that are on their way to an end. */
  deliver(end: End, count: number): void {
    this.carry(this.other(end));
    const piece = end.incoming.subarray(0, count);
    end.incoming = end.incoming.subarray(count);
    // A transport may use its buffer again: what is kept has to have been copied by the receiver of the event.
    if (piece.length > 0) this.note(end, end.connection.receive(piece.slice(), this.now));
  }

  /** Puts what an end has to write onto the transport; at most `limitBytes` of queued messages at a time. */
  carry(end: End, limitBytes?: number): void {
    const to = this.other(end);
    const sent = new Uint8Array(Buffer.concat(end.connection.takeOutput(limitBytes)));
    this.#check(end, sent);
    to.incoming = new Uint8Array(Buffer.concat([to.incoming, sent]));
    this.note(end, end.connection.takeEvents());
  }

  /**
   * What is sent is in whole frames with nothing but defined flags, the channel that their layer has, and the numbers
   * that are due. [WIR-008] [WIR-009] [WIR-010] [WIR-011]
   */
  #check(end: End, sent: Uint8Array): void {
    const frames = framesIn(sent);
    expect(frames.reduce((sum, { payload }) => sum + 16 + payload.length, 0)).toBe(sent.length);
    const wrong = frames.filter(({ name, type, flags, channel, seq }) => {
      if (name === undefined) return type < 0x80 || flags !== 0 || channel !== 0 || seq !== 0;
      const rule = FRAMES[name];
      if (rule.sequenced) end.sent += 1;
      const due = rule.sequenced ? end.sent : 0;
      return (flags & ~rule.flags) !== 0 || (channel !== 0) !== (rule.channel === 'nonzero') || seq !== due;
    });
    expect(wrong).toEqual([]);
  }

  /** Delivers everything until both ends are silent. */
  settle(): void {
    do {
      this.deliver(this.client, Infinity);
      this.deliver(this.server, Infinity);
      this.carry(this.client);
      this.carry(this.server);
    } while (this.client.incoming.length + this.server.incoming.length > 0);
    this.#settledAt = this.now;
  }

  /**
   * Lets up to two intervals pass. A peer may become SUSPECT but not DOWN: when everything is delivered, its last frame
   * is less than one interval old.
   */
  advance(ms: number): void {
    if (this.now + ms - this.#settledAt > 1.5 * INTERVAL_MS) this.settle();
    this.now += ms;
    for (const end of [this.client, this.server]) this.note(end, end.connection.tick(this.now));
  }

  note(end: End, events: readonly Event[]): void {
    end.events.push(...events);
    const { connection } = end;
    if (connection.state === 'deciding') this.note(end, connection.accept({ maxChannels: 4 }, this.now));
  }
}
