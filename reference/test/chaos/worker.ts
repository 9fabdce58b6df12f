import { type ChildProcess, fork } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Order, Report } from './setup.ts';

const MODULE = fileURLToPath(new URL('process.ts', import.meta.url));

/** What a {@link Worker} tells. */
export interface WorkerOwner {
  report(worker: Worker, report: Report): void;
  /** It has ended, and nobody had ordered that. */
  failed(worker: Worker, reason: string): void;
}

/** A process that has loaded its code and waits: whoever takes its place after a kill is there at once. */
class Spare {
  readonly child: ChildProcess;
  readonly loaded: Promise<void>;

  constructor() {
    this.child = fork(MODULE, { execArgv: ['--import', 'tsx'], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    this.loaded = new Promise((resolve) => this.child.once('message', () => resolve()));
  }
}

/** A role of a run that a process has, and after a kill the next one. */
export class Worker {
  readonly name: string;
  readonly #owner: WorkerOwner;
  readonly #order: Order;
  readonly #log: NodeJS.WritableStream;
  #child: ChildProcess | undefined;
  #spare = new Spare();
  #stopping = false;
  #kills = 0;
  #exited: Promise<void> = Promise.resolve();
  /** Kills under way, one after another: each strikes a process. */
  #killing: Promise<void> = Promise.resolve();

  /**
   * @param order - what each process is told first.
   * @param logFile - takes what it writes to the standard error.
   */
  constructor(name: string, order: Order, logFile: string, owner: WorkerOwner) {
    this.name = name;
    this.#order = order;
    this.#owner = owner;
    this.#log = createWriteStream(logFile, { flags: 'a' });
  }

  /** How many of its processes were killed. */
  get kills(): number {
    return this.#kills;
  }

  /** Whether a process has the role. */
  get alive(): boolean {
    return this.#child !== undefined;
  }

  async start(): Promise<void> {
    const { child, loaded } = this.#spare;
    await loaded;
    if (this.#stopping) return;
    this.#spare = new Spare();
    this.#child = child;
    child.stderr?.pipe(this.#log, { end: false });
    child.on('message', (message) => this.#owner.report(this, message as Report));
    this.#exited = new Promise((resolve) => child.once('exit', () => resolve()));
    child.once('exit', (code, signal) => {
      if (this.#child === child) this.#child = undefined;
      if (!this.#stopping && signal !== 'SIGKILL') {
        this.#owner.failed(
          this,
          `The process of the ${this.name} has ended by itself (${signal ?? code ?? 'no code'}).`,
        );
      }
    });
    // What is told to a process that has just ended is told to nobody.
    child.on('error', () => undefined);
    child.send(this.#order);
  }

  send(order: Order): void {
    this.#child?.send(order);
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(signal);
  }

  /** Kills the process without a word, and lets another one take its place. */
  kill(): Promise<void> {
    this.#killing = this.#killing.then(() => this.#kill());
    return this.#killing;
  }

  async #kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#kills += 1;
    this.#log.write(`--- killed ${new Date().toISOString()}\n`);
    this.#child = undefined;
    child.kill('SIGKILL');
    // Its locks are free when it is gone.
    await this.#exited;
    await this.start();
  }

  /** Lets the process end by itself. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#spare.child.kill('SIGKILL');
    this.send({ type: 'stop' });
    await this.#exited;
    this.#log.end();
  }

  /** Ends everything at once. */
  abandon(): void {
    this.#stopping = true;
    for (const child of [this.#spare.child, this.#child]) child?.kill('SIGKILL');
  }
}
