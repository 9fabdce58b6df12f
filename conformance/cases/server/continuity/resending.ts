import type { ClientPeer } from '../../../peer/client-peer.ts';
import { assertEqual, fail } from '../../../peer/failure.ts';
import type { ReceivedFrame } from '../../../peer/received-frame.ts';
import type { ServerCase } from '../../case.ts';
import { serverCases } from '../../case.ts';
import type { ServerContext } from '../../server-context.ts';
import { expectExactly } from '../client-frames.ts';
import { sourceMessage, sourceRequest } from '../message-flow.ts';
import { again, kept, keptOpen, requireCount, requireEcho, requireMessage } from './sessions.ts';

type NewCase = Omit<ServerCase, 'role'>;

const CANCELLED = 0x0403;
const CHANNEL_CLOSED = 0x0405;

/** Demands these frames again, octet for octet, before any other sequenced one. */
async function expectSame(peer: ClientPeer, frames: readonly ReceivedFrame[]): Promise<void> {
  for (const former of frames) {
    const frame = await peer.next(`again ${former.text}`, 'nothing else', { requirement: 'CNT-030' });
    if (Buffer.compare(frame.octets, former.octets) !== 0) fail(`again ${former.text}`, frame.text, 'CNT-030');
  }
}

/** Demands that nothing sequenced comes by itself. */
async function expectNothingAgain(peer: ClientPeer): Promise<void> {
  const wrong = (await peer.barrier('CNT-030')).find(({ seq }) => seq > 0n);
  if (wrong !== undefined) fail('nothing that the client holds', wrong.text, 'CNT-030');
}

/** A session in which the server has sent OPENED and five messages. */
async function six(
  context: ServerContext,
): Promise<{ readonly peer: ClientPeer; readonly channel: number; readonly frames: readonly ReceivedFrame[] }> {
  const peer = await kept(context, { acknowledge: false });
  const channel = peer.sendOpen('test/echo');
  const frames = [await peer.expect('OPENED', { channel })];
  for (let n = 0; n < 5; n += 1) {
    peer.sendMessage(channel, context.bytes(20 + n));
    frames.push(await peer.expect('MESSAGE', { channel }));
  }
  return { peer, channel, frames };
}

const partCases = [0, 1, 2, 5, 6].flatMap((held): NewCase[] =>
  (['cut', 'moved'] as const).map((way): NewCase => ({
    id: `CNT-030/${held}-of-6-${way}`,
    requirements: ['CNT-030', 'CNT-010'],
    title: `what the client does not hold is sent again, and nothing else (${held} of 6, ${way})`,
    stimulus: `The server has sent OPENED and five messages, none acknowledged. The client resumes the session, ${way === 'cut' ? 'whose connection is lost,' : 'while the former connection exists,'} with cursor ${held}; then it sends a message.`,
    expectation: `${6 - held} frames come again with the numbers and octets that they had, in order, before anything new.`,
    run: async (context) => {
      const { peer, channel, frames } = await six(context);
      if (way === 'cut') peer.destroy();
      const next = await again(context, peer, { receiveCursor: BigInt(held) });
      next.sendMessage(channel, context.bytes(3));
      await expectSame(next, frames.slice(held));
      const fresh = await next.expect('MESSAGE', { channel, requirement: 'CNT-030' });
      assertEqual('number of the new message', fresh.seq, 7n, 'WIR-010');
      await expectNothingAgain(next);
    },
  })),
);

const ackedCases: readonly NewCase[] = [
  {
    id: 'CNT-030/acknowledged-is-not-sent-again',
    requirements: ['CNT-030'],
    title: 'what was acknowledged is not sent again',
    stimulus:
      'The server has sent six frames, all acknowledged by ACK. The connection is lost and the session resumed with cursor 6.',
    expectation: 'Nothing comes again.',
    run: async (context) => {
      const { peer, channel } = await six(context);
      peer.sendAck(6n);
      await peer.barrier();
      peer.destroy();
      const next = await again(context, peer);
      await expectNothingAgain(next);
      await requireEcho(next, channel, context.bytes(3), 'CNT-030');
    },
  },
  {
    id: 'CNT-010/again-and-again',
    requirements: ['CNT-010', 'CNT-030'],
    title: 'what is not acknowledged is sent again each time',
    stimulus:
      'The server has sent six frames. The client resumes the session four times with cursor 2, each time losing the connection when it has read what came again.',
    expectation: 'The same four frames come each time.',
    run: async (context) => {
      const { peer: first, frames } = await six(context);
      let peer = first;
      for (let n = 0; n < 4; n += 1) {
        peer.destroy();
        peer = await again(context, peer, { receiveCursor: 2n });
        await expectSame(peer, frames.slice(2));
      }
    },
  },
  {
    id: 'CNT-010/partly-acknowledged',
    requirements: ['CNT-010', 'CNT-030'],
    title: 'an ACK of a part lets the rest be sent again',
    stimulus:
      'The server has sent six frames, of which the client acknowledges three. It resumes the session with cursor 3.',
    expectation: 'The last three frames come again.',
    run: async (context) => {
      const { peer, frames } = await six(context);
      peer.sendAck(3n);
      await peer.barrier();
      peer.destroy();
      const next = await again(context, peer, { receiveCursor: 3n });
      await expectSame(next, frames.slice(3));
      await expectNothingAgain(next);
    },
  },
  {
    id: 'CNT-010/after-close',
    requirements: ['CNT-010', 'CNT-030'],
    title: 'a CLOSE without END_SESSION acknowledges only what it states',
    stimulus:
      'The server has sent six frames. The client ends the connection with CLOSE, which keeps the session and states that it holds four, and resumes with cursor 4.',
    expectation: 'The last two frames come again.',
    run: async (context) => {
      const { peer, frames } = await six(context);
      peer.sendClose('NO_ERROR', { flags: [], fields: { receive_cursor: 4n } });
      await peer.expectWhere('CLOSE', ({ name }) => name === 'CLOSE', { requirement: 'CNT-015' });
      await peer.expectEnd('SES-012');
      const next = await again(context, peer, { receiveCursor: 4n });
      await expectSame(next, frames.slice(4));
    },
  },
  {
    id: 'CNT-030/several-channels',
    requirements: ['CNT-030'],
    title: 'frames of several channels come again in the order in which they were sent',
    stimulus:
      'Messages on three channels are returned in turn, none acknowledged. The session is resumed with cursor 3.',
    expectation: 'All frames beyond it come again, in the order and with the numbers that they had.',
    run: async (context) => {
      const peer = await kept(context, { acknowledge: false });
      const channels = [await peer.open('test/echo'), await peer.open('test/echo'), await peer.open('test/echo')];
      const frames: ReceivedFrame[] = [];
      for (const channel of [...channels, ...channels.toReversed(), ...channels]) {
        peer.sendMessage(channel, context.bytes(11));
        frames.push(await peer.expect('MESSAGE', { channel }));
      }
      peer.destroy();
      const next = await again(context, peer, { receiveCursor: 3n });
      await expectSame(next, frames);
      for (const channel of channels) await requireEcho(next, channel, context.bytes(5), 'CNT-030');
    },
  },
  ...[1, 2, 3, 4].map((frames): NewCase => ({
    id: `CNT-030/lost-after-fragment-${frames}`,
    requirements: ['CNT-030'],
    title: `a message of the server survives the loss of the connection (after ${frames} fragments)`,
    stimulus: `test/source sends two messages of 200000 octets; the connection is cut when the client has read OPENED and ${frames} fragments. Then the session is resumed.`,
    expectation: 'Both messages come whole.',
    run: async (context) => {
      const peer = await kept(context);
      peer.cutAfter({ frames: frames + 1 });
      peer.sendOpen('test/source', sourceRequest(2, 200_000));
      const begun: Uint8Array[] = [];
      for (;;) {
        const frame = await peer.nextOrEnd('a fragment');
        if (typeof frame === 'string') break;
        if (frame.name === 'MESSAGE') begun.push(frame.bytes('fragment'));
      }
      const next = await again(context, peer);
      let octets = begun.reduce((sum, { length }) => sum + length, 0);
      for (let ends = false; !ends;) {
        const frame = await next.expectWhere('MESSAGE or END', ({ name }) => name === 'MESSAGE' || name === 'END', {
          requirement: 'CNT-030',
        });
        ends = frame.name === 'END';
        if (!ends) {
          octets += frame.bytes('fragment').length;
          begun.push(frame.bytes('fragment'));
        }
      }
      assertEqual('octets', octets, 400_000, 'CNT-030');
      const whole = Buffer.concat([sourceMessage(0, 200_000), sourceMessage(1, 200_000)]);
      if (Buffer.compare(Buffer.concat(begun), whole) !== 0) fail('the messages of test/source', 'others', 'CNT-030');
    },
  })),
  ...[1, 16, 40, 3000].map((octets): NewCase => ({
    id: `CNT-030/cut-after-${octets}-octets`,
    requirements: ['CNT-030'],
    title: `a frame of which ${octets} octets had come is sent again whole`,
    stimulus: `The connection is cut when the client has read ${octets} octets of what test/source sends. Then the session is resumed.`,
    expectation: 'All ten messages of test/source come, each once.',
    run: async (context) => {
      const peer = await kept(context);
      const channel = peer.sendOpen('test/source', sourceRequest(10, 1000));
      peer.cutAfter({ octets });
      const begun = await framesUntilTheEnd(peer);
      const next = await again(context, peer);
      const got = begun.filter(({ name }) => name === 'MESSAGE').length;
      if (!begun.some(({ name }) => name === 'OPENED'))
        await next.expect('OPENED', { channel, requirement: 'CNT-030' });
      for (let n = got; n < 10; n += 1) await requireMessage(next, channel, sourceMessage(n, 1000), 'CNT-030');
      await next.expect('END', { channel, requirement: 'CNT-030' });
    },
  })),
];

/** Everything that comes until the connection is cut. */
async function framesUntilTheEnd(peer: ClientPeer): Promise<readonly ReceivedFrame[]> {
  const frames: ReceivedFrame[] = [];
  for (;;) {
    const frame = await peer.nextOrEnd('a frame, or the end');
    if (typeof frame === 'string') return frames;
    frames.push(frame);
  }
}

/** Frames of the client that are lost. */
const clientCases: readonly NewCase[] = [
  ...[0, 1, 4].map((arrived): NewCase => ({
    id: `CNT-030/${arrived}-of-4-arrived`,
    requirements: ['CNT-030', 'CNT-028'],
    title: `the cursor in ACCEPT says what the server holds (${arrived} of 4 messages)`,
    stimulus: `${arrived} of four messages of a client arrive before the connection is lost; the client sends again what ACCEPT does not cover.`,
    expectation: 'ACCEPT states the number of the last one that arrived, and test/sink counts four messages.',
    run: async (context) => {
      const { peer, channel } = await keptOpen(context, 'test/sink');
      for (let n = 0; n < arrived; n += 1) peer.sendMessage(channel, context.bytes(10));
      await peer.barrier();
      const last = peer.nextSeq - 1n;
      for (let n = arrived; n < 4; n += 1) {
        peer.lose(
          peer.build('MESSAGE', { channel, flags: ['FIRST', 'LAST'], fields: { fragment: context.bytes(10) } }),
        );
      }
      peer.destroy();
      const next = await again(context, peer);
      assertEqual('receive_cursor of ACCEPT', next.accept?.integer('receive_cursor'), last, 'CNT-028');
      await requireCount(next, channel, 4, 40, 'CNT-030');
    },
  })),
  ...[1, 15, 16, 17, 115].map((octets): NewCase => ({
    id: `CNT-030/${octets}-octets-of-a-frame`,
    requirements: ['CNT-030'],
    title: `${octets} octets of a frame that were received are forgotten`,
    stimulus: `The connection is cut when ${octets} of the 116 octets of a message have been sent; the client sends it again on the next connection.`,
    expectation: 'test/sink counts one message.',
    run: async (context) => {
      const { peer, channel } = await keptOpen(context, 'test/sink');
      const fragment = context.bytes(100);
      peer.sendPartAndCut(peer.build('MESSAGE', { channel, flags: ['FIRST', 'LAST'], fields: { fragment } }), octets);
      const next = await again(context, peer);
      await requireCount(next, channel, 1, 100, 'CNT-030');
    },
  })),
  {
    id: 'CNT-030/client-fragments',
    requirements: ['CNT-030', 'CNT-013'],
    title: 'a message of the client goes on over two resumptions',
    stimulus: 'A client sends the three fragments of a message each on another connection.',
    expectation: 'The message comes back whole.',
    run: async (context) => {
      const { peer: first, channel } = await keptOpen(context, 'test/echo');
      const message = context.bytes(300);
      let peer = first;
      for (const [at, flags] of [['FIRST'], [], ['LAST']].entries()) {
        if (at > 0) {
          peer.destroy();
          peer = await again(context, peer);
        }
        peer.send('MESSAGE', { channel, flags, fields: { fragment: message.subarray(at * 100, at * 100 + 100) } });
        if (at < 2) await peer.barrier('CNT-030');
      }
      await requireMessage(peer, channel, message, 'CNT-030');
    },
  },
];

interface State {
  readonly slug: string;
  /** Completes "A session is resumed with a channel ...". */
  readonly what: string;
  readonly expectation: string;
  readonly reach: (peer: ClientPeer) => Promise<number>;
  readonly after: (peer: ClientPeer, channel: number) => Promise<unknown>;
}

const CREDIT_OF_TWO = [{ id: 'initial_message_credit', value: 2 }];

const STATES: readonly State[] = [
  {
    slug: 'open',
    what: 'that is open',
    expectation: 'A message comes back, and then END.',
    reach: (peer) => peer.open('test/echo'),
    after: async (peer, channel) => {
      await requireEcho(peer, channel, peer.random(5), 'CNT-013');
      peer.send('END', { channel });
      await peer.expect('END', { channel, requirement: 'CNT-013' });
    },
  },
  {
    slug: 'half-closed-by-client',
    what: 'that the client has ended while messages of the server wait for credit',
    expectation: 'They come when the client has granted credit, and then END.',
    reach: async (peer) => {
      const channel = await peer.open('test/source', sourceRequest(4, 50));
      for (let n = 0; n < 2; n += 1) await requireMessage(peer, channel, sourceMessage(n, 50), 'CHN-015');
      peer.send('END', { channel });
      await peer.barrier();
      return channel;
    },
    after: async (peer, channel) => {
      peer.send('CREDIT', { channel, fields: { message_limit: 10, byte_limit: 1_048_576 } });
      for (let n = 2; n < 4; n += 1) await requireMessage(peer, channel, sourceMessage(n, 50), 'CNT-013');
      await peer.expect('END', { channel, requirement: 'CNT-013' });
    },
  },
  {
    slug: 'message-after-own-end',
    what: 'that the client has ended, and on which it sends a message nevertheless',
    expectation: 'The server ends the session with CLOSE(FRAME_UNEXPECTED).',
    reach: async (peer) => {
      const channel = await peer.open('test/source', sourceRequest(4, 50));
      for (let n = 0; n < 2; n += 1) await requireMessage(peer, channel, sourceMessage(n, 50), 'CHN-015');
      peer.send('END', { channel });
      await peer.barrier();
      return channel;
    },
    after: async (peer, channel) => {
      peer.sendMessage(channel, peer.random(4));
      await expectExactly(peer, 'FRAME_UNEXPECTED', 'CHN-003');
    },
  },
  {
    slug: 'half-closed-by-server',
    what: 'that the server has ended',
    expectation: 'Messages of the client are still taken, and after its END the channel is closed.',
    reach: async (peer) => {
      const channel = await peer.open('test/identity');
      await peer.expect('MESSAGE', { channel });
      await peer.expect('END', { channel });
      return channel;
    },
    after: async (peer, channel) => {
      peer.sendMessage(channel, peer.random(5));
      peer.send('END', { channel });
      await peer.barrier('CNT-013');
      peer.send('END', { channel });
      await expectExactly(peer, 'FRAME_UNEXPECTED', 'CHN-003');
    },
  },
  {
    slug: 'reset-by-server',
    what: 'that the server has reset and the client has not answered',
    expectation: 'Messages of the client are discarded, and its RESET closes the channel.',
    reach: async (peer) => {
      const channel = await peer.open('test/reset');
      peer.sendMessage(channel, peer.random(5));
      await peer.expect('RESET', { channel });
      return channel;
    },
    after: async (peer, channel) => {
      peer.sendMessage(channel, peer.random(5));
      peer.send('RESET', { channel, fields: { code: CHANNEL_CLOSED } });
      await peer.barrier('CNT-013');
      peer.sendMessage(channel, peer.random(5));
      await expectExactly(peer, 'FRAME_UNEXPECTED', 'CHN-003');
    },
  },
  {
    slug: 'closed',
    what: 'that is closed',
    expectation: 'The channel stays closed: OPEN with its number gets CLOSE(CHANNEL_INVALID).',
    reach: async (peer) => {
      const channel = await peer.open('test/echo');
      peer.send('END', { channel });
      await peer.expect('END', { channel });
      return channel;
    },
    after: async (peer, channel) => {
      peer.send('OPEN', { channel, fields: { nonce: peer.random(32), application: 'test/echo', parameters: [] } });
      await expectExactly(peer, 'CHANNEL_INVALID', 'CHN-002');
    },
  },
  {
    slug: 'refused',
    what: 'that was refused',
    expectation: 'The next channel has the number after it.',
    reach: async (peer) => {
      const channel = peer.sendOpen('test/refuse');
      await peer.expect('REFUSED', { channel });
      return channel;
    },
    after: async (peer) => {
      const channel = await peer.open('test/echo');
      await requireEcho(peer, channel, peer.random(5), 'CNT-013');
    },
  },
];

const stateCases = STATES.map(({ slug, what, expectation, reach, after }): NewCase => ({
  id: `CNT-013/channel-${slug}`,
  requirements: ['CNT-013', 'CNT-030'],
  title: `a channel ${what} stays as it is`,
  stimulus: `A session is resumed with a channel ${what}.`,
  expectation,
  run: async (context) => {
    const peer = await kept(context, { parameters: CREDIT_OF_TWO });
    const channel = await context.dependency('the state of the channel', () => reach(peer));
    peer.destroy();
    await after(await again(context, peer), channel);
  },
}));

interface Answer {
  readonly name: string;
  /** Completes "The server ...". */
  readonly what: string;
  readonly cause: (peer: ClientPeer) => Promise<number>;
}

const ANSWERS: readonly Answer[] = [
  { name: 'OPENED', what: 'takes a channel', cause: (peer) => Promise.resolve(peer.sendOpen('test/echo')) },
  { name: 'REFUSED', what: 'refuses a channel', cause: (peer) => Promise.resolve(peer.sendOpen('test/refuse')) },
  {
    name: 'END',
    what: 'answers END',
    cause: async (peer) => {
      const channel = await peer.open('test/echo');
      peer.send('END', { channel });
      return channel;
    },
  },
  {
    name: 'RESET',
    what: 'answers RESET',
    cause: async (peer) => {
      const channel = await peer.open('test/echo');
      peer.send('RESET', { channel, fields: { code: CANCELLED } });
      return channel;
    },
  },
  {
    name: 'OUTCOME',
    what: 'gives its verdict',
    cause: async (peer) => {
      const channel = await peer.open('test/outcome', undefined, [{ id: 'outcomes', value: 1 }]);
      peer.sendMessage(channel, Uint8Array.of(0, 7, 1));
      return channel;
    },
  },
];

const answerCases = ANSWERS.map(({ name, what, cause }): NewCase => ({
  id: `CNT-030/lost-${name.toLowerCase()}`,
  requirements: ['CNT-030', 'CNT-010'],
  title: `${name} that was lost comes again`,
  stimulus: `The server ${what}, and the client resumes the session as if it had not read ${name}.`,
  expectation: `The same ${name} comes again, and nothing else.`,
  ...(name === 'OUTCOME' ? { features: ['outcomes'] } : {}),
  run: async (context) => {
    const peer = await kept(context, { acknowledge: false });
    const channel = await cause(peer);
    const frame = await peer.expectWhere(name, (found) => found.name === name, { channel });
    peer.destroy();
    const next = await again(context, peer, { receiveCursor: frame.seq - 1n });
    await expectSame(next, [frame]);
    await expectNothingAgain(next);
  },
}));

const FIRST_CREDIT = { message_limit: 64, byte_limit: 1_048_576 };

const creditCases: readonly NewCase[] = [
  {
    id: 'CNT-033/restated',
    requirements: ['CNT-033'],
    title: 'credit beyond the initial one is stated again',
    stimulus:
      'A client sends to test/sink until it has been granted more than the channel started with. The connection is lost and the session resumed.',
    expectation: 'CREDIT comes at once, with limits that are not lower than the ones that were granted.',
    run: async (context) => {
      const { peer, channel } = await keptOpen(context, 'test/sink');
      const initial = peer.serverParameter('initial_message_credit');
      const octets = peer.serverParameter('initial_byte_credit');
      const { messages, bytes } = await used(peer, channel, initial, octets);
      peer.destroy();
      const next = await again(context, peer);
      const frames = await next.barrier('CNT-033');
      const credit = frames.find(({ name }) => name === 'CREDIT');
      if (credit === undefined) fail('CREDIT at once after the resumption', 'none before PONG', 'CNT-033');
      const restated = [credit.integer('message_limit'), credit.integer('byte_limit')];
      if (credit.channel !== channel || (restated[0] ?? 0n) < messages || (restated[1] ?? 0n) < bytes) {
        fail(`limits of at least ${messages} and ${bytes}`, credit.text, 'CNT-033');
      }
    },
  },
  {
    id: 'CNT-033/each-time',
    requirements: ['CNT-033'],
    title: 'credit is stated again after each resumption',
    stimulus: 'As before, and the session is resumed three times.',
    expectation: 'CREDIT comes at once each time.',
    run: async (context) => {
      const { peer: first, channel } = await keptOpen(context, 'test/sink');
      await used(
        first,
        channel,
        first.serverParameter('initial_message_credit'),
        first.serverParameter('initial_byte_credit'),
      );
      let peer = first;
      for (let n = 0; n < 3; n += 1) {
        peer.destroy();
        peer = await again(context, peer);
        const frames = await peer.barrier('CNT-033');
        if (!frames.some(({ name }) => name === 'CREDIT')) fail('CREDIT at once', 'none before PONG', 'CNT-033');
      }
    },
  },
  {
    id: 'CNT-034/equal',
    requirements: ['CNT-034'],
    title: 'a first CREDIT that raises no limit is in order after a resumption',
    stimulus: 'After each of two resumptions a client states its limits on two channels, as they were.',
    expectation: 'The session goes on.',
    run: async (context) => {
      const { peer: first, channel } = await keptOpen(context, 'test/echo');
      const channels = [channel, await first.open('test/echo')];
      let peer = first;
      for (let n = 0; n < 2; n += 1) {
        peer.destroy();
        peer = await again(context, peer);
        for (const each of channels) peer.send('CREDIT', { channel: each, fields: FIRST_CREDIT });
        await peer.barrier('CNT-034');
        for (const each of channels) await requireEcho(peer, each, context.bytes(4), 'CNT-034');
      }
    },
  },
  ...[
    { slug: 'second-equal', what: 'a second CREDIT that raises no limit', before: FIRST_CREDIT },
    {
      slug: 'equal-after-a-raise',
      what: 'a CREDIT that raises no limit, behind one that does',
      before: { message_limit: 65, byte_limit: 1_048_577 },
    },
  ].map(({ slug, what, before }): NewCase => ({
    id: `CNT-034/${slug}`,
    requirements: ['CNT-034', 'CHN-022'],
    title: `${what} is an error`,
    stimulus: `After a resumption, ${what} comes on the same channel.`,
    expectation: 'The server ends the session with CLOSE(CREDIT_INVALID).',
    run: async (context) => {
      const { peer, channel } = await keptOpen(context, 'test/echo');
      peer.destroy();
      const next = await again(context, peer);
      next.send('CREDIT', { channel, fields: before });
      await next.barrier('CNT-034');
      next.send('CREDIT', { channel, fields: before });
      await expectExactly(next, 'CREDIT_INVALID', 'CHN-022');
    },
  })),
  {
    id: 'CNT-034/new-channel',
    requirements: ['CNT-034', 'CHN-022'],
    title: 'on a channel that is younger than the resumption each CREDIT has to raise a limit',
    stimulus: 'After a resumption a client opens a channel and sends a CREDIT on it that raises no limit.',
    expectation: 'The server ends the session with CLOSE(CREDIT_INVALID).',
    run: async (context) => {
      const peer = await kept(context);
      peer.destroy();
      const next = await again(context, peer);
      const channel = await next.open('test/echo');
      next.send('CREDIT', { channel, fields: FIRST_CREDIT });
      await expectExactly(next, 'CREDIT_INVALID', 'CHN-022');
    },
  },
];

/** Sends small messages until CREDIT comes, and returns the limits that it grants. */
async function used(
  peer: ClientPeer,
  channel: number,
  limit: number,
  octets: number,
): Promise<{ readonly messages: bigint; readonly bytes: bigint }> {
  let credit: ReceivedFrame | undefined;
  const size = Math.max(1, Math.min(1024, Math.floor(octets / Math.max(1, limit))));
  for (let n = 0; n < limit && credit === undefined; n += 1) {
    peer.sendMessage(channel, new Uint8Array(size));
    if (n % 16 === 15 || n === limit - 1) credit = (await peer.barrier()).find(({ name }) => name === 'CREDIT');
  }
  credit ??= await peer.next('CREDIT', 'CREDIT', { channel, requirement: 'CHN-024' });
  const later = (await peer.barrier()).findLast(({ name }) => name === 'CREDIT') ?? credit;
  return { messages: later.integer('message_limit'), bytes: later.integer('byte_limit') };
}

/** What is sent again after a resumption, and what becomes of channels and their credit. */
export const continuityResending: readonly ServerCase[] = serverCases([
  ...partCases,
  ...ackedCases,
  ...clientCases,
  ...stateCases,
  ...answerCases,
  ...creditCases,
]);
