import { destination, pino, stdSerializers } from 'pino';
import { HawserError } from '../core/index.ts';
import type { Log } from '../node/index.ts';

/** A JSON log on standard error, one object per line. Standard output is for results. */
export function createLog(level: string): Log {
  // Synchronous, so that the last lines before an exit are not lost.
  return pino({ name: 'hawser', level, serializers: { err: describeError } }, destination({ dest: 2, sync: true }));
}

/** What is told of an error besides its message, where it has it. */
const FACTS = ['code', 'requirement', 'wireName', 'phase', 'syscall', 'address', 'port', 'key'] as const;

/** What a log says of an error. Where in the program it came up helps nobody, unless the program is at fault. */
export function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  if (!isExpected(error)) return stdSerializers.err(error);
  const facts = FACTS.flatMap((name) => {
    const value = (error as Partial<Record<(typeof FACTS)[number], unknown>>)[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    type: error.name,
    message: error.message,
    ...Object.fromEntries(facts),
    ...(error.cause === undefined ? {} : { cause: describeError(error.cause) }),
  };
}

/** Whether a peer, the operator or the system is the reason: everything but a mistake in this program. */
function isExpected(error: Error): boolean {
  const { code } = error as { code?: unknown };
  if (typeof code !== 'string') return false;
  if (error instanceof HawserError) return code !== 'HAWSER_ERR_INTERNAL' && !code.startsWith('HAWSER_ERR_MISUSE_');
  // Those of the system, of OpenSSL and of node:tls; the other codes that begin like this are for mistakes in a call.
  return !code.startsWith('ERR_') || /^ERR_(SSL|TLS|OSSL)_/.test(code);
}
