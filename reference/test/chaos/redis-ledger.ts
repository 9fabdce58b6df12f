import { createClient } from '@redis/client';
import type { Effect, Entry, Ledger, LedgerCounts, OutcomeEntry } from './ledger.ts';

const PREFIX = 'chaos-ledger';
const ENTRIES = `${PREFIX}:entries`;
const KEYS = `${PREFIX}:keys`;
const SETTLED = `${PREFIX}:settled`;
const REPEATS = `${PREFIX}:repeats`;

/** One step: the effect with its key, or a repeat. */
const EFFECT = `
if redis.call('SADD', KEYS[2], ARGV[1]) == 1 then
  redis.call('RPUSH', KEYS[1], ARGV[2])
else
  redis.call('RPUSH', KEYS[1], ARGV[3])
  redis.call('INCR', KEYS[4])
end
return {redis.call('SCARD', KEYS[2]), redis.call('SCARD', KEYS[3]), tonumber(redis.call('GET', KEYS[4]) or 0)}`;

const OUTCOME = `
redis.call('RPUSH', KEYS[1], ARGV[1])
for number = tonumber(ARGV[3]), tonumber(ARGV[4]) do redis.call('SADD', KEYS[3], ARGV[2] .. '/' .. number) end
return {redis.call('SCARD', KEYS[2]), redis.call('SCARD', KEYS[3]), tonumber(redis.call('GET', KEYS[4]) or 0)}`;

const connectTo = (url: string) => createClient({ url });
type RedisClient = ReturnType<typeof connectTo>;

/** A {@link Ledger} that several servers share: each step is one script of a Redis that syncs it. */
export class RedisLedger implements Ledger {
  readonly #client: RedisClient;
  readonly #changed: (counts: LedgerCounts) => void;
  #counts: LedgerCounts = { effects: 0, outcomes: 0, repeats: 0 };

  private constructor(client: RedisClient, changed: (counts: LedgerCounts) => void) {
    this.#client = client;
    this.#changed = changed;
  }

  static async open(url: string, changed: (counts: LedgerCounts) => void = () => undefined): Promise<RedisLedger> {
    const client = connectTo(url);
    client.on('error', () => undefined);
    await client.connect();
    return new RedisLedger(client, changed);
  }

  get counts(): LedgerCounts {
    return this.#counts;
  }

  effect(effect: Effect): Promise<void> {
    const { key, redelivered, at } = effect;
    const repeat: Entry = { type: 'repeat', key, redelivered, at };
    return this.#run(EFFECT, [key, JSON.stringify(effect), JSON.stringify(repeat)]);
  }

  outcome(outcome: OutcomeEntry): Promise<void> {
    const { application, first, last } = outcome;
    return this.#run(OUTCOME, [JSON.stringify(outcome), application, String(first), String(last)]);
  }

  async entries(): Promise<readonly Entry[]> {
    const texts = await this.#client.lRange(ENTRIES, 0, -1);
    return texts.map((text) => JSON.parse(text) as Entry);
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  async #run(script: string, args: string[]): Promise<void> {
    const reply = await this.#client.eval(script, { keys: [ENTRIES, KEYS, SETTLED, REPEATS], arguments: args });
    const [effects = 0, outcomes = 0, repeats = 0] = reply as unknown as number[];
    this.#counts = { effects, outcomes, repeats };
    this.#changed(this.#counts);
  }
}
