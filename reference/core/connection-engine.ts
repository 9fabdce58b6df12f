import type { Connection, ConnectionState, Session } from './connection.ts';
import { FrameDecoder } from './decoder.ts';
import { checkCode, meaningOf, wireErrorOf } from './error-codes.ts';
import { HawserError, InternalError, MisuseError, TimeoutError, TransportError } from './errors.ts';
import { Ending } from './ending.ts';
import { ClientEstablishment, type Established } from './establishment-client.ts';
import { ServerEstablishment, type VerifiedConnect } from './establishment-server.ts';
import type { Event } from './events.ts';
import type { EvidenceMaterial } from './evidence-material.ts';
import { checkHeader } from './frame-check.ts';
import { type Close, decodeClose, encodeClose } from './frames/close.ts';
import { encodeFrame } from './frames/header.ts';
import { decodeReject, encodeReject } from './frames/reject.ts';
import type { ClientOptions, ConnectionOptions, Grant, PeerParameters, ServerOptions } from './options.ts';
import { Output } from './output.ts';
import { initialCredit, valueOf } from './peer-parameters.ts';
import type { ParameterSet } from './parameters.ts';
import { ERROR_CODE, type ErrorName, FIELDS, FLAG, type MachineEvent, TIMERS } from './registry.gen.ts';
import { SessionEngine } from './session.ts';
import { after, type Cell, stateOf, type State } from './transitions.ts';

type Machine = 'client-connection' | 'server-connection';

/** What differs between the roles. */
export type Role =
  | { readonly type: 'client'; readonly options: ClientOptions; readonly establishment: ClientEstablishment }
  | { readonly type: 'server'; readonly options: ServerOptions; readonly establishment: ServerEstablishment };

const NO_EVENTS: readonly Event[] = Object.freeze([]);

/** How many octets of output `takeOutput` gives at a time, unless asked otherwise. */
const DEFAULT_OUTPUT_BYTES = 65_536;

/** The local event that an error is, by the timer that ran out. */
const LOCAL_EVENT = {
  none: 'error found',
  liveness: 'peer DOWN',
  establishment: 'establishment deadline',
  close: 'close deadline',
} as const;

/** The one implementation of {@link Connection}, for both roles. */
export class ConnectionEngine implements Connection {
  readonly #role: Role;
  readonly #options: ConnectionOptions;
  /** What this endpoint declares about itself. */
  readonly #declared: ParameterSet;
  readonly #decoder = new FrameDecoder();
  readonly #output = new Output();
  readonly #ending = new Ending();
  readonly #establishmentDeadline: number;
  #state: State<Machine>;
  #session: SessionEngine | undefined;
  #sessionName: Session | undefined;
  #peer: PeerParameters | undefined;
  #evidence: EvidenceMaterial | undefined;
  #connect: VerifiedConnect | undefined;
  #events: Event[] = [];
  #now: number;

  constructor(role: Role, declared: ParameterSet) {
    const { options } = role;
    this.#role = role;
    this.#options = options;
    this.#declared = declared;
    this.#now = options.now;
    this.#establishmentDeadline = options.now + TIMERS.establishment_deadline_ms;
    const initial: unknown = role.type === 'client' ? stateOf('client-connection') : stateOf('server-connection');
    this.#state = initial as State<Machine>;
    // Nothing follows it before the decision. [EST-006] [EST-008]
    if (role.type === 'server') this.#output.raw(role.establishment.challenge);
  }

  get state(): ConnectionState {
    return this.#state.name;
  }

  get error(): HawserError | undefined {
    return this.#ending.error;
  }

  get peer(): PeerParameters | undefined {
    return this.#peer;
  }

  get session(): Session | undefined {
    return this.#sessionName;
  }

  get suspect(): boolean {
    return this.#session?.suspect ?? false;
  }

  get pendingBytes(): number {
    return this.#output.pendingBytes;
  }

  get outputEnded(): boolean {
    return this.#ending.outputEnded;
  }

  get finished(): boolean {
    return this.#ending.finished;
  }

  evidence(): EvidenceMaterial | undefined {
    return this.#evidence;
  }

  receive(bytes: Uint8Array, now: number): readonly Event[] {
    this.#advance(now);
    if (this.#isClosed()) return this.takeEvents();
    this.#decoder.push(bytes);
    let heard = false;
    // A frame that is an error ends the loop; what follows it is read on in state closing.
    for (let more = true; more;) {
      try {
        for (let step = this.#decoder.next(); step !== 'none'; step = this.#decoder.next()) {
          const cell = checkHeader(this.#decoder, this.#state, this.#session?.due ?? 1);
          // The rest of the frame has yet to come. [WIR-003]
          if (step === 'header') break;
          if (!heard && this.#state.name === 'established') {
            heard = true;
            this.#session?.heard();
          }
          this.#process(cell);
          if (this.#isClosed()) this.#decoder.stop();
        }
        more = false;
      } catch (error) {
        // An error in the peer's CLOSE ends the connection like the CLOSE itself.
        const last = this.#state.cells[this.#decoder.type];
        more = this.#fail(error, last?.action === 'send CLOSE' ? last.next : undefined);
      }
    }
    return this.takeEvents();
  }

  transportEnded(now: number, cause?: unknown): readonly Event[] {
    this.#advance(now);
    this.#ending.finish();
    this.#output.clear();
    this.#decoder.stop();
    if (!this.#isClosed()) {
      // In state closing this is the end that is waited for. [SES-014]
      if (this.#state.name !== 'closing') {
        this.#ending.remote = true;
        const message = cause === undefined ? 'The peer ended the transport without CLOSE.' : 'The transport failed.';
        const code = cause === undefined ? 'HAWSER_ERR_TRANSPORT_ENDED' : 'HAWSER_ERR_TRANSPORT_FAILED';
        this.#ending.fail(new TransportError(code, this.#state.name, message, { cause }));
      }
      this.#enter('transport lost');
      this.#end(false);
    }
    return this.takeEvents();
  }

  tick(now: number): readonly Event[] {
    this.#advance(now);
    const { deadline } = this.#ending;
    if (deadline !== undefined) {
      if (now >= deadline) this.#cut();
    } else if (this.#isOver()) {
      return this.takeEvents();
    } else if (this.#session !== undefined) {
      if (this.#session.tick() === 'down') {
        const limitMs = this.#session.downAfterMs;
        this.#fail(new TimeoutError('liveness', limitMs, `The peer was silent for ${limitMs} ms.`)); // [SES-022]
      }
    } else if (now >= this.#establishmentDeadline) {
      const limitMs = TIMERS.establishment_deadline_ms;
      this.#fail(new TimeoutError('establishment', limitMs, `Nothing was established within ${limitMs} ms.`)); // [EST-028]
    }
    return this.takeEvents();
  }

  nextDeadline(): number | undefined {
    if (this.#events.length > 0) return this.#now;
    const { deadline, outputEnded } = this.#ending;
    if (outputEnded) return deadline;
    return this.#session?.nextDeadline() ?? this.#establishmentDeadline;
  }

  takeEvents(): readonly Event[] {
    if (this.#events.length === 0) return NO_EVENTS;
    const events = this.#events;
    this.#events = [];
    return events;
  }

  takeOutput(limitBytes: number = DEFAULT_OUTPUT_BYTES): readonly Uint8Array[] {
    if (this.#state.name === 'established') this.#session?.flush(limitBytes);
    return this.#output.take();
  }

  accept(grant: Grant, now: number): readonly Event[] {
    const role = this.#role;
    if (role.type !== 'server') throw new MisuseError('HAWSER_ERR_MISUSE_ROLE', 'accept is for the server.');
    if (this.#isOver()) return this.takeEvents();
    const connect = this.#connect;
    if (this.#state.name !== 'deciding' || connect === undefined) {
      throw new MisuseError('HAWSER_ERR_MISUSE_STATE', 'There is no CONNECT to accept.');
    }
    this.#advance(now);
    if (connect.mode === 'resume') return this.reject('RESUME_REFUSED', 0, now); // [EST-018]
    const { random, parameters = {} } = this.#options;
    const granted: ParameterSet = {
      ...initialCredit({ ...parameters, ...grant }),
      ...(grant.maxChannels === undefined ? {} : { max_channels: grant.maxChannels }),
    };
    const sessionId = grant.sessionId ?? random(FIELDS.ACCEPT.session_id.bytes); // [EST-019]
    try {
      const evidence = role.establishment.accept({ sessionId, parameters: granted });
      this.#output.raw(evidence.accept);
      this.#enter('decision: accept');
      this.#establish({ sessionId, epoch: 1, peer: connect.peer, evidence }, granted);
    } catch (error) {
      if (error instanceof MisuseError) throw error;
      this.#fail(error);
    }
    return this.takeEvents();
  }

  reject(code: ErrorName, retryAfterMs: number, now: number): readonly Event[] {
    if (this.#role.type !== 'server') throw new MisuseError('HAWSER_ERR_MISUSE_ROLE', 'reject is for the server.');
    checkCode('REJECT', code);
    if (this.#isOver()) return this.takeEvents();
    if (this.#session !== undefined) throw new MisuseError('HAWSER_ERR_MISUSE_STATE', 'The session is established.');
    this.#advance(now);
    // Resumption is judged before room. [EST-018]
    const resumption = this.#connect?.mode === 'resume' && code === 'BUSY';
    this.#sendReject(resumption ? 'RESUME_REFUSED' : code, resumption ? 0 : retryAfterMs);
    this.#enter(this.#state.name === 'deciding' ? 'decision: reject' : 'error found before ACCEPT');
    return this.takeEvents();
  }

  openChannel(
    application: string,
    { applicationData }: { readonly applicationData?: Uint8Array | undefined },
    now: number,
  ): number {
    const session = this.#established(now);
    // A number that is never opened: every command for it, like every command from now on, has no effect.
    return session?.channels.open(application, applicationData) ?? 0;
  }

  opened(
    channel: number,
    { applicationData }: { readonly applicationData?: Uint8Array | undefined },
    now: number,
  ): void {
    this.#established(now)?.channels.opened(channel, applicationData);
  }

  refuse(channel: number, code: ErrorName, retryAfterMs: number, now: number): void {
    this.#established(now)?.channels.refuse(channel, code, retryAfterMs);
  }

  sendMessage(channel: number, payload: Uint8Array, now: number): void {
    this.#established(now)?.channels.send(channel, payload);
  }

  endChannel(channel: number, now: number): void {
    this.#established(now)?.channels.end(channel);
  }

  resetChannel(channel: number, code: ErrorName, now: number): void {
    this.#established(now)?.channels.reset(channel, code);
  }

  consume(channel: number, messages: number, bytes: number, now: number): void {
    this.#established(now)?.channels.consume(channel, messages, bytes);
  }

  release(channel: number, now: number): void {
    this.#established(now)?.channels.release(channel);
  }

  queuedBytes(channel: number): number {
    return this.#session?.channels.queuedBytes(channel) ?? 0;
  }

  ping(now: number): void {
    this.#established(now)?.ping();
  }

  close(code: ErrorName, now: number, error?: HawserError): readonly Event[] {
    checkCode('CLOSE', code);
    if (this.#isOver()) return this.takeEvents();
    this.#advance(now);
    if (error !== undefined) this.#ending.fail(error);
    if (this.#role.type === 'server' && this.#session === undefined) {
      this.#sendReject('SHUTTING_DOWN', 0);
      this.#enter('close asked for before ACCEPT');
    } else {
      this.#sendClose(code);
      this.#enter('close asked for');
    }
    return this.takeEvents();
  }

  /** The session, if commands have an effect; undefined when it is over. */
  #established(now: number): SessionEngine | undefined {
    if (this.#isOver()) return undefined;
    if (this.#session === undefined) {
      throw new MisuseError('HAWSER_ERR_MISUSE_STATE', 'The session is not established yet.');
    }
    this.#advance(now);
    return this.#session;
  }

  #isOver(): boolean {
    return this.#state.name === 'closing' || this.#isClosed();
  }

  #isClosed(): boolean {
    return this.#state.name === 'closed';
  }

  #advance(now: number): void {
    this.#now = now;
    if (this.#session !== undefined) this.#session.now = now;
  }

  #emit = (event: Event): void => {
    this.#events.push(event);
  };

  /** Does what the table says for the frame that has just become complete. */
  #process(cell: Cell<Machine>): void {
    const { action, next } = cell;
    const decoder = this.#decoder;
    if (action === 'channel') {
      this.#session?.channelFrame(decoder);
      return;
    }
    switch (action) {
      case 'send PONG':
        this.#session?.pingFrame(decoder.payload());
        break;
      case 'match the oldest PING':
        this.#session?.pongFrame(decoder.payload());
        break;
      case 'ignore':
        this.#session?.ignorableFrame(decoder.type);
        break;
      case 'check the server certificate identity, send CONNECT':
        this.#receiveChallenge();
        break;
      case 'verify the signature':
        this.#receiveAccept();
        break;
      case 'verify the signature, then the audience':
        this.#receiveConnect();
        break;
      case 'report the code':
        this.#receiveEarlyEnd();
        break;
      case 'send CLOSE':
        this.#receiveClose();
        break;
      case 'read the final cursors':
        if (!this.#receiveFinalClose()) return;
        break;
      case 'discard':
        break;
      case undefined:
        throw new InternalError('A cell without an action is an error.');
    }
    this.#state = next;
  }

  #receiveChallenge(): void {
    if (this.#role.type !== 'client') throw new InternalError('A server does not take CHALLENGE.');
    const { establishment } = this.#role;
    const connect = establishment.challenge(this.#decoder.copyFrame());
    this.#peer = establishment.peer;
    this.#output.raw(connect);
  }

  #receiveAccept(): void {
    if (this.#role.type !== 'client') throw new InternalError('A server does not take ACCEPT.');
    const established = this.#role.establishment.accept(this.#decoder.copyFrame());
    this.#establish(established, {});
  }

  /** Until the decision is made the table takes nothing more but CLOSE. [EST-014] */
  #receiveConnect(): void {
    if (this.#role.type !== 'server') throw new InternalError('A client does not take CONNECT.');
    const connect = this.#role.establishment.connect(this.#decoder.copyFrame());
    this.#connect = connect;
    this.#peer = connect.peer;
    this.#emit({
      type: 'connect-received',
      audience: connect.audience,
      mode: connect.mode,
      parameters: connect.peer,
    });
  }

  /** REJECT at the client, CLOSE at a server that has not answered CONNECT. */
  #receiveEarlyEnd(): void {
    this.#ending.remote = true;
    if (this.#role.type === 'client') {
      const { code: wireCode, retryAfterMs } = decodeReject(this.#decoder.payload());
      const code = meaningOf('REJECT', wireCode); // [ERR-002]
      this.#emit({ type: 'rejected', code, wireCode, retryAfterMs });
      this.#ending.received(code, wireCode, `The server answered with REJECT(${code}).`, retryAfterMs);
    } else {
      const { code: wireCode } = decodeClose(this.#decoder.payload());
      const code = meaningOf('CLOSE', wireCode);
      this.#ending.received(code, wireCode, `The client gave up with CLOSE(${code}).`);
    }
    // Whatever the code was, known or not, nothing is sent in answer. [EST-032] [EST-033] [ERR-003]
    this.#ending.endOutput(this.#now);
    this.#end(true);
  }

  /** CLOSE in state established: answer it. [SES-012] [SES-029] */
  #receiveClose(): void {
    const close = decodeClose(this.#decoder.payload());
    this.#session?.checkClose(close, false); // [SES-013]
    this.#ending.remote = true;
    const code = meaningOf('CLOSE', close.code);
    this.#ending.received(code, close.code, `The peer sent CLOSE(${code}).`);
    this.#sendClose('NO_ERROR');
    this.#end(true, close.receiveCursor);
  }

  /**
   * CLOSE in state closing: the peer's answer, or both have closed at the same time.
   *
   * @returns whether it decodes: only then it has an effect (section 5.3).
   */
  #receiveFinalClose(): boolean {
    let close: Close;
    try {
      close = decodeClose(this.#decoder.payload());
    } catch {
      return false;
    }
    let cursor: number | undefined;
    try {
      this.#session?.checkClose(close, true);
      cursor = this.#session && close.receiveCursor;
      const code = meaningOf('CLOSE', close.code);
      if (this.error === undefined) this.#ending.received(code, close.code, `The peer sent CLOSE(${code}).`);
    } catch (error) {
      this.#ending.fail(toHawserError(error));
    }
    this.#end(true, cursor);
    return true;
  }

  #establish({ sessionId, epoch, peer, evidence }: Established, granted: ParameterSet): void {
    const credit = this.#role.type === 'client' ? this.#declared : granted;
    this.#peer = peer;
    this.#evidence = evidence;
    this.#sessionName = { id: sessionId, epoch };
    this.#emit({ type: 'established', sessionId, epoch });
    this.#session = new SessionEngine({
      machine: this.#role.type === 'client' ? 'client-channel' : 'server-channel',
      output: this.#output,
      emit: this.#emit,
      random: this.#options.random,
      grease: this.#options.grease ?? true,
      own: {
        livenessIntervalMs: valueOf(this.#declared, 'liveness_interval_ms'),
        maxMessageBytes: valueOf(this.#declared, 'max_message_bytes'),
        initialMessageCredit: valueOf(credit, 'initial_message_credit'),
        initialByteCredit: valueOf(credit, 'initial_byte_credit'),
        maxChannels: valueOf(granted, 'max_channels'),
      },
      peer,
      now: this.#now,
    });
  }

  /**
   * Ends the connection because of an error.
   *
   * @param next - the state after it, where the error was found in the peer's CLOSE; else the table says.
   * @returns whether reading goes on: what follows is discarded, but the peer's CLOSE is looked for.
   */
  #fail(error: unknown, next?: State<Machine>): boolean {
    // After the own CLOSE or REJECT nothing can be reported, and a stream out of step can not be read on.
    if (this.#isOver()) {
      this.#decoder.stop();
      return false;
    }
    const failure = toHawserError(error);
    this.#ending.fail(failure);
    const code = wireErrorOf(failure) ?? 'INTERNAL_ERROR';
    const timer = failure instanceof TimeoutError ? failure.timer : undefined;
    if (this.#session !== undefined || this.#role.type === 'client') {
      this.#sendClose(code); // [SES-003] [EST-027]
      if (next === undefined) this.#enter(LOCAL_EVENT[timer ?? 'none']);
    } else {
      this.#sendReject(code, 0); // [EST-026]
      this.#enter(timer === undefined ? 'error found before ACCEPT' : LOCAL_EVENT[timer]);
    }
    if (next !== undefined) {
      this.#ending.remote = true;
      this.#state = next;
      this.#end(true);
    }
    return true;
  }

  #sendReject(code: ErrorName, retryAfterMs: number): void {
    this.#output.raw(encodeFrame('REJECT', encodeReject({ code: ERROR_CODE[code], retryAfterMs })));
    this.#ending.sent(code, this.#now);
  }

  #sendClose(code: ErrorName): void {
    if (this.#session !== undefined) this.#session.close(code);
    else {
      // Before ACCEPT is verified both cursors are zero (section 4.6).
      const payload = encodeClose({ code: ERROR_CODE[code], receiveCursor: 0, sendCursor: 0 });
      this.#output.raw(encodeFrame('CLOSE', payload, FLAG.CLOSE.END_SESSION)); // [SES-017]
    }
    this.#ending.sent(code, this.#now);
  }

  /** The close deadline has passed. [SES-015] */
  #cut(): void {
    this.#ending.finish();
    this.#decoder.stop();
    if (this.#state.name !== 'closing') return;
    this.#enter('close deadline');
    this.#end(false);
  }

  #enter(event: MachineEvent<Machine>): void {
    this.#state = after(this.#state, event);
  }

  /**
   * Reports the end, once, as the state becomes closed.
   *
   * @param answered - whether the peer's CLOSE, or REJECT, was read.
   * @param peerReceiveCursor - what that CLOSE says; undefined where it says nothing that can be true.
   */
  #end(answered: boolean, peerReceiveCursor?: number): void {
    const { unknownMessages = [], undeliveredMessages = [] } = this.#session?.fates(peerReceiveCursor) ?? {};
    this.#emit(this.#ending.closed(answered, peerReceiveCursor, unknownMessages, undeliveredMessages));
  }
}

function toHawserError(error: unknown): HawserError {
  return error instanceof HawserError ? error : new InternalError('The engine failed.', { cause: error });
}
