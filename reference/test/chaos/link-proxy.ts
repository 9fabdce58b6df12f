import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';
import { RecordPosition } from './record-position.ts';

/** How a link is cut. */
export type CutShape =
  | 'at once'
  /** What goes to the client is lost from now on; the rest of the link follows. */
  | 'toward client first'
  | 'toward server first'
  /** The server finds the end of the stream while its own octets still arrive. */
  | 'half closed'
  /** In the middle of a TLS record: half of it arrives. */
  | 'inside a record';

/** Which way octets go. */
export type Way = 'to client' | 'to server';

/** Who decides what becomes of a link. */
export interface LinkOwner {
  /** Octets are about to pass; returns after how many of them {@link strike} is to be called. */
  dueWithin(octets: number, link: Link): number | undefined;
  /** The moment has come; may cut the link. */
  strike(link: Link): void;
}

/** A link that loses one direction loses the other after so many octets, or so many milliseconds of silence. */
const OTHER_WAY_OCTETS = 16 * 1024;
const OTHER_WAY_MS = 20;

/** A TCP proxy before a server, whose links can be cut at any octet. */
export class LinkProxy {
  readonly #owner: LinkOwner;
  readonly #server: Server;
  readonly #links = new Set<Link>();
  /** Where the server listens; undefined while it does not. */
  target: number | undefined;
  /** Connections that are refused before the next one is taken. */
  refusals = 0;
  #begun = 0;

  private constructor(owner: LinkOwner) {
    this.#owner = owner;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => this.#join(near));
  }

  static async start(owner: LinkOwner): Promise<LinkProxy> {
    const proxy = new LinkProxy(owner);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** How many links there have been. */
  get begun(): number {
    return this.#begun;
  }

  get links(): Iterable<Link> {
    return this.#links;
  }

  close(): void {
    for (const link of this.#links) link.drop();
    this.#server.close();
  }

  #join(near: Socket): void {
    if (this.target === undefined || this.refusals > 0) {
      this.refusals = Math.max(0, this.refusals - 1);
      near.on('error', () => undefined);
      near.resetAndDestroy();
      return;
    }
    this.#begun += 1;
    const far = connect({ port: this.target, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    const link: Link = new Link(this, near, far, this.#owner, () => this.#links.delete(link));
    this.#links.add(link);
  }
}

/** One TCP connection of a client, and the one to the server that it is led on by. */
export class Link {
  readonly proxy: LinkProxy;
  readonly #near: Socket;
  readonly #far: Socket;
  readonly #owner: LinkOwner;
  readonly #gone: () => void;
  readonly #positions: Record<Way, RecordPosition> = {
    'to client': new RecordPosition(),
    'to server': new RecordPosition(),
  };
  /** Ways on which everything is lost. */
  readonly #lost = new Set<Way>();
  #cut: CutShape | undefined;
  /** Octets that still pass after one way was lost. */
  #left = OTHER_WAY_OCTETS;
  #octets = 0;
  #timer: NodeJS.Timeout | undefined;
  #over = false;
  #orphaned = false;

  constructor(proxy: LinkProxy, near: Socket, far: Socket, owner: LinkOwner, gone: () => void) {
    this.proxy = proxy;
    this.#near = near;
    this.#far = far;
    this.#owner = owner;
    this.#gone = gone;
    this.#lead(near, far, 'to server');
    this.#lead(far, near, 'to client');
  }

  /** Octets that have passed, both ways together. */
  get octets(): number {
    return this.#octets;
  }

  cut(shape: CutShape): void {
    if (this.#cut !== undefined || this.#over) return;
    this.#cut = shape;
    switch (shape) {
      case 'at once':
        this.drop();
        return;
      case 'toward client first':
        this.#lose('to client');
        return;
      case 'toward server first':
        this.#lose('to server');
        return;
      case 'half closed':
        this.#lost.add('to server');
        this.#far.end();
        this.#timer = setTimeout(() => this.drop(), 10 * OTHER_WAY_MS);
        return;
      case 'inside a record':
        // With the next record that passes.
        return;
    }
  }

  /** The client is gone, soon; the server is not told. */
  orphan(): void {
    if (this.#over) return;
    this.#orphaned = true;
    this.#cut = 'toward client first';
    this.#lost.add('to client');
    this.#timer = setTimeout(() => this.#near.destroy(), OTHER_WAY_MS);
  }

  drop(): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    for (const socket of [this.#near, this.#far]) socket.destroy();
    this.#gone();
  }

  #lose(way: Way): void {
    this.#lost.add(way);
    this.#timer = setTimeout(() => this.drop(), OTHER_WAY_MS);
  }

  #lead(from: Socket, to: Socket, way: Way): void {
    from.on('data', (chunk: Buffer) => this.#take(chunk, from, to, way));
    to.on('drain', () => from.resume());
    from.on('end', () => {
      if (!this.#orphaned) to.end();
    });
    from.on('error', () => this.#ended(from));
    from.on('close', () => this.#ended(from));
  }

  #ended(socket: Socket): void {
    if (!this.#orphaned || socket === this.#far) this.drop();
  }

  #take(chunk: Buffer, from: Socket, to: Socket, way: Way): void {
    let rest = chunk;
    const due = this.#cut === undefined ? this.#owner.dueWithin(rest.length, this) : undefined;
    if (due !== undefined) {
      this.#pass(rest.subarray(0, due), from, to, way);
      rest = rest.subarray(due);
      this.#owner.strike(this);
    }
    this.#pass(rest, from, to, way);
  }

  #pass(octets: Buffer, from: Socket, to: Socket, way: Way): void {
    if (this.#over || this.#lost.has(way) || octets.length === 0) return;
    const position = this.#positions[way];
    const middle = this.#cut === 'inside a record' ? position.middleWithin(octets) : undefined;
    const passing = middle === undefined ? octets : octets.subarray(0, middle);
    position.pass(passing);
    this.#octets += passing.length;
    if (!to.write(passing)) from.pause();
    if (this.#lost.size > 0) this.#left -= passing.length;
    // What was written before still leaves.
    if (middle !== undefined) this.#dropSoon();
    else if (this.#left <= 0 && this.#orphaned) this.#near.destroy();
    else if (this.#left <= 0) this.drop();
  }

  #dropSoon(): void {
    this.#lost.add('to client').add('to server');
    this.#near.destroySoon();
    this.#far.destroySoon();
  }
}
