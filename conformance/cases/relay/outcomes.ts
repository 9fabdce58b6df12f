/** Section 13.5: verdicts pass a relay, and none is made there. */
import { assertEqual, fail } from '../../peer/failure.ts';
import type { ClientPeer } from '../../peer/client-peer.ts';
import type { RelayCase } from '../case.ts';
import { relayCases } from '../case.ts';
import type { Led, RelayContext } from '../relay-context.ts';
import { again, kept } from '../server/continuity/sessions.ts';
import { requireVerdicts } from '../verdicts.ts';
import type { Case } from './passing.ts';
import { JUDGED, numbered, requireMessage, requireReset, requireSame, requireSilence } from './passing.ts';

/** A channel with outcomes over a trunk. */
const judged = (context: RelayContext): Promise<Led> => context.led({ more: JUDGED });

/** Sends messages and demands them at the application end. */
async function deliver({ peer, channel, end }: Led, messages: readonly Uint8Array[]): Promise<void> {
  for (const message of messages) peer.sendMessage(channel, message);
  for (const message of messages) requireSame('the message', await end.receive('RLY-027'), message, 'RLY-027');
}

/** The client's verdict on everything through a message. */
function judge(peer: ClientPeer, channel: number, last: number, verdict = 0): void {
  peer.send('OUTCOME', { channel, fields: { last_message: last, verdict } });
}

/** Demands verdicts at the application end, on the messages after `after`; equal ones may come together. */
async function requireVerdictsAtEnd({ end }: Led, verdicts: readonly number[], requirement: string): Promise<void> {
  let at = 0;
  while (at < verdicts.length) {
    const frame = await end.expect('OUTCOME', { requirement });
    const last = Number(frame.integer('last_message'));
    if (last <= at || last > verdicts.length) fail(`a verdict on message ${at + 1}`, frame.text, requirement);
    for (; at < last; at += 1) assertEqual('verdict', Number(frame.integer('verdict')), verdicts[at], requirement);
  }
}

const VERDICTS = [0, 1, 0x00ff, 0x0100, 0x7fff, 0xffff] as const;

const verdictCases = VERDICTS.flatMap((verdict): readonly Case[] => [
  {
    id: `RLY-028/relay-verdict-${verdict}`,
    requirements: ['RLY-028', 'RLY-054'],
    title: `the application end's verdict ${verdict} reaches the client`,
    stimulus: `The application end gives the verdict ${verdict} on a message.`,
    expectation: 'One OUTCOME with that verdict on that message arrives at the client, and nothing more.',
    run: async (context) => {
      const led = await judged(context);
      await deliver(led, numbered(1));
      led.end.judge(1, verdict);
      await requireVerdicts(led.peer, led.channel, [verdict], 0, 'RLY-028');
      await requireSilence(led, 'RLY-054');
    },
  },
  {
    id: `RLY-028/relay-verdict-of-client-${verdict}`,
    requirements: ['RLY-028', 'RLY-054'],
    title: `the client's verdict ${verdict} reaches the application end`,
    stimulus: `The application end sends a message, and the client gives the verdict ${verdict} on it.`,
    expectation: 'One OUTCOME with that verdict on that message arrives at the application end, and nothing more.',
    run: async (context) => {
      const led = await judged(context);
      led.end.sendMessage(Uint8Array.of(1));
      await requireMessage(led.peer, led.channel, Uint8Array.of(1), 'RLY-016');
      await led.end.expectNothing('RLY-054');
      judge(led.peer, led.channel, 1, verdict);
      await requireVerdictsAtEnd(led, [verdict], 'RLY-028');
      await led.end.expectNothing('RLY-054');
    },
  },
]);

/** Section 13.5, outcomes. */
export const outcomes: readonly RelayCase[] = relayCases([
  ...verdictCases,
  {
    id: 'RLY-028/relay-in-order',
    requirements: ['RLY-028', 'CNT-039'],
    title: 'each verdict stays with its message',
    stimulus: 'The client sends twelve messages. The application end judges them with twelve different verdicts.',
    expectation: 'The client gets the twelve verdicts in that order.',
    run: async (context) => {
      const led = await judged(context);
      await deliver(led, numbered(12));
      const verdicts = Array.from({ length: 12 }, (_, n) => (n * 5003) % 0x10000);
      for (const [at, verdict] of verdicts.entries()) led.end.judge(at + 1, verdict);
      await requireVerdicts(led.peer, led.channel, verdicts, 0, 'RLY-028');
      await requireSilence(led, 'RLY-054');
    },
  },
  {
    id: 'RLY-028/relay-runs',
    requirements: ['RLY-028', 'CNT-040'],
    title: 'a verdict on several messages covers just these',
    stimulus:
      'The application end judges messages 1 to 4 with one OUTCOME, 5 with another, and 6 to 10 with a third; of the twelve messages the last two are not judged.',
    expectation: 'The client gets verdicts on the ten messages as they were given, and none on the other two.',
    run: async (context) => {
      const led = await judged(context);
      await deliver(led, numbered(12));
      led.end.judge(4, 0);
      led.end.judge(5, 9);
      led.end.judge(10, 0);
      await requireVerdicts(led.peer, led.channel, [0, 0, 0, 0, 9, 0, 0, 0, 0, 0], 0, 'RLY-028');
      await led.end.trunk.barrier();
      await requireSilence(led, 'RLY-054');
    },
  },
  {
    id: 'RLY-054/relay-not-before',
    requirements: ['RLY-054', 'CNT-040'],
    title: 'what the application end has not decided on has no verdict',
    stimulus: 'The client sends five messages. The application end has them, acknowledges them and decides on nothing.',
    expectation: 'No OUTCOME arrives at the client.',
    run: async (context) => {
      const led = await judged(context);
      await deliver(led, numbered(5));
      await led.end.trunk.barrier();
      await requireSilence(led, 'RLY-054');
      led.end.judge(5);
      await requireVerdicts(led.peer, led.channel, [0, 0, 0, 0, 0], 0, 'RLY-028');
    },
  },
  {
    id: 'RLY-054/relay-not-before-of-client',
    requirements: ['RLY-054', 'CNT-040'],
    title: 'what the client has not decided on has no verdict at the application end',
    stimulus: 'The application end sends five messages; the client has them and decides on the first two.',
    expectation: 'One verdict on two messages arrives at the application end, and no other.',
    run: async (context) => {
      const led = await judged(context);
      for (const message of numbered(5)) led.end.sendMessage(message);
      for (const message of numbered(5)) await requireMessage(led.peer, led.channel, message, 'RLY-016');
      judge(led.peer, led.channel, 2, 3);
      await requireVerdictsAtEnd(led, [3, 3], 'RLY-028');
      await led.peer.barrier();
      await led.end.expectNothing('RLY-054');
    },
  },
  {
    id: 'RLY-054/relay-without-outcomes',
    requirements: ['RLY-054', 'CNT-041'],
    title: 'a channel without outcomes has none, on either leg',
    stimulus: 'A client opens a channel without outcomes; messages pass in both directions, and both ends send END.',
    expectation: 'No OUTCOME arrives at either end.',
    run: async (context) => {
      const led = await context.led();
      await deliver(led, numbered(3));
      for (const message of numbered(3)) led.end.sendMessage(message);
      for (const message of numbered(3)) await requireMessage(led.peer, led.channel, message, 'RLY-016');
      led.peer.send('END', { channel: led.channel });
      await led.end.expect('END');
      led.end.send('END');
      await led.peer.expect('END', { channel: led.channel });
      await requireSilence(led, 'RLY-054');
      await led.end.expectNothing('RLY-054');
    },
  },
  {
    id: 'RLY-028/relay-behind-end',
    requirements: ['RLY-028', 'CNT-039'],
    title: 'verdicts pass behind END of both ends',
    stimulus: 'Client and application end send two messages and END each. Then each judges what it has.',
    expectation: 'Each gets the verdicts of the other, after which the channel is closed: nothing more comes on it.',
    run: async (context) => {
      const led = await judged(context);
      await deliver(led, numbered(2));
      for (const message of numbered(2)) led.end.sendMessage(message);
      for (const message of numbered(2)) await requireMessage(led.peer, led.channel, message, 'RLY-016');
      led.peer.send('END', { channel: led.channel });
      await led.end.expect('END');
      led.end.send('END');
      await led.peer.expect('END', { channel: led.channel });
      led.end.judge(2, 4);
      await requireVerdicts(led.peer, led.channel, [4, 4], 0, 'RLY-028');
      judge(led.peer, led.channel, 2, 5);
      await requireVerdictsAtEnd(led, [5, 5], 'RLY-028');
      await requireSilence(led, 'RLY-028');
      await led.end.expectNothing('RLY-028');
    },
  },
  {
    id: 'RLY-028/relay-across-resumption',
    requirements: ['RLY-028', 'RLY-029'],
    title: 'verdicts that were given while the client was away reach it once',
    stimulus:
      'The client sends six messages and loses its connection. The application end judges them meanwhile; then the client comes back.',
    expectation: 'The client gets the six verdicts, once and in order, and the application end gets no message again.',
    run: async (context) => {
      const led = await context.ledOn(await kept(context), undefined, { more: JUDGED });
      await deliver(led, numbered(6));
      led.peer.destroy();
      const verdicts = [1, 0, 2, 0, 3, 0];
      for (const [at, verdict] of verdicts.entries()) led.end.judge(at + 1, verdict);
      await led.end.trunk.barrier();
      const peer = await again(context, led.peer);
      await requireVerdicts(peer, led.channel, verdicts, 0, 'RLY-028');
      await requireSilence({ ...led, peer }, 'RLY-054');
      await led.end.expectNothing('RLY-029');
    },
  },
  {
    id: 'RLY-028/relay-across-trunk-loss',
    requirements: ['RLY-028', 'RLY-031', 'RLY-029'],
    title: 'verdicts that were given around the loss of the trunk reach the client once',
    stimulus:
      'The application end judges three of six messages. The connection of the trunk is cut, the relay attaches it again, and the application end judges the other three.',
    expectation: 'The client gets the six verdicts, once and in order.',
    estimateMs: 300,
    run: async (context) => {
      await context.solo(async (solo) => {
        const asked = context.ask(await context.established(), 'solo/end', { more: JUDGED });
        await solo.accept();
        const end = await solo.forwarded();
        end.sendOpened();
        await asked.peer.expect('OPENED', { channel: asked.channel });
        const led = { ...asked, end };
        await deliver(led, numbered(6));
        for (const [at, verdict] of [7, 8, 9].entries()) end.judge(at + 1, verdict);
        solo.cut();
        await solo.resumed(context.stepMs);
        for (const [at, verdict] of [0, 0, 1].entries()) end.judge(at + 4, verdict);
        await requireVerdicts(led.peer, led.channel, [7, 8, 9, 0, 0, 1], 0, 'RLY-028');
        await requireSilence(led, 'RLY-054');
        await end.expectNothing('RLY-029');
      });
    },
  },
  ...(['relay/stream', 'relay/length16', 'relay/line', 'relay/tls'] as const).map((application): Case => ({
    id: `RLY-030/relay-${application.replace('relay/', '')}`,
    requirements: ['RLY-030', 'RLY-054', 'RLY-019', 'RLY-020'],
    title: `a peer that gives no verdicts ends with RESET(NO_ERROR) (${application})`,
    stimulus: `A client asks for outcomes on a channel to ${application}, sends three messages and END; the application end has them, answers with a message, and ends too.`,
    expectation: 'No OUTCOME arrives; behind END, RESET(NO_ERROR) does.',
    run: async (context) => {
      const { peer, channel, end } = await context.dialled(application, { more: JUDGED });
      const written: Readonly<Record<typeof application, string>> = {
        'relay/stream': 'abc',
        'relay/length16': '\0\x01a\0\x01b\0\x01c',
        'relay/line': 'a\nb\nc\n',
        'relay/tls': '\0\x01a\0\x01b\0\x01c',
      };
      for (const text of ['a', 'b', 'c']) peer.sendMessage(channel, Buffer.from(text));
      peer.send('END', { channel });
      await end.expectOctets(Buffer.from(written[application]));
      await end.expectEnd('RLY-019');
      await requireSilence({ peer, channel }, 'RLY-054');
      end.end();
      await peer.expect('END', { channel, requirement: 'RLY-030' });
      await requireReset({ peer, channel }, 'NO_ERROR', 'RLY-030');
    },
  })),
  {
    id: 'RLY-030/relay-not-before-both-ended',
    requirements: ['RLY-030', 'RLY-054'],
    title: 'such a channel stays open until both directions have ended',
    stimulus:
      'On a channel with outcomes to a TCP peer, the application end ends its direction; the client goes on sending, and then sends END.',
    expectation:
      'The messages are written, no OUTCOME arrives, and RESET(NO_ERROR) comes behind END of the client only.',
    run: async (context) => {
      const { peer, channel, end } = await context.dialled('relay/stream', { more: JUDGED });
      end.end();
      await peer.expect('END', { channel, requirement: 'RLY-020' });
      for (const text of ['one ', 'two ', 'three']) {
        peer.sendMessage(channel, Buffer.from(text));
        await end.expectOctets(Buffer.from(text));
        await requireSilence({ peer, channel }, 'RLY-054');
      }
      peer.send('END', { channel });
      await end.expectEnd('RLY-019');
      await requireReset({ peer, channel }, 'NO_ERROR', 'RLY-030');
    },
  },
  {
    id: 'RLY-030/relay-nothing-sent',
    requirements: ['RLY-030'],
    title: 'a channel with outcomes on which nothing was sent ends alike',
    stimulus: 'On a channel with outcomes to a TCP peer both ends end their direction at once.',
    expectation: 'END arrives, and then RESET(NO_ERROR) or nothing: no message is left to settle.',
    run: async (context) => {
      const { peer, channel, end } = await context.dialled('relay/stream', { more: JUDGED });
      peer.send('END', { channel });
      await end.expectEnd('RLY-019');
      end.end();
      await peer.expect('END', { channel, requirement: 'RLY-020' });
      const frames = await peer.barrier();
      const wrong = frames.find((frame) => frame.channel === channel && !['RESET', 'CREDIT'].includes(frame.name));
      if (wrong !== undefined) fail('RESET(NO_ERROR) or nothing', wrong.text, 'RLY-030');
      frames.find(({ name }) => name === 'RESET')?.requireCode('NO_ERROR', 'RLY-030');
    },
  },
  {
    id: 'RLY-030/relay-only-with-outcomes',
    requirements: ['RLY-030', 'RLY-020'],
    title: 'a channel without outcomes to a TCP peer is closed by END alone',
    stimulus: 'On a channel without outcomes to a TCP peer messages pass both ways, and both ends end their direction.',
    expectation: 'END arrives, and no RESET.',
    run: async (context) => {
      const dialled = await context.dialled('relay/stream');
      const { peer, channel, end } = dialled;
      peer.sendMessage(channel, Buffer.from('there'));
      await end.expectOctets(Buffer.from('there'));
      end.end(Buffer.from('back'));
      await requireMessage(peer, channel, Buffer.from('back'), 'RLY-016');
      await peer.expect('END', { channel, requirement: 'RLY-020' });
      peer.send('END', { channel });
      await end.expectEnd('RLY-019');
      await requireSilence(dialled, 'RLY-030');
    },
  },
]);
