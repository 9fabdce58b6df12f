import { exec } from 'node:child_process';
import { promisify } from 'node:util';
import { Command } from 'commander';
import { formatTerminal } from '../report/terminal.ts';
import { SetupFailure } from '../peer/failure.ts';
import type { Attachment } from '../runner/attachment.ts';
import { Kit } from '../testee/kit-files.ts';
import type { RunFlags } from './run-flags.ts';
import { addReportOptions, addRunOptions } from './run-flags.ts';
import { checkReports, checkRunFlags, listCases, runSuite, selectedCases, writeReports } from './run-suite.ts';
import { runSmoke } from './smoke.ts';
import { UsageError } from './usage-error.ts';

interface ServerFlags extends RunFlags {
  readonly connect?: string;
  readonly pki?: string;
  readonly reload?: string;
  readonly smoke?: boolean;
}

/** `hawser-conformance server`: judges a server over the network. */
export function serverCommand(): Command {
  const command = new Command('server')
    .description('judge a server in test mode, over the network')
    .option('--connect <host:port>', 'where the server listens; required')
    .option('--pki <dir>', 'certificate kit, from the command pki; required')
    .option('--reload <command>', 'shell command that makes the server load its revocation list again')
    .option('--smoke', 'check only that the harness and the implementation understand each other');
  return addReportOptions(addRunOptions(command))
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  hawser-conformance server --connect 127.0.0.1:7443 --pki kit\n' +
        "  hawser-conformance server --connect 127.0.0.1:7443 --pki kit --run 'EST-*' --json reports/server.json\n" +
        "  hawser-conformance server --connect 127.0.0.1:7443 --pki kit --reload 'kill -HUP 4711'\n" +
        '\nThe features that --unsupported takes are listed in conformance/testee/README.md.\nExit status: 0 passed, 1 failures, 2 usage or configuration.\n',
    )
    .action(async () => {
      process.exitCode = await runServer(command.opts<ServerFlags>());
    });
}

async function runServer(flags: ServerFlags): Promise<number> {
  checkRunFlags(['server'], flags);
  if (flags.list === true) {
    process.stdout.write(listCases(selectedCases('server', flags)));
    return 0;
  }
  const { connect, pki, reload } = flags;
  if (connect === undefined) throw new UsageError('server: --connect HOST:PORT is missing');
  if (pki === undefined)
    throw new UsageError('server: --pki DIR is missing; make a kit with: hawser-conformance pki --out DIR');
  const { host, port } = parseAddress('--connect', connect);
  const kit = new Kit(pki);
  const target = { host, port, identity: kit.index.serverIdentity };
  const attachment: Attachment = {
    role: 'server',
    target: () => target,
    unsupported: flags.unsupported,
    ...(reload === undefined ? {} : { reload: () => runShell(reload) }),
  };
  const words = `hawser-conformance server --connect ${connect} --pki ${pki}`;
  const subject = { name: connect, command: reload === undefined ? words : `${words} --reload '${reload}'` };
  if (flags.smoke === true) return runSmoke(attachment, kit, flags);
  checkReports(flags);
  const report = await runSuite(attachment, kit, subject, flags);
  const [first] = report.results;
  if (first !== undefined && report.results.every(({ verdict }) => verdict === 'setup-failed')) {
    throw new UsageError(first.detail ?? `${connect} does not answer`);
  }
  process.stdout.write(formatTerminal(report));
  writeReports(report, flags);
  return report.passed ? 0 : 1;
}

/** Runs the command of `--reload`. Throws SetupFailure. */
export async function runShell(line: string): Promise<void> {
  try {
    await promisify(exec)(line);
  } catch (error) {
    throw new SetupFailure(`--reload: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** An address on the command line. Throws UsageError. */
export function parseAddress(option: string, text: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined || port < 1 || port > 65_535) {
    throw new UsageError(`${option}: expected HOST:PORT such as 127.0.0.1:7443, not ${text}`);
  }
  return { host, port };
}
