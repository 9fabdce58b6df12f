import { RemoteError, TIMERS } from '../../core/index.ts';
import { type Failure, retryDelayMs } from './retry.ts';

/**
 * How long a client waits before the next attempt to attach a session. [EST-024] [ERR-007]
 *
 * @param failures - how many attempts have failed in a row, this one included.
 * @param share - a random number from 0 to below 1.
 * @param boundMs - the owner's bound of the first wait.
 * @returns milliseconds; undefined when only a person can help. [ERR-006]
 */
export function reconnectDelayMs(
  failure: Failure,
  failures: number,
  share: number,
  boundMs: number | undefined,
): number | undefined {
  // An end in order says nothing against the next connection, and a deadline asks for it.
  const harmless = failure.error === undefined || failure.code === 'CONNECTION_EXPIRED';
  const delayMs = harmless ? share * TIMERS.reconnect_first_bound_ms : retryDelayMs(failure, failures, share);
  if (delayMs === undefined || boundMs === undefined) return delayMs;
  // What the server has asked for is no random wait. [EST-024]
  const askedMs = failure.error instanceof RemoteError ? (failure.error.retryAfterMs ?? 0) : 0;
  return Math.max(askedMs, Math.min(delayMs, share * boundMs * 2 ** (failures - 1)));
}
