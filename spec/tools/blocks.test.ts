import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { renderBlock } from './blocks.ts';
import { headingAnchor, readChapters } from './chapters.ts';
import { loadRegistry } from './registry.ts';
import { extractRequirements } from './requirements.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const registry = loadRegistry(root);
const { requirements } = extractRequirements(readChapters(root));

const render = (name: string): string => renderBlock(name, registry, requirements) ?? '';

describe('renderBlock', () => {
  it('gives offsets up to the first field of variable size', () => {
    const lines = render('frame:CONNECT').split('\n');
    expect(lines).toContain('| 73 | `audience` | `text16` | 1 to 2,048 octets |');
    expect(lines).toContain('| varies | `scheme` | `u16` |  |');
  });

  it('tells a planned frame from an empty one', () => {
    expect(render('frame:END')).toContain('The payload is empty.');
    const planned = registry.frames.map((frame) =>
      frame.name === 'END' ? { ...frame, status: 'planned' as const } : frame,
    );
    expect(renderBlock('frame:END', { ...registry, frames: planned }, requirements)).toContain('not defined yet');
  });

  it('lists the GREASE numbers', () => {
    expect(render('extension')).toContain('`0x9b`, `0xba`, `0xd9`, `0xf8`');
    expect(render('extension')).toContain('`0x801b`, `0x803a`, `0x8059`, `0x8078` ... `0xfbfc`');
  });

  it.each(registry.machines)('draws a cell for every state and frame of $name', (machine) => {
    const rows = render(`machine:${machine.name}`)
      .split('\n')
      .filter((line) => line.split(' | ').length === machine.frames.length + 1);
    expect(rows).toHaveLength(machine.states.length + 1);
    for (const row of rows.slice(1)) expect(row).not.toContain('|  |');
  });

  it.each(registry.machines)('draws a diagram of $name with every state', (machine) => {
    const diagram = render(`diagram:${machine.name}`);
    for (const { name } of machine.states) expect(diagram).toContain(`state "${name}" as`);
    // A second colon, or a semicolon, would end the label early.
    for (const line of diagram.split('\n').filter((text) => text.includes('-->')))
      expect(line).toMatch(/^[^:;]*(: [^:;]+)?$/);
  });

  it('links each requirement to its section', () => {
    expect(render('requirement-index')).toContain(
      '| TLS-005 | MUST NOT | both | [2.2 No resumption of TLS](02-tls-profile.md#22-no-resumption-of-tls) |',
    );
  });

  it.each(['machine:none', 'frame:none', 'shape:client-channel', 'none'])('knows nothing of %s', (name) => {
    expect(renderBlock(name, registry, requirements)).toBeUndefined();
  });
});

describe('headingAnchor', () => {
  it('drops punctuation and joins words', () => {
    expect(headingAnchor('6.2 OPEN, OPENED, REFUSED')).toBe('62-open-opened-refused');
  });
});
