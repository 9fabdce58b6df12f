import { X509Certificate, createPrivateKey, createPublicKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  type KeyAlgorithm,
  createCertificateAuthority,
  describeCertificate,
  generatePrivateKey,
  loadCertificateAuthority,
} from '../../../pki/index.ts';
import { DAY_MS, GOOD_CLIENT, NOW, createRoot, days } from './laboratory.ts';

describe('createCertificateAuthority', () => {
  it('makes a self-signed CA that may sign certificates and lists', async () => {
    const root = await createRoot({ pathLength: 1 });
    const described = describeCertificate(root.certificateDer);
    expect(described).toMatchObject({
      subject: 'CN=Test Root',
      issuer: 'CN=Test Root',
      authority: true,
      pathLength: 1,
      keyUsages: ['keyCertSign', 'cRLSign'],
      extendedKeyUsages: undefined,
      keyAlgorithm: 'ecdsa-p256',
      signatureAlgorithm: 'ECDSA SHA-256',
    });
    const native = new X509Certificate(root.certificatePem);
    expect(native.verify(createPublicKey(root.privateKey))).toBe(true);
    expect(root.chainDer).toEqual([]);
  });

  it('takes time and serial numbers from its environment', async () => {
    const root = await createCertificateAuthority(
      { commonName: 'Fixed' },
      { now: () => NOW, randomBytes: (size) => new Uint8Array(size).fill(0xab) },
    );
    const described = describeCertificate(root.certificateDer);
    expect(described.serial).toBe('6b' + 'ab'.repeat(15));
    expect(described.notBefore).toEqual(new Date(NOW.getTime() - 5 * 60 * 1000));
    expect(described.notAfter).toEqual(new Date(described.notBefore.getTime() + 3650 * DAY_MS));
  });

  it.each(['ecdsa-p256', 'ecdsa-p384', 'ed25519', 'rsa-2048', 'rsa-3072'] satisfies KeyAlgorithm[])(
    'signs with a key of type %s, and OpenSSL verifies it',
    async (keyAlgorithm) => {
      const root = await createRoot({ keyAlgorithm });
      const leaf = await root.issue({ ...GOOD_CLIENT, keyAlgorithm });
      expect(new X509Certificate(leaf.certificateDer).verify(createPublicKey(root.privateKey))).toBe(true);
      expect(new X509Certificate(leaf.certificateDer).checkPrivateKey(createPrivateKey(leaf.privateKeyPem))).toBe(true);
      const { keyAlgorithm: found, rsaBits } = describeCertificate(leaf.certificateDer);
      expect(rsaBits === undefined ? found : `${found}-${rsaBits}`).toBe(keyAlgorithm);
    },
  );
});

describe('issue', () => {
  it('gives a leaf the usages of its role, its names and the serial number asked for', async () => {
    const root = await createRoot();
    const leaf = await root.issue({
      role: 'both',
      commonName: 'Teller, "West" +1',
      uris: ['spiffe://bank.example/teller'],
      dnsNames: ['teller.bank.example'],
      serial: '00ff01',
      notBefore: days(-1),
      notAfter: days(1),
    });
    expect(describeCertificate(leaf.certificateDer)).toMatchObject({
      subject: String.raw`CN=Teller\, \"West\" \+1`,
      issuer: 'CN=Test Root',
      serial: 'ff01',
      notBefore: days(-1),
      notAfter: days(1),
      subjectAltNames: [
        { type: 'uri', value: 'spiffe://bank.example/teller' },
        { type: 'dns', value: 'teller.bank.example' },
      ],
      extendedKeyUsages: ['serverAuth', 'clientAuth'],
      keyUsages: ['digitalSignature'],
      authority: false,
    });
    expect(leaf.serial).toBe('ff01');
  });

  it('leaves out each extension that is set to null', async () => {
    const root = await createRoot();
    const leaf = await root.issue({
      role: 'client',
      commonName: 'Bare',
      extendedKeyUsages: null,
      keyUsages: null,
      basicConstraints: null,
    });
    expect(describeCertificate(leaf.certificateDer)).toMatchObject({
      subjectAltNames: [],
      extendedKeyUsages: undefined,
      keyUsages: undefined,
      authority: false,
    });
  });

  it.each(['ed25519', 'rsa-2048'] satisfies KeyAlgorithm[])(
    'gives the same octets for the same keys, time and serial numbers with a CA key of type %s',
    async (keyAlgorithm) => {
      const caKey = await generatePrivateKey(keyAlgorithm);
      const leafKey = await generatePrivateKey('ecdsa-p256');
      const make = async (): Promise<string[]> => {
        let counter = 0;
        const root = await createCertificateAuthority(
          { commonName: 'Fixed', privateKey: caKey },
          { now: () => NOW, randomBytes: (size) => new Uint8Array(size).fill(++counter) },
        );
        const leaf = await root.issue({ ...GOOD_CLIENT, privateKey: leafKey });
        const crl = await root.crl({ revoked: [{ serial: leaf.serial, reason: 'superseded' }] });
        return [root.certificatePem, leaf.chainPem, crl.pem];
      };
      expect(await make()).toEqual(await make());
    },
  );

  it.each(['', '0', 'abc', '00', 'zz', '01'.repeat(21)])('refuses the serial number "%s"', async (serial) => {
    const root = await createRoot();
    await expect(root.issue({ ...GOOD_CLIENT, serial })).rejects.toMatchObject({ code: 'HAWSER_ERR_MISUSE_SERIAL' });
  });

  it('refuses to choose a hash for Ed25519, and to sign with a key outside the profile', async () => {
    const ed25519 = await createRoot({ keyAlgorithm: 'ed25519' });
    await expect(ed25519.issue({ ...GOOD_CLIENT, signatureHash: 'SHA-256' })).rejects.toMatchObject({
      code: 'HAWSER_ERR_MISUSE_SIGNING_KEY',
    });
    await expect(createRoot({ unsafeKeyAlgorithm: 'ed448' })).rejects.toMatchObject({
      code: 'HAWSER_ERR_MISUSE_SIGNING_KEY',
    });
  });
});

describe('issueAuthority', () => {
  it('puts every intermediate, and not the root, into the chain to present', async () => {
    const root = await createRoot();
    const upper = await root.issueAuthority({ commonName: 'Upper' });
    const lower = await upper.issueAuthority({ commonName: 'Lower' });
    const leaf = await lower.issue(GOOD_CLIENT);
    expect(leaf.chainDer.map((der) => describeCertificate(der).issuer)).toEqual([
      'CN=Lower',
      'CN=Upper',
      'CN=Test Root',
    ]);
    expect(leaf.chainPem.match(/BEGIN CERTIFICATE/g)).toHaveLength(3);
  });
});

describe('loadCertificateAuthority', () => {
  it('continues a root where it was saved', async () => {
    const root = await createRoot();
    const loaded = await loadCertificateAuthority(root.toPem(), { now: () => NOW });
    expect(loaded.certificatePem).toBe(root.certificatePem);
    const leaf = await loaded.issue(GOOD_CLIENT);
    expect(new X509Certificate(leaf.certificateDer).verify(createPublicKey(root.privateKey))).toBe(true);
    expect(leaf.chainDer).toHaveLength(1);
  });

  it('continues a subordinate authority with the chain above it', async () => {
    const root = await createRoot();
    const upper = await root.issueAuthority({ commonName: 'Upper' });
    const lower = await upper.issueAuthority({ commonName: 'Lower' });
    const loaded = await loadCertificateAuthority(lower.toPem());
    const leaf = await loaded.issue(GOOD_CLIENT);
    expect(leaf.chainDer.slice(1)).toEqual(lower.chainDer);
  });

  it('names what is wrong with the text', async () => {
    const root = await createRoot();
    const other = await createRoot();
    await expect(loadCertificateAuthority('nothing')).rejects.toMatchObject({
      code: 'HAWSER_ERR_CONFIG_CERTIFICATE_NOT_PEM',
    });
    await expect(loadCertificateAuthority(root.certificatePem)).rejects.toMatchObject({
      code: 'HAWSER_ERR_CONFIG_KEY_UNREADABLE',
    });
    await expect(loadCertificateAuthority(other.certificatePem + root.toPem())).rejects.toMatchObject({
      code: 'HAWSER_ERR_CONFIG_KEY_MISMATCH',
    });
  });
});
