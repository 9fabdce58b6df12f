import { parseDocument } from 'yaml';
import { SpecificationError } from './problems.ts';

/**
 * Parses YAML, anchors resolved.
 *
 * @param name - what problems call the file
 * @throws SpecificationError for anything that YAML does not allow, duplicate keys and unknown anchors included.
 */
export function parseYaml(text: string, name: string): unknown {
  const document = parseDocument(text);
  const problems = [...document.errors, ...document.warnings].map(({ message }) => message);
  if (problems.length === 0) {
    try {
      return document.toJS() as unknown;
    } catch (error) {
      // An alias is resolved only now.
      if (!(error instanceof ReferenceError)) throw error;
      problems.push(error.message);
    }
  }
  throw new SpecificationError(problems.map((problem) => `${name}: ${problem.split('\n', 1)[0] ?? ''}`));
}
