import { Command } from 'commander';
import { wholeNumber } from '../numbers.ts';

/** `hawser pki crl`: signs a fresh revocation list before the old one expires. */
export function pkiCrlCommand(): Command {
  return new Command('crl')
    .description('sign a fresh revocation list with the certificates revoked so far')
    .requiredOption('--ca <folder>', 'folder of the authority; required')
    .option('--days <n>', 'validity of the list, in days', wholeNumber(1, 3650), 30)
    .addHelpText('after', '\nExample:\n  hawser pki crl --ca pki --days 7\n')
    .action(async (flags: { ca: string; days: number }) => {
      const { AuthorityFolder } = await import('./authority-folder.ts');
      const folder = await AuthorityFolder.open(flags.ca);
      const path = await folder.writeCrl(flags.days);
      process.stdout.write(`${JSON.stringify({ crl: path, revoked: folder.revoked.length })}\n`);
    });
}
