/** Wakes whoever waits for something to happen. */
export class Signal {
  readonly #waiting = new Set<() => void>();

  /** Something has happened. */
  notify(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  /**
   * The first thing that `look` finds, now or whenever something happens; undefined when the time is over. When the harness
   * itself was held up, what has arrived in the meantime is still looked at.
   */
  async find<T>(look: () => T | undefined, withinMs: number): Promise<T | undefined> {
    const deadline = performance.now() + withinMs;
    for (let late = 0; ;) {
      const found = look();
      if (found !== undefined) return found;
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) {
        if (late === LATE_LOOKS) return undefined;
        late += 1;
        await new Promise((resolve) => setImmediate(resolve));
        continue;
      }
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          clearTimeout(timer);
          this.#waiting.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, leftMs);
        this.#waiting.add(wake);
      });
    }
  }
}

const LATE_LOOKS = 3;
