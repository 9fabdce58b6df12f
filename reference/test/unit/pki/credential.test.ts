import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type CertificateAuthority,
  type CredentialSource,
  type IssuedCertificate,
  loadCredential,
  readCredential,
} from '../../../pki/index.ts';
import { GOOD_CLIENT, createRoot } from './laboratory.ts';

describe('loadCredential', () => {
  let root: CertificateAuthority;
  let leaf: IssuedCertificate;
  let encryptedKeyPem: string;
  beforeAll(async () => {
    root = await createRoot();
    const intermediate = await root.issueAuthority({ commonName: 'Intermediate' });
    leaf = await intermediate.issue(GOOD_CLIENT);
    encryptedKeyPem = leaf.privateKey.export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'open sesame',
    }) as string;
  });

  const refusal = async (source: CredentialSource): Promise<[string, string]> => {
    const error: unknown = await loadCredential(source).catch((thrown: unknown) => thrown);
    const { code, key } = error as { code: string; key: string };
    return [code.replace('HAWSER_ERR_CONFIG_', ''), key];
  };

  it('gives chain and key in the forms that TLS and signatures take', async () => {
    const credential = await loadCredential({ certPem: leaf.chainPem, keyPem: leaf.privateKeyPem });
    expect(credential.chainDer).toEqual(leaf.chainDer);
    expect(credential.chainPem).toBe(leaf.chainPem);
    expect(credential.privateKey.equals(leaf.privateKey)).toBe(true);
    expect(() => createSecureContext({ cert: credential.chainPem, key: credential.keyPem })).not.toThrow();
  });

  it('takes certificate and key from one text, other key formats, and leaves the root out', async () => {
    const sec1 = leaf.privateKey.export({ type: 'sec1', format: 'pem' }) as string;
    const text = `a comment\n${sec1}${leaf.chainPem.replaceAll('\n', '\r\n')}${root.certificatePem}`;
    const credential = await loadCredential({ certPem: text, keyPem: text });
    expect(credential.chainDer).toEqual(leaf.chainDer);
    expect(credential.keyPem).toContain('BEGIN PRIVATE KEY');
  });

  it('decrypts a key with its passphrase, and ignores a passphrase that is not needed', async () => {
    const decrypted = await loadCredential({
      certPem: leaf.chainPem,
      keyPem: encryptedKeyPem,
      passphrase: 'open sesame',
    });
    expect(decrypted.keyPem).toBe(leaf.privateKeyPem);
    const plain = await loadCredential({ certPem: leaf.chainPem, keyPem: leaf.privateKeyPem, passphrase: 'unused' });
    expect(plain.keyPem).toBe(leaf.privateKeyPem);
  });

  it('names what is missing', async () => {
    expect(await refusal({})).toEqual(['CERTIFICATE_MISSING', 'certificate']);
    expect(await refusal({ keyPem: leaf.privateKeyPem })).toEqual(['CERTIFICATE_MISSING', 'certificate']);
    expect(await refusal({ certPem: leaf.chainPem })).toEqual(['KEY_MISSING', 'key']);
  });

  it('names what does not decode', async () => {
    const { chainPem: certPem, privateKeyPem: keyPem } = leaf;
    const damaged = (label: string): string => `-----BEGIN ${label}-----\nMAAA\n-----END ${label}-----\n`;
    expect(await refusal({ certPem: 'junk', keyPem })).toEqual(['CERTIFICATE_NOT_PEM', 'certificate']);
    expect(await refusal({ certPem: keyPem, keyPem })).toEqual(['CERTIFICATE_NOT_PEM', 'certificate']);
    expect(await refusal({ certPem, keyPem: certPem })).toEqual(['KEY_NOT_PEM', 'key']);
    expect(await refusal({ certPem: damaged('CERTIFICATE'), keyPem })).toEqual([
      'CERTIFICATE_UNREADABLE',
      'certificate',
    ]);
    expect(await refusal({ certPem, keyPem: damaged('PRIVATE KEY') })).toEqual(['KEY_UNREADABLE', 'key']);
  });

  it('tells a missing passphrase from a wrong one', async () => {
    const source = { certPem: leaf.chainPem, keyPem: encryptedKeyPem };
    expect(await refusal(source)).toEqual(['PASSPHRASE_MISSING', 'passphrase']);
    expect(await refusal({ ...source, passphrase: 'wrong' })).toEqual(['PASSPHRASE_WRONG', 'passphrase']);
    const traditional = leaf.privateKey.export({ type: 'sec1', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' });
    expect(await refusal({ ...source, keyPem: traditional as string })).toEqual(['PASSPHRASE_MISSING', 'passphrase']);
  });

  it('tells a foreign key from a chain in the wrong order, and says how to order it', async () => {
    const foreign = await root.issue(GOOD_CLIENT);
    const { privateKeyPem: keyPem } = leaf;
    expect(await refusal({ certPem: leaf.chainPem, keyPem: foreign.privateKeyPem })).toEqual(['KEY_MISMATCH', 'key']);

    const [first = '', second = ''] = leaf.chainPem.split(/(?<=-----END CERTIFICATE-----\n)/);
    expect(await refusal({ certPem: second + first, keyPem })).toEqual(['CHAIN_ORDER', 'certificate']);
    await expect(loadCredential({ certPem: second + first, keyPem })).rejects.toThrow(
      'The key belongs to certificate number 2 of 2: put that leaf certificate first',
    );
    const skipped = { certPem: first + root.certificatePem + second, keyPem };
    expect(await refusal(skipped)).toEqual(['CHAIN_ORDER', 'certificate']);
  });

  it('refuses PEM together with PKCS #12, and PKCS #12 that is none', async () => {
    const pfx = Buffer.from('not a file of that kind');
    expect(await refusal({ pfx, certPem: leaf.chainPem })).toEqual(['CREDENTIAL_CONFLICT', 'pfx']);
    expect(await refusal({ pfx })).toEqual(['PFX_UNREADABLE', 'pfx']);
  });

  describe('readCredential', () => {
    let directory: string;
    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), 'hawser-credential-'));
    });
    afterAll(() => rm(directory, { recursive: true }));

    it('reads the files, and names one that it can not read', async () => {
      const certFile = join(directory, 'cert.pem');
      const keyFile = join(directory, 'key.pem');
      await writeFile(certFile, leaf.chainPem);
      await writeFile(keyFile, encryptedKeyPem);
      const credential = await readCredential({ certFile, keyFile, passphrase: 'open sesame' });
      expect(credential.chainDer).toEqual(leaf.chainDer);

      const absent = join(directory, 'absent.pem');
      await expect(readCredential({ certFile, keyFile: absent })).rejects.toMatchObject({
        code: 'HAWSER_ERR_CONFIG_FILE_UNREADABLE',
        key: 'key',
        message: `key: can not read ${absent} (ENOENT).`,
      });
    });
  });
});
