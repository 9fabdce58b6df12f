import { once } from 'node:events';
import { type AddressInfo } from 'node:net';
import { type TLSSocket, connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { peerChain } from '../../node/connection/peer-chain.ts';
import { type IssuedCertificate, encodePem } from '../../pki/index.ts';
import { connectClient, expectEcho, startServer } from './support/endpoints.ts';
import { CLIENT_IDENTITY, type Kit, SERVER_IDENTITY, createKit, toCredential } from './support/kit.ts';

let kit: Kit;
let server: IssuedCertificate;
let client: IssuedCertificate;
let crls: Uint8Array[];
beforeAll(async () => {
  kit = await createKit();
  const upper = await kit.authority.issueAuthority({ commonName: 'Upper' });
  const lower = await upper.issueAuthority({ commonName: 'Lower' });
  server = await lower.issue({ role: 'server', uris: [SERVER_IDENTITY] });
  client = await lower.issue({ role: 'client', uris: [CLIENT_IDENTITY] });
  crls = await Promise.all([kit.authority, upper, lower].map(async (authority) => (await authority.crl()).der));
});

/** What each end finds when both present these certificates. */
async function chainsFor(order: (chain: readonly Uint8Array[]) => readonly Uint8Array[]): Promise<Uint8Array[][]> {
  const pem = (issued: IssuedCertificate): string =>
    order(issued.chainDer)
      .map((der) => encodePem('CERTIFICATE', der))
      .join('');
  const listener = createTlsServer({
    cert: pem(server),
    key: server.privateKeyPem,
    requestCert: true,
    rejectUnauthorized: false,
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  onTestFinished(() => void listener.close());
  const accepted = once(listener, 'secureConnection') as Promise<[TLSSocket]>;
  const socket = connectTls({
    host: '127.0.0.1',
    port: (listener.address() as AddressInfo).port,
    cert: pem(client),
    key: client.privateKeyPem,
    rejectUnauthorized: false,
  });
  onTestFinished(() => void socket.destroy());
  await once(socket, 'secureConnect');
  const [atServer] = await accepted;
  return [atServer, socket].map((end) => peerChain(end, kit.trust.trustAnchors));
}

describe('a chain with intermediates', () => {
  it('is found as the path from the leaf up, at both ends', async () => {
    expect(await chainsFor((chain) => chain)).toEqual([client.chainDer, server.chainDer]);
  });

  it('is put into order, without the anchor and what does not belong to it', async () => {
    const other = await kit.authority.issue({ role: 'client', uris: ['spiffe://hawser.test/other'] });
    const shuffled = ([leaf, lower, upper]: readonly Uint8Array[]): Uint8Array[] => [
      leaf!,
      other.certificateDer,
      kit.authority.certificateDer,
      upper!,
      lower!,
    ];
    expect(await chainsFor(shuffled)).toEqual([client.chainDer, server.chainDer]);
  });

  it('carries a session, with a revocation list of each authority', async () => {
    const { port, server: running } = await startServer(kit, { credential: await toCredential(server), crls });
    const session = await connectClient(kit, port, { credential: await toCredential(client), crls });
    await expectEcho(session);
    expect(running.sessions[0]?.evidence().clientChain).toEqual(client.chainDer);
    await running.reload({ crls });
    await expectEcho(session);
  });
});
