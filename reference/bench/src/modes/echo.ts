import { BURST, ContentCheck, createPayloads } from '../content.ts';
import type { Link } from '../link.ts';
import type { Measure } from '../measures.ts';
import { type Reading, Stopwatch } from '../stopwatch.ts';

/**
 * Keeps a window of messages in flight, each answered with itself, and checks what comes back.
 *
 * @returns messages per second, or for a latency, with one message in flight, the median round trip in microseconds.
 */
export async function echo(link: Link, { mode, size, warmUp, count }: Measure): Promise<Reading> {
  const payloads = createPayloads(size);
  const window = mode === 'latency' ? 1 : BURST;
  const check = new ContentCheck(payloads);
  await exchange(link, payloads, window, warmUp, check, (data) => check.compare(data));
  check.restart();
  const watch = new Stopwatch();

  if (mode === 'latency') {
    const times = new Float64Array(count);
    let last = performance.now();
    await exchange(link, payloads, window, count, check, (data) => {
      const now = performance.now();
      times[check.count] = now - last;
      last = now;
      check.add(data);
    });
    const { cpuMicros } = watch;
    check.verify(count);
    return { value: (times.sort()[count >>> 1] ?? NaN) * 1000, cpuMicros };
  }

  await exchange(link, payloads, window, count, check, (data) => check.add(data));
  const reading = watch.rate(count);
  check.verify(count);
  return reading;
}

function exchange(
  link: Link,
  payloads: readonly Uint8Array[],
  window: number,
  count: number,
  check: ContentCheck,
  take: (data: Uint8Array) => void,
): Promise<void> {
  return new Promise((resolve) => {
    let sent = 0;
    const next = (): void => {
      link.send(payloads[sent % BURST] as Uint8Array);
      sent += 1;
    };
    link.onMessage = (data) => {
      take(data);
      if (sent < count) next();
      else if (check.count === count) resolve();
    };
    for (let index = 0; index < window; index += 1) next();
  });
}
