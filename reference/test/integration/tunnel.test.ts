import { connect as connectTcp } from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Application, ChannelDuplex, type Session } from '../../node/index.ts';
import { connectClient, expectEcho, startServer } from './support/endpoints.ts';
import { type Kit, SERVER_IDENTITY, createKit, issue } from './support/kit.ts';

const RELAY_IDENTITY = 'spiffe://hawser.test/relay';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

/** A server whose application `tunnel` leads to a port by framing `stream`: what a relay is to a tunnel. */
async function startRelay(port: number): Promise<number> {
  const tunnel: Application = (channel, request) => {
    const { maxMessageBytes } = request.session.peerParameters;
    request.accept();
    const stream = new ChannelDuplex(() => Promise.resolve({ channel, maxMessageBytes }));
    const socket = connectTcp({ host: '127.0.0.1', port, allowHalfOpen: true });
    stream.on('error', () => socket.resetAndDestroy());
    socket.on('error', () => stream.destroy());
    stream.pipe(socket).pipe(stream);
  };
  const credential = await issue(kit.authority, { role: 'server', uris: [RELAY_IDENTITY] });
  const relay = await startServer(kit, { credential, applications: new Map([['tunnel', tunnel]]) });
  return relay.port;
}

/** What a connection of the client is made over. */
function throughTunnel(outer: Session, application = 'tunnel'): () => ChannelDuplex {
  return () =>
    new ChannelDuplex(async () => ({
      channel: await outer.open(application),
      maxMessageBytes: outer.peerParameters.maxMessageBytes,
    }));
}

describe('a session inside a tunnel', () => {
  it('is with the server at its end, whatever the relay is, and carries messages of any size [RLY-053]', async () => {
    const { port, server } = await startServer(kit);
    const outer = await connectClient(kit, await startRelay(port), { audience: RELAY_IDENTITY });
    const session = await connectClient(kit, 0, { transport: throughTunnel(outer) });
    expect(session.peerIdentity).toBe(SERVER_IDENTITY);
    expect(server.sessions.map(({ id }) => id)).toEqual([session.id]);
    const channel = await session.open('test/echo');
    const answer = channel[Symbol.asyncIterator]();
    const message = new Uint8Array(900_000).map((_, index) => index % 251);
    await channel.send(message);
    expect(Buffer.compare((await answer.next()).value ?? new Uint8Array(), message)).toBe(0);
    expect(await session.close()).toMatchObject({ outcome: 'orderly' });
    await expect(outer.open('other')).rejects.toMatchObject({ code: 'HAWSER_ERR_REMOTE_APPLICATION_REFUSED' });
  });

  it('is not established with another server than the audience [RLY-053]', async () => {
    const credential = await issue(kit.authority, { role: 'server', uris: ['spiffe://hawser.test/other'] });
    const { port } = await startServer(kit, { credential });
    const outer = await connectClient(kit, await startRelay(port), { audience: RELAY_IDENTITY });
    await expect(connectClient(kit, 0, { transport: throughTunnel(outer) })).rejects.toMatchObject({
      code: 'HAWSER_ERR_INCOMPATIBLE_SERVER_IDENTITY',
    });
  });

  it('fails with what the relay says when the tunnel is refused', async () => {
    const outer = await connectClient(kit, await startRelay(1), { audience: RELAY_IDENTITY });
    await expect(connectClient(kit, 0, { transport: throughTunnel(outer, 'other') })).rejects.toMatchObject({
      code: 'HAWSER_ERR_REMOTE_APPLICATION_REFUSED',
    });
  });

  it('is resumed through another channel when its own is lost', async () => {
    const { port } = await startServer(kit);
    const outer = await connectClient(kit, await startRelay(port), { audience: RELAY_IDENTITY });
    const tunnels: ChannelDuplex[] = [];
    const session = await connectClient(kit, 0, {
      continuity: { retentionMs: 60_000, reconnectBoundMs: 0 },
      transport: () => {
        const tunnel = throughTunnel(outer)();
        tunnels.push(tunnel);
        return tunnel;
      },
    });
    const attached = new Promise<void>((resolve) => session.once('attached', () => resolve()));
    tunnels[0]?.destroy();
    await attached;
    expect(tunnels).toHaveLength(2);
    await expectEcho(session);
  });
});
