import type { KeyObject } from 'node:crypto';
import type { KeyAlgorithm, UnsafeKeyAlgorithm } from './key-pair.ts';
import type { KeyUsageName } from './parsed-certificate.ts';
import type { SignatureHash } from './signing-key.ts';

/** Where an authority takes time and randomness from; with both fixed, what it issues is reproducible. */
export interface AuthorityEnvironment {
  /** The present; the system clock by default. */
  readonly now?: () => Date;
  /** Octets for serial numbers; the system's generator by default. Private keys never come from here. */
  readonly randomBytes?: (size: number) => Uint8Array;
}

/** What certificates of every kind have in common. `null` leaves an extension out. */
export interface CertificateOptions {
  /** Common name of the subject; without it the subject is empty. It is for people: no identity is read from it. */
  readonly commonName?: string;
  /** Five minutes before the authority's present by default. */
  readonly notBefore?: Date;
  /** By default 90 days after `notBefore` for a leaf, ten years for an authority. */
  readonly notAfter?: Date;
  /** `ecdsa-p256` by default. */
  readonly keyAlgorithm?: KeyAlgorithm;
  /** A key outside the profile, for a certificate that has to be refused; wins over `keyAlgorithm`. */
  readonly unsafeKeyAlgorithm?: UnsafeKeyAlgorithm;
  /** An existing private key instead of a new one. */
  readonly privateKey?: KeyObject;
  /** Serial number in hex; 16 random octets by default. */
  readonly serial?: string;
  /** Hash of the issuer's signature; by default as strong as the issuer's key. SHA-1 has to be refused. */
  readonly signatureHash?: SignatureHash;
  readonly uris?: readonly string[];
  readonly dnsNames?: readonly string[];
  /** `clientAuth`, `serverAuth`, `anyExtendedKeyUsage` or object identifiers. */
  readonly extendedKeyUsages?: readonly string[] | null;
  readonly keyUsages?: readonly KeyUsageName[] | null;
  readonly basicConstraints?: { readonly authority: boolean; readonly pathLength?: number } | null;
  readonly extraExtensions?: readonly RawExtension[];
}

/** Options of `issue`. */
export interface IssueOptions extends CertificateOptions {
  /** The extended key usages: clientAuth, serverAuth or both. `extendedKeyUsages` overrides it. */
  readonly role: 'client' | 'server' | 'both';
}

/** Options of `createCertificateAuthority` and `issueAuthority`. */
export interface AuthorityOptions extends CertificateOptions {
  readonly commonName: string;
  /** The most CA certificates that may follow below this one; unlimited by default. */
  readonly pathLength?: number;
}

/** A certificate with its key and the chain to present. */
export interface IssuedCertificate {
  readonly certificateDer: Uint8Array;
  readonly certificatePem: string;
  /** The certificate and every intermediate above it, without the root. */
  readonly chainDer: readonly Uint8Array[];
  readonly chainPem: string;
  readonly privateKey: KeyObject;
  /** The key as unencrypted PKCS #8. */
  readonly privateKeyPem: string;
  /** Serial number in lower-case hex. */
  readonly serial: string;
}

/** An extension given as it shall appear. */
export interface RawExtension {
  /** Object identifier in dotted form. */
  readonly oid: string;
  readonly critical: boolean;
  /** DER of the extension's value. */
  readonly value: Uint8Array;
}

/** Reasons of RFC 5280, section 5.3.1, that concern end entities and authorities here. */
export type RevocationReason =
  | 'unspecified'
  | 'key-compromise'
  | 'ca-compromise'
  | 'affiliation-changed'
  | 'superseded'
  | 'cessation-of-operation'
  | 'certificate-hold';

/** A certificate to list as revoked. */
export interface RevokedCertificate {
  /** Serial number in hex, as `describeCertificate` gives it. */
  readonly serial: string;
  /** When it was revoked; `thisUpdate` by default. */
  readonly date?: Date;
  readonly reason?: RevocationReason;
}

/** What a revocation list shall say. */
export interface CrlOptions {
  readonly revoked?: readonly RevokedCertificate[];
  /** The authority's present by default. */
  readonly thisUpdate?: Date;
  /** Seven days after `thisUpdate` by default; `null` leaves it out, which makes the list unusable. */
  readonly nextUpdate?: Date | null;
  /** CRL number (RFC 5280, section 5.2.3), 1 by default. */
  readonly number?: number;
  readonly signatureHash?: SignatureHash;
  readonly extraExtensions?: readonly RawExtension[];
}

/** A signed revocation list. */
export interface IssuedCrl {
  readonly der: Uint8Array;
  readonly pem: string;
}

/** A certificate authority whose key is in memory: for tests, laboratories and small installations. */
export interface CertificateAuthority {
  readonly certificateDer: Uint8Array;
  /** The certificate as PEM; for a root, the trust anchor to hand out. */
  readonly certificatePem: string;
  /** This certificate and every intermediate above it, without the root; empty for a root. */
  readonly chainDer: readonly Uint8Array[];
  readonly privateKey: KeyObject;

  /** Certificate, intermediates above it and unencrypted private key in one PEM text, for `loadCertificateAuthority`. */
  toPem(): string;

  /**
   * Issues a leaf certificate.
   *
   * @throws HawserError `HAWSER_ERR_MISUSE_*` for contents that no certificate can have.
   */
  issue(options: IssueOptions): Promise<IssuedCertificate>;

  /**
   * Issues the certificate of a subordinate authority and returns that authority.
   *
   * @throws HawserError `HAWSER_ERR_MISUSE_*` for contents that no certificate can have.
   */
  issueAuthority(options: AuthorityOptions): Promise<CertificateAuthority>;

  /** Signs a certificate revocation list; without options an empty one that is valid for seven days. */
  crl(options?: CrlOptions): Promise<IssuedCrl>;
}
