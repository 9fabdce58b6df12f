import { fileURLToPath } from 'node:url';
import { failOn, runTool } from './problems.ts';
import { checkTraceability, writeTraceability } from './traceability.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

await runTool(async () => {
  if (process.argv.includes('--check')) failOn(await checkTraceability(root));
  else for (const path of await writeTraceability(root)) console.log(`wrote ${path}`);
});
