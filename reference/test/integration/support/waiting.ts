import { once } from 'node:events';
import type { Session } from '../../../node/index.ts';

/** The next time that a session loses its connection, or has one again. */
export function happens(session: Session, event: 'attached' | 'detached'): Promise<unknown> {
  return once(session as unknown as NodeJS.EventEmitter, event);
}

/** Waits for what no event tells of; the test's own time is its bound. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setImmediate(resolve));
}
