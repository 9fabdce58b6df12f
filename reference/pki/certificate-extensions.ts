import { type KeyObject, createPublicKey } from 'node:crypto';
import type { RawExtension } from './authority-types.ts';
import { KEY_USAGE_BITS, type KeyUsageName } from './parsed-certificate.ts';
import { x509 } from './x509-library.ts';

/** What the extensions of a certificate shall say; `null` leaves an extension out. */
export interface ExtensionContents {
  readonly uris: readonly string[];
  readonly dnsNames: readonly string[];
  readonly extendedKeyUsages: readonly string[] | null;
  readonly keyUsages: readonly KeyUsageName[] | null;
  readonly basicConstraints: { readonly authority: boolean; readonly pathLength?: number } | null;
  readonly extraExtensions: readonly RawExtension[];
}

const EXTENDED_KEY_USAGE_OIDS: Readonly<Record<string, string>> = {
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  anyExtendedKeyUsage: '2.5.29.37.0',
};

/** Builds the extensions of a certificate, in a fixed order; internal to `pki`. */
export async function buildExtensions(
  contents: ExtensionContents,
  subjectKey: KeyObject,
  authorityKeyId: string | undefined,
  subjectIsEmpty: boolean,
): Promise<x509.Extension[]> {
  const extensions: x509.Extension[] = [];
  const { basicConstraints, keyUsages, extendedKeyUsages, uris, dnsNames } = contents;
  if (basicConstraints !== null) {
    extensions.push(new x509.BasicConstraintsExtension(basicConstraints.authority, basicConstraints.pathLength, true));
  }
  if (keyUsages !== null) {
    const bits = keyUsages.reduce((sum, name) => sum | KEY_USAGE_BITS[name], 0);
    // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- the library types a set of flags as one flag
    extensions.push(new x509.KeyUsagesExtension(bits, true));
  }
  if (extendedKeyUsages !== null) {
    const oids = extendedKeyUsages.map((usage) => EXTENDED_KEY_USAGE_OIDS[usage] ?? usage);
    extensions.push(new x509.ExtendedKeyUsageExtension(oids));
  }
  if (uris.length + dnsNames.length > 0) {
    const names = [
      ...uris.map((value) => ({ type: x509.URL, value }) as const),
      ...dnsNames.map((value) => ({ type: x509.DNS, value }) as const),
    ];
    // RFC 5280, section 4.2.1.6: with an empty subject the alternative name is the only name, and critical.
    extensions.push(new x509.SubjectAlternativeNameExtension(names, subjectIsEmpty));
  }
  extensions.push(await subjectKeyIdentifier(subjectKey));
  if (authorityKeyId !== undefined) extensions.push(new x509.AuthorityKeyIdentifierExtension(authorityKeyId));
  extensions.push(...contents.extraExtensions.map(toExtension));
  return extensions;
}

/** The subject key identifier of a key, as RFC 5280 derives it. */
export function subjectKeyIdentifier(key: KeyObject): Promise<x509.SubjectKeyIdentifierExtension> {
  return x509.SubjectKeyIdentifierExtension.create(new x509.PublicKey(spkiOf(key)));
}

/** The subject public key info of a public or private key. */
export function spkiOf(key: KeyObject): Uint8Array<ArrayBuffer> {
  return Uint8Array.from((key.type === 'public' ? key : createPublicKey(key)).export({ type: 'spki', format: 'der' }));
}

/** The library's form of an extension. */
export function toExtension({ oid, critical, value }: RawExtension): x509.Extension {
  return new x509.Extension(oid, critical, Uint8Array.from(value));
}
