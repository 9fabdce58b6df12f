import { Command } from 'commander';
import type { Attachment } from '../runner/attachment.ts';
import { ClientDriver } from '../testee/driver.ts';
import { Kit } from '../testee/kit-files.ts';
import { type JudgeFlags, addSmokeOption, judge } from './judge.ts';
import { addReportOptions, addRunOptions } from './run-flags.ts';
import { checkRunFlags, listCases, selectedCases } from './run-suite.ts';
import { UsageError } from './usage-error.ts';

interface ClientFlags extends JudgeFlags {
  readonly pki?: string;
}

/** `hawser-conformance client`: judges a client through its driver. */
export function clientCommand(): Command {
  const command = new Command('client')
    .description('judge a client through its driver, a child process that speaks JSON lines')
    .argument('[command...]', 'the driver and its arguments, behind --')
    .option('--pki <dir>', 'certificate kit, from the command pki; required');
  return addReportOptions(addRunOptions(addSmokeOption(command)))
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
    const subject = { name: program, command: `hawser-conformance client --pki ${pki} -- ${words.join(' ')}` };
    return await judge(attachment, kit, subject, flags);
  } finally {
    await driver.stop();
  }
}
