/**
 * What a receiver does with any sequence of frames: the connection and channel tables of chapter 10, and the checks of
 * chapters 3 to 6 around them, in the order of WIR-027. Octets and events in, expected reactions out; nothing else.
 */
import { checkChannel, checkFlags, checkSequence, checkType, decodePayload, measureFrame } from './decode.ts';
import { decodeHeader } from './frame.ts';
import type { Header, ModelFields, ModelParameter, Violation } from './frame.ts';
import { concat, equal } from './octets.ts';
import { errorOfCode, frameOfType, limit, machineOf, parameterNamed, registry } from './registry.ts';
import type { FrameRow, MachineData, Role } from './registry.ts';

/** What one side has declared in CHALLENGE, CONNECT or ACCEPT; absent means the default. */
export interface Declarations {
  readonly max_message_bytes?: number;
  readonly max_channels?: number;
  readonly initial_message_credit?: number;
  readonly initial_byte_credit?: number;
}

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
}

/** A cell of a channel's table that was used. */
export interface ChannelStep {
  readonly number: number;
  readonly next: string;
  readonly action: string;
  /** The message that the frame completes. */
  readonly message?: Uint8Array;
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

/** Messages begun and octets of fragments, since the channel was opened. */
export interface Limits {
  readonly messages: bigint;
  readonly bytes: bigint;
}

interface Channel {
  state: string;
  /** Limits that the receiver has granted, and what has come in. */
  granted: Limits;
  received: Limits;
  /** Limits that its peer has granted. */
  allowed: Limits;
  /** Octets so far of the message that is incomplete. */
  incomplete: Uint8Array | undefined;
}

const IGNORABLE = 'IGNORABLE';

/** Actions for which it does not matter what the frame says. */
const UNREAD: readonly string[] = ['discard', 'ignore', 'none'];

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

function declared(fields: ModelFields): Declarations {
  const list = (fields['parameters'] ?? []) as readonly ModelParameter[];
  return Object.fromEntries(list.flatMap(({ name, value }) => (name === undefined ? [] : [[name, value]])));
}

function amount(declarations: Declarations, name: keyof Declarations): bigint {
  return BigInt(declarations[name] ?? parameterNamed(name).default ?? 0);
}

/** The executable model of one receiver, from the first octet of its connection on or from a given state. */
export class ReceiverModel {
  readonly role: Role;
  readonly #options: ModelOptions;
  readonly #connections: MachineData;
  readonly #channels: MachineData;
  readonly #open = new Map<number, Channel>();
  /** Closed channels on which a RESET(CHANNEL_CLOSED) is still owed. */
  readonly #owed = new Set<number>();
  /** Data of the PINGs that wait for their PONG, oldest first. */
  readonly #pings: Uint8Array[] = [];
  #state: string;
  #own: Declarations;
  #peer: Declarations;
  #lastOpened = 0;
  #received = 0n;
  #sent = 0n;
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
    this.#channels = machineOf(role, 'channel');
    this.#state = options.state ?? this.#connections.initial;
    if (!this.#connections.states.some(({ name }) => name === this.#state)) {
      throw new TypeError(`a ${role} has no connection state ${this.#state}`);
    }
    this.#own = options.own ?? {};
    this.#peer = options.peer ?? {};
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
    return { receive: this.#received, send: this.#sent };
  }

  /** A channel's state. */
  channelState(number: number): string {
    if (number > this.#lastOpened || number === 0) return 'idle';
    return this.#open.get(number)?.state ?? 'closed';
  }

  /** Limits granted to the peer on a channel and what has been used of them; undefined unless the channel is in use. */
  credit(
    number: number,
  ): { readonly granted: Limits; readonly received: Limits; readonly allowed: Limits } | undefined {
    const channel = this.#open.get(number);
    if (channel === undefined) return undefined;
    const { granted, received, allowed } = channel;
    return { granted, received, allowed };
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
    const cell = this.#cell(this.#connections, this.#state, row?.name ?? IGNORABLE);
    const wrong =
      checkType(header) ??
      (row && checkFlags(row, header)) ??
      (isViolation(cell) ? this.#unexpected(cell.error) : undefined) ??
      (row && checkChannel(row, header)) ??
      checkSequence(row, header, row?.sequenced === true ? this.#received + 1n : undefined);
    if (wrong !== undefined) return this.#refuse(wrong);
    if (isViolation(cell)) throw new TypeError('unreachable');
    if (row === undefined) return this.#controlFrame(cell);

    const payload = decodePayload(row, frame.subarray(registry.header.bytes));
    if ('error' in payload) return this.#refuse(violation(payload.error, payload.requirement));

    let reaction: Step | Violation = cell;
    if (row.layer === 'channel') {
      const step = this.#onChannel(row, header, payload.fields);
      reaction = isViolation(step) ? step : { ...cell, channel: step };
    } else {
      reaction = this.#meaning(row, cell, payload.fields) ?? cell;
    }
    if (isViolation(reaction)) return this.#refuse(reaction, row.name === 'CLOSE' ? 'closed' : 'closing');
    if (row.sequenced) this.#received += 1n;
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
    if (row.sequenced && header.seq !== this.#sent + 1n) return refuse('SEQUENCE_INVALID', 'WIR-010');
    const payload = decodePayload(row, frame.subarray(registry.header.bytes));
    if ('error' in payload) return refuse(payload.error, payload.requirement);
    const { fields } = payload;

    if (row.layer === 'channel') {
      if (this.#state !== 'established') return refuse('FRAME_UNEXPECTED', 'SES-002');
      const step = this.#sendOnChannel(row, header, fields);
      if (isViolation(step)) return refuse(step.error, step.requirement);
      if (row.sequenced) this.#sent += 1n;
      return { next: this.#state, action: 'send', channel: step };
    }

    const next = this.#stateAfterSending(row.name);
    if (next === undefined) return refuse('FRAME_UNEXPECTED', 'SES-002');
    if (row.name === 'PING') this.#pings.push(octets(fields, 'data'));
    if (row.name === 'CLOSE' || row.name === 'REJECT') this.#finalFrameSent = true;
    this.#own = { ...this.#own, ...declared(fields) };
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

  #cell(machine: MachineData, state: string, frame: string): Step | Violation {
    const row = machine.rows.find((entry) => entry.state === state && entry.frame === frame);
    if (row?.next !== undefined) return { next: row.next, action: row.do ?? 'none' };
    // A channel table has columns only for what its side can receive; the connection table has refused the others before.
    return violation(row?.error ?? 'FRAME_UNEXPECTED', machine.section === 'CHN' ? 'CHN-003' : 'SES-001');
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
  #meaning(row: FrameRow, cell: Step, fields: ModelFields): Reaction | Violation | undefined {
    const { signature = true, peerIdentity = true } = this.#options.verdicts ?? {};
    switch (row.name) {
      case 'CHALLENGE':
        if (!peerIdentity) return violation('AUTHENTICATION_FAILED', 'EST-010');
        this.#peer = { ...this.#peer, ...declared(fields) };
        return undefined;
      case 'CONNECT':
        if (!signature) return violation('SIGNATURE_INVALID', 'EST-005');
        if (this.#options.identity !== undefined && fields['audience'] !== this.#options.identity) {
          return violation('AUDIENCE_MISMATCH', 'EST-016');
        }
        if (!peerIdentity) return violation('AUTHENTICATION_FAILED', 'EST-017');
        if (fields['mode'] !== 0) return violation('RESUME_REFUSED', 'EST-018');
        this.#peer = { ...this.#peer, ...declared(fields) };
        return undefined;
      case 'ACCEPT':
        if (!signature) return violation('SIGNATURE_INVALID', 'EST-005');
        if (u53(fields, 'epoch') !== 1n || u53(fields, 'receive_cursor') !== 0n) {
          return violation('FRAME_MALFORMED', 'EST-021');
        }
        this.#peer = { ...this.#peer, ...declared(fields) };
        return undefined;
      case 'PING':
        return this.#controlFrame(cell);
      case 'PONG': {
        const oldest = this.#pings.shift();
        const matches = oldest !== undefined && equal(oldest, octets(fields, 'data'));
        return matches ? undefined : violation('FRAME_UNEXPECTED', 'SES-007');
      }
      case 'CLOSE':
        // Before the session is established there are no cursors to contradict.
        if (this.#state !== 'established') return undefined;
        if (u53(fields, 'receive_cursor') > this.#sent || u53(fields, 'send_cursor') !== this.#received) {
          return violation('CURSOR_INVALID', 'SES-013');
        }
        return undefined;
      default:
        return undefined;
    }
  }

  #newChannel(): Channel {
    return {
      state: 'opening',
      granted: {
        messages: amount(this.#own, 'initial_message_credit'),
        bytes: amount(this.#own, 'initial_byte_credit'),
      },
      received: { messages: 0n, bytes: 0n },
      allowed: {
        messages: amount(this.#peer, 'initial_message_credit'),
        bytes: amount(this.#peer, 'initial_byte_credit'),
      },
      incomplete: undefined,
    };
  }

  #onChannel(row: FrameRow, header: Header, fields: ModelFields): ChannelStep | Violation {
    const number = header.channel;
    const state = this.channelState(number);
    const cell = this.#cell(this.#channels, state, row.name);
    if (isViolation(cell)) {
      return row.name === 'OPEN' ? violation(cell.error, 'CHN-002') : cell;
    }
    if (row.name === 'OPEN') {
      if (number !== this.#lastOpened + 1) return violation('CHANNEL_INVALID', 'CHN-002');
      const full = BigInt(this.#open.size) >= amount(this.#own, 'max_channels');
      this.#lastOpened = number;
      this.#open.set(number, this.#newChannel());
      return { number, next: cell.next, action: full ? 'send REFUSED(CHANNEL_LIMIT)' : cell.action };
    }
    const channel = this.#open.get(number);
    let completed: { readonly message?: Uint8Array } = {};
    if (channel !== undefined && !UNREAD.includes(cell.action)) {
      const meaning = this.#channelMeaning(row, header, fields, channel);
      if (isViolation(meaning)) return meaning;
      completed = meaning ?? {};
    }
    this.#setChannel(number, cell.next);
    if (cell.next === 'closed' && cell.action.startsWith('send RESET')) this.#owed.add(number);
    return { number, next: cell.next, action: cell.action, ...completed };
  }

  #channelMeaning(
    row: FrameRow,
    header: Header,
    fields: ModelFields,
    channel: Channel,
  ): Violation | { readonly message: Uint8Array } | undefined {
    switch (row.name) {
      case 'MESSAGE': {
        const fragment = octets(fields, 'fragment');
        const size = BigInt(fragment.length);
        const has = (name: string): boolean =>
          row.flags.some((flag) => flag.name === name && (header.flags & flag.bit) !== 0);
        const first = has('FIRST');
        const last = has('LAST');
        if (first === (channel.incomplete !== undefined)) return violation('FRAGMENT_INVALID', 'CHN-013');
        if (size === 0n && !(first && last)) return violation('FRAGMENT_INVALID', 'CHN-014');
        const messages = channel.received.messages + (first ? 1n : 0n);
        const bytes = channel.received.bytes + size;
        if (messages > channel.granted.messages || bytes > channel.granted.bytes) {
          return violation('CREDIT_EXCEEDED', 'CHN-021');
        }
        const whole = concat(channel.incomplete ?? new Uint8Array(0), fragment);
        if (BigInt(whole.length) > amount(this.#own, 'max_message_bytes')) {
          return violation('MESSAGE_TOO_LARGE', 'CHN-018');
        }
        channel.received = { messages, bytes };
        channel.incomplete = last ? undefined : whole;
        return last ? { message: whole } : undefined;
      }
      case 'CREDIT': {
        const messages = u53(fields, 'message_limit');
        const bytes = u53(fields, 'byte_limit');
        const { allowed } = channel;
        const lowers = messages < allowed.messages || bytes < allowed.bytes;
        const raises = messages > allowed.messages || bytes > allowed.bytes;
        if (lowers || !raises) return violation('CREDIT_INVALID', 'CHN-022');
        channel.allowed = { messages, bytes };
        return undefined;
      }
      case 'END':
        return channel.incomplete === undefined ? undefined : violation('FRAGMENT_INVALID', 'CHN-027');
      default:
        return undefined;
    }
  }

  #setChannel(number: number, state: string): void {
    const channel = this.#open.get(number);
    if (channel === undefined) return;
    channel.state = state;
    if (state === 'closed') this.#open.delete(number);
  }

  #sendOnChannel(row: FrameRow, header: Header, fields: ModelFields): ChannelStep | Violation {
    const number = header.channel;
    if (number === 0) return violation('CHANNEL_INVALID', 'WIR-009');
    const state = this.channelState(number);
    if (row.name === 'RESET' && this.#owed.has(number)) {
      if (errorOfCode(Number(fields['code']))?.name !== 'CHANNEL_CLOSED')
        return violation('FRAME_UNEXPECTED', 'CHN-029');
      this.#owed.delete(number);
      return { number, next: state, action: 'send' };
    }
    const event = this.#channels.local.find(
      (entry) => entry.event === `send ${row.name}` && entry.from.includes(state),
    );
    if (event === undefined) return violation('FRAME_UNEXPECTED', 'SES-002');
    if (row.name === 'OPEN') {
      if (number !== this.#lastOpened + 1) return violation('CHANNEL_INVALID', 'CHN-001');
      this.#lastOpened = number;
      this.#open.set(number, this.#newChannel());
    }
    const channel = this.#open.get(number);
    if (row.name === 'CREDIT' && channel !== undefined) {
      channel.granted = { messages: u53(fields, 'message_limit'), bytes: u53(fields, 'byte_limit') };
    }
    this.#setChannel(number, event.next);
    return { number, next: event.next, action: 'send' };
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
