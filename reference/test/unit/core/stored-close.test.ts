import { describe, expect, it } from 'vitest';
import { encodeClose } from '../../../core/frames/close.ts';
import { encodeFrame } from '../../../core/frames/header.ts';
import { FLAG, TIMERS } from '../../../core/index.ts';
import { outputOf, takeEvents } from './pair.ts';
import { openStored, settle, type StoredPair, storedPair } from './stored-pair.ts';
import { eventsOf, framesIn } from './wire.ts';

const ONE = Uint8Array.of(1);

/** The server has sent a message; the client has it, and has not stored it. */
function withMessage(): StoredPair & { readonly channel: number } {
  const stored = storedPair();
  const channel = openStored(stored);
  stored.pair.server.sendMessage(channel, ONE, 0);
  stored.server.write();
  stored.pair.client.receive(outputOf(stored.pair.server), 0);
  return { ...stored, channel };
}

function closesIn(octets: Uint8Array): number {
  return framesIn(octets).filter(({ name }) => name === 'CLOSE').length;
}

describe('the last word of an end with custody stored', () => {
  it('waits until what has come is stored, and is true after a crash [CNT-012] [CNT-042]', () => {
    const stored = withMessage();
    const { pair, client, channel } = stored;
    pair.client.close('NO_ERROR', 0);
    expect(closesIn(outputOf(pair.client))).toBe(0);
    const confirm = client.writeUnconfirmed();
    expect(closesIn(outputOf(pair.client))).toBe(0);
    confirm?.();
    const [accepted] = eventsOf(pair.server.receive(outputOf(pair.client), 0), 'closed');
    expect(accepted).toMatchObject({ acceptedMessages: [{ channel, first: 1, last: 1 }], undeliveredMessages: [] });
    expect(eventsOf(client.restart().events, 'message-received')).toHaveLength(1);
  });

  it('is not said when the process dies before: the session goes on, and nobody was told anything [CNT-042]', () => {
    const { pair, client } = withMessage();
    pair.client.close('NO_ERROR', 0);
    client.writeUnconfirmed();
    expect(eventsOf(pair.server.receive(outputOf(pair.client), 0), 'closed')).toEqual([]);
    const restarted = client.restart();
    expect(eventsOf(restarted.events, 'message-received')).toHaveLength(1);
    expect(restarted.end.session.state).toBe('detached');
  });

  it('hands over what it acknowledges, and takes nothing more [CNT-012]', () => {
    const { pair, client, channel, server } = withMessage();
    pair.client.close('NO_ERROR', 0);
    pair.client.sendMessage(channel, ONE, 0);
    pair.server.sendMessage(channel, ONE, 0);
    server.write();
    pair.client.receive(outputOf(pair.server), 0);
    client.write();
    const [closed] = eventsOf(pair.server.receive(outputOf(pair.client), 0), 'closed');
    expect(closed).toMatchObject({
      acceptedMessages: [{ channel, first: 1, last: 1 }],
      undeliveredMessages: [{ channel, first: 2, last: 2 }],
    });
    const events = pair.client.receive(outputOf(pair.server), 0);
    expect(eventsOf(events, 'message-received')).toHaveLength(1);
    expect(eventsOf(events, 'closed')).toMatchObject([{ outcome: 'orderly', session: 'ended' }]);
  });

  it('waits too where it answers the CLOSE of the peer [CNT-012] [SES-012]', () => {
    const { pair, client, channel } = withMessage();
    pair.server.close('NO_ERROR', 0);
    // The ACK of what was stored before may be in it, but no CLOSE.
    expect(eventsOf(pair.client.receive(outputOf(pair.server), 0), 'closed')).toEqual([]);
    expect(closesIn(outputOf(pair.client))).toBe(0);
    client.write();
    const answer = outputOf(pair.client);
    expect(closesIn(answer)).toBe(1);
    const events = pair.client.takeEvents();
    expect(eventsOf(events, 'message-received')).toHaveLength(1);
    expect(eventsOf(events, 'closed')).toMatchObject([{ outcome: 'orderly', session: 'ended' }]);
    const [closed] = eventsOf(pair.server.receive(answer, 0), 'closed');
    expect(closed).toMatchObject({ acceptedMessages: [{ channel, first: 1, last: 1 }] });
  });

  it('leaves the session as it is when the store does not answer by the close deadline [CNT-013]', () => {
    const { pair } = withMessage();
    pair.client.close('NO_ERROR', 0);
    pair.client.tick(TIMERS.close_deadline_ms - 1);
    expect(closesIn(outputOf(pair.client))).toBe(0);
    pair.client.tick(TIMERS.close_deadline_ms);
    const frames = framesIn(outputOf(pair.client));
    expect(frames.filter(({ name }) => name === 'CLOSE')).toMatchObject([{ flags: 0 }]);
    expect(pair.client.session?.state).toBe('detached');
  });

  it('waits too where an error ends the session [CNT-012] [CNT-014]', () => {
    const { pair, client, channel } = withMessage();
    // A message that exceeds every credit: the session is out of step.
    pair.client.receive(encodeFrame('MESSAGE', ONE, FLAG.MESSAGE.LAST, channel, 3), 0);
    expect(closesIn(outputOf(pair.client))).toBe(0);
    client.write();
    const answer = outputOf(pair.client);
    expect(framesIn(answer).filter(({ name }) => name === 'CLOSE')).toMatchObject([{ flags: FLAG.CLOSE.END_SESSION }]);
    const [closed] = eventsOf(pair.server.receive(answer, 0), 'closed');
    expect(closed).toMatchObject({
      code: 'FRAGMENT_INVALID',
      session: 'ended',
      acceptedMessages: [{ channel, first: 1, last: 1 }],
    });
  });

  it('waits too where the error is in a CLOSE that keeps the session [CNT-012] [CNT-015]', () => {
    const { pair, client, channel } = withMessage();
    const payload = encodeClose({ code: 0, receiveCursor: 99, sendCursor: 99 });
    expect(eventsOf(pair.client.receive(encodeFrame('CLOSE', payload), 0), 'closed')).toEqual([]);
    expect(closesIn(outputOf(pair.client))).toBe(0);
    client.write();
    const answer = outputOf(pair.client);
    expect(framesIn(answer).filter(({ name }) => name === 'CLOSE')).toMatchObject([{ flags: FLAG.CLOSE.END_SESSION }]);
    const events = pair.client.takeEvents();
    expect(eventsOf(events, 'message-received')).toMatchObject([{ channel, number: 1 }]);
    expect(eventsOf(events, 'closed')).toMatchObject([{ code: 'CURSOR_INVALID', session: 'ended' }]);
  });

  it('is not said behind that of an error that has ended the connection meanwhile [SES-011]', () => {
    const { pair, client } = withMessage();
    const downAt = 60_000;
    pair.client.tick(downAt - 1000);
    outputOf(pair.client);
    pair.client.close('NO_ERROR', downAt - 1000);
    pair.client.tick(downAt);
    client.write();
    expect(closesIn(outputOf(pair.client))).toBe(1);
    expect(pair.client.session?.state).toBe('detached');
  });

  it('is not said behind that of a connection whose deadline has come meanwhile [SES-011] [CNT-053]', () => {
    const stored = storedPair(1000);
    const channel = openStored(stored);
    const { pair, client, server } = stored;
    pair.client.sendMessage(channel, ONE, 0);
    client.write();
    pair.server.receive(outputOf(pair.client), 0);
    pair.server.close('NO_ERROR', 999);
    pair.server.tick(1000);
    server.write();
    expect(closesIn(outputOf(pair.server))).toBe(1);
    expect(pair.server.session?.state).toBe('detached');
  });

  it('is not waited for by a connection that the session leaves', () => {
    const { pair, client } = withMessage();
    pair.client.close('NO_ERROR', 0);
    pair.client.detach('NO_ERROR', 0);
    const sent = outputOf(pair.client);
    expect(framesIn(sent).filter(({ name }) => name === 'CLOSE')).toMatchObject([{ flags: 0 }]);
    pair.server.receive(sent, 0);
    client.write();
    const events = pair.client.receive(outputOf(pair.server), 0);
    expect(eventsOf(events, 'closed')).toMatchObject([{ outcome: 'orderly', session: 'detached' }]);
  });
});

describe('the end of a channel that nobody has heard of yet', () => {
  /** The client has sent a message on a channel with outcomes, and the server has it. */
  function sent(): StoredPair & { readonly channel: number } {
    const stored = storedPair();
    const channel = openStored(stored, { outcomes: true });
    stored.pair.client.sendMessage(channel, ONE, 0);
    settle(stored);
    expect(eventsOf(takeEvents(stored.pair).server, 'message-received')).toHaveLength(1);
    return { ...stored, channel };
  }

  it('leaves its messages unknown when the session ends first, by a RESET of the peer [CNT-042]', () => {
    const { pair, client, server, channel } = sent();
    pair.server.resetChannel(channel, 'CANCELLED', 0);
    server.write();
    pair.client.receive(outputOf(pair.server), 0);
    pair.client.transportEnded(0);
    client.session.end();
    expect(client.session.fates(undefined)).toMatchObject({
      unknownMessages: [{ channel, first: 1, last: 1 }],
      undeliveredMessages: [],
    });
  });

  it('leaves its messages unknown when the session ends first, by the own RESET [CNT-042]', () => {
    const { pair, client, server, channel } = sent();
    pair.client.resetChannel(channel, 'CANCELLED', 0);
    client.write();
    pair.server.receive(outputOf(pair.client), 0);
    server.write();
    pair.client.receive(outputOf(pair.server), 0);
    pair.client.transportEnded(0);
    expect(client.session.fates(undefined)).toMatchObject({
      unknownMessages: [{ channel, first: 1, last: 1 }],
      undeliveredMessages: [],
    });
  });
});
