import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { SetupFailure, TesteeDied } from '../peer/failure.ts';
import type { DriverEvent, DriverRequest, DriverResponse } from './driver-protocol.ts';
import { DRIVER_PROTOCOL, schemaProblem } from './driver-protocol.ts';

/** The driver wrote something that its protocol does not allow. */
export class DriverFault extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'DriverFault';
  }
}

/** What a driver says about itself. */
export interface DriverDescription {
  readonly name: string;
  readonly version: string;
  readonly language?: string;
  readonly unsupported: readonly string[];
}

const LOG_LINES = 200;
/** How long a driver may take to start, or to answer: it is no part of the protocol, and may be loaded lazily on a busy machine. */
const RESPONSE_MS = 10_000;

/** A client under test: a child process that is started once, serves all cases, and is started again if it ends. */
export class ClientDriver {
  readonly #command: readonly [string, ...string[]];
  readonly #stepMs: number;
  #process: DriverProcess | undefined;
  #starting: Promise<DriverProcess> | undefined;

  constructor(command: readonly [string, ...string[]], stepMs: number) {
    this.#command = command;
    this.#stepMs = stepMs;
  }

  /** The running process, started when there is none. Throws SetupFailure when it does not start or describe itself. */
  async process(): Promise<DriverProcess> {
    if (this.#process !== undefined) {
      if (this.#process.failure === undefined) return this.#process;
      await this.#process.stop();
    }
    this.#starting ??= DriverProcess.start(this.#command, this.#stepMs).finally(() => {
      this.#starting = undefined;
    });
    this.#process = await this.#starting;
    return this.#process;
  }

  /** Ends the process: end of its input, then, if it does not go by itself, a signal. */
  async stop(): Promise<void> {
    await this.#process?.stop();
  }
}

/** One run of a driver. */
export class DriverProcess {
  /** How it ended, once it has. */
  ended: string | undefined;
  description: DriverDescription = { name: 'unknown', version: 'unknown', unsupported: [] };
  readonly log: string[] = [];
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #stepMs: number;
  readonly #waiting = new Map<number, { resolve: (response: DriverResponse) => void; reject: (why: Error) => void }>();
  readonly #listeners = new Map<string, (event: DriverEvent) => void>();
  readonly #onEnd: (() => void)[] = [];
  #fault: Error | undefined;
  #nextId = 1;

  private constructor(child: ChildProcessWithoutNullStreams, stepMs: number) {
    this.#child = child;
    this.#stepMs = stepMs;
    createInterface({ input: child.stdout }).on('line', (line) => this.#onLine(line));
    createInterface({ input: child.stderr }).on('line', (line) => {
      this.log.push(line);
      if (this.log.length > LOG_LINES) this.log.shift();
    });
    // A write to a process that has gone is reported by its exit.
    child.stdin.on('error', () => undefined);
    child.on('error', (error) => this.#end(error.message));
    child.on('exit', (code, signal) => this.#end(signal === null ? `exit status ${code ?? '?'}` : `signal ${signal}`));
  }

  static async start(command: readonly [string, ...string[]], stepMs: number): Promise<DriverProcess> {
    const [program, ...args] = command;
    const driver = new DriverProcess(spawn(program, args, { stdio: 'pipe' }), stepMs);
    try {
      const answer = await driver.request({ do: 'describe', protocol: DRIVER_PROTOCOL });
      if (!answer.ok || answer.name === undefined)
        throw new DriverFault('describe was not answered with a description');
      if (answer.protocol !== DRIVER_PROTOCOL) {
        throw new DriverFault(`it speaks version ${String(answer.protocol)}, this harness ${DRIVER_PROTOCOL}`);
      }
      driver.description = {
        name: answer.name,
        version: answer.version ?? 'unknown',
        ...(answer.language === undefined ? {} : { language: answer.language }),
        unsupported: answer.unsupported ?? [],
      };
      return driver;
    } catch (error) {
      await driver.stop();
      const why = error instanceof Error ? error.message : String(error);
      throw new SetupFailure(`the driver ${program} does not start: ${[why, ...driver.log.slice(-3)].join('; ')}`);
    }
  }

  /** Sends a request and waits for its response. */
  request(request: DriverRequest | { readonly do: string }): Promise<DriverResponse> {
    const id = this.#nextId;
    this.#nextId += 1;
    const line = { id, ...request };
    const known = ['describe', 'connect', 'open', 'send', 'close'].includes(request.do);
    const problem = known ? schemaProblem('request', line) : undefined;
    if (problem !== undefined) return Promise.reject(new TypeError(`the harness made a wrong request: ${problem}`));
    return new Promise((resolve, reject) => {
      if (this.ended !== undefined || this.#fault !== undefined) {
        reject(this.#fault ?? this.#death());
        return;
      }
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new DriverFault(`no response to ${JSON.stringify(line)} within ${RESPONSE_MS} ms`));
      }, RESPONSE_MS);
      const settle =
        <T>(done: (value: T) => void) =>
        (value: T): void => {
          clearTimeout(timer);
          done(value);
        };
      this.#waiting.set(id, { resolve: settle(resolve), reject: settle(reject) });
      this.#child.stdin.write(`${JSON.stringify(line)}\n`);
    });
  }

  /** Hands the events of one connection to a listener. */
  listen(connection: string, listener: (event: DriverEvent) => void, onEnd: () => void): void {
    this.#listeners.set(connection, listener);
    this.#onEnd.push(onEnd);
  }

  /** Forgets a connection; what still comes is dropped. */
  unlisten(connection: string): void {
    this.#listeners.set(connection, () => undefined);
  }

  /** The error that no later request can outlive: a broken line, or the end of the process. */
  get failure(): Error | undefined {
    return this.#fault ?? (this.ended === undefined ? undefined : this.#death());
  }

  async stop(): Promise<void> {
    if (this.ended === undefined) {
      const gone = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()));
      this.#child.stdin.end();
      const timer = setTimeout(() => this.#child.kill('SIGKILL'), this.#stepMs);
      await gone;
      clearTimeout(timer);
    }
    // A wrapper such as npx may have left its own child behind, which holds the other ends: nobody waits for that.
    for (const stream of [this.#child.stdin, this.#child.stdout, this.#child.stderr]) stream.destroy();
  }

  #death(): TesteeDied {
    return new TesteeDied(`the driver ended (${this.ended ?? 'unknown'}): ${this.log.slice(-5).join(' | ')}`);
  }

  #onLine(line: string): void {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      this.#break(`not JSON: ${line.slice(0, 200)}`);
      return;
    }
    const kind = typeof value === 'object' && value !== null && 'event' in value ? 'event' : 'response';
    const problem = schemaProblem(kind, value);
    if (problem !== undefined) {
      this.#break(`${problem}: ${line.slice(0, 200)}`);
    } else if (kind === 'event') {
      const event = value as DriverEvent;
      const listener = this.#listeners.get(event.connection);
      if (listener === undefined) this.#break(`an event of an unknown connection: ${line.slice(0, 200)}`);
      else listener(event);
    } else {
      const response = value as DriverResponse;
      const waiting = this.#waiting.get(response.id);
      this.#waiting.delete(response.id);
      if (waiting === undefined) this.#break(`a response that nobody waits for: ${line.slice(0, 200)}`);
      else waiting.resolve(response);
    }
  }

  #break(what: string): void {
    this.#fault ??= new DriverFault(`the driver broke its protocol: ${what}`);
    this.#rejectAll(this.#fault);
    this.#child.kill('SIGKILL');
  }

  #end(how: string): void {
    if (this.ended !== undefined) return;
    this.ended = how;
    this.#rejectAll(this.failure ?? this.#death());
    for (const listener of this.#onEnd) listener();
  }

  #rejectAll(why: Error): void {
    for (const { reject } of this.#waiting.values()) reject(why);
    this.#waiting.clear();
  }
}
