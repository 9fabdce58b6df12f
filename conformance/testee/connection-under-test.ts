import type { WireLog } from '../peer/wire-log.ts';
import { describeCode } from '../peer/describe-frame.ts';
import { fail } from '../peer/failure.ts';
import type { DriverEvent, DriverEventName, DriverRequest, DriverResponse } from './driver-protocol.ts';
import type { DriverProcess } from './driver.ts';
import { DriverFault } from './driver.ts';

/** Options of one `connect` request. */
export type ConnectRequest = Omit<Extract<DriverRequest, { do: 'connect' }>, 'do' | 'connection'>;

/** What a channel is asked for with. */
export interface OpenRequest {
  readonly data?: Uint8Array;
  readonly hold?: true;
  readonly priority?: number;
  readonly outcomes?: true;
}

/** One connection of the client under test, as its driver shows it. */
export class ConnectionUnderTest {
  readonly name: string;
  readonly #driver: DriverProcess;
  readonly #log: WireLog;
  readonly #stepMs: number;
  readonly #events: DriverEvent[] = [];
  #wake: (() => void) | undefined;

  constructor(name: string, driver: DriverProcess, log: WireLog, stepMs: number) {
    this.name = name;
    this.#driver = driver;
    this.#log = log;
    this.#stepMs = stepMs;
    driver.listen(
      name,
      (event) => {
        log.add('note', `client reports ${describeEvent(event)}`);
        this.#events.push(event);
        this.#wake?.();
      },
      () => this.#wake?.(),
    );
  }

  /** Begins the attempt. */
  async connect(request: ConnectRequest): Promise<void> {
    await this.#ask({ do: 'connect', connection: this.name, ...request });
  }

  /** Asks for a channel; the answer is its number. */
  async open(application: string, options: OpenRequest = {}): Promise<number> {
    const { data, ...rest } = options;
    const response = await this.#ask({
      do: 'open',
      connection: this.name,
      application,
      ...(data === undefined ? {} : { data: Buffer.from(data).toString('base64') }),
      ...rest,
    });
    if (response.channel === undefined) throw new DriverFault('the response to open has no channel');
    return response.channel;
  }

  /** Asks for an action and takes any answer, also a refusal. */
  async ask(request: DriverRequest): Promise<DriverResponse> {
    this.#log.add('note', `client is asked to ${request.do}`);
    return this.#driver.request(request);
  }

  /** Asks for a message to be sent, without waiting for the response: it may depend on credit. */
  send(channel: number, message: Uint8Array): void {
    this.#log.add('note', `client is asked to send ${message.length} octets on channel ${channel}`);
    const text = Buffer.from(message).toString('base64');
    // What is wrong shows on the wire, or at the next request.
    this.#driver.request({ do: 'send', connection: this.name, channel, message: text }).catch(() => undefined);
  }

  /** Asks for END. */
  async end(channel: number): Promise<void> {
    await this.#ask({ do: 'close', connection: this.name, channel });
  }

  /** Asks for RESET. */
  async reset(channel: number): Promise<void> {
    await this.#ask({ do: 'close', connection: this.name, channel, reset: true });
  }

  /** Asks for the end of the session. */
  async close(): Promise<void> {
    await this.#ask({ do: 'close', connection: this.name });
  }

  /** The next event, which has to be of this name. */
  async expectEvent(name: DriverEventName, requirement?: string): Promise<DriverEvent> {
    const event = await this.nextEvent(`the event ${name} of the client`, requirement);
    if (event.event !== name) fail(`the event ${name} of the client`, describeEvent(event), requirement);
    return event;
  }

  /** The next event of any name. */
  async nextEvent(what: string, requirement?: string, withinMs: number = this.#stepMs): Promise<DriverEvent> {
    const deadline = performance.now() + withinMs;
    for (;;) {
      const event = this.#events.shift();
      if (event !== undefined) return event;
      const { failure } = this.#driver;
      if (failure !== undefined) throw failure;
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) fail(what, `no event within ${withinMs} ms`, requirement);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** Events that nobody has asked for yet. */
  get pendingEvents(): readonly DriverEvent[] {
    return this.#events;
  }

  /** Forgets the connection at the end of a case. */
  release(): void {
    this.#driver.unlisten(this.name);
  }

  async #ask(request: DriverRequest): Promise<DriverResponse> {
    const response = await this.ask(request);
    if (response.ok) return response;
    throw new DriverFault(`${request.do} was answered with ${response.error ?? '?'}: ${response.text ?? ''}`);
  }
}

/** One line for people. */
export function describeEvent(event: DriverEvent): string {
  const { event: name, connection: _connection, ...rest } = event;
  const parts = Object.entries(rest).map(([key, value]) => {
    if (key === 'code') return `code=${describeCode(Number(value))}`;
    const text = String(value);
    return `${key}=${text.length > 40 ? `${text.slice(0, 40)}...` : text}`;
  });
  return [name, ...parts].join(' ');
}
