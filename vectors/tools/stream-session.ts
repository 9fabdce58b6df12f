/** Sequence numbers, PING and PONG, CLOSE. */
import { concat, fromHex } from '../../conformance/model/codec.ts';
import type { Script, StepInput } from './script.ts';
import { good, bad, client, server, END_SESSION, fragment, delivered } from './stream-case.ts';
import type { Draft, Case } from './stream-case.ts';

export function sequenceNumbers(): Draft[] {
  const row = (comment: string, script: Script, requirement = 'WIR-012'): Case => ({
    comment,
    requirements: [requirement],
    flag: 'Sequence',
    script,
  });
  const two = (): Script => server().channel('open').receive('OPEN', { channel: 2 }).send('OPENED', { channel: 2 });
  const afterDiscard = (): Script => server().channel('reset-sent').receive('MESSAGE').receive('MESSAGE');
  return [
    good(
      row(
        'numbers run over all channels',
        two().receive('MESSAGE', { channel: 2 }).receive('MESSAGE').receive('END', { channel: 2 }),
      ),
      {
        channels: { 1: 'open', 2: 'half-closed-remote' },
        delivered: [delivered(2, ''), delivered(1, '')],
      },
    ),
    good(
      row(
        'unsequenced frames between do not count',
        server().channel('open').receive('CREDIT').receive('PING').answer('PONG').receiveIgnorable().receive('MESSAGE'),
        'WIR-013',
      ),
      {
        channels: { 1: 'open' },
        delivered: [delivered(1, '')],
      },
    ),
    good(row('discarded frames count', afterDiscard().receive('OPEN', { channel: 2 }), 'CHN-031'), {
      channels: { 1: 'reset-sent', 2: 'opening' },
    }),
    bad(
      row('numbers run over all channels, not each by itself', two().receive('MESSAGE', { channel: 2, seq: 1 })),
      'SEQUENCE_INVALID',
      'header',
    ),
    bad(
      row('the same frame twice', server().channel('open').receive('MESSAGE').receive('MESSAGE', { seq: 2 })),
      'SEQUENCE_INVALID',
      'header',
    ),
    bad(row('one left out', server().channel('open').receive('MESSAGE', { seq: 3 })), 'SEQUENCE_INVALID', 'header'),
    bad(
      row(
        'two in the wrong order',
        server().channel('open').receive('MESSAGE', { seq: 3 }).receive('MESSAGE', { seq: 2 }),
      ),
      'SEQUENCE_INVALID',
      'header',
      2,
    ),
    bad(row('begins with 0', server().receive('OPEN', { seq: 0 })), 'SEQUENCE_INVALID', 'header'),
    bad(row('begins with 2', server().receive('OPEN', { seq: 2 })), 'SEQUENCE_INVALID', 'header'),
    bad(
      row('counts on from what the receiver sent', client().channel('opening').receive('OPENED', { seq: 2 })),
      'SEQUENCE_INVALID',
      'header',
    ),
    bad(
      row(
        'discarded frames count, and one is left out',
        afterDiscard().receive('OPEN', { channel: 2, seq: 5 }),
        'CHN-031',
      ),
      'SEQUENCE_INVALID',
      'header',
    ),
  ];
}

export function sessionFrames(): Draft[] {
  const row = (comment: string, requirements: readonly string[], script: Script, flag = 'Session'): Case => ({
    comment,
    requirements,
    flag,
    script,
  });
  const data = (n: number): StepInput => ({ fields: { data: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, n) } });
  const cursors = (receive: number, send: number): StepInput => ({
    ...END_SESSION,
    fields: { receive_cursor: receive, send_cursor: send },
  });
  const active = (): Script => server().channel('open').receive('MESSAGE');
  const pings = client();
  const received = Array.from({ length: 256 }, (_, n) => pings.frame('receive', 'PING', data(n % 251)));
  const answered = Array.from({ length: 256 }, (_, n) => pings.frame('send', 'PONG', data(n % 251)));
  pings.receiveOctets(...received);
  pings.steps.push({ send: Buffer.from(concat(...answered)).toString('hex'), cause: 'answer' });
  const many = (length: number): Uint8Array[] =>
    Array.from({ length }, () => fromHex('9b000000 00000000 0000000000000000'));
  const mixed = server().channel('open');
  mixed.receiveOctets(
    mixed.frame('receive', 'MESSAGE', fragment(['FIRST', 'LAST'], 'a')),
    mixed.frame('receive', 'PING', data(1)),
  );
  return [
    good(row('PING is answered with its data', ['SES-004'], client().receive('PING', data(1)).answer('PONG', data(1)))),
    good(
      row(
        'PINGs are answered in order',
        ['SES-004'],
        server().receive('PING', data(1)).answer('PONG', data(1)).receive('PING', data(2)).answer('PONG', data(2)),
      ),
    ),
    good(
      row(
        'two PINGs with the same data get two answers',
        ['SES-004'],
        server().receive('PING', data(1)).answer('PONG', data(1)).receive('PING', data(1)).answer('PONG', data(1)),
      ),
    ),
    good(row('a message before a PING, in one piece', ['SES-005'], mixed.answer('PONG', data(1))), {
      channels: { 1: 'open' },
      delivered: [delivered(1, 'a')],
    }),
    good(row('PONG answers the PING sent', ['SES-007'], client().send('PING', data(9)).receive('PONG', data(9)))),
    good(
      row(
        'PONGs answer the PINGs sent in order',
        ['SES-007'],
        server().send('PING', data(1)).send('PING', data(2)).receive('PONG', data(1)).receive('PONG', data(2)),
      ),
    ),
    good(row('256 PINGs at once are within the budget', ['SES-009'], pings, 'Budget')),
    good(
      row(
        '256 ignorable frames at once are within the budget',
        ['SES-009', 'WIR-006'],
        server().receiveOctets(...many(256)),
        'Budget',
      ),
    ),
    bad(
      row(
        '2,048 ignorable frames at once are beyond four times the budget',
        ['SES-010'],
        server().receiveOctets(...many(2048)),
        'Budget',
      ),
      'RATE_EXCEEDED',
    ),
    bad(row('PONG without a PING', ['SES-007'], client().receive('PONG', data(1))), 'FRAME_UNEXPECTED'),
    bad(
      row('PONG with other data', ['SES-007'], server().send('PING', data(1)).receive('PONG', data(2))),
      'FRAME_UNEXPECTED',
    ),
    bad(
      row(
        'PONG for the second PING first',
        ['SES-007'],
        client().send('PING', data(1)).send('PING', data(2)).receive('PONG', data(2)),
      ),
      'FRAME_UNEXPECTED',
    ),
    bad(
      row('PONG twice', ['SES-007'], client().send('PING', data(1)).receive('PONG', data(1)).receive('PONG', data(1))),
      'FRAME_UNEXPECTED',
    ),

    good(
      row(
        'CLOSE with both cursors is answered',
        ['SES-012', 'SES-013'],
        active().receive('CLOSE', cursors(1, 2)).answer('CLOSE', cursors(2, 1)),
      ),
      { connection: 'closed', channels: { 1: 'open' }, delivered: [delivered(1, '')] },
    ),
    good(
      row(
        'CLOSE whose sender has processed less than was sent',
        ['SES-013'],
        active().receive('CLOSE', cursors(0, 2)).answer('CLOSE', cursors(2, 1)),
      ),
      { connection: 'closed', channels: { 1: 'open' }, delivered: [delivered(1, '')] },
    ),
    good(row('CLOSE before anything was sent', ['SES-012'], client().receive('CLOSE').answer('CLOSE')), {
      connection: 'closed',
    }),
    good(
      row(
        'CLOSE with an unknown code is answered the same way',
        ['ERR-002', 'ERR-003'],
        client()
          .receive('CLOSE', { fields: { code: 0x4242 } })
          .answer('CLOSE'),
      ),
      { connection: 'closed' },
    ),
    good(row('CLOSE answers the own CLOSE', ['SES-014'], client().send('CLOSE').receive('CLOSE')), {
      connection: 'closed',
    }),
    good(
      row(
        'frames behind the own CLOSE are discarded until CLOSE',
        ['SES-014'],
        client().send('CLOSE').receive('CHALLENGE').receive('PONG').receiveIgnorable().receive('CLOSE'),
      ),
      { connection: 'closed' },
    ),
    good(
      row(
        'frames behind a CLOSE are not read',
        ['SES-014'],
        server().receive('CLOSE').answer('CLOSE').receive('CHALLENGE'),
      ),
      { connection: 'closed' },
    ),
    bad(
      row('CLOSE with a receive cursor beyond what was sent', ['SES-013'], active().receive('CLOSE', cursors(2, 2))),
      'CURSOR_INVALID',
    ),
    bad(
      row('CLOSE with a send cursor behind what was received', ['SES-013'], active().receive('CLOSE', cursors(1, 1))),
      'CURSOR_INVALID',
    ),
    bad(
      row('CLOSE with a send cursor beyond what was received', ['SES-013'], active().receive('CLOSE', cursors(1, 3))),
      'CURSOR_INVALID',
    ),
    bad(
      row('CLOSE with both cursors exchanged', ['SES-013'], active().receive('CLOSE', cursors(2, 1))),
      'CURSOR_INVALID',
    ),
    bad(
      row(
        'CLOSE with a send cursor of the largest value',
        ['SES-013'],
        client().receive('CLOSE', cursors(0, Number.MAX_SAFE_INTEGER)),
      ),
      'CURSOR_INVALID',
    ),
    bad(
      row('the first error stays', ['WIR-028'], client().receive('PONG', data(1)).receive('PING', { channel: 1 })),
      'FRAME_UNEXPECTED',
      'state',
      0,
    ),
    bad(
      row(
        'the first error stays, in one piece',
        ['WIR-028'],
        client().receiveOctets(
          fromHex('10000008 00000000 0000000000000001 0000000000000000'),
          fromHex('10800008 00000000 0000000000000000 0000000000000000'),
        ),
      ),
      'SEQUENCE_INVALID',
      'header',
    ),
  ];
}
