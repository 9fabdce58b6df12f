import type { ErrorObject } from 'ajv/dist/2020.js';
import { ConfigError } from '../../core/index.ts';

/** The part of a JSON Schema that is of use here. */
export interface SchemaNode {
  readonly type?: string | undefined;
  readonly $ref?: string | undefined;
  readonly $defs?: Readonly<Record<string, SchemaNode>> | undefined;
  readonly description?: string | undefined;
  readonly properties?: Readonly<Record<string, SchemaNode | undefined>> | undefined;
  readonly items?: SchemaNode | undefined;
}

/** Octets of a value that are shown. */
const MOST_SHOWN = 100;

/**
 * The error that tells what a schema has against a configuration: file, place, value, and what is allowed.
 *
 * @param problems - all that the validator has found.
 * @param schema - every property that can be at fault has a description, which says what is allowed.
 */
export function describeProblem(source: string, problems: readonly ErrorObject[], schema: SchemaNode): ConfigError {
  // What follows from the kind of a route says little where the kind itself is wrong.
  const problem = problems.find(({ schemaPath }) => !schemaPath.includes('/allOf/')) ?? problems[0];
  if (problem === undefined) throw new TypeError('A configuration was refused without a problem.');
  const { keyword, instancePath, data } = problem;
  const params = problem.params as { readonly additionalProperty?: string; readonly missingProperty?: string };
  const steps = instancePath.split('/').slice(1);
  const place = placeOf(steps);
  const says = (code: `HAWSER_ERR_CONFIG_${string}`, key: string, text: string): ConfigError =>
    new ConfigError(code, key, `${source}: ${text}`);
  if (params.additionalProperty !== undefined) {
    const name = params.additionalProperty;
    const known = Object.keys(nodeAt(schema, steps).properties ?? {}).join(', ');
    const text = `${within(place)}there is no key "${name}". Allowed: ${known}.`;
    return says('HAWSER_ERR_CONFIG_UNKNOWN_KEY', placeOf([...steps, name]), text);
  }
  if (params.missingProperty !== undefined) {
    const missing = [...steps, params.missingProperty];
    const text = `${placeOf(missing)} is missing. Allowed: ${allowedAt(schema, missing)}.`;
    return says('HAWSER_ERR_CONFIG_MISSING_KEY', placeOf(missing), text);
  }
  const code = keyword === 'not' ? 'HAWSER_ERR_CONFIG_KEY_MISPLACED' : 'HAWSER_ERR_CONFIG_VALUE';
  return says(code, place, `${place} is ${shown(data)}. Allowed: ${allowedAt(schema, steps)}.`);
}

function within(place: string): string {
  return place === '' ? '' : `in ${place} `;
}

/** `/routes/2/framing` as `routes[2].framing`. */
function placeOf(steps: readonly string[]): string {
  return steps.reduce((place, step) => {
    if (/^\d+$/.test(step)) return `${place}[${step}]`;
    return place === '' ? step : `${place}.${step}`;
  }, '');
}

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}...` : text;
}

function allowedAt(schema: SchemaNode, steps: readonly string[]): string {
  return nodeAt(schema, steps).description ?? 'another value';
}

/** The schema of what a path leads to; a description beside a reference goes before that of what it refers to. */
function nodeAt(schema: SchemaNode, steps: readonly string[]): SchemaNode {
  return steps.reduce<SchemaNode>((node, step) => {
    const next = /^\d+$/.test(step) ? node.items : node.properties?.[step];
    return resolve(schema, next ?? {});
  }, schema);
}

function resolve(schema: SchemaNode, node: SchemaNode): SchemaNode {
  if (node.$ref === undefined) return node;
  const referred = schema.$defs?.[node.$ref.replace('#/$defs/', '')] ?? {};
  return { ...referred, ...node };
}
