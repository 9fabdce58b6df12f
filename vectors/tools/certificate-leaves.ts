/** Leaf certificates: time, usages and identity. */
import { concat, fromHex } from '../../conformance/model/codec.ts';
import { SERVER } from './certificate-case.ts';
import type { CertificateKit, Draft, IssueOptions, Judgement, Refusal } from './certificate-case.ts';
import { CLIENT_IDENTITY, SERVER_IDENTITY } from './parties.ts';

/** Certificates before, in and after their time (TLS-012). */
export async function validityCertificates(kit: CertificateKit): Promise<Draft[]> {
  const { root, good, bad, leaf, below } = kit;
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

/** Key usages of leaves (TLS-013 to TLS-015). */
export async function usageCertificates(kit: CertificateKit): Promise<Draft[]> {
  const { good, bad, leaf } = kit;
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

/** Identities (section 2.4). */
export async function identityCertificates(kit: CertificateKit): Promise<Draft[]> {
  const { good, bad, leaf } = kit;
  const DNS = 'client.example.test';
  const OTHER = 'spiffe://example.test/other';
  const LONGEST = 'spiffe://example.test/'.padEnd(2048, 'x');
  const rows: readonly (readonly [string, string | Refusal, Partial<IssueOptions>])[] = [
    ['one URI', CLIENT_IDENTITY, {}],
    ['one DNS name', DNS, { uris: [], dnsNames: [DNS] }],
    ['one URI and a DNS name', CLIENT_IDENTITY, { dnsNames: [DNS] }],
    ['one URI and two DNS names', CLIENT_IDENTITY, { dnsNames: [DNS, 'b.example.test'] }],
    ['one URI, and another name in the subject', CLIENT_IDENTITY, { commonName: OTHER }],
    ['a URI of another scheme', 'https://example.test/a?b=c#d', { uris: ['https://example.test/a?b=c#d'] }],
    ['a DNS name in upper case, as it stands', 'CLIENT.example.test', { uris: [], dnsNames: ['CLIENT.example.test'] }],
    ['a DNS name with a wildcard, as it stands', '*.example.test', { uris: [], dnsNames: ['*.example.test'] }],
    ['no subject alternative name', ['TLS-021', 'no-identity'], { uris: [] }],
    ['a name in the subject alone', ['TLS-021', 'no-identity'], { uris: [], commonName: DNS }],
    ['a URI in the subject alone', ['TLS-021', 'no-identity'], { uris: [], commonName: CLIENT_IDENTITY }],
    ['two URIs', ['TLS-021', 'ambiguous-identity'], { uris: [CLIENT_IDENTITY, OTHER] }],
    ['the same URI twice', ['TLS-021', 'ambiguous-identity'], { uris: [CLIENT_IDENTITY, CLIENT_IDENTITY] }],
    ['two DNS names and no URI', ['TLS-021', 'ambiguous-identity'], { uris: [], dnsNames: [DNS, 'b.example.test'] }],
    ['a URI of 2,048 octets', LONGEST, { uris: [LONGEST] }],
    ['a URI of 2,049 octets', ['TLS-021', 'malformed-identity'], { uris: [`${LONGEST}x`] }],
    ['an empty URI', ['TLS-021', 'malformed-identity'], { uris: [''] }],
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
