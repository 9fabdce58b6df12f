import { encodeParameters, type ParameterSet, type RawParameter, withoutParameter } from '../parameters.ts';
import { PayloadReader } from '../payload-reader.ts';
import { PayloadWriter } from '../payload-writer.ts';

/** OPENED: the application end has taken the channel (chapter 6.2). */
export interface Opened {
  readonly parameters: ParameterSet;
}

/**
 * Writes the payload of OPENED.
 *
 * @param ignorable - parameters without meaning. [EXT-003]
 */
export function encodeOpened(opened: Opened, ignorable: readonly RawParameter[] = []): Uint8Array {
  const parameters = encodeParameters(opened.parameters, ignorable);
  return new PayloadWriter(2 + parameters.length).opaque16(parameters).end();
}

/** The parameters in a payload of OPENED that its signature covers: all others. (section 13.7) */
export function signedParameters(payload: Uint8Array): Uint8Array {
  return withoutParameter('OPENED', new PayloadReader('OPENED', payload).opaque16({}), 'open_signature');
}

/**
 * Reads the payload of OPENED.
 *
 * @throws PeerViolationError
 */
export function decodeOpened(payload: Uint8Array): Opened {
  const reader = new PayloadReader('OPENED', payload);
  const parameters = reader.parameters();
  reader.end();
  return { parameters };
}
