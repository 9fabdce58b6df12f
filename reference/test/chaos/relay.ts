import { openDurableStore } from '../../store/index.ts';
import { createRelay } from '../../node/index.ts';
import { log, report } from './inside.ts';
import { type Order, type RelaySetup, readIdentity } from './setup.ts';
import { streamsOf } from './traffic.ts';

/** The relay of a run: goes on with the sessions of its clients and with its trunk. */
export async function runRelay(setup: RelaySetup): Promise<void> {
  const { credential, trust } = await readIdentity(setup.identity);
  const sessions = await openDurableStore({ directory: setup.sessions });
  const trunks = await openDurableStore({ directory: setup.trunks });
  const relay = createRelay({
    credential,
    ...trust,
    routes: streamsOf(setup.messages).map(({ application }) => ({
      application,
      kind: 'hawser',
      host: '127.0.0.1',
      port: setup.port,
      audience: setup.audience,
    })),
    policy: { acceptsClient: () => true, acceptsRelay: () => false, allowsApplication: () => true },
    continuity: { store: sessions, maxRetentionMs: 120_000 },
    trunk: { store: trunks, retentionMs: 120_000, reconnectBoundMs: 20 },
    // Faults come faster than the usual times allow for.
    limits: { connectTimeoutMs: 60_000, breaker: { failures: 5, openMs: 100 } },
    log,
  });
  const { port } = await relay.listen(0, '127.0.0.1');
  report({ type: 'listening', port });
  process.on('message', (order: Order) => {
    if (order.type === 'describe') {
      const lines = relay.server.sessions.map(({ id, state, epoch }) => `session ${id} ${state}, epoch ${epoch}`);
      report({ type: 'description', text: lines.join('\n  ') });
    }
    if (order.type !== 'stop') return;
    void relay.close().then(async () => {
      await sessions.close();
      await trunks.close();
      process.disconnect();
    });
  });
}
