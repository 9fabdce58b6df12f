import { beforeAll, describe, expect, it } from 'vitest';
import { type AuthorityOptions, type CertificateAuthority, type IssueOptions, checkChain } from '../../../pki/index.ts';
import { GOOD_CLIENT, NOW, createRoot, days, judge, verdict } from './laboratory.ts';

const UNKNOWN_CRITICAL = { oid: '1.3.6.1.4.1.55555.1', critical: true, value: Uint8Array.from([0x05, 0x00]) };

describe('checkChain', () => {
  let root: CertificateAuthority;
  beforeAll(async () => {
    root = await createRoot();
  });

  const judgeLeaf = async (options: Partial<IssueOptions>): Promise<string> => {
    const leaf = await root.issue({ ...GOOD_CLIENT, ...options });
    return verdict(await judge(root, leaf.chainDer));
  };

  const judgeBelow = async (options: Partial<AuthorityOptions>): Promise<string> => {
    const intermediate = await root.issueAuthority({ commonName: 'Intermediate', ...options });
    const leaf = await intermediate.issue(GOOD_CLIENT);
    return verdict(await judge(root, leaf.chainDer));
  };

  describe('accepts', () => {
    it('a leaf of a trust anchor, and says who it is and until when', async () => {
      const leaf = await root.issue({ ...GOOD_CLIENT, notAfter: days(3) });
      expect(await judge(root, leaf.chainDer)).toMatchObject({
        ok: true,
        identity: { kind: 'uri', value: 'spiffe://bank.example/teller' },
        path: [{ serial: leaf.serial }, { subject: 'CN=Test Root' }],
        certificatesValidUntil: days(3),
        crlsValidUntil: undefined,
      });
    });

    it.each([1, 2, 5])('a path over %i intermediates', async (count) => {
      let authority = root;
      for (let level = 1; level <= count; level++) {
        authority = await authority.issueAuthority({ commonName: `Level ${level}` });
      }
      const leaf = await authority.issue(GOOD_CLIENT);
      const result = await judge(root, leaf.chainDer);
      expect(result.ok && result.path.length).toBe(count + 2);
    });

    it('the trust anchor among the certificates presented', async () => {
      const leaf = await root.issue(GOOD_CLIENT);
      expect(verdict(await judge(root, [...leaf.chainDer, root.certificateDer]))).toBe('ok');
    });

    it('an intermediate as trust anchor', async () => {
      const intermediate = await root.issueAuthority({ commonName: 'Intermediate' });
      const leaf = await intermediate.issue(GOOD_CLIENT);
      expect(verdict(await judge(intermediate, leaf.chainDer))).toBe('ok');
    });

    it('a leaf of either of two trust anchors of one name', async () => {
      const renewed = await createRoot();
      const trustAnchors = [renewed.certificateDer, root.certificateDer];
      for (const authority of [root, renewed]) {
        const leaf = await authority.issue(GOOD_CLIENT);
        expect(verdict(await judge(root, leaf.chainDer, { trustAnchors }))).toBe('ok');
      }
    });

    it('a path length that is just enough, and self-issued certificates beyond it', async () => {
      const upper = await root.issueAuthority({ commonName: 'Upper', pathLength: 1 });
      const lower = await upper.issueAuthority({ commonName: 'Lower', pathLength: 0 });
      const renewed = await lower.issueAuthority({ commonName: 'Lower' });
      const leaf = await renewed.issue(GOOD_CLIENT);
      expect(verdict(await judge(root, leaf.chainDer))).toBe('ok');
    });

    it('the first and the last instant of validity', async () => {
      const leaf = await root.issue({ ...GOOD_CLIENT, notBefore: days(1), notAfter: days(2) });
      const at = async (now: Date): Promise<string> => verdict(await judge(root, leaf.chainDer, { now }));
      expect(await at(days(1))).toBe('ok');
      expect(await at(days(2))).toBe('ok');
      expect(await at(new Date(days(1).getTime() - 1))).toBe('not-yet-valid@0');
      expect(await at(new Date(days(2).getTime() + 1))).toBe('expired@0');
    });
  });

  describe('refuses a leaf', () => {
    it.each<[string, Partial<IssueOptions>, string]>([
      ['that has expired', { notBefore: days(-2), notAfter: days(-1) }, 'expired@0'],
      ['that is not yet valid', { notBefore: days(1) }, 'not-yet-valid@0'],
      ['of the other role', { role: 'server' }, 'wrong-eku@0'],
      ['without extended key usage', { extendedKeyUsages: null }, 'wrong-eku@0'],
      ['without alternative names', { uris: [] }, 'no-identity@0'],
      ['with a common name alone', { uris: [], commonName: 'teller' }, 'no-identity@0'],
      ['with two URIs', { uris: ['urn:a', 'urn:b'] }, 'ambiguous-identity@0'],
      ['with an unusable URI', { uris: ['urn:a b'] }, 'malformed-identity@0'],
      ['signed with SHA-1', { signatureHash: 'SHA-1' }, 'weak-signature@0'],
      ['with RSA of 1024 bits', { unsafeKeyAlgorithm: 'rsa-1024' }, 'weak-key@0'],
      ['with a key on P-521', { unsafeKeyAlgorithm: 'ecdsa-p521' }, 'unsupported-key@0'],
      ['that claims to be a CA', { basicConstraints: { authority: true } }, 'leaf-is-ca@0'],
      ['without digitalSignature', { keyUsages: ['keyEncipherment'] }, 'missing-digital-signature@0'],
      [
        'with an unknown critical extension',
        { extraExtensions: [UNKNOWN_CRITICAL] },
        'unsupported-critical-extension@0',
      ],
    ])('%s', async (_what, options, expected) => {
      expect(await judgeLeaf(options)).toBe(expected);
    });

    it('signed with SHA-1 by an RSA authority', async () => {
      const rsaRoot = await createRoot({ keyAlgorithm: 'rsa-2048' });
      const leaf = await rsaRoot.issue({ ...GOOD_CLIENT, signatureHash: 'SHA-1' });
      expect(verdict(await judge(rsaRoot, leaf.chainDer))).toBe('weak-signature@0');
    });

    it('that is a trust anchor and no CA', async () => {
      const selfSigned = await createRoot({ basicConstraints: null, keyUsages: null, uris: ['urn:self'] });
      expect(verdict(await judge(selfSigned, [selfSigned.certificateDer]))).toBe('issuer-is-not-ca@1');
    });
  });

  describe('refuses an issuer', () => {
    it.each<[string, Partial<AuthorityOptions>, string]>([
      ['that is no CA', { basicConstraints: { authority: false } }, 'issuer-is-not-ca@1'],
      ['without basic constraints', { basicConstraints: null }, 'issuer-is-not-ca@1'],
      ['without keyCertSign', { keyUsages: ['cRLSign', 'digitalSignature'] }, 'issuer-may-not-sign@1'],
      ['that has expired', { notBefore: days(-2), notAfter: days(-1) }, 'expired@1'],
      ['that is not yet valid', { notBefore: days(1) }, 'not-yet-valid@1'],
      ['limited to the other role', { extendedKeyUsages: ['serverAuth'] }, 'wrong-eku@1'],
      ['signed with SHA-1', { signatureHash: 'SHA-1' }, 'weak-signature@1'],
      ['with RSA of 1024 bits', { unsafeKeyAlgorithm: 'rsa-1024' }, 'weak-key@1'],
      [
        'with an unknown critical extension',
        { extraExtensions: [UNKNOWN_CRITICAL] },
        'unsupported-critical-extension@1',
      ],
    ])('%s', async (_what, options, expected) => {
      expect(await judgeBelow(options)).toBe(expected);
    });

    it('whose path length is exceeded, be it an intermediate or the anchor', async () => {
      const upper = await root.issueAuthority({ commonName: 'Upper', pathLength: 0 });
      const lower = await upper.issueAuthority({ commonName: 'Lower' });
      expect(verdict(await judge(root, (await lower.issue(GOOD_CLIENT)).chainDer))).toBe('path-too-long@2');

      const narrow = await createRoot({ pathLength: 0 });
      const below = await narrow.issueAuthority({ commonName: 'Below' });
      expect(verdict(await judge(narrow, (await below.issue(GOOD_CLIENT)).chainDer))).toBe('path-too-long@2');
    });

    it('that is an expired trust anchor', async () => {
      const old = await createRoot({ notBefore: days(-20), notAfter: days(-10) });
      expect(verdict(await judge(old, (await old.issue(GOOD_CLIENT)).chainDer))).toBe('expired@1');
    });
  });

  describe('refuses a chain', () => {
    it('of another authority', async () => {
      const stranger = await createRoot({ commonName: 'Stranger' });
      const leaf = await stranger.issue(GOOD_CLIENT);
      expect(verdict(await judge(root, leaf.chainDer))).toBe('unknown-issuer@0');
      expect(verdict(await judge(root, [...leaf.chainDer, stranger.certificateDer]))).toBe('unknown-issuer@1');
    });

    it('of another authority with the name of the trusted one', async () => {
      const impostor = await createRoot();
      const leaf = await impostor.issue(GOOD_CLIENT);
      expect(verdict(await judge(root, leaf.chainDer))).toBe('bad-signature@0');
      expect(verdict(await judge(root, [...leaf.chainDer, impostor.certificateDer]))).toBe('bad-signature@1');
    });

    it('whose intermediate did not sign the leaf', async () => {
      const intermediate = await root.issueAuthority({ commonName: 'Intermediate' });
      const impostor = await root.issueAuthority({ commonName: 'Intermediate' });
      const leaf = await impostor.issue(GOOD_CLIENT);
      const chain = [leaf.certificateDer, intermediate.certificateDer];
      expect(verdict(await judge(root, chain))).toBe('bad-signature@0');
    });

    it('with one changed bit in the signature', async () => {
      const leaf = await root.issue(GOOD_CLIENT);
      const changed = Uint8Array.from(leaf.certificateDer);
      const last = changed.length - 1;
      changed[last] = changed[last]! ^ 1;
      expect(verdict(await judge(root, [changed]))).toBe('bad-signature@0');
    });

    it('with an intermediate missing, or out of order', async () => {
      const upper = await root.issueAuthority({ commonName: 'Upper' });
      const lower = await upper.issueAuthority({ commonName: 'Lower' });
      const leaf = await lower.issue(GOOD_CLIENT);
      const [leafDer, lowerDer, upperDer] = leaf.chainDer as [Uint8Array, Uint8Array, Uint8Array];
      expect(verdict(await judge(root, [leafDer]))).toBe('unknown-issuer@0');
      expect(verdict(await judge(root, [leafDer, upperDer]))).toBe('unknown-issuer@0');
      expect(verdict(await judge(root, [leafDer, lowerDer]))).toBe('unknown-issuer@1');
      expect(verdict(await judge(root, [leafDer, upperDer, lowerDer]))).toBe('wrong-order@0');
    });

    it('that is empty, too long, or not certificates', async () => {
      const leaf = await root.issue(GOOD_CLIENT);
      expect(verdict(await judge(root, []))).toBe('no-certificate@0');
      expect(
        verdict(
          await judge(
            root,
            Array.from({ length: 9 }, () => leaf.certificateDer),
          ),
        ),
      ).toBe('chain-too-long@0');
      expect(verdict(await judge(root, [Uint8Array.of(0x30, 0)]))).toBe('malformed@0');
      expect(verdict(await judge(root, [leaf.certificateDer, Uint8Array.of(1)]))).toBe('malformed@0');
    });

    it('when nothing is trusted', async () => {
      const leaf = await root.issue(GOOD_CLIENT);
      expect(verdict(await judge(root, leaf.chainDer, { trustAnchors: [] }))).toBe('unknown-issuer@0');
    });
  });

  it('refuses a leaf with any one octet changed, and rejects for none of them', async () => {
    const leaf = await root.issue({ ...GOOD_CLIENT, keyAlgorithm: 'ed25519' });
    const accepted: number[] = [];
    for (const [position, octet] of leaf.certificateDer.entries()) {
      const changed = Uint8Array.from(leaf.certificateDer);
      changed[position] = octet ^ 0x01;
      if ((await judge(root, [changed])).ok) accepted.push(position);
    }
    expect(accepted).toEqual([]);
  });

  it('names the requirement and the role', async () => {
    const leaf = await root.issue(GOOD_CLIENT);
    expect(await judge(root, leaf.chainDer, { role: 'server' })).toMatchObject({
      reason: 'wrong-eku',
      requirement: 'TLS-014',
    });
  });

  it('throws for a trust anchor that the caller got wrong', async () => {
    const leaf = await root.issue(GOOD_CLIENT);
    const options = { role: 'client', crls: [], now: NOW, revocation: 'if-present' } as const;
    await expect(checkChain(leaf.chainDer, { ...options, trustAnchors: [Uint8Array.of(1)] })).rejects.toMatchObject({
      code: 'HAWSER_ERR_TRANSPORT_CERTIFICATE',
      reason: 'malformed',
    });
  });
});
