import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import {
  type DeclaredParameters,
  type ErrorName,
  type Event,
  type Grant,
  PROTOCOL,
  type Signer,
  type Connection,
  createServerConnection,
} from '../core/index.ts';
import type { Application, ChannelRequest } from './application.ts';
import { AuthorityWatch } from './authority.ts';
import type { ChannelEndpoint } from './channel.ts';
import type { Environment } from './environment.ts';
import type { Log } from './log.ts';
import type { GateResult, VerifiedPeer } from './peer-gate.ts';
import type { Policy } from './policy.ts';
import { sha256 } from './sha256.ts';
import { createVerifier, refusingVerifier } from './signatures.ts';
import { type Session, SessionEndpoint } from './session.ts';
import { SocketPump } from './socket-pump.ts';
import type { Trust } from './trust.ts';

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
  readonly leafHash: Uint8Array;
}

/** What a connection of a server needs of it. */
export interface ServerConnectionHost {
  readonly policy: Policy;
  readonly applications: ReadonlyMap<string, Application>;
  readonly parameters: DeclaredParameters;
  readonly grant: Grant;
  readonly grease: boolean;
  readonly environment: Environment;
  readonly log: Log;
  /** Refusal of new sessions, while there is one. */
  readonly closing: Extract<ErrorName, 'SHUTTING_DOWN' | 'BUSY'> | undefined;
  /** A session exists. */
  established(connection: ServerConnection, session: Session): void;
  /** The connection is gone. */
  gone(connection: ServerConnection): void;
}

const EMPTY_HASH = new Uint8Array(32);

/** One connection of a server, from behind the gate to its end. */
export class ServerConnection {
  readonly #host: ServerConnectionHost;
  readonly #peer: VerifiedPeer | undefined;
  readonly #credential: ServerCredential;
  readonly #engine: Connection;
  readonly #pump: SocketPump;
  readonly #remoteAddress: string;
  #session: SessionEndpoint | undefined;
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
    const { environment, parameters, grease } = host;
    this.#engine = createServerConnection({
      now: acceptedAt,
      random: environment.random,
      parameters,
      grease,
      identity: credential.identity,
      signer: credential.signer,
      verifier: gate.ok ? createVerifier(gate.publicKey) : refusingVerifier,
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

  /** Ends whatever state the connection is in, with SHUTTING_DOWN. */
  shutDown(): void {
    this.#pump.handle(this.#engine.close('SHUTTING_DOWN', this.#pump.now()));
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
        this.#decide();
        return;
      case 'established':
        this.#establish(event.sessionId);
        return;
      case 'closed':
        this.#logEnd(event);
        this.#authority?.stop();
        this.#session?.receive(event);
        return;
      default:
        this.#session?.receive(event);
    }
  }

  /** Signature and audience are right; identity, policy and room are left. [EST-017] */
  #decide(): void {
    const { closing, grant, log } = this.#host;
    const now = this.#pump.now();
    if (this.#peer === undefined || !this.#isAccepted(this.#peer.identity)) {
      log.warn(
        { remote: this.#remoteAddress, identity: this.#peer?.identity, requirement: 'EST-017' },
        'client refused: the policy does not accept its identity',
      );
      this.#pump.handle(this.#engine.reject('AUTHENTICATION_FAILED', 0, now));
    } else if (closing !== undefined) {
      this.#pump.handle(this.#engine.reject(closing, 0, now));
    } else {
      this.#pump.handle(this.#engine.accept(grant, now));
    }
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

  #isAllowed(identity: string, application: string): boolean {
    try {
      return this.#host.policy.allowsApplication(identity, application);
    } catch (error) {
      this.#host.log.error({ identity, application, err: error }, 'the policy failed');
      return false;
    }
  }

  #establish(sessionId: Uint8Array): void {
    const peer = this.#peer;
    const peerParameters = this.#engine.peer;
    if (peer === undefined || peerParameters === undefined) return;
    const { environment, log } = this.#host;
    const session = new SessionEndpoint(
      {
        role: 'server',
        connection: this.#engine,
        pump: this.#pump,
        peer,
        ownChain: this.#credential.chain,
        remoteAddress: this.#remoteAddress,
        establishedAt: environment.wallClock(),
        log,
        updateTrust: (trust) => this.updateTrust(trust),
        onChannelRequested: (channel) => this.#decideChannel(session, channel),
      },
      sessionId,
      peerParameters,
    );
    this.#session = session;
    this.#authority = new AuthorityWatch(peer, 'client', environment, (code, error) => session.fail(code, error));
    log.info({ session: session.id, identity: peer.identity, remote: this.#remoteAddress }, 'session established');
    this.#host.established(this, session);
  }

  #decideChannel(session: SessionEndpoint, channel: ChannelEndpoint): void {
    const { applications, log } = this.#host;
    const { application, number } = channel;
    const identity = session.peerIdentity;
    const handler = applications.get(application);
    const refuse = (code: ErrorName, retryAfterMs: number): void => {
      this.#engine.refuse(number, code, retryAfterMs, this.#pump.now());
      this.#pump.flushSoon();
      session.forget(number);
    };
    // [CHN-007] [CHN-008]
    if (handler === undefined || !this.#isAllowed(identity, application)) {
      log.warn({ session: session.id, identity, application, known: handler !== undefined }, 'channel refused');
      refuse('APPLICATION_REFUSED', 0);
      return;
    }
    let decided = false;
    const decide = (act: () => void): void => {
      if (decided) return;
      act();
      // What the application end asked for may have been impossible: then nothing is decided yet.
      decided = true;
    };
    const request: ChannelRequest = {
      identity,
      application,
      applicationData: channel.applicationData,
      session,
      accept: (options = {}) =>
        decide(() => {
          this.#engine.opened(number, options, this.#pump.now());
          this.#pump.flushSoon();
          channel.markOpen();
        }),
      refuse: (code = 'APPLICATION_ERROR', retryAfterMs = 0) => decide(() => refuse(code, retryAfterMs)),
    };
    const fail = (error: unknown): void => {
      if (decided) {
        session.applicationFailed(channel, error);
        return;
      }
      log.error({ session: session.id, identity, application, err: error }, 'the application end failed; refused');
      request.refuse('APPLICATION_ERROR');
    };
    try {
      const result = handler(channel, request);
      if (result === undefined) request.accept();
      else channel.work(result.then(() => request.accept(), fail));
    } catch (error) {
      fail(error);
    }
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
