import { describe, expect, it } from 'vitest';
import { checkPermanence, extractRequirements, stripMarkdown } from './requirements.ts';

const FILE = '04-establishment.md';

function extract(...lines: readonly string[]): ReturnType<typeof extractRequirements> {
  return extractRequirements([{ file: FILE, text: lines.join('\n') }]);
}

describe('extraction', () => {
  it('reads id, section, level, role and plain text of a paragraph', () => {
    const { requirements, problems } = extract(
      '# 4. Establishment',
      '',
      '## 4.3 CHALLENGE',
      '',
      '**[EST-007]** A server MUST NOT reuse `server_nonce`,',
      'see *section* [4.1](#41).',
      '',
      'Prose.',
    );
    expect(problems).toEqual([]);
    expect(requirements).toEqual([
      {
        id: 'EST-007',
        chapter: FILE,
        section: '4.3 CHALLENGE',
        level: 'MUST',
        negated: true,
        role: 'server',
        text: 'A server MUST NOT reuse server_nonce, see section 4.1.',
        sha256: '1997fa8a32402c6fe10d1d68fe1f6a53d7fb690d63f051583671c39d92307713',
      },
    ]);
  });

  it.each([
    ['A client MUST wait.', 'client'],
    ['The server SHOULD wait.', 'server'],
    ['A server in test mode MUST wait.', 'server'],
    ['An endpoint MUST wait for a client.', 'both'],
    ['Time passes. The client MUST wait.', 'client'],
    ['An endpoint that a client calls MUST wait.', 'both'],
  ])('takes the role from the subject: %s', (sentence, role) => {
    expect(extract(`**[EST-001]** ${sentence}`).requirements.map((requirement) => requirement.role)).toEqual([role]);
  });

  it('reads list items', () => {
    const { requirements } = extract(
      '- **[EST-001]** A client MUST wait.',
      '',
      '2. **[EST-002]** A server SHOULD NOT wait.',
    );
    expect(requirements.map(({ id, level, negated }) => [id, level, negated])).toEqual([
      ['EST-001', 'MUST', false],
      ['EST-002', 'SHOULD', true],
    ]);
  });

  it.each([
    ['two keywords', '**[EST-001]** A client MUST wait and SHOULD rest.', 'EST-001 needs exactly one of MUST'],
    ['no keyword', '**[EST-001]** A client waits.', 'it has none'],
    ['MAY', '**[EST-001]** A client MAY wait.', 'it has MAY'],
    ['SHALL', '**[EST-001]** A client SHALL wait.', 'it has SHALL'],
    ['orphan MUST', 'A client MUST wait.', 'MUST outside of a requirement'],
    ['orphan SHOULD NOT', 'A client SHOULD NOT wait.', 'SHOULD NOT outside of a requirement'],
    ['orphan in a list', '- a client SHALL wait', 'SHALL outside of a requirement'],
    ['malformed id', '**[EST-1]** A client MUST wait.', '[EST-1] is not an id'],
    ['id of another chapter', '**[SES-001]** A client MUST wait.', 'the chapter of SES is 05-session.md'],
    [
      'id without a chapter',
      '**[XYZ-001]** A client MUST wait.',
      'the chapter of XYZ is not in spec/tools/chapters.ts',
    ],
    [
      'two requirements in a paragraph',
      '**[EST-001]** A client MUST wait.\n**[EST-002]** It waits.',
      'put a blank line before it',
    ],
  ])('reports %s with its place', (_, paragraph, problem) => {
    const { problems } = extract('# 4. Establishment', '', paragraph);
    expect(problems.join('\n')).toContain(problem);
    expect(problems[0]).toMatch(/^spec\/04-establishment\.md:3: /);
  });

  it('reports an id that is used twice', () => {
    const { requirements, problems } = extract(
      '**[EST-001]** A client MUST wait.',
      '',
      '**[EST-001]** A server MUST wait.',
    );
    expect(requirements).toHaveLength(1);
    expect(problems).toEqual([`spec/${FILE}:3: EST-001 is already used in spec/${FILE}`]);
  });

  it('leaves the boilerplate, code and generated content alone', () => {
    const { problems } = extract(
      'The key words MUST and SHOULD are explained in RFC 2119.',
      '',
      '```',
      'MUST',
      '```',
      '',
      '<!-- BEGIN GENERATED errors -->',
      '| MUST |',
      '<!-- END GENERATED errors -->',
    );
    expect(problems).toEqual([]);
  });
});

describe('stripMarkdown', () => {
  it('keeps what stands in code as it is', () => {
    expect(stripMarkdown('**bold** *slanted* `a * b * c` 2 * 3')).toBe('bold slanted a * b * c 2 * 3');
  });
});

describe('permanence', () => {
  const { requirements } = extract('**[EST-001]** A client MUST wait.');

  it('reports an id that has vanished', () => {
    const [problem, ...others] = checkPermanence(requirements, ['EST-001', 'EST-002'], []);
    expect(problem).toContain('EST-002 has vanished');
    expect(others).toEqual([]);
  });

  it('accepts a retired id', () => {
    expect(checkPermanence(requirements, ['EST-001', 'EST-002'], [{ id: 'EST-002', reason: 'merged' }])).toEqual([]);
  });

  it('reports a retired id that is used again', () => {
    expect(checkPermanence(requirements, [], [{ id: 'EST-001', reason: 'merged' }]).join()).toContain(
      'can not be used again',
    );
  });
});
