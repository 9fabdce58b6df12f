import { type KeyObject, webcrypto } from 'node:crypto';
import { HawserError } from '../core/errors.ts';
import { keyAlgorithmOf } from './key-algorithm.ts';

/** Hash of a signature. SHA-1 is here only so that a test can make a certificate that has to be refused. */
export type SignatureHash = 'SHA-1' | 'SHA-256' | 'SHA-384' | 'SHA-512';

/** A private key in the form in which the X.509 library signs with it. */
export interface SigningKey {
  readonly signingKey: webcrypto.CryptoKey;
  readonly signingAlgorithm: { readonly name: string; readonly hash?: SignatureHash };
}

/**
 * Makes an authority's key ready to sign with a hash.
 *
 * ECDSA signatures are randomised; Ed25519 and RSA (PKCS #1 v1.5) give the same octets for the same content.
 *
 * @throws HawserError `HAWSER_ERR_MISUSE_SIGNING_KEY` for a key that can not sign certificates, or a hash with Ed25519.
 */
export async function toSigningKey(privateKey: KeyObject, hash: SignatureHash | undefined): Promise<SigningKey> {
  const { importParameters, signingAlgorithm } = signingParameters(keyAlgorithmOf(privateKey), hash);
  const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' });
  const signingKey = await webcrypto.subtle.importKey('pkcs8', pkcs8, importParameters, false, ['sign']);
  return { signingKey, signingAlgorithm };
}

function signingParameters(
  algorithm: string,
  hash: SignatureHash | undefined,
): {
  readonly importParameters: webcrypto.Algorithm & { readonly namedCurve?: string; readonly hash?: string };
  readonly signingAlgorithm: SigningKey['signingAlgorithm'];
} {
  switch (algorithm) {
    case 'ecdsa-p256':
      return ecdsa('P-256', hash ?? 'SHA-256');
    case 'ecdsa-p384':
      return ecdsa('P-384', hash ?? 'SHA-384');
    case 'rsa': {
      const parameters = { name: 'RSASSA-PKCS1-v1_5', hash: hash ?? 'SHA-256' } as const;
      return { importParameters: parameters, signingAlgorithm: parameters };
    }
    case 'ed25519':
      if (hash === undefined) {
        return { importParameters: { name: 'Ed25519' }, signingAlgorithm: { name: 'Ed25519' } };
      }
      throw new HawserError('HAWSER_ERR_MISUSE_SIGNING_KEY', 'Ed25519 signs without a choice of hash.');
    default:
      throw new HawserError(
        'HAWSER_ERR_MISUSE_SIGNING_KEY',
        `An authority can not sign with a key of type ${algorithm}.`,
      );
  }
}

function ecdsa(namedCurve: string, hash: SignatureHash): ReturnType<typeof signingParameters> {
  return { importParameters: { name: 'ECDSA', namedCurve }, signingAlgorithm: { name: 'ECDSA', hash } };
}
