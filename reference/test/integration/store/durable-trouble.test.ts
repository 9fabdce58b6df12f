import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDurableStore, type SessionStore } from '../../../store/index.ts';
import { header, NOTHING, OWNER, put, RETENTION_MS, texts } from './compliance.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hawser-store-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const CORRUPT = { code: 'HAWSER_ERR_STORE_CORRUPT' };

/** Content of every file below a directory, without what says nothing about the sessions. */
async function contents(of: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const entry of await readdir(of, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || path.includes('/lock/') || /^LO(CK|G(\.old)?)$/.test(entry.name)) continue;
    files.set(path.slice(of.length), await readFile(path, 'base64'));
  }
  return files;
}

describe('durable: one opener', () => {
  it('refuses a second one, in this process and in another', async () => {
    const store = await openDurableStore({ directory });
    await expect(openDurableStore({ directory })).rejects.toMatchObject({ code: 'HAWSER_ERR_STORE_LOCKED' });
    const writer = fileURLToPath(new URL('durable-writer.ts', import.meta.url));
    const second = spawnSync(process.execPath, ['--import', 'tsx', writer, directory], { encoding: 'utf8' });
    expect(second.stderr).toContain('HAWSER_ERR_STORE_LOCKED');
    const made = header();
    await store.create(made, put(['a', '1']));
    await store.close();
    const again = await openDurableStore({ directory });
    expect(await again.list('server')).toEqual([made]);
    await again.close();
  });

  it('makes directories that only the owner can read, and fails by name where it can not', async () => {
    const store = await openDurableStore({ directory: join(directory, 'a', 'b') });
    expect((await stat(join(directory, 'a', 'b'))).mode & 0o777).toBe(0o700);
    await store.close();
    await writeFile(join(directory, 'file'), '');
    await expect(openDurableStore({ directory: join(directory, 'file') })).rejects.toMatchObject({
      code: 'HAWSER_ERR_STORE_FAILED',
    });
  });
});

describe('durable: restart', () => {
  it('counts the retention of a session that was attached from the restart [CNT-013]', async () => {
    let now = 0;
    const clock = (): number => now;
    let store = await openDurableStore({ directory, clock });
    const attached = header();
    const detached = header();
    await store.create(attached, NOTHING);
    await store.create(detached, NOTHING);
    await store.detached(detached.id, 1);
    await store.close();
    now += RETENTION_MS - 1;
    store = await openDurableStore({ directory, clock });
    expect(await store.count(OWNER)).toBe(2);
    now += 1;
    expect(await store.sweep()).toEqual([detached.id]);
    await store.close();
    store = await openDurableStore({ directory, clock });
    now += RETENTION_MS - 2;
    expect(await store.list('server')).toEqual([attached]);
    now += 1;
    expect(await store.sweep()).toEqual([attached.id]);
    await store.close();
  });

  it('has nothing left of sessions that expired', async () => {
    let now = 0;
    const clock = (): number => now;
    let store = await openDurableStore({ directory, clock });
    const known = header();
    const unknown = header();
    await store.create(known, { ...put(['a', '1']), cursors: { receiveCursor: 1, sendCursor: 1 } });
    await store.create(unknown, put(['a', '1']));
    await store.detached(known.id, 1);
    await store.detached(unknown.id, 1);
    for (const expired of [[known.id, unknown.id], []]) {
      now += RETENTION_MS;
      expect(await store.sweep()).toEqual(expired);
      await store.close();
      store = await openDurableStore({ directory, clock });
    }
    await store.create(known, NOTHING);
    expect((await store.load(known.id))?.entries).toEqual([]);
    await store.close();
    await (await openDurableStore({ directory, clock })).close();
  });

  it('has everything that was reported when the process is killed, each batch in one piece', async () => {
    const ids = Array.from({ length: 8 }, (_, index) => index.toString(16).padStart(32, '0'));
    const writer = fileURLToPath(new URL('durable-writer.ts', import.meta.url));
    const child = spawn(process.execPath, ['--import', 'tsx', writer, directory, ...ids]);
    const gone = once(child, 'close');
    let output = '';
    const enough = new Promise<void>((resolve) => {
      child.stdout.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        if (output.length > 40_000) resolve();
      });
    });
    await Promise.race([enough, gone]);
    child.kill('SIGKILL');
    await gone;
    const reported = new Map<string, number>();
    // A last line without an end was cut off by the kill.
    for (const line of output.split('\n').slice(0, -1)) {
      const [id = '', number] = line.split(' ');
      reported.set(id, Number(number));
    }
    expect(reported.size).toBe(ids.length);
    const store = await openDurableStore({ directory });
    for (const [id, number] of reported) {
      const entries = texts((await store.load(id))?.entries);
      const [a = '', b] = entries.map(([, text]) => text);
      const kept = Number(a.split(' ')[0]);
      expect(b).toBe(a);
      expect(kept).toBeGreaterThanOrEqual(number);
      const recent = Array.from({ length: 10 }, (_, index) => `n/${kept - index}`).sort();
      expect(entries.slice(2).map(([key]) => key)).toEqual(recent);
    }
    await store.close();
  });
});

describe('durable: damage', () => {
  const made = header();

  /** A store with content in its log, and after a restart in tables. */
  async function fill(restarts: number): Promise<void> {
    for (let times = 0; times <= restarts; times += 1) {
      const store = await openDurableStore({ directory });
      if (times === 0) await store.create(made, NOTHING);
      for (let index = 0; index < 50; index += 1) {
        await store.commit(made.id, 1, put([`${times}/${String(index).padStart(2, '0')}`, 'x'.repeat(100 + index)]));
      }
      await store.close();
    }
  }

  async function dataFiles(pattern: RegExp): Promise<string[]> {
    const names = await readdir(join(directory, 'data'));
    return names.filter((name) => pattern.test(name)).map((name) => join(directory, 'data', name));
  }

  async function flip(path: string, share: number): Promise<void> {
    const octets = await readFile(path);
    const at = Math.floor((octets.length - 1) * share);
    octets[at]! ^= 0x55;
    await writeFile(path, octets);
  }

  /** Either all is there, or the error has its name and everything is left as it was, each time. */
  async function expectAllOrError(): Promise<'all' | 'error'> {
    const before = await contents(directory);
    for (let times = 0; times < 2; times += 1) {
      let store: SessionStore;
      try {
        store = await openDurableStore({ directory });
      } catch (error) {
        expect(error).toMatchObject(CORRUPT);
        expect((error as Error).message).toMatch(/restore the directory/);
        expect(await contents(directory)).toEqual(before);
        if (times === 1) return 'error';
        continue;
      }
      expect((await store.load(made.id))?.entries).toHaveLength(100);
      await store.close();
      return 'all';
    }
    return 'error';
  }

  it.each([/\.log$/, /\.ldb$/, /^MANIFEST/, /^CURRENT$/])('notices octets that changed in %s', async (pattern) => {
    await fill(1);
    const whole = `${directory}-whole`;
    await cp(directory, whole, { recursive: true });
    try {
      const results: string[] = [];
      for (let share = 0; share <= 1; share += 0.05) {
        await rm(directory, { recursive: true });
        await cp(whole, directory, { recursive: true });
        for (const path of await dataFiles(pattern)) await flip(path, share);
        results.push(await expectAllOrError());
      }
      expect(results).toContain('error');
    } finally {
      await rm(whole, { recursive: true });
    }
  });

  it.each([/\.log$/, /\.ldb$/, /^MANIFEST/, /^CURRENT$/])('notices that %s was cut off', async (pattern) => {
    await fill(1);
    const whole = `${directory}-whole`;
    await cp(directory, whole, { recursive: true });
    try {
      for (const share of [0, 0.3, 0.7, 0.95]) {
        await rm(directory, { recursive: true });
        await cp(whole, directory, { recursive: true });
        for (const path of await dataFiles(pattern)) await truncate(path, Math.floor((await stat(path)).size * share));
        expect(await expectAllOrError()).toBe('error');
      }
    } finally {
      await rm(whole, { recursive: true });
    }
  });

  it.each([/\.log$/, /\.ldb$/, /^MANIFEST/, /^CURRENT$/, /./])('notices that %s is missing', async (pattern) => {
    await fill(1);
    for (const path of await dataFiles(pattern)) await rm(path, { recursive: true });
    await expect(openDurableStore({ directory })).rejects.toMatchObject(CORRUPT);
  });

  it('notices an older database beside the progress, and progress that is missing or damaged', async () => {
    await fill(0);
    await cp(join(directory, 'data'), join(directory, 'older'), { recursive: true });
    const store = await openDurableStore({ directory });
    await store.commit(made.id, 1, put(['last', '']));
    await store.close();
    const progress = join(directory, 'progress');
    await cp(progress, join(directory, 'kept'));
    await flip(progress, 0.5);
    await expect(openDurableStore({ directory })).rejects.toMatchObject(CORRUPT);
    await rm(progress);
    await expect(openDurableStore({ directory })).rejects.toMatchObject(CORRUPT);
    await cp(join(directory, 'kept'), progress);
    await rm(join(directory, 'data'), { recursive: true });
    await cp(join(directory, 'older'), join(directory, 'data'), { recursive: true });
    await expect(openDurableStore({ directory })).rejects.toMatchObject(CORRUPT);
  });

  it('takes the copy that an opening left behind when it was killed, if the database is damaged', async () => {
    await fill(1);
    await cp(join(directory, 'data'), join(directory, 'opening'), { recursive: true });
    for (const path of await dataFiles(/\.(log|ldb)$/)) await flip(path, 0.5);
    await expect(openDurableStore({ directory })).rejects.toMatchObject(CORRUPT);
    const store = await openDurableStore({ directory });
    expect((await store.load(made.id))?.entries).toHaveLength(100);
    await store.close();
  });
});

/** A file system of 16 MiB, where the platform lets this process mount one. */
function mountSmall(at: string): boolean {
  return process.getuid?.() === 0 && spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', at]).status === 0;
}

const CAN_MOUNT = ((): boolean => {
  const probe = spawnSync('mktemp', ['-d'], { encoding: 'utf8' }).stdout.trim();
  const mounted = probe !== '' && mountSmall(probe);
  if (mounted) spawnSync('umount', [probe]);
  if (probe !== '') spawnSync('rmdir', [probe]);
  return mounted;
})();

describe.skipIf(!CAN_MOUNT)('durable: disk full', () => {
  let mount: string;
  beforeEach(async () => {
    mount = join(directory, 'mount');
    await mkdir(mount);
    mountSmall(mount);
  });
  afterEach(() => void spawnSync('umount', ['-l', mount]));

  it('loses nothing that was acknowledged, and works again when there is room', async () => {
    const FULL = { code: 'HAWSER_ERR_STORE_FULL' };
    const at = join(mount, 'store');
    let store = await openDurableStore({ directory: at });
    const made = header();
    const held = header();
    await store.create(made, NOTHING);
    await store.create(held, NOTHING);
    // Most of the disk belongs to somebody else.
    const ballast = await open(join(mount, 'ballast'), 'w');
    await ballast.write(new Uint8Array(12 << 20));
    await ballast.close();

    const value = new Uint8Array(50_000).fill(7);
    let committed = 0;
    let failure: unknown;
    while (failure === undefined && committed < 1000) {
      const key = String(committed).padStart(4, '0');
      try {
        expect(await store.commit(made.id, 1, { put: [{ key, value }], delete: [] })).toBe('committed');
        committed += 1;
      } catch (error) {
        failure = error;
      }
    }
    expect(failure).toMatchObject(FULL);
    const rejected = await Promise.allSettled([
      store.create(header(), { put: [{ key: 'a', value: new Uint8Array(4 << 20) }], delete: [] }),
      store.attach(held.id, OWNER, 1, 1),
      store.commit(made.id, 1, { put: [{ key: 'b', value }], delete: [] }),
    ]);
    for (const result of rejected) expect(result).toMatchObject({ status: 'rejected', reason: FULL });

    await rm(join(mount, 'ballast'));
    const before = await store.load(made.id);
    // The one that failed may be there in one piece or not at all.
    expect([committed, committed + 1]).toContain(before?.entries.length);
    expect(before?.entries.every((entry) => Buffer.compare(entry.value, value) === 0)).toBe(true);
    expect(await store.commit(made.id, 1, put(['after', '1']))).toBe('committed');
    const result = await store.attach(held.id, OWNER, 2, 1);
    expect(result).toMatchObject({ type: 'attached' });
    await store.close();

    store = await openDurableStore({ directory: at });
    const session = await store.load(made.id);
    expect(texts(session?.entries.slice(-1))).toEqual([['after', '1']]);
    expect(session?.entries.length).toBe((before?.entries.length ?? 0) + 1);
    await store.close();
  });

  it('opens nothing on a full disk, and leaves what is there', async () => {
    const at = join(mount, 'store');
    const store = await openDurableStore({ directory: at });
    const made = header();
    await store.create(made, { put: [{ key: 'a', value: new Uint8Array(2 << 20) }], delete: [] });
    await store.close();
    const ballast = await open(join(mount, 'ballast'), 'w');
    for (let room = true; room;) {
      room = await ballast.write(new Uint8Array(1 << 16)).then(
        () => true,
        () => false,
      );
    }
    await ballast.close();
    await expect(openDurableStore({ directory: at })).rejects.toMatchObject({ code: 'HAWSER_ERR_STORE_FULL' });
    await rm(join(mount, 'ballast'));
    const again = await openDurableStore({ directory: at });
    expect((await again.load(made.id))?.entries[0]?.value.length).toBe(2 << 20);
    await again.close();
  });
});
