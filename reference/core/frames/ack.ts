import { PayloadReader } from '../payload-reader.ts';
import { PayloadWriter } from '../payload-writer.ts';

/** ACK: what the sender holds at its custody (chapter 12.2). */
export interface Ack {
  /** The sender holds every sequenced frame through this number. */
  readonly receiveCursor: number;
}

/** Writes the payload of ACK. */
export function encodeAck({ receiveCursor }: Ack): Uint8Array {
  return new PayloadWriter(8).u53(receiveCursor).end();
}

/**
 * Reads the payload of ACK; whether it acknowledges anything is for the session to judge. [CNT-007]
 *
 * @throws PeerViolationError
 */
export function decodeAck(payload: Uint8Array): Ack {
  const reader = new PayloadReader('ACK', payload);
  const receiveCursor = reader.u53();
  reader.end();
  return { receiveCursor };
}
