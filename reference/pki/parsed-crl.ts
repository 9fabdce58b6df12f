import { BoundedCache } from './bounded-cache.ts';
import { CertificateError } from './certificate-failure.ts';
import { type ParsedCertificate, nameKey } from './parsed-certificate.ts';
import { sha256Hex } from './sha256.ts';
import { x509 } from './x509-library.ts';

/** One entry of a revocation list. */
export interface CrlEntry {
  readonly revokedAt: Date;
  /** Reason code of RFC 5280, section 5.3.1. */
  readonly reasonCode: number | undefined;
}

/** The facts of a revocation list that the checks read; internal to `pki`. */
export interface ParsedCrl {
  readonly issuer: string;
  readonly issuerKey: string;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date | undefined;
  readonly signatureAlgorithm: string;
  readonly signatureHash: string | undefined;
  readonly authorityKeyId: string | undefined;
  /** Delta lists, partitioned lists and entries of other issuers say less than a complete list: they are not read. */
  readonly complete: boolean;
  readonly entries: ReadonlyMap<string, CrlEntry>;
  isSignedBy(issuer: ParsedCertificate): Promise<boolean>;
}

const DELTA_CRL_INDICATOR = '2.5.29.27';
const ISSUING_DISTRIBUTION_POINT = '2.5.29.28';

const cache = new BoundedCache<ParsedCrl>(64);

/**
 * Reads a revocation list once and keeps the result by its hash.
 *
 * @throws CertificateError with the reason `crl-malformed`.
 */
export function parseCrl(der: Uint8Array): ParsedCrl {
  return cache.get(sha256Hex(der), () => {
    try {
      return readCrl(Uint8Array.from(der));
    } catch (cause) {
      throw new CertificateError('crl-malformed', 'The octets are not a certificate revocation list.', cause);
    }
  });
}

function readCrl(der: Uint8Array<ArrayBuffer>): ParsedCrl {
  const crl = new x509.X509Crl(der);
  const { name: signatureName, hash } = crl.signatureAlgorithm as { name: string; hash?: { name: string } };
  const signedBy = new Map<string, Promise<boolean>>();
  return {
    issuer: crl.issuer,
    issuerKey: nameKey(crl.issuerName),
    thisUpdate: crl.thisUpdate,
    nextUpdate: crl.nextUpdate,
    signatureAlgorithm: hash === undefined ? signatureName : `${signatureName} ${hash.name}`,
    signatureHash: hash?.name,
    authorityKeyId: crl.getExtension(x509.AuthorityKeyIdentifierExtension)?.keyId,
    complete: isComplete(crl),
    entries: new Map(
      crl.entries.map((entry) => [entry.serialNumber, { revokedAt: entry.revocationDate, reasonCode: entry.reason }]),
    ),
    isSignedBy: (issuer) => {
      let verdict = signedBy.get(issuer.sha256);
      if (verdict === undefined) {
        verdict = verifyCrl(crl, issuer);
        signedBy.set(issuer.sha256, verdict);
      }
      return verdict;
    },
  };
}

function isComplete(crl: x509.X509Crl): boolean {
  return (
    crl.extensions.every(
      ({ type, critical }) => !critical && type !== DELTA_CRL_INDICATOR && type !== ISSUING_DISTRIBUTION_POINT,
    ) && crl.entries.every(({ extensions }) => extensions.every(({ critical }) => !critical))
  );
}

async function verifyCrl(crl: x509.X509Crl, issuer: ParsedCertificate): Promise<boolean> {
  const spki = issuer.publicKey.export({ type: 'spki', format: 'der' });
  try {
    return await crl.verify({ publicKey: new x509.PublicKey(Uint8Array.from(spki)) });
  } catch {
    // The library throws where key, algorithm and signature do not fit together: such a signature does not verify.
    return false;
  }
}
