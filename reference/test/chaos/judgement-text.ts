import type { Finding, Judgement } from './judge.ts';

const COLUMNS: readonly (readonly [string, (finding: Finding) => string | number])[] = [
  ['stream', ({ stream, direction }) => `${stream.application} ${direction}`],
  ['messages', ({ stream }) => stream.messages],
  ['MiB', ({ octets }) => (octets / 2 ** 20).toFixed(1)],
  ['lost', ({ lost }) => lost],
  ['twice', ({ twice }) => twice],
  ['order', ({ outOfOrder }) => outOfOrder],
  ['altered', ({ altered }) => altered],
  ['accepted', ({ accepted }) => accepted],
  ['rejected', ({ rejected }) => rejected],
  ['outcome wrong', ({ wrongOutcomes }) => wrongOutcomes],
];

/** Violations that are told one by one. */
const MOST_VIOLATIONS = 20;

/** The table of a run, and what must not be in it. */
export function judgementText({ findings, violations }: Judgement): string {
  const rows = [
    COLUMNS.map(([name]) => name),
    ...findings.map((finding) => COLUMNS.map(([, cell]) => String(cell(finding)))),
  ];
  const widths = COLUMNS.map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
  const table = rows.map((row) =>
    row
      .map((cell, index) => (index === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[index] ?? 0)))
      .join('  '),
  );
  const more = violations.length - MOST_VIOLATIONS;
  const told = violations.slice(0, MOST_VIOLATIONS).map((violation) => `VIOLATION ${violation}`);
  return [...table, ...told, ...(more > 0 ? [`and ${more} more violations`] : [])].join('\n');
}
