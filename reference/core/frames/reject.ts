import { encodeParameters, type ParameterSet, type RawParameter } from '../parameters.ts';
import { PayloadReader } from '../payload-reader.ts';
import { PayloadWriter } from '../payload-writer.ts';

/** REJECT: no session, why, and when to try again (chapter 4.6). */
export interface Reject {
  /** The code on the wire. */
  readonly code: number;
  /** Shortest time until a new attempt is welcome, in milliseconds; 0 says nothing. */
  readonly retryAfterMs: number;
  /** Final cursors and gap for the codes that tell them, otherwise empty. [CNT-026] [CNT-036] */
  readonly parameters: ParameterSet;
}

/**
 * Writes the payload of REJECT; without parameters the list is empty.
 *
 * @param ignorable - parameters without meaning. [EXT-003]
 */
export function encodeReject(
  { code, retryAfterMs, parameters = {} }: Omit<Reject, 'parameters'> & Partial<Reject>,
  ignorable: readonly RawParameter[] = [],
): Uint8Array {
  const list = encodeParameters(parameters, ignorable);
  return new PayloadWriter(2 + 4 + 2 + list.length).u16(code).u32(retryAfterMs).opaque16(list).end();
}

/**
 * Reads the payload of REJECT.
 *
 * @throws PeerViolationError
 */
export function decodeReject(payload: Uint8Array): Reject {
  const reader = new PayloadReader('REJECT', payload);
  const code = reader.u16();
  const retryAfterMs = reader.u32();
  const parameters = reader.parameters();
  reader.end();
  return { code, retryAfterMs, parameters };
}
