import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type Closed, Session as CoreSession } from '../../../core/index.ts';
import { endStored } from '../../../node/server/pending-ends.ts';
import { ServerSessions } from '../../../node/server/server-sessions.ts';
import type { Link, SessionEndpoint } from '../../../node/session/session.ts';
import { MemoryStore, type SessionStore } from '../../../store/index.ts';
import { RecordingLog } from '../../integration/support/endpoints.ts';
import { Gate } from '../../integration/support/gate.ts';
import { storeError, withMethods } from '../../integration/support/stores.ts';
import { TestClock, testEnvironment } from '../../integration/support/test-clock.ts';
import { until } from '../../integration/support/waiting.ts';

const ID = new Uint8Array(16).fill(7);
const NAME = '07'.repeat(16);
const OWNER = 'spiffe://hawser.test/client';
const PEER = {
  livenessIntervalMs: 15_000,
  maxMessageBytes: 5000,
  initialMessageCredit: 64,
  initialByteCredit: 65_536,
  maxChannels: undefined,
  custody: 'received',
  retentionMs: 60_000,
  deadlineMs: 0,
} as const;
const DETACHED = { type: 'closed', session: 'detached' } as Closed;

function request(attempt: number): Parameters<ServerSessions['resume']>[1] {
  return { sessionId: ID, epoch: 1, attempt, receiveCursor: 0 };
}

/** A server that holds a session under epoch 1. */
async function holding(store: SessionStore, clock = new TestClock()): Promise<[ServerSessions, SessionEndpoint]> {
  const environment = testEnvironment(clock);
  const host = { environment, log: new RecordingLog(), grease: false, onChannelRequested: () => undefined };
  const sessions = new ServerSessions(host, { store });
  onTestFinished(() => sessions.stop());
  const core = new CoreSession({
    role: 'server',
    id: ID,
    epoch: 1,
    terms: {
      own: { maxMessageBytes: 5000, initialMessageCredit: 64, initialByteCredit: 65_536, maxChannels: 8 },
      peer: PEER,
      retentionMs: 60_000,
      custody: 'received',
      peerCustody: 'received',
    },
    random: environment.random,
    grease: false,
    now: 0,
  });
  await sessions.create(NAME, OWNER, 60_000);
  return [sessions, sessions.createEndpoint(core, OWNER)];
}

describe('a server that holds a session which another one has had since', () => {
  it('does not go on with what it holds where its own attempt was not answered [CNT-037] [CNT-038]', async () => {
    const inner = new MemoryStore();
    let failing = false;
    const fail = (): void => {
      if (failing) throw storeError();
    };
    const store = withMethods(inner, {
      attach: async (...call) => {
        const result = await inner.attach(...call);
        fail();
        return result;
      },
      load: async (id) => {
        fail();
        return inner.load(id);
      },
    });
    const [sessions] = await holding(store);
    // The other server.
    expect(await inner.attach(NAME, OWNER, 1, 1)).toMatchObject({ type: 'attached' });
    failing = true;
    const give = vi.fn();
    await sessions.resume(OWNER, request(2), { ready: true, give });
    failing = false;
    await sessions.resume(OWNER, request(3), { ready: true, give });
    expect(give).not.toHaveBeenCalled();
  });

  it('does not say its last word in a store that it has asked to attach it [CNT-035] [CNT-037]', async () => {
    const store = new MemoryStore();
    await store.create(
      { id: NAME, role: 'server', owner: OWNER, epoch: 1, attempt: 0, retentionMs: 60_000 },
      { put: [], delete: [] },
    );
    await store.attach(NAME, OWNER, 1, 1);
    await store.attach(NAME, OWNER, 2, 1);
    const cursors = { receiveCursor: 0, sendCursor: 0 };
    const end = { owner: OWNER, epoch: 1, cursors, asked: 2, noted: () => undefined };
    expect(await endStored(store, NAME, end)).toBe('elsewhere');
    expect(await store.attach(NAME, OWNER, 3, 1)).toMatchObject({ type: 'attached' });
  });

  it('does not end it for the other one when it is closed while a client attaches it [CNT-036] [CNT-037]', async () => {
    const gate = new Gate();
    const inner = new MemoryStore();
    const store = withMethods(inner, {
      attach: async (...call) => {
        await gate.pass();
        return inner.attach(...call);
      },
    });
    const [sessions, session] = await holding(store);
    await inner.attach(NAME, OWNER, 1, 1);
    const answer = sessions.resume(OWNER, request(2), { ready: true, give: () => undefined });
    await gate.reached;
    const closed = session.close();
    gate.open();
    await closed;
    expect(await answer).not.toMatchObject({ code: 'SESSION_ENDED' });
    expect(await inner.attach(NAME, OWNER, 3, 1)).toMatchObject({ type: 'attached' });
  });
});

describe('a session that its server has closed', () => {
  /** With a connection whose CLOSE waits for the store. */
  async function closing(store: SessionStore, clock: TestClock): Promise<SessionEndpoint> {
    const [, session] = await holding(store, clock);
    const pump = {
      now: clock.now,
      handle: () => undefined,
      pauseReading: () => undefined,
      resumeReading: () => undefined,
    };
    const connection = { close: () => [], supersede: () => [], state: 'established', peer: PEER };
    session.attach({ connection, pump } as unknown as Link);
    void session.close();
    return session;
  }

  it('ends although its connection was lost before it could say so', async () => {
    const clock = new TestClock();
    const store = new MemoryStore();
    const session = await closing(store, clock);
    session.receive(DETACHED);
    // Far from the end of its retention.
    clock.advance(2000);
    await until(() => session.state === 'ended');
    expect(await store.attach(NAME, OWNER, 1, 1)).toMatchObject({ type: 'ended' });
  });

  it('is left to the server that has it by then [CNT-042]', async () => {
    const clock = new TestClock();
    const store = new MemoryStore();
    const session = await closing(store, clock);
    await store.attach(NAME, OWNER, 1, 1);
    session.receive(DETACHED);
    clock.advance(2000);
    expect(await session.closed).toMatchObject({ code: 'SUPERSEDED' });
    expect(await store.attach(NAME, OWNER, 2, 1)).toMatchObject({ type: 'attached' });
  });
});
