import { describe, expect, it } from 'vitest';
import { annotate } from '../../../core/index.ts';
import { establishedPair } from './pair.ts';
import { frame, hex, octets, rawFrame } from './wire.ts';

/** Fields as lines: offset, name, value, meaning. */
function lines(bytes: Uint8Array): string[] {
  return annotate(bytes).frames.flatMap(({ name, fields, problem }) => [
    `${name ?? '?'}${problem === undefined ? '' : ` (${problem})`}`,
    ...fields.map(
      ({ offset, name: field, hex: digits, value, meaning }) =>
        `${offset} ${field} ${value === undefined ? digits : String(value)}${meaning === undefined ? '' : ` (${meaning})`}`,
    ),
  ]);
}

describe('annotate', () => {
  it('explains every octet of a frame', () => {
    const close = frame('CLOSE', '0302 0000000000000005 0000000000000007', { flags: 1 });
    expect(lines(close)).toEqual([
      'CLOSE',
      '0 type 20 (CLOSE)',
      '1 flags 1 (END_SESSION)',
      '2 length 18 (octets of payload)',
      '4 channel 0 (the connection)',
      '8 seq 0 (not sequenced)',
      '16 code 770 (SHUTTING_DOWN)',
      '18 receive_cursor 5',
      '26 send_cursor 7',
    ]);
  });

  it('explains texts, parameters, schemes and signatures', () => {
    const { connect } = establishedPair({ grease: true }).client.evidence()!;
    const [annotated] = annotate(connect).frames;
    const byName = new Map(annotated!.fields.map((field) => [field.name, field]));
    expect(byName.get('mode')).toMatchObject({ value: 0, meaning: 'new' });
    expect(byName.get('audience')).toMatchObject({ value: 'spiffe://example.org/server' });
    expect(byName.get('parameters.liveness_interval_ms')).toMatchObject({ value: 15_000, meaning: 'ms' });
    expect(byName.get('scheme')).toMatchObject({ meaning: 'ed25519' });
    expect(byName.get('signature')!.hex).toHaveLength(128);
    expect([...byName.values()].some(({ meaning }) => meaning === 'unknown parameter, ignorable')).toBe(true);
    expect(annotated!.problem).toBeUndefined();
    expect(annotated!.fields.map((field) => field.hex).join('')).toBe(hex(connect));
  });

  it('explains frames of unknown types', () => {
    expect(lines(rawFrame(0x9b, {}, 'ff')).slice(0, 2)).toEqual(['?', '0 type 155 (unknown frame, ignorable)']);
    expect(lines(rawFrame(0x15)).slice(0, 2)).toEqual(['?', '0 type 21 (unknown frame)']);
  });

  it('names flags, codes and schemes that are not defined', () => {
    expect(lines(frame('MESSAGE', '', { flags: 0x83 }))[2]).toBe('1 flags 131 (FIRST LAST undefined 0x80)');
    expect(lines(frame('RESET', '7777')).at(-1)).toBe('16 code 30583 (unknown code)');
  });

  it.each([
    ['too short', frame('PING', '00'), 'PING (The payload ends inside of data.)'],
    ['too long', frame('END', '00'), 'END (The payload goes on after its last field.)'],
    ['with a list that is too long', frame('OPENED', '0001'), 'OPENED (The payload ends inside of parameters.)'],
    [
      'with a parameter that is too long',
      frame('OPENED', '0004 0010 0009'),
      'OPENED (The payload ends inside of parameters.)',
    ],
  ])('says what is wrong with a payload that is %s', (_, bytes, first) => {
    expect(lines(bytes)[0]).toBe(first);
  });

  it('goes over all frames and tells what is left', () => {
    const stream = Buffer.concat([frame('PING', '00'.repeat(8)), frame('END'), octets('1000')]);
    const { frames, rest } = annotate(stream);
    expect(frames.map(({ name, offset, bytes }) => [name, offset, bytes])).toEqual([
      ['PING', 0, 24],
      ['END', 24, 16],
    ]);
    expect(rest).toBe(2);
  });

  it('stops at a header that announces too much', () => {
    const { frames, rest } = annotate(rawFrame(0x28, { length: 16_369 }));
    expect(frames).toMatchObject([{ name: 'MESSAGE', problem: expect.stringContaining('16368') as string }]);
    expect(rest).toBe(16);
  });
});
