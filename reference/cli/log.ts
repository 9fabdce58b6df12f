import { destination, pino } from 'pino';
import type { Log } from '../node/index.ts';

/** A JSON log on standard error, one object per line. Standard output is for results. */
export function createLog(level: string): Log {
  // Synchronous, so that the last lines before an exit are not lost.
  return pino({ name: 'hawser', level }, destination({ dest: 2, sync: true }));
}
