/** The same octets, cut in different ways. */
import { concat, fromHex } from '../../conformance/model/codec.ts';
import type { Script } from './script.ts';
import { good, bad, client, server, fragment, delivered } from './stream-case.ts';
import type { Draft } from './stream-case.ts';

export function streamDivision(): Draft[] {
  const whole = (): { script: Script; octets: Uint8Array } => {
    const script = client().send('OPEN');
    const frames = [
      script.frame('receive', 'OPENED'),
      script.frame('receive', 'MESSAGE', fragment(['FIRST'], 'ab')),
      script.frame('receive', 'MESSAGE', fragment(['LAST'], 'c')),
      script.frame('receive', 'END'),
    ];
    return { script, octets: concat(...frames) };
  };
  const end = { channels: { 1: 'half-closed-remote' }, delivered: [delivered(1, 'abc')] };
  const cut = (comment: string, sizes: (at: number) => number): Draft => {
    const { script, octets } = whole();
    for (let at = 0; at < octets.length; at += sizes(at)) script.receiveOctets(octets.subarray(at, at + sizes(at)));
    return good({ comment, requirements: ['WIR-002'], flag: 'Division', script }, end);
  };
  const header = client();
  for (const octet of fromHex('10003ff1000000000000000000000000')) header.receiveOctets(Uint8Array.of(octet));
  const malformed = client();
  for (const octet of malformed.frame('receive', 'OPENED', { seq: 1 }).subarray(0, 15))
    malformed.receiveOctets(Uint8Array.of(octet));
  const short = client().send('OPEN');
  const bytes = short.frame('receive', 'OPENED', { rawPayload: fromHex('0004 801b 0001'), seq: 1 });
  for (const octet of bytes) short.receiveOctets(Uint8Array.of(octet));
  return [
    cut('four frames in one piece', () => 1000),
    cut('four frames in single octets', () => 1),
    cut('four frames in pieces of two octets', () => 2),
    cut('four frames in pieces of 15 octets', () => 15),
    cut('four frames in pieces of 17 octets', () => 17),
    cut('four frames cut inside of the second header', (at) => (at === 0 ? 22 : 1000)),
    good({
      comment: 'an incomplete header is nothing yet',
      requirements: ['WIR-003'],
      flag: 'Division',
      script: malformed,
    }),
    good({
      comment: 'an incomplete payload is nothing yet',
      requirements: ['WIR-003'],
      flag: 'Division',
      script: client().receiveOctets(fromHex('10000008 00000000 0000000000000000 00000000000000')),
    }),
    bad(
      {
        comment: 'length too large, in single octets: the error is due with the header',
        requirements: ['WIR-001'],
        flag: 'Division',
        script: header,
      },
      'FRAME_TOO_LARGE',
      'header',
    ),
    bad(
      {
        comment: 'length too large, header alone',
        requirements: ['WIR-001'],
        flag: 'Division',
        script: server().receiveOctets(fromHex('2803ffff 00000001 0000000000000001')),
      },
      'FRAME_TOO_LARGE',
      'header',
    ),
    bad(
      {
        comment: 'malformed parameters, in single octets: the error is due with the frame',
        requirements: ['WIR-021'],
        flag: 'Division',
        script: short,
      },
      'PARAMETER_MALFORMED',
      'parameters',
    ),
  ];
}
