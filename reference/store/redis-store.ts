import { randomBytes } from 'node:crypto';
import { RedisLink, type RedisTls, type ScriptArgument, type ScriptReply } from './redis-link.ts';
import {
  ATTACH,
  COMMIT,
  COUNT,
  CREATE,
  DETACH,
  END,
  LIST,
  LOAD,
  NOTE,
  type RedisScript,
  SWEEP,
} from './redis-scripts.ts';
import {
  type AttachResult,
  type Batch,
  type ChangeResult,
  checkBatch,
  checkHeader,
  compareKeys,
  type Cursors,
  type Entry,
  type SessionHeader,
  type SessionStore,
  type StoredSession,
} from './session-store.ts';
import { closedError, existsError } from './store-error.ts';

/** Options of {@link openRedisStore}. */
export interface RedisStoreOptions {
  /** `redis://[[user]:password@]host[:port][/database]`, or `rediss://` for TLS. */
  readonly url: string;
  /** Certificates for `rediss:`; default: those of the platform. */
  readonly tls?: RedisTls;
  /** Name of the store, before all its keys; default `hawser`. Servers with the same one share their sessions. */
  readonly prefix?: string;
  /**
   * How long an attached session waits, beyond its retention, for a sign of the server that holds it; default 60 000 ms.
   * The signs are commits and `sweep`, which is to be called at least three times as often.
   */
  readonly leaseMs?: number;
  /** How long a call may take, in milliseconds; default 5 000. */
  readonly callTimeoutMs?: number;
  /**
   * Declares the custody `stored` without looking at the settings of Redis, for one that keeps its promise otherwise, or
   * does not permit to read them; default false.
   */
  readonly trustStorage?: boolean;
}

/**
 * Opens a store in Redis 6.2 or later, for a fleet of servers of which any can attach any session. [CNT-038]
 *
 * The custody is `stored` if Redis has `appendonly yes`, `appendfsync always` and evicts nothing, which is looked at
 * with each new connection, and `received` otherwise. That is the promise of one Redis server: a replica that takes its
 * place may lack the last changes, and with them the last epochs.
 *
 * Times are those of Redis. A session whose server is gone expires by itself, between one and two leases later than one
 * that was detached in order.
 *
 * @throws StoreError `HAWSER_ERR_STORE_UNAVAILABLE` when there is no answer, `HAWSER_ERR_STORE_FAILED` when it is a
 *   refusal.
 */
export async function openRedisStore(options: RedisStoreOptions): Promise<SessionStore> {
  const { url, tls, callTimeoutMs = 5_000, trustStorage = false } = options;
  const link = await RedisLink.open({ url, callTimeoutMs, trustStorage, ...(tls === undefined ? {} : { tls }) });
  return new RedisStore(link, options.prefix ?? 'hawser', options.leaseMs ?? 60_000);
}

interface Commit {
  readonly epoch: number;
  readonly batch: Batch;
}

/** One call on a session, in the queue of that session. */
interface Call {
  /** Present if it can go out together with its neighbours. */
  readonly commit?: Commit;
  readonly run: (commits: readonly Commit[]) => Promise<unknown>;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Commits of one session go out together up to this size, so that none makes others wait for long. */
const GROUP_BYTES = 1 << 20;
/** Sessions in one script: Redis does nothing else meanwhile. */
const SWEEP_CHUNK = 200;

class RedisStore implements SessionStore {
  readonly custody: 'received' | 'stored';
  readonly shared = true;
  readonly #link: RedisLink;
  readonly #prefix: string;
  readonly #leaseMs: number;
  /** Nobody else has it, so who finds it in Redis knows who wrote. */
  readonly #writer = randomBytes(12).toString('base64url');
  #sequence = 0;
  readonly #queues = new Map<string, Call[]>();
  readonly #running = new Set<Promise<void>>();
  readonly #held = new Set<string>();
  readonly #cursors = { client: '0', server: '0' };
  #closed = false;

  constructor(link: RedisLink, prefix: string, leaseMs: number) {
    this.custody = link.custody;
    this.#link = link;
    this.#prefix = `{${prefix}}`;
    this.#leaseMs = leaseMs;
  }

  async create(header: SessionHeader, batch: Batch): Promise<void> {
    checkHeader(header);
    checkBatch(batch);
    const { id, role, owner, epoch, attempt, retentionMs } = header;
    const fields = [id, role, owner, String(epoch), String(attempt), String(retentionMs)];
    const args = [...fields, ...cursorArguments(batch.cursors), ...entryArguments(batch.put)];
    const [status] = await this.#inTurn(id, () => this.#session(CREATE, id, args));
    if (text(status) === 'exists') throw existsError(id);
    this.#held.add(id);
  }

  async attach(id: string, owner: string, attempt: number, statedEpoch: number): Promise<AttachResult> {
    const args = [id, owner, String(attempt), String(statedEpoch)];
    const [status, first, second, third] = await this.#inTurn(id, () => this.#session(ATTACH, id, args));
    switch (text(status)) {
      case 'session':
        this.#held.add(id);
        return { type: 'attached', session: readSession(first, second) };
      case 'ended':
        return { type: 'ended', epoch: Number(text(third)), cursors: readCursors(first, second) };
      case 'ahead':
        return {
          type: 'ahead',
          header: readHeader(first),
          cursors: text(second) === '' ? undefined : readCursors(second, third),
        };
      case 'stale':
        return { type: 'stale' };
      default:
        return { type: 'unknown' };
    }
  }

  async commit(id: string, epoch: number, batch: Batch): Promise<ChangeResult> {
    checkBatch(batch);
    return this.#inTurn(id, (commits) => this.#commitAll(id, epoch, commits), { epoch, batch });
  }

  async note(
    id: string,
    epoch: number,
    change: { readonly epoch?: number; readonly attempt?: number },
  ): Promise<ChangeResult> {
    const args = [id, String(epoch), String(change.epoch ?? ''), String(change.attempt ?? '')];
    return this.#change(NOTE, id, args);
  }

  async end(id: string, epoch: number, cursors: Cursors): Promise<ChangeResult> {
    const result = await this.#change(END, id, [id, String(epoch), ...cursorArguments(cursors)]);
    if (result === 'committed') this.#held.delete(id);
    return result;
  }

  async detached(id: string, epoch: number, cursors?: Cursors): Promise<ChangeResult> {
    return this.#change(DETACH, id, [id, String(epoch), ...cursorArguments(cursors)]);
  }

  async load(id: string): Promise<StoredSession | undefined> {
    const [status, header, entries] = await this.#inTurn(id, () => this.#session(LOAD, id, [id]));
    if (text(status) !== 'session') return undefined;
    const session = readSession(header, entries);
    if (session.header.role === 'client') this.#held.add(id);
    return session;
  }

  async list(role: 'client' | 'server'): Promise<readonly SessionHeader[]> {
    // A scan may give one twice.
    const headers = new Map<string, SessionHeader>();
    let cursor = '0';
    do {
      const page = await this.#page(role, cursor);
      for (const header of page.headers) headers.set(header.id, header);
      cursor = page.cursor;
    } while (cursor !== '0');
    return [...headers.values()].sort((a, b) => compareKeys(a.id, b.id));
  }

  async count(owner: string): Promise<number> {
    const [count] = list(await this.#run(COUNT, [`${this.#prefix}:attached:${owner}`], [owner]));
    return Number(text(count));
  }

  async sweep(): Promise<readonly string[]> {
    // Of what servers left behind that are gone, a part each time.
    for (const role of ['client', 'server'] as const) {
      this.#cursors[role] = (await this.#page(role, this.#cursors[role])).cursor;
    }
    const ids = [...this.#held];
    const expired: string[] = [];
    for (let at = 0; at < ids.length; at += SWEEP_CHUNK) {
      const chunk = ids.slice(at, at + SWEEP_CHUNK);
      const keys = chunk.map((id) => `${this.#prefix}:head:${id}`);
      const results = list(await this.#run(SWEEP, keys, chunk));
      chunk.forEach((id, index) => {
        const result = text(results[index]);
        if (result === 'held') return;
        this.#held.delete(id);
        if (result === 'expired') expired.push(id);
      });
    }
    return expired;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#running);
    this.#link.close();
  }

  async #change(script: RedisScript, id: string, args: readonly ScriptArgument[]): Promise<ChangeResult> {
    return this.#inTurn(id, async () => changeResult(await this.#session(script, id, args)));
  }

  /** One script for all commits of a session that wait: later ones go over earlier ones. */
  async #commitAll(id: string, epoch: number, commits: readonly Commit[]): Promise<ChangeResult> {
    const values = new Map<string, Uint8Array | undefined>();
    let cursors: Cursors | undefined;
    for (const { batch } of commits) {
      for (const key of batch.delete) values.set(key, undefined);
      for (const { key, value } of batch.put) values.set(key, value);
      cursors = batch.cursors ?? cursors;
    }
    const deletions: string[] = [];
    const entries: ScriptArgument[] = [];
    for (const [key, value] of values) {
      if (value === undefined) deletions.push(key);
      else entries.push(key, value);
    }
    const args = [id, String(epoch), ...cursorArguments(cursors), String(deletions.length), ...deletions, ...entries];
    return changeResult(await this.#session(COMMIT, id, args));
  }

  async #page(
    role: 'client' | 'server',
    cursor: string,
  ): Promise<{ readonly cursor: string; readonly headers: SessionHeader[] }> {
    const [next, ...headers] = list(await this.#run(LIST, [`${this.#prefix}:ids:${role}`], [role, cursor]));
    return { cursor: text(next), headers: headers.map(readHeader) };
  }

  async #session(script: RedisScript, id: string, args: readonly ScriptArgument[]): Promise<readonly ScriptReply[]> {
    return list(await this.#run(script, [`${this.#prefix}:head:${id}`, `${this.#prefix}:body:${id}`], args));
  }

  async #run(script: RedisScript, keys: readonly string[], args: readonly ScriptArgument[]): Promise<ScriptReply> {
    if (this.#closed && this.#running.size === 0) throw closedError();
    this.#sequence += 1;
    return this.#link.run(script, keys, [
      this.#prefix,
      this.#writer,
      String(this.#sequence),
      String(this.#leaseMs),
      ...args,
    ]);
  }

  /**
   * Queues a call behind those of the same session: one of them is under way at a time, so that after a failure none of
   * those behind it can have had an effect.
   */
  #inTurn<T>(id: string, run: (commits: readonly Commit[]) => Promise<T>, commit?: Commit): Promise<T> {
    if (this.#closed) return Promise.reject(closedError());
    return new Promise<T>((resolve, reject) => {
      const call: Call = { run, resolve: resolve as (result: unknown) => void, reject, ...(commit && { commit }) };
      const queue = this.#queues.get(id);
      if (queue !== undefined) {
        queue.push(call);
        return;
      }
      this.#queues.set(id, [call]);
      const work = this.#work(id);
      this.#running.add(work);
      void work.then(() => this.#running.delete(work));
    });
  }

  async #work(id: string): Promise<void> {
    // Calls of the same turn can share a script.
    await Promise.resolve();
    const queue = this.#queues.get(id) ?? [];
    while (queue.length > 0) {
      const group = takeGroup(queue);
      try {
        const result = await group[0]?.run(group.flatMap(({ commit }) => commit ?? []));
        for (const { resolve } of group) resolve(result);
      } catch (error) {
        for (const { reject } of [...group, ...queue.splice(0)]) reject(error);
      }
    }
    this.#queues.delete(id);
  }
}

/** Takes the first call off a queue, and with it the commits that can go out together with it. */
function takeGroup(queue: Call[]): Call[] {
  const epoch = queue[0]?.commit?.epoch;
  let size = 1;
  let bytes = sizeOf(queue[0]);
  for (let next = queue[size]; epoch !== undefined && next?.commit?.epoch === epoch; next = queue[size]) {
    bytes += sizeOf(next);
    if (bytes > GROUP_BYTES) break;
    size += 1;
  }
  return queue.splice(0, size);
}

function sizeOf(call: Call | undefined): number {
  return call?.commit?.batch.put.reduce((sum, { value }) => sum + value.length, 0) ?? 0;
}

function cursorArguments(cursors: Cursors | undefined): string[] {
  return [String(cursors?.receiveCursor ?? ''), String(cursors?.sendCursor ?? '')];
}

function entryArguments(entries: readonly Entry[]): ScriptArgument[] {
  return entries.flatMap(({ key, value }) => [key, value]);
}

function changeResult([status]: readonly ScriptReply[]): ChangeResult {
  return text(status) === 'committed' ? 'committed' : 'fenced';
}

function list(reply: ScriptReply | undefined): readonly ScriptReply[] {
  return reply === undefined || reply instanceof Uint8Array ? [] : reply;
}

function text(reply: ScriptReply | undefined): string {
  return reply instanceof Uint8Array ? new TextDecoder().decode(reply) : '';
}

function readHeader(reply: ScriptReply | undefined): SessionHeader {
  const [id = '', role, owner = '', epoch, attempt, retention] = list(reply).map(text);
  return {
    id,
    role: role === 'client' ? 'client' : 'server',
    owner,
    epoch: Number(epoch),
    attempt: Number(attempt),
    retentionMs: Number(retention),
  };
}

function readCursors(receive: ScriptReply | undefined, send: ScriptReply | undefined): Cursors {
  return { receiveCursor: Number(text(receive)), sendCursor: Number(text(send)) };
}

function readSession(header: ScriptReply | undefined, fields: ScriptReply | undefined): StoredSession {
  const flat = list(fields);
  const entries: Entry[] = [];
  for (let index = 0; index < flat.length; index += 2) {
    const key = text(flat[index]);
    const value = flat[index + 1];
    // The field without a name is no entry.
    if (key !== '' && value instanceof Uint8Array) entries.push({ key, value: new Uint8Array(value) });
  }
  return { header: readHeader(header), entries: entries.sort((a, b) => compareKeys(a.key, b.key)) };
}
