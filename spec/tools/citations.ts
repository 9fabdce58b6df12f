import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { SpecificationError } from './problems.ts';
import { citedIds } from './references.ts';

/** Something in the tree that names a requirement. */
export interface Citation {
  readonly kind: 'case' | 'vector' | 'fault' | 'code' | 'text';
  readonly requirement: string;
  /** Id of a case or fault, path of a file of vectors, of code or of text. */
  readonly source: string;
}

type Json = Readonly<Record<string, unknown>>;

/** Everything below a project root that cites requirements; parts that do not exist yet cite nothing. */
export async function collectCitations(root: string): Promise<readonly Citation[]> {
  const cases = await importList(root, 'conformance/cases/index.ts', 'cases');
  const faults = await importList(root, 'conformance/faults/index.ts', 'faults');
  return [
    ...cases.flatMap(readCase),
    ...faults.flatMap(readFault),
    ...filesBelow(root, 'vectors', '.json').flatMap((path) =>
      readVectors(path, readFileSync(join(root, path), 'utf8')),
    ),
    ...filesBelow(root, 'reference', '.ts')
      .filter((path) => !/\/(test|bench)\//.test(path))
      .flatMap((path) => citationsIn(root, 'code', path)),
    ...[
      ...filesBelow(root, 'reference/test', '.ts'),
      // The suite's own tests invent requirements.
      ...filesBelow(root, 'conformance', '.ts').filter((path) => !path.startsWith('conformance/test/')),
      ...filesBelow(root, 'docs', '.md').filter((path) => !path.startsWith('docs/api/')),
      ...filesBelow(root, 'spec', '.md').filter((path) => path === 'spec/decisions.md'),
    ].flatMap((path) => citationsIn(root, 'text', path)),
  ];
}

/** The citations of a conformance case: `{ id, requirements }`. */
export function readCase(entry: Json): readonly Citation[] {
  const { id, requirements } = entry;
  if (typeof id !== 'string' || !isTextList(requirements)) {
    throw new SpecificationError([`conformance/cases: ${describe(entry)} needs an id and a list of requirements`]);
  }
  return requirements.map((requirement) => ({ kind: 'case', requirement, source: id }));
}

/** The citation of a seeded fault: `{ id, requirement }`. */
export function readFault(entry: Json): readonly Citation[] {
  const { id, requirement } = entry;
  if (typeof id !== 'string' || typeof requirement !== 'string') {
    throw new SpecificationError([`conformance/faults: ${describe(entry)} needs an id and a requirement`]);
  }
  return [{ kind: 'fault', requirement, source: id }];
}

/** One citation for each requirement of each vector in a file, wherever its groups put them. */
export function readVectors(path: string, text: string): readonly Citation[] {
  const citations: Citation[] = [];
  const walk = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(walk);
    else if (typeof value === 'object' && value !== null) {
      const { requirements } = value as Json;
      if (isTextList(requirements)) {
        citations.push(...requirements.map((requirement) => ({ kind: 'vector' as const, requirement, source: path })));
      }
      Object.values(value).forEach(walk);
    }
  };
  walk(JSON.parse(text));
  return citations;
}

function citationsIn(root: string, kind: 'code' | 'text', path: string): readonly Citation[] {
  return citedIds(readFileSync(join(root, path), 'utf8')).map((requirement) => ({ kind, requirement, source: path }));
}

async function importList(root: string, path: string, name: string): Promise<readonly Json[]> {
  if (!existsSync(join(root, path))) return [];
  const module = (await import(pathToFileURL(join(root, path)).href)) as Json;
  const list = module[name];
  if (!Array.isArray(list)) throw new SpecificationError([`${path} exports no array ${name}`]);
  return list as readonly Json[];
}

function filesBelow(root: string, folder: string, suffix: string): readonly string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true })
    .flatMap((entry) => {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : filesBelow(root, path, suffix);
      return entry.name.endsWith(suffix) ? [path] : [];
    })
    .sort();
}

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function describe({ id }: Json): string {
  return typeof id === 'string' ? id : 'an entry without id';
}
