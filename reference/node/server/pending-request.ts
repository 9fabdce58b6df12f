import {
  ERROR_CODE,
  type Forwarded,
  ProofError,
  type ProofReceived,
  RemoteError,
  type Signer,
  TIMERS,
} from '../../core/index.ts';
import type { AcceptOptions, ChannelRequest, RefusalCode } from './application.ts';
import type { ChannelEndpoint } from '../session/channel.ts';
import type { Environment } from '../environment.ts';
import type { Log } from '../log.ts';
import type { ServerCredential } from './server-connection.ts';
import type { SessionEndpoint } from '../session/session.ts';
import { type Trust, judgeChain } from '../connection/trust.ts';

/** What requests need of the server. */
export interface RequestHost {
  readonly environment: Environment;
  readonly log: Log;
  /** What the server proves itself with, the newest first. */
  readonly credentials: () => readonly ServerCredential[];
  /** What chains of clients are judged by. */
  readonly trust: () => Trust;
}

/** The {@link ChannelRequest} of a channel, until it is decided. */
export class PendingRequest implements ChannelRequest {
  readonly identity: string;
  readonly relays: readonly string[];
  readonly session: SessionEndpoint;
  readonly restored: boolean;
  readonly #host: RequestHost;
  readonly #channel: ChannelEndpoint;
  #decided: boolean;
  #proved: Promise<void> | undefined;
  /** Signs OPENED, once the client has proved itself. [RLY-045] */
  #signer: Signer | undefined;

  constructor(host: RequestHost, session: SessionEndpoint, channel: ChannelEndpoint, restored: boolean) {
    this.#host = host;
    this.#channel = channel;
    this.session = session;
    this.restored = restored;
    this.#decided = restored;
    const { forwarded } = channel;
    const peer = session.peerIdentity;
    this.identity = forwarded?.client ?? peer;
    this.relays = forwarded === undefined ? [] : [...forwarded.route, peer];
  }

  get application(): string {
    return this.#channel.application;
  }

  get applicationData(): Uint8Array | undefined {
    return this.#channel.applicationData;
  }

  get nonce(): Uint8Array {
    return this.#channel.nonce;
  }

  get openPayload(): Uint8Array {
    return this.#channel.openPayload;
  }

  get forwarded(): Forwarded | undefined {
    return this.#channel.forwarded;
  }

  /** Whether there is nothing to decide any more. */
  get decided(): boolean {
    return this.#decided;
  }

  prove(): Promise<void> {
    // Before it was taken.
    if (this.restored) return Promise.resolve();
    this.#proved ??= this.#prove();
    return this.#proved;
  }

  async provePayload(payload: Uint8Array): Promise<Uint8Array> {
    const { core } = this.session;
    const { number, proof } = this.#channel;
    // What was sent before a crash is not sent again. [RLY-037]
    if (core.provedLeaf(number) === undefined) core.prove(number, { payload }, this.session.now());
    this.session.flushSoon();
    return (await proof).payload;
  }

  accept({ applicationData, payload }: AcceptOptions = {}): void {
    const options = payload === undefined ? { applicationData, signer: this.#signer } : { payload };
    this.#decide(() => {
      this.session.core.opened(this.#channel.number, options, this.session.now());
      this.session.flushSoon();
      this.#channel.markOpen();
    });
  }

  refuse(code: RefusalCode = 'APPLICATION_ERROR', retryAfterMs = 0): void {
    this.#decide(() => {
      const { core } = this.session;
      const { number } = this.#channel;
      core.refuse(number, code, retryAfterMs, this.session.now());
      this.session.flushSoon();
      const message = `The application end has refused the channel: ${code}.`;
      const error = new RemoteError(code, ERROR_CODE[code], message, retryAfterMs);
      this.#channel.finish({ type: 'refused', code, error });
      this.session.forget(number);
    });
  }

  #decide(act: () => void): void {
    if (this.#decided) return;
    act();
    // What the application end asked for may have been impossible: then nothing is decided yet.
    this.#decided = true;
  }

  async #prove(): Promise<void> {
    try {
      if (this.relays.length > 1) {
        const message = `The request has passed ${this.relays.length} relays: a proof spans one.`;
        throw new ProofError('HAWSER_ERR_PROOF_ROUTE', 'RLY-049', message);
      }
      const { proof } = this.#channel;
      const { signer } = this.#sendProve();
      await this.#judge(await this.#inTime(proof));
      this.#signer = signer;
    } catch (error) {
      this.#refuseUnproved(error);
      throw error;
    }
  }

  /** Sends PROVE, unless that was done before a crash; returns what its leaf belongs to. [RLY-037] */
  #sendProve(): ServerCredential {
    const { core } = this.session;
    const { number } = this.#channel;
    const credentials = this.#host.credentials();
    const leaf = core.provedLeaf(number);
    const [newest] = credentials;
    const credential =
      leaf === undefined ? newest : credentials.find(({ chain: [own] }) => own && Buffer.compare(own, leaf) === 0);
    if (credential === undefined) {
      const message = 'The key for which proof was asked before a restart is not there any more.';
      throw new ProofError('HAWSER_ERR_PROOF_KEY', 'RLY-045', message);
    }
    if (leaf === undefined) {
      const relay = this.relays.at(-1) ?? '';
      core.prove(number, { relay, chain: credential.chain }, this.session.now());
      this.session.flushSoon();
    }
    return credential;
  }

  /** [RLY-052] */
  #inTime(proof: Promise<ProofReceived>): Promise<ProofReceived> {
    const { deadlines } = this.#host.environment;
    const limitMs = TIMERS.proof_deadline_ms;
    return new Promise((resolve, reject) => {
      const late = deadlines.add(() => {
        const message = `The client has given no proof within ${limitMs} ms.`;
        reject(new ProofError('HAWSER_ERR_PROOF_TIMEOUT', 'RLY-052', message));
        return undefined;
      });
      late.by(deadlines.now() + limitMs);
      void proof.then(resolve, reject).finally(() => late.cancel());
    });
  }

  /** [RLY-043] */
  async #judge({ chain }: ProofReceived): Promise<void> {
    const { environment, trust } = this.#host;
    const verdict = await judgeChain(chain, 'client', trust(), environment.wallClock());
    if (!verdict.ok) {
      const message = `The certificate of the client does not hold: ${verdict.message} [${verdict.requirement}]`;
      throw new ProofError('HAWSER_ERR_PROOF_CHAIN', 'RLY-043', message);
    }
    const { value } = verdict.identity;
    if (value !== this.identity) {
      const message = `The proof is that of ${value}, and not of ${this.identity}.`;
      throw new ProofError('HAWSER_ERR_PROOF_IDENTITY', 'RLY-043', message);
    }
    if (this.session.core.isProofSigned(this.#channel.number)) return;
    throw new ProofError('HAWSER_ERR_PROOF_SIGNATURE', 'RLY-043', 'The signature of the client does not verify.');
  }

  /** [RLY-044] [RLY-049] */
  #refuseUnproved(error: unknown): void {
    const { application, identity, relays, session } = this;
    const requirement = error instanceof ProofError ? { requirement: error.requirement } : {};
    const fields = { session: session.id, identity, relays, application, err: error, ...requirement };
    this.#host.log.warn(fields, 'the client has not proved itself');
    const isRoute = error instanceof ProofError && error.requirement === 'RLY-049';
    this.refuse(isRoute ? 'PROOF_UNAVAILABLE' : 'PROOF_INVALID');
  }
}
