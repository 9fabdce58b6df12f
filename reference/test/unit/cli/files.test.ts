import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { refuseExisting, writeFile } from '../../../cli/files.ts';
import { makeDirectory } from '../../../store/make-directory.ts';

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'hawser-files-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

describe('writeFile', () => {
  it('makes folders, and a secret for its owner alone, whatever was there', () => {
    const folder = temporaryFolder();
    const path = join(folder, 'a/b/secret.key');
    writeFile(path, 'first', '--out');
    expect(statSync(path).mode & 0o777).toBe(0o644);
    writeFile(path, 'second', '--out', 0o600);
    expect([readFileSync(path, 'utf8'), statSync(path).mode & 0o777]).toEqual(['second', 0o600]);
    expect(readdirSync(join(folder, 'a/b'))).toEqual(['secret.key']);
  });

  it('leaves nothing behind where it fails', () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'taken'));
    expect(() => writeFile(join(folder, 'taken'), 'x', '--out')).toThrow(/taken can not be written: it is a directory/);
    expect(readdirSync(folder)).toEqual(['taken']);
  });

  it('names the part of a path that is no folder', () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'file'), '');
    expect(() => writeFile(join(folder, 'file/x'), 'x', '--out')).toThrow(/a part of the path is not a directory/);
  });
});

describe('refuseExisting', () => {
  it('names the file that is there', () => {
    const folder = temporaryFolder();
    const [there, missing] = [join(folder, 'there'), join(folder, 'missing')];
    writeFileSync(there, '');
    refuseExisting([missing], '--out');
    expect(() => refuseExisting([missing, there], '--out')).toThrow(`${there} exists already. Choose another --out`);
  });
});

describe('makeDirectory', () => {
  it('makes each directory with the mode given, and takes those that are there', () => {
    const folder = temporaryFolder();
    makeDirectory(join(folder, 'a/b'), 0o700);
    makeDirectory(join(folder, 'a/b'), 0o700);
    expect(statSync(join(folder, 'a')).mode & 0o777).toBe(0o700);
  });

  it.runIf(existsSync('/proc/self'))('fails at once where none can be made', () => {
    expect(() => makeDirectory('/proc/hawser/store')).toThrow(/ENOENT/);
    expect(() => writeFile('/proc/hawser/x', '', '--out')).toThrow(/no folder can be made there/);
  });
});
