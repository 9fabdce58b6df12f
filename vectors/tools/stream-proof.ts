/** FORWARD where the text speaks of OPEN, and the frames of a proof (chapter 13). */
import { buildPayload } from '../../conformance/model/codec.ts';
import type { ParameterInput } from '../../conformance/model/codec.ts';
import { octetsFor } from './octet-source.ts';
import type { StepInput } from './script.ts';
import { Script, SIGNED } from './script.ts';
import { bad, client, delivered, good, server } from './stream-case.ts';
import type { Case, Draft, Setting } from './stream-case.ts';

const row = (comment: string, requirement: string, flag: string, script: Script, setting: Setting = {}): Case => ({
  comment,
  requirements: [requirement],
  flag,
  script,
  ...setting,
});

const on = (channel: number): StepInput => ({ channel });
const asks = (...parameters: readonly ParameterInput[]): StepInput => ({
  fields: {
    open: buildPayload('OPEN', { nonce: octetsFor('open', 32), application: 'test/hold', parameters }),
  },
});
const VERDICTS = asks({ id: 'outcomes', value: 1 });

export function forwards(): Draft[] {
  const limited = { own: { max_channels: 1 } };
  return [
    good(
      row(
        'OPEN and FORWARD count together',
        'CHN-002',
        'ChannelNumber',
        server().receive('OPEN').receive('FORWARD', on(2)).receive('OPEN', on(3)),
      ),
      { channels: { 1: 'opening', 2: 'opening', 3: 'opening', 4: 'idle' } },
    ),
    good(
      row(
        'a message on a channel that FORWARD has opened',
        'CHN-015',
        'Ordinary',
        server().receive('FORWARD').send('OPENED').receive('MESSAGE'),
      ),
      { channels: { 1: 'open' }, delivered: [delivered(1, '')] },
    ),
    good(
      row(
        'a FORWARD beyond the channels granted is refused',
        'CHN-009',
        'ChannelNumber',
        server()
          .channel('open')
          .receive('FORWARD', on(2))
          .answer('REFUSED', { channel: 2, fields: { code: 0x0402 } }),
        limited,
      ),
      { channels: { 1: 'open', 2: 'closed' } },
    ),
    good(
      row(
        'a verdict, where the OPEN in FORWARD has asked for it',
        'CNT-041',
        'Verdict',
        server().receive('FORWARD', VERDICTS).send('OPENED').send('MESSAGE').receive('OUTCOME'),
      ),
      { channels: { 1: 'open' } },
    ),
    bad(
      row(
        'a verdict, where the OPEN in FORWARD has not asked for it',
        'CNT-041',
        'Verdict',
        server().receive('FORWARD').send('OPENED').send('MESSAGE').receive('OUTCOME'),
      ),
      'OUTCOME_INVALID',
    ),
    bad(
      row('first channel is 2, of FORWARD', 'CHN-002', 'ChannelNumber', server().receive('FORWARD', on(2))),
      'CHANNEL_INVALID',
    ),
    bad(
      row(
        'FORWARD leaves a number out',
        'CHN-002',
        'ChannelNumber',
        server().channel('open').receive('FORWARD', on(3)),
      ),
      'CHANNEL_INVALID',
    ),
    bad(
      row(
        'number of a refused FORWARD again',
        'CHN-002',
        'ChannelNumber',
        server().receive('FORWARD').send('REFUSED').receive('FORWARD'),
      ),
      'CHANNEL_INVALID',
    ),
    bad(
      row(
        'number and payload of FORWARD are wrong',
        'RLY-015',
        'CheckOrder',
        server().receive('FORWARD', { channel: 2, fields: { open: new Uint8Array(0) } }),
      ),
      'FRAME_MALFORMED',
    ),
  ];
}

export function proofs(): Draft[] {
  const flag = 'ChannelState';
  const data: StepInput = { fields: { parameters: [{ id: 'application_data', value: octetsFor('data', 3) }] } };
  return [
    good(
      row(
        'PROVE, PROOF, OPENED, a message',
        'RLY-043',
        'Ordinary',
        server().channel('proved').send('OPENED', SIGNED).receive('MESSAGE'),
      ),
      { channels: { 1: 'open' }, delivered: [delivered(1, '')] },
    ),
    good(
      row(
        'PROVE, PROOF, OPENED, a message',
        'RLY-042',
        'Ordinary',
        client().channel('proved').receive('OPENED', SIGNED).receive('MESSAGE'),
      ),
      { channels: { 1: 'open' }, delivered: [delivered(1, '')] },
    ),
    good(
      row(
        'proof on a channel that FORWARD has asked for',
        'RLY-043',
        'Ordinary',
        server().receive('FORWARD').send('PROVE').receive('PROOF').send('OPENED', SIGNED),
      ),
      { channels: { 1: 'open' } },
    ),
    good(row('REFUSED behind PROVE', 'CHN-003', flag, client().channel('proving').receive('REFUSED')), {
      channels: { 1: 'closed' },
    }),
    good(row('REFUSED behind PROOF', 'CHN-003', flag, client().channel('proved').receive('REFUSED')), {
      channels: { 1: 'closed' },
    }),
    good(
      row(
        'no PROOF comes',
        'RLY-052',
        flag,
        server()
          .channel('proving')
          .send('REFUSED', { fields: { code: 0x040c } }),
      ),
      {
        channels: { 1: 'closed' },
      },
    ),
    good(row('PROOF crosses REFUSED', 'CHN-003', flag, server().channel('proving').send('REFUSED').receive('PROOF')), {
      channels: { 1: 'closed' },
    }),
    good(
      row(
        'PROVE is not answered',
        'RLY-041',
        'Reset',
        client()
          .channel('proving')
          .send('RESET', { fields: { code: 0x040c } })
          .receive('RESET', { fields: { code: 0x0405 } }),
      ),
      { channels: { 1: 'closed' } },
    ),
    good(
      row('PROVE behind the own RESET', 'CHN-031', 'Reset', client().channel('opening').send('RESET').receive('PROVE')),
      {
        channels: { 1: 'reset-sent' },
      },
    ),
    good(
      row(
        'two channels prove in turn',
        'CHN-032',
        flag,
        server()
          .channel('proving')
          .receive('OPEN', on(2))
          .send('PROVE', on(2))
          .receive('PROOF', on(2))
          .receive('PROOF'),
      ),
      { channels: { 1: 'proved', 2: 'proved' } },
    ),
    ...(
      [
        ['OPENED with a signature that does not verify', SIGNED, { verdicts: { signature: false } }],
        ['OPENED without a signature behind PROOF', {}, {}],
      ] as const
    ).map(([comment, input, setting]) =>
      good(
        row(
          comment,
          'RLY-046',
          'Binding',
          client()
            .channel('proved')
            .receive('OPENED', input)
            .answer('RESET', { fields: { code: 0x040c } })
            .receive('MESSAGE'),
          setting,
        ),
        { channels: { 1: 'reset-sent' } },
      ),
    ),
    bad(
      row(
        'open_signature without PROVE',
        'RLY-048',
        'Placement',
        client().channel('opening').receive('OPENED', SIGNED),
      ),
      'PARAMETER_INVALID',
    ),
    bad(
      row(
        'open_signature, where another channel was proved',
        'RLY-048',
        'Placement',
        client()
          .channel('proved')
          .send('OPEN', on(2))
          .receive('OPENED', { ...SIGNED, channel: 2 }),
      ),
      'PARAMETER_INVALID',
    ),
    bad(
      row(
        'OPENED with data in the place of PROOF',
        'CHN-003',
        flag,
        client().channel('proving').receive('OPENED', data),
      ),
      'FRAME_UNEXPECTED',
    ),
    bad(row('PROVE twice', 'CHN-003', flag, client().channel('proving').receive('PROVE')), 'FRAME_UNEXPECTED'),
    bad(row('PROOF twice', 'CHN-003', flag, server().channel('proved').receive('PROOF')), 'FRAME_UNEXPECTED'),
    bad(
      row(
        'PROOF for the channel behind the last',
        'CHN-003',
        flag,
        server().channel('proving').receive('PROOF', on(2)),
      ),
      'CHANNEL_INVALID',
    ),
    bad(
      row('MESSAGE behind PROOF, before OPENED', 'CHN-003', flag, server().channel('proved').receive('MESSAGE')),
      'FRAME_UNEXPECTED',
    ),
  ];
}
