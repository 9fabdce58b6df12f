import { Command } from 'commander';
import { formatTerminal } from '../report/terminal.ts';
import type { Attachment } from '../runner/attachment.ts';
import { ClientDriver } from '../testee/driver.ts';
import { Kit } from '../testee/kit-files.ts';
import type { RunFlags } from './run-flags.ts';
import { addReportOptions, addRunOptions } from './run-flags.ts';
import { checkReports, checkRunFlags, listCases, runSuite, selectedCases, writeReports } from './run-suite.ts';
import { runSmoke } from './smoke.ts';
import { UsageError } from './usage-error.ts';

interface ClientFlags extends RunFlags {
  readonly pki?: string;
  readonly smoke?: boolean;
}

/** `hawser-conformance client`: judges a client through its driver. */
export function clientCommand(): Command {
  const command = new Command('client')
    .description('judge a client through its driver, a child process that speaks JSON lines')
    .argument('[command...]', 'the driver and its arguments, behind --')
    .option('--pki <dir>', 'certificate kit, from the command pki; required')
    .option('--smoke', 'check only that the harness and the implementation understand each other');
  return addReportOptions(addRunOptions(command))
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  hawser-conformance client --pki kit --smoke -- ./my-driver\n' +
        '  hawser-conformance client --pki kit -- ./my-driver --verbose\n' +
        '\nThe driver protocol, and the features that --unsupported takes, are described in conformance/testee/README.md.\n' +
        'Exit status: 0 passed, 1 failures, 2 usage or configuration.\n',
    )
    .action(async (words: readonly string[]) => {
      process.exitCode = await runClient(words, command.opts<ClientFlags>());
    });
}

async function runClient(words: readonly string[], flags: ClientFlags): Promise<number> {
  checkRunFlags(['client'], flags);
  if (flags.list === true) {
    process.stdout.write(listCases(selectedCases('client', flags)));
    return 0;
  }
  const [program, ...args] = words;
  const { pki } = flags;
  if (program === undefined) throw new UsageError('client: the driver is missing; put its command behind --');
  if (pki === undefined)
    throw new UsageError('client: --pki DIR is missing; make a kit with: hawser-conformance pki --out DIR');
  const kit = new Kit(pki);
  const driver = new ClientDriver([program, ...args], flags.stepMs);
  try {
    // A driver that does not even start is a matter of configuration.
    await driver.process();
    const attachment: Attachment = { role: 'client', driver, unsupported: flags.unsupported };
    if (flags.smoke === true) return await runSmoke(attachment, kit, flags);
    const subject = { name: program, command: `hawser-conformance client --pki ${pki} -- ${words.join(' ')}` };
    checkReports(flags);
    const report = await runSuite(attachment, kit, subject, flags);
    process.stdout.write(formatTerminal(report));
    writeReports(report, flags);
    return report.passed ? 0 : 1;
  } finally {
    await driver.stop();
  }
}
