import { Command, Option } from 'commander';
import { ROLES } from '../cases/case.ts';
import { cases } from '../cases/index.ts';
import { listCases } from './run-suite.ts';

/** `hawser-conformance list`: every case of the suite. */
export function listCommand(): Command {
  return new Command('list')
    .description('list every case: id, role with level and profile, and title, separated by tabs')
    .addOption(new Option('--role <role>', 'only the cases of one role').choices(ROLES))
    .addHelpText('after', '\nExample:\n  hawser-conformance list --role server\n')
    .action(({ role }: { readonly role?: string }) => {
      process.stdout.write(listCases(cases.filter((entry) => role === undefined || entry.role === role)));
    });
}
