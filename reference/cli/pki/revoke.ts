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

interface RevokeFlags {
  readonly ca: string;
  readonly cert?: string;
  readonly serial?: string;
  readonly reason: (typeof REASONS)[number];
  readonly crlDays: number;
}

/** `hawser pki revoke`: revokes a certificate and signs a new list. */
export function pkiRevokeCommand(): Command {
  return new Command('revoke')
    .description('revoke a certificate and sign a new revocation list')
    .requiredOption('--ca <folder>', 'folder of the authority; required')
    .option('--cert <file>', 'file of the certificate (PEM)')
    .option('--serial <hex>', 'serial number of the certificate, instead of --cert')
    .addOption(new Option('--reason <reason>', 'why').choices(REASONS).default('unspecified'))
    .option('--crl-days <n>', 'validity of the revocation list, in days', wholeNumber(1, 3650), 30)
    .addHelpText(
      'after',
      '\nExample:\n  hawser pki revoke --ca pki --cert pki/client.pem\n  kill -HUP SERVER_PID   # makes a running server load the list\n',
    )
    .action(async (flags: RevokeFlags) => {
      const { AuthorityFolder } = await import('./authority-folder.ts');
      const folder = await AuthorityFolder.open(flags.ca);
      const serial = await serialOf(flags);
      if (!folder.issued.some((entry) => entry.serial === serial)) {
        throw new UsageError('--serial', `The authority in ${flags.ca} has not issued serial number ${serial}.`);
      }
      if (folder.revoked.some((entry) => entry.serial === serial)) {
        throw new UsageError('--serial', `Serial number ${serial} is revoked already.`);
      }
      await folder.revoke({ serial, date: new Date().toISOString(), reason: flags.reason }, flags.crlDays);
      process.stdout.write(`${JSON.stringify({ revoked: serial })}\n`);
    });
}

async function serialOf({ cert, serial }: RevokeFlags): Promise<string> {
  if ((cert === undefined) === (serial === undefined)) {
    throw new UsageError('--cert', 'Say which certificate: give either --cert FILE or --serial HEX.');
  }
  if (serial !== undefined) return serial.toLowerCase();
  const { describeCertificate, parseCertificatesPem } = await import('../../pki/index.ts');
  const [der] = parseCertificatesPem(readText(cert ?? '', '--cert'), `--cert ${cert ?? ''}`);
  return describeCertificate(der ?? new Uint8Array()).serial;
}
