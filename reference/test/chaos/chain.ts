import { join } from 'node:path';
import { RELAY_IDENTITY, SERVER_IDENTITY, createKit } from '../integration/support/kit.ts';
import { FaultSchedule, drawFaults } from './faults.ts';
import { judge } from './judge.ts';
import { readLedger } from './ledger.ts';
import { LinkProxy } from './link-proxy.ts';
import { Random } from './random.ts';
import { Run } from './run.ts';
import { type Extent, type Outcome, endRun } from './scenario.ts';
import { type Setup, describeIdentity } from './setup.ts';
import { Traffic } from './traffic.ts';
import { Worker } from './worker.ts';

/** Share of the kills on the service side that strike the relay; the others strike the server. */
const RELAY_SHARE = 0.75;

/**
 * A client, a relay and a server, each with a durable store: both links are cut and all three processes are killed, until
 * every message has its outcome.
 *
 * @param directory - for everything that is kept.
 */
export async function runChain(seed: number, extent: Extent, directory: string): Promise<Outcome> {
  const { messages, faults, totalMs } = extent;
  const kit = await createKit();
  const traffic = new Traffic(seed, messages);
  const schedule = new FaultSchedule(drawFaults(new Random(seed, 'chain'), faults, 4 * messages));
  const run = new Run(messages, schedule, totalMs, (strike) => {
    if (strike.type !== 'kill') return;
    if (strike.process === 'client') void client.kill();
    else if (strike.which < RELAY_SHARE) {
      near.target = undefined;
      void relay.kill();
    } else {
      far.target = undefined;
      void server.kill();
    }
  });
  // Between client and relay, and between relay and server.
  const near = await LinkProxy.start(run);
  const far = await LinkProxy.start(run);
  const setup = (side: 'client' | 'server'): Setup => ({
    seed,
    messages,
    identity: describeIdentity(kit[side], kit.trust),
    sessions: { directory: join(directory, `${side}-sessions`) },
    ledger: { directory: join(directory, `${side}-ledger`) },
  });
  const clientSetup = { ...setup('client'), audience: RELAY_IDENTITY, ports: [near.port] };
  const relaySetup = {
    messages,
    identity: describeIdentity(kit.relay, kit.trust),
    sessions: join(directory, 'relay-sessions'),
    trunks: join(directory, 'relay-trunks'),
    audience: SERVER_IDENTITY,
    port: far.port,
  };
  const server = new Worker('server', { type: 'server', setup: setup('server') }, join(directory, 'server.log'), run);
  const relay = new Worker('relay', { type: 'relay', setup: relaySetup }, join(directory, 'relay.log'), run);
  const client = new Worker('client', { type: 'client', setup: clientSetup }, join(directory, 'client.log'), run);
  const all = [client, relay, server];
  run.on('listening', (worker, { port }) => ((worker === relay ? near : far).target = port));
  try {
    for (const worker of [server, relay]) {
      const listening = run.next('listening', worker);
      await worker.start();
      await run.until(worker.name, listening, all);
    }
    await client.start();
    await run.until('the messages', run.complete, all);
    const violations = await endRun(run, traffic, client, [relay, server]);
    const judgement = judge(traffic, await readLedger(setup('client')), await readLedger(setup('server')));
    return {
      judgement: { ...judgement, violations: [...violations, ...judgement.violations] },
      counts: run.counts,
      done: {
        'kills of the client': client.kills,
        'kills of the relay': relay.kills,
        'kills of the server': server.kills,
      },
    };
  } finally {
    run.stop();
    for (const proxy of [near, far]) proxy.close();
    for (const worker of all) worker.abandon();
  }
}
