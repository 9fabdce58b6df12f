import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Environment, Session } from '../../../node/index.ts';
import type { RecordingLog } from '../support/endpoints.ts';
import { connectClient, startServer } from '../support/endpoints.ts';
import { type Kit, RELAY_IDENTITY, createKit } from '../support/kit.ts';
import { startRelay } from '../support/relay.ts';
import { until } from '../support/waiting.ts';
import { TestClock, testEnvironment } from '../support/test-clock.ts';
import { startApplicationEnd } from './support/application-end.ts';
import { APPLICATION, startSocketRelay, tcpRoute, tlsRoute } from './support/socket-relay.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

const REPEATED = 'an attempt to reach the application end is repeated';
const GIVEN_UP = 'the application end was not reached';
const UNREACHABLE = { code: 'HAWSER_ERR_REMOTE_ROUTE_UNREACHABLE', retryAfterMs: 0 };
const parameters = { livenessIntervalMs: 300_000 };

/** One further attempt, for which a test lets the time come. */
const HELD = { attempts: 2, firstBoundMs: 4000 };
/** Attempts that follow each other at once. */
const QUICK = { attempts: 3, firstBoundMs: 1 };

/** Random waits are as long as their bound: nothing passes before a test lets it. */
function heldEnvironment(clock: TestClock): Environment {
  return {
    ...testEnvironment(clock),
    random: (count) => (count === 4 ? new Uint8Array(4).fill(255) : randomBytes(count)),
  };
}

async function listen(server: Server, port = 0): Promise<number> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

async function unusedPort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  server.close();
  await once(server, 'close');
  return port;
}

/** A TCP proxy that resets its first connections, and how many it has had. */
async function startResettingProxy(
  target: number,
  resets: number,
): Promise<{ readonly port: number; readonly connections: readonly Socket[] }> {
  const connections: Socket[] = [];
  const server = createServer((near) => {
    near.on('error', () => undefined);
    connections.push(near);
    if (connections.length <= resets) {
      // Behind what the relay says first: its TCP connection is there.
      near.once('data', () => near.resetAndDestroy());
      return;
    }
    const far = connect(target, '127.0.0.1');
    far.on('error', () => near.destroy());
    far.on('close', () => near.destroy());
    near.on('close', () => far.destroy());
    near.pipe(far);
    far.pipe(near);
  });
  return { port: await listen(server), connections };
}

/** How often an attempt was repeated, and how often one was given up. */
function counts({ lines }: RecordingLog): readonly [repeated: number, givenUp: number] {
  const count = (words: string): number => lines.filter(({ message }) => message === words).length;
  return [count(REPEATED), count(GIVEN_UP)];
}

/** How many connections were made until now: one of the test's own comes behind them. */
async function connectionsOf(peer: {
  readonly port: number;
  readonly connections: readonly Socket[];
}): Promise<number> {
  await new Promise(setImmediate);
  const own = connect(peer.port, '127.0.0.1');
  await once(own, 'connect');
  const { localPort } = own;
  const at = (): number => peer.connections.findIndex(({ remotePort }) => remotePort === localPort);
  await until(() => at() >= 0);
  const count = at();
  own.destroy();
  return count;
}

function connectTo(port: number): Promise<Session> {
  return connectClient(kit, port, { audience: RELAY_IDENTITY });
}

const relayed = {
  policy: { acceptsClient: () => true, acceptsRelay: () => true, allowsApplication: () => true },
  applications: new Map([['it', () => undefined]]),
};

describe('an application end that is reached at a further attempt', () => {
  it('and nobody listened at first: the channel opens', async () => {
    const clock = new TestClock();
    const port = await unusedPort();
    const options = { environment: heldEnvironment(clock), retry: HELD, server: { parameters } };
    const { session, log } = await startSocketRelay(kit, tcpRoute(port), options);
    const opening = session.open(APPLICATION);
    const { level, fields } = await log.line(REPEATED);
    expect([level, fields]).toMatchObject(['info', { application: APPLICATION, failures: 1, err: { phase: 'tcp' } }]);
    const server = createServer((socket) => void socket.on('error', () => undefined).resume());
    await listen(server, port);
    clock.advance(HELD.firstBoundMs);
    await opening;
    expect(counts(log)).toEqual([1, 0]);
  });

  it('and TLS was reset at first: the channel opens', async () => {
    const certificate = await kit.authority.issue({ role: 'server', dnsNames: ['localhost'] });
    const end = await startApplicationEnd({ certificate });
    const proxy = await startResettingProxy(end.port, 2);
    const { session, log } = await startSocketRelay(kit, tlsRoute(kit, proxy.port), { retry: QUICK });
    await session.open(APPLICATION);
    expect(proxy.connections).toHaveLength(3);
    expect(end.connections).toHaveLength(1);
    expect(counts(log)).toEqual([2, 0]);
  });

  it('and the PROXY header goes before each attempt [RLY-024]', async () => {
    const end = await startApplicationEnd();
    const { session } = await startSocketRelay(kit, tlsRoute(kit, end.port, { proxy: true }), { retry: QUICK });
    const opening = session.open(APPLICATION);
    const headers: string[] = [];
    for (let attempt = 0; attempt < QUICK.attempts; attempt += 1) {
      const socket = await end.next();
      const [octets] = (await once(socket, 'data')) as [Buffer];
      headers.push(octets.toString('latin1', 0, 12));
      socket.resetAndDestroy();
    }
    await expect(opening).rejects.toMatchObject(UNREACHABLE);
    expect(headers).toEqual(Array(QUICK.attempts).fill('\r\n\r\n\0\r\nQUIT\n'));
  });

  it('and the trunk was reset at first: all channels that wait open', async () => {
    const server = await startServer(kit, relayed);
    const proxy = await startResettingProxy(server.port, 2);
    const { port, log } = await startRelay(kit, proxy.port, { limits: { retry: QUICK } });
    const session = await connectTo(port);
    await Promise.all([session.open('it'), session.open('it')]);
    expect(proxy.connections).toHaveLength(3);
    expect(server.server.sessions).toHaveLength(1);
    expect(counts(log)).toEqual([2, 0]);
  });
});

describe('an application end that no attempt reaches', () => {
  it('is ROUTE_UNREACHABLE after the last one, which is one failure for the breaker [RLY-033]', async () => {
    const proxy = await startResettingProxy(0, Infinity);
    const breaker = { failures: 2, openMs: 60_000 };
    const { session, log } = await startSocketRelay(kit, tlsRoute(kit, proxy.port), { breaker, retry: QUICK });
    for (let channels = 1; channels <= 2; channels += 1) {
      await expect(session.open(APPLICATION)).rejects.toMatchObject(UNREACHABLE);
      expect(proxy.connections).toHaveLength(channels * QUICK.attempts);
    }
    expect(counts(log)).toEqual([2 * (QUICK.attempts - 1), 2]);
    const error: unknown = await session.open(APPLICATION).catch((reason: unknown) => reason);
    expect((error as { retryAfterMs: number }).retryAfterMs).toBeGreaterThan(0);
    expect(proxy.connections).toHaveLength(2 * QUICK.attempts);
  });

  it('is ROUTE_UNREACHABLE to every channel that waits for its trunk, and one failure for the breaker', async () => {
    const proxy = await startResettingProxy(0, Infinity);
    const limits = { retry: QUICK, breaker: { failures: 2, openMs: 60_000 } };
    const { port } = await startRelay(kit, proxy.port, { limits });
    const session = await connectTo(port);
    for (let rounds = 1; rounds <= 2; rounds += 1) {
      const openings = [session.open('it'), session.open('it')];
      for (const opening of openings) await expect(opening).rejects.toMatchObject(UNREACHABLE);
      expect(proxy.connections).toHaveLength(rounds * QUICK.attempts);
    }
    const error: unknown = await session.open('it').catch((reason: unknown) => reason);
    expect((error as { retryAfterMs: number }).retryAfterMs).toBeGreaterThan(0);
  });

  it('is attempted once where its certificate does not hold', async () => {
    const certificate = await kit.authority.issue({ role: 'server', dnsNames: ['elsewhere.test'] });
    const end = await startApplicationEnd({ certificate });
    const { session, log } = await startSocketRelay(kit, tlsRoute(kit, end.port), { retry: QUICK });
    await expect(session.open(APPLICATION)).rejects.toMatchObject(UNREACHABLE);
    expect(end.connections).toHaveLength(1);
    expect(counts(log)).toEqual([0, 1]);
  });

  it('is attempted once where it rejects the session of the relay, and the client is told when to come back', async () => {
    const tried: string[] = [];
    const acceptsClient = (identity: string): boolean => {
      tried.push(identity);
      return false;
    };
    const server = await startServer(kit, { ...relayed, policy: { ...relayed.policy, acceptsClient } });
    const { port, log } = await startRelay(kit, server.port, { limits: { retry: QUICK } });
    const session = await connectTo(port);
    await expect(session.open('it')).rejects.toMatchObject({ wireName: 'ROUTE_UNREACHABLE' });
    expect(tried).toEqual([RELAY_IDENTITY]);
    expect(counts(log)).toEqual([0, 1]);
  });
});

describe('while an attempt is to be repeated', () => {
  it('the client resets its channel: no other attempt is made for it', async () => {
    const clock = new TestClock();
    const end = await startApplicationEnd();
    const options = { environment: heldEnvironment(clock), retry: HELD, server: { parameters } };
    const { session, log } = await startSocketRelay(kit, tlsRoute(kit, end.port), options);
    const channel = session.request(APPLICATION);
    (await end.next()).resetAndDestroy();
    await log.line(REPEATED);
    channel.reset('CANCELLED');
    await session.ping();
    clock.advance(HELD.firstBoundMs);
    expect(await connectionsOf(end)).toBe(1);
    expect(counts(log)).toEqual([1, 0]);
  });

  it('the relay closes: no other attempt is made for the trunk', async () => {
    const clock = new TestClock();
    const proxy = await startResettingProxy(0, Infinity);
    const { relay, port, log } = await startRelay(kit, proxy.port, {
      environment: heldEnvironment(clock),
      parameters,
      limits: { retry: HELD },
    });
    const session = await connectTo(port);
    session.request('it');
    await log.line(REPEATED);
    await relay.close();
    await log.line(GIVEN_UP);
    clock.advance(HELD.firstBoundMs);
    expect(await connectionsOf(proxy)).toBe(1);
  });
});
