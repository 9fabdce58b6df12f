import { type KeyObject, X509Certificate, constants, createPublicKey, sign, verify } from 'node:crypto';
import { ConfigError, type LeafVerifier, SIGNATURE_SCHEME, type Signer, type Verifier } from '../../core/index.ts';
import { keyAlgorithmOf, rsaBitsOf } from '../../pki/index.ts';

/** How Node's crypto makes and checks the signatures of one kind of key. */
interface Algorithm {
  readonly scheme: number;
  /** Undefined for Ed25519, which takes the content as it is. */
  readonly hash: string | undefined;
  readonly signatureBytes: number;
  readonly options: { readonly dsaEncoding?: 'ieee-p1363'; readonly padding?: number; readonly saltLength?: number };
}

/** The one scheme that belongs to a key; undefined for a key outside the profile. [EST-003] [TLS-017] */
function algorithmOf(key: KeyObject): Algorithm | undefined {
  switch (keyAlgorithmOf(key)) {
    case 'ecdsa-p256':
      return ecdsa(SIGNATURE_SCHEME.ecdsa_secp256r1_sha256.id, 'sha256', 64);
    case 'ecdsa-p384':
      return ecdsa(SIGNATURE_SCHEME.ecdsa_secp384r1_sha384.id, 'sha384', 96);
    case 'ed25519':
      return { scheme: SIGNATURE_SCHEME.ed25519.id, hash: undefined, signatureBytes: 64, options: {} };
    case 'rsa':
      return {
        scheme: SIGNATURE_SCHEME.rsa_pss_rsae_sha256.id,
        hash: 'sha256',
        signatureBytes: Math.ceil((rsaBitsOf(key) ?? 0) / 8),
        options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 },
      };
    default:
      return undefined;
  }
}

function ecdsa(scheme: number, hash: string, signatureBytes: number): Algorithm {
  return { scheme, hash, signatureBytes, options: { dsaEncoding: 'ieee-p1363' } };
}

/**
 * The signer of an endpoint. [EST-002] [EST-003]
 *
 * @param privateKey - the key of the leaf certificate that the endpoint presents in TLS.
 * @throws ConfigError `HAWSER_ERR_CONFIG_KEY_UNSUPPORTED` for a key outside the profile. [TLS-017]
 */
export function createSigner(privateKey: KeyObject): Signer {
  const algorithm = algorithmOf(privateKey);
  if (algorithm === undefined) {
    throw new ConfigError(
      'HAWSER_ERR_CONFIG_KEY_UNSUPPORTED',
      'key',
      `A key of type ${keyAlgorithmOf(privateKey)} is outside the profile: use ECDSA P-256 or P-384, Ed25519, or RSA.`,
    );
  }
  const { scheme, signatureBytes, hash, options } = algorithm;
  return {
    scheme,
    signatureBytes,
    sign: (content) => new Uint8Array(sign(hash, content, { key: privateKey, ...options })),
  };
}

/**
 * The verifier of a peer's signatures. [EST-002]
 *
 * @param publicKey - the key of the leaf certificate that the peer presented in TLS. One outside the profile makes a
 *   verifier that verifies nothing.
 */
export function createVerifier(publicKey: KeyObject): Verifier {
  const algorithm = algorithmOf(publicKey);
  if (algorithm === undefined) return refusingVerifier;
  const key = publicKey.type === 'public' ? publicKey : createPublicKey(publicKey);
  return {
    verify: (content, scheme, signature) =>
      // [EST-004] [EST-005]
      scheme === algorithm.scheme &&
      signature.length === algorithm.signatureBytes &&
      verify(algorithm.hash, content, { key, ...algorithm.options }, signature),
  };
}

/** The verifier of signatures with the key of a leaf certificate that came in PROVE or PROOF. */
export const leafVerifier: LeafVerifier = (leaf) => {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(leaf);
  } catch {
    // What is no certificate has no key.
    return refusingVerifier;
  }
  return createVerifier(certificate.publicKey);
};

/** Verifies nothing: for a peer that presented no certificate whose key could. */
export const refusingVerifier: Verifier = { verify: () => false };
