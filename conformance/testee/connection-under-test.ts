import type { WireLog } from '../peer/wire-log.ts';
import { describeCode } from '../peer/describe-frame.ts';
import type { Finding } from '../peer/failure.ts';
import { ConformanceFailure, fail } from '../peer/failure.ts';
import type {
  DriverEvent,
  DriverEventName,
  DriverOutcome,
  DriverPriority,
  DriverRequest,
  DriverResponse,
} from './driver-protocol.ts';
import type { DriverProcess } from './driver.ts';
import { DriverFault } from './driver.ts';

/** Options of one `connect` request. */
export type ConnectRequest = Omit<Extract<DriverRequest, { do: 'connect' }>, 'do' | 'connection'>;

/** What a channel is asked for with. */
export interface OpenRequest {
  readonly data?: Uint8Array;
  readonly hold?: true;
  readonly priority?: DriverPriority;
  readonly outcomes?: true;
  /** The client's application judges incoming messages by their first two octets. */
  readonly judge?: true;
  /** The identity that the client's configuration gives for the application. */
  readonly applicationIdentity?: string;
  /** The client's configuration demands proof for the application. */
  readonly demandProof?: true;
}

/** What the client reported of one of its messages: the outcome, or the verdict with which it was rejected. */
export type ReportedOutcome = Exclude<DriverOutcome, 'rejected'> | number;

/** One connection of the client under test, as its driver shows it. */
export class ConnectionUnderTest {
  readonly name: string;
  readonly #driver: DriverProcess;
  readonly #log: WireLog;
  readonly #stepMs: number;
  readonly #events: DriverEvent[] = [];
  /** Outcomes by channel and number of the message. They are kept apart: when they come is up to the client. */
  readonly #outcomes = new Map<number, Map<number, ReportedOutcome>>();
  #leftover: Finding | undefined;
  #over = false;
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
        if (event.event === 'outcome') this.#noteOutcome(event);
        else this.#events.push(event);
        if (['rejected', 'closed', 'failed'].includes(event.event)) this.#over = true;
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

  /** Asks for the session to be attached to a fresh connection. */
  async rotate(): Promise<void> {
    await this.#ask({ do: 'close', connection: this.name, rotate: true });
  }

  /** Asks for the end of the connection; the session stays. */
  async detach(): Promise<void> {
    await this.#ask({ do: 'close', connection: this.name, detach: true });
  }

  /** What is wrong with the outcomes reported, and no step has come upon. */
  get leftover(): Finding | undefined {
    return this.#leftover;
  }

  /** What the client has reported of the messages of a channel so far, by their numbers. Fails if one was reported twice. */
  outcomes(channel: number): ReadonlyMap<number, ReportedOutcome> {
    if (this.#leftover !== undefined) throw new ConformanceFailure(this.#leftover);
    return this.#outcomes.get(channel) ?? new Map<number, ReportedOutcome>();
  }

  /**
   * Waits until the client has reported what became of so many messages of a channel, and demands exactly these outcomes.
   *
   * @param expected - of the messages 1, 2, 3 and so on; undefined for one of which nothing may be reported yet.
   */
  async expectOutcomes(
    channel: number,
    expected: readonly (ReportedOutcome | undefined)[],
    requirement: string,
  ): Promise<void> {
    const awaited = expected.filter((outcome) => outcome !== undefined).length;
    const deadline = performance.now() + this.#stepMs;
    while (this.outcomes(channel).size < awaited) {
      const { failure } = this.#driver;
      if (failure !== undefined) throw failure;
      const leftMs = deadline - performance.now();
      const last = this.#over ? 'its last event' : `${this.#stepMs} ms`;
      if (leftMs <= 0 || this.#over) {
        const what = `outcomes of ${awaited} messages of channel ${channel}`;
        fail(what, `${this.#describeOutcomes(channel)} by ${last}`, requirement);
      }
      await this.#news(leftMs);
    }
    const actual = this.outcomes(channel);
    const right = expected.every((outcome, index) => actual.get(index + 1) === outcome);
    if (right && actual.size === awaited) return;
    const words = expected.map((outcome, index) => `${index + 1} ${outcome ?? 'not yet'}`).join(', ');
    fail(`outcomes: ${words}`, this.#describeOutcomes(channel), requirement);
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
      await this.#news(leftMs);
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

  /** Waits for anything of the driver. */
  async #news(withinMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, withinMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #noteOutcome(event: DriverEvent): void {
    const { channel = 0, first = 0, last = 0, outcome = 'unknown', verdict = 0 } = event;
    const messages = this.#outcomes.get(channel) ?? new Map<number, ReportedOutcome>();
    this.#outcomes.set(channel, messages);
    const text = describeEvent(event);
    const wrong = (expected: string): void => {
      this.#leftover ??= { requirement: 'CNT-042', expected, actual: text };
    };
    if (this.#over) wrong('no outcome after the end of the session');
    for (let number = first; number <= last; number += 1) {
      if (messages.has(number)) wrong(`one outcome for message ${number} of channel ${channel}`);
      messages.set(number, outcome === 'rejected' ? verdict : outcome);
    }
  }

  #describeOutcomes(channel: number): string {
    const parts = [...this.outcomes(channel)].map(([number, outcome]) => `${number} ${outcome}`);
    return parts.length === 0 ? 'none' : parts.join(', ');
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
