import type { FrameInput } from '../../model/codec.ts';
import type { MachineRow } from '../../model/registry.ts';
import { machineOf } from '../../model/registry.ts';
import { fail } from '../../peer/failure.ts';
import type { ServerPeer } from '../../peer/server-peer.ts';
import type { ConnectionUnderTest } from '../../testee/connection-under-test.ts';
import type { ClientCase } from '../case.ts';
import { clientCases } from '../case.ts';
import type { ClientContext } from '../client-context.ts';

interface Reached {
  readonly peer: ServerPeer;
  readonly client: ConnectionUnderTest;
  readonly channel: number;
}

interface Way {
  readonly words: string;
  readonly features?: readonly string[];
  reach(context: ClientContext): Promise<Reached>;
}

async function reachOpening(context: ClientContext): Promise<Reached> {
  const met = await context.established();
  const channel = await met.client.open('test/echo');
  await met.peer.expect('OPEN', { channel });
  return { ...met, channel };
}

/** How a channel of the client comes into a state, and how a stimulus says so. */
const WAYS: Readonly<Record<string, Way>> = {
  idle: {
    words: 'on a channel that was never opened',
    reach: async (context) => ({ ...(await context.established()), channel: 1 }),
  },
  opening: {
    words: 'on a channel whose OPEN is not answered yet',
    reach: reachOpening,
  },
  proving: {
    words: 'on a channel on which it has just sent PROVE',
    reach: async (context) => {
      const met = await reachOpening(context);
      met.peer.sendProve(met.channel);
      return met;
    },
  },
  proved: {
    words: 'on a channel whose PROOF has arrived',
    reach: async (context) => {
      const met = await reachOpening(context);
      met.peer.sendProve(met.channel);
      await context.dependency('PROOF', () => met.peer.expectProof(met.channel));
      return met;
    },
  },
  open: { words: 'on an open channel', reach: (context) => context.opened() },
  'half-closed-local': {
    words: 'on a channel that the client has ended',
    reach: async (context) => {
      const met = await context.opened();
      await met.client.end(met.channel);
      await met.peer.expect('END', { channel: met.channel });
      return met;
    },
  },
  'half-closed-remote': {
    words: 'on a channel that the server has ended',
    reach: async (context) => {
      const met = await context.opened();
      met.peer.send('END', { channel: met.channel });
      await met.client.expectEvent('ended');
      return met;
    },
  },
  settling: {
    words:
      'on a channel with outcomes that both ends have ended and on which a message of the client has no verdict yet',
    features: ['outcomes'],
    reach: async (context) => {
      const met = await context.opened('test/echo', { outcomes: true });
      met.client.send(met.channel, Uint8Array.of(1));
      await met.peer.expect('MESSAGE', { channel: met.channel });
      await met.client.end(met.channel);
      await met.peer.expect('END', { channel: met.channel });
      met.peer.send('END', { channel: met.channel });
      await met.client.expectEvent('ended');
      return met;
    },
  },
  'reset-sent': {
    words: 'on a channel that the client has reset',
    reach: async (context) => {
      const met = await context.opened();
      await met.client.reset(met.channel);
      await met.peer.expect('RESET', { channel: met.channel });
      return met;
    },
  },
  closed: {
    words: 'on a channel that both ends have ended',
    reach: async (context) => {
      const met = await context.opened();
      await met.client.end(met.channel);
      await met.peer.expect('END', { channel: met.channel });
      met.peer.send('END', { channel: met.channel });
      await met.client.expectEvent('ended');
      return met;
    },
  },
};

/** Payloads that are right for any state in which the frame is. */
const FIELDS: Readonly<Record<string, NonNullable<FrameInput['fields']>>> = {
  OPENED: { parameters: [] },
  REFUSED: { code: 0x0401, retry_after_ms: 0 },
  MESSAGE: { fragment: Uint8Array.of(1, 2, 3) },
  CREDIT: { message_limit: 2000, byte_limit: 20_000_000 },
  OUTCOME: { last_message: 1, verdict: 0 },
  END: {},
  RESET: { code: 0x0404 },
};

function send(peer: ServerPeer, frame: string, channel: number): void {
  if (frame === 'PROVE') {
    peer.sendProve(channel);
    return;
  }
  const flags = frame === 'MESSAGE' ? ['FIRST', 'LAST'] : [];
  peer.send(frame, { channel, flags, fields: FIELDS[frame] ?? {} });
}

function way(state: string): (typeof WAYS)[string] {
  const found = WAYS[state];
  if (found === undefined) throw new TypeError(`no way into the channel state ${state}`);
  return found;
}

function featuresOf(state: string): Pick<ClientCase, 'features'> {
  const { features } = way(state);
  return features === undefined ? {} : { features };
}

/**
 * `proving` is over as soon as the client has judged PROVE, which may be before it reads the next frame. So of that row only what is
 * the same in `proved` can be asked from outside: everything but OPENED.
 */
const rows: readonly MachineRow[] = machineOf('client', 'channel').rows.filter(
  ({ state, frame }) => !(state === 'proving' && frame === 'OPENED'),
);

const errorCases = rows.flatMap((row) =>
  row.error === undefined
    ? []
    : [
        {
          id: `CHN-003/client-${row.frame.toLowerCase()}-${row.state}`,
          requirements: ['CHN-003'] as const,
          title: `${row.frame} in channel state ${row.state} is an error`,
          stimulus: `The server sends ${row.frame} ${way(row.state).words}.`,
          expectation: `The client answers with CLOSE(${row.error}).`,
          ...featuresOf(row.state),
          run: async (context: ClientContext) => {
            const { peer, channel } = await way(row.state).reach(context);
            send(peer, row.frame, channel);
            await peer.expectViolation(row.error ?? '', { requirement: 'CHN-003' });
          },
        },
      ],
);

const toleratedCases = rows
  .filter(({ do: action }) => action === 'discard' || action === 'ignore' || action === 'none')
  .map((row) => ({
    id: `CHN-003/client-${row.frame.toLowerCase()}-${row.state}`,
    requirements: ['CHN-003', ...(row.state === 'reset-sent' ? (['CHN-031'] as const) : [])] as const,
    title: `${row.frame} in channel state ${row.state} is not an error`,
    stimulus: `The server sends ${row.frame} ${way(row.state).words}, then a message on another channel and a PING.`,
    expectation: 'The client delivers the message on the other channel and answers the PING.',
    ...featuresOf(row.state),
    run: async (context: ClientContext) => {
      const { peer, client, channel } = await way(row.state).reach(context);
      send(peer, row.frame, channel);
      const other = await client.open('test/echo');
      await peer.expect('OPEN', { channel: other });
      peer.sendOpened(other);
      peer.sendMessage(other, Uint8Array.of(7));
      let event = await client.nextEvent('the message on the other channel', 'CHN-003');
      while (event.event !== 'message') event = await client.nextEvent('the message on the other channel', 'CHN-003');
      await peer.barrier('CHN-003');
    },
  }));

/** RESET wherever the table has it answered. */
const resetCases = rows
  .filter(({ do: action }) => action?.startsWith('send RESET') === true)
  .map(({ state }) => ({
    id: `CHN-029/client-${state}`,
    requirements: ['CHN-029', 'CHN-030'] as const,
    title: `RESET in channel state ${state} is answered`,
    stimulus: `The server sends RESET ${way(state).words}, and a PING.`,
    expectation: 'RESET(CHANNEL_CLOSED) arrives, nothing on the channel behind it, and the PING is answered.',
    ...featuresOf(state),
    run: async (context: ClientContext) => {
      const { peer, channel } = await way(state).reach(context);
      send(peer, 'RESET', channel);
      const answer = await peer.expect('RESET', { channel, requirement: 'CHN-029' });
      answer.requireCode('CHANNEL_CLOSED', 'CHN-029');
      const late = (await peer.barrier('CHN-029')).find((frame) => frame.channel === channel);
      if (late !== undefined) fail('nothing more on the channel', late.text, 'CHN-030');
    },
  }));

/** Where a verdict may come: before the END of either side, and after both. */
const outcomeCases = ['open', 'half-closed-local', 'half-closed-remote', 'settling'].map((state) => ({
  id: `CNT-041/client-${state}`,
  requirements: ['CNT-041', 'CHN-003'] as const,
  title: `a verdict on a channel in state ${state} is taken, and only once`,
  stimulus: `On a channel with outcomes, in state ${state}, the server sends its verdict on the only message of the client, and then the same again.`,
  expectation:
    state === 'settling'
      ? 'The client takes the first, with which the channel is closed, and answers the second with CLOSE(FRAME_UNEXPECTED).'
      : 'The client takes the first and answers the second with CLOSE(OUTCOME_INVALID).',
  features: ['outcomes'],
  run: async (context: ClientContext) => {
    const { peer, client, channel } = await context.opened('test/echo', { outcomes: true });
    client.send(channel, Uint8Array.of(1));
    await peer.expect('MESSAGE', { channel, requirement: 'CNT-041' });
    if (state === 'half-closed-local' || state === 'settling') {
      await client.end(channel);
      await peer.expect('END', { channel });
    }
    if (state === 'half-closed-remote' || state === 'settling') {
      peer.send('END', { channel });
      await client.expectEvent('ended');
    }
    send(peer, 'OUTCOME', channel);
    await peer.barrier('CNT-041');
    send(peer, 'OUTCOME', channel);
    const code = state === 'settling' ? 'FRAME_UNEXPECTED' : 'OUTCOME_INVALID';
    await peer.expectViolation(code, { requirement: 'CNT-041' });
  },
}));

/** Every cell of the client's channel table that is an error or asks for nothing, and those of RESET and OUTCOME. */
export const channelStates: readonly ClientCase[] = clientCases([
  ...errorCases,
  ...toleratedCases,
  ...resetCases,
  ...outcomeCases,
]);
