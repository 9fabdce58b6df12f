import { type ConnectionOptions, type DetailedPeerCertificate, type TLSSocket, connect as connectTls } from 'node:tls';
import {
  ConfigError,
  type Connection,
  type DeclaredParameters,
  type Event,
  FIELDS,
  type HawserError,
  PROTOCOL,
  type Signer,
  TIMERS,
  TimeoutError,
  TransportError,
  createClientConnection,
} from '../core/index.ts';
import type { Credential } from '../pki/index.ts';
import { AuthorityWatch } from './authority.ts';
import type { ScheduledTask } from './deadline-queue.ts';
import { type Environment, systemEnvironment } from './environment.ts';
import type { KeyLog } from './key-log.ts';
import { type Log, silentLog } from './log.ts';
import { checkParameters } from './parameter-check.ts';
import { type GateResult, type RefusedPeer, type VerifiedPeer, gatePeer } from './peer-gate.ts';
import { checkOwnLeaf } from './own-leaf.ts';
import { sha256 } from './sha256.ts';
import { createSigner, createVerifier, refusingVerifier } from './signatures.ts';
import { type Session, SessionEndpoint, endError } from './session.ts';
import { SocketPump } from './socket-pump.ts';
import { clientTlsOptions } from './tls-options.ts';
import type { Trust } from './trust.ts';

/** Options of {@link createClient}: what all connections of a client have in common. */
export interface ClientOptions extends Trust {
  /** Certificate chain and key of the client; see `loadCredential` of `hawser/pki`. */
  readonly credential: Credential;
  /** What the client declares about itself; the registry's defaults where it is silent. */
  readonly parameters?: DeclaredParameters;
  /** Whether to send values without meaning at the extension points; true unless said otherwise. [EXT-003] */
  readonly grease?: boolean;
  readonly log?: Log;
  /** Takes TLS secrets; see `openKeyLog`. [TLS-027] */
  readonly keyLog?: KeyLog;
  /** Time and randomness; a test replaces them. */
  readonly environment?: Environment;
}

/** Where a client connects to, and whom it means to reach. */
export interface Target {
  readonly host: string;
  readonly port: number;
  /** Identity of the server, from the client's own configuration. [EST-009] */
  readonly audience: string;
  /** Sees each event of the engine before it is handled: for logs and drivers. */
  readonly observe?: (event: Event) => void;
}

/** Options of {@link connect}. */
export interface ConnectOptions extends ClientOptions, Target {}

/** A client: one credential and one TLS context for any number of sessions. */
export interface Client {
  /**
   * Establishes a session: one attempt.
   *
   * @returns the session, after ACCEPT was verified. Rejects with a
   * - `ConfigError` for an audience that no certificate can have;
   * - `TransportError` when TCP or TLS fails, or the server's certificate is not accepted;
   * - `RemoteError` when the server rejects, with `retryAfterMs` [EST-024];
   * - `PeerViolationError` or `IncompatibleError` when the server breaks the protocol;
   * - `TimeoutError` at the establishment deadline.
   */
  connect(target: Target): Promise<Session>;
}

/**
 * Creates a client.
 *
 * @throws ConfigError when credential, trust or parameters can not be used.
 */
export function createClient(options: ClientOptions): Client {
  checkParameters(options.parameters ?? {});
  const leaf = checkOwnLeaf(options.credential, 'client');
  const signer = createSigner(options.credential.privateKey);
  const tls = clientTlsOptions(options.credential, options);
  return {
    connect: async (target) => {
      checkAudience(target.audience);
      return new Attempt(options, target, { tls, signer, leafHash: leaf.hash }).session;
    },
  };
}

/** An audience that no certificate may state as its identity could never be reached. [TLS-021] */
function checkAudience(audience: string): void {
  const { max } = FIELDS.CONNECT.audience;
  if (/^[\x21-\x7e]+$/.test(audience) && audience.length <= max) return;
  const message = `The audience has to be 1 to ${max} printable ASCII characters without spaces, as in a certificate.`;
  throw new ConfigError('HAWSER_ERR_CONFIG_AUDIENCE', 'audience', message);
}

/**
 * Establishes one session; `createClient` saves a TLS context for each further one.
 *
 * @returns and rejects as {@link Client.connect}.
 */
export async function connect(options: ConnectOptions): Promise<Session> {
  return createClient(options).connect(options);
}

const EMPTY_HASH = new Uint8Array(32);

/** What a client makes of its options once. */
interface Own {
  readonly tls: ConnectionOptions;
  readonly signer: Signer;
  readonly leafHash: Uint8Array;
}

/** One attempt to establish a session: TCP, TLS, the gate, three frames. */
class Attempt {
  readonly session: Promise<Session>;
  readonly #options: ClientOptions;
  readonly #target: Target;
  readonly #own: Own;
  readonly #environment: Environment;
  readonly #log: Log;
  readonly #startedAt: number;
  readonly #deadline: ScheduledTask;
  readonly #socket: TLSSocket;
  #resolve: (session: Session) => void = () => undefined;
  #reject: (error: HawserError) => void = () => undefined;
  #endpoint: SessionEndpoint | undefined;
  #authority: AuthorityWatch | undefined;

  constructor(options: ClientOptions, target: Target, own: Own) {
    this.#options = options;
    this.#target = target;
    this.#own = own;
    this.#environment = options.environment ?? systemEnvironment;
    this.#log = options.log ?? silentLog;
    this.session = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    const { deadlines } = this.#environment;
    this.#startedAt = deadlines.now();
    this.#socket = connectTls({ ...own.tls, host: target.host, port: target.port });
    // node:tls takes the whole chain apart for checkServerIdentity, which does not look at it.
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
      this.#passGate().catch((error: unknown) => this.#fail(error as HawserError));
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
    this.#reject(error);
  }

  #transportError(cause: Error): TransportError {
    const { host, port } = this.#target;
    const code = (cause as NodeJS.ErrnoException).code ?? cause.message;
    if (['connect', 'getaddrinfo'].includes((cause as NodeJS.ErrnoException).syscall ?? '')) {
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
      gate = await gatePeer(socket, 'server', this.#options, now);
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
      signer: this.#own.signer,
      verifier: gate.ok ? createVerifier(gate.publicKey) : refusingVerifier,
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
      gone: () => this.#authority?.stop(),
    });
    // [EST-010] [EST-027]: a server whose certificate does not hold gets a code and no CONNECT.
    const events = refusal === undefined ? [] : engine.close('AUTHENTICATION_FAILED', pump.now(), refusal);
    pump.start();
    pump.handle(events);
  }

  #receive(event: Event, engine: Connection, pump: SocketPump, gate: GateResult): void {
    this.#target.observe?.(event);
    if (event.type === 'established' && gate.ok) {
      this.#establish(event.sessionId, engine, pump, gate);
      return;
    }
    if (event.type === 'closed') {
      this.#authority?.stop();
      const { outcome, code, error, remote } = event;
      this.#log.debug({ session: this.#endpoint?.id, outcome, code, remote, err: error }, 'connection ended');
      if (this.#endpoint === undefined) this.#reject(endError(event));
    }
    this.#endpoint?.receive(event);
  }

  #establish(sessionId: Uint8Array, engine: Connection, pump: SocketPump, peer: VerifiedPeer): void {
    const peerParameters = engine.peer;
    if (peerParameters === undefined) return;
    const { credential } = this.#options;
    const endpoint = new SessionEndpoint(
      {
        role: 'client',
        connection: engine,
        pump,
        peer,
        ownChain: credential.chainDer,
        remoteAddress: `${this.#target.host}:${this.#target.port}`,
        establishedAt: this.#environment.wallClock(),
        log: this.#log,
        updateTrust: async (trust) => this.#authority?.evaluate(trust),
      },
      sessionId,
      peerParameters,
    );
    this.#endpoint = endpoint;
    this.#authority = new AuthorityWatch(peer, 'server', this.#environment, (code, error) =>
      endpoint.fail(code, error),
    );
    this.#log.info({ session: endpoint.id, identity: peer.identity }, 'session established');
    this.#resolve(endpoint);
  }
}

function refusalError(gate: RefusedPeer): TransportError {
  const code = gate.answer === 'cut' ? 'HAWSER_ERR_TRANSPORT_TLS_REFUSED' : 'HAWSER_ERR_TRANSPORT_PEER_CERTIFICATE';
  return new TransportError(code, 'tls', `${gate.message} [${gate.requirement}]`);
}
