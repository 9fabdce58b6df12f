/** Judges outcomes.json, sentence by sentence from section 12.6. */
import type { Finding } from './vector-judge.ts';
import type { Vector } from './vector-files.ts';

export interface OutcomeVector extends Vector {
  readonly end: 'sender' | 'receiver';
  /** Whether the channel asks for verdicts. */
  readonly outcomes: boolean;
  /** Sequence numbers of the first and the last fragment; null where it was not sent, or not received. */
  readonly messages: readonly { readonly first: number | null; readonly last: number | null }[];
  /** Last sequenced frame that this end has sent. */
  readonly sent: number;
  /** What the peer has acknowledged of that. */
  readonly acknowledged: number;
  /** Verdicts received, or with the sequence number of their OUTCOME sent. */
  readonly verdicts: readonly { readonly lastMessage: number; readonly verdict: number; readonly seq?: number }[];
  readonly ending: {
    readonly event: 'reset' | 'session-ended' | 'resume-gap' | 'resume-refused';
    readonly finalReceiveCursor: number | null;
  };
}

type Report = { readonly outcome: string } | { readonly outcome: string; readonly verdict: number };

const ACCEPTED: Report = { outcome: 'accepted' };
const NOT_DELIVERED: Report = { outcome: 'not-delivered' };
const UNKNOWN: Report = { outcome: 'unknown' };

/** CNT-041: each verdict is on a message behind the one before, and on none that is not complete. */
function verdictsAreInOrder({ outcomes, messages, verdicts }: OutcomeVector): boolean {
  const complete = messages.filter(({ last }) => last !== null).length;
  return verdicts.every(({ lastMessage }, at) => {
    const before = verdicts[at - 1]?.lastMessage ?? 0;
    return outcomes && lastMessage > before && lastMessage <= complete;
  });
}

/** The verdict on a message, the numbers of which begin with 1; `known` are the verdicts that count. */
function verdictOn(number: number, known: OutcomeVector['verdicts']): Report | undefined {
  const found = known.find(({ lastMessage }) => lastMessage >= number);
  if (found === undefined) return undefined;
  return found.verdict === 0 ? ACCEPTED : { outcome: 'rejected', verdict: found.verdict };
}

function reportOfSender(vector: OutcomeVector, number: number): Report {
  const { outcomes, acknowledged, verdicts, ending } = vector;
  const { first = null, last = null } = vector.messages[number - 1] ?? {};
  const verdict = verdictOn(number, verdicts);
  if (verdict !== undefined) return verdict;
  const isAcknowledged = last !== null && last <= acknowledged;
  if (!outcomes && isAcknowledged) return ACCEPTED;
  if (ending.event === 'resume-gap' || ending.event === 'resume-refused') {
    return first === null ? NOT_DELIVERED : UNKNOWN;
  }
  if (last === null) return NOT_DELIVERED;
  if (ending.event === 'reset') return UNKNOWN;
  const cursor = ending.finalReceiveCursor;
  if (cursor !== null && last > cursor) return NOT_DELIVERED;
  const held = isAcknowledged || cursor !== null;
  return held && !outcomes ? ACCEPTED : UNKNOWN;
}

/** The same at the other end, which knows what it holds and which of its verdicts have arrived. */
function reportOfReceiver(vector: OutcomeVector, number: number): Report {
  const { outcomes, acknowledged, verdicts, ending } = vector;
  const last = vector.messages[number - 1]?.last ?? null;
  const lost = ending.event === 'resume-gap' || ending.event === 'resume-refused';
  if (last === null) return lost ? UNKNOWN : NOT_DELIVERED;
  if (!outcomes) return ACCEPTED;
  const arrived = Math.max(acknowledged, ending.finalReceiveCursor ?? 0);
  return (
    verdictOn(
      number,
      verdicts.filter(({ seq = Infinity }) => seq <= arrived),
    ) ?? UNKNOWN
  );
}

export function judgeOutcomes(vector: OutcomeVector): Finding {
  if (!verdictsAreInOrder(vector)) return { result: 'invalid', error: 'OUTCOME_INVALID' };
  if ((vector.ending.finalReceiveCursor ?? 0) > vector.sent) return { result: 'invalid', error: 'CURSOR_INVALID' };
  const report = vector.end === 'sender' ? reportOfSender : reportOfReceiver;
  return { result: 'valid', expected: vector.messages.map((_, at) => report(vector, at + 1)) };
}
