import { Command, Option } from 'commander';
import { parseAddress } from '../address.ts';
import { addEndpointOptions } from '../endpoint-options.ts';
import { UsageError } from '../failure.ts';
import { wholeNumber } from '../numbers.ts';
import { shownStore } from '../store-option.ts';
import { isTestMode } from '../test-mode-option.ts';
import type { RelayConfig, RelaySettings } from './config.ts';
import type { ConfigSource } from './source.ts';

interface RelayFlags {
  readonly config?: string;
  readonly checkConfig?: boolean;
  readonly printConfig?: boolean;
  readonly applicationEnd?: string;
  readonly applicationAudience: string;
}

/** Options that are none of the settings of the configuration file. */
const OTHER_OPTIONS: ReadonlySet<string> = new Set([
  'config',
  'checkConfig',
  'printConfig',
  'testMode',
  'applicationEnd',
  'applicationAudience',
]);

/** `hawser relay`: leads the channels of clients to application ends. */
export function relayCommand(): Command {
  const command = new Command('relay').description(
    'run a relay before TCP, TLS and Hawser application ends; prints one JSON line on standard output when it listens',
  );
  addEndpointOptions(command);
  return command
    .addOption(
      new Option('--config <file>', 'YAML file with routes, policy and everything else').env('HAWSER_RELAY_CONFIG'),
    )
    .option('--check-config', 'check the file, and the files that it names, and exit')
    .option('--print-config', 'print the configuration in force as JSON and exit')
    .addOption(new Option('--listen <host:port>', 'address; port 0 lets the system choose').env('HAWSER_LISTEN'))
    .addOption(
      new Option('--store <where>', 'where sessions of clients are kept: memory, a folder, or redis://host:port').env(
        'HAWSER_STORE',
      ),
    )
    .addOption(
      new Option('--retention <ms>', 'how long a session is kept without a connection, at most; 0 keeps none')
        .env('HAWSER_RETENTION')
        .argParser(wholeNumber(0, 604_800_000)),
    )
    .addOption(
      new Option('--connection-deadline <ms>', 'longest life of a connection of a resumable session; 0 for no bound')
        .env('HAWSER_CONNECTION_DEADLINE')
        .argParser(wholeNumber(0, 604_800_000)),
    )
    .addOption(
      new Option('--drain-deadline <ms>', 'how long SIGTERM waits for the sessions to close')
        .env('HAWSER_DRAIN_DEADLINE')
        .argParser(wholeNumber(0, 3_600_000)),
    )
    .addOption(
      new Option('--log-level <level>', 'of the JSON log on standard error')
        .choices(['debug', 'info', 'warn', 'error', 'silent'])
        .env('HAWSER_LOG_LEVEL'),
    )
    .option('--test-mode', 'the routes of annex A instead of a file (HAWSER_TEST_MODE=true)')
    .option('--application-end <host:port>', 'in test mode: where the application ends are')
    .option('--application-audience <identity>', 'in test mode: who is there', 'spiffe://hawser.test/server')
    .addHelpText(
      'after',
      '\nA flag wins over the environment, the environment over --config. SIGTERM drains and exits 0; SIGHUP loads the file,\n' +
        'certificates and revocation lists again: routes and policy change as a whole, or not at all, and no session ends.\n' +
        'SSLKEYLOGFILE names a file for TLS secrets.\n' +
        '\nExamples:\n' +
        '  hawser relay --config relay.yaml --check-config\n' +
        '  hawser relay --config relay.yaml\n' +
        '  hawser relay --test-mode --application-end 127.0.0.1:7500 --cert pki/relay.pem --key pki/relay.key --ca pki/ca.pem\n',
    )
    .action(async () => {
      const source = await sourceOf(command);
      const flags = command.opts<RelayFlags>();
      const config = source.read();
      if (flags.printConfig === true) {
        process.stdout.write(`${JSON.stringify(printable(config), undefined, 2)}\n`);
      } else if (flags.checkConfig === true) {
        const { loadChangeable } = await import('./changeable.ts');
        await loadChangeable(source, config);
        const { routes, policy, relays } = config;
        const result = { valid: true, routes: routes.length, identities: policy.length, relays: relays.length };
        process.stdout.write(`${JSON.stringify(result)}\n`);
      } else {
        const { run } = await import('./run.ts');
        await run(source, config);
      }
    });
}

/** The file, or annex A. */
async function sourceOf(command: Command): Promise<ConfigSource> {
  const { fileSource, testSource } = await import('./source.ts');
  const { config: file, applicationEnd, applicationAudience } = command.opts<RelayFlags>();
  if (!isTestMode(command)) {
    if (applicationEnd !== undefined) {
      throw new UsageError('--application-end', '--application-end is for --test-mode: name the routes in --config.');
    }
    if (file === undefined) {
      throw new UsageError('--config', 'The configuration is missing: give it with --config FILE.');
    }
    return fileSource(file, settingsOf(command));
  }
  if (file !== undefined) throw new UsageError('--config', 'Test mode has routes of its own: leave out --config.');
  if (applicationEnd === undefined) {
    throw new UsageError('--application-end', 'In test mode, say with --application-end HOST:PORT where the suite is.');
  }
  const address = parseAddress(applicationEnd, '--application-end', 1);
  return testSource({ address, audience: applicationAudience }, settingsOf(command));
}

/** What flags and the environment say of the settings of the file. */
function settingsOf(command: Command): Partial<RelaySettings> {
  const given = Object.entries(command.opts<Record<string, unknown>>()).filter(([name]) => !OTHER_OPTIONS.has(name));
  const toKey = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return Object.fromEntries(given.map(([name, value]) => [toKey(name), value]));
}

function printable(config: RelayConfig): RelayConfig {
  return { ...config, store: shownStore(config.store) };
}
