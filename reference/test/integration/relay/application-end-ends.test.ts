import { beforeAll, describe, expect, it } from 'vitest';
import { type Kit, createKit, toCredential } from '../support/kit.ts';
import { endOf, read, startApplicationEnd } from './support/application-end.ts';
import { APPLICATION, messagesOf, startSocketRelay, tcpRoute, tlsRoute } from './support/socket-relay.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

describe('an end of one direction', () => {
  it.each(['tcp', 'tls'] as const)(
    'of the client is that of the connection over %s, and the other goes on [RLY-019]',
    async (kind) => {
      const certificate = await kit.authority.issue({ role: 'server', dnsNames: ['localhost'] });
      const end = await startApplicationEnd(kind === 'tls' ? { certificate } : {});
      const route = kind === 'tls' ? tlsRoute(kit, end.port) : tcpRoute(end.port);
      const { session } = await startSocketRelay(kit, route);
      const channel = await session.open(APPLICATION);
      const socket = await end.next();
      const received = messagesOf(channel);
      void channel.send(Buffer.from('question'));
      channel.end();
      const question = read(socket, 8);
      await question;
      expect(await endOf(socket)).toBe('fin');
      socket.write('ans');
      socket.write('wer');
      socket.end();
      expect(Buffer.concat(await received).toString()).toBe('answer');
      expect(await channel.closed).toEqual({ type: 'closed' });
    },
  );

  it.each(['tcp', 'tls'] as const)(
    'of the application end over %s is END, and the other goes on [RLY-020]',
    async (kind) => {
      const certificate = await kit.authority.issue({ role: 'server', dnsNames: ['localhost'] });
      const end = await startApplicationEnd(kind === 'tls' ? { certificate } : {});
      const route = kind === 'tls' ? tlsRoute(kit, end.port) : tcpRoute(end.port);
      const { session } = await startSocketRelay(kit, route);
      const channel = await session.open(APPLICATION);
      const socket = await end.next();
      socket.end('greeting');
      expect(Buffer.concat(await messagesOf(channel)).toString()).toBe('greeting');
      void channel.send(Buffer.from('still here'));
      expect((await read(socket, 10)).toString()).toBe('still here');
      channel.end();
      expect(await endOf(socket)).toBe('fin');
      expect(await channel.closed).toEqual({ type: 'closed' });
    },
  );

  it('of an application end that closes at once is END without a message', async () => {
    const end = await startApplicationEnd();
    const { session } = await startSocketRelay(kit, tcpRoute(end.port));
    const channel = await session.open(APPLICATION);
    (await end.next()).end();
    expect(await messagesOf(channel)).toEqual([]);
    channel.end();
    expect(await channel.closed).toEqual({ type: 'closed' });
  });
});

describe('an application end that is lost', () => {
  it('resets the channel, and nothing else of the client [RLY-021] [RLY-036]', async () => {
    const end = await startApplicationEnd();
    const { session } = await startSocketRelay(kit, tcpRoute(end.port));
    const other = await session.open(APPLICATION);
    const otherSocket = await end.next();
    otherSocket.pipe(otherSocket);
    const channel = await session.open(APPLICATION);
    (await end.next()).resetAndDestroy();
    expect(await channel.closed).toMatchObject({ type: 'reset', code: 'APPLICATION_LOST', remote: true });
    const answer = other[Symbol.asyncIterator]();
    await other.send(Buffer.from('alive'));
    expect(Buffer.from((await answer.next()).value!).toString()).toBe('alive');
  });

  it('resets the channel also when it had ended its direction before', async () => {
    const end = await startApplicationEnd();
    const { session } = await startSocketRelay(kit, tcpRoute(end.port));
    const channel = await session.open(APPLICATION);
    const socket = await end.next();
    socket.end();
    expect(await messagesOf(channel)).toEqual([]);
    socket.resetAndDestroy();
    // Nothing is read any more: a write finds out.
    const ended = channel.closed;
    void channel.send(Buffer.from('anybody?'));
    void channel.send(Buffer.from('anybody?'));
    expect(await ended).toMatchObject({ type: 'reset', code: 'APPLICATION_LOST' });
  });

  it('is not connected a second time [RLY-022]', async () => {
    const end = await startApplicationEnd();
    const { session, log } = await startSocketRelay(kit, tcpRoute(end.port), {
      breaker: { failures: 1, openMs: 60_000 },
    });
    const channel = await session.open(APPLICATION);
    (await end.next()).resetAndDestroy();
    await channel.closed;
    expect(await log.line('the application end is lost')).toMatchObject({ fields: { application: APPLICATION } });
    // That it was reached counts, not what became of it: the next channel is a connection of its own.
    await session.open(APPLICATION);
    expect(end.connections).toHaveLength(2);
  });
});

describe('a client that goes', () => {
  it('cuts the connection when it resets the channel [RLY-023]', async () => {
    const end = await startApplicationEnd();
    const { session } = await startSocketRelay(kit, tcpRoute(end.port));
    const channel = await session.open(APPLICATION);
    const socket = await end.next();
    channel.reset('CANCELLED');
    expect(await endOf(socket)).toBe('rst');
    await channel.closed;
  });

  it('cuts a TLS connection likewise', async () => {
    const certificate = await kit.authority.issue({ role: 'server', dnsNames: ['localhost'] });
    const end = await startApplicationEnd({ certificate });
    const { session } = await startSocketRelay(kit, tlsRoute(kit, end.port));
    const channel = await session.open(APPLICATION);
    const socket = await end.next();
    channel.reset('CANCELLED');
    expect(await endOf(socket)).toBe('rst');
  });

  it('cuts the connections of all its channels when its session ends, and no other [RLY-023]', async () => {
    const end = await startApplicationEnd();
    const { session, connect } = await startSocketRelay(kit, tcpRoute(end.port));
    const other = await connect();
    const kept = await other.open(APPLICATION);
    const keptSocket = await end.next();
    const sockets = [];
    for (let channels = 0; channels < 12; channels += 1) {
      await session.open(APPLICATION);
      sockets.push(await end.next());
    }
    await session.close();
    expect(await Promise.all(sockets.map(endOf))).toEqual(sockets.map(() => 'rst'));
    void kept.send(Buffer.from('alive'));
    expect((await read(keptSocket, 5)).toString()).toBe('alive');
  });

  it('cuts the connections when its certificate is revoked, and nothing more of it is passed on [RLY-035]', async () => {
    const end = await startApplicationEnd();
    const issued = await kit.authority.issue({ role: 'client', uris: ['spiffe://hawser.test/fired'] });
    const relay = await startSocketRelay(kit, tcpRoute(end.port));
    const fired = await relay.connect({ credential: await toCredential(issued) });
    await fired.open(APPLICATION);
    const socket = await end.next();
    const crls = [(await kit.authority.crl({ number: 2, revoked: [{ serial: issued.serial }] })).der];
    await relay.server.reload({ crls });
    expect(await endOf(socket)).toBe('rst');
    expect(await fired.closed).toMatchObject({ code: 'AUTHORITY_REVOKED' });
  });
});
