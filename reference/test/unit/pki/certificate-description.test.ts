import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { CertificateError, type CertificateAuthority, describeCertificate, encodePem } from '../../../pki/index.ts';
import { parseCertificate } from '../../../pki/parsed-certificate.ts';
import { GOOD_CLIENT, createRoot } from './laboratory.ts';

describe('describeCertificate', () => {
  let root: CertificateAuthority;
  beforeAll(async () => {
    root = await createRoot();
  });

  it('states the SHA-256 of the very octets', () => {
    const expected = createHash('sha256').update(root.certificateDer).digest('hex');
    expect(describeCertificate(root.certificateDer).sha256).toBe(expected);
  });

  it('does not change with the buffer that it was given', async () => {
    const { certificateDer } = await root.issue(GOOD_CLIENT);
    const mutable = Uint8Array.from(certificateDer);
    expect(parseCertificate(mutable).der).toEqual(certificateDer);
    mutable.fill(0);
    expect(parseCertificate(certificateDer).der).toEqual(certificateDer);
  });

  it('refuses everything that is not exactly one DER certificate', () => {
    const der = root.certificateDer;
    const wrong = [
      new Uint8Array(),
      der.subarray(0, der.length - 1),
      Uint8Array.from([...der, 0]),
      Uint8Array.from(Buffer.from(encodePem('CERTIFICATE', der))),
    ];
    for (const octets of wrong) {
      expect(() => describeCertificate(octets)).toThrow(CertificateError);
      expect(() => describeCertificate(octets)).toThrow(expect.objectContaining({ reason: 'malformed' }));
    }
  });

  it('refuses a certificate that carries an extension twice', async () => {
    const twice = { oid: '1.3.6.1.4.1.55555.1', critical: false, value: Uint8Array.from([0x05, 0x00]) };
    const leaf = await root.issue({ ...GOOD_CLIENT, extraExtensions: [twice, twice] });
    expect(() => describeCertificate(leaf.certificateDer)).toThrow(expect.objectContaining({ reason: 'malformed' }));
  });
});
