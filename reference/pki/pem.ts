import { ConfigError } from '../core/errors.ts';
import { CertificateError } from './certificate-failure.ts';
import { parseCertificate } from './parsed-certificate.ts';
import { x509 } from './x509-library.ts';

/** Labels that RFC 7468 gives to certificates and revocation lists, and older ones that tools still write. */
const CERTIFICATE_LABELS: ReadonlySet<string> = new Set(['CERTIFICATE', 'X509 CERTIFICATE', 'TRUSTED CERTIFICATE']);
const CRL_LABELS: ReadonlySet<string> = new Set(['X509 CRL', 'CRL']);

/** PEM text of one DER object, with a final line feed. */
export function encodePem(label: 'CERTIFICATE' | 'X509 CRL' | 'PRIVATE KEY', der: Uint8Array): string {
  return `${x509.PemConverter.encode(Uint8Array.from(der), label)}\n`;
}

/**
 * The DER certificates of a PEM text, in its order. Other blocks, such as a key in the same file, are passed over.
 *
 * @param pem - PEM text with at least one certificate.
 * @param key - the configuration key to name in an error.
 * @throws ConfigError `HAWSER_ERR_CONFIG_CERTIFICATE_NOT_PEM`, or `HAWSER_ERR_CONFIG_CERTIFICATE_UNREADABLE` for a block
 *   that is no certificate.
 */
export function parseCertificatesPem(pem: string, key: string): Uint8Array[] {
  const found = blocks(pem, CERTIFICATE_LABELS);
  for (const der of found) checkDecodes(der, key);
  if (found.length > 0) return found;
  throw new ConfigError(
    'HAWSER_ERR_CONFIG_CERTIFICATE_NOT_PEM',
    key,
    `${key} holds no PEM certificate: expected "-----BEGIN CERTIFICATE-----". ` +
      'Convert DER with: openssl x509 -inform DER -in FILE -out FILE.pem',
  );
}

/**
 * The DER revocation lists of a PEM text or of one DER file, the form in which authorities publish them.
 *
 * @param content - PEM text, or the octets of a file in either form.
 * @param key - the configuration key to name in an error.
 * @throws ConfigError `HAWSER_ERR_CONFIG_CRL_UNREADABLE`.
 */
export function parseCrls(content: string | Uint8Array, key: string): Uint8Array[] {
  const text = typeof content === 'string' ? content : Buffer.from(content).toString('latin1');
  const found = blocks(text, CRL_LABELS);
  if (!found.every(isCrl)) {
    throw new ConfigError(
      'HAWSER_ERR_CONFIG_CRL_UNREADABLE',
      key,
      `${key} holds a block that does not decode as a certificate revocation list: the file is damaged.`,
    );
  }
  if (found.length > 0) return found;
  if (typeof content !== 'string' && isCrl(content)) return [Uint8Array.from(content)];
  throw new ConfigError(
    'HAWSER_ERR_CONFIG_CRL_UNREADABLE',
    key,
    `${key} holds no certificate revocation list: expected "-----BEGIN X509 CRL-----" or one list in DER.`,
  );
}

function checkDecodes(der: Uint8Array, key: string): void {
  try {
    parseCertificate(der);
  } catch (cause) {
    if (!(cause instanceof CertificateError)) throw cause;
    throw new ConfigError(
      'HAWSER_ERR_CONFIG_CERTIFICATE_UNREADABLE',
      key,
      `${key} holds a block that does not decode as an X.509 certificate: the file is damaged.`,
      { cause },
    );
  }
}

function isCrl(der: Uint8Array): boolean {
  try {
    new x509.X509Crl(Uint8Array.from(der));
    return true;
  } catch {
    return false;
  }
}

function blocks(pem: string, labels: ReadonlySet<string>): Uint8Array[] {
  return x509.PemConverter.decodeWithHeaders(pem)
    .filter(({ type }) => labels.has(type))
    .map(({ rawData }) => new Uint8Array(rawData));
}
