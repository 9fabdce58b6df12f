import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { RoleUnderTest } from './case.ts';
import type { Requirement } from '../model/requirements.ts';
import { packageRoot } from '../model/requirements.ts';
import type { UntestableRequirement } from '../report/run-report.ts';

/** The requirements of a role that nobody can judge from outside, with the reasons in `untestable.yaml`. */
export function loadUntestable(
  role: RoleUnderTest,
  requirements: readonly Requirement[],
): readonly UntestableRequirement[] {
  const path = join(packageRoot(), 'conformance/cases/untestable.yaml');
  if (!existsSync(path)) return [];
  const entries = (parse(readFileSync(path, 'utf8')) ?? []) as readonly {
    readonly id: string;
    readonly reason: string;
  }[];
  const roles: Readonly<Record<RoleUnderTest, readonly Requirement['role'][]>> = {
    server: ['server', 'both', 'application end'],
    client: ['client', 'both'],
    // What binds every endpoint is asked of a relay in its other two roles.
    relay: ['relay'],
  };
  const bound = new Set(requirements.filter((one) => roles[role].includes(one.role)).map(({ id }) => id));
  return entries.filter(({ id }) => bound.has(id)).map(({ id, reason }) => ({ requirement: id, reason }));
}
