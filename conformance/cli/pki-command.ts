import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { issueKit } from '../testee/kit.ts';
import { UsageError } from './usage-error.ts';

interface PkiFlags {
  readonly out: string;
  readonly serverIdentity?: string;
  readonly clientIdentity?: string;
  readonly force?: boolean;
}

/** Files that tell of an authority or a kit. */
const TELLING = ['kit.json', 'ca.key', 'ca.pem'];

/** `hawser-conformance pki`: issues a certificate kit. */
export function pkiCommand(): Command {
  return new Command('pki')
    .description('issue a certificate kit with fresh keys: what both ends need, and every bad certificate')
    .requiredOption('--out <dir>', 'folder to write to; required')
    .option('--server-identity <uri>', 'identity of the server (default spiffe://hawser.test/server)')
    .option('--client-identity <uri>', 'identity of the client (default spiffe://hawser.test/client)')
    .option('--force', 'replace the kit that is there')
    .addHelpText('after', '\nExample:\n  hawser-conformance pki --out kit\n')
    .action(async ({ out, serverIdentity, clientIdentity, force }: PkiFlags) => {
      for (const identity of [serverIdentity, clientIdentity]) {
        if (identity !== undefined && !URL.canParse(identity)) throw new UsageError(`pki: ${identity} is not a URI`);
      }
      const existing = TELLING.map((name) => join(out, name)).find((path) => existsSync(path));
      if (existing !== undefined && force !== true) {
        throw new UsageError(`pki: ${existing} exists already; choose another --out, or replace it with --force`);
      }
      try {
        const index = await issueKit({
          directory: out,
          ...(serverIdentity === undefined ? {} : { serverIdentity }),
          ...(clientIdentity === undefined ? {} : { clientIdentity }),
        });
        const bad = index.entries.filter(({ good }) => !good).length;
        process.stderr.write(
          `hawser-conformance: ${index.entries.length} certificates, ${bad} of them bad, in ${out}; see ${out}/kit.json\n`,
        );
      } catch (error) {
        const { code, path } = error as NodeJS.ErrnoException;
        if (code === undefined || path === undefined) throw error;
        throw new UsageError(`pki: can not write ${path} (${code})`);
      }
    });
}
