import { X509Certificate } from 'node:crypto';
import { type AddressInfo, type Server as TcpServer, type Socket, createServer as createTcpServer } from 'node:net';
import { type Server as TlsServer, type TLSSocket, createServer as createTlsServer } from 'node:tls';
import { ConfigError, type DeclaredParameters, type Grant, TIMERS } from '../../core/index.ts';
import type { Credential } from '../../pki/index.ts';
import { Admission, type AdmissionLimits, type Admitted, DEFAULT_ADMISSION_LIMITS } from './admission.ts';
import type { Application } from './application.ts';
import type { ScheduledTask } from '../deadline-queue.ts';
import { type Environment, systemEnvironment } from '../environment.ts';
import type { KeyLog } from '../connection/key-log.ts';
import { type Log, silentLog } from '../log.ts';
import { checkOwnLeaf } from '../connection/own-leaf.ts';
import { checkParameters } from '../connection/parameter-check.ts';
import { type GateResult, gatePeer } from '../connection/peer-gate.ts';
import type { Policy } from './policy.ts';
import { ChannelRequests } from './channel-requests.ts';
import {
  type DrainCode,
  type ServerCredential,
  ServerConnection,
  type ServerConnectionHost,
  addressOf,
} from './server-connection.ts';
import { type ServerContinuity, ServerSessions } from './server-sessions.ts';
import { wait } from '../wait.ts';
import type { Session } from '../session/session.ts';
import { sha256 } from '../connection/sha256.ts';
import { createSigner } from '../connection/signatures.ts';
import { secureContextOptions, serverTlsOptions } from '../connection/tls-options.ts';
import { type ReloadOptions, type Trust, listProblem, requireUsableLists } from '../connection/trust.ts';

/** Options of {@link createServer}. */
export interface ServerOptions extends Trust {
  /** Certificate chain and key of the server; see `loadCredential` of `hawser/pki`. */
  readonly credential: Credential;
  /** Which client may have a session, and which application each may open. */
  readonly policy: Policy;
  /** The application ends, by name. */
  readonly applications: Pick<ReadonlyMap<string, Application>, 'get'>;
  /** What the server declares about itself; the registry's defaults where it is silent. */
  readonly parameters?: DeclaredParameters;
  /** What each session is granted. */
  readonly grant?: Grant;
  /** How sessions are kept without a connection (chapter 12); by default in memory, for five minutes. */
  readonly continuity?: ServerContinuity;
  /** Bounds on what strangers may cost. */
  readonly limits?: Partial<AdmissionLimits>;
  /** Whether to send values without meaning at the extension points; true unless said otherwise. [EXT-003] */
  readonly grease?: boolean;
  readonly log?: Log;
  /** Takes TLS secrets; see `openKeyLog`. [TLS-027] */
  readonly keyLog?: KeyLog;
  /** Called for each session when it is established, and again whenever it has been resumed on another connection. */
  readonly onSession?: (session: Session, resumed: boolean) => void;
  /** Time and randomness; a test replaces them. */
  readonly environment?: Environment;
}

/**
 * How long before everything is cut a client is asked to be gone, and how long a session that was cut has for what it leaves
 * to be written: a frame and a round trip, or a write to a disk, on a machine that is busy with all of them at once.
 */
const LEAVE_MS = 1000;

/** A Hawser server. */
export interface Server {
  /** The sessions that exist here, with and without a connection. */
  readonly sessions: readonly Session[];
  /** The address listened on; undefined while not listening. */
  readonly address: AddressInfo | undefined;
  /**
   * Begins to listen.
   *
   * @param port - 0 lets the system choose.
   * @throws ConfigError `HAWSER_ERR_CONFIG_LISTEN` (as a rejection) when the address can not be listened on.
   */
  listen(port: number, host: string): Promise<AddressInfo>;
  /**
   * Takes a new credential, trust anchors or revocation lists for new connections, and judges the peer of every live
   * session by the new trust: a peer that fails is cut at once. [SES-025] [SES-026]
   *
   * @throws Error when the new ones can not be used (as a rejection); the old ones stay in force.
   */
  reload(options: ReloadOptions): Promise<void>;
  /**
   * Stops listening. Clients with a resumable session are told to move before the deadline, and their sessions stay in the
   * store; every other session ends with CLOSE(SHUTTING_DOWN). [CNT-047] [CNT-048]
   *
   * @param deadlineMs - after which what is left is cut.
   * @returns how many connections had to be cut.
   */
  drain(deadlineMs: number): Promise<number>;
  /** Asks every client to move its resumable session to a fresh connection, here or at another server. */
  rotate(deadlineMs: number): void;
  /** Stops listening and cuts every connection. Sessions stay in the store. */
  close(): Promise<void>;
}

/** A connection until it is behind the gate. */
interface Pending {
  readonly socket: Socket;
  readonly acceptedAt: number;
  readonly admitted: Admitted;
  /** The establishment deadline of the TLS handshake. */
  readonly deadline: ScheduledTask;
}

/**
 * Creates a server.
 *
 * @throws ConfigError when the credential is not usable, or a parameter or a limit is out of its range.
 */
export function createServer(options: ServerOptions): Server {
  return new HawserServer(options);
}

class HawserServer implements Server {
  readonly #options: ServerOptions;
  readonly #environment: Environment;
  readonly #log: Log;
  /** Accepts; what is admitted goes on to {@link #tls}, so that a refused connection costs no key operation. */
  readonly #tcp: TcpServer;
  readonly #tls: TlsServer;
  readonly #admission: Admission;
  readonly #host: ServerConnectionHost;
  readonly #sessions: ServerSessions;
  /** By remote address and port. */
  readonly #pending = new Map<string, Pending>();
  readonly #connections = new Map<ServerConnection, Admitted>();
  /** Newest first; a handshake that began before a reload ends with the one before. */
  #credentials: readonly ServerCredential[];
  #credential: Credential;
  #trust: Trust;
  #closing = false;
  #sessionsEnded: Promise<void> | undefined;
  /** Who waits for the last connection to be gone. */
  readonly #onIdle: (() => void)[] = [];

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#environment = options.environment ?? systemEnvironment;
    this.#log = options.log ?? silentLog;
    checkParameters(options.parameters ?? {}, options.grant);
    this.#credential = options.credential;
    this.#credentials = [toServerCredential(options.credential)];
    this.#trust = { trustAnchors: options.trustAnchors, crls: options.crls };
    this.#admission = new Admission(checkLimits({ ...DEFAULT_ADMISSION_LIMITS, ...options.limits }));
    this.#tls = createTlsServer(serverTlsOptions(options.credential, this.#trust, TIMERS.establishment_deadline_ms));
    const { policy, applications, grease = true, continuity = {} } = options;
    const requests = new ChannelRequests({
      policy,
      applications,
      environment: this.#environment,
      log: this.#log,
      credentials: () => this.#credentials,
      trust: () => this.#trust,
    });
    this.#sessions = new ServerSessions(
      {
        environment: this.#environment,
        log: this.#log,
        grease,
        onChannelRequested: (session, channel, restored) => requests.decide(session, channel, restored),
      },
      continuity,
    );
    this.#host = this.#createHost();
    // The end of one direction is for the engine to judge.
    this.#tcp = createTcpServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#admit(socket));
    this.#tls.on('secureConnection', (socket: TLSSocket) => this.#secured(socket));
    this.#tls.on('tlsClientError', (error, socket) => {
      this.#log.debug({ remote: socket.remoteAddress, err: error }, 'TLS handshake failed');
    });
    const { keyLog } = options;
    if (keyLog !== undefined) this.#tls.on('keylog', keyLog);
  }

  get sessions(): readonly Session[] {
    const attached = [...this.#connections.keys()].flatMap(({ session }) => (session === undefined ? [] : [session]));
    return [...new Set([...attached, ...this.#sessions.sessions])];
  }

  get address(): AddressInfo | undefined {
    const address = this.#tcp.address();
    return address === null || typeof address === 'string' ? undefined : address;
  }

  async listen(port: number, host: string): Promise<AddressInfo> {
    const problem = await listProblem(this.#credential, 'server', this.#trust, this.#environment.wallClock());
    if (problem !== undefined)
      this.#log.error({ problem }, 'the revocation lists can not be used: clients are refused');
    return this.#listen(port, host);
  }

  #listen(port: number, host: string): Promise<AddressInfo> {
    return new Promise((resolve, reject) => {
      const fail = (cause: Error): void => {
        const code = (cause as NodeJS.ErrnoException).code ?? cause.message;
        const why = code === 'EADDRINUSE' ? 'the port is in use' : code;
        const message = `Can not listen on ${host}:${port}: ${why}. Choose another address or port.`;
        reject(new ConfigError('HAWSER_ERR_CONFIG_LISTEN', 'listen', message, { cause }));
      };
      this.#tcp.once('error', fail);
      this.#tcp.listen({ port, host }, () => {
        this.#tcp.off('error', fail);
        this.#tcp.on('error', (error) => this.#log.error({ err: error }, 'the listening socket failed'));
        resolve(this.#tcp.address() as AddressInfo);
      });
    });
  }

  async reload(options: ReloadOptions): Promise<void> {
    const credential = options.credential ?? this.#credential;
    const trust: Trust = {
      trustAnchors: options.trustAnchors ?? this.#trust.trustAnchors,
      crls: options.crls ?? this.#trust.crls,
    };
    const serverCredential = toServerCredential(credential);
    await requireUsableLists(credential, 'server', trust, this.#environment.wallClock());
    // Throws for what the library can not use, and then nothing has changed. Live connections keep their context.
    this.#tls.setSecureContext(secureContextOptions(credential, trust));
    this.#credential = credential;
    this.#trust = trust;
    const [previous] = this.#credentials;
    this.#credentials = previous === undefined ? [serverCredential] : [serverCredential, previous];
    this.#log.info({ sessions: this.#connections.size, crls: trust.crls.length }, 'certificate and trust reloaded');
    await Promise.all([...this.#connections.keys()].map((connection) => connection.updateTrust(trust)));
  }

  async drain(deadlineMs: number): Promise<number> {
    this.#stop();
    const idle = new Promise<void>((resolve) => this.#onIdle.push(resolve));
    // A little earlier than what is cut at the deadline: the last frame has to leave.
    const leaveMs = Math.max(0, deadlineMs - LEAVE_MS);
    for (const connection of this.#connections.keys()) connection.shutDown(leaveMs);
    this.#checkIdle();
    let cut = 0;
    const { deadlines } = this.#environment;
    const task = deadlines.add(() => {
      cut = this.#connections.size;
      this.#cutAll();
      return undefined;
    });
    const deadline = deadlines.now() + deadlineMs;
    task.by(deadline);
    await idle;
    task.cancel();
    // What was cut at the deadline has left something to be written.
    await this.#endSessions(Math.max(deadline, deadlines.now() + LEAVE_MS));
    return cut;
  }

  rotate(deadlineMs: number): void {
    const code: DrainCode = 'NO_ERROR';
    for (const connection of this.#connections.keys()) {
      if (connection.session?.resumable === true) connection.drain(code, deadlineMs);
    }
  }

  async close(): Promise<void> {
    this.#stop();
    const idle = new Promise<void>((resolve) => this.#onIdle.push(resolve));
    this.#cutAll();
    this.#checkIdle();
    await idle;
    await this.#endSessions(this.#environment.deadlines.now() + TIMERS.close_deadline_ms);
  }

  /**
   * What is left to be written is written; what is kept is for whoever opens the store next.
   *
   * @param deadline - until when a store that does not answer is waited for; the first one stands.
   */
  #endSessions(deadline: number): Promise<void> {
    this.#sessionsEnded ??= this.#writeRest(deadline).then(() => this.#sessions.stop());
    return this.#sessionsEnded;
  }

  async #writeRest(deadline: number): Promise<void> {
    const journals = [...this.#sessions.sessions].flatMap(({ journal }) =>
      journal?.failing === false ? [journal] : [],
    );
    const written = new AbortController();
    const late = wait(deadline - this.#environment.deadlines.now(), this.#environment, { signal: written.signal });
    const rest = [...journals.map((journal) => journal.flushed()), this.#sessions.confirmEnds()];
    const flushed = Promise.all(rest).then(() => written.abort());
    await Promise.race([flushed, late]);
    if (!written.signal.aborted) this.#log.error({}, 'the store does not answer: what is not written is given up');
  }

  /**
   * What is wrong with the revocation lists of the authorities above the own certificate, which commonly issue for the
   * clients too: with lists that can not be used every chain is refused, and a reload would end every session.
   */
  #createHost(): ServerConnectionHost {
    const { policy, parameters = {}, grant = {}, grease = true } = this.#options;
    const isClosing = (): boolean => this.#closing;
    return {
      policy,
      sessions: this.#sessions,
      parameters,
      grant,
      grease,
      environment: this.#environment,
      log: this.#log,
      get closing() {
        return isClosing() ? 'SHUTTING_DOWN' : undefined;
      },
      established: (connection, session, resumed) => {
        this.#connections.get(connection)?.established();
        try {
          this.#options.onSession?.(session, resumed);
        } catch (error) {
          this.#log.error({ session: session.id, err: error }, 'onSession failed');
        }
      },
      gone: (connection) => {
        this.#connections.delete(connection);
        this.#checkIdle();
      },
    };
  }

  #admit(socket: Socket): void {
    const { remoteAddress, remotePort } = socket;
    const { deadlines } = this.#environment;
    const acceptedAt = deadlines.now();
    if (remoteAddress === undefined || remotePort === undefined) {
      socket.destroy();
      return;
    }
    const admitted = this.#admission.admit(remoteAddress, acceptedAt);
    if (typeof admitted === 'string') {
      this.#log.warn({ remote: remoteAddress, reason: admitted }, 'connection refused before TLS');
      socket.destroy();
      return;
    }
    // [EST-028]: from the TCP connection on; silently while TLS is not up.
    const deadline = deadlines.add(() => {
      this.#log.debug({ remote: remoteAddress }, 'TLS handshake not complete at the establishment deadline');
      socket.destroy();
      return undefined;
    });
    deadline.by(acceptedAt + TIMERS.establishment_deadline_ms);
    const key = `${remoteAddress} ${remotePort}`;
    const pending: Pending = { socket, acceptedAt, admitted, deadline };
    this.#pending.set(key, pending);
    socket.once('close', () => {
      deadline.cancel();
      if (this.#pending.get(key) === pending) this.#pending.delete(key);
      admitted.release();
      this.#checkIdle();
    });
    this.#tls.emit('connection', socket);
  }

  #secured(socket: TLSSocket): void {
    const key = `${socket.remoteAddress ?? ''} ${socket.remotePort ?? 0}`;
    const pending = this.#pending.get(key);
    if (pending === undefined) {
      socket.destroy();
      return;
    }
    const lost = (error: Error): void => this.#log.debug({ err: error }, 'connection lost at the gate');
    socket.on('error', lost);
    gatePeer(socket, 'client', this.#trust, this.#environment.wallClock())
      .then((gate) => {
        socket.off('error', lost);
        this.#pending.delete(key);
        pending.deadline.cancel();
        this.#enter(socket, gate, pending);
      })
      .catch((error: unknown) => {
        this.#log.error({ err: error }, 'the gate failed; connection cut');
        socket.destroy();
      });
  }

  #enter(socket: TLSSocket, gate: GateResult, { acceptedAt, admitted }: Pending): void {
    if (!gate.ok) {
      const { reason, requirement, message } = gate;
      this.#log.warn({ remote: addressOf(socket), reason, requirement }, `client refused: ${message}`);
    }
    const credential = socket.destroyed ? undefined : this.#credentialOf(socket);
    if (credential === undefined || (!gate.ok && gate.answer === 'cut')) {
      socket.destroy();
      return;
    }
    const connection = new ServerConnection(this.#host, socket, gate, credential, acceptedAt);
    this.#connections.set(connection, admitted);
    connection.start();
  }

  /** What the server presented on a connection: the newest, unless its handshake began before a reload. [EST-002] */
  #credentialOf(socket: TLSSocket): ServerCredential | undefined {
    const [newest, ...others] = this.#credentials;
    if (others.length === 0) return newest;
    const presented = sha256(socket.getX509Certificate()?.raw ?? new Uint8Array());
    return this.#credentials.find(({ leafHash }) => Buffer.compare(leafHash, presented) === 0);
  }

  #stop(): void {
    this.#closing = true;
    if (this.#tcp.listening) this.#tcp.close();
  }

  #cutAll(): void {
    for (const connection of this.#connections.keys()) connection.destroy();
    for (const { socket } of this.#pending.values()) socket.destroy();
  }

  #checkIdle(): void {
    if (!this.#closing || this.#admission.connections > 0 || this.#connections.size > 0) return;
    for (const resolve of this.#onIdle.splice(0)) resolve();
  }
}

function toServerCredential(credential: Credential): ServerCredential {
  const { identity, hash } = checkOwnLeaf(credential, 'server');
  const ends = credential.chainDer.map((der) => new Date(new X509Certificate(der).validTo).getTime());
  return {
    identity,
    signer: createSigner(credential.privateKey),
    chain: credential.chainDer,
    validUntil: new Date(Math.min(...ends)),
    leafHash: hash,
  };
}

function checkLimits(limits: AdmissionLimits): AdmissionLimits {
  for (const [key, value] of Object.entries(limits)) {
    if (Number.isSafeInteger(value) && value >= 1) continue;
    const message = `limits.${key} has to be a whole number of at least 1, not ${String(value)}.`;
    throw new ConfigError('HAWSER_ERR_CONFIG_LIMIT', `limits.${key}`, message);
  }
  return limits;
}
