import { createCertificateAuthority } from '../../../pki/index.ts';
import type {
  AuthorityOptions,
  CertificateAuthority,
  ChainCheckOptions,
  ChainCheckResult,
  IssueOptions,
} from '../../../pki/index.ts';
import { checkChain } from '../../../pki/index.ts';

/** The present of every test in this folder. */
export const NOW: Date = new Date('2026-06-01T12:00:00Z');
export const DAY_MS: number = 24 * 60 * 60 * 1000;

/** `NOW` plus a number of days. */
export function days(count: number): Date {
  return new Date(NOW.getTime() + count * DAY_MS);
}

/** A root whose time stands still at {@link NOW}. */
export function createRoot(options: Partial<AuthorityOptions> = {}): Promise<CertificateAuthority> {
  return createCertificateAuthority({ commonName: 'Test Root', ...options }, { now: () => NOW });
}

/** A leaf that passes every check in the role of a client. */
export const GOOD_CLIENT: IssueOptions = { role: 'client', uris: ['spiffe://bank.example/teller'] };

/** Judges a chain by one root, without revocation lists unless given. */
export function judge(
  root: CertificateAuthority,
  chainDer: readonly Uint8Array[],
  options: Partial<ChainCheckOptions> = {},
): Promise<ChainCheckResult> {
  return checkChain(chainDer, {
    role: 'client',
    trustAnchors: [root.certificateDer],
    crls: [],
    now: NOW,
    revocation: 'if-present',
    ...options,
  });
}

/** The reason of a refusal, and where; `ok` for a chain that passes. */
export function verdict(result: { readonly ok: true } | { readonly ok: false; reason: string; depth: number }): string {
  return result.ok ? 'ok' : `${result.reason}@${result.depth}`;
}
