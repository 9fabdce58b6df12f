import { describe, expect, it } from 'vitest';
import { decodeForward, encodeForward } from '../../../../core/frames/forward.ts';
import { decodeOpened, encodeOpened, signedParameters } from '../../../../core/frames/opened.ts';
import { decodeProof, encodeProof } from '../../../../core/frames/proof.ts';
import { decodeProve, encodeProve } from '../../../../core/frames/prove.ts';
import { hex, octets } from '../wire.ts';

const NONCE = 'ff'.repeat(32);
const OPEN = `${NONCE} 0004 6563686f 0000`;

describe('FORWARD', () => {
  const payload = `03 0002 6162 0007 0001 63 0002 6465 ${OPEN}`;
  const forward = { hopLimit: 3, client: 'ab', route: ['c', 'de'], open: octets(OPEN) };

  it('is written as, and read from, these octets', () => {
    expect(hex(encodeForward(forward))).toBe(hex(octets(payload)));
    const request = { nonce: octets(NONCE), application: 'echo', parameters: {} };
    expect(decodeForward(octets(payload))).toEqual({ ...forward, request });
    expect(decodeForward(octets(`00 0002 6162 0000 ${OPEN}`))).toMatchObject({ hopLimit: 0, route: [] });
  });

  it.each([
    ['no client', '03 0000 0000', 'WIR-017'],
    ['a client with a line feed', '03 0001 0a 0000', 'WIR-018'],
    ['a route of five relays', `03 0001 61 000f ${'0001 61'.repeat(5)}`, 'WIR-017'],
    ['an empty relay in the route', '03 0001 61 0002 0000', 'WIR-017'],
    ['a relay of 2,049 octets', `03 0001 61 0803 0801 ${'61'.repeat(2049)}`, 'WIR-017'],
    ['a relay that is no text', '03 0001 61 0003 0001 ff', 'WIR-018'],
    ['a relay that goes beyond the route', '03 0001 61 0003 0002 61', 'WIR-014'],
    ['half a length at the end of the route', '03 0001 61 0001 00', 'WIR-014'],
    ['a route that goes beyond the payload', '03 0001 61 ffff', 'WIR-014'],
  ])('is malformed with %s [%s]', (_, start, requirement) => {
    expect(() => decodeForward(octets(`${start} ${OPEN}`))).toThrow(
      expect.objectContaining({ wireName: 'FRAME_MALFORMED', requirement }),
    );
  });

  it.each([
    ['nothing', '', 'FRAME_MALFORMED'],
    ['octets behind the OPEN', `${OPEN} 00`, 'FRAME_MALFORMED'],
    ['an unknown parameter', `${NONCE} 0001 61 0004 7000 0000`, 'PARAMETER_UNKNOWN'],
    ['parameters out of order', `${NONCE} 0001 61 0008 0010 0000 0010 0000`, 'PARAMETER_MALFORMED'],
    ['a parameter of OPENED', `${NONCE} 0001 61 0007 0031 0003 000000`, 'PARAMETER_INVALID'],
  ])('has the error of an OPEN with %s [RLY-015]', (_, open, wireName) => {
    expect(() => decodeForward(octets(`03 0001 61 0000 ${open}`))).toThrow(expect.objectContaining({ wireName }));
  });

  it.each([
    { ...forward, hopLimit: 256 },
    { ...forward, client: '' },
    { ...forward, route: ['a\nb'] },
    { ...forward, route: ['1', '2', '3', '4', '5'] },
  ])('is not written for what it can not hold', (wrong) => {
    expect(() => encodeForward(wrong)).toThrow(expect.objectContaining({ code: 'HAWSER_ERR_MISUSE_FIELD' }));
  });
});

describe('PROVE', () => {
  const prove = { nonce: octets(NONCE), relay: 'ab', chain: [octets('0102'), octets('03')] };
  const payload = `${NONCE} 0002 6162 0007 0002 0102 0001 03`;

  it('is written as, and read from, these octets', () => {
    expect(hex(encodeProve(prove))).toBe(hex(octets(payload)));
    expect(decodeProve(octets(payload))).toEqual(prove);
    expect(decodeProve(encodeProve({ ...prove, relay: '' })).relay).toBe('');
  });

  it.each([
    ['no certificate', `${NONCE} 0000 0000`, 'WIR-017'],
    ['nine certificates', `${NONCE} 0000 001b ${'0001 01'.repeat(9)}`, 'WIR-017'],
    ['an empty certificate', `${NONCE} 0000 0002 0000`, 'WIR-017'],
    ['a certificate that goes beyond the chain', `${NONCE} 0000 0003 0002 01`, 'WIR-014'],
    ['octets after the chain', `${payload} 00`, 'WIR-015'],
  ])('is malformed with %s [%s]', (_, text, requirement) => {
    expect(() => decodeProve(octets(text))).toThrow(
      expect.objectContaining({ wireName: 'FRAME_MALFORMED', requirement }),
    );
  });

  it.each([
    { ...prove, chain: [] },
    { ...prove, chain: Array.from({ length: 9 }, () => octets('01')) },
    { ...prove, relay: '\u007f' },
  ])('is not written for what it can not hold', (wrong) => {
    expect(() => encodeProve(wrong)).toThrow(expect.objectContaining({ code: 'HAWSER_ERR_MISUSE_FIELD' }));
  });
});

describe('PROOF', () => {
  const proof = { chain: [octets('0102')], scheme: 0x0807, signature: octets('aabb') };

  it('is written as, and read from, these octets', () => {
    const payload = '0004 0002 0102 0807 0002 aabb';
    expect(hex(encodeProof(proof))).toBe(hex(octets(payload)));
    expect(decodeProof(octets(payload))).toEqual(proof);
  });

  it.each([
    ['no signature', '0004 0002 0102 0807 0000', 'WIR-017'],
    ['a signature of 1,025 octets', `0004 0002 0102 0807 0401 ${'00'.repeat(1025)}`, 'WIR-017'],
    ['no certificate', '0000 0807 0002 aabb', 'WIR-017'],
    ['half a scheme', '0004 0002 0102 08', 'WIR-014'],
  ])('is malformed with %s [%s]', (_, text, requirement) => {
    expect(() => decodeProof(octets(text))).toThrow(
      expect.objectContaining({ wireName: 'FRAME_MALFORMED', requirement }),
    );
  });
});

describe('OPENED with a signature', () => {
  const signature = octets('0807 aabbcc');
  const payload = '0018 0010 0002 0102 0031 0005 0807aabbcc 8a0b 0001 ff 8a1b 0000';

  it('is written as, and read from, these octets', () => {
    const parameters = { application_data: octets('0102'), open_signature: signature };
    const ignorable = [
      { id: 0x8a0b, value: octets('ff') },
      { id: 0x8a1b, value: octets('') },
    ];
    expect(hex(encodeOpened({ parameters }, ignorable))).toBe(hex(octets(payload)));
    expect(decodeOpened(octets(payload))).toEqual({ parameters });
  });

  it('signs all other parameters, known or not, as they stand', () => {
    expect(hex(signedParameters(octets(payload)))).toBe(hex(octets('0010 0002 0102 8a0b 0001 ff 8a1b 0000')));
    expect(hex(signedParameters(octets('0000')))).toBe('');
  });

  it.each(['0006 0031 0002 0807', `0407 0031 0403 ${'00'.repeat(1027)}`])(
    'is invalid with one of a length out of bounds [WIR-026]',
    (text) => {
      expect(() => decodeOpened(octets(text))).toThrow(
        expect.objectContaining({ wireName: 'PARAMETER_INVALID', requirement: 'WIR-026' }),
      );
    },
  );
});
