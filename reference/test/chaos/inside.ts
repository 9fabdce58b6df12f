import { type SessionStore, openDurableStore, openRedisStore } from '../../store/index.ts';
import type { Log, Session } from '../../node/index.ts';
import { type Ledger, type LedgerCounts, LevelLedger } from './ledger.ts';
import { RedisLedger } from './redis-ledger.ts';
import { LEASE_MS, type Report, type Setup, type StorePlace } from './setup.ts';

/** Tells the process that runs the scenario. */
export function report(message: Report): void {
  process.send?.(message);
}

/** Where the process keeps its sessions. */
export async function openSessions(place: StorePlace): Promise<SessionStore> {
  if ('directory' in place) return openDurableStore(place);
  return openRedisStore({ url: place.redis, leaseMs: LEASE_MS });
}

/** Where the application keeps what it has done; each step is reported. */
export async function openLedger({ ledger }: Setup): Promise<Ledger> {
  const changed = (counts: LedgerCounts): void => report({ type: 'progress', ...counts });
  if ('directory' in ledger) return LevelLedger.open(ledger.directory, changed);
  return RedisLedger.open(ledger.redis, changed);
}

/** Writes to the standard error, which the scenario keeps in a file. */
export const log: Log = {
  debug: () => undefined,
  info: (fields, message) => write('info', fields, message),
  warn: (fields, message) => write('warn', fields, message),
  error: (fields, message) => write('error', fields, message),
};

function write(level: string, fields: object, message: string): void {
  if (message.startsWith('the session is attached elsewhere')) report({ type: 'fenced' });
  const text = JSON.stringify(fields, (_key, value: unknown) =>
    value instanceof Error ? { message: value.message, stack: value.stack, cause: value.cause } : value,
  );
  process.stderr.write(`${new Date().toISOString()} ${level} ${message} ${text}\n`);
}

/** What somebody needs to know who finds that nothing goes on. */
export function describe(sessions: Iterable<Session>, ledger: Ledger): string {
  const { effects, outcomes, repeats } = ledger.counts;
  const lines = [...sessions].map((session) => {
    const channels = [...session.channels].map(
      ({ number, application, sentMessages }) => `${application} (channel ${number}, ${sentMessages} sent)`,
    );
    return `session ${session.id} ${session.state}, epoch ${session.epoch}: ${channels.join(', ')}`;
  });
  return [`${effects} effects, ${outcomes} outcomes, ${repeats} repeats`, ...lines].join('\n  ');
}
