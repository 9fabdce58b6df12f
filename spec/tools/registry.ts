import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parseDocument } from 'yaml';
import { failOn } from './problems.ts';
import { checkRegistry } from './registry-checks.ts';
import type { Registry } from './registry-types.ts';

/**
 * Parses and validates a registry.
 *
 * @param text - the YAML of spec/registry.yaml
 * @param schema - the parsed spec/registry.schema.json
 * @throws SpecificationError naming every problem: YAML, schema, then meaning.
 */
export function parseRegistry(text: string, schema: object): Registry {
  const document = parseDocument(text);
  failOn(
    [...document.errors, ...document.warnings].map(
      ({ message }) => `registry.yaml: ${message.split('\n', 1)[0] ?? ''}`,
    ),
  );

  const data: unknown = document.toJS();
  const ajv = new Ajv2020({ allErrors: true, strict: true, strictRequired: false, strictTypes: false });
  const validate = ajv.compile<Registry>(schema);
  if (!validate(data)) {
    failOn(
      (validate.errors ?? []).map((error) => {
        const extra = Object.values(error.params as Record<string, unknown>).map((value) => JSON.stringify(value));
        return `registry.yaml: ${error.instancePath || '/'} ${error.message ?? error.keyword} (${extra.join(', ')})`;
      }),
    );
    throw new TypeError('the validator rejected the registry without a reason');
  }
  failOn(checkRegistry(data).map((problem) => `registry.yaml: ${problem}`));
  return data;
}

/** Loads `spec/registry.yaml` and its schema below a project root. Throws like {@link parseRegistry}. */
export function loadRegistry(root: string): Registry {
  const schema = JSON.parse(readFileSync(join(root, 'spec/registry.schema.json'), 'utf8')) as object;
  return parseRegistry(readFileSync(join(root, 'spec/registry.yaml'), 'utf8'), schema);
}
