/** Section 13.4: credit on one leg follows what the next one has taken. */
import { errorNamed } from '../../model/registry.ts';
import { fail } from '../../peer/failure.ts';
import type { SocketEnd } from '../../peer/ends/socket-end.ts';
import type { RelayCase } from '../case.ts';
import { relayCases } from '../case.ts';
import type { Dialled, Led, RelayContext } from '../relay-context.ts';
import { SHARED_APPLICATION, SOLO_APPLICATION } from '../relay-context.ts';
import { fragmentFrame, MessageSender, yieldToOthers } from '../server/message-flow.ts';
import type { Case } from './passing.ts';
import { NO_CREDIT, passesBothWays, passesForth, requireMessage, requireSame } from './passing.ts';

const CANCELLED = errorNamed('CANCELLED').code;

const REQUIREMENT = 'RLY-025';
const FRAGMENT = 16_000;
/** What operating systems hold of a connection that nobody reads, and a good deal more. */
const MOST_IN_SOCKETS = 32 * 1024 * 1024;
/** So often nothing more may come before it counts as the end. */
const QUIET_ROUNDS = 3;

/** A client that sends as much as it is granted. */
class Pusher {
  readonly #led: Led | Dialled;
  readonly #size: number;
  messageLimit: number;
  byteLimit: number;
  messages = 0;
  octets = 0;

  constructor(led: Led | Dialled, size = FRAGMENT) {
    this.#led = led;
    this.#size = size;
    this.messageLimit = led.peer.serverParameter('initial_message_credit');
    this.byteLimit = led.peer.serverParameter('initial_byte_credit');
  }

  /** Sends whole messages until credit is used up; whether anything was sent. */
  async push(most = Infinity): Promise<boolean> {
    const { peer, channel } = this.#led;
    const before = this.messages;
    while (this.messages < this.messageLimit && this.octets + this.#size <= this.byteLimit && this.octets < most) {
      peer.sendFrame(fragmentFrame(peer, channel, ['FIRST', 'LAST'], new Uint8Array(this.#size)));
      this.messages += 1;
      this.octets += this.#size;
      if (this.messages % 16 === 0) await yieldToOthers();
    }
    return this.messages > before;
  }

  /** Reads what the relay has granted by now. */
  async look(): Promise<void> {
    const { peer, channel } = this.#led;
    for (const frame of await peer.barrier()) {
      if (frame.name !== 'CREDIT' || frame.channel !== channel) continue;
      this.messageLimit = Number(frame.integer('message_limit'));
      this.byteLimit = Number(frame.integer('byte_limit'));
    }
  }
}

/**
 * Sends as much as the client is granted until nothing more comes, and demands that no more was granted than the channel began with
 * and the application end has got.
 */
async function requireBounded(led: Led): Promise<Pusher> {
  const { peer, end } = led;
  const pusher = new Pusher(led);
  const messages = peer.serverParameter('initial_message_credit');
  const octets = peer.serverParameter('initial_byte_credit');
  for (let quiet = 0; quiet < QUIET_ROUNDS;) {
    const pushed = await pusher.push();
    await pusher.look();
    await end.trunk.barrier();
    if (pusher.messageLimit > messages + end.messages) {
      fail(`credit for ${messages + end.messages} messages at most`, String(pusher.messageLimit), REQUIREMENT);
    }
    if (pusher.byteLimit > octets + end.octets) {
      fail(`credit for ${octets + end.octets} octets at most`, String(pusher.byteLimit), REQUIREMENT);
    }
    quiet = pushed ? 0 : quiet + 1;
  }
  return pusher;
}

/** The same on a trunk that the case has for itself, on which the application end grants so much at first. */
async function alone(
  context: RelayContext,
  grants: { readonly messages: number; readonly octets: number },
  run: (led: Led) => Promise<void>,
): Promise<void> {
  await context.solo(async (solo) => {
    const asked = context.ask(await context.established(), SOLO_APPLICATION);
    await solo.accept(grants);
    const end = await solo.forwarded();
    end.sendOpened();
    await asked.peer.expect('OPENED', { channel: asked.channel });
    await run({ ...asked, end });
  });
}

const GRANTS: readonly {
  readonly slug: string;
  readonly words: string;
  readonly messages: number;
  readonly octets: number;
}[] = [
  { slug: 'nothing', words: 'nothing', messages: 0, octets: 0 },
  { slug: 'no-messages', words: 'octets, and no message', messages: 0, octets: 1_000_000 },
  { slug: 'no-octets', words: 'messages, and no octet', messages: 1000, octets: 0 },
  { slug: 'one-message', words: 'one message', messages: 1, octets: 1_000_000 },
  { slug: 'part-of-a-message', words: 'part of one message', messages: 10, octets: 5000 },
];

const grantCases = GRANTS.map(({ slug, words, messages, octets }): Case => ({
  id: `RLY-025/relay-end-grants-${slug}`,
  requirements: ['RLY-025', 'CHN-020'],
  title: `an application end that grants ${words} stops the client`,
  stimulus: `The application end grants ${words} on the channel, and no more. The client sends as much as it is granted.`,
  expectation: 'The client is granted no more than the channel began with and what the application end has got.',
  estimateMs: 300,
  run: async (context) => {
    await alone(context, { messages, octets }, async (led) => {
      await requireBounded(led);
    });
  },
}));

/** Demands that the application end is granted no more than it began with and the client has got. */
async function requireBoundedBack({ peer, channel, end }: Led): Promise<void> {
  const [messages, octets] = [end.messageLimit, end.byteLimit];
  let got = { messages: 0, octets: 0 };
  for (let quiet = 0; quiet < QUIET_ROUNDS;) {
    const before = end.sentMessages;
    while (end.sentMessages < end.messageLimit && end.sentOctets + FRAGMENT <= end.byteLimit) {
      end.sendMessage(new Uint8Array(FRAGMENT));
    }
    await end.trunk.barrier();
    for (const frame of await peer.barrier()) {
      if (frame.name !== 'MESSAGE' || frame.channel !== channel) continue;
      got = {
        messages: got.messages + (frame.has('FIRST') ? 1 : 0),
        octets: got.octets + frame.bytes('fragment').length,
      };
    }
    if (end.messageLimit > messages + got.messages) {
      fail(`credit for ${messages + got.messages} messages at most`, String(end.messageLimit), REQUIREMENT);
    }
    if (end.byteLimit > octets + got.octets) {
      fail(`credit for ${octets + got.octets} octets at most`, String(end.byteLimit), REQUIREMENT);
    }
    quiet = end.sentMessages > before ? 0 : quiet + 1;
  }
}

/** Applications of TCP and TLS peers. */
const PEERS = ['relay/stream', 'relay/length16', 'relay/length32', 'relay/tls'] as const;

const unreadCases = PEERS.map((application): Case => ({
  id: `RLY-025/relay-${application.replace('relay/', '')}-reads-nothing`,
  requirements: ['RLY-025', 'CHN-026'],
  title: `a peer that reads nothing stops the client (${application})`,
  stimulus: `The application end of ${application} reads nothing. The client sends as much as it is granted.`,
  expectation:
    'Credit comes to an end: the relay holds no more than it began with beyond what the connection itself takes. When the application end reads, everything arrives.',
  estimateMs: 1500,
  run: async (context) => {
    const dialled = await context.dialled(application);
    dialled.end.pause();
    const pusher = new Pusher(dialled);
    for (let quiet = 0; quiet < QUIET_ROUNDS;) {
      const pushed = await pusher.push(MOST_IN_SOCKETS);
      await pusher.look();
      if (pusher.octets >= MOST_IN_SOCKETS) {
        fail('an end of the credit', `credit for ${pusher.octets} octets that nobody has read`, REQUIREMENT);
      }
      quiet = pushed ? 0 : quiet + 1;
    }
    dialled.end.resume();
    const header = { 'relay/stream': 0, 'relay/length16': 2, 'relay/length32': 4, 'relay/tls': 2 }[application];
    await drainOf(dialled.end, pusher.messages * (FRAGMENT + header));
  },
}));

/** Reads so many octets, in parts, so that no step waits for all of them. */
async function drainOf(end: SocketEnd, octets: number): Promise<void> {
  for (let left = octets; left > 0; left -= Math.min(left, 100_000)) await end.read(Math.min(left, 100_000), 'RLY-016');
}

const unreadBackCases = (['relay/stream', 'relay/length16', 'relay/tls'] as const).map((application): Case => ({
  id: `RLY-025/relay-${application.replace('relay/', '')}-client-takes-nothing`,
  requirements: ['RLY-025', 'CHN-020', 'CHN-026'],
  title: `a client that takes nothing stops the peer (${application})`,
  stimulus: `The client grants nothing. The application end of ${application} writes as much as its connection takes.`,
  expectation:
    'The connection takes no more after a bounded number of octets. When the client grants credit, everything arrives in order.',
  estimateMs: 1500,
  run: async (context) => {
    const dialled = await context.dialled(application, { connect: { parameters: NO_CREDIT } });
    const { peer, channel, end } = dialled;
    const message = Uint8Array.from({ length: 60_000 }, (_, at) => at % 251);
    const written = application === 'relay/stream' ? message : Buffer.concat([Uint8Array.of(0xea, 0x60), message]);
    let count = 0;
    for (let quiet = 0; quiet < QUIET_ROUNDS;) {
      const before = end.unsent;
      if (before < 4 * written.length) {
        end.write(written);
        count += 1;
      }
      if (count * written.length > MOST_IN_SOCKETS) {
        fail('an end of what the connection takes', `${count * written.length} octets`, REQUIREMENT);
      }
      await peer.barrier();
      quiet = end.unsent >= before && end.unsent >= written.length ? quiet + 1 : 0;
    }
    // All of it, however the relay divides it.
    peer.send('CREDIT', { channel, fields: { message_limit: 1_000_000, byte_limit: MOST_IN_SOCKETS * 2 } });
    let octets = 0;
    while (octets < count * message.length) {
      const frame = await peer.expect('MESSAGE', { channel, requirement: 'RLY-016' });
      const fragment = frame.bytes('fragment');
      const at = octets % message.length;
      const expected = Buffer.concat([message.subarray(at), message]).subarray(0, fragment.length);
      requireSame('octets', fragment, expected, 'RLY-016');
      octets += fragment.length;
    }
  },
}));

/** Section 13.4. */
export const credit: readonly RelayCase[] = relayCases([
  ...grantCases,
  ...unreadCases,
  ...unreadBackCases,
  {
    id: 'RLY-025/relay-shared-trunk',
    requirements: ['RLY-025', 'CHN-020'],
    title: 'an application end that has got what it granted stops the client',
    stimulus:
      'The application end grants sixteen messages, takes them and grants no more. The client sends as much as it is granted.',
    expectation: 'The client is granted no more than the channel began with and what the application end has got.',
    estimateMs: 300,
    run: async (context) => {
      await requireBounded(await context.led());
    },
  },
  {
    id: 'RLY-025/relay-goes-on',
    requirements: ['RLY-025', 'RLY-016', 'CHN-034'],
    title: 'credit of the application end lets the client go on',
    stimulus: 'The client sends until it is stopped. Then the application end grants what is missing and more.',
    expectation: 'Every message arrives, the client is granted more, and a last message passes.',
    estimateMs: 300,
    run: async (context) => {
      const led = await context.led();
      const pusher = await requireBounded(led);
      led.end.grant(1000, 1000 * FRAGMENT);
      for (let n = 0; n < pusher.messages; n += 1) {
        requireSame('the message', await led.end.receive(), new Uint8Array(FRAGMENT), 'RLY-016');
      }
      const sender = new MessageSender(led.peer, led.channel);
      sender.messages = pusher.messages;
      sender.bytes = pusher.octets;
      sender.messageLimit = pusher.messageLimit;
      sender.byteLimit = pusher.byteLimit;
      // Credit that is there already is read first; where there is none, the sender waits for it.
      await sender.send(Uint8Array.of(1, 2, 3));
      requireSame('the message', await led.end.receive(), Uint8Array.of(1, 2, 3), 'RLY-016');
    },
  },
  {
    id: 'RLY-025/relay-back',
    requirements: ['RLY-025', 'CHN-020'],
    title: 'a client that takes nothing stops the application end',
    stimulus: 'The client grants nothing. The application end sends as much as it is granted.',
    expectation: 'It is granted no more than it began with.',
    estimateMs: 300,
    run: async (context) => {
      await requireBoundedBack(await context.led({ connect: { parameters: NO_CREDIT } }));
    },
  },
  {
    id: 'RLY-025/relay-back-little',
    requirements: ['RLY-025', 'CHN-020'],
    title: 'a client that takes four messages lets the application end send four more',
    stimulus: 'The client grants four messages, and no more. The application end sends as much as it is granted.',
    expectation:
      'The client gets four messages, and the application end is granted four more than it began with at most.',
    estimateMs: 300,
    run: async (context) => {
      const parameters = [{ id: 'initial_message_credit', value: 4 }];
      await requireBoundedBack(await context.led({ connect: { parameters } }));
    },
  },
  {
    id: 'RLY-025/relay-one-octet',
    requirements: ['RLY-025', 'CHN-033', 'RLY-016'],
    title: 'credit of a few octets at a time carries a message across',
    stimulus:
      'The application end grants nothing at first, and then again and again credit for seven octets, until a message of fifty has come.',
    expectation: 'The message arrives as it was sent.',
    run: async (context) => {
      await alone(context, { messages: 1, octets: 0 }, async ({ peer, channel, end }) => {
        const message = context.bytes(50);
        peer.sendMessage(channel, message);
        for (let granted = 7; granted < 57; granted += 7) {
          end.send('CREDIT', { fields: { message_limit: 1, byte_limit: granted } });
          await end.trunk.barrier();
        }
        requireSame('the message', await end.receive(), message, 'RLY-016');
      });
    },
  },
  {
    id: 'CHN-024/relay-large-message',
    requirements: ['CHN-024', 'RLY-025', 'RLY-016'],
    title: 'a message larger than all credit passes',
    stimulus:
      'The client sends a message of 262,144 octets, four times what the application end grants at first; this grants more as fragments come.',
    expectation: 'The message arrives as it was sent.',
    estimateMs: 300,
    run: async (context) => {
      const led = await context.led();
      const message = context.bytes(262_144);
      const sending = new MessageSender(led.peer, led.channel).send(message);
      const granting = led.end.grantUntil(message.length, 65_536, sending);
      const [came] = await Promise.all([sending.then(() => led.end.receive()), granting]);
      requireSame('the message', came, message, 'RLY-016');
    },
  },
  {
    id: 'CHN-024/relay-large-message-back',
    requirements: ['CHN-024', 'RLY-025', 'RLY-016'],
    title: 'a message larger than what the client grants at first passes',
    stimulus:
      'The application end sends a message of 262,144 octets; the client grants 20,000 octets, and more as they come.',
    expectation: 'The message arrives as it was sent.',
    estimateMs: 300,
    run: async (context) => {
      const parameters = [{ id: 'initial_byte_credit', value: 20_000 }];
      const led = await context.led({ connect: { parameters } });
      const message = context.bytes(262_144);
      const receiving = async (): Promise<Uint8Array> => {
        const came: Uint8Array[] = [];
        for (let octets = 0; octets < message.length;) {
          const frame = await led.peer.expect('MESSAGE', { channel: led.channel, requirement: 'RLY-016' });
          came.push(frame.bytes('fragment'));
          octets += frame.bytes('fragment').length;
          const fields = { message_limit: 1000, byte_limit: octets + 20_000 };
          if (!frame.has('LAST')) led.peer.send('CREDIT', { channel: led.channel, fields });
        }
        return Buffer.concat(came);
      };
      const [came] = await Promise.all([receiving(), led.end.sendWithinCredit(message)]);
      requireSame('the message', came, message, 'RLY-016');
    },
  },
  {
    id: 'RLY-026/relay-stalled-end',
    requirements: ['RLY-026', 'RLY-036'],
    title: 'a channel whose application end takes nothing does not delay others',
    stimulus:
      'A client fills a channel to an application end that takes no more. Then it uses another channel on the same trunk, and so does another client.',
    expectation: 'Messages pass on both, in both directions.',
    estimateMs: 300,
    run: async (context) => {
      const stalled = await context.led();
      await requireBounded(stalled);
      await passesBothWays(await context.ledOn(stalled.peer), 'RLY-026');
      await passesBothWays(await context.led({ as: 'client-2' }), 'RLY-026');
    },
  },
  {
    id: 'RLY-026/relay-stalled-client',
    requirements: ['RLY-026'],
    title: 'a client that takes nothing on a channel does not delay others',
    stimulus:
      'A client grants nothing on one of two channels; its application end sends as much as it is granted. The other channel, with credit, and a channel of another client share the trunk.',
    expectation: 'Messages pass on both of these, in both directions.',
    estimateMs: 300,
    run: async (context) => {
      const stalled = await context.led({ connect: { parameters: NO_CREDIT } });
      await requireBoundedBack(stalled);
      const other = await context.ledOn(stalled.peer);
      other.peer.send('CREDIT', { channel: other.channel, fields: { message_limit: 10, byte_limit: 10_000 } });
      await passesBothWays(other, 'RLY-026');
      await passesBothWays(await context.led({ as: 'client-2' }), 'RLY-026');
    },
  },
  {
    id: 'RLY-026/relay-stalled-tcp',
    requirements: ['RLY-026'],
    title: 'a TCP peer that reads nothing does not delay others',
    stimulus:
      'A client fills a channel to a TCP peer that reads nothing. Then it uses another channel to a TCP peer, and one over a trunk.',
    expectation: 'Messages pass on both.',
    estimateMs: 1500,
    run: async (context) => {
      const stalled = await context.dialled('relay/stream');
      stalled.end.pause();
      const pusher = new Pusher(stalled);
      for (let quiet = 0; quiet < QUIET_ROUNDS;) {
        quiet = (await pusher.push(MOST_IN_SOCKETS)) ? 0 : quiet + 1;
        await pusher.look();
        if (pusher.octets >= MOST_IN_SOCKETS) fail('an end of the credit', `${pusher.octets} octets`, REQUIREMENT);
      }
      const other = await context.dialled('relay/stream', { on: stalled.peer });
      other.peer.sendMessage(other.channel, Buffer.from('passes'));
      await other.end.expectOctets(Buffer.from('passes'), 'RLY-026');
      other.end.write(Buffer.from('back'));
      await requireMessage(other.peer, other.channel, Buffer.from('back'), 'RLY-026');
      await passesBothWays(await context.ledOn(stalled.peer), 'RLY-026');
    },
  },
  {
    id: 'RLY-026/relay-unanswered',
    requirements: ['RLY-026'],
    title: 'an application end that does not answer does not delay others',
    stimulus: 'A client opens five channels whose application ends do not answer, and then a sixth.',
    expectation:
      'The sixth is opened, and messages pass; the five are opened when their application ends answer, in another order.',
    run: async (context) => {
      const peer = await context.established();
      const asked = Array.from({ length: 5 }, () => context.ask(peer, SHARED_APPLICATION));
      const ends = await Promise.all(asked.map((each) => context.endOf(each)));
      await passesBothWays(await context.ledOn(peer), 'RLY-026');
      for (const end of ends.toReversed()) end.sendOpened();
      for (const { channel } of asked.toReversed()) {
        await peer.expect('OPENED', { channel, requirement: 'RLY-026' });
      }
    },
  },
  {
    id: 'CHN-023/relay-end-without-credit',
    requirements: ['CHN-023', 'RLY-026'],
    title: 'END and RESET need no credit on either leg',
    stimulus: 'The application end grants nothing. On one channel the client sends END, on another RESET.',
    expectation: 'Both arrive.',
    run: async (context) => {
      await context.solo(async (solo) => {
        const peer = await context.established();
        const one = context.ask(peer, SOLO_APPLICATION);
        await solo.accept({ messages: 0, octets: 0 });
        const first = await solo.forwarded();
        first.sendOpened();
        const two = context.ask(peer, SOLO_APPLICATION);
        const second = await solo.forwarded();
        second.sendOpened();
        for (const { channel } of [one, two]) await peer.expect('OPENED', { channel });
        peer.send('END', { channel: one.channel });
        await first.expect('END', { requirement: 'CHN-023' });
        peer.send('RESET', { channel: two.channel, fields: { code: CANCELLED } });
        await second.expect('RESET', { requirement: 'CHN-023' });
      });
    },
  },
  {
    id: 'CHN-015/relay-two-ways-at-once',
    requirements: ['CHN-015', 'RLY-016', 'RLY-025'],
    title: 'messages pass in both directions at once, each complete and in order',
    stimulus:
      'Client and application end send thirty messages of different sizes each, in fragments, at the same time; each grants credit as messages come.',
    expectation: 'Each gets those of the other, complete, in order and once.',
    estimateMs: 400,
    run: async (context) => {
      const led = await context.led();
      const sizes = Array.from({ length: 30 }, (_, n) => (n * n * 97) % 30_000);
      const forth = sizes.map((size) => context.bytes(size));
      const back = sizes.map((size) => context.bytes(size));
      led.end.grant(100, 2_000_000);
      const sender = new MessageSender(led.peer, led.channel);
      const answering = async (): Promise<void> => {
        for (const message of back) await led.end.sendWithinCredit(message, 5000);
      };
      const sending = async (): Promise<void> => {
        for (const message of forth) await sender.send(message, 7000);
      };
      const receiving = async (): Promise<void> => {
        for (const message of forth) requireSame('the message', await led.end.receive(), message, 'CHN-015');
      };
      await Promise.all([answering(), sending(), receiving()]);
      // What came while credit was waited for stands first.
      const early = sender.received;
      const pieces: Uint8Array[] = [];
      let at = 0;
      const take = (fragment: Uint8Array, last: boolean): void => {
        pieces.push(fragment);
        if (!last) return;
        requireSame('the message', Buffer.concat(pieces.splice(0)), back[at] ?? new Uint8Array(0), 'CHN-015');
        at += 1;
      };
      for (const frame of early) take(frame.bytes('fragment'), frame.has('LAST'));
      while (at < back.length) {
        const frame = await led.peer.expect('MESSAGE', { channel: led.channel, requirement: 'CHN-015' });
        take(frame.bytes('fragment'), frame.has('LAST'));
      }
    },
  },
  {
    id: 'CHN-016/relay-incomplete-message',
    requirements: ['CHN-016', 'RLY-016'],
    title: 'a message that is not complete is not delivered as complete',
    stimulus:
      'The client sends the first half of a message, another message on another channel, and then resets the first channel.',
    expectation: 'No complete message arrives on the first channel; RESET does.',
    run: async (context) => {
      const led = await context.led();
      led.peer.send('MESSAGE', { channel: led.channel, flags: ['FIRST'], fields: { fragment: context.bytes(100) } });
      await passesForth(await context.ledOn(led.peer), context.bytes(3), 'RLY-016');
      led.peer.send('RESET', { channel: led.channel, fields: { code: CANCELLED } });
      for (;;) {
        const frame = await led.end.next('RESET', '*', { requirement: 'RLY-034' });
        if (frame.name === 'RESET') return;
        if (frame.has('LAST')) fail('no complete message', frame.text, 'CHN-016');
      }
    },
  },
]);
