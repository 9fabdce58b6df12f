/**
 * Writes the vectors: `npm run vectors`. With `--check` it writes nothing and fails when a file is not what it would write.
 *
 * Ids are permanent: a vector keeps the id that the committed file gives to its comment, a new one gets the next free number,
 * and numbers of vectors that are gone are not used again.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import { loadRequirements } from '../../conformance/model/requirements.ts';
import { registry } from '../../conformance/model/registry.ts';
import { certificateVectors } from './certificates.ts';
import { checkDrafts, checkSchemas } from './checks.ts';
import { evidenceVectors } from './evidence.ts';
import { FLAGS } from './flags.ts';
import { frameVectors } from './frames.ts';
import { assignIds } from './ids.ts';
import type { Manifest, Vector } from './ids.ts';
import { mustFailVectors } from './must-fail.ts';
import { outcomeVectors } from './outcomes.ts';
import { parameterVectors } from './parameters.ts';
import { issueParties } from './parties.ts';
import { proofVectors } from './proofs.ts';
import { resumptionVectors } from './resumption.ts';
import { vectorSchemas } from './schemas.ts';
import { streamVectors } from './streams.ts';
import { transcriptVectors } from './transcripts.ts';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');

function committed(file: string): string | undefined {
  const path = join(ROOT, file);
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** Every generated file, by its path below vectors/. */
async function generate(): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  const previous = JSON.parse(committed('manifest.json') ?? '{"files":[]}') as Manifest;
  const parties = await issueParties();
  const drafts = [
    frameVectors(),
    parameterVectors(),
    streamVectors(),
    outcomeVectors(),
    resumptionVectors(),
    transcriptVectors(parties),
    proofVectors(parties),
    await evidenceVectors(parties),
    await certificateVectors(parties),
  ];
  const entries: Manifest['files'][number][] = [];
  const emit = (name: string, description: string, vectors: readonly Vector[], lastId: number): void => {
    const { specRevision } = registry.protocol;
    const data = {
      schema: `schema/${name}.schema.json`,
      specRevision,
      description,
      numberOfVectors: vectors.length,
      vectors,
    };
    const text = json(data);
    files.set(`${name}.json`, text);
    const invalid = vectors.filter(({ result }) => result === 'invalid').length;
    const counts = name === 'must-fail' ? {} : { valid: vectors.length - invalid, invalid };
    entries.push({ file: `${name}.json`, sha256: sha256(text), vectors: vectors.length, ...counts, lastId });
  };
  const assigned = new Map<string, readonly Vector[]>();
  const assign = (
    name: string,
    prefix: string,
    list: Parameters<typeof assignIds>[1],
  ): ReturnType<typeof assignIds> => {
    const before = committed(`${name}.json`);
    const known = before === undefined ? [] : (JSON.parse(before) as { vectors: Vector[] }).vectors;
    const last = previous.files.find(({ file }) => file === `${name}.json`)?.lastId ?? 0;
    return assignIds(prefix, list, known, last);
  };
  for (const { name, prefix, description, drafts: list } of drafts) {
    const { vectors, lastId } = assign(name, prefix, list);
    assigned.set(name, vectors);
    emit(name, description, vectors, lastId);
  }
  const controls = mustFailVectors(assigned);
  const { vectors, lastId } = assign('must-fail', 'must-fail', controls.drafts);
  emit('must-fail', controls.description, vectors, lastId);

  checkDrafts(
    [...assigned.values(), vectors],
    loadRequirements().map(({ id }) => id),
  );
  for (const [name, schema] of vectorSchemas()) {
    files.set(`schema/${name}`, await format(JSON.stringify(schema), { parser: 'json', printWidth: 120 }));
  }
  files.set('flags.json', json(FLAGS));
  checkSchemas(files);
  const total = (of: (entry: Manifest['files'][number]) => number | undefined): number =>
    entries.reduce((sum, entry) => sum + (of(entry) ?? 0), 0);
  const others = [...files].filter(([file]) => !entries.some((entry) => entry.file === file));
  const manifest: Manifest = {
    specRevision: registry.protocol.specRevision,
    valid: total(({ valid }) => valid),
    invalid: total(({ invalid }) => invalid),
    files: entries,
    support: others.map(([file, text]) => ({ file, sha256: sha256(text) })),
  };
  files.set('manifest.json', json(manifest));
  return files;
}

const files = await generate();
const check = process.argv.includes('--check');
const different = [...files].filter(([file, text]) => committed(file) !== text);
if (check) {
  for (const [file] of different)
    console.error(`vectors/${file} is not what the generator writes: run npm run vectors`);
  process.exitCode = different.length > 0 ? 1 : 0;
} else {
  mkdirSync(join(ROOT, 'schema'), { recursive: true });
  for (const [file, text] of different) writeFileSync(join(ROOT, file), text);
  console.log(`vectors: ${files.size} files, ${different.length} written`);
}
