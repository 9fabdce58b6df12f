import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Requirement } from '../model/requirements.ts';
import { packageRoot } from '../model/requirements.ts';
import type { UntestableRequirement } from '../report/run-report.ts';

/** The requirements of a role that nobody can judge from outside, with the reasons in `untestable.yaml`. */
export function loadUntestable(
  role: 'server' | 'client',
  requirements: readonly Requirement[],
): readonly UntestableRequirement[] {
  const path = join(packageRoot(), 'conformance/cases/untestable.yaml');
  if (!existsSync(path)) return [];
  const entries = (parse(readFileSync(path, 'utf8')) ?? []) as readonly {
    readonly id: string;
    readonly reason: string;
  }[];
  const roles: readonly Requirement['role'][] =
    role === 'server' ? ['server', 'both', 'application end'] : [role, 'both'];
  const bound = new Set(requirements.filter((one) => roles.includes(one.role)).map(({ id }) => id));
  return entries.filter(({ id }) => bound.has(id)).map(({ id, reason }) => ({ requirement: id, reason }));
}
