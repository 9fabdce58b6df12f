import { type Credit } from './frames/credit.ts';
import { ReceiveCredit, SendCredit, type Window } from './credit.ts';
import type { RunHolder } from './fate-ledger.ts';
import { MessageAssembly } from './message-assembly.ts';
import { SendQueue } from './send-queue.ts';
import type { State } from './transitions.ts';

/** The machine of a channel, by role. */
export type ChannelMachine = 'client-channel' | 'server-channel';

/** State of a channel, with everything that leads out of it. */
export type ChannelState = State<ChannelMachine>;

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
  state: ChannelState;
  run: RunHolder['run'];
  /** END follows what is queued. */
  ending = false;
  /** The owner has been told to wait for `channel-writable`. */
  waiting = false;
  /** It stands in the list of channels whose turn comes. */
  ready = false;
  /** It stands in the list of channels that get a CREDIT. */
  creditDue = false;
  /** The owner has released it before it was closed. */
  released = false;
  /** The OPEN that waits until the peer is live again, and the code of the RESET that is to follow it. */
  heldOpen: Uint8Array | undefined;
  heldReset: number | undefined;

  constructor(number: number, state: ChannelState, terms: ChannelTerms) {
    this.number = number;
    this.state = state;
    this.send = new SendCredit(terms.sendCredit);
    this.receive = new ReceiveCredit(terms.receiveCredit, terms.window, terms.maxMessageBytes);
    this.assembly = new MessageAssembly(terms.maxMessageBytes);
  }

  /** Messages that were not sent completely, as a range of numbers; undefined when there is none. */
  get unsent(): { readonly first: number; readonly last: number } | undefined {
    if (this.queue.size === 0) return undefined;
    const first = this.send.messages + (this.queue.begun ? 0 : 1);
    return { first, last: first + this.queue.size - 1 };
  }

  /** Lets go of everything that is queued or incomplete. */
  discard(): void {
    this.queue.clear();
    this.assembly.clear();
    this.ending = false;
    this.waiting = false;
  }
}
