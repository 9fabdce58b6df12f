import { once } from 'node:events';
import { type AddressInfo } from 'node:net';
import { type TLSSocket, createServer as createTlsServer } from 'node:tls';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { encodeFrame } from '../../core/frames/header.ts';
import { encodeChallenge } from '../../core/frames/challenge.ts';
import { type Credential, createCertificateAuthority } from '../../pki/index.ts';
import { connectClient, startServer } from './support/endpoints.ts';
import { type Kit, SERVER_IDENTITY, createKit, issue, toCredential } from './support/kit.ts';
import { FrameReader } from './support/raw-peer.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

/** A server that presents what it is given and sends CHALLENGE; it keeps what the client sends. */
async function startImpostor(
  credential: Credential,
): Promise<{ readonly port: number; readonly reader: Promise<FrameReader> }> {
  const server = createTlsServer({
    cert: credential.chainPem,
    key: credential.keyPem,
    ALPNProtocols: ['hawser/1'],
    requestCert: true,
    rejectUnauthorized: false,
  });
  const reader = (once(server, 'secureConnection') as Promise<[TLSSocket]>).then(([socket]) => {
    socket.on('error', () => undefined);
    socket.write(encodeFrame('CHALLENGE', encodeChallenge({ serverNonce: new Uint8Array(32), parameters: {} })));
    return new FrameReader(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { port: (server.address() as AddressInfo).port, reader };
}

describe('a client refuses an audience', () => {
  it.each(['', 'spiffe://hawser.test/a b', 'a\0b', 'a'.repeat(2049)])(
    'that no certificate can have: %j',
    async (audience) => {
      const refused = connectClient(kit, 1, { audience });
      await expect(refused).rejects.toMatchObject({ code: 'HAWSER_ERR_CONFIG_AUDIENCE', key: 'audience' });
    },
  );
});

describe('a client refuses a server', () => {
  it('whose identity is not the audience: CLOSE(AUTHENTICATION_FAILED), no CONNECT [EST-009] [EST-010]', async () => {
    const other = await issue(kit.authority, { role: 'server', uris: ['spiffe://hawser.test/other'] });
    const { port, reader } = await startImpostor(other);
    await expect(connectClient(kit, port)).rejects.toMatchObject({
      code: 'HAWSER_ERR_INCOMPATIBLE_SERVER_IDENTITY',
    });
    expect(await (await reader).code('CLOSE')).toBe('AUTHENTICATION_FAILED');
    expect((await reader).frames.map(({ name }) => name)).toEqual(['CLOSE']);
  });

  it.each([
    { name: 'two identities', options: { uris: [SERVER_IDENTITY, 'spiffe://hawser.test/b'] } },
    { name: 'no identity', options: { commonName: 'server.hawser.test' } },
  ])('with $name: CLOSE(AUTHENTICATION_FAILED), no CONNECT [EST-010] [EST-027]', async ({ options }) => {
    const { port, reader } = await startImpostor(await issue(kit.authority, { role: 'server', ...options }));
    await expect(connectClient(kit, port)).rejects.toMatchObject({ code: 'HAWSER_ERR_TRANSPORT_PEER_CERTIFICATE' });
    expect(await (await reader).code('CLOSE')).toBe('AUTHENTICATION_FAILED');
    expect((await reader).frames.map(({ name }) => name)).toEqual(['CLOSE']);
  });

  it.each([
    {
      name: 'of another authority',
      credential: async () =>
        issue(await createCertificateAuthority({ commonName: 'Other' }), { role: 'server', uris: [SERVER_IDENTITY] }),
    },
    {
      name: 'with a certificate for clients only',
      credential: () => issue(kit.authority, { role: 'client', uris: [SERVER_IDENTITY] }),
    },
    {
      name: 'with an expired certificate',
      credential: () =>
        issue(kit.authority, {
          role: 'server',
          uris: [SERVER_IDENTITY],
          notBefore: new Date(Date.now() - 7_200_000),
          notAfter: new Date(Date.now() - 3_600_000),
        }),
    },
  ])('$name, inside the TLS handshake', async ({ credential }) => {
    const { port } = await startImpostor(await credential());
    await expect(connectClient(kit, port)).rejects.toMatchObject({ code: 'HAWSER_ERR_TRANSPORT_TLS' });
  });

  it('with a revoked certificate [TLS-024]', async () => {
    const issued = await kit.authority.issue({ role: 'server', uris: [SERVER_IDENTITY] });
    const crls = [(await kit.authority.crl({ revoked: [{ serial: issued.serial }] })).der];
    const { port } = await startImpostor(await toCredential(issued));
    await expect(connectClient(kit, port, { crls })).rejects.toMatchObject({
      code: 'HAWSER_ERR_TRANSPORT_TLS',
      cause: { code: 'CERT_REVOKED' },
    });
  });

  it('for which a revocation list is missing [TLS-025]', async () => {
    const other = await createCertificateAuthority({ commonName: 'Other' });
    const { port } = await startServer(kit);
    await expect(connectClient(kit, port, { crls: [(await other.crl()).der] })).rejects.toMatchObject({
      code: 'HAWSER_ERR_TRANSPORT_TLS',
    });
  });
});
