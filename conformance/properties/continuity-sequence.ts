import fc from 'fast-check';
import type { ChannelLedger, Cut, LedgerApplication } from '../cases/server/continuity/ledger.ts';
import { Ledger } from '../cases/server/continuity/ledger.ts';
import type { ServerContext } from '../cases/server-context.ts';
import { integer } from '../model/codec.ts';

/** One thing that a client may do with a session that outlives its connections; `channel` picks among those that can be used. */
export type ContinuityCommand =
  | {
      readonly type: 'open';
      readonly application: LedgerApplication;
      readonly outcomes: boolean;
      readonly size: number;
    }
  | { readonly type: 'send'; readonly channel: number; readonly size: number; readonly fragment: number }
  | { readonly type: 'burst'; readonly channel: number; readonly size: number }
  | { readonly type: 'credit'; readonly channel: number }
  | { readonly type: 'end'; readonly channel: number }
  | { readonly type: 'reset'; readonly channel: number }
  | { readonly type: 'acknowledge' }
  | { readonly type: 'judge' }
  | { readonly type: 'settle' }
  | { readonly type: 'barrier' }
  | { readonly type: 'drain' }
  | { readonly type: 'detach' }
  | { readonly type: 'cut'; readonly cut: Cut }
  | { readonly type: 'rotate'; readonly cut: Cut | undefined };

/** Sequences of commands; those that are not possible where they stand are passed over. */
export function continuityCommands(): fc.Arbitrary<readonly ContinuityCommand[]> {
  const channel = fc.nat({ max: 7 });
  const outcomes = fc.boolean();
  const size = fc.oneof(fc.nat({ max: 12 }), fc.nat({ max: 3000 }));
  const direction = fc.constantFrom('to-server' as const, 'to-client' as const);
  // Often within the header of the next frame, sometimes far behind it.
  const octets = fc.oneof(fc.nat({ max: 40 }), fc.nat({ max: 4000 }));
  const cut: fc.Arbitrary<Cut> = fc.record({ direction, octets });
  const applications = ['test/echo', 'test/echo', 'test/outcome', 'test/sink', 'test/source'] as const;
  const send = fc.record({
    type: fc.constant('send' as const),
    channel,
    size,
    fragment: fc.oneof(fc.constant(16_368), fc.integer({ min: 400, max: 1500 })),
  });
  return fc.array(
    fc.oneof<fc.WeightedArbitrary<ContinuityCommand>[]>(
      {
        weight: 4,
        arbitrary: fc.record({
          type: fc.constant('open' as const),
          application: fc.constantFrom(...applications),
          outcomes,
          size,
        }),
      },
      { weight: 8, arbitrary: send },
      {
        weight: 2,
        arbitrary: fc.record({ type: fc.constant('burst' as const), channel, size: fc.nat({ max: 12 }) }),
      },
      { weight: 4, arbitrary: fc.record({ type: fc.constant('cut' as const), cut }) },
      {
        weight: 2,
        arbitrary: fc.record({ type: fc.constant('rotate' as const), cut: fc.option(cut, { nil: undefined }) }),
      },
      { weight: 1, arbitrary: fc.constant({ type: 'detach' as const }) },
      { weight: 1, arbitrary: fc.constant({ type: 'drain' as const }) },
      { weight: 2, arbitrary: fc.record({ type: fc.constant('credit' as const), channel }) },
      { weight: 1, arbitrary: fc.record({ type: fc.constant('end' as const), channel }) },
      { weight: 1, arbitrary: fc.record({ type: fc.constant('reset' as const), channel }) },
      { weight: 2, arbitrary: fc.constant({ type: 'acknowledge' as const }) },
      { weight: 2, arbitrary: fc.constant({ type: 'judge' as const }) },
      { weight: 2, arbitrary: fc.constant({ type: 'settle' as const }) },
      { weight: 1, arbitrary: fc.constant({ type: 'barrier' as const }) },
    ),
    { minLength: 1, maxLength: 24, size: 'max' },
  );
}

/** Within annex A: at least eight channels. */
const MOST_CHANNELS = 6;
/** Within what the client grants a channel at the beginning. */
const MOST_MESSAGES = 60;
const MOST_OCTETS = 100_000;
/** More than half of what most servers grant at the beginning: they have to grant more. */
const BURST = 36;
/** Longer than any run: the connection is left before. */
const DRAIN_MS = 60_000;

/** Carries out the commands, lets everything come to its end, and demands each message and verdict once and in order. */
export async function runContinuity(context: ServerContext, commands: readonly ContinuityCommand[]): Promise<void> {
  const ledger = await Ledger.begin(context);
  for (const command of commands) await carryOut(ledger, command);
  await ledger.finish();
}

async function carryOut(ledger: Ledger, command: ContinuityCommand): Promise<void> {
  switch (command.type) {
    case 'open': {
      const { application, size } = command;
      // A verdict other than accepted is only for a channel with verdicts.
      const outcomes = command.outcomes || application === 'test/outcome';
      const source = { count: size % 8, size };
      await open(ledger, application, application === 'test/source' ? { outcomes, source } : { outcomes });
      return;
    }
    case 'acknowledge':
      ledger.acknowledge();
      return;
    case 'judge':
      for (const channel of ledger.open) ledger.judge(channel);
      return;
    case 'settle':
      return ledger.settle();
    case 'barrier':
      return ledger.barrier();
    case 'drain':
      return drain(ledger);
    case 'detach':
      return ledger.detach();
    case 'cut':
      ledger.cut(command.cut);
      return;
    case 'rotate':
      return ledger.resume(command.cut);
    case 'send':
    case 'burst':
    case 'credit':
    case 'end':
    case 'reset': {
      const usable = ledger.open.filter((channel) => channel.usable && channel.application !== 'test/drain');
      const channel = usable[command.channel % Math.max(1, usable.length)];
      if (channel !== undefined) useChannel(ledger, channel, command);
      return;
    }
  }
}

function useChannel(
  ledger: Ledger,
  channel: ChannelLedger,
  command: Extract<ContinuityCommand, { readonly channel: number }>,
): void {
  switch (command.type) {
    case 'send':
      send(ledger, channel, command.size, command.fragment);
      return;
    case 'burst':
      for (let n = 0; n < BURST; n += 1) send(ledger, channel, command.size);
      return;
    case 'credit':
      // The END of test/source comes unasked, and may have been read already.
      if (channel.application !== 'test/source') ledger.sendCredit(channel);
      return;
    case 'end':
      ledger.end(channel);
      return;
    case 'reset':
      ledger.reset(channel);
      return;
  }
}

/** Sends a message, where the limits allow it. Every message differs from its neighbours. */
function send(ledger: Ledger, channel: ChannelLedger, size: number, fragment?: number): void {
  const sent = channel.verdicts.length;
  if (sent >= MOST_MESSAGES || channel.octets + size > MOST_OCTETS || !channel.hasRoom(1, size)) return;
  const message = Uint8Array.from({ length: size }, (_, at) => (at + 31 * sent) % 256);
  // The verdict that test/outcome is asked for: accepted, now and then another.
  if (size > 1) message.set(integer(sent % 5 === 0 ? 7 : 0, 2));
  ledger.send(channel, message, fragment);
}

/** Opens a channel and waits for it; a connection that is drained is left first (CNT-046). */
async function open(
  ledger: Ledger,
  application: LedgerApplication,
  options: Parameters<Ledger['sendOpen']>[1],
): Promise<ChannelLedger | undefined> {
  if (ledger.open.length >= MOST_CHANNELS) return undefined;
  while (ledger.draining) await ledger.resume();
  const channel = ledger.sendOpen(application, options);
  await ledger.until(`OPENED on channel ${channel.number}`, () => channel.opened);
  return channel;
}

/** Has the server say that the connection is to be left. On one that is cut in between it may never say so. */
async function drain(ledger: Ledger): Promise<void> {
  const channel = await open(ledger, 'test/drain', {});
  if (channel === undefined) return;
  const { peer } = ledger;
  ledger.send(channel, integer(DRAIN_MS, 4));
  await ledger.until('DRAIN', () => ledger.draining || ledger.peer !== peer);
}
