import { describe, expect, it } from 'vitest';
import { decodeParameters, encodeParameters } from '../../../core/parameters.ts';
import { hex, octets } from './wire.ts';

const failure = (wireName: string, requirement: string): unknown => expect.objectContaining({ wireName, requirement });

describe('encodeParameters', () => {
  it('writes ascending ids, integers in four octets [WIR-019]', () => {
    const set = { initial_byte_credit: 1, liveness_interval_ms: 200, max_channels: 65_535 };
    expect(hex(encodeParameters(set, [{ id: 0x8002, value: octets('ff') }]))).toBe(
      hex(octets('0001 0004 000000c8  0003 0004 0000ffff  0005 0004 00000001  8002 0001 ff')),
    );
  });

  it('leaves out what is undefined', () => {
    expect(encodeParameters({ application_data: undefined })).toHaveLength(0);
  });

  it('does not write a value out of its range', () => {
    expect(() => encodeParameters({ liveness_interval_ms: 199 })).toThrow(
      expect.objectContaining({ code: 'HAWSER_ERR_MISUSE_PARAMETER' }),
    );
    expect(() => encodeParameters({ application_data: new Uint8Array(4097) })).toThrow(
      expect.objectContaining({ code: 'HAWSER_ERR_MISUSE_PARAMETER' }),
    );
  });
});

describe('decodeParameters', () => {
  it('reads integers and opaque values', () => {
    expect(decodeParameters('CONNECT', octets('0001 0004 000493e0 0004 0004 00000000'))).toEqual({
      liveness_interval_ms: 300_000,
      initial_message_credit: 0,
    });
    expect(decodeParameters('OPEN', octets('0010 0002 abcd'))).toEqual({ application_data: octets('abcd') });
  });

  it.each([
    ['descending', '0002 0004 00000400 0001 0004 000000c8'],
    ['repeated', '0001 0004 000000c8 0001 0004 000000c8'],
    ['descending and ignorable', '8002 0000 8001 0000'],
  ])('refuses ids that are %s [WIR-020]', (_, list) => {
    expect(() => decodeParameters('CHALLENGE', octets(list))).toThrow(failure('PARAMETER_MALFORMED', 'WIR-020'));
  });

  it.each([
    ['in the header', '8001 00'],
    ['in the value', '8001 0002 aa'],
    ['in the last of several', '0001 0004 000000c8 8001 ffff'],
  ])('refuses a list that ends %s of a parameter [WIR-021]', (_, list) => {
    expect(() => decodeParameters('CHALLENGE', octets(list))).toThrow(failure('PARAMETER_MALFORMED', 'WIR-021'));
  });

  it.each(['0006 0000', '0030 0000', '7fff 0001 00'])('refuses %s, unknown and not ignorable [WIR-022]', (list) => {
    expect(() => decodeParameters('CHALLENGE', octets(list))).toThrow(failure('PARAMETER_UNKNOWN', 'WIR-022'));
  });

  it('ignores unknown parameters with the ignorable bit, whatever they hold [WIR-023]', () => {
    const list = octets(`0001 0004 000000c8 8001 0000 801b 0003 ffffff ffff 0001 00`);
    expect(decodeParameters('CHALLENGE', list)).toEqual({ liveness_interval_ms: 200 });
  });

  it('refuses a parameter in the wrong frame [WIR-024]', () => {
    expect(() => decodeParameters('CHALLENGE', octets('0003 0004 00000001'))).toThrow(
      failure('PARAMETER_INVALID', 'WIR-024'),
    );
    expect(() => decodeParameters('OPEN', octets('0001 0004 000000c8'))).toThrow(
      failure('PARAMETER_INVALID', 'WIR-024'),
    );
  });

  it.each(['0001 0003 0000c8', '0001 0005 00000000c8', '0001 0000'])(
    'refuses %s, an integer of another length [WIR-025]',
    (list) => {
      expect(() => decodeParameters('CHALLENGE', octets(list))).toThrow(failure('PARAMETER_INVALID', 'WIR-025'));
    },
  );

  it.each(['0001 0004 000000c7', '0001 0004 000493e1', '0002 0004 000003ff', '0002 0004 01000001'])(
    'refuses %s, out of its range [WIR-026]',
    (list) => {
      expect(() => decodeParameters('CHALLENGE', octets(list))).toThrow(failure('PARAMETER_INVALID', 'WIR-026'));
    },
  );

  it('refuses an opaque value that is too long [WIR-026]', () => {
    expect(() => decodeParameters('OPEN', octets(`0010 1001 ${'00'.repeat(4097)}`))).toThrow(
      failure('PARAMETER_INVALID', 'WIR-026'),
    );
  });

  it('walks the whole list before it judges a parameter [WIR-027]', () => {
    expect(() => decodeParameters('CHALLENGE', octets('0006 0000 0001 0004'))).toThrow(
      failure('PARAMETER_MALFORMED', 'WIR-021'),
    );
  });
});
