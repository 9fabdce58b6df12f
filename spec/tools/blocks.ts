import { chapterLabel, headingAnchor } from './chapters.ts';
import { frameTable, framesTable, headerTable, typesTable } from './frame-tables.ts';
import { localTable, machineDiagram, machineTable } from './machine-tables.ts';
import { table } from './markdown.ts';
import {
  constantsTable,
  errorsTable,
  extensionTable,
  labelsTable,
  parametersTable,
  proxyTlvsTable,
  schemesTable,
  testApplicationsTable,
  testRoutesTable,
  unknownErrorsTable,
} from './registry-tables.ts';
import type { Registry } from './registry-types.ts';
import type { Requirement } from './requirements.ts';

const TABLES: Readonly<Record<string, (registry: Registry) => string>> = {
  header: headerTable,
  types: typesTable,
  frames: framesTable,
  parameters: parametersTable,
  errors: errorsTable,
  'unknown-errors': unknownErrorsTable,
  schemes: schemesTable,
  timers: ({ timers }) => constantsTable(timers),
  limits: ({ limits }) => constantsTable(limits),
  labels: labelsTable,
  extension: extensionTable,
  'test-applications': testApplicationsTable,
  'test-routes': testRoutesTable,
  'proxy-tlvs': proxyTlvsTable,
};

/** Renders the generated part of a chapter that a marker names; undefined when there is none of that name. */
export function renderBlock(
  name: string,
  registry: Registry,
  requirements: readonly Requirement[],
): string | undefined {
  if (name === 'requirement-index') return requirementIndex(requirements);
  const [kind, subject] = name.split(':', 2);
  if (subject === undefined) return TABLES[name]?.(registry);
  if (kind === 'frame') {
    const frame = registry.frames.find((candidate) => candidate.name === subject);
    return frame === undefined ? undefined : frameTable(registry, frame);
  }
  const machine = registry.machines.find((candidate) => candidate.name === subject);
  if (machine === undefined) return undefined;
  if (kind === 'machine') return machineTable(machine);
  if (kind === 'local') return localTable(machine);
  return kind === 'diagram' ? machineDiagram(machine) : undefined;
}

function requirementIndex(requirements: readonly Requirement[]): string {
  return table(
    ['Requirement', 'Level', 'Role', 'Section'],
    requirements.map(({ id, level, negated, role, chapter, section }) => [
      id,
      negated ? `${level} NOT` : level,
      role,
      `[${/^\d/.test(section) ? section : `${chapterLabel(chapter)}, ${section}`}](${chapter}#${headingAnchor(section)})`,
    ]),
  );
}
