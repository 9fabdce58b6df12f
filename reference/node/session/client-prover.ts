import { ProofError, type ProveReceived, type Signer } from '../../core/index.ts';
import type { Environment } from '../environment.ts';
import { type Trust, judgeChain } from '../connection/trust.ts';

/** What a {@link ClientProver} goes by. */
export interface ClientProverParts {
  /** The audience of the session. */
  readonly audience: string;
  readonly trust: Trust;
  /** Own DER certificates, leaf first, and what signs with the key of the leaf. */
  readonly chain: readonly Uint8Array[];
  readonly signer: Signer;
  readonly environment: Environment;
}

/** Judges the application ends that ask a client for proof, and proves it to those that hold (section 13.7). */
export class ClientProver {
  /** What their chains are judged by. */
  trust: Trust;
  /** What PROOF is made with. */
  readonly proof: { readonly chain: readonly Uint8Array[]; readonly signer: Signer };
  readonly #audience: string;
  readonly #environment: Environment;

  constructor({ audience, trust, chain, signer, environment }: ClientProverParts) {
    this.trust = trust;
    this.proof = { chain, signer };
    this.#audience = audience;
    this.#environment = environment;
  }

  /**
   * Judges a PROVE.
   *
   * @throws ProofError (as a rejection) where no PROOF may be sent. [RLY-038] [RLY-039] [RLY-040]
   */
  async judge({ chain, relay, applicationIdentity }: ProveReceived): Promise<void> {
    const verdict = await judgeChain(chain, 'server', this.trust, this.#environment.wallClock());
    if (!verdict.ok) {
      const message = `The certificate of the application end does not hold: ${verdict.message} [${verdict.requirement}]`;
      throw new ProofError('HAWSER_ERR_PROOF_CHAIN', 'RLY-040', message);
    }
    const audience = this.#audience;
    const expected = applicationIdentity ?? audience;
    const identity = verdict.identity.value;
    if (identity !== expected) {
      const message = `The application end is ${identity}, and not ${expected}.`;
      throw new ProofError('HAWSER_ERR_PROOF_APPLICATION', 'RLY-038', message);
    }
    if (relay === audience || (relay === '' && identity === audience)) return;
    const sender = relay === '' ? 'the client itself' : relay;
    const message = `The application end has the request from ${sender}, and not from ${audience}.`;
    throw new ProofError('HAWSER_ERR_PROOF_RELAY', 'RLY-039', message);
  }
}
