/** Frames with two defects: the order of checks of WIR-027. */
import { buildRawFrame } from '../../conformance/model/codec.ts';
import { draft, DUE, frame } from './frame-case.ts';
import type { Context, Draft } from './frame-case.ts';
import { decodingFails } from './vector.ts';

/** Two defects each: the earlier check of WIR-027 names the error. */
export function orderDefects(): Draft[] {
  const server: Context = { role: 'server', state: 'established', due: DUE };
  const client: Context = { role: 'client', state: 'established', due: DUE };
  const unknown = (parts: Parameters<typeof buildRawFrame>[0]): Uint8Array => buildRawFrame(parts);
  const rows: readonly (readonly [string, string, string, Context, Uint8Array])[] = [
    ['length before type', 'WIR-001', 'FRAME_TOO_LARGE', server, unknown({ type: 0x7f, length: 16_369 })],
    ['length before state', 'WIR-001', 'FRAME_TOO_LARGE', server, unknown({ type: 0x01, length: 16_369 })],
    [
      'length before flags',
      'WIR-001',
      'FRAME_TOO_LARGE',
      server,
      unknown({ type: 0x28, flags: 0x80, channel: 1, seq: DUE, length: 0xffff }),
    ],
    [
      'type before flags, channel and sequence number',
      'WIR-005',
      'FRAME_UNKNOWN',
      server,
      unknown({ type: 0x26, flags: 0xff, channel: 9, seq: 9 }),
    ],
    [
      'type before state',
      'WIR-005',
      'FRAME_UNKNOWN',
      { role: 'server', state: 'awaiting-connect', due: 1 },
      unknown({ type: 0x27 }),
    ],
    ['flags before state', 'WIR-007', 'FLAGS_INVALID', server, frame('CHALLENGE', { flags: 1 })],
    ['flags before channel', 'WIR-007', 'FLAGS_INVALID', server, frame('PING', { flags: 1, channel: 1 })],
    ['flags before sequence number', 'WIR-007', 'FLAGS_INVALID', client, frame('END', { flags: 1, seq: 0 })],
    [
      'flags before payload',
      'WIR-007',
      'FLAGS_INVALID',
      client,
      frame('PONG', { flags: 2, trailing: Uint8Array.of(0) }),
    ],
    ['state before channel', 'SES-001', 'FRAME_UNEXPECTED', server, frame('ACCEPT', { channel: 1 })],
    ['state before sequence number', 'SES-001', 'FRAME_UNEXPECTED', server, frame('OPENED', { seq: 0 })],
    [
      'state before payload',
      'SES-001',
      'FRAME_UNEXPECTED',
      client,
      frame('CONNECT', { rawPayload: new Uint8Array(0) }),
    ],
    [
      'state before channel while deciding',
      'EST-014',
      'FRAME_UNEXPECTED',
      { role: 'server', state: 'deciding', due: 1 },
      frame('OPEN', { channel: 0, seq: 1 }),
    ],
    ['sender before channel', 'SES-001', 'FRAME_UNEXPECTED', client, frame('OPEN', { channel: 0 })],
    ['channel before sequence number', 'WIR-009', 'CHANNEL_INVALID', client, frame('MESSAGE', { channel: 0, seq: 0 })],
    [
      'channel before payload',
      'WIR-009',
      'CHANNEL_INVALID',
      server,
      frame('PING', { channel: 2, rawPayload: new Uint8Array(7) }),
    ],
    [
      'sequence number before payload',
      'WIR-012',
      'SEQUENCE_INVALID',
      server,
      frame('OPEN', { seq: DUE + 1, rawPayload: new Uint8Array(3) }),
    ],
    [
      'sequence number before parameters',
      'WIR-012',
      'SEQUENCE_INVALID',
      client,
      frame('OPENED', { seq: 1, fields: { parameters: [{ id: 0x30, value: new Uint8Array(0) }] } }),
    ],
    [
      'unsequenced number before payload',
      'WIR-013',
      'SEQUENCE_INVALID',
      client,
      frame('CREDIT', { seq: DUE, trailing: Uint8Array.of(1) }),
    ],
    [
      'ignorable: state before sequence number',
      'SES-001',
      'FRAME_UNEXPECTED',
      { role: 'client', state: 'awaiting-accept', due: 1 },
      unknown({ type: 0x9b, seq: 1 }),
    ],
    [
      'earlier field before later field',
      'WIR-018',
      'FRAME_MALFORMED',
      server,
      frame('OPEN', {
        fields: { application: Uint8Array.of(0xff), parameters: [{ id: 0x30, value: new Uint8Array(0) }] },
      }),
    ],
    [
      'parameters before what is behind them',
      'WIR-022',
      'PARAMETER_UNKNOWN',
      server,
      frame('OPEN', { fields: { parameters: [{ id: 0x30, value: new Uint8Array(0) }] }, trailing: Uint8Array.of(1) }),
    ],
    [
      'parameters before an empty signature',
      'WIR-024',
      'PARAMETER_INVALID',
      { role: 'client', state: 'awaiting-accept', due: 1 },
      frame('ACCEPT', {
        fields: { parameters: [{ id: 'liveness_interval_ms', value: 1000 }], signature: new Uint8Array(0) },
      }),
    ],
    [
      'epoch before parameters',
      'WIR-017',
      'FRAME_MALFORMED',
      { role: 'client', state: 'awaiting-accept', due: 1 },
      frame('ACCEPT', { fields: { epoch: 0, parameters: [{ id: 'liveness_interval_ms', value: 1000 }] } }),
    ],
    ['flags before channel and payload', 'WIR-007', 'FLAGS_INVALID', client, frame('ACK', { flags: 1, channel: 1 })],
    ['state before channel: DRAIN to a server', 'SES-001', 'FRAME_UNEXPECTED', server, frame('DRAIN', { channel: 1 })],
    [
      'state before payload: DRAIN to a server, cut',
      'SES-001',
      'FRAME_UNEXPECTED',
      server,
      frame('DRAIN', { rawPayload: new Uint8Array(5) }),
    ],
    [
      'channel before sequence number: OUTCOME',
      'WIR-009',
      'CHANNEL_INVALID',
      client,
      frame('OUTCOME', { channel: 0, seq: 0 }),
    ],
    [
      'sequence number before payload: OUTCOME',
      'WIR-012',
      'SEQUENCE_INVALID',
      server,
      frame('OUTCOME', { seq: DUE - 1, fields: { last_message: 0 } }),
    ],
    [
      'sequence number before payload: ACK',
      'WIR-013',
      'SEQUENCE_INVALID',
      client,
      frame('ACK', { seq: DUE, rawPayload: new Uint8Array(7) }),
    ],
    [
      'bound of last_message before what is missing behind it',
      'WIR-017',
      'FRAME_MALFORMED',
      client,
      frame('OUTCOME', { rawPayload: new Uint8Array(9) }),
    ],
    [
      'parameters of REJECT before what is behind them',
      'WIR-025',
      'PARAMETER_INVALID',
      { role: 'client', state: 'awaiting-accept', due: 1 },
      frame('REJECT', {
        fields: { parameters: [{ id: 'gap_first', value: new Uint8Array(4) }] },
        trailing: Uint8Array.of(1),
      }),
    ],
  ];
  return rows.map(([comment, requirement, error, context, octets]) =>
    draft(`two defects: ${comment}`, [requirement, 'WIR-027'], ['CheckOrder'], context, octets, decodingFails(error)),
  );
}
