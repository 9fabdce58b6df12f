import { type Command, Option } from 'commander';
import type { DeclaredParameters } from '../core/index.ts';
import type { Trust } from '../node/index.ts';
import type { Credential } from '../pki/index.ts';
import { UsageError } from './failure.ts';
import { readBytes, readText } from './files.ts';
import { namingFiles } from './named-files.ts';
import { wholeNumber } from './numbers.ts';

/** Options that server and client have in common. */
export interface EndpointFlags {
  readonly cert?: string;
  readonly key?: string;
  readonly pfx?: string;
  readonly passphraseFile?: string;
  readonly ca?: readonly string[];
  readonly crl?: readonly string[];
  readonly livenessInterval?: number;
  readonly maxMessageBytes?: number;
}

/** Adds a value to a list, for options that may be repeated; the environment separates values by white space. */
export function collect(value: string, previous: readonly string[] | undefined): string[] {
  return [...(previous ?? []), ...value.split(/\s+/).filter((part) => part !== '')];
}

/** How the options of an endpoint can be set by the environment, for its help. */
export const ENVIRONMENT_HELP: string =
  'The environment sets what no flag sets; there, white space separates the values of a repeatable option. A variable\n' +
  'HAWSER_... that is no setting is refused. SSLKEYLOGFILE names a file for TLS secrets.\n';

/** Adds {@link EndpointFlags} to a command. */
export function addEndpointOptions(command: Command): Command {
  const option = (flags: string, text: string, variable: string): Option => new Option(flags, text).env(variable);
  return command
    .addOption(option('--cert <file>', 'own certificate (PEM), leaf first, then each issuer; required', 'HAWSER_CERT'))
    .addOption(option('--key <file>', 'private key of the certificate (PEM); required', 'HAWSER_KEY'))
    .addOption(option('--pfx <file>', 'certificate and key as PKCS #12, instead of --cert and --key', 'HAWSER_PFX'))
    .addOption(option('--passphrase-file <file>', 'file with the passphrase of the key', 'HAWSER_PASSPHRASE_FILE'))
    .addOption(option('--ca <file>', 'trust anchors (PEM); required, repeatable', 'HAWSER_CA').argParser(collect))
    .addOption(option('--crl <file>', 'revocation lists (PEM or DER); repeatable', 'HAWSER_CRL').argParser(collect))
    .addOption(
      option(
        '--liveness-interval <ms>',
        'never silent for longer than this, 200 to 300000 (default: 15000, with --test-mode 2000)',
        'HAWSER_LIVENESS_INTERVAL',
      ).argParser(wholeNumber(200, 300_000)),
    )
    .addOption(
      option(
        '--max-message-bytes <n>',
        'largest message taken, 1024 to 16777216 (default: 1048576)',
        'HAWSER_MAX_MESSAGE_BYTES',
      ).argParser(wholeNumber(1024, 16_777_216)),
    );
}

/**
 * Reads what {@link EndpointFlags} name.
 *
 * @throws ConfigError that says what to do.
 */
export async function loadEndpoint(flags: EndpointFlags): Promise<{ readonly credential: Credential } & Trust> {
  const credential = await loadOwnCredential(flags);
  const trust = await loadTrust(flags.ca ?? [], flags.crl ?? []);
  return { credential, ...trust };
}

async function loadOwnCredential(flags: EndpointFlags): Promise<Credential> {
  const { cert, key, pfx, passphraseFile } = flags;
  if (pfx === undefined && cert === undefined) {
    throw new UsageError('--cert', 'The own certificate is missing: give --cert FILE and --key FILE, or --pfx FILE.');
  }
  if (pfx === undefined && key === undefined) {
    throw new UsageError('--key', 'The private key is missing: give it with --key FILE.');
  }
  if (pfx !== undefined && (cert !== undefined || key !== undefined)) {
    throw new UsageError('--pfx', 'Give either --pfx, or --cert and --key, not both.');
  }
  const passphrase =
    passphraseFile === undefined ? {} : { passphrase: readText(passphraseFile, '--passphrase-file').trimEnd() };
  const certificate = cert === undefined ? {} : { certPem: readText(cert, '--cert') };
  const privateKey = key === undefined ? {} : { keyPem: readText(key, '--key') };
  const container = pfx === undefined ? {} : { pfx: readBytes(pfx, '--pfx') };
  const { loadCredential } = await import('../pki/index.ts');
  try {
    return await namingFiles(flags, () =>
      loadCredential({ ...certificate, ...privateKey, ...container, ...passphrase }),
    );
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'HAWSER_ERR_CONFIG_PASSPHRASE_MISSING') throw error;
    const place = key === undefined ? `--pfx ${pfx ?? ''}` : `--key ${key}`;
    throw new UsageError('--passphrase-file', `${place} is encrypted: give --passphrase-file FILE.`, error);
  }
}

/**
 * Reads trust anchors and revocation lists.
 *
 * @throws ConfigError that says what to do.
 */
export async function loadTrust(ca: readonly string[], crl: readonly string[]): Promise<Trust> {
  if (ca.length === 0) throw new UsageError('--ca', 'The trust anchors are missing: give them with --ca FILE.');
  const { parseCertificatesPem, parseCrls } = await import('../pki/index.ts');
  return {
    trustAnchors: ca.flatMap((file) => parseCertificatesPem(readText(file, '--ca'), `--ca ${file}`)),
    crls: crl.flatMap((file) => parseCrls(readBytes(file, '--crl'), `--crl ${file}`)),
  };
}

/** What an endpoint declares, from its options. */
export function declaredParameters(flags: EndpointFlags): DeclaredParameters {
  return {
    ...(flags.livenessInterval === undefined ? {} : { livenessIntervalMs: flags.livenessInterval }),
    ...(flags.maxMessageBytes === undefined ? {} : { maxMessageBytes: flags.maxMessageBytes }),
  };
}
