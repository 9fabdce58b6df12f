import { X509Certificate, type KeyObject } from 'node:crypto';
import { BoundedCache } from './bounded-cache.ts';
import { CertificateError } from './certificate-failure.ts';
import { sha256Hex } from './sha256.ts';
import { x509 } from './x509-library.ts';

/** One subject alternative name, as text. */
export interface SubjectAltName {
  readonly type: 'uri' | 'dns' | 'ip' | 'email' | 'other';
  readonly value: string;
}

/** The facts of a certificate that the checks read; internal to `pki`, shared between callers and never changed. */
export interface ParsedCertificate {
  readonly der: Uint8Array;
  readonly sha256: string;
  readonly serial: string;
  readonly subject: string;
  readonly issuer: string;
  /** DER of the names in hex: equal names are equal octets. */
  readonly subjectKey: string;
  readonly issuerKey: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly publicKey: KeyObject;
  readonly signatureAlgorithm: string;
  readonly signatureHash: string | undefined;
  readonly subjectAltNames: readonly SubjectAltName[];
  readonly keyUsages: ReadonlySet<KeyUsageName> | undefined;
  readonly extendedKeyUsages: readonly string[] | undefined;
  readonly basicConstraints: { readonly authority: boolean; readonly pathLength: number | undefined } | undefined;
  readonly subjectKeyId: string | undefined;
  readonly criticalExtensions: readonly string[];
  /** OpenSSL's verdict on the signature, made with the key of `issuer`; computed once for each issuer. */
  isSignedBy(issuer: ParsedCertificate): boolean;
}

/** Issuers whose signature on a certificate is remembered: a peer can present any number of them. */
const KNOWN_ISSUERS = 8;

/** Key usages by the names of RFC 5280, section 4.2.1.3. */
export const KEY_USAGE_BITS = {
  digitalSignature: 0x001,
  nonRepudiation: 0x002,
  keyEncipherment: 0x004,
  dataEncipherment: 0x008,
  keyAgreement: 0x010,
  keyCertSign: 0x020,
  cRLSign: 0x040,
} as const;

/** Name of a key usage (RFC 5280, section 4.2.1.3). */
export type KeyUsageName = keyof typeof KEY_USAGE_BITS;

const EXTENDED_KEY_USAGE_NAMES: ReadonlyMap<string, string> = new Map([
  ['1.3.6.1.5.5.7.3.1', 'serverAuth'],
  ['1.3.6.1.5.5.7.3.2', 'clientAuth'],
  ['2.5.29.37.0', 'anyExtendedKeyUsage'],
]);

const SAN_TYPES: ReadonlyMap<string, SubjectAltName['type']> = new Map([
  [x509.URL, 'uri'],
  [x509.DNS, 'dns'],
  [x509.IP, 'ip'],
  [x509.EMAIL, 'email'],
]);

const cache = new BoundedCache<ParsedCertificate>(512);

/**
 * Reads a certificate once and keeps the result by its hash.
 *
 * @throws CertificateError with the reason `malformed`.
 */
export function parseCertificate(der: Uint8Array): ParsedCertificate {
  const sha256 = sha256Hex(der);
  return cache.get(sha256, () => {
    try {
      return readCertificate(Uint8Array.from(der), sha256);
    } catch (cause) {
      if (cause instanceof CertificateError) throw cause;
      throw new CertificateError('malformed', 'The octets are not an X.509 certificate.', cause);
    }
  });
}

function readCertificate(der: Uint8Array, sha256: string): ParsedCertificate {
  const native = new X509Certificate(der);
  const signedBy = new BoundedCache<boolean>(KNOWN_ISSUERS);
  // OpenSSL would take PEM, and ignores what follows: only the very octets are the certificate.
  if (!native.raw.equals(der)) {
    throw new CertificateError('malformed', 'The octets are not exactly one DER certificate.');
  }
  const certificate = new x509.X509Certificate(der);
  const oids = certificate.extensions.map((extension) => extension.type);
  if (new Set(oids).size !== oids.length) {
    throw new CertificateError('malformed', 'The certificate carries an extension twice.');
  }
  const keyUsage = certificate.getExtension(x509.KeyUsagesExtension);
  const extendedKeyUsage = certificate.getExtension(x509.ExtendedKeyUsageExtension);
  const constraints = certificate.getExtension(x509.BasicConstraintsExtension);
  const altNames = certificate.getExtension(x509.SubjectAlternativeNameExtension);
  const { name: signatureName, hash } = certificate.signatureAlgorithm as { name: string; hash?: { name: string } };
  return {
    der,
    sha256,
    serial: certificate.serialNumber,
    subject: certificate.subject,
    issuer: certificate.issuer,
    subjectKey: nameKey(certificate.subjectName),
    issuerKey: nameKey(certificate.issuerName),
    notBefore: certificate.notBefore,
    notAfter: certificate.notAfter,
    publicKey: native.publicKey,
    signatureAlgorithm: hash === undefined ? signatureName : `${signatureName} ${hash.name}`,
    signatureHash: hash?.name,
    subjectAltNames: (altNames?.names.items ?? []).map(({ type, value }) => ({
      type: SAN_TYPES.get(type) ?? 'other',
      value,
    })),
    keyUsages: keyUsage === null ? undefined : keyUsageNames(keyUsage.usages),
    extendedKeyUsages: extendedKeyUsage?.usages.map(String).map((oid) => EXTENDED_KEY_USAGE_NAMES.get(oid) ?? oid),
    basicConstraints:
      constraints === null ? undefined : { authority: constraints.ca, pathLength: constraints.pathLength },
    subjectKeyId: certificate.getExtension(x509.SubjectKeyIdentifierExtension)?.keyId,
    criticalExtensions: certificate.extensions.filter(({ critical }) => critical).map(({ type }) => type),
    isSignedBy: (issuer) => signedBy.get(issuer.sha256, () => native.verify(issuer.publicKey)),
  };
}

/** DER of a distinguished name in hex. */
export function nameKey(name: { toArrayBuffer(): ArrayBuffer }): string {
  return Buffer.from(name.toArrayBuffer()).toString('hex');
}

function keyUsageNames(bits: number): ReadonlySet<KeyUsageName> {
  const names = Object.keys(KEY_USAGE_BITS) as KeyUsageName[];
  return new Set(names.filter((name) => (bits & KEY_USAGE_BITS[name]) !== 0));
}
