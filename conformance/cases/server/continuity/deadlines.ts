import { limit } from '../../../model/registry.ts';
import type { ClientPeer } from '../../../peer/client-peer.ts';
import { assertEqual, assertThat, fail } from '../../../peer/failure.ts';
import type { ServerCase } from '../../case.ts';
import { serverCases } from '../../case.ts';
import { again, asking, kept, keptOpen, pass, requireEcho } from './sessions.ts';

type NewCase = Omit<ServerCase, 'role'>;

const NEAR_MS = 600;
/** How late the end may be, with room for a busy machine. */
const LATE_MS = 1500;
/** Clocks of two processes and the grain of timers. */
const EARLY_MS = 15;

const MIN_RETENTION_MS = limit('test_min_retention_ms');
const MIN_SESSIONS = limit('test_min_sessions');
const MAX_DEADLINE_MS = 604_800_000;

/** A parameter of the ACCEPT of this connection. */
function grantedHere(peer: ClientPeer, name: string): number {
  return Number(peer.accept?.parameter(name) ?? 0);
}

/** Demands CLOSE(CONNECTION_EXPIRED) without END_SESSION, `deadlineMs` after the ACCEPT that came between two times. */
async function requireExpiry(
  peer: ClientPeer,
  deadlineMs: number,
  { asked, accepted }: { readonly asked: number; readonly accepted: number },
): Promise<void> {
  const what = `CLOSE(CONNECTION_EXPIRED) without END_SESSION after ${deadlineMs} ms`;
  const close = await peer.expectWhere(what, ({ name }) => name === 'CLOSE', {
    requirement: 'CNT-053',
    withinMs: deadlineMs + LATE_MS,
  });
  // ACCEPT was sent after CONNECT and before it was read.
  const [atMost, atLeast] = [performance.now() - asked, performance.now() - accepted].map(Math.round);
  close.requireCode('CONNECTION_EXPIRED', 'CNT-053');
  if (close.has('END_SESSION')) fail(what, close.text, 'CNT-053');
  assertThat((atMost ?? 0) >= deadlineMs - EARLY_MS, what, `after ${atMost} ms`, 'CNT-053');
  assertThat((atLeast ?? 0) <= deadlineMs + LATE_MS, what, `after ${atLeast} ms`, 'CNT-053');
  peer.sendClose('NO_ERROR', { flags: [] });
  await peer.expectEnd('SES-014');
}

const grantCases = [1000, 60_000, MAX_DEADLINE_MS].map((deadlineMs): NewCase => ({
  id: `APP-009/grants-${deadlineMs}`,
  requirements: ['APP-009'],
  title: `a connection deadline of ${deadlineMs.toLocaleString('en')} ms is granted`,
  stimulus: `The client asks for a resumable session and a connection deadline of ${deadlineMs.toLocaleString('en')} milliseconds.`,
  expectation:
    deadlineMs > 60_000
      ? 'ACCEPT grants it, or less for the sake of a certificate or a revocation list, but a minute at least.'
      : 'ACCEPT grants exactly this.',
  run: async (context) => {
    const peer = await kept(context, { deadlineMs });
    const granted = grantedHere(peer, 'connection_deadline_ms');
    if (deadlineMs <= 60_000) assertEqual('connection_deadline_ms', granted, deadlineMs, 'APP-009');
    else {
      const right = granted >= 60_000 && granted <= deadlineMs;
      assertThat(right, `from 60000 to ${deadlineMs}`, String(granted), 'APP-009');
    }
    await peer.barrier('CNT-053');
  },
}));

const retentionCases = [1, 1000, 30_000, MIN_RETENTION_MS].map((retentionMs): NewCase => ({
  id: `APP-008/grants-${retentionMs}`,
  requirements: ['APP-008'],
  title: `a retention of ${retentionMs.toLocaleString('en')} ms is granted`,
  stimulus: `The client asks for a session that is kept for ${retentionMs.toLocaleString('en')} milliseconds.`,
  expectation: 'ACCEPT grants exactly this.',
  run: async (context) => {
    const peer = await context.established({ connect: { parameters: asking({ retentionMs }) } });
    assertEqual('session_retention_ms', grantedHere(peer, 'session_retention_ms'), retentionMs, 'APP-008');
    await peer.barrier('APP-008');
  },
}));

/** Section 12.8 and annex A, for a server. */
export const connectionDeadlines: readonly ServerCase[] = serverCases([
  ...grantCases,
  ...retentionCases,
  {
    id: 'APP-008/grants-not-more-than-asked',
    requirements: ['APP-008'],
    title: 'who asks for no retention gets none',
    stimulus: 'The client establishes a session without session_retention_ms, and one with 0.',
    expectation: 'ACCEPT grants none in either.',
    run: async (context) => {
      for (const parameters of [[], asking({ retentionMs: 0 })]) {
        const peer = await context.established({ connect: { parameters } });
        assertEqual('session_retention_ms', grantedHere(peer, 'session_retention_ms'), 0, 'APP-008');
      }
    },
  },
  {
    id: 'APP-008/sessions-at-once',
    requirements: ['APP-008', 'CNT-013'],
    title: `${MIN_SESSIONS} detached sessions of one identity are kept`,
    stimulus: `One client establishes ${MIN_SESSIONS} resumable sessions and loses all connections; then it attaches the sessions again, the oldest first.`,
    expectation: 'Each of them is there.',
    deep: true,
    estimateMs: 15_000,
    run: async (context) => {
      // Of an identity of its own: cases beside this one keep sessions too.
      const as = 'clients/one-dns';
      const sessions: ClientPeer[] = [];
      for (let n = 0; n < MIN_SESSIONS; n += 1) {
        const peer = await context.established({ as, connect: { parameters: asking() } });
        if (peer.session === undefined) fail(`retention for session ${n + 1}`, peer.accept?.text ?? 'none', 'APP-008');
        await peer.detach();
        sessions.push(peer);
      }
      for (const former of sessions) {
        const peer = await again(context, former, { connection: { as } });
        // Ended, so that a later run finds room.
        await peer.close();
      }
    },
  },
  {
    id: 'APP-009/again-for-the-next-connection',
    requirements: ['APP-009'],
    title: 'a deadline is granted for each connection anew',
    stimulus:
      'The client has a session with a connection deadline of 60,000 milliseconds, and attaches it again with 50,000, with 40,000 and without.',
    expectation: 'ACCEPT grants 50,000, and 40,000, and in the end what the certificates allow.',
    run: async (context) => {
      let peer = await kept(context, { deadlineMs: 60_000 });
      for (const deadlineMs of [50_000, 40_000]) {
        const parameters = [{ id: 'connection_deadline_ms', value: deadlineMs }];
        peer = await again(context, peer, { parameters });
        assertEqual('connection_deadline_ms', grantedHere(peer, 'connection_deadline_ms'), deadlineMs, 'APP-009');
      }
      peer = await again(context, peer);
      const granted = grantedHere(peer, 'connection_deadline_ms');
      assertThat(granted === 0 || granted > 60_000, 'none, or one far away', String(granted), 'APP-009');
    },
  },
  {
    id: 'CNT-053/idle',
    requirements: ['CNT-053', 'APP-009', 'CNT-014'],
    title: 'a connection ends at its deadline',
    stimulus: `The client asks for a connection deadline of ${NEAR_MS} milliseconds and does nothing more.`,
    expectation: `CLOSE(CONNECTION_EXPIRED) without END_SESSION arrives ${NEAR_MS} milliseconds after ACCEPT, not before and soon after.`,
    timing: true,
    estimateMs: NEAR_MS + 100,
    run: async (context) => {
      const asked = performance.now();
      const peer = await kept(context, { deadlineMs: NEAR_MS });
      assertEqual('connection_deadline_ms', grantedHere(peer, 'connection_deadline_ms'), NEAR_MS, 'APP-009');
      await requireExpiry(peer, NEAR_MS, { asked, accepted: performance.now() });
    },
  },
  {
    id: 'CNT-053/busy',
    requirements: ['CNT-053', 'APP-009'],
    title: 'traffic does not postpone the deadline',
    stimulus: `With a connection deadline of ${NEAR_MS} milliseconds the client exchanges messages with test/echo all the time.`,
    expectation: `All are answered, and CLOSE(CONNECTION_EXPIRED) arrives ${NEAR_MS} milliseconds after ACCEPT.`,
    timing: true,
    estimateMs: NEAR_MS + 100,
    run: async (context) => {
      const asked = performance.now();
      const peer = await kept(context, { deadlineMs: NEAR_MS });
      const accepted = performance.now();
      const channel = await peer.open('test/echo');
      while (performance.now() - asked < NEAR_MS - 200) {
        await requireEcho(peer, channel, context.bytes(5), 'CNT-053');
        await peer.arrival(30);
      }
      await requireExpiry(peer, NEAR_MS, { asked, accepted });
    },
  },
  {
    id: 'CNT-053/resumed-with-a-new-deadline',
    requirements: ['CNT-053', 'CNT-013', 'APP-009'],
    title: 'a session goes on after the deadline of its connection, and the next connection has its own',
    stimulus: `The deadline of ${NEAR_MS} milliseconds passes. The client attaches the session again with ${NEAR_MS / 2} milliseconds, and waits again; then it attaches it without a deadline.`,
    expectation: 'Each connection ends at its own deadline, and the session is there after each of them.',
    timing: true,
    estimateMs: NEAR_MS * 1.5 + 200,
    run: async (context) => {
      const { peer: first, channel } = await keptOpen(context, 'test/echo', { deadlineMs: NEAR_MS });
      await first.expectDetached('CONNECTION_EXPIRED', 'CNT-053');
      const asked = performance.now();
      const second = await again(context, first, {
        parameters: [{ id: 'connection_deadline_ms', value: NEAR_MS / 2 }],
      });
      const accepted = performance.now();
      await requireEcho(second, channel, context.bytes(6), 'CNT-013');
      await requireExpiry(second, NEAR_MS / 2, { asked, accepted });
      const third = await again(context, second);
      await requireEcho(third, channel, context.bytes(6), 'CNT-013');
    },
  },
  {
    id: 'CNT-053/of-the-connection-alone',
    requirements: ['CNT-053'],
    title: 'the deadline of the former connection does not end the next one',
    stimulus: `The client attaches a session whose connection has a deadline of ${NEAR_MS} milliseconds to another one with 60,000, and stays for longer than the first.`,
    expectation: 'The new connection goes on.',
    timing: true,
    estimateMs: NEAR_MS + 200,
    run: async (context) => {
      const { peer: former, channel } = await keptOpen(context, 'test/echo', { deadlineMs: NEAR_MS });
      const peer = await again(context, former, { parameters: [{ id: 'connection_deadline_ms', value: 60_000 }] });
      await pass(peer, NEAR_MS + 100);
      await requireEcho(peer, channel, context.bytes(6), 'CNT-053');
    },
  },
  {
    id: 'CNT-053/drain-beyond-it',
    requirements: ['CNT-053'],
    title: 'DRAIN with a later deadline does not postpone that of the connection',
    stimulus: `With a connection deadline of ${NEAR_MS} milliseconds the client asks test/drain for a minute.`,
    expectation: `CLOSE(CONNECTION_EXPIRED) arrives ${NEAR_MS} milliseconds after ACCEPT.`,
    timing: true,
    estimateMs: NEAR_MS + 100,
    run: async (context) => {
      const asked = performance.now();
      const peer = await kept(context, { deadlineMs: NEAR_MS });
      const accepted = performance.now();
      const channel = await peer.open('test/drain');
      peer.sendMessage(channel, Uint8Array.of(0, 0, 0xea, 0x60));
      await peer.expect('DRAIN', { requirement: 'APP-001' });
      await requireExpiry(peer, NEAR_MS, { asked, accepted });
    },
  },
  {
    id: 'CNT-053/drain-before-it',
    requirements: ['CNT-053', 'CNT-048'],
    title: 'DRAIN with an earlier deadline comes first',
    stimulus: 'With a connection deadline of a minute the client asks test/drain for no time.',
    expectation: 'CLOSE(NO_ERROR) without END_SESSION arrives: the code is that of DRAIN.',
    run: async (context) => {
      const { peer, channel } = await keptOpen(context, 'test/drain', { deadlineMs: 60_000 });
      peer.sendMessage(channel, new Uint8Array(4));
      await peer.expect('DRAIN', { requirement: 'APP-001' });
      await peer.expectDetached('NO_ERROR', 'CNT-048');
    },
  },
]);
