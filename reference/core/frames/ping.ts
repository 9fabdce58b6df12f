import { PayloadReader } from '../payload-reader.ts';
import { PayloadWriter } from '../payload-writer.ts';
import { FIELDS } from '../registry.gen.ts';

/** PING: asks for a PONG (chapter 5.2). */
export interface Ping {
  /** 8 octets. */
  readonly data: Uint8Array;
}

/** Writes the payload of PING. */
export function encodePing({ data }: Ping): Uint8Array {
  return new PayloadWriter(FIELDS.PING.data.bytes).bytes(data, FIELDS.PING.data.bytes).end();
}

/**
 * Reads the payload of PING; the data is a view.
 *
 * @throws PeerViolationError
 */
export function decodePing(payload: Uint8Array): Ping {
  const reader = new PayloadReader('PING', payload);
  const data = reader.bytes(FIELDS.PING.data.bytes);
  reader.end();
  return { data };
}
