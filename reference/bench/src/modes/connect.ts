import type { Link } from '../link.ts';
import type { Measure } from '../measures.ts';
import { type Reading, Stopwatch } from '../stopwatch.ts';

const AT_A_TIME = 8;

/**
 * Opens connections, a few at a time, and closes each as soon as it is ready for messages.
 *
 * @returns connections per second.
 */
export async function connectAll(connect: () => Promise<Link>, { warmUp, count }: Measure): Promise<Reading> {
  await run(connect, warmUp);
  const watch = new Stopwatch();
  await run(connect, count);
  return watch.rate(count);
}

async function run(connect: () => Promise<Link>, count: number): Promise<void> {
  let begun = 0;
  const worker = async (): Promise<void> => {
    while (begun < count) {
      begun += 1;
      await (await connect()).close();
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
}
