import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { citedIds } from '../tools/references.ts';
import type { Machine } from '../tools/registry-types.ts';
import { loadRegistry } from '../tools/registry.ts';
import { guards } from './checks.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): string => readFileSync(`${root}spec/${path}`, 'utf8');
const mapping = read('models/MAPPING.md');
const { machines } = loadRegistry(root);
const { requirements } = JSON.parse(read('requirements.json')) as { requirements: readonly { id: string }[] };

/** `machine state trigger` for each row of a table whose first column names a machine. */
const mapped = mapping.split('\n').flatMap((line) => {
  const [, machine, states = '', trigger = ''] = line.split('|').map((cell) => cell.trim());
  if (machine === undefined || !/^(client|server)-\w+$/.test(machine)) return [];
  return Array.from(states.matchAll(/`([^`]+)`/g), ([, state]) => `${machine} ${state!} ${trigger.slice(1, -1)}`);
});

function transitions({ name, receive, local }: Machine): readonly string[] {
  return [
    ...Object.entries(receive).flatMap(([state, cells]) =>
      Object.keys(cells).map((frame) => `${name} ${state} ${frame}`),
    ),
    ...local.flatMap(({ event, from }) => from.map((state) => `${name} ${state} ${event}`)),
  ];
}

describe('MAPPING.md', () => {
  it('names transitions of the state tables, each once', () => {
    const known = new Set(machines.flatMap(transitions));
    expect(mapped.filter((transition) => !known.has(transition))).toEqual([]);
    expect(new Set(mapped).size).toBe(mapped.length);
  });

  it('leaves no transition of a session out', () => {
    const sessions = machines.filter(({ layer }) => layer === 'session').flatMap(transitions);
    expect(sessions.length).toBeGreaterThan(20);
    expect(sessions.filter((transition) => !mapped.includes(transition))).toEqual([]);
  });

  it('cites requirements that exist, as the guards do', () => {
    const known = new Set(requirements.map(({ id }) => id));
    const cited = [
      ...citedIds(mapping),
      ...guards.flatMap((guard) => [...guard.requirements, ...citedIds(guard.shows)]),
      ...['session', 'application', 'fleet'].flatMap((name) => citedIds(read(`models/${name}.pml`))),
    ];
    expect(cited.filter((id) => !known.has(id))).toEqual([]);
  });

  it('explains every guard, and only those', () => {
    const explained = Array.from(mapping.matchAll(/`((?:NO|READING)_\w+)`/g), ([, macro]) => macro!.toLowerCase());
    expect(explained.toSorted()).toEqual(guards.map(({ name }) => name).toSorted());
  });
});

describe('guards', () => {
  it.each(guards)('$name is a macro of its model and has a counterexample', ({ name, file }) => {
    expect(read(`models/${file}`)).toMatch(new RegExp(`\\b${name.toUpperCase()}\\b`));
    expect(existsSync(`${root}spec/models/counterexamples/${name}.txt`)).toBe(true);
  });
});
