import type { AddressInfo, Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import { fail } from '../failure.ts';
import type { Place } from '../listen-on.ts';
import { listenOn } from '../listen-on.ts';
import { Mutex } from './mutex.ts';
import { Signal } from './signal.ts';
import { SocketEnd } from './socket-end.ts';

/**
 * Where TCP connections of the relay come in. A connection does not say for which channel it was made: so one case at a time
 * causes one, from its OPEN until it has it.
 */
export class SocketEnds {
  readonly turn: Mutex = new Mutex();
  readonly #server: Server;
  readonly #stepMs: number;
  readonly #signal = new Signal();
  readonly #open = new Set<Socket>();
  readonly #arrived: SocketEnd[] = [];
  #count = 0;

  private constructor(stepMs: number) {
    this.#stepMs = stepMs;
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#onConnection(socket));
  }

  static async listen(place: Place, stepMs: number): Promise<SocketEnds> {
    const ends = new SocketEnds(stepMs);
    await listenOn(ends.#server, place);
    return ends;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections that have come and that nobody has taken. */
  get waiting(): number {
    return this.#arrived.length;
  }

  /** Forgets what came for a case that did not take it. */
  clear(): void {
    for (const end of this.#arrived.splice(0)) end.destroy();
  }

  /** The next connection. */
  async next(requirement = 'RLY-003', withinMs: number = this.#stepMs): Promise<SocketEnd> {
    const end = await this.#signal.find(() => this.#arrived.shift(), withinMs);
    return end ?? fail('a connection to the application end', `none within ${withinMs} ms`, requirement);
  }

  async close(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #onConnection(socket: Socket): void {
    this.#count += 1;
    this.#open.add(socket);
    socket.on('close', () => this.#open.delete(socket));
    this.#arrived.push(new SocketEnd(socket, this.#stepMs, `connection ${this.#count} to the application end`));
    this.#signal.notify();
  }
}
