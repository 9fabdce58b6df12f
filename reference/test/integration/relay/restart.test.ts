import { beforeAll, describe, expect, it } from 'vitest';
import { encodeOpen } from '../../../core/frames/open.ts';
import { encodeProve } from '../../../core/frames/prove.ts';
import { type Environment, systemEnvironment } from '../../../node/environment.ts';
import { type Application, type ConnectOptions, type ServerOptions, type Session } from '../../../node/index.ts';
import { sessionEndpoint } from '../support/relay-ends.ts';
import { CutProxy } from '../support/cut-proxy.ts';
import { connectClient, startServer } from '../support/endpoints.ts';
import { type Kit, RELAY_IDENTITY, createKit } from '../support/kit.ts';
import { type RunningRelay, startRelay } from '../support/relay.ts';
import { StoredMemory, storeError, withMethods } from '../support/stores.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

const continuity = { retentionMs: 60_000, reconnectBoundMs: 1 };

const policy: ServerOptions['policy'] = {
  acceptsClient: () => true,
  acceptsRelay: (identity) => identity === RELAY_IDENTITY,
  allowsApplication: () => true,
};

/** A relay whose sessions survive it on both sides, before a server with these applications. */
class DurableRelay {
  readonly #port: number;
  readonly #proxy: CutProxy;
  readonly #clients = new StoredMemory();
  readonly #trunks = new StoredMemory();
  #running: RunningRelay | undefined;
  /** Whether what happens on sessions with clients can be stored. */
  #storing = true;

  private constructor(port: number, proxy: CutProxy) {
    this.#port = port;
    this.#proxy = proxy;
  }

  static async start(applications: Record<string, Application>): Promise<DurableRelay> {
    const server = await startServer(kit, { policy, applications: new Map(Object.entries(applications)) });
    const relay = new DurableRelay(server.port, await CutProxy.start(0));
    await relay.#start();
    relay.admit();
    return relay;
  }

  get running(): RunningRelay {
    if (this.#running === undefined) throw new Error('The relay is not there.');
    return this.#running;
  }

  connect(port: number = this.#proxy.port, options: Partial<ConnectOptions> = {}): Promise<Session> {
    return connectClient(kit, port, { audience: RELAY_IDENTITY, continuity, ...options });
  }

  /** Nothing more of the clients' side is stored, and no client comes back. */
  failClients(): void {
    this.#storing = false;
    this.#proxy.target = 1;
  }

  /** Another process takes the place of the relay; clients do not find it yet. */
  async restart(): Promise<void> {
    this.#proxy.target = 1;
    await this.running.relay.close();
    this.#storing = true;
    await this.#start();
  }

  /** Lets clients find the relay. */
  admit(): void {
    this.#proxy.target = this.running.port;
  }

  async #start(): Promise<void> {
    const store = withMethods(this.#clients, {
      commit: (...call) => (this.#storing ? this.#clients.commit(...call) : Promise.reject(storeError())),
    });
    this.#running = await startRelay(kit, this.#port, {
      policy: { acceptsClient: () => true, acceptsRelay: () => true, allowsApplication: () => true },
      continuity: { store },
      trunk: { retentionMs: 60_000, reconnectBoundMs: 1, store: this.#trunks },
    });
  }
}

/** Draws what it is told as the nonce of the next OPEN. */
function createNonces(): { readonly environment: Environment; next: Uint8Array | undefined } {
  const nonces = {
    next: undefined as Uint8Array | undefined,
    environment: {
      ...systemEnvironment,
      random: (count: number) => {
        const { next } = nonces;
        nonces.next = undefined;
        return next ?? systemEnvironment.random(count);
      },
    },
  };
  return nonces;
}

/** An application end that keeps what it gets. */
function keeping(taken: string[]): Application {
  return (channel) => void (channel.onMessage = (message) => void taken.push(Buffer.from(message).toString()));
}

describe('a relay that has crashed', () => {
  it('goes on with the channels of its clients [RLY-027] [RLY-029]', async () => {
    const taken: string[] = [];
    const relay = await DurableRelay.start({ it: keeping(taken) });
    const session = await relay.connect();
    const channel = await session.open('it', { outcomes: true });
    expect(await channel.deliver(Buffer.from('before'))).toEqual({ type: 'accepted' });
    await relay.restart();
    relay.admit();
    expect(await channel.deliver(Buffer.from('behind'))).toEqual({ type: 'accepted' });
    expect(taken).toEqual(['before', 'behind']);
    await session.close();
  });

  it('does not lead a new request to the channel of another one with the same nonce [RLY-003]', async () => {
    const taken: string[] = [];
    const other: string[] = [];
    const relay = await DurableRelay.start({ it: keeping(taken), other: keeping(other) });
    const nonces = createNonces();
    const session = await relay.connect(undefined, { environment: nonces.environment });
    nonces.next = new Uint8Array(32);
    const channel = await session.open('it', { outcomes: true });
    expect(await channel.deliver(Buffer.from('before'))).toEqual({ type: 'accepted' });
    await relay.restart();
    const hostile = await relay.connect(relay.running.port, { environment: nonces.environment });
    nonces.next = new Uint8Array(32);
    const another = await hostile.open('other', { outcomes: true });
    expect(await another.deliver(Buffer.from('other'))).toEqual({ type: 'accepted' });
    relay.admit();
    expect(await channel.deliver(Buffer.from('behind'))).toEqual({ type: 'accepted' });
    expect([taken, other]).toEqual([['before', 'behind'], ['other']]);
    await session.close();
  });

  it('leads each of two channels with the same nonce to its own application end [RLY-003]', async () => {
    const taken: string[] = [];
    const other: string[] = [];
    const relay = await DurableRelay.start({ it: keeping(taken), other: keeping(other) });
    const nonces = createNonces();
    const session = await relay.connect(undefined, { environment: nonces.environment });
    nonces.next = new Uint8Array(32);
    const first = await session.open('it', { outcomes: true });
    nonces.next = new Uint8Array(32);
    const second = await session.open('other', { outcomes: true });
    await relay.restart();
    relay.admit();
    expect(await first.deliver(Buffer.from('it'))).toEqual({ type: 'accepted' });
    expect(await second.deliver(Buffer.from('other'))).toEqual({ type: 'accepted' });
    expect([taken, other]).toEqual([['it'], ['other']]);
    await session.close();
  });

  it('asks an application end once, also when its answer was lost [RLY-022]', async () => {
    let asked = 0;
    const relay = await DurableRelay.start({
      it: (_channel, request) => {
        asked += 1;
        if (asked === 1) relay.failClients();
        request.refuse();
      },
    });
    const session = await relay.connect();
    const channel = session.request('it');
    await relay.running.log.line('channel ended');
    await relay.restart();
    relay.admit();
    expect(await channel.closed).toMatchObject({ type: 'refused', code: 'ROUTE_UNREACHABLE' });
    expect(asked).toBe(1);
    await session.close();
  });

  it('does not open a channel that it has abandoned on the trunk [RLY-005] [RLY-051]', async () => {
    const relay = await DurableRelay.start({
      it: async (_channel, request) => {
        relay.failClients();
        const prove = { nonce: new Uint8Array(32), relay: RELAY_IDENTITY, chain: kit.server.chainDer };
        await request.provePayload(encodeProve(prove));
      },
    });
    const session = await relay.connect();
    const open = encodeOpen({ nonce: new Uint8Array(32), application: 'it', parameters: {} });
    const forwarded = { hopLimit: 1, client: 'spiffe://hawser.test/far', route: [] };
    const channel = sessionEndpoint(session).forward({ ...forwarded, open });
    await relay.running.log.line('channel ended');
    await relay.restart();
    relay.admit();
    await expect(channel.opened).rejects.toMatchObject({ wireName: 'ROUTE_UNREACHABLE' });
    await session.close();
  });

  it('does not go on with a channel that the application end has reset [RLY-022] [CNT-042]', async () => {
    const taken: string[] = [];
    const relay = await DurableRelay.start({
      it: (channel) => {
        channel.onMessage = (message) => {
          taken.push(Buffer.from(message).toString());
          relay.failClients();
          channel.reset('APPLICATION_ERROR');
          return new Promise(() => undefined);
        };
      },
    });
    const session = await relay.connect();
    const channel = await session.open('it', { outcomes: true });
    const asked = channel.deliver(Buffer.from('x'));
    // It has heard of the end on the trunk, and can not tell the client.
    await relay.running.log.line('the store fails');
    await relay.restart();
    relay.admit();
    expect(await channel.closed).toMatchObject({ type: 'reset', code: 'APPLICATION_LOST' });
    expect(await asked).toEqual({ type: 'unknown' });
    expect(taken).toEqual(['x']);
    await session.close();
  });
});
