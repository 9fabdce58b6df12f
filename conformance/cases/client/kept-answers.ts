/** What a client keeps for a server that asks and does not acknowledge, and how much a client asks itself. */
import { limit } from '../../model/registry.ts';
import { assertEqual } from '../../peer/failure.ts';
import type { ServerPeer } from '../../peer/server-peer.ts';
import type { ClientCase } from '../case.ts';
import { clientCases } from '../case.ts';
import { kept, keptOpen } from './continuity-sessions.ts';

const MAX_KEPT = limit('max_kept_answers');
const MAX_PENDING = limit('max_pending_opens');
const MAX_CHANNELS = 16;

const FEATURES = ['resumption'];

async function countOf(peer: ServerPeer, name: string, requirement: string): Promise<number> {
  return (await peer.barrier(requirement)).filter((frame) => frame.name === name).length;
}

/** Section 12.2: answers that nobody acknowledges. */
export const keptAnswers: readonly ClientCase[] = clientCases([
  {
    id: 'CNT-060/client-opens',
    requirements: ['CNT-060'],
    title: 'a client does not open without end what nobody answers',
    stimulus: `The client is asked to open ${MAX_PENDING + 3} channels, and the server grants more than that and answers none. Then it refuses the first two.`,
    expectation: `${MAX_PENDING} OPENs arrive; two more when the client has acknowledged the two answers, and not one beyond.`,
    features: FEATURES,
    estimateMs: 500,
    run: async (context) => {
      const { peer, client } = await kept(context, {
        accept: { parameters: [{ id: 'max_channels', value: 2 * MAX_PENDING }] },
      });
      await Promise.all(Array.from({ length: MAX_PENDING + 3 }, () => client.open('test/echo')));
      assertEqual('OPENs', await countOf(peer, 'OPEN', 'CNT-060'), MAX_PENDING, 'CNT-060');
      for (const channel of [1, 2]) peer.send('REFUSED', { channel, fields: { code: 0x0401 } });
      await peer.expectAck(peer.nextSeq - 1n, { requirement: 'CNT-005' });
      assertEqual('OPENs', await countOf(peer, 'OPEN', 'CNT-060'), 2, 'CNT-060');
    },
  },
  {
    id: 'CNT-061/client-resets',
    requirements: ['CNT-061', 'CHN-029'],
    title: 'RESETs of a server that acknowledges no answer come to an end',
    stimulus:
      'A server that acknowledges nothing sends RESET on a closed channel, until the client keeps as many answers as it has to; and then once more.',
    expectation: 'Each is answered, and the last one with CLOSE(RATE_EXCEEDED).',
    features: FEATURES,
    estimateMs: 500,
    run: async (context) => {
      const { peer, client, channel } = await keptOpen(context, 'test/echo', {
        accept: { parameters: [{ id: 'max_channels', value: MAX_CHANNELS }] },
      });
      peer.answerAcks = false;
      await client.end(channel);
      await peer.expect('END', { channel });
      peer.send('END', { channel });
      await client.expectEvent('ended');
      const reset = (): Uint8Array => peer.build('RESET', { channel, fields: { code: 0x0403 } });
      peer.sendTogether(Array.from({ length: MAX_KEPT + MAX_CHANNELS }, reset));
      assertEqual('RESETs', await countOf(peer, 'RESET', 'CNT-061'), MAX_KEPT + MAX_CHANNELS, 'CNT-061');
      peer.sendTogether([reset()]);
      await peer.expectViolation('RATE_EXCEEDED', { requirement: 'CNT-061' });
    },
  },
]);
