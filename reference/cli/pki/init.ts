import { Command } from 'commander';
import { wholeNumber } from '../numbers.ts';

/** `hawser pki init`: a new certificate authority in a folder. */
export function pkiInitCommand(): Command {
  return new Command('init')
    .description('make a certificate authority: ca.pem, ca.key, an empty crl.pem and ca.json')
    .requiredOption('--out <folder>', 'folder to make; required')
    .option('--name <text>', 'common name of the authority', 'Hawser authority')
    .option('--days <n>', 'validity of its certificate, in days', wholeNumber(1, 36500), 3650)
    .option('--crl-days <n>', 'validity of the revocation list, in days', wholeNumber(1, 3650), 30)
    .addHelpText('after', '\nExample:\n  hawser pki init --out pki\n')
    .action(async (options: { out: string; name: string; days: number; crlDays: number }) => {
      const { createCertificateAuthority } = await import('../../pki/index.ts');
      const { AuthorityFolder } = await import('./authority-folder.ts');
      const notAfter = new Date(Date.now() + options.days * 24 * 60 * 60 * 1000);
      const authority = await createCertificateAuthority({ commonName: options.name, notAfter });
      const folder = await AuthorityFolder.create(options.out, authority, options.crlDays);
      process.stdout.write(`${JSON.stringify({ authority: folder.path })}\n`);
    });
}
