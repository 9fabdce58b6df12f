/** Paths to a trust anchor (TLS-010, TLS-011, TLS-016, TLS-019, TLS-028). */
import { fromHex } from '../../conformance/model/codec.ts';
import { Authority } from './authority.ts';
import { SERVER } from './certificate-case.ts';
import type { CertificateKit, Draft } from './certificate-case.ts';
import { replaceOctets, withBrokenSignature } from './der.ts';
import { ed25519Key } from './keys.ts';
import { CLIENT_IDENTITY, keyNamed, SERVER_IDENTITY } from './parties.ts';

export async function pathCertificates(kit: CertificateKit): Promise<Draft[]> {
  const { root, intermediate, second, ordinary, overOne, overTwo, good, bad, leaf, below } = kit;
  const chainOf = async (intermediates: number): Promise<readonly Uint8Array[]> => {
    let issuer = root;
    for (let depth = 1; depth <= intermediates; depth += 1) {
      issuer = await below(`level ${depth}`, issuer);
    }
    return (await leaf(`below ${intermediates}`, {}, issuer)).chain;
  };
  const other = await Authority.root('Hawser test other root', ed25519Key('other root'));
  const impostor = await Authority.root(root.name, ed25519Key('impostor'));
  const stranger = await leaf('stranger', {}, other);
  const selfIssued = await Authority.root('self-signed', keyNamed('ecdsa-p256', 'client'), {
    basicConstraints: { authority: false },
    keyUsages: ['digitalSignature'],
    extendedKeyUsages: ['clientAuth'],
    uris: [CLIENT_IDENTITY],
  });
  const noAuthority = await below('no authority', root, { basicConstraints: { authority: false } });
  const noConstraints = await below('no constraints', root, { basicConstraints: null });
  const maySignNothing = await below('no keyCertSign', root, { keyUsages: ['cRLSign'] });
  const noUsage = await below('no key usage', root, { keyUsages: null });
  const none = await below('path length 0', root, { pathLength: 0 });
  const one = await below('path length 1', root, { pathLength: 1 });
  const belowNone = await below('below path length 0', none);
  const belowOne = await below('below path length 1', one);
  const twoBelowOne = await below('second below path length 1', belowOne);
  const shortRoot = await Authority.root('Hawser test root, path length 0', ed25519Key('short root'), {
    pathLength: 0,
  });
  const belowShort = await below('below the short root', shortRoot);
  const forServers = await below('for servers', root, { extendedKeyUsages: ['serverAuth'] });
  const forClients = await below('for clients', root, { extendedKeyUsages: ['clientAuth'] });
  const forAll = await below('for both', root, { extendedKeyUsages: ['serverAuth', 'clientAuth'] });
  const leafAsIssuer = await root.subordinate('Hawser test leaf as issuer', keyNamed('ed25519', 'client'), {
    basicConstraints: { authority: false },
    keyUsages: ['digitalSignature'],
    uris: [CLIENT_IDENTITY],
    extendedKeyUsages: ['clientAuth'],
  });
  const forAny = await below('for any purpose', root, { extendedKeyUsages: ['anyExtendedKeyUsage'] });
  const rootKey = root.key;
  const expiredRoot = await Authority.root(root.name, rootKey, { notAfter: new Date('2026-05-01T00:00:00Z') });
  const futureRoot = await Authority.root(root.name, rootKey, { notBefore: new Date('2026-07-01T00:00:00Z') });
  const unknownExtension = { oid: '1.3.6.1.4.1.32473.1', value: fromHex('0500') };
  const path: readonly Draft[] = [
    good('no intermediate', 'TLS-011', ordinary.chain),
    good('one intermediate', 'TLS-011', overOne.chain),
    good('two intermediates', 'TLS-011', overTwo.chain),
    good('eight certificates', 'TLS-019', await chainOf(7)),
    good('trust anchor presented too', 'TLS-011', [...overOne.chain, root.der]),
    good('several trust anchors', 'TLS-011', overOne.chain, { anchors: [other.der, root.der] }),
    good('a trust anchor with the same name and another key beside', 'TLS-011', overOne.chain, {
      anchors: [impostor.der, root.der],
    }),
    good('intermediate as trust anchor', 'TLS-011', [overOne.der], { anchors: [intermediate.der] }),
    good('path length reached', 'TLS-016', (await leaf('path 1', {}, belowOne)).chain),
    good('path length 0 without an intermediate below', 'TLS-016', (await leaf('path 0', {}, none)).chain),
    good('issuer without key usage', 'TLS-016', (await leaf('no usage', {}, noUsage)).chain),
    good('issuer for clients', 'TLS-016', (await leaf('for clients', {}, forClients)).chain),
    good('issuer for both roles', 'TLS-016', (await leaf('for both', {}, forAll)).chain),
    good('issuer for any purpose', 'TLS-016', (await leaf('for any purpose', {}, forAny)).chain),
    good('an expired trust anchor beside its renewal', 'TLS-012', ordinary.chain, {
      anchors: [expiredRoot.der, root.der],
    }),
    good(
      'an extension that is unknown and not critical',
      'TLS-028',
      (await leaf('unknown extension', { extraExtensions: [{ ...unknownExtension, critical: false }] })).chain,
    ),

    bad('trust anchor has expired', ['TLS-012', 'expired'], 'Validity', ordinary.chain, {
      anchors: [expiredRoot.der],
    }),
    bad('trust anchor is not yet valid', ['TLS-012', 'not-yet-valid'], 'Validity', ordinary.chain, {
      anchors: [futureRoot.der],
    }),
    bad('no certificate', ['TLS-010', 'no-certificate'], 'Path', []),
    bad('nine certificates', ['TLS-019', 'chain-too-long'], 'Path', await chainOf(8)),
    bad('unknown authority', ['TLS-011', 'unknown-issuer'], 'Path', stranger.chain),
    bad('unknown authority, with its root presented', ['TLS-011', 'unknown-issuer'], 'Path', [
      ...stranger.chain,
      other.der,
    ]),
    bad('no trust anchor configured', ['TLS-011', 'unknown-issuer'], 'Path', ordinary.chain, { anchors: [] }),
    bad('intermediate missing', ['TLS-011', 'unknown-issuer'], 'Path', [overOne.der]),
    bad('upper one of two intermediates missing', ['TLS-011', 'unknown-issuer'], 'Path', [overTwo.der, second.der]),
    bad('lower one of two intermediates missing', ['TLS-011', 'unknown-issuer'], 'Path', [
      overTwo.der,
      intermediate.der,
    ]),
    bad('self-signed', ['TLS-011', 'unknown-issuer'], 'Path', [selfIssued.der]),
    bad(
      'authority with the name of the trust anchor and another key',
      ['TLS-011', 'bad-signature'],
      'Path',
      (await leaf('impostor', {}, impostor)).chain,
    ),
    bad('signature of the leaf broken', ['TLS-011', 'bad-signature'], 'Path', [withBrokenSignature(ordinary.der)]),
    bad('signature of the intermediate broken', ['TLS-011', 'bad-signature'], 'Path', [
      overOne.der,
      withBrokenSignature(intermediate.der),
    ]),
    bad('a letter of the identity changed', ['TLS-011', 'bad-signature'], 'Path', [
      replaceOctets(ordinary.der, Buffer.from(CLIENT_IDENTITY), Buffer.from('spiffe://example.test/cliemt')),
    ]),
    bad(
      'issuer with CA false',
      ['TLS-016', 'issuer-is-not-ca'],
      'Path',
      (await leaf('CA false', {}, noAuthority)).chain,
    ),
    bad(
      'issuer without basic constraints',
      ['TLS-016', 'issuer-is-not-ca'],
      'Path',
      (await leaf('no constraints', {}, noConstraints)).chain,
    ),
    bad(
      'leaf as issuer',
      ['TLS-016', 'issuer-is-not-ca'],
      'Path',
      (await leaf('leaf as issuer', {}, leafAsIssuer)).chain,
    ),
    bad(
      'issuer without keyCertSign',
      ['TLS-016', 'issuer-may-not-sign'],
      'Path',
      (await leaf('no keyCertSign', {}, maySignNothing)).chain,
    ),
    bad(
      'intermediate below path length 0',
      ['TLS-016', 'path-too-long'],
      'Path',
      (await leaf('beyond 0', {}, belowNone)).chain,
    ),
    bad(
      'two intermediates below path length 1',
      ['TLS-016', 'path-too-long'],
      'Path',
      (await leaf('beyond 1', {}, twoBelowOne)).chain,
    ),
    bad(
      'intermediate below a trust anchor with path length 0',
      ['TLS-016', 'path-too-long'],
      'Path',
      (await leaf('beyond root', {}, belowShort)).chain,
      { anchors: [shortRoot.der] },
    ),
    bad(
      'issuer for servers alone',
      ['TLS-016', 'wrong-eku'],
      'Usage',
      (await leaf('for servers', {}, forServers)).chain,
    ),
    bad(
      'unknown critical extension in the leaf',
      ['TLS-028', 'unsupported-critical-extension'],
      'Path',
      (await leaf('critical', { extraExtensions: [{ ...unknownExtension, critical: true }] })).chain,
    ),
    bad(
      'unknown critical extension in the intermediate',
      ['TLS-028', 'unsupported-critical-extension'],
      'Path',
      (
        await leaf(
          'below critical',
          {},
          await below('critical', root, { extraExtensions: [{ ...unknownExtension, critical: true }] }),
        )
      ).chain,
    ),
    bad('octets that are no certificate', ['TLS-011', 'malformed'], 'Malformed', [Buffer.from('no certificate')]),
    bad('leaf without its last octet', ['TLS-011', 'malformed'], 'Malformed', [ordinary.der.slice(0, -1)]),
    bad('intermediate without its last octet', ['TLS-011', 'malformed'], 'Malformed', [
      overOne.der,
      intermediate.der.slice(0, -1),
    ]),
  ];
  return [
    ...path,
    good(
      'issuer for both roles',
      'TLS-016',
      (await leaf('server for both', { role: 'server', uris: [SERVER_IDENTITY] }, forAll)).chain,
      SERVER,
      SERVER_IDENTITY,
    ),
    bad(
      'issuer for clients alone',
      ['TLS-016', 'wrong-eku'],
      'Usage',
      (await leaf('server for clients', { role: 'server', uris: [SERVER_IDENTITY] }, forClients)).chain,
      SERVER,
    ),
    bad(
      'unknown authority',
      ['TLS-011', 'unknown-issuer'],
      'Path',
      (await leaf('strange server', { role: 'server', uris: [SERVER_IDENTITY] }, other)).chain,
      SERVER,
    ),
  ];
}
