import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { LIMITS, serializeEvidenceRecord } from '../core/index.ts';
import type { AllowRule, Application, Log, Policy, Server, ServerOptions, Session } from '../node/index.ts';
import { makeDirectory } from '../store/make-directory.ts';
import { parseAddress } from './address.ts';
import { drainOnSignal } from './drain-on-signal.ts';
import {
  ENVIRONMENT_HELP,
  type EndpointFlags,
  addEndpointOptions,
  collect,
  declaredParameters,
  loadEndpoint,
} from './endpoint-options.ts';
import { UsageError, fileProblem } from './failure.ts';
import { writeFile } from './files.ts';
import { namingFiles } from './named-files.ts';
import { wholeNumber } from './numbers.ts';
import { openStore, shownStore } from './store-option.ts';
import { isTestMode } from './test-mode-option.ts';

interface ServeFlags extends EndpointFlags {
  readonly config?: string;
  readonly printConfig?: boolean;
  readonly listen: string;
  readonly allow?: readonly AllowRule[];
  readonly application?: ReadonlyMap<string, ApplicationKind>;
  readonly relay?: readonly string[];
  readonly demandProof?: boolean;
  readonly testMode: boolean;
  readonly evidenceDir?: string;
  readonly maxConnections: number;
  readonly drainDeadline: number;
  readonly store: string;
  readonly retention: number;
  readonly connectionDeadline: number;
  readonly logLevel: string;
}

const APPLICATION_KINDS = ['echo', 'discard', 'print'] as const;
type ApplicationKind = (typeof APPLICATION_KINDS)[number];

/** `hawser serve`: a server with built-in applications. */
export function serveCommand(): Command {
  const command = new Command('serve').description(
    'run a server; prints one JSON line on standard output when it listens',
  );
  addEndpointOptions(command);
  return command
    .addOption(
      new Option('--config <file>', 'YAML file with these options in camel case, such as maxConnections').env(
        'HAWSER_CONFIG',
      ),
    )
    .option('--print-config', 'print the options in force as JSON and exit')
    .addOption(
      new Option('--listen <host:port>', 'address; port 0 lets the system choose')
        .env('HAWSER_LISTEN')
        .default('127.0.0.1:7443'),
    )
    .addOption(
      new Option('--allow <identity=application>', 'let this client open this application; repeatable')
        .env('HAWSER_ALLOW')
        .argParser(collectAllow),
    )
    .addOption(
      new Option('--application <name=kind>', `offer an application: ${APPLICATION_KINDS.join(', ')}; repeatable`)
        .env('HAWSER_APPLICATION')
        .argParser(collectApplication),
    )
    .addOption(
      new Option('--relay <identity>', 'let this peer ask on behalf of the clients that it names; repeatable')
        .env('HAWSER_RELAY')
        .argParser(collect),
    )
    .option('--demand-proof', 'have each client prove itself, end to end, to the applications of --application')
    .option('--test-mode', 'offer the test applications of annex A to every client (HAWSER_TEST_MODE=true)')
    .addOption(
      new Option('--evidence-dir <folder>', 'write an evidence record for each session').env('HAWSER_EVIDENCE_DIR'),
    )
    .addOption(
      new Option('--max-connections <n>', 'connections at once')
        .env('HAWSER_MAX_CONNECTIONS')
        .argParser(wholeNumber(1, 1_000_000))
        .default(10_000),
    )
    .addOption(
      new Option('--drain-deadline <ms>', 'how long SIGTERM waits for the sessions to close')
        .env('HAWSER_DRAIN_DEADLINE')
        .argParser(wholeNumber(0, 3_600_000))
        .default(10_000),
    )
    .addOption(
      new Option('--store <where>', 'where resumable sessions are kept: memory, a folder, or redis://host:port')
        .env('HAWSER_STORE')
        .default('memory'),
    )
    .addOption(
      new Option('--retention <ms>', 'how long a session is kept without a connection, at most; 0 keeps none')
        .env('HAWSER_RETENTION')
        .argParser(wholeNumber(0, 604_800_000))
        .default(300_000),
    )
    .addOption(
      new Option('--connection-deadline <ms>', 'longest life of a connection of a resumable session; 0 for no bound')
        .env('HAWSER_CONNECTION_DEADLINE')
        .argParser(wholeNumber(0, 604_800_000))
        .default(0),
    )
    .addOption(
      new Option('--log-level <level>', 'of the JSON log on standard error')
        .choices(['debug', 'info', 'warn', 'error', 'silent'])
        .env('HAWSER_LOG_LEVEL')
        .default('info'),
    )
    .addHelpText(
      'after',
      '\nSIGTERM and SIGINT drain; SIGHUP loads certificate, key, trust anchors and revocation lists again, and keeps the old\n' +
        'ones if the new ones are bad. Exit status: 0 drained, 2 usage or configuration.\n' +
        '\nA flag wins over the environment, the environment over --config.\n' +
        ENVIRONMENT_HELP +
        '\nExamples:\n' +
        '  hawser serve --listen 127.0.0.1:7443 --cert pki/server.pem --key pki/server.key --ca pki/ca.pem \\\n' +
        '    --crl pki/crl.pem --test-mode\n' +
        '  hawser serve --config server.yaml --application payments=print \\\n' +
        '    --allow spiffe://example.org/client=payments\n',
    )
    .action(async () => {
      const { config } = command.opts<ServeFlags>();
      if (config !== undefined) {
        const { applyConfigFile } = await import('./config-file.ts');
        applyConfigFile(command, config);
      }
      const flags = { ...command.opts<ServeFlags>(), testMode: isTestMode(command) };
      if (flags.printConfig === true) {
        process.stdout.write(`${JSON.stringify(printable(flags), undefined, 2)}\n`);
        return;
      }
      await serve(flags);
    });
}

/** Runs until SIGTERM or SIGINT has drained the server. */
async function serve(flags: ServeFlags): Promise<void> {
  const { host, port } = parseAddress(flags.listen, '--listen', 0);
  makeEvidenceFolder(flags.evidenceDir);
  const endpoint = await loadEndpoint(flags);
  const { TEST_MODE_PARAMETERS, checkTestModeParameters, createServer, openKeyLog, testApplications } =
    await import('../node/index.ts');
  const { createLog } = await import('./log.ts');
  const log = createLog(flags.logLevel);
  const { testMode } = flags;
  const parameters = { ...(testMode ? TEST_MODE_PARAMETERS : {}), ...declaredParameters(flags) };
  if (testMode) checkTestModeParameters(parameters, {});
  const keyLogFile = process.env['SSLKEYLOGFILE'];
  const store = await openStore(flags.store);
  if (flags.store !== 'memory' && store.custody !== 'stored') {
    log.warn({ store: shownStore(flags.store) }, 'this store may lose what it has acknowledged: custody is received');
  }
  const options: ServerOptions = {
    ...endpoint,
    continuity: {
      store,
      maxRetentionMs: flags.retention,
      connectionDeadlineMs: flags.connectionDeadline,
      // Those that are attached count too. [APP-008]
      ...(testMode ? { maxDetachedPerClient: 4 * LIMITS.test_min_sessions } : {}),
    },
    parameters,
    policy: await policyOf(flags.allow ?? [], flags.relay ?? [], testMode),
    applications: applicationsOf(flags, testMode ? testApplications : new Map<string, Application>()),
    limits: { maxConnections: flags.maxConnections },
    log,
    ...(keyLogFile === undefined || keyLogFile === '' ? {} : { keyLog: openKeyLog(keyLogFile, log) }),
    onSession: (session) => recordEvidence(session, flags.evidenceDir, log),
  };
  const server = await namingFiles(flags, () => createServer(options));
  if (testMode) log.warn({}, 'test mode: every accepted client may open the test applications');
  else if (flags.allow === undefined) log.warn({}, 'no --allow: every client is refused');
  const address = await server.listen(port, host);
  // Whoever reads the line may send a signal at once.
  process.on('SIGHUP', () => void reload(server, flags, log));
  const end = drainOnSignal(server, () => server.sessions.length, flags.drainDeadline, log);
  process.stdout.write(`${JSON.stringify({ listening: { host: address.address, port: address.port } })}\n`);
  await end;
  await store.close();
}

async function reload(server: Server, flags: ServeFlags, log: Log): Promise<void> {
  try {
    const endpoint = await loadEndpoint(flags);
    await namingFiles(flags, () => server.reload(endpoint));
  } catch (error) {
    log.error({ err: error }, 'reload failed: the certificate, key and revocation lists in force stay');
  }
}

function recordEvidence(session: Session, folder: string | undefined, log: Log): void {
  if (folder === undefined) return;
  const path = join(folder, `${session.id}.json`);
  try {
    writeFile(path, serializeEvidenceRecord(session.evidence()), '--evidence-dir', 0o600);
  } catch (error) {
    log.error({ err: error, session: session.id }, 'the evidence record was not written');
  }
}

function makeEvidenceFolder(folder: string | undefined): void {
  if (folder === undefined) return;
  try {
    makeDirectory(folder, 0o700);
    accessSync(folder, constants.W_OK);
  } catch (cause) {
    const message = `${folder} is no folder to write to: ${fileProblem(cause)}. Name another --evidence-dir.`;
    throw new UsageError('--evidence-dir', message, cause);
  }
}

async function policyOf(rules: readonly AllowRule[], relays: readonly string[], testMode: boolean): Promise<Policy> {
  const { createAllowList, isTestRelay, testApplications } = await import('../node/index.ts');
  const allowed = createAllowList(rules, relays);
  if (!testMode) return allowed;
  return {
    acceptsClient: () => true,
    acceptsRelay: (identity) => isTestRelay(identity) || relays.includes(identity),
    allowsApplication: (identity, application) =>
      testApplications.has(application) || allowed.allowsApplication(identity, application),
  };
}

function applicationsOf(
  { application: named, demandProof = false }: ServeFlags,
  builtIn: ReadonlyMap<string, Application>,
): ReadonlyMap<string, Application> {
  const applications = new Map(builtIn);
  for (const [name, kind] of named ?? []) {
    const application = createApplication(kind);
    applications.set(name, demandProof ? proved(application) : application);
  }
  return applications;
}

/** An application for clients that have proved themselves. */
function proved(application: Application): Application {
  return async (channel, request) => {
    await request.prove();
    return application(channel, request);
  };
}

function createApplication(kind: ApplicationKind): Application {
  return (channel, { application, identity }) => {
    channel.onMessage = (message, number) => {
      if (kind === 'echo') return channel.send(message);
      if (kind === 'discard') return undefined;
      const data = Buffer.from(message).toString('base64');
      const line = { message: { identity, application, channel: channel.number, number, data } };
      process.stdout.write(`${JSON.stringify(line)}\n`);
      return undefined;
    };
    channel.onEnd = () => channel.end();
  };
}

function collectAllow(value: string, previous: readonly AllowRule[] | undefined): AllowRule[] {
  const rules = collect(value, []).map((rule) => {
    // A URI may hold an equals sign, the name of an application hardly.
    const split = rule.lastIndexOf('=');
    const [identity, application] = [rule.slice(0, split), rule.slice(split + 1)];
    if (split > 0 && application !== '') return { identity, application };
    throw new InvalidArgumentError('It has to be IDENTITY=APPLICATION.');
  });
  return [...(previous ?? []), ...rules];
}

function collectApplication(
  value: string,
  previous: ReadonlyMap<string, ApplicationKind> | undefined,
): Map<string, ApplicationKind> {
  const applications = new Map(previous);
  for (const part of collect(value, [])) {
    const split = part.lastIndexOf('=');
    const kind = APPLICATION_KINDS.find((one) => one === part.slice(split + 1));
    const name = part.slice(0, Math.max(split, 0));
    if (name === '' || kind === undefined) {
      throw new InvalidArgumentError(`It has to be NAME=KIND, KIND being one of ${APPLICATION_KINDS.join(', ')}.`);
    }
    if (name.startsWith('test/'))
      throw new InvalidArgumentError('Names that begin with test/ are those of --test-mode.');
    applications.set(name, kind);
  }
  return applications;
}

function printable({ config: _config, printConfig: _printConfig, ...flags }: ServeFlags): object {
  const { allow, application, ...others } = flags;
  return {
    ...others,
    store: shownStore(others.store),
    ...(allow === undefined ? {} : { allow: allow.map((rule) => `${rule.identity}=${rule.application}`) }),
    ...(application === undefined ? {} : { application: [...application].map(([name, kind]) => `${name}=${kind}`) }),
  };
}
