import { describe, expect, it } from 'vitest';
import type { Channel } from '../../../node/session/channel.ts';
import { systemEnvironment } from '../../../node/environment.ts';
import { silentLog } from '../../../node/log.ts';
import { SessionEndpoint, type SessionEnd } from '../../../node/session/session.ts';
import { openStored, settle, type StoredPair, storedPair } from '../core/stored-pair.ts';

const LOST: SessionEnd = {
  type: 'closed',
  outcome: 'aborted',
  code: undefined,
  error: undefined,
  remote: false,
  peerReceiveCursor: undefined,
  session: 'ended',
  acceptedMessages: [],
  unknownMessages: [],
  undeliveredMessages: [],
};

/** A channel on which three messages were sent, the first of which is accepted and reported, and the second accepted. */
function sent(): StoredPair & { readonly channel: number } {
  const stored = storedPair();
  const channel = openStored(stored, { outcomes: true });
  const { pair } = stored;
  for (let number = 1; number <= 3; number += 1) pair.client.sendMessage(channel, Uint8Array.of(number), 0);
  settle(stored);
  pair.server.settle(channel, 1, 0, 0);
  pair.server.settle(channel, 2, 0, 0);
  settle(stored);
  note(stored, channel, 1);
  return { ...stored, channel };
}

/** The client takes note of outcomes through a message, and stores that along with something else. */
function note({ client }: StoredPair, channel: number, last: number): void {
  client.session.reported(channel, last, 0);
  client.session.openChannel('another', {}, 0);
  client.write();
}

/** The next process of the client, and what it is told of the channel. */
function restarted({ client }: StoredPair): {
  readonly session: SessionEndpoint;
  readonly channel: Channel;
  readonly told: unknown[];
} {
  const told: unknown[] = [];
  const { end, events } = client.restart();
  const session: SessionEndpoint = new SessionEndpoint({
    core: end.session,
    environment: systemEnvironment,
    log: silentLog,
    peerIdentity: 'spiffe://hawser.test/server',
    onChannelRequested: (requested) => {
      requested.onOutcome = ({ first, last, outcome }) => void told.push([first, last, outcome.type]);
    },
  });
  for (const event of events) session.receive(event);
  const [channel] = session.channels;
  if (channel === undefined) throw new Error('no channel was restored');
  return { session, channel, told };
}

describe('a channel that was restored after a crash', () => {
  it('is told the outcome of every message that had none, when the peer resets it [CNT-042]', () => {
    const stored = sent();
    const { session, told } = restarted(stored);
    expect(told).toEqual([[2, 2, 'accepted']]);
    session.receive({
      type: 'channel-reset',
      channel: stored.channel,
      sentMessages: 3,
      code: 'CANCELLED',
      wireCode: 0,
    });
    expect(told).toEqual([
      [2, 2, 'accepted'],
      [3, 3, 'unknown'],
    ]);
  });

  it('likewise where no outcome has come since, and the session ends [CNT-042]', () => {
    const stored = sent();
    note(stored, stored.channel, 2);
    const { session, told } = restarted(stored);
    expect(told).toEqual([]);
    const fates = session.core.fates(undefined);
    session.core.end();
    session.finish({ ...LOST, ...fates });
    expect(told).toEqual([[3, 3, 'unknown']]);
  });

  it('likewise where no outcome has come since, and the peer resets it [CNT-042]', () => {
    const stored = sent();
    note(stored, stored.channel, 2);
    const { session, told } = restarted(stored);
    session.receive({
      type: 'channel-reset',
      channel: stored.channel,
      sentMessages: 3,
      code: 'CANCELLED',
      wireCode: 0,
    });
    expect(told).toEqual([[3, 3, 'unknown']]);
  });

  it('is there for its outcomes where both ends had ended it [CNT-042]', async () => {
    const stored = storedPair();
    const number = openStored(stored, { outcomes: true });
    const { client, pair } = stored;
    pair.client.sendMessage(number, Uint8Array.of(1), 0);
    settle(stored);
    pair.server.settle(number, 1, 0, 0);
    for (const end of [pair.client, pair.server]) end.endChannel(number, 0);
    settle(stored);
    const { end, events } = client.restart();
    const session = new SessionEndpoint({
      core: end.session,
      environment: systemEnvironment,
      log: silentLog,
      peerIdentity: 'spiffe://hawser.test/server',
    });
    for (const event of events) session.receive(event);
    const [channel] = session.channels;
    expect(await channel?.closed).toEqual({ type: 'closed' });
    const told: unknown[] = [];
    if (channel !== undefined) channel.onOutcome = (range) => void told.push(range);
    expect(told).toEqual([{ first: 1, last: 1, outcome: { type: 'accepted' } }]);
    expect([...session.channels]).toEqual([]);
    end.write();
    expect(end.restart().events).toEqual([]);
  });

  it('remembers that this end has abandoned it [CHN-030]', async () => {
    const stored = sent();
    stored.pair.client.resetChannel(stored.channel, 'CANCELLED', 0);
    stored.client.write();
    const { session, channel, told } = restarted(stored);
    expect(() => void channel.send(Uint8Array.of(4))).toThrow('can not follow the end of its channel');
    session.receive({ type: 'channel-closed', channel: stored.channel, sentMessages: 3 });
    expect(await channel.closed).toMatchObject({ type: 'reset', remote: false });
    expect(told).toEqual([
      [2, 2, 'accepted'],
      [3, 3, 'unknown'],
    ]);
  });
});
