import type { Measure } from './measures.ts';
import type { Machine, MeasureResult } from './results.ts';
import type { Summary } from './statistics.ts';

/** The goal that the project has set itself. */
const GOAL = { measure: 'one-way-64', to: 'ws', atLeast: 1.2 } as const;

/** One block of the table. */
export function formatMeasure({ measure, cells, ratios }: MeasureResult): string {
  const lower = measure.unit === 'us' ? ', lower is better' : '';
  const lines = [`${measure.id}: ${measure.title} (${measure.unit}${lower})`];
  for (const { variant, value, cpu } of cells) {
    lines.push(
      row(
        variant,
        columns(value, (one) => formatValue(one, measure)),
        columns(cpu, formatCpu),
      ),
    );
  }
  for (const { of, to, value, cpu } of ratios) {
    lines.push(row(`${of}/${to}`, columns(value, formatRatio), columns(cpu, formatRatio)));
  }
  return `${lines.join('\n')}\n`;
}

/** Whether the goal was met; undefined when it was not measured. */
export function formatGoal(results: readonly MeasureResult[]): string | undefined {
  const ratios = results.find(({ measure }) => measure.id === GOAL.measure)?.ratios;
  const ratio = ratios?.find(({ to }) => to === GOAL.to);
  if (ratio === undefined) return undefined;
  const verdict = ratio.value.median >= GOAL.atLeast ? 'met' : 'missed';
  return `goal: hawser/${GOAL.to} at ${GOAL.measure} >= ${GOAL.atLeast}x: ${verdict}, median ${formatRatio(ratio.value.median)}\n`;
}

/** What to know of the machine, and what speaks against trusting the figures. */
export function formatMachine({ cpu, cores, node, openssl, pinned, load }: Machine): string {
  const lines = [`${cpu}, ${cores} cores, Node ${node}, OpenSSL ${openssl}`];
  if (!pinned)
    lines.push('no taskset, or one core: processes are NOT tied to cores, rates of two runs may differ much');
  if (load >= 1)
    lines.push(`others use this machine (load average ${load.toFixed(1)}): trust the cpu columns, not the rates`);
  return `${lines.join('\n')}\n`;
}

function row(name: string, value: string, cpu: string): string {
  return `  ${name.padEnd(11)} ${value}   cpu ${cpu}`.trimEnd();
}

function columns({ median, min, max }: Summary, format: (value: number) => string): string {
  return `${format(median).padStart(8)}  ${`${format(min)} .. ${format(max)}`.padEnd(20)}`;
}

function formatRatio(ratio: number): string {
  return `${ratio.toFixed(2)}x`;
}

function formatValue(value: number, { unit }: Measure): string {
  if (unit === 'us') return value.toFixed(1);
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)} M`;
  if (value >= 1e4) return `${(value / 1e3).toFixed(0)} k`;
  return value.toFixed(0);
}

function formatCpu(nanos: number): string {
  return nanos >= 1e4 ? `${(nanos / 1e3).toFixed(0)} us` : `${nanos.toFixed(0)} ns`;
}
