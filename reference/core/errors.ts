import { ERROR_CODE, ERRORS, type ErrorName } from './registry.gen.ts';

/** Options of every {@link HawserError}. */
export interface HawserErrorOptions {
  /** The error of the platform or of a library that led to this one. */
  readonly cause?: unknown;
}

/** What an error ends. */
export type ErrorScope = (typeof ERRORS)[ErrorName]['scope'];

/**
 * Base class of every error that Hawser throws or reports.
 *
 * `code` is stable and meant for programs; `message` is one sentence for people and may change.
 */
export class HawserError extends Error {
  /** Stable code, `HAWSER_ERR_` followed by family and cause. */
  readonly code: string;

  constructor(code: string, message: string, options: HawserErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
  }
}

/** A configuration value, or a file that it names, can not be used (`HAWSER_ERR_CONFIG_*`). */
export class ConfigError extends HawserError {
  /** The configuration key (or option name) at fault. */
  readonly key: string;

  constructor(code: `HAWSER_ERR_CONFIG_${string}`, key: string, message: string, options: HawserErrorOptions = {}) {
    super(code, message, options);
    this.key = key;
  }
}

/**
 * The octets received break the protocol (`HAWSER_ERR_PEER_` followed by the name of the error on the wire).
 */
export class PeerViolationError extends HawserError {
  /** Name of the error that is sent to the peer. */
  readonly wireName: ErrorName;
  /** Number of the error that is sent to the peer. */
  readonly wireCode: number;
  /** What the error ends. */
  readonly scope: ErrorScope;
  /** Id of the requirement that the peer broke. [ERR-005] */
  readonly requirement: string;
  /** Type number of the frame at fault. */
  readonly frameType: number | undefined;

  constructor(wireName: ErrorName, requirement: string, message: string, frameType?: number) {
    super(`HAWSER_ERR_PEER_${wireName}`, message);
    this.wireName = wireName;
    this.wireCode = ERROR_CODE[wireName];
    this.scope = ERRORS[wireName].scope;
    this.requirement = requirement;
    this.frameType = frameType;
  }
}

/** Both sides are right by themselves and do not fit each other (`HAWSER_ERR_INCOMPATIBLE_*`). */
export class IncompatibleError extends HawserError {
  /** Name of the error that is sent to the peer. */
  readonly wireName: ErrorName;
  /** What this side has or wants. */
  readonly ours: string;
  /** What the peer has or wants; undefined when it has nothing. */
  readonly theirs: string | undefined;
  /** Id of the requirement that decides. */
  readonly requirement: string;

  constructor(
    code: `HAWSER_ERR_INCOMPATIBLE_${string}`,
    wireName: ErrorName,
    requirement: string,
    ours: string,
    theirs: string | undefined,
    message: string,
  ) {
    super(code, message);
    this.wireName = wireName;
    this.requirement = requirement;
    this.ours = ours;
    this.theirs = theirs;
  }
}

/**
 * The peer ended the connection with a code (`HAWSER_ERR_REMOTE_` followed by the name of the code).
 */
export class RemoteError extends HawserError {
  /** The code, an unknown one being replaced as ERR-002 says. */
  readonly wireName: ErrorName;
  /** The code on the wire. */
  readonly wireCode: number;
  /** What the error ends. */
  readonly scope: ErrorScope;
  /** Shortest time until a next attempt, in milliseconds; undefined where the frame has none. */
  readonly retryAfterMs: number | undefined;

  constructor(wireName: ErrorName, wireCode: number, message: string, retryAfterMs?: number) {
    super(`HAWSER_ERR_REMOTE_${wireName}`, message);
    this.wireName = wireName;
    this.wireCode = wireCode;
    this.scope = ERRORS[wireName].scope;
    this.retryAfterMs = retryAfterMs;
  }
}

/** A timer of the registry ran out (`HAWSER_ERR_TIMEOUT_*`). */
export class TimeoutError extends HawserError {
  /** Which timer. */
  readonly timer: 'establishment' | 'liveness' | 'close';
  /** Its length in milliseconds. */
  readonly limitMs: number;

  constructor(timer: 'establishment' | 'liveness' | 'close', limitMs: number, message: string) {
    super(`HAWSER_ERR_TIMEOUT_${timer.toUpperCase()}`, message);
    this.timer = timer;
    this.limitMs = limitMs;
  }
}

/** The transport failed or ended (`HAWSER_ERR_TRANSPORT_*`). */
export class TransportError extends HawserError {
  /** How far the connection was. */
  readonly phase: string;

  constructor(
    code: `HAWSER_ERR_TRANSPORT_${string}`,
    phase: string,
    message: string,
    options: HawserErrorOptions = {},
  ) {
    super(code, message, options);
    this.phase = phase;
  }
}

/** End-to-end proof does not hold, at either end (`HAWSER_ERR_PROOF_*`); the channel was not opened. */
export class ProofError extends HawserError {
  /** Id of the requirement that is not met. */
  readonly requirement: string;

  constructor(
    code: `HAWSER_ERR_PROOF_${string}`,
    requirement: string,
    message: string,
    options: HawserErrorOptions = {},
  ) {
    super(code, message, options);
    this.requirement = requirement;
  }
}

/** A call that its caller could have known to be wrong (`HAWSER_ERR_MISUSE_*`); thrown, never reported. */
export class MisuseError extends HawserError {
  constructor(code: `HAWSER_ERR_MISUSE_${string}`, message: string, options: HawserErrorOptions = {}) {
    super(code, message, options);
  }
}

/** Something that can not happen has happened (`HAWSER_ERR_INTERNAL`). */
export class InternalError extends HawserError {
  constructor(message: string, options: HawserErrorOptions = {}) {
    super('HAWSER_ERR_INTERNAL', message, options);
  }
}
