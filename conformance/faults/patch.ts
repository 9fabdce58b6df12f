import type { Edit, Fault } from './fault.ts';

/** A fault no longer fits the reference: it has to be written anew. */
export class StaleFault extends Error {
  constructor(fault: Fault, edit: Edit, found: number) {
    super(`fault ${fault.id}: in reference/${edit.module} this stands ${found} times instead of once: ${edit.find}`);
    this.name = 'StaleFault';
  }
}

/**
 * Applies the edits of a fault that belong to one module.
 *
 * @param module - path of the module behind `reference/`, without its ending.
 * @param source - the compiled module.
 * @throws StaleFault when a text to replace does not stand there exactly once.
 */
export function patchModule(fault: Fault, module: string, source: string): string {
  return fault.edits
    .filter((edit) => edit.module === module)
    .reduce((text, edit) => {
      const parts = text.split(edit.find);
      if (parts.length !== 2) throw new StaleFault(fault, edit, parts.length - 1);
      return parts.join(edit.replace);
    }, source);
}
