import { describe, expect, it } from 'vitest';
import { takeEvents } from './pair.ts';
import { openStored, reconnect, settle, storedPair } from './stored-pair.ts';
import { eventsOf } from './wire.ts';

describe('a session that goes on after a crash', () => {
  it('says that a message was begun, which goes on by itself', () => {
    const stored = storedPair();
    const channel = openStored(stored);
    const { client, pair } = stored;
    pair.client.sendMessage(channel, new Uint8Array(40_000), 0);
    pair.client.takeOutput(1);
    client.write();
    const { events } = client.restart();
    expect(eventsOf(events, 'channel-restored')).toMatchObject([{ channel, sentMessages: 1 }]);
  });

  it('sends a verdict that was decided and not sent [CNT-039]', () => {
    const stored = storedPair();
    const channel = openStored(stored, { outcomes: true });
    const { pair, server } = stored;
    pair.client.sendMessage(channel, Uint8Array.of(1), 0);
    pair.client.sendMessage(channel, Uint8Array.of(2), 0);
    settle(stored);
    pair.server.settle(channel, 1, 7, 0);
    pair.server.settle(channel, 2, 0, 0);
    server.write();
    stored.server = server.restart().end;
    reconnect(stored);
    settle(stored);
    expect(eventsOf(takeEvents(stored.pair).client, 'messages-settled')).toMatchObject([
      { channel, first: 1, last: 1, outcome: 'rejected', verdict: 7 },
      { channel, first: 2, last: 2, outcome: 'accepted' },
    ]);
  });

  it('tells again of verdicts that its owner has not taken note of [CNT-042]', () => {
    const stored = storedPair();
    const channel = openStored(stored, { outcomes: true });
    const { client, pair } = stored;
    for (let number = 1; number <= 3; number += 1) pair.client.sendMessage(channel, Uint8Array.of(number), 0);
    settle(stored);
    for (let number = 1; number <= 3; number += 1) pair.server.settle(channel, number, number === 2 ? 5 : 0, 0);
    settle(stored);
    expect(eventsOf(takeEvents(pair).client, 'messages-settled')).toHaveLength(3);
    client.session.reported(channel, 1, 0);
    pair.client.ping(0);
    pair.client.sendMessage(channel, Uint8Array.of(4), 0);
    settle(stored);
    const { events } = client.restart();
    expect(eventsOf(events, 'channel-restored')).toMatchObject([{ channel, sentMessages: 4, reportedMessages: 1 }]);
    expect(eventsOf(events, 'messages-settled')).toMatchObject([
      { first: 2, last: 2, outcome: 'rejected', verdict: 5, again: true },
      { first: 3, last: 3, outcome: 'accepted', again: true },
    ]);
  });

  it('tells again, without verdicts, of what was acknowledged [CNT-042]', () => {
    const stored = storedPair();
    const channel = openStored(stored);
    const { client, pair } = stored;
    for (let number = 1; number <= 3; number += 1) pair.client.sendMessage(channel, Uint8Array.of(number), 0);
    settle(stored);
    expect(eventsOf(takeEvents(pair).client, 'messages-settled')).toMatchObject([{ first: 1, last: 3 }]);
    client.session.reported(channel, 2, 0);
    pair.client.sendMessage(channel, Uint8Array.of(4), 0);
    client.write();
    const { events } = client.restart();
    expect(eventsOf(events, 'messages-settled')).toMatchObject([
      { first: 3, last: 3, outcome: 'accepted', again: true },
    ]);
  });

  it('remembers a closed channel until its owner knows the outcomes [CNT-042]', () => {
    const stored = storedPair();
    const channel = openStored(stored, { outcomes: true });
    const { client, pair } = stored;
    pair.client.sendMessage(channel, Uint8Array.of(1), 0);
    settle(stored);
    pair.server.settle(channel, 1, 0, 0);
    pair.client.endChannel(channel, 0);
    pair.server.endChannel(channel, 0);
    settle(stored);
    expect(eventsOf(takeEvents(pair).client, 'channel-closed')).toHaveLength(1);
    const { end, events } = client.restart();
    expect(events.map(({ type }) => type)).toEqual([
      'channel-restored',
      'messages-settled',
      'channel-ended',
      'channel-closed',
    ]);
    end.session.reported(channel, 1, 0);
    end.session.openChannel('another', {}, 0);
    end.write();
    expect(end.restart().events).toEqual([]);
  });

  it.each(['client', 'server'] as const)(
    'remembers a channel that was reset until its owner knows the outcomes (by the %s) [CNT-042]',
    (by) => {
      const stored = storedPair();
      const channel = openStored(stored, { outcomes: true });
      const { client, pair } = stored;
      for (const number of [1, 2]) pair.client.sendMessage(channel, Uint8Array.of(number), 0);
      // Nobody decides on it, and nobody will want it.
      pair.server.sendMessage(channel, Uint8Array.of(3), 0);
      settle(stored);
      pair.server.settle(channel, 1, 0, 0);
      settle(stored);
      pair[by].resetChannel(channel, 'APPLICATION_ERROR', 0);
      settle(stored);
      const { end, events } = client.restart();
      const remote = by === 'server';
      const again = { channel, sentMessages: 2, again: true };
      const reset = { type: 'channel-reset', code: 'APPLICATION_ERROR', ...again };
      expect(events).toMatchObject([
        { type: 'channel-restored', state: 'closed', sentMessages: 2, reset: { code: 'APPLICATION_ERROR', remote } },
        { type: 'messages-settled', first: 1, last: 1, again: true },
        remote ? reset : { type: 'channel-closed', ...again },
      ]);
      // It is none that the session ends with: its messages were told of.
      expect(end.session.fates(undefined)).toMatchObject({ unknownMessages: [], undeliveredMessages: [] });
      end.session.reported(channel, 2, 0);
      end.write();
      expect(end.restart().events).toEqual([]);
    },
  );

  it('remembers how many messages were given to a channel before it was reset, and with which code', () => {
    const stored = storedPair();
    const channel = openStored(stored, { outcomes: true });
    const { client, pair } = stored;
    pair.client.sendMessage(channel, new Uint8Array(40_000), 0);
    pair.client.takeOutput(1);
    for (const number of [2, 3]) pair.client.sendMessage(channel, Uint8Array.of(number), 0);
    pair.client.resetChannel(channel, 'APPLICATION_ERROR', 0);
    client.write();
    expect(eventsOf(client.restart().events, 'channel-restored')).toMatchObject([
      { state: 'reset-sent', sentMessages: 3, reset: { code: 'APPLICATION_ERROR', remote: false } },
    ]);
  });

  it('does not say in CLOSE that it has sent on this connection what it has not [SES-013]', () => {
    const stored = storedPair();
    const channel = openStored(stored);
    stored.pair.server.sendMessage(channel, Uint8Array.of(1), 0);
    stored.server.write();
    // It leaves, and is lost.
    stored.pair.server.takeOutput();
    reconnect(stored);
    stored.pair.server.detach('NO_ERROR', 0);
    settle(stored);
    expect(eventsOf(takeEvents(stored.pair).client, 'closed')).toMatchObject([
      { code: 'NO_ERROR', error: undefined, session: 'detached' },
    ]);
    reconnect(stored);
    settle(stored);
    expect(eventsOf(takeEvents(stored.pair).client, 'message-received')).toMatchObject([{ channel, number: 1 }]);
  });
});
