import type { RedisClientType } from '@redis/client';
import type { RedisScript } from './redis-scripts.ts';
import { closedError, StoreError } from './store-error.ts';

/** Where Redis is, and how long it may take. */
export interface RedisLinkOptions {
  readonly url: string;
  /** Certificates for `rediss:`; absent: those of the platform. */
  readonly tls?: RedisTls;
  readonly callTimeoutMs: number;
  /** Whether the operator vouches for what can not be verified. */
  readonly trustStorage: boolean;
}

/** TLS toward Redis. */
export interface RedisTls {
  /** PEM. */
  readonly ca?: string;
  /** PEM, of the client. */
  readonly cert?: string;
  /** PEM, of the client. */
  readonly key?: string;
}

/** An argument of a script. */
export type ScriptArgument = string | Uint8Array;

/** What a script returns: octets in arrays of any depth. */
export type ScriptReply = Uint8Array | readonly ScriptReply[];

/** One connection to Redis after the other. A call is answered or rejected in bounded time, and never waits for a connection. */
export class RedisLink {
  readonly #options: RedisLinkOptions;
  readonly #create: () => RedisClientType;
  #client: RedisClientType;
  #verified: Promise<void> = Promise.resolve();
  #custody: 'received' | 'stored' | undefined;
  #cause: unknown;
  #closed = false;

  private constructor(options: RedisLinkOptions, create: () => RedisClientType) {
    this.#options = options;
    this.#create = create;
    this.#client = create();
  }

  /** Connects, and finds out what the custody is. */
  static async open(options: RedisLinkOptions): Promise<RedisLink> {
    const { createClient, RESP_TYPES } = await import('@redis/client');
    let link: RedisLink | undefined = undefined;
    const create = (): RedisClientType =>
      createClient({
        url: options.url,
        socket: {
          ...(options.tls === undefined ? {} : { tls: true, ...options.tls }),
          connectTimeout: options.callTimeoutMs,
          reconnectStrategy: (retries: number, cause: Error) =>
            link === undefined ? cause : Math.min(20 * 2 ** retries, 1000),
        },
        // What waits for a connection can neither be answered nor be taken back.
        disableOfflineQueue: true,
        maintNotifications: 'disabled',
        commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } },
      }) as unknown as RedisClientType;
    const opened = new RedisLink(options, create);
    try {
      await opened.#connect();
      await opened.#verified;
    } catch (error) {
      opened.close();
      throw redisError(error);
    }
    link = opened;
    return opened;
  }

  get custody(): 'received' | 'stored' {
    return this.#custody ?? 'received';
  }

  /** @throws StoreError `HAWSER_ERR_STORE_UNAVAILABLE`, and others by what Redis answers. */
  async run(script: RedisScript, keys: readonly string[], args: readonly ScriptArgument[]): Promise<ScriptReply> {
    if (this.#closed) throw closedError();
    const client = this.#client;
    if (!client.isReady) throw unavailableError(this.#cause);
    const call = async (): Promise<ScriptReply> => {
      await this.#verified;
      const rest = [String(keys.length), ...keys, ...args.map(toArgument)];
      try {
        return await client.sendCommand<ScriptReply>(['EVALSHA', script.sha1, ...rest]);
      } catch (error) {
        if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
        return client.sendCommand<ScriptReply>(['EVAL', script.text, ...rest]);
      }
    };
    try {
      return await this.#inTime(client, call());
    } catch (error) {
      throw redisError(error);
    }
  }

  close(): void {
    this.#closed = true;
    if (this.#client.isOpen) this.#client.destroy();
  }

  async #connect(): Promise<void> {
    const client = this.#client;
    client.on('error', (error: unknown) => {
      this.#cause = error;
    });
    client.on('ready', () => {
      this.#verified = this.#verify(client);
      // Whoever calls gets to know.
      this.#verified.catch(() => undefined);
    });
    await client.connect();
  }

  /** A server that does not answer keeps its connection; only another one can tell whether it is back. */
  async #inTime<T>(client: RedisClientType, answer: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const expired = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(unavailableError(new Error(`no answer within ${this.#options.callTimeoutMs} ms`)));
        if (client !== this.#client || this.#closed) return;
        client.destroy();
        this.#client = this.#create();
        void this.#connect().catch(() => undefined);
      }, this.#options.callTimeoutMs);
    });
    try {
      return await Promise.race([answer, expired]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Redis answers after the sync of its log only with `appendfsync always`; and it must not evict what is stored. */
  async #verify(client: RedisClientType): Promise<void> {
    const custody = this.#options.trustStorage || (await isDurable(client)) ? 'stored' : 'received';
    this.#custody ??= custody;
    if (this.#custody === custody || custody === 'stored') return;
    throw new StoreError(
      'HAWSER_ERR_STORE_FAILED',
      'Redis no longer syncs each change to its disk, which the custody of this store rests on; ' +
        "set 'appendonly yes', 'appendfsync always' and 'maxmemory-policy noeviction' again.",
    );
  }
}

async function isDurable(client: RedisClientType): Promise<boolean> {
  try {
    const settings = await client.configGet(['appendonly', 'appendfsync', 'maxmemory', 'maxmemory-policy']);
    const read = (name: string): string => String((settings as Record<string, unknown>)[name]);
    const evicts = read('maxmemory') !== '0' && read('maxmemory-policy') !== 'noeviction';
    return read('appendonly') === 'yes' && read('appendfsync') === 'always' && !evicts;
  } catch (error) {
    // Where CONFIG is not permitted nothing is known, and nothing is claimed.
    if (isReply(error)) return false;
    throw error;
  }
}

function toArgument(argument: ScriptArgument): string | Buffer {
  return typeof argument === 'string'
    ? argument
    : Buffer.from(argument.buffer, argument.byteOffset, argument.byteLength);
}

/** An error that Redis answered with has its kind as first word. */
function kindOf(error: unknown): string | undefined {
  return error instanceof Error ? /^(?:ERR )?([A-Z]{3,})\b/.exec(error.message)?.[1] : undefined;
}

function isReply(error: unknown): boolean {
  return kindOf(error) !== undefined;
}

const NOT_NOW = ['LOADING', 'READONLY', 'MASTERDOWN', 'CLUSTERDOWN', 'TRYAGAIN', 'BUSY', 'NOREPLICAS'];

function redisError(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const kind = kindOf(error);
  if (kind === undefined || NOT_NOW.includes(kind)) return unavailableError(error);
  if (kind === 'OOM' || kind === 'MISCONF') {
    return new StoreError(
      'HAWSER_ERR_STORE_FULL',
      'Redis has no room, in its memory or on its disk; make room and repeat the call.',
      { cause: error },
    );
  }
  const text = error instanceof Error ? error.message : String(error);
  return new StoreError('HAWSER_ERR_STORE_FAILED', `Redis refuses what the session store needs: ${text}`, {
    cause: error,
  });
}

function unavailableError(cause: unknown): StoreError {
  return new StoreError(
    'HAWSER_ERR_STORE_UNAVAILABLE',
    'Redis does not answer; see that it runs and can be reached, the store connects to it again by itself.',
    { cause },
  );
}
