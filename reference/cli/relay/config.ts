import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { ConfigError } from '../../core/index.ts';
import type { Framing, ProxyOption } from '../../node/relay/route.ts';
import { oneLine } from '../failure.ts';
import { readText } from '../files.ts';
import { checkReferences } from './config-references.ts';
import { describeProblem } from './config-problem.ts';
import schema from './config.schema.json' with { type: 'json' };

/** A route to a TCP or TLS peer, as it is written. */
export interface SocketEntry {
  readonly application: string;
  readonly to: string;
  readonly framing: Framing;
  readonly proxy?: ProxyOption;
  readonly server_name?: string;
  readonly ca?: readonly string[];
}

/** A route to a Hawser server, as it is written. */
export interface HawserEntry {
  readonly application: string;
  readonly to: string;
  readonly audience: string;
  readonly ca?: readonly string[];
  readonly crl?: readonly string[];
}

/** A route as it is written. */
export type RouteEntry = SocketEntry | HawserEntry;

/** What one client may open. */
export interface PolicyEntry {
  readonly identity: string;
  readonly applications: readonly string[];
}

/** Keys of the configuration file that an option of the same name can stand for. */
export interface RelaySettings {
  readonly listen: string;
  readonly cert?: string;
  readonly key?: string;
  readonly pfx?: string;
  readonly passphrase_file?: string;
  readonly ca?: readonly string[];
  readonly crl?: readonly string[];
  readonly liveness_interval?: number;
  readonly max_message_bytes?: number;
  readonly store: string;
  readonly retention: number;
  readonly connection_deadline: number;
  readonly drain_deadline: number;
  readonly log_level: string;
}

/** The configuration of a relay, complete with defaults; the schema beside this file says what each key means. */
export interface RelayConfig extends RelaySettings {
  readonly trunk: { readonly store: string; readonly retention: number };
  readonly limits: {
    readonly max_connections: number;
    readonly connect_timeout: number;
    readonly max_hops: number;
    readonly breaker: { readonly failures: number; readonly open_for: number };
    readonly retry: { readonly attempts: number; readonly first_bound: number };
  };
  readonly routes: readonly RouteEntry[];
  readonly policy: readonly PolicyEntry[];
  readonly relays: readonly string[];
}

const validate = new Ajv2020({ strict: true, allErrors: true, useDefaults: true, verbose: true }).compile<RelayConfig>(
  schema,
);

/**
 * Reads a configuration file.
 *
 * @param settings - what options say; it wins.
 * @throws ConfigError that names the file, the place in it, the value and what is allowed.
 */
export function readConfig(path: string, settings: Partial<RelaySettings> = {}): RelayConfig {
  return completeConfig(path, { ...readMapping(path), ...settings });
}

/**
 * Checks a configuration and puts in the defaults.
 *
 * @param source - where it comes from, for the message.
 * @throws as {@link readConfig}.
 */
export function completeConfig(source: string, content: object): RelayConfig {
  const config: unknown = structuredClone(content);
  if (!validate(config)) throw describeProblem(source, validate.errors ?? [], schema);
  checkReferences(source, config);
  return config;
}

function readMapping(path: string): object {
  const text = readText(path, '--config');
  let content: unknown;
  try {
    content = parse(text);
  } catch (cause) {
    const why = oneLine((cause as Error).message);
    throw new ConfigError('HAWSER_ERR_CONFIG_YAML', '--config', `${path} is not YAML: ${why}`, { cause });
  }
  if (content !== null && typeof content === 'object' && !Array.isArray(content)) return content;
  throw new ConfigError('HAWSER_ERR_CONFIG_YAML', '--config', `${path} has to be a mapping of keys to values.`);
}
