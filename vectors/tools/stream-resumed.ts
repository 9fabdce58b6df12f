/** Sessions that go on over another connection: what ACCEPT and CONNECT are judged by, and what both ends go on with. */
import type { Role } from '../../conformance/model/registry.ts';
import { octetsFor } from './octet-source.ts';
import { OUTCOMES, Script, SESSION_ID } from './script.ts';
import type { StepInput } from './script.ts';
import { bad, delivered, END_SESSION, fragment, good, RESUMABLE } from './stream-case.ts';
import type { Case, Draft, Setting } from './stream-case.ts';
import { SERVER_IDENTITY } from './parties.ts';

type Fields = NonNullable<StepInput['fields']>;

/** Changes to an ordinary resumption. */
interface Change {
  readonly connect?: Fields;
  readonly accept?: Fields;
  /** Whether the establishment ends before ACCEPT. */
  readonly refused?: boolean;
}

/**
 * Attaches the session of a former connection, with attempt 1 and epoch 2.
 *
 * @param peerHolds - what the peer holds of what was sent.
 */
function resume(former: Script, peerHolds: number, { connect, accept, refused = false }: Change = {}): Script {
  const { role } = former;
  const stated = { receive: former.cursors.receive, send: peerHolds };
  const [clientHolds, serverHolds] = role === 'client' ? [stated.receive, peerHolds] : [peerHolds, stated.receive];
  const request = {
    fields: {
      mode: 'resume',
      session_id: SESSION_ID,
      epoch: 1,
      attempt: 1,
      receive_cursor: clientHolds,
      ...connect,
    },
  };
  const answer = { fields: { epoch: 2, receive_cursor: serverHolds, ...accept } };
  const script = new Script(role, former, stated);
  if (role === 'client') return script.receive('CHALLENGE').answer('CONNECT', request).receive('ACCEPT', answer);
  script.answer('CHALLENGE').receive('CONNECT', request);
  return refused ? script : script.send('ACCEPT', answer);
}

const row = (
  comment: string,
  requirement: string,
  script: Script,
  setting: Setting & { readonly flag?: string } = {},
): Case => ({
  comment: `resumed: ${comment}`,
  requirements: [requirement],
  flag: 'Resumption',
  script,
  state: script.role === 'client' ? 'awaiting-challenge' : 'awaiting-connect',
  ...(script.role === 'server' ? { identity: SERVER_IDENTITY } : {}),
  ...RESUMABLE,
  ...setting,
});

const limits = (messages: number, bytes: number, channel = 1): StepInput => ({
  channel,
  fields: { message_limit: messages, byte_limit: bytes },
});
const ack = (cursor: number): StepInput => ({ fields: { receive_cursor: cursor } });
const cursors = (receive: number, send: number): StepInput => ({
  ...END_SESSION,
  fields: { receive_cursor: receive, send_cursor: send },
});
const data = { fields: { data: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) } };
const one = { channels: { 1: 'open' } };

/** What holds at both ends. */
function atBothEnds(role: Role): Draft[] {
  const open = (judged?: number): Script => new Script(role).channel('open', judged);
  /** Nothing was lost: the peer holds all that was sent. */
  const whole = (former: Script): Script => resume(former, former.cursors.send);
  const two = (): Script => {
    const second = { channel: 2 };
    return role === 'client'
      ? open().send('OPEN', second).receive('OPENED', second)
      : open().receive('OPEN', second).send('OPENED', second);
  };
  const plain = { initial_message_credit: 4, initial_byte_credit: 1024 };
  const little = { peer: { ...RESUMABLE.peer, ...plain } };
  return [
    good(row('nothing was lost', 'CNT-030', whole(open()).send('MESSAGE').receive('MESSAGE')), {
      ...one,
      delivered: [delivered(1, '')],
    }),
    good(row('a session without channels', 'CNT-030', whole(new Script(role)))),
    good(row('the last frame is sent again', 'CNT-030', resume(open().send('MESSAGE'), 1).answer('MESSAGE')), one),
    good(
      row(
        'three frames are sent again in their order, then a new one',
        'CNT-030',
        resume(
          open()
            .send('MESSAGE', fragment(['FIRST', 'LAST'], 'a'))
            .send('MESSAGE', fragment(['FIRST'], 'b'))
            .send('MESSAGE', fragment(['LAST'], 'c')),
          1,
        )
          .answer('MESSAGE', fragment(['FIRST', 'LAST'], 'a'))
          .answer('MESSAGE', fragment(['FIRST'], 'b'))
          .answer('MESSAGE', fragment(['LAST'], 'c'))
          .send('MESSAGE', fragment(['FIRST', 'LAST'], 'd')),
      ),
      one,
    ),
    good(
      row(
        'the frames of two channels are sent again in their order',
        'CNT-030',
        resume(two().send('MESSAGE').send('MESSAGE', { channel: 2 }), 2)
          .answer('MESSAGE')
          .answer('MESSAGE', { channel: 2 }),
      ),
      {
        channels: { 1: 'open', 2: 'open' },
      },
    ),
    good(row('END is sent again', 'CNT-030', resume(open().send('MESSAGE').send('END'), 2).answer('END')), {
      channels: { 1: 'half-closed-local' },
    }),
    good(
      row(
        'RESET is sent again and answered',
        'CNT-030',
        resume(open().send('RESET'), 1)
          .answer('RESET')
          .receive('RESET', { fields: { code: 0x0405 } }),
      ),
      { channels: { 1: 'closed' } },
    ),
    good(
      row(
        'what was acknowledged before is not sent again',
        'CNT-010',
        resume(open().send('MESSAGE').send('MESSAGE').receive('ACK', ack(2)), 2).answer('MESSAGE'),
      ),
      one,
    ),
    good(
      row(
        'a message that was received in part is completed',
        'CNT-030',
        whole(open().receive('MESSAGE', fragment(['FIRST'], 'ab'))).receive('MESSAGE', fragment(['LAST'], 'c')),
      ),
      { ...one, delivered: [delivered(1, 'abc')] },
    ),
    good(
      row(
        'a message that was delivered is not delivered again',
        'CNT-030',
        whole(open().receive('MESSAGE', fragment(['FIRST', 'LAST'], 'a'))).receive(
          'MESSAGE',
          fragment(['FIRST', 'LAST'], 'b'),
        ),
      ),
      { ...one, delivered: [delivered(1, 'b')] },
    ),
    good(
      row(
        'a message that was sent in part is completed',
        'CNT-030',
        whole(open().send('MESSAGE', fragment(['FIRST'], 'ab'))).send('MESSAGE', fragment(['LAST'], 'c')),
      ),
      one,
    ),
    good(row('a channel stays half closed', 'CNT-013', whole(open().receive('END')).send('MESSAGE')), {
      channels: { 1: 'half-closed-remote' },
    }),
    good(
      row(
        'a channel that settles after the resumption',
        'CNT-041',
        whole(open(1).send('END').receive('END')).receive('OUTCOME'),
      ),
      {
        channels: { 1: 'closed' },
      },
    ),
    good(
      row('OUTCOME is sent again', 'CNT-030', resume(open(0).receive('MESSAGE').send('OUTCOME'), 1).answer('OUTCOME')),
      one,
    ),
    good(row('PING is answered', 'SES-004', whole(open()).receive('PING', data).answer('PONG', data)), one),
    good(
      row(
        'ACK of a frame that was sent again',
        'CNT-007',
        resume(open().send('MESSAGE'), 1).answer('MESSAGE').receive('ACK', ack(2)),
      ),
      one,
    ),
    good(row('ACK of a new frame', 'CNT-007', whole(open()).send('MESSAGE').receive('ACK', ack(2))), one),
    good(
      row(
        'CLOSE counts over both connections',
        'SES-013',
        whole(open().receive('MESSAGE'))
          .receive('MESSAGE')
          .receive('CLOSE', cursors(1, 3))
          .answer('CLOSE', cursors(3, 1)),
      ),
      { ...one, connection: 'closed', delivered: [delivered(1, '')], session: 'ended' },
    ),
    good(
      row(
        'CREDIT that repeats the limits of the beginning',
        'CNT-034',
        whole(open()).receive('CREDIT', limits(64, 1_048_576)),
      ),
      one,
    ),
    good(
      row(
        'CREDIT that repeats an earlier CREDIT',
        'CNT-034',
        whole(open().receive('CREDIT', limits(65, 2_000_000))).receive('CREDIT', limits(65, 2_000_000)),
      ),
      one,
    ),
    good(
      row(
        'CREDIT that repeats the limits on each of two channels',
        'CNT-034',
        whole(two())
          .receive('CREDIT', limits(64, 1_048_576))
          .receive('CREDIT', limits(64, 1_048_576, 2)),
      ),
      {
        channels: { 1: 'open', 2: 'open' },
      },
    ),
    good(row('CREDIT that raises the limits', 'CHN-022', whole(open()).receive('CREDIT', limits(65, 1_048_576))), one),
    good(
      row(
        'CREDIT that repeats the limits, then one that raises them',
        'CHN-022',
        whole(open()).receive('CREDIT', limits(64, 1_048_576)).receive('CREDIT', limits(65, 1_048_576)),
      ),
      one,
    ),
    good(
      row(
        'CREDIT over limits that the peer declared on the former connection',
        'CNT-003',
        whole(open()).receive('CREDIT', limits(5, 1024)),
        little,
      ),
      one,
    ),

    bad(
      row(
        'CREDIT that repeats the limits twice',
        'CHN-022',
        whole(open()).receive('CREDIT', limits(64, 1_048_576)).receive('CREDIT', limits(64, 1_048_576)),
      ),
      'CREDIT_INVALID',
    ),
    bad(
      row(
        'CREDIT that raises the limits, then one that repeats them',
        'CHN-022',
        whole(open()).receive('CREDIT', limits(65, 1_048_576)).receive('CREDIT', limits(65, 1_048_576)),
      ),
      'CREDIT_INVALID',
    ),
    bad(
      row('CREDIT that lowers the message limit', 'CHN-022', whole(open()).receive('CREDIT', limits(63, 1_048_576))),
      'CREDIT_INVALID',
    ),
    bad(
      row(
        'CREDIT that lowers the octet limit of an earlier CREDIT',
        'CHN-022',
        whole(open().receive('CREDIT', limits(65, 2_000_000))).receive('CREDIT', limits(65, 1_999_999)),
      ),
      'CREDIT_INVALID',
    ),
    bad(
      row(
        'CREDIT that goes back to the limits of the beginning',
        'CHN-022',
        whole(open().receive('CREDIT', limits(65, 2_000_000))).receive('CREDIT', limits(64, 1_048_576)),
      ),
      'CREDIT_INVALID',
    ),
    bad(
      row(
        'the last frame of the former connection again',
        'WIR-012',
        whole(open().receive('MESSAGE')).receive('MESSAGE', { seq: 2 }),
      ),
      'SEQUENCE_INVALID',
      'header',
    ),
    bad(
      row(
        'the sequence numbers begin again',
        'WIR-012',
        whole(open().receive('MESSAGE')).receive('MESSAGE', { seq: 1 }),
      ),
      'SEQUENCE_INVALID',
      'header',
    ),
    bad(
      row('a frame is left out', 'WIR-012', whole(open().receive('MESSAGE')).receive('MESSAGE', { seq: 4 })),
      'SEQUENCE_INVALID',
      'header',
    ),
    bad(
      row('ACK of what the peer stated that it holds', 'CNT-007', whole(open()).receive('ACK', ack(1))),
      'CURSOR_INVALID',
    ),
    bad(
      row('ACK beyond what was sent in the session', 'CNT-007', whole(open()).receive('ACK', ack(2))),
      'CURSOR_INVALID',
    ),
    bad(
      row(
        'ACK that counts from the new connection',
        'CNT-007',
        whole(open().send('MESSAGE')).send('MESSAGE').receive('ACK', ack(1)),
      ),
      'CURSOR_INVALID',
    ),
    bad(
      row(
        'PONG for a PING of the former connection',
        'SES-007',
        whole(open().send('PING', data)).receive('PONG', data),
      ),
      'FRAME_UNEXPECTED',
    ),
    bad(
      row(
        'a message begins inside of one that was received in part',
        'CHN-013',
        whole(open().receive('MESSAGE', fragment(['FIRST'], 'ab'))).receive(
          'MESSAGE',
          fragment(['FIRST', 'LAST'], 'c'),
        ),
      ),
      'FRAGMENT_INVALID',
    ),
    bad(
      row(
        'a verdict that was received on the former connection',
        'CNT-041',
        whole(open(1).receive('OUTCOME')).receive('OUTCOME'),
      ),
      'OUTCOME_INVALID',
    ),
    bad(
      row('MESSAGE behind an END of the former connection', 'CHN-003', whole(open().receive('END')).receive('MESSAGE')),
      'FRAME_UNEXPECTED',
    ),
    bad(
      row(
        'MESSAGE on a channel that was closed on the former connection',
        'CHN-003',
        whole(new Script(role).channel('closed')).receive('MESSAGE'),
      ),
      'FRAME_UNEXPECTED',
    ),
    bad(
      row(
        'CLOSE with a send cursor that counts from the new connection',
        'SES-013',
        whole(open().receive('MESSAGE')).receive('MESSAGE').receive('CLOSE', cursors(1, 1)),
      ),
      'CURSOR_INVALID',
    ),
    bad(
      row(
        'CLOSE with a receive cursor beyond what was sent in the session',
        'SES-013',
        whole(open()).receive('CLOSE', cursors(2, 1)),
      ),
      'CURSOR_INVALID',
    ),
    bad(
      row(
        'messages of the former connection count as credit used',
        'CHN-021',
        whole(open().receive('MESSAGE')).receive('MESSAGE'),
        {
          own: { ...RESUMABLE.own, initial_message_credit: 1 },
        },
      ),
      'CREDIT_EXCEEDED',
    ),
  ];
}

export function resumedClients(): Draft[] {
  const open = (): Script => new Script('client').channel('open');
  const acked = (): Script => open().send('MESSAGE').send('MESSAGE').receive('ACK', ack(2));
  const parameters = (id: string, value: number): Fields => ({ parameters: [{ id, value }] });
  const deadline = 'connection_deadline_ms';
  const unsigned = { verdicts: { signature: false }, flag: 'CheckOrder' };
  return [
    ...atBothEnds('client'),
    good(
      row(
        'ACCEPT with an epoch that is higher by more than one',
        'CNT-031',
        resume(open(), 1, { accept: { epoch: 9 } }),
      ),
      one,
    ),
    good(
      row(
        'ACCEPT with the largest epoch',
        'CNT-031',
        resume(open(), 1, { accept: { epoch: Number.MAX_SAFE_INTEGER } }),
      ),
      one,
    ),
    good(row('ACCEPT with the cursor that was acknowledged', 'CNT-032', resume(acked(), 2).answer('MESSAGE')), one),
    good(row('ACCEPT with the cursor of the last frame sent', 'CNT-032', resume(acked(), 3)), one),
    good(
      row(
        'OPEN is sent again',
        'CNT-030',
        resume(new Script('client').channel('opening'), 0).answer('OPEN').receive('OPENED'),
      ),
      one,
    ),
    good(row('OPEN takes the next number', 'CHN-001', resume(open(), 1).send('OPEN', { channel: 2 })), {
      channels: { 1: 'open', 2: 'opening' },
    }),
    good(
      row(
        'a deadline as long as was asked for',
        'CNT-001',
        resume(open(), 1, { connect: parameters(deadline, 5000), accept: parameters(deadline, 5000) }),
      ),
      one,
    ),
    good(
      row(
        'credit in ACCEPT has no effect on a session that exists',
        'CNT-003',
        resume(open(), 1, { accept: parameters('initial_message_credit', 1) })
          .send('OPEN', { channel: 2 })
          .receive('OPENED', { channel: 2 })
          .receive('CREDIT', limits(65, 1_048_576, 2)),
      ),
      { channels: { 1: 'open', 2: 'open' } },
    ),
    bad(
      row(
        'credit in ACCEPT does not lower that of a session that exists',
        'CHN-022',
        resume(open(), 1, { accept: parameters('initial_message_credit', 1) })
          .send('OPEN', { channel: 2 })
          .receive('OPENED', { channel: 2 })
          .receive('CREDIT', limits(2, 1_048_576, 2)),
      ),
      'CREDIT_INVALID',
    ),
    bad(
      row(
        'ACCEPT with another session id',
        'CNT-031',
        resume(open(), 1, { accept: { session_id: octetsFor('other session', 16) } }),
      ),
      'FRAME_MALFORMED',
    ),
    bad(
      row(
        'ACCEPT with a session id of zeros',
        'CNT-031',
        resume(open(), 1, { accept: { session_id: new Uint8Array(16) } }),
      ),
      'FRAME_MALFORMED',
    ),
    bad(
      row('ACCEPT with the epoch that was stated', 'CNT-031', resume(open(), 1, { accept: { epoch: 1 } })),
      'FRAME_MALFORMED',
    ),
    bad(row('ACCEPT with a cursor beyond what was sent', 'CNT-032', resume(open(), 2)), 'RESUME_GAP'),
    bad(row('ACCEPT with the largest cursor', 'CNT-032', resume(open(), Number.MAX_SAFE_INTEGER)), 'RESUME_GAP'),
    bad(row('ACCEPT with a cursor below what was acknowledged', 'CNT-032', resume(acked(), 1)), 'RESUME_GAP'),
    bad(row('ACCEPT with cursor 0 where something was acknowledged', 'CNT-032', resume(acked(), 0)), 'RESUME_GAP'),
    bad(
      row(
        'a deadline that is longer than was asked for',
        'CNT-002',
        resume(open(), 1, { connect: parameters(deadline, 5000), accept: parameters(deadline, 5001) }),
      ),
      'PARAMETER_INVALID',
    ),
    bad(
      row('ACCEPT whose signature does not verify', 'EST-005', resume(open(), 1), { verdicts: { signature: false } }),
      'SIGNATURE_INVALID',
      'signature',
    ),
    bad(
      row(
        'ACCEPT with another session id whose signature does not verify',
        'EST-005',
        resume(open(), 1, { accept: { session_id: new Uint8Array(16) } }),
        unsigned,
      ),
      'SIGNATURE_INVALID',
      'signature',
    ),
    bad(
      row(
        'ACCEPT with the epoch that was stated and a cursor beyond what was sent',
        'CNT-031',
        resume(open(), 2, { accept: { epoch: 1 } }),
        { flag: 'CheckOrder' },
      ),
      'FRAME_MALFORMED',
    ),
    bad(
      row(
        'ACCEPT with a cursor beyond what was sent and a deadline that is too long',
        'CNT-032',
        resume(open(), 2, { connect: parameters(deadline, 1), accept: parameters(deadline, 2) }),
        { flag: 'CheckOrder' },
      ),
      'RESUME_GAP',
    ),
  ];
}

export function resumedServers(): Draft[] {
  const open = (): Script => new Script('server').channel('open');
  const acked = (): Script => open().send('MESSAGE').send('MESSAGE').receive('ACK', ack(2));
  const refused = (former: Script, holds: number, connect: Fields = {}): Script =>
    resume(former, holds, { connect, refused: true });
  const order = { flag: 'CheckOrder' };
  const detached = (end: boolean): Script => {
    const flags = end ? ['END_SESSION'] : [];
    const close = { flags, fields: { receive_cursor: 1, send_cursor: 1 } };
    return open().receive('CLOSE', close).answer('CLOSE', close);
  };
  return [
    ...atBothEnds('server'),
    good(row('CONNECT with a lower epoch', 'CNT-024', resume(open(), 1, { connect: { epoch: 0 } })), one),
    good(row('CONNECT with a later attempt', 'CNT-023', resume(open(), 1, { connect: { attempt: 7 } })), one),
    good(
      row(
        'CONNECT with the largest attempt',
        'CNT-023',
        resume(open(), 1, { connect: { attempt: Number.MAX_SAFE_INTEGER } }),
      ),
      one,
    ),
    good(row('CONNECT with the cursor that was acknowledged', 'CNT-025', resume(acked(), 2).answer('MESSAGE')), one),
    good(row('CONNECT with the cursor of the last frame sent', 'CNT-025', resume(acked(), 3)), one),
    good(row('CONNECT from a client that holds nothing', 'CNT-025', resume(open(), 0).answer('OPENED')), one),
    good(row('OPEN with the next number', 'CHN-002', resume(open(), 1).receive('OPEN', { channel: 2 })), {
      channels: { 1: 'open', 2: 'opening' },
    }),
    good(row('OPEN with verdicts', 'CHN-002', resume(open(), 1).receive('OPEN', { ...OUTCOMES, channel: 2 })), {
      channels: { 1: 'open', 2: 'opening' },
    }),
    good(row('after CLOSE without END_SESSION', 'CNT-015', resume(detached(false), 1)), one),
    bad(
      row('OPEN with a number of the former connection', 'CHN-002', resume(open(), 1).receive('OPEN')),
      'CHANNEL_INVALID',
    ),
    bad(
      row(
        'CONNECT with another session id',
        'EST-018',
        refused(open(), 1, { session_id: octetsFor('other session', 16) }),
      ),
      'RESUME_REFUSED',
    ),
    bad(row('CONNECT with attempt 0', 'CNT-023', refused(open(), 1, { attempt: 0 })), 'ATTEMPT_STALE'),
    bad(row('CONNECT with a higher epoch', 'CNT-025', refused(open(), 1, { epoch: 2 })), 'RESUME_GAP'),
    bad(
      row('CONNECT with the largest epoch', 'CNT-025', refused(open(), 1, { epoch: Number.MAX_SAFE_INTEGER })),
      'RESUME_GAP',
    ),
    bad(row('CONNECT with a cursor beyond what was sent', 'CNT-025', refused(open(), 2)), 'RESUME_GAP'),
    bad(row('CONNECT with a cursor below what was acknowledged', 'CNT-025', refused(acked(), 1)), 'RESUME_GAP'),
    bad(row('CONNECT with cursor 0 where something was acknowledged', 'CNT-025', refused(acked(), 0)), 'RESUME_GAP'),
    bad(
      row('CONNECT for a session that was not resumable', 'EST-018', refused(open(), 1), { own: {}, peer: {} }),
      'RESUME_REFUSED',
    ),
    bad(row('CONNECT for a session that CLOSE has ended', 'CNT-036', refused(detached(true), 1)), 'SESSION_ENDED'),
    bad(
      row(
        'CONNECT with attempt 0 and a cursor beyond what was sent',
        'CNT-023',
        refused(open(), 2, { attempt: 0 }),
        order,
      ),
      'ATTEMPT_STALE',
    ),
    bad(
      row(
        'CONNECT with attempt 0 for a session that CLOSE has ended',
        'CNT-036',
        refused(detached(true), 1, { attempt: 0 }),
        order,
      ),
      'SESSION_ENDED',
    ),
    bad(
      row(
        'CONNECT with another session id and attempt 0',
        'EST-018',
        refused(open(), 1, { session_id: new Uint8Array(16), attempt: 0 }),
        order,
      ),
      'RESUME_REFUSED',
    ),
    bad(
      row('CONNECT whose signature does not verify', 'EST-015', refused(open(), 1), { verdicts: { signature: false } }),
      'SIGNATURE_INVALID',
      'signature',
    ),
    bad(
      row('CONNECT with attempt 0 whose signature does not verify', 'EST-015', refused(open(), 1, { attempt: 0 }), {
        ...order,
        verdicts: { signature: false },
      }),
      'SIGNATURE_INVALID',
      'signature',
    ),
    bad(
      row('CONNECT for another server', 'EST-016', refused(open(), 1, { audience: 'spiffe://example.test/other' })),
      'AUDIENCE_MISMATCH',
    ),
    bad(
      row('CONNECT from a client that policy does not accept any more', 'EST-017', refused(open(), 1), {
        verdicts: { peerIdentity: false },
      }),
      'AUTHENTICATION_FAILED',
    ),
  ];
}
