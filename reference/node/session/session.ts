import { EventEmitter } from 'node:events';
import {
  type Closed,
  type Connection,
  type Draining,
  type ErrorName,
  type EvidenceRecord,
  type Event,
  type Forward,
  HawserError,
  InternalError,
  type OpenOptions,
  type OpeningFlaw,
  type PeerParameters,
  ProofError,
  type ProveReceived,
  RemoteError,
  type Session as CoreSession,
  type SessionState,
  TransportError,
} from '../../core/index.ts';
import type { SessionStore } from '../../store/index.ts';
import { type Channel, ChannelEndpoint, type ChannelHost } from './channel.ts';
import type { ClientProver } from './client-prover.ts';
import type { ConnectionAddresses } from '../connection/connection-addresses.ts';
import type { Environment } from '../environment.ts';
import type { Log } from '../log.ts';
import type { VerifiedPeer } from '../connection/peer-gate.ts';
import { SessionJournal } from './session-journal.ts';
import type { SocketPump } from '../connection/socket-pump.ts';
import type { Trust } from '../connection/trust.ts';

/** How a session ended; see the engine's event of that name. */
export type SessionEnd = Closed;

/** Codes that the owner of a session may end it with. */
export type CloseCode = 'NO_ERROR' | 'SHUTTING_DOWN' | 'INTERNAL_ERROR';

/** Events of a {@link Session}. */
export interface SessionEvents {
  /** The peer has been silent for long: nothing new is begun until `live`. [SES-020] */
  readonly suspect: readonly [];
  readonly live: readonly [];
  /** The client's certificate is revoked: the connection ends (server). [SES-026] */
  readonly revoked: readonly [];
  /** The session has lost its connection and goes on without one. [CNT-013] */
  readonly detached: readonly [SessionEnd];
  /** The session has a connection again. */
  readonly attached: readonly [];
  readonly closed: readonly [SessionEnd];
}

/** A long connection (chapter 5), which may outlive the TLS connections that carry it (chapter 12). */
export interface Session {
  readonly role: 'client' | 'server';
  /** The session id in lower-case hex: a name, never a credential. */
  readonly id: string;
  /** The verified identity of the peer. */
  readonly peerIdentity: string;
  /** What the peer declared and granted. */
  readonly peerParameters: PeerParameters;
  /** Network address of the peer, for logs; of its last connection. */
  readonly remoteAddress: string;
  /** Both ends of its last connection; undefined where this process has had none. */
  readonly addresses: ConnectionAddresses | undefined;
  /** Whether its last connection was ended because the client's certificate is revoked (server). */
  readonly revoked: boolean;
  /** Whether the session is kept when its connection ends. */
  readonly resumable: boolean;
  /** Whether a connection carries it, and whether that one is being left; in the registry's words. */
  readonly state: SessionState;
  /** Which of its connections it is on, from 1. */
  readonly epoch: number;
  /** Resolves when the session is over, however it ended; it never rejects. */
  readonly closed: Promise<SessionEnd>;
  /** Channels that are not over; at a client after a restart also those that are: see {@link Channel.onOutcome}. */
  readonly channels: Iterable<Channel>;
  /**
   * Opens a channel to an application end (client).
   *
   * Where the application end asks for proof, it is judged, and the client proves itself with its own certificate
   * (section 13.7).
   *
   * @param application - name of the application end, 1 to 255 octets of UTF-8.
   * @param options - `applicationIdentity`: the one that the application end has to prove, unless it is the audience of the
   *   session; `demandProof`: take no application end that asks for none.
   * @returns the channel, once it is open; rejects with a {@link RemoteError} when it is refused, with a {@link ProofError} when
   *   the application end does not prove what it has to.
   */
  open(application: string, options?: OpenOptions): Promise<Channel>;
  /**
   * As `open`, without waiting: the channel has its number, and `opened` tells of the answer. Messages can not be sent
   * before.
   *
   * @throws the reason, when the session has ended or is ending; `open` rejects with it.
   */
  request(application: string, options?: OpenOptions): Channel;
  /**
   * Ends the session in order. What is queued is not sent; the result tells the fate of each message. A client whose
   * session is detached connects once more to say so.
   *
   * @returns the same as `closed`; where a client's store keeps the session, once that has noted its end, or could not be
   *   reached once more.
   */
  close(code?: CloseCode): Promise<SessionEnd>;
  /**
   * Ends the connection in order and keeps the session, where it is resumable; else the same as `close`. A client leaves it
   * without a connection then, whatever was under way, until `rotate` or `close` is called or its retention is over.
   */
  detach(): void;
  /**
   * Moves the session to a fresh connection: fresh keys, fresh authentication of both ends (client).
   *
   * @returns when it has moved. When the attempt fails the session stays where it is, and this rejects with the
   *   {@link HawserError} that the attempt has met: as {@link Client.connect} does, with a `StoreError` where the client's
   *   store could not take note of the attempt, or with `HAWSER_ERR_TRANSPORT_DETACHED` where `detach` was called meanwhile.
   */
  rotate(): Promise<void>;
  /** Asks the client to leave this connection before a deadline, in milliseconds from now (server). [CNT-048] */
  drain(deadlineMs: number): void;
  /** Measures the round trip in milliseconds. Rejects when the connection ends first. */
  ping(): Promise<number>;
  /** The evidence record of the session's last establishment (section 4.8); `serializeEvidenceRecord` makes the file. */
  evidence(): EvidenceRecord;
  on<Name extends keyof SessionEvents>(name: Name, listener: (...args: SessionEvents[Name]) => void): this;
  once<Name extends keyof SessionEvents>(name: Name, listener: (...args: SessionEvents[Name]) => void): this;
  off<Name extends keyof SessionEvents>(name: Name, listener: (...args: SessionEvents[Name]) => void): this;
}

/** The connection that carries a session, with what was found out about its peer. */
export interface Link {
  readonly connection: Connection;
  readonly pump: SocketPump;
  readonly peer: VerifiedPeer;
  /** Own DER certificates, leaf first. */
  readonly ownChain: readonly Uint8Array[];
  readonly remoteAddress: string;
  readonly addresses?: ConnectionAddresses | undefined;
  readonly establishedAt: Date;
  /** Judges the peer's chain anew. */
  readonly updateTrust: (trust: Trust) => Promise<void>;
}

/** What a {@link SessionEndpoint} is made of. */
export interface SessionParts {
  readonly core: CoreSession;
  readonly environment: Environment;
  readonly log: Log;
  /** Identity of the peer, which stays when its certificate changes. */
  readonly peerIdentity: string;
  /** Where a session with custody `stored` is written. */
  readonly store?: SessionStore | undefined;
  /** Proves the client to application ends that ask for it (client). */
  readonly prover?: ClientProver;
  /** A client asks for a channel (server), or an end has one that was restored. */
  readonly onChannelRequested?: (channel: ChannelEndpoint, restored: boolean) => void;
  /** The session has lost its connection, or has ended. */
  readonly onLinkEnded?: (end: SessionEnd) => void;
  /** The server asks for the session to be moved (client). [CNT-047] */
  readonly onDraining?: (event: Draining) => void;
  /** A connection carries the session from now on. */
  readonly onAttached?: (link: Link) => void;
  /** What has to be stored before anything of a new epoch is. */
  readonly beforeEpoch?: (epoch: number) => Promise<unknown>;
  /** Moves the session to a fresh connection (client). */
  readonly onRotate?: () => Promise<void>;
  /** A connection may not carry much more (client). [CNT-056] */
  readonly onNearlySpent?: (connection: Connection) => void;
  /** The owner wants the session without a connection (client). */
  readonly onDetach?: () => void;
  /** The owner wants the session closed while no connection carries it. */
  readonly onCloseDetached?: (code: CloseCode) => void;
  /** The session is over, and its owner waits for what is left to do. */
  readonly afterClose?: () => Promise<void>;
  /** Another holder has the session. */
  readonly onFenced?: () => void;
}

/** The {@link Session} of an established connection, with the side that its connections feed. */
export class SessionEndpoint extends EventEmitter implements Session, ChannelHost {
  readonly role: 'client' | 'server';
  readonly id: string;
  readonly peerIdentity: string;
  readonly closed: Promise<SessionEnd>;
  readonly core: CoreSession;
  /** Writes the session to its store; undefined where its custody is `received`. */
  readonly journal: SessionJournal | undefined;
  readonly #parts: SessionParts;
  #link: Link | undefined;
  /** The last one, for what is asked when there is none. */
  #lastLink: Link | undefined;
  readonly #channels = new Map<number, ChannelEndpoint>();
  /** Channels that are over while outcomes of their messages are still to come, or to be taken. */
  readonly #unsettled = new Map<number, ChannelEndpoint>();
  readonly #pings: {
    readonly resolve: (rttMs: number) => void;
    readonly reject: (error: HawserError) => void;
  }[] = [];
  readonly #beforeFlush: (() => void)[] = [];
  #flushScheduled = false;
  #closing: CloseCode | undefined;
  /** It ends once nothing waits for the store any more. */
  #closesLater = false;
  #revoked = false;
  #resolveClosed: (end: SessionEnd) => void = () => undefined;
  #end: SessionEnd | undefined;
  /** A message that the store has to confirm first, and what came behind it; or what is being handled. */
  readonly #unconfirmed: Event[] = [];
  /** The channel of the last message: traffic comes in runs. */
  #last: ChannelEndpoint | undefined;

  constructor(parts: SessionParts) {
    super();
    const { core, environment, store } = parts;
    this.#parts = parts;
    this.role = core.role;
    this.core = core;
    this.id = Buffer.from(core.id).toString('hex');
    this.peerIdentity = parts.peerIdentity;
    this.closed = new Promise((resolve) => (this.#resolveClosed = resolve));
    if (store !== undefined && core.resumable && core.terms.custody === 'stored') {
      this.journal = new SessionJournal(core, this.id, store, environment, {
        stored: () => this.#stored(),
        fenced: () => parts.onFenced?.(),
        failed: (error) => this.#storeFailed(error),
      });
    }
  }

  get peerParameters(): PeerParameters {
    const { peer } = this.core.terms;
    // Of what a resumption declares nothing else counts. [CNT-003]
    const { livenessIntervalMs, deadlineMs } = this.#link?.connection.peer ?? peer;
    return { ...peer, livenessIntervalMs, deadlineMs };
  }

  get remoteAddress(): string {
    return this.#lastLink?.remoteAddress ?? '';
  }

  get addresses(): ConnectionAddresses | undefined {
    return this.#lastLink?.addresses;
  }

  get revoked(): boolean {
    return this.#revoked;
  }

  get resumable(): boolean {
    return this.core.resumable;
  }

  get state(): SessionState {
    return this.#end === undefined ? this.core.state : 'ended';
  }

  get epoch(): number {
    return this.core.epoch;
  }

  get channels(): Iterable<Channel> {
    return this.#channels.values();
  }

  get sessionId(): string {
    return this.id;
  }

  /** The connection that carries the session. */
  get link(): Link | undefined {
    return this.#link;
  }

  /** Whether its owner has asked for its end. */
  get closing(): CloseCode | undefined {
    return this.#closing;
  }

  get ending(): HawserError | undefined {
    if (this.#end !== undefined) return endError(this.#end);
    const state = this.#link?.connection.state;
    const linkEnds = state === 'closing' || state === 'closed';
    const ends = this.#closing !== undefined || this.core.state === 'ended' || (linkEnds && !this.core.resumable);
    return ends ? endingError() : undefined;
  }

  now(): number {
    return this.#link?.pump.now() ?? this.#parts.environment.deadlines.now();
  }

  flushSoon(): void {
    if (this.#link !== undefined) {
      this.#link.pump.flushSoon();
      return;
    }
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    process.nextTick(() => {
      this.#flushScheduled = false;
      for (let task = this.#beforeFlush.pop(); task !== undefined; task = this.#beforeFlush.pop()) task();
      this.flushed();
    });
  }

  beforeFlush(task: () => void): void {
    if (this.#link === undefined) {
      this.#beforeFlush.push(task);
      this.flushSoon();
    } else this.#link.pump.beforeWrite(task);
  }

  /** Everything that commands have caused is written, as far as it may: the rest waits for the store. */
  flushed(): void {
    this.journal?.schedule();
    this.#takeDetachedEvents();
  }

  /** A connection carries the session from now on. */
  attach(link: Link): void {
    this.#link = link;
    this.#lastLink = link;
    this.#revoked = false;
    const { epoch } = this.core;
    const { beforeEpoch } = this.#parts;
    this.journal?.release(epoch, beforeEpoch && (() => beforeEpoch(epoch)));
    this.#parts.onAttached?.(link);
    // Also where an earlier process had it before.
    if (epoch > 1) this.emit('attached');
    if (this.#closing !== undefined) void this.close(this.#closing);
  }

  /** The connection is about to end because the client's certificate is revoked. */
  revoke(): void {
    this.#revoked = true;
    this.emit('revoked');
  }

  /** The former connection has no part in the session any more; what comes up waits for the next one. */
  unlink(): void {
    this.#link = undefined;
    for (const { reject } of this.#pings.splice(0)) reject(detachedError());
    this.#takeDetachedEvents();
  }

  async open(application: string, options: OpenOptions = {}): Promise<Channel> {
    const channel = this.request(application, options);
    await channel.opened;
    return channel;
  }

  request(application: string, options: OpenOptions = {}): Channel {
    return this.#ask(() => this.core.openChannel(application, options, this.now()));
  }

  /**
   * Passes on the request of another client (a relay); the answer is told as for `request`. What the application end asks to be
   * proved is handed to {@link ChannelEndpoint.onProve}. [RLY-006]
   *
   * @throws as `request`, and MisuseError `HAWSER_ERR_MISUSE_FRAME_TOO_LARGE` for an OPEN that does not fit. [RLY-012]
   */
  forward(forward: Forward): ChannelEndpoint {
    return this.#ask(() => this.core.forward(forward, this.now()));
  }

  #ask(open: () => number): ChannelEndpoint {
    const { ending } = this;
    if (ending !== undefined) throw ending;
    const number = open();
    const kind = this.core.kindOf(number);
    // An error that ends the session was found, and its end is not told yet.
    if (kind === undefined) throw endingError();
    const channel = new ChannelEndpoint(this, number, { ...kind, applicationData: undefined });
    this.#channels.set(number, channel);
    this.flushSoon();
    return channel;
  }

  close(code: CloseCode = 'NO_ERROR'): Promise<SessionEnd> {
    if (this.#end !== undefined) return this.#afterClose();
    this.#closing = code;
    const link = this.#link;
    if (link === undefined) this.#closeDetached(code);
    else link.pump.handle(link.connection.close(code, link.pump.now()));
    return this.#afterClose();
  }

  #closeDetached(code: CloseCode): void {
    // What the client takes for accepted is delivered first.
    this.#closesLater = this.role === 'server' && this.#unconfirmed.length > 0;
    if (!this.#closesLater) this.#parts.onCloseDetached?.(code);
  }

  async #afterClose(): Promise<SessionEnd> {
    const end = await this.closed;
    await this.#parts.afterClose?.();
    return end;
  }

  detach(): void {
    this.#parts.onDetach?.();
    const link = this.#link;
    if (link !== undefined) link.pump.handle(link.connection.detach('NO_ERROR', link.pump.now()));
  }

  drain(deadlineMs: number): void {
    const link = this.#link;
    if (link !== undefined) link.pump.handle(link.connection.drain('NO_ERROR', deadlineMs, link.pump.now()));
  }

  rotate(): Promise<void> {
    const { onRotate } = this.#parts;
    if (this.#end !== undefined) return Promise.reject(endError(this.#end));
    if (onRotate !== undefined && this.resumable) return onRotate();
    const message = 'The session can not be moved: it is not resumable, or this end is the server.';
    return Promise.reject(new TransportError('HAWSER_ERR_TRANSPORT_NOT_RESUMABLE', 'established', message));
  }

  /** A connection of the session may not carry much more: it has to be left. [CNT-056] */
  nearlySpent(connection: Connection): void {
    this.#parts.onNearlySpent?.(connection);
  }

  ping(): Promise<number> {
    if (this.#end !== undefined) return Promise.reject(endError(this.#end));
    const link = this.#link;
    if (link === undefined) return Promise.reject(detachedError());
    link.connection.ping(link.pump.now());
    link.pump.flushSoon();
    return new Promise((resolve, reject) => this.#pings.push({ resolve, reject }));
  }

  /**
   * Resolves when everything that was decided on this session so far is in its store: at once without one. Rejects when the
   * session is over, or somebody else's, before.
   */
  async stored(): Promise<void> {
    await this.journal?.stored();
  }

  confirmed(): Promise<void> | undefined {
    return this.journal?.confirmed();
  }

  /** Judges the peer's chain by new trust anchors and revocation lists, and ends the connection if it fails. [SES-025] */
  async updateTrust(trust: Trust): Promise<void> {
    await this.#link?.updateTrust(trust);
  }

  evidence(): EvidenceRecord {
    const link = this.#lastLink;
    const material = link?.connection.evidence();
    if (link === undefined || material === undefined) {
      throw new TransportError('HAWSER_ERR_TRANSPORT_NO_EVIDENCE', 'established', 'There was no establishment yet.');
    }
    const { ownChain, peer, establishedAt } = link;
    const [clientChain, serverChain] = this.role === 'client' ? [ownChain, peer.chain] : [peer.chain, ownChain];
    return { ...material, recordedAt: establishedAt.toISOString(), clientChain, serverChain };
  }

  /**
   * An event of the engine, after the session has begun. A message, and what comes behind it, waits where the store has to
   * confirm once more that it may be delivered. [CNT-062]
   */
  receive(event: Event): void {
    const waits = this.#unconfirmed.length > 0 && concernsChannels(event);
    const confirmed = waits ? undefined : this.#confirmedFor(event);
    if (!waits && confirmed === undefined) {
      this.#handle(event);
      return;
    }
    this.#unconfirmed.push(event);
    if (confirmed !== undefined) this.#handleOnce(confirmed);
  }

  #confirmedFor(event: Event): Promise<void> | undefined {
    return event.type === 'message-received' ? this.confirmed() : undefined;
  }

  #handleOnce(confirmed: Promise<void>): void {
    confirmed.then(
      () => {
        this.#handleWaiting();
        this.flushSoon();
      },
      // The session is somebody else's.
      () => this.#unconfirmed.splice(0),
    );
  }

  /** One after another: the application may end the session at each of them, and that has to find the rest. [CNT-042] */
  #handleWaiting(): void {
    for (let [next] = this.#unconfirmed; next !== undefined; [next] = this.#unconfirmed) {
      const confirmed = this.#confirmedFor(next);
      if (confirmed !== undefined) {
        this.#handleOnce(confirmed);
        return;
      }
      this.#unconfirmed.shift();
      this.#handle(next);
    }
    const closes = this.#closesLater && this.#link === undefined && this.#end === undefined;
    if (closes && this.#closing !== undefined) this.#closeDetached(this.#closing);
  }

  /**
   * The session is over while a message waits, which is not delivered any more: what came behind it still tells of own messages.
   *
   * @returns its end, where that waited too.
   */
  #handleLast(): SessionEnd | undefined {
    const cut = new Set<number>();
    for (let event = this.#unconfirmed.shift(); event !== undefined; event = this.#unconfirmed.shift()) {
      switch (event.type) {
        case 'closed':
          return event;
        case 'message-received':
          cut.add(event.channel);
          break;
        case 'channel-requested':
        case 'channel-restored':
          break;
        case 'channel-ended':
        case 'channel-closed':
          // It does not end in order without the message.
          if (!cut.has(event.channel) || this.#channels.get(event.channel)?.abandoned === true) this.#handle(event);
          break;
        default:
          this.#handle(event);
      }
    }
    return undefined;
  }

  #handle(event: Event): void {
    switch (event.type) {
      case 'message-received':
        this.#channelOf(event.channel)?.receiveMessage(event);
        return;
      case 'messages-settled': {
        const channel = this.#channelOf(event.channel) ?? this.#unsettled.get(event.channel);
        // Nobody is left who could be told.
        if (channel === undefined) this.core.reported(event.channel, event.last, this.now());
        else channel.receiveOutcome(event);
        if (channel?.over === true) this.forget(event.channel);
        return;
      }
      case 'channel-writable':
        this.#channelOf(event.channel)?.receiveWritable();
        return;
      case 'channel-requested': {
        const requested = new ChannelEndpoint(this, event.channel, event);
        this.#channels.set(event.channel, requested);
        this.#parts.onChannelRequested?.(requested, false);
        return;
      }
      case 'channel-restored': {
        const { state, reset } = event;
        const restored = new ChannelEndpoint(this, event.channel, {
          ...event,
          again: true,
          isOpen: state !== 'opening' && state !== 'proving' && state !== 'proved',
          endSent: state === 'half-closed-local' || state === 'settling' || state === 'closed',
        });
        this.#channels.set(event.channel, restored);
        // One that was reset is handed to the application as what it is: over.
        if (state !== 'closed' || reset === undefined) this.#parts.onChannelRequested?.(restored, true);
        return;
      }
      case 'channel-opened':
        this.#channelOf(event.channel)?.receiveOpened(event.applicationData, event.payload);
        return;
      case 'prove-received':
        this.#channelOf(event.channel)?.receiveProve(event);
        return;
      case 'proof-received':
        this.#channelOf(event.channel)?.receiveProof(event);
        return;
      case 'channel-unproved': {
        const channel = this.#channelOf(event.channel);
        if (channel !== undefined) this.#unproved(channel, flawError(event.flaw));
        return;
      }
      case 'channel-refused': {
        const { code, wireCode, retryAfterMs } = event;
        const error = new RemoteError(code, wireCode, `The channel was refused: ${code}.`, retryAfterMs);
        this.#channelOf(event.channel)?.finish({ type: 'refused', code, error });
        this.forget(event.channel);
        return;
      }
      case 'channel-ended':
        this.#channelOf(event.channel)?.receiveEnd();
        return;
      case 'channel-reset': {
        const { code, wireCode, sentMessages, again } = event;
        const error = new RemoteError(code, wireCode, `The peer has abandoned the channel: ${code}.`);
        this.#channelOf(event.channel)?.finish({ type: 'reset', code, remote: true, error }, sentMessages, again);
        this.#ended(event.channel, again);
        return;
      }
      case 'channel-closed':
        this.#channelOf(event.channel)?.receiveClosed(event);
        this.#ended(event.channel, event.again);
        return;
      case 'pong-received':
        this.#pings.shift()?.resolve(event.rttMs);
        return;
      case 'peer-suspect':
        this.emit('suspect');
        return;
      case 'peer-live':
        this.emit('live');
        return;
      case 'closed':
        this.#receiveClosed(event);
        return;
      case 'established':
      case 'attached':
      case 'rejected':
      case 'challenge-received':
      case 'connect-received':
        return;
      case 'draining':
        this.#parts.onDraining?.(event);
        return;
    }
  }

  /** Ends the connection that carries the session, and a session that is not resumable with it. */
  fail(code: ErrorName, error: HawserError): void {
    if (this.#link !== undefined) endLink(this.#link, code, error);
  }

  /**
   * The session is over without a connection that says so.
   *
   * @param where - `elsewhere`: another process goes on with it, and reports what becomes of its messages.
   */
  finish(end: SessionEnd, where: 'here' | 'elsewhere' = 'here'): void {
    if (this.#end !== undefined) return;
    // What came first counts; and the application may have ended it at one of these.
    this.#finish(where === 'here' ? (this.#handleLast() ?? end) : end, where);
  }

  #finish(end: SessionEnd, where: 'here' | 'elsewhere'): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#link = undefined;
    this.journal?.stop();
    // A server is told by its store whether somebody else has had the session.
    if (where === 'elsewhere') this.journal?.settle('elsewhere');
    else if (this.role === 'client') this.journal?.settle('ended');
    const error = endError(end);
    for (const channel of [...this.#channels.values(), ...this.#unsettled.values()]) {
      if (where === 'here') channel.receiveFates(end);
      else channel.leaveOutcomes();
      channel.finish({ type: 'session-ended', error });
    }
    this.#unsettled.clear();
    for (const { reject } of this.#pings.splice(0)) reject(error);
    this.#channels.clear();
    this.#last = undefined;
    this.#resolveClosed(end);
    this.emit('closed', end);
  }

  /**
   * A channel is over.
   *
   * @param again - whether it was before a restart.
   */
  #ended(number: number, again = false): void {
    const channel = this.#channels.get(number);
    if (again && channel?.wasReset === true) this.#parts.onChannelRequested?.(channel, true);
    this.forget(number);
  }

  /** A channel is over, or was never taken: of what is still to come of it only outcomes are told. */
  forget(number: number): void {
    const channel = this.#channels.get(number) ?? this.#unsettled.get(number);
    if (channel === undefined) return;
    // Nobody has handed it to the application, which has to find it.
    if (channel.awaitsOwner && this.#parts.onChannelRequested === undefined) return;
    this.#channels.delete(number);
    if (this.#last?.number === number) this.#last = undefined;
    if (channel.awaitsOutcome) this.#unsettled.set(number, channel);
    else {
      this.#unsettled.delete(number);
      channel.letGo();
    }
  }

  /** Judges an application end that asks for proof, and proves this client to it. [RLY-041] [RLY-042] */
  prove(channel: ChannelEndpoint, prove: ProveReceived): void {
    const { prover } = this.#parts;
    if (prover === undefined) throw new InternalError('A client has a prover.');
    const answer = async (): Promise<void> => {
      await prover.judge(prove);
      this.core.proof(channel.number, prover.proof, this.now());
      this.flushSoon();
    };
    answer().catch((error: unknown) => this.#unproved(channel, error as HawserError));
  }

  /** A channel does not come about, since one end does not prove what it has to. */
  #unproved(channel: ChannelEndpoint, error: HawserError): void {
    const { application, number } = channel;
    const requirement = error instanceof ProofError ? { requirement: error.requirement } : {};
    this.#parts.log.warn({ session: this.id, channel: number, application, err: error, ...requirement }, 'not proved');
    channel.fail('PROOF_INVALID', error);
  }

  applicationFailed(channel: ChannelEndpoint, error: unknown): void {
    const fields = { session: this.id, channel: channel.number, application: channel.application, err: error };
    if (this.ending !== undefined || channel.over) {
      // Who works on finds out by what this end rejects with; everything else is a failure.
      if (!(error instanceof HawserError))
        this.#parts.log.warn(fields, 'the application end failed; its channel was over');
      return;
    }
    this.#parts.log.error(fields, 'the application end failed; its channel is reset');
    channel.reset('APPLICATION_ERROR');
  }

  #channelOf(number: number): ChannelEndpoint | undefined {
    if (this.#last?.number === number) return this.#last;
    this.#last = this.#channels.get(number);
    return this.#last;
  }

  #receiveClosed(end: SessionEnd): void {
    if (end.session === 'detached') {
      this.unlink();
      this.emit('detached', end);
    } else this.finish(end);
    this.#parts.onLinkEnded?.(end);
  }

  #stored(): void {
    if (this.#link === undefined) this.#takeDetachedEvents();
    else this.#link.pump.flushSoon();
  }

  /** Application ends go on without a connection: they get what was stored in the meantime. [CNT-013] */
  #takeDetachedEvents(): void {
    if (this.#link !== undefined) return;
    const events = this.core.takeEvents();
    if (events.length === 0) return;
    const waits = this.#unconfirmed.length > 0;
    this.#unconfirmed.push(...events);
    if (!waits) this.#handleWaiting();
    this.flushSoon();
  }

  /** What can not be stored is not acknowledged, and nothing more can be done for the peer: it may resume later. */
  #storeFailed(error: HawserError): void {
    this.#parts.log.error({ session: this.id, err: error }, 'the store fails: the session is detached until it works');
    this.fail('INTERNAL_ERROR', error);
  }
}

/** Whether an event has to keep its place among those of the channels. */
function concernsChannels(event: Event): boolean {
  return 'channel' in event || (event.type === 'closed' && event.session !== 'detached');
}

/** The error that tells what is waiting that a session has ended. */
export function endError(end: SessionEnd): HawserError {
  return (
    end.error ??
    new TransportError('HAWSER_ERR_TRANSPORT_SESSION_ENDED', 'established', 'The session has ended in order.')
  );
}

/** Ends one connection, and a session that is not resumable with it; not the connection that has the session by then. */
export function endLink({ connection, pump }: Link, code: ErrorName, error: HawserError): void {
  pump.handle(connection.detach(code, pump.now(), error));
}

/** The error that tells what is wrong with an OPENED. */
function flawError(flaw: OpeningFlaw): ProofError {
  switch (flaw) {
    case 'no-prove': {
      const message = 'The application end has asked for no proof, which this client demands.';
      return new ProofError('HAWSER_ERR_PROOF_MISSING', 'RLY-047', message);
    }
    case 'no-signature':
      return new ProofError('HAWSER_ERR_PROOF_UNSIGNED', 'RLY-046', 'The answer of the application end is not signed.');
    case 'wrong-signature': {
      const message = 'The signature in the answer of the application end does not verify.';
      return new ProofError('HAWSER_ERR_PROOF_SIGNATURE', 'RLY-046', message);
    }
  }
}

/** The error of what is asked of a session that is over, or about to be. */
export function endingError(): TransportError {
  const message = 'The session is ending: nothing new is begun.';
  return new TransportError('HAWSER_ERR_TRANSPORT_SESSION_ENDED', 'established', message);
}

/** The error of what needs a connection. */
export function detachedError(): TransportError {
  const message = 'The session has no connection at the moment.';
  return new TransportError('HAWSER_ERR_TRANSPORT_DETACHED', 'established', message);
}
