import type { KeyObject } from 'node:crypto';
import { LIMITS } from '../core/registry.gen.ts';
import { type CertificateDescription, describe } from './certificate-description.ts';
import { type CertificateFailure, CertificateError, refuse } from './certificate-failure.ts';
import { type Identity, checkIdentity } from './identity.ts';
import { keyAlgorithmOf, rsaBitsOf } from './key-algorithm.ts';
import { type ParsedCertificate, parseCertificate } from './parsed-certificate.ts';

/** The role in which a peer presents its certificate. */
export type CertificateRole = 'client' | 'server';

/** What {@link checkLeafProfile} finds. */
export type LeafProfileResult =
  | {
      readonly ok: true;
      readonly identity: Identity;
      readonly leaf: CertificateDescription;
      /** The key that verifies the signatures of the peer. */
      readonly publicKey: KeyObject;
    }
  | CertificateFailure;

type LeafCheck = (leaf: ParsedCertificate, role: CertificateRole) => CertificateFailure | undefined;

/** In this order; the identity follows last. */
const LEAF_CHECKS: readonly LeafCheck[] = [
  checkNotAuthority,
  checkLeafKey,
  checkDigitalSignature,
  checkExtendedKeyUsage,
];

/**
 * Checks what chapter 2 of the specification asks of a leaf certificate, apart from its chain. It reads no clock and
 * verifies no signature: `checkChain` does.
 *
 * Order: `malformed`, `leaf-is-ca`, `unsupported-key`, `weak-key`, `missing-digital-signature`, `wrong-eku`, then the
 * failures of {@link identityOf}.
 *
 * @param der - the DER leaf certificate.
 * @param role - the role in which the peer presents it.
 */
export function checkLeafProfile(der: Uint8Array, role: CertificateRole): LeafProfileResult {
  try {
    return checkLeaf(parseCertificate(der), role);
  } catch (error) {
    if (error instanceof CertificateError) return refuse(error.reason, 0, error.message);
    throw error;
  }
}

/** {@link checkLeafProfile} for a parsed certificate; internal to `pki`. */
export function checkLeaf(leaf: ParsedCertificate, role: CertificateRole): LeafProfileResult {
  for (const check of LEAF_CHECKS) {
    const failure = check(leaf, role);
    if (failure !== undefined) return failure;
  }
  const found = checkIdentity(leaf);
  if (!found.ok) return found;
  return { ok: true, identity: found.identity, leaf: describe(leaf), publicKey: leaf.publicKey };
}

// [TLS-015]
function checkNotAuthority(leaf: ParsedCertificate): CertificateFailure | undefined {
  if (leaf.basicConstraints?.authority !== true) return undefined;
  return refuse('leaf-is-ca', 0, 'The leaf certificate is a CA certificate.');
}

// [TLS-017]
function checkLeafKey(leaf: ParsedCertificate): CertificateFailure | undefined {
  const algorithm = keyAlgorithmOf(leaf.publicKey);
  switch (algorithm) {
    case 'ecdsa-p256':
    case 'ecdsa-p384':
    case 'ed25519':
      return undefined;
    case 'rsa':
      return checkRsaSize(leaf, 0) ?? checkRsaSignature(leaf);
    default:
      return refuse('unsupported-key', 0, `The leaf key is ${algorithm}, which is outside the profile.`);
  }
}

/** An RSA key of any certificate in the path has the least size; internal to `pki`. [TLS-017] [TLS-029] */
export function checkRsaSize(certificate: ParsedCertificate, depth: number): CertificateFailure | undefined {
  const bits = rsaBitsOf(certificate.publicKey);
  if (bits === undefined || bits >= LIMITS.min_rsa_bits) return undefined;
  return refuse('weak-key', depth, `The RSA key has ${bits} bits; the least is ${LIMITS.min_rsa_bits}.`);
}

// A longer signature does not fit into its field. [TLS-017]
function checkRsaSignature(leaf: ParsedCertificate): CertificateFailure | undefined {
  const bits = rsaBitsOf(leaf.publicKey) ?? 0;
  if (bits <= LIMITS.max_rsa_bits) return undefined;
  return refuse('unsupported-key', 0, `The RSA key has ${bits} bits; the most is ${LIMITS.max_rsa_bits}.`);
}

// [TLS-015]
function checkDigitalSignature(leaf: ParsedCertificate): CertificateFailure | undefined {
  if (leaf.keyUsages === undefined || leaf.keyUsages.has('digitalSignature')) return undefined;
  return refuse('missing-digital-signature', 0, 'The key usage of the leaf certificate lacks digitalSignature.');
}

// [TLS-013] [TLS-014]
function checkExtendedKeyUsage(leaf: ParsedCertificate, role: CertificateRole): CertificateFailure | undefined {
  const wanted = role === 'client' ? 'clientAuth' : 'serverAuth';
  if (leaf.extendedKeyUsages?.includes(wanted) === true) return undefined;
  return refuse('wrong-eku', 0, `The leaf certificate does not carry the extended key usage ${wanted}.`, role);
}
