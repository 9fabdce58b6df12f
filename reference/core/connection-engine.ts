import type { OpenedOptions, OpenOptions, ProofOptions, ProveOptions } from './channels.ts';
import type { Connection, ConnectionState, ResumeOptions } from './connection.ts';
import { ConnectionControl } from './control.ts';
import { FrameDecoder } from './decoder.ts';
import { checkCode, meaningOf, wireErrorOf } from './error-codes.ts';
import { HawserError, InternalError, MisuseError, RemoteError, TimeoutError, TransportError } from './errors.ts';
import { Ending } from './ending.ts';
import { ClientEstablishment, type Established, NEW_SESSION } from './establishment-client.ts';
import { ServerEstablishment, type VerifiedConnect } from './establishment-server.ts';
import type { Event } from './events.ts';
import type { EvidenceMaterial } from './evidence-material.ts';
import { checkHeader, violation } from './frame-check.ts';
import { type Close, decodeClose, encodeClose } from './frames/close.ts';
import { decodeDrain, encodeDrain } from './frames/drain.ts';
import type { Forward } from './frames/forward.ts';
import { encodeFrame } from './frames/header.ts';
import { decodeReject, encodeReject } from './frames/reject.ts';
import type { ClientOptions, ConnectionOptions, Grant, PeerParameters, ServerOptions } from './options.ts';
import { Output } from './output.ts';
import { continuityParameters, initialCredit, valueOf } from './peer-parameters.ts';
import type { ParameterSet } from './parameters.ts';
import {
  ERROR_CODE,
  type ErrorName,
  ERRORS,
  FIELDS,
  FLAG,
  FRAME_TYPE,
  type MachineEvent,
  PARAMETER,
  TIMERS,
} from './registry.gen.ts';
import { type Fates, type Gap, Session } from './session.ts';
import type { SessionTerms } from './session-state.ts';
import { after, type Cell, stateOf, type State } from './transitions.ts';

type Machine = 'client-connection' | 'server-connection';

/** What differs between the roles. */
export type Role =
  | { readonly type: 'client'; readonly options: ClientOptions; readonly establishment: ClientEstablishment }
  | { readonly type: 'server'; readonly options: ServerOptions; readonly establishment: ServerEstablishment };

const NO_GAP: Gap = { first: 0, last: 0 };

const NO_EVENTS: readonly Event[] = Object.freeze([]);

const NO_FATES: Fates = { acceptedMessages: [], unknownMessages: [], undeliveredMessages: [] };

/** Codes that say that one end has lost its memory of the session. [CNT-043] */
const DOUBTS: ReadonlySet<ErrorName | undefined> = new Set(['RESUME_REFUSED', 'RESUME_GAP']);

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
  /** What this connection has of its own while it is established. */
  #control: ConnectionControl | undefined;
  #session: Session | undefined;
  /** The session that CONNECT in mode `resume` asks for, until it is attached. */
  #resuming: Session | undefined;
  /** The own CLOSE was sent, and ends the session too. */
  #endsSession = false;
  /** What became of the messages of a session in which this server found a gap. [CNT-025] */
  #gapFates: Fates | undefined;
  /** The code of REJECT. */
  #refusal: ErrorName | undefined;
  /** What REJECT(SESSION_ENDED) says of the server's receive cursor. */
  #finalCursor: number | undefined;
  /** What came in while another connection was being asked for: processed if this one goes on after all. [CNT-019] */
  #unread: Uint8Array[] = [];
  /** Nothing has come since ACCEPT resumed a session: the client may have given up before it has read that. */
  #unheard = false;
  /** When the server ends the connection, and with which code. [CNT-048] [CNT-053] */
  #drain: { readonly at: number; readonly code: ErrorName } | undefined;
  /** The end of the session, while it waits for the store. */
  #waiting: { readonly by: number; readonly finish: (stored: boolean) => void; readonly answers: boolean } | undefined;
  #expiresAt = Infinity;
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
    return this.#session;
  }

  get suspect(): boolean {
    return this.#control?.suspect ?? false;
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
    const session = this.#session;
    this.#finishWaiting();
    // It is read when the end of the session has been said.
    if (this.#waiting !== undefined) this.#unread.push(bytes);
    else if (this.#state.name !== 'established' || session?.isCarriedBy(this.#control) === true) this.#read(bytes);
    // Not a frame of the former connection has any effect. [CNT-019] [CNT-037]
    else if (this.#control !== undefined && session?.awaits(this.#control) === true) this.#unread.push(bytes);
    return this.takeEvents();
  }

  /** @param waited - the cell of a CLOSE that was read before, and not processed. */
  #read(bytes: Uint8Array | undefined, waited?: Cell<Machine>): void {
    if (this.#isClosed()) return;
    if (bytes !== undefined) this.#decoder.push(bytes);
    let due = waited;
    let heard = false;
    // A frame that is an error ends the loop; what follows it is read on in state closing.
    for (let more = true; more;) {
      try {
        if (due !== undefined) {
          const cell = due;
          due = undefined;
          this.#handle(cell);
        }
        for (let step = this.#decoder.next(); step !== 'none'; step = this.#decoder.next()) {
          const cell = checkHeader(this.#decoder, this.#state, this.#session?.due ?? 1);
          // The rest of the frame has yet to come. [WIR-003]
          if (step === 'header') break;
          if (!heard && this.#state.name === 'established') {
            heard = true;
            if (this.#control?.heard() === true) this.#carried()?.live();
          }
          const ends = cell.action === 'send CLOSE' && this.#endedBy(this.#decoder.flags);
          if (ends && this.#waitForStore(() => this.#read(undefined, cell), true)) return;
          this.#handle(cell);
        }
        more = false;
      } catch (error) {
        // An error in the peer's CLOSE ends the connection like the CLOSE itself.
        const last = this.#state.cells[this.#decoder.type];
        more = this.#fail(error, last?.action === 'send CLOSE' ? last.next : undefined);
      }
    }
  }

  /** Does what the table says for a complete frame; behind the last one nothing is read. */
  #handle(cell: Cell<Machine>): void {
    this.#process(cell);
    this.#unheard = false;
    if (this.#isClosed()) this.#decoder.stop();
  }

  /**
   * Has the last word of a session wait until everything that was processed is stored; what comes in the meantime is not read.
   * A last word that leaves something out which is stored later would be contradicted by the next process. [CNT-012]
   *
   * @param finish - says it; without the store, if that has not answered by the close deadline.
   * @param answers - whether the last frame read is the peer's CLOSE, which is not processed yet.
   * @returns whether it waits.
   */
  #waitForStore(finish: (stored: boolean) => void, answers = false): boolean {
    const session = this.#carried();
    if (session === undefined || session.settledCustody) return false;
    session.windUp();
    this.#waiting = { by: this.#now + TIMERS.close_deadline_ms, finish, answers };
    return true;
  }

  #finishWaiting(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    const stored = this.#carried()?.settledCustody ?? true;
    if (!stored && this.#now < waiting.by) return;
    this.#waiting = undefined;
    waiting.finish(stored);
    this.#read(undefined);
    this.#readOn();
  }

  /** Reads what had to wait. */
  #readOn(): void {
    for (const bytes of this.#unread.splice(0)) this.#read(bytes);
  }

  /** The connection ends in another way: nothing waits any more. */
  #stopWaiting(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    this.#waiting = undefined;
    this.#read(undefined, waiting.answers ? this.#state.cells[this.#decoder.type] : undefined);
    this.#readOn();
  }

  peerEnded(now: number): readonly Event[] {
    if (this.#waiting?.answers !== true) return this.transportEnded(now);
    // Its CLOSE has come, and is answered once the store has what was sent before. [SES-012]
    this.#advance(now);
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
      this.#end(false, undefined, this.#endsUnanswered());
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
    } else if (this.#control !== undefined) {
      this.#finishWaiting();
      if (!this.#isOver()) this.#tickEstablished(this.#control);
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
    if (this.#control === undefined) return this.#establishmentDeadline;
    return Math.min(
      this.#control.liveness.nextDeadline(),
      this.#session?.barrierDeadline ?? Infinity,
      this.#waiting?.by ?? Infinity,
      this.#drain?.at ?? Infinity,
      this.#expiresAt,
    );
  }

  takeEvents(): readonly Event[] {
    if (this.#events.length === 0) return NO_EVENTS;
    const events = this.#events;
    this.#events = [];
    return events;
  }

  takeOutput(limitBytes: number = DEFAULT_OUTPUT_BYTES): readonly Uint8Array[] {
    this.#finishWaiting();
    if (this.#state.name === 'established') this.#carried()?.flush(limitBytes);
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
    // [CNT-001]
    const retentionMs = Math.min(connect.peer.retentionMs, grant.retentionMs ?? 0);
    const deadlineMs = retentionMs === 0 ? 0 : earlier(connect.peer.deadlineMs, grant.deadlineMs ?? 0);
    const granted: ParameterSet = {
      ...initialCredit({ ...parameters, ...grant }),
      ...(grant.maxChannels === undefined ? {} : { max_channels: grant.maxChannels }),
      ...continuityParameters(retentionMs, deadlineMs, grant.custody ?? 'received'),
    };
    const sessionId = grant.sessionId ?? random(FIELDS.ACCEPT.session_id.bytes); // [EST-019]
    try {
      // [EST-020]
      const evidence = role.establishment.accept({ sessionId, epoch: 1, receiveCursor: 0, parameters: granted });
      this.#output.raw(evidence.accept);
      this.#enter('decision: accept');
      this.#establish({ sessionId, epoch: 1, receiveCursor: 0, peer: connect.peer, evidence }, granted);
      if (deadlineMs > 0) this.#expiresAt = now + deadlineMs;
    } catch (error) {
      if (error instanceof MisuseError) throw error;
      this.#fail(error);
    }
    return this.takeEvents();
  }

  resume(session: Session, options: ResumeOptions, now: number): readonly Event[] {
    this.#advance(now);
    if (this.#isOver()) return this.takeEvents();
    if (this.#role.type === 'client') this.#askToResume(this.#role, session, options);
    else this.#answerResumption(this.#role.establishment, session, options);
    return this.takeEvents();
  }

  reject(code: ErrorName, retryAfterMs: number, now: number, parameters: ParameterSet = {}): readonly Event[] {
    if (this.#role.type !== 'server') throw new MisuseError('HAWSER_ERR_MISUSE_ROLE', 'reject is for the server.');
    checkCode('REJECT', code);
    if (this.#isOver()) return this.takeEvents();
    if (this.#session !== undefined) throw new MisuseError('HAWSER_ERR_MISUSE_STATE', 'The session is established.');
    this.#advance(now);
    this.#sendReject(code, retryAfterMs, parameters);
    this.#enter(this.#state.name === 'deciding' ? 'decision: reject' : 'error found before ACCEPT');
    return this.takeEvents();
  }

  openChannel(application: string, options: OpenOptions, now: number): number {
    // 0: a number that is never opened; every command for it, like every command from now on, has no effect.
    return this.#established(now)?.openChannel(application, options, now) ?? 0;
  }

  forward(forward: Forward, now: number): number {
    return this.#established(now)?.forward(forward, now) ?? 0;
  }

  prove(channel: number, options: ProveOptions, now: number): void {
    this.#established(now)?.prove(channel, options, now);
  }

  proof(channel: number, options: ProofOptions, now: number): void {
    this.#established(now)?.proof(channel, options, now);
  }

  opened(channel: number, options: OpenedOptions, now: number): void {
    this.#established(now)?.opened(channel, options, now);
  }

  refuse(channel: number, code: ErrorName, retryAfterMs: number, now: number): void {
    this.#established(now)?.refuse(channel, code, retryAfterMs, now);
  }

  sendMessage(channel: number, payload: Uint8Array, now: number): boolean {
    return this.#established(now)?.sendMessage(channel, payload, now) ?? false;
  }

  endChannel(channel: number, now: number): void {
    this.#established(now)?.endChannel(channel, now);
  }

  resetChannel(channel: number, code: ErrorName, now: number): void {
    this.#established(now)?.resetChannel(channel, code, now);
  }

  consume(channel: number, messages: number, bytes: number, now: number): void {
    this.#established(now)?.consume(channel, messages, bytes, now);
  }

  settle(channel: number, message: number, decision: number | undefined, now: number): void {
    this.#established(now)?.settle(channel, message, decision, now);
  }

  release(channel: number, now: number): void {
    this.#established(now)?.release(channel, now);
  }

  queuedBytes(channel: number): number {
    return this.#session?.queuedBytes(channel) ?? 0;
  }

  ping(now: number): void {
    this.#established(now)?.ping();
  }

  close(code: ErrorName, now: number, error?: HawserError): readonly Event[] {
    checkCode('CLOSE', code);
    if (this.#isOver() || this.#waiting !== undefined) return this.takeEvents();
    this.#advance(now);
    if (error !== undefined) this.#ending.fail(error);
    if (this.#role.type === 'server' && this.#session === undefined) {
      this.#sendReject('SHUTTING_DOWN', 0);
      this.#enter('close asked for before ACCEPT');
      return this.takeEvents();
    }
    // Without the store the session is kept: its owner ends it on the next connection.
    const finish = (stored: boolean): void => {
      this.#sendClose(code, stored);
      this.#enter(stored ? 'close asked for' : 'detach asked for');
    };
    if (!this.#waitForStore(finish)) finish(true);
    return this.takeEvents();
  }

  detach(code: ErrorName, now: number, error?: HawserError): readonly Event[] {
    // An attempt to resume ends without its session.
    if ((this.#session ?? this.#resuming)?.resumable !== true) return this.close(code, now, error);
    checkCode('CLOSE', code);
    if (this.#isOver()) return this.takeEvents();
    this.#advance(now);
    if (error !== undefined) this.#ending.fail(error);
    this.#sendClose(code, false);
    this.#enter(this.#session === undefined ? 'close asked for' : 'detach asked for');
    this.#stopWaiting();
    return this.takeEvents();
  }

  supersede(now: number): readonly Event[] {
    if (this.#isOver() || this.#session === undefined) return this.takeEvents();
    this.#advance(now);
    // Nothing that still comes has any effect on the session. [CNT-028] [CNT-037]
    this.#sendClose(this.#role.type === 'server' ? 'SUPERSEDED' : 'NO_ERROR', false); // [CNT-029]
    this.#enter(this.#role.type === 'server' ? 'session attached to another connection' : 'detach asked for');
    this.#stopWaiting();
    return this.takeEvents();
  }

  takeUp(now: number): readonly Event[] {
    this.#advance(now);
    const control = this.#control;
    const session = this.#session;
    if (this.#isOver() || control === undefined || session?.state !== 'detached' || !session.awaits(control)) {
      return this.takeEvents();
    }
    session.takeUp(control, this.#emit);
    this.#readOn();
    return this.takeEvents();
  }

  drain(code: ErrorName, deadlineMs: number, now: number): readonly Event[] {
    if (this.#role.type !== 'server') throw new MisuseError('HAWSER_ERR_MISUSE_ROLE', 'drain is for the server.');
    checkCode('DRAIN', code);
    if (this.#isOver() || this.#control === undefined) return this.takeEvents();
    this.#advance(now);
    const at = now + deadlineMs;
    // An earlier deadline stands. [CNT-049]
    if (this.#drain !== undefined && this.#drain.at <= at) return this.takeEvents();
    this.#drain = { at, code };
    this.#output.frame(FRAME_TYPE.DRAIN, 0, 0, 0, encodeDrain({ code: ERROR_CODE[code], deadlineMs }));
    this.#control.liveness.sent(now);
    return this.takeEvents();
  }

  /** The session, as long as this connection carries it. */
  #carried(): Session | undefined {
    return this.#session?.isCarriedBy(this.#control) === true ? this.#session : undefined;
  }

  /** The session, if commands have an effect; undefined when it is over. */
  #established(now: number): Session | undefined {
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
    if (this.#control !== undefined) this.#control.now = now;
    const session = this.#carried();
    if (session !== undefined) session.now = now;
  }

  #emit = (event: Event): void => {
    this.#events.push(event);
  };

  /** Does what the table says for the frame that has just become complete. */
  #process(cell: Cell<Machine>): void {
    const { action, next } = cell;
    const decoder = this.#decoder;
    if (action === 'channel') {
      this.#carried()?.channelFrame(decoder);
      return;
    }
    switch (action) {
      case 'send PONG':
        this.#control?.pingFrame(decoder.payload());
        break;
      case 'match the oldest PING':
        this.#receivePong();
        break;
      case 'let go of what is held':
        this.#carried()?.ackFrame(decoder.payload());
        break;
      case 'move before the deadline':
        this.#receiveDrain();
        break;
      case 'ignore':
        this.#control?.spend(decoder.type); // [WIR-006]
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
    establishment.challenge(this.#decoder.copyFrame());
    this.#peer = establishment.peer;
    // The owner has to stop reading the former connection before the cursor is stated. [CNT-019]
    if (this.#role.options.mode === 'resume') this.#emit({ type: 'challenge-received' });
    else this.#output.raw(establishment.connect(NEW_SESSION));
  }

  #receivePong(): void {
    const ping = this.#control?.pongFrame(this.#decoder.payload());
    if (ping !== undefined) this.#carried()?.pongFrame(ping);
  }

  #receiveDrain(): void {
    const { code, deadlineMs } = decodeDrain(this.#decoder.payload());
    this.#control?.spend(FRAME_TYPE.DRAIN);
    this.#carried()?.draining();
    this.#emit({ type: 'draining', code: meaningOf('DRAIN', code), deadlineMs });
  }

  #receiveAccept(): void {
    if (this.#role.type !== 'client') throw new InternalError('A server does not take ACCEPT.');
    const established = this.#role.establishment.accept(this.#decoder.copyFrame());
    const session = this.#resuming;
    const { retentionMs = 0, deadlineMs = 0 } = this.#role.options.continuity ?? {};
    if (session === undefined) {
      this.#checkGrant(established.peer, retentionMs, deadlineMs);
      this.#establish(established, {});
      return;
    }
    if (session.gapAt(established.receiveCursor) !== undefined) {
      throw violation('RESUME_GAP', 'CNT-032', FRAME_TYPE.ACCEPT, 'states a cursor that this client can not serve');
    }
    // Of what a resumption grants only the deadline takes effect. [CNT-003]
    this.#checkGrant({ ...established.peer, retentionMs: 0 }, 0, deadlineMs);
    this.#resuming = undefined;
    this.#evidence = established.evidence;
    this.#peer = established.peer;
    this.#attach(session, established.epoch, established.receiveCursor);
  }

  /** [CNT-002] */
  #checkGrant({ retentionMs, deadlineMs }: PeerParameters, asked: number, askedDeadline: number): void {
    const late = askedDeadline > 0 && (deadlineMs > askedDeadline || (deadlineMs === 0 && retentionMs > 0));
    if (retentionMs <= asked && !late) return;
    throw violation('PARAMETER_INVALID', 'CNT-002', FRAME_TYPE.ACCEPT, 'grants more than was asked for');
  }

  #askToResume(role: Role & { type: 'client' }, session: Session, { attempt = 0 }: ResumeOptions): void {
    const { establishment, options } = role;
    if (this.#state.name !== 'awaiting-accept' || options.mode !== 'resume' || this.#resuming !== undefined) {
      throw new MisuseError('HAWSER_ERR_MISUSE_STATE', 'There is no CHALLENGE to answer.');
    }
    if (session.state === 'attaching') {
      throw new MisuseError('HAWSER_ERR_MISUSE_STATE', 'Another attempt to attach the session is under way.');
    }
    if (!session.attachable) {
      // It is over, or its end is on its way: nothing is asked for any more.
      this.#sendClose('NO_ERROR', true);
      this.#enter('close asked for');
      return;
    }
    requireCustody(session);
    const connect = establishment.connect({ mode: 'resume', ...session.resumePoint, attempt });
    session.attaching();
    this.#resuming = session;
    this.#output.raw(connect);
  }

  /** The order of checks is that of section 12.4. */
  #answerResumption(establishment: ServerEstablishment, session: Session, options: ResumeOptions): void {
    const connect = this.#connect?.resume;
    if (this.#state.name !== 'deciding' || connect === undefined) {
      throw new MisuseError('HAWSER_ERR_MISUSE_STATE', 'There is no CONNECT in mode resume.');
    }
    const final = { final_receive_cursor: session.receiveCursor, final_send_cursor: session.sendCursor };
    // Of a session that is over, what was acknowledged is not asked for any more.
    const asksForLess = !session.attachable && connect.receiveCursor <= session.sendCursor;
    // Where only the epoch is wrong, nothing is missing that could be named.
    const noGap = connect.epoch > session.epoch ? NO_GAP : undefined;
    const gap = asksForLess ? noGap : (session.gapAt(connect.receiveCursor) ?? noGap);
    if (!session.attachable) {
      // [CNT-036] [CNT-063]
      if (gap === undefined) this.#refuse('SESSION_ENDED', final);
      else this.#refuseWithGap(final, gap);
      return;
    }
    requireCustody(session);
    if (gap === undefined) {
      this.#grantResumption(establishment, session, options, connect.receiveCursor);
      return;
    }
    // The session ends, and with it every doubtful message. [CNT-025] [CNT-026] [CNT-043]
    this.#gapFates = session.fates(undefined, true);
    session.end();
    this.#refuseWithGap(final, gap);
  }

  /** @param final - the final cursors. */
  #refuseWithGap(final: ParameterSet, { first, last }: Gap): void {
    this.#refuse('RESUME_GAP', { ...final, gap_first: first, gap_last: last });
  }

  /** Answers a CONNECT whose decision is made with REJECT. */
  #refuse(code: ErrorName, parameters: ParameterSet): void {
    this.#sendReject(code, 0, parameters);
    this.#enter('decision: reject');
  }

  #grantResumption(
    establishment: ServerEstablishment,
    session: Session,
    { epoch = session.epoch + 1, deadlineMs = 0 }: ResumeOptions,
    peerCursor: number,
  ): void {
    const granted = earlier(this.#connect?.peer.deadlineMs ?? 0, deadlineMs);
    try {
      const evidence = establishment.accept({
        sessionId: session.id,
        epoch,
        receiveCursor: session.receiveCursor,
        parameters: continuityParameters(0, granted, 'received'),
      });
      this.#output.raw(evidence.accept);
      this.#enter('decision: accept');
      this.#evidence = evidence;
      if (granted > 0) this.#expiresAt = this.#now + granted;
      this.#attach(session, epoch, peerCursor);
    } catch (error) {
      if (error instanceof MisuseError) throw error;
      this.#fail(error);
    }
  }

  /** A session that exists has this connection from now on. */
  #attach(session: Session, epoch: number, peerCursor: number): void {
    this.#emit({ type: 'attached', epoch });
    this.#control = this.#createControl();
    this.#session = session;
    this.#unheard = this.#role.type === 'server';
    session.attach(epoch, peerCursor, this.#control, this.#emit, this.#now);
  }

  #createControl(): ConnectionControl {
    const { random, grease = true } = this.#options;
    return new ConnectionControl({
      output: this.#output,
      emit: this.#emit,
      random,
      grease,
      livenessIntervalMs: valueOf(this.#declared, 'liveness_interval_ms'),
      peerLivenessIntervalMs: (this.#connect?.peer ?? this.#peer)?.livenessIntervalMs ?? Infinity,
      now: this.#now,
    });
  }

  #tickEstablished(control: ConnectionControl): void {
    const step = control.tick(this.#session?.sendCursor ?? 0);
    if (step === 'suspect') this.#carried()?.suspect();
    if (step === 'down') {
      const limitMs = control.downAfterMs;
      this.#fail(new TimeoutError('liveness', limitMs, `The peer was silent for ${limitMs} ms.`)); // [SES-022]
    } else if (this.#drain !== undefined && this.#now >= this.#drain.at) {
      this.#emitAll(this.detach(this.#drain.code, this.#now)); // [CNT-048]
    } else if (this.#now >= this.#expiresAt && this.#session?.resumable === true) {
      this.#sendClose('CONNECTION_EXPIRED', false); // [CNT-053]
      this.#enter('connection deadline');
      this.#stopWaiting();
    }
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
      resume: connect.resume,
    });
  }

  /** REJECT at the client, CLOSE at a server that has not answered CONNECT. */
  #receiveEarlyEnd(): void {
    this.#ending.remote = true;
    if (this.#role.type === 'client') {
      const { code: wireCode, retryAfterMs, parameters } = decodeReject(this.#decoder.payload());
      const code = meaningOf('REJECT', wireCode); // [ERR-002]
      this.#emit({ type: 'rejected', code, wireCode, retryAfterMs, parameters });
      this.#refusal = code;
      this.#finalCursor = code === 'SESSION_ENDED' ? valueOf(parameters, 'final_receive_cursor') : undefined;
      const message = `The server answered with REJECT(${code}).`;
      // Whatever the code says of the server, the attempt has failed.
      this.#ending.fail(new RemoteError(code, wireCode, message, retryAfterMs));
      this.#ending.received(code, wireCode, message, retryAfterMs);
    } else {
      const { code: wireCode } = decodeClose(this.#decoder.payload());
      const code = meaningOf('CLOSE', wireCode);
      this.#ending.received(code, wireCode, `The client gave up with CLOSE(${code}).`);
    }
    // Whatever the code was, known or not, nothing is sent in answer. [EST-032] [EST-033] [ERR-003]
    this.#ending.endOutput(this.#now);
    this.#end(true, undefined, true);
  }

  /** CLOSE in state established: answer it. [SES-012] [SES-029] */
  #receiveClose(): void {
    const close = decodeClose(this.#decoder.payload());
    // A client that gave up before it verified ACCEPT states no cursors (section 4.6): they say nothing of the session.
    const early = this.#unheard && close.receiveCursor === 0 && close.sendCursor === 0;
    if (!early) this.#session?.checkClose(close, false); // [SES-013]
    this.#ending.remote = true;
    const code = meaningOf('CLOSE', close.code);
    this.#ending.received(code, close.code, `The peer sent CLOSE(${code}).`);
    // [CNT-015]
    const ends = this.#endedBy(this.#decoder.flags);
    if (!ends && !early) this.#session?.acknowledgedByClose(close.receiveCursor);
    this.#sendClose('NO_ERROR', ends);
    this.#end(true, early ? undefined : close.receiveCursor, ends);
  }

  /** Whether a CLOSE of the peer ends the session. [SES-029] */
  #endedBy(flags: number): boolean {
    return (flags & FLAG.CLOSE.END_SESSION) !== 0 || this.#session?.resumable !== true;
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
    // What ends a connection that has lost its session says nothing of the session. [CNT-019] [CNT-037]
    const session = this.#session?.endsWith(this.#control) === true ? this.#session : undefined;
    let cursor: number | undefined;
    try {
      session?.checkClose(close, true);
      cursor = session && close.receiveCursor;
      const code = meaningOf('CLOSE', close.code);
      if (this.error === undefined) this.#ending.received(code, close.code, `The peer sent CLOSE(${code}).`);
    } catch (error) {
      this.#ending.fail(toHawserError(error));
    }
    if (this.#endedBy(this.#decoder.flags)) this.#end(true, cursor, true);
    else {
      // It keeps the session: what it holds is not its last word, and the own CLOSE has crossed with it.
      if (cursor !== undefined) session?.acknowledgedByClose(cursor);
      this.#end(true, cursor, this.#endsUnanswered(), false);
    }
    return true;
  }

  #establish({ sessionId, epoch, peer, evidence }: Established, granted: ParameterSet): void {
    const { random, grease = true, leafVerifier } = this.#options;
    const isClient = this.#role.type === 'client';
    const credit = isClient ? this.#declared : granted;
    const own = isClient ? this.#declared : granted;
    this.#peer = peer;
    this.#evidence = evidence;
    this.#emit({ type: 'established', sessionId, epoch });
    const terms: SessionTerms = {
      own: {
        maxMessageBytes: valueOf(this.#declared, 'max_message_bytes'),
        initialMessageCredit: valueOf(credit, 'initial_message_credit'),
        initialByteCredit: valueOf(credit, 'initial_byte_credit'),
        maxChannels: isClient ? (peer.maxChannels ?? PARAMETER.max_channels.default) : valueOf(granted, 'max_channels'),
      },
      peer,
      retentionMs: isClient ? peer.retentionMs : valueOf(granted, 'session_retention_ms'),
      custody: own.custody === 1 ? 'stored' : 'received',
      peerCustody: peer.custody,
    };
    this.#control = this.#createControl();
    this.#session = new Session({
      role: this.#role.type,
      id: sessionId,
      epoch,
      terms,
      random,
      grease,
      leafVerifier,
      now: this.#now,
    });
    this.#session.begin(this.#control, this.#emit);
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
      const ends = ERRORS[code].scope !== 'connection';
      const finish = (stored: boolean): void => {
        this.#sendClose(code, ends && stored); // [SES-003] [EST-027] [CNT-014]
        if (next === undefined) this.#enter(LOCAL_EVENT[timer ?? 'none']);
        else {
          this.#ending.remote = true;
          this.#state = next;
          this.#end(true, undefined, this.#endsSession);
        }
      };
      if (ends && this.#waitForStore(finish, next !== undefined)) return false;
      finish(true);
      this.#stopWaiting();
    } else {
      this.#sendReject(code, 0); // [EST-026]
      this.#enter(timer === undefined ? 'error found before ACCEPT' : LOCAL_EVENT[timer]);
    }
    return true;
  }

  #sendReject(code: ErrorName, retryAfterMs: number, parameters: ParameterSet = {}): void {
    this.#output.raw(encodeFrame('REJECT', encodeReject({ code: ERROR_CODE[code], retryAfterMs, parameters })));
    this.#ending.sent(code, this.#now);
  }

  /** @param endSession - in a session that is not resumable every CLOSE ends it. [SES-017] */
  #sendClose(code: ErrorName, endSession: boolean): void {
    const session = this.#session;
    if (session !== undefined && this.#control !== undefined) {
      const carried = session.isCarriedBy(this.#control);
      // A connection that has lost the session does not speak for it. [CNT-019] [CNT-037]
      this.#endsSession = (endSession && carried) || !session.resumable;
      session.writeClose(this.#control, code, this.#endsSession);
      // What it does from now on is for another connection, or has no effect.
      if (carried && this.#endsSession) session.closing();
      else if (carried) session.detach('connection ended');
    } else {
      // The server may have attached the session already. [CNT-014]
      this.#endsSession = endSession || this.#resuming === undefined;
      // Before ACCEPT is verified both cursors are zero (section 4.6).
      const payload = encodeClose({ code: ERROR_CODE[code], receiveCursor: 0, sendCursor: 0 });
      this.#output.raw(encodeFrame('CLOSE', payload, this.#endsSession ? FLAG.CLOSE.END_SESSION : 0)); // [SES-017]
    }
    this.#ending.sent(code, this.#now);
  }

  /** The close deadline has passed. [SES-015] */
  #cut(): void {
    this.#ending.finish();
    this.#decoder.stop();
    if (this.#state.name !== 'closing') return;
    this.#enter('close deadline');
    this.#end(false, undefined, this.#endsUnanswered());
  }

  /**
   * Whether the session ends without an answer of the peer. A client that has asked for the end of its session can still ask
   * what became of it. [CNT-036]
   */
  #endsUnanswered(): boolean {
    return this.#session?.resumable !== true || (this.#endsSession && this.#role.type === 'server');
  }

  #enter(event: MachineEvent<Machine>): void {
    this.#state = after(this.#state, event);
  }

  /**
   * Reports the end, once, as the state becomes closed.
   *
   * @param answered - whether the peer's CLOSE, or REJECT, was read.
   * @param peerReceiveCursor - what that CLOSE says; undefined where it says nothing that can be true.
   * @param ended - whether the session ends with the connection.
   * @param final - whether the cursor is the peer's last word: not where it keeps the session (section 12.6).
   */
  #end(answered: boolean, peerReceiveCursor: number | undefined, ended: boolean, final = true): void {
    this.#unread = [];
    this.#waiting = undefined;
    const attempt = this.#resuming;
    if (attempt !== undefined) {
      this.#endAttempt(attempt, answered);
      return;
    }
    const session = this.#session;
    // Another connection may have the session by now: then what ends here is this connection alone.
    const own = session !== undefined && session.endsWith(this.#control);
    let fates = this.#gapFates ?? NO_FATES;
    if (own && ended) {
      fates = session.fates(final ? peerReceiveCursor : undefined);
      session.end();
    } else if (own) {
      if (final && peerReceiveCursor !== undefined) session.acknowledgedByClose(peerReceiveCursor);
      session.detach('connection lost');
    }
    const gone = (own && ended) || this.#gapFates !== undefined;
    const what = gone ? 'ended' : session === undefined ? 'none' : 'detached';
    this.#emit(this.#ending.closed(answered, peerReceiveCursor, what, fates));
  }

  /** An attempt to resume ends without ACCEPT: whether the session goes on is for the code to say. [CNT-013] [CNT-043] */
  #endAttempt(session: Session, answered: boolean): void {
    this.#resuming = undefined;
    const refused = this.#refusal !== undefined && ERRORS[this.#refusal].scope === 'session';
    const ended = this.#endsSession || refused;
    let fates = NO_FATES;
    if (ended && session.state !== 'ended') {
      // [CNT-064]
      const forgotten = this.#finalCursor !== undefined && this.#finalCursor < session.acknowledgedCursor;
      fates = session.fates(this.#finalCursor, forgotten || DOUBTS.has(this.#ending.code));
      session.end();
    } else session.attemptFailed(this.#refusal !== undefined);
    this.#emit(this.#ending.closed(answered, this.#finalCursor, ended ? 'ended' : 'detached', fates));
  }

  #emitAll(events: readonly Event[]): void {
    for (const event of events) this.#emit(event);
  }
}

/** Only what is in custody may be stated. [CNT-006] */
function requireCustody(session: Session): void {
  if (session.settledCustody) return;
  throw new MisuseError('HAWSER_ERR_MISUSE_CUSTODY', 'What the session has processed is not in custody yet.');
}

/** The earlier of two deadlines, of which 0 is none. */
function earlier(a: number, b: number): number {
  return a === 0 || b === 0 ? Math.max(a, b) : Math.min(a, b);
}

function toHawserError(error: unknown): HawserError {
  return error instanceof HawserError ? error : new InternalError('The engine failed.', { cause: error });
}
