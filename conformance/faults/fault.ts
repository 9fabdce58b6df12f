import type { RoleUnderTest } from '../cases/case.ts';

/** One replacement in a compiled module of the reference. */
export interface Edit {
  /** Module, from `reference/` on, without its ending: `core/frame-check`. */
  readonly module: string;
  /** Text that stands exactly once in the module, within one line. */
  readonly find: string;
  readonly replace: string;
}

/** A faulty implementation: the reference with a few replacements, that breaks one requirement. */
export interface Fault {
  /** `role-what-it-does-wrong`. */
  readonly id: string;
  readonly role: RoleUnderTest;
  /** The requirement that it breaks: the suite has to catch it by a case of this one. */
  readonly requirement: string;
  /** What is wrong with it, in words. */
  readonly title: string;
  readonly edits: readonly [Edit, ...Edit[]];
}

/** A fault in one module. */
export function fault(
  id: string,
  requirement: string,
  title: string,
  ...edits: readonly [readonly [string, string, string], ...(readonly [string, string, string])[]]
): Fault {
  const role = (['client', 'relay'] as const).find((each) => id.startsWith(`${each}-`)) ?? 'server';
  const [first, ...rest] = edits.map(([module, find, replace]): Edit => ({ module, find, replace }));
  if (first === undefined) throw new TypeError(`fault ${id} changes nothing`);
  return { id, role, requirement, title, edits: [first, ...rest] };
}

/** The same fault in both roles. */
export function faultOfBoth(...[id, ...rest]: Parameters<typeof fault>): readonly Fault[] {
  return [fault(`server-${id}`, ...rest), fault(`client-${id}`, ...rest)];
}
