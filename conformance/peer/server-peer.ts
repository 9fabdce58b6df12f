import type { X509Certificate } from 'node:crypto';
import type { Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import type { SecureVersion, TLSSocket, TlsOptions } from 'node:tls';
import { createServer as createTlsServer } from 'node:tls';
import type { ParameterInput } from '../model/codec.ts';
import { decodeFrame, equal } from '../model/codec.ts';
import type { SessionState, StoredSession } from '../model/machine.ts';
import { registry } from '../model/registry.ts';
import type { TranscriptInput } from '../model/transcript.ts';
import { leafHash } from '../model/transcript.ts';
import type { ClientHello } from './client-hello.ts';
import { parseClientHello } from './client-hello.ts';
import type { Credential } from './credential.ts';
import type { SigningOptions } from './establishment.ts';
import { buildSigned, exporterValue, requireSignature } from './establishment.ts';
import { fail } from './failure.ts';
import type { Place } from './listen-on.ts';
import { ANY_PORT, listenOn } from './listen-on.ts';
import { HeldSession } from './held-session.ts';
import { writeKeyLog } from './key-log.ts';
import type { PeerOptions } from './peer.ts';
import { Peer } from './peer.ts';
import type { ProveOptions, SignedOpenedOptions } from './proof.ts';
import { buildProve, buildSignedOpened, requireProof } from './proof.ts';
import { ReceivedFrame } from './received-frame.ts';
import { WireLog } from './wire-log.ts';

/** How the harness, as a server, waits for the client under test. */
export interface ServerListenOptions {
  readonly credential: Credential;
  readonly caPem: string;
  /** ALPN protocols to select from; null never selects one. */
  readonly alpn?: readonly string[] | null;
  readonly minVersion?: SecureVersion;
  readonly maxVersion?: SecureVersion;
  readonly requestCert?: boolean;
  /** Anything else of node:tls. */
  readonly tls?: TlsOptions;
}

/** What a client under test did when it came. */
export type ServerAttempt = { readonly hello: ClientHello | undefined; readonly log: WireLog } & (
  { readonly type: 'connected'; readonly peer: ServerPeer } | { readonly type: 'refused'; readonly how: string }
);

/** The resumable sessions that the harness's servers have granted in one case, by their ids. */
export class ServerMemory {
  readonly #peers: ServerPeer[] = [];

  /** Takes note of the connection that carries a session now. */
  add(peer: ServerPeer): void {
    this.#peers.unshift(peer);
  }

  /** Whether no session was granted. */
  get empty(): boolean {
    return this.#peers.length === 0;
  }

  /** The connection that carried the session last. */
  find(id: Uint8Array): ServerPeer | undefined {
    return this.#peers.find(({ session }) => session !== undefined && equal(session.id, id));
  }

  /** Ends the sessions that are still attached, as well as may be. Nothing is judged. */
  async farewell(): Promise<void> {
    await Promise.all(this.#peers.map((peer) => peer.farewell()));
  }

  /** The same as `find` for the monitor of the next connection. */
  recall(id: Uint8Array): StoredSession | undefined {
    const state = this.find(id)?.stored;
    return state === undefined ? undefined : { state };
  }
}

/** A listener of the harness on a port of its own. */
export class ServerListener {
  readonly port: number;
  /** How many TCP connections have come. */
  connections = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #arrived: ServerAttempt[] = [];
  readonly #stepMs: number;
  readonly #memory: ServerMemory | undefined;
  #options: ServerListenOptions;
  #tls: Server;
  #retired = false;
  #wake: (() => void) | undefined;

  private constructor(
    server: Server,
    port: number,
    options: ServerListenOptions,
    stepMs: number,
    memory: ServerMemory | undefined,
  ) {
    this.#server = server;
    this.#options = options;
    this.#tls = tlsServerFor(options);
    this.#memory = memory;
    this.port = port;
    this.#stepMs = stepMs;
  }

  /** Listens, by default on a free port of the loopback. `peerOptions` is asked for each connection, with its log. */
  static async listen(
    options: ServerListenOptions,
    peerOptions: (log: WireLog) => PeerOptions,
    stepMs: number,
    memory?: ServerMemory,
    place: Place = ANY_PORT,
  ): Promise<ServerListener> {
    const tcp = createServer();
    await listenOn(tcp, place);
    const address = tcp.address();
    if (address === null || typeof address === 'string') throw new TypeError('a listener without a port');
    const listener = new ServerListener(tcp, address.port, options, stepMs, memory);
    tcp.on('connection', (socket) => listener.#onConnection(socket, peerOptions));
    return listener;
  }

  /** What is different for the connections that come from now on, such as the certificate. */
  change(options: Partial<ServerListenOptions>): void {
    this.#options = { ...this.#options, ...options };
    this.#tls = tlsServerFor(this.#options);
  }

  /** The next client: its TLS connection, or how its TLS ended. */
  async nextAttempt(withinMs: number = this.#stepMs): Promise<ServerAttempt> {
    const deadline = performance.now() + withinMs;
    for (;;) {
      const attempt = this.#arrived.shift();
      if (attempt !== undefined) return attempt;
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) fail('a connection from the client', `none within ${withinMs} ms`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** The next client, whose TLS has to come about. */
  async accept(withinMs?: number): Promise<ServerPeer> {
    const attempt = await this.nextAttempt(withinMs);
    if (attempt.type === 'refused') fail('a TLS connection', attempt.how);
    return attempt.peer;
  }

  /** Stops listening and cuts every connection. */
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  /**
   * Cuts every connection and then, for a time, refuses whatever session a client wants to resume: one that has not given up
   * would otherwise go on trying, and meet the listener of a later case on the same port. Nothing waits for it.
   */
  retire(milliseconds: number): void {
    this.#retired = true;
    for (const socket of this.#sockets) socket.destroy();
    this.#server.unref();
    setTimeout(() => void this.close(), milliseconds).unref();
  }

  #onConnection(socket: Socket, peerOptions: (log: WireLog) => PeerOptions): void {
    const tls = this.#tls;
    const { credential } = this.#options;
    if (this.#retired) socket.unref();
    this.connections += 1;
    const log = new WireLog(`connection ${this.connections} of the client`);
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    let hello: ClientHello | undefined;
    let settled = false;
    const settle = (attempt: ServerAttempt): void => {
      if (settled) return;
      settled = true;
      this.#arrived.push(attempt);
      this.#wake?.();
    };
    const refused = (how: string): void => {
      if (!settled) log.add('note', `TLS refused: ${how}`);
      settle({ type: 'refused', how, hello, log });
    };
    socket.on('error', (error: NodeJS.ErrnoException) => refused(error.code ?? error.message));
    socket.on('close', () => refused('the connection was closed'));
    socket.once('readable', () => {
      const first = socket.read() as Buffer | null;
      if (first === null) return;
      hello = parseClientHello(first);
      socket.unshift(first);
      // Taken up by node:tls together with what was read already.
      const onSecure = (secure: TLSSocket): void => {
        if (secure.remotePort !== socket.remotePort || secure.localPort !== socket.localPort) return;
        tls.off('secureConnection', onSecure);
        // Only now: a client that leaves during the handshake would otherwise keep it open.
        secure.allowHalfOpen = true;
        log.add('note', `TLS ${secure.getProtocol() ?? ''}, ALPN ${String(secure.alpnProtocol)}`);
        const peer = new ServerPeer(secure, credential, peerOptions(log), this.#memory);
        if (this.#retired) void peer.turnAway();
        settle({ type: 'connected', peer, hello, log });
      };
      const onRefused = (error: NodeJS.ErrnoException, secure: TLSSocket): void => {
        const { remotePort, localPort } = secure;
        if (remotePort !== undefined && (remotePort !== socket.remotePort || localPort !== socket.localPort)) return;
        refused(error.code ?? error.message);
      };
      tls.on('secureConnection', onSecure);
      tls.on('tlsClientError', onRefused);
      socket.on('close', () => {
        tls.off('secureConnection', onSecure);
        tls.off('tlsClientError', onRefused);
      });
      tls.emit('connection', socket);
    });
  }
}

/** The harness in the role of a server. */
export class ServerPeer extends Peer {
  /** The octets of the CHALLENGE sent last. */
  challengeFrame: Uint8Array | undefined;
  /** The CONNECT, once received. */
  connect: ReceivedFrame | undefined;
  /** The octets of the ACCEPT sent. */
  acceptFrame: Uint8Array | undefined;
  readonly #credential: Credential;
  readonly #clientLeaf: X509Certificate | undefined;
  readonly #memory: ServerMemory | undefined;

  constructor(socket: TLSSocket, credential: Credential, options: PeerOptions, memory?: ServerMemory) {
    super('server', socket, memory === undefined ? options : { ...options, recall: (id) => memory.recall(id) });
    this.#memory = memory;
    this.#credential = credential;
    this.#clientLeaf = socket.getPeerX509Certificate();
  }

  /** Sends CHALLENGE with a fresh nonce, and the parameters given. */
  sendChallenge(parameters: readonly ParameterInput[] = []): Uint8Array {
    this.challengeFrame = this.send('CHALLENGE', { fields: { server_nonce: this.random(32), parameters } });
    return this.challengeFrame;
  }

  /** Waits for CONNECT and judges its signature. */
  async expectConnect(): Promise<ReceivedFrame> {
    const connect = await this.expect('CONNECT');
    this.connect = connect;
    requireSignature(connect, 'client', this.#clientCertificate().publicKey, this.#transcript());
    return connect;
  }

  /** Builds ACCEPT, right unless the options say otherwise; CONNECT has to have been received. */
  buildAccept(options: SigningOptions = {}): Uint8Array {
    const fields = {
      session_id: this.random(16),
      epoch: 1,
      receive_cursor: 0,
      parameters: [] as readonly ParameterInput[],
    };
    return buildSigned('ACCEPT', this.#credential.key, this.#transcript(), fields, options);
  }

  /** Sends ACCEPT, right unless the options say otherwise. */
  sendAccept(options: SigningOptions = {}): Uint8Array {
    this.acceptFrame = this.buildAccept(options);
    this.sendFrame(this.acceptFrame);
    const read = decodeFrame(this.acceptFrame);
    const accept = 'fields' in read ? new ReceivedFrame({ ...read, octets: this.acceptFrame }) : undefined;
    if (accept !== undefined && Number(accept.parameter('session_retention_ms') ?? 0) > 0) {
      this.session = new HeldSession(accept.bytes('session_id'), accept.integer('epoch'));
      this.#memory?.add(this);
    }
    return this.acceptFrame;
  }

  /**
   * Sends the ACCEPT with which the session of an earlier connection goes on, right unless the options say otherwise, and again
   * what the client does not hold. CONNECT in mode resume has to have been received.
   */
  sendAcceptResume(former: ServerPeer, options: SigningOptions = {}): Uint8Array {
    const cursor = this.connect?.integer('receive_cursor');
    if (cursor === undefined) throw new TypeError('CONNECT was not received');
    const session = this.takeOver(former);
    this.#memory?.add(this);
    session.epoch += 1n;
    this.told = this.receivedSeq;
    const fields = { session_id: session.id, epoch: session.epoch, receive_cursor: this.receivedSeq };
    this.acceptFrame = this.buildAccept({ ...options, fields: { ...fields, ...options.fields } });
    this.sendFrame(this.acceptFrame);
    this.acknowledge(cursor);
    this.sendAgain(cursor);
    return this.acceptFrame;
  }

  /** CHALLENGE, CONNECT in mode resume, ACCEPT. */
  async resumeFrom(former: ServerPeer, options: SigningOptions = {}): Promise<ReceivedFrame> {
    this.sendChallenge();
    const connect = await this.expectConnect();
    if (connect.integer('mode') !== 1n) fail('CONNECT in mode resume', connect.text, 'CNT-057');
    this.sendAcceptResume(former, options);
    return connect;
  }

  /** What the monitor knows of the session, for the memory of the harness's servers. */
  get stored(): SessionState {
    return this.watched;
  }

  /** Sends REJECT. */
  sendReject(code: string | number, retryAfterMs = 0, parameters: readonly ParameterInput[] = []): void {
    const number = typeof code === 'number' ? code : (registry.errors.find((row) => row.name === code)?.code ?? 0);
    this.send('REJECT', { fields: { code: number, retry_after_ms: retryAfterMs, parameters } });
  }

  /** Tells whoever asks that no session of its is known. Nothing is judged. */
  async turnAway(): Promise<void> {
    try {
      this.sendChallenge();
      await this.expectConnect();
      this.sendReject('RESUME_REFUSED');
      await this.expectEnd();
    } catch {
      // The case is over.
    }
    this.destroy();
  }

  /** CHALLENGE, CONNECT, ACCEPT. */
  async establish(parameters: readonly ParameterInput[] = [], accept: SigningOptions = {}): Promise<ReceivedFrame> {
    this.sendChallenge(parameters);
    const connect = await this.expectConnect();
    this.sendAccept(accept);
    return connect;
  }

  /** Sends OPENED. */
  sendOpened(channel: number, data?: Uint8Array): void {
    const parameters = data === undefined ? [] : [{ id: 'application_data', value: data }];
    this.send('OPENED', { channel, fields: { parameters } });
  }

  /** Sends PROVE on a channel whose OPEN has come, right unless the options say otherwise, and returns its payload. */
  sendProve(channel: number, options: ProveOptions = {}): Uint8Array {
    const payload = buildProve(this.#credential, this.random(32), options);
    this.send('PROVE', { channel, rawPayload: payload });
    return payload;
  }

  /** Waits for PROOF and judges its chain and its signature. */
  async expectProof(channel: number): Promise<ReceivedFrame> {
    const proof = await this.expect('PROOF', { channel, requirement: 'RLY-042' });
    requireProof(proof, this.#clientCertificate().raw, this.proofs.of(channel));
    return proof;
  }

  /** Sends an OPENED that is signed, right unless the options say otherwise; PROOF has to have come. */
  sendSignedOpened(channel: number, options: SignedOpenedOptions = {}): Uint8Array {
    const parameters = buildSignedOpened(this.#credential, this.proofs.of(channel), options);
    return this.send('OPENED', { channel, fields: { parameters } });
  }

  /** Sends one message that fits into one frame. */
  sendMessage(channel: number, fragment: Uint8Array): void {
    this.send('MESSAGE', { channel, flags: ['FIRST', 'LAST'], fields: { fragment } });
  }

  #clientCertificate(): X509Certificate {
    const certificate = this.#clientLeaf;
    if (certificate === undefined) fail('a client certificate', 'none', 'TLS-010');
    return certificate;
  }

  #transcript(): TranscriptInput {
    const challenge = this.challengeFrame;
    const connect = this.connect?.octets;
    if (challenge === undefined || connect === undefined) throw new TypeError('CHALLENGE or CONNECT is missing');
    return {
      exporter: exporterValue(this.socket, challenge),
      clientLeaf: leafHash(this.#clientCertificate().raw),
      serverLeaf: this.#credential.leafHash,
      challenge,
      connect,
    };
  }
}

const tlsServers = new WeakMap<Credential, Map<string, Server>>();

/**
 * What makes TLS connections of TCP connections; it does not listen by itself. Loading a certificate costs more than a
 * handshake, so those without further options are kept.
 */
function tlsServerFor(options: ServerListenOptions): Server {
  const { credential, caPem, alpn = [registry.protocol.alpn], requestCert = true } = options;
  const { minVersion = 'TLSv1.3', maxVersion = 'TLSv1.3', tls } = options;
  const make = (): Server => {
    const server = createTlsServer({
      cert: credential.certificatePem,
      key: credential.keyPem,
      ca: caPem,
      requestCert,
      rejectUnauthorized: false,
      minVersion,
      maxVersion,
      // OpenSSL must not refuse to present a weak certificate.
      ciphers: 'DEFAULT@SECLEVEL=0',
      ...(alpn === null ? {} : { ALPNProtocols: [...alpn] }),
      ...tls,
    });
    server.setMaxListeners(0);
    server.on('keylog', writeKeyLog);
    return server;
  };
  if (tls !== undefined) return make();
  const known = tlsServers.get(credential) ?? new Map<string, Server>();
  tlsServers.set(credential, known);
  const name = JSON.stringify([alpn, requestCert, minVersion, maxVersion, caPem]);
  const server = known.get(name) ?? make();
  known.set(name, server);
  return server;
}
