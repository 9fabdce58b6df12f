import { createServer, type TLSSocket } from 'node:tls';
import { type Link, type Variant, HIGH_WATER_BYTES, ROOM, unexpected } from '../link.ts';
import { FrameReader, HEADER_BYTES, writeFrame } from './frame.ts';
import { connectTls, listenOnLoopback, serverOptions } from './tls.ts';

const SLAB_BYTES = 64 * 1024;
const GREETING = new Uint8Array(0);

/** Appends frames to a slab and writes it once per turn; a burst is built once and written again and again. */
class RawLink implements Link {
  onMessage: (data: Uint8Array) => void = unexpected;
  readonly #socket: TLSSocket;
  readonly #reader = new FrameReader();
  readonly #bursts = new Map<readonly Uint8Array[], Uint8Array>();
  #slab: Uint8Array = Buffer.allocUnsafeSlow(SLAB_BYTES);
  #start = 0;
  #end = 0;
  #flushing = false;

  constructor(socket: TLSSocket) {
    this.#socket = socket;
    socket.on('data', (chunk: Uint8Array) => {
      this.#reader.push(chunk, this.onMessage);
      this.#flush();
    });
  }

  send(payload: Uint8Array): void {
    if (this.#end + HEADER_BYTES + payload.length > SLAB_BYTES) {
      this.#flush();
      this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.#start = this.#end = 0;
    }
    this.#end = writeFrame(this.#slab, this.#end, payload);
    if (this.#flushing) return;
    this.#flushing = true;
    process.nextTick(this.#flush);
  }

  sendBurst(payloads: readonly Uint8Array[]): Promise<void> {
    let burst = this.#bursts.get(payloads);
    if (burst === undefined) {
      burst = new Uint8Array(payloads.reduce((sum, payload) => sum + HEADER_BYTES + payload.length, 0));
      payloads.reduce((offset, payload) => writeFrame(burst as Uint8Array, offset, payload), 0);
      this.#bursts.set(payloads, burst);
    }
    this.#socket.write(burst);
    if (this.#socket.writableLength < HIGH_WATER_BYTES) return ROOM;
    return new Promise((resolve) => this.#socket.once('drain', resolve));
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.once('close', resolve);
      this.#socket.end();
    });
  }

  readonly #flush = (): void => {
    this.#flushing = false;
    if (this.#end === this.#start) return;
    this.#socket.write(this.#slab.subarray(this.#start, this.#end));
    this.#start = this.#end;
  };
}

/** The limit: TLS and a 16-octet header, without sequence, credit or liveness. */
export const raw: Variant = {
  listen: (keys, accept) => {
    const server = createServer(serverOptions(keys), (socket) => {
      const link = new RawLink(socket);
      accept(link);
      // The first octet from the server tells that it has taken the client's certificate.
      link.send(GREETING);
    });
    return listenOnLoopback(server);
  },
  connect: async (keys, port) => {
    const link = new RawLink(await connectTls(keys, port));
    await new Promise<void>((resolve) => {
      link.onMessage = () => resolve();
    });
    return link;
  },
};
