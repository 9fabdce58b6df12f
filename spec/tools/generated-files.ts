import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Content of generated files, by their paths below the project root. */
export type Artifacts = ReadonlyMap<string, string>;

/** The text of a file, or undefined when there is none. */
export function readIfPresent(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

/** Paths of the artifacts whose file is absent or differs. */
export function staleFiles(root: string, artifacts: Artifacts): readonly string[] {
  return [...artifacts].filter(([path, content]) => readIfPresent(join(root, path)) !== content).map(([path]) => path);
}

/** One line for each stale file, with the remedy. */
export function staleProblems(root: string, artifacts: Artifacts): readonly string[] {
  return staleFiles(root, artifacts).map((path) => `${path} is stale: run \`npm run generate\` and commit the result`);
}

/** Writes the artifacts that are stale and returns their paths. */
export function writeArtifacts(root: string, artifacts: Artifacts): readonly string[] {
  const stale = staleFiles(root, artifacts);
  for (const path of stale) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), artifacts.get(path) ?? '');
  }
  return stale;
}
