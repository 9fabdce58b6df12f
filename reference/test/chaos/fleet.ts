import { join } from 'node:path';
import { SERVER_IDENTITY, createKit } from '../integration/support/kit.ts';
import { HAS_REDIS, RedisServer } from '../integration/store/redis-server.ts';
import { FaultSchedule, drawFaults } from './faults.ts';
import { judge } from './judge.ts';
import { LevelLedger } from './ledger.ts';
import { LinkProxy } from './link-proxy.ts';
import { Pauses } from './pauses.ts';
import { Random } from './random.ts';
import { RedisLedger } from './redis-ledger.ts';
import { Run } from './run.ts';
import { type Extent, type Outcome, endRun } from './scenario.ts';
import { type ClientSetup, type Setup, describeIdentity } from './setup.ts';
import { Traffic } from './traffic.ts';
import { Worker } from './worker.ts';

const SERVERS = 3;

/** A server of the fleet, behind its proxy. */
interface Member {
  readonly worker: Worker;
  readonly proxy: LinkProxy;
}

/**
 * Three servers that share their sessions in one Redis, and a client that moves among them: links are cut, processes are
 * killed, and a server that has the session is stopped until another one has long had it.
 *
 * @param directory - for what is not in Redis.
 * @returns undefined where there is no Redis to be started.
 */
export async function runFleet(seed: number, extent: Extent, directory: string): Promise<Outcome | undefined> {
  if (!HAS_REDIS) return undefined;
  const redis = await RedisServer.start();
  try {
    return await runWith(redis.url, seed, extent, directory);
  } finally {
    await redis.dispose();
  }
}

async function runWith(redis: string, seed: number, extent: Extent, directory: string): Promise<Outcome> {
  const { messages, faults, totalMs } = extent;
  const kit = await createKit();
  const traffic = new Traffic(seed, messages);
  const schedule = new FaultSchedule(drawFaults(new Random(seed, 'fleet'), faults, 4 * messages));
  const members: Member[] = [];
  const run: Run = new Run(messages, schedule, totalMs, (strike, link) => {
    const holder = members.find(({ proxy }) => proxy === link.proxy);
    if (strike.type === 'pause') {
      if (holder !== undefined) pauses.pause(holder.worker, holder.proxy);
    } else if (strike.process === 'client') void client.kill();
    else
      killOne(
        members.filter(({ worker }) => !pauses.isPaused(worker)),
        strike.which,
      );
  });
  const base = { seed, messages };
  const serverSetup: Setup = {
    ...base,
    identity: describeIdentity(kit.server, kit.trust),
    sessions: { redis },
    ledger: { redis },
  };
  for (let number = 1; number <= SERVERS; number += 1) {
    const name = `server ${number}`;
    const worker = new Worker(
      name,
      { type: 'server', setup: serverSetup },
      join(directory, `server-${number}.log`),
      run,
    );
    members.push({ worker, proxy: await LinkProxy.start(run) });
  }
  const ledger = { directory: join(directory, 'client-ledger') };
  const clientSetup: ClientSetup = {
    ...base,
    identity: describeIdentity(kit.client, kit.trust),
    sessions: { directory: join(directory, 'client-sessions') },
    ledger,
    audience: SERVER_IDENTITY,
    ports: members.map(({ proxy }) => proxy.port),
  };
  const client = new Worker('client', { type: 'client', setup: clientSetup }, join(directory, 'client.log'), run);
  const pauses = new Pauses(run, client, () => members.map(({ proxy }) => proxy));
  const servers = members.map(({ worker }) => worker);
  const all = [client, ...servers];
  run.on('listening', (worker, { port }) => {
    const member = members.find((one) => one.worker === worker);
    if (member !== undefined) member.proxy.target = port;
  });
  try {
    for (const worker of servers) {
      const listening = run.next('listening', worker);
      await worker.start();
      await run.until(worker.name, listening, all);
    }
    await client.start();
    await run.until('the messages', run.complete, all);
    await run.until('the end of a pause', pauses.over(), all);
    const violations = await endRun(run, traffic, client, servers);
    const clientLedger = await LevelLedger.open(ledger.directory);
    const serverLedger = await RedisLedger.open(redis);
    const judgement = judge(traffic, await clientLedger.entries(), await serverLedger.entries());
    await clientLedger.close();
    await serverLedger.close();
    return {
      judgement: { ...judgement, violations: [...violations, ...judgement.violations] },
      counts: run.counts,
      done: {
        'kills of the client': client.kills,
        'kills of servers': servers.reduce((sum, { kills }) => sum + kills, 0),
        'pauses past the lease': pauses.count,
      },
    };
  } finally {
    run.stop();
    for (const { proxy } of members) proxy.close();
    for (const worker of all) worker.abandon();
  }
}

function killOne(members: readonly Member[], which: number): void {
  const member = members[Math.floor(which * members.length)];
  if (member === undefined) return;
  member.proxy.target = undefined;
  void member.worker.kill();
}
