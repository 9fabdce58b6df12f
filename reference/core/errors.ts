/** Options of every {@link HawserError}. */
export interface HawserErrorOptions {
  /** The error of the platform or of a library that led to this one. */
  readonly cause?: unknown;
}

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
