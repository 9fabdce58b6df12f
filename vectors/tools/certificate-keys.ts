/** Keys of leaves and issuers, and hashes of signatures (TLS-017, TLS-018, TLS-029). */
import { fromHex } from '../../conformance/model/codec.ts';
import { Authority } from './authority.ts';
import type { CertificateKit, Draft } from './certificate-case.ts';
import { replaceOctets, signAnew } from './der.ts';
import { ecKey, ed25519Key, ed448Key, rsaKey } from './keys.ts';
import { CLIENT_IDENTITY, KEY_NAMES, keyNamed, SERVER_IDENTITY } from './parties.ts';
import { pkcs1 } from './signatures.ts';

export async function keyCertificates(kit: CertificateKit): Promise<Draft[]> {
  const { root, intermediate, good, bad, leaf } = kit;
  const types = await Promise.all(
    KEY_NAMES.flatMap((name) =>
      (['client', 'server'] as const).map(async (role) => {
        const identity = role === 'client' ? CLIENT_IDENTITY : SERVER_IDENTITY;
        const issued = await leaf(
          `key ${name} ${role}`,
          { role, uris: [identity] },
          intermediate,
          keyNamed(name, role),
        );
        return good(`leaf key ${name}`, 'TLS-017', issued.chain, { role }, identity);
      }),
    ),
  );
  const roots = await Promise.all(
    (
      [
        ['RSA of 2,048 bits', rsaKey('rsa-2048-authority')],
        ['ECDSA on P-256', ecKey('P-256', 'authority')],
        ['ECDSA on P-384', ecKey('P-384', 'authority')],
      ] as const
    ).map(async ([name, key]) => {
      const authority = await Authority.root(`Hawser test root, ${name}`, key);
      const issued = await leaf(`below ${name}`, {}, authority);
      return good(`issued with ${name}`, 'TLS-011', issued.chain, { anchors: [authority.der] });
    }),
  );
  const rsaRoot = await Authority.root('Hawser test root, other hashes', rsaKey('rsa-2048-authority'));
  const hashes = await Promise.all(
    (['SHA-384', 'SHA-512'] as const).map(async (signatureHash) =>
      good(
        `issued with RSA and ${signatureHash}`,
        'TLS-018',
        (await leaf(`hash ${signatureHash}`, { signatureHash }, rsaRoot)).chain,
        { anchors: [rsaRoot.der] },
      ),
    ),
  );
  const weakRoot = await Authority.root('Hawser test root, SHA-1', rsaKey('rsa-2048-authority'), {
    signatureHash: 'SHA-1',
  });
  const unsupported = await Promise.all(
    (
      [
        ['ECDSA on P-521', ecKey('P-521', 'client'), 'unsupported-key'],
        ['Ed448', ed448Key('client'), 'unsupported-key'],
        ['RSA of 1,024 bits', rsaKey('rsa-1024'), 'weak-key'],
        ['RSA of 2,040 bits', rsaKey('rsa-2040'), 'weak-key'],
        ['RSA of 8,200 bits', rsaKey('rsa-8200'), 'unsupported-key'],
      ] as const
    ).map(async ([name, key, reason]) =>
      bad(`leaf key ${name}`, ['TLS-017', reason], 'KeyStrength', (await leaf(`key ${name}`, {}, root, key)).chain),
    ),
  );
  const weakKeyRoot = await Authority.root('Hawser test root, weak key', rsaKey('rsa-1024'));
  const weakIssuer = await root.subordinate('Hawser test weak intermediate', rsaKey('rsa-1024'));
  const sha1Rsa = await leaf('sha-1 rsa', { signatureHash: 'SHA-1' }, rsaRoot);
  const sha1Ecdsa = await Authority.root('Hawser test root, ECDSA with SHA-1', ecKey('P-256', 'authority'));
  const sha1Issuer = await rsaRoot.subordinate('Hawser test intermediate, SHA-1', ed25519Key('sha-1'), {
    signatureHash: 'SHA-1',
  });
  const md5 = md5Signed((await leaf('md5', {}, rsaRoot)).der);
  return [
    ...types,
    good('leaf key RSA of 8,192 bits', 'TLS-017', (await leaf('key rsa-8192', {}, root, rsaKey('rsa-8192'))).chain),
    ...roots,
    ...hashes,
    good('trust anchor signed with SHA-1', 'TLS-018', (await leaf('below sha-1 anchor', {}, weakRoot)).chain, {
      anchors: [weakRoot.der],
    }),
    ...unsupported,
    bad(
      'trust anchor key RSA of 1,024 bits',
      ['TLS-029', 'weak-key'],
      'KeyStrength',
      (await leaf('below weak root', {}, weakKeyRoot)).chain,
      { anchors: [weakKeyRoot.der] },
    ),
    bad(
      'intermediate key RSA of 1,024 bits',
      ['TLS-029', 'weak-key'],
      'KeyStrength',
      (await leaf('below weak', {}, weakIssuer)).chain,
    ),
    bad('leaf signed with RSA and SHA-1', ['TLS-018', 'weak-signature'], 'KeyStrength', sha1Rsa.chain, {
      anchors: [rsaRoot.der],
    }),
    bad(
      'leaf signed with ECDSA and SHA-1',
      ['TLS-018', 'weak-signature'],
      'KeyStrength',
      (await leaf('sha-1 ecdsa', { signatureHash: 'SHA-1' }, sha1Ecdsa)).chain,
      { anchors: [sha1Ecdsa.der] },
    ),
    bad('leaf signed with RSA and MD5', ['TLS-018', 'weak-signature'], 'KeyStrength', [md5], {
      anchors: [rsaRoot.der],
    }),
    bad(
      'intermediate signed with SHA-1',
      ['TLS-018', 'weak-signature'],
      'KeyStrength',
      (await leaf('below sha-1', {}, sha1Issuer)).chain,
      { anchors: [rsaRoot.der] },
    ),
  ];
}

/** sha256WithRSAEncryption becomes md5WithRSAEncryption, inside and outside of what is signed. */
function md5Signed(der: Uint8Array): Uint8Array {
  const renamed = replaceOctets(der, fromHex('06092a864886f70d01010b'), fromHex('06092a864886f70d010104'));
  return signAnew(renamed, pkcs1(rsaKey('rsa-2048-authority'), 'md5'));
}
