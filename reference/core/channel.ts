import { type Credit } from './frames/credit.ts';
import type { Forwarded } from './frames/forward.ts';
import type { Open } from './frames/open.ts';
import { type Usage, ReceiveCredit, SendCredit, type Window } from './credit.ts';
import type { RunHolder } from './fate-ledger.ts';
import { Inbox, type Verdict } from './inbox.ts';
import { MessageAssembly } from './message-assembly.ts';
import type { Opening } from './opening.ts';
import { PARAMETER } from './registry.gen.ts';
import { SendQueue } from './send-queue.ts';
import type { State } from './transitions.ts';

/** The machine of a channel, by role. */
export type ChannelMachine = 'client-channel' | 'server-channel';

/** State of a channel, with everything that leads out of it. */
export type ChannelState = State<ChannelMachine>;

/** Priority class of a channel: 0 urgent, 1 normal, 2 bulk. [CHN-035] */
export type PriorityClass = 0 | 1 | 2;

/** What OPEN or FORWARD says of a channel beyond its number. */
export interface ChannelKind {
  readonly application: string;
  readonly nonce: Uint8Array;
  /** `application_data` of OPEN. */
  readonly applicationData: Uint8Array | undefined;
  readonly priority: PriorityClass;
  /** Whether each message gets a verdict (section 12.6). */
  readonly outcomes: boolean;
  /** What a relay has added; undefined where OPEN has come, or was sent. */
  readonly forwarded: Forwarded | undefined;
}

/** What a request says of its channel. */
export function channelKind({ application, nonce, parameters }: Open, forwarded?: Forwarded): ChannelKind {
  return {
    application,
    nonce: nonce.slice(),
    applicationData: parameters.application_data?.slice(),
    priority: (parameters.priority ?? PARAMETER.priority.default) as PriorityClass,
    outcomes: parameters.outcomes === 1,
    forwarded,
  };
}

/** A verdict on the messages after those of the run before, through `last`. */
export interface VerdictRun {
  readonly last: number;
  readonly verdict: Verdict;
}

/** How a channel was abandoned: by RESET, of whichever end. */
export interface Abandonment {
  /** The code of RESET, as it is on the wire. */
  readonly wireCode: number;
  /** Whether the peer has done it. */
  readonly remote: boolean;
  /** Number of the last own message that the channel was given: what was not sent until then never is. */
  readonly lastMessage: number;
}

/** What was stored of a channel before a crash. */
export interface RestoredChannel {
  readonly send: Credit & Usage;
  readonly receive: Credit & Usage;
  readonly settled: Usage;
  /** Messages of the peer on which a verdict was sent. */
  readonly verdictsSent: number;
  /** Own messages on which a verdict has come. */
  readonly verdictsReceived: number;
  /** Own messages that were sent completely. */
  readonly sentMessages: number;
  /** Own messages whose outcome the owner has taken note of, and verdicts that have come on those after them. */
  readonly reported: number;
  readonly verdictsUnreported: readonly VerdictRun[];
  /** Undefined once the channel is open. */
  readonly opening: Opening | undefined;
  /** The payload of OPENED, which a relay has to pass on; undefined elsewhere. [RLY-050] */
  readonly openedPayload: Uint8Array | undefined;
  /** Undefined where no end has abandoned it. */
  readonly abandonment: Abandonment | undefined;
  /** Whether its end is to be told again after a crash: something elsewhere still has to follow from it. */
  readonly endKept?: boolean;
}

/** What all channels of a session have in common. */
export interface ChannelTerms {
  /** Limits that each channel starts with, for messages toward the peer. */
  readonly sendCredit: Credit;
  /** Likewise, for messages toward this endpoint. */
  readonly receiveCredit: Credit;
  /** What is kept granted to the peer. */
  readonly window: Window;
  /** The largest message that this endpoint takes. */
  readonly maxMessageBytes: number;
}

/** One channel that is not closed. */
export class Channel implements RunHolder {
  readonly number: number;
  readonly send: SendCredit;
  readonly receive: ReceiveCredit;
  readonly queue: SendQueue = new SendQueue();
  readonly assembly: MessageAssembly;
  readonly kind: ChannelKind;
  readonly inbox: Inbox;
  state: ChannelState;
  run: RunHolder['run'];
  /** END follows what is queued. */
  ending = false;
  /** The owner has been told to wait for `channel-writable`. */
  waiting = false;
  /** None of its messages leaves until it is resumed. */
  paused = false;
  /** It stands in the list of channels whose turn comes. */
  ready = false;
  /** It stands in the list of channels that get a CREDIT. */
  creditDue = false;
  /** The first CREDIT after a resumption may state what is known. [CNT-034] */
  creditRestated = false;
  /** Own messages that are sent completely. */
  sentMessages: number;
  /** Own messages on which a verdict has come, and messages of the peer on which one was sent. */
  verdictsReceived: number;
  verdictsSent: number;
  /** Own messages whose outcome the owner has taken note of. [CNT-042] */
  reported: number;
  /** Verdicts on those after them, which the owner is being told of. */
  verdictsUnreported: VerdictRun[];
  /** Verdicts that the next flush sends. */
  verdictsDue: VerdictRun[] = [];
  /** It stands in the list of channels whose verdicts are sent. */
  verdictDue = false;
  /** Messages were consumed on which nobody gives a verdict: OUTCOME would cover them, so that none is sent any more. */
  withholdsVerdicts: boolean;
  /** What is kept until it is open. */
  opening: Opening | undefined;
  /** As in {@link RestoredChannel}. */
  openedPayload: Uint8Array | undefined;
  abandonment: Abandonment | undefined;
  endKept: boolean;
  /** The owner has released it before it was closed. */
  released = false;
  /** The OPEN or FORWARD that waits until the peer is live again, and the code of the RESET that is to follow it. */
  heldOpen: Uint8Array | undefined;
  heldReset: number | undefined;

  constructor(number: number, state: ChannelState, terms: ChannelTerms, kind: ChannelKind, restored?: RestoredChannel) {
    this.number = number;
    this.state = state;
    this.kind = kind;
    this.send = new SendCredit(restored?.send ?? terms.sendCredit, restored?.send);
    this.receive = new ReceiveCredit(
      terms.receiveCredit,
      terms.window,
      terms.maxMessageBytes,
      restored && {
        ...restored.receive,
        consumedMessages: restored.settled.messages,
        consumedBytes: restored.settled.bytes,
      },
    );
    this.assembly = new MessageAssembly(terms.maxMessageBytes);
    this.inbox = new Inbox(restored?.settled);
    this.sentMessages = restored?.sentMessages ?? 0;
    this.reported = restored?.reported ?? 0;
    this.verdictsUnreported = [...(restored?.verdictsUnreported ?? [])];
    this.verdictsReceived = restored?.verdictsReceived ?? 0;
    this.verdictsSent = restored?.verdictsSent ?? 0;
    // A decision and its verdict are stored together.
    this.withholdsVerdicts = kind.outcomes && this.verdictsSent < this.inbox.settled.messages;
    this.opening = restored?.opening;
    this.openedPayload = restored?.openedPayload;
    this.abandonment = restored?.abandonment;
    this.endKept = restored?.endKept ?? false;
  }

  /** The owner has taken note of the outcomes of own messages. */
  report(last: number): void {
    this.reported = Math.max(this.reported, last);
    this.verdictsUnreported = this.verdictsUnreported.filter((run) => run.last > last);
  }

  /** Whether no verdict is outstanding in either direction. */
  get allSettled(): boolean {
    if (!this.kind.outcomes) return true;
    return this.verdictsReceived === this.sentMessages && this.verdictsSent === this.receive.messages;
  }

  /** Messages that were not sent completely, as a range of numbers; undefined when there is none. */
  get unsent(): { readonly first: number; readonly last: number } | undefined {
    if (this.queue.size === 0) return undefined;
    const first = this.send.messages + (this.queue.begun ? 0 : 1);
    return { first, last: first + this.queue.size - 1 };
  }

  /** Number of the last own message that the channel was given, sent or not. */
  get lastMessage(): number {
    return this.abandonment?.lastMessage ?? this.unsent?.last ?? this.send.messages;
  }

  /** One end has abandoned it, unless the other one had before. */
  abandon(wireCode: number, remote: boolean): void {
    this.abandonment ??= { wireCode, remote, lastMessage: this.lastMessage };
    this.discard();
  }

  /** Lets go of everything that is queued or incomplete. */
  discard(): void {
    this.queue.clear();
    this.assembly.clear();
    this.verdictsDue = [];
    this.opening = undefined;
    this.ending = false;
    this.waiting = false;
  }
}
