import type { FaultCounts } from './faults.ts';
import type { Judgement } from './judge.ts';
import type { Run, RunCounts } from './run.ts';
import type { Traffic } from './traffic.ts';
import type { Worker } from './worker.ts';

/** How much is done to a run, and by it. */
export interface Extent {
  /** In each direction. */
  readonly messages: number;
  readonly faults: FaultCounts;
  readonly totalMs: number;
}

/** What became of a run. */
export interface Outcome {
  readonly judgement: Judgement;
  readonly counts: RunCounts;
  /** What else was done, by name. */
  readonly done: Readonly<Record<string, number>>;
}

/** Lets a client end its session and every process end by itself; returns what was not as it should be. */
export async function endRun(
  run: Run,
  traffic: Traffic,
  client: Worker,
  servers: readonly Worker[],
): Promise<string[]> {
  const all = [client, ...servers];
  run.finish();
  const finished = run.next('finished', client);
  client.send({ type: 'finish' });
  const { reason } = await run.until('the end of the session', finished, all);
  await run.until('the end of the processes', Promise.all(all.map((worker) => worker.stop())), all);
  const inOrder = `${traffic.streams.map(() => 'closed').join(' ')} ended orderly`;
  return [...run.violations, ...(reason === inOrder ? [] : [`the session has ended as '${reason}'`])];
}
