/** Judges vectors/resumption.json by the core, the store and the sessions of a server. */
import { decodeAccept } from '../../core/frames/accept.ts';
import { encodeConnect, decodeConnect } from '../../core/frames/connect.ts';
import { encodeFrame, payloadOf } from '../../core/frames/header.ts';
import { decodeReject } from '../../core/frames/reject.ts';
import { createServerConnection, ERROR_NAME, ERRORS, type Event, type ParameterSet } from '../../core/index.ts';
import { systemEnvironment } from '../../node/environment.ts';
import { silentLog } from '../../node/log.ts';
import { retryDelayMs } from '../../node/client/retry.ts';
import { ServerSessions } from '../../node/server/server-sessions.ts';
import type { Link } from '../../node/session/session.ts';
import { MemoryStore } from '../../store/index.ts';
import { outputOf, SERVER_IDENTITY, serverOptions } from './core/pair.ts';
import { eventsOf, framesFrom, hex, octets, type WireFrame } from './core/wire.ts';
import {
  accept,
  asking,
  entriesOf,
  NOW,
  type Past,
  reject,
  RETENTION_MS,
  sessionOf,
  trusting,
} from './remembered-session.ts';

interface Memory extends Omit<Past, 'role' | 'channels'> {
  readonly identity?: string;
  readonly state: 'attached' | 'detached' | 'ended';
  readonly attempt: number;
}

export interface ResumptionVector {
  readonly role: 'client' | 'server';
  readonly memory: Memory | null;
  readonly request: {
    readonly identity?: string;
    readonly sessionId: string;
    readonly epoch: number;
    readonly attempt: number;
    readonly receiveCursor: number;
    readonly deadlineMs?: number;
  };
  readonly room?: boolean;
  readonly accept?: {
    readonly sessionId: string;
    readonly epoch: number;
    readonly receiveCursor: number;
    readonly deadlineMs?: number;
  };
  readonly reject?: { readonly code: number };
}

type Finding = Readonly<Record<string, unknown>> & { readonly result: 'valid' | 'invalid' };

export function judgeResumption(vector: ResumptionVector): Finding | Promise<Finding> {
  return vector.role === 'server' ? judgeServer(vector) : judgeClient(vector);
}

/** A session that has sent as many frames as the vector says: those that are not acknowledged are END. */
function entriesOfMemory(role: 'client' | 'server', memory: Memory): ReturnType<typeof entriesOf> {
  const { sent, acknowledged } = memory;
  const kept = memory.state === 'ended' ? 0 : sent - acknowledged;
  const frames = Array.from({ length: kept }, (_, index) => {
    const seq = acknowledged + 1 + index;
    return { seq, octets: encodeFrame('END', new Uint8Array(), 0, 1, seq) };
  });
  return entriesOf({ role, ...memory }, frames);
}

/** The sequence numbers that are sent again. */
function again(frames: readonly WireFrame[]): object | null {
  const numbers = frames.filter(({ name }) => name === 'END').map(({ seq }) => seq);
  const [first] = numbers;
  if (first === undefined) return null;
  if (numbers.some((seq, index) => seq !== first + index)) throw new Error(`again: ${numbers.join(', ')}`);
  return { first, last: numbers.at(-1) };
}

function judgeClient({ memory, request, accept: accepted, reject: rejected }: ResumptionVector): Finding {
  if (memory === null) throw new TypeError('a client knows its session');
  const session = sessionOf(entriesOfMemory('client', memory));
  const { connection, connect } = asking(session, request.attempt, request.deadlineMs);
  const { sessionId, epoch, attempt, receiveCursor } = decodeConnect(payloadOf(connect));
  const stated = { sessionId: hex(sessionId), epoch, attempt, receiveCursor };
  const { deadlineMs: _, ...asked } = request;
  if (JSON.stringify(stated) !== JSON.stringify(asked)) throw new Error(`CONNECT states ${JSON.stringify(stated)}`);
  if (rejected !== undefined) {
    const [closed] = eventsOf(connection.receive(reject(rejected.code), NOW), 'closed');
    if (closed === undefined) throw new Error('REJECT does not end the attempt');
    const allowed = closed.session === 'detached' && closed.code !== undefined && ERRORS[closed.code].retry !== 'never';
    // It need not try again where it may: a certificate has to be changed first.
    const tries = retryDelayMs({ error: closed.error, code: closed.code }, 1, 0) !== undefined;
    if (tries && closed.session === 'detached' && !allowed) throw new Error('another attempt is made');
    return { result: 'valid', expected: { session: closed.session, again: allowed } };
  }
  if (accepted === undefined) throw new TypeError('there is no answer');
  connection.receive(accept(accepted.sessionId, accepted.epoch, accepted.receiveCursor, accepted.deadlineMs), NOW);
  const frames = framesFrom(connection);
  const close = frames.find(({ name }) => name === 'CLOSE' || name === 'REJECT');
  if (close !== undefined) return { result: 'invalid', error: codeOf(close) };
  return { result: 'valid', expected: { epoch: session.epoch, again: again(frames) } };
}

function codeOf({ payload }: WireFrame): string | undefined {
  return ERROR_NAME[((payload[0] ?? 0) << 8) | (payload[1] ?? 0)];
}

async function judgeServer({ memory, request, room }: ResumptionVector): Promise<Finding> {
  const store = new MemoryStore();
  const sessions = new ServerSessions(
    { environment: systemEnvironment, log: silentLog, grease: false, onChannelRequested: () => undefined },
    { store },
  );
  try {
    const former = memory === null ? undefined : await remember(memory, store, sessions);
    const connection = createServerConnection(serverOptions(trusting));
    outputOf(connection);
    const [received] = eventsOf(connection.receive(connectFrame(request), NOW), 'connect-received');
    if (received?.resume === undefined) throw new Error('CONNECT was not taken');
    const result = await sessions.resume(request.identity ?? '', received.resume, {
      ready: room !== false,
      give: (session, epoch) => void connection.resume(session.core, { epoch }, NOW),
    });
    if (result.type === 'reject') connection.reject(result.code, result.retryAfterMs, NOW, result.parameters);
    if (result.type === 'kept') connection.reject('BUSY', 0, NOW);
    const [answer, ...frames] = framesFrom(connection);
    if (answer?.name === 'ACCEPT') {
      const { epoch, receiveCursor } = decodeAccept(answer.payload);
      const attempt = (await store.load(request.sessionId))?.header.attempt;
      const superseded = former?.superseded;
      return { result: 'valid', expected: { epoch, attempt, receiveCursor, again: again(frames), superseded } };
    }
    if (answer?.name !== 'REJECT') throw new Error('CONNECT has no answer');
    const { parameters } = decodeReject(answer.payload);
    const session = memory === null ? null : former?.isOver() === true ? 'ended' : memory.state;
    return { result: 'invalid', error: codeOf(answer), parameters: given(parameters), session };
  } finally {
    sessions.stop();
  }
}

/** A session that a server has, and what becomes of it. */
interface Former {
  superseded: boolean;
  isOver(): boolean;
}

/** Puts the session where the vector has it. */
async function remember(memory: Memory, store: MemoryStore, sessions: ServerSessions): Promise<Former> {
  const { sessionId: id, identity: owner = '', state, epoch, attempt, received, sent } = memory;
  const header = { id, role: 'server', owner, epoch, attempt, retentionMs: RETENTION_MS } as const;
  await store.create(header, { put: [], delete: [] });
  const cursors = { receiveCursor: received, sendCursor: sent };
  if (state === 'ended') {
    await store.end(id, epoch, cursors);
    return { superseded: false, isOver: () => true };
  }
  const session = sessions.createEndpoint(sessionOf(entriesOfMemory('server', memory)), owner);
  const former = { superseded: false, isOver: () => session.core.state === 'ended' };
  if (state === 'detached') {
    await store.detached(id, epoch, cursors);
    return former;
  }
  const supersede = (): readonly Event[] => {
    former.superseded = true;
    return [];
  };
  const nothing = (): undefined => undefined;
  const pump = { now: () => NOW, handle: nothing, pauseReading: nothing, resumeReading: nothing };
  session.attach({ connection: { supersede }, pump } as unknown as Link);
  return former;
}

function connectFrame({ sessionId, epoch, attempt, receiveCursor }: ResumptionVector['request']): Uint8Array {
  const fields = { mode: 'resume', sessionId: octets(sessionId), epoch, attempt, receiveCursor } as const;
  const rest = {
    clientNonce: new Uint8Array(32),
    audience: SERVER_IDENTITY,
    parameters: { session_retention_ms: RETENTION_MS },
  };
  return encodeFrame('CONNECT', encodeConnect({ ...fields, ...rest, scheme: 0x0807, signature: new Uint8Array(64) }));
}

/** Without those that are not there. */
function given(parameters: ParameterSet): object {
  return Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== undefined));
}
