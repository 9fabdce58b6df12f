import type { ClientPeer } from '../../../peer/client-peer.ts';
import { fail } from '../../../peer/failure.ts';
import type { ServerCase } from '../../case.ts';
import { serverCases } from '../../case.ts';
import { expectExactly } from '../client-frames.ts';
import { sourceMessage, sourceRequest } from '../message-flow.ts';
import { again, keptOpen, missing, pass, refused, requireEcho, requireMessage, requireStated } from './sessions.ts';

type NewCase = Omit<ServerCase, 'role'>;

interface Leaving {
  readonly slug: string;
  /** Completes "The connection of a session ...". */
  readonly what: string;
  readonly requirement?: 'CNT-014' | 'CNT-015';
  readonly timing?: true;
  readonly parameters?: readonly { readonly id: string; readonly value: number }[];
  readonly deadlineMs?: number;
  readonly leave: (peer: ClientPeer, channel: number) => Promise<void>;
}

const closing =
  (code: string): ((peer: ClientPeer) => Promise<void>) =>
  async (peer) => {
    peer.sendClose(code, { flags: [] });
    const close = await peer.expectWhere('CLOSE without END_SESSION', ({ name }) => name === 'CLOSE', {
      requirement: 'CNT-015',
    });
    close.requireCode('NO_ERROR', 'CNT-015');
    if (close.has('END_SESSION')) fail('CLOSE without END_SESSION', close.text, 'CNT-015');
    await peer.expectEnd('SES-012');
  };

function cut(peer: ClientPeer): Promise<void> {
  peer.destroy();
  return Promise.resolve();
}

const LEAVINGS: readonly Leaving[] = [
  { slug: 'cut', what: 'is cut', leave: cut },
  {
    slug: 'end-of-stream',
    what: 'ends without CLOSE',
    leave: async (peer) => {
      peer.socket.end();
      while (typeof (await peer.nextOrEnd('the end of the connection')) !== 'string');
    },
  },
  ...['NO_ERROR', 'LIVENESS_TIMEOUT', 'SHUTTING_DOWN', 'CONNECTION_EXPIRED', 'INTERNAL_ERROR', 'SUPERSEDED'].map(
    (code): Leaving => ({
      slug: `close-${code.toLowerCase().replaceAll('_', '-')}`,
      what: `is ended by the client with CLOSE(${code}) without END_SESSION`,
      requirement: 'CNT-015',
      leave: closing(code),
    }),
  ),
  {
    slug: 'close-inside-a-message',
    what: 'is ended by the client with CLOSE without END_SESSION between two fragments of a message',
    requirement: 'CNT-015',
    leave: async (peer) => {
      const channel = await peer.open('test/sink');
      peer.send('MESSAGE', { channel, flags: ['FIRST'], fields: { fragment: peer.random(9) } });
      await closing('NO_ERROR')(peer);
    },
  },
  {
    slug: 'server-leaves',
    what: 'is ended by the server with CLOSE without END_SESSION',
    leave: async (peer) => {
      const channel = await peer.open('test/detach');
      peer.sendMessage(channel, peer.random(3));
      await peer.expectDetached('NO_ERROR', 'APP-001');
    },
  },
  {
    slug: 'server-leaves-unanswered',
    what: 'is ended by the server with CLOSE without END_SESSION, and cut instead of an answer',
    leave: async (peer) => {
      const channel = await peer.open('test/detach');
      peer.sendMessage(channel, peer.random(3));
      await peer.expectWhere('CLOSE', ({ name }) => name === 'CLOSE', { requirement: 'APP-001' });
      peer.destroy();
    },
  },
  {
    slug: 'liveness-timeout',
    what: 'is ended by the server with CLOSE(LIVENESS_TIMEOUT)',
    requirement: 'CNT-014',
    timing: true,
    parameters: [{ id: 'liveness_interval_ms', value: 200 }],
    leave: async (peer) => {
      peer.answerPings = false;
      peer.answerAcks = false;
      await peer.expectDetached('LIVENESS_TIMEOUT', 'CNT-014');
    },
  },
  {
    slug: 'deadline',
    what: 'is ended by the server with CLOSE(CONNECTION_EXPIRED)',
    requirement: 'CNT-014',
    timing: true,
    deadlineMs: 400,
    leave: async (peer) => {
      await peer.expectDetached('CONNECTION_EXPIRED', 'CNT-014');
    },
  },
];

const keptCases = LEAVINGS.map(
  ({ slug, what, requirement = 'CNT-013', timing, parameters, deadlineMs, leave }): NewCase => ({
    id: `${requirement}/${slug}`,
    requirements: requirement === 'CNT-013' ? ['CNT-013'] : [requirement, 'CNT-013'],
    title: `a session is kept whose connection ${what}`,
    stimulus: `The connection of a session that is kept ${what}, and the client resumes the session.`,
    expectation: 'The session goes on: a message on its open channel comes back.',
    ...(timing === true ? { timing, estimateMs: 700 } : {}),
    run: async (context) => {
      const { peer, channel } = await keptOpen(context, 'test/echo', {
        ...(parameters === undefined ? {} : { parameters }),
        ...(deadlineMs === undefined ? {} : { deadlineMs }),
      });
      await leave(peer, channel);
      const next = await again(context, peer);
      await requireEcho(next, channel, context.bytes(8), 'CNT-013');
    },
  }),
);

interface Ending {
  readonly slug: string;
  /** Completes "A session that is kept ...". */
  readonly what: string;
  readonly requirement?: 'CNT-014' | 'CNT-015';
  readonly end: (peer: ClientPeer, channel: number) => Promise<unknown>;
}

/** Demands an error of scope session, in a CLOSE that says so. */
async function ended(peer: ClientPeer, code: string, requirement: string): Promise<void> {
  const close = await expectExactly(peer, code, requirement);
  if (!close.has('END_SESSION')) fail('CLOSE with END_SESSION', close.text, 'CNT-014');
}

const ENDINGS: readonly Ending[] = [
  { slug: 'ended-by-client', what: 'is ended by the client with CLOSE and END_SESSION', end: (peer) => peer.close() },
  {
    slug: 'ended-by-client-with-code',
    what: 'is ended by the client with CLOSE(SHUTTING_DOWN) and END_SESSION',
    end: async (peer) => {
      peer.sendClose('SHUTTING_DOWN');
      await peer.expectWhere('CLOSE', ({ name }) => name === 'CLOSE', { requirement: 'SES-012' });
      await peer.expectEnd('SES-012');
    },
  },
  {
    slug: 'ended-by-server',
    what: 'is ended by the server with CLOSE and END_SESSION, and the client answers',
    end: async (peer) => {
      peer.sendMessage(await peer.open('test/close'), peer.random(3));
      const close = await peer.expectWhere('CLOSE', ({ name }) => name === 'CLOSE', { requirement: 'APP-001' });
      if (!close.has('END_SESSION')) fail('CLOSE with END_SESSION', close.text, 'APP-001');
      peer.sendClose();
      await peer.expectEnd('SES-014');
    },
  },
  {
    slug: 'ended-by-server-unanswered',
    what: 'is ended by the server with CLOSE and END_SESSION, and the client does not answer',
    end: async (peer) => {
      peer.sendMessage(await peer.open('test/close'), peer.random(3));
      await peer.expectWhere('CLOSE', ({ name }) => name === 'CLOSE', { requirement: 'APP-001' });
    },
  },
  {
    slug: 'ended-in-answer',
    what: 'whose connection the server ends without END_SESSION is ended by the answer of the client, with END_SESSION,',
    end: async (peer) => {
      peer.sendMessage(await peer.open('test/detach'), peer.random(3));
      await peer.expectWhere('CLOSE', ({ name }) => name === 'CLOSE', { requirement: 'APP-001' });
      peer.sendClose();
      await peer.expectEnd('SES-014');
    },
  },
  {
    slug: 'sequence-error',
    what: 'sees a frame with a wrong sequence number',
    requirement: 'CNT-014',
    end: async (peer, channel) => {
      const fields = { fragment: peer.random(3) };
      peer.sendOctets(peer.build('MESSAGE', { channel, seq: 99n, flags: ['FIRST', 'LAST'], fields }));
      await ended(peer, 'SEQUENCE_INVALID', 'WIR-012');
    },
  },
  {
    slug: 'unknown-frame',
    what: 'sees a frame of an unknown type',
    requirement: 'CNT-014',
    end: async (peer) => {
      peer.sendOctets(new Uint8Array([0x3f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
      await ended(peer, 'FRAME_UNKNOWN', 'WIR-005');
    },
  },
  {
    slug: 'cursor-error',
    what: 'sees an ACK of what was not sent',
    requirement: 'CNT-014',
    end: async (peer) => {
      peer.sendAck(peer.receivedSeq + 9n);
      await ended(peer, 'CURSOR_INVALID', 'CNT-007');
    },
  },
  ...[
    { slug: 'wrong-receive-cursor', what: 'more than was sent', fields: { receive_cursor: 99 } },
    { slug: 'wrong-send-cursor', what: 'another last frame than the one sent', fields: { send_cursor: 99 } },
  ].map(({ slug, what, fields }): Ending => ({
    slug,
    what: `gets a CLOSE without END_SESSION that states ${what}`,
    requirement: 'CNT-015',
    end: async (peer) => {
      peer.sendClose('NO_ERROR', { flags: [], fields });
      const close = await peer.expectViolation('CURSOR_INVALID', { requirement: 'SES-013', probe: false });
      close.requireCode('CURSOR_INVALID', 'SES-013');
      if (!close.has('END_SESSION')) fail('CLOSE with END_SESSION', close.text, 'CNT-015');
    },
  })),
];

const endedCases = ENDINGS.map(({ slug, what, requirement = 'CNT-013', end }): NewCase => ({
  id: `${requirement}/${slug}`,
  requirements: requirement === 'CNT-013' ? ['CNT-013', 'CNT-036'] : [requirement, 'CNT-013', 'CNT-036'],
  title: `a session is over that ${what}`,
  stimulus: `A session that is kept ${what}. Then the client asks to resume it.`,
  expectation: 'The server answers with REJECT(SESSION_ENDED) and its final cursors.',
  run: async (context) => {
    const { peer, channel } = await keptOpen(context, 'test/echo');
    await requireEcho(peer, channel, context.bytes(5), 'CNT-013');
    await end(peer, channel);
    const reject = await refused(context, peer, 'SESSION_ENDED', 'CNT-036');
    requireStated(reject, { final_receive_cursor: peer.nextSeq - 1n, final_send_cursor: peer.receivedSeq });
  },
}));

const moreCases: readonly NewCase[] = [
  {
    id: 'CNT-013/application-goes-on',
    requirements: ['CNT-013', 'CNT-030'],
    title: 'application ends go on while their session has no connection',
    stimulus:
      'A client has test/source begin 40 messages and cuts the connection as soon as it has read the first. Then it resumes the session.',
    expectation: 'All 40 messages come, in order and none twice.',
    run: async (context) => {
      const { peer } = await keptOpen(context, 'test/sink', { acknowledge: false });
      peer.cutAfter({ frames: 2 });
      const source = peer.sendOpen('test/source', sourceRequest(40, 100));
      await peer.expect('OPENED', { channel: source });
      await requireMessage(peer, source, sourceMessage(0, 100), 'CHN-015');
      const next = await again(context, peer);
      for (let n = 1; n < 40; n += 1) await requireMessage(next, source, sourceMessage(n, 100), 'CNT-030');
      await next.expect('END', { channel: source, requirement: 'CNT-030' });
    },
  },
  {
    id: 'CNT-017/retention-over',
    requirements: ['CNT-017'],
    title: 'a session ends when its retention is over',
    stimulus: 'A session is kept for 300 ms. Its connection is lost, and 600 ms later the client asks to resume it.',
    expectation:
      'The server answers with REJECT, SESSION_ENDED while it keeps the final cursors and RESUME_REFUSED then.',
    timing: true,
    estimateMs: 700,
    run: async (context) => {
      const { peer } = await keptOpen(context, 'test/echo', { retentionMs: 300 });
      await peer.detach();
      const next = await context.challenged();
      await pass(next, 600);
      next.sendResume(peer);
      const answer = await next.nextOrEnd('REJECT');
      if (typeof answer === 'string' || answer.name !== 'REJECT') {
        missing('REJECT', typeof answer === 'string' ? answer : answer.text, 'CNT-017');
      }
      if (!['SESSION_ENDED', 'RESUME_REFUSED'].includes(answer.code)) {
        missing('SESSION_ENDED or RESUME_REFUSED', answer.text, 'CNT-017');
      }
    },
  },
  {
    id: 'CNT-035/after-the-retention',
    requirements: ['CNT-035', 'CNT-017', 'CNT-036'],
    title: 'the final cursors are kept after the retention is over',
    stimulus: 'A session is kept for 3000 ms. Its connection is lost, and 3300 ms later the client asks to resume it.',
    expectation: 'The server answers with REJECT(SESSION_ENDED) and its final cursors.',
    timing: true,
    estimateMs: 3500,
    run: async (context) => {
      const { peer } = await keptOpen(context, 'test/echo', { retentionMs: 3000 });
      await peer.detach();
      const detachedAt = performance.now();
      const next = await context.challenged();
      // The establishment takes a part of the time.
      await pass(next, 3300 - (performance.now() - detachedAt));
      next.sendResume(peer);
      const reject = await expectExactly(next, 'SESSION_ENDED', 'CNT-035');
      requireStated(reject, { final_receive_cursor: peer.nextSeq - 1n, final_send_cursor: peer.receivedSeq });
    },
  },
  {
    id: 'CNT-013/kept-for-the-retention',
    requirements: ['CNT-013'],
    title: 'a session is kept for its retention, counted from the end of the connection',
    stimulus:
      'A session with a retention of three seconds has a connection for 3300 ms. The connection ends, and the client resumes the session.',
    expectation: 'The session goes on.',
    timing: true,
    estimateMs: 3600,
    run: async (context) => {
      const { peer, channel } = await keptOpen(context, 'test/echo', { retentionMs: 3000 });
      await pass(peer, 3300);
      await peer.detach();
      const next = await context.challenged();
      await next.resumeFrom(peer);
      await requireEcho(next, channel, context.bytes(8), 'CNT-013');
    },
  },
];

/** Sessions without a connection: which are kept, and for how long. */
export const continuityDetached: readonly ServerCase[] = serverCases([...keptCases, ...endedCases, ...moreCases]);
