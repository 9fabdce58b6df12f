import { buildFrame } from '../../../model/codec.ts';
import type { ClientPeer } from '../../../peer/client-peer.ts';
import { fail } from '../../../peer/failure.ts';
import type { ServerCase } from '../../case.ts';
import { serverCases } from '../../case.ts';
import { again, keptOpen, refused, requireCount, requireEcho, requireStated } from './sessions.ts';

type NewCase = Omit<ServerCase, 'role'>;

const FIELDS = (peer: ClientPeer): { readonly fragment: Uint8Array } => ({ fragment: peer.random(7) });

interface Late {
  readonly slug: string;
  /** Completes "After the session has moved, ... comes on the former connection". */
  readonly what: string;
  readonly octets: (former: ClientPeer, channel: number) => Uint8Array;
}

const LATE: readonly Late[] = [
  {
    slug: 'message',
    what: 'a message with the number that is due',
    octets: (former, channel) => former.build('MESSAGE', { channel, flags: ['FIRST', 'LAST'], fields: FIELDS(former) }),
  },
  {
    slug: 'end',
    what: 'END with the number that is due',
    octets: (former, channel) => former.build('END', { channel }),
  },
  {
    slug: 'reset',
    what: 'RESET with the number that is due',
    octets: (former, channel) => former.build('RESET', { channel, fields: { code: 0x0403 } }),
  },
  {
    slug: 'open',
    what: 'OPEN of the next channel',
    octets: (former, channel) =>
      former.build('OPEN', {
        channel: channel + 1,
        fields: { nonce: former.random(32), application: 'test/sink', parameters: [] },
      }),
  },
  {
    slug: 'wrong-number',
    what: 'a message with a wrong number',
    octets: (former, channel) =>
      buildFrame('MESSAGE', { channel, seq: 77n, flags: ['FIRST', 'LAST'], fields: FIELDS(former) }),
  },
  {
    slug: 'ack',
    what: 'an ACK of frames that were not sent',
    octets: () => buildFrame('ACK', { fields: { receive_cursor: 50 } }),
  },
  {
    slug: 'credit',
    what: 'CREDIT that lowers the limits',
    octets: (_, channel) => buildFrame('CREDIT', { channel, fields: { message_limit: 0, byte_limit: 0 } }),
  },
  {
    slug: 'close',
    what: 'CLOSE with END_SESSION',
    octets: (former) =>
      buildFrame('CLOSE', {
        flags: ['END_SESSION'],
        fields: { code: 0, receive_cursor: former.receivedSeq, send_cursor: former.nextSeq - 1n },
      }),
  },
  {
    slug: 'close-with-wrong-cursors',
    what: 'CLOSE with cursors that are wrong',
    octets: () =>
      buildFrame('CLOSE', { flags: ['END_SESSION'], fields: { code: 0, receive_cursor: 99, send_cursor: 99 } }),
  },
  { slug: 'unknown', what: 'a frame of an unknown type', octets: () => Uint8Array.of(0x3f, ...new Uint8Array(15)) },
];

/** The former connection has ended, and with it everything that was sent on it was read. */
async function gone(former: ClientPeer): Promise<void> {
  former.socket.end();
  for (;;) {
    if (typeof (await former.nextOrEnd('the end of the former connection')) === 'string') return;
  }
}

const lateCases = LATE.map(({ slug, what, octets }): NewCase => ({
  id: `CNT-028/late-${slug}`,
  requirements: ['CNT-028', 'CNT-037'],
  title: `${what} on the former connection has no effect`,
  stimulus: `After the session has moved to another connection, ${what} comes on the former one.`,
  expectation:
    'The session goes on as if it had not come: test/sink counts the messages of the new connection, and nothing ends.',
  run: async (context) => {
    const { peer, channel } = await keptOpen(context, 'test/sink');
    peer.sendMessage(channel, context.bytes(10));
    const next = await again(context, peer);
    peer.sendOctets(octets(peer, channel));
    await gone(peer);
    await next.barrier('CNT-028');
    next.sendMessage(channel, context.bytes(5));
    await requireCount(next, channel, 2, 15, 'CNT-028');
    await next.barrier('CNT-028');
    const third = await again(context, next);
    await third.barrier('CNT-028');
  },
}));

const SPLITS = [0, 1, 12, 24].map((early): NewCase => ({
  id: `CNT-028/same-moment-${early}`,
  requirements: ['CNT-028', 'CNT-030'],
  title: `frames that are written in the same moment as CONNECT are processed once (${early} before it)`,
  stimulus: `A client writes 24 messages on its connection, ${early} of them well before CONNECT of a resumption and the others in the same moment, and sends again what ACCEPT does not cover.`,
  expectation: 'test/sink counts 24 messages.',
  run: async (context) => {
    const { peer, channel } = await keptOpen(context, 'test/sink');
    const next = await context.challenged();
    for (let n = 0; n < early; n += 1) peer.sendMessage(channel, context.bytes(10));
    if (early > 0) await peer.barrier();
    for (let n = early; n < 24; n += 1) peer.sendMessage(channel, context.bytes(10));
    next.sendResume(peer);
    await next.expectResumed();
    await requireCount(next, channel, 24, 240, 'CNT-028');
  },
}));

const otherCases: readonly NewCase[] = [
  {
    id: 'CNT-028/incomplete-frame',
    requirements: ['CNT-028', 'CNT-030'],
    title: 'the rest of a frame on the former connection has no effect',
    stimulus:
      'A client sends half of a message on its connection, resumes the session on another one, where it sends the message again, and then sends the other half on the former one.',
    expectation: 'test/sink counts one message.',
    run: async (context) => {
      const { peer, channel } = await keptOpen(context, 'test/sink');
      const frame = peer.build('MESSAGE', {
        channel,
        flags: ['FIRST', 'LAST'],
        fields: { fragment: context.bytes(100) },
      });
      const rest = peer.sendBeginning(frame, 60);
      const next = await again(context, peer);
      rest();
      await next.barrier('CNT-028');
      await requireCount(next, channel, 1, 100, 'CNT-028');
    },
  },
  {
    id: 'CNT-037/no-pong',
    requirements: ['CNT-037', 'CNT-028'],
    title: 'a PING on the former connection gets no answer',
    stimulus: 'After the session has moved to another connection, a PING comes on the former one.',
    expectation: 'The former connection ends with CLOSE, without a PONG.',
    run: async (context) => {
      const { peer } = await keptOpen(context, 'test/sink');
      const next = await again(context, peer);
      peer.sendOctets(buildFrame('PING', { fields: { data: context.bytes(8) } }));
      const answer = await peer.expectWhere('CLOSE', ({ name }) => name === 'CLOSE' || name === 'PONG', {
        requirement: 'CNT-029',
      });
      if (answer.name === 'PONG') fail('CLOSE and no PONG', answer.text, 'CNT-037');
      await next.barrier('CNT-037');
    },
  },
  {
    id: 'CNT-037/two-moves-back',
    requirements: ['CNT-037'],
    title: 'connections of all earlier epochs are without effect',
    stimulus: 'A session has moved twice. Then messages come on both former connections.',
    expectation: 'test/sink counts only what came on the third.',
    run: async (context) => {
      const { peer: first, channel } = await keptOpen(context, 'test/sink');
      const second = await again(context, first);
      const third = await again(context, second);
      for (const former of [first, second]) {
        const fields = { fragment: context.bytes(9) };
        former.sendOctets(former.build('MESSAGE', { channel, flags: ['FIRST', 'LAST'], fields }));
      }
      await third.barrier('CNT-037');
      third.sendMessage(channel, context.bytes(4));
      await requireCount(third, channel, 1, 4, 'CNT-037');
    },
  },
  {
    id: 'CNT-029/superseded',
    requirements: ['CNT-029'],
    title: 'the former connection ends with SUPERSEDED',
    stimulus: 'A client resumes its session while the former connection still exists.',
    expectation:
      'The former connection gets CLOSE(SUPERSEDED) without END_SESSION and, when the client has answered, ends in order; the session goes on.',
    run: async (context) => {
      const { peer, channel } = await keptOpen(context, 'test/echo');
      const next = await again(context, peer);
      await peer.expectDetached('SUPERSEDED', 'CNT-029');
      await requireEcho(next, channel, context.bytes(6), 'CNT-029');
    },
  },
  {
    id: 'CNT-029/five-times',
    requirements: ['CNT-029'],
    title: 'each former connection ends with SUPERSEDED',
    stimulus: 'A client moves its session five times, each time from a connection that still exists.',
    expectation: 'Each former connection gets CLOSE(SUPERSEDED) without END_SESSION.',
    run: async (context) => {
      const { peer: first, channel } = await keptOpen(context, 'test/echo');
      let peer = first;
      for (let n = 0; n < 5; n += 1) {
        const next = await again(context, peer);
        await peer.expectDetached('SUPERSEDED', 'CNT-029');
        await requireEcho(next, channel, context.bytes(6), 'CNT-029');
        peer = next;
      }
    },
  },
  {
    id: 'CNT-029/answered-with-end-session',
    requirements: ['CNT-029', 'CNT-037'],
    title: 'the answer on the former connection does not end the session',
    stimulus: 'A client answers CLOSE(SUPERSEDED) on the former connection with CLOSE and END_SESSION.',
    expectation: 'The session goes on where it is.',
    run: async (context) => {
      const { peer, channel } = await keptOpen(context, 'test/echo');
      const next = await again(context, peer);
      await peer.expectWhere('CLOSE', ({ name }) => name === 'CLOSE', { requirement: 'CNT-029' });
      peer.sendClose();
      await peer.expectEnd('SES-014');
      await requireEcho(next, channel, context.bytes(6), 'CNT-037');
      const third = await again(context, next);
      await requireEcho(third, channel, context.bytes(6), 'CNT-037');
    },
  },
  {
    id: 'CNT-029/ended-after-the-move',
    requirements: ['CNT-029', 'CNT-036'],
    title: 'a session that has moved is ended by its new connection',
    stimulus: 'A session has moved; its new connection is closed with END_SESSION, and the former one still hangs.',
    expectation: 'The session is over: a further resumption gets REJECT(SESSION_ENDED).',
    run: async (context) => {
      const { peer, channel } = await keptOpen(context, 'test/echo');
      const next = await again(context, peer);
      await requireEcho(next, channel, context.bytes(6), 'CNT-029');
      await next.close();
      const reject = await refused(context, next, 'SESSION_ENDED', 'CNT-036');
      requireStated(reject, { final_receive_cursor: next.nextSeq - 1n, final_send_cursor: next.receivedSeq });
    },
  },
];

/** A session that leaves a connection which still exists. */
export const continuityTakeover: readonly ServerCase[] = serverCases([...lateCases, ...SPLITS, ...otherCases]);
