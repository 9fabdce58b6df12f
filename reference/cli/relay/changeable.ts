import type { Trust } from '../../node/index.ts';
import { checkOwnLeaf } from '../../node/connection/own-leaf.ts';
import type { RelayPolicy } from '../../node/relay/relay.ts';
import type { Route } from '../../node/relay/route.ts';
import type { Credential } from '../../pki/index.ts';
import { type EndpointFlags, loadEndpoint } from '../endpoint-options.ts';
import { checkCycle } from './config-references.ts';
import type { RelayConfig } from './config.ts';
import { routesOf } from './routes.ts';
import type { ConfigSource } from './source.ts';

/** What a configuration says that can change while the relay runs. */
export interface Changeable extends Trust {
  readonly credential: Credential;
  readonly routes: readonly Route[];
  readonly policy: RelayPolicy;
}

/**
 * Reads the files that a configuration names, and checks what only they can tell.
 *
 * @throws ConfigError that says what to do.
 */
export async function loadChangeable(source: ConfigSource, config: RelayConfig): Promise<Changeable> {
  const endpoint = await loadEndpoint(endpointFlags(config));
  // Toward its clients it is a server, toward Hawser application ends a client. [RLY-001]
  const { identity } = checkOwnLeaf(endpoint.credential, 'server');
  checkOwnLeaf(endpoint.credential, 'client');
  checkCycle(source.name, config, identity);
  return { ...endpoint, routes: await routesOf(config), policy: source.policyOf(config) };
}

/** The options of an endpoint, of a configuration. */
export function endpointFlags(config: RelayConfig): EndpointFlags {
  const {
    passphrase_file: passphraseFile,
    liveness_interval: livenessInterval,
    max_message_bytes: maxMessageBytes,
    ...files
  } = config;
  return {
    ...files,
    ...(passphraseFile === undefined ? {} : { passphraseFile }),
    ...(livenessInterval === undefined ? {} : { livenessInterval }),
    ...(maxMessageBytes === undefined ? {} : { maxMessageBytes }),
  };
}
