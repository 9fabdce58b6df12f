import type { LinkProxy } from './link-proxy.ts';
import type { Run } from './run.ts';
import { LEASE_MS } from './setup.ts';
import type { Worker } from './worker.ts';

/** How long a server that goes on may take to find out that its session is somebody else's. */
const FENCE_MS = 15_000;

/** Stops servers in the middle of their work, and lets them go on when another one has long had their session. */
export class Pauses {
  readonly #run: Run;
  readonly #client: Worker;
  readonly #proxies: () => readonly LinkProxy[];
  readonly #paused = new Set<Worker>();
  readonly #underWay = new Set<Promise<void>>();
  #count = 0;

  /** @param proxies - before all servers. */
  constructor(run: Run, client: Worker, proxies: () => readonly LinkProxy[]) {
    this.#run = run;
    this.#client = client;
    this.#proxies = proxies;
  }

  /** How many there were. */
  get count(): number {
    return this.#count;
  }

  isPaused(worker: Worker): boolean {
    return this.#paused.has(worker);
  }

  /**
   * Stops a server. Its links stay for it as they were: what the client had sent is there when it goes on.
   *
   * @param proxy - before the server, with the link that carries the session.
   */
  pause(worker: Worker, proxy: LinkProxy): void {
    if (this.#paused.has(worker) || !worker.alive) return;
    this.#count += 1;
    this.#paused.add(worker);
    const pause = this.#pause(worker, proxy).finally(() => this.#underWay.delete(pause));
    this.#underWay.add(pause);
  }

  /** Resolves when none is under way. */
  async over(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  async #pause(worker: Worker, proxy: LinkProxy): Promise<void> {
    const { target } = proxy;
    const begunElsewhere = (): number =>
      this.#proxies().reduce((sum, other) => sum + (other === proxy ? 0 : other.begun), 0);
    const before = begunElsewhere();
    worker.signal('SIGSTOP');
    proxy.target = undefined;
    for (const link of [...proxy.links]) link.orphan();
    // What the client has told may still be of this server.
    do await this.#run.next('attached', this.#client);
    while (begunElsewhere() === before);
    // Time is what a lease is made of.
    await new Promise((resolve) => setTimeout(resolve, LEASE_MS + 500));
    const fenced = this.#run.next('fenced', worker);
    this.#paused.delete(worker);
    worker.signal('SIGCONT');
    const late = new Promise<'late'>((resolve) => setTimeout(() => resolve('late'), FENCE_MS).unref());
    if ((await Promise.race([fenced, late])) === 'late') {
      this.#run.violations.push(`${worker.name} was not fenced when it went on after a pause`);
    }
    proxy.target ??= target;
  }
}
