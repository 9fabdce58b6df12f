import type { Signer } from './authentication.ts';
import {
  type Channel,
  type ChannelKind,
  channelKind,
  type ChannelMachine,
  type ChannelState,
  type ChannelTerms,
} from './channel.ts';
import { ChannelReceiver } from './channel-receiver.ts';
import { ChannelSet, wrongState } from './channel-set.ts';
import { CreditGrants } from './credit-grants.ts';
import { checkCode } from './error-codes.ts';
import { InternalError, MisuseError } from './errors.ts';
import type { Event, MessageRange } from './events.ts';
import type { FateLedger } from './fate-ledger.ts';
import type { FrameDecoder } from './decoder.ts';
import { encodeEnd } from './frames/end.ts';
import { encodeForward, type Forward } from './frames/forward.ts';
import { decodeOpen, encodeOpen, type Open } from './frames/open.ts';
import { encodeOpened } from './frames/opened.ts';
import { encodeProve } from './frames/prove.ts';
import { encodeRefused } from './frames/refused.ts';
import { encodeReset } from './frames/reset.ts';
import { greaseParameter } from './grease.ts';
import { ACCEPTED, type Decision, type Settled } from './inbox.ts';
import { type Journal, receivedKey } from './journal.ts';
import { MessageScheduler } from './message-scheduler.ts';
import { OpenWindow } from './open-window.ts';
import {
  isProofSigned,
  type LeafVerifier,
  type Opening,
  type OpeningFlaw,
  type ProofTerms,
  provedLeaf,
  signOpened,
  signProof,
} from './opening.ts';
import type { Outbox } from './outbox.ts';
import type { RawParameter } from './parameters.ts';
import { ERROR_CODE, type ErrorName, FIELDS, FRAME_TYPE, type FrameName, MAX_PAYLOAD_BYTES } from './registry.gen.ts';
import { after } from './transitions.ts';
import { VerdictSender } from './verdict-sender.ts';

/** What the channels of a session stand on. */
export interface ChannelsOptions {
  readonly machine: ChannelMachine;
  readonly outbox: Outbox;
  readonly ledger: FateLedger;
  /** Messages that wait for a verdict. */
  readonly verdicts: FateLedger;
  readonly journal: Journal | undefined;
  readonly resumable: boolean;
  readonly emit: (event: Event) => void;
  readonly random: (count: number) => Uint8Array;
  readonly grease: boolean;
  readonly leafVerifier: LeafVerifier;
  readonly terms: ChannelTerms;
  /** The largest message that the peer takes. */
  readonly peerMaxMessageBytes: number;
  /** How many channels the client may hold (server). */
  readonly maxChannels: number;
}

/** Priority classes by name, as the owner of a channel gives them. */
export const PRIORITIES: { readonly urgent: 0; readonly normal: 1; readonly bulk: 2 } = {
  urgent: 0,
  normal: 1,
  bulk: 2,
};

/** What a client says of a channel that it opens. */
export interface OpenOptions extends ProofTerms {
  /** `application_data`: up to 4,096 octets for the application end. */
  readonly applicationData?: Uint8Array | undefined;
  /** Class of its messages, in both directions; `normal` unless said otherwise. [CHN-035] [CHN-036] */
  readonly priority?: keyof typeof PRIORITIES | undefined;
  /** Whether each message, in both directions, gets a verdict (section 12.6). */
  readonly outcomes?: boolean | undefined;
}

/** What a server says of itself in PROVE, or the payload of the PROVE that a relay passes on. [RLY-050] */
export type ProveOptions =
  | {
      /** Identity of the peer from which FORWARD has come; empty where OPEN has. */
      readonly relay: string;
      /** DER certificates of the server, leaf first. */
      readonly chain: readonly Uint8Array[];
    }
  | { readonly payload: Uint8Array };

/** What a client proves itself with, or the payload of the PROOF that a relay passes on. [RLY-050] */
export type ProofOptions =
  | {
      /** DER certificates of the client, leaf first. */
      readonly chain: readonly Uint8Array[];
      /** Signs with the key of the leaf. [RLY-042] */
      readonly signer: Signer;
    }
  | { readonly payload: Uint8Array };

/** What OPENED says, or the payload of the OPENED that a relay passes on. [RLY-050] */
export type OpenedOptions =
  | {
      /** `application_data`: up to 4,096 octets for the client. */
      readonly applicationData?: Uint8Array | undefined;
      /** Signs with the key of the leaf in PROVE; needed where PROOF has come. [RLY-045] */
      readonly signer?: Signer | undefined;
    }
  | { readonly payload: Uint8Array };

/** What keeps anything new from being begun. */
export type Obstacle = 'suspect' | 'detached' | 'draining';

/** All channels of one session (chapter 6): the owner's commands, and what the peer sends. */
export class Channels {
  readonly #options: ChannelsOptions;
  readonly #outbox: Outbox;
  readonly #set: ChannelSet;
  readonly #receiver: ChannelReceiver;
  readonly #scheduler: MessageScheduler;
  readonly #grants: CreditGrants;
  /** Channels whose OPEN waits, in their order. */
  readonly #held: Channel[] = [];
  /** What bounds the OPENs of a client in a resumable session. */
  readonly #window: OpenWindow | undefined;
  /** A state in which messages may be sent; the last one met. */
  #sending: ChannelState | undefined;
  readonly #verdictSender: VerdictSender;
  /** Messages without verdict on channels that this endpoint has abandoned, until the peer has answered. */
  readonly #abandoned = new Map<number, readonly MessageRange[]>();
  /** Why nothing new is begun: the peer is SUSPECT, there is no connection, or it is being left. */
  readonly #obstacles = new Set<Obstacle>();

  constructor(options: ChannelsOptions) {
    const { emit, journal, ledger, machine, maxChannels, outbox, resumable, terms, verdicts } = options;
    this.#options = options;
    this.#outbox = outbox;
    this.#set = new ChannelSet(machine, terms, (number) => this.#forget(number), journal);
    this.#grants = new CreditGrants(outbox);
    this.#window = resumable && machine === 'client-channel' ? new OpenWindow() : undefined;
    this.#verdictSender = new VerdictSender(outbox, (channel) => this.#settled(channel));
    this.#scheduler = new MessageScheduler({
      outbox,
      ledger,
      verdicts,
      journal,
      keeps: resumable,
      drained: (channel) => this.#drained(channel),
    });
    this.#receiver = new ChannelReceiver({
      channels: this.#set,
      outbox,
      verdicts,
      journal,
      scheduler: this.#scheduler,
      grants: this.#grants,
      emit,
      settled: (channel) => this.#settled(channel),
      answered: (channel, seq) => this.#window?.answered(channel, seq),
      unproved: (channel, flaw) => this.#unproved(channel, flaw),
      leafVerifier: options.leafVerifier,
      maxMessageBytes: terms.maxMessageBytes,
      maxChannels,
    });
  }

  /** The channels by number, to be stored and restored. */
  get set(): ChannelSet {
    return this.#set;
  }

  /** What takes the fragments that were stored. */
  get receiver(): ChannelReceiver {
    return this.#receiver;
  }

  /** Processes a frame of the layer channel, whose header is right. */
  receive(frame: FrameDecoder): void {
    this.#receiver.receive(frame);
  }

  /** Nothing new is begun until the obstacle is gone. [SES-021] [CNT-046] */
  obstruct(obstacle: Obstacle): void {
    this.#obstacles.add(obstacle);
    if (obstacle !== 'draining') this.#scheduler.suspended = true;
  }

  /** An obstacle is gone: send what has waited, if it was the last one. */
  clear(obstacle: Obstacle): void {
    if (!this.#obstacles.delete(obstacle)) return;
    if (this.#obstacles.has('suspect') || this.#obstacles.has('detached')) return;
    this.#scheduler.suspended = false;
    this.#sendHeld();
    this.wake();
  }

  /** The peer is told that this endpoint holds everything through a sequence number. */
  acknowledged(cursor: number): void {
    this.#window?.acknowledged(cursor);
    this.#sendHeld();
  }

  /** An OPEN or RESET was sent before a crash, and has no answer. */
  restoreAsked(channel: number): void {
    this.#window?.asked(channel);
  }

  /** The session has another connection: what is not sequenced may have been lost with the former one. */
  reattached(): void {
    for (const channel of this.#set.values()) {
      channel.creditRestated = true; // [CNT-034]
      if (channel.state.local.has('send CREDIT')) this.#grants.restate(channel); // [CNT-033]
    }
  }

  /** Gives every channel with messages a turn: something that kept all of them back is over. */
  wake(): void {
    for (const channel of this.#set.values()) this.#scheduler.wake(channel);
  }

  /** Grants what is due, then writes queued messages until `limitBytes` wait for the transport. */
  flush(limitBytes: number): void {
    this.#grants.flush();
    this.#verdictSender.flush();
    this.#scheduler.flush(limitBytes);
  }

  /** Sends the verdicts that are due. */
  flushVerdicts(): void {
    this.#verdictSender.flush();
  }

  /** Messages whose outcome the own RESET has made *unknown*: their last fragment was sent (section 12.6). */
  abandoned(): readonly MessageRange[] {
    return [...this.#abandoned.values()].flat();
  }

  /** A channel was abandoned by this endpoint: no verdict counts any more. */
  abandon(number: number): void {
    const ranges: MessageRange[] = [];
    this.#options.verdicts.settled(number, Infinity, ranges);
    if (ranges.length > 0) this.#abandoned.set(number, ranges);
  }

  /** Messages that were not sent completely; `begun` says that of the first one a fragment was. */
  undelivered(): readonly (MessageRange & { readonly begun: boolean })[] {
    return [...this.#set.values()].flatMap((channel) => {
      const range = channel.unsent;
      return range === undefined ? [] : [{ channel: channel.number, ...range, begun: channel.queue.begun }];
    });
  }

  open(application: string, options: OpenOptions): number {
    this.#checkRole('openChannel', 'client-channel');
    const { applicationData, priority = 'normal', outcomes = false, applicationIdentity, demandProof } = options;
    this.#checkDraining();
    const nonce = this.#options.random(FIELDS.OPEN.nonce.bytes); // [CHN-004]
    const parameters = {
      application_data: applicationData,
      ...(priority === 'normal' ? {} : { priority: PRIORITIES[priority] }),
      ...(outcomes ? { outcomes: 1 } : {}),
    };
    const request: Open = { nonce, application, parameters };
    const open = encodeOpen(request, this.#grease());
    return this.#ask(channelKind(request), { open, applicationIdentity, demandProof }, open);
  }

  /** Passes an OPEN on (client). [RLY-006] */
  forward({ open, ...forwarded }: Forward): number {
    this.#checkRole('forward', 'client-channel');
    this.#checkDraining();
    const payload = encodeForward({ open, ...forwarded });
    checkFits('FORWARD', payload); // [RLY-012]
    return this.#ask(channelKind(decodeOpen(open), forwarded), { open }, payload);
  }

  /** Asks for proof (server). [RLY-037] */
  prove(number: number, options: ProveOptions): void {
    this.#checkRole('prove', 'server-channel');
    const channel = this.#set.find(number);
    const next = channel && this.#set.allowed(channel, 'send PROVE');
    if (channel === undefined || next === undefined) return;
    const payload =
      'payload' in options
        ? options.payload
        : encodeProve({ nonce: this.#options.random(FIELDS.PROVE.nonce.bytes), ...options });
    checkFits('PROVE', payload);
    channel.opening = { ...openingOf(channel), prove: payload };
    this.#outbox.sequenced(FRAME_TYPE.PROVE, 0, number, payload);
    channel.state = next;
  }

  /** Answers PROVE (client). [RLY-042] */
  proof(number: number, options: ProofOptions): void {
    this.#checkRole('proof', 'client-channel');
    const channel = this.#set.find(number);
    const next = channel && this.#set.allowed(channel, 'send PROOF');
    if (channel === undefined || next === undefined) return;
    const opening = openingOf(channel);
    const payload = 'payload' in options ? options.payload : signProof(opening, options.chain, options.signer);
    checkFits('PROOF', payload);
    channel.opening = { ...opening, proof: payload };
    this.#outbox.sequenced(FRAME_TYPE.PROOF, 0, number, payload);
    channel.state = next;
  }

  /** Whether the PROOF on a channel is signed with the key of its leaf (server). [RLY-043] */
  isProofSigned(number: number): boolean {
    const opening = this.#set.get(number)?.opening;
    return opening?.proof !== undefined && isProofSigned(opening, this.#options.leafVerifier);
  }

  /** The leaf certificate in the PROVE of a channel that is not open; undefined where there was none. */
  provedLeaf(number: number): Uint8Array | undefined {
    const opening = this.#set.get(number)?.opening;
    return opening && provedLeaf(opening);
  }

  opened(number: number, options: OpenedOptions): void {
    this.#checkRole('opened', 'server-channel');
    const channel = this.#set.find(number);
    const next = channel && this.#set.allowed(channel, 'send OPENED');
    if (channel === undefined || next === undefined) return;
    const payload = 'payload' in options ? options.payload : this.#openedPayload(channel, options);
    this.#outbox.sequenced(FRAME_TYPE.OPENED, 0, number, payload);
    channel.state = next;
    channel.opening = undefined;
    this.#grants.schedule(channel);
  }

  refuse(number: number, code: ErrorName, retryAfterMs: number): void {
    this.#checkRole('refuse', 'server-channel');
    checkCode('REFUSED', code);
    const channel = this.#set.find(number);
    const next = channel && this.#set.allowed(channel, 'send REFUSED');
    if (channel === undefined || next === undefined) return;
    const payload = encodeRefused({ code: ERROR_CODE[code], retryAfterMs });
    this.#outbox.sequenced(FRAME_TYPE.REFUSED, 0, number, payload);
    channel.endKept = false;
    this.#set.step(channel, next);
  }

  /** @returns whether the message waits: `channel-writable` follows. */
  send(number: number, payload: Uint8Array): boolean {
    const channel = this.#set.find(number);
    if (channel === undefined) return false;
    const { peerMaxMessageBytes } = this.#options;
    if (payload.length > peerMaxMessageBytes) {
      const message = `A message of ${payload.length} octets is more than the ${peerMaxMessageBytes} that the peer takes.`;
      throw new MisuseError('HAWSER_ERR_MISUSE_MESSAGE_TOO_LARGE', message); // [CHN-017]
    }
    // [CHN-010] [CHN-030]; the table is asked once for each state, not for each message
    if (channel.state !== this.#sending) {
      if (this.#set.allowed(channel, 'send MESSAGE') === undefined) return false;
      this.#sending = channel.state;
    }
    if (channel.ending) throw wrongState(channel, 'send MESSAGE'); // [CHN-028]
    return this.#scheduler.send(channel, payload);
  }

  end(number: number): void {
    const channel = this.#set.find(number);
    if (channel === undefined || this.#set.allowed(channel, 'send END') === undefined) return;
    if (channel.ending) throw wrongState(channel, 'send END');
    if (channel.queue.size > 0 || channel.paused) channel.ending = true;
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
    channel.abandon(ERROR_CODE[code], false);
    this.#set.abandon(channel);
    this.abandon(number);
    this.#window?.asked(number);
    this.#outbox.sequenced(FRAME_TYPE.RESET, 0, number, encodeReset({ code: ERROR_CODE[code] }));
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

  /** The application has decided on a message of a channel, perhaps of one that is closed. [CNT-039] [CNT-040] */
  settle(number: number, message: number, decision: Decision): void {
    const channel = this.#set.deciding(number);
    if (channel !== undefined) checkDecision(channel, decision);
    for (const settled of channel?.inbox.decide(message, decision) ?? []) {
      for (const seq of settled.seqs) this.#options.journal?.delete(receivedKey(seq));
      if (channel?.kind.outcomes === true) this.#judge(channel, settled);
    }
    if (channel !== undefined) this.#set.settled(channel);
  }

  /** A verdict holds for all messages since the one before: behind one without, none can be sent. [CNT-040] */
  #judge(channel: Channel, { last, verdict }: Settled): void {
    if (verdict === undefined) channel.withholdsVerdicts = true;
    else if (!channel.withholdsVerdicts) this.#verdictSender.schedule(channel, last, verdict);
  }

  /** Number of the message of a channel up to which all are decided on, where decisions are kept. */
  settledMessages(number: number): number {
    return this.#set.deciding(number)?.inbox.settled.messages ?? 0;
  }

  /** The owner has taken note of what became of its messages, through a number: it need not be told again. [CNT-042] */
  reported(number: number, last: number): void {
    const channel = this.#set.deciding(number);
    if (channel === undefined) return;
    channel.report(last);
    this.#set.settled(channel);
  }

  /**
   * The end of a channel survives a crash until `leaveEnd`: the owner has something to do first that follows from it.
   *
   * @returns false when the channel is over, also where the owner has not been told yet.
   */
  keepEnd(number: number): boolean {
    const channel = this.#set.deciding(number);
    if (channel === undefined) return false;
    if (!channel.endKept) this.#options.journal?.touch();
    channel.endKept = true;
    return true;
  }

  leaveEnd(number: number): void {
    const channel = this.#set.deciding(number);
    if (channel?.endKept !== true) return;
    channel.endKept = false;
    this.#options.journal?.touch();
    this.#set.settled(channel);
  }

  release(number: number): void {
    this.#set.release(number);
  }

  /** Keeps the messages of a channel back, one that is begun too, and END until `resume`. */
  pause(number: number): void {
    const channel = this.#set.get(number);
    if (channel !== undefined) channel.paused = true;
  }

  resume(number: number): void {
    const channel = this.#set.get(number);
    if (channel === undefined) return;
    channel.paused = false;
    if (channel.ending && channel.queue.size === 0) this.#sendEnd(channel);
    else this.#scheduler.wake(channel);
  }

  queuedBytes(number: number): number {
    return this.#set.get(number)?.queue.bytes ?? 0;
  }

  #checkRole(command: string, machine: ChannelMachine): void {
    if (this.#options.machine === machine) return;
    const role = machine === 'client-channel' ? 'client' : 'server';
    throw new MisuseError('HAWSER_ERR_MISUSE_ROLE', `${command} is for the ${role}.`);
  }

  #checkDraining(): void {
    if (!this.#obstacles.has('draining') || this.#options.resumable) return;
    const message = 'The server ends this connection: open channels in another session.';
    throw new MisuseError('HAWSER_ERR_MISUSE_DRAINING', message); // [CNT-046]
  }

  /** Asks for a channel, as soon as nothing keeps that back. */
  #ask(kind: ChannelKind, opening: Opening, payload: Uint8Array): number {
    const channel = this.#set.create(kind);
    channel.opening = opening;
    channel.heldOpen = payload;
    this.#held.push(channel);
    this.#sendHeld();
    return channel.number;
  }

  #openedPayload(
    channel: Channel,
    { applicationData, signer }: Exclude<OpenedOptions, { readonly payload: Uint8Array }>,
  ): Uint8Array {
    const ignorable = this.#grease();
    const opening = openingOf(channel);
    if (opening.proof === undefined)
      return encodeOpened({ parameters: { application_data: applicationData } }, ignorable);
    if (signer !== undefined) return signOpened(opening, applicationData, ignorable, signer);
    throw new MisuseError('HAWSER_ERR_MISUSE_PROOF', `Channel ${channel.number} was proved: OPENED has to be signed.`);
  }

  #unproved(channel: Channel, flaw: OpeningFlaw): void {
    this.reset(channel.number, 'PROOF_INVALID');
    this.#options.emit({ type: 'channel-unproved', channel: channel.number, flaw });
  }

  /** Sends the OPENs that nothing keeps back. [SES-021] [CNT-046] [CNT-060] */
  #sendHeld(): void {
    while (this.#obstacles.size === 0 && this.#window?.full !== true) {
      const channel = this.#held.shift();
      if (channel === undefined) return;
      this.#sendOpen(channel);
    }
  }

  #sendOpen(channel: Channel): void {
    const { heldOpen, heldReset, kind, number } = channel;
    if (heldOpen === undefined) return;
    const name = kind.forwarded === undefined ? 'OPEN' : 'FORWARD';
    channel.heldOpen = undefined;
    channel.state = after(channel.state, `send ${name}`);
    this.#set.opened(number);
    this.#window?.asked(number);
    this.#outbox.sequenced(FRAME_TYPE[name], 0, number, heldOpen);
    if (heldReset === undefined) return;
    channel.abandon(heldReset, false);
    channel.state = after(channel.state, 'send RESET');
    this.#outbox.sequenced(FRAME_TYPE.RESET, 0, number, encodeReset({ code: heldReset }));
  }

  #sendEnd(channel: Channel): void {
    const { number } = channel;
    channel.ending = false;
    this.#outbox.sequenced(FRAME_TYPE.END, 0, number, encodeEnd());
    channel.state = after(channel.state, 'send END');
    this.#settled(channel);
  }

  /** Closes a channel on which END went both ways once nothing is left to settle (section 12.6). */
  #settled(channel: Channel): void {
    if (channel.state.name !== 'settling' || !channel.allSettled) return;
    this.#set.step(channel, after(channel.state, 'every message settled'));
    const { number, sentMessages } = channel;
    this.#options.emit({ type: 'channel-closed', channel: number, sentMessages });
  }

  #drained(channel: Channel): void {
    if (channel.waiting) {
      channel.waiting = false;
      this.#options.emit({ type: 'channel-writable', channel: channel.number });
    }
    if (channel.ending) this.#sendEnd(channel);
  }

  /** A channel is over: whoever hears of that knows what became of its messages, and until then they are *unknown*. */
  #forget(number: number): void {
    const ranges: MessageRange[] = [...(this.#abandoned.get(number) ?? [])];
    this.#options.verdicts.settled(number, Infinity, ranges);
    // With a journal nobody hears of it before it is stored, and the session may end first. [CNT-012]
    if (this.#options.journal === undefined || ranges.length === 0) this.#abandoned.delete(number);
    else this.#abandoned.set(number, ranges);
  }

  /** The owner has heard that a channel is over. */
  told(number: number): void {
    if (this.#set.get(number) === undefined) this.#abandoned.delete(number);
  }

  /** [EXT-003] */
  #grease(): readonly RawParameter[] {
    return this.#options.grease ? [greaseParameter(this.#options.random)] : [];
  }
}

/** What is kept of a channel that is not open. */
function openingOf({ number, opening }: Channel): Opening {
  if (opening === undefined) throw new InternalError(`Channel ${number} is not being opened.`);
  return opening;
}

/**
 * A frame can not be divided.
 *
 * @throws MisuseError `HAWSER_ERR_MISUSE_FRAME_TOO_LARGE`.
 */
function checkFits(name: FrameName, payload: Uint8Array): void {
  if (payload.length <= MAX_PAYLOAD_BYTES) return;
  const message = `A ${name} of ${payload.length} octets is more than the ${MAX_PAYLOAD_BYTES} that a frame holds.`;
  throw new MisuseError('HAWSER_ERR_MISUSE_FRAME_TOO_LARGE', message);
}

/** @throws MisuseError `HAWSER_ERR_MISUSE_VERDICT` for a decision that can not be told. */
function checkDecision({ kind, number, withholdsVerdicts }: Channel, decision: Decision): void {
  if (decision === undefined) return;
  if (decision !== ACCEPTED && !kind.outcomes) {
    const text = `Channel ${number} has no outcomes: a message can not be rejected.`;
    throw new MisuseError('HAWSER_ERR_MISUSE_VERDICT', text);
  }
  if (!withholdsVerdicts) return;
  const text = `Nobody has judged an earlier message of channel ${number}: a verdict would hold for that one too.`;
  throw new MisuseError('HAWSER_ERR_MISUSE_VERDICT', text);
}
