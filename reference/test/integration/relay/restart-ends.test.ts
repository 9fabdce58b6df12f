import { beforeAll, describe, expect, it } from 'vitest';
import type { Application, Channel, ChannelEnd } from '../../../node/index.ts';
import { connectClient, startServer } from '../support/endpoints.ts';
import { Gate } from '../support/gate.ts';
import { type Kit, RELAY_IDENTITY, createKit } from '../support/kit.ts';
import { startRelay } from '../support/relay.ts';
import { StoredMemory, withMethods } from '../support/stores.ts';
import { until } from '../support/waiting.ts';
import { MortalRelay } from './support/mortal-relay.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

/** A relay before a server with one application end, `it`. */
async function startBefore(application: Application): Promise<MortalRelay> {
  const { port } = await startServer(kit, {
    policy: { acceptsClient: () => true, acceptsRelay: () => true, allowsApplication: () => true },
    applications: new Map([['it', application]]),
  });
  return MortalRelay.start(kit, port);
}

describe('a relay that closes', () => {
  it('does so although its trunk ends before everything is stored', async () => {
    const server = await startServer(kit, {
      policy: { acceptsClient: () => true, acceptsRelay: () => true, allowsApplication: () => true },
      applications: new Map([['it', () => undefined]]),
    });
    const memory = new StoredMemory();
    const storing = new Gate();
    let isGated = false;
    const store = withMethods(memory, {
      commit: async (...call) => {
        if (isGated) await storing.pass();
        return memory.commit(...call);
      },
    });
    const { relay, port } = await startRelay(kit, server.port, { trunk: { retentionMs: 60_000, store } });
    const session = await connectClient(kit, port, { audience: RELAY_IDENTITY });
    const channel = await session.open('it');
    isGated = true;
    channel.reset();
    await storing.reached;
    for (const trunk of server.server.sessions) void trunk.close();
    await expect(relay.close()).resolves.toBeUndefined();
  });
});

describe('a relay that crashes while it begins with a trunk', () => {
  it('is there again, and begins with another one [RLY-022] [RLY-036]', async () => {
    const relay = await startBefore(() => undefined);
    const session = await relay.connect();
    let created = 0;
    // The trunk is in the store, and nothing of what happens on it.
    relay.decide(({ store }) => {
      if (store === 'trunks') created += 1;
      return created === 2 && relay.deaths === 0 ? 'dies before' : undefined;
    });
    await expect(session.open('it')).rejects.toMatchObject({ wireName: 'ROUTE_UNREACHABLE' });
    await session.open('it');
    expect(relay.deaths).toBe(1);
  });
});

describe('a relay that crashes while a channel ends', () => {
  it('passes on the END of the application end when the trunk has closed the channel [RLY-020] [RLY-021]', async () => {
    const relay = await startBefore((channel) => void (channel.onEnd = () => channel.end()));
    const session = await relay.connect();
    const channel = await session.open('it');
    await until(async () => (await relay.content('clients')).join() === 'open');
    let heard = false;
    // The END of the client is stored, that of the application end is not.
    relay.decide(({ store }) => {
      heard ||= store === 'trunks';
      return store === 'clients' && heard && relay.deaths === 0 ? 'dies before' : undefined;
    });
    channel.end();
    expect(await channel.closed).toEqual({ type: 'closed' });
    expect(relay.deaths).toBe(1);
  });

  it('passes on the END of the client when that has closed its channel [RLY-034]', async () => {
    const ends: ChannelEnd[] = [];
    const relay = await startBefore((channel, request) => {
      request.accept();
      channel.end();
      void channel.closed.then((end) => ends.push(end));
    });
    const session = await relay.connect();
    const channel = await session.open('it');
    await new Promise<void>((resolve) => (channel.onEnd = resolve));
    const isIdle = async (store: 'clients' | 'trunks', state: string): Promise<boolean> =>
      (await relay.content(store)).join() === state;
    await until(async () => (await isIdle('clients', 'half-closed-local')) && isIdle('trunks', 'half-closed-remote'));
    relay.decide(({ store }) => (store === 'trunks' && relay.deaths === 0 ? 'dies before' : undefined));
    channel.end();
    await until(() => ends.length === 1);
    expect(ends).toEqual([{ type: 'closed' }]);
    expect(relay.deaths).toBe(1);
  });

  it('passes on the RESET of the client, with its code [RLY-034]', async () => {
    const ends: ChannelEnd[] = [];
    const relay = await startBefore((channel) => void channel.closed.then((end) => ends.push(end)));
    const session = await relay.connect();
    const channel = await session.open('it', { outcomes: true });
    await until(
      async () => [...(await relay.content('clients')), ...(await relay.content('trunks'))].join() === 'open,open',
    );
    relay.decide(({ store }) => (store === 'trunks' && relay.deaths === 0 ? 'dies before' : undefined));
    channel.reset('APPLICATION_ERROR');
    await until(() => ends.length === 1);
    expect(ends).toMatchObject([{ type: 'reset', code: 'APPLICATION_ERROR', remote: true }]);
    expect(relay.deaths).toBe(1);
  });

  it('keeps nothing of a channel that the trunk has closed before the client was back [CNT-042]', async () => {
    let end: Channel | undefined;
    const relay = await startBefore((channel) => {
      end = channel;
      channel.onEnd = () => void channel.send(Buffer.from('last'));
    });
    relay.admitsAtOnce = false;
    const session = await relay.connect();
    const channel = await session.open('it');
    const taken: string[] = [];
    channel.onMessage = (message) => void taken.push(Buffer.from(message).toString());
    // The decision on the message is stored on the trunk, and that the client's side was told of it is not.
    relay.decide(({ store, batch }) => {
      const decides = store === 'trunks' && batch?.delete.some((key) => key.startsWith('in/')) === true;
      return decides && relay.deaths === 0 ? 'dies behind' : undefined;
    });
    channel.end();
    await until(() => relay.deaths === 1);
    end?.end();
    await until(async () => (await relay.content('trunks')).every((content) => content === 'closed'));
    relay.admit();
    expect(await channel.closed).toEqual({ type: 'closed' });
    await until(async () => (await relay.content('clients')).length === 0);
    expect(taken).toEqual(['last']);
  });
});
