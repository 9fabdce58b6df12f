/** Judges resumption.json, check by check from section 12.4. */
import { errorNamed, errorOfCode, registry } from '../model/registry.ts';
import type { Finding } from './vector-judge.ts';
import type { Vector } from './vector-files.ts';

/** What an end knows of the session. */
interface Memory {
  readonly identity?: string;
  readonly sessionId: string;
  readonly state: 'attached' | 'detached' | 'ended';
  readonly epoch: number;
  readonly attempt: number;
  readonly received: number;
  readonly sent: number;
  readonly acknowledged: number;
}

export interface ResumptionVector extends Vector {
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
  /** At the server: whether there is room for one more. */
  readonly room?: boolean;
  /** At the client: the answer. */
  readonly accept?: {
    readonly sessionId: string;
    readonly epoch: number;
    readonly receiveCursor: number;
    readonly deadlineMs?: number;
  };
  readonly reject?: { readonly code: number };
}

/** CNT-030: everything beyond the cursor that the peer stated. */
function again(sent: number, cursor: number): object | null {
  return cursor < sent ? { first: cursor + 1, last: sent } : null;
}

function judgeServer({ memory, request, room }: ResumptionVector): Finding {
  const reject = (error: string, session: string | null, parameters: object = {}): Finding => ({
    result: 'invalid',
    error,
    parameters,
    session,
  });
  // EST-018, CNT-021
  if (memory === null) return reject('RESUME_REFUSED', null);
  const { state, epoch, received, sent, acknowledged } = memory;
  if (memory.identity !== request.identity) return reject('RESUME_REFUSED', state);
  const final = { final_receive_cursor: received, final_send_cursor: sent };
  // CNT-063, CNT-036
  if (state === 'ended') {
    const beyond = request.receiveCursor > sent;
    const gap = beyond ? { gap_first: sent + 1, gap_last: request.receiveCursor } : { gap_first: 0, gap_last: 0 };
    if (beyond || request.epoch > epoch) return reject('RESUME_GAP', state, { ...final, ...gap });
    return reject('SESSION_ENDED', state, final);
  }
  // CNT-023
  if (request.attempt <= memory.attempt) return reject('ATTEMPT_STALE', state);
  // CNT-025, CNT-026
  const cursor = request.receiveCursor;
  if (cursor > sent) return reject('RESUME_GAP', 'ended', { ...final, gap_first: sent + 1, gap_last: cursor });
  if (cursor < acknowledged) {
    return reject('RESUME_GAP', 'ended', { ...final, gap_first: cursor + 1, gap_last: acknowledged });
  }
  if (request.epoch > epoch) return reject('RESUME_GAP', 'ended', { ...final, gap_first: 0, gap_last: 0 });
  if (room === false) return reject('BUSY', state);
  const expected = {
    epoch: epoch + 1,
    attempt: request.attempt,
    receiveCursor: received,
    again: again(sent, cursor),
    superseded: state === 'attached',
  };
  return { result: 'valid', expected };
}

function judgeClient({ memory, request, accept, reject }: ResumptionVector): Finding {
  if (memory === null) throw new TypeError('a client knows its session');
  if (accept === undefined) {
    // ERR-002: what is not known, or not for this frame, is like another code.
    const row = errorOfCode(reject?.code ?? 0);
    const known = row?.in.includes('REJECT') === true ? row : errorNamed(registry.unknownErrors['REJECT'] ?? '');
    const session = known.scope === 'session' ? 'ended' : 'detached';
    return { result: 'valid', expected: { session, again: session === 'detached' && known.retry !== 'never' } };
  }
  const wrong = (error: string): Finding => ({ result: 'invalid', error });
  const { sessionId, epoch, receiveCursor, deadlineMs = 0 } = accept;
  // CNT-031
  if (sessionId !== request.sessionId || epoch <= request.epoch) return wrong('FRAME_MALFORMED');
  // CNT-032
  if (receiveCursor > memory.sent || receiveCursor < memory.acknowledged) return wrong('RESUME_GAP');
  // CNT-002
  const { deadlineMs: asked = 0 } = request;
  if (asked > 0 && deadlineMs > asked) return wrong('PARAMETER_INVALID');
  return { result: 'valid', expected: { epoch, again: again(memory.sent, receiveCursor) } };
}

export function judgeResumption(vector: ResumptionVector): Finding {
  return vector.role === 'server' ? judgeServer(vector) : judgeClient(vector);
}
