import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { createServer as createTlsServer } from 'node:tls';
import { concat } from '../../model/codec.ts';
import type { Credential } from '../credential.ts';
import { fail, show } from '../failure.ts';
import { WireLog } from '../wire-log.ts';
import { Signal } from './signal.ts';

/** An application end that speaks TCP, or TLS over it, scripted: one connection that the relay has made. */
export class SocketEnd {
  readonly log: WireLog;
  /** Octets that have come and were not asked for yet. */
  #held: Buffer = Buffer.alloc(0);
  readonly #tcp: Socket;
  readonly #stepMs: number;
  readonly #signal = new Signal();
  #socket: Socket;
  #ended = false;
  #lost: string | undefined;
  #received = 0;

  constructor(socket: Socket, stepMs: number, title: string) {
    this.#tcp = socket;
    this.#socket = socket;
    this.#stepMs = stepMs;
    this.log = new WireLog(title);
    socket.setNoDelay(true);
    this.#listen(socket);
  }

  /** Ports and addresses of the connection, as the relay made it. */
  get remotePort(): number | undefined {
    return this.#tcp.remotePort;
  }

  /** How many octets have come. */
  get received(): number {
    return this.#received;
  }

  /** The next octets, so many. */
  async read(count: number, requirement = 'RLY-016'): Promise<Uint8Array> {
    await this.#until(
      `${count} octets at the application end`,
      () => (this.#held.length >= count ? true : undefined),
      requirement,
    );
    const octets = new Uint8Array(this.#held.subarray(0, count));
    this.#held = this.#held.subarray(count);
    return octets;
  }

  /** Demands these octets next. */
  async expectOctets(octets: Uint8Array, requirement = 'RLY-016'): Promise<void> {
    const came = await this.read(octets.length, requirement);
    const at = came.findIndex((octet, index) => octet !== octets[index]);
    if (at === -1) return;
    const expected = `${show(octets.subarray(at))} from octet ${at} on`;
    fail(expected, show(came.subarray(at)), requirement);
  }

  /** Demands the end of the relay's direction, in order, and nothing before. */
  async expectEnd(requirement = 'RLY-019'): Promise<void> {
    const what = 'the end of the direction at the application end';
    await this.#until(what, () => (this.#held.length > 0 || this.#ended ? true : undefined), requirement);
    this.#expectNoMore(what, requirement);
  }

  /** Demands that the connection is cut: it ends both ways without waiting for the application end, whatever was under way. */
  async expectCut(requirement = 'RLY-023'): Promise<void> {
    this.resume();
    // A peer that is only half-closed still takes octets: where the connection is gone they are refused.
    await this.#until(
      'the end of the connection at the application end',
      () => {
        if (this.#lost !== undefined) return true;
        if (!this.#ended) return undefined;
        if (!this.#socket.destroyed && this.#socket.writable) this.#socket.write(Buffer.of(0));
        return undefined;
      },
      requirement,
      PROBE_MS,
    );
  }

  /** Demands that nothing has come and the connection goes on; to be asked where a barrier has passed. */
  expectNothing(requirement: string): void {
    const what = 'nothing at the application end';
    if (this.#held.length > 0) fail(what, show(this.#held), requirement);
    if (this.#ended) fail(what, 'the end of the direction', requirement);
    if (this.#lost !== undefined) fail(what, this.#lost, requirement);
  }

  /** Sends octets, in one write. */
  write(octets: Uint8Array): void {
    this.log.add('sent', `${octets.length} octets`);
    this.#socket.write(octets);
  }

  /** How many octets that were sent wait for the relay to read. */
  get unsent(): number {
    return this.#socket.writableLength;
  }

  /** Sends octets one by one, each in a write of its own. */
  async writeInPieces(octets: Uint8Array, size = 1): Promise<void> {
    for (let at = 0; at < octets.length; at += size) {
      await new Promise<void>((resolve) => this.#socket.write(octets.subarray(at, at + size), () => resolve()));
    }
  }

  /** Ends the own direction. */
  end(octets?: Uint8Array): void {
    this.log.add('sent', 'end of the direction');
    if (octets === undefined) this.#socket.end();
    else this.#socket.end(octets);
  }

  /** Cuts the connection with a reset. */
  reset(): void {
    this.log.add('sent', 'reset');
    this.#tcp.resetAndDestroy();
  }

  /** Reads nothing from now on. */
  pause(): void {
    this.#socket.pause();
  }

  /** Reads again. */
  resume(): void {
    this.#socket.resume();
  }

  /** Cuts the connection without a word. */
  destroy(): void {
    this.#socket.destroy();
    this.#tcp.destroy();
  }

  /** Goes on with TLS: octets that have come already belong to it. Failure of the handshake is told, not thrown. */
  async secure(credential: Credential): Promise<'secure' | 'refused'> {
    const tcp = this.#tcp;
    tcp.removeAllListeners('data');
    tcp.removeAllListeners('end');
    tcp.pause();
    if (this.#held.length > 0) tcp.unshift(this.#held);
    this.#held = Buffer.alloc(0);
    const server = createTlsServer({ cert: credential.certificatePem, key: credential.keyPem, minVersion: 'TLSv1.2' });
    const result = await new Promise<TLSSocket | string>((resolve) => {
      const late = setTimeout(() => resolve(`no TLS handshake within ${this.#stepMs} ms`), this.#stepMs);
      const settle = (answer: TLSSocket | string): void => {
        clearTimeout(late);
        resolve(answer);
      };
      server.once('secureConnection', settle);
      server.once('tlsClientError', (error: Error) => settle(error.message));
      tcp.once('close', () => settle('the connection was closed'));
      server.emit('connection', tcp);
    });
    if (typeof result === 'string') {
      this.log.add('note', `TLS refused: ${result}`);
      return 'refused';
    }
    result.allowHalfOpen = true;
    this.#socket = result;
    this.#listen(result);
    this.log.add('note', `TLS ${result.getProtocol() ?? ''}, server name ${String(serverNameOf(result))}`);
    return 'secure';
  }

  /** The name that the relay asked for in its ClientHello; undefined where it named none, or without TLS. */
  get serverName(): string | undefined {
    return 'encrypted' in this.#socket ? serverNameOf(this.#socket as TLSSocket) : undefined;
  }

  #listen(socket: Socket): void {
    socket.on('data', (chunk: Buffer) => {
      this.log.add('received', `${chunk.length} octets`);
      this.#received += chunk.length;
      this.#held = Buffer.from(concat(this.#held, chunk));
      this.#signal.notify();
    });
    socket.on('end', () => {
      this.#ended = true;
      this.log.add('note', 'end of the direction');
      this.#signal.notify();
    });
    socket.on('error', (error: NodeJS.ErrnoException) =>
      this.#lose(`connection reset (${error.code ?? error.message})`),
    );
    socket.on('close', () => this.#lose('the connection was closed'));
  }

  #lose(text: string): void {
    this.#lost ??= text;
    this.log.add('note', text);
    this.#signal.notify();
  }

  #expectNoMore(what: string, requirement: string): void {
    if (this.#held.length > 0) fail(what, show(this.#held), requirement);
  }

  /** Waits until `look` holds; `everyMs` makes it look now and then even where nothing comes. */
  async #until(what: string, look: () => true | undefined, requirement: string, everyMs = Infinity): Promise<void> {
    const deadline = performance.now() + this.#stepMs;
    for (;;) {
      const leftMs = deadline - performance.now();
      if ((await this.#signal.find(look, Math.min(leftMs, everyMs))) !== undefined) return;
      if (leftMs > everyMs && this.#lost === undefined) continue;
      const got = `${this.#held.length} octets${this.#ended ? ' and the end of the direction' : ''}`;
      fail(what, this.#lost ?? `${got} within ${this.#stepMs} ms`, requirement);
    }
  }
}

/** How often a connection is tried while its end is awaited. */
const PROBE_MS = 10;

function serverNameOf(socket: TLSSocket): string | undefined {
  const name = (socket as TLSSocket & { readonly servername?: string | false }).servername;
  return typeof name === 'string' ? name : undefined;
}
