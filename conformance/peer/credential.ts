import type { KeyObject } from 'node:crypto';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { leafHash } from '../model/transcript.ts';

/** A certificate chain with its private key, as the harness presents it. */
export interface Credential {
  /** File name without extension, for logs. */
  readonly name: string;
  readonly certificatePem: string;
  readonly keyPem: string;
  readonly key: KeyObject;
  /** SHA-256 of the leaf in DER. */
  readonly leafHash: Uint8Array;
  /** The certificates in DER, leaf first. */
  readonly chain: readonly Uint8Array[];
}

/** Reads `NAME.pem` (leaf first) and `NAME.key`. Throws what the file system or OpenSSL throws. */
export function readCredential(pathWithoutExtension: string): Credential {
  const certificatePem = readFileSync(`${pathWithoutExtension}.pem`, 'utf8');
  const keyPem = readFileSync(`${pathWithoutExtension}.key`, 'utf8');
  return makeCredential(pathWithoutExtension.replace(/^.*\//, ''), certificatePem, keyPem);
}

/** A credential from PEM texts. */
export function makeCredential(name: string, certificatePem: string, keyPem: string): Credential {
  return {
    name,
    certificatePem,
    keyPem,
    key: createPrivateKey(keyPem),
    leafHash: leafHash(new X509Certificate(certificatePem).raw),
    chain: certificatesIn(certificatePem),
  };
}

/** The certificates of a PEM text in DER, in their order. */
function certificatesIn(pem: string): readonly Uint8Array[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new Uint8Array(new X509Certificate(block).raw));
}
