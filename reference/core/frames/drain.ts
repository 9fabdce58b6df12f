import { PayloadReader } from '../payload-reader.ts';
import { PayloadWriter } from '../payload-writer.ts';

/** DRAIN: open nothing new, move to a new connection before a deadline (chapter 12.7). */
export interface Drain {
  /** The code on the wire. */
  readonly code: number;
  /** Time from the sending of DRAIN until the connection ends, in milliseconds. */
  readonly deadlineMs: number;
}

/** Writes the payload of DRAIN. */
export function encodeDrain({ code, deadlineMs }: Drain): Uint8Array {
  return new PayloadWriter(6).u16(code).u32(deadlineMs).end();
}

/**
 * Reads the payload of DRAIN.
 *
 * @throws PeerViolationError
 */
export function decodeDrain(payload: Uint8Array): Drain {
  const reader = new PayloadReader('DRAIN', payload);
  const code = reader.u16();
  const deadlineMs = reader.u32();
  reader.end();
  return { code, deadlineMs };
}
