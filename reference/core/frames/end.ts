import { NO_OCTETS } from '../octets.ts';
import { PayloadReader } from '../payload-reader.ts';

/** Writes the payload of END, which has no fields (chapter 6.5). */
export function encodeEnd(): Uint8Array {
  return NO_OCTETS;
}

/**
 * Reads the payload of END.
 *
 * @throws PeerViolationError
 */
export function decodeEnd(payload: Uint8Array): void {
  new PayloadReader('END', payload).end();
}
