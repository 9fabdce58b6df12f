import { PayloadReader } from '../payload-reader.ts';
import { PayloadWriter } from '../payload-writer.ts';
import { FIELDS } from '../registry.gen.ts';

/** PONG: answers a PING with its data (chapter 5.2). */
export interface Pong {
  /** 8 octets. */
  readonly data: Uint8Array;
}

/** Writes the payload of PONG. */
export function encodePong({ data }: Pong): Uint8Array {
  return new PayloadWriter(FIELDS.PONG.data.bytes).bytes(data, FIELDS.PONG.data.bytes).end();
}

/**
 * Reads the payload of PONG; the data is a view.
 *
 * @throws PeerViolationError
 */
export function decodePong(payload: Uint8Array): Pong {
  const reader = new PayloadReader('PONG', payload);
  const data = reader.bytes(FIELDS.PONG.data.bytes);
  reader.end();
  return { data };
}
