import { readKeyFiles } from './key-files.ts';
import type { Link } from './link.ts';
import { connectAll } from './modes/connect.ts';
import { echo } from './modes/echo.ts';
import { oneWay } from './modes/one-way.ts';
import { type ClientTask, report } from './task.ts';
import { loadVariant } from './variants.ts';

const { variant: name, measure, keys: folder, port } = JSON.parse(process.argv[2] ?? '') as ClientTask;
const variant = await loadVariant(name);
const keys = await readKeyFiles(folder, 'client');

if (measure.mode === 'connect') {
  const connect = (): Promise<Link> => variant.connect(keys, port);
  await report({ type: 'measured', ...(await connectAll(connect, measure)) });
} else {
  const link = await variant.connect(keys, port);
  const reading = await (measure.mode === 'one-way' || measure.mode === 'stream' ? oneWay : echo)(link, measure);
  await link.close();
  await report({ type: 'measured', ...reading });
}
process.exit(0);
