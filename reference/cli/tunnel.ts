import { ChannelDuplex, type OctetChannel, type Session } from '../node/index.ts';
import { type Address, parseAddress } from './address.ts';
import { UsageError } from './failure.ts';

/** Which channel of which relay leads to the server. */
export interface TunnelTarget {
  readonly relay: Address;
  readonly application: string;
}

/**
 * Reads `host:port/application`.
 *
 * @throws UsageError
 */
export function parseTunnel(text: string): TunnelTarget {
  const [, address, application] = /^([^/]+)\/(.+)$/.exec(text) ?? [];
  if (address === undefined || application === undefined) {
    throw new UsageError('--tunnel', `--tunnel has to be HOST:PORT/APPLICATION of the relay, not "${text}".`);
  }
  return { relay: parseAddress(address, '--tunnel', 1), application };
}

/** Connections to a server inside of channels of a relay (section 13.8). All of them share one session with the relay. */
export class Tunnel {
  readonly #application: string;
  readonly #connect: () => Promise<Session>;
  #outer: Promise<Session> | undefined;

  /** @param connect - establishes a session with the relay. */
  constructor(application: string, connect: () => Promise<Session>) {
    this.#application = application;
    this.#connect = connect;
  }

  /** What one connection to the server is made over. */
  readonly transport = (): ChannelDuplex => new ChannelDuplex(() => this.#open());

  /** Ends the session with the relay. */
  async close(): Promise<void> {
    await (await this.#outer)?.close();
  }

  async #open(): Promise<OctetChannel> {
    this.#outer ??= this.#establish();
    const outer = await this.#outer;
    const channel = await outer.open(this.#application);
    return { channel, maxMessageBytes: outer.peerParameters.maxMessageBytes };
  }

  /** A session that is over, or was never there, makes room for another. */
  async #establish(): Promise<Session> {
    const forget = (): void => void (this.#outer = undefined);
    try {
      const outer = await this.#connect();
      void outer.closed.then(forget);
      return outer;
    } catch (error) {
      forget();
      throw error;
    }
  }
}
