import { UsageError } from './failure.ts';

/** A host and a port. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * Reads `host:port`, `[v6]:port` or `:port`.
 *
 * @param text - what was written.
 * @param key - the option or argument, for the message.
 * @param leastPort - 0 where the system may choose the port, else 1.
 * @throws UsageError
 */
export function parseAddress(text: string, key: string, leastPort: 0 | 1): Address {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65535 || port < leastPort) {
    throw new UsageError(key, `${key} has to be HOST:PORT with a port of ${leastPort} to 65535, not "${text}".`);
  }
  const host = match[1] ?? match[2] ?? '';
  return { host: host === '' ? '127.0.0.1' : host, port };
}
