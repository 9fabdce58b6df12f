/** streams.json: what an endpoint receives and sends, step by step, judged by the state tables. */
import { channelCells, channelNumbers, channelResets } from './stream-channels.ts';
import { acceptGrants, acknowledgements, drains, sessionEnds } from './stream-continuity.ts';
import { channelCredit } from './stream-credit.ts';
import { streamDivision } from './stream-division.ts';
import { establishmentFrames } from './stream-establishment.ts';
import { messageFragments } from './stream-messages.ts';
import { openParameters, settling, verdicts } from './stream-outcomes.ts';
import { forwards, proofs } from './stream-proof.ts';
import { resumedClients, resumedServers } from './stream-resumed.ts';
import { sequenceNumbers, sessionFrames } from './stream-session.ts';
import type { DraftFile } from './vector.ts';

export function streamVectors(): DraftFile {
  return {
    name: 'streams',
    prefix: 'stream',
    description:
      'What an endpoint receives and sends, step by step, from the given state on. Its clock stands still and its application consumes ' +
      'nothing; cryptography and policy find what `verdicts` says.',
    drafts: [
      ...establishmentFrames(),
      ...sequenceNumbers(),
      ...sessionFrames(),
      ...channelNumbers(),
      ...channelCells(),
      ...messageFragments(),
      ...channelCredit(),
      ...channelResets(),
      ...streamDivision(),
      ...acceptGrants(),
      ...acknowledgements(),
      ...sessionEnds(),
      ...drains(),
      ...verdicts(),
      ...settling(),
      ...openParameters(),
      ...resumedClients(),
      ...resumedServers(),
      ...forwards(),
      ...proofs(),
    ],
  };
}
