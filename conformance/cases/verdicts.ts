/** Verdicts on messages whose application end decides by their first two octets. */
import { concat, integer } from '../model/codec.ts';
import { fail } from '../peer/failure.ts';
import type { Peer } from '../peer/peer.ts';

export const MAX_VERDICT = 0xffff;

/** A message that test/outcome, and a client that was told to judge, decides on with this verdict. */
export function judgedAs(verdict: number, more = 0): Uint8Array {
  return concat(integer(verdict, 2), new Uint8Array(more));
}

/** Demands exactly these verdicts, on the messages after `after`; those that are equal may come together. */
export async function requireVerdicts(
  peer: Peer,
  channel: number,
  verdicts: readonly number[],
  after = 0,
  requirement = 'CNT-039',
): Promise<void> {
  let at = 0;
  while (at < verdicts.length) {
    const frame = await peer.expect('OUTCOME', { channel, requirement });
    const last = Number(frame.integer('last_message')) - after;
    const verdict = Number(frame.integer('verdict'));
    if (last <= at) fail(`a verdict on message ${after + at + 1}`, frame.text, requirement);
    if (last > verdicts.length) fail(`no verdict beyond message ${after + verdicts.length}`, frame.text, 'CNT-040');
    for (; at < last; at += 1) {
      if (verdicts[at] !== verdict) {
        fail(`verdict ${verdicts[at]} on message ${after + at + 1}`, frame.text, requirement);
      }
    }
  }
}
