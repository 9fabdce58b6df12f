/** Verdicts, the state `settling`, and the parameters of OPEN. */
import type { Role } from '../../conformance/model/registry.ts';
import { OUTCOMES, Script } from './script.ts';
import type { StepInput } from './script.ts';
import { bad, fragment, good, server } from './stream-case.ts';
import type { Case, Draft, Message, Setting } from './stream-case.ts';

const ROLES: readonly Role[] = ['client', 'server'];

const verdict = (last: number, value = 0, channel = 1): StepInput => ({
  channel,
  fields: { last_message: last, verdict: value },
});
const empty: Message = { channel: 1, message: '' };

export function verdicts(): Draft[] {
  return ROLES.flatMap((role) => {
    const row = (comment: string, script: Script, requirement = 'CNT-041'): Case => ({
      comment: `OUTCOME: ${comment}`,
      requirements: [requirement],
      flag: 'Verdict',
      script,
    });
    /** This end has sent messages on a channel with outcomes. */
    const sent = (messages: number): Script => new Script(role).channel('open', messages);
    const without = (): Script => new Script(role).channel('open').send('MESSAGE');
    const begun = (): Script => sent(1).send('MESSAGE', fragment(['FIRST'], 'a'));
    const two = (): Script => {
      const second = { ...OUTCOMES, channel: 2 };
      return role === 'client'
        ? sent(2).send('OPEN', second).receive('OPENED', { channel: 2 }).send('MESSAGE', { channel: 2 })
        : sent(2).receive('OPEN', second).send('OPENED', { channel: 2 }).send('MESSAGE', { channel: 2 });
    };
    const one = { channels: { 1: 'open' } };
    return [
      good(row('on the only message', sent(1).receive('OUTCOME', verdict(1))), one),
      good(row('on each message', sent(2).receive('OUTCOME', verdict(1)).receive('OUTCOME', verdict(2, 9))), one),
      good(row('on three messages at once', sent(3).receive('OUTCOME', verdict(3, 0xffff))), one),
      good(row('on part of the messages', sent(3).receive('OUTCOME', verdict(2))), one),
      good(
        row(
          'the same verdict twice, on different messages',
          sent(2).receive('OUTCOME', verdict(1, 7)).receive('OUTCOME', verdict(2, 7)),
        ),
        one,
      ),
      good(
        row(
          'on a message in two fragments',
          begun()
            .send('MESSAGE', fragment(['LAST'], 'b'))
            .receive('OUTCOME', verdict(2)),
        ),
        one,
      ),
      good(row('on an earlier message, while one is incomplete', begun().receive('OUTCOME', verdict(1))), one),
      good(row('behind the END of this end', sent(1).send('END').receive('OUTCOME', verdict(1))), {
        channels: { 1: 'half-closed-local' },
      }),
      good(row('behind the END of its sender', sent(1).receive('END').receive('OUTCOME', verdict(1))), {
        channels: { 1: 'half-closed-remote' },
      }),
      good(
        row(
          'on two channels, each with its own numbers',
          two()
            .receive('OUTCOME', verdict(1, 0, 2))
            .receive('OUTCOME', verdict(2)),
        ),
        {
          channels: { 1: 'open', 2: 'open' },
        },
      ),
      good(
        row(
          'of this end does not count for its peer',
          sent(1).receive('MESSAGE').send('OUTCOME').receive('OUTCOME', verdict(1)),
          'CNT-039',
        ),
        { ...one, delivered: [empty] },
      ),
      bad(row('on a channel without outcomes', without().receive('OUTCOME', verdict(1))), 'OUTCOME_INVALID'),
      bad(
        row(
          'on a channel that says that it has no outcomes',
          (() => {
            const none = { fields: { parameters: [{ id: 'outcomes', value: 0 }] } };
            const script = new Script(role);
            return (
              role === 'client'
                ? script.send('OPEN', none).receive('OPENED')
                : script.receive('OPEN', none).send('OPENED')
            )
              .send('MESSAGE')
              .receive('OUTCOME', verdict(1));
          })(),
        ),
        'OUTCOME_INVALID',
      ),
      bad(row('before any message', sent(0).receive('OUTCOME', verdict(1))), 'OUTCOME_INVALID'),
      bad(row('on one message too many', sent(2).receive('OUTCOME', verdict(3))), 'OUTCOME_INVALID'),
      bad(
        row('on the largest number', sent(2).receive('OUTCOME', verdict(Number.MAX_SAFE_INTEGER))),
        'OUTCOME_INVALID',
      ),
      bad(row('on a message that is incomplete', begun().receive('OUTCOME', verdict(2))), 'OUTCOME_INVALID'),
      bad(
        row('twice on the same message', sent(2).receive('OUTCOME', verdict(1)).receive('OUTCOME', verdict(1))),
        'OUTCOME_INVALID',
      ),
      bad(
        row(
          'twice on the same message, with another verdict',
          sent(2).receive('OUTCOME', verdict(2)).receive('OUTCOME', verdict(2, 1)),
        ),
        'OUTCOME_INVALID',
      ),
      bad(
        row('on an earlier message than before', sent(3).receive('OUTCOME', verdict(2)).receive('OUTCOME', verdict(1))),
        'OUTCOME_INVALID',
      ),
      bad(row('with the numbers of another channel', two().receive('OUTCOME', verdict(2, 0, 2))), 'OUTCOME_INVALID'),
      bad(
        row('on messages that came the other way', sent(0).receive('MESSAGE').receive('OUTCOME', verdict(1))),
        'OUTCOME_INVALID',
      ),
      bad(
        row(
          'with the sequence number of the frame before',
          sent(1).receive('OUTCOME', { ...verdict(1), seq: 0 }),
          'WIR-012',
        ),
        'SEQUENCE_INVALID',
        'header',
      ),
      bad(row('on message 0', sent(1).receive('OUTCOME', verdict(0)), 'WIR-017'), 'FRAME_MALFORMED', 'frame'),
    ];
  });
}

export function settling(): Draft[] {
  return ROLES.flatMap((role) => {
    const row = (comment: string, script: Script, requirement = 'CNT-039', setting: Setting = {}): Case => ({
      comment: `settling: ${comment}`,
      requirements: [requirement],
      flag: 'Settling',
      script,
      ...setting,
    });
    const open = (messages: number): Script => new Script(role).channel('open', messages);
    const over = { channels: { 1: 'closed' } };
    const waiting = { channels: { 1: 'settling' } };
    const received = { delivered: [empty] };
    return [
      good(row('nothing was sent, closed at once', open(0).send('END').receive('END')), over),
      good(row('all has its verdict, closed at once', open(1).receive('OUTCOME').send('END').receive('END')), over),
      good(row('one message waits for its verdict', open(1).send('END').receive('END')), waiting),
      good(
        row('the verdict on the last message closes it', open(1).send('END').receive('END').receive('OUTCOME')),
        over,
      ),
      good(
        row(
          'the verdict on one of two messages does not close it',
          open(2).receive('END').send('END').receive('OUTCOME'),
        ),
        waiting,
      ),
      good(
        row(
          'one verdict on both messages closes it',
          open(2).receive('END').send('END').receive('OUTCOME', verdict(2, 3)),
        ),
        over,
      ),
      good(row('a message that was received waits too', open(0).receive('MESSAGE').send('END').receive('END')), {
        ...waiting,
        ...received,
      }),
      good(
        row('the verdict of this end closes it', open(0).receive('MESSAGE').send('END').receive('END').send('OUTCOME')),
        { ...over, ...received },
      ),
      good(
        row(
          'verdicts of one direction do not close it',
          open(1).receive('MESSAGE').send('END').receive('END').receive('OUTCOME'),
        ),
        { ...waiting, ...received },
      ),
      good(
        row(
          'verdicts of both directions close it',
          open(1).receive('MESSAGE').send('END').receive('END').receive('OUTCOME').send('OUTCOME'),
        ),
        { ...over, ...received },
      ),
      good(
        row(
          'RESET of this end, and its answer',
          open(1)
            .send('END')
            .receive('END')
            .send('RESET')
            .receive('RESET', { fields: { code: 0x0405 } }),
          'CHN-029',
        ),
        over,
      ),
      bad(
        row(
          'a second verdict on a channel that is closed',
          open(1).send('END').receive('END').receive('OUTCOME').receive('OUTCOME'),
          'CHN-003',
        ),
        'FRAME_UNEXPECTED',
      ),
      bad(
        row(
          'a verdict on one message too many',
          open(1).send('END').receive('END').receive('OUTCOME', verdict(2)),
          'CNT-041',
        ),
        'OUTCOME_INVALID',
      ),
      bad(
        row(
          'a second verdict on the same message',
          open(2).send('END').receive('END').receive('OUTCOME').receive('OUTCOME'),
          'CNT-041',
        ),
        'OUTCOME_INVALID',
      ),
      bad(
        row(
          'a verdict where nothing was sent',
          open(0).receive('MESSAGE').send('END').receive('END').receive('OUTCOME'),
          'CNT-041',
        ),
        'OUTCOME_INVALID',
      ),
    ];
  });
}

export function openParameters(): Draft[] {
  const row = (comment: string, requirement: string, script: Script, setting: Setting = {}): Case => ({
    comment: `OPEN: ${comment}`,
    requirements: [requirement],
    flag: 'ChannelNumber',
    script,
    ...setting,
  });
  const asking = (
    channel: number,
    ...parameters: readonly { id: string; value: number | Uint8Array }[]
  ): StepInput => ({
    channel,
    fields: { parameters },
  });
  const one = { own: { max_channels: 1 } };
  const busy = (): Script => server().channel('open', 1).send('END').receive('END');
  return [
    ...[0, 1, 2].map((value) =>
      good(row(`priority ${value}`, 'CHN-035', server().receive('OPEN', asking(1, { id: 'priority', value }))), {
        channels: { 1: 'opening' },
      }),
    ),
    good(
      row(
        'priority and outcomes',
        'CHN-035',
        server().receive('OPEN', asking(1, { id: 'priority', value: 2 }, { id: 'outcomes', value: 1 })),
      ),
      { channels: { 1: 'opening' } },
    ),
    good(
      row(
        'a channel that is settling is still held',
        'CHN-009',
        busy()
          .receive('OPEN', asking(2))
          .answer('REFUSED', { channel: 2, fields: { code: 0x0402 } }),
        one,
      ),
      { channels: { 1: 'settling', 2: 'closed' } },
    ),
    good(
      row(
        'room again when a channel has settled',
        'CHN-009',
        busy().receive('OUTCOME').receive('OPEN', asking(2)),
        one,
      ),
      {
        channels: { 1: 'closed', 2: 'opening' },
      },
    ),
    bad(
      row('priority 3', 'WIR-026', server().receive('OPEN', asking(1, { id: 'priority', value: 3 }))),
      'PARAMETER_INVALID',
      'parameters',
    ),
    bad(
      row('outcomes 2', 'WIR-026', server().receive('OPEN', asking(1, { id: 'outcomes', value: 2 }))),
      'PARAMETER_INVALID',
      'parameters',
    ),
    bad(
      row(
        'custody, which belongs into CONNECT',
        'WIR-024',
        server().receive('OPEN', asking(1, { id: 'custody', value: 1 })),
      ),
      'PARAMETER_INVALID',
      'parameters',
    ),
  ];
}
