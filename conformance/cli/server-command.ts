import { Command } from 'commander';
import type { Attachment } from '../runner/attachment.ts';
import { Kit } from '../testee/kit-files.ts';
import { type JudgeFlags, addSmokeOption, judge } from './judge.ts';
import {
  type NetworkFlags,
  addNetworkFlags,
  parseAddress,
  reloading,
  requireNetworkFlags,
  withReload,
} from './network-target.ts';
import { addReportOptions, addRunOptions } from './run-flags.ts';
import { checkRunFlags, listCases, selectedCases } from './run-suite.ts';

interface ServerFlags extends JudgeFlags, NetworkFlags {}

/** `hawser-conformance server`: judges a server over the network. */
export function serverCommand(): Command {
  const command = new Command('server').description('judge a server in test mode, over the network');
  addSmokeOption(addNetworkFlags(command, 'server'));
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
  const { connect, pki } = requireNetworkFlags('server', flags);
  const { host, port } = parseAddress('--connect', connect);
  const kit = new Kit(pki);
  const target = { host, port, identity: kit.index.serverIdentity };
  const attachment: Attachment = {
    role: 'server',
    target: () => target,
    unsupported: flags.unsupported,
    ...reloading(flags),
  };
  const command = withReload(`hawser-conformance server --connect ${connect} --pki ${pki}`, flags);
  return judge(attachment, kit, { name: connect, command }, flags);
}
