import { beforeAll, describe, expect, it } from 'vitest';
import { type CertificateAuthority, type IssuedCertificate, loadCredential } from '../../../pki/index.ts';
import { GOOD_CLIENT, createRoot } from './laboratory.ts';
import { HAS_OPENSSL, openssl } from './openssl.ts';

describe.skipIf(!HAS_OPENSSL)('loadCredential from PKCS #12 that openssl wrote', () => {
  let root: CertificateAuthority;
  let leaf: IssuedCertificate;
  beforeAll(async () => {
    root = await createRoot();
    const upper = await root.issueAuthority({ commonName: 'Upper' });
    const lower = await upper.issueAuthority({ commonName: 'Lower' });
    leaf = await lower.issue(GOOD_CLIENT);
  });

  const write = async (...options: string[]): Promise<Buffer> => {
    const [first = '', ...others] = leaf.chainPem.split(/(?<=-----END CERTIFICATE-----\n)/);
    const files = {
      'leaf.pem': first,
      'key.pem': leaf.privateKeyPem,
      'others.pem': root.certificatePem + others.toReversed().join(''),
    };
    const args = ['pkcs12', '-export', '-in', 'leaf.pem', '-inkey', 'key.pem', '-certfile', 'others.pem', ...options];
    const { ok, stdout, stderr } = await openssl(files, args);
    expect(ok, stderr).toBe(true);
    return stdout;
  };

  it('finds the key, puts the chain in order and leaves the root out', async () => {
    const pfx = await write('-passout', 'pass:open sesame');
    const credential = await loadCredential({ pfx, passphrase: 'open sesame' });
    expect(credential.chainDer).toEqual(leaf.chainDer);
    expect(credential.keyPem).toBe(leaf.privateKeyPem);
  });

  it('opens a file with an empty passphrase', async () => {
    const credential = await loadCredential({ pfx: await write('-passout', 'pass:') });
    expect(credential.chainDer).toEqual(leaf.chainDer);
  });

  it('opens a file whose passphrase is not ASCII', async () => {
    const pfx = await write('-passout', 'pass:Grüße');
    const credential = await loadCredential({ pfx, passphrase: 'Grüße' });
    expect(credential.chainDer).toEqual(leaf.chainDer);
  });

  it('refuses a wrong passphrase', async () => {
    const pfx = await write('-passout', 'pass:open sesame');
    for (const passphrase of ['wrong', undefined]) {
      const source = passphrase === undefined ? { pfx } : { pfx, passphrase };
      await expect(loadCredential(source)).rejects.toMatchObject({
        code: 'HAWSER_ERR_CONFIG_PASSPHRASE_WRONG',
        key: 'passphrase',
      });
    }
  });

  it('says how to rewrite a file with outdated encryption', async () => {
    const pfx = await write('-passout', 'pass:x', '-certpbe', 'PBE-SHA1-3DES', '-keypbe', 'PBE-SHA1-3DES');
    await expect(loadCredential({ pfx, passphrase: 'x' })).rejects.toMatchObject({
      code: 'HAWSER_ERR_CONFIG_PFX_UNREADABLE',
      message: expect.stringContaining('openssl pkcs12 -export -out NEW') as string,
    });
  });

  it.each([
    ['a key', '-nokeys', 'HAWSER_ERR_CONFIG_PFX_UNREADABLE'],
    ['the certificate of the key', '-nocerts', 'HAWSER_ERR_CONFIG_KEY_MISMATCH'],
  ])('refuses a file without %s', async (_what, option, code) => {
    const pfx = await write('-passout', 'pass:x', option);
    await expect(loadCredential({ pfx, passphrase: 'x' })).rejects.toMatchObject({ code });
  });
});
