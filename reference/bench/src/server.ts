import { ContentCheck, createPayloads } from './content.ts';
import { readKeyFiles } from './key-files.ts';
import type { Link } from './link.ts';
import { Stopwatch } from './stopwatch.ts';
import { type Task, VERIFY, report } from './task.ts';
import { loadVariant } from './variants.ts';

const task = JSON.parse(process.argv[2] ?? '') as Task;
const { mode, size, warmUp, count } = task.measure;
const check = new ContentCheck(createPayloads(size));
const DONE = new Uint8Array(1);
let watch = new Stopwatch();
let connections = 0;

/** Checks what comes; answers each message with itself, or each part of a one-way measure with one octet. */
function serve(link: Link): void {
  connections += 1;
  if (mode === 'connect' && connections === warmUp) watch = new Stopwatch();
  const echo = mode === 'echo' || mode === 'latency';
  link.onMessage = (data) => {
    check.compare(data);
    if (echo) link.send(data);
    if (check.count !== warmUp) return;
    if (!echo) link.send(DONE);
    check.restart();
    watch = new Stopwatch();
    link.onMessage = (measured) => {
      check.add(measured);
      if (echo) link.send(measured);
      else if (check.count === count) link.send(DONE);
    };
  };
}

process.once('message', (message) => {
  if (message !== VERIFY) throw new Error(`unknown word ${String(message)}`);
  const { cpuMicros } = watch;
  if (mode !== 'connect') check.verify(count);
  void report({ type: 'verified', cpuMicros }).then(() => process.exit(0));
});

const variant = await loadVariant(task.variant);
await report({ type: 'listening', port: await variant.listen(await readKeyFiles(task.keys, 'server'), serve) });
