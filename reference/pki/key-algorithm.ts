import type { KeyObject } from 'node:crypto';

/**
 * The kind of a key in the words of the signature-scheme table of the specification: `ecdsa-p256`, `ecdsa-p384`,
 * `ed25519` or `rsa`. Any other key is named by its OpenSSL type and curve and is outside the profile.
 */
export function keyAlgorithmOf(key: KeyObject): string {
  const type = key.asymmetricKeyType ?? 'unknown';
  if (type !== 'ec') return type;
  const curve = key.asymmetricKeyDetails?.namedCurve;
  switch (curve) {
    case 'prime256v1':
      return 'ecdsa-p256';
    case 'secp384r1':
      return 'ecdsa-p384';
    default:
      return `ecdsa-${curve ?? 'unknown-curve'}`;
  }
}

/** Size of an RSA modulus in bits; undefined for other keys. */
export function rsaBitsOf(key: KeyObject): number | undefined {
  return key.asymmetricKeyDetails?.modulusLength;
}
