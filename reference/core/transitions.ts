import { InternalError } from './errors.ts';
import {
  type ErrorName,
  FRAME_TYPE,
  type MachineAction,
  type MachineEvent,
  type MachineName,
  MACHINES,
  type MachineState,
} from './registry.gen.ts';

/** What a receiver does with one frame in one state: go on to `next`, or fail with `error`. */
export interface Cell<Name extends MachineName> {
  readonly next: State<Name>;
  /** What is done; undefined where the frame is an error. */
  readonly action: MachineAction<Name> | undefined;
  readonly error: ErrorName | undefined;
}

/** One state of a machine with everything that leads out of it. */
export interface State<Name extends MachineName> {
  readonly name: MachineState<Name>;
  /** The cell of each frame type; {@link IGNORABLE_INDEX} for ignorable ones. Types without a column are absent. */
  readonly cells: readonly (Cell<Name> | undefined)[];
  /** The state after each local event that this state allows. */
  readonly local: ReadonlyMap<MachineEvent<Name>, State<Name>>;
}

/** Where the cell of unknown ignorable frames stands: no frame has this type. */
export const IGNORABLE_INDEX = 0;

/** Where the cell of a CLOSE with END_SESSION stands in the table of a session: no frame has this type. */
export const END_SESSION_INDEX = 0x100;

const PSEUDO_COLUMNS: Readonly<Record<string, number | undefined>> = {
  IGNORABLE: IGNORABLE_INDEX,
  END_SESSION: END_SESSION_INDEX,
};

type Draft<Name extends MachineName> = State<Name> & {
  readonly cells: (Cell<Name> | undefined)[];
  readonly local: Map<MachineEvent<Name>, State<Name>>;
};

/**
 * Links the registry's total table of a machine into a graph of states, so that a lookup is two array accesses.
 *
 * @returns the states by name; the machine begins in its `initial` one.
 */
function link<Name extends MachineName>(name: Name): ReadonlyMap<MachineState<Name>, State<Name>> {
  const machine = MACHINES[name];
  const states = new Map<string, Draft<Name>>();
  for (const state of machine.states as readonly MachineState<Name>[]) {
    states.set(state, { name: state, cells: [], local: new Map() });
  }
  const stateOf = (state: string): Draft<Name> => {
    const found = states.get(state);
    if (found === undefined) throw new InternalError(`${name} has no state ${state}.`);
    return found;
  };
  const table: Readonly<Record<string, Readonly<Record<string, { next?: string; do?: string; error?: ErrorName }>>>> =
    machine.table;
  for (const [from, row] of Object.entries(table)) {
    const state = stateOf(from);
    for (const [frame, cell] of Object.entries(row)) {
      const index = PSEUDO_COLUMNS[frame] ?? FRAME_TYPE[frame as keyof typeof FRAME_TYPE];
      state.cells[index] = {
        next: cell.next === undefined ? state : stateOf(cell.next),
        action: cell.do as MachineAction<Name> | undefined,
        error: cell.error,
      };
    }
  }
  for (const { event, from, next } of machine.local) {
    for (const state of from) stateOf(state).local.set(event, stateOf(next));
  }
  return states as ReadonlyMap<string, State<Name>> as ReadonlyMap<MachineState<Name>, State<Name>>;
}

const GRAPHS: { readonly [Name in MachineName]: ReadonlyMap<MachineState<Name>, State<Name>> } = {
  'client-connection': link('client-connection'),
  'server-connection': link('server-connection'),
  'client-channel': link('client-channel'),
  'server-channel': link('server-channel'),
  'client-session': link('client-session'),
  'server-session': link('server-session'),
};

/** A state of a machine, by default the one in which it begins. */
export function stateOf<Name extends MachineName>(
  machine: Name,
  name: MachineState<Name> = MACHINES[machine].initial,
): State<Name> {
  const state = (GRAPHS[machine] as ReadonlyMap<MachineState<Name>, State<Name>>).get(name);
  if (state === undefined) throw new InternalError(`${machine} has no state ${name}.`);
  return state;
}

/**
 * The state after a local event: what is sent obeys the tables like what is received. [SES-002]
 *
 * @throws InternalError when the table does not allow the event in this state: the caller has to have checked.
 */
export function after<Name extends MachineName>(state: State<Name>, event: MachineEvent<Name>): State<Name> {
  const next = state.local.get(event);
  if (next === undefined) throw new InternalError(`'${event}' is not possible in state ${state.name}.`);
  return next;
}
