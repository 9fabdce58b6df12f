/** Signatures that are wrong in their form or in what they cover, for both signed frames. */
import type { KeyObject } from 'node:crypto';
import { constants, createHash, sign as nodeSign } from 'node:crypto';
import { concat, integer, readInteger } from '../model/codec.ts';
import { registry } from '../model/registry.ts';
import type { SignatureLabel } from '../model/transcript.ts';
import { sign } from '../model/transcript.ts';

/** The signed content with single parts replaced; a part that is not given is right. */
export function contentOf(
  label: SignatureLabel,
  transcript: Uint8Array,
  parts: {
    readonly pad?: Uint8Array;
    readonly label?: string;
    readonly separator?: Uint8Array;
    readonly digest?: Uint8Array;
  },
): Uint8Array {
  const { octet, count } = registry.protocol.signaturePad;
  return concat(
    parts.pad ?? new Uint8Array(count).fill(octet),
    new TextEncoder().encode(parts.label ?? registry.protocol.signatureLabels[label]),
    parts.separator ?? Uint8Array.of(0),
    parts.digest ?? new Uint8Array(createHash('sha256').update(transcript).digest()),
  );
}

/** Order of the group of P-256: FIPS 186-5, appendix of curves. */
const P256_ORDER = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex');
/** Order of the group of Ed25519, little-endian (RFC 8032, section 5.1). */
const ED25519_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;

function derInteger(octets: Uint8Array): Uint8Array {
  let start = 0;
  while (start < octets.length - 1 && octets[start] === 0) start += 1;
  const short = octets.subarray(start);
  const value = (short[0] ?? 0) >= 0x80 ? concat(Uint8Array.of(0), short) : short;
  return concat(Uint8Array.of(2, value.length), value);
}

/** An ECDSA signature in DER, as TLS and X.509 write it. */
function toDer(signature: Uint8Array): Uint8Array {
  const half = signature.length / 2;
  const body = concat(derInteger(signature.subarray(0, half)), derInteger(signature.subarray(half)));
  return concat(Uint8Array.of(0x30, body.length), body);
}

const halves = (signature: Uint8Array): readonly [Uint8Array, Uint8Array] => [
  signature.subarray(0, signature.length / 2),
  signature.subarray(signature.length / 2),
];

/** A signature in another form than the one of the table. */
export interface WrongForm {
  readonly slug: string;
  readonly what: string;
  readonly signature: (signature: Uint8Array) => Uint8Array;
}

/** Forms of an ECDSA signature on P-256 that are not the one form of the table. */
export const P256_FORMS: readonly WrongForm[] = [
  { slug: 'der', what: 'in DER', signature: toDer },
  { slug: 'last-octet-missing', what: 'without its last octet', signature: (octets) => octets.subarray(0, -1) },
  { slug: 'first-octet-missing', what: 'without its first octet', signature: (octets) => octets.subarray(1) },
  { slug: 'zero-behind', what: 'with a zero octet behind it', signature: (octets) => concat(octets, Uint8Array.of(0)) },
  { slug: 'zero-before', what: 'with a zero octet before it', signature: (octets) => concat(Uint8Array.of(0), octets) },
  { slug: 'twice', what: 'that stands there twice', signature: (octets) => concat(octets, octets) },
  { slug: 'only-r', what: 'of which only r is there', signature: (octets) => halves(octets)[0] },
  {
    slug: 'integers-of-48-octets',
    what: 'with r and s padded to 48 octets',
    signature: (octets) => {
      const [r, s] = halves(octets);
      return concat(new Uint8Array(16), r, new Uint8Array(16), s);
    },
  },
  {
    slug: 'r-and-s-swapped',
    what: 'with r and s in the wrong order',
    signature: (octets) => concat(...[...halves(octets)].reverse()),
  },
  {
    slug: 'little-endian',
    what: 'with r and s little-endian',
    signature: (octets) => concat(...halves(octets).map((half) => Uint8Array.from(half).reverse())),
  },
  { slug: 'zeros', what: 'of zeros', signature: (octets) => new Uint8Array(octets.length) },
  { slug: 'ones', what: 'of 64 octets 0xff', signature: (octets) => new Uint8Array(octets.length).fill(0xff) },
  { slug: 'r-zero', what: 'with r = 0', signature: (octets) => concat(new Uint8Array(32), halves(octets)[1]) },
  { slug: 's-zero', what: 'with s = 0', signature: (octets) => concat(halves(octets)[0], new Uint8Array(32)) },
  {
    slug: 'r-group-order',
    what: 'with the order of the group as r',
    signature: (octets) => concat(P256_ORDER, halves(octets)[1]),
  },
  {
    slug: 's-group-order',
    what: 'with the order of the group as s',
    signature: (octets) => concat(halves(octets)[0], P256_ORDER),
  },
  {
    slug: 'both-group-order',
    what: 'with the order of the group as r and s',
    signature: () => concat(P256_ORDER, P256_ORDER),
  },
];

/** Signs with RSASSA-PSS with this hash, for MGF1 too, and a salt of this length. */
export function pss(hash: string, saltLength: number): (content: Uint8Array, key: KeyObject) => Uint8Array {
  return (content, key) =>
    new Uint8Array(nodeSign(hash, content, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }));
}

/** A wrong signature of a key that is not on P-256. */
export interface OtherKeyForm {
  readonly slug: string;
  /** Subject of the kit, inside `clients/` or `servers/`. */
  readonly subject: 'p384' | 'ed25519' | 'rsa-2048';
  readonly feature: 'p384' | 'ed25519' | 'rsa';
  readonly what: string;
  readonly make: (content: Uint8Array, key: KeyObject) => Uint8Array;
}

/** The same for the other types of keys. */
export const OTHER_KEY_FORMS: readonly OtherKeyForm[] = [
  ...[
    { slug: 'der', what: 'in DER', make: (content: Uint8Array, key: KeyObject) => toDer(sign(key, content).signature) },
    {
      slug: 'sha-256',
      what: 'over SHA-256 in place of SHA-384',
      make: (content: Uint8Array, key: KeyObject) =>
        nodeSign('sha256', content, { key, dsaEncoding: 'ieee-p1363' as const }),
    },
    {
      slug: 'last-octet-missing',
      what: 'without its last octet',
      make: (content: Uint8Array, key: KeyObject) => sign(key, content).signature.subarray(0, -1),
    },
    {
      slug: 'one-bit',
      what: 'with one bit inverted',
      make: (content: Uint8Array, key: KeyObject) =>
        sign(key, content).signature.map((octet, at) => (at === 95 ? octet ^ 1 : octet)),
    },
    { slug: 'zeros', what: 'of zeros', make: () => new Uint8Array(96) },
  ].map((form) => ({ ...form, slug: `p384-${form.slug}`, subject: 'p384' as const, feature: 'p384' as const })),
  ...[
    {
      slug: 'of-hash',
      what: 'over SHA-512 of the content in place of the content',
      make: (content: Uint8Array, key: KeyObject) => nodeSign(null, createHash('sha512').update(content).digest(), key),
    },
    {
      slug: 's-plus-order',
      what: 'in which S is larger by the order of the group',
      make: (content: Uint8Array, key: KeyObject) => {
        const { signature } = sign(key, content);
        const s = readInteger(signature.slice(32).reverse()) + ED25519_ORDER;
        return concat(signature.subarray(0, 32), integer(s, 32).reverse());
      },
    },
    {
      slug: 'zero-behind',
      what: 'with a zero octet behind it',
      make: (content: Uint8Array, key: KeyObject) => concat(sign(key, content).signature, Uint8Array.of(0)),
    },
    {
      slug: 'one-bit',
      what: 'with one bit inverted',
      make: (content: Uint8Array, key: KeyObject) =>
        sign(key, content).signature.map((octet, at) => (at === 3 ? octet ^ 1 : octet)),
    },
    { slug: 'zeros', what: 'of zeros', make: () => new Uint8Array(64) },
  ].map((form) => ({
    ...form,
    slug: `ed25519-${form.slug}`,
    subject: 'ed25519' as const,
    feature: 'ed25519' as const,
  })),
  ...[
    {
      slug: 'pkcs1',
      what: 'in the older form PKCS #1 v1.5',
      make: (content: Uint8Array, key: KeyObject) => nodeSign('sha256', content, key),
    },
    { slug: 'salt-of-0', what: 'with an empty salt', make: pss('sha256', 0) },
    { slug: 'salt-of-20', what: 'with a salt of 20 octets', make: pss('sha256', 20) },
    {
      slug: 'largest-salt',
      what: 'with the longest salt that fits',
      make: pss('sha256', constants.RSA_PSS_SALTLEN_MAX_SIGN),
    },
    { slug: 'sha-384', what: 'with SHA-384 in place of SHA-256', make: pss('sha384', 32) },
    { slug: 'sha-1', what: 'with SHA-1 in place of SHA-256', make: pss('sha1', 32) },
    {
      slug: 'zero-before',
      what: 'with a zero octet before it',
      make: (content: Uint8Array, key: KeyObject) => concat(Uint8Array.of(0), sign(key, content).signature),
    },
    {
      slug: 'one-bit',
      what: 'with one bit inverted',
      make: (content: Uint8Array, key: KeyObject) =>
        sign(key, content).signature.map((octet, at) => (at === 255 ? octet ^ 1 : octet)),
    },
    { slug: 'zeros', what: 'of zeros', make: () => new Uint8Array(256) },
    { slug: 'one', what: 'that is the number 1', make: () => integer(1, 256) },
  ].map((form) => ({ ...form, slug: `rsa-${form.slug}`, subject: 'rsa-2048' as const, feature: 'rsa' as const })),
];

/** Numbers that no scheme of the registry has. */
export const UNKNOWN_SCHEMES: readonly { readonly id: number; readonly what: string }[] = [
  { id: 0x0000, what: 'none' },
  { id: 0x0203, what: 'ecdsa_sha1 of TLS' },
  { id: 0x0603, what: 'ecdsa_secp521r1_sha512 of TLS' },
  { id: 0x0304, what: 'the octets of the right one in the wrong order' },
  { id: 0x0404, what: 'the one after the right one' },
  { id: 0xffff, what: 'none' },
];
