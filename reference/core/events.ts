import type { HawserError } from './errors.ts';
import type { ChannelMachine, PriorityClass } from './channel.ts';
import type { Forwarded } from './frames/forward.ts';
import type { OpeningFlaw } from './opening.ts';
import type { PeerParameters } from './options.ts';
import type { ParameterSet } from './parameters.ts';
import type { ErrorName, MachineState } from './registry.gen.ts';

/**
 * A verified CONNECT waits for the server's decision: answer with `accept` or `reject`, now or later. Signature and
 * audience are right; identity, policy and room are for the receiver of the event to judge. [EST-015] [EST-016]
 */
export interface ConnectReceived {
  readonly type: 'connect-received';
  readonly audience: string;
  readonly mode: 'new' | 'resume';
  readonly parameters: PeerParameters;
  /** What CONNECT in mode `resume` states: answer with `resume` or `reject`. [CNT-021] */
  readonly resume: ResumeRequest | undefined;
}

/** The fields of CONNECT in mode `resume`. */
export interface ResumeRequest {
  readonly sessionId: Uint8Array;
  readonly epoch: number;
  readonly attempt: number;
  readonly receiveCursor: number;
}

/**
 * CHALLENGE has come on a connection that is to resume a session (client only): stop reading the former connection, and
 * call `resume`. [CNT-019]
 */
export interface ChallengeReceived {
  readonly type: 'challenge-received';
}

/** The session has its connection again: everything kept is sent again. */
export interface Attached {
  readonly type: 'attached';
  readonly epoch: number;
}

/** The long connection exists: channels may be opened. */
export interface Established {
  readonly type: 'established';
  /** The session id, 16 octets. */
  readonly sessionId: Uint8Array;
  readonly epoch: number;
}

/**
 * The server answered with REJECT (client only); `closed` follows. It proves nothing about the server beyond what TLS
 * has. [EST-025]
 */
export interface Rejected {
  readonly type: 'rejected';
  /** The code, an unknown one being replaced as ERR-002 says. */
  readonly code: ErrorName;
  /** The code on the wire. */
  readonly wireCode: number;
  /** Shortest time until a next attempt, in milliseconds. [EST-024] */
  readonly retryAfterMs: number;
  /** What REJECT tells of a session that can not be resumed. [CNT-026] [CNT-036] */
  readonly parameters: ParameterSet;
}

/**
 * The client asks for an application end (server only): answer with `opened` or `refuse`, now or later, perhaps after
 * `prove`; the application end gets the verified identity of the client along with it. [CHN-005] [CHN-006] After a crash it
 * is told again of each channel that is not open yet, and of the PROOF that has come on it.
 */
export interface ChannelRequested {
  readonly type: 'channel-requested';
  readonly channel: number;
  readonly application: string;
  /** The client's nonce, 32 octets. */
  readonly nonce: Uint8Array;
  readonly applicationData: Uint8Array | undefined;
  readonly priority: PriorityClass;
  /** Whether each message gets a verdict: report it with `settle`. */
  readonly outcomes: boolean;
  /** What a relay has added; undefined where the peer asks for itself. [RLY-014] */
  readonly forwarded: Forwarded | undefined;
  /** The payload of OPEN, also where it came in FORWARD. */
  readonly openPayload: Uint8Array;
  /** It was told of before a crash, perhaps. */
  readonly again: boolean;
}

/**
 * The application end asks for proof (client only): answer with `proof`, or with RESET(PROOF_INVALID). It is told again after a
 * crash. [RLY-038] to [RLY-042]
 */
export interface ProveReceived {
  readonly type: 'prove-received';
  readonly channel: number;
  readonly nonce: Uint8Array;
  readonly relay: string;
  /** DER certificates of the application end, leaf first. */
  readonly chain: readonly Uint8Array[];
  /** The payload of PROVE, for a relay to pass on. */
  readonly payload: Uint8Array;
  /** What {@link OpenOptions} gave for the channel. */
  readonly applicationIdentity: string | undefined;
}

/** The client has sent its proof (server only): judge it, and answer with `opened` or with REFUSED(PROOF_INVALID). [RLY-044] */
export interface ProofReceived {
  readonly type: 'proof-received';
  readonly channel: number;
  /** DER certificates of the client, leaf first. */
  readonly chain: readonly Uint8Array[];
  readonly scheme: number;
  readonly signature: Uint8Array;
  /** The payload of PROOF, for a relay to pass on. */
  readonly payload: Uint8Array;
}

/**
 * OPENED does not prove what it has to, and the channel was abandoned with RESET(PROOF_INVALID) (client only);
 * `channel-closed` follows. [RLY-046] [RLY-047]
 */
export interface ChannelUnproved {
  readonly type: 'channel-unproved';
  readonly channel: number;
  readonly flaw: OpeningFlaw;
}

/**
 * A channel of a session that was restored after a crash. Its messages follow, marked as redelivered, as far as no decision
 * on them was stored. [CNT-044]
 */
export interface ChannelRestored {
  readonly type: 'channel-restored';
  readonly channel: number;
  readonly state: MachineState<ChannelMachine>;
  readonly application: string;
  /** The client's nonce. */
  readonly nonce: Uint8Array;
  /** `application_data` of OPEN. */
  readonly applicationData: Uint8Array | undefined;
  readonly priority: PriorityClass;
  readonly outcomes: boolean;
  /** As in {@link ChannelRequested}; of a relay also at the client. */
  readonly forwarded: Forwarded | undefined;
  /** The payload of OPENED on a channel of a relay that the application end has taken. */
  readonly openedPayload: Uint8Array | undefined;
  /**
   * Number of the last own message that was stored, which leaves by itself even where it was not sent completely: those after
   * it are the owner's to send again. [CNT-011] On a channel that was reset, of the last one that it was given before.
   */
  readonly sentMessages: number;
  /** Number of the last own message whose outcome the owner has taken note of: it is not told of those again. [CNT-042] */
  readonly reportedMessages: number;
  /** Which end has abandoned it, and with which code; undefined where none has. Where it is closed, its end follows. */
  readonly reset: { readonly code: ErrorName; readonly remote: boolean } | undefined;
}

/** The application end has taken the channel (client only). */
export interface ChannelOpened {
  readonly type: 'channel-opened';
  readonly channel: number;
  readonly applicationData: Uint8Array | undefined;
  /** The payload of OPENED, for a relay to pass on. */
  readonly payload: Uint8Array;
}

/** The channel was not opened (client only). Last event of the channel. */
export interface ChannelRefused {
  readonly type: 'channel-refused';
  readonly channel: number;
  readonly code: ErrorName;
  readonly wireCode: number;
  readonly retryAfterMs: number;
}

/** A whole message, in the order in which its channel's messages were sent. [CHN-015] */
export interface MessageReceived {
  readonly type: 'message-received';
  readonly channel: number;
  /** Number of the message on its channel, from 1. */
  readonly number: number;
  /**
   * The octets. A message of one fragment is a view into the octets given to `receive`: copy what outlives the
   * handling of the event. Report with `consume` when the application is done with it, and with `settle` where the
   * session is resumable or the channel has outcomes.
   */
  readonly data: Uint8Array;
  /** It may have been handed over before a crash, with the same number. [CNT-044] */
  readonly redelivered: boolean;
}

/** What became of own messages: a verdict has come or, on a channel without outcomes, an acknowledgement. (section 12.6) */
export interface MessagesSettled {
  readonly type: 'messages-settled';
  readonly channel: number;
  readonly first: number;
  readonly last: number;
  readonly outcome: 'accepted' | 'rejected';
  /** The number that the application gave; 0 where it is accepted. */
  readonly verdict: number;
  /** It may have been told before a crash. */
  readonly again?: boolean;
}

/** The server will end this connection (client only): attach the session to another one before. [CNT-047] */
export interface Draining {
  readonly type: 'draining';
  readonly code: ErrorName;
  /** Milliseconds from now. */
  readonly deadlineMs: number;
}

/** The peer has sent its last message on the channel; the own direction stays open. */
export interface ChannelEnded {
  readonly type: 'channel-ended';
  readonly channel: number;
}

/** The peer has abandoned the channel. Last event of the channel. */
export interface ChannelReset {
  readonly type: 'channel-reset';
  readonly channel: number;
  /** Number of the last own message that was sent completely: those after it are not delivered. (section 12.6) */
  readonly sentMessages: number;
  readonly code: ErrorName;
  readonly wireCode: number;
  /** It may have been told before a crash. */
  readonly again?: boolean;
}

/**
 * The channel is over: ended in both directions, or the answer to the own RESET has come. Last event of the channel.
 */
export interface ChannelClosed {
  readonly type: 'channel-closed';
  readonly channel: number;
  /** As in {@link ChannelReset}. */
  readonly sentMessages: number;
  readonly again?: boolean;
}

/** The channel's queue was not empty and now is: every message given to `sendMessage` has been written. */
export interface ChannelWritable {
  readonly type: 'channel-writable';
  readonly channel: number;
}

/** The answer to the oldest PING. Everything sent before that PING was processed by the peer. [SES-005] */
export interface PongReceived {
  readonly type: 'pong-received';
  /** Time from PING to PONG in milliseconds. */
  readonly rttMs: number;
}

/** The peer was silent for `liveness_suspect_intervals` of its intervals: nothing new is begun. [SES-020] [SES-021] */
export interface PeerSuspect {
  readonly type: 'peer-suspect';
}

/** A frame has come from a peer that was suspect. */
export interface PeerLive {
  readonly type: 'peer-live';
}

/** Messages of one channel with consecutive numbers. */
export interface MessageRange {
  readonly channel: number;
  /** Number of the first message. */
  readonly first: number;
  /** Number of the last message. */
  readonly last: number;
}

/** The connection is over. Exactly once, and the last event; no event of a channel follows. */
export interface Closed {
  readonly type: 'closed';
  /**
   * `orderly`: the peer's CLOSE was read and neither side reported a failure. `aborted`: the transport ended, or the
   * close deadline passed, without a CLOSE from the peer [SES-016]. `error`: an error, a REJECT, or a CLOSE with a
   * code other than NO_ERROR and SHUTTING_DOWN.
   */
  readonly outcome: 'orderly' | 'aborted' | 'error';
  /** The code with which the connection ended; undefined when no code was sent or received. */
  readonly code: ErrorName | undefined;
  /** The first error of the connection. [WIR-028] */
  readonly error: HawserError | undefined;
  /** Whether the peer, or the loss of the transport, began the end. */
  readonly remote: boolean;
  /** `receive_cursor` of the peer's CLOSE; undefined without one. */
  readonly peerReceiveCursor: number | undefined;
  /** Whether the session is over, or kept without a connection; `none` where this connection had none. [CNT-013] */
  readonly session: 'none' | 'detached' | 'ended';
  /** Messages that the peer's last word shows to be accepted, and that were not reported before. */
  readonly acceptedMessages: readonly MessageRange[];
  /** Messages that were sent completely and of which it is not known whether the peer received them. [SES-018] */
  readonly unknownMessages: readonly MessageRange[];
  /** Messages that the peer did not receive: not sent completely, or beyond the receive cursor of its CLOSE. */
  readonly undeliveredMessages: readonly MessageRange[];
}

/** What a connection tells its owner. */
export type Event =
  | ChallengeReceived
  | ConnectReceived
  | Established
  | Attached
  | Rejected
  | ChannelRequested
  | ChannelRestored
  | ProveReceived
  | ProofReceived
  | ChannelOpened
  | ChannelUnproved
  | ChannelRefused
  | MessageReceived
  | MessagesSettled
  | ChannelEnded
  | ChannelReset
  | ChannelClosed
  | ChannelWritable
  | PongReceived
  | PeerSuspect
  | PeerLive
  | Draining
  | Closed;
