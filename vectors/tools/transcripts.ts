/** transcripts.json: exporter context, leaf hashes, transcripts and signatures of CONNECT and ACCEPT (sections 4.1 and 4.2). */
import type { Parties } from './parties.ts';
import { alteredParts } from './transcript-altered.ts';
import { wrongContent } from './transcript-content.ts';
import { wrongEncodings, wrongKeys, wrongSchemes } from './transcript-signer.ts';
import { validSignatures } from './transcript-valid.ts';
import type { DraftFile } from './vector.ts';

export function transcriptVectors(parties: Parties): DraftFile {
  return {
    name: 'transcripts',
    prefix: 'transcript',
    description:
      'One signed frame each with everything that its transcript is made of. The key of the verifier is that in the certificate of the ' +
      'client for CONNECT and of the server for ACCEPT; privateKey belongs to that certificate.',
    drafts: [
      ...validSignatures(parties),
      ...alteredParts(parties),
      ...wrongContent(parties),
      ...wrongKeys(parties),
      ...wrongSchemes(parties),
      ...wrongEncodings(parties),
    ],
  };
}
