import { type Environment, randomShare } from '../environment.ts';
import type { Log } from '../log.ts';
import { wait } from '../wait.ts';
import { networkMayRecover } from '../client/retry.ts';

/** How often an application end is attempted before it is given up. */
export interface RetryLimits {
  /** Attempts altogether; with 1 none is followed by another. */
  readonly attempts: number;
  /** Bound of the random wait before the second attempt, in milliseconds; it doubles before each further one. */
  readonly firstBoundMs: number;
}

/** What {@link connectRepeatedly} is told. */
export interface ConnectAttempts {
  readonly retry: RetryLimits;
  /** Ends the time for all attempts together, on the monotonic clock. [RLY-033] */
  readonly deadline: number;
  /** Nobody waits any more: no other attempt follows. */
  readonly signal: AbortSignal;
  readonly environment: Environment;
  readonly log: Log;
  /** Says in the log whom the attempts are for. */
  readonly facts: object;
}

/**
 * Connects to an application end, again where the network has failed: with full jitter, as section 7.3 has it for clients. Until
 * a connection is complete nothing of a channel has gone over it, so that nothing can be lost or doubled. [RLY-022]
 *
 * @param connect - makes one attempt.
 * @returns what it returns; rejects with the error of the last attempt.
 */
export async function connectRepeatedly<T>(
  connect: () => Promise<T>,
  { retry, deadline, signal, environment, log, facts }: ConnectAttempts,
): Promise<T> {
  const { deadlines } = environment;
  const nobodyWaits = (): boolean => signal.aborted;
  for (let failures = 1; ; failures += 1) {
    try {
      return await connect();
    } catch (error) {
      if (nobodyWaits() || failures >= retry.attempts || !networkMayRecover(error)) throw error;
      const delayMs = randomShare(environment) * retry.firstBoundMs * 2 ** (failures - 1);
      // What is known now is worth more to the client than that its time is over later.
      if (deadlines.now() + delayMs >= deadline) throw error;
      log.info({ ...facts, failures, delayMs, err: error }, 'an attempt to reach the application end is repeated');
      await wait(delayMs, environment, { signal });
      if (nobodyWaits()) throw error;
    }
  }
}
