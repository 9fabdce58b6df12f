import { type Channel, type ClientOptions, type Session, connectWithRetry, createClient } from '../../node/index.ts';
import { type Environment, systemEnvironment } from '../../node/environment.ts';
import { wait } from '../../node/wait.ts';
import { Exchange } from './exchange.ts';
import { describe, log, openLedger, openSessions, report } from './inside.ts';
import { type ClientSetup, type Order, readIdentity } from './setup.ts';
import { type Stream, Traffic } from './traffic.ts';

/** Faults come faster than the waits of section 7.3 allow for: a hundredth of them will do here. */
const IMPATIENT: Environment = { ...systemEnvironment, random: (count) => new Uint8Array(count).fill(2) };

/** How long the client waits before it asks again for a channel that was refused. */
const REOPEN_MS = 20;

/** The client of a run: goes on with the session that its store has, or begins one. */
export async function runClient(setup: ClientSetup): Promise<void> {
  const { credential, trust } = await readIdentity(setup.identity);
  const ledger = await openLedger(setup);
  const store = await openSessions(setup.sessions);
  const options: ClientOptions = { credential, ...trust, store, log };
  const client = createClient(options);
  const [port, ...others] = setup.ports;
  if (port === undefined) throw new RangeError('The client has nowhere to connect to.');
  const host = '127.0.0.1';
  const targets = others.map((other) => ({ host, port: other }));
  const continuity = { retentionMs: 120_000, reconnectBoundMs: 20, targets };
  const target = { host, port, audience: setup.audience, continuity };
  const onRetry = (error: Error, delayMs: number): void =>
    log.info({ err: error, delayMs }, 'no session was established');
  const sessions: Session[] = [];
  process.on('message', ({ type }: Order) => {
    if (type === 'describe') report({ type: 'description', text: describe(sessions, ledger) });
  });
  const [stored] = await client.stored();
  const session =
    stored === undefined
      ? await connectWithRetry(client, target, { environment: IMPATIENT, onRetry })
      : await client.restore(stored.id, target);
  sessions.push(session);
  const traffic = new Traffic(setup.seed, setup.messages);
  const exchanges = new Map<string, Exchange>();
  let finishing = false;
  const begin = (stream: Stream, channel: Channel): void => {
    exchanges.set(stream.application, new Exchange(channel, traffic, 'up', ledger));
    void channel.closed.then(async (end) => {
      // A relay can not reach the server at this moment: no message has been sent.
      if (end.type !== 'refused' || end.code !== 'ROUTE_UNREACHABLE') return;
      await wait(Math.max(REOPEN_MS, end.error.retryAfterMs ?? 0), IMPATIENT);
      begin(stream, request(session, stream));
    });
  };
  session.on('attached', () => report({ type: 'attached', epoch: session.epoch }));
  const existing = new Map([...session.channels].map((channel) => [channel.application, channel]));
  for (const stream of traffic.streams) begin(stream, existing.get(stream.application) ?? request(session, stream));
  report({ type: 'session', id: session.id, restored: stored !== undefined });
  report({ type: 'progress', ...ledger.counts });
  void session.closed.then((end) => {
    if (!finishing) report({ type: 'ended', reason: `${end.code ?? 'no code'}: ${end.error?.message ?? 'no error'}` });
  });
  process.on('message', ({ type }: Order) => {
    if (type !== 'finish') return;
    finishing = true;
    void finish(session, [...exchanges.values()]).then(async (reason) => {
      await store.close();
      await ledger.close();
      report({ type: 'finished', reason });
      process.disconnect();
    });
  });
}

function request(session: Session, { application, priority, outcomes }: Stream): Channel {
  return session.request(application, { priority, outcomes });
}

/** Ends everything in order; returns how that went. */
async function finish(session: Session, exchanges: readonly Exchange[]): Promise<string> {
  for (const { channel } of exchanges) channel.end();
  const ends = await Promise.all(exchanges.map(({ channel }) => channel.closed));
  const { session: what, outcome } = await session.close();
  return [...ends.map(({ type }) => type), what, outcome].join(' ');
}
