/**
 * Group commit of the durable session store beside one sync per message, with 64 messages in flight.
 *
 * `npm --prefix reference/bench run group-commit [-- --repetitions N] [-- --directory DIR]`; the directory says which disk
 * is measured, because it is the disk that is measured.
 */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openDurableStore } from '../../../dist/reference/store/index.js';
import { summarize } from './statistics.ts';

const IN_FLIGHT = 64;
const MESSAGE_BYTES = 256;
const MEASURED_MS = 2_000;

const { values } = parseArgs({
  options: { repetitions: { type: 'string', default: '5' }, directory: { type: 'string', default: tmpdir() } },
});

/** Messages in one second, each of them synced before the next one of its session. */
async function rate(run: () => Promise<void>): Promise<number> {
  await run();
  const began = performance.now();
  let count = 0;
  while (performance.now() - began < MEASURED_MS) {
    await run();
    count += IN_FLIGHT;
  }
  return (count * 1000) / (performance.now() - began);
}

/** 64 sessions, or one, whose commits are under way at the same time; each replaces the message before it. */
async function grouped(sessions: number): Promise<number> {
  const directory = mkdtempSync(join(values.directory, 'hawser-bench-'));
  const store = await openDurableStore({ directory });
  const value = new Uint8Array(MESSAGE_BYTES);
  const ids = Array.from({ length: sessions }, (_, index) => index.toString(16).padStart(32, '0'));
  for (const id of ids) {
    const header = { id, role: 'server', owner: 'bench', epoch: 1, attempt: 0, retentionMs: 60_000 } as const;
    await store.create(header, { put: [], delete: [] });
  }
  let number = 0;
  try {
    return await rate(async () => {
      const commits = Array.from({ length: IN_FLIGHT }, (_, index) => {
        number += 1;
        const put = [{ key: `in/${number}`, value }];
        return store.commit(ids[index % sessions] as string, 1, { put, delete: [`in/${number - IN_FLIGHT}`] });
      });
      await Promise.all(commits);
    });
  } finally {
    await store.close();
    rmSync(directory, { recursive: true });
  }
}

/** The same store, one commit after the other. */
async function single(): Promise<number> {
  const directory = mkdtempSync(join(values.directory, 'hawser-bench-'));
  const store = await openDurableStore({ directory });
  const id = '0'.repeat(32);
  const header = { id, role: 'server', owner: 'bench', epoch: 1, attempt: 0, retentionMs: 60_000 } as const;
  await store.create(header, { put: [], delete: [] });
  const value = new Uint8Array(MESSAGE_BYTES);
  let number = 0;
  try {
    return await rate(async () => {
      for (let index = 0; index < IN_FLIGHT; index += 1) {
        number += 1;
        await store.commit(id, 1, { put: [{ key: `in/${number}`, value }], delete: [`in/${number - IN_FLIGHT}`] });
      }
    });
  } finally {
    await store.close();
    rmSync(directory, { recursive: true });
  }
}

/** The least that one sync per message costs: a message appended to a file, and the file synced. */
async function appended(): Promise<number> {
  const directory = mkdtempSync(join(values.directory, 'hawser-bench-'));
  const file = openSync(join(directory, 'log'), 'a');
  const message = new Uint8Array(MESSAGE_BYTES);
  try {
    return await rate(() => {
      for (let index = 0; index < IN_FLIGHT; index += 1) {
        writeSync(file, message);
        fdatasyncSync(file);
      }
      return Promise.resolve();
    });
  } finally {
    closeSync(file);
    rmSync(directory, { recursive: true });
  }
}

const variants = {
  'one sync per message, bare file': appended,
  'one commit after the other': single,
  '64 in flight, one session': () => grouped(1),
  '64 in flight, 64 sessions': () => grouped(IN_FLIGHT),
} as const;

const rates = new Map<string, number[]>(Object.keys(variants).map((name) => [name, []]));
for (let repetition = 0; repetition < Number(values.repetitions); repetition += 1) {
  for (const [name, measure] of Object.entries(variants)) rates.get(name)?.push(await measure());
}
const base = rates.get('one sync per message, bare file') ?? [];
process.stdout.write(`messages of ${MESSAGE_BYTES} octets per second; ratio to one sync per message on a bare file\n`);
for (const [name, each] of rates) {
  const { median, min, max } = summarize(each);
  const ratio = summarize(each.map((value, index) => value / (base[index] as number)));
  const figures = `${median.toFixed(0).padStart(8)}  ${`${min.toFixed(0)} .. ${max.toFixed(0)}`.padEnd(18)}`;
  const ratios = `${ratio.median.toFixed(1)}x  ${ratio.min.toFixed(1)} .. ${ratio.max.toFixed(1)}`;
  process.stdout.write(`  ${name.padEnd(32)} ${figures} ${ratios}\n`);
}
