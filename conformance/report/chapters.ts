import type { CaseResult, Verdict } from '../runner/verdict.ts';
import { isGreen, VERDICTS } from '../runner/verdict.ts';

/** The chapters that cases belong to, by the prefix of their requirement, in the order of the text. */
const CHAPTERS: Readonly<Record<string, string>> = {
  TLS: 'TLS profile',
  WIR: 'Wire format',
  EST: 'Establishment',
  SES: 'Session',
  CHN: 'Channels',
  ERR: 'Errors',
  EXT: 'Versions and extension',
  CNT: 'Continuity',
  RLY: 'Relay',
  APP: 'Interop applications',
  CST: 'Cost ledger',
};

/** One chapter in a report. */
export interface ChapterSummary {
  readonly prefix: string;
  readonly title: string;
  readonly passed: boolean;
  readonly counts: Readonly<Partial<Record<Verdict, number>>>;
}

/** How many of each verdict there are; verdicts that did not occur are left out. */
export function countVerdicts(results: readonly { readonly verdict: Verdict }[]): Partial<Record<Verdict, number>> {
  const counts: Partial<Record<Verdict, number>> = {};
  for (const verdict of VERDICTS) {
    const count = results.filter((result) => result.verdict === verdict).length;
    if (count > 0) counts[verdict] = count;
  }
  return counts;
}

/** The results by chapter, in the order of the text; chapters without cases are left out. */
export function summarizeChapters(
  results: readonly CaseResult[],
  untestable: readonly { readonly requirement: string }[] = [],
): readonly ChapterSummary[] {
  return Object.entries(CHAPTERS).flatMap(([prefix, title]) => {
    const own = results.filter(({ id }) => id.startsWith(`${prefix}-`));
    const hidden = untestable.filter(({ requirement }) => requirement.startsWith(`${prefix}-`));
    if (own.length + hidden.length === 0) return [];
    const counts = countVerdicts([...own, ...hidden.map(() => ({ verdict: 'untestable' as const }))]);
    return [{ prefix, title, passed: own.every(({ verdict }) => isGreen(verdict)), counts }];
  });
}

/** `12 pass, 1 fail`. */
export function describeCounts(counts: Readonly<Partial<Record<Verdict, number>>>): string {
  return VERDICTS.flatMap((verdict) => {
    const count = counts[verdict];
    return count === undefined ? [] : [`${count} ${verdict}`];
  }).join(', ');
}
