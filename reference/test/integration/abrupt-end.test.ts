import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import { TransportError } from '../../core/index.ts';
import type { Application } from '../../node/index.ts';
import { connectClient, expectEcho, startServer } from './support/endpoints.ts';
import { type Kit, createKit } from './support/kit.ts';
import { establishRaw } from './support/raw-peer.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

describe('a transport that ends without CLOSE is reported as aborted [SES-016]', () => {
  it('by a server, after a reset', async () => {
    const { port, server } = await startServer(kit);
    const tcp = connectTcp(port, '127.0.0.1');
    await once(tcp, 'connect');
    const client = await establishRaw(kit, port, tcp);
    const other = await connectClient(kit, port);
    const victim = server.sessions.find(({ id }) => id !== other.id);
    await client.open('test/hold');
    tcp.resetAndDestroy();
    expect(await victim?.closed).toMatchObject({ outcome: 'aborted', remote: true, code: undefined });
    await expectEcho(other);
  });

  it('by a server, after the end of the stream', async () => {
    const { port, server } = await startServer(kit);
    const client = await establishRaw(kit, port);
    const [victim] = server.sessions;
    client.socket.end();
    expect(await victim?.closed).toMatchObject({ outcome: 'aborted', remote: true });
    await client.reader.ended;
  });

  it('by a client, which counts the messages whose fate is unknown [SES-018]', async () => {
    let arrived = 0;
    let allArrived: () => void = () => undefined;
    const arrival = new Promise<void>((resolve) => (allArrived = resolve));
    const taker: Application = (channel) => {
      channel.onMessage = () => {
        arrived += 1;
        if (arrived === 3) allArrived();
      };
    };
    const { port, server } = await startServer(kit, { applications: new Map([['taker', taker]]) });
    const session = await connectClient(kit, port);
    const channel = await session.open('taker');
    for (let index = 0; index < 3; index++) await channel.send(Buffer.from('x'));
    await arrival;
    await server.close();
    expect(await session.closed).toMatchObject({
      outcome: 'aborted',
      unknownMessages: [{ channel: channel.number, first: 1, last: 3 }],
    });
    await expect(channel.send(Buffer.from('y'))).rejects.toBeInstanceOf(TransportError);
  });
});
