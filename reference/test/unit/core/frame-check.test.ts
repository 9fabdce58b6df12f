import { describe, expect, it } from 'vitest';
import { checkHeader } from '../../../core/frame-check.ts';
import { decodeHeader } from '../../../core/frames/header.ts';
import type { MachineState } from '../../../core/index.ts';
import { stateOf } from '../../../core/transitions.ts';
import { frame, rawFrame } from './wire.ts';

type Machine = 'client-connection' | 'server-connection';

/** The error that the header of a frame is, or the action of its cell; the next sequence number is 5. */
function check(
  bytes: Uint8Array,
  machine: Machine = 'server-connection',
  state: string = 'established',
): string | undefined {
  const from = stateOf(machine, state as MachineState<Machine>);
  try {
    return checkHeader(decodeHeader(bytes), from, 5).action;
  } catch (error) {
    const { wireName, requirement } = error as { readonly wireName: string; readonly requirement: string };
    return `${wireName} ${requirement}`;
  }
}

describe('checkHeader', () => {
  it('takes frames that are right', () => {
    expect(check(frame('PING'))).toBe('send PONG');
    expect(check(frame('MESSAGE', '', { flags: 3, channel: 1, seq: 5 }))).toBe('channel');
    expect(check(frame('CREDIT', '', { channel: 0xffffffff }))).toBe('channel');
    expect(check(frame('CLOSE', '', { flags: 1 }))).toBe('send CLOSE');
  });

  it('refuses a length above the maximum payload, and no other [WIR-001]', () => {
    expect(check(rawFrame(0x10, { length: 16_368 }))).toBe('send PONG');
    expect(check(rawFrame(0x10, { length: 16_369 }))).toBe('FRAME_TOO_LARGE WIR-001');
    expect(check(rawFrame(0x9b, { length: 65_535 }))).toBe('FRAME_TOO_LARGE WIR-001');
  });

  it.each([0x00, 0x05, 0x0f, 0x15, 0x26, 0x27, 0x2d, 0x7f])(
    'refuses type %i, which is unknown, with the ignorable bit clear [WIR-005]',
    (type) => {
      expect(check(rawFrame(type))).toBe('FRAME_UNKNOWN WIR-005');
    },
  );

  it('ignores unknown types with the ignorable bit, whatever their flags and channel are [WIR-006]', () => {
    for (const type of [0x80, 0x9b, 0xff]) {
      expect(check(rawFrame(type, { flags: 0xff, channel: 7 }))).toBe('ignore');
    }
  });

  it('does not ignore them before the session is established [WIR-006] [EST-014]', () => {
    for (const state of ['awaiting-connect', 'deciding']) {
      expect(check(rawFrame(0x9b), 'server-connection', state)).toBe('FRAME_UNEXPECTED SES-001');
    }
    for (const state of ['awaiting-challenge', 'awaiting-accept']) {
      expect(check(rawFrame(0x9b), 'client-connection', state)).toBe('FRAME_UNEXPECTED SES-001');
    }
  });

  it('refuses flags that the type does not define [WIR-007]', () => {
    expect(check(frame('PING', '', { flags: 1 }))).toBe('FLAGS_INVALID WIR-007');
    expect(check(frame('CLOSE', '', { flags: 2 }))).toBe('FLAGS_INVALID WIR-007');
    expect(check(frame('MESSAGE', '', { flags: 4, channel: 1, seq: 5 }))).toBe('FLAGS_INVALID WIR-007');
  });

  it('refuses a frame that this peer does not send, or not in this state [SES-001]', () => {
    expect(check(frame('OPENED', '', { channel: 1, seq: 5 }))).toBe('FRAME_UNEXPECTED SES-001');
    expect(check(frame('OPEN', '', { channel: 1, seq: 5 }), 'client-connection')).toBe('FRAME_UNEXPECTED SES-001');
    expect(check(frame('CONNECT'), 'server-connection', 'deciding')).toBe('FRAME_UNEXPECTED SES-001');
  });

  it('refuses channel zero where a channel is needed, and a channel where none may be [WIR-009]', () => {
    expect(check(frame('MESSAGE', '', { seq: 5 }))).toBe('CHANNEL_INVALID WIR-009');
    expect(check(frame('CREDIT'))).toBe('CHANNEL_INVALID WIR-009');
    expect(check(frame('PING', '', { channel: 1 }))).toBe('CHANNEL_INVALID WIR-009');
    expect(check(frame('CONNECT', '', { channel: 1 }), 'server-connection', 'awaiting-connect')).toBe(
      'CHANNEL_INVALID WIR-009',
    );
  });

  it('refuses a sequenced frame with any number but the one due [WIR-012]', () => {
    for (const seq of [0, 4, 6, 5 + 2 ** 32, Number.MAX_SAFE_INTEGER]) {
      expect(check(frame('END', '', { channel: 1, seq }))).toBe('SEQUENCE_INVALID WIR-012');
    }
  });

  it('refuses an unsequenced frame with a number, known or ignorable [WIR-013]', () => {
    expect(check(frame('PING', '', { seq: 5 }))).toBe('SEQUENCE_INVALID WIR-013');
    expect(check(frame('CREDIT', '', { channel: 1, seq: 2 ** 32 }))).toBe('SEQUENCE_INVALID WIR-013');
    expect(check(rawFrame(0x9b, { seq: 1 }))).toBe('SEQUENCE_INVALID WIR-013');
  });

  it('reports the first check that fails: each defect hides those after it [WIR-027]', () => {
    const all = { flags: 0xff, channel: 0, seq: 9 };
    expect(check(rawFrame(0x7f, { ...all, length: 65_535 }))).toBe('FRAME_TOO_LARGE WIR-001');
    expect(check(rawFrame(0x7f, all))).toBe('FRAME_UNKNOWN WIR-005');
    expect(check(rawFrame(0x21, all))).toBe('FLAGS_INVALID WIR-007');
    expect(check(rawFrame(0x21, { ...all, flags: 0 }))).toBe('FRAME_UNEXPECTED SES-001');
    expect(check(rawFrame(0x20, { ...all, flags: 0 }))).toBe('CHANNEL_INVALID WIR-009');
    expect(check(rawFrame(0x20, { ...all, flags: 0, channel: 1 }))).toBe('SEQUENCE_INVALID WIR-012');
    expect(check(rawFrame(0x9b, all), 'server-connection', 'deciding')).toBe('FRAME_UNEXPECTED SES-001');
  });

  it('looks at nothing but the length once everything is discarded [SES-014]', () => {
    for (const state of ['closing', 'closed']) {
      expect(check(rawFrame(0x7f, { flags: 0xff, seq: 9 }), 'server-connection', state)).toBe('discard');
      expect(check(rawFrame(0x28, { flags: 0xff, seq: 9 }), 'client-connection', state)).toBe('discard');
      expect(check(rawFrame(0x28, { length: 65_535 }), 'client-connection', state)).toBe('FRAME_TOO_LARGE WIR-001');
    }
    expect(check(frame('CLOSE', '', { flags: 0x80 }), 'client-connection', 'closing')).toBe('read the final cursors');
  });
});
