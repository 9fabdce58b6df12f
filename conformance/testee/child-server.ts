import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { SetupFailure } from '../peer/failure.ts';

const START_MS = 15_000;
const LOG_LINES = 200;

/** A server under test as a child process of the harness: it prints one JSON line with its address when it listens. */
export class ChildServer {
  port = 0;
  readonly host = '127.0.0.1';
  readonly log: string[] = [];
  readonly #command: readonly [string, ...string[]];
  #child: ChildProcess | undefined;

  constructor(command: readonly [string, ...string[]]) {
    this.#command = command;
  }

  /** Starts it, or starts it again. Throws SetupFailure when it does not come to listen. */
  async start(): Promise<void> {
    await this.stop();
    const [program, ...args] = this.#command;
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    createInterface({ input: child.stderr }).on('line', (line) => {
      this.log.push(line);
      if (this.log.length > LOG_LINES) this.log.shift();
    });
    this.port = await new Promise<number>((resolve, reject) => {
      const giveUp = (why: string): void => {
        reject(new SetupFailure(`the server ${program} does not start: ${[why, ...this.log.slice(-3)].join('; ')}`));
      };
      const timer = setTimeout(() => giveUp(`no address within ${START_MS} ms`), START_MS);
      child.once('error', (error) => giveUp(error.message));
      child.once('exit', (code, signal) => giveUp(`it ended (${signal ?? `exit status ${code ?? '?'}`})`));
      createInterface({ input: child.stdout }).once('line', (line) => {
        clearTimeout(timer);
        child.removeAllListeners('exit');
        const port = portOf(line);
        if (port === undefined) giveUp(`expected {"listening":{"host":...,"port":...}}, got ${line}`);
        else resolve(port);
      });
    });
  }

  /** Asks it to load its files again. */
  reload(): void {
    this.#child?.kill('SIGHUP');
  }

  /** Ends it at once; the end of the harness is no test of its manners. */
  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGKILL');
    await gone;
  }
}

function portOf(line: string): number | undefined {
  try {
    const { listening } = JSON.parse(line) as { readonly listening?: { readonly port?: unknown } };
    return typeof listening?.port === 'number' ? listening.port : undefined;
  } catch {
    return undefined;
  }
}
