import { BEGIN, END } from './markers.ts';

/** A run of lines between blank lines, with the heading it stands under. */
export interface Paragraph {
  /** Line number of its first line, from 1. */
  readonly line: number;
  /** Innermost heading, without the number signs. */
  readonly section: string;
  /** The lines joined by spaces. */
  readonly text: string;
}

/** Splits the prose of a chapter into paragraphs; headings, fenced code and generated content are left out. */
export function splitParagraphs(text: string): readonly Paragraph[] {
  const paragraphs: Paragraph[] = [];
  let section = '';
  let start = 0;
  let lines: string[] = [];
  let fenced = false;
  let generated = false;

  const finish = (): void => {
    if (lines.length > 0) paragraphs.push({ line: start, section, text: lines.join(' ') });
    lines = [];
  };
  text.split('\n').forEach((raw, index) => {
    const line = raw.trim();
    const fence = line.startsWith('```');
    if (fence) fenced = !fenced;
    if (BEGIN.test(line)) generated = true;
    const heading = fenced || generated ? null : /^#+\s+(.*)$/.exec(line);
    if (heading !== null || line === '' || fence || fenced || generated) finish();
    else {
      if (lines.length === 0) start = index + 1;
      lines.push(line);
    }
    if (END.test(line)) generated = false;
    if (heading?.[1] !== undefined) section = heading[1];
  });
  finish();
  return paragraphs;
}
