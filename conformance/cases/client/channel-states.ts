import type { FrameInput } from '../../model/codec.ts';
import type { MachineRow } from '../../model/registry.ts';
import { machineOf } from '../../model/registry.ts';
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

/** How a channel of the client comes into a state, and how a stimulus says so. */
const WAYS: Readonly<Record<string, { readonly words: string; reach(context: ClientContext): Promise<Reached> }>> = {
  idle: {
    words: 'on a channel that was never opened',
    reach: async (context) => ({ ...(await context.established()), channel: 1 }),
  },
  opening: {
    words: 'on a channel whose OPEN is not answered yet',
    reach: async (context) => {
      const met = await context.established();
      const channel = await met.client.open('test/echo');
      await met.peer.expect('OPEN', { channel });
      return { ...met, channel };
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
  END: {},
  RESET: { code: 0x0404 },
};

function send(peer: ServerPeer, frame: string, channel: number): void {
  const flags = frame === 'MESSAGE' ? ['FIRST', 'LAST'] : [];
  peer.send(frame, { channel, flags, fields: FIELDS[frame] ?? {} });
}

function way(state: string): (typeof WAYS)[string] {
  const found = WAYS[state];
  if (found === undefined) throw new TypeError(`no way into the channel state ${state}`);
  return found;
}

const rows: readonly MachineRow[] = machineOf('client', 'channel').rows;

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

/** Every cell of the client's channel table that is an error or asks for nothing. */
export const channelStates: readonly ClientCase[] = clientCases([...errorCases, ...toleratedCases]);
