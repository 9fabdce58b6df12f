import { type Channel, channelKind } from './channel.ts';
import type { ChannelSet } from './channel-set.ts';
import type { CreditGrants } from './credit-grants.ts';
import { meaningOf } from './error-codes.ts';
import { InternalError } from './errors.ts';
import type { Event } from './events.ts';
import type { FrameDecoder } from './decoder.ts';
import { violation } from './frame-check.ts';
import { decodeCredit } from './frames/credit.ts';
import { decodeEnd } from './frames/end.ts';
import { decodeForward, type Forwarded } from './frames/forward.ts';
import { decodeOpen, type Open } from './frames/open.ts';
import { decodeOpened } from './frames/opened.ts';
import { decodeOutcome } from './frames/outcome.ts';
import { decodeProof } from './frames/proof.ts';
import { decodeProve } from './frames/prove.ts';
import { decodeRefused, encodeRefused } from './frames/refused.ts';
import { decodeReset, encodeReset } from './frames/reset.ts';
import type { FateLedger } from './fate-ledger.ts';
import { type Journal, receivedKey } from './journal.ts';
import type { MessageScheduler } from './message-scheduler.ts';
import { type LeafVerifier, openedFlaw, type OpeningFlaw } from './opening.ts';
import type { Outbox } from './outbox.ts';
import { ERROR_CODE, FLAG, FRAME_TYPE, LIMITS } from './registry.gen.ts';
import { addVerdict } from './verdict-sender.ts';

const { FIRST, LAST } = FLAG.MESSAGE;

/** What incoming channel frames act on. */
export interface ChannelReceiverOptions {
  readonly channels: ChannelSet;
  readonly outbox: Outbox;
  /** Own messages that wait for a verdict. */
  readonly verdicts: FateLedger;
  readonly journal: Journal | undefined;
  /** A verdict, or END, may have been the last thing that a channel waited for. */
  readonly settled: (channel: Channel) => void;
  /** The own OPEN or RESET has its answer. */
  readonly answered: (channel: number, seq: number) => void;
  /** The answer to the own OPEN does not prove what it has to: the channel is abandoned. */
  readonly unproved: (channel: Channel, flaw: OpeningFlaw) => void;
  readonly leafVerifier: LeafVerifier;
  readonly scheduler: MessageScheduler;
  readonly grants: CreditGrants;
  readonly emit: (event: Event) => void;
  /** The largest message that this endpoint takes. */
  readonly maxMessageBytes: number;
  /** How many channels the client may hold. */
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

  /**
   * @param frame - where the payload and the number of the frame come from.
   * @throws PeerViolationError
   */
  receive(frame: FrameDecoder): void {
    const { type, channel: number } = frame;
    const payload = frame.payload();
    const channel = this.#channels.get(number);
    switch (type) {
      case FRAME_TYPE.MESSAGE:
        this.#message(channel, frame, payload);
        break;
      case FRAME_TYPE.OUTCOME:
        this.#outcome(channel, number, payload);
        break;
      case FRAME_TYPE.CREDIT:
        this.#credit(channel, number, payload);
        break;
      case FRAME_TYPE.OPEN:
      case FRAME_TYPE.FORWARD:
        this.#open(type, number, payload);
        break;
      case FRAME_TYPE.PROVE:
        this.#prove(channel, number, payload);
        break;
      case FRAME_TYPE.PROOF:
        this.#proof(channel, number, payload);
        break;
      case FRAME_TYPE.OPENED:
        this.#opened(channel, frame, payload);
        break;
      case FRAME_TYPE.REFUSED:
        this.#refused(channel, frame, payload);
        break;
      case FRAME_TYPE.END:
        this.#end(channel, number, payload);
        break;
      case FRAME_TYPE.RESET:
        this.#reset(channel, frame, payload);
        break;
      default:
        throw new InternalError(`A frame of type ${type} is not one of a channel.`);
    }
  }

  #open(type: number, number: number, payload: Uint8Array): void {
    const { request, forwarded, octets } = readRequest(type, payload);
    const kind = channelKind(request, forwarded);
    const channel = this.#channels.accept(type, number, this.#options.maxChannels, kind);
    this.#checkAnswers(type);
    if (channel === undefined) {
      // Judged before policy, and so before anyone else sees the request. [CHN-009]
      const refused = encodeRefused({ code: ERROR_CODE.CHANNEL_LIMIT, retryAfterMs: 0 });
      this.#options.outbox.sequenced(FRAME_TYPE.REFUSED, 0, number, refused);
      return;
    }
    const open = octets.slice();
    channel.opening = { open };
    this.#emit({ type: 'channel-requested', channel: number, ...kind, openPayload: open, again: false });
  }

  #prove(channel: Channel | undefined, number: number, octets: Uint8Array): void {
    decodeProve(octets);
    const { next, action } = this.#channels.cell(channel, FRAME_TYPE.PROVE, number);
    if (channel === undefined) return;
    channel.state = next;
    if (action === 'discard' || channel.opening === undefined) return; // [CHN-031]
    const payload = octets.slice();
    channel.opening = { ...channel.opening, prove: payload };
    this.tellProve(channel);
  }

  /** Tells of the PROVE that has come on a channel, perhaps before a crash. */
  tellProve({ number, opening }: Channel): void {
    if (opening?.prove === undefined) return;
    const { prove: payload, applicationIdentity } = opening;
    this.#emit({ type: 'prove-received', channel: number, ...decodeProve(payload), payload, applicationIdentity });
  }

  #proof(channel: Channel | undefined, number: number, octets: Uint8Array): void {
    decodeProof(octets);
    const { next, action } = this.#channels.cell(channel, FRAME_TYPE.PROOF, number);
    if (channel === undefined) return;
    channel.state = next;
    if (action === 'discard' || channel.opening === undefined) return; // [CHN-031]
    channel.opening = { ...channel.opening, proof: octets.slice() };
    this.tellProof(channel);
  }

  /** Tells of the PROOF that has come on a channel, perhaps before a crash. */
  tellProof({ number, opening }: Channel): void {
    if (opening?.proof === undefined) return;
    const { proof: payload } = opening;
    this.#emit({ type: 'proof-received', channel: number, ...decodeProof(payload), payload });
  }

  #opened(channel: Channel | undefined, { channel: number, seq }: FrameDecoder, octets: Uint8Array): void {
    const payload = octets.slice();
    const { parameters } = decodeOpened(payload);
    const { next, action } = this.#channels.cell(channel, FRAME_TYPE.OPENED, number);
    if (channel === undefined) return;
    if (action === 'report it' && parameters.open_signature !== undefined) {
      throw violation('PARAMETER_INVALID', 'RLY-048', FRAME_TYPE.OPENED, 'has a signature that nobody has asked for');
    }
    channel.state = next;
    if (action === 'discard') return; // [CHN-031]
    this.#options.answered(number, seq);
    const flaw = this.#flawOf(channel, payload, action === 'report it');
    channel.opening = undefined;
    if (flaw !== undefined) {
      this.#options.unproved(channel, flaw);
      return;
    }
    if (channel.kind.forwarded !== undefined) channel.openedPayload = payload;
    this.#options.grants.schedule(channel);
    const { application_data: applicationData } = parameters;
    this.#emit({ type: 'channel-opened', channel: number, applicationData, payload });
  }

  /** What keeps an OPENED from being taken for the application end's. [RLY-046] [RLY-047] */
  #flawOf({ kind, opening }: Channel, payload: Uint8Array, unasked: boolean): OpeningFlaw | undefined {
    // A relay passes it on: it is for the client to verify. [RLY-050]
    if (opening === undefined || kind.forwarded !== undefined) return undefined;
    if (unasked) return opening.demandProof === true ? 'no-prove' : undefined;
    return openedFlaw(opening, payload, this.#options.leafVerifier);
  }

  #refused(channel: Channel | undefined, { channel: number, seq }: FrameDecoder, payload: Uint8Array): void {
    const { code: wireCode, retryAfterMs } = decodeRefused(payload);
    const { next, action } = this.#channels.cell(channel, FRAME_TYPE.REFUSED, number);
    if (action !== 'report the code' || channel === undefined) return;
    this.#options.answered(number, seq);
    const code = meaningOf('REFUSED', wireCode); // [ERR-002]
    this.#emit({ type: 'channel-refused', channel: number, code, wireCode, retryAfterMs });
    channel.endKept = false;
    this.#channels.step(channel, next);
  }

  #message(channel: Channel | undefined, frame: FrameDecoder, fragment: Uint8Array): void {
    const { action } = this.#channels.cell(channel, FRAME_TYPE.MESSAGE, frame.channel);
    if (action !== 'deliver' || channel === undefined) return;
    this.#deliver(channel, frame.flags, fragment, frame.seq);
    const { journal } = this.#options;
    if (journal !== undefined) journal.put(receivedKey(frame.seq), frame.frame());
  }

  /** The order of checks is that of section 6.4. */
  #deliver(channel: Channel, flags: number, fragment: Uint8Array, seq: number): void {
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
    if (first && !last) this.#options.grants.schedule(channel); // [CHN-024]
    this.accept(channel, fragment, first, last, seq, receive.messages, false);
  }

  /** Takes a fragment that was found right, now or before a crash, and delivers the message that it completes. */
  accept(
    channel: Channel,
    fragment: Uint8Array,
    first: boolean,
    last: boolean,
    seq: number,
    number: number,
    redelivered: boolean,
  ): void {
    const { assembly, inbox } = channel;
    // A decision has a consequence only where it is sent or stored.
    const follows = this.#options.journal !== undefined || channel.kind.outcomes;
    let data = fragment;
    if (!first || !last) {
      assembly.append(fragment);
      if (!last) {
        if (follows) inbox.fragment(seq);
        return; // [CHN-016]
      }
      data = assembly.take();
    }
    if (follows) inbox.deliver(number, data.length, seq);
    // [CHN-015]
    this.#emit({ type: 'message-received', channel: channel.number, number, data, redelivered });
  }

  /** [CNT-041] */
  #outcome(channel: Channel | undefined, number: number, payload: Uint8Array): void {
    const { lastMessage, verdict } = decodeOutcome(payload);
    const { action } = this.#channels.cell(channel, FRAME_TYPE.OUTCOME, number);
    if (action !== 'settle messages' || channel === undefined) return;
    const { kind, sentMessages, verdictsReceived } = channel;
    if (!kind.outcomes || lastMessage <= verdictsReceived || lastMessage > sentMessages) {
      throw violation('OUTCOME_INVALID', 'CNT-041', FRAME_TYPE.OUTCOME, 'judges what has a verdict, or asks for none');
    }
    channel.verdictsReceived = lastMessage;
    if (this.#options.journal !== undefined) addVerdict(channel.verdictsUnreported, { last: lastMessage, verdict });
    const { verdicts, scheduler } = this.#options;
    // A full ledger keeps messages of every channel back.
    const blocked = verdicts.full;
    verdicts.settled(number, lastMessage);
    if (blocked) for (const other of this.#channels.values()) scheduler.wake(other);
    this.#emit({
      type: 'messages-settled',
      channel: number,
      first: verdictsReceived + 1,
      last: lastMessage,
      outcome: verdict === 0 ? 'accepted' : 'rejected',
      verdict,
    });
    this.#options.settled(channel);
  }

  #credit(channel: Channel | undefined, number: number, payload: Uint8Array): void {
    const credit = decodeCredit(payload);
    const { action } = this.#channels.cell(channel, FRAME_TYPE.CREDIT, number);
    if (action !== 'raise the limits' || channel === undefined) return;
    const restated = channel.creditRestated;
    channel.creditRestated = false;
    if (!channel.send.raise(credit, restated)) {
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
    if (this.#channels.step(channel, next))
      this.#emit({ type: 'channel-closed', channel: number, sentMessages: channel.sentMessages });
    else this.#options.settled(channel);
  }

  #reset(channel: Channel | undefined, { channel: number, seq }: FrameDecoder, payload: Uint8Array): void {
    const { code: wireCode } = decodeReset(payload);
    const { next, action } = this.#channels.cell(channel, FRAME_TYPE.RESET, number);
    const answered = action === 'send RESET(CHANNEL_CLOSED)';
    this.#options.answered(number, seq);
    if (answered) {
      this.#checkAnswers(FRAME_TYPE.RESET);
      // [CHN-029]
      const answer = encodeReset({ code: ERROR_CODE.CHANNEL_CLOSED });
      this.#options.outbox.sequenced(FRAME_TYPE.RESET, 0, number, answer);
    }
    if (channel === undefined) return;
    channel.abandon(wireCode, true);
    if (answered) {
      const { sentMessages } = channel;
      this.#emit({
        type: 'channel-reset',
        channel: number,
        sentMessages,
        code: meaningOf('RESET', wireCode),
        wireCode,
      });
    } else this.#emit({ type: 'channel-closed', channel: number, sentMessages: channel.sentMessages });
    this.#channels.step(channel, next, true);
  }

  /** Whoever asks, and acknowledges no answer, does not decide how many are kept for it. [CNT-061] */
  #checkAnswers(type: number): void {
    const { maxChannels, outbox } = this.#options;
    if (outbox.keptAnswers < maxChannels + LIMITS.max_kept_answers) return;
    throw violation('RATE_EXCEEDED', 'CNT-061', type, 'asks for an answer while too many are not acknowledged');
  }
}

/** Reads OPEN, or FORWARD and the OPEN in it, which is decoded alike. [RLY-015] */
function readRequest(
  type: number,
  payload: Uint8Array,
): { readonly request: Open; readonly forwarded: Forwarded | undefined; readonly octets: Uint8Array } {
  if (type === FRAME_TYPE.OPEN) return { request: decodeOpen(payload), forwarded: undefined, octets: payload };
  const { request, open, ...forwarded } = decodeForward(payload);
  return { request, forwarded, octets: open };
}
