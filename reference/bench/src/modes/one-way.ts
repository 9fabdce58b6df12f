import { setImmediate as nextTurn } from 'node:timers/promises';
import { BURST, createPayloads } from '../content.ts';
import type { Link } from '../link.ts';
import type { Measure } from '../measures.ts';
import { type Reading, Stopwatch } from '../stopwatch.ts';

/**
 * Sends bursts until the server tells that it has everything: one per turn of the event loop, or, as a stream, as many as
 * the connection takes before it asks to wait.
 *
 * @returns messages per second, from the first burst to the server's word.
 */
export async function oneWay(link: Link, { mode, size, warmUp, count }: Measure): Promise<Reading> {
  const payloads = createPayloads(size);
  const send = mode === 'stream' ? stream : bursts;
  await received(link, send(link, payloads, warmUp));
  const watch = new Stopwatch();
  await received(link, send(link, payloads, count));
  return watch.rate(count);
}

async function received(link: Link, sending: Promise<void>): Promise<void> {
  const word = new Promise<void>((resolve) => {
    link.onMessage = () => resolve();
  });
  await Promise.all([sending, word]);
}

async function bursts(link: Link, payloads: readonly Uint8Array[], count: number): Promise<void> {
  for (let sent = 0; sent < count; sent += BURST) {
    await link.sendBurst(payloads);
    await nextTurn();
  }
}

async function stream(link: Link, payloads: readonly Uint8Array[], count: number): Promise<void> {
  for (let sent = 0; sent < count; sent += BURST) await link.sendBurst(payloads);
}
