import type { ErrorName } from '../../core/index.ts';
import type { ChannelEnd } from '../session/channel.ts';

/** What is known of a channel from its beginning. */
export interface ChannelFacts {
  /** The session with the client, or with the relay before this one. */
  readonly session: string;
  readonly channel: number;
  /** The verified identity of the client. */
  readonly identity: string;
  /** Identities of the relays that the request has passed, first to last. */
  readonly relays: readonly string[];
  readonly application: string;
  /** Where the channel is led, as a URL. */
  readonly end: string;
}

/** The fields of the one log line that a channel gets. */
export interface ChannelFields extends ChannelFacts {
  readonly outcome: ChannelEnd['type'];
  /** The code that the channel ended with; where its session ended, the session's own line tells. */
  readonly code?: ErrorName;
  /** From the client. */
  readonly messagesIn: number;
  readonly bytesIn: number;
  /** To the client. */
  readonly messagesOut: number;
  readonly bytesOut: number;
  readonly durationMs: number;
}

/** Counts what passes on a channel, for the log line at its end. */
export class ChannelRecord {
  readonly #facts: ChannelFacts;
  readonly #begunAt: number;
  #messagesIn = 0;
  #bytesIn = 0;
  #messagesOut = 0;
  #bytesOut = 0;

  /** @param now - of the monotonic clock, in milliseconds. */
  constructor(facts: ChannelFacts, now: number) {
    this.#facts = facts;
    this.#begunAt = now;
  }

  /** A message of the client has come. */
  messageIn(bytes: number): void {
    this.#messagesIn += 1;
    this.#bytesIn += bytes;
  }

  /** A message for the client was passed on. */
  messageOut(bytes: number): void {
    this.#messagesOut += 1;
    this.#bytesOut += bytes;
  }

  /** The channel is over. */
  fields(end: ChannelEnd, now: number): ChannelFields {
    return {
      ...this.#facts,
      outcome: end.type,
      ...codeOf(end),
      messagesIn: this.#messagesIn,
      bytesIn: this.#bytesIn,
      messagesOut: this.#messagesOut,
      bytesOut: this.#bytesOut,
      durationMs: Math.round(now - this.#begunAt),
    };
  }
}

function codeOf(end: ChannelEnd): Pick<ChannelFields, 'code'> {
  if (end.type === 'session-ended') return {};
  return { code: end.type === 'closed' ? 'NO_ERROR' : end.code };
}
