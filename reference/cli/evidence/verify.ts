import { Command } from 'commander';
import { PROTOCOL } from '../../core/index.ts';
import { collect, loadTrust } from '../endpoint-options.ts';
import { EXIT, UsageError } from '../failure.ts';
import { readText } from '../files.ts';

/** `hawser evidence verify`: judges an evidence record off line. */
export function evidenceVerifyCommand(): Command {
  return new Command('verify')
    .description('verify an evidence record: both signatures and both chains, at the time it was recorded')
    .argument('<file>', 'evidence record (JSON)')
    .option('--ca <file>', 'trust anchors (PEM); required, repeatable', collect)
    .option('--crl <file>', 'revocation lists that were in force; repeatable', collect)
    .addHelpText(
      'after',
      '\nPrints the verdict as one JSON line. Exit status: 0 valid, 1 not valid, 2 usage, or a file that is no record.\n' +
        '\nExample:\n  hawser evidence verify session.json --ca pki/ca.pem\n',
    )
    .action(async (file: string, flags: { ca?: readonly string[]; crl?: readonly string[] }) => {
      const text = readText(file, '<file>');
      checkIsRecord(text, file);
      const trust = await loadTrust(flags.ca ?? [], flags.crl ?? []);
      const { verifyEvidence } = await import('../../node/index.ts');
      const verdict = await verifyEvidence(text, trust);
      if (verdict.valid) {
        const { clientIdentity, serverIdentity, sessionId, record } = verdict;
        const { recordedBy, recordedAt } = record;
        const session = Buffer.from(sessionId).toString('hex');
        const line = { valid: true, client: clientIdentity, server: serverIdentity, session, recordedBy, recordedAt };
        process.stdout.write(`${JSON.stringify(line)}\n`);
      } else {
        process.stdout.write(`${JSON.stringify(verdict)}\n`);
        process.exitCode = EXIT.failed;
      }
    });
}

/** A file of another kind is a mistake of the caller, not a record that fails. */
function checkIsRecord(text: string, file: string): void {
  const name = PROTOCOL.evidenceFormat.replace(/\/.*$/, '');
  if (text.includes(`"${name}/`)) return;
  const message = `${file} is no evidence record. Give a file that hawser connect --evidence or serve --evidence-dir wrote.`;
  throw new UsageError('<file>', message);
}
