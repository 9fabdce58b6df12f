import { IncompatibleError, InternalError, PeerViolationError } from './errors.ts';
import type { ResumeRequest } from './events.ts';
import type { EvidenceMaterial } from './evidence-material.ts';
import { encodeAccept } from './frames/accept.ts';
import { encodeChallenge } from './frames/challenge.ts';
import { type Connect, decodeConnect } from './frames/connect.ts';
import { encodeFrame, payloadOf } from './frames/header.ts';
import { greaseParameter } from './grease.ts';
import type { PeerParameters, ServerOptions } from './options.ts';
import type { ParameterSet, RawParameter } from './parameters.ts';
import { peerParameters } from './peer-parameters.ts';
import { FIELDS, FRAME_TYPE } from './registry.gen.ts';
import { acceptContent, type BoundValues, connectContent, exporterContext, signFrame } from './transcript.ts';

/** What ACCEPT states. */
export interface AcceptDecision {
  readonly sessionId: Uint8Array;
  readonly epoch: number;
  readonly receiveCursor: number;
  readonly parameters: ParameterSet;
}

/** A verified CONNECT. */
export interface VerifiedConnect {
  readonly mode: Connect['mode'];
  readonly audience: string;
  readonly peer: PeerParameters;
  /** In mode `resume`. */
  readonly resume: ResumeRequest | undefined;
}

/** The server's side of chapter 4: CHALLENGE out, CONNECT in, ACCEPT out. */
export class ServerEstablishment {
  /** The complete CHALLENGE. */
  readonly challenge: Uint8Array;
  readonly #options: ServerOptions;
  #bound: BoundValues | undefined;
  #connect: Uint8Array | undefined;

  /** @param declared - the parameters of CHALLENGE. */
  constructor(options: ServerOptions, declared: ParameterSet) {
    this.#options = options;
    const serverNonce = options.random(FIELDS.CHALLENGE.server_nonce.bytes); // [EST-007]
    const payload = encodeChallenge({ serverNonce, parameters: declared }, this.#grease());
    this.challenge = encodeFrame('CHALLENGE', payload);
  }

  /**
   * Verifies CONNECT: signature, then audience; the rest of its checks is the owner's decision.
   *
   * @param frame - the complete frame, which is kept.
   * @throws PeerViolationError
   * @throws IncompatibleError when the client means another server.
   */
  connect(frame: Uint8Array): VerifiedConnect {
    const { binding, identity, verifier } = this.#options;
    const connect = decodeConnect(payloadOf(frame));
    this.#connect = frame;
    this.#bound = {
      exporter: binding.exporter(exporterContext(this.challenge)),
      clientLeafHash: binding.clientLeafHash,
      serverLeafHash: binding.serverLeafHash,
    };
    const content = connectContent(this.#bound, this.challenge, frame, connect.signature.length);
    // Before anything else that CONNECT holds. [EST-015]
    if (!verifier.verify(content, connect.scheme, connect.signature)) {
      const message = 'The signature of CONNECT does not verify, or its scheme does not fit the key of the client.';
      throw new PeerViolationError('SIGNATURE_INVALID', 'EST-005', message, FRAME_TYPE.CONNECT); // [EST-004]
    }
    if (connect.audience !== identity) {
      const message = `The client means to reach ${connect.audience}, this server is ${identity}.`;
      const code = 'HAWSER_ERR_INCOMPATIBLE_AUDIENCE';
      throw new IncompatibleError(code, 'AUDIENCE_MISMATCH', 'EST-016', identity, connect.audience, message);
    }
    return {
      mode: connect.mode,
      audience: connect.audience,
      peer: peerParameters(connect.parameters, connect.parameters),
      resume:
        connect.mode === 'new'
          ? undefined
          : {
              sessionId: connect.sessionId.slice(),
              epoch: connect.epoch,
              attempt: connect.attempt,
              receiveCursor: connect.receiveCursor,
            },
    };
  }

  /** Makes the complete ACCEPT, and the evidence of it. */
  accept(decision: AcceptDecision): EvidenceMaterial {
    const { signer } = this.#options;
    if (this.#bound === undefined || this.#connect === undefined) {
      throw new InternalError('ACCEPT was asked for before CONNECT.');
    }
    const { challenge } = this;
    const { exporter } = this.#bound;
    const signature = new Uint8Array(signer.signatureBytes);
    const payload = encodeAccept({ ...decision, scheme: signer.scheme, signature }, this.#grease());
    const accept = encodeFrame('ACCEPT', payload);
    signFrame(accept, acceptContent(this.#bound, challenge, this.#connect, accept, signature.length), signer); // [EST-002]
    return { recordedBy: 'server', exporter, challenge, connect: this.#connect, accept };
  }

  /** [EXT-003] */
  #grease(): readonly RawParameter[] {
    return this.#options.grease === false ? [] : [greaseParameter(this.#options.random)];
  }
}
