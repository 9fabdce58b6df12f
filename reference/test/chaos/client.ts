import { type Channel, type ClientOptions, type Session, connectWithRetry, createClient } from '../../node/index.ts';
import { type Environment, systemEnvironment } from '../../node/environment.ts';
import { Exchange } from './exchange.ts';
import { describe, log, openLedger, openSessions, report } from './inside.ts';
import { type ClientSetup, type Order, readIdentity } from './setup.ts';
import { Traffic } from './traffic.ts';

/** Faults come faster than the waits of section 7.3 allow for: a hundredth of them will do here. */
const IMPATIENT: Environment = { ...systemEnvironment, random: (count) => new Uint8Array(count).fill(2) };

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
  const [stored] = await client.stored();
  const session =
    stored === undefined
      ? await connectWithRetry(client, target, { environment: IMPATIENT })
      : await client.restore(stored.id, target);
  const channels = openChannels(session, new Traffic(setup.seed, setup.messages));
  let finishing = false;
  session.on('attached', () => report({ type: 'attached', epoch: session.epoch }));
  const exchanges = channels.map(({ channel, traffic }) => new Exchange(channel, traffic, 'up', ledger));
  report({ type: 'session', id: session.id, restored: stored !== undefined });
  report({ type: 'progress', ...ledger.counts });
  void session.closed.then((end) => {
    if (!finishing) report({ type: 'ended', reason: `${end.code ?? 'no code'}: ${end.error?.message ?? 'no error'}` });
  });
  process.on('message', (order: Order) => {
    if (order.type === 'describe') report({ type: 'description', text: describe([session], ledger) });
    if (order.type !== 'finish') return;
    finishing = true;
    void finish(session, exchanges).then(async (reason) => {
      await store.close();
      await ledger.close();
      report({ type: 'finished', reason });
      process.disconnect();
    });
  });
}

/** The channels that the session has, and those that are still to be opened. */
function openChannels(session: Session, traffic: Traffic): { readonly channel: Channel; readonly traffic: Traffic }[] {
  const existing = new Map([...session.channels].map((channel) => [channel.application, channel]));
  return traffic.streams.map(({ application, priority, outcomes }) => ({
    traffic,
    channel: existing.get(application) ?? session.request(application, { priority, outcomes }),
  }));
}

/** Ends everything in order; returns how that went. */
async function finish(session: Session, exchanges: readonly Exchange[]): Promise<string> {
  for (const { channel } of exchanges) channel.end();
  const ends = await Promise.all(exchanges.map(({ channel }) => channel.closed));
  const { session: what, outcome } = await session.close();
  return [...ends.map(({ type }) => type), what, outcome].join(' ');
}
