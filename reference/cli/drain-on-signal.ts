import type { Log, Server } from '../node/index.ts';

/**
 * Drains at the first SIGTERM or SIGINT, and cuts at the second.
 *
 * @param sessionCount - for the log.
 * @returns a promise that resolves when everything is drained.
 */
export function drainOnSignal(
  server: Pick<Server, 'drain' | 'close'>,
  sessionCount: () => number,
  deadlineMs: number,
  log: Log,
): Promise<void> {
  return new Promise((resolve) => {
    let draining = false;
    const onSignal = (signal: NodeJS.Signals): void => {
      if (draining) {
        // Asked twice: no more waiting.
        void server.close();
        return;
      }
      draining = true;
      log.info({ signal, sessions: sessionCount(), deadlineMs }, 'draining');
      void server.drain(deadlineMs).then((cut) => {
        log.info({ cut }, 'drained');
        process.off('SIGTERM', onSignal);
        process.off('SIGINT', onSignal);
        resolve();
      });
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
}
