import { PayloadReader } from '../payload-reader.ts';
import { PayloadWriter } from '../payload-writer.ts';
import { FIELDS } from '../registry.gen.ts';

const { last_message } = FIELDS.OUTCOME;

/** OUTCOME: the verdict of the receiving application on messages (chapter 12.6). */
export interface Outcome {
  /** The verdict holds for all messages after those of the OUTCOME before, through this number; from 1. */
  readonly lastMessage: number;
  /** 0 is accepted; any other value is rejected, and its meaning belongs to the application. */
  readonly verdict: number;
}

/** Writes the payload of OUTCOME. */
export function encodeOutcome({ lastMessage, verdict }: Outcome): Uint8Array {
  return new PayloadWriter(10).u53(lastMessage).u16(verdict).end();
}

/**
 * Reads the payload of OUTCOME; whether there is such a message is for the channel to judge. [CNT-041]
 *
 * @throws PeerViolationError
 */
export function decodeOutcome(payload: Uint8Array): Outcome {
  const reader = new PayloadReader('OUTCOME', payload);
  const lastMessage = reader.u53();
  reader.check(lastMessage, last_message, 'last_message');
  const verdict = reader.u16();
  reader.end();
  return { lastMessage, verdict };
}
