import { assertEqual, assertThat, fail } from '../../peer/failure.ts';
import type { ServerPeer } from '../../peer/server-peer.ts';
import type { ClientCase } from '../case.ts';
import { clientCases } from '../case.ts';
import type { Coming } from './continuity-sessions.ts';
import {
  again,
  attach,
  comes,
  cutAndAgain,
  deliver,
  expectDelivered,
  kept,
  keptOpen,
  small,
} from './continuity-sessions.ts';

type Case = Omit<ClientCase, 'role'>;

const FEATURES = ['resumption'];

/** How an attempt whose CONNECT was read comes to nothing. */
const FAILURES: readonly { readonly slug: string; readonly words: string; readonly end: (peer: ServerPeer) => void }[] =
  [
    { slug: 'cut', words: 'cuts the connection', end: (peer) => peer.destroy() },
    { slug: 'busy', words: 'answers REJECT(BUSY)', end: (peer) => peer.sendReject('BUSY') },
    {
      slug: 'shutting-down',
      words: 'answers REJECT(SHUTTING_DOWN)',
      end: (peer) => peer.sendReject('SHUTTING_DOWN'),
    },
    {
      slug: 'half-accept',
      words: 'sends half of an ACCEPT and cuts the connection',
      end: (peer) => peer.sendPartAndCut(peer.buildAccept(), 40),
    },
  ];

const failureCases = FAILURES.map(({ slug, words, end }): Case => ({
  id: `CNT-018/client-after-${slug}`,
  requirements: ['CNT-018', 'CNT-020'],
  title: `the number of an attempt that came to nothing is not used again (${slug})`,
  stimulus: `The connection is lost. At the first and at the second attempt to attach the session the server ${words}; the third one it accepts.`,
  expectation: 'The attempts have the numbers 1, 2 and 3, and each states epoch 1, the only one that was accepted.',
  features: FEATURES,
  run: async (context) => {
    const met = await kept(context);
    met.peer.destroy();
    let coming: Coming | undefined;
    for (const attempt of [1, 2, 3]) {
      coming = await comes(context, met, 'CNT-018');
      assertEqual('attempt', coming.connect.integer('attempt'), BigInt(attempt), 'CNT-018');
      assertEqual('epoch', coming.connect.integer('epoch'), 1n, 'CNT-020');
      if (attempt < 3) end(coming.peer);
    }
    if (coming !== undefined) await attach(coming);
  },
}));

/** How much of what the server sends is complete when the connection is lost. */
const HELD: readonly {
  readonly slug: string;
  readonly words: string;
  readonly whole: number;
  readonly part: number;
}[] = [
  { slug: 'nothing-more', words: 'nothing', whole: 0, part: 0 },
  { slug: 'one-message', words: 'one message', whole: 1, part: 0 },
  { slug: 'five-messages', words: 'five messages', whole: 5, part: 0 },
  { slug: 'half-a-frame', words: 'two messages and all but the last octet of a third', whole: 2, part: 16 },
  { slug: 'half-a-header', words: 'two messages and half of the header of a third', whole: 2, part: 8 },
];

const heldCases = HELD.map(({ slug, words, whole, part }): Case => ({
  id: `CNT-006/client-states-${slug}`,
  requirements: ['CNT-006', 'CNT-030'],
  title: `the cursor in CONNECT is that of the last whole frame (${slug})`,
  stimulus: `On an open channel the server sends ${words}, and the connection is lost. The rest is sent again on the next one, with one message more.`,
  expectation:
    'CONNECT states the number of the last frame that came whole, and the client delivers each message once, in order.',
  features: FEATURES,
  run: async (context) => {
    const met = await keptOpen(context);
    const messages = small(whole + (part > 0 ? 1 : 0));
    deliver(met.peer, met.channel, messages.slice(0, whole));
    await met.peer.barrier('CNT-006');
    const last = messages[whole];
    if (last === undefined) met.peer.destroy();
    else
      met.peer.sendPartAndCut(
        met.peer.build('MESSAGE', { channel: met.channel, flags: ['FIRST', 'LAST'], fields: { fragment: last } }),
        part,
      );
    for (const message of messages.slice(0, whole)) await expectDelivered(met.client, message, 'CHN-015');
    const coming = await comes(context, met);
    assertEqual('receive_cursor', coming.connect.integer('receive_cursor'), BigInt(1 + whole), 'CNT-006');
    const { peer } = await attach(coming);
    const more = Uint8Array.of(99);
    peer.sendMessage(met.channel, more);
    if (last !== undefined) await expectDelivered(met.client, last, 'CNT-030');
    await expectDelivered(met.client, more, 'CNT-030');
  },
}));

/** What CONNECT in mode resume states (section 12.4), and how the client comes to it. */
export const continuityConnect: readonly ClientCase[] = clientCases([
  {
    id: 'CNT-020/client-names-the-session',
    requirements: ['CNT-020', 'CNT-018'],
    title: 'the client asks for its session by what ACCEPT said',
    stimulus: 'The server cuts the connection of a resumable session without a word.',
    expectation:
      'The client connects again and asks, in mode resume, for the session id of ACCEPT, with epoch 1, attempt 1 and receive cursor 0.',
    features: FEATURES,
    run: async (context) => {
      const met = await kept(context);
      met.peer.destroy();
      const { connect } = await comes(context, met, 'CNT-020');
      const id = Buffer.from(met.peer.session?.id ?? []).toString('hex');
      assertEqual('session_id', Buffer.from(connect.bytes('session_id')).toString('hex'), id, 'CNT-020');
      assertEqual('epoch', connect.integer('epoch'), 1n, 'CNT-020');
      assertEqual('attempt', connect.integer('attempt'), 1n, 'CNT-018');
      assertEqual('receive_cursor', connect.integer('receive_cursor'), 0n, 'CNT-006');
    },
  },
  {
    id: 'CNT-018/client-counts-on',
    requirements: ['CNT-018', 'CNT-020'],
    title: 'each attempt has the next number, and states the epoch of the last ACCEPT',
    stimulus: 'The connection is lost three times, and each time the server accepts the next one with the next epoch.',
    expectation: 'The attempts have the numbers 1, 2 and 3 and state the epochs 1, 2 and 3.',
    features: FEATURES,
    run: async (context) => {
      let met = await keptOpen(context);
      for (const number of [1n, 2n, 3n]) {
        met.peer.destroy();
        const coming = { ...met, ...(await comes(context, met, 'CNT-018')) };
        assertEqual('attempt', coming.connect.integer('attempt'), number, 'CNT-018');
        assertEqual('epoch', coming.connect.integer('epoch'), number, 'CNT-020');
        met = await attach(coming);
      }
    },
  },
  {
    id: 'CNT-018/client-before-connect',
    requirements: ['CNT-018'],
    title: 'attempts that end before CONNECT do not lead to a number that was used',
    stimulus:
      'The connection is lost. The next two connections are cut: one before CHALLENGE, and one after CONNECT was read. Then the server accepts.',
    expectation: 'The number of the last attempt is greater than that of the one before.',
    features: FEATURES,
    run: async (context) => {
      const met = await kept(context);
      met.peer.destroy();
      (await context.next(met.listener)).destroy();
      const seen = await comes(context, met, 'CNT-018');
      seen.peer.destroy();
      const last = await comes(context, met, 'CNT-018');
      const [first, second] = [seen, last].map(({ connect }) => Number(connect.integer('attempt')));
      const right = first !== undefined && second !== undefined && first >= 1 && second > first && second <= 3;
      assertThat(right, 'a greater number at the last attempt', `${first ?? '?'}, then ${second ?? '?'}`, 'CNT-018');
      await attach(last);
    },
  },
  ...failureCases,
  {
    id: 'CNT-020/client-lost-accept',
    requirements: ['CNT-020', 'CNT-018'],
    title: 'an ACCEPT that was lost does not count',
    stimulus:
      'The connection is lost. The server raises the epoch to 2 for the first attempt, but its ACCEPT is lost with the connection; the second attempt it accepts with epoch 3.',
    expectation: 'The second attempt still states epoch 1, and the session goes on with epoch 3.',
    features: FEATURES,
    run: async (context) => {
      const met = await keptOpen(context);
      met.peer.destroy();
      const lost = await comes(context, met, 'CNT-020');
      lost.peer.destroy();
      const coming = { ...met, ...(await comes(context, met, 'CNT-020')) };
      assertEqual('epoch', coming.connect.integer('epoch'), 1n, 'CNT-020');
      await attach(coming, { fields: { epoch: 3 } });
      if (coming.peer.session !== undefined) coming.peer.session.epoch = 3n;
      coming.peer.destroy();
      const next = await comes(context, coming, 'CNT-020');
      assertEqual('epoch', next.connect.integer('epoch'), 3n, 'CNT-020');
      await attach(next);
    },
  },
  {
    id: 'CNT-020/client-epoch-jumps',
    requirements: ['CNT-020', 'CNT-031'],
    title: 'an epoch may be raised by more than one from the view of the client',
    stimulus: 'A resumption is accepted with an epoch of 4,294,967,296; then the connection is lost again.',
    expectation: 'The client takes it, and states this epoch at its next attempt.',
    features: FEATURES,
    run: async (context) => {
      const met = await kept(context);
      met.peer.destroy();
      const first = await attach(await comes(context, met), { fields: { epoch: 0x1_0000_0000 } });
      if (first.peer.session !== undefined) first.peer.session.epoch = 0x1_0000_0000n;
      first.peer.destroy();
      const second = await comes(context, first);
      assertEqual('epoch', second.connect.integer('epoch'), 0x1_0000_0000n, 'CNT-020');
      await attach(second);
    },
  },
  ...heldCases,
  {
    id: 'CNT-006/client-states-what-it-acknowledged',
    requirements: ['CNT-006', 'CNT-025'],
    title: 'the cursor in CONNECT is not below what was acknowledged',
    stimulus: 'The server sends ten messages, waits until all are acknowledged, and cuts the connection.',
    expectation: 'CONNECT states the cursor that was acknowledged.',
    features: FEATURES,
    run: async (context) => {
      const met = await keptOpen(context);
      deliver(met.peer, met.channel, small(10));
      await met.peer.expectAck();
      met.peer.destroy();
      const { connect } = await comes(context, met);
      assertEqual('receive_cursor', connect.integer('receive_cursor'), met.peer.nextSeq - 1n, 'CNT-006');
    },
  },
  {
    id: 'TLS-005/client-resumption',
    requirements: ['TLS-005'],
    title: 'a session is resumed over a full TLS handshake',
    stimulus: 'The server offers session tickets of TLS, and the connection of a resumable session is lost.',
    expectation: 'The ClientHello of the next connection offers no TLS resumption and no early data.',
    features: FEATURES,
    run: async (context) => {
      const met = await kept(context);
      met.peer.destroy();
      const attempt = await met.listener.nextAttempt();
      if (attempt.hello === undefined) fail('a readable ClientHello', 'none', 'TLS-005');
      assertEqual('pre_shared_key offered', attempt.hello.pskOffered, false, 'TLS-005');
      assertEqual('early_data offered', attempt.hello.earlyDataOffered, false, 'TLS-005');
      if (attempt.type === 'connected') attempt.peer.destroy();
    },
  },
  {
    id: 'EST-011/client-fresh-nonce-for-a-resumption',
    requirements: ['EST-011', 'EST-001'],
    title: 'each CONNECT has a nonce of its own',
    stimulus: 'The connection of a resumable session is lost twice.',
    expectation: 'The three CONNECTs have three different nonces, each signed over its own connection.',
    features: FEATURES,
    run: async (context) => {
      const first = await kept(context);
      const second = await cutAndAgain(context, first);
      const third = await cutAndAgain(context, second);
      const nonces = [first, second, third].map(({ connect }) =>
        Buffer.from(connect.bytes('client_nonce')).toString('hex'),
      );
      assertEqual('different nonces', new Set(nonces).size, 3, 'EST-011');
    },
  },
  {
    id: 'EST-013/client-resume-is-quiet',
    requirements: ['EST-013', 'CNT-019'],
    title: 'nothing follows CONNECT in mode resume before ACCEPT',
    stimulus:
      'The client has messages that wait for a connection. The server reads CONNECT in mode resume, sends ACCEPT and then looks at what came in between.',
    expectation: 'The messages come behind ACCEPT, in order.',
    features: FEATURES,
    run: async (context) => {
      const met = await keptOpen(context, 'test/sink');
      met.peer.destroy();
      const coming = await comes(context, met);
      for (const message of small(3)) met.client.send(met.channel, message);
      await met.client.ask({ do: 'describe', protocol: 1 });
      const early = coming.peer.log.entries.filter(
        ({ direction, text }) => direction === 'received' && !/^CONNECT/.test(text),
      );
      assertEqual('frames behind CONNECT', early.length, 0, 'EST-013');
      const { peer } = await attach(coming);
      for (const message of small(3)) {
        const frame = await peer.expect('MESSAGE', { channel: met.channel, requirement: 'CNT-030' });
        assertEqual('message', frame.bytes('fragment')[0], message[0], 'CHN-015');
      }
    },
  },
  {
    id: 'CNT-013/client-keeps-its-channels',
    requirements: ['CNT-013'],
    title: 'channels stay as they are when a connection is lost',
    stimulus:
      'Three channels are open: one is ended by the client, one by the server, one by nobody. The connection is lost and replaced.',
    expectation: 'Each channel goes on in the state in which it was.',
    features: FEATURES,
    run: async (context) => {
      const met = await keptOpen(context, 'test/sink');
      const { client, peer, channel } = met;
      const others: number[] = [];
      for (let count = 0; count < 2; count += 1) {
        const other = await client.open('test/sink');
        await peer.expect('OPEN', { channel: other });
        peer.sendOpened(other);
        await client.expectEvent('opened');
        others.push(other);
      }
      const [endedHere = 0, endedThere = 0] = others;
      await client.end(endedHere);
      await peer.expect('END', { channel: endedHere });
      peer.send('END', { channel: endedThere });
      await client.expectEvent('ended');
      const next = await cutAndAgain(context, met);
      // The half that is left of each, and both halves of the third.
      next.peer.sendMessage(endedHere, Uint8Array.of(1));
      await expectDelivered(client, Uint8Array.of(1), 'CNT-013');
      client.send(endedThere, Uint8Array.of(2));
      await next.peer.expect('MESSAGE', { channel: endedThere, requirement: 'CNT-013' });
      client.send(channel, Uint8Array.of(3));
      await next.peer.expect('MESSAGE', { channel, requirement: 'CNT-013' });
      next.peer.sendMessage(channel, Uint8Array.of(4));
      await expectDelivered(client, Uint8Array.of(4), 'CNT-013');
    },
  },
  {
    id: 'CNT-013/client-survives-ten-cuts',
    requirements: ['CNT-013', 'CNT-030'],
    title: 'a session outlives ten connections',
    stimulus: 'Ten times a message goes each way and the connection is cut.',
    expectation: 'Each message arrives once, and the session is the same.',
    features: FEATURES,
    estimateMs: 300,
    run: async (context) => {
      let met = await keptOpen(context);
      const { client, channel } = met;
      for (const message of small(10)) {
        client.send(channel, message);
        const frame = await met.peer.expect('MESSAGE', { channel, requirement: 'CNT-030' });
        assertEqual('message', frame.bytes('fragment')[0], message[0], 'CNT-030');
        met.peer.sendMessage(channel, message);
        await expectDelivered(client, message, 'CNT-030');
        met.peer.destroy();
        met = await again(context, met);
      }
    },
  },
]);
