/**
 * Where an endpoint tells its own operator what happens. The shape is that of a pino logger; a message never leaves for
 * the peer (section 7.2).
 */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** A log that keeps nothing; the default. */
export const silentLog: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore };

function ignore(): void {
  // Nothing was asked for.
}
