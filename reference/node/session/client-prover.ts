import { ProofError, type ProveReceived, type Signer } from '../../core/index.ts';
import type { Credential } from '../../pki/index.ts';
import type { Environment } from '../environment.ts';
import { type Trust, judgeChain } from '../connection/trust.ts';

/** What a client judges application ends by, and proves itself with. */
export interface ProvingAuthority {
  readonly trust: Trust;
  readonly credential: Credential;
  /** Signs with the key of the credential's leaf. */
  readonly signer: Signer;
}

/** What a {@link ClientProver} goes by. */
export interface ClientProverParts {
  /** The audience of the session. */
  readonly audience: string;
  /** What is in force. */
  readonly authority: () => ProvingAuthority;
  readonly environment: Environment;
}

/** Judges the application ends that ask a client for proof, and proves it to those that hold (section 13.7). */
export class ClientProver {
  readonly #parts: ClientProverParts;

  constructor(parts: ClientProverParts) {
    this.#parts = parts;
  }

  /** What PROOF is made with. */
  get proof(): { readonly chain: readonly Uint8Array[]; readonly signer: Signer } {
    const { credential, signer } = this.#parts.authority();
    return { chain: credential.chainDer, signer };
  }

  /**
   * Judges a PROVE.
   *
   * @throws ProofError (as a rejection) where no PROOF may be sent. [RLY-038] [RLY-039] [RLY-040]
   */
  async judge({ chain, relay, applicationIdentity }: ProveReceived): Promise<void> {
    const { audience, authority, environment } = this.#parts;
    const verdict = await judgeChain(chain, 'server', authority().trust, environment.wallClock());
    if (!verdict.ok) {
      const message = `The certificate of the application end does not hold: ${verdict.message} [${verdict.requirement}]`;
      throw new ProofError('HAWSER_ERR_PROOF_CHAIN', 'RLY-040', message);
    }
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
