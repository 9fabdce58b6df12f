/** frames.json: single frames, judged by the checks of WIR-027 from the length to the last field of the payload. */
import { headerDefects, stateDefects } from './frame-header.ts';
import { listDefects, validLists } from './frame-lists.ts';
import { orderDefects } from './frame-order.ts';
import { payloadDefects } from './frame-payload.ts';
import { validFrames } from './frame-valid.ts';
import type { DraftFile } from './vector.ts';

export function frameVectors(): DraftFile {
  return {
    name: 'frames',
    prefix: 'frame',
    description:
      'One frame each, judged from the length to the last field of its payload (WIR-027) by a receiver in the given role and state; ' +
      'channel state and meaning are not judged.',
    drafts: [
      ...validFrames(),
      ...validLists(),
      ...headerDefects(),
      ...stateDefects(),
      ...payloadDefects(),
      ...listDefects(),
      ...orderDefects(),
    ],
  };
}
