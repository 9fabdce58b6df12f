import { describe, expect, it, vi } from 'vitest';
import { Session as CoreSession } from '../../../core/index.ts';
import { systemEnvironment } from '../../../node/environment.ts';
import { ServerSessions } from '../../../node/server-sessions.ts';
import type { Link, SessionEndpoint } from '../../../node/session.ts';

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
async function attached(): Promise<{
  readonly sessions: ServerSessions;
  readonly session: SessionEndpoint;
  readonly supersede: ReturnType<typeof vi.fn>;
}> {
  const sessions = new ServerSessions(
    { environment: systemEnvironment, log: silent, grease: false, onChannelRequested: () => undefined },
    {},
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
});
