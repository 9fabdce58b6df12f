/** One subject of the certificate kit. Times are in days from now; everything absent is as a good certificate has it. */
export interface KitSubject {
  /** File name without extension, inside `clients/` or `servers/`. */
  readonly name: string;
  /** What is wrong with it, as a sentence; absent for a good one. */
  readonly wrong?: string;
  /** The requirement that demands its refusal, or for a good one, its acceptance. */
  readonly requirement: string;
  /** The reason that a refusing implementation should log; not on the wire. */
  readonly reason?: string;
  /** Its identity, where it is not that of the role: a URI, or a name with `names: 'one-dns'`. */
  readonly identity?: string;
  /** The feature without which an implementation cannot take part. */
  readonly feature?: string;
  readonly key?: 'ecdsa-p256' | 'ecdsa-p384' | 'ed25519' | 'rsa-2048' | 'rsa-1024' | 'ecdsa-p521';
  readonly validFrom?: number;
  readonly validTo?: number;
  readonly purpose?: 'own' | 'crossed' | 'both' | 'code-signing' | 'any' | 'none';
  /** The subject alternative names: the identity as one URI, unless something else is named. */
  readonly names?:
    'none' | 'common-name' | 'two-uris' | 'two-dns' | 'one-dns' | 'uri-and-dns' | 'uri-and-two-dns' | 'other-identity';
  /** Who issues it: the root, unless something else is named. */
  readonly issuer?: KitIssuer;
  readonly hash?: 'SHA-1';
  readonly authority?: true;
  readonly keyUsages?: readonly 'keyAgreement'[] | null;
  readonly revoked?: true;
  /** It has a critical extension that nobody knows. */
  readonly unknownExtension?: true;
  /** One bit of the signature is inverted. */
  readonly tampered?: true;
}

/** Authorities of the kit, each under the root unless it says otherwise. */
export type KitIssuer =
  | 'intermediate'
  | 'chain-of-eight'
  | 'chain-of-nine'
  | 'path-length-exceeded'
  | 'not-a-ca'
  | 'may-not-sign'
  | 'expired-intermediate'
  | 'sha1-intermediate'
  | 'rsa-1024-intermediate'
  | 'crossed-role-intermediate'
  | 'unknown-extension-intermediate'
  | 'revoked-intermediate'
  | 'without-crl'
  | 'expired-crl'
  | 'forged-crl'
  | 'sha1-crl'
  | 'endless-crl'
  | 'delta-crl'
  | 'partitioned-crl'
  | 'other-root'
  | 'same-name-root'
  | 'itself';

/** What a relay under test is called, toward its clients and toward application ends. */
export const RELAY_UNDER_TEST = 'spiffe://hawser.test/relay-under-test';

/** Good and bad subjects that exist in both roles. */
const BOTH: readonly KitSubject[] = [
  { name: 'p384', requirement: 'TLS-017', key: 'ecdsa-p384', feature: 'p384' },
  { name: 'ed25519', requirement: 'TLS-017', key: 'ed25519', feature: 'ed25519' },
  { name: 'rsa-2048', requirement: 'TLS-017', key: 'rsa-2048', feature: 'rsa' },
  { name: 'under-intermediate', requirement: 'TLS-011', issuer: 'intermediate' },
  { name: 'chain-of-eight', requirement: 'TLS-019', issuer: 'chain-of-eight' },
  { name: 'one-dns', requirement: 'TLS-020', names: 'one-dns' },
  { name: 'uri-and-dns', requirement: 'TLS-020', names: 'uri-and-dns' },
  { name: 'uri-and-two-dns', requirement: 'TLS-020', names: 'uri-and-two-dns' },
  { name: 'both-purposes', requirement: 'TLS-013', purpose: 'both' },
  {
    name: 'expired',
    wrong: 'it expired a day ago',
    requirement: 'TLS-012',
    reason: 'expired',
    validFrom: -30,
    validTo: -1,
  },
  {
    name: 'not-yet-valid',
    wrong: 'it is valid from tomorrow on',
    requirement: 'TLS-012',
    reason: 'not-yet-valid',
    validFrom: 1,
    validTo: 30,
  },
  {
    name: 'expired-intermediate',
    wrong: 'its issuer expired a day ago',
    requirement: 'TLS-012',
    reason: 'expired',
    issuer: 'expired-intermediate',
  },
  {
    name: 'crossed-role',
    wrong: 'its extended key usage is that of the other role',
    requirement: 'TLS-013',
    reason: 'wrong-eku',
    purpose: 'crossed',
  },
  {
    name: 'wrong-eku',
    wrong: 'its extended key usage is code signing',
    requirement: 'TLS-013',
    reason: 'wrong-eku',
    purpose: 'code-signing',
  },
  {
    name: 'any-eku',
    wrong: 'its extended key usage is anyExtendedKeyUsage alone',
    requirement: 'TLS-013',
    reason: 'wrong-eku',
    purpose: 'any',
  },
  {
    name: 'no-eku',
    wrong: 'it has no extended key usage',
    requirement: 'TLS-013',
    reason: 'wrong-eku',
    purpose: 'none',
  },
  {
    name: 'leaf-is-ca',
    wrong: 'it is the certificate of an authority',
    requirement: 'TLS-015',
    reason: 'leaf-is-ca',
    authority: true,
  },
  {
    name: 'no-digital-signature',
    wrong: 'its key usage lacks digitalSignature',
    requirement: 'TLS-015',
    reason: 'missing-digital-signature',
    keyUsages: ['keyAgreement'],
  },
  {
    name: 'issuer-not-ca',
    wrong: 'its issuer is not an authority',
    requirement: 'TLS-016',
    reason: 'issuer-is-not-ca',
    issuer: 'not-a-ca',
  },
  {
    name: 'issuer-may-not-sign',
    wrong: 'the key usage of its issuer lacks keyCertSign',
    requirement: 'TLS-016',
    reason: 'issuer-may-not-sign',
    issuer: 'may-not-sign',
  },
  {
    name: 'path-length-exceeded',
    wrong: 'an authority stands below one whose path length is zero',
    requirement: 'TLS-016',
    reason: 'path-too-long',
    issuer: 'path-length-exceeded',
  },
  {
    name: 'issuer-of-the-other-role',
    wrong: 'the extended key usage of its issuer is that of the other role alone',
    requirement: 'TLS-016',
    reason: 'wrong-eku',
    issuer: 'crossed-role-intermediate',
  },
  {
    name: 'unknown-critical-extension',
    wrong: 'it has a critical extension that nobody knows',
    requirement: 'TLS-028',
    reason: 'unsupported-critical-extension',
    unknownExtension: true,
  },
  {
    name: 'unknown-extension-intermediate',
    wrong: 'its issuer has a critical extension that nobody knows',
    requirement: 'TLS-028',
    reason: 'unsupported-critical-extension',
    issuer: 'unknown-extension-intermediate',
  },
  {
    name: 'rsa-1024-intermediate',
    wrong: 'its issuer has an RSA key of 1024 bits',
    requirement: 'TLS-029',
    reason: 'weak-key',
    issuer: 'rsa-1024-intermediate',
  },
  { name: 'rsa-1024', wrong: 'its RSA key has 1024 bits', requirement: 'TLS-017', reason: 'weak-key', key: 'rsa-1024' },
  {
    name: 'p521',
    wrong: 'its key is on P-521',
    requirement: 'TLS-017',
    reason: 'unsupported-key',
    key: 'ecdsa-p521',
  },
  { name: 'sha1', wrong: 'it is signed with SHA-1', requirement: 'TLS-018', reason: 'weak-signature', hash: 'SHA-1' },
  {
    name: 'sha1-intermediate',
    wrong: 'its issuer is signed with SHA-1',
    requirement: 'TLS-018',
    reason: 'weak-signature',
    issuer: 'sha1-intermediate',
  },
  {
    name: 'chain-of-nine',
    wrong: 'its chain has nine certificates',
    requirement: 'TLS-019',
    reason: 'chain-too-long',
    issuer: 'chain-of-nine',
  },
  {
    name: 'no-san',
    wrong: 'it has no subject alternative name',
    requirement: 'TLS-021',
    reason: 'no-identity',
    names: 'none',
  },
  {
    name: 'cn-only',
    wrong: 'its identity stands in the common name alone',
    requirement: 'TLS-022',
    reason: 'no-identity',
    names: 'common-name',
  },
  {
    name: 'two-uri-sans',
    wrong: 'it has two URIs',
    requirement: 'TLS-021',
    reason: 'ambiguous-identity',
    names: 'two-uris',
  },
  {
    name: 'two-dns-sans',
    wrong: 'it has two DNS names and no URI',
    requirement: 'TLS-021',
    reason: 'ambiguous-identity',
    names: 'two-dns',
  },
  {
    name: 'other-ca',
    wrong: 'another authority issued it',
    requirement: 'TLS-011',
    reason: 'unknown-issuer',
    issuer: 'other-root',
  },
  {
    name: 'same-name-ca',
    wrong: 'an authority with the name of the trusted one, and another key, issued it',
    requirement: 'TLS-011',
    reason: 'bad-signature',
    issuer: 'same-name-root',
  },
  {
    name: 'self-signed',
    wrong: 'it signed itself',
    requirement: 'TLS-011',
    reason: 'unknown-issuer',
    issuer: 'itself',
  },
  {
    name: 'tampered',
    wrong: 'one bit of its signature is inverted',
    requirement: 'TLS-011',
    reason: 'bad-signature',
    tampered: true,
  },
  { name: 'revoked', wrong: 'its issuer has revoked it', requirement: 'TLS-024', reason: 'revoked', revoked: true },
  {
    name: 'revoked-intermediate',
    wrong: 'the authority that issued it was revoked',
    requirement: 'TLS-024',
    reason: 'revoked',
    issuer: 'revoked-intermediate',
  },
  {
    name: 'without-crl',
    wrong: 'there is no revocation list of its issuer',
    requirement: 'TLS-025',
    reason: 'crl-missing',
    issuer: 'without-crl',
  },
  {
    name: 'expired-crl',
    wrong: 'the revocation list of its issuer has expired',
    requirement: 'TLS-025',
    reason: 'crl-expired',
    issuer: 'expired-crl',
  },
  {
    name: 'forged-crl',
    wrong: 'the revocation list of its issuer is not signed by it',
    requirement: 'TLS-025',
    reason: 'crl-bad-signature',
    issuer: 'forged-crl',
  },
  {
    name: 'endless-crl',
    wrong: 'the revocation list of its issuer does not say when the next one comes',
    requirement: 'TLS-025',
    reason: 'crl-expired',
    issuer: 'endless-crl',
  },
  {
    name: 'delta-crl',
    wrong: 'its issuer has a delta revocation list only',
    requirement: 'TLS-025',
    reason: 'crl-unsupported',
    issuer: 'delta-crl',
  },
  {
    name: 'partitioned-crl',
    wrong: 'its issuer has a revocation list for a part of its certificates only',
    requirement: 'TLS-025',
    reason: 'crl-unsupported',
    issuer: 'partitioned-crl',
  },
  {
    name: 'sha1-crl',
    wrong: 'the revocation list of its issuer is signed with SHA-1',
    requirement: 'TLS-018',
    reason: 'crl-bad-signature',
    issuer: 'sha1-crl',
  },
];

/** The subjects that a harness presents as a client. */
export const CLIENT_SUBJECTS: readonly KitSubject[] = BOTH;

/** The subjects that a harness presents as a server. */
export const SERVER_SUBJECTS: readonly KitSubject[] = [
  ...BOTH.map((subject) => (subject.requirement === 'TLS-013' ? { ...subject, requirement: 'TLS-014' } : subject)),
  {
    name: 'other-identity',
    wrong: 'it names another server of the same authority',
    requirement: 'EST-009',
    names: 'other-identity',
  },
];

/** The subjects that a harness presents as a client that passes requests on (APP-011). */
export const RELAY_SUBJECTS: readonly KitSubject[] = [
  { name: 'relay', requirement: 'APP-011', identity: 'spiffe://hawser.test/relay' },
  { name: 'relay-2', requirement: 'APP-011', identity: 'spiffe://hawser.test/relay-2' },
  { name: 'relay-dns', requirement: 'APP-011', identity: 'relay.hawser.test', names: 'one-dns' },
  { name: 'below-relay', requirement: 'RLY-013', identity: 'spiffe://hawser.test/relay/client' },
  { name: 'behind-relay', requirement: 'RLY-013', identity: 'client.relay.test', names: 'one-dns' },
  { name: 'relay-under-test', requirement: 'RLY-011', identity: RELAY_UNDER_TEST },
];

/** The subjects that a harness presents as an application end behind a relay. */
export const APPLICATION_SUBJECTS: readonly KitSubject[] = [
  { name: 'application', requirement: 'RLY-038', identity: 'spiffe://hawser.test/application' },
  { name: 'localhost', requirement: 'APP-012', identity: 'localhost', names: 'one-dns' },
  {
    name: 'localhost-expired',
    wrong: 'it expired a day ago',
    requirement: 'RLY-033',
    reason: 'expired',
    identity: 'localhost',
    names: 'one-dns',
    validFrom: -30,
    validTo: -1,
  },
  {
    name: 'localhost-other-ca',
    wrong: 'another authority issued it',
    requirement: 'RLY-033',
    reason: 'unknown-issuer',
    identity: 'localhost',
    names: 'one-dns',
    issuer: 'other-root',
  },
];
