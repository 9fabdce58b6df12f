import { getU53, setU53, viewOf } from '../octets.ts';
import { FRAMES, type FrameName, HEADER_BYTES, HEADER_OFFSET } from '../registry.gen.ts';

/** The header of a frame (chapter 3.2). */
export interface FrameHeader {
  readonly type: number;
  readonly flags: number;
  /** Octets of the payload. */
  readonly length: number;
  /** 0 for a frame that belongs to the connection. */
  readonly channel: number;
  /** 0 for a frame that is not sequenced. */
  readonly seq: number;
}

/**
 * Writes a header.
 *
 * @param view - where to write.
 * @param offset - offset of the header in `view`.
 */
export function encodeHeader(
  view: DataView,
  offset: number,
  type: number,
  flags: number,
  length: number,
  channel: number,
  seq: number,
): void {
  view.setUint32(offset, (type << 24) | (flags << 16) | length);
  view.setUint32(offset + HEADER_OFFSET.channel, channel);
  setU53(view, offset + HEADER_OFFSET.seq, seq);
}

/** Reads a header, whatever it says; the sequence number as {@link getU53} gives it. */
export function decodeHeader(bytes: Uint8Array): FrameHeader {
  const view = viewOf(bytes);
  return {
    type: view.getUint8(HEADER_OFFSET.type),
    flags: view.getUint8(HEADER_OFFSET.flags),
    length: view.getUint16(HEADER_OFFSET.length),
    channel: view.getUint32(HEADER_OFFSET.channel),
    seq: getU53(view, HEADER_OFFSET.seq),
  };
}

/** A complete frame in an array of its own. */
export function encodeFrame(name: FrameName, payload: Uint8Array, flags = 0, channel = 0, seq = 0): Uint8Array {
  const frame = new Uint8Array(HEADER_BYTES + payload.length);
  encodeHeader(viewOf(frame), 0, FRAMES[name].type, flags, payload.length, channel, seq);
  frame.set(payload, HEADER_BYTES);
  return frame;
}

/** The payload of a complete frame, as a view. */
export function payloadOf(frame: Uint8Array): Uint8Array {
  return frame.subarray(HEADER_BYTES);
}
