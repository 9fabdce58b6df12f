import { type CertificateFailure, refuse } from './certificate-failure.ts';
import type { ParsedCertificate } from './parsed-certificate.ts';
import { checkSignatureAlgorithm } from './signature-algorithm.ts';

/** Leaf first, trust anchor last; each certificate is signed by the next. */
export type CertificationPath = readonly [ParsedCertificate, ...ParsedCertificate[]];

/**
 * Leads a presented chain, leaf first, to trust anchors and verifies each signature on the way; internal to `pki`.
 *
 * Several anchors may have signed the same certificate (a renewed root), and an anchor may stand among what is presented:
 * each gives a path of its own, the shortest first, of which one that satisfies the profile is enough (section 2.3).
 * Failures: `weak-signature`, `unsupported-signature`, `bad-signature`, `wrong-order`, `unknown-issuer`. [TLS-011] [TLS-018]
 */
export function findPaths(
  chain: readonly [ParsedCertificate, ...ParsedCertificate[]],
  trustAnchors: readonly ParsedCertificate[],
): { readonly ok: true; readonly paths: readonly [CertificationPath, ...CertificationPath[]] } | CertificateFailure {
  const [leaf, ...intermediates] = chain;
  const paths: CertificationPath[] = [];
  const ended = (failure: CertificateFailure): ReturnType<typeof findPaths> => {
    const [first, ...others] = paths;
    return first === undefined ? failure : { ok: true, paths: [first, ...others] };
  };
  const path: [ParsedCertificate, ...ParsedCertificate[]] = [leaf];
  let current = leaf;
  for (;;) {
    const depth = path.length - 1;
    const weak = checkSignatureAlgorithm(current, depth, `The certificate ${quote(current.subject)}`);
    if (weak !== undefined) return ended(weak);

    // An authority that renewed its key has several anchors of one name.
    const namedAnchors = trustAnchors.filter((anchor) => anchor.subjectKey === current.issuerKey);
    const anchors = namedAnchors.filter((candidate) => isSigned(current, candidate));
    paths.push(...anchors.map((anchor): CertificationPath => [...path, anchor]));

    const next = intermediates[depth];
    if (next?.subjectKey !== current.issuerKey) {
      return ended(missingIssuer(current, depth, intermediates, namedAnchors.length > 0));
    }
    if (!isSigned(current, next)) return ended(badSignature(current, depth));
    // An anchor that was presented: its path is there already.
    if (anchors.some(({ sha256 }) => sha256 === next.sha256)) return ended(badSignature(current, depth));
    path.push(next);
    current = next;
  }
}

function missingIssuer(
  current: ParsedCertificate,
  depth: number,
  intermediates: readonly ParsedCertificate[],
  anchorOfThatName: boolean,
): CertificateFailure {
  if (anchorOfThatName) return badSignature(current, depth);
  if (intermediates.slice(depth + 1).some(({ subjectKey }) => subjectKey === current.issuerKey)) {
    return refuse('wrong-order', depth, 'The certificates are not in the order leaf, issuer of the leaf, and so on.');
  }
  return refuse(
    'unknown-issuer',
    depth,
    `The issuer ${quote(current.issuer)} is neither presented nor a trust anchor.`,
  );
}

function badSignature(current: ParsedCertificate, depth: number): CertificateFailure {
  return refuse(
    'bad-signature',
    depth,
    `${quote(current.issuer)} did not sign ${quote(current.subject)} with the key it is known by.`,
  );
}

function isSigned(certificate: ParsedCertificate, issuer: ParsedCertificate): boolean {
  try {
    return certificate.isSignedBy(issuer);
  } catch {
    // OpenSSL throws where key and algorithm do not fit together: such a signature does not verify.
    return false;
  }
}

function quote(name: string): string {
  return name === '' ? '(empty subject)' : `"${name}"`;
}
