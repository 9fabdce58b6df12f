/** Frames that have to be accepted. */
import { buildRawFrame, integer } from '../../conformance/model/codec.ts';
import { frameRows, registry } from '../../conformance/model/registry.ts';
import { draft, DUE, good, MAX_U53 } from './frame-case.ts';
import type { Context, Draft } from './frame-case.ts';
import { octetsFor } from './octet-source.ts';
import { VALID } from './vector.ts';

export function validFrames(): Draft[] {
  const grease = { id: 0x801b, value: octetsFor('grease', 5) };
  const connect = { role: 'server', state: 'established', due: DUE } as const;
  const minimal = frameRows.map(({ name }) => good('ordinary', name, {}, ['Ordinary']));
  const flagged = [
    good('END_SESSION set', 'CLOSE', { flags: ['END_SESSION'] }, ['Ordinary']),
    good('neither first nor last fragment', 'MESSAGE', { flags: [] }, ['Ordinary']),
    good('first fragment', 'MESSAGE', { flags: ['FIRST'] }, ['Ordinary']),
    good('last fragment', 'MESSAGE', { flags: ['LAST'] }, ['Ordinary']),
  ];
  const boundaries = [
    good('empty message', 'MESSAGE', { fields: { fragment: new Uint8Array(0) } }, ['Boundary']),
    good(
      'fragment of the maximum payload',
      'MESSAGE',
      { fields: { fragment: octetsFor('large', registry.header.maxPayloadBytes) } },
      ['Boundary'],
    ),
    good('largest channel number', 'MESSAGE', { channel: 0xffff_ffff }, ['Boundary']),
    good('largest sequence number', 'END', { seq: MAX_U53 }, ['Boundary'], {
      role: 'client',
      state: 'established',
      due: Number(MAX_U53),
    }),
    good('first sequence number', 'END', { seq: 1 }, ['Boundary'], { role: 'client', state: 'established', due: 1 }),
    good('nonce of zeros', 'CHALLENGE', { fields: { server_nonce: new Uint8Array(32) } }, ['Boundary']),
    good('nonce of ones', 'CHALLENGE', { fields: { server_nonce: new Uint8Array(32).fill(255) } }, ['Boundary']),
    good('both declarations', 'CHALLENGE', {
      fields: {
        parameters: [
          { id: 'liveness_interval_ms', value: 15_000 },
          { id: 'max_message_bytes', value: 1_048_576 },
        ],
      },
    }),
    good('a GREASE parameter alone', 'CHALLENGE', { fields: { parameters: [grease] } }, ['Extension']),
    good(
      'a GREASE parameter behind known ones',
      'CONNECT',
      {
        fields: {
          parameters: [
            { id: 'initial_message_credit', value: 16 },
            { id: 'initial_byte_credit', value: 65_536 },
            grease,
          ],
        },
      },
      ['Extension'],
    ),
    good('audience of one octet', 'CONNECT', { fields: { audience: 's' } }, ['Boundary']),
    good('audience of 2,048 octets', 'CONNECT', { fields: { audience: 's'.repeat(2048) } }, ['Boundary']),
    good('signature of one octet, which decodes', 'CONNECT', { fields: { signature: Uint8Array.of(1) } }, ['Boundary']),
    good('signature of 1,024 octets, which decodes', 'CONNECT', { fields: { signature: octetsFor('long', 1024) } }, [
      'Boundary',
    ]),
    good('unknown scheme, which decodes', 'CONNECT', { fields: { scheme: 0xffff } }, ['Boundary']),
    good(
      'mode resume with its fields, which decodes',
      'CONNECT',
      {
        fields: { mode: 'resume', session_id: octetsFor('session', 16), epoch: 1, attempt: 2, receive_cursor: 3 },
      },
      ['Ordinary'],
    ),
    good(
      'mode resume with the largest numbers, which decodes',
      'CONNECT',
      {
        fields: { mode: 'resume', epoch: MAX_U53, attempt: MAX_U53, receive_cursor: MAX_U53 },
      },
      ['Boundary'],
    ),
    good('mode resume with zeros, which decodes', 'CONNECT', { fields: { mode: 'resume' } }, ['Boundary']),
    good('session id of zeros', 'ACCEPT', { fields: { session_id: new Uint8Array(16) } }, ['Boundary']),
    good(
      'grants',
      'ACCEPT',
      {
        fields: {
          parameters: [
            { id: 'max_channels', value: 1 },
            { id: 'initial_message_credit', value: 0 },
            { id: 'initial_byte_credit', value: 0 },
          ],
        },
      },
      ['Boundary'],
    ),
    good('epoch and cursor of a resumption', 'ACCEPT', { fields: { epoch: 2, receive_cursor: 9 } }),
    good('largest epoch and cursor, which decode', 'ACCEPT', { fields: { epoch: MAX_U53, receive_cursor: MAX_U53 } }, [
      'Boundary',
    ]),
    good('retention, deadline and custody granted', 'ACCEPT', {
      fields: {
        parameters: [
          { id: 'custody', value: 1 },
          { id: 'session_retention_ms', value: 604_800_000 },
          { id: 'connection_deadline_ms', value: 604_800_000 },
        ],
      },
    }),
    good('retention, deadline and custody asked for', 'CONNECT', {
      fields: {
        parameters: [
          { id: 'custody', value: 0 },
          { id: 'session_retention_ms', value: 60_000 },
          { id: 'connection_deadline_ms', value: 0 },
        ],
      },
    }),
    ...(['epoch', 'attempt', 'receive_cursor'] as const).map((field) =>
      good(
        `mode resume with the largest ${field} alone, which decodes`,
        'CONNECT',
        { fields: { mode: 'resume', [field]: MAX_U53 } },
        ['Boundary'],
      ),
    ),
    good(
      'mode resume with a session id of ones',
      'CONNECT',
      { fields: { mode: 'resume', session_id: new Uint8Array(16).fill(255), epoch: 1, attempt: 1 } },
      ['Boundary'],
    ),
    ...(
      [
        ['RESUME_GAP with final cursors and gap', 0x0207, [17, 9, 5, 8]],
        ['RESUME_GAP without a gap', 0x0207, [17, 9, 0, 0]],
        ['RESUME_GAP with the largest numbers', 0x0207, [MAX_U53, MAX_U53, MAX_U53, MAX_U53]],
        ['SESSION_ENDED with final cursors', 0x0208, [17, 9]],
        ['SESSION_ENDED with final cursors of zero', 0x0208, [0, 0]],
        ['BUSY with final cursors, which decodes', 0x0205, [1, 1]],
      ] as const
    ).map(([comment, code, numbers]) =>
      good(
        comment,
        'REJECT',
        {
          fields: {
            code,
            parameters: numbers.map((number, n) => ({ id: 0x25 + n, value: integer(number, 8) })),
          },
        },
        [comment.includes('largest') ? 'Boundary' : 'Ordinary'],
      ),
    ),
    good('RESUME_REFUSED without parameters', 'REJECT', { fields: { code: 0x0204 } }),
    good('ATTEMPT_STALE without parameters', 'REJECT', { fields: { code: 0x0209 } }),
    good('a GREASE parameter', 'REJECT', { fields: { parameters: [grease] } }, ['Extension']),
    good(
      'a GREASE parameter behind final cursors',
      'REJECT',
      {
        fields: {
          code: 0x0208,
          parameters: [{ id: 'final_receive_cursor', value: 3 }, { id: 'final_send_cursor', value: 4 }, grease],
        },
      },
      ['Extension'],
    ),
    good('to a server', 'ACK', {}, ['Ordinary'], connect),
    good('cursor 0, which decodes', 'ACK', { fields: { receive_cursor: 0 } }, ['Boundary']),
    good('largest cursor, which decodes', 'ACK', { fields: { receive_cursor: MAX_U53 } }, ['Boundary']),
    good('cursor of 2^32', 'ACK', { fields: { receive_cursor: 2 ** 32 } }, ['Boundary']),
    good('with NO_ERROR', 'DRAIN', { fields: { code: 0 } }),
    good('with CONNECTION_EXPIRED', 'DRAIN', { fields: { code: 0x0307 } }),
    good('unknown code', 'DRAIN', { fields: { code: 0x6666 } }, ['UnknownCode']),
    good('code that is not for this frame', 'DRAIN', { fields: { code: 0x0405 } }, ['UnknownCode']),
    good('deadline of zero', 'DRAIN', { fields: { deadline_ms: 0 } }, ['Boundary']),
    good('longest deadline', 'DRAIN', { fields: { deadline_ms: 0xffff_ffff } }, ['Boundary']),
    good('to a server', 'OUTCOME', {}, ['Ordinary'], connect),
    good('rejected', 'OUTCOME', { fields: { verdict: 1 } }),
    good('largest verdict', 'OUTCOME', { fields: { verdict: 0xffff } }, ['Boundary']),
    good('largest message number, which decodes', 'OUTCOME', { fields: { last_message: MAX_U53 } }, ['Boundary']),
    good('largest channel number', 'OUTCOME', { channel: 0xffff_ffff }, ['Boundary']),
    ...[0, 1, 2].map((value) =>
      good(`priority ${value}`, 'OPEN', { fields: { parameters: [{ id: 'priority', value }] } }),
    ),
    good('verdicts asked for', 'OPEN', { fields: { parameters: [{ id: 'outcomes', value: 1 }] } }),
    good('as the first frame', 'REJECT', {}, ['Ordinary'], { role: 'client', state: 'awaiting-challenge', due: 1 }),
    good('unknown code', 'REJECT', { fields: { code: 0xffff } }, ['UnknownCode']),
    good('longest time', 'REJECT', { fields: { retry_after_ms: 0xffff_ffff } }, ['Boundary']),
    good(
      'while the server waits for CONNECT',
      'CLOSE',
      { flags: ['END_SESSION'], fields: { code: 0x0201, receive_cursor: 0, send_cursor: 0 } },
      ['Ordinary'],
      {
        role: 'server',
        state: 'awaiting-connect',
        due: 1,
      },
    ),
    good(
      'while the server decides',
      'CLOSE',
      { flags: ['END_SESSION'], fields: { code: 0x0206, receive_cursor: 0, send_cursor: 0 } },
      ['Ordinary'],
      {
        role: 'server',
        state: 'deciding',
        due: 1,
      },
    ),
    good('unknown code', 'CLOSE', { fields: { code: 0x7777 } }, ['UnknownCode']),
    good('to a server', 'PING', {}, ['Ordinary'], connect),
    good('to a server', 'PONG', {}, ['Ordinary'], connect),
    good('to a server', 'CLOSE', {}, ['Ordinary'], connect),
    good('to a server', 'MESSAGE', {}, ['Ordinary'], connect),
    good('to a server', 'CREDIT', {}, ['Ordinary'], connect),
    good('to a server', 'END', {}, ['Ordinary'], connect),
    good('to a server', 'RESET', {}, ['Ordinary'], connect),
    good('application name of one octet', 'OPEN', { fields: { application: 'a' } }, ['Boundary']),
    good('application name of 255 octets', 'OPEN', { fields: { application: 'a'.repeat(255) } }, ['Boundary']),
    good(
      'empty application data',
      'OPEN',
      { fields: { parameters: [{ id: 'application_data', value: new Uint8Array(0) }] } },
      ['Boundary'],
    ),
    good(
      '4,096 octets of application data',
      'OPENED',
      {
        fields: { parameters: [{ id: 'application_data', value: octetsFor('data', 4096) }] },
      },
      ['Boundary'],
    ),
    good('unknown code', 'REFUSED', { fields: { code: 0x0001 } }, ['UnknownCode']),
    good('code that is not for this frame', 'REFUSED', { fields: { code: 0x0403 } }, ['UnknownCode']),
    good('unknown code', 'RESET', { fields: { code: 0xfffe } }, ['UnknownCode']),
    good('limits of zero, which decode', 'CREDIT', { fields: { message_limit: 0, byte_limit: 0 } }, ['Boundary']),
    good('largest limits', 'CREDIT', { fields: { message_limit: MAX_U53, byte_limit: MAX_U53 } }, ['Boundary']),
    good('largest cursors, which decode', 'CLOSE', { fields: { receive_cursor: MAX_U53, send_cursor: MAX_U53 } }, [
      'Boundary',
    ]),
  ];
  const texts = (
    [
      ['in two-octet characters', '\u00e9\u00df'],
      ['in four-octet characters', '\u{1f517}'],
      ['with the last code point', '\u{10ffff}'],
      ['with the code point before the surrogates', '\ud7ff'],
      ['with a byte order mark, which belongs to it', '\ufeffa'],
      ['with a space, the first permitted code point', ' '],
      ['with U+0080, which is not excluded', '\u0080'],
      ['with a tilde, the code point before the excluded U+007F', '~'],
    ] as const
  ).map(([comment, application]) => good(`application name ${comment}`, 'OPEN', { fields: { application } }, ['Text']));
  const ignorable = [
    ...registry.extension.greaseFrameTypes.map((type) => ({ comment: 'GREASE', input: { type } })),
    { comment: 'first ignorable type', input: { type: 0x80 } },
    { comment: 'last ignorable type', input: { type: 0xff } },
    { comment: 'all flags set', input: { type: 0x9b, flags: 0xff } },
    { comment: 'a channel that does not exist', input: { type: 0x9b, channel: 0xffff_ffff } },
    { comment: 'maximum payload', input: { type: 0x9b, payload: octetsFor('ignored', 16_368) } },
  ].map(({ comment, input }): Draft => {
    const type = `0x${input.type.toString(16)}`;
    const octets = buildRawFrame({ payload: octetsFor('ignored', 3), ...input });
    const context: Context = { role: 'client', state: 'established', due: DUE };
    return {
      ...draft(`ignorable type ${type}: ${comment}`, ['WIR-006'], ['Extension'], context, octets, VALID),
      expected: { ignored: true },
    };
  });
  return [...minimal, ...flagged, ...boundaries, ...texts, ...ignorable];
}
