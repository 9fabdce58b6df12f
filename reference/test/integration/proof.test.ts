import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { encodeOpened } from '../../core/frames/opened.ts';
import { decodeProve, encodeProve } from '../../core/frames/prove.ts';
import { TIMERS } from '../../core/index.ts';
import { signProof } from '../../core/opening.ts';
import type { ChannelEndpoint } from '../../node/session/channel.ts';
import {
  type Application,
  type ChannelRequest,
  type ClientOptions,
  type Credential,
  type ServerOptions,
  type Session,
  createClient,
  createSigner,
  testApplications,
} from '../../node/index.ts';
import { createCertificateAuthority } from '../../pki/index.ts';
import { type SessionStore, openDurableStore } from '../../store/index.ts';
import { CutProxy } from './support/cut-proxy.ts';
import { type RunningServer, clientOf, connectClient, expectEcho, startServer } from './support/endpoints.ts';
import { CLIENT_IDENTITY, type Kit, SERVER_IDENTITY, createKit, issue, toCredential } from './support/kit.ts';
import { channelEndpoint, sessionEndpoint } from './support/relay-ends.ts';
import { TestClock, testEnvironment } from './support/test-clock.ts';
import { happens } from './support/waiting.ts';

const RELAY_IDENTITY = 'spiffe://hawser.test/relay';

let kit: Kit;
let other: Credential;
let relay: { readonly client: Credential; readonly server: Credential };
beforeAll(async () => {
  kit = await createKit();
  const { authority } = kit;
  other = await issue(authority, { role: 'client', uris: ['spiffe://hawser.test/other'] });
  relay = {
    client: await issue(authority, { role: 'client', uris: [RELAY_IDENTITY] }),
    server: await issue(authority, { role: 'server', uris: [RELAY_IDENTITY] }),
  };
});

function serverWith(application: Application, options: Partial<ServerOptions> = {}): Promise<RunningServer> {
  return startServer(kit, { applications: new Map([...testApplications, ['it', application]]), ...options });
}

/** A server whose application asks for proof in its own words. */
function serverAsking(
  prove: (request: ChannelRequest) => Partial<Parameters<typeof encodeProve>[0]>,
): Promise<RunningServer> {
  return serverWith(async (_channel, request) => {
    const usual = { nonce: new Uint8Array(32), relay: '', chain: kit.server.chainDer };
    await request.provePayload(encodeProve({ ...usual, ...prove(request) }));
  });
}

/** Asks for a channel, and keeps the PROVE that comes on it. */
async function ask(session: Session, application: string): Promise<{ channel: ChannelEndpoint; prove: Uint8Array }> {
  const channel = channelEndpoint(session.request(application));
  const prove = await new Promise<Uint8Array>((resolve) => (channel.onProve = resolve));
  return { channel, prove };
}

describe('a client that is asked for proof', () => {
  it('gives it to the server that it means, and verifies the answer [RLY-042] [RLY-045]', async () => {
    const { port } = await startServer(kit);
    const session = await connectClient(kit, port);
    const channel = await session.open('test/prove', { demandProof: true });
    const messages = channel[Symbol.asyncIterator]();
    await channel.send(Buffer.from('proved'));
    expect(Buffer.from((await messages.next()).value ?? []).toString()).toBe('proved');
  });

  it.each(['ed25519', 'rsa-2048', 'ecdsa-p384'] as const)('signs and verifies with %s', async (keyAlgorithm) => {
    const client = await issue(kit.authority, { role: 'client', uris: [CLIENT_IDENTITY], keyAlgorithm });
    const server = await issue(kit.authority, { role: 'server', uris: [SERVER_IDENTITY], keyAlgorithm });
    const { port } = await startServer(kit, { credential: server });
    const session = await connectClient(kit, port, { credential: client });
    await session.open('test/prove');
  });

  it('does without, unless it demands it [RLY-047]', async () => {
    const { port } = await startServer(kit);
    const session = await connectClient(kit, port);
    await expect(session.open('test/echo', { demandProof: true })).rejects.toMatchObject({
      code: 'HAWSER_ERR_PROOF_MISSING',
      requirement: 'RLY-047',
    });
    await expectEcho(session);
  });

  it('does not give it to another application end than its configuration names [RLY-038] [RLY-041]', async () => {
    const { port } = await startServer(kit);
    const session = await connectClient(kit, port);
    const applicationIdentity = 'spiffe://hawser.test/application';
    const channel = session.request('test/prove', { applicationIdentity });
    await expect(channel.opened).rejects.toMatchObject({ code: 'HAWSER_ERR_PROOF_APPLICATION' });
    expect(await channel.closed).toMatchObject({ type: 'reset', code: 'PROOF_INVALID', remote: false });
    await expectEcho(session);
  });

  it.each([
    ['HAWSER_ERR_PROOF_RELAY', 'has the request from somebody else [RLY-039]', { relay: 'spiffe://hawser.test/relay' }],
    ['HAWSER_ERR_PROOF_CHAIN', 'has no certificate [RLY-040]', { chain: [new Uint8Array(8)] }],
  ])('rejects with %s when the application end %s', async (code, _, prove) => {
    const { port, server } = await serverAsking(() => prove);
    const session = await connectClient(kit, port);
    await expect(session.open('it')).rejects.toMatchObject({ code });
    await expectEcho(session);
    expect(server.sessions).toHaveLength(1);
  });

  it('does not give it to an application end of another authority, or with the certificate of a client [RLY-040]', async () => {
    const elsewhere = await createCertificateAuthority({ commonName: 'Another authority' });
    const stranger = await issue(elsewhere, { role: 'server', uris: [SERVER_IDENTITY] });
    const wrongRole = await issue(kit.authority, { role: 'client', uris: [SERVER_IDENTITY] });
    const chains = [stranger.chainDer, wrongRole.chainDer];
    const { port } = await serverAsking(() => ({ chain: chains.shift() ?? [] }));
    const session = await connectClient(kit, port);
    for (const requirement of ['RLY-040', 'RLY-040']) {
      await expect(session.open('it')).rejects.toMatchObject({ code: 'HAWSER_ERR_PROOF_CHAIN', requirement });
    }
  });

  it('judges by the trust that it has been given last [RLY-040]', async () => {
    const issued = await kit.authority.issue({ role: 'server', uris: [SERVER_IDENTITY] });
    const { chainDer } = await toCredential(issued);
    const { port } = await serverAsking(() => ({ chain: chainDer }));
    const client = clientOf(kit);
    const session = await client.connect({ host: '127.0.0.1', port, audience: SERVER_IDENTITY });
    onTestFinished(() => session.close().then(() => undefined));
    const crl = await kit.authority.crl({ number: 2, revoked: [{ serial: issued.serial }] });
    await client.reload({ crls: [crl.der] });
    await expect(session.open('it')).rejects.toMatchObject({ code: 'HAWSER_ERR_PROOF_CHAIN' });
  });

  it.each([
    ['HAWSER_ERR_PROOF_UNSIGNED', encodeOpened({ parameters: {} })],
    [
      'HAWSER_ERR_PROOF_SIGNATURE',
      encodeOpened({ parameters: { open_signature: Uint8Array.of(0x04, 0x03, ...new Uint8Array(64)) } }),
    ],
  ])('rejects with %s an answer that does not verify [RLY-046]', async (code, payload) => {
    const { port } = await serverWith(async (_channel, request) => {
      await request.prove();
      request.accept({ payload });
    });
    const session = await connectClient(kit, port);
    const channel = session.request('it');
    await expect(channel.opened).rejects.toMatchObject({ code, requirement: 'RLY-046' });
    expect(await channel.closed).toMatchObject({ type: 'reset', code: 'PROOF_INVALID' });
    await expectEcho(session);
  });

  it('does not take the answer that it got to an earlier question [RLY-046]', async () => {
    const answers: (Uint8Array | undefined)[] = [];
    const { port } = await serverWith(async (_channel, request) => {
      await request.prove();
      request.accept({ payload: answers.pop() });
    });
    const session = await connectClient(kit, port);
    answers.push(channelEndpoint(await session.open('it')).openedPayload);
    await expect(session.open('it')).rejects.toMatchObject({ code: 'HAWSER_ERR_PROOF_SIGNATURE' });
  });
});

describe('a server that asks for proof', () => {
  it.each([
    ['HAWSER_ERR_PROOF_IDENTITY', 'is that of somebody else', () => other, () => other],
    ['HAWSER_ERR_PROOF_SIGNATURE', 'is signed with another key', () => kit.client, () => other],
    ['HAWSER_ERR_PROOF_CHAIN', 'has the certificate of a server', () => kit.server, () => kit.server],
  ])('refuses, with %s, a proof that %s [RLY-043] [RLY-044]', async (code, _, chainOf, signerOf) => {
    let request: ChannelRequest | undefined;
    let failure: Promise<unknown> | undefined;
    const { port, log } = await serverWith(async (_channel, it) => {
      request = it;
      const proved = it.prove();
      failure = proved.catch((error: unknown) => error);
      await proved;
    });
    const session = await connectClient(kit, port);
    const { channel, prove } = await ask(session, 'it');
    const open = request?.openPayload ?? new Uint8Array();
    channel.sendProof(signProof({ open, prove }, chainOf().chainDer, createSigner(signerOf().privateKey)));
    await expect(channel.opened).rejects.toMatchObject({ code: 'HAWSER_ERR_REMOTE_PROOF_INVALID' });
    expect(await failure).toMatchObject({ code, requirement: 'RLY-043' });
    expect((await log.line('has not proved itself')).fields).toMatchObject({ requirement: 'RLY-043' });
    await expectEcho(session);
  });

  it('gives up when none has come in time [RLY-052]', async () => {
    const clock = new TestClock();
    const { port, log } = await startServer(kit, { environment: testEnvironment(clock) });
    const session = await connectClient(kit, port);
    const { channel } = await ask(session, 'test/prove');
    clock.advance(TIMERS.proof_deadline_ms);
    await expect(channel.opened).rejects.toMatchObject({ code: 'HAWSER_ERR_REMOTE_PROOF_INVALID' });
    expect((await log.line('has not proved itself')).fields).toMatchObject({ requirement: 'RLY-052' });
    // Too late, and nobody is disturbed by it.
    channel.sendProof(new Uint8Array(8));
    await expectEcho(session);
  });

  it('hears of a client that goes away instead', async () => {
    let failure: Promise<unknown> | undefined;
    const { port } = await serverWith(async (_channel, request) => {
      const proved = request.prove();
      failure = proved.catch((error: unknown) => error);
      await proved;
    });
    const session = await connectClient(kit, port);
    const { channel } = await ask(session, 'it');
    channel.reset('CANCELLED');
    await channel.closed;
    expect(await failure).toMatchObject({ code: 'HAWSER_ERR_REMOTE_CANCELLED' });
    await expectEcho(session);
  });
});

describe('a request that a relay passes on', () => {
  /** The payload of an OPEN, as a server gets it from a client. */
  async function openPayload(application: string): Promise<Uint8Array> {
    let taken: ((open: Uint8Array) => void) | undefined;
    const open = new Promise<Uint8Array>((resolve) => (taken = resolve));
    const applications = { get: (): Application => (_channel, request) => taken?.(request.openPayload) };
    const { port } = await startServer(kit, { applications });
    void (await connectClient(kit, port)).open(application);
    return open;
  }

  function forward(session: Session, open: Uint8Array, route: readonly string[] = []): ChannelEndpoint {
    return sessionEndpoint(session).forward({ hopLimit: 3, client: CLIENT_IDENTITY, route, open });
  }

  const policy = (relays: readonly string[], client = CLIENT_IDENTITY): ServerOptions['policy'] => ({
    acceptsClient: () => true,
    acceptsRelay: (identity) => relays.includes(identity),
    allowsApplication: (identity) => identity === client,
  });

  it('comes from the client that it names, through the relays that it names [RLY-014]', async () => {
    const { port } = await startServer(kit, { policy: policy([RELAY_IDENTITY]) });
    const session = await connectClient(kit, port, { credential: relay.client });
    const channel = forward(session, await openPayload('test/route'), ['spiffe://hawser.test/first']);
    await channel.opened;
    const { value } = await channel[Symbol.asyncIterator]().next();
    const names = [CLIENT_IDENTITY, 'spiffe://hawser.test/first', RELAY_IDENTITY];
    expect(Buffer.from(value ?? []).toString()).toBe(names.join('\n'));
  });

  it.each([
    { why: 'its sender is no relay [RLY-013]', relays: [], client: CLIENT_IDENTITY },
    { why: 'its client may not [CHN-008]', relays: [RELAY_IDENTITY], client: RELAY_IDENTITY },
  ])('is refused when $why', async ({ relays, client }) => {
    const { port } = await startServer(kit, { policy: policy(relays, client) });
    const session = await connectClient(kit, port, { credential: relay.client });
    await expect(forward(session, await openPayload('test/echo')).opened).rejects.toMatchObject({
      code: 'HAWSER_ERR_REMOTE_APPLICATION_REFUSED',
    });
  });

  it('is refused by its route before the policy is asked [RLY-011]', async () => {
    const refusesRoute = (relays: readonly string[]): 'ROUTE_LOOP' | undefined =>
      relays[0] === 'spiffe://hawser.test/server' ? 'ROUTE_LOOP' : undefined;
    const { port } = await startServer(kit, { policy: { ...policy([RELAY_IDENTITY], 'nobody'), refusesRoute } });
    const session = await connectClient(kit, port, { credential: relay.client });
    await expect(forward(session, await openPayload('test/echo'), [SERVER_IDENTITY]).opened).rejects.toMatchObject({
      code: 'HAWSER_ERR_REMOTE_ROUTE_LOOP',
    });
  });

  it('can not be proved through two relays [RLY-049]', async () => {
    const { port } = await startServer(kit, { policy: policy([RELAY_IDENTITY]) });
    const session = await connectClient(kit, port, { credential: relay.client });
    const channel = forward(session, await openPayload('test/prove'), ['spiffe://hawser.test/first']);
    await expect(channel.opened).rejects.toMatchObject({ code: 'HAWSER_ERR_REMOTE_PROOF_UNAVAILABLE' });
  });

  /** A server that passes everything on to another one, octets as they are. */
  async function startRelay(): Promise<RunningServer> {
    const { port } = await startServer(kit, { policy: policy([RELAY_IDENTITY]) });
    const trunk = sessionEndpoint(await connectClient(kit, port, { credential: relay.client }));
    const passOn: Application = async (channel, request) => {
      const { identity: client, relays: route, openPayload: open } = request;
      const down = trunk.forward({ hopLimit: 3, client, route, open });
      down.onProve = (payload) =>
        void request.provePayload(payload).then(
          (proof) => down.sendProof(proof),
          () => down.reset('PROOF_INVALID'),
        );
      await down.opened;
      request.accept({ payload: down.openedPayload });
      channel.onMessage = (message) => down.send(message);
      down.onMessage = (message) => channel.send(message);
    };
    return startServer(kit, { credential: relay.server, applications: { get: () => passOn } });
  }

  it('is proved from end to end through one', async () => {
    const { port } = await startRelay();
    const session = await connectClient(kit, port, { audience: RELAY_IDENTITY });
    const channel = await session.open('test/prove', { applicationIdentity: SERVER_IDENTITY, demandProof: true });
    await channel.send(Buffer.from('through'));
    const { value } = await channel[Symbol.asyncIterator]().next();
    expect(Buffer.from(value ?? []).toString()).toBe('through');
  });

  it('is not proved to an application end that the client has not named [RLY-038]', async () => {
    const { port } = await startRelay();
    const session = await connectClient(kit, port, { audience: RELAY_IDENTITY });
    await expect(session.open('test/prove')).rejects.toMatchObject({ code: 'HAWSER_ERR_PROOF_APPLICATION' });
  });
});

describe('a crash between PROVE and PROOF', () => {
  const continuity = { retentionMs: 60_000, reconnectBoundMs: 1 };

  async function storeDirectory(): Promise<string> {
    const directory = await mkdtemp(join(tmpdir(), 'hawser-sessions-'));
    onTestFinished(() => rm(directory, { recursive: true }));
    return directory;
  }

  /** A server with a durable store, whose application tells of the request that it proves. */
  async function startStored(store: SessionStore): Promise<RunningServer & { requests: ChannelRequest[] }> {
    const requests: ChannelRequest[] = [];
    const running = await serverWith(
      async (_channel, request) => {
        requests.push(request);
        await request.prove();
      },
      { continuity: { store } },
    );
    return { ...running, requests };
  }

  it('of the server: the application end is asked again, and no second PROVE is sent [RLY-037]', async () => {
    const directory = await storeDirectory();
    const first = await openDurableStore({ directory });
    const before = await startStored(first);
    const proxy = await CutProxy.start(before.port);
    const session = await connectClient(kit, proxy.port, { continuity });
    const { channel, prove } = await ask(session, 'it');
    const open = before.requests[0]?.openPayload ?? new Uint8Array();
    const again = happens(session, 'attached');
    await before.server.close();
    await first.close();

    const second = await openDurableStore({ directory });
    onTestFinished(() => second.close());
    const after = await startStored(second);
    proxy.target = after.port;
    await again;
    channel.sendProof(signProof({ open, prove }, kit.client.chainDer, createSigner(kit.client.privateKey)));
    await channel.opened;
    expect(after.requests).toMatchObject([{ identity: CLIENT_IDENTITY, restored: false, nonce: open.subarray(0, 32) }]);
    await session.close();
  });

  it('of the server, which has another key by then: the channel is refused', async () => {
    const directory = await storeDirectory();
    const first = await openDurableStore({ directory });
    const before = await startStored(first);
    const proxy = await CutProxy.start(before.port);
    const session = await connectClient(kit, proxy.port, { continuity });
    const { channel } = await ask(session, 'it');
    await before.server.close();
    await first.close();

    const second = await openDurableStore({ directory });
    onTestFinished(() => second.close());
    const credential = await issue(kit.authority, { role: 'server', uris: [SERVER_IDENTITY] });
    const after = await serverWith((_channel, request) => request.prove(), {
      continuity: { store: second },
      credential,
    });
    proxy.target = after.port;
    await expect(channel.opened).rejects.toMatchObject({ code: 'HAWSER_ERR_REMOTE_PROOF_INVALID' });
    expect((await after.log.line('has not proved itself')).fields).toMatchObject({ requirement: 'RLY-045' });
    await session.close();
  });

  it('of the client: it is asked again, judges as it was told before, and verifies the answer [RLY-038] [RLY-046]', async () => {
    const { port } = await startServer(kit);
    const directory = await storeDirectory();
    const options = (store: SessionStore): ClientOptions => ({ credential: kit.client, ...kit.trust, store });
    const target = { host: '127.0.0.1', port, audience: SERVER_IDENTITY, continuity };
    const store = await openDurableStore({ directory });
    const before = await createClient(options(store)).connect(target);
    const wrong = { applicationIdentity: 'spiffe://hawser.test/application' };
    const asked = ['test/prove', 'test/prove'].map((application, index) => {
      const channel = channelEndpoint(before.request(application, index === 0 ? {} : wrong));
      channel.opened.catch(() => undefined);
      return new Promise<Uint8Array>((resolve) => (channel.onProve = resolve));
    });
    const proves = (await Promise.all(asked)).map((payload) => decodeProve(payload));
    expect(proves.map(({ chain }) => chain[0])).toEqual([kit.server.chainDer[0], kit.server.chainDer[0]].map(toOctets));
    const lost = happens(before, 'detached');
    before.detach();
    await lost;
    await store.close();

    const reopened = await openDurableStore({ directory });
    const restored: ChannelEndpoint[] = [];
    const onChannelRestored = (channel: ChannelEndpoint): void => void restored.push(channel);
    const session = await createClient(options(reopened)).restore(before.id, { ...target, onChannelRestored });
    await restored[0]?.opened;
    await expect(restored[1]?.opened).rejects.toMatchObject({ code: 'HAWSER_ERR_PROOF_APPLICATION' });
    await session.close();
    await reopened.close();
  });
});

function toOctets(octets: Uint8Array | undefined): Uint8Array {
  return new Uint8Array(octets ?? []);
}
