import { Command } from 'commander';
import { readText } from '../files.ts';

/** `hawser pki show`: what a certificate file says, as Hawser reads it. */
export function pkiShowCommand(): Command {
  return new Command('show')
    .description('print the certificates of a PEM file as JSON, one object per line, leaf first')
    .argument('<file>', 'PEM file')
    .addHelpText('after', '\nExample:\n  hawser pki show pki/server.pem\n')
    .action(async (file: string) => {
      const { describeCertificate, identityOf, parseCertificatesPem } = await import('../../pki/index.ts');
      for (const der of parseCertificatesPem(readText(file, '<file>'), file)) {
        const description = describeCertificate(der);
        const found = description.authority ? undefined : identityOf(der);
        const identity = found === undefined ? {} : found.ok ? { identity: found.identity } : { refused: found.reason };
        process.stdout.write(`${JSON.stringify({ ...identity, ...description })}\n`);
      }
    });
}
