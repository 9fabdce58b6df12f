import { beforeAll, describe, expect, it } from 'vitest';
import { type CertificateAuthority, identityOf } from '../../../pki/index.ts';
import { createRoot } from './laboratory.ts';

describe('identityOf', () => {
  let root: CertificateAuthority;
  beforeAll(async () => {
    root = await createRoot();
  });

  const identify = async (uris: string[], dnsNames: string[]): Promise<ReturnType<typeof identityOf>> => {
    const leaf = await root.issue({ role: 'client', commonName: 'cn.example', uris, dnsNames });
    return identityOf(leaf.certificateDer);
  };

  it('is the one URI, whatever DNS names stand beside it', async () => {
    const result = await identify(['spiffe://bank.example/teller'], ['a.example', 'b.example']);
    expect(result).toEqual({ ok: true, identity: { kind: 'uri', value: 'spiffe://bank.example/teller' } });
  });

  it('may be as long as an audience', async () => {
    const longest = `urn:${'a'.repeat(2044)}`;
    expect(await identify([longest], [])).toMatchObject({ ok: true, identity: { value: longest } });
  });

  it('is the one DNS name where there is no URI, in the spelling of the certificate', async () => {
    const result = await identify([], ['Teller.Bank.Example']);
    expect(result).toEqual({ ok: true, identity: { kind: 'dns', value: 'Teller.Bank.Example' } });
  });

  it.each([
    ['several URIs', ['urn:a', 'urn:b'], ['a.example'], 'ambiguous-identity'],
    ['several DNS names', [], ['a.example', 'b.example'], 'ambiguous-identity'],
    ['a common name alone', [], [], 'no-identity'],
    ['an empty URI', [''], [], 'malformed-identity'],
    ['a URI with a space', ['urn:a b'], [], 'malformed-identity'],
    ['a URI longer than an audience may be', [`urn:${'a'.repeat(2045)}`], [], 'malformed-identity'],
    ['a DNS name with a zero octet', [], ['bank.example\0.evil.example'], 'malformed-identity'],
  ])('refuses %s', async (_what, uris, dnsNames, reason) => {
    expect(await identify(uris, dnsNames)).toMatchObject({ ok: false, reason, requirement: 'TLS-021', depth: 0 });
  });

  it('refuses octets that are not a certificate', () => {
    expect(identityOf(Uint8Array.from([0x30, 0x00]))).toMatchObject({ ok: false, reason: 'malformed' });
  });
});
