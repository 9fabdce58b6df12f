import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import { constants } from 'node:crypto';
import { type SecureContext, type TLSSocket, type TlsOptions, connect, createSecureContext } from 'node:tls';
import type { KeyFiles } from '../key-files.ts';

/** What every variant without a TLS profile of its own uses: the profile of Hawser, so that only the protocol differs. */
export function serverOptions(keys: KeyFiles): TlsOptions {
  return {
    ...keys,
    minVersion: 'TLSv1.3',
    requestCert: true,
    rejectUnauthorized: true,
    secureOptions: constants.SSL_OP_NO_TICKET,
    noDelay: true,
  };
}

/** Listens on a free port of the loopback interface. */
export async function listenOnLoopback(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

let clientContext: SecureContext | undefined;

/** The client's options; all connections of the process share one context. */
export function clientOptions(keys: KeyFiles): { readonly secureContext: SecureContext; readonly servername: string } {
  clientContext ??= createSecureContext({ ...keys, minVersion: 'TLSv1.3' });
  return { secureContext: clientContext, servername: 'localhost' };
}

/** Connects and authenticates; the server may still refuse the client's certificate. */
export async function connectTls(keys: KeyFiles, port: number): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port, ...clientOptions(keys) });
  socket.setNoDelay(true);
  await once(socket, 'secureConnect');
  return socket;
}
