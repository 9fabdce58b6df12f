import { beforeAll, describe, expect, it } from 'vitest';
import type { ConnectOptions, Server, Session } from '../../node/index.ts';
import { MemoryStore } from '../../store/index.ts';
import { CutProxy } from './support/cut-proxy.ts';
import { connectClient, expectEcho, startServer } from './support/endpoints.ts';
import { Gate } from './support/gate.ts';
import { type Kit, createKit } from './support/kit.ts';
import { storeError, withMethods } from './support/stores.ts';
import { TestClock, testEnvironment } from './support/test-clock.ts';
import { happens, until } from './support/waiting.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

const RETENTION_MS = 60_000;
const continuity = { retentionMs: RETENTION_MS, reconnectBoundMs: 1 };

/** Nothing tries to attach the session; it is there until its retention is over, and ends then. */
async function expectParked(session: Session, clock: TestClock): Promise<void> {
  await until(() => session.state === 'detached');
  clock.advance(RETENTION_MS / 2);
  await new Promise((resolve) => setImmediate(resolve));
  expect(session.state).toBe('detached');
  clock.advance(RETENTION_MS / 2);
  expect(await session.closed).toMatchObject({ outcome: 'aborted', code: undefined, error: undefined });
}

/** A server that answers a resumption when the test says so. */
async function startGated(refuses: boolean): Promise<{ gate: Gate; server: Server; port: number }> {
  const gate = new Gate();
  const inner = new MemoryStore();
  const store = withMethods(inner, {
    attach: async (...call) => {
      await gate.pass();
      if (refuses) throw storeError();
      return inner.attach(...call);
    },
  });
  return { gate, ...(await startServer(kit, { continuity: { store } })) };
}

describe('a session whose owner detaches it during a rotation is left without a connection', () => {
  it('when the attempt succeeds: both connections end in order [CNT-013]', async () => {
    const clock = new TestClock();
    const { gate, server, port } = await startGated(false);
    const session = await connectClient(kit, port, { continuity, environment: testEnvironment(clock) });
    const lost = happens(session, 'detached');
    const rotated = session.rotate();
    await gate.reached;
    session.detach();
    gate.open();
    await rotated;
    expect(await lost).toMatchObject([{ outcome: 'orderly', code: 'NO_ERROR', session: 'detached' }]);
    await until(() => server.sessions.every(({ state }) => state === 'detached'));
    expect([server.sessions.length, session.epoch]).toEqual([1, 2]);
    await expectParked(session, clock);
  });

  it('when the attempt is refused [CNT-052]', async () => {
    const clock = new TestClock();
    const { gate, server, port } = await startGated(true);
    const session = await connectClient(kit, port, { continuity, environment: testEnvironment(clock) });
    const rotated = session.rotate();
    await gate.reached;
    session.detach();
    gate.open();
    await expect(rotated).rejects.toMatchObject({ code: 'HAWSER_ERR_TRANSPORT_DETACHED' });
    await until(() => server.sessions.every(({ state }) => state === 'detached'));
    expect(session.epoch).toBe(1);
    await expectParked(session, clock);
  });

  it('when the attempt has not asked for it yet, which it then does not', async () => {
    const clock = new TestClock();
    const { port } = await startServer(kit);
    const observe: ConnectOptions['observe'] = ({ type }) => {
      if (type === 'challenge-received') session.detach();
    };
    const session = await connectClient(kit, port, { continuity, environment: testEnvironment(clock), observe });
    const lost = happens(session, 'detached');
    await expect(session.rotate()).rejects.toMatchObject({ code: 'HAWSER_ERR_TRANSPORT_DETACHED' });
    await lost;
    expect(session.epoch).toBe(1);
    await expectParked(session, clock);
  });

  it('unless it wants it moved again [CNT-057]', async () => {
    const { gate, port } = await startGated(false);
    const session = await connectClient(kit, port, { continuity });
    const rotated = session.rotate();
    await gate.reached;
    session.detach();
    const again = session.rotate();
    gate.open();
    await Promise.all([rotated, again]);
    await expectEcho(session);
  });

  it('unless it is to be closed [SES-017]', async () => {
    const { gate, server, port } = await startGated(false);
    const session = await connectClient(kit, port, { continuity });
    const rotated = session.rotate();
    await gate.reached;
    session.detach();
    const closed = session.close();
    gate.open();
    await rotated;
    expect(await closed).toMatchObject({ session: 'ended', outcome: 'orderly' });
    await until(() => server.sessions.length === 0);
  });
});

describe('a session whose owner detaches it', () => {
  it('while it has lost its connection is not attached again [CNT-017]', async () => {
    const clock = new TestClock();
    const { port } = await startServer(kit);
    const proxy = await CutProxy.start(port);
    const session = await connectClient(kit, proxy.port, { continuity, environment: testEnvironment(clock) });
    const lost = happens(session, 'detached');
    proxy.cut();
    await lost;
    session.detach();
    await expectParked(session, clock);
    expect(session.epoch).toBe(1);
  });

  it('is not moved by a DRAIN that crosses [CNT-047]', async () => {
    const clock = new TestClock();
    const { server, port } = await startServer(kit);
    const session = await connectClient(kit, port, { continuity, environment: testEnvironment(clock) });
    const lost = happens(session, 'detached');
    server.sessions[0]?.drain(RETENTION_MS);
    session.detach();
    await lost;
    await expectParked(session, clock);
    expect(session.epoch).toBe(1);
  });
});
