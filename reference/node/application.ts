import type { Channel } from './channel.ts';
import type { Session } from './session.ts';

/** Codes with which an application end may decline. */
export type RefusalCode =
  | 'APPLICATION_ERROR'
  | 'APPLICATION_REFUSED'
  | 'APPLICATION_TIMEOUT'
  | 'BUSY'
  | 'FRAMING_INVALID'
  | 'HOP_LIMIT'
  | 'INTERNAL_ERROR'
  | 'PROOF_INVALID'
  | 'PROOF_UNAVAILABLE'
  | 'ROUTE_LOOP'
  | 'ROUTE_UNREACHABLE';

/** The connection establishment request, as it reaches the application end. */
export interface ChannelRequest {
  /** The verified identity of the client. [CHN-006] */
  readonly identity: string;
  /** The name that the client asked for. */
  readonly application: string;
  /** `application_data` of OPEN. */
  readonly applicationData: Uint8Array | undefined;
  /** The session that carries the request. */
  readonly session: Session;
  /**
   * Whether the application end had taken the channel before a crash of this server: messages that it may not have finished
   * come again, marked as redelivered. There is nothing to decide. [CNT-044]
   */
  readonly restored: boolean;
  /**
   * Takes the channel; messages may be sent from now on. A second decision has no effect.
   *
   * @param options - `applicationData`: up to 4,096 octets for OPENED.
   */
  accept(options?: { readonly applicationData?: Uint8Array | undefined }): void;
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
