import { type KeyObject, createPrivateKey, createPublicKey } from 'node:crypto';
import {
  CertBag,
  Certificate,
  type ContentInfo,
  PFX,
  PKCS8ShroudedKeyBag,
  PrivateKeyInfo,
  type SafeBag,
  type SafeContents,
} from 'pkijs';
import { ConfigError } from '../core/errors.ts';
import { parseCertificate } from './parsed-certificate.ts';

/**
 * Reads a PKCS #12 file: its one private key, and its certificates with the owner of the key first and every issuer after
 * the certificate it issued; internal to `pki`, loaded on demand.
 *
 * @throws ConfigError `HAWSER_ERR_CONFIG_PASSPHRASE_WRONG` or `HAWSER_ERR_CONFIG_PFX_UNREADABLE`.
 */
export async function readPkcs12(
  octets: Uint8Array,
  passphrase: string,
): Promise<{ readonly chainDer: readonly Uint8Array[]; readonly privateKey: KeyObject }> {
  const bags = await decryptBags(octets, passphrase);
  const [privateKey, ...otherKeys] = bags.flatMap((bag) => keysIn(bag, passphrase));
  const certificates = bags.flatMap(certificatesIn);
  if (privateKey === undefined || otherKeys.length > 0 || certificates.length === 0) {
    throw unreadable('The PKCS #12 file has to hold exactly one private key and at least its certificate.');
  }
  return { chainDer: sortChain(certificates, privateKey), privateKey };
}

async function decryptBags(octets: Uint8Array, passphrase: string): Promise<SafeBag[]> {
  const password = Uint8Array.from(Buffer.from(passphrase, 'utf8')).buffer;
  const pfx = parsePfx(octets);
  try {
    await pfx.parseInternalValues({ password, checkIntegrity: true });
  } catch (cause) {
    throw new ConfigError(
      'HAWSER_ERR_CONFIG_PASSPHRASE_WRONG',
      'passphrase',
      'The PKCS #12 file does not open: the passphrase is wrong, or the file is damaged.',
      { cause },
    );
  }
  const safe = pfx.parsedValue?.authenticatedSafe;
  if (safe === undefined) throw unreadable('The PKCS #12 file is empty.');
  try {
    await safe.parseInternalValues({ safeContents: safe.safeContents.map((_content: ContentInfo) => ({ password })) });
  } catch (cause) {
    throw unreadable(
      'The PKCS #12 file uses an encryption that is not supported. Write it anew with: ' +
        'openssl pkcs12 -legacy -in OLD -nodes | openssl pkcs12 -export -out NEW',
      cause,
    );
  }
  const { safeContents } = safe.parsedValue as { safeContents: { value: SafeContents }[] };
  return safeContents.flatMap(({ value }) => value.safeBags);
}

function parsePfx(octets: Uint8Array): PFX {
  try {
    return PFX.fromBER(Uint8Array.from(octets).buffer);
  } catch (cause) {
    throw unreadable('The file is not PKCS #12.', cause);
  }
}

function keysIn({ bagValue }: SafeBag, passphrase: string): KeyObject[] {
  if (!(bagValue instanceof PKCS8ShroudedKeyBag) && !(bagValue instanceof PrivateKeyInfo)) return [];
  const key = Buffer.from(bagValue.toSchema().toBER());
  try {
    return [createPrivateKey({ key, format: 'der', type: 'pkcs8', passphrase })];
  } catch (cause) {
    throw unreadable('The private key of the PKCS #12 file does not decrypt: its encryption is not supported.', cause);
  }
}

function certificatesIn({ bagValue }: SafeBag): Uint8Array[] {
  if (!(bagValue instanceof CertBag) || !(bagValue.parsedValue instanceof Certificate)) return [];
  return [new Uint8Array(bagValue.parsedValue.toSchema().toBER())];
}

/** PKCS #12 gives its certificates no order, and may hold others that do not belong to the chain: they are left out. */
function sortChain(certificates: readonly Uint8Array[], privateKey: KeyObject): Uint8Array[] {
  const remaining = certificates.map(parseCertificate);
  const publicKey = createPublicKey(privateKey);
  const chain = remaining.filter((certificate) => certificate.publicKey.equals(publicKey)).slice(0, 1);
  for (;;) {
    const last = chain.at(-1);
    const issuer = remaining.find(
      (candidate) => !chain.includes(candidate) && candidate.subjectKey === last?.issuerKey,
    );
    if (issuer === undefined) return chain.map(({ der }) => der);
    chain.push(issuer);
  }
}

function unreadable(message: string, cause?: unknown): ConfigError {
  return new ConfigError('HAWSER_ERR_CONFIG_PFX_UNREADABLE', 'pfx', message, { cause });
}
