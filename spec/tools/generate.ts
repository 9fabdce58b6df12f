import { fileURLToPath } from 'node:url';
import { createArtifacts, staleFiles, writeArtifacts } from './artifacts.ts';
import { SpecificationError } from './problems.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const check = process.argv.includes('--check');

try {
  const artifacts = await createArtifacts(root);
  if (check) {
    const stale = staleFiles(root, artifacts);
    for (const path of stale) console.error(`${path} is stale: run \`npm run generate\` and commit the result`);
    if (stale.length > 0) process.exitCode = 1;
  } else {
    for (const path of writeArtifacts(root, artifacts)) console.log(`wrote ${path}`);
  }
} catch (error) {
  if (!(error instanceof SpecificationError)) throw error;
  for (const problem of error.problems) console.error(problem);
  process.exitCode = 1;
}
