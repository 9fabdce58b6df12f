/** Messages in fragments. */
import { octetsFor } from './octet-source.ts';
import type { Script } from './script.ts';
import { good, bad, server, fragment, delivered } from './stream-case.ts';
import type { Draft, Setting, Case } from './stream-case.ts';

export function messageFragments(): Draft[] {
  const row = (comment: string, requirement: string, script: Script, setting: Setting = {}): Case => ({
    comment,
    requirements: [requirement],
    flag: 'Fragment',
    script,
    ...setting,
  });
  const open = (): Script => server().channel('open');
  const begun = (): Script => open().receive('MESSAGE', fragment(['FIRST'], 'ab'));
  const two = (): Script => open().receive('OPEN', { channel: 2 }).send('OPENED', { channel: 2 });
  const large = octetsFor('large message', 20_000);
  const small = { own: { max_message_bytes: 1024 } };
  return [
    good(
      row(
        'a message in three fragments',
        'CHN-015',
        begun()
          .receive('MESSAGE', fragment([], 'cd'))
          .receive('MESSAGE', fragment(['LAST'], 'e')),
      ),
      { channels: { 1: 'open' }, delivered: [delivered(1, 'abcde')] },
    ),
    good(
      row(
        'a message in fragments of the maximum payload',
        'CHN-015',
        open()
          .receive('MESSAGE', fragment(['FIRST'], large.subarray(0, 16_368)))
          .receive('MESSAGE', fragment(['LAST'], large.subarray(16_368))),
      ),
      { channels: { 1: 'open' }, delivered: [delivered(1, large)] },
    ),
    good(row('an incomplete message is not delivered', 'CHN-016', begun().receive('MESSAGE', fragment([], 'cd'))), {
      channels: { 1: 'open' },
    }),
    good(
      row(
        'fragments of two channels interleaved',
        'CHN-015',
        two()
          .receive('MESSAGE', fragment(['FIRST'], 'a1'))
          .receive('MESSAGE', fragment(['FIRST'], 'b1', 2))
          .receive('MESSAGE', fragment(['LAST'], 'a2'))
          .receive('MESSAGE', fragment(['LAST'], 'b2', 2)),
      ),
      { channels: { 1: 'open', 2: 'open' }, delivered: [delivered(1, 'a1a2'), delivered(2, 'b1b2')] },
    ),
    good(
      row(
        'PING and CREDIT between fragments',
        'CHN-012',
        begun()
          .receive('PING')
          .answer('PONG')
          .receive('CREDIT')
          .receive('MESSAGE', fragment(['LAST'], 'c')),
      ),
      { channels: { 1: 'open' }, delivered: [delivered(1, 'abc')] },
    ),
    good(
      row(
        'RESET inside of a message',
        'CHN-029',
        begun()
          .receive('RESET')
          .answer('RESET', { fields: { code: 0x0405 } }),
      ),
      { channels: { 1: 'closed' } },
    ),
    good(row('empty messages', 'CHN-014', open().receive('MESSAGE').receive('MESSAGE')), {
      channels: { 1: 'open' },
      delivered: [delivered(1, ''), delivered(1, '')],
    }),
    good(
      row(
        'a message as large as was declared',
        'CHN-018',
        open()
          .receive('MESSAGE', fragment(['FIRST'], new Uint8Array(1000)))
          .receive('MESSAGE', fragment(['LAST'], new Uint8Array(24))),
        small,
      ),
      { channels: { 1: 'open' }, delivered: [delivered(1, new Uint8Array(1024))] },
    ),
    good(
      row(
        'several messages that are larger together',
        'CHN-018',
        open()
          .receive('MESSAGE', fragment(['FIRST', 'LAST'], new Uint8Array(1024)))
          .receive('MESSAGE', fragment(['FIRST', 'LAST'], new Uint8Array(1))),
        small,
      ),
      { channels: { 1: 'open' }, delivered: [delivered(1, new Uint8Array(1024)), delivered(1, new Uint8Array(1))] },
    ),
    bad(
      row(
        'last fragment where no message is incomplete',
        'CHN-013',
        open().receive('MESSAGE', fragment(['LAST'], 'a')),
      ),
      'FRAGMENT_INVALID',
    ),
    bad(
      row('middle fragment where no message is incomplete', 'CHN-013', open().receive('MESSAGE', fragment([], 'a'))),
      'FRAGMENT_INVALID',
    ),
    bad(
      row(
        'middle fragment behind a complete message',
        'CHN-013',
        begun()
          .receive('MESSAGE', fragment(['LAST'], 'c'))
          .receive('MESSAGE', fragment([], 'd')),
      ),
      'FRAGMENT_INVALID',
    ),
    bad(
      row('first fragment inside of a message', 'CHN-013', begun().receive('MESSAGE', fragment(['FIRST'], 'c'))),
      'FRAGMENT_INVALID',
    ),
    bad(
      row('whole message inside of a message', 'CHN-013', begun().receive('MESSAGE', fragment(['FIRST', 'LAST'], 'c'))),
      'FRAGMENT_INVALID',
    ),
    bad(row('empty message inside of a message', 'CHN-013', begun().receive('MESSAGE')), 'FRAGMENT_INVALID'),
    bad(
      row(
        'continuation on another channel',
        'CHN-013',
        two()
          .receive('MESSAGE', fragment(['FIRST'], 'a'))
          .receive('MESSAGE', fragment(['LAST'], 'b', 2)),
      ),
      'FRAGMENT_INVALID',
    ),
    bad(row('empty first fragment', 'CHN-014', open().receive('MESSAGE', fragment(['FIRST'], ''))), 'FRAGMENT_INVALID'),
    bad(row('empty middle fragment', 'CHN-014', begun().receive('MESSAGE', fragment([], ''))), 'FRAGMENT_INVALID'),
    bad(row('empty last fragment', 'CHN-014', begun().receive('MESSAGE', fragment(['LAST'], ''))), 'FRAGMENT_INVALID'),
    bad(row('END inside of a message', 'CHN-027', begun().receive('END')), 'FRAGMENT_INVALID'),
    bad(
      row(
        'END inside of a message, behind the own END',
        'CHN-027',
        open()
          .send('END')
          .receive('MESSAGE', fragment(['FIRST'], 'a'))
          .receive('END'),
      ),
      'FRAGMENT_INVALID',
    ),
    bad(
      row(
        'message larger than was declared',
        'CHN-018',
        open().receive('MESSAGE', fragment(['FIRST', 'LAST'], new Uint8Array(1025))),
        small,
      ),
      'MESSAGE_TOO_LARGE',
    ),
    bad(
      row(
        'fragments larger together than was declared',
        'CHN-018',
        open()
          .receive('MESSAGE', fragment(['FIRST'], new Uint8Array(1000)))
          .receive('MESSAGE', fragment([], new Uint8Array(25))),
        small,
      ),
      'MESSAGE_TOO_LARGE',
    ),
    bad(
      row(
        'fragments of the maximum payload, larger together than was declared',
        'CHN-018',
        ((): Script => {
          const script = open();
          const piece = octetsFor('large message', 16_368);
          script.receive('MESSAGE', fragment(['FIRST'], piece)).receive('MESSAGE', fragment(['LAST'], piece));
          return script;
        })(),
        { own: { max_message_bytes: 20_000 } },
      ),
      'MESSAGE_TOO_LARGE',
    ),
  ];
}
