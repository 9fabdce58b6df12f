import type { ConnectionOptions } from 'node:tls';
import type { Signer } from '../../core/index.ts';
import type { Credential } from '../../pki/index.ts';
import { checkOwnLeaf } from '../connection/own-leaf.ts';
import { createSigner } from '../connection/signatures.ts';
import { clientTlsOptions } from '../connection/tls-options.ts';
import type { Trust } from '../connection/trust.ts';

/** With what a client shows who it is, and by what it judges servers: a reload replaces it as a whole. */
export interface Own {
  readonly credential: Credential;
  readonly trust: Trust;
  readonly tls: ConnectionOptions;
  readonly signer: Signer;
  readonly leafHash: Uint8Array;
}

/**
 * Makes once what every connection needs.
 *
 * @throws ConfigError, or an Error of the TLS library, for what can not be used.
 */
export function makeOwn(credential: Credential, { trustAnchors, crls }: Trust): Own {
  const trust = { trustAnchors, crls };
  // First: its errors say what to do, and those of the TLS library do not.
  const { hash: leafHash } = checkOwnLeaf(credential, 'client');
  const tls = clientTlsOptions(credential, trust);
  return { credential, trust, tls, signer: createSigner(credential.privateKey), leafHash };
}
