import { encodeParameters, type ParameterSet, type RawParameter } from '../parameters.ts';
import { PayloadReader } from '../payload-reader.ts';
import { PayloadWriter } from '../payload-writer.ts';
import { FIELDS } from '../registry.gen.ts';

const { server_nonce } = FIELDS.CHALLENGE;

/** CHALLENGE: the server's nonce and what it declares (chapter 4.3). */
export interface Challenge {
  readonly serverNonce: Uint8Array;
  readonly parameters: ParameterSet;
}

/**
 * Writes the payload of CHALLENGE.
 *
 * @param ignorable - parameters without meaning. [EXT-003]
 */
export function encodeChallenge(challenge: Challenge, ignorable: readonly RawParameter[] = []): Uint8Array {
  const parameters = encodeParameters(challenge.parameters, ignorable);
  return new PayloadWriter(server_nonce.bytes + 2 + parameters.length)
    .bytes(challenge.serverNonce, server_nonce.bytes)
    .opaque16(parameters)
    .end();
}

/**
 * Reads the payload of CHALLENGE.
 *
 * @throws PeerViolationError
 */
export function decodeChallenge(payload: Uint8Array): Challenge {
  const reader = new PayloadReader('CHALLENGE', payload);
  const serverNonce = reader.bytes(server_nonce.bytes);
  const parameters = reader.parameters();
  reader.end();
  return { serverNonce, parameters };
}
