import { describe, expect, it } from 'vitest';
import { decodeCredit, encodeCredit } from '../../../../core/frames/credit.ts';
import { decodeEnd, encodeEnd } from '../../../../core/frames/end.ts';
import { decodeMessage, encodeMessage } from '../../../../core/frames/message.ts';
import { decodeOpen, encodeOpen } from '../../../../core/frames/open.ts';
import { decodeOpened, encodeOpened } from '../../../../core/frames/opened.ts';
import { decodeOutcome, encodeOutcome } from '../../../../core/frames/outcome.ts';
import { decodeRefused, encodeRefused } from '../../../../core/frames/refused.ts';
import { decodeReset, encodeReset } from '../../../../core/frames/reset.ts';
import { hex, octets } from '../wire.ts';

const NONCE = 'ff'.repeat(32);

describe('OPEN', () => {
  const payload = `${NONCE} 0004 6563686f 0007 0010 0003 010203`;
  const open = { nonce: octets(NONCE), application: 'echo', parameters: { application_data: octets('010203') } };

  it('is written as, and read from, these octets', () => {
    expect(hex(encodeOpen(open))).toBe(hex(octets(payload)));
    expect(decodeOpen(octets(payload))).toEqual(open);
  });

  it.each([
    ['no application', '0000'],
    ['an application of 256 octets', `0100 ${'61'.repeat(256)}`],
  ])('is malformed with %s [WIR-017]', (_, text) => {
    expect(() => decodeOpen(octets(payload.replace('0004 6563686f', text)))).toThrow(
      expect.objectContaining({ requirement: 'WIR-017' }),
    );
  });

  it.each(['', 'a'.repeat(256), 'a\nb', '\ud800'])('is not written for the application %j', (application) => {
    expect(() => encodeOpen({ ...open, application })).toThrow(
      expect.objectContaining({ code: 'HAWSER_ERR_MISUSE_APPLICATION' }),
    );
  });
});

describe('OPENED', () => {
  it('is written as, and read from, these octets', () => {
    const opened = { parameters: { application_data: octets('') } };
    expect(hex(encodeOpened(opened))).toBe('000400100000');
    expect(decodeOpened(octets('0004 0010 0000'))).toEqual(opened);
    expect(decodeOpened(octets('0000'))).toEqual({ parameters: {} });
  });
});

describe('REFUSED', () => {
  it('is written as, and read from, these octets', () => {
    const refused = { code: 0x0402, retryAfterMs: 0xffffffff };
    expect(hex(encodeRefused(refused))).toBe('0402ffffffff');
    expect(decodeRefused(octets('0402 ffffffff'))).toEqual(refused);
  });
});

describe('MESSAGE', () => {
  it('has its flags in the header and the fragment as its payload', () => {
    const fragment = octets('00ff');
    for (const [first, last, flags] of [
      [true, true, 3],
      [true, false, 1],
      [false, true, 2],
      [false, false, 0],
    ] as const) {
      expect(encodeMessage({ first, last, fragment })).toEqual({ flags, payload: fragment });
      expect(decodeMessage(flags, fragment)).toEqual({ first, last, fragment });
    }
  });
});

describe('CREDIT', () => {
  it('is written as, and read from, these octets', () => {
    const credit = { messageLimit: 128, byteLimit: 0x2_0000_0000 };
    const payload = '0000000000000080 0000000200000000';
    expect(hex(encodeCredit(credit))).toBe(hex(octets(payload)));
    expect(decodeCredit(octets(payload))).toEqual(credit);
  });
});

describe('OUTCOME', () => {
  it('is written as, and read from, these octets', () => {
    const outcome = { lastMessage: Number.MAX_SAFE_INTEGER, verdict: 0x1234 };
    expect(hex(encodeOutcome(outcome))).toBe('001fffffffffffff1234');
    expect(decodeOutcome(octets('001fffffffffffff 1234'))).toEqual(outcome);
  });

  it.each([
    ['0000000000000000 0000', 'WIR-017'],
    ['0020000000000000 0000', 'WIR-016'],
    ['0000000000000001 00', 'WIR-014'],
    ['0000000000000001 0000 00', 'WIR-015'],
  ])('is not %s [%s]', (payload, requirement) => {
    expect(() => decodeOutcome(octets(payload))).toThrow(
      expect.objectContaining({ wireName: 'FRAME_MALFORMED', requirement }),
    );
  });
});

describe('END', () => {
  it('has no payload [WIR-015]', () => {
    expect(encodeEnd()).toHaveLength(0);
    decodeEnd(octets(''));
    expect(() => decodeEnd(octets('00'))).toThrow(expect.objectContaining({ requirement: 'WIR-015' }));
  });
});

describe('RESET', () => {
  it('is written as, and read from, these octets', () => {
    expect(hex(encodeReset({ code: 0x0403 }))).toBe('0403');
    expect(decodeReset(octets('0403'))).toEqual({ code: 0x0403 });
  });
});
