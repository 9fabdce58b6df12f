import { errorNamed } from '../../../model/registry.ts';
import type { ClientPeer } from '../../../peer/client-peer.ts';
import { assertEqual, fail } from '../../../peer/failure.ts';
import type { ServerCase } from '../../case.ts';
import { serverCases } from '../../case.ts';
import type { OpenOptions, ServerContext } from '../../server-context.ts';
import { judgedAs, MAX_VERDICT, requireVerdicts } from '../../verdicts.ts';
import { expectExactly } from '../client-frames.ts';
import { receiveMessage, sourceRequest } from '../message-flow.ts';
import { again, keptOpen, requireMessage } from './sessions.ts';

type NewCase = Omit<ServerCase, 'role'>;

/** Parameters of OPEN that ask for verdicts. */
const JUDGED = [{ id: 'outcomes', value: 1 }];

/** A message in one frame, not yet sent. */
function whole(peer: ClientPeer, channel: number, fragment: Uint8Array): Uint8Array {
  return peer.build('MESSAGE', { channel, flags: ['FIRST', 'LAST'], fields: { fragment } });
}

/** Sends the client's verdict on everything through a message. */
function judge(peer: ClientPeer, channel: number, last: number | bigint, verdict = 0): void {
  peer.send('OUTCOME', { channel, fields: { last_message: last, verdict } });
}

/** Demands that nothing but CREDIT comes on a channel before the answer to a PING. */
async function requireNothing(peer: ClientPeer, channel: number, requirement: string): Promise<void> {
  const frame = (await peer.barrier(requirement)).find(
    (passed) => passed.channel === channel && passed.name !== 'CREDIT',
  );
  if (frame !== undefined) fail('nothing on the channel', frame.text, requirement);
}

/** The messages and verdicts that come on a channel until there are so many of both, or END. */
async function gather(
  peer: ClientPeer,
  channel: number,
  messages: number,
): Promise<{ readonly messages: readonly Uint8Array[]; readonly judged: number; readonly ended: boolean }> {
  const got: Uint8Array[] = [];
  let judged = 0;
  let ended = false;
  while (got.length < messages || judged < messages) {
    const frame = await peer.expectWhere(
      `${messages} messages and a verdict on as many`,
      (passed) => passed.channel === channel && passed.name !== 'CREDIT',
      { channel, requirement: 'CNT-039' },
    );
    if (frame.name === 'MESSAGE') got.push(frame.bytes('fragment'));
    else if (frame.name === 'OUTCOME') {
      assertEqual('verdict', frame.integer('verdict'), 0n, 'CNT-039');
      judged = Number(frame.integer('last_message'));
    } else if (frame.name === 'END' && !ended) ended = true;
    else fail('MESSAGE, OUTCOME or END', frame.text, 'CNT-039');
  }
  return { messages: got, judged, ended };
}

/** A channel with outcomes, in a session that ends with its connection. */
function plain(context: ServerContext, application: string, options: OpenOptions = {}) {
  return context.opened(application, { more: JUDGED, ...options });
}

/** A channel with outcomes in each kind of session. */
const SESSIONS = [
  { slug: 'plain', words: 'In a session that ends with its connection', open: plain },
  {
    slug: 'resumable',
    words: 'In a resumable session',
    open: (context: ServerContext, application: string, { data }: OpenOptions = {}) =>
      keptOpen(context, application, { more: JUDGED, ...(data === undefined ? {} : { data }) }),
  },
] as const;

const valueCases = [0, 1, 2, 0x00ff, 0x0100, 0x7fff, 0x8000, MAX_VERDICT].map((verdict): NewCase => ({
  id: `CNT-039/verdict-${verdict}`,
  requirements: ['CNT-039', 'APP-001'],
  title: `a message is judged with ${verdict}`,
  stimulus: `The client opens test/outcome with outcomes and sends one message of two octets that say ${verdict}.`,
  expectation: `One OUTCOME arrives: message 1, verdict ${verdict}; and nothing more.`,
  run: async (context) => {
    const { peer, channel } = await plain(context, 'test/outcome');
    peer.sendMessage(channel, judgedAs(verdict));
    await requireVerdicts(peer, channel, [verdict]);
    await requireNothing(peer, channel, 'CNT-039');
  },
}));

const sessionCases = SESSIONS.flatMap(({ slug, words, open }): readonly NewCase[] => [
  {
    id: `CNT-039/each-once-in-order-${slug}`,
    requirements: ['CNT-039', 'CNT-040', 'APP-001'],
    title: `each message gets one verdict, in order (${slug} session)`,
    stimulus: `${words} the client sends sixteen messages with sixteen different verdicts to test/outcome, in one write.`,
    expectation: 'Sixteen OUTCOMEs arrive, in the order of the messages, and nothing more.',
    run: async (context) => {
      const { peer, channel } = await open(context, 'test/outcome');
      const verdicts = Array.from({ length: 16 }, (_, n) => (n * 4099) % MAX_VERDICT);
      peer.sendTogether(verdicts.map((verdict) => whole(peer, channel, judgedAs(verdict))));
      await requireVerdicts(peer, channel, verdicts);
      await requireNothing(peer, channel, 'CNT-039');
    },
  },
  {
    id: `CNT-039/runs-${slug}`,
    requirements: ['CNT-039', 'CNT-040'],
    title: `a run of equal verdicts covers just its messages (${slug} session)`,
    stimulus: `${words} the client sends messages to test/outcome in one write: four to be accepted, three to be rejected with 7, one accepted, four rejected with 9.`,
    expectation: 'The verdicts come as they are due, together or one by one, and none beyond the twelve messages.',
    run: async (context) => {
      const { peer, channel } = await open(context, 'test/outcome');
      const verdicts = [0, 0, 0, 0, 7, 7, 7, 0, 9, 9, 9, 9];
      peer.sendTogether(verdicts.map((verdict) => whole(peer, channel, judgedAs(verdict, 5))));
      await requireVerdicts(peer, channel, verdicts);
      await requireNothing(peer, channel, 'CNT-039');
    },
  },
  {
    id: `CNT-039/echo-${slug}`,
    requirements: ['CNT-039', 'APP-001', 'APP-010'],
    title: `test/echo accepts what it returns (${slug} session)`,
    stimulus: `${words} the client sends five messages to test/echo on a channel with outcomes, and accepts what comes back.`,
    expectation:
      'The five messages come back, five verdicts accept them, and after END from both the channel is closed.',
    run: async (context) => {
      const { peer, channel } = await open(context, 'test/echo');
      const sent = Array.from({ length: 5 }, () => context.bytes(12));
      peer.sendTogether(sent.map((message) => whole(peer, channel, message)));
      const { messages } = await gather(peer, channel, sent.length);
      for (const [n, message] of sent.entries()) {
        if (Buffer.compare(message, messages[n] ?? new Uint8Array(0)) !== 0) {
          fail(`message ${n + 1} as it was sent`, 'another one', 'APP-001');
        }
      }
      judge(peer, channel, sent.length);
      peer.send('END', { channel });
      await peer.expect('END', { channel, requirement: 'APP-006' });
      await requireNothing(peer, channel, 'CNT-039');
      judge(peer, channel, sent.length);
      await expectExactly(peer, 'FRAME_UNEXPECTED', 'CHN-003');
    },
  },
  {
    id: `CNT-040/hold-${slug}`,
    requirements: ['CNT-040', 'APP-001'],
    title: `what test/hold has not decided on gets no verdict (${slug} session)`,
    stimulus: `${words} the client sends as many messages to test/hold as it was granted, on a channel with outcomes.`,
    expectation: 'No OUTCOME arrives, nor anything else on the channel, and the session goes on.',
    run: async (context) => {
      const { peer, channel } = await open(context, 'test/hold');
      const count = peer.serverParameter('initial_message_credit');
      peer.sendTogether(Array.from({ length: count }, () => whole(peer, channel, judgedAs(0))));
      for (let round = 0; round < 2; round += 1) await requireNothing(peer, channel, 'CNT-040');
    },
  },
  {
    id: `CNT-041/beyond-what-was-sent-${slug}`,
    requirements: ['CNT-041'],
    title: `a verdict on a message that was not sent is an error (${slug} session)`,
    stimulus: `${words} the client judges a message of test/echo that was never sent.`,
    expectation: 'The server answers with CLOSE(OUTCOME_INVALID).',
    run: async (context) => {
      const { peer, channel } = await open(context, 'test/echo');
      judge(peer, channel, 1);
      await expectExactly(peer, 'OUTCOME_INVALID', 'CNT-041');
    },
  },
  {
    id: `CNT-041/client-judges-runs-${slug}`,
    requirements: ['CNT-041', 'CHN-003'],
    title: `right verdicts are no error (${slug} session)`,
    stimulus: `${words} test/source sends nine messages; the client judges the first with 65,535, four with 0 at once and the rest with 1.`,
    expectation: 'The session goes on; after END from both a further verdict comes on a closed channel.',
    run: async (context) => {
      const { peer, channel } = await open(context, 'test/source', { data: sourceRequest(9, 3) });
      for (let n = 0; n < 9; n += 1) await receiveMessage(peer, channel);
      await peer.expect('END', { channel });
      judge(peer, channel, 1, MAX_VERDICT);
      judge(peer, channel, 5);
      peer.send('END', { channel });
      await requireNothing(peer, channel, 'CNT-041');
      judge(peer, channel, 9, 1);
      await requireNothing(peer, channel, 'CNT-041');
      judge(peer, channel, 9, 1);
      await expectExactly(peer, 'FRAME_UNEXPECTED', 'CHN-003');
    },
  },
]);

interface Reached {
  readonly peer: ClientPeer;
  readonly channel: number;
  /** Messages that the server has sent completely, and those that have a verdict. */
  readonly sent: number;
  readonly judged: number;
}

/** Test/source has sent two messages; the first is accepted. */
async function sourced(context: ServerContext): Promise<Reached> {
  const { peer, channel } = await plain(context, 'test/echo');
  for (const message of [judgedAs(0), judgedAs(0)]) peer.sendMessage(channel, message);
  await context.dependency('two echoes with verdicts', () => gather(peer, channel, 2));
  judge(peer, channel, 1);
  return { peer, channel, sent: 2, judged: 1 };
}

/** The states of a channel, as the server sees them, in which verdicts are in order. */
const STATES: readonly {
  readonly slug: string;
  readonly words: string;
  readonly reach: (context: ServerContext) => Promise<Reached>;
}[] = [
  { slug: 'open', words: 'open', reach: sourced },
  {
    slug: 'half-closed-local',
    words: 'that the server has ended',
    reach: async (context) => {
      const { peer, channel } = await plain(context, 'test/source', { data: sourceRequest(2, 4) });
      await context.dependency('test/source', async () => {
        for (let n = 0; n < 2; n += 1) await receiveMessage(peer, channel);
        await peer.expect('END', { channel });
      });
      judge(peer, channel, 1);
      return { peer, channel, sent: 2, judged: 1 };
    },
  },
  {
    slug: 'half-closed-remote',
    words: 'that the client has ended',
    reach: async (context) => {
      // A source that has used up its credit does not end.
      const { peer, channel } = await plain(context, 'test/source', {
        data: sourceRequest(3, 4),
        connect: { parameters: [{ id: 'initial_message_credit', value: 2 }] },
      });
      await context.dependency('test/source', async () => {
        for (let n = 0; n < 2; n += 1) await receiveMessage(peer, channel);
      });
      peer.send('END', { channel });
      judge(peer, channel, 1);
      return { peer, channel, sent: 2, judged: 1 };
    },
  },
  {
    slug: 'settling',
    words: 'that both have ended',
    reach: async (context) => {
      const reached = await sourced(context);
      const { peer, channel } = reached;
      peer.send('END', { channel });
      await context.dependency('END of test/echo', () => peer.expect('END', { channel }));
      return reached;
    },
  },
];

/** Verdicts that are wrong in each of these states. */
const WRONG: readonly {
  readonly slug: string;
  readonly words: string;
  readonly last: (reached: Reached) => number | bigint;
}[] = [
  { slug: 'again', words: 'once more on the last message that has one', last: ({ judged }) => judged },
  { slug: 'one-beyond', words: 'on the message after the last one that was sent', last: ({ sent }) => sent + 1 },
  { slug: 'far-beyond', words: 'on message 2^53 - 1', last: () => 2n ** 53n - 1n },
];

const wrongCases = STATES.flatMap(({ slug, words, reach }) =>
  WRONG.map((wrong): NewCase => ({
    id: `CNT-041/${wrong.slug}-${slug}`,
    requirements: ['CNT-041'],
    title: `a verdict ${wrong.words} is an error (${slug})`,
    stimulus: `On a channel ${words}, of two messages of the server one has a verdict; the client sends a verdict ${wrong.words}.`,
    expectation: 'The server answers with CLOSE(OUTCOME_INVALID).',
    run: async (context) => {
      const reached = await reach(context);
      await reached.peer.barrier('CNT-041');
      judge(reached.peer, reached.channel, wrong.last(reached));
      await expectExactly(reached.peer, 'OUTCOME_INVALID', 'CNT-041');
    },
  })),
);

/** A channel with outcomes on which nothing but the verdict of the client on one message is awaited. */
async function settling(
  context: ServerContext,
  open: (context: ServerContext, application: string) => Promise<{ peer: ClientPeer; channel: number }> = plain,
): Promise<{ readonly peer: ClientPeer; readonly channel: number }> {
  const { peer, channel } = await open(context, 'test/echo');
  peer.sendMessage(channel, judgedAs(0));
  await context.dependency('an echo with its verdict, and END', async () => {
    await gather(peer, channel, 1);
    peer.send('END', { channel });
    await peer.expect('END', { channel });
  });
  return { peer, channel };
}

/** Opens test/sink until no channel is left, and demands that it takes exactly this many. */
async function requireRoom(peer: ClientPeer, room: number, requirement: string): Promise<void> {
  for (let n = 0; n < room; n += 1) await peer.open('test/sink');
  const channel = peer.sendOpen('test/sink');
  const refused = await peer.expect('REFUSED', { channel, requirement });
  refused.requireCode('CHANNEL_LIMIT', requirement);
}

/** Sections 12.6 and 10.4, for a server. */
export const outcomes: readonly ServerCase[] = serverCases([
  ...valueCases,
  ...sessionCases,
  ...wrongCases,
  {
    id: 'APP-001/outcome-of-short-messages',
    requirements: ['APP-001', 'CNT-039'],
    title: 'test/outcome accepts messages that are too short for a verdict',
    stimulus:
      'The client sends an empty message to test/outcome, one of one octet 0xff, and one that is to be rejected.',
    expectation: 'The first two are accepted, the third is rejected.',
    run: async (context) => {
      const { peer, channel } = await plain(context, 'test/outcome');
      const messages = [new Uint8Array(0), Uint8Array.of(0xff), judgedAs(3)];
      for (const message of messages) peer.sendMessage(channel, message);
      await requireVerdicts(peer, channel, [0, 0, 3], 0, 'APP-001');
    },
  },
  {
    id: 'APP-001/outcome-then-end',
    requirements: ['APP-001', 'APP-006', 'CNT-039'],
    title: 'test/outcome answers END with END, and its verdicts are complete',
    stimulus: 'The client sends three messages and END to test/outcome in one write.',
    expectation: 'Three verdicts and END arrive, and then the channel is closed: a further frame on it is an error.',
    run: async (context) => {
      const { peer, channel } = await plain(context, 'test/outcome');
      const frames = [5, 0, 6].map((verdict) => whole(peer, channel, judgedAs(verdict)));
      peer.sendTogether([...frames, peer.build('END', { channel })]);
      let ended = false;
      const verdicts: number[] = [];
      while (!ended || verdicts.length < 3) {
        const frame = await peer.next('OUTCOME or END', 'OUTCOME', { channel, requirement: 'CNT-039' });
        if (frame.name === 'END') ended = true;
        else if (frame.name !== 'OUTCOME') fail('OUTCOME or END', frame.text, 'CNT-039');
        else {
          const last = Number(frame.integer('last_message'));
          while (verdicts.length < last) verdicts.push(Number(frame.integer('verdict')));
        }
      }
      assertEqual('verdicts', verdicts.join(' '), '5 0 6', 'CNT-039');
      await requireNothing(peer, channel, 'CNT-039');
      peer.send('END', { channel });
      await expectExactly(peer, 'FRAME_UNEXPECTED', 'CHN-003');
    },
  },
  {
    id: 'CNT-039/fragments',
    requirements: ['CNT-039', 'CNT-040', 'APP-001'],
    title: 'a message in fragments gets one verdict, when it is complete',
    stimulus: 'The client sends a message to test/outcome octet by octet, with a PING before the last fragment.',
    expectation: 'No verdict before the PONG; then one, that the first two octets of the message say.',
    run: async (context) => {
      const { peer, channel } = await plain(context, 'test/outcome');
      const message = judgedAs(0x0102, 3);
      for (const [at, octet] of message.entries()) {
        const last = at === message.length - 1;
        if (last) await requireNothing(peer, channel, 'CNT-040');
        const flags = [...(at === 0 ? ['FIRST'] : []), ...(last ? ['LAST'] : [])];
        peer.send('MESSAGE', { channel, flags, fields: { fragment: Uint8Array.of(octet) } });
      }
      await requireVerdicts(peer, channel, [0x0102]);
      await requireNothing(peer, channel, 'CNT-039');
    },
  },
  {
    id: 'CNT-039/rejected-are-consumed',
    requirements: ['CNT-039', 'CHN-034', 'APP-001'],
    title: 'rejected messages use up no credit for ever',
    stimulus:
      'The client sends three times as many messages to test/outcome as it was granted, as credit allows, all to be rejected.',
    expectation: 'Each is rejected, and credit is renewed all the time.',
    run: async (context) => {
      const { peer, channel } = await plain(context, 'test/outcome');
      const batch = peer.serverParameter('initial_message_credit');
      let limit = batch;
      for (let round = 0; round < 3; round += 1) {
        while (limit < batch * (round + 1)) {
          const credit = await peer.next('CREDIT', 'CREDIT', { channel, requirement: 'CHN-034' });
          if (credit.name !== 'CREDIT') fail('CREDIT', credit.text, 'CHN-034');
          limit = Number(credit.integer('message_limit'));
        }
        peer.sendTogether(Array.from({ length: batch }, () => whole(peer, channel, judgedAs(4))));
        let judged = round * batch;
        while (judged < (round + 1) * batch) {
          const frame = await peer.next('OUTCOME', 'CREDIT', { channel, requirement: 'CNT-039' });
          if (frame.name === 'CREDIT') limit = Number(frame.integer('message_limit'));
          else if (frame.name !== 'OUTCOME') fail('OUTCOME', frame.text, 'CNT-039');
          else {
            assertEqual('verdict', frame.integer('verdict'), 4n, 'CNT-039');
            judged = Number(frame.integer('last_message'));
          }
        }
      }
    },
  },
  {
    id: 'CNT-039/channels-apart',
    requirements: ['CNT-039', 'CNT-040'],
    title: 'verdicts count the messages of their own channel',
    stimulus:
      'The client sends messages in turn to two channels of test/outcome, one of test/hold with outcomes and one of test/sink without.',
    expectation: 'Each channel of test/outcome gets its own verdicts, the other two none.',
    run: async (context) => {
      const { peer, channel: first } = await plain(context, 'test/outcome');
      const [second, held, silent] = await context.dependency(
        'opening channels',
        async () =>
          [
            await peer.open('test/outcome', undefined, JUDGED),
            await peer.open('test/hold', undefined, JUDGED),
            await peer.open('test/sink'),
          ] as const,
      );
      const channels = [first, held, second, silent];
      for (let n = 0; n < 4; n += 1)
        for (const channel of channels) peer.sendMessage(channel, judgedAs(channel * 10 + n));
      for (const channel of [first, second]) {
        await requireVerdicts(
          peer,
          channel,
          [0, 1, 2, 3].map((n) => channel * 10 + n),
        );
      }
      const other = (await peer.barrier('CNT-040')).find(({ name }) => name === 'OUTCOME');
      if (other !== undefined) fail('no further verdict', other.text, 'CNT-040');
    },
  },
  ...[
    { slug: 'not-asked', words: 'without outcomes', more: [] },
    { slug: 'asked-not', words: 'with outcomes 0', more: [{ id: 'outcomes', value: 0 }] },
  ].flatMap(({ slug, words, more }): readonly NewCase[] => [
    {
      id: `CNT-040/${slug}`,
      requirements: ['CNT-040'],
      title: `a channel ${words} has no verdicts`,
      stimulus: `The client opens test/outcome and test/sink ${words}, and sends messages that are to be accepted.`,
      expectation: 'No OUTCOME arrives, and the session goes on.',
      run: async (context) => {
        const { peer, channel } = await context.opened('test/outcome', { more });
        const sink = await context.dependency('opening test/sink', () => peer.open('test/sink', undefined, more));
        for (const each of [channel, sink, channel]) peer.sendMessage(each, judgedAs(0));
        const outcome = (await peer.barrier('CNT-040')).find(({ name }) => name === 'OUTCOME');
        if (outcome !== undefined) fail('no OUTCOME', outcome.text, 'CNT-040');
      },
    },
    {
      id: `CNT-041/${slug}`,
      requirements: ['CNT-041'],
      title: `a verdict on a channel ${words} is an error`,
      stimulus: `The client opens test/echo ${words}, gets a message back and judges it.`,
      expectation: 'The server answers with CLOSE(OUTCOME_INVALID).',
      run: async (context) => {
        const { peer, channel } = await context.opened('test/echo', { more });
        peer.sendMessage(channel, judgedAs(0));
        await context.dependency('an echo', () => receiveMessage(peer, channel));
        judge(peer, channel, 1);
        await expectExactly(peer, 'OUTCOME_INVALID', 'CNT-041');
      },
    },
  ]),
  {
    id: 'APP-001/outcome-not-asked',
    requirements: ['APP-001', 'APP-006', 'CNT-040'],
    title: 'test/outcome consumes messages on a channel without outcomes',
    stimulus:
      'The client opens test/outcome without outcomes and sends three messages, of which one would be rejected.',
    expectation: 'No OUTCOME arrives; END is answered with END.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/outcome');
      for (const verdict of [0, 5, 0]) peer.sendMessage(channel, judgedAs(verdict));
      peer.send('END', { channel });
      await peer.expect('END', { channel, requirement: 'APP-006' });
      await requireNothing(peer, channel, 'CNT-040');
    },
  },
  {
    id: 'CNT-041/backwards',
    requirements: ['CNT-041'],
    title: 'a verdict does not go back',
    stimulus:
      'Test/echo has returned three messages; the client judges them through the third, and then through the first.',
    expectation: 'The server answers with CLOSE(OUTCOME_INVALID).',
    run: async (context) => {
      const { peer, channel } = await plain(context, 'test/echo');
      for (let n = 0; n < 3; n += 1) peer.sendMessage(channel, judgedAs(n));
      await context.dependency('three echoes', () => gather(peer, channel, 3));
      judge(peer, channel, 3);
      judge(peer, channel, 1);
      await expectExactly(peer, 'OUTCOME_INVALID', 'CNT-041');
    },
  },
  {
    id: 'CNT-041/incomplete',
    requirements: ['CNT-041'],
    title: 'a message whose last fragment was not sent has no verdict',
    stimulus:
      'The client grants test/source half of the octets of a message, receives what it sends of it, and judges the message.',
    expectation: 'The server answers with CLOSE(OUTCOME_INVALID).',
    run: async (context) => {
      const { peer, channel } = await plain(context, 'test/source', {
        data: sourceRequest(1, 2000),
        connect: { parameters: [{ id: 'initial_byte_credit', value: 1000 }] },
      });
      const fragment = await context.dependency('the first fragment', () => peer.expect('MESSAGE', { channel }));
      if (fragment.has('LAST')) fail('a fragment without LAST', fragment.text, 'CHN-020');
      judge(peer, channel, 1);
      await expectExactly(peer, 'OUTCOME_INVALID', 'CNT-041');
    },
  },
  {
    id: 'WIR-017/outcome-on-message-0',
    requirements: ['WIR-017'],
    title: 'message 0 has no verdict',
    stimulus: 'Test/echo has returned a message, and the client judges message 0.',
    expectation: 'The server answers with CLOSE(FRAME_MALFORMED): the field is at least 1.',
    run: async (context) => {
      const { peer, channel } = await plain(context, 'test/echo');
      peer.sendMessage(channel, judgedAs(0));
      await context.dependency('an echo', () => gather(peer, channel, 1));
      judge(peer, channel, 0);
      await expectExactly(peer, 'FRAME_MALFORMED', 'WIR-017');
    },
  },
  {
    id: 'CNT-041/idle',
    requirements: ['CNT-041', 'CHN-003'],
    title: 'a verdict on a channel that was never opened is an error of the channel',
    stimulus: 'The client sends OUTCOME on the channel after the last one that it has opened.',
    expectation: 'The server answers with CLOSE(CHANNEL_INVALID).',
    run: async (context) => {
      const { peer, channel } = await plain(context, 'test/echo');
      judge(peer, channel + 1, 1);
      await expectExactly(peer, 'CHANNEL_INVALID', 'CHN-003');
    },
  },
  {
    id: 'CNT-041/reset-sent',
    requirements: ['CNT-041', 'CHN-031'],
    title: 'a verdict that crosses RESET is discarded, whatever it says',
    stimulus:
      'Test/reset has answered a message on a channel with outcomes with RESET, and the client, which has not answered it, sends OUTCOME on message 9.',
    expectation: 'The session goes on, and there was no verdict.',
    run: async (context) => {
      const { peer, channel } = await plain(context, 'test/reset');
      peer.sendMessage(channel, judgedAs(0));
      const reset = await peer.expect('RESET', { channel, requirement: 'APP-001' });
      reset.requireCode('APPLICATION_ERROR', 'APP-001');
      judge(peer, channel, 9);
      await requireNothing(peer, channel, 'CHN-031');
      peer.send('RESET', { channel, fields: { code: errorNamed('CHANNEL_CLOSED').code } });
      await requireNothing(peer, channel, 'CHN-030');
    },
  },
  {
    id: 'CNT-040/after-reset',
    requirements: ['CNT-040', 'CHN-029', 'CHN-032'],
    title: 'a channel that was reset has no verdicts any more',
    stimulus:
      'The client sends messages to test/hold on a channel with outcomes, resets it, and asks test/outcome on another channel.',
    expectation: 'RESET(CHANNEL_CLOSED) and nothing else on the first channel; the verdict on the second.',
    run: async (context) => {
      const { peer, channel } = await plain(context, 'test/hold');
      const other = await context.dependency('opening test/outcome', () =>
        peer.open('test/outcome', undefined, JUDGED),
      );
      for (let n = 0; n < 3; n += 1) peer.sendMessage(channel, judgedAs(0));
      peer.send('RESET', { channel, fields: { code: errorNamed('CANCELLED').code } });
      const answer = await peer.expect('RESET', { channel, requirement: 'CHN-029' });
      answer.requireCode('CHANNEL_CLOSED', 'CHN-029');
      peer.sendMessage(other, judgedAs(8));
      await requireVerdicts(peer, other, [8]);
      await requireNothing(peer, channel, 'CNT-040');
    },
  },
  {
    id: 'CHN-009/settling-is-held',
    requirements: ['CHN-009', 'CNT-039'],
    title: 'a channel that waits for verdicts is held, and one that is settled is not',
    stimulus:
      'Of a channel with outcomes that both have ended, one message of the server has no verdict. The client opens as many channels as it may, and judges the message then.',
    expectation: 'There is room for one channel less, until the verdict; then for one more.',
    run: async (context) => {
      const { peer, channel } = await settling(context);
      const room = peer.serverParameter('max_channels');
      await requireRoom(peer, room - 1, 'CHN-009');
      judge(peer, channel, 1);
      await requireRoom(peer, 1, 'CHN-009');
    },
  },
  {
    id: 'CHN-009/nothing-to-settle',
    requirements: ['CHN-009', 'CNT-039'],
    title: 'a channel with outcomes and without messages is closed at once',
    stimulus: 'The client opens test/outcome with outcomes, ends it, and opens as many channels as it may.',
    expectation: 'There is room for all of them.',
    run: async (context) => {
      const { peer, channel } = await plain(context, 'test/outcome');
      peer.send('END', { channel });
      await peer.expect('END', { channel, requirement: 'APP-006' });
      await requireRoom(peer, peer.serverParameter('max_channels'), 'CHN-009');
    },
  },
  {
    id: 'CHN-009/settling-then-reset',
    requirements: ['CHN-009', 'CHN-029'],
    title: 'RESET closes a channel that waits for verdicts',
    stimulus:
      'Of a channel with outcomes that both have ended, one message of the server has no verdict; the client sends RESET.',
    expectation: 'RESET(CHANNEL_CLOSED) arrives, and there is room for as many channels as ever.',
    run: async (context) => {
      const { peer, channel } = await settling(context);
      peer.send('RESET', { channel, fields: { code: errorNamed('CANCELLED').code } });
      const answer = await peer.expect('RESET', { channel, requirement: 'CHN-029' });
      answer.requireCode('CHANNEL_CLOSED', 'CHN-029');
      await requireRoom(peer, peer.serverParameter('max_channels'), 'CHN-009');
    },
  },
  {
    id: 'CHN-009/settling-over-a-resumption',
    requirements: ['CHN-009', 'CNT-010'],
    title: 'a channel goes on waiting for verdicts on the next connection',
    stimulus:
      'A channel with outcomes waits for a verdict of the client. The verdict is lost with the connection; the client attaches the session again and sends it again.',
    expectation: 'The channel is closed thereby: a further verdict comes on a closed channel.',
    run: async (context) => {
      const { peer: former, channel } = await settling(context, SESSIONS[1].open);
      await former.barrier();
      former.lose(former.build('OUTCOME', { channel, fields: { last_message: 1, verdict: 2 } }));
      former.destroy();
      const peer = await again(context, former);
      await peer.barrier('CNT-032');
      judge(peer, channel, 1);
      await expectExactly(peer, 'FRAME_UNEXPECTED', 'CHN-003');
    },
  },
  {
    id: 'CNT-039/verdicts-lost-on-the-way',
    requirements: ['CNT-039', 'CNT-030'],
    title: 'verdicts that were lost with the connection come on the next one',
    stimulus:
      'The client sends six messages to test/outcome. The connection is cut when two verdicts have arrived, and the session is attached again.',
    expectation: 'The other four verdicts arrive, each once, in order.',
    run: async (context) => {
      const { peer: former, channel } = await keptOpen(context, 'test/outcome', { more: JUDGED });
      former.cutAfter({ frames: 2 });
      const verdicts = [11, 12, 13, 14, 15, 16];
      former.sendTogether(verdicts.map((verdict) => whole(former, channel, judgedAs(verdict))));
      await requireVerdicts(former, channel, verdicts.slice(0, 2));
      const peer = await again(context, former);
      await requireVerdicts(peer, channel, verdicts.slice(2), 2);
      await requireNothing(peer, channel, 'CNT-039');
    },
  },
  {
    id: 'CNT-039/messages-lost-on-the-way',
    requirements: ['CNT-039', 'CNT-030'],
    title: 'messages that were lost with the connection are judged once, on the next one',
    stimulus:
      'Of six messages to test/outcome the first two arrive, the others are lost with the connection. The client attaches the session again and sends them again.',
    expectation: 'Each of the six has one verdict, in order.',
    run: async (context) => {
      const { peer: former, channel } = await keptOpen(context, 'test/outcome', { more: JUDGED });
      const verdicts = [21, 22, 23, 24, 25, 26];
      for (const verdict of verdicts.slice(0, 2)) former.sendMessage(channel, judgedAs(verdict));
      await requireVerdicts(former, channel, verdicts.slice(0, 2));
      for (const verdict of verdicts.slice(2)) former.lose(whole(former, channel, judgedAs(verdict)));
      former.destroy();
      const peer = await again(context, former);
      await requireVerdicts(peer, channel, verdicts.slice(2), 2);
      await requireNothing(peer, channel, 'CNT-039');
      peer.sendMessage(channel, judgedAs(27));
      await requireVerdicts(peer, channel, [27], 6);
    },
  },
  {
    id: 'CNT-039/judged-while-detached',
    requirements: ['CNT-039', 'CNT-013'],
    title: 'messages that are judged when the connection has gone keep their verdicts',
    stimulus:
      'The client sends four messages to test/outcome and ends the connection right behind them without END_SESSION; then it attaches the session again.',
    expectation: 'Four verdicts arrive, on the one connection or the other, each once.',
    run: async (context) => {
      const { peer: former, channel } = await keptOpen(context, 'test/outcome', { more: JUDGED });
      const verdicts = [31, 32, 33, 34];
      former.sendTogether(verdicts.map((verdict) => whole(former, channel, judgedAs(verdict))));
      const seen: number[] = [];
      former.sendClose('NO_ERROR', { flags: [] });
      for (;;) {
        const frame = await former.next('CLOSE', '*', { requirement: 'CNT-015' });
        if (frame.name === 'CLOSE') break;
        if (frame.name === 'OUTCOME') seen.push(Number(frame.integer('verdict')));
      }
      await former.expectEnd('SES-012');
      assertEqual('verdicts', seen.join(' '), verdicts.slice(0, seen.length).join(' '), 'CNT-039');
      const peer = await again(context, former);
      await requireVerdicts(peer, channel, verdicts.slice(seen.length), seen.length);
      await requireNothing(peer, channel, 'CNT-039');
    },
  },
  {
    id: 'CNT-040/hold-over-a-resumption',
    requirements: ['CNT-040', 'CNT-013'],
    title: 'what is held is not judged by a resumption',
    stimulus:
      'The client sends messages to test/hold on a channel with outcomes, and attaches the session to another connection.',
    expectation: 'No verdict arrives, and test/echo in the same session goes on.',
    run: async (context) => {
      const { peer: former, channel } = await keptOpen(context, 'test/hold', { more: JUDGED });
      const echo = await context.dependency('opening test/echo', () => former.open('test/echo'));
      for (let n = 0; n < 3; n += 1) former.sendMessage(channel, judgedAs(0));
      await former.barrier();
      former.destroy();
      const peer = await again(context, former);
      const message = context.bytes(9);
      peer.sendMessage(echo, message);
      await requireMessage(peer, echo, message, 'CNT-013');
      await requireNothing(peer, channel, 'CNT-040');
    },
  },
  {
    id: 'CNT-041/judged-on-the-former-connection',
    requirements: ['CNT-041'],
    title: 'a verdict counts on the next connection too',
    stimulus:
      'Test/echo has returned two messages; the client judges them, attaches the session to another connection, and judges the second again.',
    expectation: 'The server answers with CLOSE(OUTCOME_INVALID).',
    run: async (context) => {
      const { peer: former, channel } = await keptOpen(context, 'test/echo', { more: JUDGED });
      for (let n = 0; n < 2; n += 1) former.sendMessage(channel, judgedAs(n));
      await context.dependency('two echoes', () => gather(former, channel, 2));
      judge(former, channel, 2);
      await former.barrier();
      former.destroy();
      const peer = await again(context, former);
      judge(peer, channel, 2);
      await expectExactly(peer, 'OUTCOME_INVALID', 'CNT-041');
    },
  },
  {
    id: 'CNT-039/session-ends-first',
    requirements: ['CNT-039', 'SES-012'],
    title: 'a session ends while verdicts are outstanding',
    stimulus:
      'Messages wait in test/hold, and others of test/echo have no verdict of the client; it closes the session.',
    expectation:
      'CLOSE(NO_ERROR) with END_SESSION comes back, with cursors that count everything, and the end of the stream.',
    run: async (context) => {
      const { peer, channel } = await plain(context, 'test/hold');
      const echo = await context.dependency('opening test/echo', () => peer.open('test/echo', undefined, JUDGED));
      for (const each of [channel, echo, channel]) peer.sendMessage(each, judgedAs(0));
      await context.dependency('an echo', () => gather(peer, echo, 1));
      const close = await peer.close();
      assertEqual('receive cursor', close.integer('receive_cursor'), peer.nextSeq - 1n, 'SES-012');
    },
  },
]);
