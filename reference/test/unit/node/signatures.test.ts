import { type KeyObject, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { SIGNATURE_SCHEME } from '../../../core/index.ts';
import { createSigner, createVerifier } from '../../../node/index.ts';
import { refusingVerifier } from '../../../node/connection/signatures.ts';

const KEYS: readonly {
  readonly name: string;
  readonly key: KeyObject;
  readonly scheme: number;
  readonly bytes: number;
}[] = [
  {
    name: 'P-256',
    key: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
    scheme: SIGNATURE_SCHEME.ecdsa_secp256r1_sha256.id,
    bytes: 64,
  },
  {
    name: 'P-384',
    key: generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey,
    scheme: SIGNATURE_SCHEME.ecdsa_secp384r1_sha384.id,
    bytes: 96,
  },
  { name: 'Ed25519', key: generateKeyPairSync('ed25519').privateKey, scheme: SIGNATURE_SCHEME.ed25519.id, bytes: 64 },
  {
    name: 'RSA 2048',
    key: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
    scheme: SIGNATURE_SCHEME.rsa_pss_rsae_sha256.id,
    bytes: 256,
  },
];

const CONTENT = Buffer.from('what is signed');

describe.each(KEYS)('$name', ({ key, scheme, bytes }) => {
  const signer = createSigner(key);
  const verifier = createVerifier(createPublicKey(key));

  it('signs with its one scheme, in its one length [EST-003]', () => {
    expect([signer.scheme, signer.signatureBytes]).toEqual([scheme, bytes]);
    const signature = signer.sign(CONTENT);
    expect(signature).toHaveLength(bytes);
    expect(verifier.verify(CONTENT, scheme, signature)).toBe(true);
  });

  it('refuses other content, another scheme and every defect without an exception [EST-004] [EST-005]', () => {
    const signature = signer.sign(CONTENT);
    expect(verifier.verify(Buffer.from('something else'), scheme, signature)).toBe(false);
    for (const { scheme: other } of KEYS.filter((one) => one.scheme !== scheme)) {
      expect(verifier.verify(CONTENT, other, signature)).toBe(false);
    }
    expect(verifier.verify(CONTENT, 0x0401, signature)).toBe(false);
    const defects = [
      new Uint8Array(0),
      new Uint8Array(bytes),
      new Uint8Array(bytes).fill(0xff),
      signature.subarray(0, -1),
      Buffer.concat([signature, Buffer.of(0)]),
      ...Array.from({ length: 16 }, (_, index) => {
        const changed = Uint8Array.from(signature);
        const at = Math.floor((index * bytes) / 16);
        changed[at] = (changed[at] ?? 0) ^ 1;
        return changed;
      }),
    ];
    for (const defect of defects) expect(verifier.verify(CONTENT, scheme, defect)).toBe(false);
  });
});

describe('a key outside the profile', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-521' });

  it('makes no signer and a verifier that verifies nothing [TLS-017]', () => {
    expect(() => createSigner(privateKey)).toThrow(
      expect.objectContaining({ code: 'HAWSER_ERR_CONFIG_KEY_UNSUPPORTED' }) as Error,
    );
    expect(createVerifier(publicKey)).toBe(refusingVerifier);
    expect(refusingVerifier.verify(CONTENT, 0x0403, new Uint8Array(64))).toBe(false);
  });
});
