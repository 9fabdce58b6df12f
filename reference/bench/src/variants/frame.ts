/** A header like Hawser's: type, flags, length (u16), channel (u32), sequence number (u64). */
export const HEADER_BYTES = 16;

const TYPE = 0x28;

/** Writes one frame; returns where it ends. */
export function writeFrame(target: Uint8Array, offset: number, payload: Uint8Array): number {
  const { length } = payload;
  target[offset] = TYPE;
  target[offset + 1] = 3;
  target[offset + 2] = length >>> 8;
  target[offset + 3] = length;
  target.fill(0, offset + 4, offset + HEADER_BYTES);
  target.set(payload, offset + HEADER_BYTES);
  return offset + HEADER_BYTES + length;
}

/** Length of the payload of the frame that begins at an offset. */
export function payloadLength(chunk: Uint8Array, offset: number): number {
  if (chunk[offset] !== TYPE) throw new Error('no frame begins here');
  return ((chunk[offset + 2] as number) << 8) | (chunk[offset + 3] as number);
}

/** Finds the frames in what arrives: views into the chunk, and one gathered copy for a frame that crosses chunks. */
export class FrameReader {
  #rest: Uint8Array = new Uint8Array(0);

  push(chunk: Uint8Array, onPayload: (payload: Uint8Array) => void): void {
    let octets = chunk;
    if (this.#rest.length > 0) {
      octets = new Uint8Array(this.#rest.length + chunk.length);
      octets.set(this.#rest);
      octets.set(chunk, this.#rest.length);
    }
    let offset = 0;
    while (octets.length - offset >= HEADER_BYTES) {
      const end = offset + HEADER_BYTES + payloadLength(octets, offset);
      if (end > octets.length) break;
      onPayload(octets.subarray(offset + HEADER_BYTES, end));
      offset = end;
    }
    this.#rest = octets.subarray(offset);
  }
}
