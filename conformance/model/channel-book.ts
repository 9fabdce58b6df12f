/**
 * The channels of one session as one end sees them: the channel tables of chapter 10 with the checks of chapter 6 and section
 * 12.6. They belong to the session and outlive a connection, so the book can be carried over.
 */
import { decodePayload } from './decode.ts';
import type { Header, ModelFields, ModelParameter, Violation } from './frame.ts';
import { concat } from './octets.ts';
import { errorOfCode, frameNamed, machineOf, parameterNamed } from './registry.ts';
import type { FrameRow, MachineData, Role } from './registry.ts';

/** What one side has declared in CHALLENGE, CONNECT or ACCEPT; absent means the default. */
export interface Declarations {
  readonly max_message_bytes?: number;
  readonly max_channels?: number;
  readonly initial_message_credit?: number;
  readonly initial_byte_credit?: number;
}

/** A cell of a channel's table that was used. */
export interface ChannelStep {
  readonly number: number;
  readonly next: string;
  readonly action: string;
  /** The message that the frame completes. */
  readonly message?: Uint8Array;
}

/** Messages begun and octets of fragments, since the channel was opened. */
export interface Limits {
  readonly messages: bigint;
  readonly bytes: bigint;
}

/** A count for each direction, as this end sees it. */
interface BothWays {
  readonly received: bigint;
  readonly sent: bigint;
}

interface Channel {
  state: string;
  /** Limits that this end has granted, and what has come in. */
  granted: Limits;
  received: Limits;
  /** Limits that its peer has granted. */
  allowed: Limits;
  /** Octets so far of the message that is incomplete. */
  incomplete: Uint8Array | undefined;
  /** Whether each message gets a verdict. */
  readonly outcomes: boolean;
  /** Messages that are complete, and how many of them have a verdict. */
  completed: BothWays;
  judged: BothWays;
  /** After a resumption the peer may repeat the limits once (CNT-034). */
  restating: boolean;
}

/** The frames that open a channel. */
const OPENING: readonly string[] = ['OPEN', 'FORWARD'];

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

function amount(declarations: Declarations, name: keyof Declarations): bigint {
  return BigInt(declarations[name] ?? parameterNamed(name).default ?? 0);
}

/** The parameters of a frame; of a FORWARD, those of the OPEN in it. */
function parametersOf(fields: ModelFields): readonly ModelParameter[] {
  const { open } = fields;
  if (open instanceof Uint8Array) {
    const inner = decodePayload(frameNamed('OPEN'), open);
    return 'fields' in inner ? parametersOf(inner.fields) : [];
  }
  return (fields['parameters'] ?? []) as readonly ModelParameter[];
}

function hasFlag(row: FrameRow, header: Header, name: string): boolean {
  return row.flags.some((flag) => flag.name === name && (header.flags & flag.bit) !== 0);
}

/** Whether every message of either direction has its verdict, where it is to get one. */
function isSettled({ outcomes, completed, judged }: Channel): boolean {
  return !outcomes || (completed.received === judged.received && completed.sent === judged.sent);
}

/** The channels of a session at one end. */
export class ChannelBook {
  readonly role: Role;
  /** What this end and its peer have declared; replaced as declarations pass. */
  own: Declarations;
  peer: Declarations;
  readonly #table: MachineData;
  readonly #open = new Map<number, Channel>();
  /** Closed channels on which a RESET(CHANNEL_CLOSED) is still owed. */
  readonly #owed = new Set<number>();
  #lastOpened = 0;

  constructor(role: Role, own: Declarations, peer: Declarations) {
    this.role = role;
    this.own = own;
    this.peer = peer;
    this.#table = machineOf(role, 'channel');
  }

  /** The same channels in a book of its own, for the next connection of the session. */
  carriedOver(): ChannelBook {
    const copy = new ChannelBook(this.role, this.own, this.peer);
    for (const [number, channel] of this.#open) copy.#open.set(number, { ...channel, restating: true });
    for (const number of this.#owed) copy.#owed.add(number);
    copy.#lastOpened = this.#lastOpened;
    return copy;
  }

  /** A channel's state. */
  state(number: number): string {
    if (number > this.#lastOpened || number === 0) return 'idle';
    return this.#open.get(number)?.state ?? 'closed';
  }

  /** Numbers of the channels in use. */
  get inUse(): readonly number[] {
    return [...this.#open.keys()];
  }

  /** Number of the last channel that was opened. */
  get lastOpened(): number {
    return this.#lastOpened;
  }

  /** Limits granted on a channel and what has been used of them; undefined unless the channel is in use. */
  credit(
    number: number,
  ): { readonly granted: Limits; readonly received: Limits; readonly allowed: Limits } | undefined {
    const channel = this.#open.get(number);
    if (channel === undefined) return undefined;
    const { granted, received, allowed } = channel;
    return { granted, received, allowed };
  }

  /** Complete messages of a channel and how many of them have verdicts; undefined unless the channel is in use. */
  outcomes(
    number: number,
  ): { readonly asked: boolean; readonly completed: BothWays; readonly judged: BothWays } | undefined {
    const channel = this.#open.get(number);
    if (channel === undefined) return undefined;
    const { outcomes: asked, completed, judged } = channel;
    return { asked, completed, judged };
  }

  /** Takes a frame of the peer on a channel. */
  receive(row: FrameRow, header: Header, fields: ModelFields): ChannelStep | Violation {
    const number = header.channel;
    const cell = this.#cell(this.state(number), row.name);
    const opens = OPENING.includes(row.name);
    if (isViolation(cell)) return opens ? violation(cell.error, 'CHN-002') : cell;
    if (opens) {
      if (number !== this.#lastOpened + 1) return violation('CHANNEL_INVALID', 'CHN-002');
      const full = BigInt(this.#open.size) >= amount(this.own, 'max_channels');
      this.#begin(number, fields);
      return { number, next: cell.next, action: full ? 'send REFUSED(CHANNEL_LIMIT)' : cell.action };
    }
    const channel = this.#open.get(number);
    let completed: { readonly message?: Uint8Array } = {};
    if (channel !== undefined && !UNREAD.includes(cell.action)) {
      const meaning = this.#meaning(row, header, fields, channel);
      if (isViolation(meaning)) return meaning;
      completed = meaning ?? {};
    }
    const next = this.#move(number, cell.next);
    if (next === 'closed' && cell.action.startsWith('send RESET')) this.#owed.add(number);
    return { number, next, action: cell.action, ...completed };
  }

  /** Takes a frame that this end sends on a channel, and answers whether it may. */
  send(row: FrameRow, header: Header, fields: ModelFields): ChannelStep | Violation {
    const number = header.channel;
    if (number === 0) return violation('CHANNEL_INVALID', 'WIR-009');
    const state = this.state(number);
    if (row.name === 'RESET' && this.#owed.has(number)) {
      if (errorOfCode(Number(fields['code']))?.name !== 'CHANNEL_CLOSED') {
        return violation('FRAME_UNEXPECTED', 'CHN-029');
      }
      this.#owed.delete(number);
      return { number, next: state, action: 'send' };
    }
    const event = this.#table.local.find((entry) => entry.event === `send ${row.name}` && entry.from.includes(state));
    if (event === undefined) return violation('FRAME_UNEXPECTED', 'SES-002');
    if (OPENING.includes(row.name)) {
      if (number !== this.#lastOpened + 1) return violation('CHANNEL_INVALID', 'CHN-001');
      this.#begin(number, fields);
    }
    const channel = this.#open.get(number);
    if (channel !== undefined) {
      const wrong = this.#sent(row, header, fields, channel);
      if (wrong !== undefined) return wrong;
    }
    return { number, next: this.#move(number, event.next), action: 'send' };
  }

  #cell(state: string, frame: string): { readonly next: string; readonly action: string } | Violation {
    const row = this.#table.rows.find((entry) => entry.state === state && entry.frame === frame);
    if (row?.next !== undefined) return { next: row.next, action: row.do ?? 'none' };
    // The table has columns only for what its side can receive; the connection table has refused the others before.
    return violation(row?.error ?? 'FRAME_UNEXPECTED', 'CHN-003');
  }

  #begin(number: number, fields: ModelFields): void {
    const parameters = parametersOf(fields);
    const limits = (declarations: Declarations): Limits => ({
      messages: amount(declarations, 'initial_message_credit'),
      bytes: amount(declarations, 'initial_byte_credit'),
    });
    this.#lastOpened = number;
    this.#open.set(number, {
      state: 'opening',
      granted: limits(this.own),
      received: { messages: 0n, bytes: 0n },
      allowed: limits(this.peer),
      incomplete: undefined,
      outcomes: parameters.some(({ name, value }) => name === 'outcomes' && value === 1),
      completed: { received: 0n, sent: 0n },
      judged: { received: 0n, sent: 0n },
      restating: false,
    });
  }

  /** Puts the channel into a state, or closes it where `settling` has nothing to wait for. */
  #move(number: number, state: string): string {
    const channel = this.#open.get(number);
    if (channel === undefined) return state;
    channel.state = state === 'settling' && isSettled(channel) ? 'closed' : state;
    if (channel.state === 'closed') this.#open.delete(number);
    return channel.state;
  }

  #meaning(
    row: FrameRow,
    header: Header,
    fields: ModelFields,
    channel: Channel,
  ): Violation | { readonly message: Uint8Array } | undefined {
    switch (row.name) {
      case 'OPENED': {
        const signed = parametersOf(fields).some(({ name }) => name === 'open_signature');
        return signed && channel.state === 'opening' ? violation('PARAMETER_INVALID', 'RLY-048') : undefined;
      }
      case 'MESSAGE': {
        const fragment = octets(fields, 'fragment');
        const size = BigInt(fragment.length);
        const first = hasFlag(row, header, 'FIRST');
        const last = hasFlag(row, header, 'LAST');
        if (first === (channel.incomplete !== undefined)) return violation('FRAGMENT_INVALID', 'CHN-013');
        if (size === 0n && !(first && last)) return violation('FRAGMENT_INVALID', 'CHN-014');
        const messages = channel.received.messages + (first ? 1n : 0n);
        const bytes = channel.received.bytes + size;
        if (messages > channel.granted.messages || bytes > channel.granted.bytes) {
          return violation('CREDIT_EXCEEDED', 'CHN-021');
        }
        const whole = concat(channel.incomplete ?? new Uint8Array(0), fragment);
        if (BigInt(whole.length) > amount(this.own, 'max_message_bytes')) {
          return violation('MESSAGE_TOO_LARGE', 'CHN-018');
        }
        channel.received = { messages, bytes };
        channel.incomplete = last ? undefined : whole;
        if (!last) return undefined;
        channel.completed = { ...channel.completed, received: channel.completed.received + 1n };
        return { message: whole };
      }
      case 'CREDIT': {
        const messages = u53(fields, 'message_limit');
        const bytes = u53(fields, 'byte_limit');
        const { allowed, restating } = channel;
        const lowers = messages < allowed.messages || bytes < allowed.bytes;
        const raises = messages > allowed.messages || bytes > allowed.bytes;
        if (lowers || !(raises || restating)) return violation('CREDIT_INVALID', 'CHN-022');
        channel.allowed = { messages, bytes };
        channel.restating = false;
        return undefined;
      }
      case 'OUTCOME': {
        const last = u53(fields, 'last_message');
        const { outcomes, judged, completed } = channel;
        if (!outcomes || last <= judged.sent || last > completed.sent) return violation('OUTCOME_INVALID', 'CNT-041');
        channel.judged = { ...judged, sent: last };
        return undefined;
      }
      case 'END':
        return channel.incomplete === undefined ? undefined : violation('FRAGMENT_INVALID', 'CHN-027');
      default:
        return undefined;
    }
  }

  /** Takes note of what this end has sent; answers what its receiver would refuse in it. */
  #sent(row: FrameRow, header: Header, fields: ModelFields, channel: Channel): Violation | undefined {
    if (row.name === 'OPENED') {
      const signed = parametersOf(fields).some(({ name }) => name === 'open_signature');
      if (signed !== (channel.state === 'proved')) {
        return signed ? violation('PARAMETER_INVALID', 'RLY-048') : violation('FRAME_UNEXPECTED', 'RLY-045');
      }
    }
    if (row.name === 'CREDIT') {
      channel.granted = { messages: u53(fields, 'message_limit'), bytes: u53(fields, 'byte_limit') };
    }
    if (row.name === 'MESSAGE' && hasFlag(row, header, 'LAST')) {
      channel.completed = { ...channel.completed, sent: channel.completed.sent + 1n };
    }
    if (row.name === 'OUTCOME') {
      const last = u53(fields, 'last_message');
      const { outcomes, judged, completed } = channel;
      if (!outcomes || last <= judged.received || last > completed.received) {
        return violation('OUTCOME_INVALID', 'CNT-041');
      }
      channel.judged = { ...judged, received: last };
    }
    return undefined;
  }
}
