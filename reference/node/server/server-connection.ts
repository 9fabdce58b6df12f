import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import {
  type ConnectReceived,
  type Connection,
  type DeclaredParameters,
  type ErrorName,
  type Event,
  FIELDS,
  type Grant,
  PARAMETER,
  PROTOCOL,
  type ResumeRequest,
  type Signer,
  createServerConnection,
} from '../../core/index.ts';
import { AuthorityWatch } from '../connection/authority.ts';
import { type ConnectionAddresses, addressesOf } from '../connection/connection-addresses.ts';
import type { Environment } from '../environment.ts';
import type { Log } from '../log.ts';
import type { GateResult, VerifiedPeer } from '../connection/peer-gate.ts';
import type { Policy } from './policy.ts';
import { sha256 } from '../connection/sha256.ts';
import { createVerifier, leafVerifier, refusingVerifier } from '../connection/signatures.ts';
import type { ServerSessions } from './server-sessions.ts';
import { type Link, type Session, type SessionEndpoint, endLink } from '../session/session.ts';
import { SocketPump } from '../connection/socket-pump.ts';
import type { Trust } from '../connection/trust.ts';

/** Network address and port of a peer, for logs. */
export function addressOf({ remoteAddress = '', remotePort = 0 }: Socket): string {
  return remoteAddress.includes(':') ? `[${remoteAddress}]:${remotePort}` : `${remoteAddress}:${remotePort}`;
}

/** What a server authenticates itself with on a connection. */
export interface ServerCredential {
  readonly identity: string;
  readonly signer: Signer;
  /** DER certificates, leaf first. */
  readonly chain: readonly Uint8Array[];
  /** When the first of them expires. [CNT-054] */
  readonly validUntil: Date;
  readonly leafHash: Uint8Array;
}

/** What a connection of a server needs of it. */
export interface ServerConnectionHost {
  readonly policy: Policy;
  readonly sessions: ServerSessions;
  readonly parameters: DeclaredParameters;
  readonly grant: Grant;
  readonly grease: boolean;
  readonly environment: Environment;
  readonly log: Log;
  /** Refusal of new sessions, while there is one. */
  readonly closing: Extract<ErrorName, 'SHUTTING_DOWN' | 'BUSY'> | undefined;
  /** A session exists, or has this connection from now on. */
  established(connection: ServerConnection, session: Session, resumed: boolean): void;
  /** The connection is gone. */
  gone(connection: ServerConnection): void;
}

const EMPTY_HASH = new Uint8Array(32);

/** Codes with which a server sends a client to another connection. */
export type DrainCode = Extract<ErrorName, 'NO_ERROR' | 'SHUTTING_DOWN' | 'CONNECTION_EXPIRED'>;

/** Time that a client gets to leave a connection whose keys are used up. [CNT-056] */
const SPENT_DEADLINE_MS = 60_000;

/** One connection of a server, from behind the gate to its end. */
export class ServerConnection {
  readonly #host: ServerConnectionHost;
  readonly #peer: VerifiedPeer | undefined;
  readonly #credential: ServerCredential;
  readonly #engine: Connection;
  readonly #pump: SocketPump;
  readonly #remoteAddress: string;
  readonly #addresses: ConnectionAddresses | undefined;
  #session: SessionEndpoint | undefined;
  /** The session that ACCEPT was or will be sent for. */
  #resuming: SessionEndpoint | undefined;
  #authority: AuthorityWatch | undefined;

  /**
   * @param socket - behind the gate, nothing read yet.
   * @param gate - what the gate found: a refused peer is told so.
   * @param acceptedAt - when the TCP connection began, on the monotonic clock. [EST-028]
   */
  constructor(
    host: ServerConnectionHost,
    socket: TLSSocket,
    gate: GateResult,
    credential: ServerCredential,
    acceptedAt: number,
  ) {
    this.#host = host;
    this.#peer = gate.ok ? gate : undefined;
    this.#credential = credential;
    this.#remoteAddress = addressOf(socket);
    this.#addresses = addressesOf(socket);
    const { environment, parameters, grease } = host;
    this.#engine = createServerConnection({
      now: acceptedAt,
      random: environment.random,
      parameters,
      grease,
      identity: credential.identity,
      signer: credential.signer,
      verifier: gate.ok ? createVerifier(gate.publicKey) : refusingVerifier,
      leafVerifier,
      binding: {
        exporter: (context) =>
          new Uint8Array(
            socket.exportKeyingMaterial(PROTOCOL.exporterBytes, PROTOCOL.exporterLabel, Buffer.from(context)),
          ),
        clientLeafHash: gate.ok ? sha256(gate.chain[0]) : EMPTY_HASH,
        serverLeafHash: credential.leafHash,
      },
    });
    this.#pump = new SocketPump(socket, this.#engine, environment.deadlines, {
      event: (event) => this.#receive(event),
      flushed: () => this.#session?.flushed(),
      nearlySpent: () => this.drain('CONNECTION_EXPIRED', SPENT_DEADLINE_MS),
      gone: () => {
        this.#authority?.stop();
        host.gone(this);
      },
    });
  }

  /** Begins: with CHALLENGE, or with REJECT for a peer that the gate refused. [EST-006] [EST-017] */
  start(): void {
    const refusal = this.#peer === undefined ? 'AUTHENTICATION_FAILED' : this.#host.closing;
    const events = refusal === undefined ? [] : this.#engine.reject(refusal, 0, this.#pump.now());
    this.#pump.start();
    this.#pump.handle(events);
  }

  /** The session, once there is one. */
  get session(): Session | undefined {
    return this.#session;
  }

  /**
   * Ends whatever state the connection is in, with SHUTTING_DOWN: a resumable session is told to leave before the deadline,
   * every other one ends at once. [CNT-047]
   */
  shutDown(deadlineMs: number): void {
    if (this.#session?.resumable === true) this.drain('SHUTTING_DOWN', deadlineMs);
    else this.#pump.handle(this.#engine.close('SHUTTING_DOWN', this.#pump.now()));
  }

  /** Sends DRAIN. */
  drain(code: DrainCode, deadlineMs: number): void {
    this.#pump.handle(this.#engine.drain(code, deadlineMs, this.#pump.now()));
  }

  /** Cuts the connection. */
  destroy(): void {
    this.#pump.destroy();
  }

  /** Judges the client's chain anew. [SES-025] */
  async updateTrust(trust: Trust): Promise<void> {
    await this.#authority?.evaluate(trust);
  }

  #receive(event: Event): void {
    switch (event.type) {
      case 'connect-received':
        this.#decide(event);
        return;
      case 'established':
      case 'attached':
        this.#establish();
        return;
      case 'closed':
        this.#closed(event);
        return;
      default:
        // Of a session that has moved nothing comes any more. [CNT-037]
        this.#session?.receive(event);
    }
  }

  /** Signature and audience are right; identity, policy and room are left. [EST-017] */
  #decide({ resume, parameters }: ConnectReceived): void {
    const { closing, log } = this.#host;
    const now = this.#pump.now();
    if (this.#peer === undefined || !this.#isAccepted(this.#peer.identity)) {
      log.warn(
        { remote: this.#remoteAddress, identity: this.#peer?.identity, requirement: 'EST-017' },
        'client refused: the policy does not accept its identity',
      );
      this.#pump.handle(this.#engine.reject('AUTHENTICATION_FAILED', 0, now));
    } else if (resume !== undefined) {
      void this.#resume(this.#peer, resume);
    } else if (closing !== undefined) {
      this.#pump.handle(this.#engine.reject(closing, 0, now));
    } else if (parameters.retentionMs > 0) {
      void this.#acceptResumable(this.#peer, parameters.retentionMs);
    } else {
      this.#pump.handle(this.#engine.accept(this.#host.grant, now));
    }
  }

  /** The session is in the store before ACCEPT tells of it. */
  async #acceptResumable(peer: VerifiedPeer, askedMs: number): Promise<void> {
    const { sessions, grant, environment } = this.#host;
    const sessionId = environment.random(FIELDS.ACCEPT.session_id.bytes); // [EST-019]
    const id = Buffer.from(sessionId).toString('hex');
    const granted = await sessions.retentionFor(id, peer.identity, askedMs);
    const retentionMs = granted > 0 && (await sessions.create(id, peer.identity, granted)) ? granted : 0;
    const { custody } = sessions.store;
    const deadlineMs = this.#deadlineMs(peer);
    this.#pump.handle(this.#engine.accept({ ...grant, sessionId, retentionMs, deadlineMs, custody }, this.#pump.now()));
    if (retentionMs > 0 && this.#session === undefined) await sessions.discard(id, peer.identity);
  }

  async #resume(peer: VerifiedPeer, request: ResumeRequest): Promise<void> {
    const engine = this.#engine;
    const host = this.#host;
    const result = await host.sessions.resume(peer.identity, request, {
      // The client may have gone in the meantime, and this server have begun to shut down.
      get ready() {
        return engine.state === 'deciding' && host.closing === undefined;
      },
      give: (session, epoch) => {
        this.#resuming = session;
        this.#pump.handle(engine.resume(session.core, { epoch, deadlineMs: this.#deadlineMs(peer) }, this.#pump.now()));
      },
    });
    if (result.type === 'reject') {
      const { code, retryAfterMs, parameters } = result;
      this.#pump.handle(engine.reject(code, retryAfterMs, this.#pump.now(), parameters));
    } else if (result.type === 'unsure') {
      // Without an answer the client leaves its former connection, and attaches the session anew (section 12.8).
      this.#pump.destroy();
    } else if (result.type === 'kept' && host.closing !== undefined) {
      // Judged last: who is not the owner learns nothing else. The session waits for another server, or this one again.
      this.#pump.handle(engine.reject(host.closing, 0, this.#pump.now()));
    }
  }

  /** [CNT-054] [CNT-055] */
  #deadlineMs(peer: VerifiedPeer): number {
    const { environment, sessions } = this.#host;
    const now = environment.wallClock().getTime();
    const ends = [peer.validUntil, this.#credential.validUntil, peer.listsValidUntil].flatMap((date) =>
      date === undefined ? [] : [Math.max(1, date.getTime() - now)],
    );
    const configured = sessions.connectionDeadlineMs;
    return Math.min(...ends, configured === 0 ? Infinity : configured, PARAMETER.connection_deadline_ms.max);
  }

  #closed(event: Extract<Event, { type: 'closed' }>): void {
    this.#logEnd(event);
    this.#authority?.stop();
    const session = this.#session;
    if (session === undefined) {
      // A gap was found: the session is over, and no connection had it. [CNT-025]
      if (event.session === 'ended') this.#resuming?.receive(event);
    } else if (session.link?.connection === this.#engine) session.receive(event);
  }

  /** A policy that fails allows nothing. */
  #isAccepted(identity: string): boolean {
    try {
      return this.#host.policy.acceptsClient(identity);
    } catch (error) {
      this.#host.log.error({ identity, err: error }, 'the policy failed');
      return false;
    }
  }

  #establish(): void {
    const peer = this.#peer;
    const core = this.#engine.session;
    if (peer === undefined) return;
    const { environment, log, sessions } = this.#host;
    const resumed = this.#resuming;
    // `attached` comes before the engine names the session.
    const session = resumed ?? (core && sessions.createEndpoint(core, peer.identity));
    if (session === undefined) return;
    this.#session = session;
    const link: Link = {
      connection: this.#engine,
      pump: this.#pump,
      peer,
      ownChain: this.#credential.chain,
      remoteAddress: this.#remoteAddress,
      addresses: this.#addresses,
      establishedAt: environment.wallClock(),
      updateTrust: (trust) => this.updateTrust(trust),
    };
    session.attach(link);
    this.#authority = new AuthorityWatch(peer, 'client', environment, (code, error) => {
      if (code === 'AUTHORITY_REVOKED') session.revoke();
      endLink(link, code, error);
    });
    const fields = { session: session.id, identity: peer.identity, remote: this.#remoteAddress, epoch: session.epoch };
    log.info(fields, resumed === undefined ? 'session established' : 'session resumed');
    this.#host.established(this, session, resumed !== undefined);
  }

  #logEnd(end: Extract<Event, { type: 'closed' }>): void {
    const { outcome, code, error, remote } = end;
    const fields = {
      session: this.#session?.id,
      identity: this.#peer?.identity,
      remote: this.#remoteAddress,
      outcome,
      code,
      begunBy: remote ? 'peer' : 'this end',
      ...(error === undefined ? {} : { error: error.code, reason: error.message }),
      // [ERR-005]
      ...(error !== undefined && 'requirement' in error ? { requirement: error.requirement } : {}),
      ...(end.unknownMessages.length > 0 ? { unknownMessages: end.unknownMessages } : {}),
    };
    if (outcome === 'orderly') this.#host.log.info(fields, 'connection closed');
    else this.#host.log.warn(fields, 'connection ended');
  }
}
