/** Four messages of which each has come a different way when the session ends, and what becomes of them. */
import { fail } from '../../peer/failure.ts';
import type { ReportedOutcome } from '../../testee/connection-under-test.ts';
import type { ClientContext } from '../client-context.ts';
import type { Kept } from './continuity-sessions.ts';
import { keptOpen, small, taken } from './continuity-sessions.ts';

/** In words, for a stimulus. */
export const FOUR_MESSAGES =
  'Of four messages of the client the first is acknowledged, the next two are sent, and the last one waits for credit.';

/** The same on a channel with outcomes. */
export const FOUR_JUDGED_MESSAGES =
  'On a channel with outcomes, of four messages of the client the first has a verdict, the next two are sent, and the last one waits for credit.';

/** What is reported when nothing is known of the two messages in the middle. */
export const IN_DOUBT: readonly ReportedOutcome[] = ['accepted', 'unknown', 'unknown', 'not-delivered'];

/** The verdict on the first of the judged messages. */
export const VERDICT = 7;

export interface FourMessages extends Kept {
  readonly channel: number;
  /** Number of the frame of the second message. */
  readonly second: bigint;
}

/** A session in which they are on their way. */
export async function fourMessages(context: ClientContext, judged = false): Promise<FourMessages> {
  const met = await keptOpen(context, 'test/sink', {
    ...(judged ? { outcomes: true } : {}),
    accept: { parameters: [{ id: 'initial_message_credit', value: 3 }] },
  });
  const { peer, client, channel } = met;
  // The OPEN is acknowledged: from now on nothing by itself.
  await peer.barrier();
  peer.answerAcks = false;
  for (const message of small(4)) client.send(channel, message);
  await taken(client);
  for (let count = 0; count < 3; count += 1) await peer.expect('MESSAGE', { channel });
  const second = peer.receivedSeq - 1n;
  if (judged) peer.send('OUTCOME', { channel, fields: { last_message: 1, verdict: VERDICT } });
  else peer.sendAck(second - 1n);
  await client.expectOutcomes(channel, [judged ? VERDICT : 'accepted'], 'CNT-042');
  return { ...met, second };
}

/** Demands the last event of the session, and then exactly these outcomes. */
export async function expectOutcomesAtEnd(
  { client, channel }: FourMessages,
  outcomes: readonly ReportedOutcome[],
  requirement: string,
): Promise<void> {
  for (;;) {
    const { event } = await client.nextEvent('the end of the session', requirement);
    if (['closed', 'failed', 'rejected'].includes(event)) break;
    if (event === 'attached') fail('the end of the session', 'the event attached', requirement);
  }
  await client.expectOutcomes(channel, outcomes, requirement);
}
