import { ConfigError } from '../../core/index.ts';
import type { Log } from '../../node/index.ts';
import type { Relay } from '../../node/relay/relay.ts';
import { loadChangeable } from './changeable.ts';
import type { RelayConfig } from './config.ts';
import type { ConfigSource } from './source.ts';

/** Keys that can change while the relay runs. */
const CHANGEABLE: ReadonlySet<string> = new Set<keyof RelayConfig>([
  'cert',
  'key',
  'pfx',
  'passphrase_file',
  'ca',
  'crl',
  'routes',
  'policy',
  'relays',
]);

/** Puts a changed configuration in force: as a whole, or not at all. No session ends for it. */
export class Reloader {
  readonly #source: ConfigSource;
  readonly #relay: Pick<Relay, 'reload'>;
  readonly #log: Log;
  #inForce: RelayConfig;
  #last: Promise<void> = Promise.resolve();

  constructor(source: ConfigSource, inForce: RelayConfig, relay: Pick<Relay, 'reload'>, log: Log) {
    this.#source = source;
    this.#inForce = inForce;
    this.#relay = relay;
    this.#log = log;
  }

  /** Reads everything again, after the reload before. What can not be used is logged, and changes nothing. */
  reload(): Promise<void> {
    this.#last = this.#last.then(() => this.#apply());
    return this.#last;
  }

  async #apply(): Promise<void> {
    try {
      const config = this.#source.read();
      this.#checkFixed(config);
      await this.#relay.reload(await loadChangeable(this.#source, config));
      this.#inForce = config;
      const { routes, policy, relays } = config;
      const counts = { routes: routes.length, identities: policy.length, relays: relays.length };
      this.#log.info(counts, 'routes and policy reloaded');
    } catch (error) {
      this.#log.error({ err: error }, 'reload failed: the configuration in force stays');
    }
  }

  #checkFixed(config: RelayConfig): void {
    for (const key of Object.keys({ ...this.#inForce, ...config }) as (keyof RelayConfig)[]) {
      const [before, after] = [this.#inForce[key], config[key]].map((value) => JSON.stringify(value));
      if (CHANGEABLE.has(key) || before === after) continue;
      const text = `${key} can not change while the relay runs: restart it, or put back what was there.`;
      throw new ConfigError('HAWSER_ERR_CONFIG_NEEDS_RESTART', key, `${this.#source.name}: ${text}`);
    }
  }
}
