import { existsSync, readFileSync } from 'node:fs';
import { failOn } from './problems.ts';
import { parseYaml } from './yaml-file.ts';

/** A requirement id with a reason, as spec/retired.yaml and conformance/cases/untestable.yaml list them. */
export interface Exception {
  readonly id: string;
  readonly reason: string;
}

/**
 * Reads a YAML list of `{ id, reason }`; an absent file is an empty list.
 *
 * @param name - what problems call the file
 * @throws SpecificationError for any other shape and for an id that is listed twice.
 */
export function readExceptions(path: string, name: string): readonly Exception[] {
  if (!existsSync(path)) return [];
  const data = parseYaml(readFileSync(path, 'utf8'), name) ?? [];
  if (!Array.isArray(data)) failOn([`${name}: expected a list of { id, reason }`]);
  const entries = (data as readonly unknown[]).filter(isException);
  const ids = entries.map(({ id }) => id);
  failOn([
    ...(entries.length === (data as readonly unknown[]).length
      ? []
      : [`${name}: each entry needs exactly an id like EST-012 and a reason`]),
    ...ids.filter((id, index) => ids.indexOf(id) !== index).map((id) => `${name}: ${id} is listed twice`),
  ]);
  return entries;
}

function isException(value: unknown): value is Exception {
  if (typeof value !== 'object' || value === null) return false;
  const { id, reason, ...rest } = value as Readonly<Record<string, unknown>>;
  return (
    typeof id === 'string' &&
    /^[A-Z]{3}-\d{3}$/.test(id) &&
    typeof reason === 'string' &&
    reason.trim() !== '' &&
    Object.keys(rest).length === 0
  );
}
