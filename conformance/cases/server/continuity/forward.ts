/** FORWARD where the text speaks of OPEN in sessions that outlive their connections, and of outcomes. */
import { limit } from '../../../model/registry.ts';
import type { ClientPeer } from '../../../peer/client-peer.ts';
import { assertEqual, fail } from '../../../peer/failure.ts';
import type { ServerCase } from '../../case.ts';
import { serverCases } from '../../case.ts';
import { requireVerdicts } from '../../verdicts.ts';
import { expectExactly } from '../client-frames.ts';
import { FORWARD, forwarded, RELAY, requireRefused, requireTold } from '../forwarded.ts';
import { again, kept, requireEcho } from './sessions.ts';

type NewCase = Omit<ServerCase, 'role'>;

const CLIENT = 'spiffe://hawser.test/somebody';
const MAX_KEPT = limit('max_kept_answers');
const JUDGED = [{ id: 'outcomes', value: 1 }];

/** FORWARD for test/route, whose answer shows that nothing of it was lost or mixed up. */
const asks = (peer: ClientPeer): Uint8Array =>
  peer.build('FORWARD', { channel: peer.nextChannel++, fields: peer.forwardFields('test/route', { client: CLIENT }) });

/** Where the connection is cut. */
const CUTS: readonly {
  readonly slug: string;
  readonly words: string;
  readonly send: (peer: ClientPeer) => Promise<void>;
}[] = [
  {
    slug: 'before-it-arrives',
    words: 'before FORWARD has arrived',
    send: (peer) => {
      peer.lose(asks(peer));
      peer.destroy();
      return Promise.resolve();
    },
  },
  {
    slug: 'inside-of-it',
    words: 'when half of FORWARD has arrived',
    send: (peer) => {
      const frame = asks(peer);
      peer.sendPartAndCut(frame, Math.floor(frame.length / 2));
      return Promise.resolve();
    },
  },
  {
    slug: 'right-behind-it',
    words: 'right behind FORWARD',
    send: (peer) => {
      peer.cutAfterSending({ frames: 1 });
      peer.sendFrame(asks(peer));
      return Promise.resolve();
    },
  },
  {
    slug: 'behind-the-answer',
    words: 'when the answer has arrived, which is not acknowledged',
    send: async (peer) => {
      peer.sendFrame(asks(peer));
      await peer.expect('OPENED', { channel: 1 });
      peer.destroy();
      peer.receivedSeq = 0n;
    },
  },
];

const cutCases = CUTS.map(({ slug, words, send }): NewCase => ({
  id: `CNT-030/forward-cut-${slug}`,
  requirements: ['CNT-030', 'CNT-013', 'RLY-014'],
  title: `a FORWARD survives its connection, which is cut ${words}`,
  stimulus: `A relay sends FORWARD for test/route in a resumable session, and the connection is cut ${words}. The session is attached again.`,
  expectation:
    'OPENED arrives once, with what the application end was told; a FORWARD and an OPEN that follow are answered too.',
  features: FORWARD,
  run: async (context) => {
    const former = await kept(context, { as: RELAY, acknowledge: false });
    await send(former);
    const peer = await again(context, former, { connection: { as: RELAY } });
    await peer.expect('OPENED', { channel: 1, requirement: 'CNT-030' });
    const told = `${CLIENT}\n${context.kit.entry(RELAY).identity ?? ''}`;
    await requireTold({ peer, channel: 1 }, told, 'RLY-014');
    for (const channel of [peer.sendForward('test/echo'), peer.sendOpen('test/echo')]) {
      await peer.expect('OPENED', { channel, requirement: 'CNT-030' });
      await requireEcho(peer, channel, context.bytes(7), 'CHN-015');
    }
  },
}));

/** Chapter 12, for what a relay sends. */
export const continuityForward: readonly ServerCase[] = serverCases([
  ...cutCases,
  {
    id: 'CNT-061/forwards',
    requirements: ['CNT-061'],
    title: 'FORWARDs and OPENs whose answers are not acknowledged are counted together',
    stimulus:
      'A peer that acknowledges nothing sends OPEN of test/refuse and FORWARD, in turn, until the server keeps as many answers as it has to; and then one more FORWARD.',
    expectation: 'Each is answered with REFUSED, and the last one with CLOSE(RATE_EXCEEDED).',
    estimateMs: 1000,
    run: async (context) => {
      const peer = await kept(context, { acknowledge: false });
      const count = MAX_KEPT + peer.serverParameter('max_channels');
      for (let n = 0; n < count; n += 1) {
        if (n % 2 === 0) peer.sendOpen('test/refuse');
        else peer.sendForward('test/refuse');
      }
      for (let n = 0; n < count; n += 1) await peer.expect('REFUSED', { requirement: 'CNT-061' });
      const more = (await peer.barrier('CNT-061')).find(({ name }) => name === 'REFUSED');
      if (more !== undefined) fail(`${count} frames of the type REFUSED`, more.text, 'CNT-061');
      peer.sendForward('test/refuse');
      await expectExactly(peer, 'RATE_EXCEEDED', 'CNT-061');
    },
  },
  {
    id: 'CNT-030/refused-forward-again',
    requirements: ['CNT-030', 'RLY-013'],
    title: 'the refusal of a FORWARD is kept until it is acknowledged',
    stimulus:
      'A client that is no relay sends FORWARD in a resumable session, does not acknowledge the refusal, loses the connection and attaches the session again.',
    expectation: 'REFUSED arrives again with its number, and the session goes on.',
    run: async (context) => {
      const former = await kept(context, { acknowledge: false });
      const refused = await requireRefused(former, former.sendForward('test/echo'), 'APPLICATION_REFUSED', 'RLY-013');
      former.destroy();
      const peer = await again(context, former, { receiveCursor: 0n });
      const same = await peer.expect('REFUSED', { channel: 1, requirement: 'CNT-030' });
      assertEqual('sequence number', same.seq, refused.seq, 'CNT-030');
      await peer.open('test/echo');
    },
  },
  ...[
    { slug: 'accepted', verdict: 0 },
    { slug: 'rejected', verdict: 4711 },
  ].map(({ slug, verdict }): NewCase => ({
    id: `CNT-039/forwarded-${slug}`,
    requirements: ['CNT-039', 'APP-001'],
    title: `the OPEN in a FORWARD asks for verdicts (${slug})`,
    stimulus: `A relay sends FORWARD for test/outcome, with outcomes in the OPEN inside, and a message that says ${verdict}.`,
    expectation: `OUTCOME arrives for message 1 with the verdict ${verdict}.`,
    features: FORWARD,
    run: async (context) => {
      const { peer, channel } = await forwarded(context, 'test/outcome', { more: JUDGED });
      peer.sendMessage(channel, Uint8Array.of(verdict >> 8, verdict & 0xff));
      await requireVerdicts(peer, channel, [verdict]);
    },
  })),
  {
    id: 'CNT-041/forwarded-without-outcomes',
    requirements: ['CNT-041'],
    title: 'without outcomes in the OPEN of a FORWARD there are no verdicts',
    stimulus: 'A relay sends FORWARD for test/echo, without outcomes, and a verdict on the message that comes back.',
    expectation: 'The server answers with CLOSE(OUTCOME_INVALID).',
    features: FORWARD,
    run: async (context) => {
      const { peer, channel } = await forwarded(context, 'test/echo');
      await requireEcho(peer, channel, context.bytes(3), 'APP-001');
      peer.send('OUTCOME', { channel, fields: { last_message: 1, verdict: 0 } });
      await expectExactly(peer, 'OUTCOME_INVALID', 'CNT-041');
    },
  },
]);
