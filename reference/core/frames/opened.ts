import { encodeParameters, type ParameterSet, type RawParameter } from '../parameters.ts';
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
