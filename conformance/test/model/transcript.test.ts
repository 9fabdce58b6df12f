import { createHash, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { buildFrame, fromHex, toHex } from '../../model/codec.ts';
import {
  acceptTranscript,
  connectTranscript,
  schemeOfKey,
  sign,
  signedContent,
  verify,
  withoutSignature,
  withSignature,
} from '../../model/transcript.ts';

const CHALLENGE = fromHex(`01 00 0022 00000000 0000000000000000 ${'c1'.repeat(32)} 0000`);
// mode new, zeros for resumption, nonce, audience "a", no parameters, scheme, signature of three octets.
const CONNECT_HEAD = `02 00 0055 00000000 0000000000000000 00 ${'00'.repeat(40)} ${'c2'.repeat(32)} 0001 61 0000 0807`;
const CONNECT = fromHex(`${CONNECT_HEAD} 0003 010203`);
const ACCEPT_HEAD = `03 00 0027 00000000 0000000000000000 ${'c3'.repeat(16)} 0000000000000001 0000000000000000 0000 0403`;
const ACCEPT = fromHex(`${ACCEPT_HEAD} 0001 ff`);
const INPUT = {
  exporter: new Uint8Array(32).fill(1),
  clientLeaf: new Uint8Array(32).fill(2),
  serverLeaf: new Uint8Array(32).fill(3),
  challenge: CHALLENGE,
  connect: CONNECT,
};

describe('transcripts', () => {
  it('end at the scheme and keep the header', () => {
    expect(toHex(withoutSignature(CONNECT))).toBe(toHex(fromHex(CONNECT_HEAD)));
    const common = `${'01'.repeat(32)}${'02'.repeat(32)}${'03'.repeat(32)}${toHex(CHALLENGE)}`;
    expect(toHex(connectTranscript(INPUT))).toBe(`${common}${toHex(fromHex(CONNECT_HEAD))}`);
    expect(toHex(acceptTranscript(INPUT, ACCEPT))).toBe(`${common}${toHex(CONNECT)}${toHex(fromHex(ACCEPT_HEAD))}`);
  });

  it('become signed content', () => {
    const content = signedContent('connect', CHALLENGE);
    const digest = createHash('sha256').update(CHALLENGE).digest('hex');
    const label = Buffer.from('Hawser/1 client CONNECT').toString('hex');
    expect(toHex(content)).toBe(`${'20'.repeat(64)}${label}00${digest}`);
  });

  it('give a frame another signature', () => {
    const signed = withSignature(CONNECT, new Uint8Array(64));
    expect(signed.length).toBe(CONNECT.length + 61);
    expect(toHex(signed.subarray(2, 4))).toBe('0092');
  });
});

describe('signatures', () => {
  const keys = {
    ecdsa_secp256r1_sha256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    ecdsa_secp384r1_sha384: generateKeyPairSync('ec', { namedCurve: 'P-384' }),
    rsa_pss_rsae_sha256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
    ed25519: generateKeyPairSync('ed25519'),
  };

  it.each(Object.entries(keys))('%s verifies, and only unchanged', (name, { privateKey, publicKey }) => {
    const content = signedContent('accept', CHALLENGE);
    const { scheme, signature } = sign(privateKey, content);
    expect(schemeOfKey(publicKey)?.name).toBe(name);
    expect(verify(scheme, publicKey, content, signature)).toBe(true);
    expect(verify(scheme, publicKey, signedContent('connect', CHALLENGE), signature)).toBe(false);
    expect(verify(scheme, publicKey, content, signature.subarray(1))).toBe(false);
    expect(verify(scheme ^ 1, publicKey, content, signature)).toBe(false);
  });

  it('belong to the key alone', () => {
    const content = signedContent('accept', CHALLENGE);
    const { scheme, signature } = sign(keys.ed25519.privateKey, content);
    expect(verify(scheme, keys.ecdsa_secp256r1_sha256.publicKey, content, signature)).toBe(false);
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-521' });
    expect(() => sign(privateKey, content)).toThrow('no signature scheme');
  });

  it('need a frame that reaches its signature', () => {
    expect(() => withoutSignature(buildFrame('PING'))).toThrow('PING');
  });
});
