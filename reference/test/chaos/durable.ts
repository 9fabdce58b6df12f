import { join } from 'node:path';
import { SERVER_IDENTITY, createKit } from '../integration/support/kit.ts';
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

/**
 * Client and server with a durable store each, a link that is cut and processes that are killed, until every message has
 * its outcome.
 *
 * @param directory - for everything that is kept.
 */
export async function runDurable(seed: number, extent: Extent, directory: string): Promise<Outcome> {
  const { messages, faults, totalMs } = extent;
  const kit = await createKit();
  const traffic = new Traffic(seed, messages);
  const schedule = new FaultSchedule(drawFaults(new Random(seed, 'durable'), faults, 4 * messages));
  const run = new Run(messages, schedule, totalMs, (strike) => {
    if (strike.type !== 'kill') return;
    if (strike.process === 'server') proxy.target = undefined;
    void (strike.process === 'server' ? server : client).kill();
  });
  const proxy = await LinkProxy.start(run);
  const setup = (side: 'client' | 'server'): Setup => ({
    seed,
    messages,
    identity: describeIdentity(kit[side], kit.trust),
    sessions: { directory: join(directory, `${side}-sessions`) },
    ledger: { directory: join(directory, `${side}-ledger`) },
  });
  const clientSetup = { ...setup('client'), audience: SERVER_IDENTITY, ports: [proxy.port] };
  const server = new Worker('server', { type: 'server', setup: setup('server') }, join(directory, 'server.log'), run);
  const client = new Worker('client', { type: 'client', setup: clientSetup }, join(directory, 'client.log'), run);
  const all = [client, server];
  run.on('listening', (_worker, { port }) => (proxy.target = port));
  try {
    const listening = run.next('listening', server);
    await server.start();
    await run.until('the server', listening, all);
    await client.start();
    await run.until('the messages', run.complete, all);
    const violations = await endRun(run, traffic, client, [server]);
    const judgement = judge(traffic, await readLedger(setup('client')), await readLedger(setup('server')));
    return {
      judgement: { ...judgement, violations: [...violations, ...judgement.violations] },
      counts: run.counts,
      done: { 'kills of the client': client.kills, 'kills of the server': server.kills },
    };
  } finally {
    run.stop();
    proxy.close();
    for (const worker of all) worker.abandon();
  }
}
