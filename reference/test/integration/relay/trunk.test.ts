import { beforeAll, describe, expect, it } from 'vitest';
import {
  type Application,
  type Channel,
  type ConnectOptions,
  type HawserRoute,
  Rejection,
  type Session,
} from '../../../node/index.ts';
import { CutProxy } from '../support/cut-proxy.ts';
import { connectClient, expectEcho, startServer } from '../support/endpoints.ts';
import { Gate } from '../support/gate.ts';
import { CLIENT_IDENTITY, type Kit, RELAY_IDENTITY, SERVER_IDENTITY, createKit, toCredential } from '../support/kit.ts';
import { startRelay } from '../support/relay.ts';
import { sessionEndpoint } from '../support/relay-ends.ts';
import { StoredMemory, withMethods } from '../support/stores.ts';
import { happens, until } from '../support/waiting.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

const continuity = { retentionMs: 60_000, reconnectBoundMs: 1 };

const relayed: Parameters<typeof startServer>[1] = {
  policy: {
    acceptsClient: () => true,
    acceptsRelay: (identity) => identity === RELAY_IDENTITY,
    allowsApplication: () => true,
  },
};

function connectTo(port: number, options: Partial<ConnectOptions> = {}): Promise<Session> {
  return connectClient(kit, port, { audience: RELAY_IDENTITY, ...options });
}

/** Application ends besides those of test mode. */
function withApplication(application: Application): Parameters<typeof startServer>[1] {
  return { ...relayed, applications: new Map([['it', application]]) };
}

describe('a relay before a Hawser server', () => {
  it('carries a channel, under the identity of the client [RLY-006] [RLY-007] [RLY-014]', async () => {
    const server = await startServer(kit, relayed);
    const { port } = await startRelay(kit, server.port);
    const session = await connectTo(port);
    await expectEcho(session);
    const channel = await session.open('test/route');
    const { value } = await channel[Symbol.asyncIterator]().next();
    expect(Buffer.from(value ?? []).toString()).toBe(`${CLIENT_IDENTITY}\n${RELAY_IDENTITY}`);
  });

  it('carries the channels of many clients over one trunk', async () => {
    const server = await startServer(kit, relayed);
    const { port } = await startRelay(kit, server.port);
    const sessions = await Promise.all(Array.from({ length: 5 }, () => connectTo(port)));
    await Promise.all(sessions.map(expectEcho));
    expect(server.server.sessions).toHaveLength(1);
  });

  it('passes on what the application end says to OPEN [RLY-032]', async () => {
    const server = await startServer(kit, relayed);
    const { port } = await startRelay(kit, server.port);
    const session = await connectTo(port);
    await expect(session.open('test/refuse')).rejects.toMatchObject({ wireName: 'APPLICATION_ERROR' });
    await expect(session.open('test/unheard-of')).rejects.toMatchObject({ wireName: 'APPLICATION_REFUSED' });
    const channel = await session.open('test/data', { applicationData: Buffer.from('both ways') });
    expect(Buffer.from(channel.applicationData ?? []).toString()).toBe('both ways');
  });

  it('passes on verdicts, and invents none [RLY-028] [RLY-054]', async () => {
    let decide: (() => void) | undefined;
    const server = await startServer(
      kit,
      withApplication((channel) => {
        channel.onMessage = async (message) => {
          if (message.length === 0) await new Promise<void>((resolve) => (decide = resolve));
          else throw new Rejection(message.length);
        };
      }),
    );
    const { port } = await startRelay(kit, server.port);
    const session = await connectTo(port, { continuity });
    const channel = await session.open('it', { outcomes: true });
    const told: unknown[] = [];
    channel.onOutcome = ({ outcome }) => void told.push(outcome.type);
    const first = channel.deliver(new Uint8Array(0));
    const second = channel.deliver(new Uint8Array(7));
    await until(() => decide !== undefined);
    expect(told).toEqual([]);
    decide?.();
    expect(await first).toEqual({ type: 'accepted' });
    expect(await second).toEqual({ type: 'rejected', verdict: 7 });
  });

  it('keeps the channels of its clients while the trunk has no connection [RLY-031]', async () => {
    const server = await startServer(kit, relayed);
    const proxy = await CutProxy.start(server.port);
    const { port } = await startRelay(kit, proxy.port);
    const session = await connectTo(port, { continuity });
    const channel = await session.open('test/echo');
    const got: number[] = [];
    channel.onMessage = (message) => void got.push(message[0] ?? -1);
    for (let number = 0; number < 50; number += 1) {
      if (number % 10 === 5) proxy.cut();
      await channel.send(Uint8Array.of(number));
    }
    await until(() => got.length === 50);
    expect(got).toEqual(Array.from({ length: 50 }, (_, number) => number));
    expect(server.server.sessions).toHaveLength(1);
  });

  it('resets the channels of a trunk that has ended [RLY-021]', async () => {
    const server = await startServer(kit, relayed);
    const { port } = await startRelay(kit, server.port);
    const session = await connectTo(port, { continuity });
    const channel = await session.open('test/echo');
    for (const trunk of server.server.sessions) void trunk.close();
    expect(await channel.closed).toMatchObject({ type: 'reset', code: 'APPLICATION_LOST', remote: true });
    await expectEcho(session);
  });

  it('ends the channel of a client that is gone [RLY-034]', async () => {
    const ends: unknown[] = [];
    const server = await startServer(
      kit,
      withApplication((channel) => void channel.closed.then((end) => ends.push(end))),
    );
    const { port } = await startRelay(kit, server.port);
    const first = await connectTo(port);
    (await first.open('it')).reset('APPLICATION_ERROR');
    await until(() => ends.length === 1);
    await first.open('it');
    await first.close();
    await until(() => ends.length === 2);
    expect(ends).toMatchObject([
      { type: 'reset', code: 'APPLICATION_ERROR', remote: true },
      { type: 'reset', code: 'CANCELLED', remote: true },
    ]);
  });

  it('holds no more of a channel than it granted, and lets the others go on [RLY-025] [RLY-026]', async () => {
    let held: Channel | undefined;
    const server = await startServer(kit, {
      ...relayed,
      applications: new Map<string, Application>([
        ['hold', (channel) => void (held = channel)],
        ['echo', (channel) => void (channel.onMessage = (message) => channel.send(message))],
      ]),
    });
    const { port } = await startRelay(kit, server.port);
    const session = await connectTo(port, { continuity });
    const stalled = await session.open('hold');
    const message = new Uint8Array(16_000);
    let sent = 0;
    const sending = (async () => {
      for (; sent < 1000; sent += 1) await stalled.send(message);
    })();
    const other = await session.open('echo');
    const answers = other[Symbol.asyncIterator]();
    for (let round = 0; round < 100; round += 1) {
      const answer = answers.next();
      await other.send(Uint8Array.of(round));
      expect((await answer).value?.[0]).toBe(round);
    }
    // Two legs with the initial credit each, and what the two senders queue.
    expect(sent * message.length).toBeLessThan(4 * 1024 * 1024);
    let taken = 0;
    if (held !== undefined) held.onMessage = () => void (taken += 1);
    await sending;
    await until(() => taken === 1000);
  });

  it('refuses what it can not reach [RLY-033]', async () => {
    const server = await startServer(kit, relayed);
    await server.server.close();
    const { port } = await startRelay(kit, server.port);
    const session = await connectTo(port);
    await expect(session.open('test/echo')).rejects.toMatchObject({ wireName: 'ROUTE_UNREACHABLE' });
  });

  it('is no relay for a server that does not know it as one [RLY-013]', async () => {
    const server = await startServer(kit);
    const { port } = await startRelay(kit, server.port);
    const session = await connectTo(port);
    await expect(session.open('test/echo')).rejects.toMatchObject({ wireName: 'APPLICATION_REFUSED' });
  });

  it('refuses a request that comes round to it again [RLY-011]', async () => {
    const behind = await startServer(kit, relayed);
    const policy = { acceptsClient: () => true, acceptsRelay: () => true, allowsApplication: () => true };
    const proxy = await CutProxy.start(behind.port);
    const { port } = await startRelay(kit, proxy.port, {
      policy,
      routes: [{ application: '*', kind: 'hawser', host: '127.0.0.1', port: proxy.port, audience: RELAY_IDENTITY }],
    });
    // The route leads back to the relay itself.
    proxy.target = port;
    const session = await connectTo(port);
    await expect(session.open('test/echo')).rejects.toMatchObject({ wireName: 'ROUTE_LOOP' });
  });
});

describe('a channel that ends early', () => {
  it('leaves nothing behind when it is reset while a verdict is due [CHN-011] [RLY-034]', async () => {
    const taken: Uint8Array[] = [];
    const server = await startServer(
      kit,
      withApplication((channel) => {
        channel.onMessage = (message) => {
          taken.push(message);
          return channel.closed.then(() => undefined);
        };
      }),
    );
    const { port } = await startRelay(kit, server.port);
    const session = await connectTo(port, { continuity });
    // More than the client may hold at once.
    for (let count = 1; count <= 20; count += 1) {
      const channel = await session.open('it', { outcomes: true });
      void channel.send(Uint8Array.of(count));
      await until(() => taken.length === count);
      channel.reset();
      await channel.closed;
    }
  });

  it('keeps nothing of what was sent before END once the application end has it [RLY-027]', async () => {
    const taken: number[] = [];
    const server = await startServer(
      kit,
      withApplication((channel, request) => {
        request.accept();
        channel.end();
        channel.onMessage = (_message, number) => void taken.push(number);
      }),
    );
    const store = new StoredMemory();
    const { port } = await startRelay(kit, server.port, { continuity: { store } });
    const session = await connectTo(port, { continuity });
    const channel = await session.open('it');
    const ended = new Promise<void>((resolve) => (channel.onEnd = resolve));
    await ended;
    void channel.send(Uint8Array.of(1));
    channel.end();
    expect(await channel.closed).toEqual({ type: 'closed' });
    await until(() => taken.length === 1);
    await until(async () => {
      const entries = (await store.load(session.id))?.entries ?? [];
      return entries.length > 0 && !entries.some(({ key }) => key.startsWith('in/'));
    });
  });
});

describe('a client whose certificate is revoked', () => {
  it('is not heard any more, also not by what is stored only then [RLY-035]', async () => {
    const heard: string[] = [];
    const server = await startServer(
      kit,
      withApplication((channel, request) => {
        request.accept();
        if (request.identity === CLIENT_IDENTITY) return;
        channel.onMessage = (message) => void heard.push(Buffer.from(message).toString());
        channel.onEnd = () => void heard.push('END');
        channel.onOutcome = () => void heard.push('OUTCOME');
        void channel.send(Buffer.from('question'));
      }),
    );
    const memory = new StoredMemory();
    const storing = new Gate();
    let gated = false;
    const store = withMethods(memory, {
      commit: async (...call) => {
        if (gated) await storing.pass();
        return memory.commit(...call);
      },
    });
    const { relay, port } = await startRelay(kit, server.port, { continuity: { store } });
    const issued = await kit.authority.issue({ role: 'client', uris: ['spiffe://hawser.test/revoked'] });
    const session = await connectTo(port, { credential: await toCredential(issued), continuity });
    const channel = session.request('it', { outcomes: true });
    const deciding = new Gate();
    channel.onMessage = () => deciding.pass();
    await deciding.reached;
    gated = true;
    deciding.open();
    void channel.send(Buffer.from('answer'));
    channel.end();
    await storing.reached;
    await session.ping();
    const crls = [(await kit.authority.crl({ number: 2, revoked: [{ serial: issued.serial }] })).der];
    const detached = happens(session, 'detached');
    await relay.reload({ crls });
    await detached;
    gated = false;
    storing.open();
    await Promise.all([...relay.server.sessions].map((held) => sessionEndpoint(held).stored()));
    const other = await connectTo(port, { continuity });
    await other.open('it');
    expect(heard).toEqual([]);
  });
});

describe('a relay with a store for its trunks', () => {
  it('leads one identity to one place', async () => {
    const route = (application: string, port: number): HawserRoute => ({
      application,
      kind: 'hawser',
      host: '127.0.0.1',
      port,
      audience: SERVER_IDENTITY,
    });
    const routes = [route('a', 1), route('b', 2)];
    await expect(startRelay(kit, 1, { routes, trunk: { store: new StoredMemory() } })).rejects.toMatchObject({
      code: 'HAWSER_ERR_CONFIG_ROUTE_AUDIENCE',
    });
    await expect(startRelay(kit, 1, { routes })).resolves.toBeDefined();
  });
});
