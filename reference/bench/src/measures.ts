/** What the two processes do. */
export type Mode = 'one-way' | 'stream' | 'echo' | 'latency' | 'connect';

/** One row of the table: an exchange, with fixed numbers of messages (or of connections). */
export interface Measure {
  readonly id: string;
  readonly title: string;
  readonly mode: Mode;
  /** Octets of each message. */
  readonly size: number;
  readonly warmUp: number;
  readonly count: number;
  readonly unit: 'messages/s' | 'connections/s' | 'us';
}

/** Counts are multiples of the burst. */
export const MEASURES: readonly Measure[] = [
  oneWay(64, '64 B', 1_024_000),
  oneWay(1024, '1 KiB', 320_000),
  { ...oneWay(64, '64 B', 1_024_000), id: 'stream-64', title: 'one way, 64 B, as fast as taken', mode: 'stream' },
  echo(64, '64 B', 320_000),
  echo(1024, '1 KiB', 160_000),
  latency(64, '64 B'),
  latency(1024, '1 KiB'),
  {
    id: 'connect',
    title: 'connect and open a session, 8 at a time',
    mode: 'connect',
    size: 64,
    warmUp: 64,
    count: 512,
    unit: 'connections/s',
  },
];

/** The same measure with a tenth of the messages: shows that it works, not how fast. */
export function quick(measure: Measure): Measure {
  const tenth = (count: number): number => Math.max(64, Math.floor(count / 640) * 64);
  return { ...measure, warmUp: tenth(measure.warmUp), count: tenth(measure.count) };
}

function oneWay(size: number, label: string, count: number): Measure {
  const title = `one way, ${label}, a burst of 64 per turn`;
  return { id: `one-way-${size}`, title, mode: 'one-way', size, warmUp: 128_000, count, unit: 'messages/s' };
}

function echo(size: number, label: string, count: number): Measure {
  const title = `echo, ${label}, 64 in flight`;
  return { id: `echo-${size}`, title, mode: 'echo', size, warmUp: 64_000, count, unit: 'messages/s' };
}

function latency(size: number, label: string): Measure {
  const title = `echo, ${label}, 1 in flight, one core: median round trip`;
  return { id: `latency-${size}`, title, mode: 'latency', size, warmUp: 6_400, count: 32_000, unit: 'us' };
}
