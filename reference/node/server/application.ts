import type { CodeIn, Forwarded } from '../../core/index.ts';
import type { Channel } from '../session/channel.ts';
import type { Session } from '../session/session.ts';

/** Codes with which an application end, or a relay, may decline. Whether there is room is for the server to say. */
export type RefusalCode = Exclude<CodeIn<'REFUSED'>, 'CHANNEL_LIMIT'>;

/** What an application end, or a relay, answers with OPENED. */
export interface AcceptOptions {
  /** Up to 4,096 octets for the client. */
  readonly applicationData?: Uint8Array | undefined;
  /** The payload of another's OPENED, which a relay passes on as it is. [RLY-050] */
  readonly payload?: Uint8Array | undefined;
}

/** The connection establishment request, as it reaches the application end. */
export interface ChannelRequest {
  /** The verified identity of the client: that of the peer, or the one that a relay names. [CHN-006] [RLY-014] */
  readonly identity: string;
  /** Identities of the relays that the request has passed, the last one the peer's; none where the peer is the client. [RLY-014] */
  readonly relays: readonly string[];
  /** The name that the client asked for. */
  readonly application: string;
  /** `application_data` of OPEN. */
  readonly applicationData: Uint8Array | undefined;
  /** The nonce of OPEN. */
  readonly nonce: Uint8Array;
  /** The payload of OPEN, octet for octet; empty once the channel is open. */
  readonly openPayload: Uint8Array;
  /** What the peer, a relay, has added to it. */
  readonly forwarded: Forwarded | undefined;
  /** The session that carries the request. */
  readonly session: Session;
  /**
   * Whether the application end had taken the channel before a crash of this server: messages that it may not have finished
   * come again, marked as redelivered. There is nothing to decide. [CNT-044] A channel that is over is among them as long as
   * outcomes of own messages are to be told: see {@link Channel.onOutcome}.
   */
  readonly restored: boolean;
  /**
   * Has the client prove itself, however many relays say who it is: sends PROVE, and judges PROOF by the trust of this server
   * (section 13.7). `accept` then signs what it answers.
   *
   * @returns when the proof holds. Else the channel is refused, and it rejects with a `ProofError`, or with the reason for which
   *   the channel is over.
   */
  prove(): Promise<void>;
  /**
   * Sends a PROVE that another has written (a relay). [RLY-050]
   *
   * @returns the payload of PROOF; rejects when the channel is over before.
   */
  provePayload(payload: Uint8Array): Promise<Uint8Array>;
  /** Takes the channel; messages may be sent from now on. A second decision has no effect. */
  accept(options?: AcceptOptions): void;
  /**
   * Declines the channel. A second decision has no effect.
   *
   * @param retryAfterMs - shortest time until a new attempt is welcome; 0 says nothing.
   */
  refuse(code?: RefusalCode, retryAfterMs?: number): void;
}

/**
 * An application end: called once for each channel that policy allows. It decides by `request.accept` or
 * `request.refuse`, now or later; if it has decided neither when it returns, or when the promise it returned is
 * fulfilled, the channel is taken. If it throws, the channel is refused, or reset, with APPLICATION_ERROR.
 */
export type Application = (channel: Channel, request: ChannelRequest) => void | Promise<void>;
