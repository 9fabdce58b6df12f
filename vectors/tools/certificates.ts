/** certificates.json: certificate chains and revocation lists (sections 2.3 to 2.5). */
import type { KeyObject } from 'node:crypto';
import { concat, fromHex } from '../../conformance/model/codec.ts';
import { Authority, NOW } from './authority.ts';
import type { Leaf } from './authority.ts';
import { replaceOctets, signAnew, withBrokenSignature } from './der.ts';
import { ecKey, ed25519Key, ed448Key, rsaKey } from './keys.ts';
import { CLIENT_IDENTITY, KEY_NAMES, keyNamed, SERVER_IDENTITY } from './parties.ts';
import type { Parties } from './parties.ts';
import { pkcs1, signerOf } from './signatures.ts';
import { refused, VALID } from './vector.ts';
import type { DraftFile } from './vector.ts';

type Draft = DraftFile['drafts'][number];
type Role = 'client' | 'server';
type IssueOptions = Parameters<Authority['issue']>[2];

/** How a chain is judged, if not as usual. */
interface Judgement {
  readonly role?: Role;
  readonly now?: string;
  readonly anchors?: readonly Uint8Array[];
  /** The endpoint is configured with these revocation lists; without them it is configured with none. */
  readonly crls?: readonly Uint8Array[];
}

/** Requirement, and reason from the closed list of the README. */
type Refusal = readonly [requirement: string, reason: string];

const base64 = (octets: Uint8Array): string => Buffer.from(octets).toString('base64');
const time = (date: Date): string => `${date.toISOString().slice(0, 19)}Z`;

function inputs(
  chain: readonly Uint8Array[],
  anchor: Uint8Array,
  judgement: Judgement,
): Readonly<Record<string, unknown>> {
  const { role = 'client', now = time(NOW), anchors = [anchor], crls } = judgement;
  return {
    role,
    now,
    chain: chain.map(base64),
    trustAnchors: anchors.map(base64),
    revocation: crls !== undefined,
    crls: (crls ?? []).map(base64),
  };
}

export async function certificateVectors({ root }: Parties): Promise<DraftFile> {
  const good = (
    comment: string,
    requirement: string,
    chain: readonly Uint8Array[],
    judgement: Judgement = {},
    identity = CLIENT_IDENTITY,
    flag = 'GoodChain',
  ): Draft => ({
    comment: `${judgement.role ?? 'client'}: ${comment}`,
    requirements: [requirement],
    flags: [flag],
    ...inputs(chain, root.der, judgement),
    ...VALID,
    expected: { identity },
  });
  const bad = (
    comment: string,
    [requirement, reason]: Refusal,
    flag: string,
    chain: readonly Uint8Array[],
    judgement: Judgement = {},
  ): Draft => ({
    comment: `${judgement.role ?? 'client'}: ${comment}`,
    requirements: [requirement],
    flags: [flag],
    ...inputs(chain, root.der, judgement),
    ...refused('certificate', reason),
  });
  /** A leaf of the root (or another issuer), in order unless the options say otherwise. */
  const leaf = (
    name: string,
    options: Partial<IssueOptions> = {},
    issuer: Authority = root,
    key: KeyObject = keyNamed('ecdsa-p256', 'client'),
  ): Promise<Leaf> => issuer.issue(name, key, { role: 'client', uris: [CLIENT_IDENTITY], ...options });
  const below = (
    name: string,
    issuer: Authority = root,
    options: Parameters<Authority['subordinate']>[2] = {},
  ): Promise<Authority> => issuer.subordinate(`Hawser test ${name}`, ed25519Key(name), options);

  const ordinary = await leaf('ordinary');
  const intermediate = await below('intermediate A');
  const second = await below('intermediate B', intermediate);
  const overOne = await leaf('over one', {}, intermediate);
  const overTwo = await leaf('over two', {}, second);
  const SERVER = { role: 'server' } as const;

  async function keys(): Promise<Draft[]> {
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
        ] as const
      ).map(async ([name, key, reason]) =>
        bad(`leaf key ${name}`, ['TLS-017', reason], 'KeyStrength', (await leaf(`key ${name}`, {}, root, key)).chain),
      ),
    );
    const weakIssuer = await root.subordinate('Hawser test weak intermediate', rsaKey('rsa-1024'));
    const sha1Rsa = await leaf('sha-1 rsa', { signatureHash: 'SHA-1' }, rsaRoot);
    const sha1Ecdsa = await Authority.root('Hawser test root, ECDSA with SHA-1', ecKey('P-256', 'authority'));
    const sha1Issuer = await rsaRoot.subordinate('Hawser test intermediate, SHA-1', ed25519Key('sha-1'), {
      signatureHash: 'SHA-1',
    });
    const md5 = md5Signed((await leaf('md5', {}, rsaRoot)).der);
    return [
      ...types,
      ...roots,
      ...hashes,
      good('trust anchor signed with SHA-1', 'TLS-018', (await leaf('below sha-1 anchor', {}, weakRoot)).chain, {
        anchors: [weakRoot.der],
      }),
      ...unsupported,
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

  async function paths(): Promise<Draft[]> {
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
      good(
        'an extension that is unknown and not critical',
        'TLS-028',
        (await leaf('unknown extension', { extraExtensions: [{ ...unknownExtension, critical: false }] })).chain,
      ),

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

  async function validity(): Promise<Draft[]> {
    const from = new Date('2026-03-01T00:00:00Z');
    const to = new Date('2026-09-01T00:00:00Z');
    const limited = await leaf('limited', { notBefore: from, notAfter: to });
    const limitedIssuer = await below('limited', root, { notBefore: from, notAfter: to });
    const under = await leaf('below limited', {}, limitedIssuer);
    const centuries = await leaf('after 2050', { notAfter: new Date('2051-01-01T00:00:00Z') });
    const at = (now: string): Judgement => ({ now });
    return [
      good('at the first moment', 'TLS-012', limited.chain, at('2026-03-01T00:00:00Z')),
      good('at the last moment', 'TLS-012', limited.chain, at('2026-09-01T00:00:00Z')),
      good('end after 2050, in another notation', 'TLS-012', centuries.chain),
      bad(
        'one second before the leaf is valid',
        ['TLS-012', 'not-yet-valid'],
        'Validity',
        limited.chain,
        at('2026-02-28T23:59:59Z'),
      ),
      bad(
        'one second after the leaf has expired',
        ['TLS-012', 'expired'],
        'Validity',
        limited.chain,
        at('2026-09-01T00:00:01Z'),
      ),
      bad(
        'years after the leaf has expired',
        ['TLS-012', 'expired'],
        'Validity',
        limited.chain,
        at('2031-01-01T00:00:00Z'),
      ),
      bad(
        'one second before the intermediate is valid',
        ['TLS-012', 'not-yet-valid'],
        'Validity',
        under.chain,
        at('2026-02-28T23:59:59Z'),
      ),
      bad(
        'one second after the intermediate has expired',
        ['TLS-012', 'expired'],
        'Validity',
        under.chain,
        at('2026-09-01T00:00:01Z'),
      ),
    ];
  }

  async function usages(): Promise<Draft[]> {
    const rows: readonly (readonly [string, Refusal | undefined, Partial<IssueOptions>, Judgement?])[] = [
      ['for both roles', undefined, { role: 'both' }],
      ['for clients and code signing', undefined, { extendedKeyUsages: ['1.3.6.1.5.5.7.3.3', 'clientAuth'] }],
      ['without key usage', undefined, { keyUsages: null }],
      ['with digitalSignature among others', undefined, { keyUsages: ['digitalSignature', 'keyEncipherment'] }],
      ['without basic constraints', undefined, { basicConstraints: null }],
      ['for both roles', undefined, { role: 'both', uris: [SERVER_IDENTITY] }, SERVER],
      ['for servers', ['TLS-013', 'wrong-eku'], { role: 'server' }],
      ['for clients', ['TLS-014', 'wrong-eku'], { role: 'client' }, SERVER],
      ['without extended key usage', ['TLS-013', 'wrong-eku'], { extendedKeyUsages: null }],
      ['without extended key usage', ['TLS-014', 'wrong-eku'], { extendedKeyUsages: null }, SERVER],
      ['for any purpose', ['TLS-013', 'wrong-eku'], { extendedKeyUsages: ['anyExtendedKeyUsage'] }],
      ['for any purpose', ['TLS-014', 'wrong-eku'], { extendedKeyUsages: ['anyExtendedKeyUsage'] }, SERVER],
      ['for code signing', ['TLS-013', 'wrong-eku'], { extendedKeyUsages: ['1.3.6.1.5.5.7.3.3'] }],
      ['that is a CA certificate', ['TLS-015', 'leaf-is-ca'], { basicConstraints: { authority: true } }],
      [
        'that is a CA certificate',
        ['TLS-015', 'leaf-is-ca'],
        { role: 'server', basicConstraints: { authority: true } },
        SERVER,
      ],
      [
        'with key usage keyEncipherment alone',
        ['TLS-015', 'missing-digital-signature'],
        { keyUsages: ['keyEncipherment'] },
      ],
      [
        'with key usage nonRepudiation alone',
        ['TLS-015', 'missing-digital-signature'],
        { keyUsages: ['nonRepudiation'] },
      ],
      [
        'with key usage keyAgreement alone',
        ['TLS-015', 'missing-digital-signature'],
        { role: 'server', keyUsages: ['keyAgreement'] },
        SERVER,
      ],
    ];
    return Promise.all(
      rows.map(async ([comment, refusal, options, judgement = {}], index) => {
        const { chain } = await leaf(`usage ${index}`, options);
        const identity = options.uris?.[0] ?? CLIENT_IDENTITY;
        if (refusal === undefined) return good(`leaf ${comment}`, 'TLS-013', chain, judgement, identity, 'Usage');
        return bad(`leaf ${comment}`, refusal, 'Usage', chain, judgement);
      }),
    );
  }

  async function identities(): Promise<Draft[]> {
    const DNS = 'client.example.test';
    const OTHER = 'spiffe://example.test/other';
    const rows: readonly (readonly [string, string | Refusal, Partial<IssueOptions>])[] = [
      ['one URI', CLIENT_IDENTITY, {}],
      ['one DNS name', DNS, { uris: [], dnsNames: [DNS] }],
      ['one URI and a DNS name', CLIENT_IDENTITY, { dnsNames: [DNS] }],
      ['one URI and two DNS names', CLIENT_IDENTITY, { dnsNames: [DNS, 'b.example.test'] }],
      ['one URI, and another name in the subject', CLIENT_IDENTITY, { commonName: OTHER }],
      ['a URI of another scheme', 'https://example.test/a?b=c#d', { uris: ['https://example.test/a?b=c#d'] }],
      [
        'a DNS name in upper case, as it stands',
        'CLIENT.example.test',
        { uris: [], dnsNames: ['CLIENT.example.test'] },
      ],
      ['a DNS name with a wildcard, as it stands', '*.example.test', { uris: [], dnsNames: ['*.example.test'] }],
      ['no subject alternative name', ['TLS-021', 'no-identity'], { uris: [] }],
      ['a name in the subject alone', ['TLS-021', 'no-identity'], { uris: [], commonName: DNS }],
      ['a URI in the subject alone', ['TLS-021', 'no-identity'], { uris: [], commonName: CLIENT_IDENTITY }],
      ['two URIs', ['TLS-021', 'ambiguous-identity'], { uris: [CLIENT_IDENTITY, OTHER] }],
      ['the same URI twice', ['TLS-021', 'ambiguous-identity'], { uris: [CLIENT_IDENTITY, CLIENT_IDENTITY] }],
      ['two DNS names and no URI', ['TLS-021', 'ambiguous-identity'], { uris: [], dnsNames: [DNS, 'b.example.test'] }],
      ['a URI with a space', ['TLS-021', 'malformed-identity'], { uris: ['spiffe://example.test/a b'] }],
      ['a URI with a line feed', ['TLS-021', 'malformed-identity'], { uris: ['spiffe://example.test/a\nb'] }],
      ['a URI with NUL', ['TLS-021', 'malformed-identity'], { uris: ['spiffe://example.test/client\0.evil'] }],
    ];
    const email = concat(fromHex('30 15 81 13'), Buffer.from('client@example.test'));
    const mailOnly = await leaf('identity mail', {
      uris: [],
      extraExtensions: [{ oid: '2.5.29.17', critical: false, value: email }],
    });
    const drafts = rows.map(async ([comment, verdict, options], index) => {
      const { chain } = await leaf(`identity ${index}`, options);
      if (typeof verdict !== 'string') return bad(comment, verdict, 'Identity', chain);
      return good(comment, options.commonName === undefined ? 'TLS-020' : 'TLS-022', chain, {}, verdict, 'Identity');
    });
    return [
      ...(await Promise.all(drafts)),
      bad('a mail address alone', ['TLS-021', 'no-identity'], 'Identity', mailOnly.chain),
    ];
  }

  async function revocation(): Promise<Draft[]> {
    const rsaRoot = await Authority.root('Hawser test root, lists', rsaKey('rsa-2048-authority'));
    const rsaLeaf = await leaf('rsa list', {}, rsaRoot);
    const other = await Authority.root('Hawser test other root', ed25519Key('other root'));
    const impostor = await Authority.root(root.name, ed25519Key('impostor'));
    const noLists = await below('no cRLSign', root, { keyUsages: ['keyCertSign'] });
    const underNoLists = await leaf('below no cRLSign', {}, noLists);
    const empty = await root.crl([]);
    const lower = await intermediate.crl([]);
    const old = { thisUpdate: new Date('2026-04-01T00:00:00Z'), nextUpdate: new Date('2026-05-01T00:00:00Z') };
    const exact = await root.crl([], { nextUpdate: NOW });
    const future = await root.crl([], { thisUpdate: new Date('2026-06-02T00:00:00Z') });
    const revoked: Refusal = ['TLS-024', 'revoked'];
    const missing: Refusal = ['TLS-025', 'crl-missing'];
    const lists = (...crls: readonly Uint8Array[]): Judgement => ({ crls });
    return [
      good('no list names the leaf', 'TLS-024', ordinary.chain, lists(empty), CLIENT_IDENTITY, 'Revocation'),
      good(
        'a list names other certificates',
        'TLS-024',
        ordinary.chain,
        lists(await root.crl(['someone', 'else'])),
        CLIENT_IDENTITY,
        'Revocation',
      ),
      good(
        'lists of root and intermediate',
        'TLS-024',
        overOne.chain,
        lists(empty, lower),
        CLIENT_IDENTITY,
        'Revocation',
      ),
      good(
        'lists in the other order, with one of someone else',
        'TLS-024',
        overOne.chain,
        lists(lower, await other.crl([]), empty),
        CLIENT_IDENTITY,
        'Revocation',
      ),
      good('at the last moment of the list', 'TLS-025', ordinary.chain, lists(exact), CLIENT_IDENTITY, 'Revocation'),
      good(
        'the serial number is on the list of another issuer',
        'TLS-024',
        ordinary.chain,
        lists(empty, await other.crl(['ordinary'])),
        CLIENT_IDENTITY,
        'Revocation',
      ),
      good(
        'list signed with RSA',
        'TLS-025',
        rsaLeaf.chain,
        { ...lists(await rsaRoot.crl([])), anchors: [rsaRoot.der] },
        CLIENT_IDENTITY,
        'Revocation',
      ),
      good('no lists configured', 'TLS-023', ordinary.chain, {}, CLIENT_IDENTITY, 'Revocation'),
      bad('leaf revoked by the root', revoked, 'Revocation', ordinary.chain, lists(await root.crl(['ordinary']))),
      bad(
        'leaf revoked by the root, among others',
        revoked,
        'Revocation',
        ordinary.chain,
        lists(await root.crl(['someone', 'ordinary', 'else'])),
      ),
      bad(
        'leaf revoked by the intermediate',
        revoked,
        'Revocation',
        overOne.chain,
        lists(empty, await intermediate.crl(['over one'])),
      ),
      bad(
        'intermediate revoked by the root',
        revoked,
        'Revocation',
        overOne.chain,
        lists(await root.crl([intermediate.name]), lower),
      ),
      bad(
        'upper intermediate revoked',
        revoked,
        'Revocation',
        overTwo.chain,
        lists(await root.crl([intermediate.name]), lower, await second.crl([])),
      ),
      bad(
        'server revoked',
        revoked,
        'Revocation',
        (await leaf('revoked server', { role: 'server', uris: [SERVER_IDENTITY] })).chain,
        { ...SERVER, crls: [await root.crl(['revoked server'])] },
      ),
      bad(
        'lists configured, and none of this authority',
        missing,
        'Revocation',
        ordinary.chain,
        lists(await other.crl([])),
      ),
      bad('lists configured, and no list at all', missing, 'Revocation', ordinary.chain, lists()),
      bad('list of the intermediate missing', missing, 'Revocation', overOne.chain, lists(empty)),
      bad('list of the root missing', missing, 'Revocation', overOne.chain, lists(lower)),
      bad('list has expired', ['TLS-025', 'crl-expired'], 'Revocation', ordinary.chain, lists(await root.crl([], old))),
      bad(
        'list has expired and revokes nothing, list of the intermediate is new',
        ['TLS-025', 'crl-expired'],
        'Revocation',
        overOne.chain,
        lists(await root.crl([], old), lower),
      ),
      bad('list has expired one second ago', ['TLS-025', 'crl-expired'], 'Revocation', ordinary.chain, {
        crls: [exact],
        now: '2026-06-01T00:00:01Z',
      }),
      bad(
        'list without nextUpdate',
        ['TLS-025', 'crl-expired'],
        'Revocation',
        ordinary.chain,
        lists(await root.crl([], { nextUpdate: null })),
      ),
      bad('list is not yet valid', ['TLS-025', 'crl-not-yet-valid'], 'Revocation', ordinary.chain, lists(future)),
      bad(
        'signature of the list broken',
        ['TLS-025', 'crl-bad-signature'],
        'Revocation',
        ordinary.chain,
        lists(withBrokenSignature(empty)),
      ),
      bad(
        'list by an authority of the same name with another key',
        ['TLS-025', 'crl-missing'],
        'Revocation',
        ordinary.chain,
        lists(await impostor.crl([])),
      ),
      bad(
        'list signed by the intermediate in the name of the root',
        ['TLS-025', 'crl-bad-signature'],
        'Revocation',
        ordinary.chain,
        lists(signAnew(empty, signerOf(intermediate.key))),
      ),
      bad(
        'issuer without cRLSign',
        ['TLS-025', 'crl-bad-signature'],
        'Revocation',
        underNoLists.chain,
        lists(empty, await noLists.crl([])),
      ),
      bad('list signed with SHA-1', ['TLS-018', 'weak-signature'], 'Revocation', rsaLeaf.chain, {
        ...lists(await rsaRoot.crl([], { signatureHash: 'SHA-1' })),
        anchors: [rsaRoot.der],
      }),
    ];
  }

  return {
    name: 'certificates',
    prefix: 'certificate',
    description:
      'The chain that a peer presents in the role given, leaf first, judged at `now`. The endpoint is configured with `crls` where ' +
      '`revocation` is true, and with no lists where it is false.',
    drafts: [
      ...(await keys()),
      ...(await paths()),
      ...(await validity()),
      ...(await usages()),
      ...(await identities()),
      ...(await revocation()),
    ],
  };
}

/** sha256WithRSAEncryption becomes md5WithRSAEncryption, inside and outside of what is signed. */
function md5Signed(der: Uint8Array): Uint8Array {
  const renamed = replaceOctets(der, fromHex('06092a864886f70d01010b'), fromHex('06092a864886f70d010104'));
  return signAnew(renamed, pkcs1(rsaKey('rsa-2048-authority'), 'md5'));
}
