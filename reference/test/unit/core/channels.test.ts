import { describe, expect, it } from 'vitest';
import { decodeCredit, encodeCredit } from '../../../core/frames/credit.ts';
import { encodeFrame } from '../../../core/frames/header.ts';
import { decodeOpen, encodeOpen } from '../../../core/frames/open.ts';
import { decodeRefused, encodeRefused } from '../../../core/frames/refused.ts';
import { decodeReset, encodeReset } from '../../../core/frames/reset.ts';
import {
  type Connection,
  type DeclaredParameters,
  ERROR_CODE,
  ERROR_NAME,
  FLAG,
  type Grant,
} from '../../../core/index.ts';
import { deterministicRandom, establishedPair, exchange, openChannel, openPair, outputOf, takeEvents } from './pair.ts';
import { codeFrom, eventsOf, frame, framesFrom, hex, withCode } from './wire.ts';

const { FIRST, LAST } = FLAG.MESSAGE;

/** A server whose client is the test: it numbers its sequenced frames itself. */
class RawClient {
  readonly server: Connection;
  seq = 0;

  constructor(parameters: DeclaredParameters = {}, grant: Grant = {}) {
    this.server = establishedPair({}, { parameters }, grant).server;
  }

  open(channel: number): readonly unknown[] {
    const payload = encodeOpen({ nonce: new Uint8Array(32), application: 'a', parameters: {} });
    this.seq += 1;
    return this.server.receive(encodeFrame('OPEN', payload, 0, channel, this.seq), 0);
  }

  /** Opens a channel, which the server takes. */
  opened(channel: number): this {
    this.open(channel);
    this.server.opened(channel, {}, 0);
    outputOf(this.server);
    return this;
  }

  message(channel: number, flags: number, size: number): readonly unknown[] {
    this.seq += 1;
    return this.server.receive(encodeFrame('MESSAGE', new Uint8Array(size), flags, channel, this.seq), 0);
  }

  end(channel: number): readonly unknown[] {
    this.seq += 1;
    return this.server.receive(encodeFrame('END', new Uint8Array(0), 0, channel, this.seq), 0);
  }

  reset(channel: number, code: number = ERROR_CODE.CANCELLED): readonly unknown[] {
    this.seq += 1;
    return this.server.receive(encodeFrame('RESET', encodeReset({ code }), 0, channel, this.seq), 0);
  }

  credit(channel: number, messageLimit: number, byteLimit: number): readonly unknown[] {
    return this.server.receive(encodeFrame('CREDIT', encodeCredit({ messageLimit, byteLimit }), 0, channel), 0);
  }
}

/** A client whose server is the test. */
class RawServer {
  readonly client: Connection;
  seq = 0;

  constructor(parameters: DeclaredParameters = {}) {
    this.client = establishedPair({ parameters }).client;
  }

  send(
    name: 'OPENED' | 'REFUSED' | 'MESSAGE' | 'END' | 'RESET',
    channel: number,
    payload = '',
    flags = 0,
  ): readonly unknown[] {
    this.seq += 1;
    return this.client.receive(frame(name, payload, { channel, seq: this.seq, flags }), 0);
  }

  /** Opens channel 1. */
  opened(): this {
    this.client.openChannel('a', {}, 0);
    outputOf(this.client);
    this.send('OPENED', 1, '0000');
    return this;
  }
}

function expectError(connection: Connection, wireName: string, requirement: string): void {
  expect(connection.error).toMatchObject({ wireName, requirement });
  expect(codeFrom(connection)).toBe(wireName);
}

describe('OPEN', () => {
  it('numbers channels 1, 2, 3 and frames 1, 2, 3, each with a nonce of its own [CHN-001] [CHN-004] [WIR-010]', () => {
    const { client } = establishedPair();
    const numbers = ['one', 'two', 'three'].map((application) => client.openChannel(application, {}, 0));
    expect(numbers).toEqual([1, 2, 3]);
    const frames = framesFrom(client);
    expect(frames.map(({ name, channel, seq }) => [name, channel, seq])).toEqual([
      ['OPEN', 1, 1],
      ['OPEN', 2, 2],
      ['OPEN', 3, 3],
    ]);
    expect(new Set(frames.map(({ payload }) => hex(decodeOpen(payload).nonce))).size).toBe(3);
  });

  it('brings application and data to the server, and its data back', () => {
    const pair = establishedPair({ grease: true, random: deterministicRandom('c') }, { grease: true });
    pair.client.openChannel('test/echo', { applicationData: Uint8Array.of(1, 2) }, 0);
    exchange(pair);
    expect(takeEvents(pair).server).toMatchObject([
      { type: 'channel-requested', channel: 1, application: 'test/echo', applicationData: Uint8Array.of(1, 2) },
    ]);
    pair.server.opened(1, { applicationData: Uint8Array.of(3) }, 0);
    exchange(pair);
    expect(takeEvents(pair).client).toMatchObject([
      { type: 'channel-opened', channel: 1, applicationData: Uint8Array.of(3) },
    ]);
  });

  it.each([2, 0xffffffff])('with number %i instead of 1 is an error [CHN-002]', (channel) => {
    const peer = new RawClient();
    peer.open(channel);
    expectError(peer.server, 'CHANNEL_INVALID', 'CHN-002');
  });

  it('with a number that was used is an error, open or closed [CHN-002] [CHN-003]', () => {
    const open = new RawClient().opened(1);
    open.open(1);
    expectError(open.server, 'CHANNEL_INVALID', 'CHN-003');
    const closed = new RawClient();
    closed.open(1);
    closed.server.refuse(1, 'APPLICATION_REFUSED', 0, 0);
    outputOf(closed.server);
    closed.open(1);
    expectError(closed.server, 'CHANNEL_INVALID', 'CHN-003');
  });

  it('is answered with OPENED or REFUSED, once [CHN-005]', () => {
    const peer = new RawClient();
    peer.open(1);
    peer.server.opened(1, {}, 0);
    expect(framesFrom(peer.server).map(({ name, channel, seq }) => [name, channel, seq])).toEqual([['OPENED', 1, 1]]);
    expect(() => peer.server.opened(1, {}, 0)).toThrow(withCode('HAWSER_ERR_MISUSE_CHANNEL_STATE'));
    peer.open(2);
    peer.server.refuse(2, 'APPLICATION_REFUSED', 7, 0);
    const [refused] = framesFrom(peer.server);
    expect(decodeRefused(refused!.payload)).toEqual({ code: ERROR_CODE.APPLICATION_REFUSED, retryAfterMs: 7 });
    expect(() => peer.server.refuse(2, 'CANCELLED', 0, 0)).toThrow(withCode('HAWSER_ERR_MISUSE_CODE'));
    peer.server.refuse(2, 'APPLICATION_REFUSED', 7, 0);
    expect(peer.server.takeOutput()).toEqual([]);
  });

  it('needs no answer when the channel was reset before [CHN-005]', () => {
    const peer = new RawClient();
    peer.open(1);
    peer.reset(1);
    outputOf(peer.server);
    peer.server.opened(1, {}, 0);
    expect(peer.server.takeOutput()).toEqual([]);
  });

  it('is refused with CHANNEL_LIMIT, without a question, while the client holds its channels [CHN-009]', () => {
    const peer = new RawClient({}, { maxChannels: 2 });
    peer.opened(1).opened(2);
    expect(peer.open(3)).toEqual([]);
    const [refused] = framesFrom(peer.server);
    expect(refused).toMatchObject({ name: 'REFUSED', channel: 3 });
    expect(decodeRefused(refused!.payload)).toEqual({ code: ERROR_CODE.CHANNEL_LIMIT, retryAfterMs: 0 });
    peer.end(1);
    peer.server.endChannel(1, 0);
    expect(eventsOf(peer.open(4) as never, 'channel-requested')).toHaveLength(1);
  });

  it('does not find room in a channel that was reset while its application end works on [CHN-011]', () => {
    const peer = new RawClient({}, { maxChannels: 2 });
    peer.opened(1).opened(2);
    peer.reset(1);
    peer.server.resetChannel(2, 'APPLICATION_ERROR', 0);
    peer.reset(2, ERROR_CODE.CHANNEL_CLOSED);
    outputOf(peer.server);
    for (const [channel, released] of [
      [3, 1],
      [5, 2],
    ] as const) {
      expect(peer.open(channel)).toEqual([]);
      peer.server.release(released, 0);
      expect(peer.open(channel + 1)).toMatchObject([{ type: 'channel-requested' }]);
    }
  });

  it('finds room at once when the application end had stopped before [CHN-011]', () => {
    const peer = new RawClient({}, { maxChannels: 1 }).opened(1);
    peer.server.release(1, 0);
    expect(peer.open(2)).toEqual([]); // still open
    peer.reset(1);
    expect(peer.open(3)).toMatchObject([{ type: 'channel-requested' }]);
  });

  it('is for the client, its answers for the server', () => {
    const { client, server } = establishedPair();
    const role = withCode('HAWSER_ERR_MISUSE_ROLE');
    expect(() => server.openChannel('a', {}, 0)).toThrow(role);
    expect(() => client.opened(1, {}, 0)).toThrow(role);
    expect(() => client.refuse(1, 'BUSY', 0, 0)).toThrow(role);
  });
});

describe('the answer to OPEN', () => {
  it('of refusal tells code and time, and closes the channel', () => {
    const peer = new RawServer();
    peer.client.openChannel('a', {}, 0);
    outputOf(peer.client);
    expect(peer.send('REFUSED', 1, '0205 000003e8')).toEqual([
      { type: 'channel-refused', channel: 1, code: 'BUSY', wireCode: 0x0205, retryAfterMs: 1000 },
    ]);
    peer.client.sendMessage(1, new Uint8Array(1), 0);
    expect(peer.client.takeOutput()).toEqual([]);
  });

  it('with a code unknown for REFUSED means APPLICATION_REFUSED [ERR-002]', () => {
    const peer = new RawServer();
    peer.client.openChannel('a', {}, 0);
    expect(peer.send('REFUSED', 1, '0101 00000000')).toMatchObject([{ code: 'APPLICATION_REFUSED', wireCode: 0x0101 }]);
  });

  it('for a channel that was not opened is an error [CHN-003]', () => {
    const peer = new RawServer();
    peer.send('OPENED', 1, '0000');
    expectError(peer.client, 'CHANNEL_INVALID', 'CHN-003');
  });

  it('may not come twice [CHN-003]', () => {
    const peer = new RawServer().opened();
    peer.send('OPENED', 1, '0000');
    expectError(peer.client, 'FRAME_UNEXPECTED', 'CHN-003');
  });

  it('is waited for before anything but RESET is sent [CHN-010]', () => {
    const { client } = establishedPair();
    client.openChannel('a', {}, 0);
    const misuse = withCode('HAWSER_ERR_MISUSE_CHANNEL_STATE');
    expect(() => client.sendMessage(1, new Uint8Array(1), 0)).toThrow(misuse);
    expect(() => client.endChannel(1, 0)).toThrow(misuse);
    client.resetChannel(1, 'CANCELLED', 0);
    expect(framesFrom(client).map(({ name }) => name)).toEqual(['OPEN', 'RESET']);
  });

  it('is discarded after RESET, which has its own answer [CHN-031]', () => {
    const peer = new RawServer();
    for (const [channel, name, payload] of [
      [1, 'OPENED', '0000'],
      [2, 'REFUSED', '0401 00000000'],
    ] as const) {
      peer.client.openChannel('a', {}, 0);
      peer.client.resetChannel(channel, 'CANCELLED', 0);
      expect(peer.send(name, channel, payload)).toEqual([]);
      expect(peer.send('RESET', channel, '0405')).toEqual([{ type: 'channel-closed', channel, sentMessages: 0 }]);
    }
    expect(peer.client.error).toBeUndefined();
  });
});

describe('MESSAGE', () => {
  it('of one frame is delivered as a view into what came in', () => {
    const peer = new RawClient().opened(1);
    const bytes = frame('MESSAGE', '0a0b0c', { flags: FIRST | LAST, channel: 1, seq: 2 });
    const [event] = eventsOf(peer.server.receive(bytes, 0), 'message-received');
    expect(event).toEqual({
      type: 'message-received',
      channel: 1,
      number: 1,
      data: Uint8Array.of(10, 11, 12),
      redelivered: false,
    });
    expect(event!.data.buffer).toBe(bytes.buffer);
  });

  it('of several frames is delivered when its last one has come, with exactly its octets [CHN-015] [CHN-016]', () => {
    const pair = openPair();
    const message = new Uint8Array(40_000).map((_, index) => index % 251);
    pair.client.sendMessage(1, message, 0);
    pair.client.sendMessage(1, new Uint8Array(0), 0);
    const frames = framesFrom(pair.client);
    expect(frames.map(({ flags, payload }) => [flags, payload.length])).toEqual([
      [FIRST, 16_368],
      [0, 16_368],
      [LAST, 7264],
      [FIRST | LAST, 0],
    ]); // [CHN-012] [CHN-019]
    const events = frames.map(({ flags, payload, seq }) =>
      eventsOf(pair.server.receive(encodeFrame('MESSAGE', payload, flags, 1, seq), 0), 'message-received'),
    );
    expect(events.map((list) => list.length)).toEqual([0, 0, 1, 1]);
    expect(events[2]![0]).toMatchObject({ number: 1 });
    expect(Buffer.compare(events[2]![0]!.data, message)).toBe(0);
    expect(events[3]![0]).toMatchObject({ number: 2, data: new Uint8Array(0) });
  });

  it.each([
    ['without FIRST where none is incomplete', [[LAST, 1]], 'CHN-013'],
    [
      'with FIRST where one is incomplete',
      [
        [FIRST, 1],
        [FIRST | LAST, 1],
      ],
      'CHN-013',
    ],
    ['empty with FIRST alone', [[FIRST, 0]], 'CHN-014'],
    [
      'empty with LAST alone',
      [
        [FIRST, 1],
        [LAST, 0],
      ],
      'CHN-014',
    ],
    [
      'empty with neither',
      [
        [FIRST, 1],
        [0, 0],
      ],
      'CHN-014',
    ],
  ] as const)('%s is an error [CHN-013] [CHN-014]', (_, fragments, requirement) => {
    const peer = new RawClient().opened(1);
    for (const [flags, size] of fragments) peer.message(1, flags, size);
    expectError(peer.server, 'FRAGMENT_INVALID', requirement);
  });

  it('beyond the messages granted is an error [CHN-021]', () => {
    const peer = new RawClient({ initialMessageCredit: 2 }).opened(1);
    peer.message(1, 3, 0);
    peer.message(1, 3, 0);
    expect(peer.server.error).toBeUndefined();
    peer.message(1, 3, 0);
    expectError(peer.server, 'CREDIT_EXCEEDED', 'CHN-021');
  });

  it('beyond the octets granted is an error [CHN-021]', () => {
    const peer = new RawClient({ initialByteCredit: 10 }).opened(1);
    peer.message(1, 3, 10);
    expect(peer.server.error).toBeUndefined();
    peer.message(1, 3, 1);
    expectError(peer.server, 'CREDIT_EXCEEDED', 'CHN-021');
  });

  it('that grows beyond the largest one is an error with that fragment [CHN-018]', () => {
    const peer = new RawClient({ maxMessageBytes: 1024 }).opened(1);
    peer.message(1, FIRST, 1000);
    peer.message(1, 0, 24);
    expect(peer.server.error).toBeUndefined();
    peer.message(1, LAST, 1);
    expectError(peer.server, 'MESSAGE_TOO_LARGE', 'CHN-018');
  });

  it('is judged by its fragment first, then by credit, then by its size', () => {
    const limits = { initialByteCredit: 1, maxMessageBytes: 1024 };
    const fragment = new RawClient(limits).opened(1);
    fragment.message(1, LAST, 2000);
    expectError(fragment.server, 'FRAGMENT_INVALID', 'CHN-013');
    const credit = new RawClient(limits).opened(1);
    credit.message(1, 3, 2000);
    expectError(credit.server, 'CREDIT_EXCEEDED', 'CHN-021');
  });

  it('larger than the peer takes is not sent [CHN-017]', () => {
    const pair = openPair({}, { parameters: { maxMessageBytes: 1024 } });
    expect(() => pair.client.sendMessage(1, new Uint8Array(1025), 0)).toThrow(
      withCode('HAWSER_ERR_MISUSE_MESSAGE_TOO_LARGE'),
    );
    pair.client.sendMessage(1, new Uint8Array(1024), 0);
    exchange(pair);
    expect(takeEvents(pair).server).toHaveLength(1);
  });

  it('on a channel that was not opened is an error, and so on one that is closed [CHN-003]', () => {
    const idle = new RawClient();
    idle.message(1, 3, 0);
    expectError(idle.server, 'CHANNEL_INVALID', 'CHN-003');
    const closed = new RawClient().opened(1);
    closed.reset(1);
    outputOf(closed.server);
    closed.message(1, 3, 0);
    expectError(closed.server, 'FRAME_UNEXPECTED', 'CHN-003');
  });

  it('before OPENED is an error [CHN-010]', () => {
    const peer = new RawClient();
    peer.open(1);
    peer.message(1, 3, 0);
    expectError(peer.server, 'FRAME_UNEXPECTED', 'CHN-003');
  });

  it('waits in the queue of its channel, and the owner is told when it has been written', () => {
    const pair = openPair({}, { parameters: { initialMessageCredit: 1 } });
    pair.client.sendMessage(1, new Uint8Array(5), 0);
    expect(pair.client.queuedBytes(1)).toBe(0);
    pair.client.sendMessage(1, new Uint8Array(7), 0);
    pair.client.sendMessage(1, new Uint8Array(8), 0);
    expect(pair.client.queuedBytes(1)).toBe(15);
    exchange(pair);
    expect(eventsOf(takeEvents(pair).client, 'channel-writable')).toEqual([]);
    pair.server.consume(1, 1, 5, 0);
    exchange(pair);
    expect(pair.client.queuedBytes(1)).toBe(8);
    pair.server.consume(1, 1, 7, 0);
    exchange(pair);
    expect(eventsOf(takeEvents(pair).client, 'channel-writable')).toEqual([{ type: 'channel-writable', channel: 1 }]);
  });

  it('takes turns with those of other channels, a large one with many small ones [CHN-019]', () => {
    const pair = openPair();
    openChannel(pair);
    pair.client.sendMessage(1, new Uint8Array(100_000), 0);
    for (let count = 0; count < 20; count += 1) pair.client.sendMessage(2, new Uint8Array(100), 0);
    const order = framesFrom(pair.client).map(({ channel }) => channel);
    expect(order.slice(0, 22)).toEqual([1, ...Array<number>(20).fill(2), 1]);
  });

  it('leaves by as many octets at a time as the transport wants', () => {
    const pair = openPair();
    for (let count = 0; count < 4; count += 1) pair.client.sendMessage(1, new Uint8Array(50_000), 0);
    const sizes: number[] = [];
    for (let taken = pair.client.takeOutput(20_000); taken.length > 0; taken = pair.client.takeOutput(20_000)) {
      sizes.push(taken.reduce((sum, { length }) => sum + length, 0));
    }
    expect(Math.max(...sizes)).toBeLessThan(20_000 + 16_384);
    expect(sizes.length).toBeGreaterThan(5);
  });

  it('of 4,096 octets or more is handed out as it is, a smaller one as a copy', () => {
    const pair = openPair();
    const large = new Uint8Array(4096);
    const small = new Uint8Array(4095);
    pair.client.sendMessage(1, large, 0);
    pair.client.sendMessage(1, small, 0);
    const chunks = pair.client.takeOutput();
    expect(chunks.some(({ buffer }) => buffer === large.buffer)).toBe(true);
    expect(chunks.some(({ buffer }) => buffer === small.buffer)).toBe(false);
  });
});

describe('CREDIT', () => {
  it('is not needed for anything but messages [CHN-023]', () => {
    const none = { parameters: { initialMessageCredit: 0, initialByteCredit: 0 } };
    const pair = establishedPair(none, none);
    pair.client.openChannel('a', {}, 0);
    exchange(pair);
    pair.server.opened(1, {}, 0);
    pair.server.endChannel(1, 0);
    exchange(pair);
    expect(takeEvents(pair).client.map(({ type }) => type)).toEqual(['channel-opened', 'channel-ended']);
  });

  it('is never exceeded, in messages and in octets [CHN-020]', () => {
    const peer = new RawServer().opened();
    for (let count = 0; count < 100; count += 1) peer.client.sendMessage(1, new Uint8Array(1), 0);
    expect(framesFrom(peer.client)).toHaveLength(64);
    peer.client.receive(frame('CREDIT', '0000000000000042 0000000000100000', { channel: 1 }), 0);
    expect(framesFrom(peer.client)).toHaveLength(2);
    peer.client.receive(frame('CREDIT', '0000000000000400 0000000000100000', { channel: 1 }), 0);
    peer.client.sendMessage(1, new Uint8Array(1_048_500), 0);
    const sent = framesFrom(peer.client).reduce((sum, { payload }) => sum + payload.length, 0);
    expect(sent).toBe(1_048_576 - 66);
  });

  it.each([
    ['raises nothing', 64, 1_048_576],
    ['lowers the messages', 63, 1_048_577],
    ['lowers the octets', 65, 1_048_575],
  ])('that %s is an error [CHN-022]', (_, messageLimit, byteLimit) => {
    const peer = new RawClient().opened(1);
    peer.credit(1, messageLimit, byteLimit);
    expectError(peer.server, 'CREDIT_INVALID', 'CHN-022');
  });

  it('that raises one limit is right', () => {
    const peer = new RawClient().opened(1);
    peer.credit(1, 65, 1_048_576);
    peer.credit(1, 65, 1_048_577);
    peer.credit(1, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
    expect(peer.server.error).toBeUndefined();
  });

  it('that its state ignores is decoded and not checked further', () => {
    const peer = new RawClient().opened(1);
    peer.server.endChannel(1, 0);
    peer.credit(1, 0, 0);
    peer.end(1);
    peer.credit(1, 0, 0);
    expect(peer.server.error).toBeUndefined();
    peer.server.receive(frame('CREDIT', '00', { channel: 1 }), 0);
    expect(peer.server.error).toMatchObject({ wireName: 'FRAME_MALFORMED' });
  });

  it('is granted again when half of the last grant is consumed, once for all that was consumed [CHN-025]', () => {
    const peer = new RawClient({ initialMessageCredit: 10 }).opened(1);
    for (let count = 0; count < 10; count += 1) peer.message(1, 3, 1);
    peer.server.consume(1, 4, 4, 0);
    expect(framesFrom(peer.server)).toEqual([]);
    peer.server.consume(1, 1, 1, 0);
    peer.server.consume(1, 2, 2, 0);
    const frames = framesFrom(peer.server);
    expect(frames.map(({ name, channel, seq }) => [name, channel, seq])).toEqual([['CREDIT', 1, 0]]);
    expect(decodeCredit(frames[0]!.payload)).toEqual({ messageLimit: 17, byteLimit: 1_048_576 + 7 });
  });

  it('is granted for octets too [CHN-025]', () => {
    const peer = new RawClient({ initialByteCredit: 1000 }).opened(1);
    peer.message(1, 3, 500);
    peer.server.consume(1, 1, 500, 0);
    expect(decodeCredit(framesFrom(peer.server)[0]!.payload)).toEqual({ messageLimit: 65, byteLimit: 1500 });
  });

  it('is never granted beyond the window for what was not consumed [CHN-026]', () => {
    const peer = new RawClient({ initialMessageCredit: 4 }).opened(1);
    for (let count = 0; count < 4; count += 1) peer.message(1, 3, 10);
    expect(framesFrom(peer.server)).toEqual([]);
  });

  it('is granted for the largest message as soon as one has begun [CHN-024]', () => {
    const peer = new RawClient({ initialByteCredit: 100, maxMessageBytes: 5000 }).opened(1);
    peer.message(1, 3, 10);
    peer.message(1, FIRST, 20);
    expect(decodeCredit(framesFrom(peer.server)[0]!.payload)).toEqual({ messageLimit: 64, byteLimit: 5010 });
    peer.message(1, LAST, 4980);
    expect(peer.server.error).toBeUndefined();
  });

  it('starts with the window of the default where nothing was declared to begin with', () => {
    const peer = new RawClient({ initialMessageCredit: 0, initialByteCredit: 0 });
    peer.open(1);
    peer.server.opened(1, {}, 0);
    const frames = framesFrom(peer.server);
    expect(frames.map(({ name }) => name)).toEqual(['OPENED', 'CREDIT']);
    expect(decodeCredit(frames[1]!.payload)).toEqual({ messageLimit: 64, byteLimit: 1_048_576 });
  });

  it('is not granted for a channel on which nothing more can come', () => {
    const peer = new RawClient({ initialMessageCredit: 2 }).opened(1);
    peer.message(1, 3, 1);
    peer.end(1);
    peer.server.consume(1, 1, 1, 0);
    expect(framesFrom(peer.server)).toEqual([]);
  });

  it('is not granted for more than has come', () => {
    const peer = new RawClient().opened(1);
    peer.message(1, 3, 1);
    expect(() => peer.server.consume(1, 2, 1, 0)).toThrow(withCode('HAWSER_ERR_MISUSE_CONSUME'));
    expect(() => peer.server.consume(1, 1, 2, 0)).toThrow(withCode('HAWSER_ERR_MISUSE_CONSUME'));
  });
});

describe('END', () => {
  it('follows what is queued, and nothing follows it [CHN-028]', () => {
    const pair = openPair({}, { parameters: { initialMessageCredit: 1 } });
    pair.client.sendMessage(1, new Uint8Array(1), 0);
    pair.client.sendMessage(1, new Uint8Array(2), 0);
    pair.client.endChannel(1, 0);
    const misuse = withCode('HAWSER_ERR_MISUSE_CHANNEL_STATE');
    expect(() => pair.client.sendMessage(1, new Uint8Array(3), 0)).toThrow(misuse);
    expect(() => pair.client.endChannel(1, 0)).toThrow(misuse);
    exchange(pair);
    expect(takeEvents(pair).server.map(({ type }) => type)).toEqual(['message-received']);
    pair.server.consume(1, 1, 1, 0);
    exchange(pair);
    expect(takeEvents(pair).server.map(({ type }) => type)).toEqual(['message-received', 'channel-ended']);
    expect(() => pair.client.sendMessage(1, new Uint8Array(3), 0)).toThrow(misuse);
  });

  it('leaves the other direction open, and closes the channel from both sides', () => {
    const pair = openPair();
    pair.client.endChannel(1, 0);
    exchange(pair);
    pair.server.sendMessage(1, Uint8Array.of(9), 0);
    pair.server.endChannel(1, 0);
    exchange(pair);
    const events = takeEvents(pair);
    expect(events.client.map(({ type }) => type)).toEqual(['message-received', 'channel-ended', 'channel-closed']);
    expect(events.server.map(({ type }) => type)).toEqual(['channel-ended', 'channel-closed']);
  });

  it('while a message is incomplete is an error [CHN-027]', () => {
    const peer = new RawClient().opened(1);
    peer.message(1, FIRST, 1);
    peer.end(1);
    expectError(peer.server, 'FRAGMENT_INVALID', 'CHN-027');
  });

  it('is followed by nothing but RESET and CREDIT [CHN-003] [CHN-028]', () => {
    const peer = new RawClient().opened(1);
    peer.end(1);
    peer.message(1, 3, 0);
    expectError(peer.server, 'FRAME_UNEXPECTED', 'CHN-003');
  });
});

describe('RESET', () => {
  it('is answered with RESET(CHANNEL_CLOSED), and nothing else is sent on the channel [CHN-029] [CHN-030]', () => {
    const pair = openPair({}, { parameters: { initialMessageCredit: 0 } });
    pair.client.sendMessage(1, new Uint8Array(1), 0);
    exchange(pair);
    pair.server.sendMessage(1, new Uint8Array(100_000), 0);
    pair.client.resetChannel(1, 'CANCELLED', 0);
    pair.server.receive(outputOf(pair.client), 0);
    pair.server.sendMessage(1, new Uint8Array(1), 0);
    pair.server.endChannel(1, 0);
    pair.server.resetChannel(1, 'CANCELLED', 0);
    const frames = framesFrom(pair.server);
    expect(frames.map(({ name }) => name)).toEqual(['RESET']);
    expect(ERROR_NAME[decodeReset(frames[0]!.payload).code]).toBe('CHANNEL_CLOSED');
  });

  it('is reported with its code, or what an unknown one means [ERR-002]', () => {
    const peer = new RawClient().opened(1).opened(2);
    expect(peer.reset(1)).toEqual([
      { type: 'channel-reset', channel: 1, sentMessages: 0, code: 'CANCELLED', wireCode: 0x0403 },
    ]);
    expect(peer.reset(2, 0x0101)).toEqual([
      { type: 'channel-reset', channel: 2, sentMessages: 0, code: 'APPLICATION_ERROR', wireCode: 0x0101 },
    ]);
  });

  it('discards what is queued and what is incomplete', () => {
    const pair = openPair();
    pair.server.sendMessage(1, new Uint8Array(100_000), 0);
    for (const chunk of pair.server.takeOutput(1)) pair.client.receive(chunk, 0);
    expect(pair.server.queuedBytes(1)).toBeGreaterThan(0);
    pair.server.resetChannel(1, 'APPLICATION_ERROR', 0);
    expect(pair.server.queuedBytes(1)).toBe(0);
    exchange(pair);
    expect(takeEvents(pair).server).toEqual([{ type: 'channel-closed', channel: 1, sentMessages: 0 }]);
  });

  it('sent, discards what comes until the channel is closed, and counts it [CHN-031]', () => {
    const peer = new RawClient().opened(1).opened(2);
    peer.server.resetChannel(1, 'APPLICATION_ERROR', 0);
    // Nothing of this would be right on an open channel.
    expect(peer.message(1, LAST, 0)).toEqual([]);
    expect(peer.credit(1, 0, 0)).toEqual([]);
    expect(peer.reset(1, ERROR_CODE.CHANNEL_CLOSED)).toEqual([{ type: 'channel-closed', channel: 1, sentMessages: 0 }]);
    expect(peer.message(2, 3, 1)).toMatchObject([{ type: 'message-received' }]);
    expect(peer.server.error).toBeUndefined();
    expect(framesFrom(peer.server).map(({ name }) => name)).toEqual(['RESET']);
  });

  it('sent, waits for its answer behind an END that was on its way [CHN-031]', () => {
    const peer = new RawClient().opened(1);
    peer.server.resetChannel(1, 'APPLICATION_ERROR', 0);
    expect(peer.end(1)).toEqual([]);
    expect(peer.reset(1)).toEqual([{ type: 'channel-closed', channel: 1, sentMessages: 0 }]);
    expect(peer.server.error).toBeUndefined();
  });

  it('on a closed channel is answered, and nothing is reported [CHN-029]', () => {
    const peer = new RawClient().opened(1);
    peer.end(1);
    peer.server.endChannel(1, 0);
    framesFrom(peer.server);
    expect(peer.server.takeEvents()).toEqual([{ type: 'channel-closed', channel: 1, sentMessages: 0 }]);
    expect(peer.reset(1)).toEqual([]);
    expect(framesFrom(peer.server).map(({ name }) => name)).toEqual(['RESET']);
    expect(peer.server.error).toBeUndefined();
  });

  it('from both ends at the same time closes the channel at both', () => {
    const pair = openPair();
    pair.client.resetChannel(1, 'CANCELLED', 0);
    pair.server.resetChannel(1, 'APPLICATION_ERROR', 0);
    exchange(pair);
    const events = takeEvents(pair);
    expect([events.client, events.server]).toEqual([
      [{ type: 'channel-closed', channel: 1, sentMessages: 0 }],
      [{ type: 'channel-closed', channel: 1, sentMessages: 0 }],
    ]);
  });

  it('leaves every other channel undisturbed [CHN-032]', () => {
    const pair = openPair();
    openChannel(pair);
    pair.client.sendMessage(2, new Uint8Array(30_000), 0);
    pair.client.takeOutput(1);
    pair.client.resetChannel(1, 'CANCELLED', 0);
    pair.server.resetChannel(1, 'CANCELLED', 0);
    expect(pair.client.queuedBytes(2)).toBeGreaterThan(0);
    expect(framesFrom(pair.client).map(({ name, channel }) => [name, channel])).toEqual([
      ['RESET', 1],
      ['MESSAGE', 2],
    ]);
  });

  it('only carries codes that the registry lists for it [ERR-001]', () => {
    const pair = openPair();
    expect(() => pair.client.resetChannel(1, 'BUSY', 0)).toThrow(withCode('HAWSER_ERR_MISUSE_CODE'));
  });

  it('is not how a server answers OPEN', () => {
    const peer = new RawClient();
    peer.open(1);
    expect(() => peer.server.resetChannel(1, 'APPLICATION_ERROR', 0)).toThrow(
      withCode('HAWSER_ERR_MISUSE_CHANNEL_STATE'),
    );
  });
});

describe('a channel number', () => {
  it.each([0, 1, -1, 1.5, Number.NaN])('%d that was never given out is misuse', (channel) => {
    const { client } = establishedPair();
    expect(() => client.sendMessage(channel, new Uint8Array(0), 0)).toThrow(withCode('HAWSER_ERR_MISUSE_CHANNEL'));
  });

  it('counts REFUSED like any other sequenced frame [WIR-010]', () => {
    const peer = new RawClient({}, { maxChannels: 1 }).opened(1);
    peer.open(2);
    peer.open(3);
    expect(framesFrom(peer.server).map(({ name, seq }) => [name, seq])).toEqual([
      ['REFUSED', 2],
      ['REFUSED', 3],
    ]);
    expect(encodeRefused({ code: 0, retryAfterMs: 0 })).toHaveLength(6);
  });
});

describe('a channel that is paused (RLY-035)', () => {
  it.each([[[]], [['message']]])('keeps END back until it is resumed, behind %j', (messages) => {
    const pair = openPair();
    const { session } = pair.client;
    session?.pauseChannel(1);
    for (const message of messages) pair.client.sendMessage(1, Buffer.from(message), 0);
    pair.client.endChannel(1, 0);
    exchange(pair);
    expect(takeEvents(pair).server).toEqual([]);
    session?.resumeChannel(1);
    exchange(pair);
    const types = takeEvents(pair).server.map(({ type }) => type);
    expect(types).toEqual([...messages.map(() => 'message-received'), 'channel-ended']);
  });
});
