import { keyAlgorithmOf, rsaBitsOf } from './key-algorithm.ts';
import {
  type KeyUsageName,
  type ParsedCertificate,
  type SubjectAltName,
  parseCertificate,
} from './parsed-certificate.ts';

/** A certificate as plain data, for logs, reports and policies. */
export interface CertificateDescription {
  /** Distinguished names in the text form of RFC 4514. */
  readonly subject: string;
  readonly issuer: string;
  /** Serial number in lower-case hex, two digits per octet, without a leading zero octet. */
  readonly serial: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly subjectAltNames: readonly SubjectAltName[];
  /** `clientAuth`, `serverAuth`, `anyExtendedKeyUsage` or an object identifier; undefined without the extension. */
  readonly extendedKeyUsages: readonly string[] | undefined;
  /** Undefined without the extension. */
  readonly keyUsages: readonly KeyUsageName[] | undefined;
  /** True where the basic constraints say CA. */
  readonly authority: boolean;
  /** Path length constraint of a CA certificate. */
  readonly pathLength: number | undefined;
  /** `ecdsa-p256`, `ecdsa-p384`, `ed25519`, `rsa`, or the name of a key outside the profile. */
  readonly keyAlgorithm: string;
  /** Size of an RSA modulus in bits. */
  readonly rsaBits: number | undefined;
  /** Algorithm and hash of the issuer's signature, such as `ECDSA SHA-256`, or its object identifier. */
  readonly signatureAlgorithm: string;
  /** SHA-256 of the certificate in lower-case hex. */
  readonly sha256: string;
}

/**
 * Describes a certificate.
 *
 * @param der - the DER certificate.
 * @throws CertificateError where the octets are not exactly one DER certificate.
 */
export function describeCertificate(der: Uint8Array): CertificateDescription {
  return describe(parseCertificate(der));
}

/** The plain data of a parsed certificate; internal to `pki`. */
export function describe(certificate: ParsedCertificate): CertificateDescription {
  return {
    subject: certificate.subject,
    issuer: certificate.issuer,
    serial: certificate.serial,
    notBefore: certificate.notBefore,
    notAfter: certificate.notAfter,
    subjectAltNames: certificate.subjectAltNames,
    extendedKeyUsages: certificate.extendedKeyUsages,
    keyUsages: certificate.keyUsages === undefined ? undefined : [...certificate.keyUsages],
    authority: certificate.basicConstraints?.authority ?? false,
    pathLength: certificate.basicConstraints?.pathLength,
    keyAlgorithm: keyAlgorithmOf(certificate.publicKey),
    rsaBits: rsaBitsOf(certificate.publicKey),
    signatureAlgorithm: certificate.signatureAlgorithm,
    sha256: certificate.sha256,
  };
}
