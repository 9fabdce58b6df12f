import { describe, expect, it } from 'vitest';
import {
  annotate,
  buildFrame,
  buildRawFrame,
  decodeFrame,
  decodeHeader,
  FrameReader,
  fromHex,
  greaseType,
  toHex,
} from '../../model/codec.ts';
import { frameRows } from '../../model/registry.ts';

// Header: type, flags, length, channel, seq. Written down by hand from chapter 3.
const PING = fromHex('10 00 0008 00000000 0000000000000000 0102030405060708');
const END_SESSION = fromHex('14 01 0012 00000000 0000000000000000 0000 0000000000000003 0000000000000005');
const MESSAGE = fromHex('28 03 0002 00000007 0000000000000009 6869');
const OPEN = fromHex(
  `20 00 0035 00000001 0000000000000001 ${'aa'.repeat(32)} 0009 746573742f6563686f 0008 0010 0004 deadbeef`,
);

describe('buildFrame', () => {
  it('writes what is on paper', () => {
    expect(toHex(buildFrame('PING', { fields: { data: fromHex('0102030405060708') } }))).toBe(toHex(PING));
    const close = buildFrame('CLOSE', { flags: ['END_SESSION'], fields: { receive_cursor: 3, send_cursor: 5n } });
    expect(toHex(close)).toBe(toHex(END_SESSION));
    const message = buildFrame('MESSAGE', { flags: ['FIRST', 'LAST'], channel: 7, seq: 9, fields: { fragment: 'hi' } });
    expect(toHex(message)).toBe(toHex(MESSAGE));
    const open = buildFrame('OPEN', {
      channel: 1,
      seq: 1,
      fields: {
        nonce: new Uint8Array(32).fill(0xaa),
        application: 'test/echo',
        parameters: [{ id: 'application_data', value: fromHex('deadbeef') }],
      },
    });
    expect(toHex(open)).toBe(toHex(OPEN));
  });

  it('writes damage on request', () => {
    expect(toHex(buildFrame('END', { channel: 1, seq: 2, trailing: Uint8Array.of(0xff) }))).toBe(
      '2b000001000000010000000000000002ff',
    );
    expect(toHex(buildFrame('PING', { lengthOverride: 16369, rawPayload: new Uint8Array(0) }))).toBe(
      '10003ff1000000000000000000000000',
    );
    expect(toHex(buildRawFrame({ type: 0x7f, flags: 0xff, channel: 0xffffffff, seq: 2n ** 64n - 1n }))).toBe(
      '7fff0000ffffffffffffffffffffffff',
    );
  });

  it('rejects names that the registry does not have', () => {
    expect(() => buildFrame('NACK')).toThrow('NACK');
    expect(() => buildFrame('PING', { flags: ['LAST'] })).toThrow('LAST');
    expect(() => buildFrame('PING', { fields: { date: 1 } })).toThrow('date');
  });

  it('gives every frame a valid default', () => {
    for (const { name, layer, sequenced } of frameRows) {
      const flags = name === 'MESSAGE' ? ['FIRST', 'LAST'] : [];
      const frame = buildFrame(name, { flags, channel: layer === 'channel' ? 1 : 0, seq: sequenced ? 1 : 0 });
      expect(decodeFrame(frame), name).toMatchObject({ frame: { name }, consumed: frame.length });
    }
  });
});

describe('decodeFrame', () => {
  it('reads what is on paper', () => {
    expect(decodeFrame(END_SESSION)).toMatchObject({
      frame: { name: 'CLOSE', flags: 1, channel: 0, seq: 0n },
      fields: { code: 0, receive_cursor: 3n, send_cursor: 5n },
      consumed: 34,
    });
    expect(decodeFrame(OPEN)).toMatchObject({
      fields: {
        application: 'test/echo',
        parameters: [{ id: 16, name: 'application_data', value: fromHex('deadbeef') }],
      },
    });
    expect(decodeHeader(MESSAGE)).toEqual({ type: 0x28, flags: 3, length: 2, channel: 7, seq: 9n });
  });

  it('asks for what is missing', () => {
    expect(decodeFrame(PING.subarray(0, 15))).toEqual({ need: 16 });
    expect(decodeFrame(PING.subarray(0, 16))).toEqual({ need: 24 });
  });

  it.each<[string, string, string, string]>([
    ['length over the maximum', '10 00 3ff1 00000000 0000000000000000', 'FRAME_TOO_LARGE', 'WIR-001'],
    ['unknown type', '15 00 0000 00000000 0000000000000000', 'FRAME_UNKNOWN', 'WIR-005'],
    ['undefined type', '26 00 0000 00000001 0000000000000001', 'FRAME_UNKNOWN', 'WIR-005'],
    ['undefined flag', '10 80 0008 00000000 0000000000000000 0000000000000000', 'FLAGS_INVALID', 'WIR-007'],
    [
      'session frame with a channel',
      '10 00 0008 00000001 0000000000000000 0000000000000000',
      'CHANNEL_INVALID',
      'WIR-009',
    ],
    ['channel frame without', '2b 00 0000 00000000 0000000000000001', 'CHANNEL_INVALID', 'WIR-009'],
    ['sequenced frame without a number', '2b 00 0000 00000001 0000000000000000', 'SEQUENCE_INVALID', 'WIR-012'],
    ['sequence number over 2^53 - 1', '2b 00 0000 00000001 0020000000000000', 'SEQUENCE_INVALID', 'WIR-012'],
    [
      'unsequenced frame with a number',
      '10 00 0008 00000000 0000000000000001 0000000000000000',
      'SEQUENCE_INVALID',
      'WIR-013',
    ],
    ['ignorable frame with a number', '9b 00 0000 00000000 0000000000000001', 'SEQUENCE_INVALID', 'WIR-013'],
    ['short payload', '10 00 0007 00000000 0000000000000000 00000000000000', 'FRAME_MALFORMED', 'WIR-014'],
    ['long payload', '10 00 0009 00000000 0000000000000000 000000000000000000', 'FRAME_MALFORMED', 'WIR-015'],
    [
      'u53 over its bound',
      '29 00 0010 00000001 0000000000000000 0000000000000000 0020000000000000',
      'FRAME_MALFORMED',
      'WIR-016',
    ],
    [
      'parameter out of range',
      '21 00 0008 00000001 0000000000000001 0006 0003 0002 0001',
      'PARAMETER_INVALID',
      'WIR-024',
    ],
    ['undefined parameter', '21 00 0006 00000001 0000000000000001 0004 0030 0000', 'PARAMETER_UNKNOWN', 'WIR-022'],
    [
      'repeated parameter',
      '21 00 000a 00000001 0000000000000001 0008 8001 0000 8001 0000',
      'PARAMETER_MALFORMED',
      'WIR-020',
    ],
    [
      'parameter past its list',
      '21 00 0006 00000001 0000000000000001 0004 8001 0001',
      'PARAMETER_MALFORMED',
      'WIR-021',
    ],
    ['list past the payload', '21 00 0002 00000001 0000000000000001 0001', 'FRAME_MALFORMED', 'WIR-014'],
  ])('refuses %s', (_, hex, error, requirement) => {
    expect(decodeFrame(fromHex(hex))).toEqual({ error, requirement });
  });

  it('gives an ignorable frame no name', () => {
    const type = greaseType(0);
    expect(type).toBe(0x9b);
    const result = decodeFrame(buildRawFrame({ type, flags: 0xff, channel: 5, payload: Uint8Array.of(1) }));
    expect(result).toEqual({
      frame: { type, flags: 0xff, channel: 5, seq: 0n, payload: Uint8Array.of(1) },
      fields: {},
      consumed: 17,
    });
  });

  it('asks for more or refuses at every strict prefix', () => {
    for (const whole of [PING, END_SESSION, OPEN]) {
      for (let cut = 0; cut < whole.length; cut += 1)
        expect(decodeFrame(whole.subarray(0, cut))).toHaveProperty('need');
    }
  });
});

describe('FrameReader', () => {
  it('reads single octets', () => {
    const reader = new FrameReader();
    const names = [...PING, ...MESSAGE].flatMap((octet) =>
      reader.push(Uint8Array.of(octet)).map(({ frame }) => frame.name),
    );
    expect(names).toEqual(['PING', 'MESSAGE']);
    expect(reader.pending).toHaveLength(0);
  });

  it('reports an announced length before the payload, and keeps the first error', () => {
    const reader = new FrameReader();
    expect(reader.push(fromHex('10 00 ffff 00000000 0000000000000000'))).toEqual([]);
    expect(reader.error).toEqual({ error: 'FRAME_TOO_LARGE', requirement: 'WIR-001' });
    expect(reader.push(PING)).toEqual([]);
    expect(reader.error?.error).toBe('FRAME_TOO_LARGE');
  });
});

describe('annotate', () => {
  it('says what each octet is', () => {
    expect(annotate(END_SESSION).split('\n')).toEqual([
      '0000  14                                               type = CLOSE (0x14)',
      '0001  01                                               flags = 0x01 (END_SESSION)',
      '0002  00 12                                            length = 18',
      '0004  00 00 00 00                                      channel = 0',
      '0008  00 00 00 00 00 00 00 00                          seq = 0',
      '0010  00 00                                            code = 0',
      '0012  00 00 00 00 00 00 00 03                          receive_cursor = 3',
      '001a  00 00 00 00 00 00 00 05                          send_cursor = 5',
    ]);
  });

  it('marks what is wrong', () => {
    expect(annotate(fromHex('10 00 0007 00000000 0000000000000000 00000000000000'))).toContain(
      '! FRAME_MALFORMED (WIR-014)',
    );
    expect(annotate(PING.subarray(0, 20))).toContain('! 4 octets are missing');
  });
});
