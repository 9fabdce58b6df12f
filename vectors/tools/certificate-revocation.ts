/** Revocation lists (section 2.5). */
import { fromHex } from '../../conformance/model/codec.ts';
import { Authority, NOW } from './authority.ts';
import { SERVER } from './certificate-case.ts';
import type { CertificateKit, Draft, Judgement, Refusal } from './certificate-case.ts';
import { signAnew, withBrokenSignature } from './der.ts';
import { ed25519Key, rsaKey } from './keys.ts';
import { CLIENT_IDENTITY, SERVER_IDENTITY } from './parties.ts';
import { signerOf } from './signatures.ts';

export async function revocationCertificates(kit: CertificateKit): Promise<Draft[]> {
  const { root, intermediate, second, ordinary, overOne, overTwo, good, bad, leaf, below } = kit;
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
      'delta list',
      ['TLS-025', 'crl-unsupported'],
      'Revocation',
      ordinary.chain,
      lists(await root.crl([], { extraExtensions: [{ oid: '2.5.29.27', critical: true, value: fromHex('020101') }] })),
    ),
    bad(
      'list with an unknown critical extension',
      ['TLS-025', 'crl-unsupported'],
      'Revocation',
      ordinary.chain,
      lists(
        await root.crl([], {
          extraExtensions: [{ oid: '1.3.6.1.4.1.32473.1', critical: true, value: fromHex('0500') }],
        }),
      ),
    ),
    bad(
      'octets that are no list',
      ['TLS-025', 'crl-malformed'],
      'Malformed',
      ordinary.chain,
      lists(Buffer.from('no list')),
    ),
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
