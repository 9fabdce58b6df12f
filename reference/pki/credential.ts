import { type KeyObject, X509Certificate, createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { ConfigError } from '../core/errors.ts';
import { type ParsedCertificate, parseCertificate } from './parsed-certificate.ts';
import { encodePem, parseCertificatesPem } from './pem.ts';

/** The configuration keys that errors name. */
export type CredentialKey = 'certificate' | 'key' | 'pfx' | 'passphrase';

/** A certificate and its key: either `certPem` and `keyPem`, or `pfx`. */
export interface CredentialSource {
  /** The leaf certificate first, then each issuer below the trust anchor. */
  readonly certPem?: string;
  /** PKCS #8, PKCS #1 or SEC 1, encrypted or not. It may be the same text as `certPem`. */
  readonly keyPem?: string;
  /** PKCS #12 with one key and its chain. */
  readonly pfx?: Uint8Array;
  /** Of the encrypted key or of the PKCS #12 file. */
  readonly passphrase?: string;
}

/** A {@link CredentialSource} by the names of its files. */
export interface CredentialFiles {
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly pfxFile?: string;
  readonly passphrase?: string;
}

/** What an endpoint authenticates itself with. */
export interface Credential {
  /** Leaf first. */
  readonly chainPem: string;
  readonly chainDer: readonly Uint8Array[];
  readonly privateKey: KeyObject;
  /** The key as unencrypted PKCS #8, for `node:tls`. */
  readonly keyPem: string;
}

/**
 * Loads a certificate chain and its private key, and checks that they belong together.
 *
 * @throws ConfigError with one of these codes, and a message that says what to do:
 * - `HAWSER_ERR_CONFIG_CERTIFICATE_MISSING`, `HAWSER_ERR_CONFIG_KEY_MISSING`: one of the two was not given;
 * - `HAWSER_ERR_CONFIG_CREDENTIAL_CONFLICT`: PEM and PKCS #12 were both given;
 * - `HAWSER_ERR_CONFIG_CERTIFICATE_NOT_PEM`, `HAWSER_ERR_CONFIG_KEY_NOT_PEM`: no such block in the text;
 * - `HAWSER_ERR_CONFIG_CERTIFICATE_UNREADABLE`, `HAWSER_ERR_CONFIG_KEY_UNREADABLE`: the block does not decode;
 * - `HAWSER_ERR_CONFIG_PASSPHRASE_MISSING`, `HAWSER_ERR_CONFIG_PASSPHRASE_WRONG`;
 * - `HAWSER_ERR_CONFIG_CHAIN_ORDER`: the leaf is not first, or a certificate does not follow the one it issued;
 * - `HAWSER_ERR_CONFIG_KEY_MISMATCH`: the key belongs to none of the certificates;
 * - `HAWSER_ERR_CONFIG_PFX_UNREADABLE`: not PKCS #12, without a key or certificate, or in an encryption that is not supported.
 */
export async function loadCredential(source: CredentialSource): Promise<Credential> {
  const { chainDer, privateKey } = await readSource(source);
  const chain = orderedChain(chainDer, privateKey);
  return {
    chainPem: chain.map((der) => encodePem('CERTIFICATE', der)).join(''),
    chainDer: chain,
    privateKey,
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  };
}

/**
 * Reads the files and loads them with {@link loadCredential}.
 *
 * @throws ConfigError as {@link loadCredential}, and `HAWSER_ERR_CONFIG_FILE_UNREADABLE` for a file that can not be read.
 */
export async function readCredential(files: CredentialFiles): Promise<Credential> {
  const { certFile, keyFile, pfxFile, passphrase } = files;
  return loadCredential({
    ...(certFile === undefined ? {} : { certPem: (await read(certFile, 'certificate')).toString('latin1') }),
    ...(keyFile === undefined ? {} : { keyPem: (await read(keyFile, 'key')).toString('latin1') }),
    ...(pfxFile === undefined ? {} : { pfx: await read(pfxFile, 'pfx') }),
    ...(passphrase === undefined ? {} : { passphrase }),
  });
}

async function read(file: string, key: CredentialKey): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new ConfigError('HAWSER_ERR_CONFIG_FILE_UNREADABLE', key, `${key}: can not read ${file} (${why}).`, {
      cause,
    });
  }
}

async function readSource(
  source: CredentialSource,
): Promise<{ readonly chainDer: readonly Uint8Array[]; readonly privateKey: KeyObject }> {
  const { certPem, keyPem, pfx, passphrase } = source;
  if (pfx !== undefined) {
    if (certPem !== undefined || keyPem !== undefined) {
      throw new ConfigError(
        'HAWSER_ERR_CONFIG_CREDENTIAL_CONFLICT',
        'pfx',
        'Give either certificate and key, or pfx, not both.',
      );
    }
    // PKCS #12 is the rarer form and its library the larger one.
    const { readPkcs12 } = await import('./pkcs12.ts');
    return readPkcs12(pfx, passphrase ?? '');
  }
  if (certPem === undefined) {
    throw new ConfigError(
      'HAWSER_ERR_CONFIG_CERTIFICATE_MISSING',
      'certificate',
      'certificate is missing: give a PEM file with the leaf certificate first, or pfx.',
    );
  }
  if (keyPem === undefined) {
    throw new ConfigError(
      'HAWSER_ERR_CONFIG_KEY_MISSING',
      'key',
      'key is missing: give the PEM file of the private key that belongs to the certificate.',
    );
  }
  return { chainDer: parseCertificatesPem(certPem, 'certificate'), privateKey: readKey(keyPem, passphrase) };
}

function readKey(pem: string, passphrase: string | undefined): KeyObject {
  if (!/-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/.test(pem)) {
    throw new ConfigError(
      'HAWSER_ERR_CONFIG_KEY_NOT_PEM',
      'key',
      'key holds no PEM private key: expected "-----BEGIN PRIVATE KEY-----". ' +
        'Convert DER with: openssl pkey -inform DER -in FILE -out FILE.pem',
    );
  }
  const encrypted = /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(pem);
  if (encrypted && passphrase === undefined) {
    throw new ConfigError(
      'HAWSER_ERR_CONFIG_PASSPHRASE_MISSING',
      'passphrase',
      'The private key is encrypted: give its passphrase.',
    );
  }
  try {
    return createPrivateKey(passphrase === undefined ? pem : { key: pem, passphrase });
  } catch (cause) {
    if (encrypted) {
      throw new ConfigError(
        'HAWSER_ERR_CONFIG_PASSPHRASE_WRONG',
        'passphrase',
        'The private key does not decrypt: the passphrase is wrong, or the file is damaged.',
        { cause },
      );
    }
    throw new ConfigError(
      'HAWSER_ERR_CONFIG_KEY_UNREADABLE',
      'key',
      'The private key does not decode: the file is damaged, or of a kind that is not supported.',
      { cause },
    );
  }
}

/** The chain with every certificate issued by the next, the root left out where one was given. */
function orderedChain(chainDer: readonly Uint8Array[], privateKey: KeyObject): readonly Uint8Array[] {
  const chain = chainDer.map(parseCertificate);
  const [leaf] = chain;
  if (leaf === undefined || !ownsKey(leaf, privateKey)) throw leafNotFirst(chain, privateKey);
  for (const [index, certificate] of chain.entries()) {
    const next = chain[index + 1];
    if (next !== undefined && next.subjectKey !== certificate.issuerKey) throw chainOrder(certificate, next);
  }
  const withoutRoot = chain.filter(({ subjectKey, issuerKey }, index) => index === 0 || subjectKey !== issuerKey);
  return withoutRoot.map(({ der }) => der);
}

function ownsKey(certificate: ParsedCertificate, privateKey: KeyObject): boolean {
  return new X509Certificate(certificate.der).checkPrivateKey(privateKey);
}

function leafNotFirst(chain: readonly ParsedCertificate[], privateKey: KeyObject): ConfigError {
  const position = chain.findIndex((certificate) => ownsKey(certificate, privateKey));
  if (position > 0) {
    return new ConfigError(
      'HAWSER_ERR_CONFIG_CHAIN_ORDER',
      'certificate',
      `The key belongs to certificate number ${position + 1} of ${chain.length}: ` +
        'put that leaf certificate first, then its issuer, and so on up.',
    );
  }
  return new ConfigError(
    'HAWSER_ERR_CONFIG_KEY_MISMATCH',
    'key',
    'The private key does not belong to the certificate: give the key from which its request was made.',
  );
}

function chainOrder(certificate: ParsedCertificate, next: ParsedCertificate): ConfigError {
  return new ConfigError(
    'HAWSER_ERR_CONFIG_CHAIN_ORDER',
    'certificate',
    `The certificate after "${certificate.subject}" has to be its issuer "${certificate.issuer}", ` +
      `not "${next.subject}": order the file leaf first, then each issuer.`,
  );
}
