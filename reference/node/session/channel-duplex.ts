import { Duplex } from 'node:stream';
import type { Channel } from './channel.ts';

/** A channel that is open, and what its other end takes. */
export interface OctetChannel {
  readonly channel: Channel;
  /** The largest message that the peer takes: `peerParameters.maxMessageBytes` of the session. */
  readonly maxMessageBytes: number;
}

export type Callback = (error?: Error | null) => void;

/**
 * A channel as a stream of octets, by framing `stream` (section 13.3): how octets are divided into messages means nothing,
 * END ends one direction, and RESET, a refusal or the end of the session destroys the stream with the reason.
 *
 * What is read slowly is granted slowly: a message is consumed when its octets have been asked for. Like a socket, the
 * stream can be used before it is connected.
 */
export class ChannelDuplex extends Duplex {
  readonly #open: () => Promise<OctetChannel>;
  #channel: Channel | undefined;
  #maxMessageBytes = 0;
  /** Messages whose octets nobody has asked for yet. */
  #untaken: (() => void)[] = [];

  /** @param open - called once; what it rejects with destroys the stream. */
  constructor(open: () => Promise<OctetChannel>) {
    super({ allowHalfOpen: true });
    this.#open = open;
  }

  override _construct(callback: Callback): void {
    this.#open().then(
      (opened) => {
        this.#begin(opened);
        callback();
      },
      (error: unknown) => callback(error as Error),
    );
  }

  override _read(): void {
    for (const taken of this.#untaken.splice(0)) taken();
  }

  override _write(chunk: Buffer, _encoding: string, callback: Callback): void {
    this.#send(chunk).then(
      () => callback(),
      (error: unknown) => callback(error as Error),
    );
  }

  override _final(callback: Callback): void {
    this.#channel?.end();
    callback();
  }

  override _destroy(error: Error | null, callback: Callback): void {
    // What both ends have ended may still have messages on the way.
    if (!this.readableEnded || !this.writableFinished) this.#channel?.reset();
    this._read();
    callback(error);
  }

  #begin({ channel, maxMessageBytes }: OctetChannel): void {
    this.#channel = channel;
    this.#maxMessageBytes = maxMessageBytes;
    channel.onMessage = (message) => this.#take(message);
    channel.onEnd = () => void this.push(null);
    void channel.closed.then((end) => {
      if (end.type !== 'closed') this.destroy(end.error);
    });
  }

  #take(message: Uint8Array): Promise<void> | undefined {
    // An empty message is nothing, and an empty chunk would be taken for one.
    if (message.length === 0 || this.destroyed || this.push(message)) return undefined;
    return new Promise((resolve) => this.#untaken.push(resolve));
  }

  async #send(octets: Buffer): Promise<void> {
    const most = this.#maxMessageBytes;
    for (let at = 0; at < octets.length; at += most) await this.#channel?.send(octets.subarray(at, at + most));
  }
}
