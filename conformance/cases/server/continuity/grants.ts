import { assertEqual, assertThat, fail } from '../../../peer/failure.ts';
import type { ReceivedFrame } from '../../../peer/received-frame.ts';
import type { ServerCase } from '../../case.ts';
import { serverCases } from '../../case.ts';
import { receiveMessage, sourceMessage, sourceRequest } from '../message-flow.ts';
import { again, asking, kept, keptOpen, pass, requireEcho } from './sessions.ts';

type NewCase = Omit<ServerCase, 'role'>;

/** A parameter of ACCEPT, zero where it is absent. */
function grantedIn(accept: ReceivedFrame, name: string): number {
  return Number(accept.parameter(name) ?? 0);
}

const retentionCases = [1, 999, 60_000, 604_800_000].map((askedMs): NewCase => ({
  id: `CNT-001/retention-${askedMs}`,
  requirements: ['CNT-001'],
  title: `a retention of ${askedMs} ms is not exceeded`,
  stimulus: `A client asks for a session_retention_ms of ${askedMs}.`,
  expectation: 'The server grants as much or less.',
  run: async (context) => {
    const peer = await context.challenged();
    peer.sendConnect({ parameters: asking({ retentionMs: askedMs }) });
    const granted = grantedIn(await peer.expectAccept(), 'session_retention_ms');
    assertThat(granted <= askedMs, `at most ${askedMs} ms`, `${granted} ms`, 'CNT-001');
  },
}));

const withoutCases = [
  { slug: 'nothing-asked', what: 'says nothing of session_retention_ms', parameters: [] },
  { slug: 'zero-asked', what: 'asks for a session_retention_ms of 0', parameters: asking({ retentionMs: 0 }) },
].map(({ slug, what, parameters }): NewCase => ({
  id: `CNT-001/${slug}`,
  requirements: ['CNT-001'],
  title: 'no retention is granted that was not asked for',
  stimulus: `A client ${what} in CONNECT.`,
  expectation: 'The server grants no retention.',
  run: async (context) => {
    const peer = await context.challenged();
    peer.sendConnect({ parameters });
    assertEqual('retention', grantedIn(await peer.expectAccept(), 'session_retention_ms'), 0, 'CNT-001');
  },
}));

const deadlineCases = [1000, 60_000, 604_800_000].flatMap((askedMs): NewCase[] => [
  {
    id: `CNT-001/deadline-${askedMs}`,
    requirements: ['CNT-001'],
    title: `a deadline of ${askedMs} ms is not exceeded`,
    stimulus: `A client asks for a session that is kept, and for a connection_deadline_ms of ${askedMs}.`,
    expectation: 'The server grants a deadline that is not later, and not 0, which would be none at all.',
    run: async (context) => {
      const peer = await context.challenged();
      peer.sendConnect({ parameters: asking({ deadlineMs: askedMs }) });
      const granted = grantedIn(await peer.expectAccept(), 'connection_deadline_ms');
      assertThat(granted > 0 && granted <= askedMs, `1 to ${askedMs} ms`, `${granted} ms`, 'CNT-001');
    },
  },
  {
    id: `CNT-001/resumption-deadline-${askedMs}`,
    requirements: ['CNT-001', 'CNT-003'],
    title: `a deadline of ${askedMs} ms is not exceeded by a resumption`,
    stimulus: `A session was established without asking for a deadline; its resumption asks for ${askedMs} ms.`,
    expectation: 'The server grants a deadline that is not later, and not 0.',
    run: async (context) => {
      const first = await kept(context);
      first.destroy();
      const peer = await again(context, first, { parameters: asking({ deadlineMs: askedMs }) });
      if (peer.accept === undefined) fail('ACCEPT', 'none', 'CNT-024');
      const granted = grantedIn(peer.accept, 'connection_deadline_ms');
      assertThat(granted > 0 && granted <= askedMs, `1 to ${askedMs} ms`, `${granted} ms`, 'CNT-001');
    },
  },
]);

const parameterCases: readonly NewCase[] = [
  {
    id: 'CNT-003/less-credit-in-resumption',
    requirements: ['CNT-003'],
    title: 'less credit in a resumption changes nothing',
    stimulus:
      'A session was established with the default credit. Its resumption declares initial credit of nothing, and then the client asks test/source for 20 messages.',
    expectation: 'All 20 messages come without a CREDIT of the client.',
    run: async (context) => {
      const first = await kept(context);
      first.destroy();
      const parameters = [
        { id: 'initial_message_credit', value: 0 },
        { id: 'initial_byte_credit', value: 0 },
      ];
      const peer = await again(context, first, { parameters });
      const channel = await peer.open('test/source', sourceRequest(20, 10));
      for (let n = 0; n < 20; n += 1) await receiveMessage(peer, channel, 'CNT-003');
      await peer.expect('END', { channel, requirement: 'CNT-003' });
    },
  },
  {
    id: 'CNT-003/more-credit-in-resumption',
    requirements: ['CNT-003'],
    title: 'more credit in a resumption changes nothing',
    stimulus:
      'A session was established with initial credit for two messages. Its resumption declares a thousand, and then the client asks test/source for five messages.',
    expectation: 'Two messages come, and the others only after a CREDIT.',
    run: async (context) => {
      const first = await kept(context, { parameters: [{ id: 'initial_message_credit', value: 2 }] });
      first.destroy();
      const peer = await again(context, first, { parameters: [{ id: 'initial_message_credit', value: 1000 }] });
      const channel = await peer.open('test/source', sourceRequest(5, 10));
      for (let n = 0; n < 2; n += 1) await receiveMessage(peer, channel, 'CNT-003');
      await peer.barrier('CNT-003');
      const early = (await peer.barrier('CNT-003')).find(({ name }) => name === 'MESSAGE');
      if (early !== undefined) fail('no message beyond the credit of the session', early.text, 'CNT-003');
      peer.send('CREDIT', { channel, fields: { message_limit: 5, byte_limit: 1_048_576 } });
      for (let n = 2; n < 5; n += 1) await receiveMessage(peer, channel, 'CNT-003');
    },
  },
  {
    id: 'CNT-003/smaller-messages-in-resumption',
    requirements: ['CNT-003'],
    title: 'a smaller max_message_bytes in a resumption changes nothing',
    stimulus:
      'A session was established with the default max_message_bytes. Its resumption declares 1024, and then the client has a message of 3000 octets returned.',
    expectation: 'The message comes back whole.',
    run: async (context) => {
      const { peer: first, channel } = await keptOpen(context, 'test/echo');
      first.destroy();
      const peer = await again(context, first, { parameters: [{ id: 'max_message_bytes', value: 1024 }] });
      await requireEcho(peer, channel, context.bytes(3000), 'CNT-003');
      const source = await peer.open('test/source', sourceRequest(1, 3000));
      const message = await receiveMessage(peer, source, 'CNT-003');
      assertThat(
        Buffer.compare(message, sourceMessage(0, 3000)) === 0,
        'message 0 of test/source',
        'another',
        'CNT-003',
      );
    },
  },
  {
    id: 'CNT-003/larger-messages-in-resumption',
    requirements: ['CNT-003', 'CHN-020'],
    title: 'a larger max_message_bytes in a resumption changes nothing',
    stimulus:
      'A session was established with a max_message_bytes of 1024. Its resumption declares 16777216, and then the client asks test/source for a message of 3000 octets.',
    expectation: 'The server refuses or resets the channel with APPLICATION_ERROR and sends no part of the message.',
    run: async (context) => {
      const first = await kept(context, { parameters: [{ id: 'max_message_bytes', value: 1024 }] });
      first.destroy();
      const peer = await again(context, first, { parameters: [{ id: 'max_message_bytes', value: 16_777_216 }] });
      const channel = peer.sendOpen('test/source', sourceRequest(1, 3000));
      const answer = await peer.expectWhere(
        'REFUSED or RESET',
        ({ name }) => !['OPENED', 'CREDIT', 'ACK'].includes(name),
        {
          channel,
          requirement: 'CNT-003',
        },
      );
      if (!['REFUSED', 'RESET'].includes(answer.name)) fail('REFUSED or RESET', answer.text, 'CNT-003');
      answer.requireCode('APPLICATION_ERROR', 'CNT-003');
    },
  },
  ...[0, 1].map((retentionMs): NewCase => ({
    id: `CNT-003/retention-${retentionMs}-in-resumption`,
    requirements: ['CNT-003', 'CNT-013'],
    title: `a session_retention_ms of ${retentionMs} in a resumption changes nothing`,
    stimulus: `A session was established with a long retention. Its resumption asks for ${retentionMs} ms; then its connection is lost and it is resumed once more.`,
    expectation: 'The session is kept and goes on.',
    run: async (context) => {
      const { peer: first, channel } = await keptOpen(context, 'test/echo');
      first.destroy();
      const second = await again(context, first, { parameters: asking({ retentionMs }) });
      await second.detach('CNT-003');
      const third = await again(context, second);
      await requireEcho(third, channel, context.bytes(9), 'CNT-003');
    },
  })),
  {
    id: 'CNT-003/liveness-of-resumption',
    requirements: ['CNT-003', 'SES-022'],
    title: 'the liveness interval of a resumption counts',
    stimulus:
      'A session was established with the default liveness interval. Its resumption promises 300 ms, and then the client is silent.',
    expectation: 'The server ends the connection with CLOSE(LIVENESS_TIMEOUT), without END_SESSION.',
    timing: true,
    estimateMs: 1000,
    run: async (context) => {
      const first = await kept(context);
      first.destroy();
      const peer = await again(context, first, { parameters: [{ id: 'liveness_interval_ms', value: 300 }] });
      peer.answerPings = false;
      const close = await peer.expectWhere('CLOSE(LIVENESS_TIMEOUT)', ({ name }) => name === 'CLOSE', {
        requirement: 'CNT-003',
        withinMs: 3000,
      });
      close.requireCode('LIVENESS_TIMEOUT', 'CNT-003');
      if (close.has('END_SESSION')) fail('CLOSE without END_SESSION', close.text, 'CNT-014');
    },
  },
  {
    id: 'CNT-003/former-liveness',
    requirements: ['CNT-003', 'SES-022'],
    title: 'the liveness interval of the former connection does not count',
    stimulus:
      'A session was established with a liveness interval of 200 ms. Its resumption declares 10 seconds, and then the client is silent for one.',
    expectation: 'The connection goes on.',
    timing: true,
    estimateMs: 1000,
    run: async (context) => {
      const first = await kept(context, { parameters: [{ id: 'liveness_interval_ms', value: 200 }] });
      first.destroy();
      const peer = await again(context, first, { parameters: [{ id: 'liveness_interval_ms', value: 10_000 }] });
      peer.answerPings = false;
      await pass(peer, 1000);
      await peer.barrier('CNT-003');
    },
  },
];

/** What a server grants, and the parameters of a resumption. */
export const continuityGrants: readonly ServerCase[] = serverCases([
  ...retentionCases,
  ...withoutCases,
  ...deadlineCases,
  ...parameterCases,
]);
