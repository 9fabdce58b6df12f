import { type AddressInfo, type Server, type Socket, createServer } from 'node:net';
import type { OpenOptions } from '../core/index.ts';
import { ChannelDuplex, type Log, type Session, type SessionEnd } from '../node/index.ts';
import type { Address } from './address.ts';
import { UsageError } from './failure.ts';

/** The application end that each local connection is led to. */
export interface LocalTarget extends OpenOptions {
  readonly session: Session;
  readonly application: string;
}

/**
 * Leads each connection to a local TCP port to an application end, by framing `stream`, so that a program that knows nothing
 * of Hawser reaches one. Prints one JSON line when it listens; SIGTERM and SIGINT end the session.
 *
 * @returns how the session has ended.
 * @throws UsageError (as a rejection) when the port can not be listened on.
 */
export async function leadLocalPort(address: Address, target: LocalTarget, log: Log): Promise<SessionEnd> {
  const { session } = target;
  // The end of one direction is for the application to judge.
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => join(socket, target, log));
  const stop = (): void => void session.close();
  try {
    const { address: host, port } = await listen(server, address);
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
    process.stdout.write(`${JSON.stringify({ listening: { host, port } })}\n`);
    return await session.closed;
  } finally {
    server.close();
    process.off('SIGTERM', stop);
    process.off('SIGINT', stop);
    await session.close();
  }
}

function listen(server: Server, { host, port }: Address): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why = cause.code === 'EADDRINUSE' ? 'the port is in use' : (cause.code ?? cause.message);
      const message = `Can not listen on ${host}:${port}: ${why}. Choose another --listen.`;
      reject(new UsageError('--listen', message, cause));
    });
    server.listen({ host, port }, () => resolve(server.address() as AddressInfo));
  });
}

function join(socket: Socket, { session, application, ...options }: LocalTarget, log: Log): void {
  const stream = new ChannelDuplex(async () => {
    const channel = await session.open(application, options);
    return { channel, maxMessageBytes: session.peerParameters.maxMessageBytes };
  });
  stream.on('error', (error) => {
    log.warn({ application, err: error }, 'the channel of a local connection has failed');
    socket.resetAndDestroy();
  });
  socket.on('error', (error) => {
    log.debug({ application, err: error }, 'a local connection has failed');
    stream.destroy();
  });
  socket.pipe(stream).pipe(socket);
}
