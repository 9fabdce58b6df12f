import { EventEmitter } from 'node:events';
import {
  type Closed,
  type Connection,
  type ErrorName,
  type EvidenceRecord,
  type Event,
  type HawserError,
  type PeerParameters,
  RemoteError,
  TransportError,
} from '../core/index.ts';
import { type Channel, ChannelEndpoint, type ChannelHost } from './channel.ts';
import type { Log } from './log.ts';
import type { VerifiedPeer } from './peer-gate.ts';
import type { SocketPump } from './socket-pump.ts';
import type { Trust } from './trust.ts';

/** How a session ended; see the engine's event of that name. */
export type SessionEnd = Closed;

/** Codes that the owner of a session may end it with. */
export type CloseCode = 'NO_ERROR' | 'SHUTTING_DOWN' | 'INTERNAL_ERROR';

/** Events of a {@link Session}. */
export interface SessionEvents {
  /** The peer has been silent for long: nothing new is begun until `live`. [SES-020] */
  readonly suspect: readonly [];
  readonly live: readonly [];
  readonly closed: readonly [SessionEnd];
}

/** A long connection (chapter 5). */
export interface Session {
  readonly role: 'client' | 'server';
  /** The session id in lower-case hex: a name, never a credential. */
  readonly id: string;
  /** The verified identity of the peer. */
  readonly peerIdentity: string;
  /** What the peer declared and granted. */
  readonly peerParameters: PeerParameters;
  /** Network address of the peer, for logs. */
  readonly remoteAddress: string;
  /** Resolves when the session is over, however it ended; it never rejects. */
  readonly closed: Promise<SessionEnd>;
  /** Channels that are not over. */
  readonly channels: Iterable<Channel>;
  /**
   * Opens a channel to an application end (client).
   *
   * @param application - name of the application end, 1 to 255 octets of UTF-8.
   * @returns the channel, once it is open; rejects with a {@link RemoteError} when it is refused.
   */
  open(application: string, options?: { readonly applicationData?: Uint8Array | undefined }): Promise<Channel>;
  /**
   * As `open`, without waiting: the channel has its number, and `opened` tells of the answer. Messages can not be sent
   * before.
   */
  request(application: string, options?: { readonly applicationData?: Uint8Array | undefined }): Channel;
  /**
   * Ends the session in order. What is queued is not sent; the result tells the fate of each message.
   *
   * @returns the same as `closed`.
   */
  close(code?: CloseCode): Promise<SessionEnd>;
  /** Measures the round trip in milliseconds. Rejects when the session ends first. */
  ping(): Promise<number>;
  /** Judges the peer's chain by new trust anchors and revocation lists, and ends the session if it fails. [SES-025] */
  updateTrust(trust: Trust): Promise<void>;
  /** The evidence record of this session (section 4.8); `serializeEvidenceRecord` makes the file of it. */
  evidence(): EvidenceRecord;
  on<Name extends keyof SessionEvents>(name: Name, listener: (...args: SessionEvents[Name]) => void): this;
  once<Name extends keyof SessionEvents>(name: Name, listener: (...args: SessionEvents[Name]) => void): this;
  off<Name extends keyof SessionEvents>(name: Name, listener: (...args: SessionEvents[Name]) => void): this;
}

/** What a {@link SessionEndpoint} is made of. */
export interface SessionParts {
  readonly role: 'client' | 'server';
  readonly connection: Connection;
  readonly pump: SocketPump;
  readonly peer: VerifiedPeer;
  /** Own DER certificates, leaf first. */
  readonly ownChain: readonly Uint8Array[];
  readonly remoteAddress: string;
  readonly establishedAt: Date;
  readonly log: Log;
  /** Judges the peer's chain anew. */
  readonly updateTrust: (trust: Trust) => Promise<void>;
  /** A client asks for a channel (server). */
  readonly onChannelRequested?: (channel: ChannelEndpoint) => void;
}

/** The {@link Session} of an established connection, with the side that its connection feeds. */
export class SessionEndpoint extends EventEmitter implements Session, ChannelHost {
  readonly role: 'client' | 'server';
  readonly id: string;
  readonly peerIdentity: string;
  readonly peerParameters: PeerParameters;
  readonly remoteAddress: string;
  readonly closed: Promise<SessionEnd>;
  readonly connection: Connection;
  readonly pump: SocketPump;
  readonly #parts: SessionParts;
  readonly #channels = new Map<number, ChannelEndpoint>();
  readonly #pings: {
    readonly resolve: (rttMs: number) => void;
    readonly reject: (error: HawserError) => void;
  }[] = [];
  #resolveClosed: (end: SessionEnd) => void = () => undefined;
  #end: SessionEnd | undefined;
  /** The channel of the last message: traffic comes in runs. */
  #last: ChannelEndpoint | undefined;

  constructor(parts: SessionParts, sessionId: Uint8Array, peerParameters: PeerParameters) {
    super();
    this.#parts = parts;
    this.role = parts.role;
    this.id = Buffer.from(sessionId).toString('hex');
    this.peerIdentity = parts.peer.identity;
    this.peerParameters = peerParameters;
    this.remoteAddress = parts.remoteAddress;
    this.connection = parts.connection;
    this.pump = parts.pump;
    this.closed = new Promise((resolve) => (this.#resolveClosed = resolve));
  }

  get channels(): Iterable<Channel> {
    return this.#channels.values();
  }

  async open(
    application: string,
    options: { readonly applicationData?: Uint8Array | undefined } = {},
  ): Promise<Channel> {
    const channel = this.request(application, options);
    await channel.opened;
    return channel;
  }

  request(application: string, options: { readonly applicationData?: Uint8Array | undefined } = {}): Channel {
    if (this.#end !== undefined) throw endError(this.#end);
    const number = this.connection.openChannel(application, options, this.pump.now());
    const channel = new ChannelEndpoint(this, number, application, undefined, false);
    this.#channels.set(number, channel);
    this.pump.flushSoon();
    return channel;
  }

  close(code: CloseCode = 'NO_ERROR'): Promise<SessionEnd> {
    this.pump.handle(this.connection.close(code, this.pump.now()));
    return this.closed;
  }

  ping(): Promise<number> {
    if (this.#end !== undefined) return Promise.reject(endError(this.#end));
    this.connection.ping(this.pump.now());
    this.pump.flushSoon();
    return new Promise((resolve, reject) => this.#pings.push({ resolve, reject }));
  }

  updateTrust(trust: Trust): Promise<void> {
    return this.#parts.updateTrust(trust);
  }

  evidence(): EvidenceRecord {
    const material = this.connection.evidence();
    if (material === undefined) {
      throw new TransportError('HAWSER_ERR_TRANSPORT_NO_EVIDENCE', 'established', 'The engine kept no evidence.');
    }
    const { ownChain, peer, establishedAt } = this.#parts;
    const [clientChain, serverChain] = this.role === 'client' ? [ownChain, peer.chain] : [peer.chain, ownChain];
    return { ...material, recordedAt: establishedAt.toISOString(), clientChain, serverChain };
  }

  /** An event of the engine, after `established`. */
  receive(event: Event): void {
    switch (event.type) {
      case 'message-received':
        this.#channelOf(event.channel)?.receiveMessage(event.data, event.number);
        return;
      case 'channel-writable':
        this.#channelOf(event.channel)?.receiveWritable();
        return;
      case 'channel-requested': {
        const { channel, application, applicationData } = event;
        const requested = new ChannelEndpoint(this, channel, application, applicationData, false);
        this.#channels.set(channel, requested);
        this.#parts.onChannelRequested?.(requested);
        return;
      }
      case 'channel-opened':
        this.#channelOf(event.channel)?.receiveOpened(event.applicationData);
        return;
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
        const { code, wireCode } = event;
        const error = new RemoteError(code, wireCode, `The peer has abandoned the channel: ${code}.`);
        this.#channelOf(event.channel)?.finish({ type: 'reset', code, remote: true, error });
        this.forget(event.channel);
        return;
      }
      case 'channel-closed':
        this.#channelOf(event.channel)?.receiveClosed();
        this.forget(event.channel);
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
      case 'rejected':
      case 'connect-received':
        return;
    }
  }

  /** Ends the session for a reason of this endpoint's own. */
  fail(code: ErrorName, error: HawserError): void {
    this.pump.handle(this.connection.close(code, this.pump.now(), error));
  }

  /** A channel is over, or was never taken. */
  forget(number: number): void {
    this.#channels.delete(number);
    if (this.#last?.number === number) this.#last = undefined;
  }

  applicationFailed(channel: ChannelEndpoint, error: unknown): void {
    if (this.#end !== undefined || !this.#channels.has(channel.number)) return;
    const fields = { session: this.id, channel: channel.number, application: channel.application, err: error };
    this.#parts.log.error(fields, 'the application end failed; its channel is reset');
    channel.reset('APPLICATION_ERROR');
  }

  #channelOf(number: number): ChannelEndpoint | undefined {
    if (this.#last?.number === number) return this.#last;
    this.#last = this.#channels.get(number);
    return this.#last;
  }

  #receiveClosed(end: SessionEnd): void {
    this.#end = end;
    if (this.#channels.size + this.#pings.length > 0) {
      const error = endError(end);
      for (const channel of this.#channels.values()) channel.finish({ type: 'session-ended', error });
      for (const { reject } of this.#pings.splice(0)) reject(error);
      this.#channels.clear();
      this.#last = undefined;
    }
    this.#resolveClosed(end);
    this.emit('closed', end);
  }
}

/** The error that tells what is waiting that a session has ended. */
export function endError(end: SessionEnd): HawserError {
  return (
    end.error ??
    new TransportError('HAWSER_ERR_TRANSPORT_SESSION_ENDED', 'established', 'The session has ended in order.')
  );
}
