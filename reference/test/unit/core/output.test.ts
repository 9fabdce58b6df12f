import { describe, expect, it } from 'vitest';
import { FRAME_TYPE } from '../../../core/index.ts';
import { Output } from '../../../core/output.ts';
import { framesIn, hex } from './wire.ts';

const { MESSAGE, PING } = FRAME_TYPE;

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(chunks));
}

describe('Output', () => {
  it('puts small frames into one piece [WIR-004]', () => {
    const output = new Output();
    output.frame(PING, 0, 0, 0, new Uint8Array(8).fill(1));
    output.frame(MESSAGE, 3, 7, 5, Uint8Array.of(9));
    expect(output.pendingBytes).toBe(24 + 17);
    const chunks = output.take();
    expect(chunks).toHaveLength(1);
    expect(hex(joined(chunks))).toBe(
      '10000008000000000000000000000000' + '01'.repeat(8) + '28030001000000070000000000000005' + '09',
    );
    expect(output.take()).toEqual([]);
    expect(output.pendingBytes).toBe(0);
  });

  it('never writes again what it has handed out', () => {
    const output = new Output();
    output.frame(PING, 0, 0, 0, new Uint8Array(8).fill(1));
    const [first] = output.take();
    const before = hex(first!);
    for (let count = 0; count < 5000; count += 1) output.frame(PING, 0, 0, 0, new Uint8Array(8).fill(2));
    output.take();
    expect(hex(first!)).toBe(before);
  });

  it('keeps the frames of several connections apart, in the order of each', () => {
    const outputs = [new Output(), new Output(), new Output()];
    for (let round = 0; round < 500; round += 1) {
      for (const [index, output] of outputs.entries()) {
        if ((round + index) % 3 !== 0) output.frame(MESSAGE, 3, index + 1, round, new Uint8Array(round).fill(index));
      }
    }
    for (const [index, output] of outputs.entries()) {
      const frames = framesIn(joined(output.take()));
      const rounds = Array.from({ length: 500 }, (_, round) => round).filter((round) => (round + index) % 3 !== 0);
      expect(frames.map(({ seq }) => seq)).toEqual(rounds);
      expect(frames.every(({ channel, payload, seq }) => channel === index + 1 && payload.length === seq)).toBe(true);
      expect(frames.every(({ payload }) => payload.every((octet) => octet === index))).toBe(true);
    }
  });

  it('hands out payloads from 4,096 octets on as they are, next to their header', () => {
    const output = new Output();
    const payload = new Uint8Array(4096).fill(3);
    output.frame(PING, 0, 0, 0, new Uint8Array(8));
    output.frame(MESSAGE, 3, 1, 1, payload);
    output.frame(PING, 0, 0, 0, new Uint8Array(8));
    const chunks = output.take();
    expect(chunks.map(({ length }) => length)).toEqual([24 + 16, 4096, 24]);
    expect(chunks[1]).toBe(payload);
  });

  it('copies complete frames', () => {
    const output = new Output();
    const frame = Uint8Array.of(1, 2, 3);
    output.raw(frame);
    frame.fill(0);
    expect(hex(joined(output.take()))).toBe('010203');
  });
});
