import { describe, expect, it } from 'vitest';
import { decodeClose, encodeClose } from '../../../core/frames/close.ts';
import { encodeFrame } from '../../../core/frames/header.ts';
import { type Connection, ERROR_CODE, type Event, FLAG, GREASE, HawserError, TIMERS } from '../../../core/index.ts';
import { createPair, establishedPair, exchange, openPair, outputOf, type Pair, takeEvents } from './pair.ts';
import { codeFrom, eventsOf, frame, framesFrom, framesIn, hex, rawFrame, withCode } from './wire.ts';

/** A server whose client is the test itself. */
function establishedServer(): Connection {
  return establishedPair().server;
}

function close(
  code: number,
  receiveCursor: number,
  sendCursor: number,
  flags: number = FLAG.CLOSE.END_SESSION,
): Uint8Array {
  return encodeFrame('CLOSE', encodeClose({ code, receiveCursor, sendCursor }), flags);
}

function ping(data: string): Uint8Array {
  return frame('PING', data);
}

describe('PING', () => {
  it('is answered with its data, in the order of the PINGs [SES-004]', () => {
    const server = establishedServer();
    server.receive(Buffer.concat([ping('0000000000000001'), ping('ffffffffffffffff')]), 0);
    expect(framesFrom(server).map(({ name, payload }) => [name, hex(payload)])).toEqual([
      ['PONG', '0000000000000001'],
      ['PONG', 'ffffffffffffffff'],
    ]);
  });

  it('is answered after every frame before it was processed, none of them being an error [SES-005]', () => {
    const server = establishedServer();
    const open = frame('OPEN', `${'00'.repeat(32)} 0001 61 0000`, { channel: 1, seq: 1 });
    const events = server.receive(
      Buffer.concat([open, ping('00'.repeat(8)), frame('END', '', { channel: 9, seq: 2 }), ping('11'.repeat(8))]),
      0,
    );
    expect(eventsOf(events, 'channel-requested')).toHaveLength(1);
    expect(framesFrom(server).map(({ name }) => name)).toEqual(['PONG', 'CLOSE']);
  });

  it('is answered ahead of queued messages, whatever credit there is [SES-006] [CHN-023]', () => {
    const pair = openPair({ parameters: { initialByteCredit: 100 } });
    pair.server.sendMessage(1, new Uint8Array(50_000), 0);
    pair.server.takeOutput(1);
    pair.server.receive(ping('22'.repeat(8)), 0);
    expect(framesFrom(pair.server)[0]).toMatchObject({ name: 'PONG' });
  });

  it('that was asked for is reported with its round trip time', () => {
    const pair = establishedPair();
    pair.client.ping(100);
    const toServer = outputOf(pair.client);
    pair.server.receive(toServer, 130);
    expect(pair.client.receive(outputOf(pair.server), 160)).toEqual([{ type: 'pong-received', rttMs: 60 }]);
  });

  it('never has the data of an earlier one', () => {
    const { client } = establishedPair();
    client.ping(0);
    client.ping(0);
    const [first, second] = framesFrom(client).map(({ payload }) => hex(payload));
    expect(first).not.toBe(second);
  });

  it('is not sent while 16 wait for their PONG [SES-008]', () => {
    const { client } = establishedPair();
    for (let count = 0; count < 16; count += 1) client.ping(0);
    expect(() => client.ping(0)).toThrow(withCode('HAWSER_ERR_MISUSE_PING_LIMIT'));
  });

  it('is not sent beyond the budget that the peer grants [SES-009]', () => {
    const pair = establishedPair();
    for (let count = 0; count < 256; count += 1) {
      pair.client.ping(0);
      exchange(pair);
    }
    expect(() => pair.client.ping(0)).toThrow(withCode('HAWSER_ERR_MISUSE_PING_LIMIT'));
    pair.client.ping(16);
    expect(pair.server.error).toBeUndefined();
  });
});

describe('PONG', () => {
  it.each([
    ['that answers no PING', 0],
    ['with the data of a later PING', 2],
  ])('%s is an error [SES-007]', (_, pings) => {
    const { client } = establishedPair();
    for (let count = 0; count < pings; count += 1) client.ping(0);
    const data = framesFrom(client).at(-1)?.payload ?? new Uint8Array(8);
    client.receive(encodeFrame('PONG', data), 0);
    expect(client.error).toMatchObject({ wireName: 'FRAME_UNEXPECTED', requirement: 'SES-007' });
    expect(codeFrom(client)).toBe('FRAME_UNEXPECTED');
  });
});

describe('the budget of control frames', () => {
  const grease = rawFrame(GREASE.frameType.first);

  it('takes 256 PINGs and ignorable frames at once, and 64 more each second [SES-009]', () => {
    const server = establishedServer();
    for (let count = 0; count < 256; count += 1) server.receive(count % 2 === 0 ? ping('00'.repeat(8)) : grease, 0);
    for (let second = 1; second <= 20; second += 1) {
      for (let count = 0; count < 64; count += 1) server.receive(grease, second * 1000);
    }
    expect(server.error).toBeUndefined();
  });

  it('ends at four times of that at the latest with RATE_EXCEEDED [SES-010]', () => {
    const server = establishedServer();
    for (let count = 0; count < 1025; count += 1) server.receive(grease, 0);
    expect(server.error).toMatchObject({ wireName: 'RATE_EXCEEDED', requirement: 'SES-010' });
    expect(codeFrom(server)).toBe('RATE_EXCEEDED');
  });
});

describe('CLOSE', () => {
  it('asked for carries both cursors and END_SESSION, and is the last frame [SES-011] [SES-017]', () => {
    const pair = openPair();
    pair.client.sendMessage(1, new Uint8Array(3), 0);
    pair.client.close('SHUTTING_DOWN', 0);
    pair.client.receive(ping('00'.repeat(8)), 0);
    pair.client.sendMessage(1, new Uint8Array(3), 0);
    pair.client.ping(0);
    const frames = framesFrom(pair.client);
    expect(frames.map(({ name, flags }) => [name, flags])).toEqual([
      ['MESSAGE', 3],
      ['CLOSE', FLAG.CLOSE.END_SESSION],
    ]);
    expect(decodeClose(frames[1]!.payload)).toEqual({
      code: ERROR_CODE.SHUTTING_DOWN,
      receiveCursor: 1, // OPENED
      sendCursor: 2, // OPEN and MESSAGE
    });
    expect(pair.client.state).toBe('closing');
    expect(pair.client.outputEnded).toBe(true);
    expect(pair.client.finished).toBe(false);
  });

  it('is answered with CLOSE(NO_ERROR), and then the own direction is closed [SES-012]', () => {
    const server = establishedServer();
    const events = server.receive(close(ERROR_CODE.SHUTTING_DOWN, 0, 0), 0);
    expect(events).toMatchObject([
      { type: 'closed', outcome: 'orderly', code: 'SHUTTING_DOWN', remote: true, peerReceiveCursor: 0 },
    ]);
    const frames = framesFrom(server);
    expect(frames.map(({ name }) => name)).toEqual(['CLOSE']);
    expect(decodeClose(frames[0]!.payload)).toEqual({ code: 0, receiveCursor: 0, sendCursor: 0 });
    expect(server.outputEnded).toBe(true);
    expect(server.state).toBe('closed');
  });

  it('with the code of a failure is reported as an error', () => {
    const server = establishedServer();
    const [closed] = server.receive(close(ERROR_CODE.AUTHORITY_EXPIRED, 0, 0), 0);
    expect(closed).toMatchObject({ outcome: 'error', code: 'AUTHORITY_EXPIRED' });
    expect(server.error).toMatchObject({ code: 'HAWSER_ERR_REMOTE_AUTHORITY_EXPIRED', wireCode: 0x0304 });
  });

  it('with an unknown code means INTERNAL_ERROR, and is answered all the same [ERR-002] [ERR-003]', () => {
    const server = establishedServer();
    const [closed] = server.receive(close(0x7777, 0, 0), 0);
    expect(closed).toMatchObject({ outcome: 'error', code: 'INTERNAL_ERROR' });
    expect(codeFrom(server)).toBe('NO_ERROR');
  });

  it.each([
    ['more received than was sent', 1, 0],
    ['less sent than was received', 0, 0],
    ['more sent than was received', 0, 2],
  ])('that claims %s is answered with CURSOR_INVALID [SES-013]', (_, receiveCursor, sendCursor) => {
    const server = establishedServer();
    server.receive(frame('OPEN', `${'00'.repeat(32)} 0001 61 0000`, { channel: 1, seq: 1 }), 0);
    const [closed] = server.receive(close(0, receiveCursor, sendCursor), 0);
    expect(closed).toMatchObject({ outcome: 'error', code: 'CURSOR_INVALID', peerReceiveCursor: undefined });
    expect(server.error).toMatchObject({ requirement: 'SES-013' });
    expect(codeFrom(server)).toBe('CURSOR_INVALID');
    expect(server.state).toBe('closed');
  });

  it('from both ends at the same time ends both in order', () => {
    const pair = openPair();
    takeEvents(pair);
    pair.client.close('NO_ERROR', 0);
    pair.server.close('NO_ERROR', 0);
    exchange(pair);
    const events = takeEvents(pair);
    for (const end of [events.client, events.server]) {
      expect(end).toMatchObject([{ type: 'closed', outcome: 'orderly', code: 'NO_ERROR', remote: false }]);
    }
  });

  it('with a cursor that can not be true while closing is an error, and says nothing of messages [SES-013]', () => {
    const { client } = openPair();
    client.close('NO_ERROR', 0);
    outputOf(client);
    const [closed] = client.receive(close(0, 5, 0), 0);
    expect(closed).toMatchObject({ outcome: 'error', peerReceiveCursor: undefined });
    expect(client.error).toMatchObject({ wireName: 'CURSOR_INVALID' });
  });

  it('that is malformed is answered with the code of that, and ends the connection', () => {
    const server = establishedServer();
    expect(server.receive(frame('CLOSE', '00'), 0)).toMatchObject([
      { type: 'closed', outcome: 'error', code: 'FRAME_MALFORMED', remote: true },
    ]);
    expect(codeFrom(server)).toBe('FRAME_MALFORMED');
    expect(server.state).toBe('closed');
  });

  it('that is malformed has no effect while closing: the next one has', () => {
    const server = establishedServer();
    server.close('NO_ERROR', 0);
    expect(server.receive(Buffer.concat([frame('CLOSE', '00'), rawFrame(0x7f)]), 0)).toEqual([]);
    expect(server.receive(close(0, 0, 0), 0)).toMatchObject([{ type: 'closed', outcome: 'orderly' }]);
  });

  it('without END_SESSION ends the session all the same [SES-029]', () => {
    const server = establishedServer();
    server.receive(close(0, 0, 0, 0), 0);
    expect(server.state).toBe('closed');
  });

  it('only carries codes that the registry lists for it [ERR-001]', () => {
    const server = establishedServer();
    expect(() => server.close('BUSY', 0)).toThrow(withCode('HAWSER_ERR_MISUSE_CODE'));
    expect(server.state).toBe('established');
  });

  it('may be sent for a reason of the owner, which becomes the error of the connection [SES-026]', () => {
    const server = establishedServer();
    const reason = new HawserError('HAWSER_ERR_TRANSPORT_REVOKED', 'The client was revoked.');
    server.close('AUTHORITY_REVOKED', 0, reason);
    expect(server.error).toBe(reason);
    expect(codeFrom(server)).toBe('AUTHORITY_REVOKED');
  });
});

describe('an error in an established session', () => {
  it('is sent as CLOSE with its code and the cursors of what was processed [SES-003]', () => {
    const server = establishedServer();
    const open = frame('OPEN', `${'00'.repeat(32)} 0001 61 0000`, { channel: 1, seq: 1 });
    const bad = frame('END', '00', { channel: 1, seq: 2 });
    const events = server.receive(Buffer.concat([open, bad]), 0);
    expect(eventsOf(events, 'closed')).toEqual([]);
    const [last] = framesFrom(server).slice(-1);
    expect(last).toMatchObject({ name: 'CLOSE', flags: FLAG.CLOSE.END_SESSION });
    expect(decodeClose(last!.payload)).toEqual({ code: ERROR_CODE.FRAME_MALFORMED, receiveCursor: 1, sendCursor: 0 });
    expect(server.state).toBe('closing');
  });

  it('is found in the header before the payload has come', () => {
    const server = establishedServer();
    server.receive(rawFrame(0x28, { flags: 4, length: 100 }), 0);
    expect(codeFrom(server)).toBe('FLAGS_INVALID');
  });

  it('is found in the length although the stream can not be read on [WIR-001]', () => {
    const server = establishedServer();
    server.receive(rawFrame(0x28, { length: 16_369, channel: 1, seq: 1 }), 0);
    expect(codeFrom(server)).toBe('FRAME_TOO_LARGE');
    server.receive(close(0, 0, 0), 0);
    expect(server.state).toBe('closing');
    expect(server.transportEnded(1)).toMatchObject([{ type: 'closed', outcome: 'error', code: 'FRAME_TOO_LARGE' }]);
  });

  it('is the first one, whatever follows [WIR-028]', () => {
    const server = establishedServer();
    server.receive(Buffer.concat([rawFrame(0x7f), rawFrame(0x10, { flags: 1 })]), 0);
    server.receive(rawFrame(0x10, { channel: 3 }), 0);
    server.transportEnded(1, new Error('reset'));
    expect(server.error).toMatchObject({ wireName: 'FRAME_UNKNOWN' });
  });

  it('leaves the peer time to answer, reads its cursors, and sends nothing more [SES-014] [SES-028]', () => {
    const server = establishedServer();
    server.receive(rawFrame(0x7f), 0);
    const events = server.receive(Buffer.concat([ping('00'.repeat(8)), close(0, 0, 5)]), 1);
    expect(events).toMatchObject([{ type: 'closed', outcome: 'error', code: 'FRAME_UNKNOWN', peerReceiveCursor: 0 }]);
    expect(framesFrom(server).map(({ name }) => name)).toEqual(['CLOSE']);
  });
});

describe('the end of the transport', () => {
  it('without CLOSE is an aborted session, never an orderly one [SES-016]', () => {
    const { client } = establishedPair();
    const [closed] = client.transportEnded(5);
    expect(closed).toMatchObject({ type: 'closed', outcome: 'aborted', code: undefined, remote: true });
    expect(client.error).toMatchObject({ code: 'HAWSER_ERR_TRANSPORT_ENDED', phase: 'established' });
    expect([client.state, client.finished, client.nextDeadline()]).toEqual(['closed', true, undefined]);
  });

  it('keeps the cause of a failure', () => {
    const { client } = establishedPair();
    const cause = new Error('ECONNRESET');
    client.transportEnded(5, cause);
    expect(client.error).toMatchObject({ code: 'HAWSER_ERR_TRANSPORT_FAILED', cause });
  });

  it('while the answer to CLOSE is awaited is an aborted session too [SES-016]', () => {
    const { client } = establishedPair();
    client.close('NO_ERROR', 0);
    expect(client.transportEnded(5)).toMatchObject([{ outcome: 'aborted', code: 'NO_ERROR', remote: false }]);
  });

  it('after both have closed is not told again', () => {
    const pair = establishedPair();
    pair.client.close('NO_ERROR', 0);
    exchange(pair);
    expect(pair.client.transportEnded(5)).toEqual([]);
    expect(pair.client.finished).toBe(true);
  });
});

describe('the close deadline', () => {
  it('cuts a connection in state closing at the latest [SES-014] [SES-015]', () => {
    const { client } = establishedPair();
    client.close('NO_ERROR', 1000);
    expect(client.nextDeadline()).toBe(1000 + TIMERS.close_deadline_ms);
    expect(client.tick(1000 + TIMERS.close_deadline_ms - 1)).toEqual([]);
    expect(client.finished).toBe(false);
    const events = client.tick(1000 + TIMERS.close_deadline_ms);
    expect(events).toMatchObject([{ type: 'closed', outcome: 'aborted' }]);
    expect([client.state, client.finished, client.nextDeadline()]).toEqual(['closed', true, undefined]);
  });

  it('also waits for a peer that has been answered, so that it can read the answer [SES-014]', () => {
    const server = establishedServer();
    server.receive(close(0, 0, 0), 1000);
    expect([server.state, server.finished]).toEqual(['closed', false]);
    expect(server.nextDeadline()).toBe(1000 + TIMERS.close_deadline_ms);
    expect(server.tick(1000 + TIMERS.close_deadline_ms)).toEqual([]);
    expect(server.finished).toBe(true);
  });
});

describe('liveness', () => {
  const quick = { parameters: { livenessIntervalMs: 1000 } };

  /** Lets time pass for one end alone. */
  function pass(end: Connection, from: number, to: number): Event[] {
    const events: Event[] = [];
    for (let now = from; now <= to; now += 10) events.push(...end.tick(now));
    return events;
  }

  it('sends a PING in every interval of silence, early by a share of up to a quarter [SES-019]', () => {
    const { client } = establishedPair(quick);
    const sentAt: number[] = [];
    for (let now = 0; now <= 1900; now += 1) {
      client.tick(now);
      if (framesFrom(client).some(({ name }) => name === 'PING')) sentAt.push(now);
    }
    expect(sentAt).toHaveLength(2);
    for (const gap of [sentAt[0]!, sentAt[1]! - sentAt[0]!]) {
      expect(gap).toBeGreaterThanOrEqual(750);
      expect(gap).toBeLessThan(1000);
    }
  });

  it('sends none while other frames are sent [SES-019]', () => {
    const pair = openPair(quick);
    for (let now = 0; now <= 5000; now += 500) {
      pair.client.sendMessage(1, new Uint8Array(1), now);
      expect(framesIn(outputOf(pair.client)).map(({ name }) => name)).toEqual(['MESSAGE']);
      pair.client.tick(now + 400);
      pair.client.receive(frame('PING', '00'.repeat(8)), now);
      outputOf(pair.client);
    }
  });

  it('still sends something when 16 PINGs wait for their PONG [SES-008] [SES-019]', () => {
    const { client } = establishedPair(quick);
    for (let count = 0; count < 16; count += 1) client.ping(0);
    outputOf(client);
    pass(client, 0, 1000);
    const [sign] = framesFrom(client);
    expect(sign!.type).toBeGreaterThanOrEqual(0x80);
  });

  it('takes a peer for SUSPECT after two of its intervals, and asks it [SES-020] [SES-024]', () => {
    const { client } = establishedPair({}, quick);
    expect(pass(client, 0, 1990)).toEqual([]);
    expect(client.suspect).toBe(false);
    expect(client.tick(2000)).toEqual([{ type: 'peer-suspect' }]);
    expect(client.suspect).toBe(true);
    expect(framesFrom(client).map(({ name }) => name)).toEqual(['PING']);
  });

  it('takes it for live again with its next complete frame, not with an octet [SES-020]', () => {
    const { client } = establishedPair({}, quick);
    pass(client, 0, 2000);
    const sign = rawFrame(GREASE.frameType.first);
    expect(client.receive(sign.subarray(0, 15), 2500)).toEqual([]);
    expect(client.suspect).toBe(true);
    expect(client.receive(sign.subarray(15), 2600)).toEqual([{ type: 'peer-live' }]);
    expect(pass(client, 2600, 4590)).toEqual([]);
    expect(client.tick(4600)).toEqual([{ type: 'peer-suspect' }]);
  });

  it('opens no channel and begins no message meanwhile, and does both when the peer is live [SES-021]', () => {
    const pair = openPair({}, quick);
    const { client } = pair;
    pass(client, 0, 2000);
    outputOf(client);
    client.sendMessage(1, new Uint8Array([1]), 2100);
    const channel = client.openChannel('later', {}, 2100);
    const cancelled = client.openChannel('cancelled', {}, 2100);
    client.resetChannel(cancelled, 'CANCELLED', 2100);
    expect([channel, cancelled]).toEqual([2, 3]);
    expect(framesFrom(client)).toEqual([]);
    client.receive(rawFrame(GREASE.frameType.first), 2200);
    expect(framesFrom(client).map(({ name, channel: number, seq }) => [name, number, seq])).toEqual([
      ['OPEN', 2, 2],
      ['OPEN', 3, 3],
      ['RESET', 3, 4],
      ['MESSAGE', 1, 5],
    ]);
  });

  it('goes on with a message that has begun [SES-021]', () => {
    const pair = openPair({}, { parameters: { livenessIntervalMs: 1000, initialByteCredit: 100 } });
    const { client } = pair;
    client.sendMessage(1, new Uint8Array(150), 0);
    outputOf(client);
    pass(client, 0, 2000);
    outputOf(client);
    expect(client.queuedBytes(1)).toBe(50);
    pair.server.receive(new Uint8Array(0), 2000);
    client.receive(frame('CREDIT', '0000000000000040 0000000000001000', { channel: 1 }), 2000);
    expect(framesFrom(client).map(({ name, flags }) => [name, flags])).toEqual([['MESSAGE', FLAG.MESSAGE.LAST]]);
  });

  it('ends the session with LIVENESS_TIMEOUT after three intervals [SES-022]', () => {
    const { client } = establishedPair({}, quick);
    pass(client, 0, 2990);
    outputOf(client);
    expect(client.state).toBe('established');
    client.tick(3000);
    expect(client.error).toMatchObject({ code: 'HAWSER_ERR_TIMEOUT_LIVENESS', limitMs: 3000 });
    expect(codeFrom(client)).toBe('LIVENESS_TIMEOUT');
  });

  it('lets a process that was stopped read what has come before it judges', () => {
    const { client } = establishedPair({}, quick);
    expect(client.tick(60_000)).toEqual([{ type: 'peer-suspect' }]);
    expect(client.nextDeadline()).toBeLessThanOrEqual(60_000);
    client.receive(rawFrame(GREASE.frameType.first), 60_001);
    client.tick(60_002);
    expect(client.state).toBe('established');
  });

  it('wakes its owner when something is due, and not before', () => {
    const { client } = establishedPair({}, quick);
    const deadline = client.nextDeadline()!;
    client.tick(deadline - 0.001);
    expect(framesFrom(client)).toEqual([]);
    expect(client.nextDeadline()).toBe(deadline);
    client.tick(deadline);
    expect([...framesFrom(client), client.suspect]).not.toEqual([false]);
  });
});

describe('the fate of messages', () => {
  const small = { parameters: { initialMessageCredit: 3 } };

  /** Three messages on their way, two more queued: a fragment of the fourth is not sent either. */
  function sending(): Pair {
    const pair = openPair({}, small);
    for (let count = 0; count < 5; count += 1) pair.client.sendMessage(1, new Uint8Array(count), 0);
    return pair;
  }

  function endOf(events: readonly Event[]): unknown {
    const { unknownMessages, undeliveredMessages, peerReceiveCursor } = eventsOf(events, 'closed')[0]!;
    return { unknownMessages, undeliveredMessages, peerReceiveCursor };
  }

  it('is unknown for all that was sent when the transport is lost [SES-018]', () => {
    const { client } = sending();
    expect(endOf(client.transportEnded(1))).toEqual({
      unknownMessages: [{ channel: 1, first: 1, last: 3 }],
      undeliveredMessages: [{ channel: 1, first: 4, last: 5 }],
      peerReceiveCursor: undefined,
    });
  });

  it('is known from the receive cursor of CLOSE [SES-018]', () => {
    const { client } = sending();
    outputOf(client);
    expect(endOf(client.receive(close(ERROR_CODE.SHUTTING_DOWN, 3, 1), 1))).toEqual({
      unknownMessages: [],
      undeliveredMessages: [{ channel: 1, first: 3, last: 5 }],
      peerReceiveCursor: 3,
    });
  });

  it('is known for what was sent before a PING that was answered [SES-005] [SES-018]', () => {
    const pair = openPair();
    pair.client.sendMessage(1, new Uint8Array(1), 0);
    pair.client.ping(0);
    exchange(pair);
    pair.client.sendMessage(1, new Uint8Array(1), 0);
    expect(endOf(pair.client.transportEnded(1))).toMatchObject({
      unknownMessages: [{ channel: 1, first: 2, last: 2 }],
      undeliveredMessages: [],
    });
  });

  it('is not delivered for a message of which only fragments were sent', () => {
    const pair = openPair({}, { parameters: { initialByteCredit: 10 } });
    pair.client.sendMessage(1, new Uint8Array(20), 0);
    outputOf(pair.client);
    expect(endOf(pair.client.transportEnded(1))).toMatchObject({
      unknownMessages: [],
      undeliveredMessages: [{ channel: 1, first: 1, last: 1 }],
    });
  });

  it('is asked for with a PING of its own when it gets long to remember, and messages wait for it', () => {
    const pair = openPair({}, { parameters: { initialMessageCredit: 1_000_000 } }, { maxChannels: 8 });
    for (let channel = 2; channel <= 3; channel += 1) {
      pair.client.openChannel('test', {}, 0);
      exchange(pair);
      pair.server.opened(channel, {}, 0);
      exchange(pair);
    }
    // No regular pattern: every message is an entry of its own.
    let state = 1;
    let sent = 0;
    const toServer: Uint8Array[] = [];
    /** Sends so that nothing is queued, where turns would put an order into it; returns how many PINGs went along. */
    const send = (count: number): number => {
      const before = toServer.length;
      for (const end = sent + count; sent < end; sent += 1) {
        state = (state * 48_271) % 0x7fffffff;
        pair.client.sendMessage(1 + (state % 3), new Uint8Array(0), 0);
        if (sent % 1000 === 0) toServer.push(outputOf(pair.client));
      }
      toServer.push(outputOf(pair.client));
      return toServer
        .slice(before)
        .flatMap(framesIn)
        .filter(({ name }) => name === 'PING').length;
    };
    expect(send(6000)).toBe(1);
    expect(send(6000)).toBe(0);
    send(200_000);
    expect(Buffer.concat(toServer).length / 16).toBeLessThan(sent);
    let received = 0;
    for (let bytes = Buffer.concat(toServer); bytes.length > 0; bytes = Buffer.from(outputOf(pair.client))) {
      received += eventsOf(pair.server.receive(bytes, 0), 'message-received').length;
      pair.now += 50;
      pair.client.receive(outputOf(pair.server), pair.now);
    }
    expect(received).toBe(sent);
  });
});

describe('commands', () => {
  it('before the session is established are misuse', () => {
    const { client } = createPair();
    const misuse = withCode('HAWSER_ERR_MISUSE_STATE');
    expect(() => client.openChannel('early', {}, 0)).toThrow(misuse);
    expect(() => client.ping(0)).toThrow(misuse);
    expect(() => client.sendMessage(1, new Uint8Array(0), 0)).toThrow(misuse);
  });

  it('have no effect once the connection is over: the owner may not have seen its end yet', () => {
    const { client } = openPair();
    client.transportEnded(0);
    client.sendMessage(1, new Uint8Array(1), 0);
    client.endChannel(1, 0);
    client.resetChannel(1, 'CANCELLED', 0);
    client.consume(1, 1, 1, 0);
    client.ping(0);
    expect(client.openChannel('late', {}, 0)).toBe(0);
    expect(client.close('NO_ERROR', 0)).toEqual([]);
    expect(client.takeOutput()).toEqual([]);
  });
});
