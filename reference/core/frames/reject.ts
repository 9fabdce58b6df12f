import { PayloadReader } from '../payload-reader.ts';
import { PayloadWriter } from '../payload-writer.ts';

/** REJECT: no session, why, and when to try again (chapter 4.6). */
export interface Reject {
  /** The code on the wire. */
  readonly code: number;
  /** Shortest time until a new attempt is welcome, in milliseconds; 0 says nothing. */
  readonly retryAfterMs: number;
}

/** Writes the payload of REJECT. */
export function encodeReject({ code, retryAfterMs }: Reject): Uint8Array {
  return new PayloadWriter(6).u16(code).u32(retryAfterMs).end();
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
  reader.end();
  return { code, retryAfterMs };
}
