import { Command, CommanderError } from 'commander';
import { SetupFailure } from '../peer/failure.ts';
import { KnownFailingProblem } from '../runner/known-failing.ts';
import { SelectionProblem } from '../runner/selection.ts';
import { clientCommand } from './client-command.ts';
import { listCommand } from './list-command.ts';
import { pkiCommand } from './pki-command.ts';
import { relayCommand } from './relay-command.ts';
import { suiteVersion } from './run-suite.ts';
import { serverCommand } from './server-command.ts';
import { UsageError } from './usage-error.ts';

/** The command tree of `hawser-conformance`. Every command throws instead of exiting; an action may set `process.exitCode`. */
export function createProgram(): Command {
  const program = new Command('hawser-conformance')
    .description('Judges whether an implementation of Hawser follows the specification.')
    .version(suiteVersion(), '-V, --version', 'print the version')
    .addCommand(serverCommand())
    .addCommand(clientCommand())
    .addCommand(relayCommand())
    .addCommand(pkiCommand())
    .addCommand(listCommand())
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  hawser-conformance pki --out kit\n' +
        '  hawser-conformance server --connect 127.0.0.1:7443 --pki kit\n' +
        '  hawser-conformance client --pki kit -- ./my-driver\n' +
        '  hawser-conformance relay --connect 127.0.0.1:7443 --application-listen 7500 --pki kit\n' +
        '\nExit status: 0 passed, 1 failures, 2 usage or configuration.\n',
    );
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({ outputError: () => undefined });
  }
  return program;
}

/**
 * Runs a command line. What is wrong with it is told in one line on standard error.
 *
 * @param args - the arguments after the program's name.
 * @returns the exit status: 0 passed, 1 failures, 2 usage or configuration.
 */
export async function runCli(args: readonly string[]): Promise<number> {
  process.exitCode = 0;
  try {
    await createProgram().parseAsync(args, { from: 'user' });
    return process.exitCode;
  } catch (error) {
    return exitStatus(error, 'hawser-conformance');
  }
}

/** The exit status for an error of usage or configuration, told in one line; any other error is thrown on. */
export function exitStatus(error: unknown, program: string): number {
  if (error instanceof CommanderError && error.exitCode === 0) return 0;
  const expected = [CommanderError, UsageError, SelectionProblem, KnownFailingProblem, SetupFailure];
  if (!(error instanceof Error) || !expected.some((kind) => error instanceof kind)) throw error;
  const text = error.message.replace(/^error: /, '').replaceAll(/\s*\n\s*/g, ' ');
  // Commander has printed the help already where no command was given.
  if (text !== '(outputHelp)') process.stderr.write(`${program}: ${text}\n`);
  return 2;
}
