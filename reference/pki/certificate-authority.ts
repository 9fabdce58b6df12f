import { type KeyObject, createPrivateKey, createPublicKey, randomBytes } from 'node:crypto';
import { ConfigError, HawserError } from '../core/errors.ts';
import type {
  AuthorityEnvironment,
  AuthorityOptions,
  CertificateAuthority,
  CertificateOptions,
  CrlOptions,
  IssueOptions,
  IssuedCertificate,
  IssuedCrl,
} from './authority-types.ts';
import { type ExtensionContents, buildExtensions, spkiOf, subjectKeyIdentifier } from './certificate-extensions.ts';
import { issueCrl } from './issued-crl.ts';
import { generatePrivateKey } from './key-pair.ts';
import { parseCertificate } from './parsed-certificate.ts';
import { encodePem, parseCertificatesPem } from './pem.ts';
import { toSigningKey } from './signing-key.ts';
import { x509 } from './x509-library.ts';

/** Who signs: an authority by its certificate, or a new root by the certificate that is about to be made. */
interface Issuer {
  readonly name: x509.Name;
  readonly privateKey: KeyObject;
  readonly keyId: string;
}

const FIVE_MINUTES_MS = 5 * 60 * 1000;
const DAY_MS = 24 * 60 * 60 * 1000;
const LEAF_LIFETIME_MS = 90 * DAY_MS;
const AUTHORITY_LIFETIME_MS = 3650 * DAY_MS;
const SERIAL_OCTETS = 16;

class InMemoryAuthority implements CertificateAuthority {
  readonly certificateDer: Uint8Array;
  readonly chainDer: readonly Uint8Array[];
  readonly privateKey: KeyObject;
  readonly #environment: Required<AuthorityEnvironment>;
  readonly #issuer: Issuer;

  constructor(
    certificateDer: Uint8Array,
    chainDer: readonly Uint8Array[],
    issuer: Issuer,
    environment: Required<AuthorityEnvironment>,
  ) {
    this.certificateDer = certificateDer;
    this.chainDer = chainDer;
    this.privateKey = issuer.privateKey;
    this.#issuer = issuer;
    this.#environment = environment;
  }

  get certificatePem(): string {
    return encodePem('CERTIFICATE', this.certificateDer);
  }

  toPem(): string {
    const above = this.chainDer.slice(1).map((der) => encodePem('CERTIFICATE', der));
    return [this.certificatePem, ...above, exportKey(this.privateKey)].join('');
  }

  async issue(options: IssueOptions): Promise<IssuedCertificate> {
    const privateKey = await privateKeyOf(options);
    const der = await signCertificate(this.#issuer, privateKey, options, leafDefaults(options), this.#environment);
    const chainDer = [der, ...this.chainDer];
    return {
      certificateDer: der,
      certificatePem: encodePem('CERTIFICATE', der),
      chainDer,
      chainPem: chainDer.map((certificate) => encodePem('CERTIFICATE', certificate)).join(''),
      privateKey,
      privateKeyPem: exportKey(privateKey),
      serial: new x509.X509Certificate(Uint8Array.from(der)).serialNumber,
    };
  }

  async issueAuthority(options: AuthorityOptions): Promise<CertificateAuthority> {
    const privateKey = await privateKeyOf(options);
    const der = await signCertificate(this.#issuer, privateKey, options, authorityDefaults(options), this.#environment);
    const issuer = await issuerFrom(der, privateKey);
    return new InMemoryAuthority(der, [der, ...this.chainDer], issuer, this.#environment);
  }

  crl(options: CrlOptions = {}): Promise<IssuedCrl> {
    return issueCrl(this.#issuer, this.#environment.now(), options);
  }
}

/**
 * Creates a root authority with a self-signed certificate.
 *
 * @param options - contents of the certificate.
 * @param environment - time and randomness.
 * @throws HawserError `HAWSER_ERR_MISUSE_*` for contents that no certificate can have.
 */
export async function createCertificateAuthority(
  options: AuthorityOptions,
  environment: AuthorityEnvironment = {},
): Promise<CertificateAuthority> {
  const complete = completeEnvironment(environment);
  const privateKey = await privateKeyOf(options);
  const self: Issuer = {
    name: subjectName(options.commonName),
    privateKey,
    keyId: (await subjectKeyIdentifier(privateKey)).keyId,
  };
  const der = await signCertificate(self, privateKey, options, authorityDefaults(options), complete);
  return new InMemoryAuthority(der, [], self, complete);
}

/**
 * Loads an authority.
 *
 * @param pem - its certificate first, then, for a subordinate authority, the intermediates above it, and its private key
 *   anywhere in the text: what {@link CertificateAuthority.toPem} writes.
 * @param environment - time and randomness.
 * @throws ConfigError `HAWSER_ERR_CONFIG_CERTIFICATE_NOT_PEM`, `HAWSER_ERR_CONFIG_CERTIFICATE_UNREADABLE`,
 *   `HAWSER_ERR_CONFIG_KEY_UNREADABLE` or `HAWSER_ERR_CONFIG_KEY_MISMATCH`.
 */
export async function loadCertificateAuthority(
  pem: string,
  environment: AuthorityEnvironment = {},
): Promise<CertificateAuthority> {
  const [der, ...above] = parseCertificatesPem(pem, 'authority') as [Uint8Array, ...Uint8Array[]];
  const privateKey = loadAuthorityKey(pem);
  const certificate = parseCertificate(der);
  if (!certificate.publicKey.equals(createPublicKey(privateKey))) {
    throw new ConfigError(
      'HAWSER_ERR_CONFIG_KEY_MISMATCH',
      'authority',
      'The private key is not the one of the first certificate: put the certificate of the authority itself first.',
    );
  }
  const isRoot = certificate.subjectKey === certificate.issuerKey;
  const issuer = await issuerFrom(der, privateKey);
  return new InMemoryAuthority(der, isRoot ? [] : [der, ...above], issuer, completeEnvironment(environment));
}

/** What a kind of certificate has where its options say nothing. */
interface CertificateDefaults {
  readonly lifetimeMs: number;
  readonly extensions: Pick<ExtensionContents, 'extendedKeyUsages' | 'keyUsages' | 'basicConstraints'>;
}

function leafDefaults({ role }: IssueOptions): CertificateDefaults {
  const usages = { client: ['clientAuth'], server: ['serverAuth'], both: ['serverAuth', 'clientAuth'] };
  return {
    lifetimeMs: LEAF_LIFETIME_MS,
    extensions: {
      extendedKeyUsages: usages[role],
      keyUsages: ['digitalSignature'],
      basicConstraints: { authority: false },
    },
  };
}

function authorityDefaults({ pathLength }: AuthorityOptions): CertificateDefaults {
  return {
    lifetimeMs: AUTHORITY_LIFETIME_MS,
    extensions: {
      extendedKeyUsages: null,
      keyUsages: ['keyCertSign', 'cRLSign'],
      basicConstraints: { authority: true, ...(pathLength === undefined ? {} : { pathLength }) },
    },
  };
}

async function signCertificate(
  issuer: Issuer,
  subjectKey: KeyObject,
  options: CertificateOptions,
  { lifetimeMs, extensions: defaults }: CertificateDefaults,
  environment: Required<AuthorityEnvironment>,
): Promise<Uint8Array> {
  const notBefore = options.notBefore ?? new Date(environment.now().getTime() - FIVE_MINUTES_MS);
  const contents: ExtensionContents = {
    uris: options.uris ?? [],
    dnsNames: options.dnsNames ?? [],
    extendedKeyUsages: override(options.extendedKeyUsages, defaults.extendedKeyUsages),
    keyUsages: override(options.keyUsages, defaults.keyUsages),
    basicConstraints: override(options.basicConstraints, defaults.basicConstraints),
    extraExtensions: options.extraExtensions ?? [],
  };
  const subjectIsEmpty = options.commonName === undefined;
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(options, environment),
    subject: subjectName(options.commonName),
    issuer: issuer.name,
    notBefore,
    notAfter: options.notAfter ?? new Date(notBefore.getTime() + lifetimeMs),
    publicKey: spkiOf(subjectKey),
    extensions: await buildExtensions(contents, subjectKey, issuer.keyId, subjectIsEmpty),
    ...(await toSigningKey(issuer.privateKey, options.signatureHash)),
  });
  return new Uint8Array(certificate.rawData);
}

/** `undefined` asks for the default, `null` for nothing. */
function override<Value>(value: Value | undefined, fallback: Value): Value {
  return value === undefined ? fallback : value;
}

function serialNumber(options: CertificateOptions, environment: Required<AuthorityEnvironment>): string {
  const { serial } = options;
  if (serial === undefined) return randomSerial(environment.randomBytes(SERIAL_OCTETS));
  if (/^(?:[0-9a-f]{2}){1,20}$/i.test(serial) && /[^0]/.test(serial)) return serial;
  throw new HawserError(
    'HAWSER_ERR_MISUSE_SERIAL',
    `A serial number is 1 to 20 octets in hex and not zero, not "${serial}".`,
  );
}

/** RFC 5280, section 4.1.2.2: positive, so the first bit is 0; and never zero. */
function randomSerial(octets: Uint8Array): string {
  const positive = Buffer.from(octets);
  positive[0] = ((positive[0] ?? 0) & 0x7f) | 0x40;
  return positive.toString('hex');
}

function subjectName(commonName: string | undefined): x509.Name {
  return new x509.Name(commonName === undefined ? [] : [{ CN: [{ utf8String: commonName }] }]);
}

async function issuerFrom(der: Uint8Array, privateKey: KeyObject): Promise<Issuer> {
  const name = new x509.X509Certificate(Uint8Array.from(der)).subjectName;
  const keyId = parseCertificate(der).subjectKeyId ?? (await subjectKeyIdentifier(privateKey)).keyId;
  return { name, privateKey, keyId };
}

async function privateKeyOf(options: CertificateOptions): Promise<KeyObject> {
  return options.privateKey ?? generatePrivateKey(options.unsafeKeyAlgorithm ?? options.keyAlgorithm ?? 'ecdsa-p256');
}

function loadAuthorityKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw new ConfigError(
      'HAWSER_ERR_CONFIG_KEY_UNREADABLE',
      'authority',
      'The text holds no unencrypted private key: append the key of the authority to its certificate.',
      { cause },
    );
  }
}

function exportKey(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }) as string;
}

function completeEnvironment(environment: AuthorityEnvironment): Required<AuthorityEnvironment> {
  return { now: environment.now ?? (() => new Date()), randomBytes: environment.randomBytes ?? randomBytes };
}
