import { MAX_U53 } from '../../../model/codec.ts';
import type { ResumeOptions } from '../../../peer/client-peer.ts';
import { assertEqual, fail } from '../../../peer/failure.ts';
import type { ServerCase } from '../../case.ts';
import { serverCases } from '../../case.ts';
import type { ServerContext } from '../../server-context.ts';
import { expectExactly } from '../client-frames.ts';
import { again, kept, keptOpen, missing, refused, requireEcho, stated } from './sessions.ts';

type NewCase = Omit<ServerCase, 'role'>;

/** What must not tell one refusal from another. */
async function refusalOf(
  context: ServerContext,
  former: Awaited<ReturnType<typeof kept>>,
  resume: ResumeOptions,
): Promise<string> {
  const reject = await refused(context, former, 'RESUME_REFUSED', 'CNT-021', {
    connection: { as: 'client-2' },
    ...resume,
  });
  const names = ['final_receive_cursor', 'final_send_cursor', 'gap_first', 'gap_last'];
  const told = names.filter((name) => reject.parameter(name) !== undefined);
  return [reject.code, reject.integer('retry_after_ms'), ...told].join(' ');
}

interface Foreign {
  readonly slug: string;
  /** Completes "A client with another identity asks to resume a session ...". */
  readonly what: string;
  readonly state: 'attached' | 'detached' | 'ended';
  readonly resume?: ResumeOptions;
}

const FOREIGN: readonly Foreign[] = [
  { slug: 'attached', what: 'that has a connection', state: 'attached' },
  { slug: 'detached', what: 'that has none at the moment', state: 'detached' },
  { slug: 'ended', what: 'that has ended', state: 'ended' },
  { slug: 'epoch-ahead', what: 'with an epoch that is too high', state: 'detached', resume: { epoch: 7n } },
  { slug: 'cursor-ahead', what: 'with a cursor that is too high', state: 'detached', resume: { receiveCursor: 99n } },
  { slug: 'stale-attempt', what: 'with attempt 0', state: 'detached', resume: { attempt: 0n } },
];

const foreignCases = FOREIGN.map(({ slug, what, state, resume = {} }): NewCase => ({
  id: `CNT-021/${slug}`,
  requirements: ['CNT-021', 'EST-018'],
  title: `another client that asks for a session ${what} learns nothing`,
  stimulus: `A client with another identity asks to resume a session ${what}, and then one that never existed. Then the owner resumes its session, unless it has ended.`,
  expectation:
    'Both requests are answered with REJECT(RESUME_REFUSED), the same retry_after_ms and no cursors, and the owner goes on undisturbed.',
  run: async (context) => {
    const { peer, channel } = await keptOpen(context, 'test/echo');
    if (state === 'detached') await context.dependency('detaching the session', () => peer.detach());
    if (state === 'ended') await context.dependency('closing the session', () => peer.close());
    const answer = await refusalOf(context, peer, resume);
    const unknown = await refusalOf(context, peer, { ...resume, sessionId: context.bytes(16) });
    if (answer !== unknown) missing(`the same answer as for an unknown session, ${unknown}`, answer, 'CNT-021');
    if (state === 'attached') await requireEcho(peer, channel, context.bytes(6), 'CNT-021');
    if (state === 'ended') await refused(context, peer, 'SESSION_ENDED', 'CNT-036');
    if (state === 'detached') {
      const next = await again(context, peer);
      await requireEcho(next, channel, context.bytes(6), 'CNT-021');
    }
  },
}));

const unchangedCases: readonly NewCase[] = [
  {
    id: 'CNT-021/attempt-of-another',
    requirements: ['CNT-021', 'CNT-023'],
    title: "another client's attempt does not count",
    stimulus:
      'A client with another identity asks for a session with attempt 1000; then its owner asks with attempt 1.',
    expectation: 'The owner gets ACCEPT with the next epoch.',
    run: async (context) => {
      const peer = await kept(context);
      peer.destroy();
      await refused(context, peer, 'RESUME_REFUSED', 'CNT-021', { connection: { as: 'client-2' }, attempt: 1000n });
      const next = await again(context, peer, { attempt: 1n });
      assertEqual('epoch', next.accept?.integer('epoch'), 2n, 'CNT-027');
    },
  },
  {
    id: 'CNT-022/other-key',
    requirements: ['CNT-022'],
    title: 'a new certificate with another key of the same identity resumes the session',
    stimulus: 'A client resumes its session with a certificate that was issued in the meantime, for another key.',
    expectation: 'The session goes on.',
    estimateMs: 300,
    run: async (context) => {
      const { peer, channel } = await keptOpen(context, 'test/echo');
      peer.destroy();
      const credential = await context.issuance.credential('client', context.kit.index.clientIdentity, 3_600_000);
      const next = await again(context, peer, { connection: { credential } });
      await requireEcho(next, channel, context.bytes(6), 'CNT-022');
    },
  },
  ...(['p384', 'ed25519'] as const).map((name): NewCase => ({
    id: `CNT-022/${name}`,
    requirements: ['CNT-022'],
    title: `a certificate for a key of another kind (${name}) resumes the session`,
    stimulus: `A client resumes its session with another certificate of its identity, for a key of the kind ${name}, and then with the first again.`,
    expectation: 'The session goes on each time.',
    features: [name],
    run: async (context) => {
      const { peer, channel } = await keptOpen(context, 'test/echo');
      const second = await again(context, peer, { connection: { as: `clients/${name}` } });
      await requireEcho(second, channel, context.bytes(6), 'CNT-022');
      const third = await again(context, second);
      await requireEcho(third, channel, context.bytes(6), 'CNT-022');
    },
  })),
];

interface Stale {
  readonly slug: string;
  /** Completes "A client has resumed its session with attempt 5. Then CONNECT ... comes". */
  readonly what: string;
  readonly resume: ResumeOptions;
}

const STALE: readonly Stale[] = [
  { slug: 'same', what: 'with attempt 5', resume: { attempt: 5n } },
  { slug: 'lower', what: 'with attempt 4', resume: { attempt: 4n } },
  { slug: 'zero', what: 'with attempt 0', resume: { attempt: 0n } },
  { slug: 'same-with-old-epoch', what: 'with attempt 5 and the first epoch', resume: { attempt: 5n, epoch: 1n } },
  {
    slug: 'and-epoch-ahead',
    what: 'with attempt 5 and an epoch that is too high',
    resume: { attempt: 5n, epoch: 99n },
  },
  {
    slug: 'and-cursor-ahead',
    what: 'with attempt 5 and a cursor that is too high',
    resume: { attempt: 5n, receiveCursor: 99n },
  },
  {
    slug: 'and-cursor-pruned',
    what: 'with attempt 5 and a cursor below what was acknowledged',
    resume: { attempt: 5n, receiveCursor: 0n },
  },
];

const staleCases = STALE.flatMap(({ slug, what, resume }): NewCase[] =>
  (['attached', 'detached'] as const).map((state): NewCase => ({
    id: `CNT-023/${slug}-${state}`,
    requirements: ['CNT-023'],
    title: `CONNECT ${what}, after attempt 5, does not move a session that is ${state}`,
    stimulus: `A client has resumed its session with attempt 5, ${state === 'attached' ? 'and uses it' : 'and left the connection'}. Then CONNECT ${what} comes.`,
    expectation:
      'The server answers with REJECT(ATTEMPT_STALE), and the session stays where it was, with all that is in it.',
    run: async (context) => {
      const { peer: first, channel } = await keptOpen(context, 'test/echo');
      first.destroy();
      const peer = await again(context, first, { attempt: 5n });
      await requireEcho(peer, channel, context.bytes(4), 'CNT-030');
      if (state === 'detached') await context.dependency('leaving the connection', () => peer.detach());
      await refused(context, peer, 'ATTEMPT_STALE', 'CNT-023', resume);
      const now = state === 'attached' ? peer : await again(context, peer, { attempt: 6n });
      await requireEcho(now, channel, context.bytes(6), 'CNT-023');
      if (state === 'detached') assertEqual('epoch', now.accept?.integer('epoch'), 3n, 'CNT-027');
    },
  })),
);

const attemptCases: readonly NewCase[] = [
  {
    id: 'CNT-023/delayed',
    requirements: ['CNT-023'],
    title: 'a CONNECT that was delayed on its way takes nothing',
    stimulus:
      'A client makes a TLS connection for attempt 1 and another one for attempt 2, which it sends and gets accepted. Then attempt 1 arrives on the older connection.',
    expectation:
      'The server answers it with REJECT(ATTEMPT_STALE), and the session stays on the connection of attempt 2.',
    run: async (context) => {
      const { peer, channel } = await keptOpen(context, 'test/echo');
      const delayed = await context.challenged();
      const next = await again(context, peer, { attempt: 2n });
      delayed.sendResume(peer, { attempt: 1n });
      await expectExactly(delayed, 'ATTEMPT_STALE', 'CNT-023');
      await requireEcho(next, channel, context.bytes(6), 'CNT-023');
    },
  },
  {
    id: 'CNT-023/first-attempt-zero',
    requirements: ['CNT-023'],
    title: 'no attempt has the number 0',
    stimulus: 'The first resumption of a session has attempt 0.',
    expectation: 'The server answers with REJECT(ATTEMPT_STALE), and the session stays where it is.',
    run: async (context) => {
      const { peer, channel } = await keptOpen(context, 'test/echo');
      await refused(context, peer, 'ATTEMPT_STALE', 'CNT-023', { attempt: 0n });
      await requireEcho(peer, channel, context.bytes(6), 'CNT-023');
    },
  },
  {
    id: 'CNT-023/gaps-between-attempts',
    requirements: ['CNT-023', 'CNT-027'],
    title: 'attempts need not be consecutive',
    stimulus: 'A client resumes its session with attempts 1, 7, 8 and 9007199254740991.',
    expectation: 'Each is accepted, with epochs 2, 3, 4 and 5.',
    run: async (context) => {
      let peer = await kept(context);
      for (const [index, attempt] of [1n, 7n, 8n, MAX_U53].entries()) {
        peer = await again(context, peer, { attempt });
        assertEqual('epoch', peer.accept?.integer('epoch'), BigInt(index) + 2n, 'CNT-027');
      }
    },
  },
  {
    id: 'CNT-023/unsigned-attempt',
    requirements: ['CNT-023', 'EST-015'],
    title: 'an attempt whose signature is wrong was not seen',
    stimulus: 'CONNECT with attempt 9 comes with a wrong signature, and then attempt 1 with a right one.',
    expectation: 'The first gets REJECT(SIGNATURE_INVALID) and disturbs nothing; the second is accepted.',
    run: async (context) => {
      const { peer, channel } = await keptOpen(context, 'test/echo');
      await refused(context, peer, 'SIGNATURE_INVALID', 'EST-005', {
        attempt: 9n,
        signature: (octets) => octets.map((octet, index) => (index === octets.length - 1 ? octet ^ 1 : octet)),
      });
      await requireEcho(peer, channel, context.bytes(6), 'EST-015');
      const next = await again(context, peer, { attempt: 1n });
      assertEqual('epoch', next.accept?.integer('epoch'), 2n, 'CNT-027');
    },
  },
  {
    id: 'CNT-023/other-audience',
    requirements: ['CNT-023', 'EST-016'],
    title: 'an attempt that means another server was not seen',
    stimulus: 'CONNECT with attempt 9 names another server, and then attempt 1 this one.',
    expectation: 'The first gets REJECT(AUDIENCE_MISMATCH) and disturbs nothing; the second is accepted.',
    run: async (context) => {
      const { peer, channel } = await keptOpen(context, 'test/echo');
      const audience = context.kit.index.otherServerIdentity;
      await refused(context, peer, 'AUDIENCE_MISMATCH', 'EST-016', { attempt: 9n, audience });
      await requireEcho(peer, channel, context.bytes(6), 'EST-016');
      await again(context, peer, { attempt: 1n });
    },
  },
  {
    id: 'CNT-023/race-with-the-same-number',
    requirements: ['CNT-023'],
    title: 'of two attempts with the same number exactly one wins',
    stimulus: 'Two programs that hold the same session ask for it with the same attempt in the same moment.',
    expectation: 'One gets ACCEPT and goes on, the other REJECT(ATTEMPT_STALE).',
    run: async (context) => {
      const { peer, channel } = await keptOpen(context, 'test/echo');
      peer.destroy();
      const racers = [await context.challenged(), await context.challenged(), await context.challenged()];
      for (const racer of racers) racer.sendResume(peer, { attempt: 1n });
      const answers = await Promise.all(racers.map((racer) => racer.nextOrEnd('ACCEPT or REJECT')));
      const names = answers.map((answer) =>
        typeof answer === 'string' ? answer : answer.name === 'REJECT' ? answer.code : answer.name,
      );
      assertEqual('answers', [...names].sort().join(' '), 'ACCEPT ATTEMPT_STALE ATTEMPT_STALE', 'CNT-023');
      const winner = racers[names.indexOf('ACCEPT')];
      if (winner === undefined) fail('one ACCEPT', names.join(' '), 'CNT-023');
      await requireEcho(winner, channel, context.bytes(6), 'CNT-023');
    },
  },
  {
    id: 'CNT-023/race-with-two-numbers',
    requirements: ['CNT-023', 'CNT-029'],
    title: 'of two attempts in the same moment the later one has the session in the end',
    stimulus: 'Attempts 1 and 2 for the same session are sent in the same moment, on two connections.',
    expectation: 'Attempt 2 is accepted; attempt 1 gets ATTEMPT_STALE, or ACCEPT and then CLOSE(SUPERSEDED).',
    run: async (context) => {
      const { peer, channel } = await keptOpen(context, 'test/echo');
      peer.destroy();
      const [one, two] = [await context.challenged(), await context.challenged()];
      one.sendResume(peer, { attempt: 1n });
      two.sendResume(peer, { attempt: 2n });
      const answer = await one.nextOrEnd('ACCEPT or REJECT');
      if (typeof answer === 'string') missing('ACCEPT or REJECT', answer, 'CNT-023');
      if (answer.name === 'ACCEPT') {
        const close = await one.expectWhere('CLOSE', ({ name }) => name === 'CLOSE', { requirement: 'CNT-029' });
        close.requireCode('SUPERSEDED', 'CNT-029');
      } else answer.requireCode('ATTEMPT_STALE', 'CNT-023');
      await two.expectResumed('CNT-023');
      await requireEcho(two, channel, context.bytes(6), 'CNT-023');
    },
  },
  {
    id: 'CNT-024/lost-accepts',
    requirements: ['CNT-024', 'CNT-027'],
    title: 'ACCEPT may be lost several times in a row',
    stimulus:
      'Four times a client asks for its session with epoch 1, and the connection is lost with the ACCEPT. Then it asks once more, with epoch 1.',
    expectation: 'Each ACCEPT has the next epoch, and in the end the session goes on.',
    run: async (context) => {
      const { peer, channel } = await keptOpen(context, 'test/echo');
      peer.destroy();
      for (let epoch = 2n; epoch < 6n; epoch += 1n) {
        const lost = await context.challenged();
        lost.sendResume(peer, { epoch: 1n });
        const accept = await lost.expect('ACCEPT', { requirement: 'CNT-024' });
        assertEqual('epoch', accept.integer('epoch'), epoch, 'CNT-027');
        lost.destroy();
      }
      const next = await again(context, peer, { epoch: 1n });
      assertEqual('epoch', next.accept?.integer('epoch'), 6n, 'CNT-027');
      await requireEcho(next, channel, context.bytes(6), 'CNT-024');
    },
  },
  ...[0n, 1n, 2n, 3n].map((epoch): NewCase => ({
    id: `CNT-024/epoch-${epoch}-of-4`,
    requirements: ['CNT-024', 'CNT-027'],
    title: `epoch ${epoch} is accepted in a session with epoch 4`,
    stimulus: `A session was resumed three times and has epoch 4. A client that has heard only of epoch ${epoch} resumes it.`,
    expectation: 'The server accepts with epoch 5.',
    run: async (context) => {
      let peer = await kept(context);
      for (let n = 0; n < 3; n += 1) peer = await again(context, peer);
      const next = await again(context, peer, { epoch });
      assertEqual('epoch', next.accept?.integer('epoch'), 5n, 'CNT-027');
    },
  })),
  {
    id: 'CNT-027/one-by-one',
    requirements: ['CNT-027'],
    title: 'each resumption raises the epoch by one',
    stimulus:
      'A session is resumed eight times: after a loss, after CLOSE without END_SESSION, and from a live connection.',
    expectation: 'The epochs in ACCEPT are 2 to 9.',
    run: async (context) => {
      let peer = await kept(context);
      for (let epoch = 2n; epoch < 10n; epoch += 1n) {
        if (epoch % 3n === 0n) peer.destroy();
        if (epoch % 3n === 1n) await peer.detach();
        peer = await again(context, peer);
        assertEqual('epoch', peer.accept?.integer('epoch'), epoch, 'CNT-027');
      }
    },
  },
  {
    id: 'CNT-027/refusals-do-not-count',
    requirements: ['CNT-027', 'CNT-023', 'CNT-021'],
    title: 'a refused attempt does not raise the epoch',
    stimulus: 'Between two resumptions of a session, one attempt is stale and one comes from another client.',
    expectation: 'The second resumption gets the epoch after that of the first.',
    run: async (context) => {
      const first = await kept(context);
      const peer = await again(context, first, { attempt: 5n });
      await peer.detach();
      const stale = await refused(context, peer, 'ATTEMPT_STALE', 'CNT-023', { attempt: 5n });
      assertEqual('gap', stated(stale, 'gap_last'), 0, 'CNT-026');
      await refused(context, peer, 'RESUME_REFUSED', 'CNT-021', { connection: { as: 'client-2' }, attempt: 6n });
      const next = await again(context, peer, { attempt: 7n });
      assertEqual('epoch', next.accept?.integer('epoch'), 3n, 'CNT-027');
    },
  },
];

/** Who may attach a session, and with which attempt and epoch. */
export const continuityAttempts: readonly ServerCase[] = serverCases([
  ...foreignCases,
  ...unchangedCases,
  ...staleCases,
  ...attemptCases,
]);
