import { registry } from '../../model/registry.ts';
import { assertEqual, assertThat } from '../../peer/failure.ts';
import type { ClientCase } from '../case.ts';
import { clientCases } from '../case.ts';
import {
  expectOutcomesAtEnd,
  FOUR_JUDGED_MESSAGES,
  FOUR_MESSAGES,
  fourMessages,
  IN_DOUBT,
  VERDICT,
} from './continuity-outcomes-of-ends.ts';
import {
  attach,
  codeOf,
  comes,
  expectGivenUp,
  expectSame,
  kept,
  keptOpen,
  sendAndTake,
  small,
} from './continuity-sessions.ts';

type Case = Omit<ClientCase, 'role'>;

const FEATURES = ['resumption'];

const slugOf = (name: string): string => name.toLowerCase().replaceAll('_', '-');

/** Codes after which the same session may be asked for again. */
const TRANSIENT = registry.errors.filter((row) => row.in.includes('REJECT') && row.class === 'transient');

const transientCases = TRANSIENT.map(({ name }): Case => ({
  id: `CNT-013/client-after-${slugOf(name)}`,
  requirements: ['CNT-013', 'CNT-030'],
  title: `a session outlives REJECT(${name})`,
  stimulus: `The connection is lost with two messages of the client. The first attempt to attach the session is answered with REJECT(${name}), the second is accepted.`,
  expectation: 'The client asks for the same session again, and sends its messages as they were.',
  features: FEATURES,
  run: async (context) => {
    const met = await keptOpen(context, 'test/sink');
    await met.peer.barrier();
    met.peer.answerAcks = false;
    const frames = await sendAndTake(met, small(2));
    met.peer.destroy();
    const refused = await comes(context, met, 'CNT-013');
    refused.peer.sendReject(name);
    await refused.peer.expectEnd('EST-032');
    met.peer.receivedSeq -= 2n;
    const { peer } = await attach(await comes(context, met, 'CNT-013'));
    await expectSame(peer, frames);
  },
}));

/** Codes after which nothing may be attempted without a person's doing. */
const NEVER = registry.errors.filter(
  (row) => row.in.includes('REJECT') && row.retry === 'never' && row.name !== 'ATTEMPT_STALE',
);

const neverCases = NEVER.map(({ name, code }): Case => ({
  id: `ERR-006/client-resume-${slugOf(name)}`,
  requirements: ['ERR-006'],
  title: `no attempt follows REJECT(${name})`,
  stimulus: `The connection is lost, and the attempt to attach the session is answered with REJECT(${name}).`,
  expectation: 'The client reports that the session is over, and has not connected again.',
  features: FEATURES,
  run: async (context) => {
    const met = await kept(context);
    met.peer.destroy();
    const { peer } = await comes(context, met);
    peer.sendReject(name);
    await peer.expectEnd('EST-032');
    const event = await expectGivenUp(met, 2, 'ERR-006');
    if (event.event === 'rejected') assertEqual('code', event.code, code, 'ERR-006');
  },
}));

const cursors = (receive: bigint): readonly { id: string; value: number }[] => [
  { id: 'final_receive_cursor', value: Number(receive) },
  { id: 'final_send_cursor', value: 1 },
];

/** Refusals with which the session ends. */
const ENDS: readonly {
  readonly slug: string;
  readonly requirement: 'CNT-043' | 'CNT-058';
  readonly code: string;
  readonly parameters: readonly { id: string; value: number }[];
}[] = [
  { slug: 'resume-refused', requirement: 'CNT-043', code: 'RESUME_REFUSED', parameters: [] },
  {
    slug: 'resume-gap',
    requirement: 'CNT-043',
    code: 'RESUME_GAP',
    parameters: [...cursors(4n), { id: 'gap_first', value: 1 }, { id: 'gap_last', value: 1 }],
  },
  { slug: 'attempt-stale', requirement: 'CNT-058', code: 'ATTEMPT_STALE', parameters: [] },
];

const endCases = ENDS.map(({ slug, requirement, code, parameters }): Case => ({
  id: `${requirement}/client-${slug}`,
  requirements: [requirement, 'CNT-042'],
  title: `a session is given up after REJECT(${code})`,
  stimulus: `${FOUR_MESSAGES} The connection is lost, and the attempt to attach the session is answered with REJECT(${code}).`,
  expectation:
    'The client does not connect again. It reports the first message as accepted, the next two as unknown, and the last one as not delivered.',
  features: [...FEATURES, 'outcomes'],
  run: async (context) => {
    const met = await fourMessages(context);
    met.peer.destroy();
    const { peer } = await comes(context, met);
    peer.sendReject(code, 0, parameters);
    await peer.expectEnd('EST-032');
    await expectOutcomesAtEnd(met, IN_DOUBT, requirement === 'CNT-058' ? 'CNT-042' : requirement);
    assertEqual('connections of the client', met.listener.connections, 2, requirement);
  },
}));

/** Final cursors of a server that does not know any more what it has acknowledged. */
const FORGETFUL = [
  {
    slug: 'client-one-less',
    what: 'one less than what was acknowledged',
    judged: false,
    final: (held: bigint) => held - 1n,
  },
  { slug: 'client-nothing', what: 'of nothing', judged: false, final: () => 0n },
  { slug: 'client-nothing-with-outcomes', what: 'of nothing', judged: true, final: () => 0n },
] as const;

const forgetfulCases = FORGETFUL.map(({ slug, what, judged, final }): Case => ({
  id: `CNT-064/${slug}`,
  requirements: ['CNT-064', 'CNT-042'],
  title: `what a server has forgotten is not taken for not delivered: a final cursor ${what}`,
  stimulus: `${judged ? FOUR_JUDGED_MESSAGES : FOUR_MESSAGES} The connection is lost, and the attempt to attach the session is answered with REJECT(SESSION_ENDED) and a final cursor ${what}.`,
  expectation: `The client reports the first message ${judged ? 'with its verdict' : 'as accepted'}, the next two as unknown, and the last one as not delivered.`,
  features: [...FEATURES, 'outcomes'],
  run: async (context) => {
    const met = await fourMessages(context, judged);
    met.peer.destroy();
    const { peer } = await comes(context, met);
    peer.sendReject('SESSION_ENDED', 0, cursors(final(met.second - 1n)));
    await peer.expectEnd('EST-032');
    await expectOutcomesAtEnd(met, judged ? [VERDICT, ...IN_DOUBT.slice(1)] : IN_DOUBT, 'CNT-064');
  },
}));

/** What a client makes of REJECT when it resumes. */
export const continuityReject: readonly ClientCase[] = clientCases([
  ...transientCases,
  ...neverCases,
  ...endCases,
  ...forgetfulCases,
  {
    id: 'CNT-064/client-exactly-what-was-acknowledged',
    requirements: ['CNT-064', 'CNT-042'],
    title: 'a final cursor that covers what was acknowledged and nothing else is nothing to doubt',
    stimulus: `${FOUR_MESSAGES} The connection is lost, and the attempt to attach the session is answered with REJECT(SESSION_ENDED), whose final cursor is what was acknowledged.`,
    expectation: 'The client reports the first message as accepted and the other three as not delivered.',
    features: [...FEATURES, 'outcomes'],
    run: async (context) => {
      const met = await fourMessages(context);
      met.peer.destroy();
      const { peer } = await comes(context, met);
      peer.sendReject('SESSION_ENDED', 0, cursors(met.second - 1n));
      await peer.expectEnd('EST-032');
      await expectOutcomesAtEnd(met, ['accepted', 'not-delivered', 'not-delivered', 'not-delivered'], 'CNT-064');
    },
  },
  {
    id: 'CNT-042/client-session-ended',
    requirements: ['CNT-042'],
    title: 'final cursors settle what was in doubt',
    stimulus: `${FOUR_MESSAGES} The connection is lost, and the attempt to attach the session is answered with REJECT(SESSION_ENDED), whose final cursor covers the second message and not the third.`,
    expectation: 'The client reports the first two messages as accepted and the other two as not delivered.',
    features: [...FEATURES, 'outcomes'],
    run: async (context) => {
      const met = await fourMessages(context);
      met.peer.destroy();
      const { peer } = await comes(context, met);
      peer.sendReject('SESSION_ENDED', 0, cursors(met.second));
      await peer.expectEnd('EST-032');
      await expectOutcomesAtEnd(met, ['accepted', 'accepted', 'not-delivered', 'not-delivered'], 'CNT-042');
      assertEqual('connections of the client', met.listener.connections, 2, 'CNT-042');
    },
  },
  {
    id: 'CNT-042/client-session-ended-with-outcomes',
    requirements: ['CNT-042'],
    title: 'final cursors say nothing about verdicts that are missing',
    stimulus: `${FOUR_JUDGED_MESSAGES} The connection is lost, and the attempt to attach the session is answered with REJECT(SESSION_ENDED), whose final cursor covers the second message and not the third.`,
    expectation:
      'The client reports the first message with its verdict, the second as unknown, and the other two as not delivered.',
    features: [...FEATURES, 'outcomes'],
    run: async (context) => {
      const met = await fourMessages(context, true);
      met.peer.destroy();
      const { peer } = await comes(context, met);
      peer.sendReject('SESSION_ENDED', 0, cursors(met.second));
      await peer.expectEnd('EST-032');
      await expectOutcomesAtEnd(met, [VERDICT, 'unknown', 'not-delivered', 'not-delivered'], 'CNT-042');
    },
  },
  {
    id: 'EST-024/client-resumption-waits',
    requirements: ['EST-024', 'CNT-013'],
    title: 'an attempt to attach a session waits as long as REJECT says',
    stimulus:
      'The connection is lost, and the attempt to attach the session is answered with REJECT(BUSY) and a retry_after_ms of 150.',
    expectation: 'The client comes again, not before 150 ms have passed, and the session goes on.',
    features: FEATURES,
    estimateMs: 250,
    run: async (context) => {
      const met = await keptOpen(context, 'test/sink');
      met.peer.destroy();
      const { peer } = await comes(context, met);
      const before = performance.now();
      peer.sendReject('BUSY', 150);
      const next = await comes(context, met, 'CNT-013', 4000);
      const waitedMs = Math.round(performance.now() - before);
      assertThat(waitedMs >= 149, 'a connection after at least 150 ms', `one after ${waitedMs} ms`, 'EST-024');
      await sendAndTake({ ...met, ...(await attach(next)) }, small(1));
    },
  },
  {
    id: 'ERR-002/client-resume-unknown-code',
    requirements: ['ERR-002', 'EST-032'],
    title: 'a REJECT with an unknown code ends an attempt to resume',
    stimulus:
      'The connection is lost, and the attempt to attach the session is answered with REJECT and the code 0x7777.',
    expectation: 'The client ends its direction in order, without a frame.',
    features: FEATURES,
    run: async (context) => {
      const met = await kept(context);
      met.peer.destroy();
      const { peer } = await comes(context, met);
      peer.sendReject(0x7777);
      await peer.expectEnd('EST-032');
    },
  },
  {
    id: 'CNT-043/client-reported-as-rejected',
    requirements: ['CNT-043'],
    title: 'the code of the REJECT that ends a session is reported',
    stimulus: 'The connection is lost, and the attempt to attach the session is answered with REJECT(RESUME_REFUSED).',
    expectation: 'The client reports that it was rejected, with this code, and does not connect again.',
    features: FEATURES,
    run: async (context) => {
      const met = await kept(context);
      met.peer.destroy();
      const { peer } = await comes(context, met);
      peer.sendReject('RESUME_REFUSED');
      const event = await expectGivenUp(met, 2, 'CNT-043');
      assertEqual('event', event.event, 'rejected', 'CNT-043');
      assertEqual('code', event.code, codeOf('RESUME_REFUSED'), 'CNT-043');
    },
  },
]);
