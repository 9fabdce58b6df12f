import { PayloadReader } from '../payload-reader.ts';
import { PayloadWriter } from '../payload-writer.ts';

/** RESET: abandons the channel in both directions (chapter 6.6). */
export interface Reset {
  /** The code on the wire. */
  readonly code: number;
}

/** Writes the payload of RESET. */
export function encodeReset({ code }: Reset): Uint8Array {
  return new PayloadWriter(2).u16(code).end();
}

/**
 * Reads the payload of RESET.
 *
 * @throws PeerViolationError
 */
export function decodeReset(payload: Uint8Array): Reset {
  const reader = new PayloadReader('RESET', payload);
  const code = reader.u16();
  reader.end();
  return { code };
}
