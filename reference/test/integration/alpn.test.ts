import { once } from 'node:events';
import { type AddressInfo } from 'node:net';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { connect } from '../../node/index.ts';
import { startServer } from './support/endpoints.ts';
import { type Kit, SERVER_IDENTITY, createKit } from './support/kit.ts';
import { FrameReader, rawTlsOptions } from './support/raw-peer.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

describe('a server', () => {
  it('sends no frame to a client that offers no ALPN [TLS-003]', async () => {
    const { port, log } = await startServer(kit);
    const { ALPNProtocols: _none, ...options } = rawTlsOptions(kit, port);
    const socket = connectTls(options);
    socket.on('error', () => undefined);
    const reader = new FrameReader(socket);
    await reader.ended;
    expect(reader.octets).toBe(0);
    expect((await log.line('client refused')).fields).toMatchObject({ reason: 'no-alpn', requirement: 'TLS-003' });
  });

  it('refuses a client that offers another protocol inside the handshake', async () => {
    const { port } = await startServer(kit);
    const socket = connectTls({ ...rawTlsOptions(kit, port), ALPNProtocols: ['http/1.1'] });
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL');
  });
});

describe('a client', () => {
  it('sends no frame to a server that selects no ALPN [TLS-004]', async () => {
    const server = createTlsServer({ cert: kit.server.chainPem, key: kit.server.keyPem });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    let octets = 0;
    const over = new Promise<void>((resolve) => {
      server.on('secureConnection', (socket) => {
        const reader = new FrameReader(socket);
        void reader.ended.then(() => {
          octets = reader.octets;
          resolve();
        });
      });
      // The client may be gone before its side of the handshake has left.
      server.on('tlsClientError', () => resolve());
    });
    const session = connect({
      host: '127.0.0.1',
      port: (server.address() as AddressInfo).port,
      credential: kit.client,
      ...kit.trust,
      audience: SERVER_IDENTITY,
    });
    await expect(session).rejects.toMatchObject({ code: 'HAWSER_ERR_TRANSPORT_TLS_REFUSED' });
    await over;
    expect(octets).toBe(0);
  });
});
