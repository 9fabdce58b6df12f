import type { ChannelBinding, Signer, Verifier } from './authentication.ts';
import type { LeafVerifier } from './opening.ts';
import type { Custody } from './session-state.ts';

/** What an endpoint declares about itself; what is left out has the registry's default. */
export interface DeclaredParameters {
  /** `liveness_interval_ms`: this endpoint is never silent for longer. */
  readonly livenessIntervalMs?: number;
  /** `max_message_bytes`: the largest message that this endpoint takes. */
  readonly maxMessageBytes?: number;
  /**
   * `initial_message_credit`: messages that the peer may have begun on a channel and that the application has not
   * consumed. With 0 the peer starts with nothing, and the window of the default is granted once the channel is open.
   */
  readonly initialMessageCredit?: number;
  /** `initial_byte_credit`: octets, likewise. */
  readonly initialByteCredit?: number;
}

/** What both roles need from outside: time, randomness, keys and what TLS has found out. */
export interface ConnectionOptions {
  /**
   * When the TCP connection began, in milliseconds of the clock from which every other `now` comes. The clock must
   * not jump. [SES-023] [EST-028]
   */
  readonly now: number;
  /** Octets from a cryptographically secure generator. [EST-007] [EST-011] [EST-019] [CHN-004] */
  readonly random: (count: number) => Uint8Array;
  /** What this endpoint declares. */
  readonly parameters?: DeclaredParameters;
  /** Whether to send values without meaning at the extension points (default true). [EXT-003] [EXT-004] */
  readonly grease?: boolean;
  readonly binding: ChannelBinding;
  readonly signer: Signer;
  readonly verifier: Verifier;
  /**
   * Verifies the signatures of end-to-end proof: OPENED with the key of the leaf in PROVE, PROOF with that of its own leaf.
   * Without it none verifies. [RLY-043] [RLY-046]
   */
  readonly leafVerifier?: LeafVerifier;
}

/** What a client asks for in CONNECT, so that its session outlives the connection (section 12.1). */
export interface ContinuityRequest {
  /** `session_retention_ms`: how long the session is to be kept without a connection. */
  readonly retentionMs: number;
  /** `connection_deadline_ms`: the longest life of a connection; by default the server decides. */
  readonly deadlineMs?: number;
  /** What this client's acknowledgements mean; `received` by default. */
  readonly custody?: Custody;
}

/** Options of a client's connection. */
export interface ClientOptions extends ConnectionOptions {
  /** Asks for a session that is resumable; by default it ends with the connection. */
  readonly continuity?: ContinuityRequest;
  /** Whether the connection is for a session that exists: `challenge-received` asks for it. Default `new`. */
  readonly mode?: 'new' | 'resume';
  /** Identity of the server that the client means to reach, from its own configuration. */
  readonly audience: string;
  /** Identity in the server's certificate; undefined when it has none. The comparison is core's. [EST-009] [EST-010] */
  readonly peerIdentity: string | undefined;
}

/** Options of a server's connection. */
export interface ServerOptions extends ConnectionOptions {
  /** The server's own identity, which CONNECT has to name. [EST-016] */
  readonly identity: string;
}

/** What a server grants with ACCEPT; what is left out has the value declared, or else the registry's default. */
export interface Grant {
  /** `max_channels`: how many channels the client may hold at once. */
  readonly maxChannels?: number;
  /** `initial_message_credit` of this session, instead of the one declared. */
  readonly initialMessageCredit?: number;
  /** `initial_byte_credit` of this session, instead of the one declared. */
  readonly initialByteCredit?: number;
  /** `session_retention_ms`: at most what the client asked for is granted. [CNT-001] */
  readonly retentionMs?: number;
  /** `connection_deadline_ms`: the client's own wish makes it shorter. [CNT-001] */
  readonly deadlineMs?: number;
  /** What the server's acknowledgements mean; `received` by default. */
  readonly custody?: Custody;
  /** The id of the session, 16 octets; by default drawn afresh. [EST-019] */
  readonly sessionId?: Uint8Array;
}

/** What a peer has declared, defaults filled in. What it has not declared yet is undefined. */
export interface PeerParameters {
  readonly livenessIntervalMs: number;
  readonly maxMessageBytes: number;
  /** In CONNECT, or in ACCEPT: a client knows it once it is established. */
  readonly initialMessageCredit: number | undefined;
  readonly initialByteCredit: number | undefined;
  /** In ACCEPT only. */
  readonly maxChannels: number | undefined;
  /** What the peer's acknowledgements mean. */
  readonly custody: Custody;
  /** Retention in milliseconds, asked for in CONNECT or granted in ACCEPT; 0 for none. */
  readonly retentionMs: number;
  /** Life of the connection in milliseconds, likewise; 0 for no bound. */
  readonly deadlineMs: number;
}
