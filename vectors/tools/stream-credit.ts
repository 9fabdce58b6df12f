/** Credit, in both directions. */
import type { Script, StepInput } from './script.ts';
import { good, bad, client, server, fragment, delivered } from './stream-case.ts';
import type { Draft, Setting, Message, Case } from './stream-case.ts';

export function channelCredit(): Draft[] {
  const row = (comment: string, requirement: string, script: Script, setting: Setting = {}): Case => ({
    comment,
    requirements: [requirement],
    flag: 'Credit',
    script,
    ...setting,
  });
  const open = (): Script => server().channel('open');
  const limits = (message_limit: number, byte_limit: number, channel = 1): StepInput => ({
    channel,
    fields: { message_limit, byte_limit },
  });
  const messages = (n: number): Setting => ({ own: { initial_message_credit: n } });
  const bytes = (n: number): Setting => ({ own: { initial_byte_credit: n } });
  const whole = (octets: number, channel = 1): StepInput =>
    fragment(['FIRST', 'LAST'], new Uint8Array(octets), channel);
  const two = (): Script => open().receive('OPEN', { channel: 2 }).send('OPENED', { channel: 2 });
  const one = { channels: { 1: 'open' } };
  const zeros = (size: number, channel = 1): Message => delivered(channel, new Uint8Array(size));
  const granted = (): Script =>
    client()
      .receive('CHALLENGE')
      .answer('CONNECT')
      .receive('ACCEPT', {
        fields: {
          parameters: [
            { id: 'initial_message_credit', value: 8 },
            { id: 'initial_byte_credit', value: 2048 },
          ],
        },
      })
      .channel('open');
  const early = { state: 'awaiting-challenge' };
  return [
    good(
      row(
        'as many messages as granted',
        'CHN-021',
        open().receive('MESSAGE', whole(1)).receive('MESSAGE', whole(1)),
        messages(2),
      ),
      { ...one, delivered: [zeros(1), zeros(1)] },
    ),
    good(row('as many octets as granted', 'CHN-021', open().receive('MESSAGE', whole(10)), bytes(10)), {
      ...one,
      delivered: [zeros(10)],
    }),
    good(
      row(
        'an empty message when no octets are left',
        'CHN-021',
        open().receive('MESSAGE', whole(10)).receive('MESSAGE', whole(0)),
        bytes(10),
      ),
      { ...one, delivered: [zeros(10), zeros(0)] },
    ),
    good(
      row(
        'fragments count as one message',
        'CHN-021',
        open()
          .receive('MESSAGE', fragment(['FIRST'], 'a'))
          .receive('MESSAGE', fragment([], 'b'))
          .receive('MESSAGE', fragment(['LAST'], 'c')),
        messages(1),
      ),
      { ...one, delivered: [delivered(1, 'abc')] },
    ),
    good(
      row(
        'one more message after CREDIT',
        'CHN-021',
        open().receive('MESSAGE', whole(1)).send('CREDIT', limits(2, 1_048_576)).receive('MESSAGE', whole(1)),
        messages(1),
      ),
      { ...one, delivered: [zeros(1), zeros(1)] },
    ),
    good(
      row(
        'more octets after CREDIT, inside of a message',
        'CHN-024',
        open()
          .receive('MESSAGE', fragment(['FIRST'], new Uint8Array(10)))
          .answer('CREDIT', limits(64, 1024))
          .receive('MESSAGE', fragment(['LAST'], new Uint8Array(10))),
        { own: { initial_byte_credit: 10, max_message_bytes: 1024 } },
      ),
      { ...one, delivered: [zeros(20)] },
    ),
    good(
      row(
        'credit is counted for each channel',
        'CHN-021',
        two().receive('MESSAGE', whole(1)).receive('MESSAGE', whole(1, 2)),
        messages(1),
      ),
      { channels: { 1: 'open', 2: 'open' }, delivered: [zeros(1), zeros(1, 2)] },
    ),
    good(
      row(
        'END and RESET need no credit',
        'CHN-023',
        two()
          .receive('END')
          .receive('RESET', { channel: 2 })
          .answer('RESET', { channel: 2, fields: { code: 0x0405 } }),
        messages(0),
      ),
      { channels: { 1: 'half-closed-remote', 2: 'closed' } },
    ),
    bad(
      row(
        'one message more than granted',
        'CHN-021',
        open().receive('MESSAGE', whole(0)).receive('MESSAGE', whole(0)),
        messages(1),
      ),
      'CREDIT_EXCEEDED',
    ),
    bad(
      row('one octet more than granted', 'CHN-021', open().receive('MESSAGE', whole(11)), bytes(10)),
      'CREDIT_EXCEEDED',
    ),
    bad(
      row(
        'one octet more than granted, over two messages',
        'CHN-021',
        open().receive('MESSAGE', whole(6)).receive('MESSAGE', whole(5)),
        bytes(10),
      ),
      'CREDIT_EXCEEDED',
    ),
    bad(
      row(
        'CREDIT for another channel does not help',
        'CHN-021',
        two()
          .send('CREDIT', limits(2, 1_048_576, 2))
          .receive('MESSAGE', whole(1))
          .receive('MESSAGE', whole(1)),
        messages(1),
      ),
      'CREDIT_EXCEEDED',
    ),
    bad(
      row(
        'limits are absolute, not added',
        'CHN-021',
        open()
          .receive('MESSAGE', whole(1))
          .send('CREDIT', limits(2, 1_048_576))
          .receive('MESSAGE', whole(1))
          .receive('MESSAGE', whole(1)),
        messages(1),
      ),
      'CREDIT_EXCEEDED',
    ),
    bad(
      row(
        'fragment out of place before credit',
        'CHN-013',
        open().receive('MESSAGE', fragment(['LAST'], 'ab')),
        bytes(1),
      ),
      'FRAGMENT_INVALID',
    ),
    bad(
      row('credit before the size of the message', 'CHN-021', open().receive('MESSAGE', whole(2000)), {
        own: { max_message_bytes: 1024, initial_byte_credit: 1024 },
      }),
      'CREDIT_EXCEEDED',
    ),

    good(
      row('CREDIT raises both limits', 'CHN-022', client().channel('open').receive('CREDIT', limits(65, 1_048_577))),
      one,
    ),
    good(
      row(
        'CREDIT raises the message limit alone',
        'CHN-022',
        client().channel('open').receive('CREDIT', limits(65, 1_048_576)),
      ),
      one,
    ),
    good(
      row(
        'CREDIT raises the octet limit alone',
        'CHN-022',
        client().channel('open').receive('CREDIT', limits(64, 1_048_577)),
      ),
      one,
    ),
    good(
      row(
        'CREDIT to the largest limits',
        'CHN-022',
        client().channel('open').receive('CREDIT', limits(Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)),
      ),
      one,
    ),
    good(
      row(
        'CREDIT that lowers both limits where it is ignored',
        'CHN-022',
        client().channel('half-closed-local').receive('CREDIT', limits(0, 0)),
      ),
      { channels: { 1: 'half-closed-local' } },
    ),
    good(
      row(
        'CREDIT that lowers both limits on a closed channel',
        'CHN-022',
        client().channel('closed').receive('CREDIT', limits(0, 0)),
      ),
      { channels: { 1: 'closed' } },
    ),
    good(row('CREDIT over the limits of ACCEPT', 'CHN-022', granted().receive('CREDIT', limits(9, 2048)), early), one),
    bad(
      row('CREDIT that raises nothing', 'CHN-022', client().channel('open').receive('CREDIT', limits(64, 1_048_576))),
      'CREDIT_INVALID',
    ),
    bad(
      row(
        'CREDIT that lowers the message limit',
        'CHN-022',
        client().channel('open').receive('CREDIT', limits(63, 2_097_152)),
      ),
      'CREDIT_INVALID',
    ),
    bad(
      row(
        'CREDIT that lowers the octet limit',
        'CHN-022',
        client().channel('open').receive('CREDIT', limits(128, 1_048_575)),
      ),
      'CREDIT_INVALID',
    ),
    bad(
      row('CREDIT that lowers both limits', 'CHN-022', client().channel('open').receive('CREDIT', limits(0, 0))),
      'CREDIT_INVALID',
    ),
    bad(
      row(
        'CREDIT twice with the same limits',
        'CHN-022',
        server().channel('open').receive('CREDIT', limits(100, 2_097_152)).receive('CREDIT', limits(100, 2_097_152)),
      ),
      'CREDIT_INVALID',
    ),
    bad(
      row(
        'second CREDIT lower than the first',
        'CHN-022',
        server().channel('open').receive('CREDIT', limits(100, 2_097_152)).receive('CREDIT', limits(101, 2_097_151)),
      ),
      'CREDIT_INVALID',
    ),
    bad(
      row(
        "CREDIT that raises nothing behind the peer's END",
        'CHN-022',
        client().channel('half-closed-remote').receive('CREDIT', limits(64, 1_048_576)),
      ),
      'CREDIT_INVALID',
    ),
    bad(
      row('CREDIT that repeats the limits of ACCEPT', 'CHN-022', granted().receive('CREDIT', limits(8, 2048)), early),
      'CREDIT_INVALID',
    ),
    bad(
      row(
        'CREDIT that lowers the limits that the peer declared',
        'CHN-022',
        server().channel('open').receive('CREDIT', limits(65, 1_048_577)),
        { peer: { initial_message_credit: 66 } },
      ),
      'CREDIT_INVALID',
    ),
  ];
}
