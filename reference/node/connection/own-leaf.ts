import { ConfigError } from '../../core/index.ts';
import { type CertificateRole, type Credential, checkLeafProfile } from '../../pki/index.ts';
import { sha256 } from './sha256.ts';

/** The own leaf certificate of an endpoint. */
export interface OwnLeaf {
  readonly identity: string;
  /** SHA-256 of its DER. */
  readonly hash: Uint8Array;
}

/**
 * Checks the own leaf certificate by what every peer will check it by: better to fail at start than at each connection.
 *
 * @throws ConfigError `HAWSER_ERR_CONFIG_CERTIFICATE_MISSING` or `HAWSER_ERR_CONFIG_CERTIFICATE_PROFILE`.
 */
export function checkOwnLeaf(credential: Credential, role: CertificateRole): OwnLeaf {
  const [leaf] = credential.chainDer;
  if (leaf === undefined) {
    throw new ConfigError('HAWSER_ERR_CONFIG_CERTIFICATE_MISSING', 'certificate', 'The credential has no certificate.');
  }
  const found = checkLeafProfile(leaf, role);
  if (found.ok) return { identity: found.identity.value, hash: sha256(leaf) };
  throw new ConfigError(
    'HAWSER_ERR_CONFIG_CERTIFICATE_PROFILE',
    'certificate',
    `The own certificate is not usable as a ${role}: ${found.message} Have one issued that satisfies ${found.requirement}.`,
  );
}
