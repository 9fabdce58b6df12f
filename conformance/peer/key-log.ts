import { appendFileSync } from 'node:fs';

let announced = false;

/** The file that SSLKEYLOGFILE names; whoever holds it can read the recorded connections. */
export function keyLogPath(): string | undefined {
  const path = process.env['SSLKEYLOGFILE'];
  return path === undefined || path === '' ? undefined : path;
}

/** Appends one line of TLS secrets to that file, which is made for its owner alone. Says so once. */
export function writeKeyLog(line: Buffer): void {
  const path = keyLogPath();
  if (path === undefined) return;
  if (!announced) {
    announced = true;
    process.stderr.write(`hawser-conformance: TLS secrets are written to ${path}\n`);
  }
  appendFileSync(path, line, { mode: 0o600 });
}
