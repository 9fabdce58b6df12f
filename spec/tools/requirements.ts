import { createHash } from 'node:crypto';
import { CHAPTER_FILES, type Chapter } from './chapters.ts';
import type { Exception } from './exceptions.ts';
import { type Paragraph, splitParagraphs } from './paragraphs.ts';
import type { Role } from './registry-types.ts';

/** A normative sentence of the specification, with the words that explain it in the same paragraph. */
export interface Requirement {
  /** Permanent id, as in `EST-012`. */
  readonly id: string;
  /** File of its chapter below spec/. */
  readonly chapter: string;
  /** Heading it stands under. */
  readonly section: string;
  readonly level: 'MUST' | 'SHOULD';
  /** True for MUST NOT and SHOULD NOT. */
  readonly negated: boolean;
  /** Whom it binds. */
  readonly role: Role | 'both' | 'relay' | 'application end';
  /** The paragraph without Markdown. */
  readonly text: string;
  /** SHA-256 of `text` in hexadecimal: changes whenever the sentence does. */
  readonly sha256: string;
}

/** Requirements in the order of the text, and what was wrong with the text. */
export interface Extraction {
  readonly requirements: readonly Requirement[];
  readonly problems: readonly string[];
}

const OPENING = /^(?:[-*]\s+|\d+\.\s+)?\*\*\[([^\]]*)\]\*\*\s*/;
const KEYWORD = /\b(?:MUST|SHOULD|SHALL)(?: NOT)?\b|\b(?:MAY|REQUIRED|RECOMMENDED|OPTIONAL)\b/g;
const LEVELS = new Set(['MUST', 'MUST NOT', 'SHOULD', 'SHOULD NOT']);

/** Extracts the requirements of the chapters. */
export function extractRequirements(chapters: readonly Chapter[]): Extraction {
  const requirements: Requirement[] = [];
  const problems: string[] = [];
  for (const { file, text } of chapters) {
    for (const paragraph of splitParagraphs(text)) {
      const found = readParagraph(file, paragraph);
      problems.push(...found.problems.map((problem) => `spec/${file}:${paragraph.line}: ${problem}`));
      for (const requirement of found.requirements) {
        const earlier = requirements.find(({ id }) => id === requirement.id);
        if (earlier === undefined) requirements.push(requirement);
        else
          problems.push(`spec/${file}:${paragraph.line}: ${requirement.id} is already used in spec/${earlier.chapter}`);
      }
    }
  }
  return { requirements, problems };
}

function readParagraph(chapter: string, { section, text }: Paragraph): Extraction {
  const opening = OPENING.exec(text);
  const body = opening === null ? text : text.slice(opening[0].length);
  const keywords = [...body.matchAll(KEYWORD)];
  const problems: string[] = [];
  if (/\*\*\[/.test(body)) problems.push('a requirement begins inside a paragraph; put a blank line before it');
  if (opening === null) {
    if (!/RFC (2119|8174)/.test(text)) {
      problems.push(
        ...keywords.map(
          ([word]) => `${word} outside of a requirement; give the sentence an id, or use a lower-case word`,
        ),
      );
    }
    return { requirements: [], problems };
  }

  const id = opening[1] ?? '';
  const prefix = id.slice(0, 3);
  if (!/^[A-Z]{3}-\d{3}$/.test(id))
    return { requirements: [], problems: [...problems, `[${id}] is not an id like [EST-012]`] };
  if (CHAPTER_FILES[prefix] !== chapter) {
    problems.push(
      `${id} does not belong here: the chapter of ${prefix} is ${CHAPTER_FILES[prefix] ?? 'not in spec/tools/chapters.ts'}`,
    );
  }
  const [keyword] = keywords;
  if (keyword === undefined || keywords.length > 1 || !LEVELS.has(keyword[0])) {
    const words = keywords.length === 0 ? 'none' : keywords.map(([word]) => word).join(', ');
    return {
      requirements: [],
      problems: [...problems, `${id} needs exactly one of MUST, MUST NOT, SHOULD, SHOULD NOT; it has ${words}`],
    };
  }
  const plain = stripMarkdown(body);
  const requirement: Requirement = {
    id,
    chapter,
    section,
    level: keyword[0].startsWith('MUST') ? 'MUST' : 'SHOULD',
    negated: keyword[0].endsWith('NOT'),
    role: roleOf(body.slice(0, keyword.index)),
    text: plain,
    sha256: createHash('sha256').update(plain).digest('hex'),
  };
  return { requirements: [requirement], problems };
}

/** The role that is the subject of a sentence, from the words before its keyword. */
function roleOf(beforeKeyword: string): Requirement['role'] {
  const sentence = beforeKeyword.split(/[.;:]\s+/).at(-1) ?? '';
  const subject = /^(?:A|An|The) (client|server|relay|application end)\b/.exec(sentence)?.[1];
  return (subject as Requirement['role'] | undefined) ?? 'both';
}

/** Removes emphasis, code marks and link targets; what stands between backticks is kept as it is. */
export function stripMarkdown(text: string): string {
  return text
    .split('`')
    .map((part, index) =>
      index % 2 === 1
        ? part
        : part
            .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
            .replaceAll(/\*\*([^*]+)\*\*/g, '$1')
            .replaceAll(/\*([^*\s](?:[^*]*[^*\s])?)\*/g, '$1'),
    )
    .join('')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

/**
 * Ids are permanent: one that was extracted before must still be there or be retired, and a retired one stays away.
 *
 * @param previous - ids of the committed requirements.json
 */
export function checkPermanence(
  requirements: readonly Requirement[],
  previous: readonly string[],
  retired: readonly Exception[],
): readonly string[] {
  const present = new Set(requirements.map(({ id }) => id));
  const withdrawn = new Set(retired.map(({ id }) => id));
  return [
    ...previous
      .filter((id) => !present.has(id) && !withdrawn.has(id))
      .map((id) => `${id} has vanished from the text; restore it, or list it with a reason in spec/retired.yaml`),
    ...retired
      .filter(({ id }) => present.has(id))
      .map(({ id }) => `${id} is retired in spec/retired.yaml and can not be used again`),
  ];
}
