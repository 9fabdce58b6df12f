import type { AddressInfo, Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';

/** One TLS record as it passed, still encrypted. */
export interface TlsRecord {
  readonly direction: 'to-server' | 'to-client';
  /** Content type of the outer record: 20 change_cipher_spec, 22 handshake, 23 application_data. */
  readonly type: number;
  /** Octets of the record with its header of five. */
  readonly octets: Buffer;
}

/** What a tap does beyond watching. */
export interface RecordTapOptions {
  /** Records for which it holds are not forwarded. */
  readonly drop?: (record: TlsRecord) => boolean;
}

/** A TCP relay between a client and a server that sees the TLS records of both, and can leave some out. */
export class RecordTap {
  readonly port: number;
  readonly records: TlsRecord[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  /** Listens on a free port of the loopback and leads each connection to the address given. */
  static async listen(host: string, port: number, options: RecordTapOptions = {}): Promise<RecordTap> {
    const server = createServer({ allowHalfOpen: true });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const tap = new RecordTap(server, (server.address() as AddressInfo).port);
    server.on('connection', (client) => {
      const onward = connect({ host, port, allowHalfOpen: true });
      tap.#lead(client, onward, 'to-server', options);
      tap.#lead(onward, client, 'to-client', options);
    });
    return tap;
  }

  /** Cuts every connection and stops. */
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #lead(from: Socket, to: Socket, direction: TlsRecord['direction'], options: RecordTapOptions): void {
    this.#sockets.add(from);
    let held = Buffer.alloc(0);
    from.setNoDelay(true);
    from.on('data', (chunk: Buffer) => {
      held = Buffer.concat([held, chunk]);
      while (held.length >= 5 && held.length >= 5 + held.readUInt16BE(3)) {
        const octets = held.subarray(0, 5 + held.readUInt16BE(3));
        held = held.subarray(octets.length);
        const record: TlsRecord = { direction, type: octets.readUInt8(0), octets };
        this.records.push(record);
        if (options.drop?.(record) !== true) to.write(octets);
      }
    });
    from.on('end', () => to.end());
    from.on('close', () => this.#sockets.delete(from));
    // The other side learns of it by its own socket.
    from.on('error', () => to.destroy());
  }
}
