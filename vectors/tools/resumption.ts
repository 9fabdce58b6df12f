/** resumption.json: what a server answers to CONNECT in mode resume, and what a client makes of the answer (section 12.4). */
import { toHex } from '../../conformance/model/codec.ts';
import { errorNamed } from '../../conformance/model/registry.ts';
import { octetsFor } from './octet-source.ts';
import { CLIENT_IDENTITY } from './parties.ts';
import { fails, VALID } from './vector.ts';
import type { Draft as Head, DraftFile } from './vector.ts';

type Draft = DraftFile['drafts'][number];
type Stated = Head & Readonly<Record<string, unknown>>;

const SESSION = toHex(octetsFor('session', 16));
const OTHER = toHex(octetsFor('other session', 16));
const MAX = Number.MAX_SAFE_INTEGER;

/** What an end knows of the session. */
interface Memory {
  /** At the server: to whom it belongs. */
  readonly identity?: string;
  readonly sessionId: string;
  readonly state: 'attached' | 'detached' | 'ended';
  readonly epoch: number;
  readonly attempt: number;
  readonly received: number;
  readonly sent: number;
  readonly acknowledged: number;
}

/** CONNECT, as far as it counts; `identity` is what the certificate of the client says. */
interface Request {
  readonly identity?: string;
  readonly sessionId: string;
  readonly epoch: number;
  readonly attempt: number;
  readonly receiveCursor: number;
  readonly deadlineMs?: number;
}

interface Accept {
  readonly sessionId: string;
  readonly epoch: number;
  readonly receiveCursor: number;
  readonly deadlineMs?: number;
}

const AT_SERVER: Memory = {
  identity: CLIENT_IDENTITY,
  sessionId: SESSION,
  state: 'detached',
  epoch: 3,
  attempt: 4,
  received: 17,
  sent: 9,
  acknowledged: 5,
};
const REQUEST: Request = { identity: CLIENT_IDENTITY, sessionId: SESSION, epoch: 3, attempt: 5, receiveCursor: 7 };

const AT_CLIENT: Memory = {
  sessionId: SESSION,
  state: 'detached',
  epoch: 3,
  attempt: 5,
  received: 9,
  sent: 17,
  acknowledged: 12,
};
const STATED: Request = { sessionId: SESSION, epoch: 3, attempt: 5, receiveCursor: 9 };
const ACCEPT: Accept = { sessionId: SESSION, epoch: 4, receiveCursor: 15 };

type Range = readonly [first: number, last: number] | undefined;
const range = (again: Range): object | null => (again === undefined ? null : { first: again[0], last: again[1] });

/** Changes to what the server knows and to what it is asked. */
interface Change {
  /** null where the server knows nothing of a session with this id. */
  readonly memory?: Partial<Memory> | null;
  readonly request?: Partial<Request>;
  readonly room?: boolean;
}

function ask(
  comment: string,
  requirement: string,
  flag: string,
  { memory = {}, request = {}, room = true }: Change,
): Stated {
  return {
    comment: `server: ${comment}`,
    requirements: [requirement],
    flags: [flag],
    role: 'server',
    memory: memory === null ? null : { ...AT_SERVER, ...memory },
    request: { ...REQUEST, ...request },
    room,
  };
}

/** The session is attached: what ACCEPT says and which frames are sent again. */
function granted(comment: string, requirement: string, change: Change, again: Range): Draft {
  const memory = { ...AT_SERVER, ...change.memory };
  const expected = {
    epoch: memory.epoch + 1,
    attempt: change.request?.attempt ?? REQUEST.attempt,
    receiveCursor: memory.received,
    again: range(again),
    superseded: memory.state === 'attached',
  };
  return { ...ask(comment, requirement, 'Resumption', change), ...VALID, expected };
}

/** REJECT with these parameters; `session` is what the session is afterwards. */
function denied(
  comment: string,
  requirement: string,
  flag: string,
  error: string,
  change: Change,
  parameters: Readonly<Record<string, number>> = {},
): Draft {
  const { state } = { ...AT_SERVER, ...change.memory };
  const session = change.memory === null ? null : error === 'RESUME_GAP' ? 'ended' : state;
  return {
    ...ask(comment, requirement, flag, change),
    ...fails('state', error),
    parameters,
    session,
  };
}

function gap(comment: string, change: Change, first: number, last: number, flag = 'Gap'): Draft {
  const { received, sent } = { ...AT_SERVER, ...change.memory };
  const parameters = { final_receive_cursor: received, final_send_cursor: sent, gap_first: first, gap_last: last };
  return denied(comment, 'CNT-025', flag, 'RESUME_GAP', change, parameters);
}

function ended(comment: string, change: Change, flag = 'Resumption'): Draft {
  const memory = { ...change.memory, state: 'ended' as const };
  const { received, sent } = { ...AT_SERVER, ...memory };
  const parameters = { final_receive_cursor: received, final_send_cursor: sent };
  return denied(comment, 'CNT-036', flag, 'SESSION_ENDED', { ...change, memory }, parameters);
}

/** The session has ended, and the server has forgotten a part of it. */
function forgotten(comment: string, request: Partial<Request>, first: number, last: number): Draft {
  const memory = { state: 'ended' as const };
  const { received, sent } = AT_SERVER;
  const parameters = { final_receive_cursor: received, final_send_cursor: sent, gap_first: first, gap_last: last };
  return denied(comment, 'CNT-063', 'Gap', 'RESUME_GAP', { memory, request }, parameters);
}

function servers(): Draft[] {
  const stranger = { identity: 'spiffe://example.test/other' };
  const refused = (comment: string, change: Change, flag = 'Fencing', requirement = 'CNT-021'): Draft =>
    denied(comment, requirement, flag, 'RESUME_REFUSED', change);
  const stale = (comment: string, change: Change, flag = 'Fencing'): Draft =>
    denied(comment, 'CNT-023', flag, 'ATTEMPT_STALE', change);
  return [
    granted('as it occurs every day', 'CNT-027', {}, [8, 9]),
    granted('the client holds everything', 'CNT-030', { request: { receiveCursor: 9 } }, undefined),
    granted('the client holds what it acknowledged', 'CNT-025', { request: { receiveCursor: 5 } }, [6, 9]),
    granted('one frame is sent again', 'CNT-030', { request: { receiveCursor: 8 } }, [9, 9]),
    granted('the client has missed one ACCEPT', 'CNT-024', { request: { epoch: 2 } }, [8, 9]),
    granted('the client has missed two ACCEPTs', 'CNT-024', { request: { epoch: 1 } }, [8, 9]),
    granted('epoch 0', 'CNT-024', { request: { epoch: 0 } }, [8, 9]),
    granted('an attempt that is higher by more than one', 'CNT-023', { request: { attempt: 99 } }, [8, 9]),
    granted('the largest attempt', 'CNT-023', { request: { attempt: MAX } }, [8, 9]),
    granted(
      'the first attempt',
      'CNT-023',
      { memory: { epoch: 1, attempt: 0 }, request: { epoch: 1, attempt: 1 } },
      [8, 9],
    ),
    granted('the former connection still exists', 'CNT-029', { memory: { state: 'attached' } }, [8, 9]),
    granted(
      'the former connection still exists and the client has missed an ACCEPT',
      'CNT-029',
      { memory: { state: 'attached' }, request: { epoch: 2 } },
      [8, 9],
    ),
    granted(
      'nothing was sent in either direction',
      'CNT-030',
      { memory: { received: 0, sent: 0, acknowledged: 0 }, request: { receiveCursor: 0 } },
      undefined,
    ),
    granted(
      'nothing was acknowledged and the client holds nothing',
      'CNT-030',
      { memory: { acknowledged: 0 }, request: { receiveCursor: 0 } },
      [1, 9],
    ),
    granted(
      'everything was acknowledged',
      'CNT-030',
      { memory: { acknowledged: 9 }, request: { receiveCursor: 9 } },
      undefined,
    ),
    granted(
      'the last sequence number',
      'CNT-030',
      { memory: { sent: MAX, acknowledged: MAX - 1, received: MAX }, request: { receiveCursor: MAX - 1 } },
      [MAX, MAX],
    ),
    granted('the last epoch', 'CNT-027', { memory: { epoch: MAX - 1 }, request: { epoch: MAX - 1 } }, [8, 9]),

    refused('no session with this id', { memory: null }, 'Resumption', 'EST-018'),
    refused('no session with this id, and no room', { memory: null, room: false }, 'CheckOrder', 'EST-018'),
    refused(
      'a session id of zeros',
      { memory: null, request: { sessionId: '00'.repeat(16) } },
      'Resumption',
      'EST-018',
    ),
    refused('another identity', { request: stranger }),
    refused('another identity, while the owner is connected', { memory: { state: 'attached' }, request: stranger }),
    refused('the identity in upper case', { request: { identity: 'SPIFFE://example.test/client' } }),
    refused('the identity with one letter in another case', { request: { identity: 'spiffe://example.test/Client' } }),
    refused('the identity with a slash at its end', { request: { identity: `${CLIENT_IDENTITY}/` } }),
    refused('the identity without its last letter', { request: { identity: CLIENT_IDENTITY.slice(0, -1) } }),
    refused('the identity with more behind it', { request: { identity: `${CLIENT_IDENTITY}2` } }),
    refused(
      'another identity, and the session has ended',
      { memory: { state: 'ended' }, request: stranger },
      'CheckOrder',
    ),
    refused('another identity, and the attempt is stale', { request: { ...stranger, attempt: 4 } }, 'CheckOrder'),
    refused('another identity, and there is a gap', { request: { ...stranger, receiveCursor: 10 } }, 'CheckOrder'),
    refused('another identity, and the epoch is higher', { request: { ...stranger, epoch: 4 } }, 'CheckOrder'),
    refused('another identity, and no room', { request: stranger, room: false }, 'CheckOrder'),

    ended('the session has ended', {}),
    ended('the session has ended, and nothing was sent in it', {
      memory: { received: 0, sent: 0, acknowledged: 0 },
      request: { receiveCursor: 0 },
    }),
    ended('the session has ended with the largest cursors', { memory: { received: MAX, sent: MAX } }),
    ended('the session has ended, and the attempt is stale', { request: { attempt: 4 } }, 'CheckOrder'),
    ended('the session has ended, and the epoch is lower', { request: { epoch: 2 } }),
    ended('the session has ended, and the cursor is the final one', { request: { receiveCursor: 9 } }),
    ended('the session has ended, and the cursor is below what was acknowledged', { request: { receiveCursor: 4 } }),
    forgotten('the session has ended, and the epoch is higher', { epoch: 4 }, 0, 0),
    forgotten('the session has ended, and the epoch is the largest', { epoch: MAX }, 0, 0),
    forgotten('the session has ended, and the cursor is beyond the final one', { receiveCursor: 10 }, 10, 10),
    forgotten('the session has ended, and the cursor is the largest', { receiveCursor: MAX }, 10, MAX),
    forgotten(
      'the session has ended, and both epoch and cursor are beyond its last ones',
      { epoch: 4, receiveCursor: 12 },
      10,
      12,
    ),
    forgotten(
      'the session has ended, the epoch is higher, and the cursor below what was acknowledged',
      { epoch: 4, receiveCursor: 3 },
      0,
      0,
    ),
    forgotten('the session has ended, the attempt is stale, and the epoch is higher', { epoch: 4, attempt: 3 }, 0, 0),
    ended('the session has ended, and no room', { room: false }, 'CheckOrder'),

    stale('the attempt that was seen last', { request: { attempt: 4 } }),
    stale('an earlier attempt', { request: { attempt: 3 } }),
    stale('attempt 0', { request: { attempt: 0 } }),
    stale('attempt 0 where none was seen', { memory: { epoch: 1, attempt: 0 }, request: { epoch: 1, attempt: 0 } }),
    stale('the attempt that was seen last, while the session is attached', {
      memory: { state: 'attached' },
      request: { attempt: 4 },
    }),
    stale('an earlier attempt with the epoch before', { request: { attempt: 3, epoch: 2 } }),
    stale('an earlier attempt, and the epoch is higher', { request: { attempt: 3, epoch: 4 } }, 'CheckOrder'),
    stale('an earlier attempt, and there is a gap', { request: { attempt: 3, receiveCursor: 10 } }, 'CheckOrder'),
    stale('an earlier attempt, and no room', { request: { attempt: 3 }, room: false }, 'CheckOrder'),

    gap('epoch higher by one', { request: { epoch: 4 } }, 0, 0),
    gap('largest epoch', { request: { epoch: MAX } }, 0, 0),
    gap('cursor one beyond what was sent', { request: { receiveCursor: 10 } }, 10, 10),
    gap('cursor far beyond what was sent', { request: { receiveCursor: 1000 } }, 10, 1000),
    gap('largest cursor', { request: { receiveCursor: MAX } }, 10, MAX),
    gap(
      'cursor 1 where nothing was sent',
      { memory: { sent: 0, acknowledged: 0 }, request: { receiveCursor: 1 } },
      1,
      1,
    ),
    gap('cursor one below what was acknowledged', { request: { receiveCursor: 4 } }, 5, 5),
    gap('cursor far below what was acknowledged', { request: { receiveCursor: 1 } }, 2, 5),
    gap('cursor 0 where something was acknowledged', { request: { receiveCursor: 0 } }, 1, 5),
    gap(
      'cursor 0 where everything was acknowledged',
      { memory: { acknowledged: 9 }, request: { receiveCursor: 0 } },
      1,
      9,
    ),
    gap(
      'cursor beyond what was sent, while the session is attached',
      { memory: { state: 'attached' }, request: { receiveCursor: 10 } },
      10,
      10,
    ),
    gap(
      'epoch higher and cursor beyond what was sent',
      { request: { epoch: 4, receiveCursor: 12 } },
      10,
      12,
      'CheckOrder',
    ),
    gap(
      'epoch higher and cursor below what was acknowledged',
      { request: { epoch: 4, receiveCursor: 3 } },
      4,
      5,
      'CheckOrder',
    ),
    gap(
      'cursor beyond what was sent, and no room',
      { request: { receiveCursor: 10 }, room: false },
      10,
      10,
      'CheckOrder',
    ),

    denied('no room', 'CNT-016', 'Resumption', 'BUSY', { room: false }),
    denied('no room, and the client has missed an ACCEPT', 'CNT-016', 'Resumption', 'BUSY', {
      request: { epoch: 2 },
      room: false,
    }),
  ];
}

/** What is different in an answer of the server. */
interface Answer {
  readonly memory?: Partial<Memory>;
  readonly request?: Partial<Request>;
  readonly accept?: Partial<Accept>;
}

function told(
  comment: string,
  requirement: string,
  flag: string,
  { memory = {}, request = {}, accept = {} }: Answer,
): Stated {
  return {
    comment: `client: ${comment}`,
    requirements: [requirement],
    flags: [flag],
    role: 'client',
    memory: { ...AT_CLIENT, ...memory },
    request: { ...STATED, ...request },
    accept: { ...ACCEPT, ...accept },
  };
}

function attached(comment: string, requirement: string, answer: Answer, again: Range): Draft {
  const expected = { epoch: answer.accept?.epoch ?? ACCEPT.epoch, again: range(again) };
  return { ...told(comment, requirement, 'Resumption', answer), ...VALID, expected };
}

function wrong(comment: string, requirement: string, flag: string, error: string, answer: Answer): Draft {
  return { ...told(comment, requirement, flag, answer), ...fails('state', error) };
}

/** REJECT ends the session, or only the attempt; `again` says whether another attempt is allowed. */
function rejected(
  name: string,
  code: number,
  session: 'detached' | 'ended',
  again: boolean,
  requirement: string,
): Draft {
  return {
    comment: `client: REJECT with ${name}`,
    requirements: [requirement],
    flags: ['Resumption'],
    role: 'client',
    memory: AT_CLIENT,
    request: STATED,
    reject: { code },
    ...VALID,
    expected: { session, again },
  };
}

function clients(): Draft[] {
  const malformed = (comment: string, answer: Answer, flag = 'Fencing'): Draft =>
    wrong(comment, 'CNT-031', flag, 'FRAME_MALFORMED', answer);
  const hole = (comment: string, answer: Answer, flag = 'Gap'): Draft =>
    wrong(comment, 'CNT-032', flag, 'RESUME_GAP', answer);
  const tooLong = (comment: string, answer: Answer): Draft =>
    wrong(comment, 'CNT-002', 'Grant', 'PARAMETER_INVALID', answer);
  const code = (name: string): number => errorNamed(name).code;
  return [
    attached('as it occurs every day', 'CNT-030', {}, [16, 17]),
    attached('the server holds everything', 'CNT-030', { accept: { receiveCursor: 17 } }, undefined),
    attached('the server holds what it acknowledged', 'CNT-032', { accept: { receiveCursor: 12 } }, [13, 17]),
    attached('one frame is sent again', 'CNT-030', { accept: { receiveCursor: 16 } }, [17, 17]),
    attached('the epoch is higher by more than one', 'CNT-031', { accept: { epoch: 12 } }, [16, 17]),
    attached('the largest epoch', 'CNT-031', { accept: { epoch: MAX } }, [16, 17]),
    attached(
      'nothing was sent',
      'CNT-030',
      { memory: { sent: 0, acknowledged: 0 }, accept: { receiveCursor: 0 } },
      undefined,
    ),
    attached(
      'nothing was acknowledged and the server holds nothing',
      'CNT-030',
      { memory: { acknowledged: 0 }, accept: { receiveCursor: 0 } },
      [1, 17],
    ),
    attached(
      'the last sequence number',
      'CNT-030',
      { memory: { sent: MAX, acknowledged: MAX - 1 }, accept: { receiveCursor: MAX - 1 } },
      [MAX, MAX],
    ),
    attached(
      'the deadline asked for',
      'CNT-001',
      { request: { deadlineMs: 5000 }, accept: { deadlineMs: 5000 } },
      [16, 17],
    ),
    attached('a shorter deadline', 'CNT-001', { request: { deadlineMs: 5000 }, accept: { deadlineMs: 1 } }, [16, 17]),
    attached('a deadline where none was asked for', 'CNT-001', { accept: { deadlineMs: 5000 } }, [16, 17]),

    malformed('another session id', { accept: { sessionId: OTHER } }),
    malformed('a session id of zeros', { accept: { sessionId: '00'.repeat(16) } }),
    malformed('the epoch that was stated', { accept: { epoch: 3 } }),
    malformed('a lower epoch', { accept: { epoch: 2 } }),
    malformed('the epoch of a new session', { accept: { epoch: 1, receiveCursor: 12 } }),
    malformed(
      'the epoch that was stated, and the cursor is beyond what was sent',
      { accept: { epoch: 3, receiveCursor: 18 } },
      'CheckOrder',
    ),
    malformed(
      'another session id, and the cursor is below what was acknowledged',
      { accept: { sessionId: OTHER, receiveCursor: 3 } },
      'CheckOrder',
    ),
    hole('cursor one beyond what was sent', { accept: { receiveCursor: 18 } }),
    hole('largest cursor', { accept: { receiveCursor: MAX } }),
    hole('cursor 1 where nothing was sent', { memory: { sent: 0, acknowledged: 0 }, accept: { receiveCursor: 1 } }),
    hole('cursor one below what was acknowledged', { accept: { receiveCursor: 11 } }),
    hole('cursor 0 where something was acknowledged', { accept: { receiveCursor: 0 } }),
    hole(
      'cursor beyond what was sent, and the deadline is too long',
      { request: { deadlineMs: 5000 }, accept: { receiveCursor: 18, deadlineMs: 5001 } },
      'CheckOrder',
    ),
    tooLong('a deadline longer by one', { request: { deadlineMs: 5000 }, accept: { deadlineMs: 5001 } }),
    tooLong('the longest deadline', { request: { deadlineMs: 5000 }, accept: { deadlineMs: 604_800_000 } }),

    ...(
      [
        ['BUSY', true],
        ['SHUTTING_DOWN', true],
        ['INTERNAL_ERROR', true],
        ['ESTABLISHMENT_TIMEOUT', true],
        ['AUTHENTICATION_FAILED', true],
        ['AUDIENCE_MISMATCH', true],
        ['SIGNATURE_INVALID', false],
      ] as const
    ).map(([name, again]) => rejected(name, code(name), 'detached', again, 'CNT-057')),
    rejected('ATTEMPT_STALE', code('ATTEMPT_STALE'), 'detached', false, 'CNT-058'),
    rejected('a code that is unknown', 0x7777, 'detached', true, 'ERR-002'),
    rejected('a code that is not for this frame', code('CURSOR_INVALID'), 'detached', true, 'ERR-002'),
    ...['RESUME_REFUSED', 'RESUME_GAP'].map((name) => rejected(name, code(name), 'ended', false, 'CNT-043')),
    rejected('SESSION_ENDED', code('SESSION_ENDED'), 'ended', false, 'CNT-036'),
    rejected('FRAME_MALFORMED', code('FRAME_MALFORMED'), 'ended', false, 'ERR-006'),
  ];
}

export function resumptionVectors(): DraftFile {
  return {
    name: 'resumption',
    prefix: 'resumption',
    description:
      'What an end knows of a session, and CONNECT in mode resume: what the server answers, or what the client makes of the answer ' +
      '(section 12.4). Signatures, audience and policy are in order.',
    drafts: [...servers(), ...clients()],
  };
}
