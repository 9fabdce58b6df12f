import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../model/requirements.ts';
import { judgeOutcomes } from './outcome-judge.ts';
import type { OutcomeVector } from './outcome-judge.ts';
import { judgeResumption } from './resumption-judge.ts';
import type { ResumptionVector } from './resumption-judge.ts';
import { readControls, readVectors } from './vector-files.ts';
import type { Vector } from './vector-files.ts';
import {
  expectationOf,
  judgeEvidence,
  judgeFrame,
  judgeParameters,
  judgeProof,
  judgeStream,
  judgeTranscript,
} from './vector-judge.ts';
import type {
  EvidenceVector,
  Finding,
  FrameVector,
  ParameterVector,
  ProofVector,
  StreamVector,
  TranscriptVector,
} from './vector-judge.ts';

const JUDGES: Readonly<Record<string, (vector: Vector) => Finding>> = {
  frames: (vector) => judgeFrame(vector as FrameVector),
  parameters: (vector) => judgeParameters(vector as ParameterVector),
  streams: (vector) => judgeStream(vector as StreamVector),
  outcomes: (vector) => judgeOutcomes(vector as OutcomeVector),
  resumption: (vector) => judgeResumption(vector as ResumptionVector),
  transcripts: (vector) => judgeTranscript(vector as TranscriptVector),
  proofs: (vector) => judgeProof(vector as ProofVector),
  evidence: (vector) => judgeEvidence(vector as EvidenceVector),
};

describe.each(Object.entries(JUDGES))('%s.json', (name, judge) => {
  it.each(readVectors(name).map((vector) => [`${vector.id} ${vector.comment}`, vector] as const))('%s', (_, vector) => {
    expect(judge(vector)).toEqual(expectationOf(vector));
  });
});

describe('must-fail.json', () => {
  const controls = readControls().filter(({ kind }) => JUDGES[kind] !== undefined);

  it('has controls for every kind', () => {
    expect(new Set(controls.map(({ kind }) => kind))).toEqual(new Set(Object.keys(JUDGES)));
  });

  it.each(controls.map((control) => [`${control.id} ${control.comment}`, control] as const))('%s', (_, control) => {
    expect(JUDGES[control.kind]?.(control.vector)).not.toEqual(expectationOf(control.vector));
  });
});

describe('manifest.json', () => {
  interface Entry {
    readonly file: string;
    readonly sha256: string;
    readonly vectors?: number;
  }
  const root = join(packageRoot(), 'vectors');
  const manifest = JSON.parse(readFileSync(join(root, 'manifest.json'), 'utf8')) as {
    files: Entry[];
    support: Entry[];
  };

  it.each([...manifest.files, ...manifest.support].map((entry) => [entry.file, entry] as const))('%s', (_, entry) => {
    const text = readFileSync(join(root, entry.file), 'utf8');
    expect(createHash('sha256').update(text).digest('hex')).toBe(entry.sha256);
    if (entry.vectors !== undefined) {
      expect((JSON.parse(text) as { vectors: unknown[] }).vectors).toHaveLength(entry.vectors);
    }
  });
});
