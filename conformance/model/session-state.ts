/** What an endpoint keeps of a resumable session while no connection carries it (section 12.3). */
import type { ChannelBook } from './channel-book.ts';

/** A session at one end: everything that outlives a connection. */
export interface SessionState {
  readonly id: Uint8Array;
  /** The epoch that this end knows. */
  readonly epoch: bigint;
  /** Greatest attempt that was made (client) or seen (server). */
  readonly attempt: bigint;
  /** Last sequenced frame received and sent. */
  readonly received: bigint;
  readonly sent: bigint;
  /** What the peer has acknowledged of what was sent. */
  readonly acknowledged: bigint;
  /** Sequenced frames that were sent and are not acknowledged, by number. */
  readonly kept: ReadonlyMap<bigint, Uint8Array>;
  /** Sequenced frames that were received and not acknowledged, by number: a peer that is not told of them sends them again. */
  readonly seen: ReadonlyMap<bigint, Uint8Array>;
  readonly channels: ChannelBook;
}

/** What a server's store says of a session, beyond what a connection could tell. */
export interface StoredSession {
  readonly state: SessionState;
  /** Whether it belongs to the identity that asks; true if absent. */
  readonly own?: boolean;
  /** Whether it has ended, and only its final cursors are kept. */
  readonly ended?: boolean;
  /** Whether there is room to attach it; true if absent. */
  readonly room?: boolean;
}

/** The error of a CONNECT in mode resume, in the order of section 12.4; undefined where the session can be attached. */
export function judgeResumption(
  stored: StoredSession | undefined,
  asked: { readonly epoch: bigint; readonly attempt: bigint; readonly cursor: bigint },
): { readonly error: string; readonly requirement: string } | undefined {
  const refused = (error: string, requirement: string) => ({ error, requirement });
  if (stored === undefined) return refused('RESUME_REFUSED', 'EST-018');
  const { state, own = true, ended = false, room = true } = stored;
  if (!own) return refused('RESUME_REFUSED', 'CNT-021');
  if (ended) {
    const forgotten = asked.epoch > state.epoch || asked.cursor > state.sent;
    return forgotten ? refused('RESUME_GAP', 'CNT-063') : refused('SESSION_ENDED', 'CNT-036');
  }
  if (asked.attempt <= state.attempt) return refused('ATTEMPT_STALE', 'CNT-023');
  if (asked.epoch > state.epoch || asked.cursor > state.sent || asked.cursor < state.acknowledged) {
    return refused('RESUME_GAP', 'CNT-025');
  }
  return room ? undefined : refused('BUSY', 'CNT-016');
}

/** The sequence numbers of the server that can not be provided, as REJECT(RESUME_GAP) states them (CNT-025). */
export function gapOf(
  state: Pick<SessionState, 'sent' | 'acknowledged'>,
  cursor: bigint,
): { readonly first: bigint; readonly last: bigint } {
  if (cursor > state.sent) return { first: state.sent + 1n, last: cursor };
  if (cursor < state.acknowledged) return { first: cursor + 1n, last: state.acknowledged };
  return { first: 0n, last: 0n };
}
