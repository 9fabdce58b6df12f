import type { KeyObject } from 'node:crypto';
import { LIMITS } from '../core/registry.gen.ts';
import { type CertificateDescription, describe } from './certificate-description.ts';
import { type CertificateFailure, CertificateError, refuse } from './certificate-failure.ts';
import { type CertificationPath, findPaths } from './certification-path.ts';
import type { Identity } from './identity.ts';
import { type CertificateRole, checkLeaf, checkRsaSize } from './leaf-profile.ts';
import { type ParsedCertificate, parseCertificate } from './parsed-certificate.ts';
import { type ParsedCrl, parseCrl } from './parsed-crl.ts';
import { type RevocationPolicy, checkRevocation } from './revocation-check.ts';

/** By what {@link checkChain} judges. */
export interface ChainCheckOptions {
  /** The role in which the peer presented the chain. */
  readonly role: CertificateRole;
  /** DER certificates that are trusted as they are. */
  readonly trustAnchors: readonly Uint8Array[];
  /** DER revocation lists, in any order. */
  readonly crls: readonly Uint8Array[];
  /** The moment for which to judge: the present for a live peer, the recorded time for evidence. */
  readonly now: Date;
  readonly revocation: RevocationPolicy;
}

/** What {@link checkChain} finds. */
export type ChainCheckResult =
  | {
      readonly ok: true;
      readonly identity: Identity;
      /** The key that verifies the signatures of the peer. */
      readonly publicKey: KeyObject;
      /** Leaf first, trust anchor last. */
      readonly path: readonly CertificateDescription[];
      /** When the first certificate of the path expires. */
      readonly certificatesValidUntil: Date;
      /** When the first revocation list used expires; undefined where none was used. */
      readonly crlsValidUntil: Date | undefined;
    }
  | CertificateFailure;

/** The OIDs of critical extensions whose meaning is enforced here or, for a policy list, does not restrict. */
const UNDERSTOOD_EXTENSIONS: ReadonlySet<string> = new Set([
  '2.5.29.14', // subject key identifier
  '2.5.29.15', // key usage
  '2.5.29.17', // subject alternative name
  '2.5.29.19', // basic constraints
  '2.5.29.32', // certificate policies
  '2.5.29.35', // authority key identifier
  '2.5.29.37', // extended key usage
]);

/**
 * Judges the certificate chain of a peer completely: the same verdict for the same chain, lists and time, on line or years
 * later. It does not rely on what the TLS library concluded.
 *
 * Order of checks; the first that fails is the result:
 * 1. the octets: `no-certificate`, `chain-too-long`, `malformed`, `crl-malformed`;
 * 2. the path, from the leaf up: `weak-signature`, `unsupported-signature`, `bad-signature`, `wrong-order`,
 *    `unknown-issuer`;
 * 3. each certificate, from the leaf to the anchor: `not-yet-valid`, `expired`, `unsupported-critical-extension`, and for an
 *    issuer `issuer-is-not-ca`, `issuer-may-not-sign`, `path-too-long`, `wrong-eku`, `weak-key`;
 * 4. the leaf, as `checkLeafProfile` documents;
 * 5. revocation, as {@link RevocationPolicy} says.
 *
 * @param chainDer - the DER certificates as the peer presented them, leaf first; the anchor may be among them.
 * @returns the verdict; it never rejects for anything that a peer presents.
 * @throws CertificateError where a trust anchor, which the caller configured, is malformed.
 */
export async function checkChain(
  chainDer: readonly Uint8Array[],
  options: ChainCheckOptions,
): Promise<ChainCheckResult> {
  const trustAnchors = options.trustAnchors.map(parseCertificate);
  const read = readChain(chainDer, options.crls);
  if ('ok' in read) return read;

  const found = findPaths(read.chain, trustAnchors);
  if (!found.ok) return found;
  const [first, ...others] = found.paths;
  const verdict = await checkPath(first, read.crls, options);
  if (verdict.ok) return verdict;
  for (const path of others) {
    const other = await checkPath(path, read.crls, options);
    if (other.ok) return other;
  }
  return verdict;
}

async function checkPath(
  path: CertificationPath,
  crls: readonly ParsedCrl[],
  options: ChainCheckOptions,
): Promise<ChainCheckResult> {
  for (const [depth, certificate] of path.entries()) {
    const failure =
      checkValidity(certificate, depth, options.now) ??
      checkCriticalExtensions(certificate, depth) ??
      (depth === 0 ? undefined : checkIssuer(path, certificate, depth, options.role));
    if (failure !== undefined) return failure;
  }

  const leaf = checkLeaf(path[0], options.role);
  if (!leaf.ok) return leaf;

  const revocation = await checkRevocation(path, crls, options.revocation, options.now);
  if (!revocation.ok) return revocation;

  return {
    ok: true,
    identity: leaf.identity,
    publicKey: leaf.publicKey,
    path: path.map(describe),
    certificatesValidUntil: new Date(Math.min(...path.map(({ notAfter }) => notAfter.getTime()))),
    crlsValidUntil: revocation.validUntil,
  };
}

function readChain(
  chainDer: readonly Uint8Array[],
  crlsDer: readonly Uint8Array[],
): { readonly chain: [ParsedCertificate, ...ParsedCertificate[]]; readonly crls: ParsedCrl[] } | CertificateFailure {
  const [leafDer, ...othersDer] = chainDer;
  // [TLS-010]
  if (leafDer === undefined) return refuse('no-certificate', 0, 'The peer presented no certificate.');
  // [TLS-019]
  if (chainDer.length > LIMITS.max_chain_certificates) {
    return refuse(
      'chain-too-long',
      0,
      `The chain has ${chainDer.length} certificates; the most is ${LIMITS.max_chain_certificates}.`,
    );
  }
  try {
    return { chain: [parseCertificate(leafDer), ...othersDer.map(parseCertificate)], crls: crlsDer.map(parseCrl) };
  } catch (error) {
    if (error instanceof CertificateError) return refuse(error.reason, 0, error.message);
    throw error;
  }
}

// [TLS-012]
function checkValidity(certificate: ParsedCertificate, depth: number, now: Date): CertificateFailure | undefined {
  if (now < certificate.notBefore) {
    return refuse('not-yet-valid', depth, `The certificate is valid from ${certificate.notBefore.toISOString()}.`);
  }
  if (now > certificate.notAfter) {
    return refuse('expired', depth, `The certificate expired at ${certificate.notAfter.toISOString()}.`);
  }
  return undefined;
}

// RFC 5280, section 4.2: an extension that is critical and not understood refuses the certificate. [TLS-028]
function checkCriticalExtensions(certificate: ParsedCertificate, depth: number): CertificateFailure | undefined {
  const unknown = certificate.criticalExtensions.find((oid) => !UNDERSTOOD_EXTENSIONS.has(oid));
  if (unknown === undefined) return undefined;
  return refuse(
    'unsupported-critical-extension',
    depth,
    `The certificate has the critical extension ${unknown}, which is not supported.`,
  );
}

// [TLS-016]
function checkIssuer(
  path: CertificationPath,
  issuer: ParsedCertificate,
  depth: number,
  role: CertificateRole,
): CertificateFailure | undefined {
  if (issuer.basicConstraints?.authority !== true) {
    return refuse('issuer-is-not-ca', depth, `"${issuer.subject}" issued a certificate and is not a CA.`);
  }
  if (issuer.keyUsages !== undefined && !issuer.keyUsages.has('keyCertSign')) {
    return refuse('issuer-may-not-sign', depth, `The key usage of "${issuer.subject}" lacks keyCertSign.`);
  }
  return checkPathLength(path, issuer, depth) ?? checkIssuerUsage(issuer, depth, role) ?? checkRsaSize(issuer, depth);
}

function checkPathLength(
  path: CertificationPath,
  issuer: ParsedCertificate,
  depth: number,
): CertificateFailure | undefined {
  const limit = issuer.basicConstraints?.pathLength;
  if (limit === undefined) return undefined;
  // RFC 5280, section 4.2.1.9: self-issued certificates (a renewed key) do not count.
  const below = path.slice(1, depth).filter(({ subjectKey, issuerKey }) => subjectKey !== issuerKey).length;
  if (below <= limit) return undefined;
  return refuse(
    'path-too-long',
    depth,
    `"${issuer.subject}" allows ${limit} CA certificates below it; there are ${below}.`,
  );
}

// An extended key usage in a CA certificate limits what it may issue for; TLS libraries judge alike. [TLS-016]
function checkIssuerUsage(
  issuer: ParsedCertificate,
  depth: number,
  role: CertificateRole,
): CertificateFailure | undefined {
  const wanted = role === 'client' ? 'clientAuth' : 'serverAuth';
  const usages = issuer.extendedKeyUsages;
  if (usages === undefined || usages.includes(wanted) || usages.includes('anyExtendedKeyUsage')) return undefined;
  return refuse('wrong-eku', depth, `The CA "${issuer.subject}" may not issue for ${wanted}.`, role);
}
