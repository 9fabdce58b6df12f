import { ConfigError } from '../core/index.ts';
import type { EndpointFlags } from './endpoint-options.ts';

/**
 * Runs what judges the files that options name. An error about one of them comes out with the option and the file in front,
 * which the library, given octets, can not know.
 */
export async function namingFiles<T>(flags: EndpointFlags, run: () => T | Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    const place = error instanceof ConfigError ? placeOf(error, flags) : undefined;
    if (place === undefined) throw error;
    throw placed(error as ConfigError, place);
  }
}

/**
 * The same error with its place in front of the message, or instead of the key that the message begins with.
 *
 * @param place - option and file, such as `--key server.key`.
 */
export function placed(error: ConfigError, place: string): ConfigError {
  const { code, key, message } = error;
  const text = message.startsWith(`${key} `) ? `${place}${message.slice(key.length)}` : `${place}: ${message}`;
  return new ConfigError(code as `HAWSER_ERR_CONFIG_${string}`, key, text, { cause: error });
}

function placeOf({ code, key }: ConfigError, flags: EndpointFlags): string | undefined {
  const { cert, pfx, passphraseFile, crl = [] } = flags;
  const own = (option: '--cert' | '--key', file: string | undefined): string | undefined =>
    file === undefined ? named('--pfx', pfx) : named(option, file);
  switch (key) {
    case 'certificate':
      return own('--cert', cert);
    case 'key':
      return joined(own('--key', flags.key), code === 'HAWSER_ERR_CONFIG_KEY_MISMATCH' && named('--cert', cert));
    case 'pfx':
      return named('--pfx', pfx);
    case 'passphrase':
      return joined(own('--key', flags.key), named('--passphrase-file', passphraseFile));
    case 'crl':
      return joined(...crl.map((file) => named('--crl', file)));
    default:
      return undefined;
  }
}

function named(option: string, file: string | undefined): string | undefined {
  return file === undefined ? undefined : `${option} ${file}`;
}

function joined(...places: readonly (string | false | undefined)[]): string | undefined {
  const given = places.filter((place) => place !== undefined && place !== false);
  return given.length === 0 ? undefined : given.join(', ');
}
