import { randomBytes } from 'node:crypto';
import { type DeadlineQueue, processDeadlines } from './deadline-queue.ts';

/** Time and randomness of an endpoint. Whoever replaces a member is a test. */
export interface Environment {
  /** Deadlines, and with them the monotonic clock. [SES-023] */
  readonly deadlines: DeadlineQueue;
  /** Wall-clock time, for the validity of certificates and the time of an evidence record. */
  readonly wallClock: () => Date;
  /** Octets from a cryptographically secure generator. */
  readonly random: (count: number) => Uint8Array;
}

/** The real ones. */
export const systemEnvironment: Environment = {
  deadlines: processDeadlines,
  wallClock: () => new Date(),
  random: randomBytes,
};

/** A number from 0 to below 1. */
export function randomShare({ random }: Environment): number {
  const octets = random(4);
  return new DataView(octets.buffer, octets.byteOffset, 4).getUint32(0) / 2 ** 32;
}
