/** Section 13.3: how a TCP or TLS peer ends, and how it is ended. */
import { errorNamed } from '../../model/registry.ts';
import type { ClientPeer } from '../../peer/client-peer.ts';
import { fail } from '../../peer/failure.ts';
import type { RelayCase } from '../case.ts';
import { relayCases } from '../case.ts';
import type { Dialled, RelayContext } from '../relay-context.ts';
import { again, kept } from '../server/continuity/sessions.ts';
import type { Case } from './passing.ts';
import { answerReset, requireMessage, requireReset, requireSilence } from './passing.ts';

const CANCELLED = errorNamed('CANCELLED').code;

/** Applications of TCP and TLS peers, and how a message is written there. */
const PEERS: readonly {
  readonly slug: string;
  readonly application: string;
  readonly written: (text: string) => Buffer;
}[] = [
  { slug: 'stream', application: 'relay/stream', written: (text) => Buffer.from(text) },
  {
    slug: 'length16',
    application: 'relay/length16',
    written: (text) => Buffer.from(`\0${String.fromCharCode(text.length)}${text}`),
  },
  { slug: 'line', application: 'relay/line', written: (text) => Buffer.from(`${text}\n`) },
  {
    slug: 'tls',
    application: 'relay/tls',
    written: (text) => Buffer.from(`\0${String.fromCharCode(text.length)}${text}`),
  },
];

const halfCloseCases = PEERS.flatMap(({ slug, application, written }): readonly Case[] => [
  {
    id: `RLY-019/relay-${slug}`,
    requirements: ['RLY-019', 'RLY-016', 'RLY-020'],
    title: `END of the client ends the direction, and the other one goes on (${slug})`,
    stimulus:
      'The client sends a message and END, in one write. Behind the end of the direction the application end sends a message, and then ends too.',
    expectation:
      'The application end gets the message and the end of the direction; the client gets the message and END.',
    run: async (context) => {
      const { peer, channel, end } = await context.dialled(application);
      peer.sendTogether([
        peer.build('MESSAGE', { channel, flags: ['FIRST', 'LAST'], fields: { fragment: Buffer.from('last') } }),
        peer.build('END', { channel }),
      ]);
      await end.expectOctets(written('last'));
      await end.expectEnd('RLY-019');
      end.write(written('answer'));
      await requireMessage(peer, channel, Buffer.from('answer'), 'RLY-019');
      end.end();
      await peer.expect('END', { channel, requirement: 'RLY-020' });
      await peer.barrier();
    },
  },
  {
    id: `RLY-020/relay-${slug}`,
    requirements: ['RLY-020', 'RLY-016', 'RLY-019'],
    title: `the end of the direction of the application end is END, and the other one goes on (${slug})`,
    stimulus:
      'The application end sends a message and ends its direction, in one write. Behind END the client sends a message, and then END.',
    expectation:
      'The client gets the message and END; the application end gets the message and the end of the direction.',
    run: async (context) => {
      const { peer, channel, end } = await context.dialled(application);
      end.end(written('last'));
      await requireMessage(peer, channel, Buffer.from('last'), 'RLY-020');
      await peer.expect('END', { channel, requirement: 'RLY-020' });
      peer.sendMessage(channel, Buffer.from('answer'));
      await end.expectOctets(written('answer'), 'RLY-020');
      peer.send('END', { channel });
      await end.expectEnd('RLY-019');
      await peer.barrier();
    },
  },
  {
    id: `RLY-021/relay-${slug}`,
    requirements: ['RLY-021', 'RLY-036'],
    title: `a connection that is reset loses the channel, and nothing else (${slug})`,
    stimulus: 'The application end resets the connection of one of two channels of a client.',
    expectation: 'RESET(APPLICATION_LOST) arrives on that channel, and messages pass on the other one.',
    run: async (context) => {
      const dialled = await context.dialled(application);
      const other = await context.dialled(application, { on: dialled.peer });
      dialled.end.reset();
      await requireReset(dialled, 'APPLICATION_LOST', 'RLY-021');
      other.peer.sendMessage(other.channel, Buffer.from('on'));
      await other.end.expectOctets(written('on'), 'RLY-036');
    },
  },
  {
    id: `RLY-023/relay-${slug}-reset`,
    requirements: ['RLY-023'],
    title: `RESET of the client cuts the connection (${slug})`,
    stimulus: 'The client resets its channel.',
    expectation: 'The connection to the application end is cut, and the RESET is answered.',
    run: async (context) => {
      const { peer, channel, end } = await context.dialled(application);
      peer.send('RESET', { channel, fields: { code: CANCELLED } });
      await end.expectCut('RLY-023');
      const answer = await peer.expect('RESET', { channel, requirement: 'CHN-029' });
      answer.requireCode('CHANNEL_CLOSED', 'CHN-029');
    },
  },
]);

/** How a session of a client ends. */
const ENDINGS: readonly {
  readonly slug: string;
  readonly words: string;
  readonly end: (peer: ClientPeer) => Promise<void>;
}[] = [
  {
    slug: 'close',
    words: 'closes its session',
    end: async (peer) => {
      await peer.close();
    },
  },
  {
    slug: 'cut',
    words: 'loses its connection, in a session that ends with it',
    end: (peer) => {
      peer.destroy();
      return Promise.resolve();
    },
  },
  {
    slug: 'error',
    words: 'breaks a rule, so that its session ends',
    end: async (peer) => {
      peer.send('PING', { flags: 0x80 });
      await peer.expectViolation('FLAGS_INVALID');
    },
  },
];

const endingCases = ENDINGS.map(({ slug, words, end: finish }): Case => ({
  id: `RLY-023/relay-session-${slug}`,
  requirements: ['RLY-023'],
  title: `the connections of a client that ${words} are cut`,
  stimulus: `A client with two channels to TCP peers ${words}. Another client has a channel too.`,
  expectation: 'Both connections are cut, and that of the other client goes on.',
  run: async (context) => {
    const one = await context.dialled('relay/stream');
    const two = await context.dialled('relay/length16', { on: one.peer });
    const other = await context.dialled('relay/stream');
    await finish(one.peer);
    await one.end.expectCut('RLY-023');
    await two.end.expectCut('RLY-023');
    other.peer.sendMessage(other.channel, Buffer.from('on'));
    await other.end.expectOctets(Buffer.from('on'), 'RLY-036');
  },
}));

/** A channel to a TCP peer in a session that outlives its connection. */
async function keptDialled(context: RelayContext, application = 'relay/stream'): Promise<Dialled> {
  return context.dialled(application, { on: await kept(context) });
}

/** Section 13.3, what becomes of connections. */
export const socketEnds: readonly RelayCase[] = relayCases([
  ...halfCloseCases,
  ...endingCases,
  {
    id: 'RLY-020/relay-closes-at-once',
    requirements: ['RLY-020', 'RLY-005'],
    title: 'an application end that ends at once has ended its direction',
    stimulus: 'The application end accepts the connection and ends its direction, without an octet.',
    expectation: 'The channel is opened, and END arrives.',
    run: async (context) => {
      const peer = await context.established();
      const { channel, end } = await context.dial(peer, 'relay/stream');
      end.end();
      await peer.expect('OPENED', { channel, requirement: 'RLY-005' });
      await peer.expect('END', { channel, requirement: 'RLY-020' });
    },
  },
  {
    id: 'RLY-019/relay-end-alone',
    requirements: ['RLY-019', 'RLY-020'],
    title: 'END without a message ends the direction',
    stimulus: 'The client sends END right behind OPENED; then the application end ends too.',
    expectation: 'The application end sees the end of the direction and no octet; the client gets END.',
    run: async (context) => {
      const { peer, channel, end } = await context.dialled('relay/length16');
      peer.send('END', { channel });
      await end.expectEnd('RLY-019');
      end.end();
      await peer.expect('END', { channel, requirement: 'RLY-020' });
      await peer.barrier();
    },
  },
  {
    id: 'RLY-021/relay-reset-after-end',
    requirements: ['RLY-021'],
    title: 'a connection that is reset behind the END of the client loses the channel',
    stimulus:
      'The client sends END. When the application end has seen the end of the direction, it resets the connection.',
    expectation: 'RESET(APPLICATION_LOST) arrives.',
    run: async (context) => {
      const dialled = await context.dialled('relay/stream');
      dialled.peer.send('END', { channel: dialled.channel });
      await dialled.end.expectEnd('RLY-019');
      dialled.end.reset();
      await requireReset(dialled, 'APPLICATION_LOST', 'RLY-021');
    },
  },
  {
    id: 'RLY-021/relay-reset-after-its-end',
    requirements: ['RLY-021'],
    title: 'a connection that is reset behind its own end loses the channel',
    stimulus:
      'The application end ends its direction. When the client has END, the application end resets the connection, and the client sends a message.',
    expectation: 'RESET(APPLICATION_LOST) arrives.',
    run: async (context) => {
      const dialled = await context.dialled('relay/stream');
      const { peer, channel, end } = dialled;
      end.end();
      await peer.expect('END', { channel, requirement: 'RLY-020' });
      end.reset();
      peer.sendMessage(channel, Buffer.from('too late'));
      await requireReset(dialled, 'APPLICATION_LOST', 'RLY-021');
    },
  },
  {
    id: 'RLY-022/relay-not-again',
    requirements: ['RLY-022', 'RLY-021'],
    title: 'a channel whose application end was lost is not connected again',
    stimulus:
      'The application end resets the connection in the middle of an exchange; the client sends two more messages before it has seen that.',
    expectation: 'RESET(APPLICATION_LOST) arrives, and the next connection that comes is that of another channel.',
    run: async (context) => {
      const peer = await context.established();
      await context.withoutConnection(peer, 'RLY-022', async () => {
        const { channel } = context.ask(peer, 'relay/stream');
        const end = context.keepSocket(await context.ends.tcp.next());
        await peer.expect('OPENED', { channel });
        peer.sendMessage(channel, Buffer.from('one'));
        await end.expectOctets(Buffer.from('one'));
        end.reset();
        peer.sendMessage(channel, Buffer.from('two'));
        peer.sendMessage(channel, Buffer.from('three'));
        await requireReset({ peer, channel }, 'APPLICATION_LOST', 'RLY-021');
      });
    },
  },
  {
    id: 'RLY-022/relay-not-again-after-resumption',
    requirements: ['RLY-022'],
    title: 'a channel goes on over the same connection when the client has another one',
    stimulus:
      'A client with a channel to a TCP peer loses its own connection and attaches its session to another one. Then messages pass.',
    expectation: 'The application end keeps its connection, and gets each octet once.',
    run: async (context) => {
      const { peer, channel, end } = await keptDialled(context);
      peer.sendMessage(channel, Buffer.from('before '));
      await end.expectOctets(Buffer.from('before '));
      await peer.expectAck();
      peer.destroy();
      const next = await again(context, peer);
      next.sendMessage(channel, Buffer.from('after'));
      await end.expectOctets(Buffer.from('after'), 'RLY-022');
      end.write(Buffer.from('answer'));
      await requireMessage(next, channel, Buffer.from('answer'), 'RLY-022');
    },
  },
  {
    id: 'RLY-023/relay-detached',
    requirements: ['RLY-023', 'CNT-013'],
    title: 'a client that has only lost its connection keeps its application end',
    stimulus:
      'A client with a resumable session loses its connection. The application end sends meanwhile, and the client comes back.',
    expectation: 'The client gets what was sent meanwhile, and the application end has seen no end.',
    run: async (context) => {
      const { peer, channel, end } = await keptDialled(context);
      peer.destroy();
      end.write(Buffer.from('meanwhile'));
      const next = await again(context, peer);
      await requireMessage(next, channel, Buffer.from('meanwhile'), 'RLY-023');
      end.expectNothing('RLY-023');
    },
  },
  {
    id: 'RLY-023/relay-resumable-session-ends',
    requirements: ['RLY-023', 'RLY-034'],
    title: 'the end of a session that could be resumed cuts its connections too',
    stimulus: 'A client with a resumable session detaches in order, attaches again, and then closes the session.',
    expectation: 'The connection stays while the session is detached, and is cut when it has ended.',
    run: async (context) => {
      const { peer, end } = await keptDialled(context);
      await peer.detach();
      const next = await again(context, peer);
      await next.barrier();
      end.expectNothing('CNT-013');
      await next.close();
      await end.expectCut('RLY-023');
    },
  },
  {
    id: 'CHN-029/relay-reset-crosses',
    requirements: ['CHN-029', 'CHN-030'],
    title: 'a RESET of the client that crosses the loss of the application end is answered once',
    stimulus: 'The application end resets its connection; the client resets the channel without having read anything.',
    expectation: 'Exactly one RESET arrives, and nothing on the channel after it.',
    run: async (context) => {
      const dialled = await context.dialled('relay/stream');
      const { peer, channel, end } = dialled;
      end.reset();
      peer.send('RESET', { channel, fields: { code: CANCELLED } });
      await peer.expect('RESET', { channel, requirement: 'CHN-029' });
      await requireSilence({ ...dialled }, 'CHN-030');
    },
  },
  {
    id: 'RLY-036/relay-many-fail',
    requirements: ['RLY-036'],
    title: 'application ends that fail one after the other disturb nobody',
    stimulus:
      'A client has a channel over a trunk. Eight channels of another client to TCP peers are reset by these, one after the other.',
    expectation:
      'RESET(APPLICATION_LOST) arrives on each of the eight, and messages pass on the first in both directions.',
    run: async (context) => {
      const led = await context.led();
      const other = await context.established({ as: 'client-2' });
      for (let n = 0; n < 8; n += 1) {
        const dialled = await context.dialled('relay/stream', { on: other });
        dialled.end.reset();
        const reset = await other.expect('RESET', { channel: dialled.channel, requirement: 'RLY-021' });
        reset.requireCode('APPLICATION_LOST', 'RLY-021');
        answerReset(other, dialled.channel);
      }
      led.peer.sendMessage(led.channel, Buffer.from('on'));
      if (Buffer.from(await led.end.receive()).toString() !== 'on') fail('the message', 'another one', 'RLY-036');
      await other.barrier('RLY-036');
    },
  },
]);
