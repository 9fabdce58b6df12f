import { type AddressInfo, type Socket, connect, createServer } from 'node:net';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { ConnectOptions, RelayOptions, ServerOptions, Session } from '../../../node/index.ts';
import { CutProxy } from '../support/cut-proxy.ts';
import { connectClient, startServer } from '../support/endpoints.ts';
import { Gate } from '../support/gate.ts';
import { type Kit, RELAY_IDENTITY, createKit, issue, toCredential } from '../support/kit.ts';
import { startRelay } from '../support/relay.ts';
import { TestClock, testEnvironment } from '../support/test-clock.ts';
import { until } from '../support/waiting.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

const continuity = { retentionMs: 60_000, reconnectBoundMs: 1 };

const policy = {
  acceptsClient: () => true,
  acceptsRelay: (identity: string): boolean => identity === RELAY_IDENTITY,
  allowsApplication: () => true,
};

function connectTo(port: number, options: Partial<ConnectOptions> = {}): Promise<Session> {
  return connectClient(kit, port, { audience: RELAY_IDENTITY, ...options });
}

/** A TCP proxy that lets nothing through before its gate is open. */
async function startHeldProxy(target: number): Promise<{ readonly port: number; readonly gate: Gate }> {
  const gate = new Gate();
  const sockets: Socket[] = [];
  const server = createServer((near) => {
    sockets.push(near);
    near.on('error', () => undefined);
    void gate.pass().then(() => {
      const far = connect(target, '127.0.0.1');
      sockets.push(far);
      far.on('error', () => undefined);
      near.pipe(far);
      far.pipe(near);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, gate };
}

/** A relay whose trunk comes about when the gate is open, and the clients that its application end has heard of. */
async function startHeldRelay(
  options: Partial<ServerOptions> = {},
  relayOptions: Partial<RelayOptions> = {},
): Promise<Awaited<ReturnType<typeof startRelay>> & { readonly gate: Gate; readonly asked: readonly string[] }> {
  const asked: string[] = [];
  const server = await startServer(kit, {
    policy,
    applications: new Map([['it', (_channel, { identity }): void => void asked.push(identity)]]),
    ...options,
  });
  const { port, gate } = await startHeldProxy(server.port);
  return { ...(await startRelay(kit, port, relayOptions)), gate, asked };
}

describe('while a trunk connects', () => {
  it('a client goes: nothing of it is passed on [RLY-034] [RLY-035]', async () => {
    const { port, gate, asked } = await startHeldRelay();
    const identity = 'spiffe://hawser.test/hasty';
    const hasty = await connectTo(port, {
      credential: await issue(kit.authority, { role: 'client', uris: [identity] }),
    });
    hasty.request('it');
    const channel = hasty.request('it');
    await gate.reached;
    channel.reset();
    await channel.closed;
    await hasty.close();
    const session = await connectTo(port);
    const opened = session.open('it');
    gate.open();
    await opened;
    expect(asked).not.toContain(identity);
  });

  it('the certificate of a client is revoked: nothing of it is passed on [RLY-035]', async () => {
    const { relay, port, gate, asked } = await startHeldRelay();
    const identity = 'spiffe://hawser.test/revoked';
    const issued = await kit.authority.issue({ role: 'client', uris: [identity] });
    const revoked = await connectTo(port, { credential: await toCredential(issued), continuity });
    revoked.request('it');
    await gate.reached;
    const crls = [(await kit.authority.crl({ number: 2, revoked: [{ serial: issued.serial }] })).der];
    await relay.reload({ crls });
    const session = await connectTo(port);
    const opened = session.open('it');
    gate.open();
    await opened;
    expect(asked).not.toContain(identity);
  });

  it('the relay closes: no trunk stays', async () => {
    const ends: Promise<unknown>[] = [];
    const { relay, port, gate } = await startHeldRelay({ onSession: ({ closed }) => void ends.push(closed) });
    const session = await connectTo(port);
    session.request('it');
    await gate.reached;
    await relay.close();
    gate.open();
    await until(() => ends.length === 1);
    await ends[0];
  });

  it('for too long, that counts once for all channels that have waited', async () => {
    const clock = new TestClock();
    const connectTimeoutMs = 5000;
    const { port, gate } = await startHeldRelay(
      {},
      {
        environment: testEnvironment(clock),
        limits: { connectTimeoutMs, breaker: { failures: 2, openMs: 60_000 } },
      },
    );
    const session = await connectTo(port);
    const late = Array.from({ length: 5 }, () =>
      expect(session.open('it')).rejects.toMatchObject({ wireName: 'APPLICATION_TIMEOUT' }),
    );
    await session.ping();
    await gate.reached;
    clock.advance(connectTimeoutMs + 1);
    await Promise.all(late);
    const opened = session.open('it');
    gate.open();
    await opened;
  });

  it('again, any number of clients may wait for it', async () => {
    const warnings: Error[] = [];
    const warn = (warning: Error): void => void warnings.push(warning);
    process.on('warning', warn);
    onTestFinished(() => void process.off('warning', warn));
    const server = await startServer(kit, { policy, applications: new Map([['it', () => undefined]]) });
    const proxy = await CutProxy.start(server.port);
    const { port, log } = await startRelay(kit, proxy.port);
    const session = await connectTo(port);
    await session.open('it');
    const held = await startHeldProxy(server.port);
    proxy.target = held.port;
    proxy.cut();
    await log.line('a trunk has lost its connection');
    const opened = Array.from({ length: 14 }, () => session.open('it'));
    await session.ping();
    held.gate.open();
    await Promise.all(opened);
    expect(warnings).toEqual([]);
  });
});

describe('a trunk that is being left', () => {
  it('and is not resumable is followed by another one [CNT-046]', async () => {
    const server = await startServer(kit, {
      policy,
      applications: new Map([['it', () => undefined]]),
      continuity: { maxRetentionMs: 0 },
    });
    const { port } = await startRelay(kit, server.port);
    const session = await connectTo(port);
    await session.open('it');
    const [trunk] = server.server.sessions;
    trunk?.drain(60_000);
    await trunk?.ping();
    await session.open('it');
    expect(server.server.sessions).toHaveLength(2);
  });
});
