import type { KeyObject } from 'node:crypto';
import type { CrlOptions, IssuedCrl, RevocationReason } from './authority-types.ts';
import { toExtension } from './certificate-extensions.ts';
import { encodePem } from './pem.ts';
import { toSigningKey } from './signing-key.ts';
import { x509 } from './x509-library.ts';

const REASON_CODES: Readonly<Record<RevocationReason, x509.X509CrlReason>> = {
  unspecified: x509.X509CrlReason.unspecified,
  'key-compromise': x509.X509CrlReason.keyCompromise,
  'ca-compromise': x509.X509CrlReason.cACompromise,
  'affiliation-changed': x509.X509CrlReason.affiliationChanged,
  superseded: x509.X509CrlReason.superseded,
  'cessation-of-operation': x509.X509CrlReason.cessationOfOperation,
  'certificate-hold': x509.X509CrlReason.certificateHold,
};

const SEVEN_DAYS_MS = 7 * 24 * 60 * 60 * 1000;

/** Signs a revocation list; internal to `pki`, see {@link CertificateAuthority.crl}. */
export async function issueCrl(
  issuer: { readonly name: x509.Name; readonly privateKey: KeyObject; readonly keyId: string },
  now: Date,
  options: CrlOptions,
): Promise<IssuedCrl> {
  const thisUpdate = options.thisUpdate ?? now;
  const nextUpdate =
    options.nextUpdate === undefined ? new Date(thisUpdate.getTime() + SEVEN_DAYS_MS) : options.nextUpdate;
  const crl = await x509.X509CrlGenerator.create({
    issuer: issuer.name,
    thisUpdate,
    ...(nextUpdate === null ? {} : { nextUpdate }),
    entries: (options.revoked ?? []).map(({ serial, date, reason }) => ({
      serialNumber: serial,
      revocationDate: date ?? thisUpdate,
      ...(reason === undefined ? {} : { reason: REASON_CODES[reason] }),
    })),
    extensions: [
      new x509.AuthorityKeyIdentifierExtension(issuer.keyId),
      new x509.Extension('2.5.29.20', false, derInteger(options.number ?? 1)),
      ...(options.extraExtensions ?? []).map(toExtension),
    ],
    ...(await toSigningKey(issuer.privateKey, options.signatureHash)),
  });
  const der = new Uint8Array(crl.rawData);
  return { der, pem: encodePem('X509 CRL', der) };
}

function derInteger(value: number): Uint8Array<ArrayBuffer> {
  const hex = value.toString(16);
  const padded = hex.padStart(hex.length + (hex.length % 2), '0');
  const magnitude = Buffer.from(padded, 'hex');
  const octets = (magnitude[0] ?? 0) > 0x7f ? [0, ...magnitude] : [...magnitude];
  return Uint8Array.from([0x02, octets.length, ...octets]);
}
