import { Command } from 'commander';
import { pkiCrlCommand } from './crl.ts';
import { pkiInitCommand } from './init.ts';
import { pkiIssueCommand } from './issue.ts';
import { pkiRevokeCommand } from './revoke.ts';
import { pkiShowCommand } from './show.ts';

/** `hawser pki`: a small certificate authority for laboratories and tests. */
export function pkiCommand(): Command {
  return new Command('pki')
    .description('a small certificate authority for laboratories and tests')
    .addCommand(pkiInitCommand())
    .addCommand(pkiIssueCommand())
    .addCommand(pkiRevokeCommand())
    .addCommand(pkiCrlCommand())
    .addCommand(pkiShowCommand());
}
