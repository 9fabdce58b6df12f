import type { TaskOptions } from './deadline-queue.ts';
import type { Environment } from './environment.ts';

/** How {@link wait} waits. */
export interface WaitOptions extends TaskOptions {
  /** Ends the wait before its time. */
  readonly signal?: AbortSignal | undefined;
}

/** Waits; less long where the signal says so. */
export function wait(delayMs: number, { deadlines }: Environment, options: WaitOptions = {}): Promise<void> {
  const { signal } = options;
  return new Promise((resolve) => {
    const task = deadlines.add(() => {
      finish();
      return undefined;
    }, options);
    const finish = (): void => {
      task.cancel();
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    signal?.addEventListener('abort', finish);
    task.by(deadlines.now() + delayMs);
  });
}
