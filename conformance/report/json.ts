import { toHex } from '../model/codec.ts';
import type { WireLog } from '../peer/wire-log.ts';
import type { RunReport } from './run-report.ts';

/** The report as JSON that fits `schema/report.schema.json`. */
export function formatJson(report: RunReport): string {
  const { requirements, results, chapters, ...facts } = report;
  const value = {
    format: 'hawser-conformance-report/1',
    ...facts,
    chapters: chapters.map(({ prefix, title, passed, counts }) => ({ prefix, title, passed, counts })),
    cases: results.map(({ wire, ...result }) => ({
      ...result,
      texts: Object.fromEntries(result.requirements.map((id) => [id, requirements.get(id)?.text ?? ''])),
      wire: wire.map(wireLog),
    })),
  };
  return `${JSON.stringify(value, null, 2)}\n`;
}

function wireLog(log: WireLog): object {
  return {
    title: log.title,
    entries: log.entries.map(({ octets, ...entry }) =>
      octets === undefined ? entry : { ...entry, octets: toHex(octets) },
    ),
  };
}
