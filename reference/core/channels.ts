import { Channel, type ChannelMachine, type ChannelState, type ChannelTerms } from './channel.ts';
import { mayCarry, meaningOf } from './error-codes.ts';
import { InternalError, MisuseError } from './errors.ts';
import type { Event, MessageRange } from './events.ts';
import type { FateLedger } from './fate-ledger.ts';
import { violation } from './frame-check.ts';
import type { FrameSender } from './frame-sender.ts';
import { decodeCredit, encodeCredit } from './frames/credit.ts';
import { decodeEnd, encodeEnd } from './frames/end.ts';
import { decodeOpen, encodeOpen } from './frames/open.ts';
import { decodeOpened, encodeOpened } from './frames/opened.ts';
import { decodeRefused, encodeRefused } from './frames/refused.ts';
import { decodeReset, encodeReset } from './frames/reset.ts';
import { greaseParameter } from './grease.ts';
import type { RawParameter } from './parameters.ts';
import { ERROR_CODE, type ErrorName, FIELDS, FLAG, FRAME_TYPE, MAX_PAYLOAD_BYTES } from './registry.gen.ts';
import { after, type Cell, stateOf } from './transitions.ts';

const { FIRST, LAST } = FLAG.MESSAGE;
const MAX_CHANNEL = 0xffff_ffff;

/** Written octets from which on further messages wait for `takeOutput`: what the transport takes at a time. */
const EAGER_BYTES = 65_536;

/** What the channels of a session stand on. */
export interface ChannelsOptions {
  readonly machine: ChannelMachine;
  readonly sender: FrameSender;
  readonly ledger: FateLedger;
  readonly emit: (event: Event) => void;
  readonly random: (count: number) => Uint8Array;
  readonly grease: boolean;
  readonly terms: ChannelTerms;
  /** The largest message that the peer takes. */
  readonly peerMaxMessageBytes: number;
  /** How many channels the client may hold (server). */
  readonly maxChannels: number;
}

/** All channels of one session (chapter 6). */
export class Channels {
  readonly #options: ChannelsOptions;
  readonly #sender: FrameSender;
  readonly #channels = new Map<number, Channel>();
  /** Channels that ended with RESET while their application end may still be working. [CHN-011] */
  readonly #unreleased = new Set<number>();
  readonly #idle: ChannelState;
  readonly #closed: ChannelState;
  /** Number of the last channel that was opened on the wire. */
  #lastOpened = 0;
  /** Number of the last channel that was given out; beyond `#lastOpened` while an OPEN waits. */
  #lastNumber = 0;
  /** Channels with messages that may be sent, in the order of their turns. */
  #ready: Channel[] = [];
  #creditDue: Channel[] = [];
  /** Channels whose OPEN waits until the peer is live. */
  #held: Channel[] = [];
  #suspect = false;

  constructor(options: ChannelsOptions) {
    this.#options = options;
    this.#sender = options.sender;
    this.#idle = channelState(options.machine, 'idle');
    this.#closed = channelState(options.machine, 'closed');
  }

  /** Processes a frame of the layer channel, whose header is right. */
  receive(type: number, flags: number, number: number, payload: Uint8Array): void {
    const channel = this.#channels.get(number);
    if (type === FRAME_TYPE.MESSAGE) {
      const cell = this.#cell(channel, type, number);
      if (cell.action === 'deliver' && channel !== undefined) this.#deliver(channel, flags, payload);
      return;
    }
    switch (type) {
      case FRAME_TYPE.OPEN: {
        this.#receiveOpen(number, payload);
        return;
      }
      case FRAME_TYPE.OPENED: {
        this.#receiveOpened(channel, number, payload);
        return;
      }
      case FRAME_TYPE.REFUSED: {
        this.#receiveRefused(channel, number, payload);
        return;
      }
      case FRAME_TYPE.CREDIT: {
        this.#receiveCredit(channel, number, payload);
        return;
      }
      case FRAME_TYPE.END: {
        this.#receiveEnd(channel, number, payload);
        return;
      }
      case FRAME_TYPE.RESET: {
        this.#receiveReset(channel, number, payload);
        return;
      }
      default:
        throw new InternalError(`A frame of type ${type} is not one of a channel.`);
    }
  }

  /** Nothing new is begun until `resume`. [SES-021] */
  suspend(): void {
    this.#suspect = true;
  }

  /** The peer is live again: send what has waited. */
  resume(): void {
    this.#suspect = false;
    const held = this.#held;
    this.#held = [];
    for (const channel of held) this.#sendOpen(channel);
    this.wake();
  }

  /** Gives every channel with messages a turn: something that kept all of them back is over. */
  wake(): void {
    for (const channel of this.#channels.values()) this.#makeReady(channel);
  }

  /** Grants what is due, then writes queued messages until `limitBytes` wait for the transport. */
  flush(limitBytes: number): void {
    this.#grantCredit();
    while (this.#ready.length > 0 && this.#sender.pendingBytes < limitBytes) {
      const channel = this.#ready.shift();
      if (channel === undefined) return;
      channel.ready = false;
      // A turn is one frame of the largest size, or as many small ones. [CHN-019]
      let turn = MAX_PAYLOAD_BYTES;
      while (turn > 0 && this.#maySend(channel)) turn -= this.#sendFragment(channel) + 1;
      this.#makeReady(channel);
      if (channel.queue.size === 0) this.#drained(channel);
    }
  }

  /** Messages that were not sent completely. */
  undelivered(): readonly MessageRange[] {
    return [...this.#channels.values()].flatMap((channel) => {
      const range = channel.unsent;
      return range === undefined ? [] : [{ channel: channel.number, ...range }];
    });
  }

  open(application: string, applicationData: Uint8Array | undefined): number {
    if (this.#options.machine !== 'client-channel') throw wrongRole('openChannel', 'client');
    if (this.#lastNumber === MAX_CHANNEL) {
      throw new MisuseError('HAWSER_ERR_MISUSE_CHANNELS_EXHAUSTED', 'The session has no channel number left.');
    }
    const nonce = this.#options.random(FIELDS.OPEN.nonce.bytes); // [CHN-004]
    const parameters = { application_data: applicationData };
    const payload = encodeOpen({ nonce, application, parameters }, this.#grease());
    const number = this.#lastNumber + 1; // [CHN-001]
    const channel = new Channel(number, this.#idle, this.#options.terms);
    channel.heldOpen = payload;
    this.#lastNumber = number;
    this.#channels.set(number, channel);
    if (this.#suspect)
      this.#held.push(channel); // [SES-021]
    else this.#sendOpen(channel);
    return number;
  }

  opened(number: number, applicationData: Uint8Array | undefined): void {
    if (this.#options.machine !== 'server-channel') throw wrongRole('opened', 'server');
    const channel = this.#find(number);
    if (channel === undefined) return;
    const next = this.#allowed(channel, 'send OPENED');
    if (next === undefined) return;
    const payload = encodeOpened({ parameters: { application_data: applicationData } }, this.#grease());
    channel.state = next;
    this.#sender.sequenced(FRAME_TYPE.OPENED, 0, number, payload);
    this.#scheduleCredit(channel);
  }

  refuse(number: number, code: ErrorName, retryAfterMs: number): void {
    if (this.#options.machine !== 'server-channel') throw wrongRole('refuse', 'server');
    checkCode('REFUSED', code);
    const channel = this.#find(number);
    if (channel === undefined) return;
    const next = this.#allowed(channel, 'send REFUSED');
    if (next === undefined) return;
    this.#sendRefused(number, code, retryAfterMs);
    this.#step(channel, next);
  }

  send(number: number, payload: Uint8Array): void {
    const channel = this.#find(number);
    if (channel === undefined) return;
    if (payload.length > this.#options.peerMaxMessageBytes) {
      const message = `A message of ${payload.length} octets is more than the ${this.#options.peerMaxMessageBytes} that the peer takes.`;
      throw new MisuseError('HAWSER_ERR_MISUSE_MESSAGE_TOO_LARGE', message); // [CHN-017]
    }
    if (this.#allowed(channel, 'send MESSAGE') === undefined) return;
    if (channel.ending) throw wrongState(channel, 'send MESSAGE'); // [CHN-028]
    if (channel.queue.size === 0 && this.#mayPass(channel, payload.length)) {
      this.#writeFragment(channel, payload, true, true);
      return;
    }
    channel.queue.push(payload);
    channel.waiting = true;
    this.#makeReady(channel);
  }

  end(number: number): void {
    const channel = this.#find(number);
    if (channel === undefined) return;
    const next = this.#allowed(channel, 'send END');
    if (next === undefined) return;
    if (channel.ending) throw wrongState(channel, 'send END');
    if (channel.queue.size > 0) channel.ending = true;
    else this.#sendEnd(channel);
  }

  reset(number: number, code: ErrorName): void {
    checkCode('RESET', code);
    const channel = this.#find(number);
    if (channel === undefined) return;
    if (channel.heldOpen !== undefined) {
      // The number is given out and has to appear on the wire in its order. [CHN-001]
      channel.heldReset ??= ERROR_CODE[code];
      return;
    }
    const next = this.#allowed(channel, 'send RESET');
    if (next === undefined) return;
    channel.discard();
    this.#sender.sequenced(FRAME_TYPE.RESET, 0, number, encodeReset({ code: ERROR_CODE[code] }));
    channel.state = next;
  }

  consume(number: number, messages: number, bytes: number): void {
    const channel = this.#find(number);
    if (channel === undefined) return;
    if (!channel.receive.consume(messages, bytes)) {
      throw new MisuseError('HAWSER_ERR_MISUSE_CONSUME', `More was consumed on channel ${number} than was received.`);
    }
    this.#scheduleCredit(channel);
  }

  release(number: number): void {
    const channel = this.#find(number);
    if (channel !== undefined) channel.released = true;
    else this.#unreleased.delete(number);
  }

  queuedBytes(number: number): number {
    return this.#channels.get(number)?.queue.bytes ?? 0;
  }

  #receiveOpen(number: number, payload: Uint8Array): void {
    const { application, nonce, parameters } = decodeOpen(payload);
    const { next } = this.#cell(this.#channels.get(number), FRAME_TYPE.OPEN, number);
    if (number !== this.#lastOpened + 1) {
      throw violation('CHANNEL_INVALID', 'CHN-002', FRAME_TYPE.OPEN, `came for channel ${number}`);
    }
    this.#lastOpened = number;
    this.#lastNumber = number;
    // Judged before policy, and so before anyone else sees the request. [CHN-009]
    if (this.#channels.size + this.#unreleased.size >= this.#options.maxChannels) {
      this.#sendRefused(number, 'CHANNEL_LIMIT', 0);
      return;
    }
    this.#channels.set(number, new Channel(number, next, this.#options.terms));
    const applicationData = parameters.application_data?.slice();
    this.#options.emit({
      type: 'channel-requested',
      channel: number,
      application,
      nonce: nonce.slice(),
      applicationData,
    });
  }

  #receiveOpened(channel: Channel | undefined, number: number, payload: Uint8Array): void {
    const { parameters } = decodeOpened(payload);
    const { next, action } = this.#cell(channel, FRAME_TYPE.OPENED, number);
    if (channel === undefined) return;
    channel.state = next;
    if (action === 'discard') return; // [CHN-031]
    this.#scheduleCredit(channel);
    const applicationData = parameters.application_data?.slice();
    this.#options.emit({ type: 'channel-opened', channel: number, applicationData });
  }

  #receiveRefused(channel: Channel | undefined, number: number, payload: Uint8Array): void {
    const { code: wireCode, retryAfterMs } = decodeRefused(payload);
    const { next, action } = this.#cell(channel, FRAME_TYPE.REFUSED, number);
    if (channel === undefined) return;
    if (action === 'report the code') {
      const code = meaningOf('REFUSED', wireCode); // [ERR-002]
      this.#options.emit({ type: 'channel-refused', channel: number, code, wireCode, retryAfterMs });
    } else this.#options.emit({ type: 'channel-closed', channel: number });
    this.#step(channel, next);
  }

  /** The order of checks is that of section 6.4. */
  #deliver(channel: Channel, flags: number, fragment: Uint8Array): void {
    const { assembly, receive } = channel;
    const first = (flags & FIRST) !== 0;
    const last = (flags & LAST) !== 0;
    if (first === assembly.incomplete) {
      const what = first ? 'begins a message while one is incomplete' : 'continues a message that was not begun';
      throw violation('FRAGMENT_INVALID', 'CHN-013', FRAME_TYPE.MESSAGE, what);
    }
    if (fragment.length === 0 && !(first && last)) {
      throw violation('FRAGMENT_INVALID', 'CHN-014', FRAME_TYPE.MESSAGE, 'is empty without being a whole message');
    }
    if (!receive.receive(first, last, fragment.length)) {
      throw violation('CREDIT_EXCEEDED', 'CHN-021', FRAME_TYPE.MESSAGE, 'exceeds the credit granted');
    }
    if (assembly.length + fragment.length > this.#options.terms.maxMessageBytes) {
      throw violation('MESSAGE_TOO_LARGE', 'CHN-018', FRAME_TYPE.MESSAGE, 'exceeds the largest message');
    }
    let data = fragment;
    if (!first || !last) {
      assembly.append(fragment);
      if (first) this.#scheduleCredit(channel); // [CHN-024]
      if (!last) return; // [CHN-016]
      data = assembly.take();
    }
    this.#options.emit({ type: 'message-received', channel: channel.number, number: receive.messages, data });
  }

  #receiveCredit(channel: Channel | undefined, number: number, payload: Uint8Array): void {
    const credit = decodeCredit(payload);
    const { action } = this.#cell(channel, FRAME_TYPE.CREDIT, number);
    if (action !== 'raise the limits' || channel === undefined) return;
    if (!channel.send.raise(credit)) {
      throw violation('CREDIT_INVALID', 'CHN-022', FRAME_TYPE.CREDIT, 'lowers a limit or raises none');
    }
    this.#makeReady(channel);
  }

  #receiveEnd(channel: Channel | undefined, number: number, payload: Uint8Array): void {
    decodeEnd(payload);
    const { next, action } = this.#cell(channel, FRAME_TYPE.END, number);
    if (channel === undefined) return;
    if (action === 'report it') {
      if (channel.assembly.incomplete) {
        throw violation('FRAGMENT_INVALID', 'CHN-027', FRAME_TYPE.END, 'came while a message is incomplete');
      }
      this.#options.emit({ type: 'channel-ended', channel: number });
    }
    if (next === this.#closed) this.#options.emit({ type: 'channel-closed', channel: number });
    this.#step(channel, next);
  }

  #receiveReset(channel: Channel | undefined, number: number, payload: Uint8Array): void {
    const { code: wireCode } = decodeReset(payload);
    const { next, action } = this.#cell(channel, FRAME_TYPE.RESET, number);
    if (channel === undefined) return;
    if (action === 'send RESET(CHANNEL_CLOSED)') {
      // [CHN-029]
      this.#sender.sequenced(FRAME_TYPE.RESET, 0, number, encodeReset({ code: ERROR_CODE.CHANNEL_CLOSED }));
      this.#options.emit({ type: 'channel-reset', channel: number, code: meaningOf('RESET', wireCode), wireCode });
      if (!channel.released) this.#unreleased.add(number);
    } else this.#options.emit({ type: 'channel-closed', channel: number });
    this.#step(channel, next);
  }

  /** The cell of a channel frame in the state of its channel. [CHN-003] */
  #cell(channel: Channel | undefined, type: number, number: number): Cell<ChannelMachine> {
    const state = channel?.state ?? (number <= this.#lastOpened ? this.#closed : this.#idle);
    const cell = state.cells[type];
    if (cell === undefined) throw new InternalError(`Frame type ${type} has no cell in state ${state.name}.`);
    if (cell.error !== undefined) {
      throw violation(cell.error, 'CHN-003', type, `is not expected on channel ${number} in state ${state.name}`);
    }
    return cell;
  }

  /** Enters a state, and forgets the channel when it is over. */
  #step(channel: Channel, next: ChannelState): void {
    const wasReset = channel.state.name === 'reset-sent';
    channel.state = next;
    if (next !== this.#closed) return;
    channel.discard();
    this.#channels.delete(channel.number);
    if (wasReset && this.#options.machine === 'server-channel' && !channel.released) {
      this.#unreleased.add(channel.number);
    }
  }

  /** The channel of a command; undefined when it is over. */
  #find(number: number): Channel | undefined {
    const channel = this.#channels.get(number);
    if (channel === undefined && !(number >= 1 && number <= this.#lastNumber)) {
      throw new MisuseError('HAWSER_ERR_MISUSE_CHANNEL', `Channel ${number} was not opened.`);
    }
    return channel;
  }

  /** The state after a command; undefined when the own RESET makes the command pointless. */
  #allowed(
    channel: Channel,
    event: 'send OPENED' | 'send REFUSED' | 'send MESSAGE' | 'send END' | 'send RESET',
  ): ChannelState | undefined {
    const next = channel.state.local.get(event);
    if (next !== undefined || channel.state.name === 'reset-sent' || channel.heldReset !== undefined) return next;
    throw wrongState(channel, event);
  }

  #sendOpen(channel: Channel): void {
    const { heldOpen, heldReset, number } = channel;
    if (heldOpen === undefined) return;
    channel.heldOpen = undefined;
    channel.state = after(channel.state, 'send OPEN');
    this.#lastOpened = number;
    this.#sender.sequenced(FRAME_TYPE.OPEN, 0, number, heldOpen);
    if (heldReset === undefined) return;
    channel.state = after(channel.state, 'send RESET');
    this.#sender.sequenced(FRAME_TYPE.RESET, 0, number, encodeReset({ code: heldReset }));
  }

  #sendRefused(number: number, code: ErrorName, retryAfterMs: number): void {
    const payload = encodeRefused({ code: ERROR_CODE[code], retryAfterMs });
    this.#sender.sequenced(FRAME_TYPE.REFUSED, 0, number, payload);
  }

  #sendEnd(channel: Channel): void {
    channel.ending = false;
    this.#sender.sequenced(FRAME_TYPE.END, 0, channel.number, encodeEnd());
    const next = after(channel.state, 'send END');
    if (next === this.#closed) this.#options.emit({ type: 'channel-closed', channel: channel.number });
    this.#step(channel, next);
  }

  /** Whether a message may be written at once: it is nobody's turn, and it fits into one frame and the credit. */
  #mayPass(channel: Channel, length: number): boolean {
    return (
      length <= MAX_PAYLOAD_BYTES &&
      length <= channel.send.bytes &&
      this.#mayBegin(channel) &&
      this.#ready.length === 0 &&
      this.#sender.pendingBytes < EAGER_BYTES
    );
  }

  /** [CHN-020] [SES-021] */
  #mayBegin(channel: Channel): boolean {
    return !this.#suspect && channel.send.mayBegin && !this.#options.ledger.full;
  }

  /** Whether a fragment of the first queued message may be sent. */
  #maySend(channel: Channel): boolean {
    const { headBytes, begun } = channel.queue;
    if (headBytes === undefined) return false;
    return (begun || this.#mayBegin(channel)) && (headBytes === 0 || channel.send.bytes > 0);
  }

  /** Sends the next fragment of the first queued message and returns its length. [CHN-012] [CHN-019] */
  #sendFragment(channel: Channel): number {
    const first = !channel.queue.begun;
    const next = channel.queue.take(Math.min(MAX_PAYLOAD_BYTES, channel.send.bytes));
    if (next === undefined) return 0;
    this.#writeFragment(channel, next.fragment, first, next.last);
    return next.fragment.length;
  }

  #writeFragment(channel: Channel, fragment: Uint8Array, first: boolean, last: boolean): void {
    const flags = (first ? FIRST : 0) | (last ? LAST : 0);
    channel.send.use(first, fragment.length);
    const seq = this.#sender.sequenced(FRAME_TYPE.MESSAGE, flags, channel.number, fragment);
    if (last) this.#options.ledger.sent(channel, channel.send.messages, seq);
  }

  #makeReady(channel: Channel): void {
    if (channel.ready || !this.#maySend(channel)) return;
    channel.ready = true;
    this.#ready.push(channel);
  }

  #drained(channel: Channel): void {
    if (channel.waiting) {
      channel.waiting = false;
      this.#options.emit({ type: 'channel-writable', channel: channel.number });
    }
    if (channel.ending) this.#sendEnd(channel);
  }

  #scheduleCredit(channel: Channel): void {
    if (channel.creditDue || !channel.receive.due) return;
    channel.creditDue = true;
    this.#creditDue.push(channel);
  }

  /** One CREDIT for each channel, however much was consumed since the last one. */
  #grantCredit(): void {
    if (this.#creditDue.length === 0) return;
    const due = this.#creditDue;
    this.#creditDue = [];
    for (const channel of due) {
      channel.creditDue = false;
      if (!channel.state.local.has('send CREDIT')) continue;
      this.#sender.unsequenced(FRAME_TYPE.CREDIT, 0, channel.number, encodeCredit(channel.receive.grant()));
    }
  }

  /** [EXT-003] */
  #grease(): readonly RawParameter[] {
    return this.#options.grease ? [greaseParameter(this.#options.random)] : [];
  }
}

/** [ERR-001] */
export function checkCode(frame: 'REJECT' | 'CLOSE' | 'REFUSED' | 'RESET', code: ErrorName): void {
  if (!mayCarry(frame, code)) {
    throw new MisuseError('HAWSER_ERR_MISUSE_CODE', `${frame} does not carry the code ${code}.`);
  }
}

function channelState(machine: ChannelMachine, name: 'idle' | 'closed'): ChannelState {
  const state: unknown = machine === 'client-channel' ? stateOf(machine, name) : stateOf(machine, name);
  return state as ChannelState;
}

function wrongRole(command: string, role: string): MisuseError {
  return new MisuseError('HAWSER_ERR_MISUSE_ROLE', `${command} is for the ${role}.`);
}

function wrongState(channel: Channel, event: string): MisuseError {
  const message = `'${event}' is not possible on channel ${channel.number} in state ${channel.state.name}.`;
  return new MisuseError('HAWSER_ERR_MISUSE_CHANNEL_STATE', message);
}
