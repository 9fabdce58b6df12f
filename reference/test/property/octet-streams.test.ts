import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { type Connection, createClientConnection, createServerConnection, type Event } from '../../core/index.ts';
import { clientOptions, outputOf, serverOptions } from '../unit/core/pair.ts';
import { framesIn, hex } from '../unit/core/wire.ts';

// Many runs on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

/** What an end of one session receives: with the same octets for randomness it is the same each time. */
interface Recording {
  /** CONNECT, or CHALLENGE and ACCEPT. */
  readonly establishment: Uint8Array;
  /** What opens the channels. */
  readonly opening: Uint8Array;
  /** Messages of all sizes, PING and PONG, END, RESET and at last CLOSE. */
  readonly session: Uint8Array;
}

/** Makes the receiver of a recording; an established one has its channels open and has done its own part. */
type Receiver = (established: boolean) => Connection;

function newClient(): Connection {
  return createClientConnection(clientOptions({ grease: true }));
}

function newServer(): Connection {
  return createServerConnection(serverOptions({ grease: true }));
}

function askForChannels(client: Connection): void {
  for (const application of ['one', 'two', 'three']) client.openChannel(application, {}, 0);
}

function answerForChannels(server: Connection): void {
  server.opened(1, { applicationData: Uint8Array.of(7) }, 0);
  server.opened(2, {}, 0);
  server.refuse(3, 'APPLICATION_REFUSED', 10, 0);
}

function send(end: Connection, messages: readonly (readonly [number, number])[]): void {
  for (const [channel, size] of messages) end.sendMessage(channel, new Uint8Array(size).fill(size), 0);
  end.ping(0);
  end.endChannel(1, 0);
}

function playClient(client: Connection): void {
  send(client, [
    [1, 0],
    [1, 64],
    [2, 40_000],
    [1, 3],
  ]);
}

function playServer(server: Connection): void {
  send(server, [
    [1, 5000],
    [2, 40_000],
    [1, 1],
  ]);
}

function record(): { readonly toServer: Recording; readonly toClient: Recording } {
  const client = newClient();
  const server = newServer();
  const challenge = outputOf(server);
  client.receive(challenge, 0);
  const connect = outputOf(client);
  server.receive(connect, 0);
  server.accept({}, 0);
  const accept = outputOf(server);
  client.receive(accept, 0);
  askForChannels(client);
  const asking = outputOf(client);
  server.receive(asking, 0);
  answerForChannels(server);
  const answering = outputOf(server);
  client.receive(answering, 0);
  playClient(client);
  playServer(server);
  const sent = { client: [] as Uint8Array[], server: [] as Uint8Array[] };
  const carry = (): void => {
    for (let moved = true; moved;) {
      const toServer = outputOf(client);
      const toClient = outputOf(server);
      server.receive(toServer, 0);
      client.receive(toClient, 0);
      sent.client.push(toServer);
      sent.server.push(toClient);
      moved = toServer.length + toClient.length > 0;
    }
  };
  carry();
  server.resetChannel(2, 'APPLICATION_ERROR', 0);
  carry();
  client.close('NO_ERROR', 0);
  carry();
  return {
    toServer: { establishment: connect, opening: asking, session: join(sent.client) },
    toClient: { establishment: join([challenge, accept]), opening: answering, session: join(sent.server) },
  };
}

function join(chunks: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(chunks));
}

const RECORDED = record();

const serverReceiver: Receiver = (established) => {
  const server = newServer();
  if (!established) return server;
  server.receive(RECORDED.toServer.establishment, 0);
  server.accept({}, 0);
  server.receive(RECORDED.toServer.opening, 0);
  answerForChannels(server);
  playServer(server);
  outputOf(server);
  server.resetChannel(2, 'APPLICATION_ERROR', 0);
  outputOf(server);
  return server;
};

const clientReceiver: Receiver = (established) => {
  const client = newClient();
  if (!established) return client;
  client.receive(RECORDED.toClient.establishment, 0);
  askForChannels(client);
  outputOf(client);
  client.receive(RECORDED.toClient.opening, 0);
  playClient(client);
  outputOf(client);
  return client;
};

/** Gives octets in chunks of the sizes given, repeated; returns everything that an observer can tell. */
function feed(receiver: Receiver, established: boolean, stream: Uint8Array, sizes: readonly number[]): unknown {
  const connection = receiver(established);
  const events: unknown[] = [];
  for (let offset = 0, turn = 0; offset < stream.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? stream.length;
    events.push(...connection.receive(stream.slice(offset, offset + size), 0).map(describeEvent));
    offset += size;
  }
  events.push(...connection.takeEvents().map(describeEvent));
  return {
    events,
    state: connection.state,
    error: connection.error?.code,
    output: hex(outputOf(connection)),
    outputEnded: connection.outputEnded,
  };
}

function describeEvent(event: Event): unknown {
  if (event.type === 'message-received') return { ...event, data: hex(event.data) };
  return event.type === 'closed' ? { ...event, error: event.error?.message } : event;
}

const chunkSizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 20_000 })), {
  minLength: 1,
  maxLength: 8,
});

/** Small changes to a stream: octets replaced, cut out or put in. */
const changes = fc.array(
  fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    remove: fc.nat({ max: 3 }),
    insert: fc.uint8Array({ maxLength: 3 }),
  }),
  { minLength: 1, maxLength: 3 },
);

function change(
  stream: Uint8Array,
  list: readonly { readonly at: number; readonly remove: number; readonly insert: Uint8Array }[],
): Uint8Array {
  let changed = Buffer.from(stream);
  for (const { at, remove, insert } of list) {
    const offset = Math.floor(at * changed.length);
    changed = Buffer.concat([changed.subarray(0, offset), insert, changed.subarray(offset + remove)]);
  }
  return new Uint8Array(changed);
}

/** Whatever came before, the end of the transport ends the connection, and says so once. */
function expectEnd(connection: Connection, events: readonly Event[]): void {
  const all = [...events, ...connection.transportEnded(1)];
  expect(connection.state).toBe('closed');
  expect(connection.finished).toBe(true);
  expect(connection.nextDeadline()).toBeUndefined();
  expect(all.filter(({ type }) => type === 'closed')).toHaveLength(1);
  expect(all.at(-1)!.type).toBe('closed');
}

describe.each([
  ['a server', serverReceiver, RECORDED.toServer],
  ['a client', clientReceiver, RECORDED.toClient],
] as const)('%s', (_, receiver, recording) => {
  it('tells the same of a session in any chunks [WIR-002]', () => {
    fc.assert(
      fc.property(chunkSizes, (sizes) => {
        expect(feed(receiver, true, recording.session, sizes)).toEqual(feed(receiver, true, recording.session, []));
      }),
      { numRuns: 50 },
    );
  });

  it('tells the same of a damaged session in any chunks, and never throws', () => {
    fc.assert(
      fc.property(chunkSizes, changes, (sizes, list) => {
        const damaged = change(recording.session, list);
        expect(feed(receiver, true, damaged, sizes)).toEqual(feed(receiver, true, damaged, []));
      }),
      { numRuns: 150 },
    );
  });

  it('tells the same of a damaged establishment in any chunks, and never throws', () => {
    fc.assert(
      fc.property(chunkSizes, changes, (sizes, list) => {
        const damaged = change(recording.establishment, list);
        expect(feed(receiver, false, damaged, sizes)).toEqual(feed(receiver, false, damaged, []));
      }),
      { numRuns: 150 },
    );
  });

  it('waits after every strict prefix of a session', () => {
    const last = framesIn(recording.session).at(-1)!;
    expect(last.name).toBe('CLOSE');
    const withoutClose = recording.session.length - 16 - last.payload.length;
    fc.assert(
      fc.property(fc.nat({ max: withoutClose + 16 + 17 }), (length) => {
        expect(feed(receiver, true, recording.session.subarray(0, length), [])).toMatchObject({
          state: 'established',
          error: undefined,
          outputEnded: false,
        });
      }),
      { numRuns: 50 },
    );
    expect(feed(receiver, true, recording.session, [])).toMatchObject({ state: 'closed', error: undefined });
  });

  it('ends in order or with an error whatever octets come, and never throws', () => {
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 5 }),
        (established, chunks) => {
          const connection = receiver(established);
          const events = chunks.flatMap((chunk) => connection.receive(chunk, 0));
          if (connection.error !== undefined) expect(connection.outputEnded).toBe(true);
          expectEnd(connection, [...connection.takeEvents(), ...events]);
        },
      ),
    );
  });

  it('ends in order or with an error whatever frames come, and never throws', () => {
    const header = fc.record({
      type: fc.oneof(
        fc.constantFrom(1, 2, 3, 4, 0x10, 0x11, 0x14, 0x20, 0x21, 0x22, 0x28, 0x29, 0x2b, 0x2c),
        fc.nat({ max: 255 }),
      ),
      flags: fc.constantFrom(0, 0, 0, 1, 2, 3, 4),
      channel: fc.constantFrom(0, 0, 1, 1, 2, 0xffffffff),
      seq: fc.constantFrom(0, 0, 1, 2, 3),
      payload: fc.oneof(
        fc.uint8Array({ maxLength: 40 }),
        fc.constant(new Uint8Array(16)),
        fc.constant(new Uint8Array(8)),
      ),
    });
    fc.assert(
      fc.property(fc.boolean(), fc.array(header, { maxLength: 8 }), (established, headers) => {
        const connection = receiver(established);
        const frames = headers.map(({ type, flags, channel, seq, payload }) => {
          const head = Buffer.alloc(16);
          head.writeUInt8(type, 0);
          head.writeUInt8(flags, 1);
          head.writeUInt16BE(payload.length, 2);
          head.writeUInt32BE(channel, 4);
          head.writeUInt32BE(seq, 12);
          return Buffer.concat([head, payload]);
        });
        const events = frames.flatMap((bytes) => connection.receive(new Uint8Array(bytes), 0));
        if (connection.error !== undefined) expect(connection.outputEnded).toBe(true);
        expectEnd(connection, events);
      }),
      { numRuns: 300 },
    );
  });
});
