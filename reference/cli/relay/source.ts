import type { RelayPolicy } from '../../node/relay/relay.ts';
import { type RelayConfig, type RelaySettings, completeConfig, readConfig } from './config.ts';
import { policyOf } from './policy.ts';
import { type ApplicationEnd, testPolicy, testRoutes } from './test-mode.ts';

/** Where the configuration comes from. */
export interface ConfigSource {
  /** For messages. */
  readonly name: string;
  readonly testMode: boolean;
  /** Reads it, now as at each reload. */
  read(): RelayConfig;
  policyOf(config: RelayConfig): RelayPolicy;
}

/** A file. */
export function fileSource(path: string, settings: Partial<RelaySettings>): ConfigSource {
  return { name: path, testMode: false, read: () => readConfig(path, settings), policyOf };
}

/** Annex A. */
export function testSource(end: ApplicationEnd, settings: Partial<RelaySettings>): ConfigSource {
  const name = '--test-mode';
  const routes = testRoutes(end, settings.ca ?? []);
  return {
    name,
    testMode: true,
    read: () => completeConfig(name, { ...settings, routes, policy: [] }),
    policyOf: () => testPolicy,
  };
}
