/** How often it looks. */
const PERIOD_MS = 1000;

/** Finds out that a run hangs: nothing has gone on for long, or the whole takes too long. */
export class Watchdog {
  /** Rejects when it hangs. */
  readonly hung: Promise<never>;
  readonly #timer: NodeJS.Timeout;
  #signOfLife = performance.now();

  constructor(quietMs: number, totalMs: number) {
    const start = performance.now();
    let reject: (error: Error) => void = () => undefined;
    this.hung = new Promise<never>((_resolve, rejectPromise) => (reject = rejectPromise));
    this.hung.catch(() => undefined);
    this.#timer = setInterval(() => {
      const now = performance.now();
      if (now - this.#signOfLife > quietMs) reject(new Error(`Nothing has gone on for ${quietMs / 1000} s.`));
      else if (now - start > totalMs) reject(new Error(`The run has not ended within ${totalMs / 1000} s.`));
    }, PERIOD_MS);
  }

  /** Something goes on. */
  alive(): void {
    this.#signOfLife = performance.now();
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
