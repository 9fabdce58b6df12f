import { CHAPTER_FILES, type Chapter } from './chapters.ts';
import { BEGIN, END } from './markers.ts';
import type { Registry } from './registry-types.ts';

const PREFIXES = Object.keys(CHAPTER_FILES).join('|');

/** The requirement ids that a text cites. */
export function citedIds(text: string): readonly string[] {
  return [...new Set(text.match(new RegExp(`\\b(?:${PREFIXES})-\\d{3}\\b`, 'g')))];
}

/**
 * Checks that what the prose names exists: requirement ids, and names in capitals with an underscore
 * (error codes and flags).
 */
export function checkReferences(
  chapters: readonly Chapter[],
  ids: ReadonlySet<string>,
  registry: Registry,
): readonly string[] {
  const names = new Set([
    ...registry.errors.map(({ name }) => name),
    ...registry.frames.flatMap(({ flags }) => (flags ?? []).map(({ name }) => name)),
  ]);
  return chapters.flatMap(({ file, text }) => {
    // Generated content follows the registry and the text; a stale one is not the author's mistake.
    let generated = false;
    return text.split('\n').flatMap((line, index) => {
      if (BEGIN.test(line) || END.test(line)) generated = BEGIN.test(line);
      if (generated) return [];
      const place = `spec/${file}:${index + 1}`;
      const written = line.match(/\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b/g) ?? [];
      return [
        ...citedIds(line)
          .filter((id) => !ids.has(id))
          .map((id) => `${place}: ${id} is no requirement`),
        ...written
          .filter((name) => !names.has(name))
          .map((name) => `${place}: ${name} is neither an error code nor a flag`),
      ];
    });
  });
}
