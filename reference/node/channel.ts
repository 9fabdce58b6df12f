import { type Connection, type ErrorName, type HawserError, MisuseError, RemoteError } from '../core/index.ts';
import { MessageQueue } from './message-queue.ts';
import type { SocketPump } from './socket-pump.ts';

/** Octets that a channel's queue holds before `send` makes its caller wait. */
const MAX_QUEUED_BYTES = 64 * 1024;

/** Messages likewise: empty ones have no octets. */
const MAX_QUEUED_MESSAGES = 256;

const SENT: Promise<void> = Promise.resolve();

/** Codes that an application may abandon a channel with. */
export type ResetCode = 'NO_ERROR' | 'CANCELLED' | 'APPLICATION_ERROR' | 'INTERNAL_ERROR';

/**
 * Takes a message. The octets are a view into what was read: copy what is kept for long, because the view keeps up to
 * 64 KiB alive. The peer is granted new credit when the function has returned, or when the promise it returned settles.
 */
export type MessageHandler = (message: Uint8Array, number: number) => void | Promise<void>;

/** How a channel ended. */
export type ChannelEnd =
  /** Both ends have sent END. */
  | { readonly type: 'closed' }
  /** It was not opened. */
  | { readonly type: 'refused'; readonly code: ErrorName; readonly error: RemoteError }
  /** One end has abandoned it. */
  | { readonly type: 'reset'; readonly code: ErrorName; readonly remote: boolean; readonly error: HawserError }
  /** The session ended first. */
  | { readonly type: 'session-ended'; readonly error: HawserError };

/** One exchange between the client and an application end: messages in both directions (chapter 6). */
export interface Channel extends AsyncIterable<Uint8Array> {
  /** Its number in the session, from 1. */
  readonly number: number;
  /** Name of the application end. */
  readonly application: string;
  /** What the peer gave with OPEN (at the server) or OPENED (at the client, once it is opened). */
  readonly applicationData: Uint8Array | undefined;
  /** Resolves when the application end has taken the channel; rejects with a {@link RemoteError} when it has not. */
  readonly opened: Promise<void>;
  /** Resolves when the channel is over; it never rejects. */
  readonly closed: Promise<ChannelEnd>;
  /**
   * Takes each message as it arrives: the fast way. Messages that came before it was set are handed over at once. While
   * it is not set, and nobody iterates, messages wait and no new credit is granted.
   */
  onMessage: MessageHandler | undefined;
  /** Called when the peer has sent its last message, after that message. */
  onEnd: (() => void) | undefined;
  /**
   * Sends a message. A caller that waits for the promise before it sends the next one is slowed down to what the peer
   * and the transport take; a resolved promise does not mean that the peer has it.
   *
   * @param message - at most as many octets as the peer takes. The caller leaves them unchanged from now on.
   * @returns a promise that rejects with the reason when the channel is over.
   * @throws MisuseError `HAWSER_ERR_MISUSE_*` after `end`, or for a message larger than the peer takes.
   */
  send(message: Uint8Array): Promise<void>;
  /** Says that no message follows. The channel is closed when both ends have said so. */
  end(): void;
  /** Abandons the channel in both directions. */
  reset(code?: ResetCode): void;
  /** The messages as they arrive; convenient, and slower than `onMessage`. Ends with END, throws for any other end. */
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined>;
}

/** What a channel needs of its session. */
export interface ChannelHost {
  readonly connection: Connection;
  readonly pump: SocketPump;
  /** An application's callback has failed. */
  applicationFailed(channel: ChannelEndpoint, error: unknown): void;
}

/** Settles later; {@link Promise.withResolvers} is not on the oldest platform. */
interface Deferred<Value> {
  readonly promise: Promise<Value>;
  readonly resolve: (value: Value) => void;
  readonly reject: (error: unknown) => void;
}

function createDeferred<Value>(): Deferred<Value> {
  let settle: Omit<Deferred<Value>, 'promise'> | undefined;
  const promise = new Promise<Value>((resolve, reject) => (settle = { resolve, reject }));
  // Whoever does not ask need not handle it.
  promise.catch(() => undefined);
  return { promise, ...(settle as Omit<Deferred<Value>, 'promise'>) };
}

/** The {@link Channel} of a session, with the side that the session feeds. */
export class ChannelEndpoint implements Channel {
  readonly number: number;
  readonly application: string;
  applicationData: Uint8Array | undefined;
  readonly #host: ChannelHost;
  readonly #messages = new MessageQueue();
  #opened: Deferred<void> | undefined;
  #isOpen: boolean;
  #closed: Deferred<ChannelEnd> | undefined;
  #end: ChannelEnd | undefined;
  #endSent = false;
  #resetSent: ResetCode | undefined;
  #writable: Deferred<void> | undefined;
  /** Messages given to `send` that the engine had to queue, since its queue was last empty. */
  #queued = 0;
  /** What the application is done with and the engine has not been told: once for each write, not for each message. */
  #consumedMessages = 0;
  #consumedBytes = 0;
  #onMessage: MessageHandler | undefined;
  #onEnd: (() => void) | undefined;
  /** Callbacks and the handler of the application that have not settled. [CHN-011] */
  #working = 0;

  constructor(
    host: ChannelHost,
    number: number,
    application: string,
    applicationData: Uint8Array | undefined,
    isOpen: boolean,
  ) {
    this.#host = host;
    this.number = number;
    this.application = application;
    this.applicationData = applicationData;
    this.#isOpen = isOpen;
  }

  get opened(): Promise<void> {
    if (this.#opened !== undefined) return this.#opened.promise;
    this.#opened = createDeferred();
    if (this.#isOpen) this.#opened.resolve();
    else if (this.#end !== undefined) this.#opened.reject(this.#reason(this.#end));
    return this.#opened.promise;
  }

  get closed(): Promise<ChannelEnd> {
    if (this.#closed !== undefined) return this.#closed.promise;
    this.#closed = createDeferred();
    if (this.#end !== undefined) this.#closed.resolve(this.#end);
    return this.#closed.promise;
  }

  get onMessage(): MessageHandler | undefined {
    return this.#onMessage;
  }

  set onMessage(handler: MessageHandler | undefined) {
    this.#onMessage = handler;
    if (handler === undefined) return;
    for (let next = this.#messages.take(); next !== undefined; next = this.#messages.take()) {
      this.#deliver(handler, next.data, next.number);
    }
    if (this.#messages.ended) this.#tellEnd();
  }

  get onEnd(): (() => void) | undefined {
    return this.#onEnd;
  }

  set onEnd(handler: (() => void) | undefined) {
    this.#onEnd = handler;
    if (this.#messages.ended && this.#messages.empty) this.#tellEnd();
  }

  send(message: Uint8Array): Promise<void> {
    if (this.#end !== undefined) return Promise.reject(this.#reason(this.#end));
    if (this.#endSent || this.#resetSent !== undefined) {
      throw new MisuseError('HAWSER_ERR_MISUSE_CHANNEL_ENDED', 'A message can not follow the end of its channel.');
    }
    const { connection, pump } = this.#host;
    const { pendingBytes } = connection;
    connection.sendMessage(this.number, message, pump.now());
    pump.flushSoon();
    // It is on its way; of these the engine takes no more than one flush.
    if (connection.pendingBytes > pendingBytes) return SENT;
    this.#queued += 1;
    if (this.#queued <= MAX_QUEUED_MESSAGES && connection.queuedBytes(this.number) <= MAX_QUEUED_BYTES) return SENT;
    this.#writable ??= createDeferred();
    return this.#writable.promise;
  }

  end(): void {
    if (this.#end !== undefined || this.#endSent || this.#resetSent !== undefined) return;
    this.#endSent = true;
    const { connection, pump } = this.#host;
    connection.endChannel(this.number, pump.now());
    pump.flushSoon();
  }

  reset(code: ResetCode = 'CANCELLED'): void {
    if (this.#end !== undefined || this.#resetSent !== undefined) return;
    this.#resetSent = code;
    const { connection, pump } = this.#host;
    connection.resetChannel(this.number, code, pump.now());
    pump.flushSoon();
    this.#messages.fail(new MisuseError('HAWSER_ERR_MISUSE_CHANNEL_ENDED', 'The channel was abandoned by this end.'));
    this.#writable?.reject(
      new MisuseError('HAWSER_ERR_MISUSE_CHANNEL_ENDED', 'The channel was abandoned by this end.'),
    );
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    let held = 0;
    let holds = false;
    // A message is consumed when the next one is asked for.
    const consume = (): void => {
      if (holds) this.#consume(held);
      holds = false;
    };
    return {
      next: async () => {
        consume();
        const message = await this.#messages.next();
        if (message === undefined) return { done: true, value: undefined };
        held = message.data.length;
        holds = true;
        return { done: false, value: message.data };
      },
      return: () => {
        consume();
        if (!this.#messages.ended) this.reset();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  /** The application end has taken the channel. */
  receiveOpened(applicationData: Uint8Array | undefined): void {
    this.applicationData = applicationData;
    this.markOpen();
  }

  /** The channel is open. */
  markOpen(): void {
    this.#isOpen = true;
    this.#opened?.resolve();
  }

  /** A message has come. */
  receiveMessage(data: Uint8Array, number: number): void {
    // Discarded by the engine from now on, but this one may be of the same chunk.
    if (this.#resetSent !== undefined) return;
    if (this.#onMessage === undefined) this.#messages.push({ data, number });
    else this.#deliver(this.#onMessage, data, number);
  }

  /** The peer has sent its last message. */
  receiveEnd(): void {
    this.#messages.end();
    if (this.#messages.empty) this.#tellEnd();
  }

  /** Everything that was queued is written. */
  receiveWritable(): void {
    this.#queued = 0;
    this.#writable?.resolve();
    this.#writable = undefined;
  }

  /** The channel is over by END from both sides, or by the answer to the own RESET. */
  receiveClosed(): void {
    const code = this.#resetSent;
    if (code === undefined) {
      this.finish({ type: 'closed' });
      return;
    }
    const error = new MisuseError('HAWSER_ERR_MISUSE_CHANNEL_ENDED', 'The channel was abandoned by this end.');
    this.finish({ type: 'reset', code, remote: false, error });
  }

  /** The channel is over. */
  finish(end: ChannelEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    if (end.type !== 'closed') this.#messages.fail(end.error);
    if (!this.#isOpen) this.#opened?.reject(this.#reason(end));
    this.#writable?.reject(this.#reason(end));
    this.#writable = undefined;
    this.#closed?.resolve(end);
    this.#release();
  }

  /** The application works on the channel until the promise settles. */
  work(promise: Promise<void>): void {
    this.#working += 1;
    promise
      .catch((error: unknown) => this.#host.applicationFailed(this, error))
      .finally(() => {
        this.#working -= 1;
        this.#release();
      });
  }

  // [CHN-011]
  #release(): void {
    if (this.#working > 0 || this.#end?.type !== 'reset') return;
    const { connection, pump } = this.#host;
    connection.release(this.number, pump.now());
  }

  #deliver(handler: MessageHandler, data: Uint8Array, number: number): void {
    let result: void | Promise<void>;
    try {
      result = handler(data, number);
    } catch (error) {
      this.#consume(data.length);
      this.#host.applicationFailed(this, error);
      return;
    }
    // Most messages, so no promise is made for them.
    if (result === undefined || result === SENT) this.#consume(data.length);
    else this.work(result.finally(() => this.#consume(data.length)));
  }

  #tellEnd(): void {
    const handler = this.#onEnd;
    this.#onEnd = undefined;
    try {
      handler?.();
    } catch (error) {
      this.#host.applicationFailed(this, error);
    }
  }

  #consume(bytes: number): void {
    if (this.#consumedMessages === 0) this.#host.pump.beforeWrite(this.#reportConsumed);
    this.#consumedMessages += 1;
    this.#consumedBytes += bytes;
  }

  readonly #reportConsumed = (): void => {
    const { connection, pump } = this.#host;
    connection.consume(this.number, this.#consumedMessages, this.#consumedBytes, pump.now());
    this.#consumedMessages = 0;
    this.#consumedBytes = 0;
  };

  #reason(end: ChannelEnd): HawserError {
    if (end.type !== 'closed') return end.error;
    return new MisuseError('HAWSER_ERR_MISUSE_CHANNEL_ENDED', 'The channel is closed.');
  }
}
