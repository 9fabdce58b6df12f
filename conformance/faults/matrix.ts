import type { Trial } from './trial.ts';

/** How many cases a row of the terminal names. */
const NAMED_CASES = 3;

/** One row per fault: by which cases of the broken requirement it was caught, and by how many cases in all. */
export function formatMatrix(trials: readonly Trial[]): string {
  const width = Math.max(...trials.map(({ fault }) => fault.id.length));
  const rows = trials.map(({ fault, named, noticed }) => {
    const some = named.slice(0, NAMED_CASES).join(', ');
    const more = named.length > NAMED_CASES ? `, and ${named.length - NAMED_CASES} more` : '';
    const by = named.length === 0 ? `NOT CAUGHT by a case of ${fault.requirement}` : `${some}${more}`;
    return `${fault.id.padEnd(width)}  ${fault.requirement}  ${String(noticed.length).padStart(4)}  ${by}`;
  });
  const head = `${'fault'.padEnd(width)}  breaks   cases  caught by`;
  return [head, ...rows].join('\n');
}

/** Cases that ran and noticed no fault at all: each of them is either a check of tolerance or a suspect. */
export function silentCases(trials: readonly Trial[]): readonly string[] {
  const noticed = new Set(trials.flatMap((trial) => trial.noticed));
  return [...new Set(trials.flatMap((trial) => trial.ran))].filter((id) => !noticed.has(id)).sort();
}

/** The whole matrix, for `reports/kill-matrix.json`. */
export function matrixAsJson(trials: readonly Trial[]): string {
  const rows = trials.map(({ fault: { id, role, requirement, title }, ran, named, noticed }) => ({
    fault: id,
    role,
    requirement,
    title,
    caught: named.length > 0,
    ran: ran.length,
    named,
    noticed,
  }));
  return `${JSON.stringify({ faults: rows, silentCases: silentCases(trials) }, undefined, 2)}\n`;
}
