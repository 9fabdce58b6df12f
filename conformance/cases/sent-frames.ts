/** What the implementation under test has sent, read from the log without any judgement. */
import { readInteger } from '../model/codec.ts';
import type { Header } from '../model/frame.ts';
import { decodeHeader, integerBytes } from '../model/frame.ts';
import { frameOfType, registry } from '../model/registry.ts';
import { describeOctets } from '../peer/describe-frame.ts';
import type { Peer } from '../peer/peer.ts';
import type { WireLog } from '../peer/wire-log.ts';

/** A frame as it was received. */
export interface SentFrame {
  readonly header: Header;
  readonly octets: Uint8Array;
  readonly text: string;
}

/** Every frame that the peer has received so far, in order. */
export function framesOf(peer: Peer): readonly SentFrame[] {
  return framesOfLogs([peer.log]);
}

/** Every frame in these logs, in order; the last one may be what the harness could not read as a frame. */
export function framesOfLogs(logs: readonly WireLog[]): readonly SentFrame[] {
  return logs
    .flatMap(({ entries }) => entries)
    .flatMap(({ direction, octets }) => {
      const header = direction === 'received' && octets !== undefined ? decodeHeader(octets) : undefined;
      return header === undefined || octets === undefined ? [] : [{ header, octets, text: describeOctets(octets) }];
    });
}

/** Ids and lengths of the parameters of a frame, in the order on the wire, right or wrong; none where it has no list. */
export function parametersOf({
  header,
  octets,
}: SentFrame): readonly { readonly id: number; readonly length: number }[] {
  const fields = frameOfType(header.type)?.fields ?? [];
  const index = fields.findIndex(({ type }) => type === 'parameters');
  if (index === -1) return [];
  const number = (at: number): number => Number(readInteger(octets.subarray(at, at + 2)));
  let at = registry.header.bytes;
  for (const { type, size } of fields.slice(0, index)) at += size ?? integerBytes(type) ?? 2 + number(at);
  at += 2;
  const parameters: { id: number; length: number }[] = [];
  const end = Math.min(octets.length, at + number(at - 2));
  for (; at + 4 <= end; at += 4 + number(at + 2)) parameters.push({ id: number(at), length: number(at + 2) });
  return parameters;
}
