/** What is granted in ACCEPT, acknowledgements, the two kinds of CLOSE, and DRAIN. */
import { buildFrame, fromHex } from '../../conformance/model/codec.ts';
import type { Role } from '../../conformance/model/registry.ts';
import { Script } from './script.ts';
import type { StepInput } from './script.ts';
import { bad, client, good, RESUMABLE, server } from './stream-case.ts';
import type { Case, Draft, Setting } from './stream-case.ts';

const ROLES: readonly Role[] = ['client', 'server'];

export function acceptGrants(): Draft[] {
  const asking = (name: string, value?: number): StepInput => ({
    fields: { parameters: value === undefined ? [] : [{ id: name, value }] },
  });
  const row = (
    name: string,
    asked: number | undefined,
    granted: number | undefined,
    requirement: string,
    more: Setting & { readonly comment?: string; readonly accept?: StepInput['fields'] } = {},
  ): Case => {
    const { comment = '', accept = {}, ...setting } = more;
    const words = (value: number | undefined): string => (value === undefined ? 'none' : String(value));
    const answer = asking(name, granted);
    return {
      comment: `ACCEPT: ${name} ${words(granted)} where ${words(asked)} was asked for${comment}`,
      requirements: [requirement],
      flag: 'Grant',
      state: 'awaiting-challenge',
      script: client()
        .receive('CHALLENGE')
        .answer('CONNECT', asking(name, asked))
        .receive('ACCEPT', { fields: { ...answer.fields, ...accept } }),
      ...setting,
    };
  };
  const retention = 'session_retention_ms';
  const deadline = 'connection_deadline_ms';
  const order = (test: Case): Case => ({ ...test, flag: 'CheckOrder' });
  return [
    ...(
      [
        [60_000, 60_000],
        [60_000, 59_999],
        [60_000, 1],
        [60_000, 0],
        [60_000, undefined],
        [0, 0],
        [604_800_000, 604_800_000],
      ] as const
    ).map(([asked, granted]) => good(row(retention, asked, granted, 'CNT-001'))),
    ...(
      [
        [5000, 5000],
        [5000, 4999],
        [5000, 1],
        [undefined, 5000],
        [undefined, 604_800_000],
        [0, 5000],
      ] as const
    ).map(([asked, granted]) => good(row(deadline, asked, granted, 'CNT-001'))),
    ...(
      [
        [60_000, 60_001],
        [60_000, 604_800_000],
        [undefined, 1],
        [undefined, 60_000],
        [0, 1],
        [1, 2],
      ] as const
    ).map(([asked, granted]) => bad(row(retention, asked, granted, 'CNT-002'), 'PARAMETER_INVALID')),
    ...(
      [
        [5000, 5001],
        [5000, 604_800_000],
        [1, 2],
      ] as const
    ).map(([asked, granted]) => bad(row(deadline, asked, granted, 'CNT-002'), 'PARAMETER_INVALID')),
    bad(
      order(
        row(retention, 1, 2, 'EST-005', {
          comment: ', and the signature does not verify',
          verdicts: { signature: false },
        }),
      ),
      'SIGNATURE_INVALID',
      'signature',
    ),
    bad(order(row(retention, 1, 2, 'EST-021', { comment: ', and epoch 2', accept: { epoch: 2 } })), 'FRAME_MALFORMED'),
    bad(
      order(row(deadline, 1, 2, 'EST-021', { comment: ', and receive cursor 1', accept: { receive_cursor: 1 } })),
      'FRAME_MALFORMED',
    ),
    good({
      ...row(retention, 1000, 1000, 'CNT-004', { comment: '; then ACK' }),
      script: client()
        .receive('CHALLENGE')
        .answer('CONNECT', asking(retention, 1000))
        .receive('ACCEPT', asking(retention, 1000))
        .send('OPEN')
        .receive('ACK'),
    }),
    bad(
      {
        ...row(retention, 1000, 0, 'CNT-004', { comment: '; then ACK' }),
        script: client()
          .receive('CHALLENGE')
          .answer('CONNECT', asking(retention, 1000))
          .receive('ACCEPT', asking(retention, 0))
          .send('OPEN')
          .receive('ACK'),
      },
      'FRAME_UNEXPECTED',
    ),
  ];
}

const ack = (cursor: number): StepInput => ({ fields: { receive_cursor: cursor } });

export function acknowledgements(): Draft[] {
  return ROLES.flatMap((role) => {
    const row = (comment: string, script: Script, requirement = 'CNT-007', setting: Setting = RESUMABLE): Case => ({
      comment: `ACK: ${comment}`,
      requirements: [requirement],
      flag: 'Acknowledgement',
      script,
      ...setting,
    });
    /** One frame is sent to open the channel, then `messages` more. */
    const sent = (messages: number): Script => {
      const script = new Script(role).channel('open');
      for (let n = 0; n < messages; n += 1) script.send('MESSAGE');
      return script;
    };
    const one = { channels: { 1: 'open' } };
    return [
      good(row('of the only frame', sent(0).receive('ACK', ack(1))), one),
      good(row('of one frame after the other', sent(1).receive('ACK', ack(1)).receive('ACK', ack(2))), one),
      good(row('of three frames at once', sent(2).receive('ACK', ack(3)), 'CNT-009'), one),
      good(row('of part of what was sent', sent(4).receive('ACK', ack(2)).receive('ACK', ack(4))), one),
      good(
        row('of what was sent between two of them', sent(0).receive('ACK', ack(1)).send('END').receive('ACK', ack(2))),
        { channels: { 1: 'half-closed-local' } },
      ),
      good(
        row(
          'of frames of a channel that is reset',
          sent(1)
            .receive('RESET')
            .answer('RESET', { fields: { code: 0x0405 } })
            .receive('ACK', ack(3)),
        ),
        { channels: { 1: 'closed' } },
      ),
      good(row('behind the own CLOSE, whatever it says', sent(0).send('CLOSE').receive('ACK', ack(9)), 'SES-014'), {
        ...one,
        connection: 'closing',
      }),
      bad(row('of nothing, before anything was sent', new Script(role).receive('ACK', ack(0))), 'CURSOR_INVALID'),
      bad(row('of frame 1, before anything was sent', new Script(role).receive('ACK', ack(1))), 'CURSOR_INVALID'),
      bad(row('of nothing', sent(1).receive('ACK', ack(0))), 'CURSOR_INVALID'),
      bad(row('of one frame too many', sent(1).receive('ACK', ack(3))), 'CURSOR_INVALID'),
      bad(row('of the largest number', sent(1).receive('ACK', ack(Number.MAX_SAFE_INTEGER))), 'CURSOR_INVALID'),
      bad(row('of the same frame twice', sent(1).receive('ACK', ack(2)).receive('ACK', ack(2))), 'CURSOR_INVALID'),
      bad(row('of less than before', sent(2).receive('ACK', ack(3)).receive('ACK', ack(2))), 'CURSOR_INVALID'),
      bad(
        row('that counts frames without a sequence number', sent(0).send('CREDIT').receive('ACK', ack(2))),
        'CURSOR_INVALID',
      ),
      bad(
        row('that counts what the other direction has carried', sent(0).receive('MESSAGE').receive('ACK', ack(2))),
        'CURSOR_INVALID',
      ),
      bad(
        row(
          'repeated behind a frame that was sent and is not acknowledged',
          sent(0).receive('ACK', ack(1)).send('MESSAGE').receive('ACK', ack(1)),
        ),
        'CURSOR_INVALID',
      ),
      bad(row('in a session that is not resumable', sent(0).receive('ACK', ack(1)), 'CNT-004', {}), 'FRAME_UNEXPECTED'),
      bad(
        row(
          'in a session that is not resumable, with a cursor that is wrong',
          sent(0).receive('ACK', ack(5)),
          'CNT-004',
          {},
        ),
        'FRAME_UNEXPECTED',
      ),
      bad(
        row(
          'in a session for which retention was asked for and not granted',
          sent(0).receive('ACK', ack(1)),
          'CNT-004',
          {
            [role === 'client' ? 'own' : 'peer']: { session_retention_ms: 60_000 },
          },
        ),
        'FRAME_UNEXPECTED',
      ),
    ];
  });
}

export function sessionEnds(): Draft[] {
  return ROLES.flatMap((role) => {
    const row = (comment: string, requirement: string, script: Script, setting: Setting = RESUMABLE): Case => ({
      comment: `CLOSE: ${comment}`,
      requirements: [requirement],
      flag: 'Detach',
      script,
      ...setting,
    });
    const open = (): Script => new Script(role).channel('open');
    const close = (end: boolean, receive = 1, send = 1, code = 0): StepInput => ({
      flags: end ? ['END_SESSION'] : [],
      fields: { code, receive_cursor: receive, send_cursor: send },
    });
    const closed = { connection: 'closed', channels: { 1: 'open' } };
    return [
      good(
        row(
          'without END_SESSION is answered without it',
          'CNT-015',
          open().receive('CLOSE', close(false)).answer('CLOSE', close(false)),
        ),
        { ...closed, session: 'detached' },
      ),
      good(
        row(
          'with END_SESSION is answered with it',
          'SES-012',
          open().receive('CLOSE', close(true)).answer('CLOSE', close(true)),
        ),
        { ...closed, session: 'ended' },
      ),
      ...(
        [
          ['SUPERSEDED', 0x0308],
          ['CONNECTION_EXPIRED', 0x0307],
          ['SHUTTING_DOWN', 0x0302],
          ['LIVENESS_TIMEOUT', 0x0301],
          ['AUTHORITY_REVOKED', 0x0303],
          ['an unknown code', 0x4242],
        ] as const
      ).map(([name, code]) =>
        good(
          row(
            `without END_SESSION and with ${name}`,
            'CNT-015',
            open()
              .receive('CLOSE', close(false, 1, 1, code))
              .answer('CLOSE', close(false)),
          ),
          { ...closed, session: 'detached' },
        ),
      ),
      good(
        row(
          'without END_SESSION, from an end that holds nothing',
          'CNT-015',
          open().receive('CLOSE', close(false, 0)).answer('CLOSE', close(false)),
        ),
        { ...closed, session: 'detached' },
      ),
      good(
        row(
          'the own one without END_SESSION is answered without it',
          'CNT-013',
          open().send('CLOSE', close(false)).receive('CLOSE', close(false)),
        ),
        { ...closed, session: 'detached' },
      ),
      good(
        row(
          'the own one without END_SESSION meets one with it',
          'CNT-013',
          open().send('CLOSE', close(false)).receive('CLOSE', close(true)),
        ),
        { ...closed, session: 'ended' },
      ),
      good(
        row(
          'the own one with END_SESSION meets one without it',
          'CNT-013',
          open().send('CLOSE', close(true)).receive('CLOSE', close(false)),
        ),
        { ...closed, session: 'ended' },
      ),
      good(
        row(
          'without END_SESSION in a session that is not resumable',
          'SES-029',
          open().receive('CLOSE', close(false)).answer('CLOSE', close(true)),
          {},
        ),
        { ...closed, session: 'ended' },
      ),
      bad(
        row(
          'without END_SESSION and with a receive cursor beyond what was sent',
          'SES-013',
          open().receive('CLOSE', close(false, 2, 1)),
        ),
        'CURSOR_INVALID',
      ),
      bad(
        row(
          'without END_SESSION and with a send cursor behind what was received',
          'SES-013',
          open().receive('CLOSE', close(false, 1, 0)),
        ),
        'CURSOR_INVALID',
      ),
      bad(
        row(
          'without END_SESSION and with a send cursor beyond what was received',
          'SES-013',
          open().receive('CLOSE', close(false, 1, 2)),
        ),
        'CURSOR_INVALID',
      ),
    ];
  });
}

export function drains(): Draft[] {
  const row = (comment: string, requirement: string, script: Script, setting: Setting = RESUMABLE): Case => ({
    comment: `DRAIN: ${comment}`,
    requirements: [requirement],
    flag: 'Drain',
    script,
    ...setting,
  });
  const drain = (deadline: number, code = 0x0302): StepInput => ({ fields: { code, deadline_ms: deadline } });
  const open = (): Script => client().channel('open');
  const one = { channels: { 1: 'open' } };
  const ignorable = fromHex('9b000000 00000000 0000000000000000');
  const many = (length: number, ...kinds: readonly Uint8Array[]): Uint8Array[] =>
    Array.from({ length }, (_, n) => kinds[n % kinds.length] ?? ignorable);
  const octets = buildFrame('DRAIN', drain(1000));
  return [
    good(row('messages go on behind it', 'CNT-045', open().receive('DRAIN').receive('MESSAGE').send('MESSAGE')), {
      ...one,
      delivered: [{ channel: 1, message: '' }],
    }),
    good(row('PING is answered behind it', 'SES-004', open().receive('DRAIN').receive('PING').answer('PONG')), one),
    good(row('deadline of zero', 'CNT-046', open().receive('DRAIN', drain(0))), one),
    good(row('longest deadline', 'CNT-046', open().receive('DRAIN', drain(0xffff_ffff))), one),
    good(row('unknown code', 'ERR-002', open().receive('DRAIN', drain(1000, 0x7777))), one),
    good(
      row('a second one with an earlier deadline', 'CNT-049', open().receive('DRAIN').receive('DRAIN', drain(10))),
      one,
    ),
    good(
      row(
        'a second one with a later deadline',
        'CNT-049',
        open().receive('DRAIN', drain(10)).receive('DRAIN', drain(9000)),
      ),
      one,
    ),
    good(row('in a session that is not resumable', 'CNT-046', open().receive('DRAIN'), {}), one),
    good(row('256 at once are within the budget', 'SES-009', client().receiveOctets(...many(256, octets)))),
    good(
      row(
        '256 at once, every other one an ignorable frame, are within the budget',
        'SES-009',
        client().receiveOctets(...many(256, octets, ignorable)),
      ),
    ),
    good(row('behind the own CLOSE', 'SES-014', open().send('CLOSE').receive('DRAIN')), {
      ...one,
      connection: 'closing',
    }),
    good(
      row(
        'and then CLOSE with its code',
        'CNT-048',
        open()
          .receive('DRAIN')
          .receive('CLOSE', {
            flags: [],
            fields: { code: 0x0302, receive_cursor: 1, send_cursor: 1 },
          })
          .answer('CLOSE', { flags: [], fields: { receive_cursor: 1, send_cursor: 1 } }),
      ),
      {
        ...one,
        connection: 'closed',
        session: 'detached',
      },
    ),
    bad(
      row('2,048 at once are beyond four times the budget', 'SES-010', client().receiveOctets(...many(2048, octets))),
      'RATE_EXCEEDED',
    ),
    bad(
      row(
        '2,048 at once, every other one an ignorable frame, are beyond four times the budget',
        'SES-010',
        client().receiveOctets(...many(2048, octets, ignorable)),
      ),
      'RATE_EXCEEDED',
    ),
    bad(
      row('before ACCEPT', 'SES-001', client().receive('CHALLENGE').answer('CONNECT').receive('DRAIN'), {
        state: 'awaiting-challenge',
      }),
      'FRAME_UNEXPECTED',
    ),
    bad(row('from a client', 'SES-001', server().receive('DRAIN')), 'FRAME_UNEXPECTED'),
    bad(row('on a channel', 'WIR-009', open().receive('DRAIN', { channel: 1 })), 'CHANNEL_INVALID', 'header'),
  ];
}
