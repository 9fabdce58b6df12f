import type { Measure } from './measures.ts';
import type { Reading } from './stopwatch.ts';
import type { VariantName } from './variants.ts';

/** What a pair of processes is to do: the first argument of each, as JSON. */
export interface Task {
  readonly variant: VariantName;
  readonly measure: Measure;
  /** Folder of the key files. */
  readonly keys: string;
}

/** The client's first argument. */
export interface ClientTask extends Task {
  readonly port: number;
}

/** Messages from a process to the one that started it. */
export type Report =
  | { readonly type: 'listening'; readonly port: number }
  /** The client's result, in the unit of the measure. */
  | ({ readonly type: 'measured' } & Reading)
  /** The server has checked everything that it received, and spent this much time on it. */
  | { readonly type: 'verified'; readonly cpuMicros: number };

/** The word that asks a server to check what it received. */
export const VERIFY = 'verify';

/** Reports to the process that started this one; resolves when the report is on its way. */
export function report(message: Report): Promise<void> {
  return new Promise((resolve, reject) => {
    if (process.send === undefined) throw new Error('this process is started by the bench, not by hand');
    process.send(message, (error: Error | null) => (error === null ? resolve() : reject(error)));
  });
}
