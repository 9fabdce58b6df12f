import { on, once } from 'node:events';
import { type AddressInfo } from 'node:net';
import { type TLSSocket, type TlsOptions, connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { gatePeer } from '../../node/connection/peer-gate.ts';
import { startServer } from './support/endpoints.ts';
import { type Kit, createKit } from './support/kit.ts';
import { connectRaw, rawTlsOptions } from './support/raw-peer.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

/** A server that gives tickets out and takes them back, with this profile's gate behind it: the mistake to be caught. */
async function startTicketServer(): Promise<{ readonly port: number; readonly sockets: AsyncIterator<TLSSocket[]> }> {
  const options: TlsOptions = {
    cert: kit.server.chainPem,
    key: kit.server.keyPem,
    ca: kit.authority.certificatePem,
    ALPNProtocols: ['hawser/1'],
    requestCert: true,
    rejectUnauthorized: false,
  };
  const server = createTlsServer(options);
  const sockets = on(server, 'secureConnection')[Symbol.asyncIterator]() as AsyncIterator<TLSSocket[]>;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { port: (server.address() as AddressInfo).port, sockets };
}

/** The ticket of a first, complete handshake. */
async function takeTicket(port: number, sockets: AsyncIterator<TLSSocket[]>): Promise<Buffer> {
  const socket = connectTls(rawTlsOptions(kit, port));
  socket.resume();
  const tickets = once(socket, 'session') as Promise<[Buffer]>;
  const accepted = (await sockets.next()).value as TLSSocket[];
  accepted[0]?.resume();
  const [ticket] = await tickets;
  socket.destroy();
  return ticket;
}

describe('the gate', () => {
  it('refuses a client that resumed TLS without its certificate, which the library calls authorized [TLS-006]', async () => {
    const { port, sockets } = await startTicketServer();
    const session = await takeTicket(port, sockets);
    const client = connectTls({ ...rawTlsOptions(kit, port, null), session });
    onTestFinished(() => void client.destroy());
    client.on('error', () => undefined);
    const [socket] = (await sockets.next()).value as [TLSSocket];
    expect(socket.isSessionReused()).toBe(true);
    expect(socket.authorized).toBe(true);
    expect(await gatePeer(socket, 'client', kit.trust, new Date())).toMatchObject({
      ok: false,
      reason: 'tls-resumed',
      requirement: 'TLS-006',
      answer: 'cut',
    });
  });

  it('refuses a server on a resumed connection [TLS-007]', async () => {
    const { port, sockets } = await startTicketServer();
    const session = await takeTicket(port, sockets);
    const client = connectTls({ ...rawTlsOptions(kit, port), session });
    onTestFinished(() => void client.destroy());
    await once(client, 'secureConnect');
    expect(client.isSessionReused()).toBe(true);
    expect(await gatePeer(client, 'server', kit.trust, new Date())).toMatchObject({
      ok: false,
      reason: 'tls-resumed',
      requirement: 'TLS-007',
      answer: 'cut',
    });
  });
});

describe('a server', () => {
  it('resumes nothing: a client with a saved session does a full handshake, and needs its certificate [TLS-005]', async () => {
    const { port } = await startServer(kit);
    const first = await connectRaw(rawTlsOptions(kit, port));
    await first.reader.frame('CHALLENGE');
    const session = first.socket.getSession();
    expect(session).toBeDefined();
    const again = await connectRaw({ ...rawTlsOptions(kit, port), ...(session === undefined ? {} : { session }) });
    expect(again.socket.isSessionReused()).toBe(false);
    await again.reader.frame('CHALLENGE');
    const bare = await connectRaw({
      ...rawTlsOptions(kit, port, null),
      ...(session === undefined ? {} : { session }),
    });
    expect(bare.socket.isSessionReused()).toBe(false);
    expect(await bare.reader.code('REJECT')).toBe('AUTHENTICATION_FAILED');
  });
});
