/** Channel numbers and every cell of the channel tables. */
import { machineOf } from '../../conformance/model/registry.ts';
import type { Role } from '../../conformance/model/registry.ts';
import { Script, SIGNED } from './script.ts';
import type { StepInput } from './script.ts';
import { good, bad, client, server, text, fragment, delivered } from './stream-case.ts';
import type { Draft, Setting, Case } from './stream-case.ts';

export function channelNumbers(): Draft[] {
  const row = (comment: string, requirements: readonly string[], script: Script, setting: Setting = {}): Case => ({
    comment,
    requirements,
    flag: 'ChannelNumber',
    script,
    ...setting,
  });
  const open = (channel: number): StepInput => ({ channel });
  const one = { own: { max_channels: 1 } };
  const limited = (): Script =>
    server()
      .channel('open')
      .receive('OPEN', open(2))
      .answer('REFUSED', { channel: 2, fields: { code: 0x0402 } });
  return [
    good(
      row(
        'channels 1, 2 and 3',
        ['CHN-002'],
        server().receive('OPEN', open(1)).receive('OPEN', open(2)).receive('OPEN', open(3)),
      ),
      { channels: { 1: 'opening', 2: 'opening', 3: 'opening', 4: 'idle' } },
    ),
    good(
      row(
        'a channel behind one that was refused',
        ['CHN-002'],
        server().receive('OPEN').send('REFUSED').receive('OPEN', open(2)),
      ),
      { channels: { 1: 'closed', 2: 'opening' } },
    ),
    good(row('a channel beyond those granted is refused', ['CHN-009'], limited(), one), {
      channels: { 1: 'open', 2: 'closed' },
    }),
    good(
      row(
        'room again when a channel was closed',
        ['CHN-009'],
        limited().receive('END').send('END').receive('OPEN', open(3)),
        one,
      ),
      { channels: { 1: 'closed', 2: 'closed', 3: 'opening' } },
    ),
    good(
      row(
        'room again when a channel was reset',
        ['CHN-009'],
        limited()
          .receive('RESET')
          .answer('RESET', { fields: { code: 0x0405 } })
          .receive('OPEN', open(3)),
        one,
      ),
      { channels: { 1: 'closed', 2: 'closed', 3: 'opening' } },
    ),
    bad(row('first channel is 2', ['CHN-002'], server().receive('OPEN', open(2))), 'CHANNEL_INVALID'),
    bad(
      row('first channel is 4,294,967,295', ['CHN-002'], server().receive('OPEN', open(0xffff_ffff))),
      'CHANNEL_INVALID',
    ),
    bad(
      row('channel 3 behind channel 1', ['CHN-002'], server().channel('open').receive('OPEN', open(3))),
      'CHANNEL_INVALID',
    ),
    bad(
      row('number of a refused channel again', ['CHN-002'], server().receive('OPEN').send('REFUSED').receive('OPEN')),
      'CHANNEL_INVALID',
    ),
    bad(
      row('number of a channel refused for want of room again', ['CHN-002'], limited().receive('OPEN', open(2)), one),
      'CHANNEL_INVALID',
    ),
    bad(
      row('MESSAGE on the channel behind the last', ['CHN-003'], server().channel('open').receive('MESSAGE', open(2))),
      'CHANNEL_INVALID',
    ),
    bad(
      row(
        'OPENED for the channel behind the last',
        ['CHN-003'],
        client().channel('opening').receive('OPENED', open(2)),
      ),
      'CHANNEL_INVALID',
    ),
    bad(
      row('MESSAGE on a refused channel', ['CHN-003'], server().receive('OPEN').send('REFUSED').receive('MESSAGE')),
      'FRAME_UNEXPECTED',
    ),
    bad(
      row('MESSAGE behind REFUSED', ['CHN-003'], client().channel('opening').receive('REFUSED').receive('MESSAGE')),
      'FRAME_UNEXPECTED',
    ),
  ];
}

/** Every cell of the channel tables. Where verdicts play a part, this end has sent two messages that ask for them. */
export function channelCells(): Draft[] {
  return (['client', 'server'] as const).flatMap((role: Role) =>
    machineOf(role, 'channel').rows.map(({ state, frame, next, do: action, error }) => {
      const unopened = ['proving', 'proved', 'closed'].includes(state);
      const judged = state === 'settling' || (frame === 'OUTCOME' && !unopened) ? 2 : undefined;
      const script = new Script(role).channel(state, judged);
      const message = text('hello');
      // A second OPEN of channel 1 in every state but idle.
      const signed = frame === 'OPENED' && state === 'proved';
      script.receive(frame, frame === 'MESSAGE' ? fragment(['FIRST', 'LAST'], message) : signed ? SIGNED : {});
      const requirement = frame === 'OPEN' || frame === 'FORWARD' ? 'CHN-002' : 'CHN-003';
      const test = {
        comment: `${frame} on a channel in state ${state}`,
        requirements: [requirement],
        flag: 'ChannelState',
        script,
      };
      if (error !== undefined) return bad(test, error);
      if (action?.startsWith('send RESET') === true) script.answer('RESET', { fields: { code: 0x0405 } });
      // Nothing is to be settled on a channel without verdicts.
      const after = next === 'settling' && judged === undefined ? 'closed' : (next ?? '');
      return good(test, {
        channels: { 1: after },
        delivered: action === 'deliver' ? [delivered(1, message)] : [],
      });
    }),
  );
}

export function channelResets(): Draft[] {
  const row = (comment: string, requirement: string, script: Script): Case => ({
    comment,
    requirements: [requirement],
    flag: 'Reset',
    script,
  });
  const closed = { fields: { code: 0x0405 } };
  const two = (): Script => server().channel('open').receive('OPEN', { channel: 2 }).send('OPENED', { channel: 2 });
  return [
    good(
      row(
        'another channel goes on after RESET',
        'CHN-032',
        two().receive('RESET').answer('RESET', closed).receive('MESSAGE', { channel: 2 }),
      ),
      { channels: { 1: 'closed', 2: 'open' }, delivered: [delivered(2, '')] },
    ),
    good(row('RESET in both directions at once', 'CHN-029', server().channel('reset-sent').receive('RESET')), {
      channels: { 1: 'closed' },
    }),
    good(row('answer to the own RESET', 'CHN-029', client().channel('reset-sent').receive('RESET', closed)), {
      channels: { 1: 'closed' },
    }),
    good(
      row(
        'OPENED behind the own RESET',
        'CHN-031',
        client().channel('opening').send('RESET').receive('OPENED').receive('RESET', closed),
      ),
      { channels: { 1: 'closed' } },
    ),
    good(row('REFUSED behind the own RESET', 'CHN-031', client().channel('opening').send('RESET').receive('REFUSED')), {
      channels: { 1: 'reset-sent' },
    }),
    good(
      row(
        'REFUSED behind the own RESET, and the answer',
        'CHN-031',
        client().channel('opening').send('RESET').receive('REFUSED').receive('RESET', closed),
      ),
      { channels: { 1: 'closed' } },
    ),
    good(
      row(
        'a fragment out of place behind the own RESET',
        'CHN-031',
        server()
          .channel('reset-sent')
          .receive('MESSAGE', fragment(['LAST'], 'x'))
          .receive('RESET', closed),
      ),
      { channels: { 1: 'closed' } },
    ),
    good(
      row(
        'END behind the own RESET, inside of a message',
        'CHN-031',
        server()
          .channel('open')
          .receive('MESSAGE', fragment(['FIRST'], 'x'))
          .send('RESET')
          .receive('END'),
      ),
      { channels: { 1: 'reset-sent' } },
    ),
    good(
      row(
        'RESET with an unknown code is answered the same way',
        'ERR-003',
        server()
          .channel('open')
          .receive('RESET', { fields: { code: 0x1234 } })
          .answer('RESET', closed),
      ),
      { channels: { 1: 'closed' } },
    ),
    good(
      row(
        'END behind the own RESET, a verdict behind it',
        'CHN-031',
        server().channel('reset-sent', 1).receive('END').receive('OUTCOME').receive('RESET', closed),
      ),
      { channels: { 1: 'closed' } },
    ),
    good(
      row(
        'RESET of a channel that END has closed',
        'CHN-029',
        client().channel('half-closed-local').receive('END').receive('RESET').answer('RESET', closed),
      ),
      { channels: { 1: 'closed' } },
    ),
    good(
      row(
        'RESET of a channel that the last verdict has closed',
        'CHN-029',
        client()
          .channel('settling', 2)
          .receive('OUTCOME', { fields: { last_message: 2, verdict: 0 } })
          .receive('RESET')
          .answer('RESET', closed),
      ),
      { channels: { 1: 'closed' } },
    ),
    good(
      row(
        'RESET of a refused channel',
        'CHN-029',
        server().channel('opening').send('REFUSED').receive('RESET').answer('RESET', closed),
      ),
      { channels: { 1: 'closed' } },
    ),
    bad(
      row(
        'MESSAGE behind RESET',
        'CHN-003',
        server().channel('open').receive('RESET').answer('RESET', closed).receive('MESSAGE'),
      ),
      'FRAME_UNEXPECTED',
    ),
    bad(
      row(
        'MESSAGE behind the answer to the own RESET',
        'CHN-003',
        client().channel('reset-sent').receive('RESET', closed).receive('MESSAGE'),
      ),
      'FRAME_UNEXPECTED',
    ),
    bad(
      row(
        'END behind RESET',
        'CHN-003',
        server().channel('open').receive('RESET').answer('RESET', closed).receive('END'),
      ),
      'FRAME_UNEXPECTED',
    ),
  ];
}
