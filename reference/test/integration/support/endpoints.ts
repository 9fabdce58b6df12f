import { onTestFinished } from 'vitest';
import {
  type Client,
  type ClientOptions,
  type ConnectOptions,
  type Log,
  type Server,
  type ServerOptions,
  type Session,
  TEST_MODE_PARAMETERS,
  connect,
  createClient,
  createServer,
  testApplications,
} from '../../../node/index.ts';
import { type Kit, SERVER_IDENTITY } from './kit.ts';

/** A line that an endpoint logged. */
export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A log that keeps its lines. */
export class RecordingLog implements Log {
  readonly lines: LogLine[] = [];
  #waiting: { readonly matches: (line: LogLine) => boolean; readonly resolve: (line: LogLine) => void }[] = [];

  debug(fields: object, message: string): void {
    this.#add('debug', fields, message);
  }

  info(fields: object, message: string): void {
    this.#add('info', fields, message);
  }

  warn(fields: object, message: string): void {
    this.#add('warn', fields, message);
  }

  error(fields: object, message: string): void {
    this.#add('error', fields, message);
  }

  /** The first line with these words, now or when it comes. */
  line(words: string): Promise<LogLine> {
    const matches = (line: LogLine): boolean => line.message.includes(words);
    const found = this.lines.find(matches);
    if (found !== undefined) return Promise.resolve(found);
    return new Promise((resolve) => this.#waiting.push({ matches, resolve }));
  }

  #add(level: LogLine['level'], fields: object, message: string): void {
    const line: LogLine = { level, message, fields: fields as Record<string, unknown> };
    this.lines.push(line);
    const ready = this.#waiting.filter(({ matches }) => matches(line));
    this.#waiting = this.#waiting.filter((waiting) => !ready.includes(waiting));
    for (const { resolve } of ready) resolve(line);
  }
}

/** A server that a test has to itself. */
export interface RunningServer {
  readonly server: Server;
  readonly port: number;
  readonly log: RecordingLog;
}

/** Starts a server with the test applications, which ends with the test. */
export async function startServer(kit: Kit, options: Partial<ServerOptions> = {}): Promise<RunningServer> {
  const log = new RecordingLog();
  const server = createServer({
    credential: kit.server,
    ...kit.trust,
    policy: { acceptsClient: () => true, allowsApplication: () => true },
    applications: testApplications,
    parameters: TEST_MODE_PARAMETERS,
    log,
    ...options,
  });
  const { port } = await server.listen(0, '127.0.0.1');
  onTestFinished(() => server.close());
  return { server, port, log };
}

/** Connects the kit's client, or another. */
export async function connectClient(kit: Kit, port: number, options: Partial<ConnectOptions> = {}): Promise<Session> {
  const session = await connect({
    host: '127.0.0.1',
    port,
    credential: kit.client,
    ...kit.trust,
    audience: SERVER_IDENTITY,
    ...options,
  });
  onTestFinished(() => session.close().then(() => undefined));
  return session;
}

/** The kit's client, for what `connectClient` does not keep of it. */
export function clientOf(kit: Kit, options: Partial<ClientOptions> = {}): Client {
  return createClient({ credential: kit.client, ...kit.trust, ...options });
}

/** Sends a message through `test/echo` and expects it back: the session is alive. */
export async function expectEcho(session: Session): Promise<void> {
  const channel = await session.open('test/echo');
  const answer = channel[Symbol.asyncIterator]();
  await channel.send(Buffer.from('are you there?'));
  const { value } = await answer.next();
  if (value === undefined || Buffer.from(value).toString() !== 'are you there?') throw new Error('no echo');
  channel.end();
  await channel.closed;
}
