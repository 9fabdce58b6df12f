import { fail } from '../../peer/failure.ts';
import type { ServerPeer } from '../../peer/server-peer.ts';
import type { ConnectionUnderTest } from '../../testee/connection-under-test.ts';
import type { ClientCase } from '../case.ts';
import { clientCases } from '../case.ts';
import type { ClientContext } from '../client-context.ts';
import { judgedAs, MAX_VERDICT, requireVerdicts } from '../verdicts.ts';
import { keptOpen } from './continuity-sessions.ts';

type Case = Omit<ClientCase, 'role'>;

interface Open {
  readonly peer: ServerPeer;
  readonly client: ConnectionUnderTest;
  readonly channel: number;
}

const JUDGES = { outcomes: true, judge: true } as const;

/** A channel with outcomes in each kind of session. */
const SESSIONS = [
  {
    slug: 'plain',
    words: 'in a session that ends with its connection',
    features: ['outcomes'],
    open: (context: ClientContext): Promise<Open> => context.opened('test/sink', JUDGES),
  },
  {
    slug: 'resumable',
    words: 'in a resumable session',
    features: ['outcomes', 'resumption'],
    open: (context: ClientContext): Promise<Open> => keptOpen(context, 'test/sink', JUDGES),
  },
] as const;

/** Demands that no verdict comes before the answer to a PING. */
async function requireNoVerdict(peer: ServerPeer, requirement: string): Promise<void> {
  const frame = (await peer.barrier(requirement)).find(({ name }) => name === 'OUTCOME');
  if (frame !== undefined) fail('no verdict', frame.text, requirement);
}

function judge(peer: ServerPeer, channel: number, last: number | bigint, verdict = 0): void {
  peer.send('OUTCOME', { channel, fields: { last_message: last, verdict } });
}

/** The client has sent so many messages, and they have come. */
async function sent({ peer, client, channel }: Open, count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    client.send(channel, Uint8Array.of(n));
    await peer.expect('MESSAGE', { channel, requirement: 'CNT-041' });
  }
}

const valueCases = [0, 1, 2, 0x00ff, 0x0100, 0x7fff, 0x8000, MAX_VERDICT].map((verdict): Case => ({
  id: `CNT-039/client-verdict-${verdict}`,
  requirements: ['CNT-039'],
  title: `a message of the server is judged with ${verdict}`,
  stimulus: `On a channel with outcomes the server sends one message, on which the application of the client decides with ${verdict}.`,
  expectation: `One OUTCOME arrives: message 1, verdict ${verdict}.`,
  features: ['outcomes'],
  run: async (context) => {
    const { peer, channel } = await context.opened('test/sink', JUDGES);
    peer.sendMessage(channel, judgedAs(verdict));
    await requireVerdicts(peer, channel, [verdict]);
    await requireNoVerdict(peer, 'CNT-039');
  },
}));

const sessionCases = SESSIONS.flatMap(({ slug, words, features, open }): readonly Case[] => [
  {
    id: `CNT-039/client-each-once-in-order-${slug}`,
    requirements: ['CNT-039', 'CNT-040'],
    title: `every message has one verdict, in the order of the messages, ${words}`,
    stimulus: `The server sends nine messages in one write, of which no two neighbours are judged alike, ${words}.`,
    expectation: 'Nine verdicts arrive, in order, and nothing more.',
    features,
    run: async (context) => {
      const { peer, channel } = await open(context);
      const verdicts = [0, 1, 0, 2, MAX_VERDICT, 0, 7, 8, 7];
      for (const verdict of verdicts) peer.sendMessage(channel, judgedAs(verdict));
      await requireVerdicts(peer, channel, verdicts);
      await requireNoVerdict(peer, 'CNT-039');
    },
  },
  {
    id: `CNT-039/client-runs-${slug}`,
    requirements: ['CNT-039', 'CNT-040'],
    title: `messages that are judged alike may share an OUTCOME, others not, ${words}`,
    stimulus: `The server sends runs of three accepted, four rejected and two accepted messages, ${words}.`,
    expectation: 'Their verdicts arrive, in order, and nothing more.',
    features,
    run: async (context) => {
      const { peer, channel } = await open(context);
      const verdicts = [0, 0, 0, 9, 9, 9, 9, 0, 0];
      for (const verdict of verdicts) peer.sendMessage(channel, judgedAs(verdict));
      await requireVerdicts(peer, channel, verdicts);
      await requireNoVerdict(peer, 'CNT-039');
    },
  },
  {
    id: `CNT-039/client-behind-its-end-${slug}`,
    requirements: ['CNT-039', 'CHN-003'],
    title: `a message is judged although the client has ended the channel, ${words}`,
    stimulus: `The client ends its channel; then the server sends a message and END, ${words}.`,
    expectation: 'The verdict on the message arrives behind the END of the client, and the session goes on.',
    features,
    run: async (context) => {
      const { peer, client, channel } = await open(context);
      await client.end(channel);
      await peer.expect('END', { channel });
      peer.sendMessage(channel, judgedAs(3));
      peer.send('END', { channel });
      await requireVerdicts(peer, channel, [3]);
      await requireNoVerdict(peer, 'CNT-039');
    },
  },
  {
    id: `CNT-041/client-beyond-what-was-sent-${slug}`,
    requirements: ['CNT-041'],
    title: `a verdict beyond what the client has sent is an error, ${words}`,
    stimulus: `The client has sent two messages. The server sends a verdict through message 3, ${words}.`,
    expectation: 'CLOSE(OUTCOME_INVALID).',
    features,
    run: async (context) => {
      const met = await open(context);
      await sent(met, 2);
      judge(met.peer, met.channel, 3);
      await met.peer.expectViolation('OUTCOME_INVALID', { requirement: 'CNT-041' });
    },
  },
]);

/** Verdicts that a client refuses in a session without anything special. */
const WRONG: readonly {
  readonly slug: string;
  readonly words: string;
  readonly outcomes?: false;
  readonly send: (met: Open) => Promise<void>;
}[] = [
  {
    slug: 'not-asked',
    words: 'On a channel that was opened without outcomes the server sends a verdict on the message of the client.',
    outcomes: false,
    send: async (met) => {
      await sent(met, 1);
      judge(met.peer, met.channel, 1);
    },
  },
  {
    slug: 'nothing-sent',
    words: 'The server sends a verdict through message 1, and the client has sent none.',
    send: ({ peer, channel }) => {
      judge(peer, channel, 1);
      return Promise.resolve();
    },
  },
  {
    slug: 'far-beyond',
    words: 'The client has sent a message. The server sends a verdict through message 2^53 - 1.',
    send: async (met) => {
      await sent(met, 1);
      judge(met.peer, met.channel, 2n ** 53n - 1n);
    },
  },
  {
    slug: 'backwards',
    words: 'The client has sent three messages. The server sends a verdict through message 2, and then one through 1.',
    send: async (met) => {
      await sent(met, 3);
      judge(met.peer, met.channel, 2);
      judge(met.peer, met.channel, 1);
    },
  },
];

const wrongCases = WRONG.map(({ slug, words, outcomes, send }): Case => ({
  id: `CNT-041/client-${slug}`,
  requirements: ['CNT-041'],
  title: `a verdict for which there is no message is an error (${slug})`,
  stimulus: words,
  expectation: 'CLOSE(OUTCOME_INVALID).',
  features: ['outcomes'],
  run: async (context) => {
    const met = await context.opened('test/sink', outcomes === false ? {} : { outcomes: true });
    await send(met);
    await met.peer.expectViolation('OUTCOME_INVALID', { requirement: 'CNT-041' });
  },
}));

/** What a client does with messages on which its application decides, and with verdicts on its own. */
export const outcomes: readonly ClientCase[] = clientCases([
  ...valueCases,
  ...sessionCases,
  ...wrongCases,
  {
    id: 'CNT-039/client-fragments',
    requirements: ['CNT-039', 'CNT-040'],
    title: 'a message of several fragments has one verdict, once it is complete',
    stimulus:
      'On a channel with outcomes the server sends a message in three fragments, and asks behind the second whether there is a verdict.',
    expectation: 'None before the last fragment, and exactly one behind it.',
    features: ['outcomes'],
    run: async (context) => {
      const { peer, channel } = await context.opened('test/sink', JUDGES);
      peer.send('MESSAGE', { channel, flags: ['FIRST'], fields: { fragment: judgedAs(5) } });
      peer.send('MESSAGE', { channel, fields: { fragment: new Uint8Array(10) } });
      await requireNoVerdict(peer, 'CNT-040');
      peer.send('MESSAGE', { channel, flags: ['LAST'], fields: { fragment: new Uint8Array(10) } });
      await requireVerdicts(peer, channel, [5]);
      await requireNoVerdict(peer, 'CNT-039');
    },
  },
  {
    id: 'CNT-039/client-channels-apart',
    requirements: ['CNT-039', 'CNT-040'],
    title: 'each channel has its own messages and verdicts',
    stimulus:
      'The client has opened two channels with outcomes. The server sends two messages on the first and one on the second.',
    expectation: 'Two verdicts arrive on the first channel and one on the second.',
    features: ['outcomes'],
    run: async (context) => {
      const { peer, client, channel } = await context.opened('test/sink', JUDGES);
      const second = await client.open('test/sink', JUDGES);
      await peer.expect('OPEN', { channel: second });
      peer.sendOpened(second);
      await client.expectEvent('opened');
      peer.sendMessage(channel, judgedAs(1));
      peer.sendMessage(second, judgedAs(2));
      peer.sendMessage(channel, judgedAs(3));
      const verdicts = new Map<number, number[]>([
        [channel, []],
        [second, []],
      ]);
      for (let count = 0; count < 3; count += 1) {
        const frame = await peer.expect('OUTCOME', { requirement: 'CNT-039' });
        verdicts.get(frame.channel)?.push(Number(frame.integer('verdict')));
      }
      const text = [...verdicts.values()].map((list) => list.join(',')).join(' ');
      if (text !== '1,3 2') fail('verdicts 1 and 3 on the first channel, 2 on the second', text, 'CNT-039');
      await requireNoVerdict(peer, 'CNT-039');
    },
  },
  {
    id: 'CNT-040/client-not-asked',
    requirements: ['CNT-040'],
    title: 'a channel without outcomes has no verdicts',
    stimulus: 'On a channel that was opened without outcomes the server sends a message.',
    expectation: 'It is delivered, and no OUTCOME arrives.',
    features: ['outcomes'],
    run: async (context) => {
      const { peer, client, channel } = await context.opened('test/sink');
      peer.sendMessage(channel, judgedAs(0));
      await client.expectEvent('message');
      await requireNoVerdict(peer, 'CNT-040');
    },
  },
  {
    id: 'CNT-040/client-held',
    requirements: ['CNT-040'],
    title: 'a message on which nobody has decided has no verdict',
    stimulus: 'On a channel with outcomes whose application takes nothing from it, the server sends two messages.',
    expectation: 'No OUTCOME arrives.',
    features: ['outcomes', 'hold'],
    run: async (context) => {
      const { peer, channel } = await context.opened('test/sink', { outcomes: true, hold: true });
      peer.sendMessage(channel, judgedAs(0));
      peer.sendMessage(channel, judgedAs(0));
      await requireNoVerdict(peer, 'CNT-040');
    },
  },
]);
