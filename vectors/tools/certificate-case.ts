/** How the vectors of certificates.json are written down, and the certificates that several of them use. */
import type { KeyObject } from 'node:crypto';
import { Authority, NOW } from './authority.ts';
import type { Leaf } from './authority.ts';
import { ed25519Key } from './keys.ts';
import { CLIENT_IDENTITY, keyNamed } from './parties.ts';
import { refused, VALID } from './vector.ts';
import type { DraftFile } from './vector.ts';

export type Draft = DraftFile['drafts'][number];
type Role = 'client' | 'server';
export type IssueOptions = Parameters<Authority['issue']>[2];

/** How a chain is judged, if not as usual. */
export interface Judgement {
  readonly role?: Role;
  readonly now?: string;
  readonly anchors?: readonly Uint8Array[];
  /** The endpoint is configured with these revocation lists; without them it is configured with none. */
  readonly crls?: readonly Uint8Array[];
}

/** Requirement, and reason from the closed list of the README. */
export type Refusal = readonly [requirement: string, reason: string];

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

/** What the files of certificate vectors are made with. */
export interface CertificateKit {
  readonly root: Authority;
  readonly intermediate: Authority;
  readonly second: Authority;
  /** Leaves of a client in order: below the root, below `intermediate`, below `second`. */
  readonly ordinary: Leaf;
  readonly overOne: Leaf;
  readonly overTwo: Leaf;
  readonly good: (
    comment: string,
    requirement: string,
    chain: readonly Uint8Array[],
    judgement?: Judgement,
    identity?: string,
    flag?: string,
  ) => Draft;
  readonly bad: (
    comment: string,
    refusal: Refusal,
    flag: string,
    chain: readonly Uint8Array[],
    judgement?: Judgement,
  ) => Draft;
  /** A leaf of the root, or of another issuer, in order unless the options say otherwise. */
  readonly leaf: (name: string, options?: Partial<IssueOptions>, issuer?: Authority, key?: KeyObject) => Promise<Leaf>;
  /** An intermediate with an Ed25519 key. */
  readonly below: (
    name: string,
    issuer?: Authority,
    options?: Parameters<Authority['subordinate']>[2],
  ) => Promise<Authority>;
}

/** The peer is a server. */
export const SERVER: Judgement = { role: 'server' };

export async function certificateKit(root: Authority): Promise<CertificateKit> {
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
  return { root, intermediate, second, ordinary, overOne, overTwo, good, bad, leaf, below };
}
