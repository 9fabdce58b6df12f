import { describe, expect, it } from 'vitest';
import { FRAME_TYPE, type FrameName, type MachineName, MACHINES, type MachineState } from '../../../core/index.ts';
import { after, END_SESSION_INDEX, IGNORABLE_INDEX, type State, stateOf } from '../../../core/transitions.ts';

const NAMES = Object.keys(MACHINES) as MachineName[];

/** Columns that stand for no frame type of their own. */
const PSEUDO_COLUMNS: Readonly<Record<string, number>> = {
  IGNORABLE: IGNORABLE_INDEX,
  END_SESSION: END_SESSION_INDEX,
};

function indexOf(column: string): number {
  return PSEUDO_COLUMNS[column] ?? FRAME_TYPE[column as FrameName];
}

/** The states of all machines have one shape; which names they use does not matter here. */
function linkedState(machine: MachineName, name: string): State<MachineName> {
  const state: unknown = stateOf(machine, name as MachineState<MachineName>);
  return state as State<MachineName>;
}

/** The machine as a diagram: what is reviewed when a transition changes. */
function diagramOf(name: MachineName): string {
  const { states, frames, local } = MACHINES[name];
  const lines = ['stateDiagram-v2', `  [*] --> ${MACHINES[name].initial}`];
  for (const state of states) {
    const { cells } = linkedState(name, state);
    for (const frame of frames) {
      const cell = cells[indexOf(frame)];
      if (cell?.error === undefined) lines.push(`  ${state} --> ${cell!.next.name}: ${frame} / ${cell!.action!}`);
    }
  }
  for (const { event, from, next } of local) {
    for (const state of from) lines.push(`  ${state} --> ${next}: ${event}`);
  }
  return lines.join('\n');
}

describe.each(NAMES)('%s', (name) => {
  const { states, frames, table, local } = MACHINES[name];

  it('has the graph that was reviewed', () => {
    expect(diagramOf(name)).toMatchSnapshot();
  });

  it('has a cell for every state and every frame, as the table says', () => {
    for (const state of states) {
      const linked = linkedState(name, state);
      for (const frame of frames) {
        const cell = linked.cells[indexOf(frame)]!;
        const row = table[state as keyof typeof table] as Record<
          string,
          { next?: string; do?: string; error?: string }
        >;
        const { next = state, do: action, error } = row[frame]!;
        expect({ next: cell.next.name, action: cell.action, error: cell.error }).toEqual({ next, action, error });
      }
    }
  });

  it('reaches every state from the initial one', () => {
    const initial = linkedState(name, MACHINES[name].initial);
    const reached = new Set<State<MachineName>>([initial]);
    for (const state of reached) {
      for (const cell of state.cells) if (cell !== undefined) reached.add(cell.next);
      for (const next of state.local.values()) reached.add(next);
    }
    expect([...reached].map((state) => state.name).sort()).toEqual([...states].sort());
  });

  it('allows local events where the registry says so, and nowhere else', () => {
    for (const state of states) {
      for (const { event } of local) {
        const entry = local.find(
          (candidate) => candidate.event === event && (candidate.from as readonly string[]).includes(state),
        );
        const linked = linkedState(name, state);
        if (entry === undefined) expect(() => after(linked, event)).toThrow('is not possible');
        else expect(after(linked, event).name).toBe(entry.next);
      }
    }
  });
});
