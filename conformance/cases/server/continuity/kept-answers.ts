/** What a server keeps for a client that asks and does not acknowledge the answers. */
import { limit } from '../../../model/registry.ts';
import type { ClientPeer } from '../../../peer/client-peer.ts';
import { fail } from '../../../peer/failure.ts';
import type { ServerCase } from '../../case.ts';
import { serverCases } from '../../case.ts';
import type { ServerContext } from '../../server-context.ts';
import { expectExactly } from '../client-frames.ts';
import { kept, keptOpen, requireCount } from './sessions.ts';

/** Answers that a server has to keep at most, beyond one for each channel that it granted. */
const MAX_KEPT = limit('max_kept_answers');
/** Channels without an acknowledged answer that a client may have. */
const MAX_PENDING = limit('max_pending_opens');

const A_CLIENT = 'A client that acknowledges nothing';

/** Demands so many answers of one type and no more. */
async function requireAnswers(peer: ClientPeer, count: number, answer: string): Promise<void> {
  for (let n = 0; n < count; n += 1) await peer.expect(answer, { requirement: 'CNT-061' });
  const more = (await peer.barrier('CNT-061')).find(({ name }) => name === answer);
  if (more !== undefined) fail(`${count} frames of the type ${answer}`, more.text, 'CNT-061');
}

/** A channel of a session that both ends have ended. */
async function ended(context: ServerContext, met: { readonly peer: ClientPeer; readonly channel: number }) {
  await context.dependency('the end of a channel', () => requireCount(met.peer, met.channel, 0, 0, 'CHN-028'));
  return met;
}

/** RESETs, written together. */
function sendResets(peer: ClientPeer, channel: number, count: number): void {
  const one = (): Uint8Array => peer.build('RESET', { channel, fields: { code: 0x0403 } });
  peer.sendTogether(Array.from({ length: count }, one));
}

function sendOpens(peer: ClientPeer, count: number): void {
  for (let n = 0; n < count; n += 1) peer.sendOpen('test/refuse');
}

/** Section 12.2: answers that nobody acknowledges. */
export const keptAnswers: readonly ServerCase[] = serverCases([
  {
    id: 'CNT-061/resets',
    requirements: ['CNT-061', 'CHN-029'],
    title: 'RESETs of a client that acknowledges no answer come to an end',
    stimulus: `${A_CLIENT} sends RESET on a closed channel, until the server keeps as many answers as it has to; and then once more.`,
    expectation: 'Each is answered, and the last one with CLOSE(RATE_EXCEEDED).',
    estimateMs: 500,
    run: async (context) => {
      const { peer, channel } = await ended(context, await keptOpen(context, 'test/sink', { acknowledge: false }));
      // OPENED is kept too.
      const count = MAX_KEPT + peer.serverParameter('max_channels') - 1;
      sendResets(peer, channel, count);
      await requireAnswers(peer, count, 'RESET');
      sendResets(peer, channel, 1);
      await expectExactly(peer, 'RATE_EXCEEDED', 'CNT-061');
    },
  },
  {
    id: 'CNT-061/opens',
    requirements: ['CNT-061'],
    title: 'OPENs of a client that acknowledges no answer come to an end',
    stimulus: `${A_CLIENT} opens test/refuse, until the server keeps as many answers as it has to; and then once more.`,
    expectation: 'Each is answered with REFUSED, and the last one with CLOSE(RATE_EXCEEDED).',
    deep: true,
    estimateMs: 1000,
    run: async (context) => {
      const peer = await kept(context, { acknowledge: false });
      const count = MAX_KEPT + peer.serverParameter('max_channels');
      sendOpens(peer, count);
      await requireAnswers(peer, count, 'REFUSED');
      peer.sendOpen('test/refuse');
      await expectExactly(peer, 'RATE_EXCEEDED', 'CNT-061');
    },
  },
  {
    id: 'CNT-061/acknowledged-in-time',
    requirements: ['CNT-061', 'CST-004'],
    title: 'there is no end to the OPENs of a client that acknowledges',
    stimulus: `A client opens test/refuse ${MAX_PENDING} times, acknowledges the answers, and does so until more answers were given than a server keeps.`,
    expectation: 'Each is answered with REFUSED.',
    deep: true,
    estimateMs: 2000,
    run: async (context) => {
      const peer = await kept(context, { acknowledge: false });
      const count = MAX_KEPT + peer.serverParameter('max_channels') + MAX_PENDING;
      for (let done = 0; done < count; done += MAX_PENDING) {
        sendOpens(peer, MAX_PENDING);
        await requireAnswers(peer, MAX_PENDING, 'REFUSED');
        peer.sendAck();
      }
    },
  },
  {
    id: 'CNT-061/nothing-is-kept',
    requirements: ['CNT-061', 'CHN-029'],
    title: 'in a session that ends with its connection nothing is kept, and nothing counted',
    stimulus: 'In such a session a client sends more RESETs on a closed channel than a server would keep answers for.',
    expectation: 'Each is answered.',
    deep: true,
    estimateMs: 500,
    run: async (context) => {
      const { peer, channel } = await ended(context, await context.opened('test/sink'));
      const count = MAX_KEPT + peer.serverParameter('max_channels') + 1;
      sendResets(peer, channel, count);
      await requireAnswers(peer, count, 'RESET');
    },
  },
]);
