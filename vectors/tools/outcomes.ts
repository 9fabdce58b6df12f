/** outcomes.json: what is reported of each message when its channel or its session ends (section 12.6). */
import { fails, VALID } from './vector.ts';
import type { Draft as Head, DraftFile } from './vector.ts';

type Draft = DraftFile['drafts'][number];
type Stated = Head & Readonly<Record<string, unknown>>;

/** Sequence numbers of the first and the last fragment; null where it was not sent, or not received. */
type Fragments = readonly [first: number | null, last: number | null];

/** `last_message`, the verdict, and the sequence number of the OUTCOME where this end has sent it. */
type Verdict = readonly [lastMessage: number, verdict: number, seq?: number];

/** How it ends; with a number, the final receive cursor of the peer is known. */
type Ending = readonly ['reset' | 'session-ended' | 'resume-gap' | 'resume-refused', (number | null)?];

interface Row {
  readonly end?: 'sender' | 'receiver';
  readonly outcomes: boolean;
  readonly messages: readonly Fragments[];
  /** What the peer has acknowledged of what this end has sent. */
  readonly acknowledged?: number;
  readonly verdicts?: readonly Verdict[];
  readonly ending: Ending;
}

/** The last sequenced frame that this end has sent, in every vector. */
const SENT = 20;

const REPORTS: Readonly<Record<string, string>> = { A: 'accepted', N: 'not-delivered', U: 'unknown' };

function base(comment: string, requirement: string, row: Row): Stated {
  const { end = 'sender', outcomes, messages, acknowledged = 0, verdicts = [], ending } = row;
  const [event, finalReceiveCursor = null] = ending;
  return {
    comment: `${end}, ${outcomes ? 'with' : 'without'} verdicts: ${comment}`,
    requirements: [requirement],
    flags: ['Outcome'],
    end,
    outcomes,
    messages: messages.map(([first, last]) => ({ first, last })),
    sent: SENT,
    acknowledged,
    verdicts: verdicts.map(([lastMessage, verdict, seq]) => ({
      lastMessage,
      verdict,
      ...(seq === undefined ? {} : { seq }),
    })),
    ending: { event, finalReceiveCursor },
  };
}

/** @param reports - one word for each message: A, N, U, or R and the verdict. */
function good(comment: string, reports: string, row: Row, requirement = 'CNT-042'): Draft {
  const expected = reports.split(' ').map((report) => {
    const outcome = REPORTS[report];
    return outcome === undefined ? { outcome: 'rejected', verdict: Number(report.slice(1)) } : { outcome };
  });
  return { ...base(comment, requirement, row), ...VALID, expected };
}

function bad(comment: string, requirement: string, error: string, row: Row): Draft {
  return { ...base(comment, requirement, row), ...fails('state', error) };
}

const UNSENT: Fragments = [null, null];
const whole = (seq: number): Fragments => [seq, seq];

/** The table, one row of it after the other. */
function sessionEnds(): Draft[] {
  const ended = (cursor: number | null): Ending => ['session-ended', cursor];
  return [false, true].flatMap((outcomes) => {
    const within = outcomes ? 'U' : 'A';
    const row = (messages: readonly Fragments[], ending: Ending, more: Partial<Row> = {}): Row => ({
      outcomes,
      messages,
      ending,
      ...more,
    });
    return [
      good('not sent', 'N', row([UNSENT], ended(20))),
      good('not sent, and the cursor is not known', 'N', row([UNSENT], ended(null))),
      good('sent in part, the part is held', 'N', row([[5, null]], ended(20))),
      good('sent in part, and the cursor is not known', 'N', row([[5, null]], ended(null))),
      good(
        'sent in part, the part is acknowledged, and the cursor is not known',
        'N',
        row([[5, null]], ended(null), { acknowledged: 5 }),
      ),
      good('last fragment is the first beyond the cursor', 'N', row([whole(6)], ended(5))),
      good('last fragment beyond the cursor, first within', 'N', row([[5, 6]], ended(5))),
      good('cursor of zero', 'N', row([whole(1)], ended(0))),
      good('last fragment is that of the cursor', within, row([whole(5)], ended(5))),
      good('last fragment far within the cursor', within, row([[5, 6]], ended(20))),
      good('acknowledged, and the cursor is not known', within, row([whole(5)], ended(null), { acknowledged: 5 })),
      good(
        'acknowledged with later frames, and the cursor is not known',
        within,
        row([[4, 5]], ended(null), { acknowledged: 9 }),
      ),
      good(
        'first fragment acknowledged, and the cursor is not known',
        'U',
        row([[5, 6]], ended(null), { acknowledged: 5 }),
      ),
      good('nothing acknowledged, and the cursor is not known', 'U', row([whole(5)], ended(null))),
      good(
        'the frame before is acknowledged, and the cursor is not known',
        'U',
        row([whole(5)], ended(null), { acknowledged: 4 }),
      ),
      good('acknowledged, and the cursor says more', within, row([whole(5)], ended(9), { acknowledged: 5 })),
      good(
        'not acknowledged, and the cursor says that it is held',
        within,
        row([whole(8)], ended(8), { acknowledged: 5 }),
      ),
      good(
        'six messages, one in each place',
        `${within} ${within} N N N N`,
        row([whole(5), [6, 7], whole(8), [9, 10], [11, null], UNSENT], ended(7), { acknowledged: 5 }),
      ),
      good(
        'six messages, one in each place, and the cursor is not known',
        `${within} U U U N N`,
        row([whole(5), [6, 7], whole(8), [9, 10], [11, null], UNSENT], ended(null), { acknowledged: 6 }),
      ),
      good('no frame of another channel counts', `${within} N`, row([whole(3), whole(17)], ended(16))),
    ];
  });
}

function verdicts(): Draft[] {
  const row = (messages: number, list: readonly Verdict[], ending: Ending, acknowledged = 0): Row => ({
    outcomes: true,
    messages: Array.from({ length: messages }, (_, n) => whole(2 + n)),
    verdicts: list,
    acknowledged,
    ending,
  });
  const ended: Ending = ['session-ended', 20];
  return [
    good('accepted', 'A', row(1, [[1, 0]], ended)),
    good('rejected', 'R1', row(1, [[1, 1]], ended)),
    good('rejected with the largest verdict', 'R65535', row(1, [[1, 65_535]], ended)),
    good('one verdict on three messages', 'A A A', row(3, [[3, 0]], ended)),
    good('one rejection of three messages', 'R7 R7 R7', row(3, [[3, 7]], ended)),
    good(
      'the verdict holds from behind the one before',
      'A R7 R7 A',
      row(
        4,
        [
          [1, 0],
          [3, 7],
          [4, 0],
        ],
        ended,
      ),
    ),
    good('messages behind the last verdict', 'A A U', row(3, [[2, 0]], ended)),
    good('a verdict stands though the cursor is not known', 'A U', row(2, [[1, 0]], ['session-ended', null])),
    good('a verdict stands, what is beyond the cursor does not', 'R2 U N', row(3, [[1, 2]], ['session-ended', 3])),
    good(
      'a verdict stands when the session ends with a gap',
      'A R4 U',
      row(
        3,
        [
          [1, 0],
          [2, 4],
        ],
        ['resume-gap'],
      ),
      'CNT-043',
    ),
    good('a verdict stands when the session is refused', 'R9 U', row(2, [[1, 9]], ['resume-refused']), 'CNT-043'),
    good(
      'a verdict stands when the channel is reset',
      'A R3 U',
      row(
        3,
        [
          [1, 0],
          [2, 3],
        ],
        ['reset'],
      ),
    ),
    bad('a verdict on no message', 'CNT-041', 'OUTCOME_INVALID', row(0, [[1, 0]], ended)),
    bad('a verdict on one message too many', 'CNT-041', 'OUTCOME_INVALID', row(2, [[3, 0]], ended)),
    bad('a verdict on the largest number', 'CNT-041', 'OUTCOME_INVALID', row(2, [[Number.MAX_SAFE_INTEGER, 0]], ended)),
    bad(
      'two verdicts on one message',
      'CNT-041',
      'OUTCOME_INVALID',
      row(
        2,
        [
          [1, 0],
          [1, 0],
        ],
        ended,
      ),
    ),
    bad(
      'two verdicts on one message, the second another',
      'CNT-041',
      'OUTCOME_INVALID',
      row(
        2,
        [
          [2, 0],
          [2, 5],
        ],
        ended,
      ),
    ),
    bad(
      'verdicts in the wrong order',
      'CNT-041',
      'OUTCOME_INVALID',
      row(
        3,
        [
          [2, 0],
          [1, 0],
        ],
        ended,
      ),
    ),
    bad(
      'a wrong verdict behind two right ones',
      'CNT-041',
      'OUTCOME_INVALID',
      row(
        3,
        [
          [1, 0],
          [2, 0],
          [4, 0],
        ],
        ended,
      ),
    ),
    bad('a verdict on a message that was sent in part', 'CNT-041', 'OUTCOME_INVALID', {
      outcomes: true,
      messages: [whole(2), [3, null]],
      verdicts: [[2, 0]],
      ending: ended,
    }),
    bad('a verdict on a message that was not sent', 'CNT-041', 'OUTCOME_INVALID', {
      outcomes: true,
      messages: [whole(2), UNSENT],
      verdicts: [[2, 0]],
      ending: ended,
    }),
    ...[1, 2].map((last) =>
      bad(`a verdict on message ${last}`, 'CNT-041', 'OUTCOME_INVALID', {
        outcomes: false,
        messages: [whole(2), whole(3)],
        verdicts: [[last, 0]],
        ending: ended,
      }),
    ),
  ];
}

function otherEndings(): Draft[] {
  const places: readonly Fragments[] = [whole(5), [6, 7], [8, null], UNSENT];
  return [
    good('reset, one message in each place', 'U U N N', { outcomes: true, messages: places, ending: ['reset'] }),
    good('reset, and all is acknowledged', 'U U N N', {
      outcomes: true,
      messages: places,
      acknowledged: 8,
      ending: ['reset'],
    }),
    good('reset, acknowledged before', 'A A N N', {
      outcomes: false,
      messages: places,
      acknowledged: 8,
      ending: ['reset'],
    }),
    ...(['resume-gap', 'resume-refused'] as const).flatMap((event) => [
      good(
        `${event}, one message in each place`,
        'U U U N',
        { outcomes: true, messages: places, ending: [event] },
        'CNT-043',
      ),
      good(
        `${event}, and all is acknowledged`,
        'U U U N',
        { outcomes: true, messages: places, acknowledged: 8, ending: [event] },
        'CNT-043',
      ),
      good(
        `${event}, one message in each place`,
        'U U U N',
        { outcomes: false, messages: places, ending: [event] },
        'CNT-043',
      ),
      good(
        `${event}, the first message is acknowledged`,
        'A U U N',
        { outcomes: false, messages: places, acknowledged: 6, ending: [event] },
        'CNT-043',
      ),
    ]),
    ...[false, true].flatMap((outcomes) =>
      (
        [
          ['one more than was sent', SENT + 1],
          ['the largest number', Number.MAX_SAFE_INTEGER],
        ] as const
      ).map(([comment, cursor]) =>
        bad(`final receive cursor is ${comment}`, 'SES-013', 'CURSOR_INVALID', {
          outcomes,
          messages: [whole(5)],
          ending: ['session-ended', cursor],
        }),
      ),
    ),
  ];
}

/** The receiver knows what it holds, and from the cursor of its peer which verdicts have arrived. */
function receivers(): Draft[] {
  const row = (outcomes: boolean, messages: readonly Fragments[], ending: Ending, more: Partial<Row> = {}): Row => ({
    end: 'receiver',
    outcomes,
    messages,
    ending,
    ...more,
  });
  const ended = (cursor: number | null): Ending => ['session-ended', cursor];
  const two = [whole(3), [4, 6]] as const;
  return [
    good('a whole message', 'A', row(false, [whole(3)], ended(20))),
    good('a message of which a part was received', 'N', row(false, [[3, null]], ended(20))),
    good('a whole message and a part of one', 'A A N', row(false, [...two, [7, null]], ended(20))),
    good('no verdict', 'U U', row(true, two, ended(20))),
    good('a message of which a part was received', 'N', row(true, [[3, null]], ended(20))),
    good('the verdict has arrived', 'A', row(true, [whole(3)], ended(9), { verdicts: [[1, 0, 9]] })),
    good('the rejection has arrived', 'R6', row(true, [whole(3)], ended(20), { verdicts: [[1, 6, 9]] })),
    good(
      'the verdict is the first frame beyond the cursor',
      'U',
      row(true, [whole(3)], ended(8), { verdicts: [[1, 0, 9]] }),
    ),
    good('nothing has arrived', 'U', row(true, [whole(3)], ended(0), { verdicts: [[1, 0, 1]] })),
    good(
      'one verdict has arrived, the other has not',
      'A U',
      row(true, two, ended(9), {
        verdicts: [
          [1, 0, 9],
          [2, 0, 10],
        ],
      }),
    ),
    good('one verdict on two messages has arrived', 'R2 R2', row(true, two, ended(9), { verdicts: [[2, 2, 9]] })),
    good('one verdict on two messages has not arrived', 'U U', row(true, two, ended(8), { verdicts: [[2, 2, 9]] })),
    good(
      'a verdict that has arrived, one that has not, no verdict, and a part',
      'R1 U U N',
      row(true, [...two, whole(7), [8, null]], ended(9), {
        verdicts: [
          [1, 1, 9],
          [2, 0, 10],
        ],
      }),
    ),
    good(
      'the verdict is acknowledged, and the cursor is not known',
      'A U',
      row(true, two, ended(null), {
        acknowledged: 9,
        verdicts: [
          [1, 0, 9],
          [2, 0, 10],
        ],
      }),
    ),
    good(
      'nothing is acknowledged, and the cursor is not known',
      'U',
      row(true, [whole(3)], ended(null), { verdicts: [[1, 0, 9]] }),
    ),
    good(
      'the verdict is not acknowledged, and the cursor says that it has arrived',
      'A',
      row(true, [whole(3)], ended(9), { acknowledged: 5, verdicts: [[1, 0, 9]] }),
    ),
    ...(['resume-gap', 'resume-refused'] as const).map((event) =>
      good(
        `${event}, the first verdict is acknowledged`,
        'A U U',
        row(true, [...two, [7, null]], [event], {
          acknowledged: 9,
          verdicts: [
            [1, 0, 9],
            [2, 0, 10],
          ],
        }),
        'CNT-043',
      ),
    ),
    bad('final receive cursor is one more than was sent', 'SES-013', 'CURSOR_INVALID', row(true, two, ended(SENT + 1))),
    bad(
      'final receive cursor is one more than was sent',
      'SES-013',
      'CURSOR_INVALID',
      row(false, two, ended(SENT + 1)),
    ),
  ];
}

export function outcomeVectors(): DraftFile {
  return {
    name: 'outcomes',
    prefix: 'outcome',
    description:
      'The messages of one channel and direction, and how it ends: what each end reports of each message (section 12.6), or the error ' +
      'that a verdict or a final cursor is.',
    drafts: [...sessionEnds(), ...verdicts(), ...otherEndings(), ...receivers()],
  };
}
