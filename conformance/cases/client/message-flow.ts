import { registry } from '../../model/registry.ts';
import { assertEqual, fail } from '../../peer/failure.ts';
import type { ServerPeer } from '../../peer/server-peer.ts';
import type { ClientCase } from '../case.ts';
import { clientCases } from '../case.ts';
import type { ClientContext } from '../client-context.ts';

const MAX_PAYLOAD = registry.header.maxPayloadBytes;
/** What the client is asked to declare where a case goes beyond it. */
const SMALL = { max_message_bytes: 4096, initial_message_credit: 4, initial_byte_credit: 65_536 };

interface Fragment {
  readonly flags: readonly string[];
  readonly size: number;
}

const fragment = (size: number, ...flags: readonly string[]): Fragment => ({ size, flags });

/** Sends fragments of zeros on a channel. */
function sendFragments(peer: ServerPeer, channel: number, fragments: readonly Fragment[]): void {
  for (const { flags, size } of fragments) {
    peer.send('MESSAGE', { channel, flags: [...flags], fields: { fragment: new Uint8Array(size) } });
  }
}

const MISPLACED: readonly {
  readonly slug: string;
  readonly requirement: 'CHN-013' | 'CHN-014';
  readonly what: string;
  readonly fragments: readonly Fragment[];
}[] = [
  {
    slug: 'CHN-013/client-continues-nothing',
    requirement: 'CHN-013',
    what: 'a fragment without FIRST on a channel without an incomplete message',
    fragments: [fragment(10, 'LAST')],
  },
  {
    slug: 'CHN-013/client-continues-a-whole-message',
    requirement: 'CHN-013',
    what: 'a whole message and then a fragment without FIRST',
    fragments: [fragment(10, 'FIRST', 'LAST'), fragment(10)],
  },
  {
    slug: 'CHN-013/client-begins-twice',
    requirement: 'CHN-013',
    what: 'two fragments with FIRST, the first one without LAST',
    fragments: [fragment(10, 'FIRST'), fragment(10, 'FIRST')],
  },
  {
    slug: 'CHN-013/client-whole-message-inside',
    requirement: 'CHN-013',
    what: 'a whole message between the fragments of another one',
    fragments: [fragment(10, 'FIRST'), fragment(10, 'FIRST', 'LAST')],
  },
  {
    slug: 'CHN-014/client-empty-first',
    requirement: 'CHN-014',
    what: 'an empty fragment with FIRST alone',
    fragments: [fragment(0, 'FIRST')],
  },
  {
    slug: 'CHN-014/client-empty-middle',
    requirement: 'CHN-014',
    what: 'an empty fragment in the middle of a message',
    fragments: [fragment(10, 'FIRST'), fragment(0)],
  },
  {
    slug: 'CHN-014/client-empty-last',
    requirement: 'CHN-014',
    what: 'an empty fragment with LAST alone',
    fragments: [fragment(10, 'FIRST'), fragment(0, 'LAST')],
  },
];

const misplacedCases = MISPLACED.map(({ slug, requirement, what, fragments }) => ({
  id: slug,
  requirements: [requirement] as const,
  title: `${what} is an error`,
  stimulus: `The server sends ${what}.`,
  expectation: 'The client answers with CLOSE(FRAGMENT_INVALID).',
  run: async (context: ClientContext) => {
    const { peer, channel } = await context.opened();
    sendFragments(peer, channel, fragments);
    await peer.expectViolation('FRAGMENT_INVALID', { requirement });
  },
}));

const SIZES = [0, 1, MAX_PAYLOAD, MAX_PAYLOAD + 1, 3 * MAX_PAYLOAD] as const;

const sizeCases = SIZES.map((size) => ({
  id: `CHN-015/client-sends-${size}`,
  requirements: ['CHN-015', 'CHN-012', 'CHN-014'] as const,
  title: `the client sends a message of ${size} octets unaltered`,
  stimulus: `The client is asked to send a message of ${size} octets.`,
  expectation: 'The fragments that arrive are in order and make up the same octets.',
  run: async (context: ClientContext) => {
    const { peer, client, channel } = await context.opened('test/sink');
    const message = context.bytes(size);
    client.send(channel, message);
    const parts: Uint8Array[] = [];
    for (let last = false; !last;) {
      const frame = await peer.expect('MESSAGE', { channel, requirement: 'CHN-012' });
      assertEqual('FIRST', frame.has('FIRST'), parts.length === 0, 'CHN-012');
      parts.push(frame.bytes('fragment'));
      last = frame.has('LAST');
    }
    if (!Buffer.concat(parts).equals(message)) fail('the octets of the message', 'others', 'CHN-015');
  },
}));

/** Messages, credit, END and RESET of chapter 6, for a client. */
export const messageFlow: readonly ClientCase[] = clientCases([
  ...misplacedCases,
  ...sizeCases,
  {
    id: 'CHN-015/client-empty-message',
    requirements: ['CHN-015'],
    title: 'an empty message is a message',
    stimulus: 'The server sends an empty message and then one of one octet.',
    expectation: 'The client delivers both, in order.',
    run: async (context) => {
      const { peer, client, channel } = await context.opened();
      peer.sendMessage(channel, new Uint8Array(0));
      peer.sendMessage(channel, Uint8Array.of(9));
      assertEqual('first message', (await client.expectEvent('message', 'CHN-015')).message, '', 'CHN-015');
      assertEqual('second message', (await client.expectEvent('message', 'CHN-015')).message, 'CQ==', 'CHN-015');
    },
  },
  {
    id: 'CHN-015/client-channels-apart',
    requirements: ['CHN-015', 'CHN-012'],
    title: 'fragments of two channels may alternate',
    stimulus: 'The server sends two messages on two channels, fragment by fragment in turn.',
    expectation: 'The client delivers each message whole, on its channel.',
    run: async (context) => {
      const { peer, client, channel } = await context.opened();
      const second = await client.open('test/echo');
      await peer.expect('OPEN', { channel: second });
      peer.sendOpened(second);
      await client.expectEvent('opened');
      const messages = [context.bytes(40), context.bytes(40)];
      for (const at of [0, 10, 20, 30]) {
        messages.forEach((message, index) => {
          const flags = [...(at === 0 ? ['FIRST'] : []), ...(at === 30 ? ['LAST'] : [])];
          const piece = { fragment: message.subarray(at, at + 10) };
          peer.send('MESSAGE', { channel: index === 0 ? channel : second, flags, fields: piece });
        });
      }
      for (const [index, message] of messages.entries()) {
        const event = await client.expectEvent('message', 'CHN-015');
        assertEqual('channel', event.channel, index === 0 ? channel : second, 'CHN-015');
        assertEqual('message', event.message, Buffer.from(message).toString('base64'), 'CHN-015');
      }
    },
  },
  {
    id: 'CHN-016/client-waits-for-last',
    requirements: ['CHN-016'],
    title: 'an incomplete message is not delivered',
    stimulus: 'The server sends all but the last fragment of a message, then a PING, then the last fragment.',
    expectation: 'The client delivers nothing before the last fragment, and then one message.',
    run: async (context) => {
      const { peer, client, channel } = await context.opened();
      sendFragments(peer, channel, [fragment(10, 'FIRST'), fragment(10)]);
      await peer.barrier('CHN-016');
      const early = client.pendingEvents.find(({ event }) => event === 'message');
      if (early !== undefined) fail('no message yet', 'a message', 'CHN-016');
      sendFragments(peer, channel, [fragment(10, 'LAST')]);
      const event = await client.expectEvent('message', 'CHN-016');
      assertEqual('octets', Buffer.from(event.message ?? '', 'base64').length, 30, 'CHN-016');
    },
  },
  {
    id: 'CHN-017/client-larger-than-taken',
    requirements: ['CHN-017'],
    title: 'the client does not send more than the server takes',
    stimulus:
      'The server takes messages of at most 1,024 octets; the client is asked to send one of 1,025 and one of 1,024.',
    expectation: 'Only the smaller one arrives.',
    run: async (context) => {
      const parameters = [{ id: 'max_message_bytes', value: 1024 }];
      const { peer, client, channel } = await context.opened('test/sink', { parameters });
      client.send(channel, context.bytes(1025));
      const allowed = context.bytes(1024);
      client.send(channel, allowed);
      const frame = await peer.expect('MESSAGE', { channel, requirement: 'CHN-017' });
      if (!Buffer.from(frame.bytes('fragment')).equals(allowed))
        fail('the message of 1,024 octets', frame.text, 'CHN-017');
    },
  },
  {
    id: 'CHN-018/client-too-large',
    requirements: ['CHN-018'],
    title: 'a message larger than declared is an error',
    stimulus: 'The client declares messages of at most 4,096 octets; the server sends one of 4,097 in two fragments.',
    expectation: 'The client answers with CLOSE(MESSAGE_TOO_LARGE).',
    features: ['parameters'],
    run: async (context) => {
      const { peer, channel } = await context.opened('test/echo', { request: { parameters: SMALL } });
      sendFragments(peer, channel, [fragment(4096, 'FIRST'), fragment(1, 'LAST')]);
      await peer.expectViolation('MESSAGE_TOO_LARGE', { requirement: 'CHN-018' });
    },
  },
  {
    id: 'CHN-018/client-largest',
    requirements: ['CHN-018'],
    title: 'a message as large as declared is taken',
    stimulus:
      'The client declares messages of at most 4,096 octets; the server sends one of that size in two fragments.',
    expectation: 'The client delivers it.',
    features: ['parameters'],
    run: async (context) => {
      const { peer, client, channel } = await context.opened('test/echo', { request: { parameters: SMALL } });
      sendFragments(peer, channel, [fragment(4095, 'FIRST'), fragment(1, 'LAST')]);
      const event = await client.expectEvent('message', 'CHN-018');
      assertEqual('octets', Buffer.from(event.message ?? '', 'base64').length, 4096, 'CHN-018');
    },
  },
  {
    id: 'CHN-020/client-octets',
    requirements: ['CHN-020', 'CHN-033'],
    title: 'the client keeps to its credit in octets, and uses all of it',
    stimulus:
      'The server grants 100 octets per channel; the client is asked to send 250; credit of 200 and of 250 follows.',
    expectation: '100 octets arrive, then after each CREDIT what it allows.',
    run: async (context) => {
      const parameters = [{ id: 'initial_byte_credit', value: 100 }];
      const { peer, client, channel } = await context.opened('test/sink', { accept: { parameters } });
      client.send(channel, context.bytes(250));
      let received = 0;
      for (const limit of [100, 200, 250]) {
        if (limit > 100) peer.send('CREDIT', { channel, fields: { message_limit: 64, byte_limit: limit } });
        while (received < limit) {
          const frame = await peer.expect('MESSAGE', { channel, requirement: 'CHN-033' });
          received += frame.bytes('fragment').length;
        }
        assertEqual('octets so far', received, limit, 'CHN-020');
        const early = (await peer.barrier()).find(({ name }) => name === 'MESSAGE');
        if (early !== undefined) fail('nothing beyond the credit', early.text, 'CHN-020');
      }
    },
  },
  {
    id: 'CHN-021/client-too-many-messages',
    requirements: ['CHN-021'],
    title: 'a message beyond the credit in messages is an error',
    stimulus: 'The client grants four messages per channel and does not consume; the server sends five.',
    expectation: 'The client answers with CLOSE(CREDIT_EXCEEDED).',
    features: ['parameters', 'hold'],
    run: async (context) => {
      const { peer, channel } = await context.opened('test/echo', { request: { parameters: SMALL }, hold: true });
      sendFragments(
        peer,
        channel,
        Array.from({ length: 5 }, () => fragment(1, 'FIRST', 'LAST')),
      );
      await peer.expectViolation('CREDIT_EXCEEDED', { requirement: 'CHN-021' });
    },
  },
  {
    id: 'CHN-021/client-too-many-octets',
    requirements: ['CHN-021'],
    title: 'a fragment beyond the credit in octets is an error',
    stimulus: 'The client grants 2,048 octets per channel and does not consume; the server sends one more.',
    expectation: 'The client answers with CLOSE(CREDIT_EXCEEDED).',
    features: ['parameters', 'hold'],
    run: async (context) => {
      const parameters = { ...SMALL, initial_byte_credit: 2048 };
      const { peer, channel } = await context.opened('test/echo', { request: { parameters }, hold: true });
      sendFragments(peer, channel, [fragment(2048, 'FIRST', 'LAST'), fragment(1, 'FIRST', 'LAST')]);
      await peer.expectViolation('CREDIT_EXCEEDED', { requirement: 'CHN-021' });
    },
  },
  {
    id: 'CHN-022/client-credit-lowered',
    requirements: ['CHN-022'],
    title: 'a CREDIT that lowers a limit is an error',
    stimulus: 'The server sends CREDIT with more octets than before and fewer messages.',
    expectation: 'The client answers with CLOSE(CREDIT_INVALID).',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/sink');
      peer.send('CREDIT', { channel, fields: { message_limit: 63, byte_limit: 2_000_000 } });
      await peer.expectViolation('CREDIT_INVALID', { requirement: 'CHN-022' });
    },
  },
  {
    id: 'CHN-022/client-credit-unchanged',
    requirements: ['CHN-022'],
    title: 'a CREDIT that raises nothing is an error',
    stimulus: 'The server sends CREDIT with the limits that the channel started with.',
    expectation: 'The client answers with CLOSE(CREDIT_INVALID).',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/sink');
      peer.send('CREDIT', { channel, fields: { message_limit: 64, byte_limit: 1_048_576 } });
      await peer.expectViolation('CREDIT_INVALID', { requirement: 'CHN-022' });
    },
  },
  {
    id: 'CHN-024/client-long-message',
    requirements: ['CHN-024'],
    title: 'credit for the rest of a message comes while it is incomplete',
    stimulus: 'The client grants 1,024 octets and takes messages of 4,096; the server begins a message of that size.',
    expectation: 'Before the message is complete CREDIT arrives that covers it.',
    features: ['parameters'],
    run: async (context) => {
      const parameters = { ...SMALL, initial_byte_credit: 1024 };
      const { peer, channel } = await context.opened('test/echo', { request: { parameters } });
      sendFragments(peer, channel, [fragment(1024, 'FIRST')]);
      for (let limit = 0n; limit < 4096n;) {
        limit = (await peer.expect('CREDIT', { channel, requirement: 'CHN-024' })).integer('byte_limit');
      }
      sendFragments(peer, channel, [fragment(3072, 'LAST')]);
      await peer.barrier('CHN-024');
    },
  },
  {
    id: 'CHN-026/client-holds',
    requirements: ['CHN-026'],
    title: 'no credit for what is not consumed',
    stimulus: 'The client does not consume; the server uses up the credit in messages.',
    expectation: 'No CREDIT arrives.',
    features: ['parameters', 'hold'],
    run: async (context) => {
      const { peer, channel } = await context.opened('test/echo', { request: { parameters: SMALL }, hold: true });
      sendFragments(
        peer,
        channel,
        Array.from({ length: 4 }, () => fragment(1, 'FIRST', 'LAST')),
      );
      const granted = (await peer.barrier('CHN-026')).find(({ name }) => name === 'CREDIT');
      if (granted !== undefined) fail('no CREDIT', granted.text, 'CHN-026');
    },
  },
  {
    id: 'CHN-034/client-starts-with-nothing',
    requirements: ['CHN-034'],
    title: 'a channel that starts without credit gets some',
    stimulus: 'The client declares no initial credit and opens a channel; the server answers with OPENED.',
    expectation: 'CREDIT for at least one message and one octet arrives.',
    features: ['parameters'],
    run: async (context) => {
      const parameters = { ...SMALL, initial_message_credit: 0, initial_byte_credit: 0 };
      const { peer, channel } = await context.opened('test/echo', { request: { parameters } });
      const credit = await peer.expect('CREDIT', { channel, requirement: 'CHN-034' });
      if (credit.integer('message_limit') < 1n || credit.integer('byte_limit') < 1n) {
        fail('one message and one octet at least', credit.text, 'CHN-034');
      }
    },
  },
  {
    id: 'CHN-023/client-open-without-credit',
    requirements: ['CHN-023'],
    title: 'frames other than MESSAGE do not wait for credit',
    stimulus:
      'The server grants nothing; the client is asked to send a message, to open another channel and to reset the first.',
    expectation: 'OPEN and RESET arrive, and the PONG to a PING.',
    run: async (context) => {
      const parameters = [{ id: 'initial_message_credit', value: 0 }];
      const { peer, client, channel } = await context.opened('test/sink', { accept: { parameters } });
      client.send(channel, context.bytes(4));
      const second = await client.open('test/sink');
      await peer.expect('OPEN', { channel: second, requirement: 'CHN-023' });
      await client.reset(channel);
      await peer.expect('RESET', { channel, requirement: 'CHN-023' });
      await peer.barrier('CHN-023');
    },
  },
  {
    id: 'CHN-027/client-end-inside-message',
    requirements: ['CHN-027'],
    title: 'END while a message is incomplete is an error',
    stimulus: 'The server sends the first fragment of a message and END.',
    expectation: 'The client answers with CLOSE(FRAGMENT_INVALID).',
    run: async (context) => {
      const { peer, channel } = await context.opened();
      sendFragments(peer, channel, [fragment(10, 'FIRST')]);
      peer.send('END', { channel });
      await peer.expectViolation('FRAGMENT_INVALID', { requirement: 'CHN-027' });
    },
  },
  {
    id: 'CHN-028/client-ends-behind-messages',
    requirements: ['CHN-028'],
    title: 'END comes behind the messages, and nothing behind it',
    stimulus: 'The client is asked to send three messages and to end the channel.',
    expectation: 'Three messages arrive, then END, then nothing more on the channel.',
    run: async (context) => {
      const { peer, client, channel } = await context.opened('test/sink');
      for (let count = 0; count < 3; count += 1) client.send(channel, context.bytes(20_000));
      await client.end(channel);
      let messages = 0;
      for (let frame = await peer.next('END'); frame.name !== 'END'; frame = await peer.next('END')) {
        if (frame.name !== 'MESSAGE') fail('MESSAGE or END', frame.text, 'CHN-028');
        if (frame.has('LAST')) messages += 1;
      }
      assertEqual('messages before END', messages, 3, 'CHN-028');
      const late = (await peer.barrier('CHN-028')).find((frame) => frame.channel === channel);
      if (late !== undefined) fail('nothing after END', late.text, 'CHN-028');
    },
  },
  {
    id: 'CHN-029/client-each-state',
    requirements: ['CHN-029'],
    title: 'RESET is answered after END too',
    stimulus: 'The client has ended one channel, the server another; the server resets both.',
    expectation: 'A RESET(CHANNEL_CLOSED) arrives on each.',
    run: async (context) => {
      const { peer, client, channel } = await context.opened();
      const second = await client.open('test/echo');
      await peer.expect('OPEN', { channel: second });
      peer.sendOpened(second);
      await client.end(channel);
      await peer.expect('END', { channel });
      peer.send('END', { channel: second });
      for (const number of [channel, second]) {
        peer.send('RESET', { channel: number, fields: { code: 0x0404 } });
        const answer = await peer.expect('RESET', { channel: number, requirement: 'CHN-029' });
        answer.requireCode('CHANNEL_CLOSED', 'CHN-029');
      }
    },
  },
  {
    id: 'CHN-030/client-quiet-after-reset',
    requirements: ['CHN-030'],
    title: 'nothing follows the own RESET',
    stimulus: 'The client is asked to send a message that waits for credit, to reset the channel; then credit arrives.',
    expectation: 'After RESET nothing more arrives on the channel.',
    run: async (context) => {
      const parameters = [{ id: 'initial_message_credit', value: 0 }];
      const { peer, client, channel } = await context.opened('test/sink', { accept: { parameters } });
      client.send(channel, context.bytes(10));
      await client.reset(channel);
      await peer.expect('RESET', { channel, requirement: 'CHN-030' });
      peer.send('CREDIT', { channel, fields: { message_limit: 10, byte_limit: 2_000_000 } });
      const late = (await peer.barrier('CHN-030')).find((frame) => frame.channel === channel);
      if (late !== undefined) fail('nothing after RESET', late.text, 'CHN-030');
    },
  },
  {
    id: 'CHN-032/client-refused-alone',
    requirements: ['CHN-032'],
    title: 'a refused channel disturbs no other',
    stimulus: 'One channel is open, the next is refused; then a message arrives on the first.',
    expectation: 'The client reports the refusal with its code and delivers the message.',
    run: async (context) => {
      const { peer, client, channel } = await context.opened();
      const second = await client.open('test/refuse');
      await peer.expect('OPEN', { channel: second });
      peer.send('REFUSED', { channel: second, fields: { code: 0x0404, retry_after_ms: 0 } });
      assertEqual('code', (await client.expectEvent('refused', 'CHN-032')).code, 0x0404, 'CHN-032');
      peer.sendMessage(channel, Uint8Array.of(1));
      await client.expectEvent('message', 'CHN-032');
    },
  },
]);
