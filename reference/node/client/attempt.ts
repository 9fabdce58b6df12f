import { type DetailedPeerCertificate, type TLSSocket, connect as connectTls } from 'node:tls';
import {
  type Closed,
  type Connection,
  type ContinuityRequest,
  type Event,
  HawserError,
  InternalError,
  PROTOCOL,
  TIMERS,
  TimeoutError,
  TransportError,
  createClientConnection,
} from '../../core/index.ts';
import { AuthorityWatch } from '../connection/authority.ts';
import type { Trust } from '../connection/trust.ts';
import type { ClientOptions, Target } from './connect.ts';
import type { ScheduledTask } from '../deadline-queue.ts';
import { type Environment, systemEnvironment } from '../environment.ts';
import { type Log, silentLog } from '../log.ts';
import { type GateResult, type RefusedPeer, type VerifiedPeer, gatePeer } from '../connection/peer-gate.ts';
import type { Own } from './own.ts';
import type { Failure } from './retry.ts';
import { sha256 } from '../connection/sha256.ts';
import { createVerifier, leafVerifier, refusingVerifier } from '../connection/signatures.ts';
import { type Link, SessionEndpoint, endError, endLink } from '../session/session.ts';
import { SocketPump } from '../connection/socket-pump.ts';

const EMPTY_HASH = new Uint8Array(32);

/** What an attempt takes from its client's options; credential and trust are its {@link Own}. */
export type AttemptOptions = Omit<ClientOptions, keyof Trust | 'credential'>;

/** What one attempt is for. */
export interface AttemptRequest {
  readonly target: Target;
  /** Asks for a session that is resumable. */
  readonly continuity?: ContinuityRequest | undefined;
  /** The session that is to be attached; a new one without it. */
  readonly resume?: Resumption;
  /** The endpoint of a new session. */
  readonly create: (engine: Connection, peer: VerifiedPeer) => SessionEndpoint;
}

/** How an attempt attaches a session that exists. */
export interface Resumption {
  readonly session: SessionEndpoint;
  readonly attempt: number;
  /**
   * Stops the former connection and brings everything into custody: then the cursor can be stated. [CNT-019]
   *
   * @param isAlive - whether the attempt still goes on; one that has failed in the meantime takes nothing from the former
   *   connection.
   * @returns whether the attempt is still wanted.
   */
  readonly release: (isAlive: () => boolean) => Promise<boolean>;
}

/** An attempt that has failed: the error, and what became of the session that was to be attached. */
export class AttemptFailure extends Error {
  readonly error: HawserError;
  /** The end of the connection; undefined where it never got as far as CHALLENGE. */
  readonly end: Closed | undefined;

  constructor(error: HawserError, end?: Closed) {
    super(error.message, { cause: error });
    this.error = error;
    this.end = end;
  }

  /** The failure that something thrown on the way is. */
  static of(cause: unknown): AttemptFailure {
    return cause instanceof AttemptFailure ? cause : new AttemptFailure(toHawserError(cause));
  }

  /** What it says about the next attempt: nothing where this end has given it up. */
  get failure(): Failure {
    const { end } = this;
    const givenUp = end !== undefined && !end.remote && end.error === undefined;
    return { error: givenUp ? undefined : this.error, code: undefined };
  }
}

/** One attempt to give a session a connection: TCP, TLS, the gate, three frames. */
export class Attempt {
  /** The session, once it has the connection. Rejects with an {@link AttemptFailure}. */
  readonly session: Promise<SessionEndpoint>;
  readonly #options: AttemptOptions;
  readonly #request: AttemptRequest;
  readonly #target: Target;
  /** What the attempt began with, and what is in force by now. */
  readonly #own: Own;
  readonly #current: () => Own;
  readonly #environment: Environment;
  readonly #log: Log;
  readonly #startedAt: number;
  readonly #deadline: ScheduledTask;
  readonly #socket: TLSSocket;
  #resolve: (session: SessionEndpoint) => void = () => undefined;
  #reject: (failure: AttemptFailure) => void = () => undefined;
  #session: SessionEndpoint | undefined;
  #authority: AuthorityWatch | undefined;

  /** @param current - what is in force, which a reload replaces. */
  constructor(options: AttemptOptions, current: () => Own, request: AttemptRequest) {
    const { target } = request;
    const own = current();
    this.#options = options;
    this.#request = request;
    this.#target = target;
    this.#own = own;
    this.#current = current;
    this.#environment = options.environment ?? systemEnvironment;
    this.#log = options.log ?? silentLog;
    this.session = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    const { deadlines } = this.#environment;
    this.#startedAt = deadlines.now();
    const { host, port, transport } = target;
    this.#socket = connectTls({ ...own.tls, ...(transport === undefined ? { host, port } : { socket: transport() }) });
    // The library would describe the whole chain for a check of names that is not made: EST-009 stands in its place.
    this.#socket.getPeerCertificate = () => ({}) as DetailedPeerCertificate;
    // [EST-028]: until TLS is up; then the engine has the same deadline.
    this.#deadline = deadlines.add(() => {
      const limit = TIMERS.establishment_deadline_ms;
      this.#fail(new TimeoutError('establishment', limit, `No TLS connection within ${limit} ms.`));
      return undefined;
    });
    this.#deadline.by(this.#startedAt + TIMERS.establishment_deadline_ms);
    this.#socket.setNoDelay(true);
    this.#socket.on('error', this.#onError);
    this.#socket.on('close', this.#onClose);
    this.#socket.once('secureConnect', () => {
      this.#passGate().catch((error: unknown) => this.#fail(toHawserError(error)));
    });
    if (options.keyLog !== undefined) this.#socket.on('keylog', options.keyLog);
  }

  readonly #onError = (cause: Error): void => this.#fail(this.#transportError(cause));

  readonly #onClose = (): void =>
    this.#fail(new TransportError('HAWSER_ERR_TRANSPORT_ENDED', 'tls', 'The server ended the TLS handshake.'));

  /** Ends an attempt that has no engine yet. */
  #fail(error: HawserError): void {
    this.#deadline.cancel();
    this.#socket.destroy();
    this.#reject(new AttemptFailure(error));
  }

  #transportError(cause: Error): HawserError {
    // What a tunnel has to say.
    if (cause instanceof HawserError) return cause;
    const { host, port } = this.#target;
    const code = (cause as NodeJS.ErrnoException).code ?? cause.message;
    // None of several addresses: an error for each.
    const { syscall = '' } = (cause instanceof AggregateError ? cause.errors[0] : cause) as NodeJS.ErrnoException;
    if (['connect', 'getaddrinfo'].includes(syscall)) {
      const message = `Can not reach ${host}:${port}: ${code}.`;
      return new TransportError('HAWSER_ERR_TRANSPORT_UNREACHABLE', 'tcp', message, { cause });
    }
    const message = `TLS with ${host}:${port} failed: ${code}.`;
    return new TransportError('HAWSER_ERR_TRANSPORT_TLS', 'tls', message, { cause });
  }

  async #passGate(): Promise<void> {
    const socket = this.#socket;
    const now = this.#environment.wallClock();
    let gate: GateResult;
    try {
      gate = await gatePeer(socket, 'server', this.#own.trust, now);
    } catch (cause) {
      const message = 'The certificate of the server can not be judged.';
      this.#fail(new TransportError('HAWSER_ERR_TRANSPORT_GATE', 'tls', message, { cause }));
      return;
    }
    if (socket.destroyed) return;
    const refusal = gate.ok ? undefined : refusalError(gate);
    if (!gate.ok && refusal !== undefined) {
      const { reason, requirement } = gate;
      this.#log.warn({ remote: this.#target.host, reason, requirement }, `server refused: ${gate.message}`);
      if (gate.answer === 'cut') {
        this.#fail(refusal);
        return;
      }
    }
    this.#deadline.cancel();
    socket.off('error', this.#onError);
    socket.off('close', this.#onClose);
    this.#start(gate, refusal);
  }

  #start(gate: GateResult, refusal: HawserError | undefined): void {
    const socket = this.#socket;
    const { parameters = {}, grease = true } = this.#options;
    const engine = createClientConnection({
      now: this.#startedAt,
      random: this.#environment.random,
      parameters,
      grease,
      audience: this.#target.audience,
      peerIdentity: gate.ok ? gate.identity : undefined,
      mode: this.#request.resume === undefined ? 'new' : 'resume',
      ...(this.#request.continuity === undefined ? {} : { continuity: this.#request.continuity }),
      signer: this.#own.signer,
      verifier: gate.ok ? createVerifier(gate.publicKey) : refusingVerifier,
      leafVerifier,
      binding: {
        exporter: (context) =>
          new Uint8Array(
            socket.exportKeyingMaterial(PROTOCOL.exporterBytes, PROTOCOL.exporterLabel, Buffer.from(context)),
          ),
        clientLeafHash: this.#own.leafHash,
        serverLeafHash: gate.ok ? sha256(gate.chain[0]) : EMPTY_HASH,
      },
    });
    const pump = new SocketPump(socket, engine, this.#environment.deadlines, {
      event: (event) => this.#receive(event, engine, pump, gate),
      flushed: () => this.#session?.flushed(),
      nearlySpent: () => this.#session?.nearlySpent(engine),
      gone: () => this.#authority?.stop(),
    });
    // [EST-010] [EST-027]: a server whose certificate does not hold gets a code and no CONNECT.
    const events = refusal === undefined ? [] : engine.close('AUTHENTICATION_FAILED', pump.now(), refusal);
    pump.start();
    pump.handle(events);
  }

  #receive(event: Event, engine: Connection, pump: SocketPump, gate: GateResult): void {
    this.#target.observe?.(event);
    switch (event.type) {
      case 'challenge-received':
        void this.#resume(engine, pump);
        return;
      case 'established':
      case 'attached':
        if (gate.ok) this.#establish(engine, pump, gate);
        return;
      case 'closed':
        this.#closed(event, engine);
        return;
      default:
        this.#session?.receive(event);
    }
  }

  async #resume(engine: Connection, pump: SocketPump): Promise<void> {
    const { resume } = this.#request;
    if (resume === undefined) return;
    const { session, attempt } = resume;
    const isAlive = (): boolean => engine.state === 'awaiting-accept';
    const isWanted = await resume.release(isAlive);
    if (!isAlive()) return;
    const failure = session.journal?.failure;
    // A session that has ended in the meantime, or is to be left, can not be attached, nor one whose store fails.
    if (failure !== undefined) pump.handle(engine.close('INTERNAL_ERROR', pump.now(), failure));
    else if (isWanted && session.state !== 'ended' && session.core.settledCustody) {
      pump.handle(engine.resume(session.core, { attempt }, pump.now()));
    } else pump.handle(engine.close('NO_ERROR', pump.now()));
  }

  #closed(event: Closed, engine: Connection): void {
    this.#authority?.stop();
    const { outcome, code, error, remote } = event;
    const session = this.#session ?? this.#request.resume?.session;
    this.#log.debug({ session: session?.id, outcome, code, remote, err: error }, 'connection ended');
    if (this.#session === undefined) this.#reject(new AttemptFailure(endError(event), event));
    // Of a session that has moved this is only the end of a connection.
    else if (this.#session.link?.connection === engine) this.#session.receive(event);
  }

  #establish(engine: Connection, pump: SocketPump, peer: VerifiedPeer): void {
    const session = this.#request.resume?.session ?? this.#request.create(engine, peer);
    this.#session = session;
    const link: Link = {
      connection: engine,
      pump,
      peer,
      ownChain: this.#own.credential.chainDer,
      remoteAddress: `${this.#target.host}:${this.#target.port}`,
      establishedAt: this.#environment.wallClock(),
      updateTrust: async (trust) => this.#authority?.evaluate(trust),
    };
    session.attach(link);
    const authority = new AuthorityWatch(peer, 'server', this.#environment, (code, error) =>
      endLink(link, code, error),
    );
    this.#authority = authority;
    const what = this.#request.resume === undefined ? 'session established' : 'session resumed';
    this.#log.info({ session: session.id, identity: peer.identity, epoch: session.epoch }, what);
    this.#resolve(session);
    // A reload has passed by while the attempt was under way. [SES-025]
    const { trust } = this.#current();
    if (trust === this.#own.trust) return;
    authority.evaluate(trust).catch((cause: unknown) => endLink(link, 'INTERNAL_ERROR', toHawserError(cause)));
  }
}

function refusalError(gate: RefusedPeer): TransportError {
  const code = gate.answer === 'cut' ? 'HAWSER_ERR_TRANSPORT_TLS_REFUSED' : 'HAWSER_ERR_TRANSPORT_PEER_CERTIFICATE';
  return new TransportError(code, 'tls', `${gate.message} [${gate.requirement}]`);
}

function toHawserError(cause: unknown): HawserError {
  return cause instanceof HawserError ? cause : new InternalError('The attempt failed.', { cause });
}
