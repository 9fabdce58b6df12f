import type { Socket } from 'node:net';
import { TransportError } from '../../core/index.ts';
import { encodeMessage } from './framing.ts';
import type { Framing } from './route.ts';

/** A message that has not been given to the socket. */
interface Waiting {
  readonly pieces: readonly Uint8Array[];
  readonly settle: (error?: Error | null) => void;
}

/**
 * Writes messages to a socket by a framing. What the socket does not take at once waits here, where it can still be held
 * back; the channel's credit bounds it.
 */
export class SocketWriter {
  readonly #socket: Socket;
  readonly #framing: Framing;
  readonly #waiting: Waiting[] = [];
  #held = false;
  #ending = false;
  #corked = false;

  constructor(socket: Socket, framing: Framing) {
    this.#socket = socket;
    this.#framing = framing;
    socket.on('drain', () => this.#flush());
    socket.once('close', () => {
      const error = new TransportError(
        'HAWSER_ERR_TRANSPORT_APPLICATION_LOST',
        'established',
        'The connection is gone.',
      );
      for (const { settle } of this.#waiting.splice(0)) settle(error);
    });
  }

  /** Whether everything, and the end of the direction, is written. */
  get finished(): boolean {
    return this.#socket.writableFinished;
  }

  /**
   * Writes a message.
   *
   * @returns when the transport has taken it; rejects when it never will.
   * @throws FramingError (as a rejection) for a message that the framing can not carry.
   */
  async write(message: Uint8Array): Promise<void> {
    const pieces = this.#encode(message);
    if (pieces.length === 0) return;
    await new Promise<void>((resolve, reject) => {
      this.#waiting.push({ pieces, settle: (error) => (error ? reject(error) : resolve()) });
      this.#flush();
    });
  }

  /** Ends the direction behind everything that waits. [RLY-019] */
  end(): void {
    this.#ending = true;
    this.#flush();
  }

  /** Writes nothing until `release`. */
  hold(): void {
    this.#held = true;
  }

  /** Goes on. */
  release(): void {
    this.#held = false;
    this.#flush();
  }

  #encode(message: Uint8Array): readonly Uint8Array[] {
    try {
      return encodeMessage(this.#framing, message);
    } catch (error) {
      // Until the connection is cut nothing may leave that makes a gap, or an end in order. [RLY-016] [RLY-019]
      this.hold();
      throw error;
    }
  }

  #flush(): void {
    const socket = this.#socket;
    while (!this.#held && !socket.writableNeedDrain) {
      const next = this.#waiting.shift();
      if (next === undefined) break;
      this.#cork();
      next.pieces.forEach((piece, index) => {
        if (index < next.pieces.length - 1) socket.write(piece);
        else socket.write(piece, next.settle);
      });
    }
    if (this.#ending && !this.#held && this.#waiting.length === 0) socket.end();
  }

  /** Messages that come together leave together. */
  #cork(): void {
    if (this.#corked) return;
    this.#corked = true;
    this.#socket.cork();
    process.nextTick(() => {
      this.#corked = false;
      this.#socket.uncork();
    });
  }
}
