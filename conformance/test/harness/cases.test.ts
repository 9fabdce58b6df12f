import { describe, expect, it } from 'vitest';
import { ROLES } from '../../cases/case.ts';
import { cases } from '../../cases/index.ts';
import { loadUntestable } from '../../cases/untestable.ts';
import { loadRequirements } from '../../model/requirements.ts';

const requirements = new Map(loadRequirements().map((requirement) => [requirement.id, requirement]));

describe('the list of cases', () => {
  it('has no id twice, in all roles together', () => {
    const ids = cases.map(({ id }) => id);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
  });

  it('names each case by its first requirement', () => {
    const wrong = cases.filter(({ id, requirements: [first] }) => !new RegExp(`^${first}/[a-z0-9-]+$`).test(id));
    expect(wrong.map(({ id }) => id)).toEqual([]);
  });

  it('names only requirements that exist', () => {
    const wrong = cases.filter((entry) => entry.requirements.some((id) => !requirements.has(id)));
    expect(wrong.map(({ id, requirements: all }) => `${id}: ${all.join(' ')}`)).toEqual([]);
  });

  it('runs the cases of a SHOULD with --strict only', () => {
    const wrong = cases.filter((entry) => (entry.level ?? 'MUST') !== requirements.get(entry.requirements[0])?.level);
    expect(wrong.map(({ id }) => id)).toEqual([]);
  });

  it('asks each role only for what binds it', () => {
    const wrong = cases.filter((entry) => {
      const bound = requirements.get(entry.requirements[0])?.role;
      const asked = bound === 'application end' ? 'server' : bound;
      // A relay is a server toward its clients, and a client toward application ends.
      return asked !== 'both' && asked !== entry.role && (entry.role !== 'relay' || bound === 'application end');
    });
    expect(wrong.map(({ id, role }) => `${id} (${role})`)).toEqual([]);
  });

  it('tells stimulus and expectation in sentences', () => {
    const wrong = cases.filter(
      ({ stimulus, expectation }) => ![stimulus, expectation].every((text) => /^\S.*\.$/s.test(text)),
    );
    expect(wrong.map(({ id }) => id)).toEqual([]);
  });

  it('does not ask what is listed as untestable', () => {
    const hidden = new Set(
      ROLES.flatMap((role) => loadUntestable(role, [...requirements.values()]).map(({ requirement }) => requirement)),
    );
    expect(cases.filter(({ requirements: all }) => all.some((id) => hidden.has(id))).map(({ id }) => id)).toEqual([]);
  });
});
