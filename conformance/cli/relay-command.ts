import { Command } from 'commander';
import { ApplicationEnds } from '../peer/ends/application-ends.ts';
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
import { UsageError } from './usage-error.ts';

interface RelayFlags extends JudgeFlags, NetworkFlags {
  readonly applicationListen?: string;
}

/** `hawser-conformance relay`: judges a relay over the network, from both its sides. */
export function relayCommand(): Command {
  const command = new Command('relay').description(
    'judge a relay in test mode, over the network: the suite plays its clients and its application ends',
  );
  addSmokeOption(addNetworkFlags(command, 'relay')).option(
    '--application-listen <port>',
    'first of four ports on which the suite plays the application ends; required',
  );
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
  const { connect, pki } = requireNetworkFlags('relay', flags);
  const { applicationListen } = flags;
  if (applicationListen === undefined) {
    throw new UsageError('relay: --application-listen PORT is missing; the relay is told the same port');
  }
  const listen = applicationListen.includes(':') ? applicationListen : `127.0.0.1:${applicationListen}`;
  const place = parseAddress('--application-listen', listen);
  const { host, port } = parseAddress('--connect', connect);
  const kit = new Kit(pki);
  const target = { host, port, identity: kit.index.relayIdentity };
  const ends = await ApplicationEnds.listen(kit, place, flags.stepMs);
  try {
    const attachment: Attachment = {
      role: 'relay',
      target: () => target,
      ends,
      unsupported: flags.unsupported,
      ...reloading(flags),
    };
    const words = `hawser-conformance relay --connect ${connect} --application-listen ${applicationListen} --pki ${pki}`;
    return await judge(attachment, kit, { name: connect, command: withReload(words, flags) }, flags);
  } finally {
    await ends.close();
  }
}
