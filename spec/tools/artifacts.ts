import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { emitCore } from './emit-core.ts';
import { emitModel } from './emit-model.ts';
import { loadRegistry } from './registry.ts';

/** Content of each generated file, by its path below the project root. */
export type Artifacts = ReadonlyMap<string, string>;

/**
 * Computes every generated file of a project.
 *
 * @throws SpecificationError when the registry or a chapter is wrong.
 */
export async function createArtifacts(root: string): Promise<Artifacts> {
  const registry = loadRegistry(root);
  return new Map([
    ['reference/core/registry.gen.ts', await formatted(emitCore(registry))],
    ['conformance/model/registry.gen.ts', await formatted(emitModel(registry))],
  ]);
}

async function formatted(source: string): Promise<string> {
  // The style is the project's own even when a copy of it is generated elsewhere.
  const style = await resolveConfig(fileURLToPath(import.meta.url));
  return format(source, { ...style, parser: 'typescript' });
}

/** Paths of the artifacts whose file is absent or differs. */
export function staleFiles(root: string, artifacts: Artifacts): readonly string[] {
  return [...artifacts].filter(([path, content]) => readIfPresent(join(root, path)) !== content).map(([path]) => path);
}

/** Writes the artifacts that are stale and returns their paths. */
export function writeArtifacts(root: string, artifacts: Artifacts): readonly string[] {
  const stale = staleFiles(root, artifacts);
  for (const path of stale) {
    const content = artifacts.get(path);
    if (content === undefined) continue;
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return stale;
}

function readIfPresent(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}
