import { describe, expect, it, vi } from 'vitest';
import { type Closed, Session as CoreSession } from '../../../core/index.ts';
import { systemEnvironment } from '../../../node/environment.ts';
import { ServerSessions } from '../../../node/server/server-sessions.ts';
import type { Link, SessionEndpoint } from '../../../node/session/session.ts';
import { MemoryStore, type SessionStore } from '../../../store/index.ts';
import { storeError, withMethods } from '../../integration/support/stores.ts';

const ID = new Uint8Array(16).fill(7);
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

const READY = { ready: true, give: () => undefined };

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** A session that was resumed with attempt 5 and has a connection; `supersede` tells whether it was taken from that. */
async function attached(store: SessionStore = new MemoryStore()): Promise<{
  readonly sessions: ServerSessions;
  readonly session: SessionEndpoint;
  readonly supersede: ReturnType<typeof vi.fn>;
}> {
  const sessions = new ServerSessions(
    { environment: systemEnvironment, log: silent, grease: false, onChannelRequested: () => undefined },
    { store },
  );
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
    random: systemEnvironment.random,
    grease: false,
    now: 0,
  });
  const session = sessions.createEndpoint(core, OWNER);
  await sessions.create(session.id, OWNER, 60_000);
  await sessions.resume(OWNER, { sessionId: ID, epoch: 1, attempt: 5, receiveCursor: 0 }, READY);
  const supersede = vi.fn(() => []);
  const peer = { ...PEER, livenessIntervalMs: 300, maxMessageBytes: 1024, initialMessageCredit: 1 };
  const pump = { now: () => 0, handle: () => undefined, pauseReading: () => undefined, resumeReading: () => undefined };
  const link = { connection: { supersede, peer }, pump };
  session.attach(link as unknown as Link);
  return { sessions, session, supersede };
}

describe('the sessions of a server', () => {
  it.each([5, 4, 0])('stay on their connection when attempt %i comes late [CNT-023]', async (attempt) => {
    const { sessions, session, supersede } = await attached();
    const result = await sessions.resume(OWNER, { sessionId: ID, epoch: 99, attempt, receiveCursor: 99 }, READY);
    expect(result).toMatchObject({ type: 'reject', code: 'ATTEMPT_STALE' });
    expect(supersede).not.toHaveBeenCalled();
    expect(session.link).toBeDefined();
    sessions.stop();
  });

  it('leave it for a later attempt [CNT-029]', async () => {
    const { sessions, session, supersede } = await attached();
    const give = vi.fn();
    const request = { sessionId: ID, epoch: 2, attempt: 6, receiveCursor: 0 };
    expect(await sessions.resume(OWNER, request, { ready: true, give })).toEqual({ type: 'given' });
    expect(supersede).toHaveBeenCalledOnce();
    expect(give).toHaveBeenCalledExactlyOnceWith(session, 3);
    sessions.stop();
  });

  it('stay on their connection when the one that asked for them is gone [CNT-052]', async () => {
    const { sessions, session, supersede } = await attached();
    const give = vi.fn();
    const request = { sessionId: ID, epoch: 2, attempt: 6, receiveCursor: 0 };
    expect(await sessions.resume(OWNER, request, { ready: false, give })).toEqual({ type: 'kept' });
    expect(supersede).not.toHaveBeenCalled();
    expect(give).not.toHaveBeenCalled();
    expect(session.link).toBeDefined();
    // The number of the attempt is used up, and the next one is the session's.
    expect(await sessions.resume(OWNER, request, READY)).toMatchObject({ code: 'ATTEMPT_STALE' });
    expect(await sessions.resume(OWNER, { ...request, attempt: 7 }, { ready: true, give })).toEqual({ type: 'given' });
    expect(give).toHaveBeenCalledExactlyOnceWith(session, 4);
    sessions.stop();
  });

  it('name the gap also where the epoch is wrong, too [CNT-026]', async () => {
    const { sessions } = await attached();
    const result = await sessions.resume(OWNER, { sessionId: ID, epoch: 9, attempt: 6, receiveCursor: 4 }, READY);
    expect(result).toMatchObject({ code: 'RESUME_GAP', parameters: { gap_first: 1, gap_last: 4 } });
    sessions.stop();
  });

  it('keep what the client declared first, but for liveness [CNT-003]', async () => {
    const { sessions, session } = await attached();
    expect(session.peerParameters).toEqual({ ...PEER, livenessIntervalMs: 300 });
    sessions.stop();
  });

  it('are not attached again after an end that the store has not taken note of [CNT-036] [CNT-042]', async () => {
    let works = false;
    const inner = new MemoryStore();
    const attach = vi.fn((...call: Parameters<SessionStore['attach']>) => inner.attach(...call));
    const end: SessionStore['end'] = (...call) => (works ? inner.end(...call) : Promise.reject(storeError()));
    const { sessions, session } = await attached(withMethods(inner, { attach, end }));
    session.unlink();
    await session.close();
    attach.mockClear();
    const request = { sessionId: ID, epoch: 2, attempt: 6, receiveCursor: 0 };
    const busy = { type: 'reject', code: 'BUSY', retryAfterMs: 1000 };
    expect(await sessions.resume(OWNER, request, READY)).toMatchObject(busy);
    // A stranger does not learn that there was a session. [CNT-021]
    expect(await sessions.resume(`${OWNER}/2`, request, READY)).toMatchObject({ code: 'RESUME_REFUSED' });
    expect(attach).not.toHaveBeenCalled();
    works = true;
    expect(await sessions.resume(OWNER, { ...request, attempt: 7 }, READY)).toMatchObject({
      code: 'SESSION_ENDED',
      parameters: { final_receive_cursor: 0, final_send_cursor: 0 },
    });
    sessions.stop();
  });

  it('say how far they came although this process does not hold them, where the epoch is wrong [CNT-026] [CNT-063]', async () => {
    const store = new MemoryStore();
    const { sessions } = await attached(store);
    const header = {
      id: 'ee'.repeat(16),
      role: 'server',
      owner: OWNER,
      epoch: 1,
      attempt: 0,
      retentionMs: 60_000,
    } as const;
    await store.create(header, { put: [], delete: [], cursors: { receiveCursor: 4, sendCursor: 6 } });
    const request = { sessionId: new Uint8Array(16).fill(0xee), epoch: 2, attempt: 1, receiveCursor: 8 };
    const gap = {
      code: 'RESUME_GAP',
      parameters: { final_receive_cursor: 4, final_send_cursor: 6, gap_first: 7, gap_last: 8 },
    };
    expect(await sessions.resume(OWNER, request, READY)).toMatchObject(gap);
    // The answer may have been lost. [CNT-063]
    expect(await sessions.resume(OWNER, { ...request, attempt: 2 }, READY)).toMatchObject(gap);
    const right = { ...request, attempt: 3, epoch: 1, receiveCursor: 6 };
    expect(await sessions.resume(OWNER, right, READY)).toMatchObject({
      code: 'SESSION_ENDED',
      parameters: { final_receive_cursor: 4, final_send_cursor: 6 },
    });
    sessions.stop();
  });

  it('find the same gap again where the store could not take note of the end [CNT-025]', async () => {
    let failures = 1;
    const inner = new MemoryStore();
    const end: SessionStore['end'] = (...call) => (failures-- > 0 ? Promise.reject(storeError()) : inner.end(...call));
    const { sessions, session } = await attached(withMethods(inner, { end }));
    const request = { sessionId: ID, epoch: 9, attempt: 6, receiveCursor: 4 };
    expect(await sessions.resume(OWNER, request, READY)).toMatchObject({ code: 'BUSY' });
    expect(session.state).not.toBe('ended');
    expect(await sessions.resume(OWNER, { ...request, attempt: 7 }, READY)).toMatchObject({ code: 'RESUME_GAP' });
    expect(await session.closed).toMatchObject({ code: 'RESUME_GAP' });
    sessions.stop();
  });

  it('tell what became of their messages when they are found to have expired [CNT-017] [CNT-042]', async () => {
    let now = 0;
    const sweep = (): Promise<never> => Promise.reject(storeError());
    const { sessions, session } = await attached(withMethods(new MemoryStore({ clock: () => now }), { sweep }));
    session.unlink();
    sessions.linkEnded(session, { type: 'closed', session: 'detached' } as Closed);
    now = 60_000;
    const request = { sessionId: ID, epoch: 2, attempt: 6, receiveCursor: 0 };
    expect(await sessions.resume(OWNER, request, READY)).toMatchObject({ code: 'SESSION_ENDED' });
    // Not as one that another server goes on with.
    expect(await session.closed).toMatchObject({ code: undefined });
    sessions.stop();
  });
});
