import type { Measure } from './measures.ts';
import type { Cell, Machine, MeasureResult, Ratio } from './results.ts';

/** The goal that the project has set itself. */
const GOAL = { measure: 'one-way-64', to: 'ws', atLeast: 1.2 } as const;

/** One block of the table. */
export function formatMeasure({ measure, cells, ratios }: MeasureResult): string {
  const lower = measure.unit === 'us' ? ', lower is better' : '';
  const lines = [`${measure.id}: ${measure.title} (${measure.unit}${lower})`];
  for (const cell of cells) lines.push(row(cell.variant, cell, (value) => formatValue(value, measure)));
  for (const ratio of ratios) lines.push(row(`${ratio.of}/${ratio.to}`, ratio, (value) => `${value.toFixed(2)}x`));
  return `${lines.join('\n')}\n`;
}

/** Whether the goal was met; undefined when it was not measured. */
export function formatGoal(results: readonly MeasureResult[]): string | undefined {
  const ratios = results.find(({ measure }) => measure.id === GOAL.measure)?.ratios;
  const ratio = ratios?.find(({ to }) => to === GOAL.to);
  if (ratio === undefined) return undefined;
  const verdict = ratio.median >= GOAL.atLeast ? 'met' : 'missed';
  return `goal: hawser/${GOAL.to} at ${GOAL.measure} >= ${GOAL.atLeast}x: ${verdict}, median ${ratio.median.toFixed(2)}x\n`;
}

/** One line about the machine. */
export function formatMachine({ cpu, cores, node, openssl, pinned }: Machine): string {
  const how = pinned
    ? 'processes tied to cores'
    : 'processes NOT tied to cores (no taskset, or one core): compare ratios with care';
  return `${cpu}, ${cores} cores, Node ${node}, OpenSSL ${openssl}; ${how}\n`;
}

function row(name: string, { median, min, max }: Cell | Ratio, format: (value: number) => string): string {
  return `  ${name.padEnd(12)} ${format(median).padStart(10)}   ${format(min)} .. ${format(max)}`;
}

function formatValue(value: number, { unit }: Measure): string {
  if (unit === 'us') return value.toFixed(1);
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)} M`;
  if (value >= 1e4) return `${(value / 1e3).toFixed(0)} k`;
  return value.toFixed(0);
}
