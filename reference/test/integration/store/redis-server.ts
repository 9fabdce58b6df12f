import { type RedisClientType, createClient } from '@redis/client';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/** Whether there is a `redis-server` to be started. */
export const HAS_REDIS: boolean = spawnSync('redis-server', ['--version']).status === 0;

/** Settings with which Redis syncs each change. */
export const SYNCED: readonly string[] = ['--appendonly', 'yes', '--appendfsync', 'always'];

type AdminClient = RedisClientType;

function adminClient(url: string): AdminClient {
  return createClient({ url, socket: { reconnectStrategy: false } });
}

/** A Redis server of its own, in a temporary directory. */
export class RedisServer {
  readonly url: string;
  readonly #port: number;
  readonly #directory: string;
  readonly #settings: readonly string[];
  #process: ChildProcess | undefined;

  private constructor(port: number, directory: string, settings: readonly string[]) {
    this.#port = port;
    this.#directory = directory;
    this.#settings = settings;
    this.url = `redis://127.0.0.1:${port}`;
  }

  static async start(settings: readonly string[] = SYNCED): Promise<RedisServer> {
    const directory = await mkdtemp(join(tmpdir(), 'hawser-redis-'));
    const server = new RedisServer(await freePort(), directory, settings);
    await server.restart();
    return server;
  }

  /** Starts it, again on what it has stored; resolves once it answers. */
  async restart(): Promise<void> {
    const fixed = ['--port', String(this.#port), '--bind', '127.0.0.1', '--dir', this.#directory, '--save', ''];
    this.#process = spawn('redis-server', [...fixed, ...this.#settings], { stdio: 'ignore' });
    const deadline = Date.now() + 20_000;
    // A foreign process: only asking tells when it is ready.
    while (!(await this.#answers())) {
      if (Date.now() > deadline) throw new Error('redis-server did not answer within 20 s');
      await wait(20);
    }
  }

  /** Runs commands over a connection of the test's own. */
  async admin<T>(run: (client: AdminClient) => Promise<T>): Promise<T> {
    const client = adminClient(this.url);
    client.on('error', () => undefined);
    await client.connect();
    try {
      return await run(client);
    } finally {
      client.destroy();
    }
  }

  /** Lets time pass for all keys under a prefix: what would have expired is gone, the rest expires that much earlier. */
  async advance(prefix: string, ms: number): Promise<void> {
    await this.admin(async (client) => {
      for (const key of await client.keys(`{${prefix}}:*`)) {
        const rest = await client.pTTL(key);
        if (rest >= 0 && rest <= ms) await client.del(key);
        else if (rest >= 0) await client.pExpire(key, rest - ms);
        if ((await client.type(key)) !== 'zset') continue;
        for (const member of await client.zRange(key, 0, -1)) await client.zIncrBy(key, -ms, member);
      }
    });
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  async dispose(): Promise<void> {
    await this.kill();
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #answers(): Promise<boolean> {
    try {
      return await this.admin(async (client) => (await client.ping()) === 'PONG');
    } catch {
      return false;
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const closed = once(server, 'close');
  server.close();
  await closed;
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
