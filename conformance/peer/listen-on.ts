import type { Server } from 'node:net';
import { SetupFailure } from './failure.ts';

/** An address to listen on. */
export interface Place {
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
}

/** Any free port of the loopback. */
export const ANY_PORT: Place = { host: '127.0.0.1', port: 0 };

/**
 * Listens.
 *
 * @throws SetupFailure where somebody else listens there.
 */
export async function listenOn(server: Server, { host, port }: Place): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const refused = (error: NodeJS.ErrnoException): void => {
      reject(new SetupFailure(`the harness can not listen on ${host}:${port} (${error.code ?? error.message})`));
    };
    server.once('error', refused);
    server.listen(port, host, () => {
      server.off('error', refused);
      resolve();
    });
  });
}
