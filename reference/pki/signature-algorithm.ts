import { type CertificateFailure, refuse } from './certificate-failure.ts';

/** Hashes that no signature in a chain may use, and the algorithms that imply one of them. */
const WEAK: ReadonlySet<string> = new Set([
  'SHA-1',
  '1.2.840.113549.1.1.2', // md2WithRSAEncryption
  '1.2.840.113549.1.1.3', // md4WithRSAEncryption
  '1.2.840.113549.1.1.4', // md5WithRSAEncryption
  '1.2.840.10040.4.3', // dsa-with-sha1
  '1.3.14.3.2.29', // sha1WithRSASignature
]);
const STRONG: ReadonlySet<string> = new Set(['SHA-256', 'SHA-384', 'SHA-512', 'Ed25519']);

/**
 * Judges the algorithm of a signature before the signature itself; internal to `pki`. [TLS-018]
 *
 * @param signed - the signed object: its algorithm as text and, where the algorithm has one, its hash.
 * @param what - the signed object in words.
 */
export function checkSignatureAlgorithm(
  signed: { readonly signatureAlgorithm: string; readonly signatureHash: string | undefined },
  depth: number,
  what: string,
): CertificateFailure | undefined {
  const decisive = signed.signatureHash ?? signed.signatureAlgorithm;
  if (STRONG.has(decisive)) return undefined;
  if (WEAK.has(decisive)) {
    return refuse('weak-signature', depth, `${what} is signed with ${signed.signatureAlgorithm}, which can be forged.`);
  }
  return refuse(
    'unsupported-signature',
    depth,
    `${what} is signed with ${signed.signatureAlgorithm}, which is not supported.`,
  );
}
