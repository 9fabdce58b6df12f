import { type Application, createServer } from '../../node/index.ts';
import { Exchange } from './exchange.ts';
import { describe, log, openLedger, openSessions, report } from './inside.ts';
import { type Order, type Setup, readIdentity } from './setup.ts';
import { Traffic } from './traffic.ts';

/** A server of a run, with its application ends. */
export async function runServer(setup: Setup): Promise<void> {
  const { credential, trust } = await readIdentity(setup.identity);
  const ledger = await openLedger(setup);
  const store = await openSessions(setup.sessions);
  const traffic = new Traffic(setup.seed, setup.messages);
  const application: Application = (channel, request) => {
    request.accept();
    const exchange = new Exchange(channel, traffic, 'down', ledger);
    channel.onEnd = () => void exchange.sent.then(() => channel.end());
  };
  const server = createServer({
    credential,
    ...trust,
    policy: { acceptsClient: () => true, acceptsRelay: () => true, allowsApplication: () => true },
    applications: new Map(traffic.streams.map((stream) => [stream.application, application])),
    continuity: { store, maxRetentionMs: 120_000 },
    log,
  });
  const { port } = await server.listen(0, '127.0.0.1');
  report({ type: 'listening', port });
  report({ type: 'progress', ...ledger.counts });
  process.on('message', (order: Order) => {
    if (order.type === 'describe') report({ type: 'description', text: describe(server.sessions, ledger) });
    if (order.type !== 'stop') return;
    void server.close().then(async () => {
      await store.close();
      await ledger.close();
      process.disconnect();
    });
  });
}
