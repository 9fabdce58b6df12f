import { beforeAll, describe, expect, it } from 'vitest';
import {
  type AuthorityOptions,
  type CertificateAuthority,
  type CrlOptions,
  type IssueOptions,
  encodePem,
} from '../../../pki/index.ts';
import { GOOD_CLIENT, NOW, createRoot, days, judge } from './laboratory.ts';
import { HAS_OPENSSL, openssl } from './openssl.ts';

/** One chain below a fresh root, with the lists of both authorities. */
interface Scenario {
  readonly leaf?: Partial<IssueOptions>;
  readonly intermediate?: Partial<AuthorityOptions>;
  readonly intermediateCrl?: CrlOptions;
  readonly forgetIntermediate?: true;
}

const UNKNOWN_CRITICAL = { oid: '1.3.6.1.4.1.55555.1', critical: true, value: Uint8Array.from([0x05, 0x00]) };

const SCENARIOS: readonly [string, Scenario][] = [
  ['a good chain', {}],
  ['a good chain with Ed25519', { leaf: { keyAlgorithm: 'ed25519' }, intermediate: { keyAlgorithm: 'ed25519' } }],
  ['an expired leaf', { leaf: { notBefore: days(-2), notAfter: days(-1) } }],
  ['a leaf that is not yet valid', { leaf: { notBefore: days(1) } }],
  ['a leaf of the other role', { leaf: { role: 'server' } }],
  ['a leaf with RSA of 1024 bits', { leaf: { unsafeKeyAlgorithm: 'rsa-1024' } }],
  ['a leaf signed with SHA-1', { leaf: { signatureHash: 'SHA-1' } }],
  ['a leaf with an unknown critical extension', { leaf: { extraExtensions: [UNKNOWN_CRITICAL] } }],
  ['an intermediate that is no CA', { intermediate: { basicConstraints: { authority: false } } }],
  ['an intermediate without keyCertSign', { intermediate: { keyUsages: ['cRLSign'] } }],
  ['an intermediate without cRLSign', { intermediate: { keyUsages: ['keyCertSign'] } }],
  ['an intermediate limited to servers', { intermediate: { extendedKeyUsages: ['serverAuth'] } }],
  ['an expired intermediate', { intermediate: { notBefore: days(-2), notAfter: days(-1) } }],
  ['a chain without its intermediate', { forgetIntermediate: true }],
  ['a revoked leaf', { leaf: { serial: '0badcafe' }, intermediateCrl: { revoked: [{ serial: '0badcafe' }] } }],
  ['an expired list', { intermediateCrl: { thisUpdate: days(-3), nextUpdate: days(-2) } }],
  ['a list from the future', { intermediateCrl: { thisUpdate: days(1) } }],
];

describe.skipIf(!HAS_OPENSSL)('checkChain agrees with openssl verify on', () => {
  let root: CertificateAuthority;
  beforeAll(async () => {
    root = await createRoot();
  });

  it.each(SCENARIOS)('%s', async (_what, scenario) => {
    const intermediate = await root.issueAuthority({ commonName: 'Intermediate', ...scenario.intermediate });
    const leaf = await intermediate.issue({ ...GOOD_CLIENT, ...scenario.leaf });
    const crls = [await intermediate.crl(scenario.intermediateCrl), await root.crl()];
    const chainDer = scenario.forgetIntermediate ? leaf.chainDer.slice(0, 1) : leaf.chainDer;

    const ours = await judge(root, chainDer, { crls: crls.map(({ der }) => der), revocation: 'required' });
    const theirs = await openssl(
      {
        'root.pem': root.certificatePem,
        'crls.pem': crls.map(({ pem }) => pem).join(''),
        'rest.pem':
          chainDer
            .slice(1)
            .map((der) => encodePem('CERTIFICATE', der))
            .join('') || '\n',
        'leaf.pem': leaf.certificatePem,
      },
      [
        ...['verify', '-CAfile', 'root.pem', '-untrusted', 'rest.pem', '-CRLfile', 'crls.pem', '-crl_check_all'],
        ...['-purpose', 'sslclient', '-auth_level', '2', '-attime', String(NOW.getTime() / 1000), 'leaf.pem'],
      ],
    );
    expect({ accepted: ours.ok }, `openssl says: ${theirs.stderr}`).toEqual({ accepted: theirs.ok });
  });
});
