import { IncompatibleError, InternalError, PeerViolationError } from './errors.ts';
import type { EvidenceMaterial } from './evidence-material.ts';
import { type Accept, decodeAccept } from './frames/accept.ts';
import { decodeChallenge } from './frames/challenge.ts';
import { type Connect, encodeConnect } from './frames/connect.ts';
import { encodeFrame, payloadOf } from './frames/header.ts';
import { greaseParameter } from './grease.ts';
import { equals } from './octets.ts';
import type { ClientOptions, PeerParameters } from './options.ts';
import type { ParameterSet } from './parameters.ts';
import { peerParameters } from './peer-parameters.ts';
import { FIELDS, FRAME_TYPE } from './registry.gen.ts';
import { acceptContent, type BoundValues, connectContent, exporterContext, signFrame } from './transcript.ts';

/** What a verified ACCEPT has established. */
export interface Established {
  readonly sessionId: Uint8Array;
  readonly epoch: number;
  readonly receiveCursor: number;
  readonly peer: PeerParameters;
  readonly evidence: EvidenceMaterial;
}

/** The fields of CONNECT that tell what is asked for. */
export type ConnectRequest = Pick<Connect, 'mode' | 'sessionId' | 'epoch' | 'attempt' | 'receiveCursor'>;

const { session_id, client_nonce } = FIELDS.CONNECT;

/** A session that does not exist yet. */
export const NEW_SESSION: ConnectRequest = {
  mode: 'new',
  sessionId: new Uint8Array(session_id.bytes),
  epoch: 0,
  attempt: 0,
  receiveCursor: 0,
};

/** The client's side of chapter 4: CHALLENGE in, CONNECT out, ACCEPT in. */
export class ClientEstablishment {
  readonly #options: ClientOptions;
  readonly #declared: ParameterSet;
  #bound: BoundValues | undefined;
  #challenge: Uint8Array | undefined;
  #challenged: ParameterSet = {};
  #request: ConnectRequest = NEW_SESSION;
  #connect: Uint8Array | undefined;

  /** @param declared - the parameters of CONNECT. */
  constructor(options: ClientOptions, declared: ParameterSet) {
    this.#options = options;
    this.#declared = declared;
  }

  /** What the server has declared; undefined before CHALLENGE. */
  get peer(): PeerParameters | undefined {
    return this.#challenge === undefined ? undefined : peerParameters(this.#challenged);
  }

  /**
   * Takes CHALLENGE.
   *
   * @param frame - the complete frame, which is kept.
   * @throws PeerViolationError
   * @throws IncompatibleError when the server is not the one that is meant.
   */
  challenge(frame: Uint8Array): void {
    const { audience, peerIdentity, binding } = this.#options;
    const { parameters } = decodeChallenge(payloadOf(frame));
    // No later field repairs the absence of this comparison. [EST-009] [EST-010]
    if (peerIdentity !== audience) {
      const message =
        peerIdentity === undefined
          ? `The server's certificate has no identity; ${audience} is expected.`
          : `The server is ${peerIdentity}; ${audience} is expected.`;
      const code = 'HAWSER_ERR_INCOMPATIBLE_SERVER_IDENTITY';
      throw new IncompatibleError(code, 'AUTHENTICATION_FAILED', 'EST-010', audience, peerIdentity, message);
    }
    this.#bound = {
      exporter: binding.exporter(exporterContext(frame)),
      clientLeafHash: binding.clientLeafHash,
      serverLeafHash: binding.serverLeafHash,
    };
    this.#challenge = frame;
    this.#challenged = parameters;
  }

  /**
   * Makes the complete CONNECT that answers CHALLENGE.
   *
   * @param request - the session that is asked for.
   */
  connect(request: ConnectRequest): Uint8Array {
    const { audience, random, signer } = this.#options;
    if (this.#bound === undefined || this.#challenge === undefined) {
      throw new InternalError('CONNECT was asked for before CHALLENGE.');
    }
    const payload = encodeConnect(
      {
        ...request,
        clientNonce: random(client_nonce.bytes), // [EST-011]
        audience,
        parameters: this.#declared,
        scheme: signer.scheme, // [EST-003]
        signature: new Uint8Array(signer.signatureBytes),
      },
      this.#options.grease === false ? [] : [greaseParameter(random)], // [EXT-003]
    );
    const connect = encodeFrame('CONNECT', payload);
    const content = connectContent(this.#bound, this.#challenge, connect, signer.signatureBytes);
    signFrame(connect, content, signer); // [EST-002]
    this.#request = request;
    this.#connect = connect;
    return connect;
  }

  /**
   * Verifies ACCEPT. [EST-022]
   *
   * @param frame - the complete frame, which is kept.
   * @throws PeerViolationError
   */
  accept(frame: Uint8Array): Established {
    const bound = this.#bound;
    const challenge = this.#challenge;
    const connect = this.#connect;
    const accept = decodeAccept(payloadOf(frame));
    // The table lets ACCEPT in only after CONNECT: the three values are there.
    if (bound === undefined || challenge === undefined || connect === undefined) {
      throw new PeerViolationError('FRAME_UNEXPECTED', 'SES-001', 'ACCEPT came before CONNECT.', FRAME_TYPE.ACCEPT);
    }
    const content = acceptContent(bound, challenge, connect, frame, accept.signature.length);
    if (!this.#options.verifier.verify(content, accept.scheme, accept.signature)) {
      const message = 'The signature of ACCEPT does not verify, or its scheme does not fit the key of the server.';
      throw new PeerViolationError('SIGNATURE_INVALID', 'EST-005', message, FRAME_TYPE.ACCEPT); // [EST-004]
    }
    this.#checkSession(accept);
    return {
      sessionId: accept.sessionId.slice(),
      epoch: accept.epoch,
      receiveCursor: accept.receiveCursor,
      peer: peerParameters(this.#challenged, accept.parameters),
      evidence: { recordedBy: 'client', exporter: bound.exporter, challenge, connect, accept: frame },
    };
  }

  /** ACCEPT grants the session that was asked for, and not more than that. [EST-021] [CNT-031] */
  #checkSession({ sessionId, epoch, receiveCursor }: Accept): void {
    const request = this.#request;
    if (request.mode === 'new') {
      if (epoch === 1 && receiveCursor === 0) return;
      const message = `ACCEPT of a new session has epoch ${epoch} and cursor ${receiveCursor}.`;
      throw new PeerViolationError('FRAME_MALFORMED', 'EST-021', message, FRAME_TYPE.ACCEPT);
    }
    if (equals(sessionId, request.sessionId) && epoch > request.epoch) return;
    const message = `ACCEPT names another session, or epoch ${epoch} instead of one above ${request.epoch}.`;
    throw new PeerViolationError('FRAME_MALFORMED', 'CNT-031', message, FRAME_TYPE.ACCEPT);
  }
}
