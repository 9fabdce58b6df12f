import { once } from 'node:events';
import { createServer } from 'node:https';
import { WebSocket, WebSocketServer } from 'ws';
import { type Link, type Variant, HIGH_WATER_BYTES, ROOM, unexpected } from '../link.ts';
import { clientOptions, listenOnLoopback, serverOptions } from './tls.ts';

const BINARY = { binary: true };

class WsLink implements Link {
  onMessage: (data: Uint8Array) => void = unexpected;
  readonly #socket: WebSocket;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data) => this.onMessage(data as Buffer));
  }

  send(payload: Uint8Array): void {
    this.#socket.send(payload, BINARY);
  }

  sendBurst(payloads: readonly Uint8Array[]): Promise<void> {
    const socket = this.#socket;
    const last = payloads.length - 1;
    for (let index = 0; index < last; index += 1) socket.send(payloads[index] as Uint8Array, BINARY);
    const payload = payloads[last] as Uint8Array;
    if (socket.bufferedAmount < HIGH_WATER_BYTES) {
      socket.send(payload, BINARY);
      return ROOM;
    }
    // There is no event for room: the callback of the last message stands in for it.
    return new Promise((resolve) => socket.send(payload, BINARY, () => resolve()));
  }

  async close(): Promise<void> {
    this.#socket.close();
    await once(this.#socket, 'close');
  }
}

/** WebSocket as most of Node uses it. */
export const ws: Variant = {
  listen: (keys, accept) => {
    const server = createServer(serverOptions(keys));
    new WebSocketServer({ server, perMessageDeflate: false }).on('connection', (socket) => accept(new WsLink(socket)));
    return listenOnLoopback(server);
  },
  connect: async (keys, port) => {
    const options = { host: '127.0.0.1', ...clientOptions(keys), perMessageDeflate: false };
    const socket = new WebSocket(`wss://localhost:${port}`, options);
    const link = new WsLink(socket);
    await once(socket, 'open');
    return link;
  },
};
