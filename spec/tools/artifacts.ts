import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { renderBlock } from './blocks.ts';
import { readChapters } from './chapters.ts';
import { emitCore } from './emit-core.ts';
import { emitModel } from './emit-model.ts';
import { readExceptions } from './exceptions.ts';
import { fillMarkers } from './markers.ts';
import { failOn } from './problems.ts';
import { checkReferences } from './references.ts';
import { type Artifacts, readIfPresent } from './generated-files.ts';
import { loadRegistry } from './registry.ts';
import { checkPermanence, extractRequirements, type Requirement } from './requirements.ts';

const REQUIREMENTS = 'spec/requirements.json';
const RETIRED = 'spec/retired.yaml';

/**
 * Computes every generated file of a project.
 *
 * @throws SpecificationError when the registry or a chapter is wrong.
 */
export async function createArtifacts(root: string): Promise<Artifacts> {
  const registry = loadRegistry(root);
  const chapters = readChapters(root);
  const { requirements, problems } = extractRequirements(chapters);
  const ids = new Set(requirements.map(({ id }) => id));
  const filled = chapters.map(({ file, text }) => ({
    file,
    ...fillMarkers(text, (name) => renderBlock(name, registry, requirements)),
  }));
  failOn([
    ...problems,
    ...checkPermanence(requirements, previousIds(root), readExceptions(join(root, RETIRED), RETIRED)),
    ...filled.flatMap((chapter) => chapter.problems.map((problem) => `spec/${chapter.file}: ${problem}`)),
    ...checkReferences(chapters, ids, registry),
  ]);

  const { specRevision } = registry.protocol;
  return new Map([
    ['reference/core/registry.gen.ts', await formatted(emitCore(registry))],
    ['conformance/model/registry.gen.ts', await formatted(emitModel(registry))],
    [REQUIREMENTS, `${JSON.stringify({ specRevision, requirements }, null, 2)}\n`],
    ...filled.map(({ file, text }): [string, string] => [`spec/${file}`, text]),
  ]);
}

/** The ids in the requirements.json that was generated last. */
function previousIds(root: string): readonly string[] {
  const text = readIfPresent(join(root, REQUIREMENTS));
  if (text === undefined) return [];
  return (JSON.parse(text) as { readonly requirements: readonly Requirement[] }).requirements.map(({ id }) => id);
}

async function formatted(source: string): Promise<string> {
  // The style is the project's own even when a copy of it is generated elsewhere.
  const style = await resolveConfig(fileURLToPath(import.meta.url));
  return format(source, { ...style, parser: 'typescript' });
}
