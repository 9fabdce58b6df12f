/** Chapters 2 to 12 on each leg: a relay is a server toward its clients, and a client toward Hawser application ends. */
import { registry } from '../../model/registry.ts';
import type { ClientPeer } from '../../peer/client-peer.ts';
import { assertEqual, assertThat, fail } from '../../peer/failure.ts';
import type { ChannelEnd } from '../../peer/ends/channel-end.ts';
import type { ServerPeer } from '../../peer/server-peer.ts';
import type { RelayCase } from '../case.ts';
import { relayCases } from '../case.ts';
import type { Asked } from '../relay-context.ts';
import { SHARED_APPLICATION, SOLO_APPLICATION } from '../relay-context.ts';
import type { Case } from './passing.ts';
import {
  JUDGED,
  numbered,
  passesBothWays,
  requireMessage,
  requireRefused,
  requireReset,
  requireSame,
  requireSilence,
} from './passing.ts';

/** What an application end can do wrong on a trunk. */
const WRONG_ON_TRUNK: readonly {
  readonly slug: string;
  readonly words: string;
  readonly code: string;
  readonly requirement: string;
  readonly act: (peer: ServerPeer, end: ChannelEnd) => void;
}[] = [
  {
    slug: 'sequence',
    words: 'leaves out a sequence number',
    code: 'SEQUENCE_INVALID',
    requirement: 'WIR-012',
    act: (peer, end) => {
      const seq = peer.nextSeq + 1n;
      peer.send('MESSAGE', {
        channel: end.channel,
        flags: ['FIRST', 'LAST'],
        seq,
        fields: { fragment: Uint8Array.of(1) },
      });
    },
  },
  {
    slug: 'unknown-frame',
    words: 'sends a frame of an unknown type that may not be ignored',
    code: 'FRAME_UNKNOWN',
    requirement: 'WIR-005',
    act: (peer) => {
      peer.sendRaw({ type: 0x77 });
    },
  },
  {
    slug: 'flags',
    words: 'sends a flag that is not defined',
    code: 'FLAGS_INVALID',
    requirement: 'WIR-007',
    act: (_, end) => {
      end.send('MESSAGE', { flags: 0x83, fields: { fragment: Uint8Array.of(1) } });
    },
  },
  {
    slug: 'opened-twice',
    words: 'sends OPENED twice',
    code: 'FRAME_UNEXPECTED',
    requirement: 'CHN-003',
    act: (_, end) => {
      end.sendOpened();
    },
  },
  {
    slug: 'channel',
    words: 'sends MESSAGE on a channel that was never opened',
    code: 'CHANNEL_INVALID',
    requirement: 'CHN-003',
    act: (peer) => {
      peer.send('MESSAGE', { channel: 4000, flags: ['FIRST', 'LAST'], fields: { fragment: Uint8Array.of(1) } });
    },
  },
  {
    slug: 'credit-lowered',
    words: 'lowers its credit',
    code: 'CREDIT_INVALID',
    requirement: 'CHN-022',
    act: (_, end) => {
      end.send('CREDIT', { fields: { message_limit: 0, byte_limit: 0 } });
    },
  },
  {
    slug: 'fragment',
    words: 'sends a fragment that continues nothing',
    code: 'FRAGMENT_INVALID',
    requirement: 'CHN-013',
    act: (_, end) => {
      end.send('MESSAGE', { flags: [], fields: { fragment: Uint8Array.of(1) } });
    },
  },
  {
    slug: 'outcome',
    words: 'gives a verdict where none is asked for',
    code: 'OUTCOME_INVALID',
    requirement: 'CNT-041',
    act: (_, end) => {
      end.judge(1);
    },
  },
  {
    slug: 'message-after-end',
    words: 'sends a message behind END',
    code: 'FRAME_UNEXPECTED',
    requirement: 'CHN-003',
    act: (_, end) => {
      end.send('END');
      end.sendMessage(Uint8Array.of(1));
    },
  },
  {
    slug: 'parameter',
    words: 'takes a channel with a critical parameter that nobody knows',
    code: 'PARAMETER_UNKNOWN',
    requirement: 'WIR-022',
    act: (peer, end) => {
      const parameters = [{ id: 0x7001, value: Uint8Array.of(1) }];
      peer.send('OPENED', { channel: end.channel + 1, fields: { parameters } });
    },
  },
  {
    slug: 'open-signature',
    words: 'signs OPENED without having asked for proof',
    code: 'PARAMETER_INVALID',
    requirement: 'RLY-048',
    act: (peer, end) => {
      const parameters = [{ id: 'open_signature', value: new Uint8Array(66) }];
      peer.send('OPENED', { channel: end.channel + 1, fields: { parameters } });
    },
  },
];

const wrongCases = WRONG_ON_TRUNK.map(({ slug, words, code, requirement, act }): Case => ({
  id: `${requirement}/relay-trunk-${slug}`,
  requirements: [requirement, 'RLY-001', 'RLY-021', 'RLY-036'],
  title: `an application end that ${words} loses its trunk, and nobody else does`,
  stimulus: `An application end ${words}. A client has an open channel on that trunk, one that is not answered yet, and one elsewhere.`,
  expectation: `The relay ends the trunk with CLOSE(${code}); RESET(APPLICATION_LOST) and REFUSED arrive at the client, whose channel elsewhere goes on. Nothing of the wrong frame passes.`,
  estimateMs: 200,
  run: async (context) => {
    await context.solo(async (solo) => {
      const elsewhere = await context.led();
      const { peer } = elsewhere;
      const open = context.ask(peer, SOLO_APPLICATION);
      await solo.accept();
      const end = await solo.forwarded();
      end.sendOpened();
      await peer.expect('OPENED', { channel: open.channel });
      const opening = context.ask(peer, SOLO_APPLICATION);
      await solo.forwarded();
      act(solo.trunk.peer, end);
      const close = await solo.trunk.peer.expect('CLOSE', { requirement });
      close.requireCode(code, requirement);
      solo.trunk.peer.socket.end();
      await requireReset(open, 'APPLICATION_LOST', 'RLY-021');
      await peer.expect('REFUSED', { channel: opening.channel, requirement: 'RLY-033' });
      await passesBothWays(elsewhere, 'RLY-036');
    });
  },
}));

/** What a client can do wrong. */
const WRONG_CLIENTS: readonly {
  readonly slug: string;
  readonly words: string;
  readonly code: string;
  readonly requirement: string;
  readonly act: (peer: ClientPeer, channel: number) => void;
}[] = [
  {
    slug: 'sequence',
    words: 'leaves out a sequence number',
    code: 'SEQUENCE_INVALID',
    requirement: 'WIR-012',
    act: (peer, channel) => {
      const fields = { fragment: Uint8Array.of(1) };
      peer.send('MESSAGE', { channel, flags: ['FIRST', 'LAST'], seq: peer.nextSeq + 1n, fields });
    },
  },
  {
    slug: 'number',
    words: 'leaves out a channel number',
    code: 'CHANNEL_INVALID',
    requirement: 'CHN-002',
    act: (peer) => {
      peer.send('OPEN', { channel: 77, fields: { nonce: new Uint8Array(32), application: SHARED_APPLICATION } });
    },
  },
  {
    slug: 'credit',
    words: 'goes beyond its credit',
    code: 'CREDIT_EXCEEDED',
    requirement: 'CHN-021',
    act: (peer, channel) => {
      const count = peer.serverParameter('initial_message_credit') + 1;
      // More messages at once than the relay can have granted in between.
      const frames = Array.from({ length: 3 * count }, () =>
        peer.build('MESSAGE', { channel, flags: ['FIRST', 'LAST'], fields: { fragment: new Uint8Array(0) } }),
      );
      peer.sendTogether(frames);
    },
  },
  {
    slug: 'malformed',
    words: 'sends an OPEN with an octet too many',
    code: 'FRAME_MALFORMED',
    requirement: 'WIR-015',
    act: (peer, channel) => {
      peer.send('OPEN', {
        channel: channel + 1,
        fields: { nonce: new Uint8Array(32), application: SHARED_APPLICATION },
        trailing: Uint8Array.of(0),
      });
    },
  },
  {
    slug: 'before-opened',
    words: 'sends a message before OPENED',
    code: 'FRAME_UNEXPECTED',
    requirement: 'CHN-003',
    act: (peer, channel) => {
      peer.send('OPEN', {
        channel: channel + 1,
        fields: { nonce: peer.random(32), application: 'test/never-answered' },
      });
      peer.sendMessage(channel + 1, Uint8Array.of(1));
    },
  },
];

const clientCases = WRONG_CLIENTS.map(({ slug, words, code, requirement, act }): Case => ({
  id: `${requirement}/relay-client-${slug}`,
  requirements: [requirement, 'RLY-001', 'RLY-036'],
  title: `a client that ${words} loses its session, and nobody else does`,
  stimulus: `A client with an open channel ${words}; another client shares the trunk.`,
  expectation: `CLOSE(${code}) arrives at the client, RESET(CANCELLED) at its application end, and the channel of the other client goes on.`,
  run: async (context) => {
    const other = await context.led({ as: 'client-2' });
    const led = await context.led();
    act(led.peer, led.channel);
    const close = await led.peer.expectViolation(code, { requirement, probe: false });
    close.requireCode(code, requirement);
    for (;;) {
      const frame = await led.end.next('RESET', '*', { requirement: 'RLY-034' });
      if (frame.name === 'MESSAGE') continue;
      if (frame.name !== 'RESET') fail('RESET(CANCELLED)', frame.text, 'RLY-034');
      frame.requireCode('CANCELLED', 'RLY-034');
      break;
    }
    await passesBothWays(other, 'RLY-036');
  },
}));

/** Chapters 2 to 12 at a relay. */
export const legs: readonly RelayCase[] = relayCases([
  ...wrongCases,
  ...clientCases,
  {
    id: 'RLY-001/relay-audience',
    requirements: ['RLY-001', 'EST-009'],
    title: 'the relay asks for the server that its route names',
    stimulus: 'The relay makes a trunk session.',
    expectation:
      "CONNECT has the application end's identity as its audience, in mode new, signed with the relay's own key.",
    run: async (context) => {
      await context.solo(async (solo) => {
        context.ask(await context.established(), SOLO_APPLICATION);
        const connect = await solo.accept();
        assertEqual('audience', connect.string('audience'), context.kit.index.serverIdentity, 'RLY-001');
        assertEqual('mode', connect.integer('mode'), 0n, 'RLY-001');
      });
    },
  },
  {
    id: 'RLY-001/relay-own-identity',
    requirements: ['RLY-001', 'RLY-008'],
    title: 'the relay presents itself on its trunks, and nobody else',
    stimulus: 'Two clients open channels over a trunk.',
    expectation: "The certificate on the trunk is the relay's own.",
    run: async (context) => {
      await context.solo(async (solo) => {
        context.ask(await context.established(), SOLO_APPLICATION);
        await solo.accept();
        const names = solo.trunk.peer.socket.getPeerX509Certificate()?.subjectAltName ?? '';
        assertThat(
          names.includes(`URI:${context.target.identity}`),
          `a certificate of ${context.target.identity}`,
          names,
          'RLY-001',
        );
      });
    },
  },
  {
    id: 'RLY-001/relay-one-trunk',
    requirements: ['RLY-001', 'RLY-036'],
    title: 'a second session is not made while the first is being made',
    stimulus:
      'Five clients open a channel each at the same time, for which there is no trunk yet. The application end accepts whatever sessions come.',
    expectation: 'All five are opened, and messages pass.',
    estimateMs: 300,
    run: async (context) => {
      await context.solo(async (solo) => {
        const peers = await Promise.all(Array.from({ length: 5 }, () => context.established()));
        const asked = peers.map((peer) => context.ask(peer, SOLO_APPLICATION));
        await solo.accept();
        for (let n = 0; n < asked.length; n += 1) {
          const end = await solo.forwarded();
          const own = asked.find(({ open }) => Buffer.compare(open, end.open) === 0);
          if (own === undefined) fail('an OPEN of one of the clients', end.forward.text, 'RLY-006');
          end.sendOpened();
          await own.peer.expect('OPENED', { channel: own.channel });
          await passesBothWays({ ...own, end }, 'RLY-036');
        }
      });
    },
  },
  {
    id: 'SES-004/relay-both-legs',
    requirements: ['SES-004', 'SES-006', 'RLY-026'],
    title: 'PING is answered on each leg, whatever the other one does',
    stimulus:
      'The trunk waits for an answer that does not come, and the client for OPENED. Both ends send three PINGs.',
    expectation: 'Each PING is answered with its data, in order.',
    run: async (context) => {
      await context.solo(async (solo) => {
        const peer = await context.established();
        context.ask(peer, SOLO_APPLICATION);
        await solo.accept();
        await solo.forwarded();
        for (let n = 0; n < 3; n += 1) {
          await peer.barrier('SES-004');
          await solo.trunk.barrier('SES-004');
        }
      });
    },
  },
  {
    id: 'CHN-009/relay-limit-of-the-trunk',
    requirements: ['CHN-009', 'RLY-032'],
    title: 'a trunk that grants few channels makes BUSY of the others',
    stimulus: 'The application end grants two channels, and refuses a third with CHANNEL_LIMIT if it is asked for one.',
    expectation:
      'The third client gets REFUSED(BUSY) at once, or OPENED when one of the two is over; never CHANNEL_LIMIT.',
    estimateMs: 300,
    run: async (context) => {
      await context.solo(async (solo) => {
        const peer = await context.established();
        const asked = [context.ask(peer, SOLO_APPLICATION)];
        await solo.accept({ channels: 2 });
        const first = await solo.forwarded();
        first.sendOpened();
        asked.push(context.ask(peer, SOLO_APPLICATION));
        (await solo.forwarded()).sendOpened();
        for (const { channel } of asked) await peer.expect('OPENED', { channel });
        const third = context.ask(peer, SOLO_APPLICATION);
        await peer.barrier();
        await solo.trunk.barrier();
        const come = solo.ends[2];
        if (come !== undefined) come.refuse('CHANNEL_LIMIT');
        else first.reset('APPLICATION_ERROR');
        const answer = await peer
          .expectWhere(
            'REFUSED(BUSY) or OPENED',
            ({ name, channel }) => channel === third.channel && (name === 'REFUSED' || name === 'OPENED'),
            { requirement: 'RLY-032' },
          )
          .catch(async (error: unknown) => {
            // It may have waited for the trunk, which now has room.
            const late = solo.ends[2];
            if (late === undefined) throw error;
            late.sendOpened();
            return peer.expect('OPENED', { channel: third.channel, requirement: 'RLY-032' });
          });
        if (answer.name === 'REFUSED') answer.requireCode('BUSY', 'RLY-032');
      });
    },
  },
  {
    id: 'WIR-002/relay-any-division',
    requirements: ['WIR-002', 'RLY-006', 'RLY-016'],
    title: 'frames may come octet by octet on each leg',
    stimulus: 'The client sends OPEN and a message octet by octet, the application end OPENED and a message.',
    expectation: 'Each arrives at the other end as it was sent.',
    estimateMs: 300,
    run: async (context) => {
      await context.solo(async (solo) => {
        const peer = await context.established();
        const nonce = context.bytes(32);
        const open = peer.build('OPEN', { channel: 1, fields: { nonce, application: SOLO_APPLICATION } });
        await peer.sendChunks(open, new Array<number>(open.length).fill(1));
        await solo.accept();
        const end = await solo.forwarded();
        requireSame('open', end.open, open.subarray(registry.header.bytes), 'RLY-006');
        const trunk = solo.trunk.peer;
        const opened = trunk.build('OPENED', { channel: end.channel });
        await trunk.sendChunks(opened, new Array<number>(opened.length).fill(1));
        await peer.expect('OPENED', { channel: 1 });
        const message = context.bytes(20);
        const forth = peer.build('MESSAGE', { channel: 1, flags: ['FIRST', 'LAST'], fields: { fragment: message } });
        await peer.sendChunks(forth, new Array<number>(forth.length).fill(1));
        requireSame('the message', await end.receive(), message, 'RLY-016');
        const flags = ['FIRST', 'LAST'];
        const back = trunk.build('MESSAGE', { channel: end.channel, flags, fields: { fragment: message } });
        await trunk.sendChunks(back, new Array<number>(back.length).fill(1));
        await requireMessage(peer, 1, message, 'RLY-016');
      });
    },
  },
  {
    id: 'CHN-015/relay-large-both-ways',
    requirements: ['CHN-015', 'RLY-016', 'CHN-017'],
    title: 'messages of every size pass a trunk in both directions',
    stimulus: 'Client and application end send messages of 0, 1, 16,368, 16,369 and 60,000 octets.',
    expectation: 'Each arrives at the other end, complete and in order.',
    estimateMs: 200,
    run: async (context) => {
      const led = await context.led();
      led.end.grant(100, 1_000_000);
      for (const size of [0, 1, 16_368, 16_369, 60_000]) {
        const message = context.bytes(size);
        for (let at = 0; at === 0 || at < size; at += 16_368) {
          const flags = [...(at === 0 ? ['FIRST'] : []), ...(at + 16_368 >= size ? ['LAST'] : [])];
          const fields = { fragment: message.subarray(at, at + 16_368) };
          led.peer.send('MESSAGE', { channel: led.channel, flags, fields });
        }
        requireSame('the message', await led.end.receive(), message, 'CHN-015');
        await led.end.sendWithinCredit(message);
        await requireMessage(led.peer, led.channel, message, 'CHN-015');
      }
    },
  },
  {
    id: 'CHN-017/relay-larger-than-the-end-takes',
    requirements: ['CHN-017', 'RLY-017', 'RLY-036'],
    title: 'a message that is larger than the application end takes is not sent to it',
    stimulus: 'The application end takes messages of 1,024 octets. The client sends one of 1,024, and one of 1,025.',
    expectation:
      'The first arrives. For the second RESET(FRAMING_INVALID) arrives at both ends, and the trunk goes on.',
    run: async (context) => {
      await context.solo(async (solo) => {
        const peer = await context.established();
        const asked = context.ask(peer, SOLO_APPLICATION);
        await solo.accept({ challenge: [{ id: 'max_message_bytes', value: 1024 }] });
        const end = await solo.forwarded();
        end.sendOpened();
        await peer.expect('OPENED', { channel: asked.channel });
        const message = context.bytes(1024);
        peer.sendMessage(asked.channel, message);
        requireSame('the message', await end.receive(), message, 'RLY-016');
        peer.sendMessage(asked.channel, context.bytes(1025));
        await requireReset(asked, 'FRAMING_INVALID', 'RLY-017');
        const reset = await end.expect('RESET', { requirement: 'RLY-017' });
        reset.requireCode('FRAMING_INVALID', 'RLY-017');
        await solo.trunk.barrier('RLY-036');
      });
    },
  },
  {
    id: 'RLY-019/relay-trunk',
    requirements: ['RLY-019', 'RLY-020', 'RLY-001'],
    title: 'END passes a trunk behind everything before it, in each direction by itself',
    stimulus:
      'The client sends three messages and END in one write. Then the application end sends three messages and END.',
    expectation: 'Each end gets the three messages of the other and END, and nothing more.',
    run: async (context) => {
      const led = await context.led();
      const { peer, channel, end } = led;
      peer.sendTogether([
        ...numbered(3).map((fragment) =>
          peer.build('MESSAGE', { channel, flags: ['FIRST', 'LAST'], fields: { fragment } }),
        ),
        peer.build('END', { channel }),
      ]);
      for (const message of numbered(3)) requireSame('the message', await end.receive(), message, 'RLY-019');
      await end.expect('END', { requirement: 'RLY-019' });
      for (const message of numbered(3)) end.sendMessage(message);
      end.send('END');
      for (const message of numbered(3)) await requireMessage(peer, channel, message, 'RLY-020');
      await peer.expect('END', { channel, requirement: 'RLY-020' });
      await requireSilence(led, 'RLY-020');
      await end.expectNothing('RLY-019');
    },
  },
  {
    id: 'RLY-020/relay-trunk',
    requirements: ['RLY-020', 'RLY-019'],
    title: 'END of the application end first, and the client goes on',
    stimulus: 'The application end sends a message and END. Then the client sends three messages and END.',
    expectation: 'Each arrives at the other end, in order.',
    run: async (context) => {
      const { peer, channel, end } = await context.led();
      end.sendMessage(Uint8Array.of(9));
      end.send('END');
      await requireMessage(peer, channel, Uint8Array.of(9), 'RLY-020');
      await peer.expect('END', { channel, requirement: 'RLY-020' });
      for (const message of numbered(3)) peer.sendMessage(channel, message);
      peer.send('END', { channel });
      for (const message of numbered(3)) requireSame('the message', await end.receive(), message, 'RLY-019');
      await end.expect('END', { requirement: 'RLY-019' });
    },
  },
  {
    id: 'CHN-006/relay-identities-of-many',
    requirements: ['CHN-006', 'RLY-007', 'RLY-016', 'RLY-026'],
    title: 'what clients send is never mixed up',
    stimulus:
      'Six channels of three clients over one trunk carry twenty messages each way, all at once; each message says where it belongs.',
    expectation: 'Each end gets its own messages, in order, and none of anybody else.',
    estimateMs: 400,
    run: async (context) => {
      const peers = await Promise.all(
        (['client', 'client-2', 'clients/one-dns'] as const).map((as) => context.established({ as })),
      );
      const led = await Promise.all(
        [...peers, ...peers].map(async (peer) => {
          const asked = context.ask(peer, SHARED_APPLICATION);
          const end = await context.endOf(asked);
          end.sendOpened();
          end.grant(50, 100_000);
          return { ...asked, end };
        }),
      );
      for (const { peer, channel } of led) await peer.expect('OPENED', { channel });
      const text = (way: string, at: number, n: number): Uint8Array =>
        Buffer.from(`${way} of channel ${at}, number ${n}`);
      for (let n = 0; n < 20; n += 1) {
        for (const [at, { peer, channel, end }] of led.entries()) {
          peer.sendMessage(channel, text('forth', at, n));
          end.sendMessage(text('back', at, n));
        }
      }
      for (const [at, { peer, channel, end }] of led.entries()) {
        for (let n = 0; n < 20; n += 1) {
          requireSame('the message', await end.receive('CHN-006'), text('forth', at, n), 'CHN-006');
          await requireMessage(peer, channel, text('back', at, n), 'CHN-006');
        }
        await end.expectNothing('CHN-006');
      }
      // Behind everything: what comes before the answer to a PING is passed over, whichever channel it is on.
      for (const each of led) await requireSilence(each, 'CHN-006');
    },
  },
  {
    id: 'RLY-016/relay-tcp-clients-apart',
    requirements: ['RLY-016', 'RLY-003', 'RLY-022'],
    title: 'clients of one TCP peer have connections of their own',
    stimulus: 'Two clients open relay/stream; both send at the same time, and both connections answer.',
    expectation: 'Each connection carries the octets of one client, and each client gets the answer of its own.',
    run: async (context) => {
      const one = await context.dialled('relay/stream');
      const two = await context.dialled('relay/stream', { as: 'client-2' });
      for (const word of ['a', 'b', 'c']) {
        one.peer.sendMessage(one.channel, Buffer.from(`one ${word};`));
        two.peer.sendMessage(two.channel, Buffer.from(`two ${word};`));
      }
      await two.end.expectOctets(Buffer.from('two a;two b;two c;'));
      await one.end.expectOctets(Buffer.from('one a;one b;one c;'));
      two.end.write(Buffer.from('for two'));
      one.end.write(Buffer.from('for one'));
      await requireMessage(one.peer, one.channel, Buffer.from('for one'), 'RLY-016');
      await requireMessage(two.peer, two.channel, Buffer.from('for two'), 'RLY-016');
    },
  },
  {
    id: 'CHN-001/relay-many-in-a-row',
    requirements: ['CHN-001', 'CNT-060', 'CHN-005'],
    title: 'many channels one after the other leave nothing behind',
    stimulus:
      'A client opens a channel, exchanges a message and ends it in order, a hundred times; every tenth is reset, every fifteenth refused.',
    expectation: 'Each is led, and the last one works like the first.',
    estimateMs: 600,
    run: async (context) => {
      const peer = await context.established();
      for (let n = 1; n <= 100; n += 1) {
        const asked = context.ask(peer, SHARED_APPLICATION);
        const end = await context.endOf(asked);
        if (n % 15 === 0) {
          end.refuse('APPLICATION_ERROR');
          await requireRefused(asked, 'APPLICATION_ERROR', 'RLY-032');
          continue;
        }
        end.sendOpened();
        await peer.expect('OPENED', { channel: asked.channel });
        await passesBothWays({ ...asked, end }, 'RLY-016');
        if (n % 10 === 0) {
          end.reset('APPLICATION_ERROR');
          await requireReset(asked, 'APPLICATION_ERROR', 'RLY-032');
          continue;
        }
        peer.send('END', { channel: asked.channel });
        await end.expect('END');
        end.send('END');
        await peer.expect('END', { channel: asked.channel });
      }
    },
  },
  {
    id: 'SES-012/relay-trunk-close',
    requirements: ['SES-012', 'SES-029', 'RLY-001'],
    title: 'CLOSE of an application end is answered in order',
    stimulus: 'The application end ends an idle trunk session with CLOSE.',
    expectation: 'The relay answers with CLOSE(NO_ERROR) and END_SESSION, and ends its direction.',
    run: async (context) => {
      await context.solo(async (solo) => {
        context.ask(await context.established(), SOLO_APPLICATION);
        await solo.accept();
        (await solo.forwarded()).refuse('APPLICATION_ERROR');
        const { peer } = solo.trunk;
        peer.sendClose('NO_ERROR');
        const answer = await peer.expect('CLOSE', { requirement: 'SES-012' });
        answer.requireCode('NO_ERROR', 'SES-012');
        assertThat(answer.has('END_SESSION'), 'CLOSE with END_SESSION', answer.text, 'SES-012');
        await peer.expectEnd('SES-012');
      });
    },
  },
  {
    id: 'CNT-004/relay-trunk-that-is-not-kept',
    requirements: ['CNT-004', 'RLY-021', 'CNT-003'],
    title: 'a trunk that is granted no retention ends with its connection',
    stimulus: 'The application end grants no retention. Messages pass, and then the connection is cut.',
    expectation: 'No ACK arrives at the application end; RESET(APPLICATION_LOST) arrives at the client.',
    run: async (context) => {
      await context.solo(async (solo) => {
        const asked = context.ask(await context.established(), SOLO_APPLICATION);
        await solo.accept({ retentionMs: 0 });
        const end = await solo.forwarded();
        end.sendOpened();
        await asked.peer.expect('OPENED', { channel: asked.channel });
        await passesBothWays({ ...asked, end }, 'RLY-016');
        solo.cut();
        await requireReset(asked, 'APPLICATION_LOST', 'RLY-021');
      });
    },
  },
  {
    id: 'CHN-012/relay-interleaved',
    requirements: ['CHN-012', 'CHN-015', 'RLY-016'],
    title: 'frames of several channels in one read are told apart',
    stimulus:
      'A client opens three channels and sends a message on each, behind OPENED, in one write; one of the messages is spread over two of the others.',
    expectation: 'Each arrives at its own application end.',
    run: async (context) => {
      const peer = await context.established();
      const led = [await context.ledOn(peer), await context.ledOn(peer), await context.ledOn(peer)] as const;
      const part = (asked: Asked, flags: readonly string[], text: string): Uint8Array =>
        peer.build('MESSAGE', { channel: asked.channel, flags, fields: { fragment: Buffer.from(text) } });
      peer.sendTogether([
        part(led[0], ['FIRST'], 'first '),
        part(led[1], ['FIRST', 'LAST'], 'second'),
        part(led[0], [], 'and '),
        part(led[2], ['FIRST', 'LAST'], 'third'),
        part(led[0], ['LAST'], 'last'),
      ]);
      const expected = ['first and last', 'second', 'third'];
      for (const [at, { end }] of led.entries()) {
        requireSame('the message', await end.receive(), Buffer.from(expected[at] ?? ''), 'RLY-016');
      }
    },
  },
  {
    id: 'CNT-041/relay-trunk-beyond',
    requirements: ['CNT-041', 'RLY-054'],
    title: 'a verdict on a message that was not sent does not reach the client',
    stimulus: 'On a channel with outcomes the client sends one message; the application end judges two.',
    expectation:
      'The relay ends the trunk with CLOSE(OUTCOME_INVALID), and no OUTCOME on a second message arrives at the client.',
    run: async (context) => {
      await context.solo(async (solo) => {
        const asked = context.ask(await context.established(), SOLO_APPLICATION, { more: JUDGED });
        await solo.accept();
        const end = await solo.forwarded();
        end.sendOpened();
        await asked.peer.expect('OPENED', { channel: asked.channel });
        asked.peer.sendMessage(asked.channel, Uint8Array.of(1));
        await end.receive();
        end.judge(2);
        const close = await solo.trunk.peer.expect('CLOSE', { requirement: 'CNT-041' });
        close.requireCode('OUTCOME_INVALID', 'CNT-041');
        solo.trunk.peer.socket.end();
        await requireReset(asked, 'APPLICATION_LOST', 'RLY-021');
      });
    },
  },
  {
    id: 'RLY-050/relay-opened-unchanged',
    requirements: ['RLY-050'],
    title: 'nothing is added to OPENED or OPEN on the way',
    stimulus:
      'The application end takes channels with OPENED without parameters, with data, and with ignorable parameters.',
    expectation: 'Each OPENED arrives with exactly the octets that it was sent with.',
    run: async (context) => {
      const peer = await context.established();
      for (const parameters of [
        [],
        [{ id: 'application_data', value: context.bytes(30) }],
        [
          { id: 'application_data', value: new Uint8Array(4096) },
          { id: 0x801b, value: context.bytes(3) },
          { id: 0xfbfc, value: new Uint8Array(0) },
        ],
      ]) {
        const asked = context.ask(peer, SHARED_APPLICATION);
        const end = await context.endOf(asked);
        const sent = end.send('OPENED', { fields: { parameters } });
        const came = await peer.expect('OPENED', { channel: asked.channel, requirement: 'RLY-050' });
        requireSame('the payload of OPENED', came.payload, sent.subarray(registry.header.bytes), 'RLY-050');
      }
    },
  },
]);
