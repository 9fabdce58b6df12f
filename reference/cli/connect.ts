import { createInterface } from 'node:readline';
import { Command, Option } from 'commander';
import { type OpenOptions, serializeEvidenceRecord } from '../core/index.ts';
import type { Channel, Client, Log, Session, SessionEnd } from '../node/index.ts';
import { type Address, parseAddress } from './address.ts';
import {
  ENVIRONMENT_HELP,
  type EndpointFlags,
  addEndpointOptions,
  declaredParameters,
  loadEndpoint,
} from './endpoint-options.ts';
import { EXIT, UsageError, failureLine } from './failure.ts';
import { readBytes, writeFile } from './files.ts';
import { namingFiles } from './named-files.ts';
import { wholeNumber } from './numbers.ts';
import type { Tunnel } from './tunnel.ts';

interface ConnectFlags extends EndpointFlags {
  readonly audience: string;
  readonly application: string;
  readonly applicationIdentity?: string;
  readonly demandProof?: boolean;
  readonly data?: string;
  readonly format: 'text' | 'hex' | 'base64';
  readonly whole?: boolean;
  readonly evidence?: string;
  readonly timeout?: number;
  readonly retention?: number;
  readonly listen?: string;
  readonly tunnel?: string;
  readonly tunnelAudience?: string;
  readonly logLevel: string;
}

/** What `hawser connect` works with. */
interface Established {
  readonly session: Session;
  /** Whose session it is. */
  readonly client: Client;
}

/** `hawser connect`: opens one channel, sends lines or files, prints what comes back. */
export function connectCommand(): Command {
  const command = new Command('connect')
    .description('open a channel, send each line of the files (or of standard input) as a message, print the answers')
    .argument('<host:port>', 'the server')
    .argument('[file...]', 'files to send; standard input without any');
  addEndpointOptions(command);
  return command
    .requiredOption('--audience <identity>', 'identity of the server that is meant; required')
    .requiredOption('--application <name>', 'application end to open; required')
    .option(
      '--application-identity <uri>',
      'identity that the application end has to prove when it asks for proof; by default that of --audience',
    )
    .option('--demand-proof', 'take no application end that asks for no proof')
    .option('--data <text>', 'application data of the request')
    .option('--whole', 'send each file as one message, not line by line')
    .addOption(
      new Option('--format <format>', 'how messages are printed, one per line')
        .choices(['text', 'hex', 'base64'])
        .default('text'),
    )
    .option('--evidence <file>', 'write the evidence record of the session')
    .option(
      '--retention <ms>',
      'keep the session this long when its connection is lost, and connect again (default: 0, it ends)',
      wholeNumber(0, 604_800_000),
    )
    .option('--timeout <seconds>', 'give up after this time (default: never)', wholeNumber(1, 86_400))
    .addOption(
      new Option(
        '--listen <port>',
        'a local port, [HOST:]PORT: each connection becomes a channel, its octets messages',
      ).conflicts(['whole', 'timeout']),
    )
    .option('--tunnel <host:port/application>', 'reach the server through this application of a relay')
    .option('--tunnel-audience <identity>', 'identity of that relay')
    .addOption(
      new Option('--log-level <level>', 'of the JSON log on standard error')
        .choices(['debug', 'info', 'warn', 'error', 'silent'])
        .env('HAWSER_LOG_LEVEL')
        .default('silent'),
    )
    .addHelpText(
      'after',
      '\nExit status: 0 when session and channel ended in order, 1 when one failed or was refused, 2 for usage, configuration, or a\n' +
        'server that can not be reached. With --listen, SIGHUP loads certificate, key, trust anchors and revocation lists again.\n\n' +
        ENVIRONMENT_HELP +
        '\nExamples:\n' +
        '  echo hello | hawser connect 127.0.0.1:7443 --cert pki/client.pem --key pki/client.key --ca pki/ca.pem \\\n' +
        '    --audience spiffe://example.org/server --application test/echo\n' +
        '  hawser connect relay.example.org:7443 --cert pki/client.pem --key pki/client.key --ca pki/ca.pem \\\n' +
        '    --audience spiffe://example.org/relay --application database --listen 5432\n',
    )
    .action(async (address: string, files: readonly string[], flags: ConnectFlags) => {
      const { host, port } = parseAddress(address, '<host:port>', 1);
      const contents = files.map((file) => readBytes(file, '<file>'));
      const local = flags.listen === undefined ? undefined : localAddress(flags.listen, files);
      const { session, client } = await establish(host, port, flags);
      if ((flags.retention ?? 0) > 0 && !session.resumable) process.stderr.write(NO_RETENTION);
      if (flags.evidence !== undefined) {
        writeFile(flags.evidence, serializeEvidenceRecord(session.evidence()), '--evidence', 0o600);
      }
      process.exitCode = await (local === undefined
        ? exchange(session, contents, flags)
        : lead(client, session, local, flags));
    });
}

function localAddress(listen: string, files: readonly string[]): Address {
  if (files.length > 0) throw new UsageError('<file>', 'With --listen nothing is sent from files: leave them out.');
  return parseAddress(/^\d+$/.test(listen) ? `:${listen}` : listen, '--listen', 0);
}

/** Leads a local port until the session ends; SIGHUP loads certificate, key, trust anchors and lists again meanwhile. */
async function lead(client: Client, session: Session, address: Address, flags: ConnectFlags): Promise<number> {
  const { leadLocalPort } = await import('./local-port.ts');
  const { createLog } = await import('./log.ts');
  const log = createLog(flags.logLevel);
  process.on('SIGHUP', () => void reload(client, flags, log));
  const target = { session, application: flags.application, ...openOptionsOf(flags) };
  const { outcome, code, error } = await leadLocalPort(address, target, log);
  if (outcome === 'orderly') return EXIT.ok;
  throw error ?? new Error(`The session ended with ${code ?? 'no code'}.`);
}

function openOptionsOf({ data, applicationIdentity, demandProof }: ConnectFlags): OpenOptions {
  const applicationData = data === undefined ? undefined : Buffer.from(data, 'utf8');
  return { applicationData, applicationIdentity, demandProof };
}

async function establish(host: string, port: number, flags: ConnectFlags): Promise<Established> {
  const endpoint = await loadEndpoint(flags);
  const { createClient, openKeyLog } = await import('../node/index.ts');
  const { createLog } = await import('./log.ts');
  const log = createLog(flags.logLevel);
  const keyLogFile = process.env['SSLKEYLOGFILE'];
  const options = {
    ...endpoint,
    parameters: declaredParameters(flags),
    log,
    ...(keyLogFile === undefined || keyLogFile === '' ? {} : { keyLog: openKeyLog(keyLogFile, log) }),
  };
  const client = await namingFiles(flags, () => createClient(options));
  const tunnel = await tunnelOf(flags, (relay, audience) => client.connect({ ...relay, audience }));
  try {
    const target = {
      host,
      port,
      audience: flags.audience,
      ...(flags.retention === undefined
        ? {}
        : // Only who leads a port can be told to load other files.
          { continuity: { retentionMs: flags.retention, awaitReload: flags.listen !== undefined } }),
      ...(tunnel === undefined ? {} : { transport: tunnel.transport }),
    };
    const session = await namingFiles(flags, () => client.connect(target));
    void session.closed.then(() => tunnel?.close());
    return { session, client };
  } catch (error) {
    await tunnel?.close();
    if ((error as { code?: unknown }).code !== 'HAWSER_ERR_TRANSPORT_UNREACHABLE') throw error;
    const { message } = error as Error;
    throw new UsageError('<host:port>', `${message} Check the address, and that the server runs.`, error);
  }
}

async function reload(client: Client, flags: ConnectFlags, log: Log): Promise<void> {
  try {
    const endpoint = await loadEndpoint(flags);
    await namingFiles(flags, () => client.reload(endpoint));
    log.info({ crls: endpoint.crls.length }, 'certificate and trust reloaded');
  } catch (error) {
    log.error({ err: error }, 'reload failed: the certificate, key and revocation lists in force stay');
  }
}

/** The tunnel that was asked for. [RLY-053] */
async function tunnelOf(
  { tunnel, tunnelAudience }: ConnectFlags,
  connectRelay: (relay: Address, audience: string) => Promise<Session>,
): Promise<Tunnel | undefined> {
  if (tunnel === undefined) return undefined;
  if (tunnelAudience === undefined) {
    throw new UsageError('--tunnel-audience', 'Say who the relay of --tunnel is: give --tunnel-audience IDENTITY.');
  }
  const { Tunnel, parseTunnel } = await import('./tunnel.ts');
  const { relay, application } = parseTunnel(tunnel);
  return new Tunnel(application, () => connectRelay(relay, tunnelAudience));
}

async function exchange(session: Session, contents: readonly Buffer[], flags: ConnectFlags): Promise<number> {
  const deadline = { passed: false };
  const timer = setTimeout(
    () => {
      deadline.passed = true;
      void session.close();
    },
    (flags.timeout ?? 0) * 1000,
  );
  if (flags.timeout === undefined) clearTimeout(timer);
  const channel = session.request(flags.application, openOptionsOf(flags));
  channel.onMessage = (message) => {
    const text = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
    process.stdout.write(flags.format === 'text' ? Buffer.concat([text, NEWLINE]) : `${text.toString(flags.format)}\n`);
  };
  try {
    await channel.opened;
    await sendAll(session, channel, contents, flags.whole === true);
    const channelEnd = await channel.closed;
    const sessionEnd = await session.close();
    if (deadline.passed) {
      process.stderr.write(
        `hawser: No end within ${flags.timeout ?? 0} s: raise --timeout, or see the server's log.\n`,
      );
      return EXIT.failed;
    }
    const orderly = channelEnd.type === 'closed' || (channelEnd.type === 'session-ended' && isOrderly(sessionEnd));
    if (orderly && isOrderly(sessionEnd)) return EXIT.ok;
    throw channelEnd.type === 'closed' || channelEnd.type === 'session-ended'
      ? (sessionEnd.error ?? new Error(`The session ended with ${sessionEnd.code ?? 'no code'}.`))
      : channelEnd.error;
  } catch (error) {
    await session.close();
    process.stderr.write(`${failureLine(error) ?? ''}\n`);
    return EXIT.failed;
  } finally {
    clearTimeout(timer);
  }
}

const NO_RETENTION =
  'hawser: warning: The server grants no retention, so the session ends with its connection: see --retention of hawser serve.\n';

const NEWLINE = Buffer.from('\n');

async function sendAll(session: Session, channel: Channel, contents: readonly Buffer[], whole: boolean): Promise<void> {
  if (contents.length > 0) {
    for (const content of contents) {
      for (const message of whole ? [content] : linesOf(content)) await channel.send(message);
    }
  } else if (whole) {
    const parts: Buffer[] = [];
    for await (const part of process.stdin) parts.push(part as Buffer);
    await channel.send(Buffer.concat(parts));
  } else {
    const lines = createInterface({ input: process.stdin, crlfDelay: Infinity });
    // Who has nothing to send may still have to be told that the other end is gone.
    void channel.closed.then(() => lines.close());
    void session.closed.then(() => lines.close());
    for await (const line of lines) await channel.send(Buffer.from(line, 'utf8'));
  }
  channel.end();
}

function linesOf(content: Buffer): Buffer[] {
  const lines = content.toString('utf8').split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  return lines.map((line) => Buffer.from(line, 'utf8'));
}

function isOrderly(end: SessionEnd): boolean {
  return end.outcome === 'orderly' && end.unknownMessages.length + end.undeliveredMessages.length === 0;
}
