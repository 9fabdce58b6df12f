import { createHash } from 'node:crypto';
import { Random } from './random.ts';

/** Which way a message goes: `up` is from the client to the application end. */
export type Direction = 'up' | 'down';

export const DIRECTIONS: readonly Direction[] = ['up', 'down'];

/** How long the messages of a stream are. */
export type Sizes = 'small' | 'mixed' | 'large';

/** One channel of a run: so many messages in each direction. */
export interface Stream {
  readonly application: string;
  readonly priority: 'urgent' | 'normal' | 'bulk';
  readonly outcomes: boolean;
  readonly messages: number;
  readonly sizes: Sizes;
}

const KIB = 1024;

/** Octets before which the content of a message is its own; what follows is a piece of the pool. */
const HEAD_BYTES = 12;

/** As long as the longest message and the greatest offset. */
const POOL_BYTES = 1024 * KIB + 64 * KIB;

/** Share of the messages that the application rejects, as 1 / n. */
const REJECTED_ONE_IN = 13;

/**
 * The streams of a run.
 *
 * @param messages - in each direction, over all streams.
 */
export function streamsOf(messages: number): readonly Stream[] {
  const large = Math.ceil(messages * 0.03);
  const plain = Math.ceil(messages * 0.18);
  const urgent = Math.ceil(messages * 0.3);
  return [
    { application: 'urgent', priority: 'urgent', outcomes: true, messages: urgent, sizes: 'small' },
    { application: 'plain', priority: 'normal', outcomes: false, messages: plain, sizes: 'mixed' },
    { application: 'bulk', priority: 'bulk', outcomes: true, messages: large, sizes: 'large' },
    {
      application: 'judged',
      priority: 'normal',
      outcomes: true,
      messages: messages - large - plain - urgent,
      sizes: 'mixed',
    },
  ];
}

/** Everything that is sent in a run: each message follows from the seed and its place. */
export class Traffic {
  readonly seed: number;
  readonly streams: readonly Stream[];
  readonly #pool: Buffer;

  constructor(seed: number, messages: number) {
    this.seed = seed;
    this.streams = streamsOf(messages);
    const random = new Random(seed, 'pool');
    this.#pool = Buffer.alloc(POOL_BYTES);
    for (let at = 0; at < POOL_BYTES; at += 4) this.#pool.writeUInt32LE(random.below(2 ** 32), at);
  }

  /** The stream of an application end. */
  stream(application: string): Stream {
    const stream = this.streams.find((one) => one.application === application);
    if (stream === undefined) throw new RangeError(`There is no stream ${application}.`);
    return stream;
  }

  /** Messages in each direction, over all streams. */
  get messages(): number {
    return this.streams.reduce((sum, { messages }) => sum + messages, 0);
  }

  /** Message n of a stream, from 1. */
  message({ application, sizes }: Stream, direction: Direction, number: number): Buffer {
    const random = new Random(this.seed + number, `${application} ${direction}`);
    const size = sizeOf(sizes, random);
    const offset = random.below(64 * KIB);
    const message = Buffer.from(this.#pool.subarray(offset, offset + size));
    const head = Buffer.alloc(HEAD_BYTES);
    head.writeUInt32BE(number, 0);
    head.writeUInt32BE(random.below(2 ** 32), 4);
    head.write(`${direction}${application}`, 8, 'latin1');
    head.copy(message);
    return message;
  }
}

function sizeOf(sizes: Sizes, random: Random): number {
  const kind = random.share();
  if (sizes === 'large') return random.scale(16 * KIB, 1024 * KIB);
  // Whole messages, the longest that is one frame and the shortest that is two among them.
  if (kind < 0.03) return 0;
  if (kind < 0.04) return 16_368 + random.below(2);
  if (sizes === 'small' || kind < 0.9) return random.below(KIB);
  return random.scale(KIB, 128 * KIB);
}

/** The digest by which content is compared. */
export function digestOf(message: Uint8Array): string {
  return createHash('sha256').update(message).digest('hex');
}

/** What an application says of a message, on a channel with outcomes: it follows from the content. */
export function verdictOf(digest: string): number {
  const value = Number.parseInt(digest.slice(0, 8), 16);
  return value % REJECTED_ONE_IN === 0 ? 1 + (value % 7) : 0;
}
