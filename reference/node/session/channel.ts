import {
  type ChannelClosed,
  type Closed,
  type CodeIn,
  type ErrorName,
  type Forwarded,
  type HawserError,
  type MessageRange,
  type MessagesSettled,
  MisuseError,
  type ProofReceived,
  type ProveReceived,
  RemoteError,
  type Session as CoreSession,
} from '../../core/index.ts';
import { MessageQueue, type QueuedMessage } from './message-queue.ts';

/** Octets that a channel's queue holds before `send` makes its caller wait. */
const MAX_QUEUED_BYTES = 64 * 1024;

/** Messages likewise: empty ones have no octets. */
const MAX_QUEUED_MESSAGES = 256;

const NO_OCTETS = new Uint8Array(0);

const SENT: Promise<void> = Promise.resolve();

const ACCEPTED: Outcome = { type: 'accepted' };
const NOT_DELIVERED: Outcome = { type: 'not-delivered' };
const UNKNOWN: Outcome = { type: 'unknown' };

/** Codes that an application, or a relay, may abandon a channel with. */
export type ResetCode = Exclude<CodeIn<'RESET'>, 'CHANNEL_CLOSED'>;

/**
 * Takes a message. The octets are a view into what was read: copy what is kept for long, because the view keeps up to
 * 64 KiB alive. When the function has returned, or when the promise it returned settles, the message is accepted: the peer
 * is granted new credit and, on a channel with outcomes, gets the verdict. Throw a {@link Rejection} to reject it there.
 *
 * @param number - number of the message on its channel, from 1.
 * @param redelivered - it may have been handed over before a crash, with the same number: look for {@link Channel.keyOf}
 *   among what was recorded. Servers that share their sessions do so for every message. [CNT-044] [CNT-062]
 */
export type MessageHandler = (message: Uint8Array, number: number, redelivered: boolean) => void | Promise<void>;

/** Takes the outcome of own messages, which come in their order. */
export type OutcomeHandler = (range: OutcomeRange) => void | Promise<void>;

/** Thrown by a {@link MessageHandler} on a channel with outcomes: the message is rejected, and the channel goes on. */
export class Rejection extends Error {
  /** What the sender is told: 1 to 65,535, with a meaning that the applications have agreed on. */
  readonly verdict: number;

  constructor(verdict: number, message = `The message is rejected with ${verdict}.`) {
    super(message);
    if (!Number.isInteger(verdict) || verdict < 1 || verdict > 0xffff) {
      throw new MisuseError('HAWSER_ERR_MISUSE_VERDICT', 'A message is rejected with a number from 1 to 65,535.');
    }
    this.name = 'Rejection';
    this.verdict = verdict;
  }
}

/** What became of a message (section 12.6). */
export type Outcome =
  | { readonly type: 'accepted' }
  /** By the receiving application, with a number of its own. */
  | { readonly type: 'rejected'; readonly verdict: number }
  /** The peer has not taken it, and never will. */
  | { readonly type: 'not-delivered' }
  /** Nobody can tell. */
  | { readonly type: 'unknown' };

/** The outcome of several messages in a row. */
export interface OutcomeRange {
  readonly first: number;
  readonly last: number;
  readonly outcome: Outcome;
}

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
  /** Whether each message, in both directions, gets a verdict (section 12.6). */
  readonly outcomes: boolean;
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
   * Told of the outcome of own messages, each exactly once and in their order; but after a restart those again of which it had
   * not taken note: it has when it has returned, or when the promise it returned settles. Set it before the first `send`. It
   * is told also when the channel is over: where the session is resumable and the channel has no outcomes, an acknowledgement
   * still accepts what was sent, and what was not sent completely is told after that. It is told of the last message at the
   * latest when the session ends. [CNT-042]
   *
   * A channel that was over before a restart is there again as long as nobody has taken note of all outcomes on it: at a
   * client among the channels of the session until this is set, or `reset` says that nobody asks; at a server the application
   * is called with it, and sets this before it returns, or before the promise that it returned settles. One that was reset is
   * there for nothing else: what had come on it is discarded, and `closed` tells which end has abandoned it with which code.
   */
  onOutcome: OutcomeHandler | undefined;
  /**
   * Number of the last message that was given to `send` or `deliver`; after a restart, of the last one that was begun, or that
   * was given before the channel was reset.
   */
  readonly sentMessages: number;
  /** Resolves when everything given to `send` has left for the transport; rejects when the channel is over before. */
  readonly written: Promise<void>;
  /** Session id, channel and number of a message of the peer: what an application records with its effect. [CNT-044] */
  keyOf(number: number): string;
  /**
   * Sends a message. A caller that waits for the promise before it sends the next one is slowed down to what the peer
   * and the transport take; a resolved promise does not mean that the peer has it.
   *
   * @param message - at most as many octets as the peer takes. The caller leaves them unchanged from now on.
   * @returns a promise that rejects with the reason when the channel is over or its session is ending: then the message is
   *   none of the channel, gets no number and no outcome. It need not be handled.
   * @throws MisuseError `HAWSER_ERR_MISUSE_*` after `end` or `reset`, or for a message larger than the peer takes.
   */
  send(message: Uint8Array): Promise<void>;
  /**
   * Sends a message and tells what became of it. On a channel with outcomes: when the verdict comes, at the latest when the
   * channel is over. Without, in a resumable session: when the message is acknowledged; once the channel is over, what was
   * not sent completely is `not-delivered` at once, and what was waits for its acknowledgement, or the end of the session.
   * Without, in another session: when the channel or the session ends. Where the channel is over or the session is ending
   * already, the message is not sent, and `not-delivered`. Where another server goes on with the session, it is `unknown`
   * here, and `onOutcome` tells of it there.
   *
   * @throws as `send`.
   */
  deliver(message: Uint8Array): Promise<Outcome>;
  /** Says that no message follows. The channel is closed when both ends have said so. */
  end(): void;
  /** Abandons the channel in both directions. */
  reset(code?: ResetCode): void;
  /** The messages as they arrive; convenient, and slower than `onMessage`. Ends with END, throws for any other end. */
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined>;
}

/** What the engine says of the end of a channel. */
type Ended = Pick<ChannelClosed, 'sentMessages' | 'again'>;

/** What a channel needs of its session. */
export interface ChannelHost {
  readonly core: CoreSession;
  /** The session id in lower-case hex. */
  readonly sessionId: string;
  /** Why nothing new is begun: the session has ended, or is about to. */
  readonly ending: HawserError | undefined;
  /** Time of the clock that the engine lives by, in milliseconds. */
  now(): number;
  /** Resolves when everything that was decided so far is stored. */
  stored(): Promise<void>;
  /** Whether messages may be delivered at once: undefined if so, else resolves when they may. [CNT-062] */
  confirmed(): Promise<void> | undefined;
  /** Lets what commands have caused leave soon. */
  flushSoon(): void;
  /** Runs a task once, before that. */
  beforeFlush(task: () => void): void;
  /** A channel that is over waits for less than before: it is forgotten if nothing is left. */
  forget(number: number): void;
  /** The application end asks for proof. */
  prove(channel: ChannelEndpoint, prove: ProveReceived): void;
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

/** A promise that rejects; whoever does not ask need not handle it. */
function rejected(error: HawserError): Promise<never> {
  const promise = Promise.reject(error);
  promise.catch(() => undefined);
  return promise;
}

/** What is known of a channel when it comes into being. */
export interface ChannelStart {
  readonly application: string;
  readonly nonce: Uint8Array;
  readonly applicationData: Uint8Array | undefined;
  readonly outcomes: boolean;
  readonly forwarded: Forwarded | undefined;
  /** The payload of OPEN, at a server that has not answered it. */
  readonly openPayload?: Uint8Array | undefined;
  /** The payload of OPENED, before a restart of a relay. */
  readonly openedPayload?: Uint8Array | undefined;
  readonly isOpen?: boolean;
  /** It was there, or asked for, before a restart. */
  readonly again?: boolean;
  /** END was sent, before a restart. */
  readonly endSent?: boolean;
  /** Which end had abandoned it before a restart, and with which code. */
  readonly reset?: { readonly code: ErrorName; readonly remote: boolean } | undefined;
  /** Messages that were begun, before a restart. */
  readonly sentMessages?: number;
  /** Of those, the ones whose outcome the application has taken note of. */
  readonly reportedMessages?: number;
}

/** The {@link Channel} of a session, with the side that the session feeds. */
export class ChannelEndpoint implements Channel {
  readonly number: number;
  readonly application: string;
  applicationData: Uint8Array | undefined;
  readonly #host: ChannelHost;
  readonly outcomes: boolean;
  /** The nonce of OPEN. */
  readonly nonce: Uint8Array;
  /** What a relay has added to the request. */
  readonly forwarded: Forwarded | undefined;
  /** Whether it was there, or asked for, before a restart. */
  readonly again: boolean;
  /** The payload of OPEN, at a server; empty once the channel is open. */
  openPayload: Uint8Array;
  /** The payload of OPENED, at a client whose channel is open. */
  openedPayload: Uint8Array | undefined;
  /**
   * Whether messages are let go of without a verdict, on a channel with outcomes: what takes them gives none. To be set before
   * the first message comes, for ever. [RLY-030]
   */
  withholdsVerdicts = false;
  readonly #messages = new MessageQueue();
  #opened: Deferred<void> | undefined;
  #isOpen: boolean;
  #closed: Deferred<ChannelEnd> | undefined;
  #end: ChannelEnd | undefined;
  /** It was over before a restart: its outcomes wait for whoever takes them. */
  #endedBefore = false;
  #endSent = false;
  #resetSent: ErrorName | undefined;
  /** Why it was abandoned, where that was not the application's wish. */
  #failure: HawserError | undefined;
  /** Takes PROVE in the place of the session. */
  #onProve: ((payload: Uint8Array) => void) | undefined;
  /** The PROVE that waits for somebody to take it. */
  #prove: ProveReceived | undefined;
  #proof: Deferred<ProofReceived> | undefined;
  #proofReceived: ProofReceived | undefined;
  #writable: Deferred<void> | undefined;
  /** Messages given to `send` that the engine had to queue, since its queue was last empty. */
  #queued = 0;
  /** Whether the engine is told of every decision on a message. */
  readonly #settles: boolean;
  #sentMessages: number;
  /** Number of the last own message that has an outcome. [CNT-042] */
  #settledMessages: number;
  /** What will not be delivered, while an outcome of those before it is still to come. */
  #unsent: OutcomeRange | undefined;
  /** Who waits for the outcome of a message, by its number. */
  readonly #waiting = new Map<number, (outcome: Outcome) => void>();
  #onOutcome: OutcomeHandler | undefined;
  /** Outcomes from before a restart, and those behind them, until somebody takes them. */
  readonly #untold: OutcomeRange[] = [];
  /** The application takes note of outcomes, in their order. */
  #noting: Promise<unknown> | undefined;
  /** What the application is done with and the engine has not been told: once for each write, not for each message. */
  #consumedMessages = 0;
  #consumedBytes = 0;
  #onMessage: MessageHandler | undefined;
  /** What has waited is handed over once the store has confirmed that it may be. */
  #handingOver = false;
  #onEnd: (() => void) | undefined;
  /** Callbacks and the handler of the application that have not settled. [CHN-011] */
  #working = 0;

  constructor(host: ChannelHost, number: number, start: ChannelStart) {
    this.#host = host;
    this.number = number;
    this.application = start.application;
    this.nonce = start.nonce;
    this.forwarded = start.forwarded;
    this.again = start.again ?? false;
    this.openPayload = start.openPayload ?? NO_OCTETS;
    this.openedPayload = start.openedPayload;
    this.applicationData = start.applicationData;
    this.#isOpen = start.isOpen ?? false;
    this.#endSent = start.endSent ?? false;
    this.#resetSent = start.reset?.remote === false ? start.reset.code : undefined;
    this.#sentMessages = start.sentMessages ?? 0;
    this.#settledMessages = start.reportedMessages ?? 0;
    this.outcomes = start.outcomes;
    this.#settles = start.outcomes || host.core.resumable;
  }

  get sentMessages(): number {
    return this.#sentMessages;
  }

  get written(): Promise<void> {
    if (this.#queued === 0) return SENT;
    this.#writable ??= createDeferred();
    return this.#writable.promise;
  }

  /** Identity of the client for which a relay has asked for the channel; empty where a peer asks for itself. */
  get client(): string {
    return this.forwarded?.client ?? '';
  }

  /** Number of the message of the peer up to which the application has decided on all, also before a restart. */
  get decidedMessages(): number {
    return this.#host.core.settledMessages(this.number);
  }

  /** Whether the outcome of own messages is told while the channel is open. */
  get tellsOutcomes(): boolean {
    return this.#settles;
  }

  /** Keeps own messages back, one that is begun too, until `resume`. */
  pause(): void {
    this.#host.core.pauseChannel(this.number);
  }

  resume(): void {
    this.#host.core.resumeChannel(this.number);
    this.#host.flushSoon();
  }

  /**
   * Its end is told again after a crash, until `leaveEnd`: what follows from it elsewhere has to be stored first.
   *
   * @returns false when it is over, also where nobody has been told of that yet.
   */
  keepEnd(): boolean {
    return this.#host.core.keepEnd(this.number, this.#host.now());
  }

  leaveEnd(): void {
    this.#host.core.leaveEnd(this.number, this.#host.now());
    this.#host.flushSoon();
  }

  /** Whether this end has abandoned the channel. */
  get abandoned(): boolean {
    return this.#resetSent !== undefined;
  }

  /** Whether the channel is over. */
  get over(): boolean {
    return this.#end !== undefined;
  }

  /** Whether it is over because one end has abandoned it. */
  get wasReset(): boolean {
    return this.#end?.type === 'reset';
  }

  /** Whether the session is over, or about to be. */
  get sessionEnding(): boolean {
    return this.#host.ending !== undefined;
  }

  /** Resolves when everything that was decided so far is in the session's store; at once without one. */
  stored(): Promise<void> {
    return this.#host.stored();
  }

  keyOf(number: number): string {
    return `${this.#host.sessionId}/${this.number}/${number}`;
  }

  get opened(): Promise<void> {
    if (this.#opened !== undefined) return this.#opened.promise;
    this.#opened = createDeferred();
    if (this.#isOpen) this.#opened.resolve();
    else if (this.#failure !== undefined) this.#opened.reject(this.#failure);
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
    if (!this.#handingOver) this.#handOver();
  }

  get onOutcome(): OutcomeHandler | undefined {
    return this.#onOutcome;
  }

  set onOutcome(handler: OutcomeHandler | undefined) {
    this.#onOutcome = handler;
    if (handler === undefined) return;
    for (const range of this.#untold.splice(0)) this.#tell(range);
    if (this.#end !== undefined) this.#host.forget(this.number);
  }

  get onEnd(): (() => void) | undefined {
    return this.#onEnd;
  }

  set onEnd(handler: (() => void) | undefined) {
    this.#onEnd = handler;
    if (this.#messages.ended && this.#messages.empty) this.#tellEnd();
  }

  send(message: Uint8Array): Promise<void> {
    if (this.#end !== undefined) return rejected(this.#reason(this.#end));
    if (this.#endSent || this.#resetSent !== undefined) {
      throw new MisuseError('HAWSER_ERR_MISUSE_CHANNEL_ENDED', 'A message can not follow the end of its channel.');
    }
    const host = this.#host;
    // The engine would drop it without a word.
    const { ending } = host;
    if (ending !== undefined) return rejected(ending);
    const queued = host.core.sendMessage(this.number, message, host.now());
    this.#sentMessages += 1;
    host.flushSoon();
    // It is on its way; of these the engine takes no more than one flush.
    if (!queued) return SENT;
    this.#queued += 1;
    if (this.#queued <= MAX_QUEUED_MESSAGES && host.core.queuedBytes(this.number) <= MAX_QUEUED_BYTES) return SENT;
    return this.written;
  }

  deliver(message: Uint8Array): Promise<Outcome> {
    if (this.#end !== undefined || this.#host.ending !== undefined) return Promise.resolve(NOT_DELIVERED);
    void this.send(message);
    const number = this.#sentMessages;
    return new Promise((resolve) => this.#waiting.set(number, resolve));
  }

  end(): void {
    if (this.#end !== undefined || this.#endSent || this.#resetSent !== undefined) return;
    this.#endSent = true;
    this.#host.core.endChannel(this.number, this.#host.now());
    this.#host.flushSoon();
  }

  reset(code: ResetCode = 'CANCELLED'): void {
    this.#abandon(code, abandonedError());
  }

  /** Abandons a channel that can not be opened: `opened` rejects with the reason, and so does everything else. */
  fail(code: ResetCode, error: HawserError): void {
    if (this.#end !== undefined || this.#resetSent !== undefined) return;
    this.#failure = error;
    this.#opened?.reject(error);
    this.#abandon(code, error);
  }

  #abandon(code: ResetCode, error: HawserError): void {
    if (this.#end !== undefined) {
      // Nobody asks what has become of its messages.
      this.#endedBefore = false;
      this.letGo();
      this.leaveEnd();
      this.#host.forget(this.number);
      return;
    }
    if (this.#resetSent !== undefined) return;
    this.#resetSent = code;
    this.#host.core.resetChannel(this.number, code, this.#host.now());
    this.#host.flushSoon();
    this.#messages.fail(error);
    this.#writable?.reject(error);
  }

  get onProve(): ((payload: Uint8Array) => void) | undefined {
    return this.#onProve;
  }

  /** Takes the payload of PROVE, once, in the place of the session's own judgement (a relay). [RLY-050] */
  set onProve(handler: ((payload: Uint8Array) => void) | undefined) {
    this.#onProve = handler;
    const prove = this.#prove;
    if (handler === undefined || prove === undefined) return;
    this.#prove = undefined;
    handler(prove.payload);
  }

  /** Answers PROVE with the payload of another's PROOF. [RLY-050] */
  sendProof(payload: Uint8Array): void {
    if (this.#end !== undefined || this.#resetSent !== undefined) return;
    this.#host.core.proof(this.number, { payload }, this.#host.now());
    this.#host.flushSoon();
  }

  /** The PROOF of the client (server); rejects with the reason when the channel is over before. */
  get proof(): Promise<ProofReceived> {
    if (this.#proof !== undefined) return this.#proof.promise;
    this.#proof = createDeferred();
    if (this.#proofReceived !== undefined) this.#proof.resolve(this.#proofReceived);
    else if (this.#end !== undefined) this.#proof.reject(this.#reason(this.#end));
    return this.#proof.promise;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    let held: QueuedMessage | undefined;
    // A message is consumed when the next one is asked for.
    const consume = (): void => {
      if (held !== undefined) this.#consume(held.data.length, held.number, 0);
      held = undefined;
    };
    return {
      next: async () => {
        consume();
        const message = await this.#messages.next();
        if (message === undefined) return { done: true, value: undefined };
        await this.#host.confirmed();
        // Where several are asked for at once.
        consume();
        held = message;
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
  receiveOpened(applicationData: Uint8Array | undefined, payload: Uint8Array): void {
    this.applicationData = applicationData;
    this.openedPayload = payload;
    this.markOpen();
  }

  /** The application end asks for proof. What a relay has asked for it has to answer itself. */
  receiveProve(prove: ProveReceived): void {
    if (this.#onProve !== undefined) this.#onProve(prove.payload);
    else if (this.forwarded !== undefined) this.#prove = prove;
    else this.#host.prove(this, prove);
  }

  /** The client has proved itself, or not. */
  receiveProof(proof: ProofReceived): void {
    this.#proofReceived = proof;
    this.#proof?.resolve(proof);
  }

  /** The channel is open. */
  markOpen(): void {
    this.openPayload = NO_OCTETS;
    this.#isOpen = true;
    this.#opened?.resolve();
  }

  /** A message has come. */
  receiveMessage(message: QueuedMessage): void {
    // Discarded by the engine from now on, but this one may be of the same chunk.
    if (this.#resetSent !== undefined) return;
    if (this.#onMessage === undefined || this.#handingOver) this.#messages.push(message);
    else this.#deliver(this.#onMessage, message);
  }

  /** The outcome of own messages has come. */
  receiveOutcome({ first, last, outcome, verdict, again = false }: MessagesSettled): void {
    this.#settle({ first, last, outcome: outcome === 'accepted' ? ACCEPTED : { type: 'rejected', verdict } }, again);
  }

  /** @param again - it may have been told before a restart: it waits for whoever takes it. */
  #settle(range: OutcomeRange, again = false): void {
    this.#settledMessages = range.last;
    this.#answer(range);
    const waits = (again || this.#endedBefore) && this.#onOutcome === undefined;
    if (waits || this.#untold.length > 0) this.#untold.push(range);
    else this.#tell(range);
    if (this.#unsent?.first === range.last + 1) this.#settleUnsent();
  }

  /** Messages through a number that have no outcome get this one. */
  #settleThrough(last: number, outcome: Outcome): void {
    const first = this.#settledMessages + 1;
    if (first <= last) this.#settle({ first, last, outcome });
  }

  #settleUnsent(): void {
    const unsent = this.#unsent;
    this.#unsent = undefined;
    if (unsent !== undefined) this.#settle(unsent);
  }

  /** Tells of an outcome; when the application has taken note of it, and of those before, it need not be told again. */
  #tell(range: OutcomeRange): void {
    const noting = this.#report(range);
    if (noting === undefined && this.#noting === undefined) {
      this.#noted(range.last);
      return;
    }
    const noted = Promise.all([this.#noting, noting]).then(() => {
      if (this.#noting === noted) this.#noting = undefined;
      this.#noted(range.last);
    });
    this.#noting = noted;
    this.work(noted);
  }

  /** The application has taken note of the outcomes through a number. */
  #noted(last: number): void {
    this.#host.core.reported(this.number, last, this.#host.now());
    // Perhaps that was all that the store has kept the channel for.
    if (this.#end !== undefined) this.#host.flushSoon();
  }

  /** The session is over: what became of the messages that have no outcome. [CNT-042] */
  receiveFates({ acceptedMessages, undeliveredMessages, unknownMessages, code }: Closed): void {
    const own = (ranges: readonly MessageRange[], outcome: Outcome): readonly OutcomeRange[] =>
      ranges.flatMap(({ channel, first, last }) => (channel === this.number ? [{ first, last, outcome }] : []));
    const fates = [
      ...own(acceptedMessages, ACCEPTED),
      ...own(undeliveredMessages, NOT_DELIVERED),
      ...own(unknownMessages, UNKNOWN),
    ].sort((a, b) => a.first - b.first);
    for (const fate of fates) {
      // The engine forgets what an answered PING shows to be received (section 5.3).
      this.#settleThrough(fate.first - 1, this.#settles ? UNKNOWN : ACCEPTED);
      this.#settle(fate);
    }
    // Of what the own RESET has dropped, the first message may have been begun. [CNT-043]
    const doubt = code === 'RESUME_GAP' || code === 'RESUME_REFUSED';
    if (doubt && this.#resetSent !== undefined && this.#end === undefined) {
      const next = this.#settledMessages + 1;
      this.#settleThrough(Math.min(next, this.#sentMessages), UNKNOWN);
    }
    this.#settleThrough((this.#unsent?.first ?? this.#sentMessages + 1) - 1, this.#fateOfRest(fates.length > 0));
    this.#settleUnsent();
  }

  /** What became of the messages that the engine says nothing of when the session ends: they are the last ones. */
  #fateOfRest(othersBefore: boolean): Outcome {
    if (this.#end !== undefined) return UNKNOWN;
    // It has never taken them, or the own RESET has dropped them.
    if (this.#settles) return NOT_DELIVERED;
    // Or a PING behind them was answered (section 5.3).
    if (this.#resetSent === undefined) return ACCEPTED;
    return othersBefore ? NOT_DELIVERED : UNKNOWN;
  }

  /** Another process goes on with the session: this one will never know. */
  leaveOutcomes(): void {
    // Without a store a channel that was reset is not known there.
    if (this.#end?.type === 'reset' && this.#host.core.terms.custody !== 'stored') {
      this.#settleThrough((this.#unsent?.first ?? this.#sentMessages + 1) - 1, UNKNOWN);
      this.#settleUnsent();
    }
    for (const answer of this.#waiting.values()) answer(UNKNOWN);
    this.#waiting.clear();
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
  receiveClosed({ sentMessages, again }: Ended): void {
    const code = this.#resetSent;
    if (code === undefined) {
      this.finish({ type: 'closed' }, sentMessages, again);
      return;
    }
    const error = this.#failure ?? abandonedError();
    this.finish({ type: 'reset', code, remote: false, error }, sentMessages, again);
  }

  /**
   * The channel is over.
   *
   * @param sentMessages - number of the last own message that was sent completely.
   * @param again - it was over before a restart.
   */
  finish(end: ChannelEnd, sentMessages = 0, again = false): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#endedBefore = again;
    if (end.type !== 'closed') this.#messages.fail(end.error);
    if (!this.#isOpen) this.#opened?.reject(this.#reason(end));
    this.#proof?.reject(this.#reason(end));
    this.#writable?.reject(this.#reason(end));
    this.#writable = undefined;
    this.#closed?.resolve(end);
    this.#release();
    if (end.type !== 'session-ended') this.#settleEnded(sentMessages);
  }

  /** Whether outcomes are still to come, or to be taken, although the channel is over. */
  get awaitsOutcome(): boolean {
    if (this.#waiting.size > 0) return true;
    // As long as the application works on it, it may still ask.
    return this.#outcomesCome || (this.#untold.length > 0 && this.#working > 0);
  }

  /** Whether the application has not asked yet for the outcomes from before a restart, or of a channel that was over then. */
  get awaitsOwner(): boolean {
    if (this.#onOutcome !== undefined) return false;
    return this.#untold.length > 0 || (this.#endedBefore && this.#outcomesCome);
  }

  /** Whether acknowledgements of own messages are still to come. */
  get #outcomesCome(): boolean {
    return this.#acknowledgeable && this.#settledMessages < this.#sentMessages;
  }

  /** Nobody asks for the outcomes from before a restart: they are not told after another one either. */
  letGo(): void {
    const last = this.#untold.at(-1)?.last;
    this.#untold.length = 0;
    if (last !== undefined) this.#noted(last);
  }

  /** Whether acknowledgements tell what became of messages, also when the channel is over. (section 12.6) */
  get #acknowledgeable(): boolean {
    return !this.outcomes && this.#host.core.resumable;
  }

  /**
   * The channel is over: what has no verdict gets none, and what was not sent completely never will be. (section 12.6)
   *
   * @param sentMessages - as for `finish`.
   */
  #settleEnded(sentMessages: number): void {
    if (!this.#acknowledgeable) {
      this.#host.core.forgetFates(this.#toldNow(sentMessages));
      this.#settleThrough(sentMessages, UNKNOWN);
    }
    if (sentMessages >= this.#sentMessages) return;
    this.#unsent = { first: sentMessages + 1, last: this.#sentMessages, outcome: NOT_DELIVERED };
    this.#answer(this.#unsent);
    if (!this.#acknowledgeable || this.#settledMessages === sentMessages) this.#settleUnsent();
  }

  /** Messages through a number that have no outcome and of which somebody wants to know it: of others the session's end tells. */
  #toldNow(last: number): readonly MessageRange[] {
    const ranges =
      this.#onOutcome === undefined
        ? [...this.#waiting.keys()].map((number) => ({ first: number, last: number }))
        : [{ first: this.#settledMessages + 1, last }];
    return ranges.map((range) => ({ channel: this.number, ...range }));
  }

  /** Tells who waits for the outcome of one of the messages. */
  #answer({ first, last, outcome }: OutcomeRange): void {
    for (let number = first; number <= last && this.#waiting.size > 0; number += 1) {
      this.#waiting.get(number)?.(outcome);
      this.#waiting.delete(number);
    }
  }

  #report(range: OutcomeRange): void | Promise<void> {
    try {
      return this.#onOutcome?.(range);
    } catch (error) {
      this.#host.applicationFailed(this, error);
      return undefined;
    }
  }

  /** The application works on the channel until the promise settles. */
  work(promise: Promise<void>): void {
    this.#working += 1;
    promise
      .catch((error: unknown) => this.#host.applicationFailed(this, error))
      .finally(() => {
        this.#working -= 1;
        this.#release();
        if (this.#end !== undefined) this.#host.forget(this.number);
      });
  }

  // [CHN-011]
  #release(): void {
    if (this.#working > 0 || this.#end?.type !== 'reset') return;
    this.#host.core.release(this.number, this.#host.now());
  }

  /** Gives what has waited to the handler. */
  #handOver(): void {
    this.#handingOver = true;
    // Each may set another handler, or none.
    for (let handler = this.#onMessage; handler !== undefined && !this.#messages.empty; handler = this.#onMessage) {
      const confirmed = this.#host.confirmed();
      if (confirmed !== undefined) {
        confirmed.then(
          () => this.#handOver(),
          // Somebody else has the session, and what waited.
          () => (this.#handingOver = false),
        );
        return;
      }
      const next = this.#messages.take();
      if (next !== undefined) this.#deliver(handler, next);
    }
    this.#handingOver = false;
    if (this.#messages.ended && this.#messages.empty) this.#tellEnd();
  }

  #deliver(handler: MessageHandler, { data, number, redelivered }: QueuedMessage): void {
    let result: void | Promise<void>;
    try {
      result = handler(data, number, redelivered);
    } catch (error) {
      this.#failed(data.length, number, error);
      return;
    }
    // Most messages, so no promise is made for them.
    if (result === undefined || result === SENT) {
      this.#consume(data.length, number, 0);
      return;
    }
    const decided = result.then(
      () => this.#consume(data.length, number, 0),
      (error: unknown) => this.#failed(data.length, number, error),
    );
    this.work(decided);
  }

  /** The handler has thrown: a rejection is a decision, everything else a failure that decides nothing. */
  #failed(bytes: number, number: number, error: unknown): void {
    if (error instanceof Rejection && this.outcomes && !this.withholdsVerdicts) {
      this.#consume(bytes, number, error.verdict);
      return;
    }
    this.#host.applicationFailed(this, error);
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

  #consume(bytes: number, number: number, verdict: number): void {
    if (this.#consumedMessages === 0) this.#host.beforeFlush(this.#reportConsumed);
    this.#consumedMessages += 1;
    this.#consumedBytes += bytes;
    if (!this.#settles) return;
    this.#host.core.settle(this.number, number, this.withholdsVerdicts ? undefined : verdict, this.#host.now());
  }

  readonly #reportConsumed = (): void => {
    const { core } = this.#host;
    core.consume(this.number, this.#consumedMessages, this.#consumedBytes, this.#host.now());
    this.#consumedMessages = 0;
    this.#consumedBytes = 0;
  };

  #reason(end: ChannelEnd): HawserError {
    if (end.type !== 'closed') return end.error;
    return new MisuseError('HAWSER_ERR_MISUSE_CHANNEL_ENDED', 'The channel is closed.');
  }
}

function abandonedError(): MisuseError {
  return new MisuseError('HAWSER_ERR_MISUSE_CHANNEL_ENDED', 'The channel was abandoned by this end.');
}
