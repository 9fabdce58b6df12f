import { Command, Option } from 'commander';
import { UsageError } from '../failure.ts';
import { refuseExisting, writeFile } from '../files.ts';
import { wholeNumber } from '../numbers.ts';

interface IssueFlags {
  readonly ca: string;
  readonly role: 'client' | 'server' | 'both';
  readonly identity: string;
  readonly out: string;
  readonly keyType: 'ecdsa-p256' | 'ecdsa-p384' | 'ed25519' | 'rsa-2048' | 'rsa-3072';
  readonly days: number;
  readonly force?: boolean;
}

/** `hawser pki issue`: a key and a certificate with one identity. */
export function pkiIssueCommand(): Command {
  return new Command('issue')
    .description('issue a certificate with a new key: OUT.pem and OUT.key')
    .requiredOption('--ca <folder>', 'folder of the authority; required')
    .addOption(
      new Option('--role <role>', 'what it is for (the extended key usage); required')
        .choices(['client', 'server', 'both'])
        .makeOptionMandatory(),
    )
    .requiredOption('--identity <name>', 'the identity: a URI, or a DNS name; required')
    .requiredOption('--out <prefix>', 'path without .pem and .key; required')
    .addOption(
      new Option('--key-type <type>', 'type of the key')
        .choices(['ecdsa-p256', 'ecdsa-p384', 'ed25519', 'rsa-2048', 'rsa-3072'])
        .default('ecdsa-p256'),
    )
    .option('--days <n>', 'validity, in days', wholeNumber(1, 3650), 90)
    .option('--force', 'replace OUT.pem and OUT.key where they exist')
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  hawser pki issue --ca pki --role server --identity spiffe://example.org/server --out pki/server\n' +
        '  hawser pki issue --ca pki --role client --identity client.example.org --key-type ed25519 --out pki/client\n',
    )
    .action(async (flags: IssueFlags) => {
      const { AuthorityFolder } = await import('./authority-folder.ts');
      const names = subjectAltNames(flags.identity);
      const files = { certificate: `${flags.out}.pem`, key: `${flags.out}.key` };
      if (flags.force !== true) refuseExisting([files.key, files.certificate], '--out');
      const folder = await AuthorityFolder.open(flags.ca);
      const notAfter = new Date(Date.now() + flags.days * 24 * 60 * 60 * 1000);
      const issued = await folder.authority.issue({
        role: flags.role,
        keyAlgorithm: flags.keyType,
        notAfter,
        ...names,
      });
      // First of all: a certificate that the authority does not remember could not be revoked.
      folder.recordIssued({
        serial: issued.serial,
        identity: flags.identity,
        role: flags.role,
        notAfter: notAfter.toISOString(),
      });
      writeFile(files.key, issued.privateKeyPem, '--out', 0o600);
      writeFile(files.certificate, issued.chainPem, '--out');
      process.stdout.write(`${JSON.stringify({ ...files, serial: issued.serial })}\n`);
    });
}

function subjectAltNames(identity: string): { readonly uris: string[] } | { readonly dnsNames: string[] } {
  if (/^[a-zA-Z][a-zA-Z0-9+.-]*:[\x21-\x7e]+$/.test(identity)) return { uris: [identity] };
  if (/^[a-zA-Z0-9]([a-zA-Z0-9.-]{0,251}[a-zA-Z0-9])?$/.test(identity)) return { dnsNames: [identity] };
  throw new UsageError('--identity', `--identity has to be a URI (spiffe://...) or a DNS name, not "${identity}".`);
}
