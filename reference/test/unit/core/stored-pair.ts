import { Session } from '../../../core/index.ts';
import type { Event } from '../../../core/index.ts';
import {
  createPair,
  deterministicRandom,
  establishedPair,
  exchange,
  outputOf,
  type Pair,
  takeEvents,
  toyLeafVerifier,
} from './pair.ts';

const RETENTION_MS = 60_000;

/** What one end has stored of its session. */
export class StoredEnd {
  readonly session: Session;
  readonly #entries: Map<string, Uint8Array>;

  constructor(session: Session, entries: Map<string, Uint8Array> = new Map()) {
    this.session = session;
    this.#entries = entries;
  }

  /** Stores what has come up; returns whether that was anything. */
  write(): boolean {
    const confirm = this.writeUnconfirmed();
    confirm?.();
    return confirm !== undefined;
  }

  /** The same, of which the process does not hear before it confirms it; undefined where there is nothing to store. */
  writeUnconfirmed(): (() => void) | undefined {
    const batch = this.session.takeJournal();
    if (batch === undefined) return undefined;
    for (const key of batch.delete) this.#entries.delete(key);
    for (const { key, value } of batch.put) this.#entries.set(key, Uint8Array.from(value));
    return () => this.session.stored(batch.number, 0);
  }

  /** What a process finds that takes the place of one that has crashed: nothing that was not written. */
  restart(): { readonly end: StoredEnd; readonly events: readonly Event[] } {
    const entries = [...this.#entries].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => ({ key, value }));
    const random = deterministicRandom('restarted');
    const session = Session.restore(entries, {
      random,
      grease: false,
      leafVerifier: toyLeafVerifier,
      now: 0,
      epoch: this.session.epoch,
    });
    return { end: new StoredEnd(session, new Map(this.#entries)), events: session.takeEvents() };
  }
}

/** Two ends with custody `stored`, and the connection between them. */
export interface StoredPair {
  pair: Pair;
  client: StoredEnd;
  server: StoredEnd;
}

/**
 * A pair whose session is established and stored at both ends.
 *
 * @param deadlineMs - the life of its connection; 0 for no bound.
 */
export function storedPair(deadlineMs = 0): StoredPair {
  const continuity = { retentionMs: RETENTION_MS, deadlineMs, custody: 'stored' } as const;
  const pair = establishedPair(
    { continuity, leafVerifier: toyLeafVerifier },
    { leafVerifier: toyLeafVerifier },
    continuity,
  );
  const { session: client } = pair.client;
  const { session: server } = pair.server;
  if (client === undefined || server === undefined) throw new Error('no session');
  return { pair, client: new StoredEnd(client), server: new StoredEnd(server) };
}

/** Carries octets and stores what comes up until both ends are silent. */
export function settle({ pair, client, server }: StoredPair): void {
  do exchange(pair);
  while ([client.write(), server.write()].some((written) => written));
}

/** Joins both ends by a fresh connection; what was on its way on the former one is lost. */
export function reconnect(stored: StoredPair): void {
  const { client, server } = stored;
  client.session.detach('connection lost');
  server.session.detach('connection lost');
  const pair = createPair({ mode: 'resume' });
  pair.client.receive(outputOf(pair.server), 0);
  pair.client.resume(client.session, { attempt: server.session.epoch }, 0);
  pair.server.receive(outputOf(pair.client), 0);
  pair.server.resume(server.session, { epoch: server.session.epoch + 1 }, 0);
  stored.pair = pair;
}

/** Opens a channel from end to end and returns its number. */
export function openStored(stored: StoredPair, options: { readonly outcomes?: boolean } = {}): number {
  const { pair } = stored;
  const channel = pair.client.openChannel('test', options, 0);
  settle(stored);
  pair.server.opened(channel, {}, 0);
  settle(stored);
  takeEvents(pair);
  return channel;
}
