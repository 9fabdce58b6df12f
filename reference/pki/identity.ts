import { FIELDS } from '../core/registry.gen.ts';
import { type CertificateFailure, CertificateError, refuse } from './certificate-failure.ts';
import { type ParsedCertificate, parseCertificate } from './parsed-certificate.ts';

/** The identity of a peer (chapter 2, section 2.4). Two identities are the same when kind and octets are. */
export interface Identity {
  readonly kind: 'uri' | 'dns';
  /** The name exactly as the certificate spells it. */
  readonly value: string;
}

/** What {@link identityOf} finds. */
export type IdentityResult = { readonly ok: true; readonly identity: Identity } | CertificateFailure;

/**
 * The identity that a leaf certificate states: its one URI, or, where it has no URI, its one DNS name. The common name is
 * never read.
 *
 * Failures: `malformed`, `ambiguous-identity` (several URIs, or none and several DNS names), `no-identity`,
 * `malformed-identity` (empty, longer than an audience may be, or characters beyond printable ASCII).
 *
 * @param der - the DER leaf certificate. It is only read: call this on a certificate whose chain was checked.
 */
export function identityOf(der: Uint8Array): IdentityResult {
  try {
    return checkIdentity(parseCertificate(der));
  } catch (error) {
    if (error instanceof CertificateError) return refuse(error.reason, 0, error.message);
    throw error;
  }
}

/** {@link identityOf} for a parsed certificate; internal to `pki`. [TLS-020] [TLS-021] [TLS-022] */
export function checkIdentity(leaf: ParsedCertificate): IdentityResult {
  const uris = leaf.subjectAltNames.filter(({ type }) => type === 'uri');
  const dnsNames = leaf.subjectAltNames.filter(({ type }) => type === 'dns');
  const [kind, names] = uris.length > 0 ? (['uri', uris] as const) : (['dns', dnsNames] as const);
  const [only, ...others] = names;
  if (only === undefined) {
    return refuse(
      'no-identity',
      0,
      'The leaf certificate has neither a URI nor a DNS name as subject alternative name.',
    );
  }
  if (others.length > 0) {
    const what = kind === 'uri' ? 'URIs' : 'DNS names and no URI';
    return refuse(
      'ambiguous-identity',
      0,
      `The leaf certificate has ${names.length} ${what} where one identity is due.`,
    );
  }
  if (!/^[\x21-\x7e]+$/.test(only.value) || only.value.length > FIELDS.CONNECT.audience.max) {
    const message = 'The identity is empty, too long, or holds characters beyond printable ASCII.';
    return refuse('malformed-identity', 0, message);
  }
  return { ok: true, identity: { kind, value: only.value } };
}
