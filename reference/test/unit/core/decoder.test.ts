import { describe, expect, it } from 'vitest';
import { FrameDecoder } from '../../../core/decoder.ts';
import { frame, hex, rawFrame } from './wire.ts';

function decodeAll(chunks: readonly Uint8Array[]): string[] {
  const decoder = new FrameDecoder();
  const frames: string[] = [];
  for (const chunk of chunks) {
    decoder.push(chunk);
    while (decoder.next() === 'frame') frames.push(hex(decoder.copyFrame()));
  }
  return frames;
}

const PING = frame('PING', '0102030405060708');
const MESSAGE = frame('MESSAGE', 'aa'.repeat(300), { flags: 3, channel: 1, seq: 1 });
const END = frame('END', '', { channel: 1, seq: 2 });
const STREAM = new Uint8Array(Buffer.concat([PING, MESSAGE, END, PING]));

describe('FrameDecoder', () => {
  it('divides a chunk into frames', () => {
    expect(decodeAll([STREAM])).toEqual([PING, MESSAGE, END, PING].map(hex));
  });

  it('accepts any division into two chunks, and single octets [WIR-002]', () => {
    const whole = decodeAll([STREAM]);
    for (let cut = 0; cut <= STREAM.length; cut += 1) {
      expect(decodeAll([STREAM.subarray(0, cut), STREAM.subarray(cut)])).toEqual(whole);
    }
    expect(decodeAll(Array.from(STREAM, (octet) => Uint8Array.of(octet)))).toEqual(whole);
  });

  it('gives views into the chunk for whole frames and copies nothing', () => {
    const decoder = new FrameDecoder();
    decoder.push(MESSAGE);
    expect(decoder.next()).toBe('frame');
    expect(decoder.payload().buffer).toBe(MESSAGE.buffer);
  });

  it('gives plain arrays, whatever subclass came in', () => {
    const decoder = new FrameDecoder();
    decoder.push(Buffer.from(MESSAGE));
    decoder.next();
    expect(Object.getPrototypeOf(decoder.payload())).toBe(Uint8Array.prototype);
  });

  it('shows a header as soon as it is complete, and the frame not before it is [WIR-003]', () => {
    const decoder = new FrameDecoder();
    decoder.push(MESSAGE.subarray(0, 15));
    expect(decoder.next()).toBe('none');
    decoder.push(MESSAGE.subarray(15, 16));
    expect(decoder.next()).toBe('header');
    expect(decoder).toMatchObject({ type: 0x28, flags: 3, length: 300, channel: 1, seq: 1 });
    decoder.push(MESSAGE.subarray(16, 315));
    expect(decoder.next()).toBe('header');
    decoder.push(MESSAGE.subarray(315));
    expect(decoder.next()).toBe('frame');
    expect(decoder.next()).toBe('none');
  });

  it('shows a header that announces too much without waiting for the payload [WIR-001]', () => {
    const tooLong = rawFrame(0x28, { length: 16_369 });
    const whole = new Uint8Array(16 + 16_369);
    whole.set(tooLong);
    for (const chunks of [[tooLong], [tooLong.subarray(0, 3), tooLong.subarray(3)], [whole]]) {
      const decoder = new FrameDecoder();
      const steps = chunks.map((chunk) => {
        decoder.push(chunk);
        return decoder.next();
      });
      expect(steps.at(-1)).toBe('header');
      expect(decoder.length).toBe(16_369);
    }
  });

  it('gathers one incomplete frame in a buffer of its size [WIR-029]', () => {
    const decoder = new FrameDecoder();
    const largest = frame('MESSAGE', '55'.repeat(16_368), { flags: 3, channel: 1, seq: 1 });
    for (let offset = 0; offset < largest.length; offset += 1000) {
      decoder.push(largest.subarray(offset, offset + 1000));
      const step = decoder.next();
      expect(step).toBe(offset + 1000 < largest.length ? 'header' : 'frame');
    }
    expect(decoder.bytes.buffer.byteLength).toBe(16_384);
  });

  it('takes nothing more once it was stopped', () => {
    const decoder = new FrameDecoder();
    decoder.push(PING.subarray(0, 10));
    decoder.next();
    decoder.stop();
    decoder.push(PING);
    expect(decoder.next()).toBe('none');
  });
});
