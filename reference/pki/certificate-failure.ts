import { HawserError } from '../core/errors.ts';

/**
 * Why a certificate, a chain or a revocation list is refused. The list is closed; each reason leads to the requirement
 * that demands the refusal through {@link requirementOf}.
 */
export type ChainFailureReason =
  | 'no-certificate'
  | 'malformed'
  | 'chain-too-long'
  | 'wrong-order'
  | 'unknown-issuer'
  | 'weak-signature'
  | 'unsupported-signature'
  | 'bad-signature'
  | 'not-yet-valid'
  | 'expired'
  | 'unsupported-critical-extension'
  | 'issuer-is-not-ca'
  | 'issuer-may-not-sign'
  | 'path-too-long'
  | 'leaf-is-ca'
  | 'unsupported-key'
  | 'weak-key'
  | 'missing-digital-signature'
  | 'wrong-eku'
  | 'no-identity'
  | 'ambiguous-identity'
  | 'malformed-identity'
  | 'crl-missing'
  | 'crl-malformed'
  | 'crl-unsupported'
  | 'crl-bad-signature'
  | 'crl-not-yet-valid'
  | 'crl-expired'
  | 'revoked';

/** A refusal: the first check that failed, in the order that {@link checkChain} and {@link checkLeafProfile} document. */
export interface CertificateFailure {
  readonly ok: false;
  readonly reason: ChainFailureReason;
  /** Id of the requirement in chapter 2 of the specification that demands the refusal. */
  readonly requirement: string;
  /** Which certificate of the path: 0 is the leaf, 1 its issuer, and so on. */
  readonly depth: number;
  /** One sentence for a log or a person. It may name the peer's certificate and is not for the peer. */
  readonly message: string;
}

/** A certificate or revocation list given by the local caller can not be read (`HAWSER_ERR_TRANSPORT_CERTIFICATE`). */
export class CertificateError extends HawserError {
  readonly reason: ChainFailureReason;

  constructor(reason: ChainFailureReason, message: string, cause?: unknown) {
    super('HAWSER_ERR_TRANSPORT_CERTIFICATE', message, { cause });
    this.reason = reason;
  }
}

const REQUIREMENTS: Readonly<Record<ChainFailureReason, string>> = {
  'no-certificate': 'TLS-010',
  malformed: 'TLS-011',
  'chain-too-long': 'TLS-019',
  'wrong-order': 'TLS-011',
  'unknown-issuer': 'TLS-011',
  'weak-signature': 'TLS-018',
  'unsupported-signature': 'TLS-011',
  'bad-signature': 'TLS-011',
  'not-yet-valid': 'TLS-012',
  expired: 'TLS-012',
  'unsupported-critical-extension': 'TLS-028',
  'issuer-is-not-ca': 'TLS-016',
  'issuer-may-not-sign': 'TLS-016',
  'path-too-long': 'TLS-016',
  'leaf-is-ca': 'TLS-015',
  'unsupported-key': 'TLS-017',
  'weak-key': 'TLS-017',
  'missing-digital-signature': 'TLS-015',
  'wrong-eku': 'TLS-013',
  'no-identity': 'TLS-021',
  'ambiguous-identity': 'TLS-021',
  'malformed-identity': 'TLS-021',
  'crl-missing': 'TLS-025',
  'crl-malformed': 'TLS-025',
  'crl-unsupported': 'TLS-025',
  'crl-bad-signature': 'TLS-025',
  'crl-not-yet-valid': 'TLS-025',
  'crl-expired': 'TLS-025',
  revoked: 'TLS-024',
};

/** Every {@link ChainFailureReason}, for tables and exhaustive tests. */
export const CHAIN_FAILURE_REASONS: readonly ChainFailureReason[] = Object.keys(REQUIREMENTS) as ChainFailureReason[];

/**
 * The requirement that demands a refusal.
 *
 * @param reason - the refusal.
 * @param role - the role of the peer; the extended key usage is a requirement of its own for each role.
 * @param depth - which certificate of the path; a weak key of an issuer is a requirement of its own.
 */
export function requirementOf(
  reason: ChainFailureReason,
  role: 'client' | 'server' = 'client',
  depth: number = 0,
): string {
  if (reason === 'wrong-eku' && depth > 0) return 'TLS-016';
  if (reason === 'wrong-eku' && role === 'server') return 'TLS-014';
  if (reason === 'weak-key' && depth > 0) return 'TLS-029';
  return REQUIREMENTS[reason];
}

/** Builds a refusal; internal to `pki`. */
export function refuse(
  reason: ChainFailureReason,
  depth: number,
  message: string,
  role: 'client' | 'server' = 'client',
): CertificateFailure {
  return { ok: false, reason, requirement: requirementOf(reason, role, depth), depth, message };
}
