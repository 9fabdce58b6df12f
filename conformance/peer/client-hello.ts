/** What the harness reads from a ClientHello (RFC 9846, section 4.2.2); undefined where the octets are none. */
export interface ClientHello {
  readonly extensions: readonly number[];
  readonly serverName: boolean;
  readonly pskOffered: boolean;
  readonly earlyDataOffered: boolean;
  /** Values of supported_versions. */
  readonly versions: readonly number[];
  /** Named groups, in the client's order. */
  readonly groups: readonly number[];
  /** ALPN protocols, in the client's order. */
  readonly protocols: readonly string[];
}

const EXTENSION = { serverName: 0, groups: 10, alpn: 16, preSharedKey: 41, earlyData: 42, versions: 43 } as const;

class Cursor {
  readonly #octets: Buffer;
  #at = 0;

  constructor(octets: Buffer) {
    this.#octets = octets;
  }

  get more(): boolean {
    return this.#at < this.#octets.length;
  }

  take(length: number): Buffer {
    if (this.#at + length > this.#octets.length) throw new RangeError('the ClientHello ends too early');
    this.#at += length;
    return this.#octets.subarray(this.#at - length, this.#at);
  }

  number(length: number): number {
    return this.take(length).readUIntBE(0, length);
  }

  vector(lengthBytes: number): Cursor {
    return new Cursor(this.take(this.number(lengthBytes)));
  }

  numbers(length: number): number[] {
    const list: number[] = [];
    while (this.more) list.push(this.number(length));
    return list;
  }
}

/**
 * Reads the ClientHello at the start of a TCP connection.
 *
 * @param octets - what the client sent first; further records are ignored.
 */
export function parseClientHello(octets: Buffer): ClientHello | undefined {
  try {
    const handshake: Buffer[] = [];
    const records = new Cursor(octets);
    while (records.more && records.number(1) === 22) {
      records.take(2);
      handshake.push(records.take(records.number(2)));
    }
    const message = new Cursor(Buffer.concat(handshake));
    if (message.number(1) !== 1) return undefined;
    const hello = message.vector(3);
    hello.take(34);
    hello.vector(1);
    hello.vector(2);
    hello.vector(1);
    const extensions = new Map<number, Buffer>();
    for (const list = hello.vector(2); list.more;) {
      const type = list.number(2);
      extensions.set(type, list.take(list.number(2)));
    }
    const body = (type: number): Cursor | undefined => {
      const found = extensions.get(type);
      return found === undefined ? undefined : new Cursor(found);
    };
    const protocols: string[] = [];
    const alpn = body(EXTENSION.alpn)?.vector(2);
    while (alpn?.more === true) protocols.push(alpn.take(alpn.number(1)).toString('latin1'));
    return {
      extensions: [...extensions.keys()],
      serverName: extensions.has(EXTENSION.serverName),
      pskOffered: extensions.has(EXTENSION.preSharedKey),
      earlyDataOffered: extensions.has(EXTENSION.earlyData),
      versions: body(EXTENSION.versions)?.vector(1).numbers(2) ?? [],
      groups: body(EXTENSION.groups)?.vector(2).numbers(2) ?? [],
      protocols,
    };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
