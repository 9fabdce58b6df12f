import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import { TIMERS } from '../../../core/index.ts';
import { createCertificateAuthority } from '../../../pki/index.ts';
import { type Kit, createKit } from '../support/kit.ts';
import { TestClock, testEnvironment } from '../support/test-clock.ts';
import { endOf, startApplicationEnd } from './support/application-end.ts';
import { APPLICATION, startSocketRelay, tcpRoute, tlsRoute } from './support/socket-relay.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

/** A port at which nobody listens. */
async function unusedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

const UNREACHABLE = { code: 'HAWSER_ERR_REMOTE_ROUTE_UNREACHABLE', retryAfterMs: 0 };

describe('an application end that is not reached', () => {
  it('is ROUTE_UNREACHABLE when nobody listens [RLY-033]', async () => {
    const { session, log } = await startSocketRelay(kit, tcpRoute(await unusedPort()));
    await expect(session.open(APPLICATION)).rejects.toMatchObject(UNREACHABLE);
    const { fields } = await log.line('was not reached');
    expect(fields).toMatchObject({ application: APPLICATION, err: { phase: 'tcp', late: false } });
  });

  it.each([
    ['the certificate holds another name', { serverName: 'elsewhere.test' }],
    ['an address is asked for that the certificate does not hold', { serverName: '127.0.0.1' }],
  ])('is ROUTE_UNREACHABLE when %s', async (_what, options) => {
    const certificate = await kit.authority.issue({ role: 'server', dnsNames: ['localhost'] });
    const end = await startApplicationEnd({ certificate });
    const { session, log } = await startSocketRelay(kit, tlsRoute(kit, end.port, options));
    await expect(session.open(APPLICATION)).rejects.toMatchObject(UNREACHABLE);
    const { fields } = await log.line('was not reached');
    expect(fields).toMatchObject({ err: { phase: 'tls', cause: { code: 'ERR_TLS_CERT_ALTNAME_INVALID' } } });
  });

  it('is ROUTE_UNREACHABLE when another authority has issued its certificate', async () => {
    const stranger = await createCertificateAuthority({ commonName: 'Stranger' });
    const certificate = await stranger.issue({ role: 'server', dnsNames: ['localhost'] });
    const end = await startApplicationEnd({ certificate });
    const { session } = await startSocketRelay(kit, tlsRoute(kit, end.port));
    await expect(session.open(APPLICATION)).rejects.toMatchObject(UNREACHABLE);
  });

  it('is ROUTE_UNREACHABLE when it closes within the TLS handshake', async () => {
    const end = await startApplicationEnd();
    const { session } = await startSocketRelay(kit, tlsRoute(kit, end.port));
    const opening = session.open(APPLICATION);
    (await end.next()).end();
    await expect(opening).rejects.toMatchObject(UNREACHABLE);
  });

  it('is APPLICATION_TIMEOUT when it never speaks TLS, at the deadline and not before [RLY-005] [RLY-033]', async () => {
    const end = await startApplicationEnd();
    const clock = new TestClock();
    const environment = testEnvironment(clock);
    const parameters = { livenessIntervalMs: 300_000 };
    const relay = await startSocketRelay(kit, tlsRoute(kit, end.port), { environment, server: { parameters } });
    const channel = relay.session.request(APPLICATION);
    let answered = false;
    channel.opened.catch(() => (answered = true));
    const socket = await end.next();
    await once(socket, 'readable');
    clock.advance(TIMERS.application_connect_deadline_ms - 1000);
    await relay.session.ping();
    expect(answered).toBe(false);
    clock.advance(1000);
    await expect(channel.opened).rejects.toMatchObject({ code: 'HAWSER_ERR_REMOTE_APPLICATION_TIMEOUT' });
  });

  it('is left alone when the client has gone in the meantime', async () => {
    const end = await startApplicationEnd();
    const breaker = { failures: 1, openMs: 60_000 };
    const { session } = await startSocketRelay(kit, tlsRoute(kit, end.port), { breaker });
    const channel = session.request(APPLICATION);
    const socket = await end.next();
    channel.reset('CANCELLED');
    expect(await endOf(socket)).toBe('fin');
    socket.end();
    // What the client did is no failure of the application end.
    const again = session.request(APPLICATION);
    (await end.next()).end();
    await expect(again.opened).rejects.toMatchObject(UNREACHABLE);
  });
});

describe('an application end that has failed several times', () => {
  it('is not attempted for a while, and the client is told how long; then once [RLY-033]', async () => {
    const end = await startApplicationEnd();
    const clock = new TestClock();
    const environment = testEnvironment(clock);
    const parameters = { livenessIntervalMs: 300_000 };
    const breaker = { failures: 2, openMs: 10_000 };
    const route = tlsRoute(kit, end.port);
    const { session } = await startSocketRelay(kit, route, { environment, breaker, server: { parameters } });
    for (let failures = 0; failures < 2; failures += 1) {
      const opening = session.open(APPLICATION);
      (await end.next()).end();
      await expect(opening).rejects.toMatchObject(UNREACHABLE);
    }
    const error: unknown = await session.open(APPLICATION).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'HAWSER_ERR_REMOTE_ROUTE_UNREACHABLE' });
    const { retryAfterMs } = error as { retryAfterMs: number };
    expect(retryAfterMs).toBeGreaterThan(0);
    expect(retryAfterMs).toBeLessThanOrEqual(10_000);
    expect(end.connections).toHaveLength(2);
    clock.advance(10_000);
    const opening = session.open(APPLICATION);
    (await end.next()).end();
    await expect(opening).rejects.toMatchObject(UNREACHABLE);
    expect(end.connections).toHaveLength(3);
  });
});
