import { randomUUID, X509Certificate } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CertificateAuthority, IssuedCertificate, IssueOptions } from '../../reference/pki/index.ts';
import type { Credential } from '../peer/credential.ts';
import { makeCredential } from '../peer/credential.ts';
import { Mutex } from '../peer/ends/mutex.ts';
import type { KitEntry, KitIndex } from './kit-files.ts';
import type { KitIssuer, KitSubject } from './kit-plan.ts';
import {
  APPLICATION_SUBJECTS,
  CLIENT_SUBJECTS,
  RELAY_SUBJECTS,
  RELAY_UNDER_TEST,
  SERVER_SUBJECTS,
} from './kit-plan.ts';
import { makeDirectory } from './make-directory.ts';

/** Options of {@link issueKit}. */
export interface KitOptions {
  readonly directory: string;
  readonly serverIdentity?: string;
  readonly clientIdentity?: string;
}

type Role = 'client' | 'server';

const DAY_MS = 24 * 60 * 60 * 1000;
/** Under the enterprise number for documentation (RFC 5612): nobody processes it. */
const UNKNOWN_EXTENSION = { oid: '1.3.6.1.4.1.32473.1', critical: true, value: Uint8Array.of(0x05, 0x00) };
/** Delta CRL indicator, and an issuing distribution point that says "onlyContainsUserCerts" (RFC 5280, section 5.2). */
const DELTA_LIST = { oid: '2.5.29.27', critical: true, value: Uint8Array.of(0x02, 0x01, 0x01) };
const PARTITIONED_LIST = { oid: '2.5.29.28', critical: true, value: Uint8Array.of(0x30, 0x03, 0x81, 0x01, 0xff) };
/** Permissions of a key. */
const SECRET = 0o600;
const ROOT_NAME = 'Hawser conformance root';

// The X.509 library takes a fifth of a second to load: only those who issue pay for it.
const loadPki = (): Promise<typeof import('../../reference/pki/index.ts')> => import('../../reference/pki/index.ts');

interface Authorities {
  readonly root: CertificateAuthority;
  readonly byName: ReadonlyMap<KitIssuer, CertificateAuthority>;
  /** `crossed-role-intermediate`, by the role of the subject. */
  readonly crossed: ReadonlyMap<Role, CertificateAuthority>;
  /** Revocation lists of all authorities but the root, PEM. */
  readonly lists: readonly string[];
  /** Serial numbers of authorities that the root revokes. */
  readonly revoked: readonly string[];
}

interface Identities {
  readonly own: string;
  readonly second: string;
  readonly dns: string;
}

/**
 * Issues a certificate kit with fresh keys. The directory is made for its owner alone; files of an earlier kit are replaced.
 *
 * @returns the index, as it stands in `kit.json`.
 */
export async function issueKit(options: KitOptions): Promise<KitIndex> {
  const serverIdentity = options.serverIdentity ?? 'spiffe://hawser.test/server';
  const clientIdentity = options.clientIdentity ?? 'spiffe://hawser.test/client';
  const authorities = await issueAuthorities();
  const { root } = authorities;
  const identities = {
    server: { own: serverIdentity, second: `${serverIdentity}-other`, dns: 'server.hawser.test' },
    client: { own: clientIdentity, second: `${clientIdentity}-2`, dns: 'client.hawser.test' },
  };
  const { directory } = options;
  for (const folder of [directory, join(directory, 'clients'), join(directory, 'servers')]) {
    makeDirectory(folder, 0o700);
  }

  const entries: KitEntry[] = [];
  const revoked = [...authorities.revoked];
  const add = async (role: Role, file: string, subject: KitSubject, names: Identities): Promise<void> => {
    const issued = await issueSubject(authorities, role, subject, names);
    await writeCredential(join(directory, file), issued);
    if (subject.revoked === true) revoked.push(issued.serial);
    entries.push(entryOf(role, file, subject, issued));
  };
  const good = { requirement: 'TLS-011' };
  const client2 = { ...identities.client, own: identities.client.second };
  await Promise.all([
    add('server', 'server', { name: 'server', ...good }, identities.server),
    add('client', 'client', { name: 'client', ...good }, identities.client),
    add('client', 'client-2', { name: 'client-2', ...good }, client2),
    add('server', 'relay', { name: 'relay', ...good, purpose: 'both', identity: RELAY_UNDER_TEST }, identities.server),
    ...[...CLIENT_SUBJECTS, ...RELAY_SUBJECTS].map((subject) =>
      add('client', `clients/${subject.name}`, subject, identities.client),
    ),
    ...[...SERVER_SUBJECTS, ...APPLICATION_SUBJECTS].map((subject) =>
      add('server', `servers/${subject.name}`, subject, identities.server),
    ),
  ]);

  const rootList = await root.crl({ revoked: revoked.map((serial) => ({ serial })) });
  const index: KitIndex = {
    format: 'hawser-conformance-kit/1',
    createdAt: new Date().toISOString(),
    serverIdentity,
    clientIdentity,
    relayIdentity: RELAY_UNDER_TEST,
    secondClientIdentity: identities.client.second,
    otherServerIdentity: identities.server.second,
    entries: entries.sort((a, b) => (a.file < b.file ? -1 : 1)),
    revoked,
  };
  await Promise.all([
    replace(join(directory, 'ca.pem'), root.certificatePem),
    replace(join(directory, 'ca.key'), root.privateKey.export({ type: 'pkcs8', format: 'pem' }), SECRET),
    replace(join(directory, 'crl.pem'), [rootList.pem, ...authorities.lists].join('')),
    replace(join(directory, 'kit.json'), `${JSON.stringify(index, null, 2)}\n`),
  ]);
  return index;
}

/**
 * Issues during a run with the root of an existing kit: short-lived certificates, new revocation lists. A kit serves one run at a
 * time: the list of one run says nothing of what another has revoked.
 */
export class KitIssuance {
  readonly #directory: string;
  /** Cases run side by side, and every list builds on the one before. */
  readonly #listTurn = new Mutex();
  #root: Promise<CertificateAuthority> | undefined;
  #listNumber = 1;
  #revoked: readonly string[] = [];

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** A certificate with the identity given, valid from now on for `lifetimeMs`. */
  async credential(role: Role, identity: string, lifetimeMs: number): Promise<Credential> {
    const root = await this.#authority();
    const issued = await root.issue({ role, uris: [identity], notAfter: new Date(Date.now() + lifetimeMs) });
    return makeCredential(`${role}-for-${lifetimeMs}-ms`, issued.chainPem, issued.privateKeyPem);
  }

  /** Replaces `crl.pem` by one that revokes this certificate too. The other lists in it stay. */
  async revoke(credential: Credential): Promise<void> {
    const root = await this.#authority();
    const path = join(this.#directory, 'crl.pem');
    const index = JSON.parse(await readFile(join(this.#directory, 'kit.json'), 'utf8')) as KitIndex;
    const serial = new X509Certificate(credential.certificatePem).serialNumber.toLowerCase();
    const release = await this.#listTurn.acquire();
    try {
      this.#revoked = [...this.#revoked, serial];
      this.#listNumber += 1;
      const revoked = [...new Set([...index.revoked, ...this.#revoked])].map((each) => ({ serial: each }));
      const list = await root.crl({ revoked, number: this.#listNumber });
      const end = '-----END X509 CRL-----\n';
      const others = (await readFile(path, 'latin1')).split(end).slice(1).join(end);
      await replace(path, list.pem + others);
    } finally {
      release();
    }
  }

  #authority(): Promise<CertificateAuthority> {
    this.#root ??= (async () => {
      const [{ loadCertificateAuthority }, certificate, key] = await Promise.all([
        loadPki(),
        readFile(join(this.#directory, 'ca.pem'), 'latin1'),
        readFile(join(this.#directory, 'ca.key'), 'latin1'),
      ]);
      return loadCertificateAuthority(certificate + key);
    })();
    return this.#root;
  }
}

async function issueAuthorities(): Promise<Authorities> {
  const { createCertificateAuthority } = await loadPki();
  const root = await createCertificateAuthority({ commonName: ROOT_NAME });
  const byName = new Map<KitIssuer, CertificateAuthority>();
  const crossed = new Map<Role, CertificateAuthority>();
  const lists: string[] = [];
  const revoked: string[] = [];
  const under = async (issuer: CertificateAuthority, commonName: string, more = {}): Promise<CertificateAuthority> =>
    issuer.issueAuthority({ commonName: `Hawser conformance ${commonName}`, ...more });
  const keep = async (name: KitIssuer, authority: CertificateAuthority): Promise<void> => {
    byName.set(name, authority);
    lists.push((await authority.crl()).pem);
  };
  const descend = async (name: KitIssuer, intermediates: number): Promise<void> => {
    let authority = root;
    for (let depth = 1; depth <= intermediates; depth += 1) {
      authority = await under(authority, `${name} ${depth}`);
      await keep(name, authority);
    }
  };
  const past = { notBefore: new Date(Date.now() - 30 * DAY_MS), notAfter: new Date(Date.now() - DAY_MS) };

  await Promise.all([
    under(root, 'intermediate').then((ca) => keep('intermediate', ca)),
    // Eight with the trust anchor, and nine without it: so it does not matter whether the anchor is counted.
    descend('chain-of-eight', 6),
    descend('chain-of-nine', 8),
    (async () => {
      const above = await under(root, 'path length zero', { pathLength: 0 });
      await keep('path-length-exceeded', above);
      await keep('path-length-exceeded', await under(above, 'below path length zero'));
    })(),
    under(root, 'not an authority', { basicConstraints: { authority: false } }).then((ca) => keep('not-a-ca', ca)),
    under(root, 'may not sign', { keyUsages: ['cRLSign'] }).then((ca) => keep('may-not-sign', ca)),
    under(root, 'expired', past).then((ca) => keep('expired-intermediate', ca)),
    under(root, 'RSA of 1024 bits', { unsafeKeyAlgorithm: 'rsa-1024' }).then((ca) => keep('rsa-1024-intermediate', ca)),
    under(root, 'unknown extension', { extraExtensions: [UNKNOWN_EXTENSION] }).then((ca) =>
      keep('unknown-extension-intermediate', ca),
    ),
    ...(['client', 'server'] as const).map(async (role) => {
      const purpose = role === 'client' ? 'serverAuth' : 'clientAuth';
      const ca = await under(root, `not for ${role}s`, { extendedKeyUsages: [purpose] });
      crossed.set(role, ca);
      lists.push((await ca.crl()).pem);
    }),
    under(root, 'SHA-1', { signatureHash: 'SHA-1' }).then((ca) => keep('sha1-intermediate', ca)),
    (async () => {
      const ca = await under(root, 'revoked');
      revoked.push(new X509Certificate(ca.certificatePem).serialNumber.toLowerCase());
      await keep('revoked-intermediate', ca);
    })(),
    under(root, 'without a list').then((ca) => byName.set('without-crl', ca)),
    (async () => {
      const ca = await under(root, 'expired list');
      byName.set('expired-crl', ca);
      const list = await ca.crl({ thisUpdate: past.notBefore, nextUpdate: past.notAfter });
      lists.push(list.pem);
    })(),
    (async () => {
      const ca = await under(root, 'endless list');
      byName.set('endless-crl', ca);
      lists.push((await ca.crl({ nextUpdate: null })).pem);
    })(),
    ...(
      [
        ['delta-crl', 'delta list', DELTA_LIST],
        ['partitioned-crl', 'partitioned list', PARTITIONED_LIST],
      ] as const
    ).map(async ([name, commonName, extension]) => {
      const ca = await under(root, commonName);
      byName.set(name, ca);
      lists.push((await ca.crl({ extraExtensions: [extension] })).pem);
    }),
    (async () => {
      const ca = await under(root, 'SHA-1 list');
      byName.set('sha1-crl', ca);
      lists.push((await ca.crl({ signatureHash: 'SHA-1' })).pem);
    })(),
    (async () => {
      const ca = await under(root, 'forged list');
      byName.set('forged-crl', ca);
      // The name of the issuer, the signature of another: made by an authority of the same name.
      const forger = await createCertificateAuthority({ commonName: 'Hawser conformance forged list' });
      lists.push((await forger.crl()).pem);
    })(),
    createCertificateAuthority({ commonName: 'Hawser conformance other root' }).then((ca) => keep('other-root', ca)),
    createCertificateAuthority({ commonName: ROOT_NAME }).then((ca) => byName.set('same-name-root', ca)),
  ]);
  return { root, byName, crossed, lists, revoked };
}

async function issueSubject(
  authorities: Authorities,
  role: Role,
  subject: KitSubject,
  identities: Identities,
): Promise<IssuedCertificate> {
  const contents = contentsOf(role, subject, identities);
  const issued = await issueBy(authorities, subject.issuer, contents, role);
  return subject.tampered === true ? tamper(issued) : issued;
}

async function issueBy(
  { root, byName, crossed }: Authorities,
  name: KitIssuer | undefined,
  contents: IssueOptions,
  role: Role,
): Promise<IssuedCertificate> {
  if (name === undefined) return root.issue(contents);
  if (name === 'itself') {
    const { createCertificateAuthority } = await loadPki();
    const self = await createCertificateAuthority({
      basicConstraints: { authority: false },
      keyUsages: ['digitalSignature'],
      ...contents,
      commonName: 'self-signed',
    });
    const { certificateDer, certificatePem, privateKey } = self;
    const serial = new X509Certificate(certificateDer).serialNumber.toLowerCase();
    const privateKeyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
    return {
      certificateDer,
      certificatePem,
      chainDer: [certificateDer],
      chainPem: certificatePem,
      privateKey,
      privateKeyPem,
      serial,
    };
  }
  const issuer = name === 'crossed-role-intermediate' ? crossed.get(role) : byName.get(name);
  if (issuer === undefined) throw new TypeError(`the kit has no authority ${name}`);
  return issuer.issue(contents);
}

function contentsOf(role: Role, subject: KitSubject, identities: Identities): IssueOptions {
  const { key, validFrom, validTo } = subject;
  const other = role === 'client' ? 'serverAuth' : 'clientAuth';
  const purposes = {
    own: undefined,
    both: undefined,
    crossed: [other],
    'code-signing': ['1.3.6.1.5.5.7.3.3'],
    any: ['anyExtendedKeyUsage'],
    none: null,
  };
  const extendedKeyUsages = purposes[subject.purpose ?? 'own'];
  const day = (offset: number): Date => new Date(Date.now() + offset * DAY_MS);
  return {
    role: subject.purpose === 'both' ? 'both' : role,
    ...namesOf(subject, identities),
    ...(key === 'rsa-1024' || key === 'ecdsa-p521'
      ? { unsafeKeyAlgorithm: key }
      : key === undefined
        ? {}
        : { keyAlgorithm: key }),
    ...(validFrom === undefined ? {} : { notBefore: day(validFrom) }),
    ...(validTo === undefined ? {} : { notAfter: day(validTo) }),
    ...(extendedKeyUsages === undefined ? {} : { extendedKeyUsages }),
    ...(subject.hash === undefined ? {} : { signatureHash: subject.hash }),
    ...(subject.authority === true
      ? { basicConstraints: { authority: true }, keyUsages: ['digitalSignature', 'keyCertSign', 'cRLSign'] as const }
      : {}),
    ...(subject.keyUsages === undefined ? {} : { keyUsages: subject.keyUsages }),
    ...(subject.unknownExtension === undefined ? {} : { extraExtensions: [UNKNOWN_EXTENSION] }),
  };
}

function namesOf({ names, identity }: KitSubject, identities: Identities): Partial<IssueOptions> {
  const { own, second, dns } = identity === undefined ? identities : { ...identities, own: identity, dns: identity };
  switch (names ?? 'own') {
    case 'own':
      return { uris: [own] };
    case 'none':
      return { commonName: 'nobody' };
    case 'common-name':
      return { commonName: own };
    case 'two-uris':
      return { uris: [own, second] };
    case 'two-dns':
      return { dnsNames: [dns, `second.${dns}`] };
    case 'one-dns':
      return { dnsNames: [dns] };
    case 'uri-and-dns':
      return { uris: [own], dnsNames: [dns] };
    case 'uri-and-two-dns':
      return { uris: [own], dnsNames: [dns, `second.${dns}`] };
    case 'other-identity':
      return { uris: [second] };
  }
}

function tamper(issued: IssuedCertificate): IssuedCertificate {
  const der = Uint8Array.from(issued.certificateDer);
  der[der.length - 1] = (der.at(-1) ?? 0) ^ 1;
  const body = Buffer.from(der)
    .toString('base64')
    .replaceAll(/(.{64})/g, '$1\n')
    .trimEnd();
  const certificatePem = `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`;
  const chainDer = [der, ...issued.chainDer.slice(1)];
  return {
    ...issued,
    certificateDer: der,
    certificatePem,
    chainDer,
    chainPem: issued.chainPem.replace(issued.certificatePem, certificatePem),
  };
}

async function writeCredential(path: string, issued: IssuedCertificate): Promise<void> {
  await replace(`${path}.pem`, issued.chainPem);
  await replace(`${path}.key`, issued.privateKeyPem, SECRET);
}

/** Writes a file whole or not at all, with these permissions whatever an older one has. */
async function replace(path: string, content: string | Buffer, mode = 0o644): Promise<void> {
  const temporary = `${path}.${randomUUID()}`;
  await writeFile(temporary, content, { mode, flag: 'wx' });
  await rename(temporary, path);
}

function entryOf(role: Role, file: string, subject: KitSubject, issued: IssuedCertificate): KitEntry {
  const { wrong, requirement, reason, feature } = subject;
  const identity = /(?:URI|DNS):([^,]+)/.exec(uriFirst(new X509Certificate(issued.certificateDer).subjectAltName))?.[1];
  return {
    file,
    role,
    ...(identity === undefined || reason === 'ambiguous-identity' ? {} : { identity }),
    serial: issued.serial,
    good: wrong === undefined,
    ...(wrong === undefined ? {} : { wrong }),
    requirement,
    ...(reason === undefined ? {} : { reason }),
    ...(feature === undefined ? {} : { feature }),
  };
}

function uriFirst(names: string | undefined): string {
  return (names ?? '')
    .split(', ')
    .sort((a, b) => Number(b.startsWith('URI:')) - Number(a.startsWith('URI:')))
    .join(', ');
}
