import { Command } from 'commander';
import { collect, loadTrust } from '../endpoint-options.ts';
import { EXIT } from '../failure.ts';
import { readText } from '../files.ts';

/** `hawser evidence verify`: judges an evidence record off line. */
export function evidenceVerifyCommand(): Command {
  return new Command('verify')
    .description('verify an evidence record: both signatures and both chains, at the time it was recorded')
    .argument('<file>', 'evidence record (JSON)')
    .option('--ca <file>', 'trust anchors (PEM); repeatable', collect)
    .option('--crl <file>', 'revocation lists that were in force; repeatable', collect)
    .addHelpText(
      'after',
      '\nPrints the verdict as one JSON line. Exit status: 0 valid, 1 not valid, 2 usage, or a file that is no record.\n' +
        '\nExample:\n  hawser evidence verify session.json --ca pki/ca.pem\n',
    )
    .action(async (file: string, flags: { ca?: readonly string[]; crl?: readonly string[] }) => {
      const text = readText(file, '<file>');
      const trust = await loadTrust(flags.ca ?? [], flags.crl ?? []);
      const { parseEvidenceRecord, verifyEvidence } = await import('../../node/index.ts');
      const verdict = await verifyEvidence(parseEvidenceRecord(text, file), trust);
      process.stdout.write(`${JSON.stringify(verdict)}\n`);
      process.exitCode = verdict.valid ? EXIT.ok : EXIT.failed;
    });
}
