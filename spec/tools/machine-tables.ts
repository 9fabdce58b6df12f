import { actionsOf, expandMachine } from './machines.ts';
import { code, table } from './markdown.ts';
import type { Machine } from './registry-types.ts';

/** `machine:NAME`: the states, the total table and the actions. */
export function machineTable(machine: Machine): string {
  const total = expandMachine(machine);
  const actions = actionsOf(machine);
  const letter = (action: string): string => String.fromCharCode('a'.charCodeAt(0) + actions.indexOf(action));
  return [
    table(
      ['State', 'Meaning'],
      machine.states.map(({ name, doc }) => [name === machine.initial ? `${code(name)} (initial)` : code(name), doc]),
    ),
    '',
    'A cell gives the state after the frame and, as a letter, the action; or the error that the frame is.',
    '',
    table(
      ['State', ...machine.frames],
      machine.states.map(({ name }) => [
        code(name),
        ...machine.frames.map((frame) => {
          const cell = total[name]?.[frame];
          if (cell === undefined) throw new RangeError(`${machine.name} has no cell for ${frame} in ${name}`);
          return 'error' in cell ? cell.error : `${code(cell.next)} ${letter(cell.do)}`;
        }),
      ]),
    ),
    '',
    table(
      ['Action', 'What is done'],
      actions.map((action) => [letter(action), action]),
    ),
  ].join('\n');
}

/** `local:NAME`: what happens without a frame. */
export function localTable(machine: Machine): string {
  return table(
    ['Event', 'In state', 'Next state', 'Action'],
    machine.local.map(({ event, from, next, do: action }) => [
      event,
      from.map(code).join(', '),
      code(next),
      action ?? '',
    ]),
  );
}

/** `diagram:NAME`: the changes of state. */
export function machineDiagram(machine: Machine): string {
  const edges = new Map<string, string[]>();
  const leaving = new Set<string>();
  const id = (state: string): string => state.replaceAll('-', '_');
  const add = (from: string, to: string, label: string): void => {
    if (from === to) return;
    leaving.add(from);
    const edge = `${id(from)} --> ${id(to)}`;
    edges.set(edge, [...(edges.get(edge) ?? []), label]);
  };
  for (const { name } of machine.states) {
    for (const [frame, { next }] of Object.entries(machine.receive[name] ?? {})) add(name, next, `receive ${frame}`);
  }
  for (const { event, from, next } of machine.local) {
    // A colon ends the label in Mermaid.
    for (const state of from) add(state, next, event.replaceAll(':', ''));
  }
  return [
    '```mermaid',
    'stateDiagram-v2',
    ...machine.states.map(({ name }) => `    state "${name}" as ${id(name)}`),
    `    [*] --> ${id(machine.initial)}`,
    ...[...edges].map(([edge, labels]) => `    ${edge}: ${labels.join(' / ')}`),
    ...machine.states.filter(({ name }) => !leaving.has(name)).map(({ name }) => `    ${id(name)} --> [*]`),
    '```',
  ].join('\n');
}
