import { MAX_U53 } from '../../../model/codec.ts';
import type { ClientPeer, ResumeOptions } from '../../../peer/client-peer.ts';
import type { ServerCase } from '../../case.ts';
import { serverCases } from '../../case.ts';
import type { ServerContext } from '../../server-context.ts';
import { again, keptOpen, refused, requireEcho, requireStated } from './sessions.ts';

type NewCase = Omit<ServerCase, 'role'>;

interface Gap {
  readonly slug: string;
  /** Completes "The server has sent six frames, of which four are acknowledged. The client resumes the session with ...". */
  readonly what: string;
  readonly resume: ResumeOptions;
  readonly first: number | bigint;
  readonly last: number | bigint;
}

const GAPS: readonly Gap[] = [
  { slug: 'epoch-one-ahead', what: 'epoch 2 instead of 1', resume: { epoch: 2n }, first: 0, last: 0 },
  { slug: 'epoch-largest', what: 'the largest epoch', resume: { epoch: MAX_U53 }, first: 0, last: 0 },
  { slug: 'cursor-one-ahead', what: 'cursor 7', resume: { receiveCursor: 7n }, first: 7, last: 7 },
  { slug: 'cursor-far-ahead', what: 'cursor 100', resume: { receiveCursor: 100n }, first: 7, last: 100 },
  { slug: 'cursor-largest', what: 'the largest cursor', resume: { receiveCursor: MAX_U53 }, first: 7, last: MAX_U53 },
  { slug: 'cursor-one-pruned', what: 'cursor 3', resume: { receiveCursor: 3n }, first: 4, last: 4 },
  { slug: 'cursor-two-pruned', what: 'cursor 2', resume: { receiveCursor: 2n }, first: 3, last: 4 },
  { slug: 'cursor-zero', what: 'cursor 0', resume: { receiveCursor: 0n }, first: 1, last: 4 },
  {
    slug: 'epoch-and-cursor-ahead',
    what: 'epoch 2 and cursor 9',
    resume: { epoch: 2n, receiveCursor: 9n },
    first: 7,
    last: 9,
  },
  {
    slug: 'epoch-ahead-and-cursor-pruned',
    what: 'epoch 2 and cursor 1',
    resume: { epoch: 2n, receiveCursor: 1n },
    first: 2,
    last: 4,
  },
];

/** A session in which the server has sent six frames and the client has acknowledged four. */
async function four(context: ServerContext): Promise<{ readonly peer: ClientPeer; readonly channel: number }> {
  const { peer, channel } = await keptOpen(context, 'test/echo', { acknowledge: false });
  for (let n = 0; n < 5; n += 1) await requireEcho(peer, channel, context.bytes(4), 'CNT-025');
  peer.sendAck(4n);
  await peer.barrier('CNT-007');
  return { peer, channel };
}

const finals = (peer: ClientPeer): Readonly<Record<string, bigint>> => ({
  final_receive_cursor: peer.nextSeq - 1n,
  final_send_cursor: 6n,
});

const gapCases = GAPS.flatMap(({ slug, what, resume, first, last }): NewCase[] => [
  {
    id: `CNT-025/${slug}`,
    requirements: ['CNT-025', 'CNT-026', 'CNT-036'],
    title: `a session is over that can not go on from ${what}`,
    stimulus: `The server has sent six frames, of which four are acknowledged, and the connection is lost. The client resumes the session with ${what}, and then once more with what is right.`,
    expectation: `The server answers with REJECT(RESUME_GAP), gap_first ${first}, gap_last ${last} and its final cursors, and then with REJECT(SESSION_ENDED) and the same final cursors.`,
    run: async (context) => {
      const { peer } = await four(context);
      peer.destroy();
      const reject = await refused(context, peer, 'RESUME_GAP', 'CNT-025', resume);
      requireStated(reject, { gap_first: first, gap_last: last, ...finals(peer) });
      const after = await refused(context, peer, 'SESSION_ENDED', 'CNT-025', { receiveCursor: 6n });
      requireStated(after, finals(peer));
    },
  },
]);

const BOUNDARIES = [4n, 5n, 6n].map((receiveCursor): NewCase => ({
  id: `CNT-025/cursor-${receiveCursor}-is-no-gap`,
  requirements: ['CNT-025', 'CNT-030'],
  title: `cursor ${receiveCursor} is no gap where four of six frames are acknowledged`,
  stimulus: `The server has sent six frames, of which four are acknowledged, and the connection is lost. The client resumes the session with cursor ${receiveCursor}.`,
  expectation: 'The session goes on.',
  run: async (context) => {
    const { peer, channel } = await four(context);
    peer.destroy();
    const next = await again(context, peer, { receiveCursor });
    for (let n = receiveCursor; n < 6n; n += 1n) await next.expect('MESSAGE', { channel, requirement: 'CNT-030' });
    await requireEcho(next, channel, context.bytes(3), 'CNT-025');
  },
}));

interface Told {
  readonly slug: string;
  /** Completes "The client has told that it holds four frames ...". */
  readonly what: string;
  readonly tell: (context: ServerContext, peer: ClientPeer) => Promise<ClientPeer>;
}

const TOLD: readonly Told[] = [
  {
    slug: 'told-by-close',
    what: 'in its CLOSE',
    tell: async (_, peer) => {
      await peer.detach();
      return peer;
    },
  },
  {
    slug: 'told-by-connect',
    what: 'in CONNECT of an earlier resumption',
    tell: async (context, peer) => {
      peer.destroy();
      const next = await again(context, peer);
      next.destroy();
      return next;
    },
  },
  {
    slug: 'told-by-answer',
    what: 'in its answer to a CLOSE of the server',
    tell: async (_, peer) => {
      const channel = await peer.open('test/detach');
      peer.sendMessage(channel, peer.random(2));
      await peer.expectDetached('NO_ERROR', 'APP-001');
      return peer;
    },
  },
];

const toldCases = TOLD.map(({ slug, what, tell }): NewCase => ({
  id: `CNT-025/${slug}`,
  requirements: ['CNT-025', 'CNT-026'],
  title: `what the client has told ${what} counts as acknowledged`,
  stimulus: `The client has told ${what} that it holds everything that the server has sent. Then it resumes the session with a cursor that is one lower.`,
  expectation: 'The server answers with REJECT(RESUME_GAP), and the last frame is the gap.',
  run: async (context) => {
    const { peer, channel } = await keptOpen(context, 'test/echo', { acknowledge: false });
    for (let n = 0; n < 3; n += 1) await requireEcho(peer, channel, context.bytes(4), 'CNT-025');
    const former = await tell(context, peer);
    const last = former.receivedSeq;
    const reject = await refused(context, former, 'RESUME_GAP', 'CNT-025', { receiveCursor: last - 1n });
    requireStated(reject, { gap_first: last, gap_last: last, final_send_cursor: last });
  },
}));

const moreGapCases: readonly NewCase[] = [
  ...[
    { slug: 'cursor-ahead-of-a-connection', what: 'cursor 99', resume: { receiveCursor: 99n }, first: 7, last: 99 },
    { slug: 'epoch-ahead-of-a-connection', what: 'epoch 9', resume: { epoch: 9n }, first: 0, last: 0 },
  ].map(({ slug, what, resume, first, last }): NewCase => ({
    id: `CNT-025/${slug}`,
    requirements: ['CNT-025', 'CNT-026'],
    title: `a session that has a connection is over, too, after a resumption with ${what}`,
    stimulus: `While the session has a connection, the client resumes it on another one with ${what}.`,
    expectation:
      'The server answers with REJECT(RESUME_GAP) and ends the former connection with CLOSE; the session is over.',
    run: async (context) => {
      const { peer } = await four(context);
      const reject = await refused(context, peer, 'RESUME_GAP', 'CNT-025', resume);
      requireStated(reject, { gap_first: first, gap_last: last, ...finals(peer) });
      await peer.expectWhere('CLOSE', ({ name }) => name === 'CLOSE', { requirement: 'CNT-025' });
      const after = await refused(context, peer, 'SESSION_ENDED', 'CNT-036', { receiveCursor: 6n });
      requireStated(after, finals(peer));
    },
  })),
  {
    id: 'CNT-026/frames-of-the-client-that-were-lost',
    requirements: ['CNT-026'],
    title: 'the final receive cursor counts only what has arrived',
    stimulus:
      'Two messages of the client are lost with its connection, and then it resumes the session with a cursor that is too high.',
    expectation: 'The final_receive_cursor in REJECT(RESUME_GAP) does not cover the two messages.',
    run: async (context) => {
      const { peer, channel } = await four(context);
      const arrived = peer.nextSeq - 1n;
      for (let n = 0; n < 2; n += 1) {
        peer.lose(peer.build('MESSAGE', { channel, flags: ['FIRST', 'LAST'], fields: { fragment: context.bytes(3) } }));
      }
      peer.destroy();
      const reject = await refused(context, peer, 'RESUME_GAP', 'CNT-025', { receiveCursor: 8n });
      requireStated(reject, { gap_first: 7, gap_last: 8, final_receive_cursor: arrived, final_send_cursor: 6 });
    },
  },
];

interface Wrong {
  readonly slug: string;
  /** Completes "The client asks for it ...". */
  readonly what: string;
  readonly resume: ResumeOptions;
}

const WRONG: readonly Wrong[] = [
  { slug: 'right-otherwise', what: 'in a way that is right otherwise', resume: {} },
  { slug: 'stale-attempt', what: 'with attempt 0', resume: { attempt: 0n } },
  { slug: 'cursor-final', what: 'with the final cursor of the server', resume: { receiveCursor: 6n } },
  { slug: 'cursor-pruned', what: 'with a cursor that is too low', resume: { receiveCursor: 0n } },
];

/** What only a client can state that knows more of the session than its server. */
const FORGOTTEN: readonly Gap[] = [
  { slug: 'epoch-ahead', what: 'with epoch 2 instead of 1', resume: { epoch: 2n }, first: 0, last: 0 },
  { slug: 'epoch-largest', what: 'with the largest epoch', resume: { epoch: MAX_U53 }, first: 0, last: 0 },
  { slug: 'cursor-ahead', what: 'with cursor 7', resume: { receiveCursor: 7n }, first: 7, last: 7 },
  {
    slug: 'cursor-largest',
    what: 'with the largest cursor',
    resume: { receiveCursor: MAX_U53 },
    first: 7,
    last: MAX_U53,
  },
  {
    slug: 'epoch-and-cursor-ahead',
    what: 'with epoch 2 and cursor 9',
    resume: { epoch: 2n, receiveCursor: 9n },
    first: 7,
    last: 9,
  },
  {
    slug: 'epoch-ahead-and-cursor-pruned',
    what: 'with epoch 2 and cursor 1',
    resume: { epoch: 2n, receiveCursor: 1n },
    first: 0,
    last: 0,
  },
  {
    slug: 'epoch-ahead-and-stale-attempt',
    what: 'with epoch 2 and attempt 0',
    resume: { epoch: 2n, attempt: 0n },
    first: 0,
    last: 0,
  },
];

const forgottenCases = FORGOTTEN.flatMap(({ slug, what, resume, first, last }): NewCase[] => [
  {
    id: `CNT-063/${slug}`,
    requirements: ['CNT-063', 'CNT-026', 'CNT-035'],
    title: `a session that has ended in order did not end so for a client that asks for it ${what}`,
    stimulus: `The server has sent six frames, of which four are acknowledged, and the session has ended with CLOSE and END_SESSION. The client asks for it ${what}, and then in the right way.`,
    expectation: `The server answers with REJECT(RESUME_GAP), gap_first ${first}, gap_last ${last} and its final cursors, and then with REJECT(SESSION_ENDED) and the same final cursors.`,
    run: async (context) => {
      const { peer } = await four(context);
      await context.dependency('closing the session', () => peer.close());
      const reject = await refused(context, peer, 'RESUME_GAP', 'CNT-063', resume);
      requireStated(reject, { gap_first: first, gap_last: last, ...finals(peer) });
      requireStated(await refused(context, peer, 'SESSION_ENDED', 'CNT-036', { receiveCursor: 6n }), finals(peer));
    },
  },
  {
    id: `CNT-063/${slug}-after-a-gap`,
    requirements: ['CNT-063', 'CNT-025', 'CNT-035'],
    title: `REJECT(RESUME_GAP) comes again for a client that asks ${what}`,
    stimulus: `The server has sent six frames, of which four are acknowledged, and the connection is lost. The client resumes the session with epoch 3 and cursor 8, and then asks for it ${what}, twice.`,
    expectation: `Each time the server answers with REJECT(RESUME_GAP); the last two times with gap_first ${first}, gap_last ${last} and its final cursors.`,
    run: async (context) => {
      const { peer } = await four(context);
      peer.destroy();
      await refused(context, peer, 'RESUME_GAP', 'CNT-025', { epoch: 3n, receiveCursor: 8n });
      for (let n = 0; n < 2; n += 1) {
        const reject = await refused(context, peer, 'RESUME_GAP', 'CNT-063', resume);
        requireStated(reject, { gap_first: first, gap_last: last, ...finals(peer) });
      }
    },
  },
]);

const tombstoneCases = WRONG.map(({ slug, what, resume }): NewCase => ({
  id: `CNT-036/${slug}`,
  requirements: ['CNT-036', 'CNT-035'],
  title: `that a session has ended is told first, whoever asks for it ${what}`,
  stimulus: `A session has ended with CLOSE and END_SESSION. The client asks for it ${what}, three times.`,
  expectation: 'Each time the server answers with REJECT(SESSION_ENDED) and the same final cursors.',
  run: async (context) => {
    const { peer } = await four(context);
    await context.dependency('closing the session', () => peer.close());
    for (let n = 0; n < 3; n += 1) {
      const reject = await refused(context, peer, 'SESSION_ENDED', 'CNT-036', resume);
      requireStated(reject, { ...finals(peer), gap_first: 0, gap_last: 0 });
    }
  },
}));

const moreTombstoneCases: readonly NewCase[] = [
  {
    id: 'CNT-036/foreign',
    requirements: ['CNT-036', 'CNT-021'],
    title: 'a stranger is not told that a session has ended',
    stimulus: 'A session has ended. Another client asks for it, then its owner, then the other client again.',
    expectation: 'The other client gets REJECT(RESUME_REFUSED) each time, the owner REJECT(SESSION_ENDED).',
    run: async (context) => {
      const { peer } = await four(context);
      await context.dependency('closing the session', () => peer.close());
      const connection = { as: 'client-2' };
      await refused(context, peer, 'RESUME_REFUSED', 'CNT-036', { connection });
      requireStated(await refused(context, peer, 'SESSION_ENDED', 'CNT-036'), finals(peer));
      await refused(context, peer, 'RESUME_REFUSED', 'CNT-036', { connection });
    },
  },
  {
    id: 'CNT-035/after-resumptions',
    requirements: ['CNT-035', 'CNT-036'],
    title: 'the final cursors are those of the whole session',
    stimulus: 'A session is resumed twice, has a message returned on each connection, and is closed.',
    expectation: 'REJECT(SESSION_ENDED) states the numbers of the last frames of the session.',
    run: async (context) => {
      const { peer: first, channel } = await keptOpen(context, 'test/echo');
      let peer = first;
      for (let n = 0; n < 2; n += 1) {
        peer.destroy();
        peer = await again(context, peer);
        await requireEcho(peer, channel, context.bytes(4), 'CNT-030');
      }
      await context.dependency('closing the session', () => peer.close());
      const reject = await refused(context, peer, 'SESSION_ENDED', 'CNT-035');
      requireStated(reject, { final_receive_cursor: peer.nextSeq - 1n, final_send_cursor: peer.receivedSeq });
    },
  },
];

/** Sessions that can not go on, and those that have ended. */
export const continuityGaps: readonly ServerCase[] = serverCases([
  ...gapCases,
  ...BOUNDARIES,
  ...toldCases,
  ...moreGapCases,
  ...forgottenCases,
  ...tombstoneCases,
  ...moreTombstoneCases,
]);
