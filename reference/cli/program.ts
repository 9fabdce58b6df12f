import { Command } from 'commander';
import { connectCommand } from './connect.ts';
import { decodeCommand } from './decode/decode.ts';
import { checkEnvironment } from './environment.ts';
import { evidenceCommand } from './evidence/evidence.ts';
import { exitStatusOf, failureLine, oneLine } from './failure.ts';
import { pkiCommand } from './pki/pki.ts';
import { relayCommand } from './relay/relay.ts';
import { serveCommand } from './serve.ts';
import { testeeCommand } from './testee/testee.ts';
import { packageVersion } from './version.ts';

/** The command tree of `hawser`. */
export function createProgram(): Command {
  const program = new Command('hawser')
    .description('A mutually authenticated TLS long connection: server, relay, client, certificates, evidence.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .addCommand(serveCommand())
    .addCommand(relayCommand())
    .addCommand(connectCommand())
    .addCommand(pkiCommand())
    .addCommand(evidenceCommand())
    .addCommand(decodeCommand())
    .addCommand(testeeCommand())
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  hawser pki init --out pki\n' +
        '  hawser pki issue --ca pki --role server --identity spiffe://example.org/server --out pki/server\n' +
        '  hawser serve --listen 127.0.0.1:7443 --cert pki/server.pem --key pki/server.key --ca pki/ca.pem --test-mode\n' +
        '  hawser pki issue --ca pki --role client --identity spiffe://example.org/client --out pki/client\n' +
        '  echo hello | hawser connect 127.0.0.1:7443 --cert pki/client.pem --key pki/client.key --ca pki/ca.pem \\\n' +
        '    --audience spiffe://example.org/server --application test/echo\n' +
        '\nExit status: 0 done, 1 tried and failed, 2 usage or configuration.\n',
    );
  prepare(program);
  program.hook('preAction', () => checkEnvironment(program, process.env));
  return program;
}

/** Every command throws instead of exiting, and reports its usage errors in one line. */
function prepare(command: Command): void {
  command.exitOverride().configureOutput({
    outputError: (text, write) => {
      const problem = oneLine(text).replace(/^error: /, '');
      write(`hawser: ${problem}${problem.endsWith('.') ? '' : '.'} See: ${pathOf(command)} --help\n`);
    },
  });
  for (const child of command.commands) prepare(child);
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

/**
 * Runs a command line.
 *
 * @param args - the arguments after the program's name.
 * @returns the exit status: 0 done, 1 tried and failed, 2 usage or configuration.
 */
export async function runCli(args: readonly string[]): Promise<number> {
  try {
    await createProgram().parseAsync(args, { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    const line = failureLine(error);
    if (line !== undefined) process.stderr.write(`${line}\n`);
    return exitStatusOf(error);
  }
}
