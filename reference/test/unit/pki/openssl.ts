import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Whether the command-line tool is installed; without it the comparisons show as skipped. */
export const HAS_OPENSSL: boolean = spawnSync('openssl', ['version']).status === 0;

/** Runs `openssl` in a new directory that holds `files`, and removes the directory. */
export async function openssl(
  files: Readonly<Record<string, string | Uint8Array>>,
  args: readonly string[],
): Promise<{ readonly ok: boolean; readonly stdout: Buffer; readonly stderr: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'hawser-openssl-'));
  try {
    for (const [name, content] of Object.entries(files)) await writeFile(join(directory, name), content);
    const { stdout, stderr } = await run('openssl', args, { cwd: directory, encoding: 'buffer' });
    return { ok: true, stdout, stderr: stderr.toString() };
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: Buffer; stderr?: Buffer };
    if (stdout === undefined || stderr === undefined) throw error;
    return { ok: false, stdout, stderr: stderr.toString() };
  } finally {
    await rm(directory, { recursive: true });
  }
}
