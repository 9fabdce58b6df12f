/** What the implementation under test has sent, read from the log without any judgement. */
import { decodeFrame } from '../model/codec.ts';
import type { Header, ModelParameter } from '../model/frame.ts';
import { decodeHeader } from '../model/frame.ts';
import { frameOfType } from '../model/registry.ts';
import { describeOctets } from '../peer/describe-frame.ts';
import type { Peer } from '../peer/peer.ts';

/** A frame as it was received. */
export interface SentFrame {
  readonly header: Header;
  readonly octets: Uint8Array;
  readonly text: string;
}

/** Every frame that the peer has received so far, in order. */
export function framesOf(peer: Peer): readonly SentFrame[] {
  return peer.log.entries.flatMap(({ direction, octets }) => {
    const header = direction === 'received' && octets !== undefined ? decodeHeader(octets) : undefined;
    return header === undefined || octets === undefined ? [] : [{ header, octets, text: describeOctets(octets) }];
  });
}

/** Ids and lengths of the parameters of a frame, in the order on the wire; none where it has no list. */
export function parametersOf({
  header,
  octets,
}: SentFrame): readonly { readonly id: number; readonly length: number }[] {
  const row = frameOfType(header.type);
  const decoded = decodeFrame(octets);
  if (row?.fields.some(({ type }) => type === 'parameters') !== true || !('fields' in decoded)) return [];
  const list = decoded.fields['parameters'] as readonly ModelParameter[];
  return list.map(({ id, value }) => ({ id, length: typeof value === 'number' ? INTEGER_BYTES : value.length }));
}

/** All integer parameters of version 1 are u32. */
const INTEGER_BYTES = 4;
