import { describe, expect, it } from 'vitest';
import { decodeAck, encodeAck } from '../../../../core/frames/ack.ts';
import { decodeClose, encodeClose } from '../../../../core/frames/close.ts';
import { decodeDrain, encodeDrain } from '../../../../core/frames/drain.ts';
import { decodeHeader, encodeFrame } from '../../../../core/frames/header.ts';
import { decodePing, encodePing } from '../../../../core/frames/ping.ts';
import { decodePong, encodePong } from '../../../../core/frames/pong.ts';
import { hex, octets } from '../wire.ts';

describe('header', () => {
  const bytes = '28 03 0004 01020304 001fffffffffffff deadbeef';

  it('is written as these octets', () => {
    const frame = encodeFrame('MESSAGE', octets('deadbeef'), 3, 0x01020304, Number.MAX_SAFE_INTEGER);
    expect(hex(frame)).toBe(hex(octets(bytes)));
  });

  it('is read from these octets', () => {
    expect(decodeHeader(octets(bytes))).toEqual({
      type: 0x28,
      flags: 3,
      length: 4,
      channel: 0x01020304,
      seq: Number.MAX_SAFE_INTEGER,
    });
  });

  it('reads a type, a channel and halves with their top bits set', () => {
    expect(decodeHeader(octets('ff ff ffff ffffffff 00000001 80000000'))).toEqual({
      type: 0xff,
      flags: 0xff,
      length: 0xffff,
      channel: 0xffffffff,
      seq: 0x1_8000_0000,
    });
  });

  it('never reads a sequence number above 2^53 - 1 as a smaller one', () => {
    const { seq } = decodeHeader(octets('28 00 0000 00000001 ffffffffffffffff'));
    expect(seq).toBeGreaterThan(Number.MAX_SAFE_INTEGER);
  });
});

describe('PING and PONG', () => {
  it('are eight octets', () => {
    const data = octets('0011223344556677');
    expect(hex(encodePing({ data }))).toBe('0011223344556677');
    expect(hex(encodePong({ data }))).toBe('0011223344556677');
    expect(decodePing(data)).toEqual({ data });
    expect(decodePong(data)).toEqual({ data });
  });

  it.each(['00112233445566', '001122334455667788'])('are not %s [WIR-014] [WIR-015]', (payload) => {
    expect(() => decodePing(octets(payload))).toThrow(expect.objectContaining({ wireName: 'FRAME_MALFORMED' }));
    expect(() => decodePong(octets(payload))).toThrow(expect.objectContaining({ wireName: 'FRAME_MALFORMED' }));
  });
});

describe('ACK', () => {
  it('is written as, and read from, these octets', () => {
    expect(hex(encodeAck({ receiveCursor: 0x1_0000_0007 }))).toBe('0000000100000007');
    expect(decodeAck(octets('0000000100000007'))).toEqual({ receiveCursor: 0x1_0000_0007 });
  });

  it.each([
    ['0020000000000000', 'WIR-016'],
    ['00000000000000', 'WIR-014'],
    ['000000000000000000', 'WIR-015'],
  ])('is not %s [%s]', (payload, requirement) => {
    expect(() => decodeAck(octets(payload))).toThrow(
      expect.objectContaining({ wireName: 'FRAME_MALFORMED', requirement }),
    );
  });
});

describe('DRAIN', () => {
  it('is written as, and read from, these octets', () => {
    const drain = { code: 0x0302, deadlineMs: 0xffffffff };
    expect(hex(encodeDrain(drain))).toBe('0302ffffffff');
    expect(decodeDrain(octets('0302 ffffffff'))).toEqual(drain);
  });

  it.each([
    ['0302 000000', 'WIR-014'],
    ['0302 00000000 00', 'WIR-015'],
  ])('is not %s [%s]', (payload, requirement) => {
    expect(() => decodeDrain(octets(payload))).toThrow(
      expect.objectContaining({ wireName: 'FRAME_MALFORMED', requirement }),
    );
  });
});

describe('CLOSE', () => {
  it('is written as, and read from, these octets', () => {
    const close = { code: 0x0302, receiveCursor: 5, sendCursor: 0x1_0000_0007 };
    const payload = '0302 0000000000000005 0000000100000007';
    expect(hex(encodeClose(close))).toBe(hex(octets(payload)));
    expect(decodeClose(octets(payload))).toEqual(close);
  });

  it('is malformed with a cursor above 2^53 - 1 [WIR-016]', () => {
    expect(() => decodeClose(octets('0000 0000000000000000 0020000000000000'))).toThrow(
      expect.objectContaining({ requirement: 'WIR-016' }),
    );
  });
});
