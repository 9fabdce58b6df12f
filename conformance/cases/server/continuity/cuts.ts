/** One exchange, cut at every place where a connection can be cut, and then completed on another connection. */
import type { Cut } from './ledger.ts';
import { Ledger } from './ledger.ts';
import { assertEqual } from '../../../peer/failure.ts';
import type { WireLog } from '../../../peer/wire-log.ts';
import type { ServerCase } from '../../case.ts';
import { serverCases } from '../../case.ts';
import type { ServerContext } from '../../server-context.ts';

type NewCase = Omit<ServerCase, 'role'>;
type Direction = Cut['direction'];

const DIRECTIONS: readonly Direction[] = ['to-server', 'to-client'];
const WORDS: Readonly<Record<Direction, string>> = {
  'to-server': 'that the client sends',
  'to-client': 'that comes from the server',
};

/** Sizes of the messages of the exchange. */
interface Scale {
  /** The message of several fragments, and their size; absent for the largest. */
  readonly bulk: number;
  readonly fragment?: number;
  readonly small: number;
}

const FULL: Scale = { bulk: 40_000, small: 60 };
/** The same frames with few octets, so that each of them can be tried. */
const TINY: Scale = { bulk: 90, fragment: 30, small: 9 };

/**
 * The frames that the client sends after ACCEPT, as the exchange was recorded without a cut. How many frames
 * come from the server depends on how it divides messages and when it acknowledges: where one sends fewer, the last of the cases
 * cut nothing, and where one sends more, another case goes on.
 */
export const FRAMES_TO_SERVER: readonly string[] = [
  ...['OPEN', 'OPEN', 'OPEN', 'OPEN', 'CREDIT', 'CREDIT', 'MESSAGE', 'MESSAGE', 'MESSAGE', 'OUTCOME', 'ACK'],
  ...['MESSAGE', 'MESSAGE', 'MESSAGE', 'MESSAGE', 'MESSAGE', 'MESSAGE', 'OUTCOME', 'MESSAGE', 'ACK'],
  ...['MESSAGE', 'MESSAGE', 'CREDIT', 'END', 'OUTCOME', 'MESSAGE', 'OUTCOME', 'END', 'END', 'END', 'ACK', 'CLOSE'],
];
const FRAMES_TO_CLIENT = 36;

/**
 * The exchange: channels to test/echo and test/outcome with verdicts, to test/source and to test/sink; messages of one frame and of
 * several, CREDIT, OUTCOME, ACK, END of each channel, CLOSE. Each step begins when what came before is complete, so that the client
 * sends the same frames in the same order, whatever is cut.
 */
async function exchange(context: ServerContext, scale: Scale, cut?: Cut): Promise<Ledger> {
  const ledger = await Ledger.begin(context);
  if (cut !== undefined) ledger.cut(cut);
  const message = (length: number): Uint8Array => context.bytes(length);
  const echo = ledger.sendOpen('test/echo', { outcomes: true });
  const source = ledger.sendOpen('test/source', { source: { count: 6, size: scale.small } });
  const sink = ledger.sendOpen('test/sink');
  const judge = ledger.sendOpen('test/outcome', { outcomes: true });
  await ledger.until('OPENED on each channel', () => ledger.channels.every(({ opened }) => opened));
  ledger.sendCredit(echo);
  ledger.sendCredit(judge);
  ledger.send(echo, message(scale.small));
  ledger.send(sink, message(scale.small));
  ledger.send(judge, Uint8Array.of(0, 7, 1));
  await ledger.until('the first echo', () => echo.received === 1);
  ledger.judge(echo);
  await ledger.until('the messages of test/source', () => source.endCame);
  ledger.acknowledge();
  ledger.send(echo, message(scale.bulk), scale.fragment);
  ledger.send(sink, message(scale.small));
  ledger.send(judge, Uint8Array.of(0, 0, 2));
  ledger.send(echo, message(0));
  await ledger.until('the large echo and the empty one', () => echo.received === 3);
  ledger.judge(echo);
  ledger.send(sink, message(scale.small));
  ledger.acknowledge();
  ledger.send(judge, Uint8Array.of(1, 2, 3));
  ledger.send(echo, message(scale.small));
  ledger.sendCredit(sink);
  ledger.end(sink);
  await ledger.until('the last echo', () => echo.received === 4);
  ledger.judge(echo);
  ledger.send(echo, message(1));
  await ledger.until('the echo of one octet', () => echo.received === 5);
  ledger.judge(echo);
  for (const channel of [echo, source, judge]) ledger.end(channel);
  await ledger.settle();
  await ledger.close();
  return ledger;
}

/** Sizes of the frames after ACCEPT in one direction, and their names. */
function recorded(log: WireLog, direction: Direction): readonly { readonly name: string; readonly size: number }[] {
  const here = direction === 'to-server' ? 'sent' : 'received';
  const accepted = log.entries.findIndex((entry) => entry.direction === 'received' && entry.text.startsWith('ACCEPT'));
  return log.entries
    .slice(accepted + 1)
    .filter((entry) => entry.direction === here && entry.octets !== undefined)
    .map((entry) => ({ name: entry.text.split(' ')[0] ?? '', size: entry.octets?.length ?? 0 }));
}

/** The exchange without a cut: its frames in both directions. */
async function rehearse(context: ServerContext, scale: Scale): Promise<Record<Direction, readonly number[]>> {
  return context.dependency('the exchange without a cut', async () => {
    await exchange(context, scale);
    const [log] = context.logs;
    const sizes = (direction: Direction): number[] =>
      log === undefined ? [] : recorded(log, direction).map(({ size }) => size);
    return { 'to-server': sizes('to-server'), 'to-client': sizes('to-client') };
  });
}

/** Cuts the exchange in one place and completes it; the report names the place. */
async function cutAt(context: ServerContext, scale: Scale, cut: Cut): Promise<Ledger> {
  await context.restart();
  const place = cut.frames === undefined ? `${cut.octets ?? 0} octets` : `${cut.frames} frames`;
  context.detail = `cut behind ${place} ${cut.direction}, counted from ACCEPT`;
  const ledger = await exchange(context, scale, cut);
  context.detail = undefined;
  return ledger;
}

const total = (sizes: readonly number[]): number => sizes.reduce((sum, size) => sum + size, 0);

/** How many places a default case tries in each direction. */
const SAMPLES = 4;
/** How many times as many in the deep profile. */
const DEEP_FACTOR = 30;
/** Of so many boundaries a default run tries one; the deep profile tries all. */
const BOUNDARY_STEP = 6;
/** About how long one cut takes. */
const CUT_MS = 25;

const EXPECTATION =
  'The session goes on on the next connection: every message and verdict arrives once, in order and whole, at both ends, and both state the right last cursors.';

const boundaryCases: readonly NewCase[] = DIRECTIONS.flatMap((direction) => {
  const count = direction === 'to-server' ? FRAMES_TO_SERVER.length : FRAMES_TO_CLIENT;
  return Array.from({ length: count + 1 }, (_, frames): NewCase => {
    const last = direction === 'to-server' && frames > 0 ? ` (${FRAMES_TO_SERVER[frames - 1] ?? ''})` : '';
    const place = frames === 0 ? `before the first frame` : `behind frame ${frames}${last}`;
    return {
      id: `CNT-030/cut-${direction}-${frames}`,
      requirements: ['CNT-030', 'CNT-013'],
      title: `the connection is cut ${place} ${WORDS[direction]}`,
      stimulus: `An exchange on four channels is cut ${place} ${WORDS[direction]}; the client attaches the session again and completes it.`,
      expectation: EXPECTATION,
      ...(frames % BOUNDARY_STEP === 0 ? {} : { deep: true }),
      estimateMs: CUT_MS,
      run: async (context) => {
        await exchange(context, FULL, { direction, frames });
      },
    };
  });
});

const walkingCases: readonly NewCase[] = DIRECTIONS.flatMap((direction): readonly NewCase[] => [
  {
    id: `CNT-030/cut-${direction}-anywhere`,
    requirements: ['CNT-030', 'CNT-013'],
    title: `the connection is cut inside frames ${WORDS[direction]}`,
    stimulus: `The exchange is cut inside ${SAMPLES} frames ${WORDS[direction]}, at octets chosen by the seed, and completed each time.`,
    expectation: EXPECTATION,
    estimateMs: SAMPLES * CUT_MS,
    deepEstimateMs: DEEP_FACTOR * SAMPLES * CUT_MS,
    run: async (context) => {
      const sizes = (await rehearse(context, FULL))[direction];
      for (let n = 0; n < SAMPLES * (context.deep ? DEEP_FACTOR : 1); n += 1) {
        const frame = context.random.integer(sizes.length);
        const octets = total(sizes.slice(0, frame)) + context.random.integer(sizes[frame] ?? 1);
        await cutAt(context, FULL, { direction, octets });
      }
    },
  },
  {
    id: `CNT-030/cut-${direction}-everywhere`,
    requirements: ['CNT-030', 'CNT-013'],
    title: `the connection is cut at every octet ${WORDS[direction]}`,
    stimulus: `An exchange with small messages is cut at every single octet ${WORDS[direction]}, and completed each time.`,
    expectation: EXPECTATION,
    deep: true,
    estimateMs: 1500 * CUT_MS,
    run: async (context) => {
      const octets = total((await rehearse(context, TINY))[direction]);
      for (let n = 0; n <= octets; n += 1) await cutAt(context, TINY, { direction, octets: n });
    },
  },
]);

/** Cases on cuts. */
export const cuts: readonly ServerCase[] = serverCases([
  {
    id: 'CNT-030/uncut-exchange',
    requirements: ['CNT-030'],
    title: 'the exchange of the cases on cuts, without a cut',
    stimulus: 'Messages, verdicts, credit and acknowledgements go both ways on four channels of a resumable session.',
    expectation: 'Everything arrives once and in order, and both ends state the right last cursors.',
    run: async (context) => {
      const ledger = await exchange(context, FULL);
      const names = recorded(ledger.peer.log, 'to-server').map(({ name }) => name);
      const alive = names.filter((name) => name !== 'PONG');
      assertEqual('the frames sent,', alive.join(' '), FRAMES_TO_SERVER.join(' '));
    },
  },
  ...boundaryCases,
  {
    id: 'CNT-030/cut-to-client-later',
    requirements: ['CNT-030', 'CNT-013'],
    title: `the connection is cut behind later frames ${WORDS['to-client']}`,
    stimulus: `Where the server sends more than ${FRAMES_TO_CLIENT} frames, the exchange is cut behind each of the others too.`,
    expectation: EXPECTATION,
    run: async (context) => {
      let peer;
      for (let frames = FRAMES_TO_CLIENT + 1; peer?.severed !== false; frames += 1) {
        const ledger = await cutAt(context, FULL, { direction: 'to-client', frames });
        peer = ledger.first;
      }
    },
  },
  ...walkingCases,
]);
