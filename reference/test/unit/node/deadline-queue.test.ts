import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DeadlineQueue, type TimerPlatform } from '../../../node/index.ts';

/** A clock that stands still until it is told. */
class ManualClock implements TimerPlatform {
  time = 0;
  delay: number | undefined;
  keepsAlive = false;
  armed = 0;
  #callback: (() => void) | undefined;
  #due = 0;

  readonly now = (): number => this.time;

  set(callback: () => void, delayMs: number, keepsAlive: boolean): unknown {
    this.#callback = callback;
    this.delay = delayMs;
    this.keepsAlive = keepsAlive;
    this.#due = this.time + delayMs;
    this.armed += 1;
    return 'timer';
  }

  clear(): void {
    this.#callback = undefined;
    this.delay = undefined;
  }

  /** Lets time pass from timer to timer. */
  advanceTo(time: number): void {
    while (this.#callback !== undefined && this.#due <= time) {
      this.time = this.#due;
      const callback = this.#callback;
      this.clear();
      callback();
    }
    this.time = time;
  }
}

describe('DeadlineQueue', () => {
  it('runs a task at its deadline, once', () => {
    const clock = new ManualClock();
    const runs: number[] = [];
    new DeadlineQueue(clock).add((now) => void runs.push(now)).by(10);
    clock.advanceTo(9);
    expect(runs).toEqual([]);
    clock.advanceTo(100);
    expect(runs).toEqual([10]);
  });

  it('keeps the process alive as long as a task is queued that somebody waits for', () => {
    const clock = new ManualClock();
    const queue = new DeadlineQueue(clock);
    queue.add(() => undefined).by(10);
    expect(clock.keepsAlive).toBe(false);
    const awaited = queue.add(() => undefined, { keepsAlive: true });
    expect(clock.keepsAlive).toBe(false);
    awaited.by(20);
    expect([clock.delay, clock.keepsAlive]).toEqual([10, true]);
    queue.add(() => undefined).by(30);
    clock.advanceTo(19);
    expect([clock.delay, clock.keepsAlive]).toEqual([10, true]);
    clock.advanceTo(20);
    expect([clock.delay, clock.keepsAlive]).toEqual([10, false]);
    const given = queue.add(() => undefined, { keepsAlive: true });
    given.by(25);
    expect([clock.delay, clock.keepsAlive]).toEqual([5, true]);
    given.cancel();
    expect([clock.delay, clock.keepsAlive]).toEqual([10, false]);
  });

  it('runs a task again when it says when', () => {
    const clock = new ManualClock();
    const runs: number[] = [];
    const task = (now: number): number | undefined => {
      runs.push(now);
      return runs.length < 3 ? now + 5 : undefined;
    };
    new DeadlineQueue(clock).add(task).by(10);
    clock.advanceTo(100);
    expect(runs).toEqual([10, 15, 20]);
  });

  it('moves a deadline earlier at once, and leaves a later one for the task to say', () => {
    const clock = new ManualClock();
    const runs: number[] = [];
    const scheduled = new DeadlineQueue(clock).add((now) => void runs.push(now));
    scheduled.by(50);
    const { armed } = clock;
    scheduled.by(80);
    scheduled.by(undefined);
    expect(clock.armed).toBe(armed);
    scheduled.by(20);
    clock.advanceTo(100);
    expect(runs).toEqual([20]);
  });

  it('forgets a cancelled task, also one that another task of the same time cancels', () => {
    const clock = new ManualClock();
    const queue = new DeadlineQueue(clock);
    const runs: string[] = [];
    const second = queue.add(() => void runs.push('second'));
    queue
      .add(() => {
        runs.push('first');
        second.cancel();
        return undefined;
      })
      .by(5);
    second.by(5);
    const third = queue.add(() => void runs.push('third'));
    third.by(3);
    third.cancel();
    third.by(4);
    clock.advanceTo(10);
    expect(runs).toEqual(['first']);
    expect(queue.size).toBe(0);
  });

  it('does not let a task that is always due hold the loop', () => {
    const clock = new ManualClock();
    const queue = new DeadlineQueue(clock);
    let runs = 0;
    queue.add((now) => (++runs, now - 1)).by(1);
    clock.advanceTo(1);
    expect(runs).toBe(1);
    clock.advanceTo(4);
    expect(runs).toBe(4);
  });

  it('never arms a timer beyond what the platform takes', () => {
    const clock = new ManualClock();
    new DeadlineQueue(clock).add(() => undefined).by(2 ** 40);
    expect(clock.delay).toBe(2 ** 31 - 1);
  });

  it('runs everything in the order of the deadlines, whatever the order of the commands', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(1000), fc.boolean()), { maxLength: 60 }), (commands) => {
        const clock = new ManualClock();
        const queue = new DeadlineQueue(clock);
        const runs: number[] = [];
        const expected: number[] = [];
        for (const [at, cancelled] of commands) {
          const scheduled = queue.add((now) => void runs.push(now));
          scheduled.by(at);
          if (cancelled) scheduled.cancel();
          else expected.push(at);
        }
        clock.advanceTo(1001);
        expect(runs).toEqual(expected.sort((a, b) => a - b));
      }),
      { seed: 20_261_123 },
    );
  });
});
