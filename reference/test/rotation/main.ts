/**
 * What `npm run rotation` runs: an echo with 64 messages always in flight, first on one connection, then while the session
 * moves to a fresh connection a hundred times. Nothing may be lost or reordered, and the 99th percentile of the latency while
 * it moves may be three times that without at most.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createClient } from '../../node/index.ts';
import { SERVER_IDENTITY, createKit } from '../integration/support/kit.ts';

const IN_FLIGHT = 64;
const ROTATIONS = 100;
/** Messages between two rotations: the session spends most of its life on one connection. */
const MESSAGES_BETWEEN = 5_000;
const SETTLE_MESSAGES = 20_000;
const MOST_RATIO = 3;

/** Sends and receives numbered messages, and remembers how long each took. */
class Flight {
  readonly latenciesMs: number[] = [];
  readonly #sentAt = new Map<number, number>();
  readonly #send: (message: Uint8Array) => void;
  #sent = 0;
  #received = 0;
  #until = 0;
  #wake: (() => void) | undefined;

  constructor(send: (message: Uint8Array) => void) {
    this.#send = send;
  }

  get received(): number {
    return this.#received;
  }

  /** Messages in flight. */
  get flying(): number {
    return this.#sent - this.#received;
  }

  launch(): void {
    const message = Buffer.alloc(64);
    message.writeUInt32BE(this.#sent);
    this.#sentAt.set(this.#sent, performance.now());
    this.#sent += 1;
    this.#send(message);
  }

  /** The next answer has come, or one that is not the next. */
  land(message: Uint8Array): void {
    const number = new DataView(message.buffer, message.byteOffset).getUint32(0);
    if (number !== this.#received) throw new Error(`Message ${number} came instead of ${this.#received}.`);
    this.latenciesMs.push(performance.now() - (this.#sentAt.get(number) ?? 0));
    this.#sentAt.delete(number);
    this.#received += 1;
    this.launch();
    if (this.#received >= this.#until) this.#wake?.();
  }

  /** Resolves when so many more messages have come back. */
  async more(count: number): Promise<void> {
    this.#until = this.#received + count;
    await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#wake = undefined;
  }

  /** Latencies since the last call. */
  take(): number[] {
    return this.latenciesMs.splice(0);
  }
}

const kit = await createKit();
const server = fork(fileURLToPath(new URL('server.ts', import.meta.url)), { execArgv: ['--import', 'tsx'] });
try {
  server.send({
    chain: kit.server.chainPem,
    key: kit.server.keyPem,
    anchors: kit.trust.trustAnchors.map((der) => Buffer.from(der).toString('base64')),
    crls: kit.trust.crls.map((der) => Buffer.from(der).toString('base64')),
  });
  const [port] = (await once(server, 'message')) as [number];
  const client = createClient({ credential: kit.client, ...kit.trust });
  const continuity = { retentionMs: 60_000 };
  const session = await client.connect({ host: '127.0.0.1', port, audience: SERVER_IDENTITY, continuity });
  const channel = await session.open('echo');
  const flight = new Flight((message) => void channel.send(message));
  channel.onMessage = (message) => flight.land(message);
  for (let count = 0; count < IN_FLIGHT; count += 1) flight.launch();
  await flight.more(SETTLE_MESSAGES);
  flight.take();

  // Interleaved, so that whatever else the machine does weighs on both alike.
  const still: number[] = [];
  const moving: number[] = [];
  const moved: number[] = [];
  for (let count = 0; count < ROTATIONS; count += 1) {
    await flight.more(MESSAGES_BETWEEN);
    still.push(...flight.take());
    const before = performance.now();
    const more = flight.more(MESSAGES_BETWEEN);
    await session.rotate();
    moved.push(performance.now() - before);
    await more;
    moving.push(...flight.take());
  }
  const [without, during] = [percentile(still, 99), percentile(moving, 99)];
  const ratio = during / without;
  process.stdout.write(
    `${session.epoch - 1} rotations, ${flight.received} messages, ${flight.flying} in flight, none lost, none out of order\n` +
      `p99 without rotation ${without.toFixed(2)} ms, while rotating ${during.toFixed(2)} ms: ${ratio.toFixed(2)} times (at most ${MOST_RATIO})\n` +
      `p50 ${percentile(still, 50).toFixed(2)} and ${percentile(moving, 50).toFixed(2)} ms; longest ${percentile(still, 100).toFixed(1)} and ${percentile(moving, 100).toFixed(1)} ms; ` +
      `a rotation takes ${percentile(moved, 50).toFixed(1)} ms (median)\n`,
  );
  channel.onMessage = () => undefined;
  await session.close();
  if (session.epoch !== ROTATIONS + 1 || ratio > MOST_RATIO) process.exitCode = 1;
} finally {
  server.kill();
}

function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? 0;
}
