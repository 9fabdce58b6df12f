import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { failOn } from './problems.ts';
import { checkRegistry } from './registry-checks.ts';
import type { Registry } from './registry-types.ts';
import { parseYaml } from './yaml-file.ts';

/** Compiles spec/registry.schema.json. */
export function createValidator(schema: object): ValidateFunction<Registry> {
  return new Ajv2020({ allErrors: true, strict: true, strictRequired: false, strictTypes: false }).compile<Registry>(
    schema,
  );
}

/**
 * Parses and validates a registry.
 *
 * @param text - the YAML of spec/registry.yaml
 * @param validate - made by {@link createValidator}
 * @throws SpecificationError naming every problem: YAML, schema, then meaning.
 */
export function parseRegistry(text: string, validate: ValidateFunction<Registry>): Registry {
  const data = parseYaml(text, 'registry.yaml');
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
  return parseRegistry(readFileSync(join(root, 'spec/registry.yaml'), 'utf8'), createValidator(schema));
}
