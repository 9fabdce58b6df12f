import { fileURLToPath } from 'node:url';
import { createArtifacts } from './artifacts.ts';
import { staleProblems, writeArtifacts } from './generated-files.ts';
import { failOn, runTool } from './problems.ts';
import { checkTraceability, writeTraceability } from './traceability.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

await runTool(async () => {
  const artifacts = await createArtifacts(root);
  if (process.argv.includes('--check')) {
    failOn([...staleProblems(root, artifacts), ...(await checkTraceability(root))]);
    return;
  }
  // Written before the citations are collected: the suite that cites requirements is built on these files.
  const written = writeArtifacts(root, artifacts);
  for (const path of [...written, ...(await writeTraceability(root))]) console.log(`wrote ${path}`);
});
