import { PayloadReader } from '../payload-reader.ts';
import { PayloadWriter } from '../payload-writer.ts';

/** REFUSED: the channel is not opened, why, and when to try again (chapter 6.2). */
export interface Refused {
  /** The code on the wire. */
  readonly code: number;
  /** Shortest time until a new attempt is welcome, in milliseconds; 0 says nothing. */
  readonly retryAfterMs: number;
}

/** Writes the payload of REFUSED. */
export function encodeRefused({ code, retryAfterMs }: Refused): Uint8Array {
  return new PayloadWriter(6).u16(code).u32(retryAfterMs).end();
}

/**
 * Reads the payload of REFUSED.
 *
 * @throws PeerViolationError
 */
export function decodeRefused(payload: Uint8Array): Refused {
  const reader = new PayloadReader('REFUSED', payload);
  const code = reader.u16();
  const retryAfterMs = reader.u32();
  reader.end();
  return { code, retryAfterMs };
}
