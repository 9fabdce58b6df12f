import type { Channel } from './channel.ts';
import type { ChannelSet } from './channel-set.ts';
import type { CreditGrants } from './credit-grants.ts';
import { meaningOf } from './error-codes.ts';
import { InternalError } from './errors.ts';
import type { Event } from './events.ts';
import { violation } from './frame-check.ts';
import type { FrameSender } from './frame-sender.ts';
import { decodeCredit } from './frames/credit.ts';
import { decodeEnd } from './frames/end.ts';
import { decodeOpen } from './frames/open.ts';
import { decodeOpened } from './frames/opened.ts';
import { decodeRefused, encodeRefused } from './frames/refused.ts';
import { decodeReset, encodeReset } from './frames/reset.ts';
import type { MessageScheduler } from './message-scheduler.ts';
import { ERROR_CODE, FLAG, FRAME_TYPE } from './registry.gen.ts';

const { FIRST, LAST } = FLAG.MESSAGE;

/** What incoming channel frames act on. */
export interface ChannelReceiverOptions {
  readonly channels: ChannelSet;
  readonly sender: FrameSender;
  readonly scheduler: MessageScheduler;
  readonly grants: CreditGrants;
  readonly emit: (event: Event) => void;
  /** The largest message that this endpoint takes. */
  readonly maxMessageBytes: number;
  /** How many channels the client may hold (server). */
  readonly maxChannels: number;
}

/**
 * Processes the frames of the layer channel, whose headers are right: the payload first, then the state of the channel,
 * then the meaning. [WIR-027] What one channel goes through touches no other. [CHN-032]
 */
export class ChannelReceiver {
  readonly #options: ChannelReceiverOptions;
  readonly #channels: ChannelSet;
  readonly #emit: (event: Event) => void;

  constructor(options: ChannelReceiverOptions) {
    this.#options = options;
    this.#channels = options.channels;
    this.#emit = options.emit;
  }

  /** @throws PeerViolationError */
  receive(type: number, flags: number, number: number, payload: Uint8Array): void {
    const channel = this.#channels.get(number);
    switch (type) {
      case FRAME_TYPE.MESSAGE:
        this.#message(channel, number, flags, payload);
        break;
      case FRAME_TYPE.CREDIT:
        this.#credit(channel, number, payload);
        break;
      case FRAME_TYPE.OPEN:
        this.#open(number, payload);
        break;
      case FRAME_TYPE.OPENED:
        this.#opened(channel, number, payload);
        break;
      case FRAME_TYPE.REFUSED:
        this.#refused(channel, number, payload);
        break;
      case FRAME_TYPE.END:
        this.#end(channel, number, payload);
        break;
      case FRAME_TYPE.RESET:
        this.#reset(channel, number, payload);
        break;
      default:
        throw new InternalError(`A frame of type ${type} is not one of a channel.`);
    }
  }

  #open(number: number, payload: Uint8Array): void {
    const { application, nonce, parameters } = decodeOpen(payload);
    const channel = this.#channels.accept(number, this.#options.maxChannels);
    if (channel === undefined) {
      // Judged before policy, and so before anyone else sees the request. [CHN-009]
      const refused = encodeRefused({ code: ERROR_CODE.CHANNEL_LIMIT, retryAfterMs: 0 });
      this.#options.sender.sequenced(FRAME_TYPE.REFUSED, 0, number, refused);
      return;
    }
    const applicationData = parameters.application_data?.slice();
    this.#emit({ type: 'channel-requested', channel: number, application, nonce: nonce.slice(), applicationData });
  }

  #opened(channel: Channel | undefined, number: number, payload: Uint8Array): void {
    const { parameters } = decodeOpened(payload);
    const { next, action } = this.#channels.cell(channel, FRAME_TYPE.OPENED, number);
    if (channel === undefined) return;
    channel.state = next;
    if (action === 'discard') return; // [CHN-031]
    this.#options.grants.schedule(channel);
    const applicationData = parameters.application_data?.slice();
    this.#emit({ type: 'channel-opened', channel: number, applicationData });
  }

  #refused(channel: Channel | undefined, number: number, payload: Uint8Array): void {
    const { code: wireCode, retryAfterMs } = decodeRefused(payload);
    const { next, action } = this.#channels.cell(channel, FRAME_TYPE.REFUSED, number);
    if (channel === undefined) return;
    if (action === 'report the code') {
      const code = meaningOf('REFUSED', wireCode); // [ERR-002]
      this.#emit({ type: 'channel-refused', channel: number, code, wireCode, retryAfterMs });
    } else this.#emit({ type: 'channel-closed', channel: number });
    this.#channels.step(channel, next);
  }

  #message(channel: Channel | undefined, number: number, flags: number, fragment: Uint8Array): void {
    const { action } = this.#channels.cell(channel, FRAME_TYPE.MESSAGE, number);
    if (action === 'deliver' && channel !== undefined) this.#deliver(channel, flags, fragment);
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
    if (assembly.length + fragment.length > this.#options.maxMessageBytes) {
      throw violation('MESSAGE_TOO_LARGE', 'CHN-018', FRAME_TYPE.MESSAGE, 'exceeds the largest message');
    }
    let data = fragment;
    if (!first || !last) {
      assembly.append(fragment);
      if (first) this.#options.grants.schedule(channel); // [CHN-024]
      if (!last) return; // [CHN-016]
      data = assembly.take();
    }
    // [CHN-015]
    this.#emit({ type: 'message-received', channel: channel.number, number: receive.messages, data });
  }

  #credit(channel: Channel | undefined, number: number, payload: Uint8Array): void {
    const credit = decodeCredit(payload);
    const { action } = this.#channels.cell(channel, FRAME_TYPE.CREDIT, number);
    if (action !== 'raise the limits' || channel === undefined) return;
    if (!channel.send.raise(credit)) {
      throw violation('CREDIT_INVALID', 'CHN-022', FRAME_TYPE.CREDIT, 'lowers a limit or raises none');
    }
    this.#options.scheduler.wake(channel);
  }

  #end(channel: Channel | undefined, number: number, payload: Uint8Array): void {
    decodeEnd(payload);
    const { next, action } = this.#channels.cell(channel, FRAME_TYPE.END, number);
    if (channel === undefined) return;
    if (action === 'report it') {
      if (channel.assembly.incomplete) {
        throw violation('FRAGMENT_INVALID', 'CHN-027', FRAME_TYPE.END, 'came while a message is incomplete');
      }
      this.#emit({ type: 'channel-ended', channel: number });
    }
    if (this.#channels.step(channel, next)) this.#emit({ type: 'channel-closed', channel: number });
  }

  #reset(channel: Channel | undefined, number: number, payload: Uint8Array): void {
    const { code: wireCode } = decodeReset(payload);
    const { next, action } = this.#channels.cell(channel, FRAME_TYPE.RESET, number);
    if (channel === undefined) return;
    if (action === 'send RESET(CHANNEL_CLOSED)') {
      // [CHN-029]
      const answer = encodeReset({ code: ERROR_CODE.CHANNEL_CLOSED });
      this.#options.sender.sequenced(FRAME_TYPE.RESET, 0, number, answer);
      this.#emit({ type: 'channel-reset', channel: number, code: meaningOf('RESET', wireCode), wireCode });
    } else this.#emit({ type: 'channel-closed', channel: number });
    this.#channels.step(channel, next, true);
  }
}
