import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../model/requirements.ts';

/** What every vector has; the rest follows its schema. */
export interface Vector {
  readonly id: string;
  readonly comment: string;
  readonly result: 'valid' | 'invalid';
  readonly error?: string;
  readonly reason?: string;
}

/** The vectors of a file. */
export function readVectors(name: string): readonly Vector[] {
  const text = readFileSync(join(packageRoot(), 'vectors', `${name}.json`), 'utf8');
  return (JSON.parse(text) as { readonly vectors: readonly Vector[] }).vectors;
}

/** A control: a vector of another file with a wrong expectation. */
export interface Control {
  readonly id: string;
  readonly comment: string;
  readonly kind: string;
  readonly vector: Vector;
}

export function readControls(): readonly Control[] {
  const text = readFileSync(join(packageRoot(), 'vectors/must-fail.json'), 'utf8');
  return (JSON.parse(text) as { readonly vectors: readonly Control[] }).vectors;
}
