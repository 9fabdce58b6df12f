import { readFile } from 'node:fs/promises';
import { ConfigError } from '../../core/index.ts';
import {
  type CertificateRole,
  type ChainCheckResult,
  type Credential,
  checkChain,
  encodePem,
  parseCertificatesPem,
  parseCrls,
} from '../../pki/index.ts';

/** By what an endpoint judges its peers. */
export interface Trust {
  /** DER certificates that are trusted as they are. [TLS-011] */
  readonly trustAnchors: readonly Uint8Array[];
  /**
   * DER revocation lists. With any at all, each issuer in a peer's chain needs a valid one; with none, revocation is not
   * judged. [TLS-024] [TLS-025]
   */
  readonly crls: readonly Uint8Array[];
}

/** What `reload` of a client, server or relay replaces; what is left out stays. */
export interface ReloadOptions extends Partial<Trust> {
  readonly credential?: Credential;
}

/** A {@link Trust} by the names of its files. */
export interface TrustFiles {
  /** PEM files with trust anchors. */
  readonly caFiles: readonly string[];
  /** PEM or DER files with revocation lists. */
  readonly crlFiles?: readonly string[];
}

/**
 * Reads trust anchors and revocation lists.
 *
 * @throws ConfigError `HAWSER_ERR_CONFIG_CERTIFICATE_NOT_PEM` or `HAWSER_ERR_CONFIG_CRL_UNREADABLE`, and the system's error
 *   for a file that can not be read.
 */
export async function readTrust({ caFiles, crlFiles = [] }: TrustFiles): Promise<Trust> {
  const anchors = await Promise.all(
    caFiles.map(async (file) => parseCertificatesPem(await readFile(file, 'utf8'), file)),
  );
  const lists = await Promise.all(crlFiles.map(async (file) => parseCrls(await readFile(file), file)));
  return { trustAnchors: anchors.flat(), crls: lists.flat() };
}

/** The members of a {@link Trust} in the form in which `node:tls` takes them. */
export function tlsTrustOptions(trust: Trust): { readonly ca: string[]; readonly crl?: string[] } {
  const ca = trust.trustAnchors.map((der) => encodePem('CERTIFICATE', der));
  if (trust.crls.length === 0) return { ca };
  return { ca, crl: trust.crls.map((der) => encodePem('X509 CRL', der)) };
}

/**
 * Judges a peer's chain by the trust of this endpoint. [TLS-011] to [TLS-025]
 *
 * @param chain - DER certificates, leaf first.
 * @param role - the role in which the peer presented it.
 * @param now - wall-clock time to judge for.
 */
export function judgeChain(
  chain: readonly Uint8Array[],
  role: CertificateRole,
  trust: Trust,
  now: Date,
): Promise<ChainCheckResult> {
  return checkChain(chain, {
    role,
    trustAnchors: trust.trustAnchors,
    crls: trust.crls,
    now,
    revocation: trust.crls.length > 0 ? 'required' : 'if-present',
  });
}

/** Why peers under the authority of the own certificate would all be refused for their lists; undefined when they would not. */
export async function listProblem(
  { chainDer }: Credential,
  role: CertificateRole,
  trust: Trust,
  now: Date,
): Promise<string | undefined> {
  const verdict = await judgeChain(chainDer, role, trust, now);
  return !verdict.ok && verdict.requirement === 'TLS-025' ? verdict.message : undefined;
}

/**
 * Refuses lists with which every peer would be refused: the old ones stay in force then (section 5.5).
 *
 * @throws ConfigError `HAWSER_ERR_CONFIG_CRL_UNUSABLE` (as a rejection).
 */
export async function requireUsableLists(
  credential: Credential,
  role: CertificateRole,
  trust: Trust,
  now: Date,
): Promise<void> {
  const problem = await listProblem(credential, role, trust, now);
  if (problem === undefined) return;
  const message = `The revocation lists can not be used: ${problem} Give the current list of each authority.`;
  throw new ConfigError('HAWSER_ERR_CONFIG_CRL_UNUSABLE', 'crl', message);
}
