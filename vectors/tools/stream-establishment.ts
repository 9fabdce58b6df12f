/** Establishment: which frame may come when, and what CONNECT and ACCEPT are judged by. */
import { octetsFor } from './octet-source.ts';
import type { Script, StepInput } from './script.ts';
import { good, bad, client, server, text } from './stream-case.ts';
import type { Draft, Setting, Case } from './stream-case.ts';

export function establishmentFrames(): Draft[] {
  const IDENTITY = 'spiffe://example.test/server';
  const challenged = (): Script => client().receive('CHALLENGE').answer('CONNECT');
  const asked = (input: StepInput = {}): Script => server().answer('CHALLENGE').receive('CONNECT', input);
  const early = (comment: string, requirements: readonly string[], script: Script, setting: Setting = {}): Case => ({
    comment,
    requirements,
    flag: 'Establishment',
    script,
    state: script.role === 'client' ? 'awaiting-challenge' : 'awaiting-connect',
    ...(script.role === 'server' ? { identity: IDENTITY } : {}),
    ...setting,
  });
  const accepted = (): Script => challenged().receive('ACCEPT');
  const audiences = [
    ['in upper case', 'SPIFFE://example.test/server'],
    ['with one letter in another case', 'spiffe://example.test/Server'],
    ['with a slash at its end', 'spiffe://example.test/server/'],
    ['without its last letter', 'spiffe://example.test/serve'],
    ['with more behind it', 'spiffe://example.test/server2'],
    ['with a wildcard', 'spiffe://example.test/*'],
    ['of another scheme', 'https://example.test/server'],
    ['percent-encoded', 'spiffe://example.test/serve%72'],
    ['with a space at its end', 'spiffe://example.test/server '],
  ] as const;
  return [
    good(early('CHALLENGE, CONNECT, ACCEPT', ['EST-022', 'SES-001'], accepted())),
    good(early('REJECT instead of CHALLENGE', ['SES-001'], client().receive('REJECT')), { connection: 'closed' }),
    good(early('REJECT instead of ACCEPT', ['SES-001'], challenged().receive('REJECT')), { connection: 'closed' }),
    good(
      early(
        'REJECT with a code that is unknown',
        ['ERR-002'],
        challenged().receive('REJECT', { fields: { code: 0x9999 } }),
      ),
      { connection: 'closed' },
    ),
    good(
      early(
        'CHALLENGE with parameters that are unknown and ignorable',
        ['WIR-023'],
        client()
          .receive('CHALLENGE', { fields: { parameters: [{ id: 0xfffe, value: text('?') }] } })
          .answer('CONNECT'),
      ),
      { connection: 'awaiting-accept' },
    ),
    good(early('CHALLENGE, CONNECT, ACCEPT', ['EST-015', 'SES-001'], asked().send('ACCEPT'))),
    good(
      early(
        'CLOSE instead of CONNECT',
        ['SES-001'],
        server()
          .answer('CHALLENGE')
          .receive('CLOSE', { fields: { code: 0x0201 } }),
      ),
      { connection: 'closed' },
    ),
    good(
      early(
        'CLOSE while the decision is being made',
        ['EST-014'],
        asked().receive('CLOSE', { fields: { code: 0x0206 } }),
      ),
      { connection: 'closed' },
    ),
    good(early('CONNECT, and the decision is to reject', ['EST-023'], asked().send('REJECT')), {
      connection: 'closing',
    }),
    good(
      early(
        'frames behind a CONNECT that was rejected are discarded',
        ['SES-014'],
        asked().send('REJECT').receive('OPEN').receive('PING'),
      ),
      { connection: 'closing', cursors: { receive: 0, send: 0 } },
    ),

    ...audiences.map(([comment, audience]) =>
      bad(early(`audience ${comment}`, ['EST-016'], asked({ fields: { audience } })), 'AUDIENCE_MISMATCH'),
    ),
    bad(
      early('signature does not verify', ['EST-005'], asked(), { verdicts: { signature: false } }),
      'SIGNATURE_INVALID',
      'signature',
    ),
    bad(
      early(
        'signature does not verify and the audience is another',
        ['EST-015'],
        asked({ fields: { audience: 'other' } }),
        { verdicts: { signature: false } },
      ),
      'SIGNATURE_INVALID',
      'signature',
    ),
    bad(
      early('signature does not verify in mode resume', ['EST-015'], asked({ fields: { mode: 'resume', epoch: 1 } }), {
        verdicts: { signature: false },
      }),
      'SIGNATURE_INVALID',
      'signature',
    ),
    bad(
      early('policy does not accept the client identity', ['EST-017'], asked(), { verdicts: { peerIdentity: false } }),
      'AUTHENTICATION_FAILED',
    ),
    bad(
      early(
        'policy does not accept the client identity and the audience is another',
        ['EST-016'],
        asked({ fields: { audience: 'other' } }),
        { verdicts: { peerIdentity: false } },
      ),
      'AUDIENCE_MISMATCH',
    ),
    bad(
      early(
        'policy does not accept the client identity in mode resume',
        ['EST-017'],
        asked({ fields: { mode: 'resume', epoch: 1 } }),
        { verdicts: { peerIdentity: false } },
      ),
      'AUTHENTICATION_FAILED',
    ),
    bad(
      early(
        'mode resume',
        ['EST-018'],
        asked({ fields: { mode: 'resume', session_id: octetsFor('session', 16), epoch: 1 } }),
      ),
      'RESUME_REFUSED',
    ),
    bad(early('mode resume with zeros', ['EST-018'], asked({ fields: { mode: 'resume' } })), 'RESUME_REFUSED'),
    bad(early('CONNECT twice', ['EST-014'], asked().receive('CONNECT')), 'FRAME_UNEXPECTED'),
    bad(early('PING before ACCEPT', ['EST-014'], asked().receive('PING')), 'FRAME_UNEXPECTED'),
    bad(early('OPEN before ACCEPT', ['EST-014'], asked().receive('OPEN')), 'FRAME_UNEXPECTED'),
    bad(early('GREASE frame before ACCEPT', ['EST-014', 'WIR-006'], asked().receiveIgnorable()), 'FRAME_UNEXPECTED'),
    bad(
      early('OPEN instead of CONNECT', ['SES-001'], server().answer('CHALLENGE').receive('OPEN')),
      'FRAME_UNEXPECTED',
    ),
    bad(early('CONNECT after ACCEPT', ['SES-001'], asked().send('ACCEPT').receive('CONNECT')), 'FRAME_UNEXPECTED'),
    bad(
      early(
        'unknown critical parameter in CONNECT',
        ['WIR-022'],
        asked({ fields: { parameters: [{ id: 0x30, value: text('x') }] } }),
      ),
      'PARAMETER_UNKNOWN',
      'parameters',
    ),

    bad(
      early('server identity is not the audience', ['EST-010'], client().receive('CHALLENGE'), {
        verdicts: { peerIdentity: false },
      }),
      'AUTHENTICATION_FAILED',
    ),
    bad(early('ACCEPT instead of CHALLENGE', ['SES-001'], client().receive('ACCEPT')), 'FRAME_UNEXPECTED'),
    bad(early('CHALLENGE twice', ['SES-001'], challenged().receive('CHALLENGE')), 'FRAME_UNEXPECTED'),
    bad(early('CLOSE instead of ACCEPT', ['SES-001'], challenged().receive('CLOSE')), 'FRAME_UNEXPECTED'),
    bad(early('PING before ACCEPT', ['SES-001'], challenged().receive('PING')), 'FRAME_UNEXPECTED'),
    bad(
      early('GREASE frame before ACCEPT', ['SES-001', 'WIR-006'], challenged().receiveIgnorable()),
      'FRAME_UNEXPECTED',
    ),
    bad(early('MESSAGE before ACCEPT', ['SES-001'], challenged().receive('MESSAGE')), 'FRAME_UNEXPECTED'),
    bad(early('ACCEPT twice', ['SES-001'], accepted().receive('ACCEPT')), 'FRAME_UNEXPECTED'),
    bad(early('REJECT after ACCEPT', ['SES-001'], accepted().receive('REJECT')), 'FRAME_UNEXPECTED'),
    bad(
      early('ACCEPT with epoch 2', ['EST-021'], challenged().receive('ACCEPT', { fields: { epoch: 2 } })),
      'FRAME_MALFORMED',
    ),
    bad(
      early(
        'ACCEPT with receive cursor 1',
        ['EST-021'],
        challenged().receive('ACCEPT', { fields: { receive_cursor: 1 } }),
      ),
      'FRAME_MALFORMED',
    ),
    bad(
      early('ACCEPT whose signature does not verify', ['EST-005', 'EST-022'], challenged().receive('ACCEPT'), {
        verdicts: { signature: false },
      }),
      'SIGNATURE_INVALID',
      'signature',
    ),
    bad(
      early(
        'ACCEPT with epoch 2 whose signature does not verify',
        ['EST-005'],
        challenged().receive('ACCEPT', { fields: { epoch: 2 } }),
        { verdicts: { signature: false } },
      ),
      'SIGNATURE_INVALID',
      'signature',
    ),
  ];
}
