/**
 * What a receiver does with any sequence of frames: the connection and channel tables of chapter 10, and the checks of
 * chapters 3 to 6 and 12 around them, in the order of WIR-027. Octets and events in, expected reactions out; nothing else.
 */
import { ChannelBook } from './channel-book.ts';
import type { ChannelStep, Declarations, Limits } from './channel-book.ts';
import { checkChannel, checkFlags, checkSequence, checkType, decodePayload, measureFrame } from './decode.ts';
import { decodeHeader } from './frame.ts';
import type { Header, ModelFields, ModelParameter, Violation } from './frame.ts';
import { concat, equal } from './octets.ts';
import { errorNamed, frameOfType, limit, machineOf, registry } from './registry.ts';
import type { FrameRow, MachineData, Role } from './registry.ts';
import { SessionBook } from './session-book.ts';
import { judgeResumption } from './session-state.ts';
import type { SessionState, StoredSession } from './session-state.ts';

export type { ChannelStep, Declarations, Limits } from './channel-book.ts';
export type { SessionState, StoredSession } from './session-state.ts';

export interface ModelOptions {
  /** State to begin in; the table's initial state if absent. */
  readonly state?: string;
  /** Declarations of the receiver; those in frames that it sends later replace them. */
  readonly own?: Declarations;
  /** Declarations of its peer; those in frames that it receives later replace them. */
  readonly peer?: Declarations;
  /** A server's own identity; an audience is judged only where it is given. */
  readonly identity?: string;
  /** What the receiver finds by cryptography and policy, which the model does not compute; true if absent. */
  readonly verdicts?: { readonly signature?: boolean; readonly peerIdentity?: boolean };
  /** Whether the session outlives its connection, where the model begins in `established`; otherwise ACCEPT says so. */
  readonly resumable?: boolean;
  /** The session that a client attaches with CONNECT in mode resume. */
  readonly resumes?: SessionState;
  /** A server's store: the session of an id. Without it no session is known. */
  readonly recall?: (id: Uint8Array) => StoredSession | undefined;
}

/** The frame or event is in order: the state after it and what the receiver does. */
export interface Step {
  readonly next: string;
  readonly action: string;
  readonly channel?: ChannelStep;
  /** Set where the text leaves open whether the receiver already reports this error (section 5.2). */
  readonly orError?: Violation;
}

/** The frame is the error named; `next` is the state after it. */
export interface Refusal extends Violation {
  readonly next: string;
}

export type Reaction = Step | Refusal;

const IGNORABLE = 'IGNORABLE';

const violation = (error: string, requirement: string): Violation => ({ error, requirement });

const isViolation = (value: object | undefined): value is Violation => value !== undefined && 'error' in value;

function u53(fields: ModelFields, name: string): bigint {
  const value = fields[name];
  if (typeof value !== 'bigint') throw new TypeError(`${name} is not a u53`);
  return value;
}

function octets(fields: ModelFields, name: string): Uint8Array {
  const value = fields[name];
  if (!(value instanceof Uint8Array)) throw new TypeError(`${name} is not octets`);
  return value;
}

function parameterList(fields: ModelFields): readonly ModelParameter[] {
  return (fields['parameters'] ?? []) as readonly ModelParameter[];
}

function declared(fields: ModelFields): Declarations {
  const list = parameterList(fields);
  return Object.fromEntries(list.flatMap(({ name, value }) => (name === undefined ? [] : [[name, value]])));
}

/** An integer parameter whose default is zero. */
function integerParameter(fields: ModelFields, name: string): number {
  return Number(parameterList(fields).find((parameter) => parameter.name === name)?.value ?? 0);
}

/** What the client's CONNECT said, as far as ACCEPT is judged by it. */
interface Asked {
  readonly mode: 'new' | 'resume';
  readonly id: Uint8Array;
  readonly epoch: bigint;
  readonly attempt: bigint;
  readonly cursor: bigint;
  readonly retentionMs: number;
  readonly deadlineMs: number;
}

function askedBy(fields: ModelFields): Asked {
  return {
    mode: fields['mode'] === 0 ? 'new' : 'resume',
    id: octets(fields, 'session_id'),
    epoch: u53(fields, 'epoch'),
    attempt: u53(fields, 'attempt'),
    cursor: u53(fields, 'receive_cursor'),
    retentionMs: integerParameter(fields, 'session_retention_ms'),
    deadlineMs: integerParameter(fields, 'connection_deadline_ms'),
  };
}

const NOTHING_ASKED: Asked = {
  mode: 'new',
  id: new Uint8Array(16),
  epoch: 0n,
  attempt: 0n,
  cursor: 0n,
  retentionMs: 0,
  deadlineMs: 0,
};

function hasEndSession(row: FrameRow, header: Header): boolean {
  return row.flags.some(({ name, bit }) => name === 'END_SESSION' && (header.flags & bit) !== 0);
}

/** The executable model of one receiver, from the first octet of its connection on or from a given state. */
export class ReceiverModel {
  readonly role: Role;
  readonly #options: ModelOptions;
  readonly #connections: MachineData;
  /** Data of the PINGs that wait for their PONG, oldest first. */
  readonly #pings: Uint8Array[] = [];
  #state: string;
  #channels: ChannelBook;
  readonly #session = new SessionBook();
  #asked = NOTHING_ASKED;
  /** The session that CONNECT in mode resume has named, until ACCEPT. */
  #resuming: SessionState | undefined;
  /** Whether a frame has come since the session was established on this connection. */
  #heard = false;
  #endSession = false;
  #error: Violation | undefined;
  #finalFrameSent = false;
  #held: Uint8Array = new Uint8Array(0);
  #deaf = false;
  // Control frames that the receiver must still take, and those after which it must not: the budget and a multiple of it.
  #budget: number = limit('control_burst_frames');
  #tolerance: number = limit('control_tolerance_factor') * limit('control_burst_frames');

  constructor(role: Role, options: ModelOptions = {}) {
    this.role = role;
    this.#options = options;
    this.#connections = machineOf(role, 'connection');
    this.#state = options.state ?? this.#connections.initial;
    if (!this.#connections.states.some(({ name }) => name === this.#state)) {
      throw new TypeError(`a ${role} has no connection state ${this.#state}`);
    }
    this.#channels = new ChannelBook(role, options.own ?? {}, options.peer ?? {});
    this.#session.resumable = options.resumable ?? false;
    this.#resuming = options.resumes;
  }

  /** The connection's state. */
  get state(): string {
    return this.#state;
  }

  /** The first error, which stays the error of the connection (WIR-028). */
  get error(): Violation | undefined {
    return this.#error;
  }

  /** Last sequenced frame received and sent, for CLOSE. */
  get cursors(): { readonly receive: bigint; readonly send: bigint } {
    return this.#session.cursors;
  }

  /** Whether the session outlives this connection. */
  get resumable(): boolean {
    return this.#session.resumable;
  }

  /** What becomes of the session when the connection is over (CNT-013). */
  get fate(): 'detached' | 'ended' {
    const fatal = this.#error !== undefined && errorNamed(this.#error.error).scope === 'session';
    return this.#session.resumable && !this.#endSession && !fatal ? 'detached' : 'ended';
  }

  /** Whether CLOSE is to have END_SESSION, when it is sent now (SES-012, SES-017, CNT-014, CNT-015). */
  get endsSession(): boolean {
    if (!this.#session.resumable) return true;
    if (this.#error !== undefined) return errorNamed(this.#error.error).scope === 'session';
    return this.#endSession;
  }

  /** What is kept of the session, for the model of its next connection. */
  get session(): SessionState {
    return this.#session.state(this.#channels);
  }

  /** What the peer has acknowledged of what was sent. */
  get acknowledged(): bigint {
    return this.#session.acknowledged;
  }

  /** A channel's state. */
  channelState(number: number): string {
    return this.#channels.state(number);
  }

  /** Limits granted to the peer on a channel and what has been used of them; undefined unless the channel is in use. */
  credit(
    number: number,
  ): { readonly granted: Limits; readonly received: Limits; readonly allowed: Limits } | undefined {
    return this.#channels.credit(number);
  }

  /** Complete messages of a channel and how many of them have verdicts; undefined unless the channel is in use. */
  outcomes(number: number): ReturnType<ChannelBook['outcomes']> {
    return this.#channels.outcomes(number);
  }

  /** Takes octets however they are divided, and answers for each frame that they complete. */
  receiveOctets(chunk: Uint8Array): readonly Reaction[] {
    const reactions: Reaction[] = [];
    this.#held = concat(this.#held, chunk);
    for (;;) {
      if (this.#state === 'closed' || this.#deaf) {
        this.#held = new Uint8Array(0);
        return reactions;
      }
      const measured = measureFrame(this.#held);
      if ('need' in measured) return reactions;
      if ('error' in measured) {
        // Where the next frame begins can no longer be told: everything that follows is discarded unparsed (section 5.3).
        this.#deaf = true;
        const ending = this.#state === 'closing';
        reactions.push(ending ? { next: this.#state, action: 'discard' } : this.#refuse(measured));
        continue;
      }
      if (this.#held.length < measured.total) return reactions;
      const frame = this.#held.slice(0, measured.total);
      this.#held = this.#held.slice(measured.total);
      reactions.push(this.receive(frame));
    }
  }

  /**
   * Takes one frame, complete or cut off behind a header that is in error.
   *
   * @throws TypeError for octets that are not one frame.
   */
  receive(frame: Uint8Array): Reaction {
    const header = decodeHeader(frame);
    const measured = measureFrame(frame);
    if (header === undefined || 'need' in measured) throw new TypeError('the octets do not hold a header');
    if (this.#state === 'closing' || this.#state === 'closed') return this.#discard(header, frame);
    if ('error' in measured) return this.#refuse(measured);
    if (measured.total !== frame.length)
      throw new TypeError(`the octets are not one frame of ${measured.total} octets`);

    const row = frameOfType(header.type);
    const cell = this.#cell(this.#state, row?.name ?? IGNORABLE);
    const wrong =
      checkType(header) ??
      (row && checkFlags(row, header)) ??
      (isViolation(cell) ? this.#unexpected(cell.error) : undefined) ??
      (row && checkChannel(row, header)) ??
      checkSequence(row, header, row?.sequenced === true ? this.#session.dueIn : undefined);
    if (wrong !== undefined) return this.#refuse(wrong);
    if (isViolation(cell)) throw new TypeError('unreachable');
    if (row === undefined) return this.#controlFrame(cell);

    const payload = decodePayload(row, frame.subarray(registry.header.bytes));
    if ('error' in payload) return this.#refuse(violation(payload.error, payload.requirement));

    let reaction: Step | Violation = cell;
    const again = row.sequenced && this.#session.receivedBefore(header.seq, frame);
    if (typeof again !== 'boolean') return this.#refuse(again);
    if (again) {
      this.#session.take(header.seq, frame);
      return { next: this.#state, action: 'discard' };
    }
    if (row.layer === 'channel') {
      const step = this.#channels.receive(row, header, payload.fields);
      reaction = isViolation(step) ? step : { ...cell, channel: step };
    } else {
      reaction = this.#meaning(row, header, cell, payload.fields) ?? cell;
    }
    if (isViolation(reaction)) return this.#refuse(reaction, row.name === 'CLOSE' ? 'closed' : 'closing');
    if (row.sequenced) this.#session.take(header.seq, frame);
    this.#state = reaction.next;
    return reaction;
  }

  /**
   * Takes a frame that the receiver itself sends, and answers whether it may (SES-002). A frame that it may not send changes
   * nothing.
   */
  send(frame: Uint8Array): Reaction {
    const header = decodeHeader(frame);
    const row = header && frameOfType(header.type);
    if (header === undefined) throw new TypeError('the octets do not hold a header');
    const refuse = (error: string, requirement: string): Refusal => ({ error, requirement, next: this.#state });
    if (this.#finalFrameSent) return refuse('FRAME_UNEXPECTED', 'SES-011');
    if (row === undefined) {
      return this.#state === 'established'
        ? { next: this.#state, action: 'send' }
        : refuse('FRAME_UNEXPECTED', this.role === 'server' ? 'EST-008' : 'EST-013');
    }
    if (row.sender !== 'both' && row.sender !== this.role) return refuse('FRAME_UNEXPECTED', 'SES-002');
    if (row.sequenced && header.seq !== this.#session.dueOut) return refuse('SEQUENCE_INVALID', 'WIR-010');
    const payload = decodePayload(row, frame.subarray(registry.header.bytes));
    if ('error' in payload) return refuse(payload.error, payload.requirement);
    const { fields } = payload;

    if (row.layer === 'channel') {
      if (this.#state !== 'established') return refuse('FRAME_UNEXPECTED', 'SES-002');
      const again = row.sequenced && this.#session.sentBefore(header.seq, frame);
      if (typeof again !== 'boolean') return refuse(again.error, again.requirement);
      if (again) {
        this.#session.give(header.seq, frame);
        return { next: this.#state, action: 'send again' };
      }
      const step = this.#channels.send(row, header, fields);
      if (isViolation(step)) return refuse(step.error, step.requirement);
      if (row.sequenced) this.#session.give(header.seq, frame);
      return { next: this.#state, action: 'send', channel: step };
    }

    const next = this.#stateAfterSending(row.name);
    if (next === undefined) return refuse('FRAME_UNEXPECTED', 'SES-002');
    const wrong = this.#sendMeaning(row, header, fields);
    if (wrong !== undefined) return refuse(wrong.error, wrong.requirement);
    this.#state = next;
    return { next, action: 'send' };
  }

  /**
   * Takes an event of the connection's table that is not the sending of a frame: a deadline, the loss of the transport.
   *
   * @throws TypeError where the table does not have the event in this state.
   */
  local(event: string): Step {
    const row = this.#connections.local.find((entry) => entry.event === event && entry.from.includes(this.#state));
    if (row === undefined) throw new TypeError(`no local event "${event}" in state ${this.#state}`);
    this.#state = row.next;
    return { next: row.next, action: row.do ?? 'none' };
  }

  /** Lets time pass: the budget for control frames fills up again (section 5.2). */
  elapse(milliseconds: number): void {
    const refill = (milliseconds / 1000) * limit('control_refill_per_second');
    this.#budget = Math.min(limit('control_burst_frames'), this.#budget + refill);
    const factor = limit('control_tolerance_factor');
    this.#tolerance = Math.min(factor * limit('control_burst_frames'), this.#tolerance + factor * refill);
  }

  #cell(state: string, frame: string): Step | Violation {
    const row = this.#connections.rows.find((entry) => entry.state === state && entry.frame === frame);
    if (row?.next !== undefined) return { next: row.next, action: row.do ?? 'none' };
    return violation(row?.error ?? 'FRAME_UNEXPECTED', 'SES-001');
  }

  #unexpected(error: string): Violation {
    return violation(error, this.#state === 'deciding' ? 'EST-014' : 'SES-001');
  }

  #refuse(wrong: Violation, next = 'closing'): Refusal {
    const { error, requirement } = wrong;
    this.#error ??= { error, requirement };
    this.#state = next;
    return { error, requirement, next };
  }

  #discard(header: Header, frame: Uint8Array): Step {
    const row = frameOfType(header.type);
    if (this.#state === 'closing' && row?.name === 'CLOSE') {
      const sound =
        frame.length === registry.header.bytes + header.length &&
        'fields' in decodePayload(row, frame.subarray(registry.header.bytes));
      if (sound) {
        this.#state = 'closed';
        this.#endSession ||= hasEndSession(row, header);
        return { next: 'closed', action: 'read the final cursors' };
      }
    }
    return { next: this.#state, action: 'discard' };
  }

  #controlFrame(cell: Step): Reaction {
    this.#tolerance -= 1;
    this.#budget -= 1;
    const exceeded = violation('RATE_EXCEEDED', 'SES-010');
    if (this.#tolerance < 0) return this.#refuse(exceeded);
    const within = this.#budget >= 0;
    this.#budget = Math.max(0, this.#budget);
    return within ? cell : { ...cell, orError: exceeded };
  }

  /** What the frame says, judged last; undefined where the table's cell is all there is to it. */
  #meaning(row: FrameRow, header: Header, cell: Step, fields: ModelFields): Reaction | Violation | undefined {
    const { peerIdentity = true } = this.#options.verdicts ?? {};
    const heard = this.#heard;
    this.#heard ||= this.#state === 'established';
    switch (row.name) {
      case 'CHALLENGE':
        if (!peerIdentity) return violation('AUTHENTICATION_FAILED', 'EST-010');
        this.#channels.peer = { ...this.#channels.peer, ...declared(fields) };
        return undefined;
      case 'CONNECT':
        return this.#connectMeaning(fields);
      case 'ACCEPT':
        return this.#acceptMeaning(fields);
      case 'PING':
      case 'DRAIN':
        return this.#controlFrame(cell);
      case 'PONG': {
        const oldest = this.#pings.shift();
        const matches = oldest !== undefined && equal(oldest, octets(fields, 'data'));
        return matches ? undefined : violation('FRAME_UNEXPECTED', 'SES-007');
      }
      case 'ACK':
        if (!this.#session.resumable) return violation('FRAME_UNEXPECTED', 'CNT-004');
        return this.#session.acknowledge(u53(fields, 'receive_cursor'));
      case 'CLOSE': {
        // Before the session is established there are no cursors to contradict.
        if (this.#state !== 'established') return undefined;
        const { receive, send } = this.#session.cursors;
        // A client that has given up before it verified ACCEPT states no cursors (section 4.6).
        const silent = u53(fields, 'receive_cursor') === 0n && u53(fields, 'send_cursor') === 0n;
        if (!heard && silent && this.#asked.mode === 'resume') {
          this.#endSession ||= hasEndSession(row, header);
          return undefined;
        }
        if (u53(fields, 'receive_cursor') > send || u53(fields, 'send_cursor') !== receive) {
          return violation('CURSOR_INVALID', 'SES-013');
        }
        this.#endSession ||= hasEndSession(row, header);
        return undefined;
      }
      default:
        return undefined;
    }
  }

  #connectMeaning(fields: ModelFields): Violation | undefined {
    const { signature = true, peerIdentity = true } = this.#options.verdicts ?? {};
    if (!signature) return violation('SIGNATURE_INVALID', 'EST-005');
    if (this.#options.identity !== undefined && fields['audience'] !== this.#options.identity) {
      return violation('AUDIENCE_MISMATCH', 'EST-016');
    }
    if (!peerIdentity) return violation('AUTHENTICATION_FAILED', 'EST-017');
    const asked = askedBy(fields);
    this.#asked = asked;
    if (asked.mode === 'new') {
      this.#channels.peer = { ...this.#channels.peer, ...declared(fields) };
      return undefined;
    }
    const stored = this.#options.recall?.(asked.id);
    const refused = judgeResumption(stored, asked);
    if (refused === undefined) this.#resuming = stored?.state;
    return refused;
  }

  #acceptMeaning(fields: ModelFields): Violation | undefined {
    const { signature = true } = this.#options.verdicts ?? {};
    if (!signature) return violation('SIGNATURE_INVALID', 'EST-005');
    const epoch = u53(fields, 'epoch');
    const cursor = u53(fields, 'receive_cursor');
    const asked = this.#asked;
    const state = asked.mode === 'resume' ? this.#resuming : undefined;
    if (asked.mode === 'new') {
      if (epoch !== 1n || cursor !== 0n) return violation('FRAME_MALFORMED', 'EST-021');
    } else {
      const same = equal(octets(fields, 'session_id'), asked.id);
      if (!same || epoch <= asked.epoch) return violation('FRAME_MALFORMED', 'CNT-031');
      if (state !== undefined && (cursor > state.sent || cursor < state.acknowledged)) {
        return violation('RESUME_GAP', 'CNT-032');
      }
    }
    // What is granted of retention has no effect on a session that exists (CNT-003).
    const retention = integerParameter(fields, 'session_retention_ms');
    const deadline = integerParameter(fields, 'connection_deadline_ms');
    const tooLong = asked.mode === 'new' && retention > asked.retentionMs;
    if (tooLong || (asked.deadlineMs > 0 && deadline > asked.deadlineMs)) {
      return violation('PARAMETER_INVALID', 'CNT-002');
    }
    this.#attach(fields, { own: asked.cursor, peer: cursor });
    if (asked.mode === 'new') this.#channels.peer = { ...this.#channels.peer, ...declared(fields) };
    return undefined;
  }

  /** ACCEPT has passed: the session exists, or goes on, on this connection. */
  #attach(accept: ModelFields, stated: { readonly own: bigint; readonly peer: bigint }): void {
    const state = this.#asked.mode === 'resume' ? this.#resuming : undefined;
    if (state !== undefined) {
      this.#channels = state.channels.carriedOver();
      this.#session.continue(state, stated);
    }
    this.#session.id = octets(accept, 'session_id');
    this.#session.epoch = u53(accept, 'epoch');
    this.#session.attempt = this.#asked.attempt;
    if (state === undefined) this.#session.resumable = integerParameter(accept, 'session_retention_ms') > 0;
  }

  /** What a frame of establishment or session that is sent leads to, or why it may not be sent. */
  #sendMeaning(row: FrameRow, header: Header, fields: ModelFields): Violation | undefined {
    const declare = (): void => {
      this.#channels.own = { ...this.#channels.own, ...declared(fields) };
    };
    switch (row.name) {
      case 'PING':
        this.#pings.push(octets(fields, 'data'));
        return undefined;
      case 'ACK':
        if (!this.#session.resumable) return violation('FRAME_UNEXPECTED', 'CNT-004');
        return this.#session.tell(u53(fields, 'receive_cursor'));
      case 'CLOSE':
        this.#endSession ||= hasEndSession(row, header);
        this.#finalFrameSent = true;
        return undefined;
      case 'REJECT':
        this.#finalFrameSent = true;
        return undefined;
      case 'CHALLENGE':
        declare();
        return undefined;
      case 'CONNECT':
        this.#asked = askedBy(fields);
        if (this.#asked.mode === 'new') declare();
        return undefined;
      case 'ACCEPT':
        if (this.#asked.mode === 'new') declare();
        this.#attach(fields, { own: u53(fields, 'receive_cursor'), peer: this.#asked.cursor });
        return undefined;
      default:
        return undefined;
    }
  }

  #stateAfterSending(name: string): string | undefined {
    const established = this.#state === 'established';
    switch (name) {
      case 'CHALLENGE':
        return this.#state === 'awaiting-connect' ? this.#state : undefined;
      case 'CONNECT':
        return this.#state === 'awaiting-accept' ? this.#state : undefined;
      case 'ACCEPT':
        return this.#state === 'deciding' ? 'established' : undefined;
      case 'REJECT':
        return ['awaiting-connect', 'deciding', 'closing'].includes(this.#state) ? 'closing' : undefined;
      case 'CLOSE':
        if (this.#state === 'closed') return 'closed';
        return this.role === 'client' || established || this.#state === 'closing' ? 'closing' : undefined;
      default:
        return established ? this.#state : undefined;
    }
  }
}

/** The expected reactions to the frames in `stream`, in order, up to the one that is an error. */
export function judgeStream(role: Role, stream: Uint8Array, options: ModelOptions = {}): readonly Reaction[] {
  return new ReceiverModel(role, options).receiveOctets(stream);
}
