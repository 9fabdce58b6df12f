import { beforeAll, describe, expect, it } from 'vitest';
import type { CertificateAuthority, IssuedCertificate, IssuedCrl, RevocationPolicy } from '../../../pki/index.ts';
import { GOOD_CLIENT, createRoot, days, judge, verdict } from './laboratory.ts';

describe('checkChain with revocation lists', () => {
  let root: CertificateAuthority;
  let intermediate: CertificateAuthority;
  let leaf: IssuedCertificate;
  beforeAll(async () => {
    root = await createRoot();
    intermediate = await root.issueAuthority({ commonName: 'Intermediate' });
    leaf = await intermediate.issue(GOOD_CLIENT);
  });

  const judgeBy = async (crls: readonly IssuedCrl[], revocation: RevocationPolicy = 'required'): Promise<string> =>
    verdict(await judge(root, leaf.chainDer, { crls: crls.map(({ der }) => der), revocation }));

  it('accepts a path whose issuers all have a valid list without it, and says until when', async () => {
    const crls = [await intermediate.crl({ nextUpdate: days(2) }), await root.crl({ nextUpdate: days(1) })];
    const result = await judge(root, leaf.chainDer, { crls: crls.map(({ der }) => der), revocation: 'required' });
    expect(result).toMatchObject({ ok: true, crlsValidUntil: days(1) });
  });

  it('refuses a revoked leaf and a revoked intermediate', async () => {
    const revokesLeaf = await intermediate.crl({ revoked: [{ serial: leaf.serial, reason: 'key-compromise' }] });
    expect(await judgeBy([revokesLeaf, await root.crl()])).toBe('revoked@0');
    expect(await judgeBy([revokesLeaf], 'if-present')).toBe('revoked@0');

    const held = await intermediate.crl({ revoked: [{ serial: leaf.serial, reason: 'certificate-hold' }] });
    expect(await judgeBy([held], 'if-present')).toBe('revoked@0');

    const other = await root.issueAuthority({ commonName: 'Other', serial: 'c0ffee' });
    const below = await other.issue(GOOD_CLIENT);
    const revokesOther = await root.crl({ revoked: [{ serial: 'c0ffee' }] });
    const crls = [(await other.crl()).der, revokesOther.der];
    expect(verdict(await judge(root, below.chainDer, { crls, revocation: 'required' }))).toBe('revoked@1');
  });

  it('does not mistake the serial number of one issuer for that of another', async () => {
    const revokesSameSerial = await root.crl({ revoked: [{ serial: leaf.serial }] });
    expect(await judgeBy([await intermediate.crl(), revokesSameSerial])).toBe('ok');
  });

  it('refuses a missing list only where lists are required', async () => {
    expect(await judgeBy([])).toBe('crl-missing@0');
    expect(await judgeBy([await intermediate.crl()])).toBe('crl-missing@1');
    expect(await judgeBy([], 'if-present')).toBe('ok');
  });

  it.each<RevocationPolicy>(['required', 'if-present'])(
    'refuses an unusable list when lists are %s',
    async (policy) => {
      const rootCrl = await root.crl();
      const with_ = async (crl: Promise<IssuedCrl>): Promise<string> => judgeBy([await crl, rootCrl], policy);
      expect(await with_(intermediate.crl({ thisUpdate: days(-9), nextUpdate: days(-1) }))).toBe('crl-expired@0');
      expect(await with_(intermediate.crl({ nextUpdate: null }))).toBe('crl-expired@0');
      expect(await with_(intermediate.crl({ thisUpdate: days(1) }))).toBe('crl-not-yet-valid@0');
      expect(await with_(intermediate.crl({ signatureHash: 'SHA-1' }))).toBe('weak-signature@0');
      const delta = { oid: '2.5.29.27', critical: true, value: Uint8Array.from([0x02, 0x01, 0x01]) };
      expect(await with_(intermediate.crl({ extraExtensions: [delta] }))).toBe('crl-unsupported@0');
      const unknown = { oid: '1.3.6.1.4.1.55555.1', critical: true, value: Uint8Array.from([0x05, 0x00]) };
      expect(await with_(intermediate.crl({ extraExtensions: [unknown] }))).toBe('crl-unsupported@0');
    },
  );

  it('refuses a list that another key signed in the name of the issuer', async () => {
    const impostor = await createRoot({ commonName: 'Intermediate', privateKey: root.privateKey });
    const forged = await impostor.crl();
    // The authority key identifier tells the forger's key apart, so this is no list of the issuer at all.
    expect(await judgeBy([forged, await root.crl()])).toBe('crl-missing@0');

    const changed = Uint8Array.from((await intermediate.crl()).der);
    const last = changed.length - 1;
    changed[last] = changed[last]! ^ 1;
    expect(await judgeBy([{ der: changed, pem: '' }, await root.crl()])).toBe('crl-bad-signature@0');
  });

  it('refuses a list of an issuer without cRLSign', async () => {
    const mute = await root.issueAuthority({ commonName: 'Mute', keyUsages: ['keyCertSign'] });
    const below = await mute.issue(GOOD_CLIENT);
    const crls = [(await mute.crl()).der, (await root.crl()).der];
    expect(verdict(await judge(root, below.chainDer, { crls, revocation: 'required' }))).toBe('crl-bad-signature@0');
  });

  it('refuses octets that are not a list', async () => {
    expect(await judgeBy([{ der: Uint8Array.of(0x30, 0), pem: '' }])).toBe('crl-malformed@0');
  });

  it('goes by the newest list that has begun', async () => {
    const rootCrl = await root.crl();
    const revokes = { revoked: [{ serial: leaf.serial }] };
    const older = await intermediate.crl({ thisUpdate: days(-2), ...revokes });
    const newer = await intermediate.crl({ thisUpdate: days(-1) });
    const future = await intermediate.crl({ thisUpdate: days(1), ...revokes });
    expect(await judgeBy([older, newer, future, rootCrl])).toBe('ok');
    expect(await judgeBy([await intermediate.crl({ ...revokes }), older, newer, rootCrl])).toBe('revoked@0');
    const newestExpired = await intermediate.crl({ thisUpdate: days(-0.5), nextUpdate: days(-0.25) });
    expect(await judgeBy([newestExpired, newer, rootCrl])).toBe('crl-expired@0');
  });

  it.each(['ecdsa-p384', 'ed25519', 'rsa-2048'] as const)('verifies a list signed with %s', async (keyAlgorithm) => {
    const authority = await createRoot({ keyAlgorithm });
    const client = await authority.issue(GOOD_CLIENT);
    const check = async (crl: IssuedCrl): Promise<string> =>
      verdict(await judge(authority, client.chainDer, { crls: [crl.der], revocation: 'required' }));
    expect(await check(await authority.crl())).toBe('ok');
    expect(await check(await authority.crl({ revoked: [{ serial: client.serial }] }))).toBe('revoked@0');
  });
});
