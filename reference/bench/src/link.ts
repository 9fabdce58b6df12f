import type { KeyFiles } from './key-files.ts';

/** One connection that carries messages, whatever the protocol below it. */
export interface Link {
  /** Called with each message, in order. The octets are valid during the call. */
  onMessage: (data: Uint8Array) => void;
  /** Sends one message; the caller leaves its octets unchanged. */
  send(payload: Uint8Array): void;
  /** Sends messages; resolves when there is room for more. */
  sendBurst(payloads: readonly Uint8Array[]): Promise<void>;
  /** Ends the connection in order; resolves when it is gone. */
  close(): Promise<void>;
}

/** One way to carry messages over mutual TLS 1.3. */
export interface Variant {
  /**
   * Listens on a free port of the loopback interface.
   *
   * @param accept - called with each connection that is ready for messages, before the first of them.
   * @returns the port.
   */
  listen(keys: KeyFiles, accept: (link: Link) => void): Promise<number>;
  /** Connects; resolves when both ends have authenticated each other and messages may be sent. */
  connect(keys: KeyFiles, port: number): Promise<Link>;
}

/** Octets waiting in a connection above which a sender pauses. */
export const HIGH_WATER_BYTES = 64 * 1024;

/** What `sendBurst` returns while there is room: most of the time, so that no promise is made for it. */
export const ROOM: Promise<void> = Promise.resolve();

/** The handler until its owner sets one. */
export function unexpected(): void {
  throw new Error('a message came before it was asked for');
}
