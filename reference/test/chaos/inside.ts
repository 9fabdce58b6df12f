import { type SessionStore, openDurableStore } from '../../store/index.ts';
import type { Log, Session } from '../../node/index.ts';
import { type Ledger, LevelLedger } from './ledger.ts';
import type { Report, Setup, StorePlace } from './setup.ts';

/** Tells the process that runs the scenario. */
export function report(message: Report): void {
  process.send?.(message);
}

export async function openSessions(place: StorePlace): Promise<SessionStore> {
  if ('directory' in place) return openDurableStore(place);
  throw new TypeError('not yet');
}

export async function openLedger({ ledger }: Setup): Promise<Ledger> {
  if ('directory' in ledger)
    return LevelLedger.open(ledger.directory, (counts) => report({ type: 'progress', ...counts }));
  throw new TypeError('not yet');
}

/** Writes to the standard error, which the scenario keeps in a file. */
export const log: Log = {
  debug: () => undefined,
  info: (fields, message) => write('info', fields, message),
  warn: (fields, message) => write('warn', fields, message),
  error: (fields, message) => write('error', fields, message),
};

function write(level: string, fields: object, message: string): void {
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
