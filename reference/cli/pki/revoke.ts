import { Command, Option } from 'commander';
import type { RevocationReason } from '../../pki/index.ts';
import { UsageError } from '../failure.ts';
import { readText } from '../files.ts';
import { wholeNumber } from '../numbers.ts';

const REASONS = [
  'unspecified',
  'key-compromise',
  'affiliation-changed',
  'superseded',
  'cessation-of-operation',
] as const satisfies readonly RevocationReason[];

/** `hawser pki revoke`: revokes a certificate and signs a new list. */
export function pkiRevokeCommand(): Command {
  return new Command('revoke')
    .description('revoke a certificate and sign a new revocation list')
    .argument('<certificate>', 'file of the certificate (PEM), or its serial number in hex')
    .requiredOption('--ca <folder>', 'folder of the authority')
    .addOption(new Option('--reason <reason>', 'why').choices(REASONS).default('unspecified'))
    .option('--crl-days <n>', 'validity of the revocation list', wholeNumber(1, 3650), 30)
    .addHelpText(
      'after',
      '\nExample:\n  hawser pki revoke --ca pki pki/client.pem\n  kill -HUP SERVER_PID   # makes a running server load the list\n',
    )
    .action(async (certificate: string, flags: { ca: string; reason: (typeof REASONS)[number]; crlDays: number }) => {
      const { AuthorityFolder } = await import('./authority-folder.ts');
      const folder = await AuthorityFolder.open(flags.ca);
      const serial = await serialOf(certificate);
      if (!folder.issued.some((entry) => entry.serial === serial)) {
        throw new UsageError('<certificate>', `The authority in ${flags.ca} has not issued serial number ${serial}.`);
      }
      if (folder.revoked.some((entry) => entry.serial === serial)) {
        throw new UsageError('<certificate>', `Serial number ${serial} is revoked already.`);
      }
      await folder.revoke({ serial, date: new Date().toISOString(), reason: flags.reason }, flags.crlDays);
      process.stdout.write(`${JSON.stringify({ revoked: serial })}\n`);
    });
}

async function serialOf(certificate: string): Promise<string> {
  if (/^[0-9a-f]{2,40}$/.test(certificate)) return certificate;
  const { describeCertificate, parseCertificatesPem } = await import('../../pki/index.ts');
  const [der] = parseCertificatesPem(readText(certificate, '<certificate>'), certificate);
  return describeCertificate(der ?? new Uint8Array()).serial;
}
