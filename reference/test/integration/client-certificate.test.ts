import { beforeAll, describe, expect, it } from 'vitest';
import { type Credential, createCertificateAuthority } from '../../pki/index.ts';
import { RecordingLog, connectClient, expectEcho, startServer } from './support/endpoints.ts';
import { CLIENT_IDENTITY, type Kit, createKit, issue, toCredential } from './support/kit.ts';
import { connectRaw, rawTlsOptions } from './support/raw-peer.ts';

let kit: Kit;
let revoked: Credential;
let crls: Uint8Array[];
beforeAll(async () => {
  kit = await createKit();
  const issued = await kit.authority.issue({ role: 'client', uris: [CLIENT_IDENTITY] });
  revoked = await toCredential(issued);
  crls = [(await kit.authority.crl({ revoked: [{ serial: issued.serial }] })).der];
});

const HOUR_MS = 3_600_000;

/** How each bad client comes about, and what the server's log calls it. */
const BAD_CLIENTS: readonly {
  readonly name: string;
  readonly reason: string;
  readonly credential: () => Promise<Credential | null>;
}[] = [
  { name: 'no certificate', reason: 'no-certificate', credential: () => Promise.resolve(null) },
  {
    name: 'an expired certificate',
    reason: 'cert-has-expired',
    credential: () =>
      issue(kit.authority, {
        role: 'client',
        uris: [CLIENT_IDENTITY],
        notBefore: new Date(Date.now() - 2 * HOUR_MS),
        notAfter: new Date(Date.now() - HOUR_MS),
      }),
  },
  {
    name: 'a certificate of another authority',
    reason: 'unable-to-verify-leaf-signature',
    credential: async () => {
      const other = await createCertificateAuthority({ commonName: 'Other authority' });
      return issue(other, { role: 'client', uris: [CLIENT_IDENTITY] });
    },
  },
  { name: 'a revoked certificate', reason: 'cert-revoked', credential: () => Promise.resolve(revoked) },
  {
    name: 'a certificate for servers only',
    reason: 'invalid-purpose',
    credential: () => issue(kit.authority, { role: 'server', uris: [CLIENT_IDENTITY] }),
  },
  {
    name: 'a certificate without extended key usage',
    reason: 'wrong-eku',
    credential: () => issue(kit.authority, { role: 'client', uris: [CLIENT_IDENTITY], extendedKeyUsages: null }),
  },
  {
    name: 'two identities',
    reason: 'ambiguous-identity',
    credential: () => issue(kit.authority, { role: 'client', uris: [CLIENT_IDENTITY, 'spiffe://hawser.test/other'] }),
  },
  {
    name: 'a common name only',
    reason: 'no-identity',
    credential: () => issue(kit.authority, { role: 'client', commonName: 'client.hawser.test' }),
  },
];

describe('a server refuses a client with', () => {
  it.each(BAD_CLIENTS)('$name: the log knows why, the client hears AUTHENTICATION_FAILED [EST-017]', async (bad) => {
    const log = new RecordingLog();
    const { port } = await startServer(kit, { crls, log });
    const { reader } = await connectRaw(rawTlsOptions(kit, port, await bad.credential()));
    expect(await reader.code('REJECT')).toBe('AUTHENTICATION_FAILED');
    expect((await reader.frame('REJECT')).payload.subarray(2)).toEqual(new Uint8Array(6));
    await reader.ended;
    expect((await log.line('client refused')).fields).toMatchObject({ reason: bad.reason });
    await expectEcho(await connectClient(kit, port, { crls }));
  });

  it('an identity that the policy does not know, with the same answer [ERR-004]', async () => {
    const { port } = await startServer(kit, {
      policy: { acceptsClient: (identity) => identity !== CLIENT_IDENTITY, allowsApplication: () => true },
    });
    await expect(connectClient(kit, port)).rejects.toMatchObject({
      code: 'HAWSER_ERR_REMOTE_AUTHENTICATION_FAILED',
      retryAfterMs: 0,
    });
  });
});
