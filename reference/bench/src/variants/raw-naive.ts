import { createServer, type TLSSocket } from 'node:tls';
import { type Link, type Variant, HIGH_WATER_BYTES, ROOM, unexpected } from '../link.ts';
import { HEADER_BYTES, payloadLength, writeFrame } from './frame.ts';
import { connectTls, listenOnLoopback, serverOptions } from './tls.ts';

const GREETING = new Uint8Array(0);

/** One buffer and one write per message, and everything received joined into one buffer: what one writes first. */
class NaiveLink implements Link {
  onMessage: (data: Uint8Array) => void = unexpected;
  readonly #socket: TLSSocket;
  #received: Buffer = Buffer.alloc(0);

  constructor(socket: TLSSocket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
  }

  send(payload: Uint8Array): void {
    const frame = Buffer.alloc(HEADER_BYTES + payload.length);
    writeFrame(frame, 0, payload);
    this.#socket.write(frame);
  }

  sendBurst(payloads: readonly Uint8Array[]): Promise<void> {
    for (const payload of payloads) this.send(payload);
    if (this.#socket.writableLength < HIGH_WATER_BYTES) return ROOM;
    return new Promise((resolve) => this.#socket.once('drain', resolve));
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.once('close', resolve);
      this.#socket.end();
    });
  }

  #receive(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    while (this.#received.length >= HEADER_BYTES) {
      const end = HEADER_BYTES + payloadLength(this.#received, 0);
      if (this.#received.length < end) return;
      const payload = this.#received.subarray(HEADER_BYTES, end);
      this.#received = this.#received.subarray(end);
      this.onMessage(payload);
    }
  }
}

/** The same octets as `raw`, without care for their cost. */
export const rawNaive: Variant = {
  listen: (keys, accept) => {
    const server = createServer(serverOptions(keys), (socket) => {
      const link = new NaiveLink(socket);
      accept(link);
      link.send(GREETING);
    });
    return listenOnLoopback(server);
  },
  connect: async (keys, port) => {
    const link = new NaiveLink(await connectTls(keys, port));
    await new Promise<void>((resolve) => {
      link.onMessage = () => resolve();
    });
    return link;
  },
};
