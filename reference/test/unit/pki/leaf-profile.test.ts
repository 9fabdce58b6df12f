import { type KeyObject, createPrivateKey, createPublicKey } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { type CertificateAuthority, type IssueOptions, checkLeafProfile } from '../../../pki/index.ts';
import { GOOD_CLIENT, createRoot } from './laboratory.ts';

/** A key of 8,256 bits with factors that are no primes: it only has to look like one, and to be there at once. */
function oversizedRsaKey(): KeyObject {
  const octets = (length: number): Buffer => Buffer.alloc(length, 0xc5);
  const factor = BigInt(`0x${octets(516).toString('hex')}`);
  const text = (value: Buffer): string => value.toString('base64url');
  const half = text(octets(500));
  const n = text(Buffer.from((factor * factor).toString(16), 'hex'));
  const [p, d] = [text(octets(516)), text(octets(1000))];
  return createPrivateKey({
    format: 'jwk',
    key: { kty: 'RSA', n, e: 'AQAB', d, p, q: p, dp: half, dq: half, qi: half },
  });
}

describe('checkLeafProfile', () => {
  let root: CertificateAuthority;
  beforeAll(async () => {
    root = await createRoot();
  });

  it('gives identity, description and key of a good leaf', async () => {
    const leaf = await root.issue(GOOD_CLIENT);
    const result = checkLeafProfile(leaf.certificateDer, 'client');
    expect(result).toMatchObject({
      ok: true,
      identity: { kind: 'uri', value: 'spiffe://bank.example/teller' },
      leaf: { serial: leaf.serial },
    });
    expect(result.ok && result.publicKey.equals(createPublicKey(leaf.privateKey))).toBe(true);
  });

  it.each<[string, Partial<IssueOptions>]>([
    ['ECDSA on P-256', { keyAlgorithm: 'ecdsa-p256' }],
    ['ECDSA on P-384', { keyAlgorithm: 'ecdsa-p384' }],
    ['Ed25519', { keyAlgorithm: 'ed25519' }],
    ['RSA of 2048 bits', { keyAlgorithm: 'rsa-2048' }],
    ['both usages', { role: 'both' }],
    ['no key usage extension', { keyUsages: null }],
    ['no basic constraints', { basicConstraints: null }],
  ])('accepts %s', async (_what, options) => {
    const leaf = await root.issue({ ...GOOD_CLIENT, ...options });
    expect(checkLeafProfile(leaf.certificateDer, 'client')).toMatchObject({ ok: true });
  });

  it.each<[string, Partial<IssueOptions>, string, string]>([
    ['a CA certificate', { basicConstraints: { authority: true } }, 'leaf-is-ca', 'TLS-015'],
    ['RSA of 1024 bits', { unsafeKeyAlgorithm: 'rsa-1024' }, 'weak-key', 'TLS-017'],
    ['ECDSA on P-521', { unsafeKeyAlgorithm: 'ecdsa-p521' }, 'unsupported-key', 'TLS-017'],
    ['Ed448', { unsafeKeyAlgorithm: 'ed448' }, 'unsupported-key', 'TLS-017'],
    ['a key for RSA-PSS alone', { unsafeKeyAlgorithm: 'rsa-pss-2048' }, 'unsupported-key', 'TLS-017'],
    ['no digitalSignature', { keyUsages: ['keyAgreement'] }, 'missing-digital-signature', 'TLS-015'],
    ['the other role', { role: 'server' }, 'wrong-eku', 'TLS-013'],
    ['no extended key usage', { extendedKeyUsages: null }, 'wrong-eku', 'TLS-013'],
    ['anyExtendedKeyUsage alone', { extendedKeyUsages: ['anyExtendedKeyUsage'] }, 'wrong-eku', 'TLS-013'],
    ['no identity', { uris: [], commonName: 'teller' }, 'no-identity', 'TLS-021'],
  ])('refuses %s', async (_what, options, reason, requirement) => {
    const leaf = await root.issue({ ...GOOD_CLIENT, ...options });
    expect(checkLeafProfile(leaf.certificateDer, 'client')).toMatchObject({ ok: false, reason, requirement, depth: 0 });
  });

  it('refuses RSA of more than 8192 bits, whose signature has no room', async () => {
    const leaf = await root.issue({ ...GOOD_CLIENT, privateKey: oversizedRsaKey() });
    expect(checkLeafProfile(leaf.certificateDer, 'client')).toMatchObject({
      ok: false,
      reason: 'unsupported-key',
      requirement: 'TLS-017',
    });
  });

  it('names the requirement of the role that was presented', async () => {
    const client = await root.issue(GOOD_CLIENT);
    expect(checkLeafProfile(client.certificateDer, 'server')).toMatchObject({
      reason: 'wrong-eku',
      requirement: 'TLS-014',
    });
  });

  it('refuses octets that are not a certificate', () => {
    expect(checkLeafProfile(Uint8Array.of(1, 2, 3), 'client')).toMatchObject({ ok: false, reason: 'malformed' });
  });
});
