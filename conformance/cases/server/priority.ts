import type { ParameterInput } from '../../model/codec.ts';
import { MAX_U53 } from '../../model/codec.ts';
import { limit, registry } from '../../model/registry.ts';
import type { ClientPeer } from '../../peer/client-peer.ts';
import { assertThat, fail } from '../../peer/failure.ts';
import type { ServerCase } from '../case.ts';
import { serverCases } from '../case.ts';
import type { ServerContext } from '../server-context.ts';
import { again, asking, requireEcho } from './continuity/sessions.ts';
import { expectExactly } from './client-frames.ts';
import { FORWARD, RELAY } from './forwarded.ts';
import { sourceMessage, sourceRequest } from './message-flow.ts';

type NewCase = Omit<ServerCase, 'role'>;

const MAX = registry.header.maxPayloadBytes;
const BOUND = limit('urgent_bound_frames');
const SHARE = limit('priority_share_frames');

const URGENT = 0;
const NORMAL = 1;
const BULK = 2;
const CLASS_NAMES = ['urgent', 'normal', 'bulk'];
/** Of messages of test/source: octet i of message n is (n + i) mod 251. */
const PERIOD = 251;
/** Octets that a case lets a bulk channel send at once. */
const FLOOD_BYTES = 16_777_216;

/** A channel of test/source: its class, and what it is to send. */
interface Wanted {
  /** Absent: the parameter is not sent. */
  readonly priority?: number;
  /** One message if absent: what is left of a message that is begun is there to be sent, beyond doubt. */
  readonly count?: number;
  readonly size: number;
  /** Opened by FORWARD. */
  readonly forwarded?: true;
}

interface Source extends Wanted {
  readonly channel: number;
  readonly rank: number;
}

function classOf(priority: number | undefined): readonly { readonly id: string; readonly value: number }[] {
  return priority === undefined ? [] : [{ id: 'priority', value: priority }];
}

/** Opens channels of test/source. Each has sent one octet, and has no credit for more. */
async function stalled(
  context: ServerContext,
  wanted: readonly Wanted[],
  parameters: readonly ParameterInput[] = [],
): Promise<{ readonly peer: ClientPeer; readonly sources: readonly Source[] }> {
  const credit = [{ id: 'initial_byte_credit', value: 1 }];
  const as = wanted.some(({ forwarded }) => forwarded === true) ? RELAY : 'client';
  const peer = await context.established({ as, connect: { parameters: [...credit, ...parameters] } });
  const sources = await context.dependency('channels of test/source without credit', async () => {
    const opened: Source[] = [];
    for (const one of wanted) {
      const data = sourceRequest(one.count ?? 1, one.size);
      const more = classOf(one.priority);
      const channel =
        one.forwarded === true
          ? peer.sendForward('test/source', { data, more })
          : peer.sendOpen('test/source', data, more);
      await peer.expect('OPENED', { channel });
      const fragment = await peer.expect('MESSAGE', { channel, requirement: 'CHN-020' });
      if (fragment.bytes('fragment').length !== 1) fail('a fragment of one octet', fragment.text, 'CHN-020');
      opened.push({ ...one, channel, rank: one.priority ?? NORMAL });
    }
    await peer.barrier();
    return opened;
  });
  return { peer, sources };
}

/** CREDIT for everything that a channel has to send, not yet sent. */
function release(peer: ClientPeer, channel: number): Uint8Array {
  return peer.build('CREDIT', { channel, fields: { message_limit: MAX_U53, byte_limit: MAX_U53 } });
}

/** The classes of the fragments that arrive until all are there. On each channel they come in their order. */
async function ranks(peer: ClientPeer, sources: readonly Source[]): Promise<readonly number[]> {
  const received = new Map(sources.map(({ channel }) => [channel, 1]));
  // Put together once: message n begins at octet n mod 251 of it.
  const pattern = sourceMessage(0, Math.max(...sources.map(({ size }) => size)) + PERIOD);
  let left = sources.reduce((sum, { count = 1, size }) => sum + count * size - 1, 0);
  const seen: number[] = [];
  while (left > 0) {
    const frame = await peer.next('MESSAGE', 'MESSAGE', { requirement: 'APP-004' });
    const source = sources.find(({ channel }) => channel === frame.channel);
    if (source !== undefined && frame.name === 'END') continue;
    if (frame.name !== 'MESSAGE' || source === undefined) fail('MESSAGE', frame.text, 'APP-004');
    const fragment = frame.bytes('fragment');
    const at = received.get(source.channel) ?? 0;
    received.set(source.channel, at + fragment.length);
    const begin = (Math.floor(at / source.size) % PERIOD) + (at % source.size);
    const right = Buffer.compare(fragment, pattern.subarray(begin, begin + fragment.length)) === 0;
    assertThat(right, `octets ${at} and on of channel ${source.channel}`, frame.text, 'CHN-015');
    seen.push(source.rank);
    left -= fragment.length;
  }
  return seen;
}

/** Fails where an urgent fragment came behind too many others. */
function requireBound(seen: readonly number[]): void {
  const last = seen.lastIndexOf(URGENT);
  let others = 0;
  for (const rank of seen.slice(0, last + 1)) {
    others = rank === URGENT ? 0 : others + 1;
    if (others > BOUND) {
      fail(`at most ${BOUND} other fragments before an urgent one`, `at least ${others}: ${inWords(seen)}`, 'CHN-035');
    }
  }
}

/** Fails where fragments of higher classes came in too long a row while one of this class waited. */
function requireShare(seen: readonly number[], lower: number): void {
  const last = seen.lastIndexOf(lower);
  let higher = 0;
  for (const rank of seen.slice(0, last + 1)) {
    higher = rank < lower ? higher + 1 : 0;
    if (higher > SHARE) {
      const expected = `at most ${SHARE} fragments of higher classes in a row before a ${CLASS_NAMES[lower]} one`;
      fail(expected, `at least ${higher}: ${inWords(seen)}`, 'CHN-036');
    }
  }
}

/** `3 bulk, 1 urgent, ...` */
function inWords(seen: readonly number[]): string {
  const runs: { readonly rank: number; length: number }[] = [];
  for (const rank of seen) {
    const run = runs.at(-1);
    if (run?.rank === rank) run.length += 1;
    else runs.push({ rank, length: 1 });
  }
  const text = runs.slice(0, 12).map(({ rank, length }) => `${length} ${CLASS_NAMES[rank]}`);
  return text.join(', ') + (runs.length > 12 ? ', ...' : '');
}

/** Lets all sources go, those given first before the others, in one write; the classes as they arrive. */
async function flood(peer: ClientPeer, sources: readonly Source[]): Promise<readonly number[]> {
  peer.sendTogether(sources.map(({ channel }) => release(peer, channel)));
  return ranks(peer, sources);
}

const BEFORE: readonly { readonly slug: string; readonly words: string; readonly others: readonly Wanted[] }[] = [
  { slug: 'bulk', words: 'a bulk channel', others: [{ priority: BULK, size: 40 * MAX }] },
  { slug: 'normal', words: 'a normal channel', others: [{ priority: NORMAL, size: 40 * MAX }] },
  { slug: 'default', words: 'a channel without priority', others: [{ size: 40 * MAX }] },
  {
    slug: 'many-messages',
    words: 'a bulk channel with many messages',
    others: [{ priority: BULK, count: 200, size: 999 }],
  },
  {
    slug: 'small-fragments',
    words: 'a bulk channel with messages of one octet',
    others: [{ priority: BULK, count: 300, size: 1 }],
  },
  {
    slug: 'both-classes',
    words: 'a bulk and a normal channel',
    others: [
      { priority: BULK, size: 20 * MAX },
      { priority: NORMAL, size: 20 * MAX },
    ],
  },
  {
    slug: 'six-channels',
    words: 'six channels of both other classes',
    others: Array.from({ length: 6 }, (_, n) => ({ priority: 1 + (n % 2), size: 8 * MAX })),
  },
];

const boundCases = BEFORE.flatMap(({ slug, words, others }): readonly NewCase[] =>
  [1, 12].map((fragments) => ({
    id: `CHN-035/${fragments === 1 ? 'one' : 'several'}-before-${slug}`,
    requirements: ['CHN-035', 'CHN-015'],
    title: `${fragments === 1 ? 'an urgent fragment overtakes' : 'urgent fragments overtake'} ${words}`,
    stimulus: `Test/source has no credit left on ${words} and on an urgent channel, where a message waits. In one write the client grants credit for all that the former have to send, and for the rest of the urgent message, ${fragments === 1 ? 'a few octets' : 'several frames'}.`,
    expectation: `Not more than ${BOUND} fragments of the others arrive before each urgent one; on each channel all come in order.`,
    run: async (context) => {
      const size = fragments === 1 ? 50 : fragments * MAX;
      const { peer, sources } = await stalled(context, [...others, { priority: URGENT, size }]);
      requireBound(await flood(peer, sources));
    },
  })),
);

const UNDER: readonly {
  readonly slug: string;
  readonly words: string;
  readonly lower: number;
  readonly wanted: readonly Wanted[];
}[] = [
  {
    slug: 'bulk-under-urgent',
    words: 'a bulk channel beside an urgent one',
    lower: BULK,
    wanted: [
      { priority: BULK, size: 2 * MAX },
      { priority: URGENT, size: 60 * MAX },
    ],
  },
  {
    slug: 'bulk-under-normal',
    words: 'a bulk channel beside a normal one',
    lower: BULK,
    wanted: [
      { priority: BULK, size: 2 * MAX },
      { priority: NORMAL, size: 60 * MAX },
    ],
  },
  {
    slug: 'normal-under-urgent',
    words: 'a normal channel beside an urgent one',
    lower: NORMAL,
    wanted: [
      { priority: NORMAL, size: 2 * MAX },
      { priority: URGENT, size: 60 * MAX },
    ],
  },
  {
    slug: 'default-under-urgent',
    words: 'a channel without priority beside an urgent one',
    lower: NORMAL,
    wanted: [{ size: 2 * MAX }, { priority: URGENT, size: 60 * MAX }],
  },
  {
    slug: 'bulk-under-small-fragments',
    words: 'a bulk channel beside a normal one with messages of one octet',
    lower: BULK,
    wanted: [
      { priority: BULK, size: 10 * MAX },
      { priority: NORMAL, count: 400, size: 1 },
    ],
  },
  {
    slug: 'bulk-under-both',
    words: 'a bulk channel beside two urgent and two normal ones',
    lower: BULK,
    wanted: [
      { priority: BULK, size: 2 * MAX },
      { priority: URGENT, size: 15 * MAX },
      { priority: NORMAL, size: 15 * MAX },
      { priority: URGENT, size: 15 * MAX },
      { priority: NORMAL, size: 15 * MAX },
    ],
  },
  {
    slug: 'normal-above-bulk',
    words: 'a normal channel beside two urgent and two bulk ones',
    lower: NORMAL,
    wanted: [
      { priority: NORMAL, size: 3 * MAX },
      { priority: URGENT, size: 25 * MAX },
      { priority: BULK, size: 3 * MAX },
      { priority: URGENT, size: 25 * MAX },
      { priority: BULK, size: 3 * MAX },
    ],
  },
];

const shareCases = UNDER.map(({ slug, words, lower, wanted }): NewCase => ({
  id: `CHN-036/${slug}`,
  requirements: ['CHN-036', 'CHN-035', 'CHN-015'],
  title: `nobody starves: ${words}`,
  stimulus: `Test/source has no credit left on ${words}. The client grants credit for all that they have to send in one write.`,
  expectation: `Among any ${SHARE + 1} consecutive fragments at least one is of the lower class while it has any, and not more than ${BOUND} others come before each urgent one; on each channel all come in order.`,
  run: async (context) => {
    const { peer, sources } = await stalled(context, wanted);
    const seen = await flood(peer, sources);
    requireShare(seen, lower);
    requireBound(seen);
  },
}));

const valueCases = CLASS_NAMES.map((name, priority): NewCase => ({
  id: `CHN-036/alone-${name}`,
  requirements: ['CHN-036', 'CHN-015'],
  title: `a channel that is ${name} and alone does all its work`,
  stimulus: `The client opens test/source for fifty messages and test/echo, both with priority ${priority}, and nothing else.`,
  expectation: 'All fifty messages arrive, in order, and the echo.',
  run: async (context) => {
    const { peer, sources } = await stalled(context, [{ priority, count: 50, size: 2000 }]);
    await flood(peer, sources);
    const echo = await peer.open('test/echo', undefined, classOf(priority));
    await requireEcho(peer, echo, context.bytes(1), 'CHN-036');
  },
}));

const outOfRangeCases = [3, 4, 255].map((priority): NewCase => ({
  id: `WIR-026/priority-${priority}`,
  requirements: ['WIR-026'],
  title: `there is no priority ${priority}`,
  stimulus: `The client opens test/echo with priority ${priority}.`,
  expectation: 'The server answers with CLOSE(PARAMETER_INVALID).',
  run: async (context) => {
    const peer = await context.established();
    peer.sendOpen('test/echo', undefined, classOf(priority));
    await expectExactly(peer, 'PARAMETER_INVALID', 'WIR-026');
  },
}));

/** Section 6.5, for a server. What is ready to be sent is held back by credit, so that nothing depends on time. */
export const priority: readonly ServerCase[] = serverCases([
  ...boundCases,
  ...shareCases,
  ...valueCases,
  ...outOfRangeCases,
  {
    id: 'CHN-035/answer',
    requirements: ['CHN-035'],
    title: 'the class of a channel holds for what the server answers on it',
    stimulus:
      'An answer of test/echo on an urgent channel waits for credit behind its first octet, as a bulk channel of test/source does. The client grants both in one write, the bulk channel first.',
    expectation: `The echo arrives behind ${BOUND} bulk fragments at most.`,
    run: async (context) => {
      const { peer, sources } = await stalled(context, [{ priority: BULK, count: 1024, size: MAX }]);
      const echo = await context.dependency('opening test/echo', () =>
        peer.open('test/echo', undefined, classOf(URGENT)),
      );
      peer.sendMessage(echo, context.bytes(20));
      await context.dependency('the first octet of an echo', () => peer.expect('MESSAGE', { channel: echo }));
      const limits = { message_limit: MAX_U53, byte_limit: FLOOD_BYTES };
      const credits = sources.map(({ channel }) => peer.build('CREDIT', { channel, fields: limits }));
      peer.sendTogether([...credits, release(peer, echo)]);
      for (let others = 0; ; others += 1) {
        const frame = await peer.next('MESSAGE', 'MESSAGE', { requirement: 'CHN-035' });
        if (frame.name !== 'MESSAGE') fail('MESSAGE', frame.text, 'CHN-035');
        if (frame.channel === echo) return;
        if (others === BOUND) fail(`the echo behind at most ${BOUND} bulk fragments`, 'one more', 'CHN-035');
      }
    },
  },
  {
    id: 'CHN-035/forwarded',
    requirements: ['CHN-035', 'CHN-036'],
    title: 'the OPEN in a FORWARD says the class of the channel',
    stimulus:
      'A relay has opened an urgent and a bulk channel of test/source by FORWARD; both wait for credit, which it grants in one write.',
    expectation: `Not more than ${BOUND} bulk fragments before each urgent one, not more than ${SHARE} urgent ones in a row.`,
    features: FORWARD,
    run: async (context) => {
      const { peer, sources } = await stalled(context, [
        { priority: BULK, size: 8 * MAX, forwarded: true },
        { priority: URGENT, size: 20 * MAX, forwarded: true },
      ]);
      const seen = await flood(peer, sources);
      requireBound(seen);
      requireShare(seen, BULK);
    },
  },
  {
    id: 'CHN-035/on-the-next-connection',
    requirements: ['CHN-035', 'CHN-036', 'CNT-013'],
    title: 'a channel keeps its class over a resumption',
    stimulus:
      'In a resumable session a bulk and an urgent channel of test/source wait for credit. The client attaches the session to another connection and grants it there in one write.',
    expectation: `Not more than ${BOUND} bulk fragments before each urgent one, not more than ${SHARE} urgent ones in a row.`,
    run: async (context) => {
      const wanted = [
        { priority: BULK, size: 8 * MAX },
        { priority: URGENT, size: 20 * MAX },
      ];
      const { peer: former, sources } = await stalled(context, wanted, asking());
      if (former.session === undefined)
        fail('a granted session_retention_ms', former.accept?.text ?? 'none', 'APP-008');
      former.destroy();
      const peer = await again(context, former);
      await peer.barrier();
      const seen = await flood(peer, sources);
      requireBound(seen);
      requireShare(seen, BULK);
    },
  },
]);
