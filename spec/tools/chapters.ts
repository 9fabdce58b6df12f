import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Chapter of each requirement prefix, which is also the `section` of registry entries. */
export const CHAPTER_FILES: Readonly<Record<string, string>> = {
  TLS: '02-tls-profile.md',
  WIR: '03-wire-format.md',
  EST: '04-establishment.md',
  SES: '05-session.md',
  CHN: '06-channels.md',
  ERR: '07-errors.md',
  EXT: '08-extension.md',
  CNT: '12-continuity.md',
  RLY: '13-relay.md',
  APP: 'annex-a-interop-applications.md',
  CST: 'annex-b-cost-ledger.md',
};

/** A chapter or annex: its file name below spec/ and its text. */
export interface Chapter {
  readonly file: string;
  readonly text: string;
}

/** Reads the chapters and annexes of a project in the order of their names. */
export function readChapters(root: string): readonly Chapter[] {
  const folder = join(root, 'spec');
  return readdirSync(folder)
    .filter((file) => /^(\d\d|annex-[a-z])-[a-z-]+\.md$/.test(file))
    .sort()
    .map((file) => ({ file, text: readFileSync(join(folder, file), 'utf8') }));
}

/** What a chapter is called in a sentence: `chapter 4`, `annex A`. */
export function chapterLabel(file: string): string {
  const annex = /^annex-([a-z])-/.exec(file);
  return annex?.[1] === undefined ? `chapter ${Number.parseInt(file, 10)}` : `annex ${annex[1].toUpperCase()}`;
}

/** A Markdown link to the chapter of a prefix. */
export function chapterLink(prefix: string): string {
  const file = CHAPTER_FILES[prefix];
  return file === undefined ? prefix : `[${chapterLabel(file)}](${file})`;
}

/** The anchor that a Markdown renderer gives to a heading. */
export function headingAnchor(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-');
}
