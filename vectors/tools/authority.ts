/** A certificate authority whose certificates come out the same in every run. */
import type { KeyObject } from 'node:crypto';
import { createCertificateAuthority } from '../../reference/pki/index.ts';
import type {
  AuthorityOptions,
  CertificateAuthority,
  CrlOptions,
  IssueOptions,
  SignatureHash,
} from '../../reference/pki/index.ts';
import { signAnew } from './der.ts';
import { octetsFor } from './octet-source.ts';
import { ecdsa, toDer } from './signatures.ts';

/** The moment for which chains are judged, unless a vector says otherwise. */
export const NOW: Date = new Date('2026-06-01T00:00:00Z');

const NOT_BEFORE = new Date('2026-01-01T00:00:00Z');
const NOT_AFTER = new Date('2027-01-01T00:00:00Z');
const ROOT_NOT_AFTER = new Date('2036-01-01T00:00:00Z');

/** A leaf certificate with its key and what is presented with it, leaf first and without the root. */
export interface Leaf {
  readonly der: Uint8Array;
  readonly key: KeyObject;
  readonly chain: readonly Uint8Array[];
}

type LeafOptions = Omit<IssueOptions, 'privateKey' | 'serial'>;
type SubordinateOptions = Omit<AuthorityOptions, 'privateKey' | 'serial' | 'commonName'>;

const serialOf = (name: string): string => {
  const octets = octetsFor(`serial ${name}`, 8);
  octets[0] = 0x40 | ((octets[0] ?? 0) & 0x3f);
  return Buffer.from(octets).toString('hex');
};

/** Issues over reference/pki; where that signs with a random nonce, the signature is made again without one. */
export class Authority {
  readonly name: string;
  readonly key: KeyObject;
  readonly der: Uint8Array;
  /** What a peer presents above its leaf: this certificate and those above it, without the root. */
  readonly presented: readonly Uint8Array[];
  readonly #issuer: CertificateAuthority;

  private constructor(
    name: string,
    key: KeyObject,
    der: Uint8Array,
    presented: readonly Uint8Array[],
    issuer: CertificateAuthority,
  ) {
    this.name = name;
    this.key = key;
    this.der = der;
    this.presented = presented;
    this.#issuer = issuer;
  }

  static async root(name: string, key: KeyObject, options: SubordinateOptions = {}): Promise<Authority> {
    const issuer = await createCertificateAuthority(
      {
        commonName: name,
        notBefore: NOT_BEFORE,
        notAfter: ROOT_NOT_AFTER,
        ...options,
        privateKey: key,
        serial: serialOf(name),
      },
      { now: () => NOW, randomBytes: (size) => octetsFor(name, size) },
    );
    return new Authority(name, key, stable(issuer.certificateDer, key, options.signatureHash), [], issuer);
  }

  /** Issues an authority below this one. */
  async subordinate(name: string, key: KeyObject, options: SubordinateOptions = {}): Promise<Authority> {
    const issuer = await this.#issuer.issueAuthority({
      commonName: name,
      notBefore: NOT_BEFORE,
      notAfter: NOT_AFTER,
      ...options,
      privateKey: key,
      serial: serialOf(name),
    });
    const der = stable(issuer.certificateDer, this.key, options.signatureHash);
    return new Authority(name, key, der, [der, ...this.presented], issuer);
  }

  /** Issues a leaf; `name` gives its serial number and nothing else. */
  async issue(name: string, key: KeyObject, options: LeafOptions): Promise<Leaf> {
    const issued = await this.#issuer.issue({
      notBefore: NOT_BEFORE,
      notAfter: NOT_AFTER,
      ...options,
      privateKey: key,
      serial: serialOf(name),
    });
    const der = stable(issued.certificateDer, this.key, options.signatureHash);
    return { der, key, chain: [der, ...this.presented] };
  }

  /** Signs a revocation list that revokes the certificates of these names. */
  async crl(revoked: readonly string[], options: Omit<CrlOptions, 'revoked'> = {}): Promise<Uint8Array> {
    const { der } = await this.#issuer.crl({
      revoked: revoked.map((name) => ({ serial: serialOf(name) })),
      thisUpdate: new Date('2026-05-30T00:00:00Z'),
      ...options,
    });
    return stable(der, this.key, options.signatureHash);
  }
}

function stable(der: Uint8Array, key: KeyObject, hash: SignatureHash | undefined): Uint8Array {
  if (key.asymmetricKeyType !== 'ec') return der;
  const signer = ecdsa(key, hash === 'SHA-1' ? 'sha1' : undefined);
  return signAnew(der, (content) => toDer(signer(content)));
}
