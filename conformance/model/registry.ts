/** Look-ups in the generated registry. Planned entries are unknown to a receiver (section 3.3), so they are left out here. */
import { registry } from './registry.gen.ts';
import type { ConstantRow, ErrorRow, FrameRow, MachineData, ParameterRow, SchemeRow } from './registry.gen.ts';

export type { ErrorRow, FieldRow, FrameRow, MachineData, MachineRow, ParameterRow, SchemeRow } from './registry.gen.ts';
export { registry } from './registry.gen.ts';

export type Role = 'client' | 'server';

/** The defined frames of version 1. */
export const frameRows: readonly FrameRow[] = registry.frames.filter(({ status }) => status === 'stable');

/** The defined parameters of version 1. */
export const parameterRows: readonly ParameterRow[] = registry.parameters.filter(({ status }) => status === 'stable');

function found<T>(row: T | undefined, what: string): T {
  if (row === undefined) throw new TypeError(`the registry has no ${what}`);
  return row;
}

/** A frame by its name. Throws TypeError for a name that the registry does not define. */
export function frameNamed(name: string): FrameRow {
  return found(
    frameRows.find((row) => row.name === name),
    `frame ${name}`,
  );
}

/** A frame by its type, if version 1 defines it. */
export function frameOfType(type: number): FrameRow | undefined {
  return frameRows.find((row) => row.type === type);
}

/** A parameter by its name. Throws TypeError for a name that the registry does not define. */
export function parameterNamed(name: string): ParameterRow {
  return found(
    parameterRows.find((row) => row.name === name),
    `parameter ${name}`,
  );
}

/** A parameter by its id, if version 1 defines it. */
export function parameterOfId(id: number): ParameterRow | undefined {
  return parameterRows.find((row) => row.id === id);
}

/** An error by its name. Throws TypeError for a name that the registry does not define. */
export function errorNamed(name: string): ErrorRow {
  return found(
    registry.errors.find((row) => row.name === name),
    `error ${name}`,
  );
}

/** An error by its code, if version 1 defines it. */
export function errorOfCode(code: number): ErrorRow | undefined {
  return registry.errors.find((row) => row.code === code);
}

/** A signature scheme by its id, if version 1 defines it. */
export function schemeOfId(id: number): SchemeRow | undefined {
  return registry.signatureSchemes.find((row) => row.id === id);
}

function value(rows: readonly ConstantRow[], name: string): number {
  return found(
    rows.find((row) => row.name === name),
    `number ${name}`,
  ).value;
}

/** The value of a limit. */
export function limit(name: string): number {
  return value(registry.limits, name);
}

/** The value of a timer, in the unit of its name. */
export function timer(name: string): number {
  return value(registry.timers, name);
}

/** The connection or channel table of a role. */
export function machineOf(role: Role, kind: 'connection' | 'channel'): MachineData {
  return found(
    registry.machines.find((machine) => machine.name === `${role}-${kind}`),
    `machine ${role}-${kind}`,
  );
}

/** What a receiver does with a code that it does not know, or that does not belong into the frame (ERR-002). */
export function effectiveError(frameName: string, code: number): ErrorRow {
  const known = errorOfCode(code);
  if (known?.in.includes(frameName) === true) return known;
  return errorNamed(found(registry.unknownErrors[frameName], `rule for unknown codes in ${frameName}`));
}
