import { Command } from 'commander';
import { ApplicationEnds } from '../peer/ends/application-ends.ts';
import { formatTerminal } from '../report/terminal.ts';
import type { Attachment } from '../runner/attachment.ts';
import { Kit } from '../testee/kit-files.ts';
import type { RunFlags } from './run-flags.ts';
import { addReportOptions, addRunOptions } from './run-flags.ts';
import { checkReports, checkRunFlags, listCases, runSuite, selectedCases, writeReports } from './run-suite.ts';
import { parseAddress, runShell } from './server-command.ts';
import { runSmoke } from './smoke.ts';
import { UsageError } from './usage-error.ts';

interface RelayFlags extends RunFlags {
  readonly connect?: string;
  readonly applicationListen?: string;
  readonly pki?: string;
  readonly reload?: string;
  readonly smoke?: boolean;
}

/** `hawser-conformance relay`: judges a relay over the network, from both its sides. */
export function relayCommand(): Command {
  const command = new Command('relay')
    .description('judge a relay in test mode, over the network: the suite plays its clients and its application ends')
    .option('--connect <host:port>', 'where the relay listens; required')
    .option(
      '--application-listen <port>',
      'first of four ports on which the suite plays the application ends; required',
    )
    .option('--pki <dir>', 'certificate kit, from the command pki; required')
    .option('--reload <command>', 'shell command that makes the relay load its revocation list again')
    .option('--smoke', 'check only that the harness and the implementation understand each other');
  return addReportOptions(addRunOptions(command))
    .addHelpText(
      'after',
      '\nThe port may have an address in front, 192.0.2.1:7500, where the relay runs elsewhere.\n' +
        'The port four behind it has to be free: nobody may listen there.\n' +
        '\nExamples:\n' +
        '  hawser-conformance relay --connect 127.0.0.1:7443 --application-listen 7500 --pki kit\n' +
        "  hawser-conformance relay --connect 127.0.0.1:7443 --application-listen 7500 --pki kit --run 'RLY-016/*'\n" +
        '\nThe features that --unsupported takes are listed in conformance/testee/README.md.\nExit status: 0 passed, 1 failures, 2 usage or configuration.\n',
    )
    .action(async () => {
      process.exitCode = await runRelay(command.opts<RelayFlags>());
    });
}

async function runRelay(flags: RelayFlags): Promise<number> {
  checkRunFlags(['relay'], flags);
  if (flags.list === true) {
    process.stdout.write(listCases(selectedCases('relay', flags)));
    return 0;
  }
  const { connect, applicationListen, pki, reload } = flags;
  if (connect === undefined) throw new UsageError('relay: --connect HOST:PORT is missing');
  if (applicationListen === undefined) {
    throw new UsageError('relay: --application-listen PORT is missing; the relay is told the same port');
  }
  if (pki === undefined)
    throw new UsageError('relay: --pki DIR is missing; make a kit with: hawser-conformance pki --out DIR');
  const { host, port } = parseAddress('--connect', connect);
  const listen = applicationListen.includes(':') ? applicationListen : `127.0.0.1:${applicationListen}`;
  const place = parseAddress('--application-listen', listen);
  const kit = new Kit(pki);
  const target = { host, port, identity: kit.index.relayIdentity };
  const ends = await ApplicationEnds.listen(kit, place, flags.stepMs);
  try {
    const attachment: Attachment = {
      role: 'relay',
      target: () => target,
      ends,
      unsupported: flags.unsupported,
      ...(reload === undefined ? {} : { reload: () => runShell(reload) }),
    };
    const words = `hawser-conformance relay --connect ${connect} --application-listen ${applicationListen} --pki ${pki}`;
    const subject = { name: connect, command: reload === undefined ? words : `${words} --reload '${reload}'` };
    if (flags.smoke === true) return await runSmoke(attachment, kit, flags);
    checkReports(flags);
    const report = await runSuite(attachment, kit, subject, flags);
    const [first] = report.results;
    if (first !== undefined && report.results.every(({ verdict }) => verdict === 'setup-failed')) {
      throw new UsageError(first.detail ?? `${connect} does not answer`);
    }
    process.stdout.write(formatTerminal(report));
    writeReports(report, flags);
    return report.passed ? 0 : 1;
  } finally {
    await ends.close();
  }
}
