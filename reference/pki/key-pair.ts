import { type KeyObject, generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';

/** Keys of the profile that the authority generates. */
export type KeyAlgorithm = 'ecdsa-p256' | 'ecdsa-p384' | 'ed25519' | 'rsa-2048' | 'rsa-3072';

/** Keys outside the profile, for tests that they are refused. */
export type UnsafeKeyAlgorithm = 'rsa-1024' | 'ecdsa-p521' | 'ed448' | 'rsa-pss-2048';

const generate = promisify(generateKeyPair);

/** Generates a private key. */
export async function generatePrivateKey(algorithm: KeyAlgorithm | UnsafeKeyAlgorithm): Promise<KeyObject> {
  return (await generatePair(algorithm)).privateKey;
}

function generatePair(algorithm: KeyAlgorithm | UnsafeKeyAlgorithm): Promise<{ privateKey: KeyObject }> {
  switch (algorithm) {
    case 'ecdsa-p256':
      return generate('ec', { namedCurve: 'P-256' });
    case 'ecdsa-p384':
      return generate('ec', { namedCurve: 'P-384' });
    case 'ecdsa-p521':
      return generate('ec', { namedCurve: 'P-521' });
    case 'ed25519':
      return generate('ed25519', {});
    case 'ed448':
      return generate('ed448', {});
    case 'rsa-1024':
      return generate('rsa', { modulusLength: 1024 });
    case 'rsa-2048':
      return generate('rsa', { modulusLength: 2048 });
    case 'rsa-3072':
      return generate('rsa', { modulusLength: 3072 });
    case 'rsa-pss-2048':
      return generate('rsa-pss', { modulusLength: 2048 });
  }
}
