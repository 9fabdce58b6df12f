import type { Command } from 'commander';
import { parse } from 'yaml';
import { UsageError, oneLine } from './failure.ts';
import { readText } from './files.ts';

/** Options that say where configuration comes from, or are not configuration. */
const NOT_CONFIGURABLE: ReadonlySet<string> = new Set(['config', 'printConfig', 'help']);

/**
 * Fills options from a YAML file (JSON is YAML): those that neither a flag nor the environment has set. The keys are the
 * long names of the options in camel case; a key that is none is refused.
 *
 * @throws UsageError that names the file and the key.
 */
export function applyConfigFile(command: Command, path: string): void {
  const options = new Map(
    command.options
      .map((option) => [option.attributeName(), option] as const)
      .filter(([name]) => !NOT_CONFIGURABLE.has(name)),
  );
  for (const [key, value] of Object.entries(readMapping(path))) {
    const option = options.get(key);
    if (option === undefined) {
      const known = [...options.keys()].join(', ');
      throw new UsageError('--config', `${path}: there is no key "${key}". Known keys: ${known}.`);
    }
    const source = command.getOptionValueSource(key);
    if (source === 'cli' || source === 'env') continue;
    command.setOptionValueWithSource(key, toOptionValue(path, key, value, option), 'config');
  }
}

function readMapping(path: string): Record<string, unknown> {
  let content: unknown;
  try {
    content = parse(readText(path, '--config'));
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    const why = cause instanceof Error ? oneLine(cause.message) : String(cause);
    throw new UsageError('--config', `${path} is not YAML: ${why}`, cause);
  }
  if (content === null || typeof content !== 'object' || Array.isArray(content)) {
    throw new UsageError('--config', `${path} has to be a mapping of option names to values.`);
  }
  return content as Record<string, unknown>;
}

function toOptionValue(path: string, key: string, value: unknown, option: Command['options'][number]): unknown {
  if (option.isBoolean()) {
    if (typeof value === 'boolean') return value;
    throw new UsageError('--config', `${path}: "${key}" has to be true or false.`);
  }
  const texts = (Array.isArray(value) ? value : [value]).map((one: unknown) => {
    if (typeof one === 'string' || typeof one === 'number') return String(one);
    throw new UsageError('--config', `${path}: "${key}" has to be text, a number, or a list of them.`);
  });
  const { parseArg } = option;
  if (parseArg === undefined) return texts.at(-1);
  let result: unknown;
  try {
    for (const text of texts) result = parseArg(text, result as string);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError('--config', `${path}: "${key}" is not usable. ${why}`, cause);
  }
  return result;
}
