import { once } from 'node:events';
import { type AddressInfo, type Socket, createServer as createTcpServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { onTestFinished } from 'vitest';
import type { IssuedCertificate } from '../../../../pki/index.ts';

/** A TCP or TLS server in the place of an application end, whose connections a test plays. */
export interface ApplicationEnd {
  readonly port: number;
  /** Connections that were made, as far as TCP goes. */
  readonly connections: readonly Socket[];
  /** The next connection that nobody has taken; with TLS, behind its handshake. */
  next(): Promise<Socket>;
}

/** What an {@link ApplicationEnd} may be told. */
export interface ApplicationEndOptions {
  readonly host?: string;
  /** Makes it speak TLS. */
  readonly certificate?: IssuedCertificate;
}

/** Starts an application end, which ends with the test. Each direction of its connections is ended by the test alone. */
export async function startApplicationEnd(options: ApplicationEndOptions = {}): Promise<ApplicationEnd> {
  const { host = '127.0.0.1', certificate } = options;
  const connections: Socket[] = [];
  const ready: Socket[] = [];
  const waiting: ((socket: Socket) => void)[] = [];
  const take = (socket: Socket): void => {
    socket.on('error', () => undefined);
    const first = waiting.shift();
    if (first === undefined) ready.push(socket);
    else first(socket);
  };
  const server =
    certificate === undefined
      ? createTcpServer({ allowHalfOpen: true }, take)
      : createTlsServer({ allowHalfOpen: true, cert: certificate.chainPem, key: certificate.privateKeyPem }, take);
  server.on('connection', (socket: Socket) => connections.push(socket));
  server.listen(0, host);
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of connections) socket.destroy();
    server.close();
  });
  return {
    port: (server.address() as AddressInfo).port,
    connections,
    next: () => {
      const first = ready.shift();
      return first === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(first);
    },
  };
}

/** Reads a socket until that many octets have come. */
export async function read(socket: Socket, count: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  const listen = (chunk: Buffer): void => {
    chunks.push(chunk);
    length += chunk.length;
  };
  socket.on('data', listen);
  while (length < count) await once(socket, 'data');
  socket.off('data', listen);
  socket.pause();
  return Buffer.concat(chunks);
}

/** How a socket ends: with FIN, once everything before it is read, or with RST. */
export async function endOf(socket: Socket): Promise<'fin' | 'rst'> {
  socket.resume();
  return new Promise((resolve) => {
    socket.once('end', () => resolve('fin'));
    socket.once('error', () => resolve('rst'));
    socket.once('close', (failed) => resolve(failed ? 'rst' : 'fin'));
  });
}
