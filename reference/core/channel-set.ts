import {
  Channel,
  type ChannelKind,
  type ChannelMachine,
  type ChannelState,
  type ChannelTerms,
  type RestoredChannel,
} from './channel.ts';
import { InternalError, MisuseError } from './errors.ts';
import { violation } from './frame-check.ts';
import { type Journal, receivedKey } from './journal.ts';
import type { MachineState } from './registry.gen.ts';
import { type Cell, stateOf } from './transitions.ts';

const MAX_CHANNEL = 0xffff_ffff;

/** Local events of a channel that commands cause. */
export type ChannelCommand =
  | 'send PROVE'
  | 'send PROOF'
  | 'send OPENED'
  | 'send REFUSED'
  | 'send MESSAGE'
  | 'send END'
  | 'send RESET'
  | 'send OUTCOME';

/**
 * The channels of one session by number. A closed channel is forgotten: each number up to the last opened one that is
 * not in use is closed (section 6.1).
 */
export class ChannelSet {
  readonly machine: ChannelMachine;
  readonly #terms: ChannelTerms;
  readonly #idle: ChannelState;
  readonly #closed: ChannelState;
  readonly #journal: Journal | undefined;
  readonly #forget: (number: number) => void;
  readonly #channels = new Map<number, Channel>();
  /**
   * Closed channels with messages that the application has not decided on, or whose outcome it does not know, and those of
   * which it has yet to pass on the end: they survive a crash until that is so.
   */
  readonly #lingering = new Map<number, Channel>();
  /** The channel looked up last: traffic comes in runs. */
  #latest: Channel | undefined;
  /** Channels that ended with RESET while their application end may still be working. [CHN-011] */
  readonly #unreleased = new Set<number>();
  /** Number of the last channel that was opened on the wire. */
  #lastOpened = 0;
  /** Number of the last channel that was given out; beyond `#lastOpened` while an OPEN waits. */
  #lastNumber = 0;

  /**
   * @param closed - called when a channel is over.
   * @param journal - where messages are stored until the application has decided on them.
   */
  constructor(machine: ChannelMachine, terms: ChannelTerms, closed: (number: number) => void, journal?: Journal) {
    this.machine = machine;
    this.#terms = terms;
    this.#forget = closed;
    this.#journal = journal;
    this.#idle = channelState(machine, 'idle');
    this.#closed = channelState(machine, 'closed');
  }

  /** How many channels the client holds, as the server counts. [CHN-009] */
  get held(): number {
    return this.#channels.size + this.#unreleased.size;
  }

  /** The channels that are not closed. */
  values(): Iterable<Channel> {
    return this.#channels.values();
  }

  /** Closed channels that still have to be stored. */
  lingering(): Iterable<Channel> {
    return this.#lingering.values();
  }

  /** The channel whose messages the application decides on, even where it is closed. */
  deciding(number: number): Channel | undefined {
    return this.get(number) ?? this.#lingering.get(number);
  }

  /** Something of a channel is settled that may have been the last thing for which a closed one had to be kept. */
  settled(channel: Channel): void {
    if (channel.state !== this.#closed || this.#lingers(channel)) return;
    // The store is to forget it too: nothing of it may come again.
    if (this.#lingering.delete(channel.number)) this.#journal?.touch();
  }

  /** Number of the last channel on the wire, to be stored: one whose OPEN waits is lost with the process. */
  get lastOpened(): number {
    return this.#lastOpened;
  }

  /** Takes over what was stored before a crash. */
  restoreNumbers(opened: number): void {
    this.#lastOpened = opened;
    this.#lastNumber = opened;
  }

  /** Makes a channel anew that was stored before a crash. */
  restore(number: number, state: MachineState<ChannelMachine>, kind: ChannelKind, restored: RestoredChannel): Channel {
    const channel = new Channel(number, channelState(this.machine, state), this.#terms, kind, restored);
    if (channel.state === this.#closed) this.#lingering.set(number, channel);
    else this.#channels.set(number, channel);
    return channel;
  }

  get(number: number): Channel | undefined {
    if (this.#latest?.number === number) return this.#latest;
    this.#latest = this.#channels.get(number);
    return this.#latest;
  }

  /**
   * The channel of a command; undefined when it is over.
   *
   * @throws MisuseError `HAWSER_ERR_MISUSE_CHANNEL` for a number that was never given out.
   */
  find(number: number): Channel | undefined {
    const channel = this.get(number);
    if (channel === undefined && !(number >= 1 && number <= this.#lastNumber)) {
      throw new MisuseError('HAWSER_ERR_MISUSE_CHANNEL', `Channel ${number} was not opened.`);
    }
    return channel;
  }

  /** Gives out the next number (client). [CHN-001] */
  create(kind: ChannelKind): Channel {
    if (this.#lastNumber === MAX_CHANNEL) {
      throw new MisuseError('HAWSER_ERR_MISUSE_CHANNELS_EXHAUSTED', 'The session has no channel number left.');
    }
    this.#lastNumber += 1;
    const channel = new Channel(this.#lastNumber, this.#idle, this.#terms, kind);
    this.#channels.set(channel.number, channel);
    return channel;
  }

  /** The OPEN of a channel is on the wire. */
  opened(number: number): void {
    this.#lastOpened = number;
  }

  /**
   * The channel that an OPEN or FORWARD asks for (server); undefined when `maxChannels` leave no room for it. [CHN-009]
   *
   * @param type - of the two.
   * @throws PeerViolationError CHANNEL_INVALID for any number but the next one. [CHN-002]
   */
  accept(type: number, number: number, maxChannels: number, kind: ChannelKind): Channel | undefined {
    const { next } = this.cell(this.#channels.get(number), type, number);
    if (number !== this.#lastOpened + 1) {
      throw violation('CHANNEL_INVALID', 'CHN-002', type, `came for channel ${number}`);
    }
    this.#lastOpened = number;
    this.#lastNumber = number;
    if (this.held >= maxChannels) return undefined;
    const channel = new Channel(number, next, this.#terms, kind);
    this.#channels.set(number, channel);
    return channel;
  }

  /** The cell of a channel frame in the state of its channel. [CHN-003] */
  cell(channel: Channel | undefined, type: number, number: number): Cell<ChannelMachine> {
    const state = channel?.state ?? (number <= this.#lastOpened ? this.#closed : this.#idle);
    const cell = state.cells[type];
    if (cell === undefined) throw new InternalError(`Frame type ${type} has no cell in state ${state.name}.`);
    if (cell.error !== undefined) {
      throw violation(cell.error, 'CHN-003', type, `is not expected on channel ${number} in state ${state.name}`);
    }
    return cell;
  }

  /**
   * The state after a command; undefined when the own RESET makes the command pointless.
   *
   * @throws MisuseError `HAWSER_ERR_MISUSE_CHANNEL_STATE`.
   */
  allowed(channel: Channel, command: ChannelCommand): ChannelState | undefined {
    const next = channel.state.local.get(command);
    if (next !== undefined || channel.state.name === 'reset-sent' || channel.heldReset !== undefined) return next;
    throw wrongState(channel, command);
  }

  /**
   * Enters a state, and forgets a channel that is over.
   *
   * @param byReset - whether a RESET, of either side, led there: the application end may still be working.
   * @returns whether the channel is over.
   */
  step(channel: Channel, next: ChannelState, byReset: boolean = channel.state.name === 'reset-sent'): boolean {
    channel.state = next;
    if (next !== this.#closed) return false;
    channel.discard();
    if (byReset) this.abandon(channel);
    if (this.#lingers(channel)) this.#lingering.set(channel.number, channel);
    this.#channels.delete(channel.number);
    this.#forget(channel.number);
    if (this.#latest === channel) this.#latest = undefined;
    if (byReset && this.machine === 'server-channel' && !channel.released) this.#unreleased.add(channel.number);
    return true;
  }

  /** Whether something of a closed channel must not be forgotten. */
  #lingers({ inbox, reported, lastMessage, endKept }: Channel): boolean {
    return this.#journal !== undefined && (endKept || !inbox.empty || reported < lastMessage);
  }

  /** Nobody wants what was received on a channel and not decided on. */
  abandon(channel: Channel): void {
    for (const seq of channel.inbox.abandon()) this.#journal?.delete(receivedKey(seq));
  }

  /** The application end has stopped working on a channel. [CHN-011] */
  release(number: number): void {
    const channel = this.find(number);
    if (channel !== undefined) channel.released = true;
    else this.#unreleased.delete(number);
  }
}

/** A command that does not fit the state of its channel. */
export function wrongState(channel: Channel, command: string): MisuseError {
  const message = `'${command}' is not possible on channel ${channel.number} in state ${channel.state.name}.`;
  return new MisuseError('HAWSER_ERR_MISUSE_CHANNEL_STATE', message);
}

function channelState(machine: ChannelMachine, name: MachineState<ChannelMachine>): ChannelState {
  const state: unknown = machine === 'client-channel' ? stateOf(machine, name) : stateOf(machine, name);
  return state as ChannelState;
}
