import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  acceptContent,
  connectContent,
  exporterContext,
  openingContent,
  proofContent,
  signFrame,
} from '../../../core/transcript.ts';
import { hex, octets } from './wire.ts';

const bound = {
  exporter: octets('e1'.repeat(32)),
  clientLeafHash: octets('c1'.repeat(32)),
  serverLeafHash: octets('51'.repeat(32)),
};
const challenge = octets('0a0b');
const connect = octets('01020304 0003 aabbcc');
const accept = octets('0506 0002 ddee');

function sha256(...parts: readonly string[]): string {
  return createHash('sha256')
    .update(octets(parts.join('')))
    .digest('hex');
}

/** 64 spaces, the label, a zero octet, the hash. */
function content(label: string, transcript: string): string {
  return `${'20'.repeat(64)}${Buffer.from(label).toString('hex')}00${transcript}`;
}

describe('the signed content', () => {
  const leaves = [hex(bound.exporter), hex(bound.clientLeafHash), hex(bound.serverLeafHash)];

  it('of CONNECT covers the octets as they are, its signature left out [EST-001]', () => {
    const expected = content('Hawser/1 client CONNECT', sha256(...leaves, '0a0b', '01020304'));
    expect(hex(connectContent(bound, challenge, connect, 3))).toBe(expected);
  });

  it('of ACCEPT covers CONNECT with its signature [EST-001]', () => {
    const expected = content('Hawser/1 server ACCEPT', sha256(...leaves, '0a0b', '010203040003aabbcc', '0506'));
    expect(hex(acceptContent(bound, challenge, connect, accept, 2))).toBe(expected);
  });

  it('is bound to the connection by the hash of CHALLENGE in the exporter context', () => {
    expect(hex(exporterContext(challenge))).toBe(sha256('0a0b'));
  });
});

describe('the signed content of end-to-end proof', () => {
  const payloads = { open: octets('0102'), prove: octets('0304'), proof: octets('0506 0003 aabbcc') };

  it('is OPEN, PROVE and PROOF without its signature for the client (section 13.7)', () => {
    const expected = content('Hawser/1 client PROOF', sha256('0102', '0304', '0506'));
    expect(hex(proofContent(payloads, 3))).toBe(expected);
  });

  it('is all three and the parameters of OPENED for the application end (section 13.7)', () => {
    const expected = content('Hawser/1 application OPENED', sha256('0102', '0304', '05060003aabbcc', '0708'));
    expect(hex(openingContent(payloads, octets('0708')))).toBe(expected);
  });
});

describe('signFrame', () => {
  it('puts the signature at the end of the frame', () => {
    const frame = octets('0506 0002 0000');
    signFrame(frame, octets('00'), { scheme: 1, signatureBytes: 2, sign: () => octets('beef') });
    expect(hex(frame)).toBe('05060002beef');
  });

  it('does not send a signature of another length than the header says', () => {
    const signer = { scheme: 1, signatureBytes: 2, sign: () => octets('beefbe') };
    expect(() => signFrame(octets('0506 0002 0000'), octets('00'), signer)).toThrow(
      expect.objectContaining({ code: 'HAWSER_ERR_INTERNAL' }),
    );
  });
});
