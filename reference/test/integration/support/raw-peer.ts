import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { type ConnectionOptions, type TLSSocket, connect as connectTls } from 'node:tls';
import { onTestFinished } from 'vitest';
import {
  type ClientOptions,
  type Connection,
  ERROR_NAME,
  FRAME_NAME,
  type FrameName,
  FRAMES,
  PROTOCOL,
  createClientConnection,
} from '../../../core/index.ts';
import { FrameDecoder } from '../../../core/decoder.ts';
import { encodeFrame } from '../../../core/frames/header.ts';
import { encodeOpen } from '../../../core/frames/open.ts';
import type { Credential } from '../../../pki/index.ts';
import { createSigner, createVerifier } from '../../../node/index.ts';
import { sha256 } from '../../../node/connection/sha256.ts';
import { type Kit, SERVER_IDENTITY } from './kit.ts';

/** A frame that came. */
export interface ReceivedFrame {
  readonly name: FrameName | undefined;
  readonly type: number;
  readonly channel: number;
  readonly payload: Uint8Array;
}

/**
 * TLS options of a client of the kit, without any check of the server.
 *
 * @param credential - null presents no certificate.
 */
export function rawTlsOptions(kit: Kit, port: number, credential: Credential | null = kit.client): ConnectionOptions {
  return {
    host: '127.0.0.1',
    port,
    rejectUnauthorized: false,
    ALPNProtocols: [PROTOCOL.alpn],
    ...(credential === null ? {} : { cert: credential.chainPem, key: credential.keyPem }),
  };
}

/** Everything that one end of a socket reads: frames and the end, in order. */
export class FrameReader {
  readonly frames: ReceivedFrame[] = [];
  /** Octets of every kind. */
  octets = 0;
  /** Resolves when the peer has closed its direction or the socket is gone. */
  readonly ended: Promise<void>;
  readonly #decoder = new FrameDecoder();
  #waiting: {
    readonly matches: (frame: ReceivedFrame) => boolean;
    readonly resolve: (frame: ReceivedFrame) => void;
  }[] = [];
  #over = false;

  constructor(socket: TLSSocket) {
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    this.ended = new Promise((resolve) => {
      const end = (): void => {
        this.#over = true;
        resolve();
      };
      socket.once('end', end);
      socket.once('close', end);
    });
  }

  /** The first frame of this name that has come or comes; rejects when the peer ends without one. */
  async frame(name: FrameName): Promise<ReceivedFrame> {
    const found = this.frames.find((frame) => frame.name === name);
    if (found !== undefined) return found;
    const come = new Promise<ReceivedFrame>((resolve) =>
      this.#waiting.push({ matches: (frame) => frame.name === name, resolve }),
    );
    const frame = await Promise.race([come, this.ended]);
    if (frame !== undefined) return frame;
    const last = this.frames.find((one) => one.name === name);
    if (last !== undefined) return last;
    throw new Error(`no ${name}, but ${this.frames.map((one) => one.name ?? one.type).join(', ') || 'nothing'}`);
  }

  /** The name of the code in the REJECT, CLOSE, REFUSED or RESET that comes. */
  async code(name: 'REJECT' | 'CLOSE' | 'REFUSED' | 'RESET'): Promise<string | undefined> {
    const { payload } = await this.frame(name);
    return ERROR_NAME[new DataView(payload.buffer, payload.byteOffset, payload.byteLength).getUint16(0)];
  }

  get over(): boolean {
    return this.#over;
  }

  #take(chunk: Buffer): void {
    this.octets += chunk.length;
    this.#decoder.push(chunk);
    while (this.#decoder.next() === 'frame') {
      const { type, channel } = this.#decoder;
      const frame = { name: FRAME_NAME[type], type, channel, payload: this.#decoder.payload().slice() };
      this.frames.push(frame);
      const ready = this.#waiting.filter(({ matches }) => matches(frame));
      this.#waiting = this.#waiting.filter((waiting) => !ready.includes(waiting));
      for (const { resolve } of ready) resolve(frame);
    }
  }
}

/** A TLS client that speaks whatever the test writes. */
export interface RawClient {
  readonly socket: TLSSocket;
  readonly reader: FrameReader;
}

/** Connects TLS; what follows is the test's. */
export async function connectRaw(options: ConnectionOptions): Promise<RawClient> {
  const socket = connectTls(options);
  socket.on('error', () => undefined);
  onTestFinished(() => {
    socket.destroy();
  });
  const reader = new FrameReader(socket);
  await once(socket, 'secureConnect');
  return { socket, reader };
}

/** A resumable session that an engine holds, and which is asked for once more. */
export interface RawAttempt {
  readonly engine: Connection;
  readonly attempt: number;
  /** Leaves in one write with CONNECT. */
  readonly behind?: Uint8Array;
}

/**
 * Asks for a session that is kept for a second, or attaches one.
 *
 * @param of - the session, of which nothing is read any more; undefined asks for a new one.
 */
export async function attemptRaw(
  kit: Kit,
  port: number,
  of?: RawAttempt,
): Promise<RawClient & { readonly engine: Connection }> {
  const { socket, reader } = await connectRaw(rawTlsOptions(kit, port));
  const mode = of === undefined ? 'new' : 'resume';
  const engine = createEngine(kit, socket, { mode, continuity: { retentionMs: 1000, custody: 'received' } });
  socket.on('data', (chunk: Buffer) => {
    const now = performance.now();
    for (const { type } of engine.receive(chunk, now)) {
      const session = of?.engine.session;
      if (type === 'challenge-received' && session !== undefined)
        engine.resume(session, { attempt: of?.attempt ?? 1 }, now);
    }
    const output = Buffer.concat([...engine.takeOutput(), ...(of?.behind === undefined ? [] : [of.behind])]);
    if (output.length > 0) socket.write(output);
  });
  await (of === undefined ? reader.frame('ACCEPT') : Promise.resolve());
  return { socket, reader, engine };
}

/** A {@link RawClient} with an established session: the engine did it, from now on the test writes. */
export interface EstablishedRawClient extends RawClient {
  readonly engine: Connection;
  /** Sequence number of the next sequenced frame. */
  seq: number;
  /** Writes a frame; sequenced ones get their number. */
  write(name: FrameName, payload: Uint8Array, flags?: number, channel?: number): boolean;
  /** Opens channel 1. */
  open(application: string): Promise<void>;
}

/** A client's engine for a raw TLS connection, right after its handshake. */
export function createEngine(
  kit: Kit,
  socket: TLSSocket,
  options: Pick<ClientOptions, 'mode' | 'continuity'> = {},
): Connection {
  const server = socket.getPeerX509Certificate();
  if (server === undefined) throw new Error('no certificate');
  return createClientConnection({
    now: performance.now(),
    random: randomBytes,
    grease: false,
    ...options,
    audience: SERVER_IDENTITY,
    peerIdentity: SERVER_IDENTITY,
    signer: createSigner(kit.client.privateKey),
    verifier: createVerifier(server.publicKey),
    binding: {
      exporter: (context) =>
        socket.exportKeyingMaterial(PROTOCOL.exporterBytes, PROTOCOL.exporterLabel, Buffer.from(context)),
      clientLeafHash: sha256(kit.client.chainDer[0]!),
      serverLeafHash: sha256(server.raw),
    },
  });
}

/**
 * Establishes a session and hands the socket over.
 *
 * @param tcp - a connected socket to speak TLS over, instead of a new one.
 */
export async function establishRaw(kit: Kit, port: number, tcp?: Socket): Promise<EstablishedRawClient> {
  const { socket, reader } = await connectRaw({
    ...rawTlsOptions(kit, port),
    ...(tcp === undefined ? {} : { socket: tcp }),
  });
  const engine = createEngine(kit, socket);
  const feed = (chunk: Buffer): void => {
    engine.receive(chunk, performance.now());
    for (const output of engine.takeOutput()) socket.write(output);
  };
  socket.on('data', feed);
  await reader.frame('ACCEPT');
  socket.off('data', feed);
  if (engine.state !== 'established') throw new Error(`state ${engine.state}`);
  const client: EstablishedRawClient = {
    socket,
    reader,
    engine,
    seq: 1,
    write: (name, payload, flags = 0, channel = 0) => {
      const seq = FRAMES[name].sequenced ? client.seq++ : 0;
      return socket.write(encodeFrame(name, payload, flags, channel, seq));
    },
    open: async (application) => {
      client.write('OPEN', encodeOpen({ nonce: randomBytes(32), application, parameters: {} }), 0, 1);
      await reader.frame('OPENED');
    },
  };
  return client;
}
