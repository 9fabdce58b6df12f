/** Sections 13.5 and 12.4: connections are cut on either leg, and each message passes once. */
import { errorNamed, frameNamed, limit, registry, timer } from '../../model/registry.ts';
import { assertEqual, assertThat, fail } from '../../peer/failure.ts';
import type { ChannelEnd } from '../../peer/ends/channel-end.ts';
import type { SoloGrants, SoloTrunk } from '../../peer/ends/solo-trunk.ts';
import type { RelayCase } from '../case.ts';
import { relayCases } from '../case.ts';
import type { AskOptions, Led, RelayContext } from '../relay-context.ts';
import { SOLO_APPLICATION } from '../relay-context.ts';
import { framesOf } from '../sent-frames.ts';
import { ACK_MS, again, kept } from '../server/continuity/sessions.ts';
import { receiveMessage } from '../server/message-flow.ts';
import type { Case } from './passing.ts';
import {
  numbered,
  passesBothWays,
  requireMessage,
  requireRefused,
  requireReset,
  requireSame,
  requireSilence,
} from './passing.ts';

/** Longest time until the trunk is attached again, with room for both schedulers. */
const RECONNECT_MS = limit('test_reconnect_ms') + 1000;
const COUNT = 5;
const PLACES = Array.from({ length: COUNT + 1 }, (_, place) => place);

/** A channel over a trunk that the case has for itself; the session of the client can be resumed. */
async function alone(
  context: RelayContext,
  run: (led: Led, solo: SoloTrunk) => Promise<void>,
  { grants, ...options }: AskOptions & { readonly grants?: SoloGrants } = {},
): Promise<void> {
  await context.solo(async (solo) => {
    const peer = await kept(context);
    const led = await context.dependency('a trunk', async () => {
      const asked = context.ask(peer, SOLO_APPLICATION, options);
      await solo.accept(grants);
      const end = await solo.forwarded();
      end.sendOpened();
      await peer.expect('OPENED', { channel: asked.channel });
      return { ...asked, end };
    });
    await run(led, solo);
  });
}

/** Demands these messages at the application end, and no other. */
async function requireAtEnd(end: ChannelEnd, messages: readonly Uint8Array[], requirement: string): Promise<void> {
  for (const message of messages) requireSame('the message', await end.receive(requirement), message, requirement);
  await end.expectNothing(requirement);
}

/** What the harness says to hold of five messages when the trunk is attached again. */
const heldCases = PLACES.map((held): Case => ({
  id: `RLY-027/relay-end-holds-${held}`,
  requirements: ['RLY-027', 'RLY-029', 'CNT-030', 'CNT-010'],
  title: `what the application end does not hold is sent again, and nothing else (${held} of ${COUNT})`,
  stimulus: `The client sends ${COUNT} messages, which the relay passes on and acknowledges. The connection of the trunk is cut, and the application end says that it holds ${held} of them. Then the client sends another one.`,
  expectation: `The application end gets the last ${COUNT - held} again, with the numbers that they had, and then the new one.`,
  estimateMs: 300,
  run: async (context) => {
    await alone(context, async (led, solo) => {
      const { peer, channel, end } = led;
      solo.trunk.peer.answerAcks = false;
      const messages = numbered(COUNT);
      const frames = [];
      for (const message of messages) peer.sendMessage(channel, message);
      for (const message of messages) {
        const frame = await end.expect('MESSAGE', { requirement: 'RLY-016' });
        requireSame('the message', frame.bytes('fragment'), message, 'RLY-016');
        frames.push(frame);
      }
      await peer.barrier();
      solo.cut();
      await solo.resumed(RECONNECT_MS, (frames[0]?.seq ?? 1n) - 1n + BigInt(held));
      for (const before of frames.slice(held)) {
        const frame = await end.expect('MESSAGE', { requirement: 'RLY-027' });
        assertEqual('sequence number', frame.seq, before.seq, 'CNT-030');
        requireSame('the frame', frame.octets, before.octets, 'CNT-030');
      }
      peer.sendMessage(channel, Uint8Array.of(99));
      await requireAtEnd(end, [Uint8Array.of(99)], 'RLY-029');
    });
  },
}));

/** The connection of the client is cut while it sends. */
const clientSendingCases = PLACES.map((sent): Case => ({
  id: `RLY-029/relay-client-cut-sending-${sent}`,
  requirements: ['RLY-029', 'RLY-016', 'CNT-030'],
  title: `the client's connection is cut behind ${sent} of ${COUNT} messages`,
  stimulus: `The client sends ${COUNT} messages, and its connection is cut when ${sent} have left. It attaches its session again and sends what the relay does not hold.`,
  expectation: 'The application end gets the five messages, each once and in order.',
  run: async (context) => {
    const led = await context.ledOn(await kept(context));
    const messages = numbered(COUNT);
    led.peer.cutAfterSending({ frames: sent });
    for (const message of messages) led.peer.sendMessage(led.channel, message);
    const peer = await again(context, led.peer);
    await peer.barrier();
    await requireAtEnd(led.end, messages, 'RLY-029');
    await passesBothWays({ ...led, peer }, 'RLY-029');
  },
}));

/** The connection of the client is cut while it reads. */
const clientReadingCases = PLACES.map((read): Case => ({
  id: `RLY-016/relay-client-cut-reading-${read}`,
  requirements: ['RLY-016', 'CNT-030'],
  title: `the client's connection is cut when it has read ${read} of ${COUNT} messages`,
  stimulus: `The application end sends ${COUNT} messages. The client's connection is cut when it has read ${read} of them, and the client attaches its session again.`,
  expectation: 'The client gets the five messages, each once and in order.',
  run: async (context) => {
    const led = await context.ledOn(await kept(context));
    const messages = numbered(COUNT);
    led.peer.cutAfter({ frames: read });
    for (const message of messages) led.end.sendMessage(message);
    for (const message of messages.slice(0, read)) await requireMessage(led.peer, led.channel, message, 'RLY-016');
    // With nothing to read, the cut waits for whatever comes.
    if (read === 0) led.peer.destroy();
    const peer = await again(context, led.peer);
    for (const message of messages.slice(read)) await requireMessage(peer, led.channel, message, 'RLY-016');
    await requireSilence({ peer, channel: led.channel }, 'RLY-016');
    await led.end.expectNothing('RLY-029');
  },
}));

/** The connection of the trunk is cut while the application end sends. */
const endSendingCases = PLACES.map((sent): Case => ({
  id: `RLY-031/relay-trunk-cut-sending-${sent}`,
  requirements: ['RLY-031', 'RLY-016', 'CNT-030'],
  title: `the trunk's connection is cut behind ${sent} of ${COUNT} messages of the application end`,
  stimulus: `The application end sends ${COUNT} messages, and the connection of the trunk is cut when ${sent} have left. The relay attaches it again, and the application end sends what the relay does not hold.`,
  expectation: 'The client gets the five messages, each once and in order, and notices nothing else.',
  estimateMs: 300,
  run: async (context) => {
    await alone(context, async ({ peer, channel, end }, solo) => {
      const messages = numbered(COUNT);
      solo.trunk.peer.cutAfterSending({ frames: sent });
      for (const message of messages) end.sendMessage(message);
      await solo.resumed(RECONNECT_MS);
      for (const message of messages) await requireMessage(peer, channel, message, 'RLY-031');
      await requireSilence({ peer, channel }, 'RLY-031');
    });
  },
}));

/** What a client does while the trunk has no connection. */
const MEANWHILE: readonly {
  readonly slug: string;
  readonly words: string;
  readonly act: (led: Led) => void;
  readonly require: (end: ChannelEnd) => Promise<void>;
}[] = [
  {
    slug: 'messages',
    words: 'sends three messages',
    act: ({ peer, channel }) => {
      for (const message of numbered(3)) peer.sendMessage(channel, message);
    },
    require: (end) => requireAtEnd(end, numbered(3), 'RLY-031'),
  },
  {
    slug: 'message-and-end',
    words: 'sends a message and END',
    act: ({ peer, channel }) => {
      peer.sendMessage(channel, Uint8Array.of(1));
      peer.send('END', { channel });
    },
    require: async (end) => {
      requireSame('the message', await end.receive('RLY-031'), Uint8Array.of(1), 'RLY-031');
      await end.expect('END', { requirement: 'RLY-031' });
    },
  },
  {
    slug: 'reset',
    words: 'resets the channel',
    act: ({ peer, channel }) => {
      peer.send('RESET', { channel, fields: { code: errorNamed('CANCELLED').code } });
    },
    require: async (end) => {
      const reset = await end.expect('RESET', { requirement: 'RLY-034' });
      reset.requireCode('CANCELLED', 'RLY-034');
    },
  },
  {
    slug: 'leaves',
    words: 'loses its connection too, and does not come back before the trunk is there',
    act: ({ peer }) => {
      peer.destroy();
    },
    require: (end) => end.expectNothing('RLY-034'),
  },
];

const meanwhileCases = MEANWHILE.map(({ slug, words, act, require }): Case => ({
  id: `RLY-031/relay-meanwhile-${slug}`,
  requirements: ['RLY-031', 'RLY-034', 'RLY-016'],
  title: `what a client does while the trunk is detached is done when it is there again (${slug})`,
  stimulus: `The connection of the trunk is cut. The client ${words}; then the relay attaches the trunk again.`,
  expectation: 'The application end sees it behind the resumption, once.',
  estimateMs: 300,
  run: async (context) => {
    await alone(context, async (led, solo) => {
      solo.cut();
      act(led);
      await solo.resumed(RECONNECT_MS);
      await require(led.end);
    });
  },
}));

/** How a trunk session can be over. */
const LOSSES: readonly {
  readonly slug: string;
  readonly words: string;
  readonly lose: (solo: SoloTrunk) => Promise<void>;
}[] = [
  {
    slug: 'close',
    words: 'ends the session of the trunk with CLOSE and END_SESSION',
    lose: async ({ trunk }) => {
      trunk.peer.sendClose('NO_ERROR');
      const answer = await trunk.peer.expect('CLOSE', { requirement: 'SES-012' });
      answer.requireCode('NO_ERROR', 'SES-012');
    },
  },
  {
    slug: 'resume-refused',
    words: 'cuts the connection of the trunk, and does not know the session any more',
    lose: async (solo) => {
      solo.cut();
      const peer = await solo.connected(RECONNECT_MS);
      peer.sendChallenge();
      await peer.expectConnect();
      peer.sendReject('RESUME_REFUSED');
      await peer.expectEnd('EST-023');
    },
  },
  {
    slug: 'session-ended',
    words: 'cuts the connection of the trunk, and says that the session has ended',
    lose: async (solo) => {
      const sent = solo.trunk.peer.nextSeq - 1n;
      solo.cut();
      const peer = await solo.connected(RECONNECT_MS);
      peer.sendChallenge();
      const connect = await peer.expectConnect();
      peer.sendReject('SESSION_ENDED', 0, [
        { id: 'final_receive_cursor', value: Number(solo.trunk.peer.receivedSeq) },
        { id: 'final_send_cursor', value: Number(sent > 0n ? sent : connect.integer('receive_cursor')) },
      ]);
      await peer.expectEnd('EST-023');
    },
  },
];

const lossCases = LOSSES.map(({ slug, words, lose }): Case => ({
  id: `RLY-021/relay-trunk-${slug}`,
  requirements: ['RLY-021', 'RLY-022', 'RLY-036'],
  title: `a trunk session that is over loses its channels, and nothing else (${slug})`,
  stimulus: `The application end ${words}. Two clients have a channel each on that trunk, and one of them another one elsewhere. Afterwards a client opens a channel again.`,
  expectation:
    'RESET(APPLICATION_LOST) arrives on both channels; the one elsewhere goes on; the new channel is led over a new session, on which nothing of the old ones is asked for again.',
  estimateMs: 300,
  run: async (context) => {
    await alone(context, async (led, solo) => {
      const elsewhere = await context.ledOn(led.peer);
      const second = await context.established({ as: 'client-2' });
      const asked = context.ask(second, SOLO_APPLICATION);
      const end = await solo.forwarded();
      end.sendOpened();
      await second.expect('OPENED', { channel: asked.channel });
      await lose(solo);
      await requireReset(led, 'APPLICATION_LOST', 'RLY-021');
      await requireReset(asked, 'APPLICATION_LOST', 'RLY-021');
      await passesBothWays(elsewhere, 'RLY-036');
      const anew = context.ask(second, SOLO_APPLICATION);
      const connect = await solo.accept();
      assertEqual('mode of CONNECT', connect.integer('mode'), 0n, 'RLY-022');
      const next = await solo.forwarded();
      requireSame('open', next.open, anew.open, 'RLY-022');
      next.sendOpened();
      await second.expect('OPENED', { channel: anew.channel });
      await passesBothWays({ ...anew, end: next }, 'RLY-036');
    });
  },
}));

/** Section 13.5, custody. */
export const custody: readonly RelayCase[] = relayCases([
  ...heldCases,
  ...clientSendingCases,
  ...clientReadingCases,
  ...endSendingCases,
  ...meanwhileCases,
  ...lossCases,
  {
    id: 'RLY-027/relay-acknowledged-then-cut',
    requirements: ['RLY-027', 'RLY-029', 'CNT-006'],
    title: 'what the relay has acknowledged reaches the application end without the client',
    stimulus:
      'The application end grants nothing. The client sends five messages and loses its connection when they are acknowledged; then the application end grants credit.',
    expectation: 'The application end gets the five messages, once and in order, while the client is away.',
    estimateMs: 300,
    run: async (context) => {
      await alone(
        context,
        async ({ peer, channel, end }) => {
          const messages = numbered(COUNT);
          for (const message of messages) peer.sendMessage(channel, message);
          await peer.expectAck(undefined, { withinMs: ACK_MS });
          peer.destroy();
          end.grant(10, 1000);
          await requireAtEnd(end, messages, 'RLY-027');
        },
        { grants: { messages: 0, octets: 0 } },
      );
    },
  },
  {
    id: 'RLY-027/relay-both-legs-cut',
    requirements: ['RLY-027', 'RLY-029', 'RLY-031'],
    title: 'both legs are cut at once',
    stimulus:
      'Client and application end send five messages each; the connections of both legs are cut behind the second of them, and both sessions are attached again.',
    expectation: 'Each end gets the five messages of the other, once and in order.',
    estimateMs: 300,
    run: async (context) => {
      await alone(context, async (led, solo) => {
        const forth = numbered(COUNT);
        const back = numbered(COUNT, 101);
        led.peer.cutAfterSending({ frames: 2 });
        solo.trunk.peer.cutAfterSending({ frames: 2 });
        for (const message of forth) led.peer.sendMessage(led.channel, message);
        for (const message of back) led.end.sendMessage(message);
        const peer = await again(context, led.peer);
        await solo.resumed(RECONNECT_MS);
        await requireAtEnd(led.end, forth, 'RLY-029');
        const came: Uint8Array[] = [...received(led), ...(await rest(led, peer, COUNT))];
        requireSame('the messages', Buffer.concat(came.slice(0, COUNT)), Buffer.concat(back), 'RLY-016');
      });
    },
  },
  {
    id: 'RLY-029/relay-many-cuts',
    requirements: ['RLY-029', 'RLY-027', 'RLY-031', 'CNT-018'],
    title: 'a trunk that is cut again and again carries each message once',
    stimulus:
      'The client sends thirty messages; the connection of the trunk is cut after every third that arrives, without an acknowledgement, and attached again.',
    expectation:
      'The application end gets the thirty messages, once and in order, and each attempt has a higher number than the one before.',
    estimateMs: 1500,
    run: async (context) => {
      await alone(context, async ({ peer, channel, end }, solo) => {
        const messages = numbered(30);
        let attempt = 0n;
        for (const [at, message] of messages.entries()) {
          peer.sendMessage(channel, message);
          requireSame('the message', await end.receive('RLY-029'), message, 'RLY-029');
          if (at % 3 !== 2) continue;
          solo.cut();
          const connect = await solo.resumed(RECONNECT_MS);
          const number = connect.integer('attempt');
          assertThat(number > attempt, `an attempt above ${attempt}`, String(number), 'CNT-018');
          attempt = number;
        }
        await end.expectNothing('RLY-029');
      });
    },
  },
  {
    id: 'RLY-031/relay-unnoticed',
    requirements: ['RLY-031', 'RLY-036'],
    title: 'clients do not notice that a trunk is attached to another connection',
    stimulus: 'Two clients have a channel each on a trunk whose connection is cut. The relay attaches it again.',
    expectation: 'Nothing arrives at the clients, and messages pass on both channels afterwards.',
    estimateMs: 300,
    run: async (context) => {
      await alone(context, async (led, solo) => {
        const second = await context.established({ as: 'client-2' });
        const asked = context.ask(second, SOLO_APPLICATION);
        const end = await solo.forwarded();
        end.sendOpened();
        await second.expect('OPENED', { channel: asked.channel });
        solo.cut();
        await requireSilence(led, 'RLY-031');
        await requireSilence(asked, 'RLY-031');
        await solo.resumed(RECONNECT_MS);
        await passesBothWays(led, 'RLY-031');
        await passesBothWays({ ...asked, end }, 'RLY-031');
        await requireSilence(led, 'RLY-031');
      });
    },
  },
  {
    id: 'RLY-031/relay-left-in-order',
    requirements: ['RLY-031', 'CNT-015', 'CNT-057'],
    title: 'a trunk whose connection ends in order is attached again too',
    stimulus: 'The application end closes the connection of the trunk without END_SESSION.',
    expectation: 'The relay answers in kind and attaches the session to another connection; messages pass.',
    estimateMs: 300,
    run: async (context) => {
      await alone(context, async (led, solo) => {
        const { peer } = solo.trunk;
        peer.sendClose('SHUTTING_DOWN', { flags: [] });
        const answer = await peer.expect('CLOSE', { requirement: 'CNT-015' });
        if (answer.has('END_SESSION')) fail('CLOSE without END_SESSION', answer.text, 'CNT-015');
        await solo.resumed(RECONNECT_MS);
        await passesBothWays(led, 'RLY-031');
      });
    },
  },
  {
    id: 'RLY-031/relay-refused-for-a-while',
    requirements: ['RLY-031', 'CNT-018', 'CNT-057'],
    title: 'a trunk that is refused for a while is attached later',
    stimulus:
      'The connection of the trunk is cut. The application end answers the next attempt with REJECT(BUSY), and accepts the one after.',
    expectation: 'The client notices nothing; the second attempt has a higher number, and messages pass.',
    estimateMs: 1500,
    run: async (context) => {
      await alone(context, async (led, solo) => {
        solo.cut();
        const busy = await solo.connected(RECONNECT_MS);
        busy.sendChallenge();
        const first = await busy.expectConnect();
        busy.sendReject('BUSY', 10);
        await busy.expectEnd('EST-023');
        const second = await solo.resumed(context.stepMs + RECONNECT_MS);
        const [before, after] = [first.integer('attempt'), second.integer('attempt')];
        assertThat(after > before, `an attempt above ${before}`, String(after), 'CNT-018');
        await passesBothWays(led, 'RLY-031');
      });
    },
  },
  {
    id: 'RLY-022/relay-forward-again',
    requirements: ['RLY-022', 'CNT-030', 'RLY-005'],
    title: 'a FORWARD that was lost comes again as it was, and no other',
    stimulus:
      'The connection of the trunk is cut behind FORWARD, and the application end says that it holds nothing. Then it answers.',
    expectation: 'The same FORWARD comes once more, with the number that it had, and the client gets OPENED once.',
    estimateMs: 300,
    run: async (context) => {
      await context.solo(async (solo) => {
        const peer = await kept(context);
        const asked = context.ask(peer, SOLO_APPLICATION);
        await solo.accept();
        solo.trunk.peer.answerAcks = false;
        const first = await solo.forwarded();
        solo.cut();
        await solo.resumed(RECONNECT_MS, 0n);
        const second = await solo.forwarded('RLY-022');
        requireSame('the frame', second.forward.octets, first.forward.octets, 'CNT-030');
        second.sendOpened();
        await peer.expect('OPENED', { channel: asked.channel });
        await passesBothWays({ ...asked, end: second }, 'RLY-022');
        assertEqual('number of FORWARDs', solo.ends.length, 2, 'RLY-022');
      });
    },
  },
  {
    id: 'RLY-031/relay-answer-across',
    requirements: ['RLY-031', 'RLY-005', 'RLY-050'],
    title: 'an answer that is lost with the trunk reaches the client later',
    stimulus: 'The connection of the trunk is cut with OPENED on its way; it is sent again on the next one.',
    expectation: 'The client gets OPENED once, with its data, and messages pass.',
    estimateMs: 300,
    run: async (context) => {
      await context.solo(async (solo) => {
        const peer = await kept(context);
        const asked = context.ask(peer, SOLO_APPLICATION);
        await solo.accept();
        const end = await solo.forwarded();
        solo.trunk.peer.cutAfterSending({ frames: 0 });
        const data = context.bytes(40);
        end.sendOpened(data);
        await requireSilence(asked, 'RLY-005');
        await solo.resumed(RECONNECT_MS);
        const opened = await peer.expect('OPENED', { channel: asked.channel, requirement: 'RLY-031' });
        requireSame('application_data', opened.parameterOctets('application_data', 'RLY-050'), data, 'RLY-050');
        await passesBothWays({ ...asked, end }, 'RLY-031');
      });
    },
  },
  {
    id: 'RLY-033/relay-session-over-while-opening',
    requirements: ['RLY-033', 'RLY-021', 'CHN-005'],
    title: 'a request that the trunk takes with it is refused',
    stimulus: 'The application end ends the session of the trunk before it has answered FORWARD.',
    expectation: 'REFUSED(ROUTE_UNREACHABLE) arrives at the client.',
    run: async (context) => {
      await context.solo(async (solo) => {
        const asked = context.ask(await context.established(), SOLO_APPLICATION);
        await solo.accept();
        await solo.forwarded();
        solo.trunk.peer.sendClose('NO_ERROR');
        await requireRefused(asked, 'ROUTE_UNREACHABLE', 'RLY-033');
      });
    },
  },
  {
    id: 'CNT-046/relay-drain',
    requirements: ['CNT-046', 'CNT-047', 'RLY-031'],
    title: 'a trunk that is drained moves to another connection, and opens nothing before',
    stimulus: 'The application end sends DRAIN with ten seconds. Then a client opens another channel.',
    expectation:
      'No FORWARD comes on that connection; the relay attaches the session to another one, on which it does, and the first channel goes on.',
    estimateMs: 1500,
    run: async (context) => {
      await alone(context, async (led, solo) => {
        solo.trunk.peer.send('DRAIN', { fields: { code: errorNamed('SHUTTING_DOWN').code, deadline_ms: 10_000 } });
        await solo.trunk.barrier();
        const asked = context.ask(led.peer, SOLO_APPLICATION);
        await led.peer.barrier();
        await solo.resumed(10_000);
        assertEqual('number of FORWARDs before', solo.ends.length, 1, 'CNT-046');
        const end = await solo.forwarded('CNT-046');
        end.sendOpened();
        await led.peer.expect('OPENED', { channel: asked.channel });
        await passesBothWays({ ...asked, end }, 'CNT-046');
        await passesBothWays(led, 'RLY-031');
      });
    },
  },
  {
    id: 'CNT-005/relay-both-legs',
    requirements: ['CNT-005', 'CNT-006'],
    title: 'sequenced frames are acknowledged on each leg',
    stimulus: 'The client sends a message, and the application end another one.',
    expectation: `Each is acknowledged within ${timer('ack_deadline_ms')} ms.`,
    estimateMs: 600,
    run: async (context) => {
      await alone(context, async ({ peer, channel, end }, solo) => {
        peer.sendMessage(channel, Uint8Array.of(1));
        end.sendMessage(Uint8Array.of(2));
        await peer.expectAck(undefined, { withinMs: ACK_MS });
        await solo.trunk.peer.expectAck(undefined, { withinMs: ACK_MS });
      });
    },
  },
  {
    id: 'APP-013/relay-retention',
    requirements: ['APP-013', 'APP-005'],
    title: 'a relay in test mode asks for a trunk that is kept',
    stimulus: 'The relay makes a session with an application end.',
    expectation: 'CONNECT asks for a retention of a minute at least.',
    run: async (context) => {
      await context.solo(async (solo) => {
        context.ask(await context.established(), SOLO_APPLICATION);
        const connect = await solo.accept();
        const asked = Number(connect.parameter('session_retention_ms') ?? 0);
        assertThat(asked >= 60_000, 'a session_retention_ms of 60,000 at least', String(asked), 'APP-013');
      });
    },
  },
  {
    id: 'APP-013/relay-reconnects',
    requirements: ['APP-013'],
    title: 'a relay in test mode attaches a trunk again in time',
    stimulus: 'The connection of a trunk is cut three times, with a channel on it.',
    expectation: 'The relay attaches it again within a second, and some time for the harness, each time.',
    timing: true,
    estimateMs: 3000,
    run: async (context) => {
      await alone(context, async (led, solo) => {
        for (let round = 0; round < 3; round += 1) {
          solo.cut();
          await solo.resumed(RECONNECT_MS);
        }
        await passesBothWays(led, 'APP-013');
      });
    },
  },
]);

/** Messages that have come to the connection that was cut. */
function received({ peer, channel }: Led): readonly Uint8Array[] {
  return framesOf(peer)
    .filter(({ header }) => header.type === MESSAGE && header.channel === channel)
    .map(({ octets }) => octets.subarray(registry.header.bytes));
}

const MESSAGE = frameNamed('MESSAGE').type;

/** Those that come on the next one, until there are so many in all. */
async function rest(led: Led, peer: Led['peer'], count: number): Promise<readonly Uint8Array[]> {
  const messages: Uint8Array[] = [];
  while (received(led).length + messages.length < count) {
    messages.push(await receiveMessage(peer, led.channel, 'RLY-016'));
  }
  return messages;
}
