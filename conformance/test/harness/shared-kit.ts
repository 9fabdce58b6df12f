import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { Kit } from '../../testee/kit-files.ts';
import { issueKit } from '../../testee/kit.ts';

/** Issues a kit for the tests of one file, and removes it afterwards. */
export function useKit(): () => Kit {
  let kit: Kit | undefined;
  const directory = mkdtempSync(join(tmpdir(), 'hawser-kit-'));
  beforeAll(async () => {
    await issueKit({ directory });
    kit = new Kit(directory);
  }, 30_000);
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  return () => {
    if (kit === undefined) throw new Error('the kit is not there yet');
    return kit;
  };
}
