import { join } from 'node:path';
import { SERVER_IDENTITY, createKit } from '../integration/support/kit.ts';
import { type FaultCounts, FaultSchedule, drawFaults } from './faults.ts';
import { type Judgement, judge } from './judge.ts';
import { LevelLedger } from './ledger.ts';
import { LinkProxy } from './link-proxy.ts';
import { Random } from './random.ts';
import { Run, type RunCounts } from './run.ts';
import { type Setup, describeIdentity } from './setup.ts';
import { Traffic } from './traffic.ts';
import { Worker } from './worker.ts';

/** How much is done to a run, and by it. */
export interface Extent {
  /** In each direction. */
  readonly messages: number;
  readonly faults: FaultCounts;
  readonly totalMs: number;
}

export interface Outcome {
  readonly judgement: Judgement;
  readonly counts: RunCounts;
  readonly kills: Readonly<Record<string, number>>;
}

/**
 * Client and server with a durable store each, a link that is cut and processes that are killed, until every message has
 * its outcome.
 *
 * @param directory - for everything that is kept.
 */
export async function runDurable(
  seed: number,
  { messages, faults, totalMs }: Extent,
  directory: string,
): Promise<Outcome> {
  const kit = await createKit();
  const traffic = new Traffic(seed, messages);
  const schedule = new FaultSchedule(drawFaults(new Random(seed, 'faults'), faults, 4 * messages));
  const workers = new Map<string, Worker>();
  const run = new Run(messages, schedule, totalMs, (strike) => {
    if (strike.process === 'server') proxy.target = undefined;
    void workers.get(strike.process)?.kill();
  });
  const proxy = await LinkProxy.start(run);
  const setup = (side: 'client' | 'server'): Setup => ({
    seed,
    messages,
    identity: describeIdentity(kit[side], kit.trust),
    sessions: { directory: join(directory, `${side}-sessions`) },
    ledger: { directory: join(directory, `${side}-ledger`) },
  });
  const server = new Worker('server', { type: 'server', setup: setup('server') }, join(directory, 'server.log'), run);
  const client = new Worker(
    'client',
    { type: 'client', setup: { ...setup('client'), audience: SERVER_IDENTITY, ports: [proxy.port] } },
    join(directory, 'client.log'),
    run,
  );
  workers.set('server', server).set('client', client);
  const all = [client, server];
  run.on('listening', (_worker, { port }) => (proxy.target = port));
  try {
    const listening = run.next('listening', server);
    await server.start();
    await run.until('the server', listening, all);
    await client.start();
    await run.until('the messages', run.complete, all);
    run.finish();
    const finished = run.next('finished', client);
    client.send({ type: 'finish' });
    const { reason } = await run.until('the end of the session', finished, all);
    await run.until('the end of the processes', Promise.all(all.map((worker) => worker.stop())), all);
    const judgement = judge(traffic, await readLedger(setup('client')), await readLedger(setup('server')));
    const ends = `${traffic.streams.map(() => 'closed').join(' ')} ended orderly`;
    const violations = [...judgement.violations, ...(reason === ends ? [] : [`the session ended as '${reason}'`])];
    return {
      judgement: { ...judgement, violations },
      counts: run.counts,
      kills: { client: client.kills, server: server.kills },
    };
  } finally {
    run.stop();
    proxy.close();
    for (const worker of all) worker.abandon();
  }
}

async function readLedger({ ledger }: Setup): ReturnType<LevelLedger['entries']> {
  if (!('directory' in ledger)) throw new TypeError('The ledger is in no directory.');
  const opened = await LevelLedger.open(ledger.directory);
  const entries = await opened.entries();
  await opened.close();
  return entries;
}
