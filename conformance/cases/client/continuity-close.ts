import { assertEqual, assertThat, fail } from '../../peer/failure.ts';
import type { ServerPeer } from '../../peer/server-peer.ts';
import type { ReportedOutcome } from '../../testee/connection-under-test.ts';
import type { ClientCase } from '../case.ts';
import { clientCases } from '../case.ts';
import type { FourMessages } from './continuity-outcomes-of-ends.ts';
import {
  expectOutcomesAtEnd,
  FOUR_JUDGED_MESSAGES,
  FOUR_MESSAGES,
  fourMessages,
  IN_DOUBT,
  VERDICT,
} from './continuity-outcomes-of-ends.ts';
import {
  again,
  attach,
  codeOf,
  comes,
  expectGivenUp,
  expectOver,
  kept,
  keptOpen,
  sendAndTake,
  small,
  taken,
} from './continuity-sessions.ts';

type Case = Omit<ClientCase, 'role'>;

const FEATURES = ['resumption'];

/** Demands CLOSE(NO_ERROR), with or without END_SESSION, and the orderly end of the stream. */
async function expectAnswer(peer: ServerPeer, endSession: boolean, requirement: string): Promise<void> {
  const what = `CLOSE(NO_ERROR) ${endSession ? 'with' : 'without'} END_SESSION`;
  const close = await peer.expectWhere(what, ({ name }) => name === 'CLOSE', { requirement });
  close.requireCode('NO_ERROR', requirement);
  if (close.has('END_SESSION') !== endSession) fail(what, close.text, requirement);
  await peer.expectEnd('SES-012');
}

/** Codes with which a connection ends and the session goes on. */
const GOING_ON: readonly { readonly slug: string; readonly code: string | number; readonly words: string }[] = [
  ...['NO_ERROR', 'SHUTTING_DOWN', 'INTERNAL_ERROR', 'LIVENESS_TIMEOUT', 'CONNECTION_EXPIRED'].map((code) => ({
    slug: code.toLowerCase().replaceAll('_', '-'),
    code,
    words: code,
  })),
  { slug: 'unknown-code', code: 0x7777, words: '0x7777, which nobody knows' },
];

const goingOnCases = GOING_ON.map(({ slug, code, words }): Case => ({
  id: `CNT-015/client-${slug}`,
  requirements: ['CNT-015', 'CNT-013'],
  title: `a CLOSE of the connection alone is answered in kind (${slug})`,
  stimulus: `The server ends the connection of a resumable session with a CLOSE without END_SESSION and the code ${words}.`,
  expectation:
    'The client answers with CLOSE(NO_ERROR) without END_SESSION, and attaches the session to another connection.',
  features: FEATURES,
  run: async (context) => {
    const met = await keptOpen(context, 'test/sink');
    const number = typeof code === 'number' ? code : codeOf(code);
    met.peer.sendClose('NO_ERROR', { flags: [], fields: { code: number } });
    await expectAnswer(met.peer, false, 'CNT-015');
    const next = await again(context, met);
    await sendAndTake(next, small(1));
  },
}));

/** How a session ends by a CLOSE, and what becomes of the messages. */
const ENDS: readonly {
  readonly slug: string;
  readonly judged?: true;
  readonly words: string;
  readonly end: (met: FourMessages) => Promise<void>;
  readonly outcomes: readonly ReportedOutcome[];
}[] = [
  {
    slug: 'close',
    words: 'The server ends the session with a CLOSE whose cursor covers the second message and not the third.',
    end: async ({ peer, second }) => {
      peer.sendClose('NO_ERROR', { fields: { receive_cursor: second } });
      await expectAnswer(peer, true, 'SES-012');
    },
    outcomes: ['accepted', 'accepted', 'not-delivered', 'not-delivered'],
  },
  {
    slug: 'close-of-everything',
    words: 'The server ends the session with a CLOSE whose cursor covers everything that was sent.',
    end: async ({ peer }) => {
      peer.sendClose();
      await expectAnswer(peer, true, 'SES-012');
    },
    outcomes: ['accepted', 'accepted', 'accepted', 'not-delivered'],
  },
  {
    slug: 'close-with-outcomes',
    judged: true,
    words: 'The server ends the session with a CLOSE whose cursor covers the second message and not the third.',
    end: async ({ peer, second }) => {
      peer.sendClose('NO_ERROR', { fields: { receive_cursor: second } });
      await expectAnswer(peer, true, 'SES-012');
    },
    outcomes: [VERDICT, 'unknown', 'not-delivered', 'not-delivered'],
  },
  {
    slug: 'close-with-an-error',
    words:
      'The server ends the session with CLOSE(FRAME_MALFORMED), whose cursor covers the second message and not the third.',
    end: async ({ peer, second }) => {
      peer.sendClose('FRAME_MALFORMED', { fields: { receive_cursor: second } });
      await expectAnswer(peer, true, 'SES-012');
    },
    outcomes: ['accepted', 'accepted', 'not-delivered', 'not-delivered'],
  },
  {
    slug: 'own-close',
    words:
      'The client is asked to close the session, and the server answers with a CLOSE whose cursor covers the second message and not the third.',
    end: async ({ peer, client, second }) => {
      await client.close();
      await peer.expect('CLOSE');
      peer.sendClose('NO_ERROR', { fields: { receive_cursor: second } });
      await peer.expectEnd('SES-028');
    },
    outcomes: ['accepted', 'accepted', 'not-delivered', 'not-delivered'],
  },
  {
    slug: 'own-close-with-outcomes',
    judged: true,
    words:
      'The client is asked to close the session, and the server answers with a CLOSE whose cursor covers the second message and not the third.',
    end: async ({ peer, client, second }) => {
      await client.close();
      await peer.expect('CLOSE');
      peer.sendClose('NO_ERROR', { fields: { receive_cursor: second } });
      await peer.expectEnd('SES-028');
    },
    outcomes: [VERDICT, 'unknown', 'not-delivered', 'not-delivered'],
  },
  {
    slug: 'own-error',
    words: 'The server sends a frame that nobody knows, and then ends its direction without a word.',
    end: async ({ peer }) => {
      peer.sendRaw({ type: 0x7f });
      const close = await peer.expectViolation('FRAME_UNKNOWN', { requirement: 'CNT-014', probe: false });
      if (!close.has('END_SESSION')) fail('CLOSE with END_SESSION', close.text, 'CNT-014');
    },
    outcomes: IN_DOUBT,
  },
  {
    slug: 'own-error-answered',
    words:
      'The server sends a frame that nobody knows, and answers the CLOSE of the client with one whose cursor covers the second message and not the third.',
    end: async ({ peer, second }) => {
      peer.sendRaw({ type: 0x7f });
      const close = await peer.expectWhere('CLOSE', ({ name }) => name === 'CLOSE', { requirement: 'CNT-014' });
      if (!close.has('END_SESSION')) fail('CLOSE with END_SESSION', close.text, 'CNT-014');
      peer.sendClose('NO_ERROR', { fields: { receive_cursor: second } });
      await peer.expectEnd('SES-014');
    },
    outcomes: ['accepted', 'accepted', 'not-delivered', 'not-delivered'],
  },
];

const endCases = ENDS.map(({ slug, judged, words, end, outcomes }): Case => ({
  id: `CNT-042/client-${slug}`,
  requirements: ['CNT-042', 'CNT-013'],
  title: `each message has one outcome at the end of the session (${slug})`,
  stimulus: `${judged === true ? FOUR_JUDGED_MESSAGES : FOUR_MESSAGES} ${words}`,
  expectation: `The client does not connect again, and reports the messages as ${outcomes
    .map((outcome) => (typeof outcome === 'number' ? `rejected with ${outcome}` : outcome))
    .join(', ')}.`,
  features: [...FEATURES, 'outcomes'],
  run: async (context) => {
    const met = await fourMessages(context, judged);
    await end(met);
    await expectOutcomesAtEnd(met, outcomes, 'CNT-042');
    assertEqual('connections of the client', met.listener.connections, 1, 'CNT-013');
  },
}));

/** How connections and sessions end (section 12.3), for a client. */
export const continuityClose: readonly ClientCase[] = clientCases([
  ...goingOnCases,
  ...endCases,
  {
    id: 'CNT-042/client-begun-message',
    requirements: ['CNT-042'],
    title: 'a message of which only a part was sent was not delivered',
    stimulus:
      'The client is asked to send 1,000 octets and has credit for 100. The server ends the session with a CLOSE that covers everything that was sent.',
    expectation: 'The client reports the message as not delivered.',
    features: [...FEATURES, 'outcomes'],
    run: async (context) => {
      const parameters = [{ id: 'initial_byte_credit', value: 100 }];
      const { peer, client, channel } = await keptOpen(context, 'test/sink', { accept: { parameters } });
      client.send(channel, context.bytes(1000));
      await peer.expect('MESSAGE', { channel });
      await peer.close();
      await expectOver(client, 'CNT-042');
      await client.expectOutcomes(channel, ['not-delivered'], 'CNT-042');
    },
  },
  {
    id: 'CNT-015/client-wrong-cursors',
    requirements: ['CNT-015', 'SES-013', 'CNT-014'],
    title: 'an error in a CLOSE of the connection alone ends the session',
    stimulus:
      'The server ends the connection with a CLOSE without END_SESSION whose cursor exceeds what the client has sent.',
    expectation: 'The client answers with CLOSE(CURSOR_INVALID) with END_SESSION, and does not connect again.',
    features: FEATURES,
    run: async (context) => {
      const met = await keptOpen(context, 'test/sink');
      met.peer.sendClose('NO_ERROR', { flags: [], fields: { receive_cursor: met.peer.receivedSeq + 1n } });
      const close = await met.peer.expectWhere('CLOSE', ({ name }) => name === 'CLOSE', { requirement: 'SES-013' });
      close.requireCode('CURSOR_INVALID', 'SES-013');
      if (!close.has('END_SESSION')) fail('CLOSE with END_SESSION', close.text, 'CNT-014');
      await met.peer.expectEnd('SES-012');
      await expectGivenUp(met, 1, 'CNT-014');
    },
  },
  {
    id: 'CNT-014/client-session-error',
    requirements: ['CNT-014', 'ERR-006'],
    title: 'an error of the session ends the session',
    stimulus: 'In a resumable session the server sends a message on a channel that nobody has opened.',
    expectation: 'The client ends it with CLOSE(CHANNEL_INVALID) with END_SESSION, and does not connect again.',
    features: FEATURES,
    run: async (context) => {
      const met = await kept(context);
      met.peer.sendMessage(5, Uint8Array.of(1));
      const close = await met.peer.expectViolation('CHANNEL_INVALID', { requirement: 'CNT-014' });
      if (!close.has('END_SESSION')) fail('CLOSE with END_SESSION', close.text, 'CNT-014');
      await expectGivenUp(met, 1, 'CNT-014');
    },
  },
  {
    id: 'CNT-014/client-liveness',
    requirements: ['CNT-014', 'CNT-013', 'SES-022'],
    title: 'a silent server costs the connection and not the session',
    stimulus: 'The server promises an interval of 200 ms and is silent. Later it takes another connection.',
    expectation:
      'The client ends the connection with CLOSE(LIVENESS_TIMEOUT) without END_SESSION, and attaches the session to another one.',
    features: FEATURES,
    timing: true,
    estimateMs: 800,
    run: async (context) => {
      const parameters = [{ id: 'liveness_interval_ms', value: 200 }];
      const met = await keptOpen(context, 'test/sink', { parameters });
      met.peer.answerPings = false;
      const close = await met.peer.expectWhere('CLOSE', ({ name }) => name === 'CLOSE', { requirement: 'SES-022' });
      close.requireCode('LIVENESS_TIMEOUT', 'SES-022');
      if (close.has('END_SESSION')) fail('CLOSE without END_SESSION', close.text, 'CNT-014');
      met.peer.destroy();
      const next = await again(context, met);
      await sendAndTake(next, small(1));
    },
  },
  {
    id: 'CNT-013/client-lost',
    requirements: ['CNT-013', 'SES-016'],
    title: 'a lost connection is reported, and the session goes on',
    stimulus: 'The server cuts the connection without a word, and takes the next one.',
    expectation: 'The client reports that its session is detached, and then that it is attached.',
    features: FEATURES,
    run: async (context) => {
      const met = await kept(context);
      met.peer.destroy();
      await met.client.expectEvent('detached', 'CNT-013');
      const coming = await comes(context, met);
      coming.peer.sendAcceptResume(coming.former);
      await met.client.expectEvent('attached', 'CNT-013');
    },
  },
  {
    id: 'CNT-013/client-end-of-stream',
    requirements: ['CNT-013', 'SES-016'],
    title: 'an end of the stream without CLOSE costs the connection and not the session',
    stimulus: 'The server ends its direction of TLS in order, but without CLOSE.',
    expectation: 'The client attaches the session to another connection.',
    features: FEATURES,
    run: async (context) => {
      const met = await keptOpen(context, 'test/sink');
      met.peer.socket.end();
      const next = await again(context, met);
      await sendAndTake(next, small(1));
    },
  },
  {
    id: 'SES-011/client-closes-a-resumable-session',
    requirements: ['SES-011', 'CNT-013'],
    title: 'a session that the client closes is over',
    stimulus: 'The client is asked to close its resumable session, and the server answers in order.',
    expectation: 'CLOSE(NO_ERROR) has END_SESSION, the client reports the end, and does not connect again.',
    features: FEATURES,
    run: async (context) => {
      const met = await kept(context);
      await met.client.close();
      const close = await met.peer.expect('CLOSE', { requirement: 'SES-011' });
      if (!close.has('END_SESSION')) fail('CLOSE with END_SESSION', close.text, 'CNT-013');
      met.peer.sendClose();
      await met.peer.expectEnd('SES-028');
      const event = await expectGivenUp(met, 1, 'CNT-013');
      assertEqual('event', event.event, 'closed', 'SES-011');
    },
  },
  {
    id: 'CNT-058/client-superseded',
    requirements: ['CNT-058', 'CNT-015', 'CNT-042'],
    title: 'a session that somebody else has taken is given up',
    stimulus: `${FOUR_MESSAGES} The server ends the connection with CLOSE(SUPERSEDED), although the client has made no attempt.`,
    expectation:
      'The client answers with CLOSE without END_SESSION, does not connect again, and reports the two messages in the middle as unknown.',
    features: [...FEATURES, 'outcomes'],
    run: async (context) => {
      const met = await fourMessages(context);
      met.peer.sendClose('SUPERSEDED', { flags: [], fields: { receive_cursor: met.second - 1n } });
      await expectAnswer(met.peer, false, 'CNT-015');
      await expectOutcomesAtEnd(met, IN_DOUBT, 'CNT-042');
      assertEqual('connections of the client', met.listener.connections, 1, 'CNT-058');
    },
  },
  {
    id: 'CNT-058/client-superseded-later',
    requirements: ['CNT-058'],
    title: 'a session that was resumed before is given up as well',
    stimulus:
      'The connection is lost and the session attached to another one. The server ends that with CLOSE(SUPERSEDED), although the client has made no attempt since.',
    expectation: 'The client does not connect again.',
    features: FEATURES,
    run: async (context) => {
      const met = await kept(context);
      met.peer.destroy();
      const next = await again(context, met);
      next.peer.sendClose('SUPERSEDED', { flags: [] });
      await expectAnswer(next.peer, false, 'CNT-015');
      await expectGivenUp(next, 2, 'CNT-058');
    },
  },
  {
    id: 'CNT-013/client-detaches',
    requirements: ['CNT-013', 'CNT-015'],
    title: 'a session is kept while its owner wants no connection',
    stimulus:
      'The client is asked to leave its connection and keep the session. It is asked to send a message, and then to attach the session again.',
    expectation: 'CLOSE(NO_ERROR) comes without END_SESSION, and the message on the next connection.',
    features: [...FEATURES, 'rotation'],
    run: async (context) => {
      const met = await keptOpen(context, 'test/sink');
      await met.client.detach();
      const close = await met.peer.expect('CLOSE', { requirement: 'CNT-013' });
      close.requireCode('NO_ERROR', 'CNT-013');
      if (close.has('END_SESSION')) fail('CLOSE without END_SESSION', close.text, 'CNT-013');
      met.peer.sendClose('NO_ERROR', { flags: [] });
      await met.peer.expectEnd('SES-028');
      await met.client.expectEvent('detached', 'CNT-013');
      met.client.send(met.channel, Uint8Array.of(1));
      await taken(met.client);
      assertEqual('connections of the client', met.listener.connections, 1, 'CNT-013');
      await met.client.rotate();
      const { peer } = await attach(await comes(context, met, 'CNT-013'));
      await peer.expect('MESSAGE', { channel: met.channel, requirement: 'CNT-013' });
    },
  },
  {
    id: 'CNT-017/client-retention-over',
    requirements: ['CNT-017', 'CNT-013', 'CNT-042'],
    title: 'a session whose retention is over is ended',
    stimulus:
      'The server grants a retention of 400 ms. The connection is lost with a message of the client, and every attempt to attach the session is cut.',
    expectation:
      'The client reports the end of the session and the message as unknown, not before the retention is over and not long after.',
    features: [...FEATURES, 'outcomes'],
    timing: true,
    estimateMs: 600,
    run: async (context) => {
      const met = await keptOpen(context, 'test/sink', { retentionMs: 400 });
      met.peer.answerAcks = false;
      await sendAndTake(met, small(1));
      const before = performance.now();
      await met.listener.close();
      await expectOver(met.client, 'CNT-017');
      const passedMs = Math.round(performance.now() - before);
      assertThat(passedMs >= 395, 'an end after at least 400 ms', `one after ${passedMs} ms`, 'CNT-013');
      await met.client.expectOutcomes(met.channel, ['unknown'], 'CNT-042');
    },
  },
  {
    id: 'CNT-017/client-retention-over-on-purpose',
    requirements: ['CNT-017', 'CNT-013'],
    title: 'a session that its owner has detached is ended with its retention too',
    stimulus:
      'The server grants a retention of 400 ms. The client is asked to leave its connection, and not to come again.',
    expectation: 'The client reports the end of the session when the retention is over.',
    features: [...FEATURES, 'rotation'],
    timing: true,
    estimateMs: 600,
    run: async (context) => {
      const met = await keptOpen(context, 'test/sink', { retentionMs: 400 });
      await met.client.detach();
      await met.peer.expect('CLOSE', { requirement: 'CNT-013' });
      const before = performance.now();
      met.peer.sendClose('NO_ERROR', { flags: [] });
      await met.peer.expectEnd('SES-028');
      await expectOver(met.client, 'CNT-017');
      const passedMs = Math.round(performance.now() - before);
      assertThat(passedMs >= 395, 'an end after at least 400 ms', `one after ${passedMs} ms`, 'CNT-013');
    },
  },
]);
