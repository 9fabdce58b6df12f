import type { Frame, Machine, Transition } from './registry-types.ts';

/** The column of a machine for frames of an unknown type that may be ignored. */
export const IGNORABLE = 'IGNORABLE';

/** Columns that are no frame of their own: END_SESSION stands for CLOSE with that flag. */
export const PSEUDO_COLUMNS: Readonly<Record<Machine['layer'], readonly string[]>> = {
  connection: [IGNORABLE],
  session: ['END_SESSION'],
  channel: [],
};

/** Frames that decide over the life of a session, by the role that receives them. */
const SESSION_FRAMES = {
  client: ['ACCEPT', 'REJECT', 'ACK', 'DRAIN', 'CLOSE'],
  server: ['CONNECT', 'ACK', 'CLOSE'],
} as const;

/** The columns that a machine must have: its table is total only with all of them. */
export function columnsOf({ layer, role }: Machine, stable: readonly Frame[]): readonly string[] {
  switch (layer) {
    case 'connection':
      return [...stable.map(({ name }) => name), ...PSEUDO_COLUMNS.connection];
    case 'session':
      return [...SESSION_FRAMES[role], ...PSEUDO_COLUMNS.session];
    case 'channel':
      return stable.filter((frame) => frame.layer === 'channel' && frame.sender !== role).map(({ name }) => name);
  }
}

/** What a receiver does with one frame in one state. */
export type Cell = Transition | { readonly error: string };

/** Every state with every frame of its machine. */
export type TotalTable = Readonly<Record<string, Readonly<Record<string, Cell>>>>;

/**
 * Fills the cells that the registry leaves to a default: the state's `otherwise`, else the machine's
 * `otherwiseFrame` for the frame, else the machine's `otherwise`.
 */
export function expandMachine(machine: Machine): TotalTable {
  return Object.fromEntries(
    machine.states.map((state) => {
      const named = machine.receive[state.name] ?? {};
      const row = machine.frames.map((frame): [string, Cell] => [
        frame,
        named[frame] ?? { error: state.otherwise ?? machine.otherwiseFrame?.[frame] ?? machine.otherwise },
      ]);
      return [state.name, Object.fromEntries(row)];
    }),
  );
}

/** The distinct actions of a machine's receive table, in the order of first use. */
export function actionsOf(machine: Machine): readonly string[] {
  const table = expandMachine(machine);
  const actions = machine.states.flatMap((state) =>
    Object.values(table[state.name] ?? {}).flatMap((cell) => ('do' in cell ? [cell.do] : [])),
  );
  return [...new Set(actions)];
}
