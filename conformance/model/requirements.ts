import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Role } from './registry.ts';

/** A normative sentence of the specification, as spec/requirements.json has it. */
export interface Requirement {
  /** Permanent id, such as `WIR-001`. */
  readonly id: string;
  /** File below spec/. */
  readonly chapter: string;
  /** Number and heading of the section. */
  readonly section: string;
  readonly level: 'MUST' | 'SHOULD';
  /** MUST NOT or SHOULD NOT. */
  readonly negated: boolean;
  /** Whom the sentence binds. */
  readonly role: Role | 'both' | 'relay' | 'application end';
  readonly text: string;
  /** SHA-256 of the sentence, to notice a change. */
  readonly sha256: string;
}

/**
 * The directory with package.json above this module: the same from source and from dist/.
 *
 * @throws Error when there is none.
 */
export function packageRoot(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, 'package.json'))) {
    const parent = dirname(directory);
    if (parent === directory) throw new Error('no package.json above the conformance model');
    directory = parent;
  }
  return directory;
}

/** Reads every requirement of the specification, in its order. */
export function loadRequirements(): readonly Requirement[] {
  const text = readFileSync(join(packageRoot(), 'spec/requirements.json'), 'utf8');
  return (JSON.parse(text) as { readonly requirements: readonly Requirement[] }).requirements;
}
