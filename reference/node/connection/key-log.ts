import { closeSync, constants, fchmodSync, openSync, writeSync } from 'node:fs';
import { ConfigError } from '../../core/index.ts';
import type { Log } from '../log.ts';

/** Takes one line of TLS secrets, in the format that `SSLKEYLOGFILE` names, as Node's `keylog` event delivers it. */
export type KeyLog = (line: Buffer) => void;

/**
 * Opens a file for TLS secrets: appended to, readable by its owner only, with one warning in the log. Whoever holds the
 * file reads the connections. Call it only when the operator asked for it. [TLS-027]
 *
 * @param path - the file, commonly the value of `SSLKEYLOGFILE`.
 * @throws ConfigError `HAWSER_ERR_CONFIG_KEY_LOG` when the file can not be opened for appending.
 */
export function openKeyLog(path: string, log: Log): KeyLog {
  let file: number;
  try {
    file = openSync(path, constants.O_APPEND | constants.O_CREAT | constants.O_WRONLY, 0o600);
    // An existing file keeps its mode on open.
    fchmodSync(file, 0o600);
  } catch (cause) {
    throw new ConfigError(
      'HAWSER_ERR_CONFIG_KEY_LOG',
      'SSLKEYLOGFILE',
      `The key log ${path} can not be opened for appending; name a writable file or unset SSLKEYLOGFILE.`,
      { cause },
    );
  }
  process.once('exit', () => closeSync(file));
  log.warn({ path }, 'TLS secrets are written to the key log: whoever holds the file reads the connections');
  return (line) => {
    writeSync(file, line);
  };
}
