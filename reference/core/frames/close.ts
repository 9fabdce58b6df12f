import { PayloadReader } from '../payload-reader.ts';
import { PayloadWriter } from '../payload-writer.ts';

/** CLOSE: the end, with both final cursors (chapter 5.3). */
export interface Close {
  /** The code on the wire. */
  readonly code: number;
  /** Sequence number of the last sequenced frame that the sender has processed; 0 for none. */
  readonly receiveCursor: number;
  /** Sequence number of the last sequenced frame that the sender has sent; 0 for none. */
  readonly sendCursor: number;
}

/** Writes the payload of CLOSE. */
export function encodeClose({ code, receiveCursor, sendCursor }: Close): Uint8Array {
  return new PayloadWriter(18).u16(code).u53(receiveCursor).u53(sendCursor).end();
}

/**
 * Reads the payload of CLOSE.
 *
 * @throws PeerViolationError
 */
export function decodeClose(payload: Uint8Array): Close {
  const reader = new PayloadReader('CLOSE', payload);
  const code = reader.u16();
  const receiveCursor = reader.u53();
  const sendCursor = reader.u53();
  reader.end();
  return { code, receiveCursor, sendCursor };
}
