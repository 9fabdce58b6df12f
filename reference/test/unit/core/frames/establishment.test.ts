import { describe, expect, it } from 'vitest';
import { decodeAccept, encodeAccept } from '../../../../core/frames/accept.ts';
import { decodeChallenge, encodeChallenge } from '../../../../core/frames/challenge.ts';
import { decodeConnect, encodeConnect } from '../../../../core/frames/connect.ts';
import { decodeReject, encodeReject } from '../../../../core/frames/reject.ts';
import { hex, octets } from '../wire.ts';

const NONCE = '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f';
const SESSION = '0f0e0d0c0b0a09080706050403020100';

describe('CHALLENGE', () => {
  const payload = `${NONCE} 0010 0001 0004 000007d0 0002 0004 00040000`;
  const challenge = {
    serverNonce: octets(NONCE),
    parameters: { liveness_interval_ms: 2000, max_message_bytes: 262_144 },
  };

  it('is written as these octets', () => {
    expect(hex(encodeChallenge(challenge))).toBe(hex(octets(payload)));
  });

  it('is read from these octets', () => {
    expect(decodeChallenge(octets(payload))).toEqual(challenge);
  });

  it('puts ignorable parameters after the others', () => {
    const ignorable = [{ id: 0x801b, value: octets('aabb') }];
    expect(hex(encodeChallenge({ ...challenge, parameters: {} }, ignorable))).toBe(`${NONCE}0006801b0002aabb`);
  });

  it('is malformed when it ends before its last field [WIR-014]', () => {
    const all = octets(payload);
    for (let length = 0; length < all.length; length += 1) {
      expect(() => decodeChallenge(all.subarray(0, length))).toThrow(
        expect.objectContaining({ code: 'HAWSER_ERR_PEER_FRAME_MALFORMED', requirement: 'WIR-014' }),
      );
    }
  });

  it('is malformed when it goes on after its last field [WIR-015]', () => {
    expect(() => decodeChallenge(octets(`${payload} 00`))).toThrow(
      expect.objectContaining({ wireName: 'FRAME_MALFORMED', requirement: 'WIR-015' }),
    );
  });
});

describe('CONNECT', () => {
  const audience = Buffer.from('spiffe://a/b').toString('hex');
  const head = (mode: string, session: string, epoch: string, attempt: string, cursor: string): string =>
    `${mode} ${session} ${epoch} ${attempt} ${cursor}`;
  const rest = `${NONCE} 000c ${audience} 0008 0004 0004 00000010 0807 0002 abcd`;
  const zero = '0000000000000000';
  const fresh = `${head('00', '00000000000000000000000000000000', zero, zero, zero)} ${rest}`;
  const resumed = `${head('01', SESSION, '0000000000000002', '0000000000000003', '001fffffffffffff')} ${rest}`;
  const common = {
    clientNonce: octets(NONCE),
    audience: 'spiffe://a/b',
    parameters: { initial_message_credit: 16 },
    scheme: 0x0807,
    signature: octets('abcd'),
  };
  const connectNew = {
    mode: 'new',
    sessionId: new Uint8Array(16),
    epoch: 0,
    attempt: 0,
    receiveCursor: 0,
    ...common,
  } as const;
  const connectResume = {
    mode: 'resume',
    sessionId: octets(SESSION),
    epoch: 2,
    attempt: 3,
    receiveCursor: Number.MAX_SAFE_INTEGER,
    ...common,
  } as const;

  it('is written as these octets', () => {
    expect(hex(encodeConnect(connectNew))).toBe(hex(octets(fresh)));
    expect(hex(encodeConnect(connectResume))).toBe(hex(octets(resumed)));
  });

  it('is read from these octets', () => {
    expect(decodeConnect(octets(fresh))).toEqual(connectNew);
    expect(decodeConnect(octets(resumed))).toEqual(connectResume);
  });

  it.each([
    ['an unknown mode', fresh.replace('00', '02')],
    ['a session id in mode new', `${head('00', SESSION, zero, zero, zero)} ${rest}`],
    ['an epoch in mode new', `${head('00', '00'.repeat(16), '0000000000000001', zero, zero)} ${rest}`],
    ['an attempt in mode new', `${head('00', '00'.repeat(16), zero, '0000000000000001', zero)} ${rest}`],
    ['a cursor in mode new', `${head('00', '00'.repeat(16), zero, zero, '0000000000000001')} ${rest}`],
    ['an empty audience', fresh.replace(`000c ${audience}`, '0000')],
    ['an audience of 2,049 octets', fresh.replace(`000c ${audience}`, `0801 ${'61'.repeat(2049)}`)],
    ['an empty signature', fresh.replace('0002 abcd', '0000')],
    ['a signature of 1,025 octets', fresh.replace('0002 abcd', `0401 ${'ab'.repeat(1025)}`)],
  ])('is malformed with %s [WIR-017]', (_, payload) => {
    expect(() => decodeConnect(octets(payload))).toThrow(
      expect.objectContaining({ wireName: 'FRAME_MALFORMED', requirement: 'WIR-017' }),
    );
  });

  it.each([
    ['a broken octet', 'ff', '0001'],
    ['an overlong form', 'c0af', '0002'],
    ['a surrogate', 'eda080', '0003'],
    ['a control character', '0a', '0001'],
    ['DEL', '7f', '0001'],
  ])('is malformed with an audience of %s [WIR-018]', (_, text, length) => {
    expect(() => decodeConnect(octets(fresh.replace(`000c ${audience}`, `${length} ${text}`)))).toThrow(
      expect.objectContaining({ wireName: 'FRAME_MALFORMED', requirement: 'WIR-018' }),
    );
  });

  it('takes an audience of any other text, a byte order mark included', () => {
    const payload = fresh.replace(`000c ${audience}`, '0007 efbbbf c3a4 c280');
    expect(decodeConnect(octets(payload)).audience).toBe('\ufeff\u00e4\u0080');
  });

  it('is malformed with a number above 2^53 - 1 [WIR-016]', () => {
    expect(() => decodeConnect(octets(resumed.replace('001fffffffffffff', '0020000000000000')))).toThrow(
      expect.objectContaining({ wireName: 'FRAME_MALFORMED', requirement: 'WIR-016' }),
    );
  });

  it('names the error of the first field that is wrong [WIR-027]', () => {
    const unknownParameter = fresh.replace('0008 0004 0004 00000010', '0004 0011 0000');
    expect(() => decodeConnect(octets(unknownParameter.replace('0002 abcd', '0000')))).toThrow(
      expect.objectContaining({ wireName: 'PARAMETER_UNKNOWN' }),
    );
    const broken = unknownParameter.replace(`000c ${audience}`, '0000');
    expect(() => decodeConnect(octets(broken))).toThrow(expect.objectContaining({ wireName: 'FRAME_MALFORMED' }));
  });
});

describe('ACCEPT', () => {
  const payload = `${SESSION} 0000000000000001 0000000000000000 0008 0003 0004 00000010 0403 0003 010203`;
  const accept = {
    sessionId: octets(SESSION),
    epoch: 1,
    receiveCursor: 0,
    parameters: { max_channels: 16 },
    scheme: 0x0403,
    signature: octets('010203'),
  };

  it('is written as these octets', () => {
    expect(hex(encodeAccept(accept))).toBe(hex(octets(payload)));
  });

  it('is read from these octets', () => {
    expect(decodeAccept(octets(payload))).toEqual(accept);
  });

  it('is written and read for a resumption too', () => {
    const resumed = { ...accept, epoch: Number.MAX_SAFE_INTEGER, receiveCursor: 0x1_0000_0005 };
    const again = payload.replace('0000000000000001 0000000000000000', '001fffffffffffff 0000000100000005');
    expect(hex(encodeAccept(resumed))).toBe(hex(octets(again)));
    expect(decodeAccept(octets(again))).toEqual(resumed);
  });

  it('is malformed with epoch 0 [WIR-017]', () => {
    expect(() => decodeAccept(octets(payload.replace('0000000000000001', '0000000000000000')))).toThrow(
      expect.objectContaining({ wireName: 'FRAME_MALFORMED', requirement: 'WIR-017' }),
    );
  });
});

describe('REJECT', () => {
  const parameters = { final_receive_cursor: 7, final_send_cursor: 0x1_0000_0002, gap_first: 3, gap_last: 9 };
  const list = [
    '0025 0008 0000000000000007',
    '0026 0008 0000000100000002',
    '0027 0008 0000000000000003',
    '0028 0008 0000000000000009',
  ];
  const payload = `0207 00000000 0030 ${list.join(' ')}`;

  it('is written as, and read from, these octets', () => {
    const reject = { code: 0x0205, retryAfterMs: 1000, parameters: {} };
    expect(hex(encodeReject(reject))).toBe('0205000003e80000');
    expect(hex(encodeReject({ code: 0x0205, retryAfterMs: 1000 }))).toBe('0205000003e80000');
    expect(decodeReject(octets('0205 000003e8 0000'))).toEqual(reject);
  });

  it('carries the gap and the final cursors [CNT-026]', () => {
    const reject = { code: 0x0207, retryAfterMs: 0, parameters };
    expect(hex(encodeReject(reject))).toBe(hex(octets(payload)));
    expect(decodeReject(octets(payload))).toEqual(reject);
  });

  it('puts ignorable parameters after the others', () => {
    const ignorable = [{ id: 0x801b, value: octets('aabb') }];
    const reject = { code: 0x0208, retryAfterMs: 0, parameters: { final_receive_cursor: 7 } };
    expect(hex(encodeReject(reject, ignorable))).toBe(hex(octets(`0208 00000000 0012 ${list[0]!} 801b 0002 aabb`)));
  });

  it.each([
    ['a parameter of another frame', '0205 00000000 0008 0003 0004 00000010', 'PARAMETER_INVALID', 'WIR-024'],
    ['a cursor of four octets', '0208 00000000 0008 0025 0004 00000007', 'PARAMETER_INVALID', 'WIR-025'],
    ['a cursor above 2^53 - 1', '0208 00000000 000c 0025 0008 0020000000000000', 'PARAMETER_INVALID', 'WIR-026'],
    ['an unknown parameter', '0205 00000000 0004 0029 0000', 'PARAMETER_UNKNOWN', 'WIR-022'],
    ['no list', '0205 000003e8', 'FRAME_MALFORMED', 'WIR-014'],
    ['octets after the list', '0205 000003e8 0000 00', 'FRAME_MALFORMED', 'WIR-015'],
  ])('is not read with %s', (_, octetsOf, wireName, requirement) => {
    expect(() => decodeReject(octets(octetsOf))).toThrow(expect.objectContaining({ wireName, requirement }));
  });
});
