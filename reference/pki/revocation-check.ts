import { type CertificateFailure, refuse } from './certificate-failure.ts';
import type { CertificationPath } from './certification-path.ts';
import type { ParsedCertificate } from './parsed-certificate.ts';
import type { ParsedCrl } from './parsed-crl.ts';
import { checkSignatureAlgorithm } from './signature-algorithm.ts';

/**
 * `required`: each issuer of the path has a valid list, else the chain is refused. `if-present`: an issuer without any
 * list is passed over; a list that is there has to be valid all the same.
 */
export type RevocationPolicy = 'required' | 'if-present';

/** What {@link checkRevocation} finds. */
export type RevocationResult =
  | {
      readonly ok: true;
      /** When the first of the lists used expires; undefined where none was used. */
      readonly validUntil: Date | undefined;
    }
  | CertificateFailure;

/**
 * Judges every certificate of a path but the anchor by the list of its issuer; internal to `pki`.
 *
 * Order, from the leaf up: `crl-missing`, `crl-unsupported`, `weak-signature`, `unsupported-signature`,
 * `crl-bad-signature`, `crl-not-yet-valid`, `crl-expired`, `revoked`. [TLS-023] [TLS-024] [TLS-025]
 */
export async function checkRevocation(
  path: CertificationPath,
  crls: readonly ParsedCrl[],
  policy: RevocationPolicy,
  now: Date,
): Promise<RevocationResult> {
  let validUntil: Date | undefined;
  for (const [depth, issuer] of path.slice(1).entries()) {
    const certificate = path[depth];
    if (certificate === undefined) break;
    const candidates = crls.filter((crl) => isListOf(crl, issuer));
    if (candidates.length === 0) {
      if (policy === 'if-present') continue;
      return refuse('crl-missing', depth, `There is no revocation list of "${issuer.subject}".`);
    }
    const found = await currentList(candidates, issuer, depth, now);
    if ('ok' in found) return found;
    const revoked = checkNotListed(certificate, found.list, depth);
    if (revoked !== undefined) return revoked;
    if (validUntil === undefined || found.nextUpdate < validUntil) validUntil = found.nextUpdate;
  }
  return { ok: true, validUntil };
}

function isListOf(crl: ParsedCrl, issuer: ParsedCertificate): boolean {
  if (crl.issuerKey !== issuer.subjectKey) return false;
  // An authority that renewed its key signs one list with each.
  return (
    crl.authorityKeyId === undefined || issuer.subjectKeyId === undefined || crl.authorityKeyId === issuer.subjectKeyId
  );
}

/** The newest list that the issuer signed and that has begun, if it has not expired. */
async function currentList(
  candidates: readonly ParsedCrl[],
  issuer: ParsedCertificate,
  depth: number,
  now: Date,
): Promise<{ readonly list: ParsedCrl; readonly nextUpdate: Date } | CertificateFailure> {
  const newestFirst = candidates.toSorted((a, b) => b.thisUpdate.getTime() - a.thisUpdate.getTime());
  let failure: CertificateFailure | undefined;
  for (const list of newestFirst) {
    const unusable = (await checkList(list, issuer, depth)) ?? checkBegun(list, depth, now);
    if (unusable === undefined) return checkNotExpired(list, depth, now);
    failure ??= unusable;
  }
  return failure ?? refuse('crl-missing', depth, `There is no revocation list of "${issuer.subject}".`);
}

async function checkList(
  list: ParsedCrl,
  issuer: ParsedCertificate,
  depth: number,
): Promise<CertificateFailure | undefined> {
  const what = `The revocation list of "${list.issuer}"`;
  if (!list.complete) {
    return refuse(
      'crl-unsupported',
      depth,
      `${what} is a delta, partitioned or indirect list, or has an unknown critical extension.`,
    );
  }
  const weak = checkSignatureAlgorithm(list, depth, what);
  if (weak !== undefined) return weak;
  const mayList = issuer.keyUsages === undefined || issuer.keyUsages.has('cRLSign');
  if (!mayList || !(await list.isSignedBy(issuer))) {
    return refuse('crl-bad-signature', depth, `${what} is not signed by a key that may sign it.`);
  }
  return undefined;
}

function checkBegun(list: ParsedCrl, depth: number, now: Date): CertificateFailure | undefined {
  if (now >= list.thisUpdate) return undefined;
  const from = list.thisUpdate.toISOString();
  return refuse('crl-not-yet-valid', depth, `The revocation list of "${list.issuer}" is valid from ${from}.`);
}

function checkNotExpired(
  list: ParsedCrl,
  depth: number,
  now: Date,
): { readonly list: ParsedCrl; readonly nextUpdate: Date } | CertificateFailure {
  const { nextUpdate } = list;
  if (nextUpdate !== undefined && now <= nextUpdate) return { list, nextUpdate };
  const when = nextUpdate === undefined ? 'does not say when it expires' : `expired at ${nextUpdate.toISOString()}`;
  return refuse('crl-expired', depth, `The revocation list of "${list.issuer}" ${when}.`);
}

function checkNotListed(
  certificate: ParsedCertificate,
  list: ParsedCrl,
  depth: number,
): CertificateFailure | undefined {
  const entry = list.entries.get(certificate.serial);
  if (entry === undefined) return undefined;
  return refuse(
    'revoked',
    depth,
    `The certificate with serial ${certificate.serial} was revoked at ${entry.revokedAt.toISOString()}.`,
  );
}
