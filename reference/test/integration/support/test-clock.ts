import { DeadlineQueue, type Environment, type TimerPlatform } from '../../../node/index.ts';
import { randomBytes } from 'node:crypto';

/** The real clock, which a test can push forward: deadlines pass without waiting. */
export class TestClock implements TimerPlatform {
  #offset = 0;
  #callback: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;

  readonly now = (): number => performance.now() + this.#offset;

  set(callback: () => void, delayMs: number): unknown {
    this.#callback = callback;
    this.#timer = setTimeout(callback, delayMs).unref();
    return this.#timer;
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#callback = undefined;
  }

  /** Lets time pass, and runs what is due. */
  advance(ms: number): void {
    this.#offset += ms;
    const callback = this.#callback;
    this.clear();
    callback?.();
  }
}

/** An environment whose monotonic time is a {@link TestClock}'s. */
export function testEnvironment(clock: TestClock, wallClock: () => Date = () => new Date()): Environment {
  return { deadlines: new DeadlineQueue(clock), wallClock, random: randomBytes };
}
