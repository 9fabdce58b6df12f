import type { X509Certificate } from 'node:crypto';
import type { ConnectionOptions, SecureContext, SecureVersion, TLSSocket } from 'node:tls';
import { connect as tlsConnect, createSecureContext } from 'node:tls';
import type { FieldInput, ParameterInput } from '../model/codec.ts';
import { buildPayload, equal } from '../model/codec.ts';
import { limit, registry } from '../model/registry.ts';
import type { TranscriptInput } from '../model/transcript.ts';
import { leafHash } from '../model/transcript.ts';
import type { Credential } from './credential.ts';
import type { SigningOptions } from './establishment.ts';
import { buildSigned, exporterValue, requireSignature } from './establishment.ts';
import { ConformanceFailure, fail, SetupFailure } from './failure.ts';
import { HeldSession } from './held-session.ts';
import { writeKeyLog } from './key-log.ts';
import type { PeerOptions } from './peer.ts';
import { Peer } from './peer.ts';
import type { ProofOptions } from './proof.ts';
import { buildProof } from './proof.ts';
import type { ReceivedFrame } from './received-frame.ts';

/** How the harness, as a client, reaches for the server under test. */
export interface ClientConnectOptions {
  /** What it presents; null for no certificate at all. */
  readonly credential: Credential | null;
  /** ALPN protocols in order; null offers none. */
  readonly alpn?: readonly string[] | null;
  readonly minVersion?: SecureVersion;
  readonly maxVersion?: SecureVersion;
  /** A session of an earlier connection to resume, from {@link ClientPeer.ticket}. */
  readonly session?: Buffer;
  /** Anything else of node:tls. */
  readonly tls?: ConnectionOptions;
}

/** Where the server under test listens. */
export interface Target {
  readonly host: string;
  readonly port: number;
  /** The identity that the server under test is to have. */
  readonly identity: string;
}

/** What became of an attempt: a TLS connection, or its refusal by the other side's TLS. */
export type ClientAttempt =
  { readonly type: 'connected'; readonly peer: ClientPeer } | { readonly type: 'refused'; readonly how: string };

/** Options of CONNECT beyond those of signing. */
export interface ConnectOptions extends SigningOptions {
  /** Replaces the server's identity. */
  readonly audience?: string;
}

/** What CONNECT in mode resume says; everything absent is right. */
export interface ResumeOptions extends ConnectOptions {
  readonly sessionId?: Uint8Array;
  readonly epoch?: bigint;
  /** The next one if absent. */
  readonly attempt?: bigint;
  /** What the client holds; less, and the server has to send it again. */
  readonly receiveCursor?: bigint;
}

/** What FORWARD says; everything absent is right. */
export interface ForwardOptions {
  /** The client for which the harness, as a relay, asks. */
  readonly client?: string;
  readonly route?: readonly string[];
  readonly hopLimit?: number;
  readonly data?: Uint8Array;
  /** Parameters of the OPEN inside, besides the data. */
  readonly more?: readonly ParameterInput[];
  /** Replaces the payload of the OPEN inside. */
  readonly open?: Uint8Array;
}

/** The client for which the harness asks, unless a case names another one. */
export const FORWARDED_CLIENT = 'spiffe://hawser.test/forwarded-client';

/** The harness in the role of a client. */
export class ClientPeer extends Peer {
  /** The CHALLENGE, once received. */
  challenge: ReceivedFrame | undefined;
  /** The octets of the CONNECT sent last. */
  connectFrame: Uint8Array | undefined;
  /** The ACCEPT, once received. */
  accept: ReceivedFrame | undefined;
  /** The ACCEPT with which the session was established, on this connection or an earlier one. */
  granted: ReceivedFrame | undefined;
  /** Number of the next channel to open. */
  nextChannel = 1;
  /** The last session ticket that the server sent, for {@link ClientConnectOptions.session}. */
  ticket: Buffer | undefined;
  #firstChallenge: ReceivedFrame | undefined;
  #exporter: { readonly challenge: Uint8Array; readonly value: Uint8Array } | undefined;
  readonly #target: Target;
  readonly #credential: Credential | null;
  /** Leaf of the server. Read once: node:tls may forget it when a ticket arrives. */
  readonly #serverLeaf: X509Certificate | undefined;

  private constructor(socket: TLSSocket, target: Target, credential: Credential | null, options: PeerOptions) {
    super('client', socket, options);
    this.#target = target;
    this.#credential = credential;
    this.#serverLeaf = socket.getPeerX509Certificate();
    socket.on('session', (ticket: Buffer) => {
      this.ticket = ticket;
    });
  }

  /**
   * Makes a TLS connection.
   *
   * @throws SetupFailure when nothing listens there.
   */
  static attempt(target: Target, options: ClientConnectOptions, peerOptions: PeerOptions): Promise<ClientAttempt> {
    const { credential, alpn = [registry.protocol.alpn], session } = options;
    const { log, stepMs } = peerOptions;
    const socket = tlsConnect({
      host: target.host,
      port: target.port,
      secureContext: secureContextFor(options),
      ...(alpn === null ? {} : { ALPNProtocols: [...alpn] }),
      ...(session === undefined ? {} : { session }),
      // The harness judges what it has to.
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
      allowHalfOpen: true,
      ...options.tls,
    } as ConnectionOptions);
    log.add('note', `TLS to ${target.host}:${target.port} as ${credential?.name ?? 'nobody (no certificate)'}`);
    socket.on('keylog', writeKeyLog);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        socket.destroy();
        resolve({ type: 'refused', how: `no TLS handshake within ${stepMs} ms` });
      }, stepMs);
      const refused = (how: string): void => {
        clearTimeout(timer);
        log.add('note', `TLS refused: ${how}`);
        resolve({ type: 'refused', how });
      };
      socket.once('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'ECONNREFUSED' || error.code === 'ENOTFOUND' || error.code === 'EHOSTUNREACH') {
          clearTimeout(timer);
          reject(new SetupFailure(`nothing listens at ${target.host}:${target.port} (${error.code})`));
        } else {
          refused(error.code ?? error.message);
        }
      });
      socket.once('close', () => refused('the connection was closed'));
      socket.once('secureConnect', () => {
        clearTimeout(timer);
        socket.removeAllListeners('close');
        socket.removeAllListeners('error');
        resolve({ type: 'connected', peer: new ClientPeer(socket, target, credential, peerOptions) });
      });
    });
  }

  /** As {@link attempt}; a refusal is a failure. */
  static async connect(target: Target, options: ClientConnectOptions, peerOptions: PeerOptions): Promise<ClientPeer> {
    const attempt = await ClientPeer.attempt(target, options, peerOptions);
    if (attempt.type === 'refused') fail('a TLS connection', attempt.how);
    return attempt.peer;
  }

  /** Waits for CHALLENGE, which has to be the first frame (EST-006). */
  async expectChallenge(): Promise<ReceivedFrame> {
    this.challenge = await this.expect('CHALLENGE', { requirement: 'EST-006' });
    return this.challenge;
  }

  /** Builds CONNECT, right unless the options say otherwise; CHALLENGE has to have been received. */
  buildConnect(options: ConnectOptions = {}): Uint8Array {
    const key = options.key ?? this.#credential?.key;
    if (key === undefined) throw new TypeError('without a certificate there is no key to sign with');
    const fields = {
      mode: 'new',
      client_nonce: this.random(32),
      audience: options.audience ?? this.#target.identity,
      parameters: [] as readonly ParameterInput[],
    };
    return buildSigned('CONNECT', key, this.#transcriptParts(), fields, options);
  }

  /** Sends CONNECT, right unless the options say otherwise. */
  sendConnect(options: ConnectOptions = {}): Uint8Array {
    this.connectFrame = this.buildConnect(options);
    this.sendFrame(this.connectFrame);
    return this.connectFrame;
  }

  /**
   * Sends CONNECT in mode resume for the session of an earlier connection. CHALLENGE has to have been received. The number of
   * the attempt counts as used.
   */
  sendResume(former: ClientPeer, options: ResumeOptions = {}): Uint8Array {
    const session = this.takeOver(former);
    this.nextChannel = former.nextChannel;
    this.granted = former.granted;
    this.#firstChallenge = former.#firstChallenge;
    const { sessionId = session.id, epoch = session.epoch, receiveCursor = this.receivedSeq } = options;
    const attempt = options.attempt ?? session.attempt + 1n;
    if (attempt > session.attempt) session.attempt = attempt;
    this.receivedSeq = receiveCursor;
    this.told = receiveCursor;
    const resumption = { mode: 'resume', session_id: sessionId, epoch, attempt, receive_cursor: receiveCursor };
    return this.sendConnect({ ...options, fields: { ...resumption, ...options.fields } });
  }

  /**
   * Attaches the session of an earlier connection: CHALLENGE, CONNECT, ACCEPT. What the server does not hold is sent again at
   * once.
   */
  async resumeFrom(former: ClientPeer, options: ResumeOptions = {}): Promise<ReceivedFrame> {
    if (this.challenge === undefined) await this.expectChallenge();
    this.sendResume(former, options);
    return this.expectResumed();
  }

  /** Waits for the ACCEPT of a resumption, judges all of it, and sends again what the server does not hold. */
  async expectResumed(requirement = 'CNT-024'): Promise<ReceivedFrame> {
    const accept = await this.expect('ACCEPT', { requirement });
    this.goOn(accept);
    return accept;
  }

  /** Judges the ACCEPT of a resumption, and sends again what the server does not hold. */
  goOn(accept: ReceivedFrame): void {
    const { session } = this;
    if (session === undefined) throw new TypeError('no session is being resumed');
    this.#requireSigned(accept);
    const epoch = accept.integer('epoch');
    if (epoch <= session.epoch) fail(`an epoch above ${session.epoch}`, String(epoch), 'CNT-027');
    if (!equal(accept.bytes('session_id'), session.id)) fail('the id of the session', accept.text, 'CNT-031');
    const cursor = accept.integer('receive_cursor');
    const sent = this.nextSeq - 1n;
    if (cursor > sent || cursor < this.acknowledged) {
      fail(`a receive cursor from ${this.acknowledged} to ${sent}`, String(cursor), 'CNT-032');
    }
    session.epoch = epoch;
    this.accept = accept;
    this.acknowledge(cursor);
    this.sendAgain(cursor);
  }

  /** Waits for ACCEPT and judges all of it. */
  async expectAccept(): Promise<ReceivedFrame> {
    const accept = await this.expect('ACCEPT');
    this.#requireSigned(accept);
    if (accept.integer('epoch') !== 1n) fail('epoch 1', String(accept.integer('epoch')), 'EST-020');
    if (accept.integer('receive_cursor') !== 0n) {
      fail('receive cursor 0', String(accept.integer('receive_cursor')), 'EST-020');
    }
    this.accept = accept;
    return accept;
  }

  protected override onEstablishment(frame: ReceivedFrame): void {
    if (frame.name === 'CHALLENGE') this.#firstChallenge ??= frame;
    if (frame.name !== 'ACCEPT' || this.session !== undefined) return;
    this.granted = frame;
    if (Number(frame.parameter('session_retention_ms') ?? 0) === 0) return;
    this.session = new HeldSession(frame.bytes('session_id'), frame.integer('epoch'));
  }

  #requireSigned(accept: ReceivedFrame): void {
    const key = this.serverCertificate.publicKey;
    if (this.connectFrame === undefined) throw new TypeError('CONNECT was not sent');
    const transcript: TranscriptInput = { ...this.#transcriptParts(), connect: this.connectFrame };
    requireSignature(accept, 'server', key, transcript);
  }

  /** CHALLENGE, CONNECT, ACCEPT. */
  async establish(options: ConnectOptions = {}): Promise<ReceivedFrame> {
    await this.expectChallenge();
    this.sendConnect(options);
    return this.expectAccept();
  }

  /** Sends OPEN for the next channel and returns the channel's number. `more` are parameters besides the data. */
  sendOpen(application: string, data?: Uint8Array, more: readonly ParameterInput[] = []): number {
    const channel = this.nextChannel;
    this.nextChannel += 1;
    const parameters = [...(data === undefined ? [] : [{ id: 'application_data', value: data }]), ...more];
    this.send('OPEN', { channel, fields: { nonce: this.random(32), application, parameters } });
    return channel;
  }

  /** Sends FORWARD for the next channel, right unless the options say otherwise, and returns the channel's number. */
  sendForward(application: string, options: ForwardOptions = {}): number {
    const channel = this.nextChannel;
    this.nextChannel += 1;
    this.send('FORWARD', { channel, fields: this.forwardFields(application, options) });
    return channel;
  }

  /** The fields of a FORWARD that is right unless the options say otherwise. */
  forwardFields(application: string, options: ForwardOptions = {}): Readonly<Record<string, FieldInput>> {
    const { data, more = [], hopLimit = limit('max_hops') - 1, client = FORWARDED_CLIENT, route = [] } = options;
    const parameters = [...(data === undefined ? [] : [{ id: 'application_data', value: data }]), ...more];
    const open = options.open ?? buildPayload('OPEN', { nonce: this.random(32), application, parameters });
    return { hop_limit: hopLimit, client, route, open };
  }

  /** Sends PROOF on a channel on which PROVE has come, right unless the options say otherwise. */
  sendProof(channel: number, options: ProofOptions = {}): Uint8Array {
    return this.send('PROOF', { channel, rawPayload: this.buildProof(channel, options) });
  }

  /** The payload of a PROOF, right unless the options say otherwise. */
  buildProof(channel: number, options: ProofOptions = {}): Uint8Array {
    const credential = options.credential ?? this.#credential;
    if (credential === null) throw new TypeError('without a certificate there is no key to sign with');
    return buildProof(credential, this.proofs.of(channel), options);
  }

  /** Sends OPEN and waits for OPENED. */
  async open(application: string, data?: Uint8Array, more: readonly ParameterInput[] = []): Promise<number> {
    const channel = this.sendOpen(application, data, more);
    await this.expect('OPENED', { channel });
    return channel;
  }

  /** Sends one message that fits into one frame. */
  sendMessage(channel: number, fragment: Uint8Array): void {
    this.send('MESSAGE', { channel, flags: ['FIRST', 'LAST'], fields: { fragment } });
  }

  /** What a parameter of the server is, declared or by default. */
  serverParameter(name: string): number {
    // After a resumption the values of the first establishment stand (CNT-003).
    const declared = this.#firstChallenge?.parameter(name) ?? this.granted?.parameter(name);
    const fallback = registry.parameters.find((row) => row.name === name)?.default;
    return Number(declared ?? fallback);
  }

  /** The certificate that the server has presented. Fails when there is none. */
  get serverCertificate(): X509Certificate {
    const certificate = this.#serverLeaf;
    if (certificate === undefined) throw new ConformanceFailure({ expected: 'a server certificate', actual: 'none' });
    return certificate;
  }

  #transcriptParts(): Omit<TranscriptInput, 'connect'> {
    const challenge = this.challenge?.octets;
    if (challenge === undefined) throw new TypeError('CHALLENGE was not received');
    // Taken once: ACCEPT may be the last frame before the connection is cut.
    if (this.#exporter?.challenge !== challenge) {
      this.#exporter = { challenge, value: exporterValue(this.socket, challenge) };
    }
    return {
      exporter: this.#exporter.value,
      clientLeaf: this.#credential?.leafHash ?? new Uint8Array(32),
      serverLeaf: leafHash(this.serverCertificate.raw),
      challenge,
    };
  }
}

/** OpenSSL must not refuse to present a weak certificate. */
const WEAK_CERTIFICATES_ALLOWED = 'DEFAULT@SECLEVEL=0';

const contexts = new WeakMap<Credential, Map<string, SecureContext>>();

/** Loading a certificate costs more than a handshake: contexts without further options are kept. */
function secureContextFor(options: ClientConnectOptions): SecureContext {
  const { credential, minVersion = 'TLSv1.3', maxVersion = 'TLSv1.3', tls } = options;
  const make = (): SecureContext =>
    createSecureContext({
      // Nothing is trusted here: the harness judges signatures itself, and what is trusted costs another check.
      ca: [],
      ...(credential === null ? {} : { cert: credential.certificatePem, key: credential.keyPem }),
      minVersion,
      maxVersion,
      ciphers: WEAK_CERTIFICATES_ALLOWED,
      ...tls,
    });
  if (credential === null || tls !== undefined) return make();
  const known = contexts.get(credential) ?? new Map<string, SecureContext>();
  contexts.set(credential, known);
  const name = `${minVersion} ${maxVersion}`;
  const context = known.get(name) ?? make();
  known.set(name, context);
  return context;
}
