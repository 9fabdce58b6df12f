import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';
import { onTestFinished } from 'vitest';

/** A TCP proxy before a server, whose connections a test can cut. */
export class CutProxy {
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #target: number;
  #halfEnd: () => void = () => undefined;
  /** Resolves when a client has ended its direction, and the server may know. */
  readonly halfEnded: Promise<void> = new Promise<void>((resolve) => (this.#halfEnd = resolve));

  private constructor(target: number) {
    this.#target = target;
    this.#server = createServer({ allowHalfOpen: true }, (near) => {
      const far = connect({ port: this.#target, host: '127.0.0.1', allowHalfOpen: true });
      const pair = [near, far] as const;
      this.#pairs.add(pair);
      // What the proxy has passed on, another turn of the loop brings.
      far.on('finish', () => setImmediate(() => setImmediate(this.#halfEnd)));
      near.pipe(far);
      far.pipe(near);
      for (const socket of pair) {
        socket.setNoDelay(true);
        socket.on('error', () => this.#drop(pair));
        socket.on('close', () => this.#drop(pair));
      }
    });
  }

  static async start(target: number): Promise<CutProxy> {
    const proxy = new CutProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      proxy.cut();
      proxy.#server.close();
    });
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections go to another port from now on. */
  set target(port: number) {
    this.#target = port;
  }

  /** Cuts every connection without a word. */
  cut(): void {
    for (const pair of [...this.#pairs]) this.#drop(pair);
  }

  /** Cuts the connection that was made last. */
  cutNewest(): void {
    const pair = [...this.#pairs].at(-1);
    if (pair !== undefined) this.#drop(pair);
  }

  #drop(pair: readonly [Socket, Socket]): void {
    this.#pairs.delete(pair);
    for (const socket of pair) socket.destroy();
  }
}
