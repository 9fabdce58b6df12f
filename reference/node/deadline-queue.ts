/** Milliseconds of a clock that never jumps; only differences mean anything. [SES-023] */
export type MonotonicClock = () => number;

/** The process's monotonic clock. */
export const monotonicNow: MonotonicClock = () => performance.now();

/** A callback that runs at its deadline and says when it wants to run next. */
export interface TimedTask {
  /** @returns the next deadline, or undefined to leave the queue. */
  (now: number): number | undefined;
}

/** How a {@link DeadlineQueue} treats one of its tasks. */
export interface TaskOptions {
  /** The process goes on for as long as the task is queued: somebody waits for it, and nothing else may be open. */
  readonly keepsAlive?: boolean;
}

interface Entry {
  readonly task: TimedTask;
  readonly keepsAlive: boolean;
  at: number;
  /** Position in the heap, -1 while it is not queued. */
  index: number;
  cancelled: boolean;
}

/** Handle of one task in a {@link DeadlineQueue}. */
export interface ScheduledTask {
  /**
   * Makes sure that the task runs no later than `at`; undefined asks for nothing. A deadline that moves later costs
   * nothing: the task runs at the earlier time, finds nothing due and returns the later one.
   */
  by(at: number | undefined): void;
  /** Leaves the queue for good. */
  cancel(): void;
}

/** The longest delay that the platform's timer takes. */
const MAX_DELAY_MS = 0x7fffffff;

/** A timer: `setTimeout`, or its stand-in in a test. */
export interface TimerPlatform {
  readonly now: MonotonicClock;
  /** @param keepsAlive - whether the process may not end before. */
  set(callback: () => void, delayMs: number, keepsAlive: boolean): unknown;
  clear(timer: unknown): void;
}

const PLATFORM: TimerPlatform = {
  now: monotonicNow,
  // The sockets keep the process alive; the timer does where somebody waits for it alone.
  set: (callback, delayMs, keepsAlive) => {
    const timer = setTimeout(callback, delayMs);
    return keepsAlive ? timer : timer.unref();
  },
  clear: (timer) => clearTimeout(timer as NodeJS.Timeout),
};

/**
 * All deadlines of a process behind one platform timer: a binary heap, in which a session has one entry for as long as it
 * lives. Traffic that only pushes liveness deadlines further out never touches the heap.
 */
export class DeadlineQueue {
  readonly #platform: TimerPlatform;
  readonly #heap: Entry[] = [];
  #timer: unknown;
  #timerAt = Infinity;
  /** How many of the tasks keep the process alive, and whether the timer does. */
  #awaited = 0;
  #timerKeepsAlive = false;

  constructor(platform: TimerPlatform = PLATFORM) {
    this.#platform = platform;
  }

  /** Current time of the clock that the deadlines belong to. */
  now(): number {
    return this.#platform.now();
  }

  /** How many tasks wait for a deadline. */
  get size(): number {
    return this.#heap.length;
  }

  /** Registers a task, with no deadline yet. */
  add(task: TimedTask, { keepsAlive = false }: TaskOptions = {}): ScheduledTask {
    const entry: Entry = { task, keepsAlive, at: Infinity, index: -1, cancelled: false };
    return {
      by: (at) => {
        if (at === undefined || at >= entry.at || entry.cancelled) return;
        this.#place(entry, at);
        this.#arm();
      },
      cancel: () => {
        entry.cancelled = true;
        this.#remove(entry);
        this.#arm();
      },
    };
  }

  #place(entry: Entry, at: number): void {
    if (entry.index < 0) {
      entry.index = this.#heap.length;
      this.#heap.push(entry);
      if (entry.keepsAlive) this.#awaited += 1;
    }
    entry.at = at;
    this.#up(entry);
  }

  /** Queues a task that has run; what is due again at once waits for the next turn, so that no task can hold the loop. */
  #again(entry: Entry, at: number | undefined, earliest: number): void {
    if (at !== undefined && !entry.cancelled && at < entry.at) this.#place(entry, Math.max(at, earliest));
  }

  #remove(entry: Entry): void {
    const { index } = entry;
    if (index < 0) return;
    entry.index = -1;
    entry.at = Infinity;
    if (entry.keepsAlive) this.#awaited -= 1;
    const last = this.#heap.pop();
    if (last === undefined || last === entry) return;
    this.#heap[index] = last;
    last.index = index;
    this.#up(last);
    this.#down(last);
  }

  #up(entry: Entry): void {
    while (entry.index > 0) {
      const parent = this.#heap[(entry.index - 1) >> 1];
      if (parent === undefined || parent.at <= entry.at) return;
      this.#swap(parent, entry);
    }
  }

  #down(entry: Entry): void {
    for (;;) {
      const left = this.#heap[2 * entry.index + 1];
      const right = this.#heap[2 * entry.index + 2];
      const least = left !== undefined && right !== undefined && right.at < left.at ? right : left;
      if (least === undefined || least.at >= entry.at) return;
      this.#swap(entry, least);
    }
  }

  #swap(above: Entry, below: Entry): void {
    const index = above.index;
    above.index = below.index;
    below.index = index;
    this.#heap[above.index] = above;
    this.#heap[below.index] = below;
  }

  #arm(): void {
    const at = this.#heap[0]?.at ?? Infinity;
    const keepsAlive = this.#awaited > 0;
    if (at === this.#timerAt && keepsAlive === this.#timerKeepsAlive) return;
    if (this.#timer !== undefined) this.#platform.clear(this.#timer);
    this.#timer = undefined;
    this.#timerAt = at;
    this.#timerKeepsAlive = keepsAlive;
    if (at === Infinity) return;
    // Rounded up: the platform's timer counts whole milliseconds, and one that fires early would spin.
    const delay = Math.min(Math.max(Math.ceil(at - this.#platform.now()), 0), MAX_DELAY_MS);
    this.#timer = this.#platform.set(this.#run, delay, keepsAlive);
  }

  readonly #run = (): void => {
    this.#timer = undefined;
    this.#timerAt = Infinity;
    const now = this.#platform.now();
    const due: Entry[] = [];
    for (let first = this.#heap[0]; first !== undefined && first.at <= now; first = this.#heap[0]) {
      this.#remove(first);
      due.push(first);
    }
    try {
      for (const entry of due) {
        if (!entry.cancelled) this.#again(entry, entry.task(now), now + 1);
      }
    } finally {
      this.#arm();
    }
  };
}

/** The queue that all sessions of the process share. */
export const processDeadlines: DeadlineQueue = new DeadlineQueue();
