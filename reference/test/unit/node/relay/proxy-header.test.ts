import { describe, expect, it } from 'vitest';
import { type ProxyHeader, encodeProxyHeader } from '../../../../node/relay/proxy-header.ts';

// Written by hand from section 2.2 of the specification of the PROXY protocol, version 2.
const SIGNATURE = '0d0a0d0a 000d0a51 5549540a';
/** 15 + 15 + 14 octets: type, length, value of AUTHORITY, CLIENT_IDENTITY, RELAY_IDENTITY. */
const TLVS = `02 000b 72656c61792f70726f7879
  e0 000c 7370696666653a2f2f612f63
  e1 000c 7370696666653a2f2f612f72`;

const header = (remote: string, local: string): ProxyHeader => ({
  addresses: { remote: { address: remote, port: 50_000 }, local: { address: local, port: 7443 } },
  authority: 'relay/proxy',
  clientIdentity: 'spiffe://a/c',
  relayIdentity: 'spiffe://a/r',
});
const encode = (value: ProxyHeader): string => Buffer.from(encodeProxyHeader(value)).toString('hex');
const hex = (...parts: readonly string[]): string => parts.join('').replaceAll(/\s/g, '');
const PORTS = 'c350 1d13';

describe('encodeProxyHeader', () => {
  it('has addresses and ports of TCP over IPv4', () => {
    const expected = hex(SIGNATURE, '21 11 0038', 'c0000201 c6336402', PORTS, TLVS);
    expect(encode(header('192.0.2.1', '198.51.100.2'))).toBe(expected);
  });

  it('has addresses and ports of TCP over IPv6', () => {
    const source = '20010db8 00000000 00000000 00000001';
    const destination = '20010db8 000a000b 000c000d 000e000f';
    const expected = hex(SIGNATURE, '21 21 0050', source, destination, PORTS, TLVS);
    expect(encode(header('2001:db8::1', '2001:db8:a:b:c:d:e:f'))).toBe(expected);
  });

  it('writes an IPv4 address that came mapped to IPv6 as what it is', () => {
    expect(encode(header('::ffff:192.0.2.1', '::ffff:198.51.100.2'))).toBe(encode(header('192.0.2.1', '198.51.100.2')));
    expect(encode(header('::ffff:c000:201', '198.51.100.2'))).toBe(encode(header('192.0.2.1', '198.51.100.2')));
  });

  it.each([
    ['::', '00000000 00000000 00000000 00000000'],
    ['::1', '00000000 00000000 00000000 00000001'],
    ['fe80::', 'fe800000 00000000 00000000 00000000'],
    ['fe80::1%eth0', 'fe800000 00000000 00000000 00000001'],
    ['64:ff9b::192.0.2.1', '0064ff9b 00000000 00000000 c0000201'],
    ['1:2:3:4:5:6:7:8', '00010002 00030004 00050006 00070008'],
  ])('writes %s in 16 octets', (address, octets) => {
    expect(encode(header(address, '::1')).slice(32, 64)).toBe(hex(octets));
  });

  it('leaves the addresses out when no connection is known any more', () => {
    const expected = hex(SIGNATURE, '21 00 002c', TLVS);
    expect(encode({ ...header('::1', '::1'), addresses: undefined })).toBe(expected);
  });

  it('writes identities in UTF-8, of any length that they can have', () => {
    const encoded = encode({ ...header('::1', '::1'), clientIdentity: 'é'.repeat(1024) });
    expect(encoded).toContain(`e00800${'c3a9'.repeat(1024)}e1`);
  });

  it('refuses addresses that are not those of one connection', () => {
    for (const [remote, local] of [
      ['192.0.2.1', '::1'],
      ['localhost', '::1'],
      ['', '192.0.2.1'],
    ] as const) {
      expect(() => encodeProxyHeader(header(remote, local))).toThrow(
        expect.objectContaining({ code: 'HAWSER_ERR_MISUSE_ADDRESS' }),
      );
    }
  });
});
