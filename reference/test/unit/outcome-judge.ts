/** Judges what vectors/outcomes.json says of senders by the core. The core tells receivers nothing of outcomes. */
import { encodeClose } from '../../core/frames/close.ts';
import { encodeFrame } from '../../core/frames/header.ts';
import { encodeOutcome } from '../../core/frames/outcome.ts';
import { encodeReset } from '../../core/frames/reset.ts';
import {
  type Connection,
  ERROR_CODE,
  ERROR_NAME,
  type Event,
  FLAG,
  type MessageRange,
  type Session,
} from '../../core/index.ts';
import { messageKey } from '../../core/journal.ts';
import type { StoredChannel } from '../../core/session-state.ts';
import { framesFrom } from './core/wire.ts';
import { accept, asking, entriesOf, type KeptFrame, NOW, reject, sessionOf } from './remembered-session.ts';

interface Fragments {
  readonly first: number | null;
  readonly last: number | null;
}

export interface OutcomeVector {
  readonly end: 'sender' | 'receiver';
  readonly outcomes: boolean;
  readonly messages: readonly Fragments[];
  readonly sent: number;
  readonly acknowledged: number;
  readonly verdicts: readonly { readonly lastMessage: number; readonly verdict: number }[];
  readonly ending: {
    readonly event: 'reset' | 'session-ended' | 'resume-gap' | 'resume-refused';
    readonly finalReceiveCursor: number | null;
  };
}

type Finding = Readonly<Record<string, unknown>> & { readonly result: 'valid' | 'invalid' };
interface Report {
  readonly outcome: string;
  readonly verdict?: number;
}

const SESSION_ID = '5a'.repeat(16);
const CHANNEL = 1;
/** Each message has two octets, one in each fragment where there are two. */
const MESSAGE = Uint8Array.of(1, 2);

export function judgeOutcomes(vector: OutcomeVector): Finding {
  const session = sessionOf(entries(vector));
  const reports = new Reports(vector);
  for (const { first } of vector.messages) if (first === null) session.sendMessage(CHANNEL, MESSAGE, NOW);
  reports.take(session.takeEvents());
  // The connection that carries the session to its end, or to the loss of it.
  const { connection } = asking(session, 1);
  reports.take(connection.receive(accept(SESSION_ID, 2, vector.acknowledged), NOW));
  for (const [index, { lastMessage, verdict }] of vector.verdicts.entries()) {
    const frame = encodeFrame('OUTCOME', encodeOutcome({ lastMessage, verdict }), 0, CHANNEL, index + 1);
    reports.take(connection.receive(frame, NOW));
  }
  const error = errorOf(connection) ?? end(vector, session, connection, reports);
  return error === undefined ? { result: 'valid', expected: reports.all } : { result: 'invalid', error };
}

/** What a store holds of the session: one channel, and the fragments that are not acknowledged. */
function entries({ messages, outcomes, sent, acknowledged }: OutcomeVector): ReturnType<typeof entriesOf> {
  const begun = messages.findIndex(({ first, last }) => first !== null && last === null);
  const usage = { messages: messages.filter(({ first }) => first !== null).length, bytes: 0 };
  usage.bytes = 2 * usage.messages - (begun < 0 ? 0 : 1);
  const credit = { messageLimit: 64, byteLimit: 65_536 };
  const channel: StoredChannel = {
    number: CHANNEL,
    state: 'open',
    application: 'test/hold',
    nonce: new Uint8Array(16),
    applicationData: undefined,
    priority: 0,
    outcomes,
    forwarded: undefined,
    opening: undefined,
    openedPayload: undefined,
    abandonment: undefined,
    // No message more, and no octet.
    send: { messageLimit: usage.messages, byteLimit: usage.bytes, ...usage },
    receive: { ...credit, messages: 0, bytes: 0 },
    settled: { messages: 0, bytes: 0 },
    verdictsSent: 0,
    verdictsReceived: 0,
    sentMessages: messages.filter(({ last }) => last !== null).length,
    reported: 0,
    verdictsUnreported: [],
    begun: begun < 0 ? undefined : { message: begun + 1, offset: 1 },
  };
  const frames = messages.flatMap((fragments, index) => framesOf(fragments, index + 1, outcomes));
  const past = { role: 'client', sessionId: SESSION_ID, epoch: 1, received: 0, sent, acknowledged } as const;
  return [
    ...entriesOf(
      { ...past, channels: [channel] },
      frames.filter(({ seq }) => seq > acknowledged),
    ),
    ...messages.map((_, index) => ({ key: messageKey(CHANNEL, index + 1), value: MESSAGE })),
  ];
}

function framesOf({ first, last }: Fragments, message: number, judged: boolean): KeptFrame[] {
  const fragment = (seq: number, from: number, to: number): KeptFrame => {
    const flags = (from === 0 ? FLAG.MESSAGE.FIRST : 0) | (to === MESSAGE.length ? FLAG.MESSAGE.LAST : 0);
    const frame = encodeFrame('MESSAGE', MESSAGE.subarray(from, to), flags, CHANNEL, seq);
    return { seq, octets: frame, message, offset: from, judged };
  };
  if (first === null) return [];
  if (last === first) return [fragment(first, 0, 2)];
  return [fragment(first, 0, 1), ...(last === null ? [] : [fragment(last, 1, 2)])];
}

/** Ends the session, or the channel and then the session; the error that the end is. */
function end(vector: OutcomeVector, session: Session, connection: Connection, reports: Reports): string | undefined {
  const { event, finalReceiveCursor } = vector.ending;
  if (event === 'resume-gap' || event === 'resume-refused') {
    connection.transportEnded(NOW);
    const { connection: next } = asking(session, 2);
    reports.take(next.receive(reject(ERROR_CODE[event === 'resume-gap' ? 'RESUME_GAP' : 'RESUME_REFUSED']), NOW));
    return undefined;
  }
  let sendCursor = vector.verdicts.length;
  if (event === 'reset') {
    sendCursor += 1;
    const code = encodeReset({ code: ERROR_CODE.APPLICATION_ERROR });
    reports.take(connection.receive(encodeFrame('RESET', code, 0, CHANNEL, sendCursor), NOW));
  }
  // What becomes of the messages of a channel that was reset is known at the end of the session at the latest.
  const cursor = event === 'reset' ? vector.sent : finalReceiveCursor;
  if (cursor === null) {
    // The transport is lost, and then the retention is over.
    connection.transportEnded(NOW);
    reports.takeFates(session.fates(undefined));
    return undefined;
  }
  const close = { code: ERROR_CODE.NO_ERROR, receiveCursor: cursor, sendCursor };
  const events = connection.receive(encodeFrame('CLOSE', encodeClose(close), FLAG.CLOSE.END_SESSION), NOW);
  const error = errorOf(connection);
  reports.take([...events, ...connection.transportEnded(NOW)]);
  return error;
}

/** The code other than NO_ERROR with which a connection ends of its own accord. */
function errorOf(connection: Connection): string | undefined {
  const close = framesFrom(connection).find(({ name }) => name === 'CLOSE');
  const code = close && ERROR_NAME[((close.payload[0] ?? 0) << 8) | (close.payload[1] ?? 0)];
  return code === 'NO_ERROR' ? undefined : code;
}

/** What is told of each message: exactly one outcome. [CNT-042] */
class Reports {
  readonly #reports: (Report | undefined)[];
  readonly #judged: boolean;

  constructor({ messages: { length }, outcomes }: OutcomeVector) {
    this.#judged = outcomes;
    this.#reports = Array.from({ length }, () => undefined);
  }

  get all(): readonly (Report | undefined)[] {
    return this.#reports;
  }

  take(events: readonly Event[]): void {
    for (const event of events) {
      if (event.type === 'closed' && event.session === 'ended') this.takeFates(event);
      if (event.type === 'channel-reset') {
        // What follows from the event is for its owner to conclude: verdicts come no more, acknowledgements do.
        for (const [index, report] of this.#reports.entries()) {
          if (index >= event.sentMessages) this.#reports[index] = { outcome: 'not-delivered' };
          else if (this.#judged) this.#reports[index] = report ?? { outcome: 'unknown' };
        }
      }
      if (event.type !== 'messages-settled') continue;
      const { outcome, verdict } = event;
      this.#note([event], outcome === 'rejected' ? { outcome, verdict } : { outcome });
    }
  }

  takeFates(fates: ReturnType<Session['fates']>): void {
    this.#note(fates.acceptedMessages, { outcome: 'accepted' });
    this.#note(fates.unknownMessages, { outcome: 'unknown' });
    this.#note(fates.undeliveredMessages, { outcome: 'not-delivered' });
  }

  #note(ranges: readonly MessageRange[], report: Report): void {
    for (const { first, last } of ranges) {
      for (let number = first; number <= last; number += 1) {
        if (this.#reports[number - 1] !== undefined) throw new Error(`message ${number} has two outcomes`);
        this.#reports[number - 1] = report;
      }
    }
  }
}
