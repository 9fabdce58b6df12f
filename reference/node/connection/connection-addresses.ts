import type { Socket } from 'node:net';

/** Address and port of one end of a TCP connection. */
export interface SocketAddress {
  readonly address: string;
  readonly port: number;
}

/** Both ends of a TCP connection. */
export interface ConnectionAddresses {
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
}

/** The ends of a socket; undefined when it is not connected. */
export function addressesOf(socket: Socket): ConnectionAddresses | undefined {
  const { localAddress, localPort, remoteAddress, remotePort } = socket;
  if (localAddress === undefined || localPort === undefined) return undefined;
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  return {
    local: { address: localAddress, port: localPort },
    remote: { address: remoteAddress, port: remotePort },
  };
}
