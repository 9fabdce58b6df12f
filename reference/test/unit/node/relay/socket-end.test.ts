import { once } from 'node:events';
import { type AddressInfo, type Socket, createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TransportError } from '../../../../core/index.ts';
import { type ChannelEnd, DeadlineQueue, silentLog } from '../../../../node/index.ts';
import { systemEnvironment } from '../../../../node/environment.ts';
import { ChannelRecord } from '../../../../node/relay/channel-record.ts';
import { CircuitBreaker } from '../../../../node/relay/circuit-breaker.ts';
import { leadToSocket } from '../../../../node/relay/socket-end.ts';
import { ChannelDouble } from './channel-double.ts';

const environment = { ...systemEnvironment, deadlines: new DeadlineQueue() };
const server = createServer({ allowHalfOpen: true });
let connection: Promise<Socket>;

async function nextConnection(): Promise<Socket> {
  const [socket] = (await once(server, 'connection')) as [Socket];
  return socket.on('error', () => undefined);
}

beforeEach(async () => {
  connection = nextConnection();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(async () => {
  server.close();
  server.removeAllListeners('connection');
  await once(server, 'close');
});

/** Leads a channel to the server. */
function lead(channel: ChannelDouble): Promise<void> {
  const [endpoint, request] = channel.parts;
  const { port } = server.address() as AddressInfo;
  const { application } = channel;
  return leadToSocket(endpoint, request, {
    route: { kind: 'tcp', application, host: '127.0.0.1', port, framing: 'line', proxy: false },
    breaker: new CircuitBreaker({ failures: 1, openMs: 1000 }, environment),
    connectTimeoutMs: 5000,
    retry: { attempts: 1, firstBoundMs: 0 },
    relayIdentity: 'spiffe://hawser.test/relay',
    record: new ChannelRecord(
      { session: '', channel: 1, identity: '', relays: [], application, end: 'tcp://127.0.0.1' },
      0,
    ),
    environment,
    log: silentLog,
  });
}

const SESSION_ENDED: ChannelEnd = {
  type: 'session-ended',
  error: new TransportError('HAWSER_ERR_TRANSPORT_SESSION_ENDED', 'established', 'A test.'),
};

describe('leadToSocket', () => {
  it('gives up a channel that was open before a crash: nothing is sent a second time [RLY-022]', async () => {
    const channel = new ChannelDouble({ restored: true });
    await lead(channel);
    expect(channel.calls).toEqual(['reset APPLICATION_LOST']);
  });

  it('does not connect a channel that was asked for before a restart, perhaps for the second time [RLY-022]', async () => {
    const channel = new ChannelDouble({ again: true, restored: false });
    await lead(channel);
    expect(channel.calls).toEqual(['refuse ROUTE_UNREACHABLE 0']);
  });

  it('gives no verdicts, and resets with NO_ERROR when everything is written and has left [RLY-030]', async () => {
    const channel = new ChannelDouble({ outcomes: true });
    let leave: () => void = () => undefined;
    channel.written = new Promise((resolve) => (leave = resolve));
    const over = lead(channel);
    const socket = await connection;
    socket.end('answer\n');
    const octets = once(socket, 'data');
    while (channel.onMessage === undefined) await new Promise(setImmediate);
    expect(channel.withholdsVerdicts).toBe(true);
    await channel.onMessage(Buffer.from('question'), 1, false);
    expect(String((await octets)[0])).toBe('question\n');
    channel.onEnd?.();
    await once(socket, 'close');
    expect(channel.calls).toEqual(['accept', 'send answer', 'end']);
    leave();
    await over;
    expect(channel.calls).toEqual(['accept', 'send answer', 'end', 'reset NO_ERROR']);
  });

  it('leaves a channel without outcomes as it is when both directions have ended', async () => {
    const channel = new ChannelDouble();
    const over = lead(channel);
    const socket = await connection;
    socket.end();
    socket.resume();
    while (channel.onEnd === undefined) await new Promise(setImmediate);
    channel.onEnd();
    await over;
    expect(channel.calls).toEqual(['accept', 'end']);
    expect(channel.withholdsVerdicts).toBeUndefined();
  });

  it('holds back what a client has sent whose certificate is revoked, until it is back [RLY-035]', async () => {
    const channel = new ChannelDouble();
    const over = lead(channel);
    const socket = await connection;
    while (channel.onMessage === undefined) await new Promise(setImmediate);
    await channel.onMessage(Buffer.from('before'), 1, false);
    channel.session.emit('revoked');
    let written = false;
    const held = Promise.resolve(channel.onMessage(Buffer.from('after'), 2, false)).then(() => (written = true));
    channel.onEnd?.();
    // A message of another channel arrives at once: this one would have.
    const other = new ChannelDouble();
    const otherConnection = nextConnection();
    void lead(other);
    const otherSocket = await otherConnection;
    while (other.onMessage === undefined) await new Promise(setImmediate);
    await other.onMessage(Buffer.from('other'), 1, false);
    expect(written).toBe(false);
    channel.session.emit('attached');
    await held;
    const octets: Buffer[] = [];
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) octets.push(chunk as Buffer);
    expect(Buffer.concat(octets).toString()).toBe('before\nafter\n');
    socket.end();
    await over;
    otherSocket.destroy();
  });

  it('connects for no client whose certificate is revoked', async () => {
    const channel = new ChannelDouble();
    channel.session.revoked = true;
    await lead(channel);
    expect(channel.calls).toEqual(['refuse ROUTE_UNREACHABLE 0']);
  });

  it('settles nothing that was held back when the session ends, and lets go of the channel [RLY-023]', async () => {
    const channel = new ChannelDouble();
    const over = lead(channel);
    const socket = await connection;
    while (channel.onMessage === undefined) await new Promise(setImmediate);
    channel.session.emit('revoked');
    const held = channel.onMessage(Buffer.from('never'), 1, false);
    const octets: unknown[] = [];
    socket.on('data', (chunk) => octets.push(chunk));
    const cut = once(socket, 'error');
    channel.close(SESSION_ENDED);
    channel.session.emit('closed');
    expect(await cut).toMatchObject([{ code: 'ECONNRESET' }]);
    await Promise.all([held, over]);
    expect(octets).toEqual([]);
  });

  it('listens to a session once, however many channels it carries', async () => {
    const channel = new ChannelDouble();
    server.on('connection', (socket: Socket) => socket.on('error', () => undefined));
    const channels = Array.from({ length: 20 }, () => lead(channel));
    while (channel.calls.length < channels.length) await new Promise(setImmediate);
    expect(channel.session.listenerCount('closed')).toBe(1);
    channel.session.emit('closed');
    await Promise.all(channels);
  });
});
