import { type ErrorName, TransportError } from '../../core/index.ts';
import type { CertificateRole } from '../../pki/index.ts';
import type { ScheduledTask } from '../deadline-queue.ts';
import type { Environment } from '../environment.ts';
import type { VerifiedPeer } from './peer-gate.ts';
import { type Trust, judgeChain } from './trust.ts';

/** Longest time between two looks at the wall clock, which may have been set. */
const RECHECK_MS = 60_000;

/** Ends the session; the code goes to the peer, the error stays here. */
export type EndSession = (
  code: Extract<ErrorName, 'AUTHORITY_REVOKED' | 'AUTHORITY_EXPIRED'>,
  error: TransportError,
) => void;

/**
 * Watches over the peer's certificates for the life of a session: TLS judges them once, at the handshake, and lets a
 * connection live on whatever becomes of them. [SES-025]
 */
export class AuthorityWatch {
  readonly #peer: VerifiedPeer;
  readonly #peerRole: CertificateRole;
  readonly #environment: Environment;
  readonly #end: EndSession;
  readonly #task: ScheduledTask;
  #over = false;

  constructor(peer: VerifiedPeer, peerRole: CertificateRole, environment: Environment, end: EndSession) {
    this.#peer = peer;
    this.#peerRole = peerRole;
    this.#environment = environment;
    this.#end = end;
    this.#task = environment.deadlines.add((now) => this.#checkExpiry(now));
    this.#task.by(this.#checkExpiry(environment.deadlines.now()));
  }

  /** Judges the peer's chain anew, by new trust anchors and revocation lists. */
  async evaluate(trust: Trust): Promise<void> {
    const verdict = await judgeChain(this.#peer.chain, this.#peerRole, trust, this.#environment.wallClock());
    // Lists that are missing or out of date refuse new connections, and end no session (section 5.5).
    if (verdict.ok || this.#over || verdict.reason.startsWith('crl-')) return;
    const expired = verdict.reason === 'expired';
    this.#finish(expired ? 'AUTHORITY_EXPIRED' : 'AUTHORITY_REVOKED', verdict.requirement, verdict.message);
  }

  /** The session is over. */
  stop(): void {
    this.#over = true;
    this.#task.cancel();
  }

  // [SES-027]
  #checkExpiry(now: number): number | undefined {
    const left = this.#peer.validUntil.getTime() - this.#environment.wallClock().getTime();
    if (left > 0) return now + Math.min(left, RECHECK_MS);
    this.#finish(
      'AUTHORITY_EXPIRED',
      'SES-027',
      `A certificate of the peer expired at ${this.#peer.validUntil.toISOString()}.`,
    );
    return undefined;
  }

  // [SES-026]
  #finish(code: 'AUTHORITY_REVOKED' | 'AUTHORITY_EXPIRED', requirement: string, message: string): void {
    if (this.#over) return;
    this.stop();
    this.#end(code, new TransportError(`HAWSER_ERR_TRANSPORT_${code}`, 'established', `${message} [${requirement}]`));
  }
}
