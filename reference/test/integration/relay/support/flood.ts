import { type DeclaredParameters, PARAMETER, type Session as CoreSession } from '../../../../core/index.ts';
import type { ChannelEndpoint } from '../../../../node/session/channel.ts';
import type { Channel, Session } from '../../../../node/index.ts';
import { channelEndpoint, sessionEndpoint } from '../../support/relay-ends.ts';

const INITIAL_OCTETS = 256 * 1024;

/** The largest message of a {@link Flood}. */
export const LARGEST = 16_000;

/** What the receivers of a {@link Flood} declare. */
export const PARAMETERS: DeclaredParameters = { initialByteCredit: INITIAL_OCTETS, maxMessageBytes: LARGEST };

/** What one leg takes of a {@link Flood} that nobody reads: beyond the octets, a message that is begun is completed. [CHN-024] */
export const LEG: { readonly messages: number; readonly octets: number } = {
  messages: PARAMETER.initial_message_credit.default,
  octets: INITIAL_OCTETS + LARGEST,
};

/** Sends messages without end, and counts those that have left. */
export class Flood {
  readonly #channel: ChannelEndpoint;
  readonly #core: CoreSession;
  readonly #size: number;

  /** @param size - of each message, in octets. */
  constructor(channel: Channel, session: Session, size: number) {
    this.#channel = channelEndpoint(channel);
    this.#core = sessionEndpoint(session).core;
    this.#size = size;
    // It ends with the channel.
    this.#send().catch(() => undefined);
  }

  /** Octets that the peer has, or that are on their way to it. */
  get octets(): number {
    const { number, sentMessages } = this.#channel;
    return sentMessages * this.#size - this.#core.queuedBytes(number);
  }

  get messages(): number {
    return this.octets / this.#size;
  }

  async #send(): Promise<void> {
    const message = new Uint8Array(this.#size);
    for (;;) await this.#channel.send(message);
  }
}
