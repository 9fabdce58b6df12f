import type { FaultSchedule, Strike } from './faults.ts';
import type { Link, LinkOwner } from './link-proxy.ts';
import type { Report } from './setup.ts';
import { Watchdog } from './watchdog.ts';
import type { Worker, WorkerOwner } from './worker.ts';

/** No sign of progress for so long, and the run hangs. */
const QUIET_MS = 30_000;

/** How long the processes get to say where they are when a run hangs. */
const DESCRIBE_MS = 2000;

/** Octets of a link that is cut before any session can have been attached. */
const HANDSHAKE_OCTETS = 5 * 1024;

/** Octets of a link that surely carries the session. */
const SESSION_OCTETS = 24 * 1024;

/** What was done to a run, and what it did. */
export interface RunCounts {
  readonly cuts: number;
  /** Of the cuts, those before the session can have been attached. */
  readonly earlyCuts: number;
  /** Times that the client was told of a connection that carries its session again. */
  readonly resumptions: number;
  readonly epoch: number;
  /** Times that the client went on with a stored session. */
  readonly restores: number;
}

/** Does to a process what is due, on a link. */
export type Striker = (strike: Exclude<Strike, { readonly type: 'cut' }>, link: Link) => void;

/** Roles whose applications share a ledger. */
type Side = 'client' | 'server';

/** A run: its processes, its links, how far it is, and what strikes it. */
export class Run implements WorkerOwner, LinkOwner {
  readonly #messages: number;
  readonly #schedule: FaultSchedule;
  readonly #watchdog: Watchdog;
  readonly #onStrike: Striker;
  /** What must not happen, as a process has seen it. */
  readonly violations: string[] = [];
  readonly #progress: Record<Side, { readonly effects: number; readonly outcomes: number }> = {
    client: { effects: 0, outcomes: 0 },
    server: { effects: 0, outcomes: 0 },
  };
  readonly #listeners = new Set<(worker: Worker, report: Report) => void>();
  readonly #counts = { cuts: 0, earlyCuts: 0, resumptions: 0, epoch: 1, restores: 0 };
  readonly #descriptions: string[] = [];
  readonly #failed: Promise<never>;
  #fail: (error: Error) => void = () => undefined;
  #finished = false;
  #complete: () => void = () => undefined;
  /** Resolves when both applications have everything. */
  readonly complete: Promise<void>;

  /** @param onStrike - does to a process what is due. */
  constructor(messages: number, schedule: FaultSchedule, totalMs: number, onStrike: Striker) {
    this.#messages = messages;
    this.#schedule = schedule;
    this.#onStrike = onStrike;
    this.#watchdog = new Watchdog(QUIET_MS, totalMs);
    this.#failed = new Promise<never>((_resolve, reject) => (this.#fail = reject));
    this.#failed.catch(() => undefined);
    this.complete = new Promise((resolve) => (this.#complete = resolve));
  }

  get counts(): RunCounts {
    return this.#counts;
  }

  /** Waits for something, unless the run hangs or fails first. */
  async until<Value>(what: string, promise: Promise<Value>, workers: readonly Worker[]): Promise<Value> {
    try {
      return await Promise.race([promise, this.#watchdog.hung, this.#failed]);
    } catch (cause) {
      const state = await this.#describe(workers);
      throw new Error(`${(cause as Error).message} It waited for ${what}.\n${state}`, { cause });
    }
  }

  /** The next report that fits. */
  next<Type extends Report['type']>(type: Type, from: Worker): Promise<Extract<Report, { readonly type: Type }>> {
    return new Promise((resolve) => {
      const listener = (worker: Worker, report: Report): void => {
        if (worker !== from || report.type !== type) return;
        this.#listeners.delete(listener);
        resolve(report as Extract<Report, { readonly type: Type }>);
      };
      this.#listeners.add(listener);
    });
  }

  /** Calls for every report of a type. */
  on<Type extends Report['type']>(
    type: Type,
    call: (worker: Worker, report: Extract<Report, { readonly type: Type }>) => void,
  ): void {
    this.#listeners.add((worker, report) => {
      if (report.type === type) call(worker, report as Extract<Report, { readonly type: Type }>);
    });
  }

  /** What ends from now on ends in order. */
  finish(): void {
    this.#finished = true;
  }

  stop(): void {
    this.#watchdog.stop();
  }

  // What workers tell.

  report(worker: Worker, report: Report): void {
    switch (report.type) {
      case 'progress':
        this.#noteProgress(worker.name === 'client' ? 'client' : 'server', report);
        break;
      case 'attached':
        this.#watchdog.alive();
        this.#counts.resumptions += 1;
        this.#counts.epoch = Math.max(this.#counts.epoch, report.epoch);
        break;
      case 'session':
        if (report.restored) this.#counts.restores += 1;
        break;
      case 'violation':
        this.violations.push(report.text);
        break;
      case 'ended':
        this.#fail(new Error(`The session is over: ${report.reason}.`));
        break;
      case 'description':
        this.#descriptions.push(`${worker.name}: ${report.text}`);
        break;
      default:
    }
    for (const listener of this.#listeners) listener(worker, report);
  }

  failed(_worker: Worker, reason: string): void {
    if (!this.#finished) this.#fail(new Error(reason));
  }

  // What links ask.

  dueWithin(octets: number, link: Link): number | undefined {
    if (this.#finished) return undefined;
    // Only who has the session can lose it.
    if (this.#schedule.next?.type === 'pause' && link.octets < SESSION_OCTETS) return undefined;
    return this.#schedule.dueWithin(octets);
  }

  strike(link: Link): void {
    const strike = this.#schedule.take();
    if (strike === undefined) return;
    if (strike.type !== 'cut') {
      this.#onStrike(strike, link);
      return;
    }
    this.#counts.cuts += 1;
    if (link.octets < HANDSHAKE_OCTETS) this.#counts.earlyCuts += 1;
    if (strike.moves) link.proxy.refusals = 1;
    link.cut(strike.shape);
  }

  #noteProgress(side: Side, { effects, outcomes }: { readonly effects: number; readonly outcomes: number }): void {
    const before = this.#progress[side];
    if (effects <= before.effects && outcomes <= before.outcomes) return;
    this.#watchdog.alive();
    this.#progress[side] = {
      effects: Math.max(effects, before.effects),
      outcomes: Math.max(outcomes, before.outcomes),
    };
    const sides = Object.values(this.#progress);
    this.#schedule.progress = sides.reduce((sum, one) => sum + one.effects + one.outcomes, 0);
    if (sides.every((one) => one.effects >= this.#messages && one.outcomes >= this.#messages)) this.#complete();
  }

  async #describe(workers: readonly Worker[]): Promise<string> {
    this.#descriptions.length = 0;
    for (const worker of workers) worker.send({ type: 'describe' });
    await new Promise((resolve) => setTimeout(resolve, DESCRIBE_MS));
    const { struck, total } = this.#schedule;
    return [`${struck} of ${total} faults have struck`, ...this.#descriptions].join('\n');
  }
}
