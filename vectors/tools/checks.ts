/** What has to hold of every vector before it is written. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import { errorNamed } from '../../conformance/model/registry.ts';
import { FLAGS } from './flags.ts';
import type { Vector } from './ids.ts';

/**
 * Checks that comments are unique in a file, that flags, requirements and errors exist, that each flag is used, and that at
 * least half of all vectors are negative.
 *
 * @throws Error with everything that is wrong.
 */
export function checkDrafts(files: readonly (readonly Vector[])[], requirementIds: readonly string[]): void {
  const problems: string[] = [];
  const used = new Set<string>();
  for (const vectors of files) {
    const comments = new Set<string>();
    for (const { id, comment, requirements, flags, result, ...rest } of vectors) {
      if (comments.has(comment)) problems.push(`${id}: the comment "${comment}" is not its own`);
      comments.add(comment);
      for (const requirement of requirements) {
        if (!requirementIds.includes(requirement)) problems.push(`${id}: there is no requirement ${requirement}`);
      }
      for (const flag of flags) {
        used.add(flag);
        if (FLAGS[flag] === undefined) problems.push(`${id}: there is no flag ${flag}`);
      }
      const { error } = rest;
      if (result === 'invalid' && typeof error === 'string') errorNamed(error);
    }
  }
  for (const flag of Object.keys(FLAGS)) if (!used.has(flag)) problems.push(`no vector has the flag ${flag}`);
  const judged = files.flat().filter(({ result }) => result !== undefined);
  const negative = judged.filter(({ result }) => result === 'invalid').length;
  if (2 * negative < judged.length) problems.push(`only ${negative} of ${judged.length} vectors are negative`);
  if (problems.length > 0) throw new Error(problems.join('\n'));
}

/**
 * Validates every vector file against its schema, in ajv's strict mode.
 *
 * @param files - texts by path below vectors/.
 * @throws Error with everything that is wrong.
 */
export function checkSchemas(files: ReadonlyMap<string, string>): void {
  const ajv = new Ajv2020({ strict: true, allErrors: true });
  const problems: string[] = [];
  for (const [path, text] of files) {
    if (path.startsWith('schema/')) ajv.addSchema(JSON.parse(text) as object, path);
  }
  for (const [path, text] of files) {
    const data = JSON.parse(text) as { readonly schema?: string };
    if (path.startsWith('schema/') || data.schema === undefined) continue;
    const validate = ajv.getSchema(data.schema);
    if (validate === undefined) {
      problems.push(`${path}: there is no ${data.schema}`);
    } else if (validate(data) !== true) {
      const errors = (validate.errors ?? []).slice(0, 5);
      problems.push(...errors.map(({ instancePath, message }) => `${path}${instancePath}: ${message ?? ''}`));
    }
  }
  if (problems.length > 0) throw new Error(problems.join('\n'));
}
