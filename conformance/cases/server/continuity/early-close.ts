/** Cursors that say nothing of a session, and cursors that say too little. */
import { buildFrame } from '../../../model/codec.ts';
import { fail } from '../../../peer/failure.ts';
import type { ServerCase } from '../../case.ts';
import { serverCases } from '../../case.ts';
import { expectExactly } from '../client-frames.ts';
import { receiveMessage } from '../message-flow.ts';
import { again, keptOpen, pass, refused, requireEcho } from './sessions.ts';

/** What a client sends that gives up an attempt before it has verified ACCEPT. */
const givingUp = (): Uint8Array => buildFrame('CLOSE', { fields: { code: 0, receive_cursor: 0, send_cursor: 0 } });

export const earlyCloses: readonly ServerCase[] = serverCases([
  {
    id: 'CNT-013/attempt-given-up',
    requirements: ['CNT-013', 'SES-013', 'CNT-015'],
    title: 'a client that gives up an attempt at once keeps its session',
    stimulus:
      'In a session in which both ends have sent frames, the client resumes and sends, right behind CONNECT, CLOSE(NO_ERROR) without END_SESSION and with both cursors zero; then it resumes again.',
    expectation: 'The cursors are not examined: the first connection ends without an error, and the session goes on.',
    run: async (context) => {
      const { peer: former, channel } = await keptOpen(context, 'test/echo');
      await requireEcho(former, channel, context.bytes(5), 'CNT-013');
      former.destroy();
      const attempt = await context.challenged();
      attempt.sendResume(former);
      attempt.sendFrame(givingUp());
      attempt.socket.end();
      for (;;) {
        const answer = await attempt.nextOrEnd('the end of the connection');
        if (typeof answer === 'string') break;
        if (answer.name === 'ACCEPT') attempt.goOn(answer);
        if (answer.name !== 'CLOSE') continue;
        answer.requireCode('NO_ERROR', 'SES-013');
        if (answer.has('END_SESSION')) fail('CLOSE without END_SESSION', answer.text, 'CNT-015');
      }
      const next = await again(context, former);
      await requireEcho(next, channel, context.bytes(6), 'CNT-013');
    },
  },
  {
    id: 'SES-013/zero-cursors-on-a-resumed-connection',
    requirements: ['SES-013'],
    title: 'only the first frame behind CONNECT may state cursors of zero',
    stimulus:
      'In a session in which both ends have sent frames, the client resumes, sends a PING, and then CLOSE with both cursors zero.',
    expectation: 'The server ends the session with CLOSE(CURSOR_INVALID).',
    run: async (context) => {
      const { peer: former, channel } = await keptOpen(context, 'test/echo');
      await requireEcho(former, channel, context.bytes(5), 'SES-013');
      const next = await again(context, former);
      await next.barrier('SES-013');
      next.sendFrame(givingUp());
      await expectExactly(next, 'CURSOR_INVALID', 'SES-013');
    },
  },
  {
    id: 'CNT-030/cursor-of-a-refused-attempt',
    requirements: ['CNT-030', 'CNT-010', 'CNT-023'],
    title: 'the cursor of an attempt that is refused acknowledges nothing',
    stimulus:
      'The client has acknowledged OPENED and not the three messages behind it. An attempt with a number already used states that it holds them all, and is refused; the next one states that it holds OPENED.',
    expectation: 'The three messages are sent again.',
    run: async (context) => {
      const { peer: former, channel } = await keptOpen(context, 'test/echo', { acknowledge: false });
      for (let n = 0; n < 3; n += 1) await requireEcho(former, channel, context.bytes(4), 'CNT-030');
      former.destroy();
      const first = await again(context, former, { receiveCursor: 1n });
      for (let n = 0; n < 3; n += 1) await receiveMessage(first, channel, 'CNT-030');
      first.destroy();
      await refused(context, first, 'ATTEMPT_STALE', 'CNT-023', { attempt: 1n, receiveCursor: 4n });
      const next = await again(context, first, { receiveCursor: 1n });
      for (let n = 0; n < 3; n += 1) await receiveMessage(next, channel, 'CNT-030');
    },
  },
  {
    id: 'CNT-013/counted-from-the-last-connection',
    requirements: ['CNT-013'],
    title: 'the retention is counted from the end of the last connection, not of the first',
    stimulus:
      'A session with a retention of three seconds is without a connection for 1800 ms, has one, and is without one for 1800 ms again.',
    expectation: 'The session goes on.',
    timing: true,
    estimateMs: 4000,
    run: async (context) => {
      const { peer, channel } = await keptOpen(context, 'test/echo', { retentionMs: 3000 });
      const idle = await context.established();
      await peer.detach();
      await pass(idle, 1800);
      const next = await again(context, peer);
      await next.detach();
      await pass(idle, 1800);
      const last = await again(context, next);
      await requireEcho(last, channel, context.bytes(8), 'CNT-013');
    },
  },
]);
