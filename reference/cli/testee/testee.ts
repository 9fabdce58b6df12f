import { createInterface } from 'node:readline';
import { Command } from 'commander';
import { UsageError } from '../failure.ts';
import { packageVersion } from '../version.ts';
import { type DriverEvent, TesteeConnection } from './connection.ts';
import { type Request, RequestError, parseRequest } from './requests.ts';

/** Version of the driver protocol. */
const PROTOCOL_VERSION = 1;

/** `hawser testee`: the reference client behind the driver protocol of the conformance suite. */
export function testeeCommand(): Command {
  return new Command('testee')
    .description('drive the reference client by JSON lines on standard input, for the conformance suite')
    .addHelpText(
      'after',
      '\nThe protocol is described in conformance/testee/README.md.\n' +
        '\nExample:\n  hawser-conformance client --pki kit -- hawser testee\n',
    )
    .action(async () => {
      await drive(process.stdin, (line) => process.stdout.write(`${line}\n`));
      // Sessions without a connection would be tried again for as long as they are retained.
      process.exit();
    });
}

/** Answers requests until the input ends, then ends every connection. */
export async function drive(input: NodeJS.ReadableStream, write: (line: string) => void): Promise<void> {
  const driver = new Driver((value) => write(JSON.stringify(value)));
  // Requests are taken one after the other: `connect` reads files, and what follows may name its connection.
  for await (const line of createInterface({ input, crlfDelay: Infinity })) await driver.take(line);
  await driver.end();
}

class Driver {
  readonly #emit: (value: object) => void;
  readonly #connections = new Map<string, TesteeConnection>();

  constructor(emit: (value: object) => void) {
    this.#emit = emit;
  }

  async take(line: string): Promise<void> {
    const parsed = parseRequest(line);
    if (parsed === undefined) throw new UsageError('<stdin>', `This line is no request: ${line.slice(0, 200)}`);
    const { id, request } = parsed;
    try {
      if (request instanceof RequestError) throw request;
      this.#emit({ id, ok: true, ...(await this.#carryOut(request)) });
    } catch (error) {
      const refusal = error instanceof RequestError ? error.refusal : 'refused';
      this.#emit({ id, ok: false, error: refusal, text: error instanceof Error ? error.message : String(error) });
    }
  }

  async end(): Promise<void> {
    await Promise.all([...this.#connections.values()].map((connection) => connection.end()));
  }

  async #carryOut(request: Request): Promise<object> {
    switch (request.do) {
      case 'describe':
        return {
          protocol: PROTOCOL_VERSION,
          name: 'hawser reference client',
          version: packageVersion(),
          language: 'TypeScript',
          unsupported: [],
        };
      case 'connect':
        return this.#connect(request);
      case 'open':
        return this.#connection(request.connection).open(request);
      case 'send':
        this.#connection(request.connection).send(request.channel, request.message);
        return {};
      case 'close':
        this.#connection(request.connection).close(request);
        return {};
    }
  }

  async #connect(request: Extract<Request, { do: 'connect' }>): Promise<object> {
    if (this.#connections.has(request.connection)) {
      throw new RequestError('invalid', `There is a connection ${request.connection} already.`);
    }
    const connection = await TesteeConnection.create(request, (event: DriverEvent) =>
      this.#emit({ ...event, connection: request.connection }),
    );
    // The lists of this request are newer than those that the live connections were judged by.
    for (const [name, other] of this.#connections) {
      if (other.over) this.#connections.delete(name);
      else await other.updateTrust(request.ca, connection.trust);
    }
    this.#connections.set(request.connection, connection);
    // After the response: what happens is told in order.
    setImmediate(() => connection.start());
    return {};
  }

  #connection(name: string): TesteeConnection {
    const connection = this.#connections.get(name);
    if (connection === undefined) throw new RequestError('invalid', `There is no connection ${name}.`);
    return connection;
  }
}
