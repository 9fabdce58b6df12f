import { expect } from 'vitest';
import { FrameDecoder } from '../../../core/decoder.ts';
import { decodeClose } from '../../../core/frames/close.ts';
import { encodeFrame, encodeHeader } from '../../../core/frames/header.ts';
import { decodeReject } from '../../../core/frames/reject.ts';
import {
  type Connection,
  type ErrorName,
  ERROR_NAME,
  type Event,
  FRAME_NAME,
  type FrameName,
} from '../../../core/index.ts';
import { outputOf } from './pair.ts';

/** A frame taken apart. */
export interface WireFrame {
  readonly name: FrameName | undefined;
  readonly type: number;
  readonly flags: number;
  readonly channel: number;
  readonly seq: number;
  readonly payload: Uint8Array;
}

/** Octets of hexadecimal digits; white space does not count. */
export function octets(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex.replaceAll(/\s/g, ''), 'hex'));
}

/** Hexadecimal digits of octets. */
export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** Takes whole frames apart. */
export function framesIn(bytes: Uint8Array): readonly WireFrame[] {
  const decoder = new FrameDecoder();
  const frames: WireFrame[] = [];
  decoder.push(bytes);
  while (decoder.next() === 'frame') {
    const { type, flags, channel, seq } = decoder;
    frames.push({ name: FRAME_NAME[type], type, flags, channel, seq, payload: decoder.payload() });
  }
  return frames;
}

/** The frames that an end has to write. */
export function framesFrom(connection: Connection): readonly WireFrame[] {
  return framesIn(outputOf(connection));
}

/** A frame of a defined type with a payload in hexadecimal. */
export function frame(
  name: FrameName,
  payload = '',
  header: { readonly flags?: number; readonly channel?: number; readonly seq?: number } = {},
): Uint8Array {
  return encodeFrame(name, octets(payload), header.flags, header.channel, header.seq);
}

/** A frame of any type. */
export function rawFrame(
  type: number,
  header: { readonly flags?: number; readonly channel?: number; readonly seq?: number; readonly length?: number } = {},
  payload = '',
): Uint8Array {
  const body = octets(payload);
  const bytes = new Uint8Array(16 + body.length);
  const { flags = 0, channel = 0, seq = 0, length = body.length } = header;
  encodeHeader(new DataView(bytes.buffer), 0, type, flags, length, channel, seq);
  bytes.set(body, 16);
  return bytes;
}

/** The code of the REJECT or CLOSE that an end has to write as its last frame. */
export function codeFrom(connection: Connection): ErrorName | undefined {
  const last = framesFrom(connection).at(-1);
  if (last?.name === 'CLOSE') return ERROR_NAME[decodeClose(last.payload).code];
  return last?.name === 'REJECT' ? ERROR_NAME[decodeReject(last.payload).code] : undefined;
}

/** The events of one type. */
export function eventsOf<Type extends Event['type']>(
  events: readonly Event[],
  type: Type,
): readonly Extract<Event, { readonly type: Type }>[] {
  return events.filter((event): event is Extract<Event, { readonly type: Type }> => event.type === type);
}

/** Matches an error by its code. */
export function withCode(code: string): Error {
  return expect.objectContaining({ code }) as Error;
}
