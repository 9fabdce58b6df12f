import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { collectCitations, readCase, readFault, readVectors } from './citations.ts';
import { extractRequirements } from './requirements.ts';
import { traceRequirements } from './traceability.ts';

const { requirements } = extractRequirements([
  {
    file: '04-establishment.md',
    text: '## 4.1 Waiting\n\n**[EST-001]** A client MUST wait.\n\n**[EST-002]** A client SHOULD rest.\n',
  },
]);
const testCase = { kind: 'case', requirement: 'EST-001', source: 'EST-001/waits' } as const;

describe('traceRequirements', () => {
  it('joins cases, vectors, faults and code, and counts vectors', () => {
    const vector = { kind: 'vector', requirement: 'EST-001', source: 'vectors/frames.json' } as const;
    const { matrix, problems } = traceRequirements(
      requirements,
      [
        testCase,
        vector,
        vector,
        { kind: 'fault', requirement: 'EST-001', source: 'never-waits' },
        { kind: 'code', requirement: 'EST-001', source: 'reference/core/wait.ts' },
      ],
      [],
    );
    expect(problems).toEqual([]);
    expect(matrix).toContain(
      '| [EST-001](04-establishment.md#41-waiting) | MUST | `EST-001/waits` | `vectors/frames.json` (2) | `never-waits` | `reference/core/wait.ts` |',
    );
    expect(matrix).toContain('| MUST | 1 | 1 | 0 | 0 |');
    expect(matrix).toContain('| SHOULD | 1 | 0 | 0 | 1 |');
  });

  it('reports a MUST without a case, and only a MUST', () => {
    expect(traceRequirements(requirements, [], []).problems).toEqual([
      expect.stringContaining('1 MUST without a conformance case (EST-001)'),
    ]);
  });

  it('accepts an untestable MUST and shows the reason', () => {
    const { matrix, problems } = traceRequirements(requirements, [], [{ id: 'EST-001', reason: 'time is inside' }]);
    expect(problems).toEqual([]);
    expect(matrix).toContain('untestable: time is inside');
  });

  it('reports an untestable requirement that has a case', () => {
    const { problems } = traceRequirements(requirements, [testCase], [{ id: 'EST-001', reason: 'time is inside' }]);
    expect(problems).toEqual([expect.stringContaining('EST-001 has a case, so it is not untestable')]);
  });

  it('reports ids that do not exist', () => {
    const { problems } = traceRequirements(
      requirements,
      [testCase, { kind: 'text', requirement: 'EST-009', source: 'docs/guide.md' }],
      [{ id: 'EST-008', reason: 'none' }],
    );
    expect(problems).toEqual([
      'text docs/guide.md: EST-009 is no requirement',
      'conformance/cases/untestable.yaml: EST-008 is no requirement',
    ]);
  });
});

describe('citations', () => {
  it('reads vectors in any grouping', () => {
    const text = JSON.stringify({ groups: [{ tests: [{ id: 1, requirements: ['EST-001', 'EST-002'] }, { id: 2 }] }] });
    expect(readVectors('vectors/a.json', text).map(({ requirement }) => requirement)).toEqual(['EST-001', 'EST-002']);
  });

  it('refuses cases and faults without what they need', () => {
    expect(() => readCase({ id: 'EST-001/a' })).toThrow('EST-001/a needs an id and a list of requirements');
    expect(() => readFault({ requirement: 'EST-001' })).toThrow('an entry without id needs an id and a requirement');
  });

  it('finds code, texts and vectors in a tree, and nothing in tests of the suite', async () => {
    const root = mkdtempSync(join(tmpdir(), 'hawser-citations-'));
    const files: Readonly<Record<string, string>> = {
      'reference/core/wait.ts': '// EST-001, EST-001 and SHA-256',
      'reference/test/unit/wait.test.ts': '// EST-002',
      'conformance/test/self.test.ts': '// EST-999',
      'conformance/model/codec.ts': '// EST-003',
      'docs/guide.md': 'EST-004',
      'vectors/frames.json': '{ "requirements": ["EST-005"] }',
    };
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(root, path, '..'), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    const found = await collectCitations(root);
    rmSync(root, { recursive: true });
    expect(found.map(({ kind, requirement, source }) => `${kind} ${requirement} ${source}`)).toEqual([
      'vector EST-005 vectors/frames.json',
      'code EST-001 reference/core/wait.ts',
      'text EST-002 reference/test/unit/wait.test.ts',
      'text EST-003 conformance/model/codec.ts',
      'text EST-004 docs/guide.md',
    ]);
  });
});
