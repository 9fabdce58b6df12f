import type { KeyObject } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { PROTOCOL } from '../../core/index.ts';
import { type CertificateRole, requirementOf } from '../../pki/index.ts';
import { peerChain } from './peer-chain.ts';
import { type Trust, judgeChain } from './trust.ts';

/** A peer whose certificate holds. */
export interface VerifiedPeer {
  readonly ok: true;
  /** Its identity, octet for octet as in the certificate. [TLS-020] */
  readonly identity: string;
  /** The key that its signatures have to verify with. [EST-002] */
  readonly publicKey: KeyObject;
  /** DER certificates, leaf first, kept for the life of the session. [SES-025] */
  readonly chain: readonly [Uint8Array, ...Uint8Array[]];
  /** When the first certificate of the path expires. [SES-027] */
  readonly validUntil: Date;
  /** When the first revocation list that it was judged by expires; undefined without lists. [CNT-055] */
  readonly listsValidUntil: Date | undefined;
}

/** A peer that is refused, and why: for the log of this endpoint, never for the peer. [ERR-004] */
export interface RefusedPeer {
  readonly ok: false;
  readonly reason: string;
  /** Id of the requirement that demands the refusal. */
  readonly requirement: string;
  /** One sentence for the log. */
  readonly message: string;
  /**
   * `cut`: the connection ends before any frame. `tell`: the peer is told AUTHENTICATION_FAILED, the same for every
   * reason. [EST-017]
   */
  readonly answer: 'cut' | 'tell';
}

/** What the gate finds. */
export type GateResult = VerifiedPeer | RefusedPeer;

/**
 * The one place where a TLS peer is let in, for both roles. Servers let every certificate through the TLS handshake, so
 * that a bad one is answered with a code; nothing but this function stands between the handshake and the first frame.
 *
 * Order: resumed? right protocol? a certificate at all? accepted by the TLS library? inside the profile of chapter 2?
 * The first two come first because on a resumed connection what the library says about certificates means nothing.
 *
 * @param socket - a TLS connection whose handshake is complete and of which nothing was read yet.
 * @param peerRole - the role of the peer.
 * @param now - wall-clock time.
 */
export async function gatePeer(
  socket: TLSSocket,
  peerRole: CertificateRole,
  trust: Trust,
  now: Date,
): Promise<GateResult> {
  // [TLS-005] [TLS-006] [TLS-007]
  if (socket.isSessionReused()) {
    const requirement = peerRole === 'client' ? 'TLS-006' : 'TLS-007';
    return cut('tls-resumed', requirement, 'The TLS connection was resumed, which proves no certificate.');
  }
  // [TLS-003] [TLS-004]
  if (socket.alpnProtocol !== PROTOCOL.alpn) {
    const requirement = peerRole === 'client' ? 'TLS-003' : 'TLS-004';
    return cut('no-alpn', requirement, `ALPN did not select ${PROTOCOL.alpn}.`);
  }
  // [TLS-009] [TLS-010]
  const [leaf, ...issuers] = peerChain(socket, trust.trustAnchors);
  if (leaf === undefined) {
    return tell('no-certificate', requirementOf('no-certificate'), 'The peer presented no certificate.');
  }
  // [TLS-011] and, as far as the library judges them, the others of chapter 2
  if (!socket.authorized) {
    // Typed as an error; it is the library's code for it.
    const code = String(socket.authorizationError);
    return tell(code.toLowerCase().replaceAll('_', '-'), 'TLS-011', `The TLS library refused the chain: ${code}.`);
  }
  // [TLS-012] to [TLS-025]
  const chain = [leaf, ...issuers] as const;
  const verdict = await judgeChain(chain, peerRole, trust, now);
  if (!verdict.ok) return tell(verdict.reason, verdict.requirement, verdict.message);
  return {
    ok: true,
    identity: verdict.identity.value,
    publicKey: verdict.publicKey,
    chain: [...chain],
    validUntil: verdict.certificatesValidUntil,
    listsValidUntil: verdict.crlsValidUntil,
  };
}

function cut(reason: string, requirement: string, message: string): RefusedPeer {
  return { ok: false, reason, requirement, message, answer: 'cut' };
}

function tell(reason: string, requirement: string, message: string): RefusedPeer {
  return { ok: false, reason, requirement, message, answer: 'tell' };
}
