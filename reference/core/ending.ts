import { isFailure } from './error-codes.ts';
import { type HawserError, RemoteError, TransportError } from './errors.ts';
import type { Closed } from './events.ts';
import { type ErrorName, TIMERS } from './registry.gen.ts';
import type { Fates } from './session.ts';

/** How a connection ends: with which code and error, begun by whom, and how long the transport is still needed. */
export class Ending {
  /** The peer, or the loss of the transport, began it. */
  remote = false;
  #error: HawserError | undefined;
  #code: ErrorName | undefined;
  #deadline: number | undefined;
  #finished = false;

  /** The first error of the connection. [WIR-028] */
  get error(): HawserError | undefined {
    return this.#error;
  }

  /** The code with which the connection ends; undefined while none was sent or received. */
  get code(): ErrorName | undefined {
    return this.#code;
  }

  /** Nothing is sent any more. */
  get outputEnded(): boolean {
    return this.#deadline !== undefined || this.#finished;
  }

  /** The transport is not needed any more. */
  get finished(): boolean {
    return this.#finished;
  }

  /** When the transport is cut; undefined while the connection goes on, or when it is finished. [SES-015] */
  get deadline(): number | undefined {
    return this.#finished ? undefined : this.#deadline;
  }

  /** Notes an error, if it is the first one. [WIR-028] */
  fail(error: HawserError): void {
    this.#error ??= error;
  }

  /** The last frame was written: the peer gets time to read it. [EST-023] [SES-011] [SES-014] */
  endOutput(now: number): void {
    this.#deadline ??= now + TIMERS.close_deadline_ms;
  }

  /** CLOSE or REJECT was sent with a code. */
  sent(code: ErrorName, now: number): void {
    this.#code ??= code;
    this.endOutput(now);
  }

  /** The peer has said why it ends the connection. */
  received(code: ErrorName, wireCode: number, message: string, retryAfterMs?: number): void {
    this.#code ??= code;
    if (isFailure(code)) this.fail(new RemoteError(code, wireCode, message, retryAfterMs));
  }

  /** The transport is gone, or is given up. */
  finish(): void {
    this.#finished = true;
  }

  /**
   * The event that reports the end.
   *
   * @param answered - whether the peer's CLOSE, or REJECT, was read: without it no end is an orderly one. [SES-016]
   */
  closed(
    answered: boolean,
    peerReceiveCursor: number | undefined,
    session: Closed['session'],
    { acceptedMessages, unknownMessages, undeliveredMessages }: Fates,
  ): Closed {
    const failed = this.#code !== undefined && isFailure(this.#code);
    const broken = this.#error !== undefined && !(this.#error instanceof TransportError);
    return {
      type: 'closed',
      outcome: failed || broken ? 'error' : answered ? 'orderly' : 'aborted',
      code: this.#code,
      error: this.#error,
      remote: this.remote,
      peerReceiveCursor,
      session,
      acceptedMessages,
      unknownMessages,
      undeliveredMessages,
    };
  }
}
