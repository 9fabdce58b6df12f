/** One process of a run. It is started before it is needed, and waits to be told what it is. */
import { runClient } from './client.ts';
import { report } from './inside.ts';
import { runRelay } from './relay.ts';
import { runServer } from './server.ts';
import type { Order } from './setup.ts';

process.once('message', (order: Order) => {
  if (order.type === 'client') void runClient(order.setup);
  else if (order.type === 'server') void runServer(order.setup);
  else if (order.type === 'relay') void runRelay(order.setup);
  else process.disconnect();
});
// Whoever ran the scenario is gone.
process.once('disconnect', () => process.exit());
report({ type: 'loaded' });
