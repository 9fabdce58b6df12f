import type { Channel, ChannelMachine, ChannelState, ChannelTerms } from './channel.ts';
import { ChannelReceiver } from './channel-receiver.ts';
import { ChannelSet, wrongState } from './channel-set.ts';
import { CreditGrants } from './credit-grants.ts';
import { checkCode } from './error-codes.ts';
import { MisuseError } from './errors.ts';
import type { Event, MessageRange } from './events.ts';
import type { FateLedger } from './fate-ledger.ts';
import type { FrameSender } from './frame-sender.ts';
import { encodeEnd } from './frames/end.ts';
import { encodeOpen } from './frames/open.ts';
import { encodeOpened } from './frames/opened.ts';
import { encodeRefused } from './frames/refused.ts';
import { encodeReset } from './frames/reset.ts';
import { greaseParameter } from './grease.ts';
import { MessageScheduler } from './message-scheduler.ts';
import type { RawParameter } from './parameters.ts';
import { ERROR_CODE, type ErrorName, FIELDS, FRAME_TYPE } from './registry.gen.ts';
import { after } from './transitions.ts';

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

/** All channels of one session (chapter 6): the owner's commands, and what the peer sends. */
export class Channels {
  readonly #options: ChannelsOptions;
  readonly #sender: FrameSender;
  readonly #set: ChannelSet;
  readonly #receiver: ChannelReceiver;
  readonly #scheduler: MessageScheduler;
  readonly #grants: CreditGrants;
  /** Channels whose OPEN waits until the peer is live. */
  #held: Channel[] = [];
  /** A state in which messages may be sent; the last one met. */
  #sending: ChannelState | undefined;
  #suspended = false;

  constructor(options: ChannelsOptions) {
    const { emit, ledger, machine, maxChannels, sender, terms } = options;
    this.#options = options;
    this.#sender = sender;
    this.#set = new ChannelSet(machine, terms);
    this.#grants = new CreditGrants(sender);
    this.#scheduler = new MessageScheduler(sender, ledger, (channel) => this.#drained(channel));
    this.#receiver = new ChannelReceiver({
      channels: this.#set,
      sender,
      scheduler: this.#scheduler,
      grants: this.#grants,
      emit,
      maxMessageBytes: terms.maxMessageBytes,
      maxChannels,
    });
  }

  /** Processes a frame of the layer channel, whose header is right. */
  receive(type: number, flags: number, number: number, payload: Uint8Array): void {
    this.#receiver.receive(type, flags, number, payload);
  }

  /** Nothing new is begun until `resume`. [SES-021] */
  suspend(): void {
    this.#suspended = true;
    this.#scheduler.suspended = true;
  }

  /** The peer is live again: send what has waited. */
  resume(): void {
    this.#suspended = false;
    this.#scheduler.suspended = false;
    const held = this.#held;
    this.#held = [];
    for (const channel of held) this.#sendOpen(channel);
    this.wake();
  }

  /** Gives every channel with messages a turn: something that kept all of them back is over. */
  wake(): void {
    for (const channel of this.#set.values()) this.#scheduler.wake(channel);
  }

  /** Grants what is due, then writes queued messages until `limitBytes` wait for the transport. */
  flush(limitBytes: number): void {
    this.#grants.flush();
    this.#scheduler.flush(limitBytes);
  }

  /** Messages that were not sent completely. */
  undelivered(): readonly MessageRange[] {
    return [...this.#set.values()].flatMap((channel) => {
      const range = channel.unsent;
      return range === undefined ? [] : [{ channel: channel.number, ...range }];
    });
  }

  open(application: string, applicationData: Uint8Array | undefined): number {
    this.#checkRole('openChannel', 'client-channel');
    const nonce = this.#options.random(FIELDS.OPEN.nonce.bytes); // [CHN-004]
    const parameters = { application_data: applicationData };
    const payload = encodeOpen({ nonce, application, parameters }, this.#grease());
    const channel = this.#set.create();
    channel.heldOpen = payload;
    if (this.#suspended)
      this.#held.push(channel); // [SES-021]
    else this.#sendOpen(channel);
    return channel.number;
  }

  opened(number: number, applicationData: Uint8Array | undefined): void {
    this.#checkRole('opened', 'server-channel');
    const channel = this.#set.find(number);
    const next = channel && this.#set.allowed(channel, 'send OPENED');
    if (channel === undefined || next === undefined) return;
    const payload = encodeOpened({ parameters: { application_data: applicationData } }, this.#grease());
    this.#sender.sequenced(FRAME_TYPE.OPENED, 0, number, payload);
    channel.state = next;
    this.#grants.schedule(channel);
  }

  refuse(number: number, code: ErrorName, retryAfterMs: number): void {
    this.#checkRole('refuse', 'server-channel');
    checkCode('REFUSED', code);
    const channel = this.#set.find(number);
    const next = channel && this.#set.allowed(channel, 'send REFUSED');
    if (channel === undefined || next === undefined) return;
    const payload = encodeRefused({ code: ERROR_CODE[code], retryAfterMs });
    this.#sender.sequenced(FRAME_TYPE.REFUSED, 0, number, payload);
    this.#set.step(channel, next);
  }

  send(number: number, payload: Uint8Array): void {
    const channel = this.#set.find(number);
    if (channel === undefined) return;
    const { peerMaxMessageBytes } = this.#options;
    if (payload.length > peerMaxMessageBytes) {
      const message = `A message of ${payload.length} octets is more than the ${peerMaxMessageBytes} that the peer takes.`;
      throw new MisuseError('HAWSER_ERR_MISUSE_MESSAGE_TOO_LARGE', message); // [CHN-017]
    }
    // [CHN-010] [CHN-030]; the table is asked once for each state, not for each message
    if (channel.state !== this.#sending) {
      if (this.#set.allowed(channel, 'send MESSAGE') === undefined) return;
      this.#sending = channel.state;
    }
    if (channel.ending) throw wrongState(channel, 'send MESSAGE'); // [CHN-028]
    this.#scheduler.send(channel, payload);
  }

  end(number: number): void {
    const channel = this.#set.find(number);
    if (channel === undefined || this.#set.allowed(channel, 'send END') === undefined) return;
    if (channel.ending) throw wrongState(channel, 'send END');
    if (channel.queue.size > 0) channel.ending = true;
    else this.#sendEnd(channel);
  }

  reset(number: number, code: ErrorName): void {
    checkCode('RESET', code);
    const channel = this.#set.find(number);
    if (channel?.heldOpen !== undefined) {
      // The number is given out and has to appear on the wire in its order. [CHN-001]
      channel.heldReset ??= ERROR_CODE[code];
      return;
    }
    const next = channel && this.#set.allowed(channel, 'send RESET');
    if (channel === undefined || next === undefined) return;
    channel.discard();
    this.#sender.sequenced(FRAME_TYPE.RESET, 0, number, encodeReset({ code: ERROR_CODE[code] }));
    channel.state = next;
  }

  consume(number: number, messages: number, bytes: number): void {
    const channel = this.#set.find(number);
    if (channel === undefined) return;
    if (!channel.receive.consume(messages, bytes)) {
      throw new MisuseError('HAWSER_ERR_MISUSE_CONSUME', `More was consumed on channel ${number} than was received.`);
    }
    this.#grants.schedule(channel);
  }

  release(number: number): void {
    this.#set.release(number);
  }

  queuedBytes(number: number): number {
    return this.#set.get(number)?.queue.bytes ?? 0;
  }

  #checkRole(command: string, machine: ChannelMachine): void {
    if (this.#options.machine === machine) return;
    const role = machine === 'client-channel' ? 'client' : 'server';
    throw new MisuseError('HAWSER_ERR_MISUSE_ROLE', `${command} is for the ${role}.`);
  }

  #sendOpen(channel: Channel): void {
    const { heldOpen, heldReset, number } = channel;
    if (heldOpen === undefined) return;
    channel.heldOpen = undefined;
    channel.state = after(channel.state, 'send OPEN');
    this.#set.opened(number);
    this.#sender.sequenced(FRAME_TYPE.OPEN, 0, number, heldOpen);
    if (heldReset === undefined) return;
    channel.state = after(channel.state, 'send RESET');
    this.#sender.sequenced(FRAME_TYPE.RESET, 0, number, encodeReset({ code: heldReset }));
  }

  #sendEnd(channel: Channel): void {
    const { number } = channel;
    channel.ending = false;
    this.#sender.sequenced(FRAME_TYPE.END, 0, number, encodeEnd());
    const over = this.#set.step(channel, after(channel.state, 'send END'));
    if (over) this.#options.emit({ type: 'channel-closed', channel: number });
  }

  #drained(channel: Channel): void {
    if (channel.waiting) {
      channel.waiting = false;
      this.#options.emit({ type: 'channel-writable', channel: channel.number });
    }
    if (channel.ending) this.#sendEnd(channel);
  }

  /** [EXT-003] */
  #grease(): readonly RawParameter[] {
    return this.#options.grease ? [greaseParameter(this.#options.random)] : [];
  }
}
