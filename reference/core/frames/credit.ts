import { PayloadReader } from '../payload-reader.ts';
import { PayloadWriter } from '../payload-writer.ts';

/** CREDIT: absolute limits granted to the peer on a channel (chapter 6.4). */
export interface Credit {
  /** How many messages may have been begun. */
  readonly messageLimit: number;
  /** How many octets of fragments may have been sent. */
  readonly byteLimit: number;
}

/** Writes the payload of CREDIT. */
export function encodeCredit({ messageLimit, byteLimit }: Credit): Uint8Array {
  return new PayloadWriter(16).u53(messageLimit).u53(byteLimit).end();
}

/**
 * Reads the payload of CREDIT.
 *
 * @throws PeerViolationError
 */
export function decodeCredit(payload: Uint8Array): Credit {
  const reader = new PayloadReader('CREDIT', payload);
  const messageLimit = reader.u53();
  const byteLimit = reader.u53();
  reader.end();
  return { messageLimit, byteLimit };
}
