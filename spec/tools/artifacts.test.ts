import { appendFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createArtifacts } from './artifacts.ts';
import { staleFiles, staleProblems, writeArtifacts } from './generated-files.ts';
import { SpecificationError } from './problems.ts';

const project = fileURLToPath(new URL('../..', import.meta.url));
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'hawser-spec-'));
  cpSync(join(project, 'spec'), join(root, 'spec'), { recursive: true });
});

afterEach(() => {
  rmSync(root, { recursive: true });
});

async function problems(): Promise<readonly string[]> {
  try {
    await createArtifacts(root);
    return [];
  } catch (error) {
    if (error instanceof SpecificationError) return error.problems;
    throw error;
  }
}

/** Replaces a passage of a file, which must be there. */
function edit(path: string, passage: string, replacement: string): void {
  const text = readFileSync(join(root, path), 'utf8');
  expect(text).toContain(passage);
  writeFileSync(join(root, path), text.replace(passage, replacement));
}

describe('generation', () => {
  it('is idempotent', async () => {
    writeArtifacts(root, await createArtifacts(root));
    const again = await createArtifacts(root);
    expect(staleFiles(root, again)).toEqual([]);
    expect(writeArtifacts(root, again)).toEqual([]);
  });

  it('follows a number from the registry to constants and chapters', async () => {
    writeArtifacts(root, await createArtifacts(root));
    edit(
      'spec/registry.yaml',
      'name: establishment_deadline_ms, value: 10000',
      'name: establishment_deadline_ms, value: 12000',
    );
    const artifacts = await createArtifacts(root);
    expect(staleFiles(root, artifacts)).toEqual([
      'reference/core/registry.gen.ts',
      'conformance/model/registry.gen.ts',
      'spec/11-registries.md',
    ]);
    expect(artifacts.get('reference/core/registry.gen.ts')).toContain('establishment_deadline_ms: 12000');
    expect(artifacts.get('spec/11-registries.md')).toContain('12,000');
  });

  it('keeps planned entries out of the constants and in the model', async () => {
    edit(
      'spec/registry.yaml',
      '\nsignatureSchemes:',
      "  - { id: 0x0fff, name: of_a_chapter_to_come, status: planned, section: EXT, doc: 'reserved' }\n\nsignatureSchemes:",
    );
    const artifacts = await createArtifacts(root);
    expect(artifacts.get('reference/core/registry.gen.ts')).not.toContain('of_a_chapter_to_come');
    expect(artifacts.get('conformance/model/registry.gen.ts')).toContain('of_a_chapter_to_come');
  });
});

describe('the check', () => {
  it('finds a file that was edited by hand, and one that is missing', async () => {
    writeArtifacts(root, await createArtifacts(root));
    appendFileSync(join(root, 'reference/core/registry.gen.ts'), '// edited\n');
    rmSync(join(root, 'conformance/model/registry.gen.ts'));
    expect(staleProblems(root, await createArtifacts(root))).toEqual([
      'reference/core/registry.gen.ts is stale: run `npm run generate` and commit the result',
      'conformance/model/registry.gen.ts is stale: run `npm run generate` and commit the result',
    ]);
  });

  it('finds an edited table and an edited requirement', async () => {
    writeArtifacts(root, await createArtifacts(root));
    edit('spec/07-errors.md', '| `0x0101` |', '| `0x0199` |');
    edit('spec/02-tls-profile.md', 'every version of TLS below', 'all versions of TLS below');
    expect(staleFiles(root, await createArtifacts(root))).toEqual(['spec/requirements.json', 'spec/07-errors.md']);
  });
});

describe('mistakes in chapters', () => {
  it('reports a requirement that has vanished, until it is retired', async () => {
    writeArtifacts(root, await createArtifacts(root));
    const annex = join(root, 'spec/annex-b-cost-ledger.md');
    const text = readFileSync(annex, 'utf8');
    writeFileSync(annex, text.replace('**[CST-004]** ', '').replace(/MUST keep its limits/, 'keeps its limits'));
    expect(await problems()).toEqual([expect.stringContaining('CST-004 has vanished')]);
    writeFileSync(join(root, 'spec/retired.yaml'), '- { id: CST-004, reason: said elsewhere }\n');
    expect(await problems()).toEqual([]);
  });

  it('reports an unknown marker with its file', async () => {
    appendFileSync(
      join(root, 'spec/07-errors.md'),
      '\n<!-- BEGIN GENERATED frame:KNOCK -->\n<!-- END GENERATED frame:KNOCK -->\n',
    );
    expect(await problems()).toEqual([
      expect.stringMatching(/^spec\/07-errors\.md: line \d+: there is nothing to generate by the name frame:KNOCK$/),
    ]);
  });

  it('reports names and ids that do not exist', async () => {
    appendFileSync(join(root, 'spec/07-errors.md'), '\nNot NO_SUCH_CODE, and not EST-999.\n');
    expect(await problems()).toEqual([
      expect.stringContaining('EST-999 is no requirement'),
      expect.stringContaining('NO_SUCH_CODE is neither an error code nor a flag'),
    ]);
  });

  it('reports a malformed list of retired ids', async () => {
    mkdirSync(join(root, 'spec'), { recursive: true });
    writeFileSync(join(root, 'spec/retired.yaml'), '- { id: CST-004 }\n');
    expect(await problems()).toEqual(['spec/retired.yaml: each entry needs exactly an id like EST-012 and a reason']);
  });
});
