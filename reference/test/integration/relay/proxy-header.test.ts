import { networkInterfaces } from 'node:os';
import { TLSSocket } from 'node:tls';
import { beforeAll, describe, expect, it } from 'vitest';
import { encodeProxyHeader } from '../../../node/relay/proxy-header.ts';
import { CLIENT_IDENTITY, type Kit, SERVER_IDENTITY, createKit } from '../support/kit.ts';
import { read, startApplicationEnd } from './support/application-end.ts';
import { APPLICATION, type SocketRelay, startSocketRelay, tcpRoute, tlsRoute } from './support/socket-relay.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

/** The header that the relay has to send for its first client. */
function headerOf({ server, port }: SocketRelay): Uint8Array {
  const [session] = server.sessions;
  // The relay is at `port`; the client's own end is what the relay logs.
  const remotePort = Number(session!.remoteAddress.split(':').at(-1));
  return encodeProxyHeader({
    addresses: { remote: { address: '127.0.0.1', port: remotePort }, local: { address: '127.0.0.1', port } },
    authority: APPLICATION,
    clientIdentity: CLIENT_IDENTITY,
    relayIdentity: SERVER_IDENTITY,
  });
}

describe('the PROXY header [RLY-024]', () => {
  it('goes in front of the first message', async () => {
    const end = await startApplicationEnd();
    const relay = await startSocketRelay(kit, tcpRoute(end.port, { framing: 'length16', proxy: true }));
    const channel = await relay.session.open(APPLICATION);
    const header = headerOf(relay);
    void channel.send(Buffer.from('abc'));
    const octets = await read(await end.next(), header.length + 5);
    expect(octets).toEqual(Buffer.concat([header, Buffer.from('\0\x03abc')]));
  });

  it('goes without waiting for a message', async () => {
    const end = await startApplicationEnd();
    const relay = await startSocketRelay(kit, tcpRoute(end.port, { proxy: true }));
    await relay.session.open(APPLICATION);
    const header = headerOf(relay);
    expect(await read(await end.next(), header.length)).toEqual(Buffer.from(header));
  });

  it('goes in front of the TLS handshake', async () => {
    const certificate = await kit.authority.issue({ role: 'server', dnsNames: ['localhost'] });
    const end = await startApplicationEnd();
    const relay = await startSocketRelay(kit, tlsRoute(kit, end.port, { proxy: true }));
    const channel = relay.session.request(APPLICATION);
    const socket = await end.next();
    const header = headerOf(relay);
    const octets = await read(socket, header.length + 1);
    expect(octets.subarray(0, header.length)).toEqual(Buffer.from(header));
    socket.unshift(octets.subarray(header.length));
    const tls = new TLSSocket(socket, {
      isServer: true,
      cert: certificate.chainPem,
      key: certificate.privateKeyPem,
    });
    await channel.opened;
    void channel.send(Buffer.from('inside'));
    expect((await read(tls, 6)).toString()).toBe('inside');
  });

  it('is not sent where the route does not ask for it', async () => {
    const end = await startApplicationEnd();
    const { session } = await startSocketRelay(kit, tcpRoute(end.port));
    const channel = await session.open(APPLICATION);
    void channel.send(Buffer.from('first'));
    expect((await read(await end.next(), 5)).toString()).toBe('first');
  });
});

const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === '::1'),
);

describe.skipIf(!hasIpv6)('an application end at an IPv6 address (skipped where the machine has none)', () => {
  it('is reached', async () => {
    const end = await startApplicationEnd({ host: '::1' });
    const { session } = await startSocketRelay(kit, tcpRoute(end.port, { host: '::1' }));
    const channel = await session.open(APPLICATION);
    void channel.send(Buffer.from('over six'));
    expect((await read(await end.next(), 8)).toString()).toBe('over six');
  });
});
