import { setTimeout as elapse } from 'node:timers/promises';
import { errorNamed } from '../../model/registry.ts';
import type { FieldInput } from '../../model/codec.ts';
import type { SigningOptions } from '../../peer/establishment.ts';
import { assertEqual } from '../../peer/failure.ts';
import type { ClientCase } from '../case.ts';
import { clientCases } from '../case.ts';
import type { ClientContext } from '../client-context.ts';
import type { Coming, Kept, KeptOptions } from './continuity-sessions.ts';
import {
  again,
  attach,
  comes,
  cutAndAgain,
  expectGivenUp,
  expectOver,
  grants,
  keeping,
  kept,
  keptOpen,
  RETENTION_MS,
  sendAndTake,
  small,
  taken,
} from './continuity-sessions.ts';

type Case = Omit<ClientCase, 'role'>;

const FEATURES = ['resumption'];
const MAX_U53 = 2n ** 53n - 1n;

/** What the server grants although the client has asked for less, or for nothing. */
const GRANTS: readonly { readonly slug: string; readonly words: string; readonly options: KeptOptions }[] = [
  {
    slug: 'retention-by-one',
    words: 'one millisecond of retention more than the client asked for',
    options: { retentionMs: 5000, granted: { retentionMs: 5001 } },
  },
  {
    slug: 'retention-max',
    words: 'the greatest retention there is, where the client asked for five seconds',
    options: { retentionMs: 5000, granted: { retentionMs: 604_800_000 } },
  },
  {
    slug: 'deadline-by-one',
    words: 'a deadline of one millisecond more than the client asked for',
    options: { deadlineMs: 5000, granted: { retentionMs: 1000, deadlineMs: 5001 } },
  },
  {
    slug: 'deadline-max',
    words: 'the longest deadline there is, where the client asked for five seconds',
    options: { deadlineMs: 5000, granted: { retentionMs: 1000, deadlineMs: 604_800_000 } },
  },
];

const grantCases = GRANTS.map(({ slug, words, options }): Case => ({
  id: `CNT-002/client-${slug}`,
  requirements: ['CNT-002', 'CNT-001'],
  title: `more than was asked for is refused (${slug})`,
  stimulus: `The server grants ${words}.`,
  expectation: 'The client answers with CLOSE(PARAMETER_INVALID).',
  features: FEATURES,
  run: async (context) => {
    const { peer } = await context.connecting(keeping(options));
    peer.sendAccept(keeping(options).accept);
    await peer.expectViolation('PARAMETER_INVALID', { requirement: 'CNT-002', probe: false });
  },
}));

/** What the server may grant. */
const RIGHT_GRANTS: readonly { readonly slug: string; readonly words: string; readonly options: KeptOptions }[] = [
  { slug: 'less-retention', words: 'less retention', options: { retentionMs: 9000, granted: { retentionMs: 5000 } } },
  {
    slug: 'max-retention',
    words: 'the greatest retention there is, for which the client asked',
    options: { retentionMs: 604_800_000 },
  },
  {
    slug: 'earlier-deadline',
    words: 'the retention that was asked for and an earlier deadline',
    options: { deadlineMs: 9000, granted: { retentionMs: 5000, deadlineMs: 8999 } },
  },
  {
    slug: 'deadline-unasked',
    words: 'a deadline for which the client did not ask',
    options: { granted: { retentionMs: 5000, deadlineMs: 60_000 } },
  },
];

const rightGrantCases = RIGHT_GRANTS.map(({ slug, words, options }): Case => ({
  id: `CNT-002/client-takes-${slug}`,
  requirements: ['CNT-002', 'CNT-001'],
  title: `not more than was asked for is taken (${slug})`,
  stimulus: `The server grants ${words}. Then the connection is lost.`,
  expectation: 'The client establishes the session, and attaches it again.',
  features: FEATURES,
  run: async (context) => {
    await cutAndAgain(context, await kept(context, options));
  },
}));

interface WrongAccept {
  readonly slug: string;
  readonly requirement: 'CNT-031' | 'CNT-032' | 'EST-005';
  readonly code: 'FRAME_MALFORMED' | 'RESUME_GAP' | 'SIGNATURE_INVALID';
  readonly words: string;
  /** Fields that are wrong, by those that are right. */
  readonly fields: (right: Coming, context: ClientContext) => Readonly<Record<string, FieldInput>>;
  readonly signing?: SigningOptions;
}

const lastOctetChanged = (id: Uint8Array): Uint8Array =>
  Uint8Array.from(id, (octet, at) => (at === 15 ? octet ^ 1 : octet));

const WRONG: readonly WrongAccept[] = [
  {
    slug: 'other-session',
    requirement: 'CNT-031',
    code: 'FRAME_MALFORMED',
    words: 'with the id of another session',
    fields: (_, context) => ({ session_id: context.bytes(16) }),
  },
  {
    slug: 'session-last-bit',
    requirement: 'CNT-031',
    code: 'FRAME_MALFORMED',
    words: 'with a session id that differs in the last bit',
    fields: ({ connect }) => ({ session_id: lastOctetChanged(connect.bytes('session_id')) }),
  },
  {
    slug: 'session-zero',
    requirement: 'CNT-031',
    code: 'FRAME_MALFORMED',
    words: 'with a session id of zeros',
    fields: () => ({ session_id: new Uint8Array(16) }),
  },
  {
    slug: 'same-epoch',
    requirement: 'CNT-031',
    code: 'FRAME_MALFORMED',
    words: 'with the epoch that the client stated',
    fields: ({ connect }) => ({ epoch: connect.integer('epoch') }),
  },
  {
    slug: 'lower-epoch',
    requirement: 'CNT-031',
    code: 'FRAME_MALFORMED',
    words: 'with an epoch below the one that the client stated',
    fields: ({ connect }) => ({ epoch: connect.integer('epoch') - 1n }),
  },
  {
    slug: 'cursor-beyond',
    requirement: 'CNT-032',
    code: 'RESUME_GAP',
    words: 'with a cursor one beyond the last frame of the client',
    fields: ({ former }) => ({ receive_cursor: former.receivedSeq + 1n }),
  },
  {
    slug: 'cursor-max',
    requirement: 'CNT-032',
    code: 'RESUME_GAP',
    words: 'with the greatest cursor there is',
    fields: () => ({ receive_cursor: MAX_U53 }),
  },
  {
    slug: 'cursor-below',
    requirement: 'CNT-032',
    code: 'RESUME_GAP',
    words: 'with a cursor one below what it has acknowledged',
    fields: ({ former }) => ({ receive_cursor: former.told - 1n }),
  },
  {
    slug: 'cursor-zero',
    requirement: 'CNT-032',
    code: 'RESUME_GAP',
    words: 'with cursor 0, although it has acknowledged frames',
    fields: () => ({ receive_cursor: 0 }),
  },
  {
    slug: 'epoch-before-cursor',
    requirement: 'CNT-031',
    code: 'FRAME_MALFORMED',
    words: 'with the epoch that the client stated and a cursor beyond its last frame',
    fields: ({ connect, former }) => ({ epoch: connect.integer('epoch'), receive_cursor: former.receivedSeq + 1n }),
  },
  {
    slug: 'signature-before-epoch',
    requirement: 'EST-005',
    code: 'SIGNATURE_INVALID',
    words: 'with the id of another session and a signature that does not verify',
    fields: (_, context) => ({ session_id: context.bytes(16) }),
    signing: { signature: (octets) => octets.map((octet, at) => (at === 40 ? octet ^ 1 : octet)) },
  },
];

/** A session on its second epoch, of whose three messages the server has acknowledged two. */
async function partlyAcknowledged(context: ClientContext): Promise<Kept & { readonly channel: number }> {
  const met = await cutAndAgain(context, await keptOpen(context, 'test/sink'));
  met.peer.answerAcks = false;
  await sendAndTake(met, small(3));
  met.peer.sendAck(met.peer.receivedSeq - 1n);
  await met.client.expectOutcomes(met.channel, ['accepted', 'accepted'], 'CNT-042');
  met.peer.destroy();
  return met;
}

/** Sends an ACCEPT in mode resume that is wrong. The monitor does not watch what follows. */
function sendWrongAccept(
  coming: Coming,
  fields: Readonly<Record<string, FieldInput>>,
  signing: SigningOptions = {},
): void {
  const { peer, former, connect } = coming;
  const right = {
    session_id: connect.bytes('session_id'),
    epoch: connect.integer('epoch') + 1n,
    receive_cursor: former.receivedSeq,
  };
  peer.sendOctets(peer.buildAccept({ ...signing, fields: { ...right, ...fields } }));
}

const wrongCases = WRONG.map(({ slug, requirement, code, words, fields, signing }): Case => ({
  id: `${requirement}/client-resume-${slug}`,
  requirements: [requirement, 'CNT-043'],
  title: `an ACCEPT ${words} is refused`,
  stimulus: `The client has sent three messages, of which two are acknowledged, and asks for its session with epoch 2. The server answers with ACCEPT ${words}.`,
  expectation: `The client answers with CLOSE(${code}) and both cursors zero, with END_SESSION if the scope of the error is the session, gives the session up, and reports two messages accepted and one unknown.`,
  features: [...FEATURES, 'outcomes'],
  run: async (context) => {
    const met = await partlyAcknowledged(context);
    const coming = await comes(context, met);
    sendWrongAccept(coming, fields(coming, context), signing);
    const close = await coming.peer.expectViolation(code, { requirement });
    assertEqual('END_SESSION', close.has('END_SESSION'), errorNamed(code).scope === 'session', 'CNT-014');
    assertEqual('receive_cursor', close.integer('receive_cursor'), 0n, 'EST-027');
    assertEqual('send_cursor', close.integer('send_cursor'), 0n, 'EST-027');
    await expectGivenUp(met, 3, requirement);
    await met.client.expectOutcomes(met.channel, ['accepted', 'accepted', 'unknown'], 'CNT-043');
  },
}));

/** Section 12.1 and what a client makes of an ACCEPT in mode resume. */
export const continuityAccept: readonly ClientCase[] = clientCases([
  ...grantCases,
  ...rightGrantCases,
  {
    id: 'CNT-002/client-retention-unasked',
    requirements: ['CNT-002', 'CNT-001'],
    title: 'retention for which nobody has asked is refused',
    stimulus: 'The server grants one millisecond of retention to a client that has asked for none.',
    expectation: 'The client answers with CLOSE(PARAMETER_INVALID).',
    run: async (context) => {
      const { peer } = await context.connecting();
      peer.sendAccept({ parameters: grants({ retentionMs: 1 }) });
      await peer.expectViolation('PARAMETER_INVALID', { requirement: 'CNT-002', probe: false });
    },
  },
  {
    id: 'CNT-002/client-after-the-epoch',
    requirements: ['CNT-002', 'EST-021'],
    title: 'epoch and cursor are judged before the grant',
    stimulus: 'The ACCEPT of a new session has epoch 2 and grants more retention than the client asked for.',
    expectation: 'The client answers with CLOSE(FRAME_MALFORMED).',
    features: FEATURES,
    run: async (context) => {
      const options = { retentionMs: 5000, granted: { retentionMs: 5001 } };
      const { peer } = await context.connecting(keeping(options));
      peer.sendAccept({ ...keeping(options).accept, fields: { epoch: 2 } });
      await peer.expectViolation('FRAME_MALFORMED', { requirement: 'EST-021', probe: false });
    },
  },
  {
    id: 'CNT-004/client-nothing-granted',
    requirements: ['CNT-004', 'SES-017'],
    title: 'a session without a grant is not resumable, whatever was asked for',
    stimulus:
      'The client asks for a resumable session, and the server grants none. Then it acknowledges the OPEN of the client.',
    expectation: 'The client answers with CLOSE(FRAME_UNEXPECTED) with END_SESSION, and does not connect again.',
    features: FEATURES,
    run: async (context) => {
      const met = await keptOpen(context, 'test/echo', { granted: {} });
      met.peer.send('ACK', { fields: { receive_cursor: 1 } });
      await met.peer.expectViolation('FRAME_UNEXPECTED', { requirement: 'CNT-004' });
      await expectGivenUp(met, 1, 'CNT-004');
    },
  },
  {
    id: 'SES-029/client-nothing-granted',
    requirements: ['SES-029', 'SES-017'],
    title: 'a session without a grant ends with its connection',
    stimulus: 'The client asks for a resumable session, and the server grants none. The connection is cut.',
    expectation: 'The client reports the end of the session, and does not connect again.',
    features: FEATURES,
    run: async (context) => {
      const met = await keptOpen(context, 'test/echo', { granted: { retentionMs: 0 } });
      met.peer.destroy();
      const event = await expectGivenUp(met, 1, 'SES-029');
      assertEqual('event', event.event, 'failed', 'SES-016');
    },
  },
  ...wrongCases,
  {
    id: 'CNT-043/client-gap-and-queue',
    requirements: ['CNT-043', 'CNT-042', 'CNT-032'],
    title: 'after a gap, what was begun is unknown and what was not begun was not delivered',
    stimulus:
      'Of three messages of the client the first is sent, the second in part for want of credit, the third not at all. The server then states a cursor that the client can not serve.',
    expectation: 'The client reports the first two as unknown and the third as not delivered.',
    features: [...FEATURES, 'outcomes'],
    run: async (context) => {
      const met = await keptOpen(context, 'test/sink', {
        accept: { parameters: [{ id: 'initial_byte_credit', value: 100 }] },
      });
      met.peer.answerAcks = false;
      for (const size of [60, 100, 10]) met.client.send(met.channel, context.bytes(size));
      await met.peer.expect('MESSAGE', { channel: met.channel });
      await met.peer.expect('MESSAGE', { channel: met.channel });
      met.peer.destroy();
      const coming = await comes(context, met);
      sendWrongAccept(coming, { receive_cursor: met.peer.receivedSeq + 5n });
      await coming.peer.expectViolation('RESUME_GAP', { requirement: 'CNT-032' });
      await expectOver(met.client, 'CNT-032');
      await met.client.expectOutcomes(met.channel, ['unknown', 'unknown', 'not-delivered'], 'CNT-043');
    },
  },
  {
    id: 'CNT-032/client-below-close',
    requirements: ['CNT-032'],
    title: 'the cursor of a CLOSE counts as an acknowledgement',
    stimulus:
      'The server ends the connection with a CLOSE without END_SESSION whose cursor covers the message of the client. In ACCEPT it then states a cursor below it.',
    expectation: 'The client answers with CLOSE(RESUME_GAP).',
    features: FEATURES,
    run: async (context) => {
      const met = await keptOpen(context, 'test/sink');
      met.peer.answerAcks = false;
      await sendAndTake(met, small(1));
      await met.peer.detach();
      const coming = await comes(context, met);
      sendWrongAccept(coming, { receive_cursor: met.peer.receivedSeq - 1n });
      await coming.peer.expectViolation('RESUME_GAP', { requirement: 'CNT-032' });
    },
  },
  {
    id: 'CNT-003/client-retention-has-no-effect',
    requirements: ['CNT-003', 'CNT-002'],
    title: 'a retention in the ACCEPT of a resumption has no effect',
    stimulus: 'The ACCEPT of a resumption grants more retention than the client ever asked for.',
    expectation: 'The client takes it, and the session goes on.',
    features: FEATURES,
    run: async (context) => {
      const met = await keptOpen(context, 'test/sink');
      met.peer.destroy();
      const next = await again(context, met, { parameters: grants({ retentionMs: RETENTION_MS * 10 }) });
      await sendAndTake(next, small(1));
      await next.peer.barrier('CNT-003');
    },
  },
  {
    id: 'CNT-003/client-no-retention-has-no-effect',
    requirements: ['CNT-003'],
    title: 'a session stays resumable when it was resumed',
    stimulus: 'A resumption is accepted without any retention, and the connection is lost once more.',
    expectation: 'The client attaches the session again.',
    features: FEATURES,
    run: async (context) => {
      const met = await cutAndAgain(context, await kept(context));
      await cutAndAgain(context, met);
    },
  },
  {
    id: 'CNT-003/client-smaller-messages',
    requirements: ['CNT-003'],
    title: 'the size of messages does not change with a resumption',
    stimulus:
      'The session began with messages of up to 65,536 octets. CHALLENGE of the resumption declares 1,024. The client is asked to send 5,000.',
    expectation: 'The client sends the message.',
    features: FEATURES,
    run: async (context) => {
      const met = await keptOpen(context, 'test/sink', { parameters: [{ id: 'max_message_bytes', value: 65_536 }] });
      met.peer.destroy();
      const peer = await context.next(met.listener);
      peer.sendChallenge([{ id: 'max_message_bytes', value: 1024 }]);
      const connect = await peer.expectConnect();
      const next = await attach({ ...met, peer, connect, former: met.peer });
      next.client.send(met.channel, context.bytes(5000));
      const frame = await peer.expect('MESSAGE', { channel: met.channel, requirement: 'CNT-003' });
      assertEqual('octets of the message', frame.bytes('fragment').length, 5000, 'CNT-003');
    },
  },
  {
    id: 'CNT-003/client-larger-messages',
    requirements: ['CNT-003', 'CHN-017'],
    title: 'the size of messages does not grow with a resumption',
    stimulus:
      'The session began with messages of up to 1,024 octets. CHALLENGE of the resumption declares 65,536. The client is asked to send 5,000, and then one octet.',
    expectation: 'Only the octet is sent.',
    features: FEATURES,
    run: async (context) => {
      const met = await keptOpen(context, 'test/sink', { parameters: [{ id: 'max_message_bytes', value: 1024 }] });
      met.peer.destroy();
      const peer = await context.next(met.listener);
      peer.sendChallenge([{ id: 'max_message_bytes', value: 65_536 }]);
      const connect = await peer.expectConnect();
      const next = await attach({ ...met, peer, connect, former: met.peer });
      next.client.send(met.channel, context.bytes(5000));
      next.client.send(met.channel, Uint8Array.of(1));
      const frame = await peer.expect('MESSAGE', { channel: met.channel, requirement: 'CNT-003' });
      assertEqual('octets of the message', frame.bytes('fragment').length, 1, 'CNT-003');
    },
  },
  {
    id: 'CNT-003/client-initial-credit',
    requirements: ['CNT-003'],
    title: 'the credit that channels start with does not change with a resumption',
    stimulus:
      'The session began with 64 messages of initial credit. ACCEPT of the resumption says 0. A channel is opened, and the client is asked to send a message on it.',
    expectation: 'The client sends it at once.',
    features: FEATURES,
    run: async (context) => {
      const first = [{ id: 'initial_message_credit', value: 64 }];
      const met = await kept(context, { accept: { parameters: first } });
      met.peer.destroy();
      const next = await again(context, met, { parameters: [{ id: 'initial_message_credit', value: 0 }] });
      const channel = await next.client.open('test/sink');
      await next.peer.expect('OPEN', { channel });
      next.peer.sendOpened(channel);
      await next.client.expectEvent('opened');
      next.client.send(channel, Uint8Array.of(1));
      await next.peer.expect('MESSAGE', { channel, requirement: 'CNT-003' });
    },
  },
  {
    id: 'CNT-003/client-no-initial-credit',
    requirements: ['CNT-003', 'CHN-020'],
    title: 'a resumption does not give channels more credit to start with',
    stimulus:
      'The session began without initial credit. ACCEPT of the resumption says 64 messages. A channel is opened, the client is asked to send a message on it, and later gets credit.',
    expectation: 'The message comes after the credit and not before.',
    features: FEATURES,
    run: async (context) => {
      const met = await kept(context, { accept: { parameters: [{ id: 'initial_message_credit', value: 0 }] } });
      met.peer.destroy();
      const next = await again(context, met, { parameters: [{ id: 'initial_message_credit', value: 64 }] });
      const { peer, client } = next;
      const channel = await client.open('test/sink');
      await peer.expect('OPEN', { channel });
      peer.sendOpened(channel);
      await client.expectEvent('opened');
      client.send(channel, Uint8Array.of(1));
      await taken(client);
      const early = await peer.barrier('CNT-003');
      assertEqual('messages without credit', early.filter(({ name }) => name === 'MESSAGE').length, 0, 'CNT-003');
      peer.send('CREDIT', { channel, fields: { message_limit: 1, byte_limit: 100_000_000 } });
      await peer.expect('MESSAGE', { channel, requirement: 'CHN-020' });
    },
  },
  {
    id: 'CNT-003/client-liveness-takes-effect',
    requirements: ['CNT-003', 'SES-022'],
    title: 'the liveness interval of a resumption takes effect',
    stimulus:
      'The session began with an interval of 15 seconds. CHALLENGE of the resumption promises 200 ms, and the server is silent.',
    expectation: 'The client ends the connection with CLOSE(LIVENESS_TIMEOUT) within two seconds.',
    features: FEATURES,
    timing: true,
    estimateMs: 800,
    run: async (context) => {
      const met = await kept(context);
      met.peer.destroy();
      const peer = await context.next(met.listener);
      peer.sendChallenge([{ id: 'liveness_interval_ms', value: 200 }]);
      const connect = await peer.expectConnect();
      await attach({ ...met, peer, connect, former: met.peer });
      peer.answerPings = false;
      const close = await peer.expectWhere('CLOSE', ({ name }) => name === 'CLOSE', { requirement: 'CNT-003' });
      close.requireCode('LIVENESS_TIMEOUT', 'CNT-003');
    },
  },
  {
    id: 'CNT-003/client-former-liveness-has-no-effect',
    requirements: ['CNT-003'],
    title: 'the liveness interval of the former connection has no effect',
    stimulus:
      'The session began with an interval of 200 ms. CHALLENGE of the resumption promises 15 seconds, and the server is silent for one.',
    expectation: 'The client goes on with the connection.',
    features: FEATURES,
    timing: true,
    estimateMs: 1100,
    run: async (context) => {
      const met = await kept(context, { parameters: [{ id: 'liveness_interval_ms', value: 200 }] });
      met.peer.destroy();
      const peer = await context.next(met.listener);
      peer.sendChallenge([{ id: 'liveness_interval_ms', value: 15_000 }]);
      const connect = await peer.expectConnect();
      await attach({ ...met, peer, connect, former: met.peer });
      peer.answerPings = false;
      await elapse(1000);
      await peer.barrier('CNT-003');
    },
  },
]);
