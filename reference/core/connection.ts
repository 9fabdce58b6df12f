import { ConnectionEngine } from './connection-engine.ts';
import { type HawserError, MisuseError } from './errors.ts';
import { ClientEstablishment } from './establishment-client.ts';
import { ServerEstablishment } from './establishment-server.ts';
import type { Event } from './events.ts';
import type { EvidenceMaterial } from './evidence-material.ts';
import type { OpenedOptions, OpenOptions, ProofOptions, ProveOptions } from './channels.ts';
import type { Forward } from './frames/forward.ts';
import type { ClientOptions, ConnectionOptions, Grant, PeerParameters, ServerOptions } from './options.ts';
import { isInRange, type ParameterSet } from './parameters.ts';
import { continuityParameters, declarations, initialCredit } from './peer-parameters.ts';
import type { Session } from './session.ts';
import { type ErrorName, FIELDS, type MachineState, PARAMETER, type ParameterName } from './registry.gen.ts';
import { encodeText } from './text.ts';

/** State of a connection, in the registry's words. */
export type ConnectionState = MachineState<'client-connection'> | MachineState<'server-connection'>;

/** How a connection is given a session that exists. */
export interface ResumeOptions {
  /** Number of the attempt (client). [CNT-018] */
  readonly attempt?: number;
  /** The epoch, raised already (server). [CNT-027] */
  readonly epoch?: number;
  /** `connection_deadline_ms` (server); the client's own wish makes it shorter. */
  readonly deadlineMs?: number;
}

/**
 * One Hawser connection, from after the TLS handshake to its end, without input or output of its own: octets that the
 * transport brought go into `receive`, octets for it come out of `takeOutput`, time comes in with every call.
 *
 * After each call the owner writes what `takeOutput` gives, handles the events returned, and sets one timer to
 * `nextDeadline`.
 *
 * Commands throw only {@link MisuseError}, and only for what the caller could have known. A command for a channel or a
 * connection that has meanwhile ended has no effect, because the event that tells of the end may not have been handled
 * yet. Every `now` is in milliseconds of one clock that does not jump. [SES-023]
 */
export interface Connection {
  /**
   * Takes octets of the transport, in any division. Never throws because of what the peer sent. [WIR-002]
   *
   * The caller leaves `bytes` unchanged as long as anyone holds a message of one of the events: messages are views.
   */
  receive(bytes: Uint8Array, now: number): readonly Event[];

  /** The peer has ended its direction of the transport; `transportEnded` follows when the other one has ended too. */
  peerEnded(now: number): readonly Event[];

  /**
   * The transport has ended, or the connection is lost.
   *
   * @param cause - the transport's error, if it was one.
   */
  transportEnded(now: number, cause?: unknown): readonly Event[];

  /** Lets time pass: call at `nextDeadline`, earlier or later does no harm. */
  tick(now: number): readonly Event[];

  /**
   * When `tick` has something to do; undefined while nothing is waited for. Not after the `now` of the last call when
   * events are waiting for `takeEvents`.
   */
  nextDeadline(): number | undefined;

  /**
   * Events that a command or `takeOutput` caused (`channel-writable`, `channel-closed`): they are returned by whichever
   * of `receive`, `tick`, `takeEvents` comes first.
   */
  takeEvents(): readonly Event[];

  /**
   * Takes octets for the transport, in their order. The chunks are the caller's and are not changed afterwards; large
   * ones are the payloads given to `sendMessage`, not copies.
   *
   * Queued messages leave only here, so that a slow transport does not delay control frames behind them: call again
   * until the result is empty, or stop while the transport does not drain.
   *
   * @param limitBytes - stop adding queued messages once this many octets are in the result (default 65,536).
   */
  takeOutput(limitBytes?: number): readonly Uint8Array[];

  /** Octets that `takeOutput` would give at least; pause reading while a peer that does not read makes them grow. */
  readonly pendingBytes: number;

  /** After writing the output, close our direction of the transport: CLOSE or REJECT was sent, or received. */
  readonly outputEnded: boolean;

  /**
   * After writing the output, cut the transport: nothing is owed to the peer any more. False while the peer may still
   * be reading our last frame; the close deadline comes through `nextDeadline`. [SES-014] [SES-015]
   */
  readonly finished: boolean;

  readonly state: ConnectionState;

  /** The first error of the connection, whatever follows. [WIR-028] */
  readonly error: HawserError | undefined;

  /** What the peer declared in CHALLENGE or CONNECT, and granted in ACCEPT; undefined before. */
  readonly peer: PeerParameters | undefined;

  /** The session, once it is established. */
  readonly session: Session | undefined;

  /** Whether the peer is SUSPECT: nothing new is begun. [SES-020] [SES-021] */
  readonly suspect: boolean;

  /** The octets of the establishment for an evidence record, once the connection is established; else undefined. */
  evidence(): EvidenceMaterial | undefined;

  /** Answers `connect-received` with ACCEPT (server). RESUME_REFUSED goes out instead in mode `resume`. [EST-018] */
  accept(grant: Grant, now: number): readonly Event[];

  /**
   * Gives the connection a session that exists: answers `challenge-received` with CONNECT (client), or `connect-received`
   * in mode `resume` with ACCEPT, or with RESUME_GAP where the cursor can not be served (server). The former connection
   * is not read any more, and everything that was processed is in custody. [CNT-019] [CNT-025] [CNT-028]
   *
   * For a session that is over, or is being ended by CLOSE, a client ends the attempt, and a server answers with
   * SESSION_ENDED. [CNT-036]
   *
   * @throws MisuseError `HAWSER_ERR_MISUSE_CUSTODY` while a batch of the session's journal is not stored.
   */
  resume(session: Session, options: ResumeOptions, now: number): readonly Event[];

  /**
   * The attempt to move was answered with REJECT: this connection carries its session again (client). [CNT-019]
   *
   * Without effect, the session stays `detached`, where the attempt ended otherwise: the server may still take it for valid,
   * and must not find that more has been acknowledged since. [CNT-025]
   */
  takeUp(now: number): readonly Event[];

  /**
   * Answers with REJECT (server), after `connect-received` or before it. A client whose certificate or identity is not
   * accepted gets AUTHENTICATION_FAILED and no time to wait, whatever the reason is. [EST-017] [ERR-004]
   *
   * @param code - a code that REJECT may carry. [ERR-001]
   * @param retryAfterMs - shortest time until a new attempt is welcome; 0 says nothing.
   * @param parameters - what the owner of a session is told of it. [CNT-026] [CNT-036]
   */
  reject(code: ErrorName, retryAfterMs: number, now: number, parameters?: ParameterSet): readonly Event[];

  /**
   * Asks for a channel to an application end (client). While the peer is SUSPECT the OPEN waits until it is live.
   *
   * @param application - name of the application end, 1 to 255 octets of UTF-8 without control characters.
   * @returns the number of the channel; `channel-opened` or `channel-refused` follows.
   */
  openChannel(application: string, options: OpenOptions, now: number): number;

  /**
   * Passes an OPEN on that another peer has sent (client): `priority` and `outcomes` in it hold for this channel too. [RLY-006]
   *
   * @returns as `openChannel`; `prove-received` may come in between.
   * @throws MisuseError `HAWSER_ERR_MISUSE_FRAME_TOO_LARGE` for an OPEN that does not fit into a FORWARD. [RLY-012]
   */
  forward(forward: Forward, now: number): number;

  /**
   * Answers `channel-requested` with PROVE, to which `proof-received` is the answer (server). [RLY-037]
   *
   * @throws MisuseError `HAWSER_ERR_MISUSE_FRAME_TOO_LARGE` for a chain that does not fit into a frame.
   */
  prove(channel: number, options: ProveOptions, now: number): void;

  /**
   * Answers `prove-received`, of which everything else was judged, with PROOF (client). [RLY-042]
   *
   * @throws MisuseError `HAWSER_ERR_MISUSE_FRAME_TOO_LARGE` for a chain that does not fit into a frame.
   */
  proof(channel: number, options: ProofOptions, now: number): void;

  /** Answers `channel-requested`, or `proof-received`, with OPENED (server). [RLY-043] [RLY-045] */
  opened(channel: number, options: OpenedOptions, now: number): void;

  /**
   * Answers `channel-requested` with REFUSED (server). An application that does not exist and one that this identity may
   * not open get the same code and the same time. [CHN-005] [CHN-007]
   */
  refuse(channel: number, code: ErrorName, retryAfterMs: number, now: number): void;

  /**
   * Sends a message. What credit, SUSPECT or the transport do not let out yet is queued; channels take turns.
   *
   * @param payload - 0 to `peer.maxMessageBytes` octets; the caller leaves them unchanged from now on. [CHN-017]
   * @returns whether it was queued: `channel-writable` follows.
   */
  sendMessage(channel: number, payload: Uint8Array, now: number): boolean;

  /** Says, after everything queued on the channel, that no message follows. [CHN-028] */
  endChannel(channel: number, now: number): void;

  /**
   * Abandons a channel in both directions; what is queued is discarded. `channel-closed` follows.
   *
   * @param code - a code that RESET may carry. [ERR-001]
   */
  resetChannel(channel: number, code: ErrorName, now: number): void;

  /**
   * The application is done with messages of this channel: the peer may be granted as much again. [CHN-025] [CHN-026]
   *
   * @param messages - how many messages.
   * @param bytes - the sum of their octets.
   */
  consume(channel: number, messages: number, bytes: number, now: number): void;

  /**
   * The application has decided on a message: where the channel has outcomes, OUTCOME tells the peer, in the order of the
   * messages; where the session is stored, it is not handed over again after a crash. [CNT-039] [CNT-044]
   *
   * @param message - its number.
   * @param decision - 0 accepts; 1 to 65,535 reject, on a channel with outcomes; undefined where nobody gives a verdict: then
   *   none is sent on this message, nor on any later one of the channel.
   */
  settle(channel: number, message: number, decision: number | undefined, now: number): void;

  /**
   * The application end has stopped working on a channel that ended with RESET, from either side (server). Until then
   * the channel counts toward `max_channels`; a channel that ended otherwise needs no release. [CHN-011]
   */
  release(channel: number, now: number): void;

  /** Octets of messages given to `sendMessage` and not yet written. */
  queuedBytes(channel: number): number;

  /**
   * Sends a PING; `pong-received` follows.
   *
   * @throws MisuseError `HAWSER_ERR_MISUSE_PING_LIMIT` when `max_outstanding_pings` wait for their PONG, or more PINGs
   *   were sent than the budget allows. [SES-008]
   */
  ping(now: number): void;

  /**
   * Ends the session with CLOSE; before ACCEPT a server sends REJECT(SHUTTING_DOWN) instead. Queued messages are not
   * sent; `closed` tells their fate.
   *
   * @param code - a code that CLOSE may carry. [ERR-001]
   * @param error - the error behind the code, to be the connection's.
   */
  close(code: ErrorName, now: number, error?: HawserError): readonly Event[];

  /** Ends the connection with CLOSE and keeps the session, where it is resumable; else the same as `close`. [CNT-014] */
  detach(code: ErrorName, now: number, error?: HawserError): readonly Event[];

  /** The session goes to another connection: ends this one, without any further effect on it. [CNT-028] [CNT-029] */
  supersede(now: number): readonly Event[];

  /**
   * Sends DRAIN (server): the connection ends with CLOSE and the same code at the deadline. One that would extend the
   * deadline of an earlier one has no effect. [CNT-048] [CNT-049]
   *
   * @param code - a code that DRAIN may carry. [ERR-001]
   * @param deadlineMs - milliseconds from now.
   */
  drain(code: ErrorName, deadlineMs: number, now: number): readonly Event[];
}

/**
 * A connection in the client's role, right after the TLS handshake.
 *
 * @throws MisuseError `HAWSER_ERR_MISUSE_OPTION` for an option out of the bounds of the registry.
 */
export function createClientConnection(options: ClientOptions): Connection {
  const { min, max } = FIELDS.CONNECT.audience;
  const audience = encodeText(options.audience);
  if (audience === undefined || audience.length < min || audience.length > max) {
    throw new MisuseError('HAWSER_ERR_MISUSE_OPTION', `audience has to be ${min} to ${max} octets of plain text.`);
  }
  const { retentionMs = 0, deadlineMs = 0, custody = 'received' } = options.continuity ?? {};
  const declared = { ...declaredBy('client', options), ...continuityParameters(retentionMs, deadlineMs, custody) };
  const establishment = new ClientEstablishment(options, declared);
  return new ConnectionEngine({ type: 'client', options, establishment }, declared);
}

/**
 * A connection in the server's role, right after the TLS handshake. CHALLENGE is in its output at once. [EST-006]
 *
 * @throws MisuseError `HAWSER_ERR_MISUSE_OPTION` for an option out of the bounds of the registry.
 */
export function createServerConnection(options: ServerOptions): Connection {
  const declared = declaredBy('server', options);
  const establishment = new ServerEstablishment(options, declared);
  return new ConnectionEngine({ type: 'server', options, establishment }, declared);
}

/** The parameters of the frame in which a role declares itself: the server's credit goes into ACCEPT. */
function declaredBy(role: 'client' | 'server', { parameters = {} }: ConnectionOptions): ParameterSet {
  const credit = initialCredit(parameters);
  const declared = declarations(parameters);
  for (const [name, value] of Object.entries({ ...declared, ...credit })) {
    const { min, max, unit } = PARAMETER[name as ParameterName];
    if (!isInRange(name as ParameterName, value as number)) {
      throw new MisuseError('HAWSER_ERR_MISUSE_OPTION', `${name} has to be ${min} to ${max} ${unit}.`);
    }
  }
  return role === 'client' ? { ...declared, ...credit } : declared;
}
