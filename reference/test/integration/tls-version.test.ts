import { once } from 'node:events';
import { type AddressInfo } from 'node:net';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { connect } from '../../node/index.ts';
import { startServer } from './support/endpoints.ts';
import { type Kit, SERVER_IDENTITY, createKit } from './support/kit.ts';
import { rawTlsOptions } from './support/raw-peer.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

describe('TLS 1.2 is refused [TLS-001]', () => {
  it('by a server', async () => {
    const { port } = await startServer(kit);
    const socket = connectTls({ ...rawTlsOptions(kit, port), maxVersion: 'TLSv1.2' });
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
  });

  it('by a client', async () => {
    const server = createTlsServer({
      cert: kit.server.chainPem,
      key: kit.server.keyPem,
      maxVersion: 'TLSv1.2',
      ALPNProtocols: ['hawser/1'],
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const session = connect({
      host: '127.0.0.1',
      port: (server.address() as AddressInfo).port,
      credential: kit.client,
      ...kit.trust,
      audience: SERVER_IDENTITY,
    });
    await expect(session).rejects.toMatchObject({ code: 'HAWSER_ERR_TRANSPORT_TLS' });
  });
});
